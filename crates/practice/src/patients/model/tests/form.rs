use super::*;

fn typed(family: &str, given: &str) -> PatientForm {
    PatientForm { family: family.into(), given: given.into(), ..PatientForm::default() }
}

fn read(form: &PatientForm) -> Result<Demographics, Vec<(&'static str, String)>> {
    let parsed = form.parse(DateOrder::DayMonthYear, TODAY);
    parsed
        .map(|draft| draft.demographics())
        .map_err(|errors| errors.into_iter().map(|e| (e.field, e.message)).collect())
}

#[test]
fn a_filled_form_becomes_a_patient() {
    let form = PatientForm {
        title: "Dr".into(),
        preferred: "Ash".into(),
        birth_date: "22/11/1980".into(),
        gender: "female".into(),
        pronouns: "she/her".into(),
        phone: "+27 82 555 0123".into(),
        email: "asha@example.com".into(),
        address: "12 Main Road\r\n\r\nObservatory".into(),
        city: "Cape Town".into(),
        postal_code: "7925".into(),
        language: "isiXhosa".into(),
        ..typed("  Naidoo ", "Asha  Devi")
    };
    let patient = read(&form).unwrap();
    assert_eq!(patient.name().unwrap().display(), "Dr Asha Devi Naidoo");
    assert_eq!(patient.name().unwrap().given, ["Asha", "Devi"]);
    assert_eq!(patient.preferred_name().unwrap().display(), "Ash");
    assert_eq!(patient.birth.unwrap().to_string(), "22 Nov 1980");
    assert_eq!(patient.gender, Some(Gender::Female));
    assert_eq!(patient.contacts_of(ContactSystem::Email)[0].value.as_deref(), Some("asha@example.com"));
    assert_eq!(patient.addresses[0].lines(), ["12 Main Road", "Observatory", "Cape Town, 7925"]);
    assert_eq!(patient.languages[0].language.words(), Some("isiXhosa"));
    // The form fills again with what it gave.
    assert_eq!(PatientForm::of(&patient, DateOrder::DayMonthYear).given, "Asha Devi");
    assert_eq!(patient.rest, serde_json::Value::Null);
}

#[test]
fn errors_say_what_to_write_in_the_order_of_the_form() {
    let form = PatientForm {
        birth_date: "23/11/2026".into(),
        gender: "purple".into(),
        phone: "call me".into(),
        email: "asha@home".into(),
        address: "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11".into(),
        city: "Cape\u{7}Town".into(),
        ..typed(" \u{200B} ", "")
    };
    let errors = read(&form).unwrap_err();
    let expected = [
        ("family", "Enter a family name or a given name"),
        ("birth_date", "Enter a birth date in the past"),
        ("gender", "Choose one of the genders listed, or leave it empty"),
        ("phone", "Enter a telephone number, such as 082 555 0123 or +27 82 555 0123"),
        ("email", "Enter an e-mail address, such as name@example.com"),
        ("address", "The address must be 10 lines or fewer"),
        ("city", "City or town contains characters that cannot be printed: type it again"),
    ];
    assert_eq!(errors, expected.map(|(field, message)| (field, message.to_owned())));
}

#[test]
fn a_name_of_ten_thousand_characters_or_with_nul_is_refused_and_not_repeated() {
    let long = "अ".repeat(10_000);
    let errors = read(&typed(&long, "Asha\u{0}")).unwrap_err();
    let expected = [
        ("family", "Family name must be 300 characters or fewer"),
        ("given", "Given name contains characters that cannot be printed: type it again"),
    ];
    assert_eq!(errors, expected.map(|(field, message)| (field, message.to_owned())));
    assert!(read(&typed(&"अ".repeat(300), "")).is_ok());
}

#[test]
fn birth_dates_of_the_future_year_nought_and_long_ago_are_refused() {
    let errors =
        |text: &str| read(&PatientForm { birth_date: text.into(), ..typed("Ng", "") }).unwrap_err()[0].1.clone();
    assert_eq!(errors("31/12/9999"), "Enter a birth date in the past");
    assert_eq!(errors("01/01/0000"), "Enter a year of birth from 0001 on: there is no year 0");
    assert_eq!(errors("22/11/1880"), "Enter a birth date within the last 130 years");
    assert_eq!(errors("0190"), "Enter a birth date within the last 130 years");
}

#[test]
fn names_of_any_script_are_kept_as_typed_in_nfc() {
    for (family, given) in [
        ("王", "小明"),
        ("王芳", ""),
        ("", "محمد"),
        ("शर्मा", "राम"),
        ("כהן\u{200F}", "דוד"),
        ("O'Neill-Ó Néill", "Zoë"),
        ("👩‍⚕️", "😀"),
    ] {
        let patient = read(&typed(family, given)).unwrap();
        let name = patient.name().unwrap();
        assert_eq!(name.family.as_deref().unwrap_or(""), family);
        assert_eq!(name.given.join(" "), given);
    }
    // Two ways to write é are one name.
    assert_eq!(read(&typed("e\u{301}", "")).unwrap(), read(&typed("é", "")).unwrap());
}

#[test]
fn telephone_numbers_and_mail_addresses_are_read_loosely() {
    let phone = |text: &str| read(&PatientForm { phone: text.into(), ..typed("Ng", "") }).is_ok();
    assert!(phone("082 555 0123") && phone("+44 (0)20 7946 0958 ext. 12") && phone("٠٨٢ ٥٥٥ ٠١٢٣") && phone("112"));
    assert!(!phone("12") && !phone("123456789012345678901") && !phone("0825550123<script>"));
    let email = |text: &str| read(&PatientForm { email: text.into(), ..typed("Ng", "") }).is_ok();
    assert!(email("a@b.co") && email("o'neill+x@sub.example.org") && email("用户@例子.中国"));
    assert!(!email("a@b") && !email("a b@c.de") && !email("@b.co") && !email("a@b..co") && !email("a@@b.co"));
    assert!(!email(&format!("{}@b.co", "a".repeat(250))));
}

/// A patient with more than a form can show.
fn known() -> Demographics {
    serde_json::from_value(json!({
        "names": [
            {"use": "official", "family": "Naidoo", "given": ["Asha", "Mary Jane"], "prefix": ["Dr"], "suffix": ["MD"],
             "extension": [{"url": "x"}]},
            {"use": "maiden", "family": "Pillay", "given": ["Asha"]},
        ],
        "birth": "1980-11",
        "gender": "female",
        "deceased": {"boolean": false},
        "contacts": [
            {"system": "phone", "value": "011 555 0100", "use": "work", "rank": 2},
            {"system": "phone", "value": "082 555 0123", "use": "mobile", "rank": 1, "extension": [{"url": "y"}]},
            {"system": "email", "value": "old@example.com", "use": "old"},
        ],
        "addresses": [{"line": ["1 First Street"], "city": "Durban", "district": "eThekwini",
                       "extension": [{"url": "geo"}]}],
        "languages": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "zu"}]}}],
        "rest": {"multipleBirthBoolean": false},
    }))
    .unwrap()
}

#[test]
fn a_form_sent_back_unchanged_changes_nothing() {
    for order in DateOrder::ALL {
        let form = PatientForm::of(&known(), *order);
        assert_eq!(form.phone, "082 555 0123");
        let draft = form.parse(*order, TODAY).unwrap();
        assert!(draft.apply(&known()) == known());
    }
}

#[test]
fn an_edit_changes_what_was_edited_and_nothing_else() {
    let order = DateOrder::DayMonthYear;
    let mut form = PatientForm::of(&known(), order);
    form.family = "Naidoo-Pillay".into();
    form.phone = "083 555 0124".into();
    form.email = "asha@example.com".into();
    form.city = String::new();
    let mut expected = known();
    expected.names[0].family = Some("Naidoo-Pillay".into());
    expected.names[0].extra.clear();
    expected.contacts[1].value = Some("083 555 0124".into());
    expected.contacts[1].extra.clear();
    expected.contacts.push(ContactPoint {
        system: Some(ContactSystem::Email),
        use_: Some(ContactUse::Home),
        value: Some("asha@example.com".into()),
        ..ContactPoint::default()
    });
    expected.addresses[0].city = None;
    expected.addresses[0].extra.clear();
    assert!(form.parse(order, TODAY).unwrap().apply(&known()) == expected);
}

#[test]
fn emptied_fields_are_taken_away() {
    let order = DateOrder::DayMonthYear;
    let form = PatientForm { family: "Naidoo".into(), ..PatientForm::default() };
    let patient = form.parse(order, TODAY).unwrap().apply(&known());
    assert_eq!(patient.birth, None);
    assert_eq!(patient.gender, None);
    assert!(patient.addresses.is_empty() && patient.languages.is_empty());
    assert_eq!(patient.contacts_of(ContactSystem::Phone).len(), 1);
    assert_eq!(patient.names.len(), 2);
    assert_eq!(patient.deceased, Some(Deceased::Boolean(false)));
    assert_eq!(patient.rest, known().rest);
}
