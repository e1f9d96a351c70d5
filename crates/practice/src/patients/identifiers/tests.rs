use proptest::prelude::*;

use super::*;

fn check(kind: IdentifierKind, text: &str) -> Result<(), Flaw> {
    kind.check(text)
}

/// Published examples: none of them is a person's.
const PUBLISHED: &[(IdentifierKind, &str)] = &[
    (IdentifierKind::ZaId, "750330 5044 08 9"),
    (IdentifierKind::ZaId, "7605300675088"),
    (IdentifierKind::AuMedicare, "2123 45670 1"),
    (IdentifierKind::AuMedicare, "32788511952"),
    (IdentifierKind::AuIhi, "8003 6080 0022 8437"),
    (IdentifierKind::GbNhs, "943 476 5919"),
    (IdentifierKind::GbNhs, "943-476-5870"),
    (IdentifierKind::NlBsn, "1112.22.333"),
    (IdentifierKind::UsSsn, "536-90-4399"),
    (IdentifierKind::UsMbi, "1EG4-TE5-MK73"),
    (IdentifierKind::IePpsn, "6433435F"),
    (IdentifierKind::IePpsn, "6433435FT"),
    (IdentifierKind::IePpsn, "6433435OA"),
    (IdentifierKind::IePpsn, "6433435IH"),
    (IdentifierKind::NzNhi, "ZAC5361"),
    (IdentifierKind::NzNhi, "ZZZ0016"),
    (IdentifierKind::NzNhi, "zbn77vl"),
    (IdentifierKind::NzNhi, "ZXE24NV"),
    (IdentifierKind::NzNhi, "ZYZ89XY"),
    (IdentifierKind::BeNational, "85.07.30-033 28"),
    (IdentifierKind::BeNational, "17 07 30 033 84"),
    (IdentifierKind::BeNational, "98.47.28-997.65"),
    (IdentifierKind::FrNir, "2 95 10 99 126 111 93"),
    (IdentifierKind::FrNir, "253072B07300470"),
    (IdentifierKind::FrNir, "253072A07300443"),
    (IdentifierKind::DeKvnr, "A123456780"),
    (IdentifierKind::ChAhv, "756.9217.0769.85"),
    (IdentifierKind::AuDva, "NX901223"),
    (IdentifierKind::AuDva, "QSM 123456"),
];

#[test]
fn published_examples_pass_their_checks() {
    for (kind, text) in PUBLISHED {
        assert_eq!(check(*kind, text), Ok(()), "{} {text}", kind.code());
    }
}

#[test]
fn wrong_numbers_are_refused_for_the_right_reason() {
    use IdentifierKind as K;
    for (kind, text, flaw) in [
        (K::ZaId, "8503305044089", Flaw::Check),
        (K::ZaId, "7513305044089", Flaw::Form),
        (K::ZaId, "7503305044389", Flaw::Form),
        (K::AuMedicare, "2123456711", Flaw::Check),
        (K::AuMedicare, "7123456701", Flaw::Form),
        (K::AuMedicare, "2123456700", Flaw::Form),
        (K::AuIhi, "8003608000228438", Flaw::Check),
        (K::AuIhi, "8003628000228437", Flaw::Form),
        (K::AuDva, "AX901223", Flaw::Form),
        (K::AuDva, "NABCD123", Flaw::Form),
        (K::GbNhs, "9434765871", Flaw::Check),
        (K::GbNhs, "0000000000", Flaw::NotIssued),
        (K::NlBsn, "111252333", Flaw::Check),
        (K::UsSsn, "999-94-5397", Flaw::NotIssued),
        (K::UsSsn, "666-12-3456", Flaw::NotIssued),
        (K::UsSsn, "078-05-1120", Flaw::NotIssued),
        (K::UsMbi, "1SG4TE5MK73", Flaw::Form),
        (K::IePpsn, "6433435E", Flaw::Check),
        (K::IePpsn, "6433435VH", Flaw::Check),
        (K::NzNhi, "ZZZ0044", Flaw::Check),
        (K::NzNhi, "ZZZ00AA", Flaw::Check),
        (K::NzNhi, "ZIZ0016", Flaw::Form),
        (K::BeNational, "12345678901", Flaw::Form),
        (K::BeNational, "85073003329", Flaw::Check),
        (K::FrNir, "295109912611199", Flaw::Check),
        (K::FrNir, "253072C07300443", Flaw::Form),
        (K::DeKvnr, "A123456781", Flaw::Check),
        (K::DeKvnr, "1123456780", Flaw::Form),
        (K::ChAhv, "756.9217.0769.84", Flaw::Check),
        (K::ChAhv, "1234567891019", Flaw::Form),
        (K::Mrn, "", Flaw::Form),
    ] {
        assert_eq!(check(kind, text), Err(flaw), "{} {text}", kind.code());
    }
}

#[test]
fn codes_are_stable_and_found_again() {
    let codes: Vec<&str> = IdentifierKind::ALL.iter().map(|kind| kind.code()).collect();
    assert_eq!(codes.len(), 19);
    for kind in IdentifierKind::ALL {
        assert_eq!(IdentifierKind::from_code(kind.code()), Some(*kind));
        assert!(!kind.label().is_empty());
        if let Some(system) = kind.system() {
            assert_eq!(IdentifierKind::from_fhir(Some(system), &[]), *kind);
        }
        if let Some(code) = kind.type_code() {
            assert_eq!(IdentifierKind::from_fhir(Some("urn:oid:1.2.3"), &[code]), *kind);
        }
    }
    assert_eq!(IdentifierKind::from_fhir(Some("http://hl7.org/fhir/sid/passport-IRL"), &[]), IdentifierKind::Passport);
    assert_eq!(IdentifierKind::from_fhir(Some("https://example.org/numbers"), &["XX"]), IdentifierKind::Other);
}

#[test]
fn digits_of_other_scripts_and_marks_in_between_are_the_same_number() {
    let arabic = "\u{200F}٧٥٠٣٣٠ ٥٠٤٤ ٠٨ ٩";
    assert_eq!(IdentifierKind::ZaId.normalised(arabic), "7503305044089");
    assert_eq!(IdentifierKind::ZaId.normalised("７５０３３０－５０４４０８９"), "7503305044089");
    assert_eq!(IdentifierKind::NlBsn.normalised("11122233"), "011122233");
    assert_eq!(IdentifierKind::NzNhi.normalised("zac 5361"), "ZAC5361");
}

#[test]
fn an_error_says_what_to_write_and_never_what_was_written() {
    let errors = [
        Identifier::parse(IdentifierKind::ZaId, "750330504408").unwrap_err(),
        Identifier::parse(IdentifierKind::ZaId, "7503305044088").unwrap_err(),
        Identifier::parse(IdentifierKind::UsSsn, "999-94-5397").unwrap_err(),
        Identifier::parse(IdentifierKind::Mrn, "  ").unwrap_err(),
        Identifier::parse(IdentifierKind::Mrn, "12\u{0}3").unwrap_err(),
        Identifier::parse(IdentifierKind::Mrn, &"9".repeat(10_000)).unwrap_err(),
    ];
    let words: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    assert_eq!(
        words,
        [
            "Enter the 13 digits of the South African ID number",
            "Check the South African ID number: a character of it is wrong",
            "Check the Social Security number (US): no such number is ever given out",
            "Enter the record number",
            "The number contains characters that cannot be printed: type it again",
            "The number must be 500 characters or fewer",
        ]
    );
    assert!(errors.iter().all(|error| error.field == "value"));
}

#[test]
fn a_mask_shows_an_end_and_hides_the_length() {
    let masked = |kind, text| Identifier::parse(kind, text).unwrap().masked();
    assert_eq!(masked(IdentifierKind::ZaId, "750330 5044 08 9"), "•••• 089");
    assert_eq!(masked(IdentifierKind::NzNhi, "ZAC5361"), "•••• 61");
    assert_eq!(masked(IdentifierKind::Mrn, "12345"), "••••");
    assert_eq!(masked(IdentifierKind::Mrn, "123456789012345678901234567890"), "•••• 890");
    assert_eq!(format!("{:?}", Identifier::parse(IdentifierKind::Mrn, "12345").unwrap()), "Identifier(..)");
}

#[test]
fn only_what_belongs_to_one_person_tells_two_records_are_one() {
    let typed = |kind, text| Identifier::parse(kind, text).unwrap();
    assert_eq!(typed(IdentifierKind::ZaId, "750330 5044 08 9").identity_text().unwrap(), "za-id|7503305044089");
    assert_eq!(typed(IdentifierKind::AuMedicare, "2123456701").identity_text(), None);
    assert_eq!(typed(IdentifierKind::Member, "12345678").identity_text(), None);
    assert_eq!(typed(IdentifierKind::Mrn, "12345678").identity_text(), None);

    let system = Some("https://example.org/mrn".to_owned());
    let record = Identifier { system, ..typed(IdentifierKind::Mrn, "a-12345678") };
    assert_eq!(record.identity_text().unwrap(), "mrn|https://example.org/mrn|a-12345678");
    assert_eq!(record.lookup_text(), "mrn|A12345678");

    let unverified = Identifier { verified: false, ..typed(IdentifierKind::ZaId, "7503305044089") };
    assert_eq!(unverified.identity_text(), None);
    let mut old = record.clone();
    old.extra.insert("use".into(), "old".into());
    assert_eq!(old.identity_text(), None);
}

/// A valid number made of any body: the check character is found by trying.
fn complete(kind: IdentifierKind, body: &str, checks: &[String]) -> Option<String> {
    checks.iter().map(|check| format!("{body}{check}")).find(|text| kind.check(text).is_ok())
}

fn one_digit() -> Vec<String> {
    (0..10).map(|digit| digit.to_string()).collect()
}

proptest! {
    #[test]
    fn one_wrong_digit_never_passes(
        which in 0_usize..9,
        body in "[0-9]{20}",
        at in 0_usize..20,
        turn in 1_u32..10,
    ) {
        use IdentifierKind as K;
        let two: Vec<String> = (0..100).map(|number| format!("{number:02}")).collect();
        let letters: Vec<String> = ('A'..='W').map(String::from).collect();
        let (kind, body, checks) = match which {
            0 => (K::AuIhi, format!("800360{}", &body[..9]), one_digit()),
            1 => (K::GbNhs, body[..9].to_owned(), one_digit()),
            2 => (K::NlBsn, body[..8].to_owned(), one_digit()),
            3 => (K::IePpsn, body[..7].to_owned(), letters),
            4 => (K::NzNhi, format!("ZKA{}", &body[..3]), one_digit()),
            5 => (K::FrNir, format!("1{}", &body[..12]), two),
            6 => (K::DeKvnr, format!("K{}", &body[..8]), one_digit()),
            7 => (K::ChAhv, format!("756{}", &body[..9]), one_digit()),
            _ => (K::ZaId, format!("800101{}08", &body[..4]), one_digit()),
        };
        // Some bodies have no check digit (a remainder that is never issued).
        let Some(valid) = complete(kind, &body, &checks) else { return Ok(()) };
        let mut wrong: Vec<char> = valid.chars().collect();
        let at = at % wrong.len();
        if let Some(digit) = wrong[at].to_digit(10) {
            wrong[at] = char::from_digit((digit + turn) % 10, 10).unwrap();
            let wrong: String = wrong.into_iter().collect();
            prop_assert!(kind.check(&wrong).is_err());
        }
    }

    #[test]
    fn one_wrong_digit_of_a_medicare_number_never_passes(body in "[2-6][0-9]{7}", at in 0_usize..9, turn in 1_u32..10) {
        let kind = IdentifierKind::AuMedicare;
        let checks: Vec<String> = (0..10).map(|digit| format!("{digit}1")).collect();
        let valid = complete(kind, &body, &checks).unwrap();
        let mut wrong: Vec<char> = valid.chars().collect();
        let digit = wrong[at].to_digit(10).unwrap();
        wrong[at] = char::from_digit((digit + turn) % 10, 10).unwrap();
        prop_assert!(kind.check(&wrong.into_iter().collect::<String>()).is_err());
    }

    #[test]
    fn no_text_makes_a_check_fall_over(text in any::<String>()) {
        for kind in IdentifierKind::ALL {
            let _ = kind.check(&text);
            if let Err(error) = Identifier::parse(*kind, &text) {
                prop_assert!(text.chars().count() < 4 || !error.message.contains(&text));
            }
            let _ = Identifier { kind: *kind, system: None, value: text.clone(), verified: false, extra: Map::new() }.masked();
        }
    }
}
