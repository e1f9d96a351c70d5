//! Patients, as a browser meets them.

use identity::founding::NewPractice;
use kernel::PracticeId;
use practice::exchange::import::{ImportSettings, import_folder};
use reqwest::StatusCode;
use store::Role;
use testkit::{DATA, servers};

use crate::browser::{Browser, Page};
use crate::site::Site;

/// The fields of the form as a browser sends them, empty where nothing was typed.
pub(crate) fn particulars<'a>(typed: &[(&str, &'a str)]) -> Vec<(&'static str, &'a str)> {
    const FIELDS: [&str; 15] = [
        "title",
        "given",
        "family",
        "preferred",
        "birth_date",
        "gender",
        "pronouns",
        "phone",
        "email",
        "address",
        "city",
        "state",
        "postal_code",
        "country",
        "language",
    ];
    let value = |name| typed.iter().find(|(typed, _)| *typed == name).map_or("", |(_, value)| *value);
    FIELDS.iter().map(|name| (*name, value(*name))).collect()
}

/// Somebody of these roles, at work.
pub(crate) async fn at_work(site: &Site, practice: PracticeId, roles: &[Role]) -> Browser {
    let person = site.house.signed_in(practice, roles).await;
    let browser = site.browser();
    browser.set_cookie("__Host-session", person.cookie.expose());
    browser
}

pub(crate) async fn one(role: Role) -> (Site, PracticeId, Browser) {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let browser = at_work(&site, practice, &[role]).await;
    (site, practice, browser)
}

/// Writes somebody down and gives the address of their page.
pub(crate) async fn write_down(browser: &Browser, given: &str, family: &str) -> String {
    let typed = particulars(&[("given", given), ("family", family), ("birth_date", "7/3/1984")]);
    browser.fill("/patients/new", "/patients/new", &typed).await.location().to_owned()
}

/// Gives a patient the number of a South African identity document that passes its check.
async fn give_number(browser: &Browser, patient: &str) {
    let path = format!("{patient}/identifiers");
    let sent = browser.fill(patient, &path, &[("kind", "za-id"), ("number", "8001015009087")]).await;
    sent.leads_to(patient);
}

/// The address of the first form that shows a number.
fn reveal_of(page: &Page) -> String {
    let mut forms = page.body.split("action=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    forms.find(|path| path.ends_with("/reveal")).unwrap().to_owned()
}

#[tokio::test]
async fn a_patient_is_written_down_found_by_three_letters_and_opened() {
    let (_site, _, reception) = one(Role::Reception).await;
    let patient = write_down(&reception, "Lindiwe", "Mokoena").await;
    write_down(&reception, "Ana", "Nkosi").await;
    let found = reception.open("/patients?q=mok").await;
    assert!(found.body.contains(&format!("href=\"{patient}\"")) && !found.body.contains("Nkosi"));
    let page = reception.open(&patient).await;
    assert!(page.body.contains("Lindiwe") && page.body.contains("Mokoena"));
}

#[tokio::test]
async fn a_form_that_is_refused_keeps_all_that_was_typed() {
    let (_site, _, reception) = one(Role::Reception).await;
    let typed = [
        ("given", "Lindiwe"),
        ("family", "Mokoena & \"sons\""),
        ("birth_date", "31/2/1984"),
        ("phone", "082 555 0143"),
        ("address", "3 Harbour Street"),
    ];
    let page = reception.fill("/patients/new", "/patients/new", &particulars(&typed)).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    let kept = page.body.replace("&#34;", "\"").replace("&#38;", "&");
    for (field, value) in typed {
        assert!(kept.contains(value), "{field} was lost");
    }
    assert!(page.body.contains("href=\"#birth_date\""), "the summary leads to the field");
}

#[tokio::test]
async fn a_form_sent_again_after_an_unknown_outcome_makes_one_patient() {
    let (_site, _, reception) = one(Role::Reception).await;
    let form = reception.open("/patients/new").await;
    let typed = particulars(&[("given", "Lindiwe"), ("family", "Mokoena"), ("birth_date", "7/3/1984")]);
    let first = reception.send(&form, "/patients/new", &typed).await;
    let second = reception.send(&form, "/patients/new", &typed).await;
    assert_eq!(first.location(), second.location());
    let other = particulars(&[("given", "Somebody"), ("family", "Else")]);
    assert_eq!(reception.send(&form, "/patients/new", &other).await.status, StatusCode::CONFLICT);
    let found = reception.open("/patients?q=moko").await;
    assert_eq!(found.body.matches("class=\"who__name\"").count(), 1);
}

#[tokio::test]
async fn of_two_editors_the_second_sees_what_the_first_wrote_and_keeps_what_they_typed() {
    let (site, practice, reception) = one(Role::Reception).await;
    let other = at_work(&site, practice, &[Role::Reception]).await;
    let patient = write_down(&reception, "Lindiwe", "Mokoena").await;
    let path = format!("{patient}/edit");
    let (mine, theirs) = (reception.open(&path).await, other.open(&path).await);
    let phone = |number| particulars(&[("given", "Lindiwe"), ("family", "Mokoena"), ("phone", number)]);
    other.send(&theirs, &path, &phone("082 555 0100")).await.leads_to(&patient);
    let conflict = reception.send(&mine, &path, &phone("082 555 0177")).await;
    assert_eq!(conflict.status, StatusCode::CONFLICT);
    assert!(conflict.body.contains("082 555 0100") && conflict.body.contains("082 555 0177"));
    assert!(reception.open(&patient).await.body.contains("082 555 0100"), "nothing was overwritten");
    reception.send(&conflict, &path, &phone("082 555 0177")).await.leads_to(&patient);
    assert!(reception.open(&patient).await.body.contains("082 555 0177"));
}

#[tokio::test]
async fn a_number_is_masked_until_it_is_shown_for_a_purpose_and_the_log_says_so() {
    let (site, practice, reception) = one(Role::Reception).await;
    let doctor = at_work(&site, practice, &[Role::Practitioner]).await;
    let patient = write_down(&reception, "Lindiwe", "Mokoena").await;
    give_number(&reception, &patient).await;
    let page = reception.open(&patient).await;
    assert!(!page.body.contains("8001015009087"), "masked");
    let path = reveal_of(&page);
    let refused = reception.send(&page, &path, &[("purpose", "")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!refused.body.contains("8001015009087"), "no purpose, no number");
    let shown = reception.send(&page, &path, &[("purpose", "billing")]).await;
    assert!(shown.body.contains("8001015009087") && shown.body.contains("A claim or an invoice"));
    assert!(!reception.open(&patient).await.body.contains("8001015009087"), "and masked again");
    let log = doctor.open(&format!("{patient}/audit")).await;
    assert_eq!(log.body.matches("act--reveal").count(), 1);
    assert!(log.body.contains("A claim or an invoice"));
    assert!(!log.body.contains("8001015009087"), "the log of a record keeps numbers masked");
}

#[tokio::test]
async fn a_number_that_fails_its_check_is_refused_beside_its_field() {
    let (_site, _, reception) = one(Role::Reception).await;
    let patient = write_down(&reception, "Lindiwe", "Mokoena").await;
    let path = format!("{patient}/identifiers");
    let page = reception.fill(&patient, &path, &[("kind", "za-id"), ("number", "8001015009088")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("8001015009088") && page.body.contains("identifier-number-error"));
}

/// Files of another system, brought in.
async fn import(site: &Site, practice: PracticeId, files: &[(&str, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let settings = ImportSettings { source: site.house.unique("patients"), dry_run: false, named: Vec::new() };
    import_folder(&site.house.store, practice, folder.path(), &settings, &mut |_| {}).await.unwrap();
}

/// One patient with two allergies.
async fn bring_in(site: &Site, practice: PracticeId) {
    let patient = r#"{"resourceType":"Patient","id":"p1","name":[{"family":"Mokoena","given":["Lindiwe"]}],"birthDate":"1980-01-01"}"#;
    let allergies = r#"{"resourceType":"AllergyIntolerance","id":"a1","patient":{"reference":"Patient/p1"},"code":{"text":"Penicillin"},"recordedDate":"2026-01-01"}
{"resourceType":"AllergyIntolerance","id":"a2","patient":{"reference":"Patient/p1"},"code":{"text":"Peanut"},"recordedDate":"2026-01-02"}"#;
    import(site, practice, &[("Patient.ndjson", patient), ("AllergyIntolerance.ndjson", allergies)]).await;
}

/// The address of the only patient that "mok" finds.
async fn found(browser: &Browser) -> String {
    let page = browser.open("/patients?q=mok").await.body;
    let (_, rest) = page.split_once("class=\"who__name\" href=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn reception_cannot_open_an_entry_and_sees_no_clinical_content() {
    let (site, practice, reception) = one(Role::Reception).await;
    let doctor = at_work(&site, practice, &[Role::Practitioner]).await;
    bring_in(&site, practice).await;
    let patient = found(&doctor).await;
    let seen = doctor.open(&patient).await;
    assert!(seen.body.contains("Penicillin"));
    assert!(!reception.open(&patient).await.body.contains("Penicillin"));
    let (_, rest) = seen.body.split_once(&format!("{patient}/record/")).unwrap();
    let entry = format!("{patient}/record/{}", &rest[..36]);
    assert!(doctor.open(&entry).await.body.contains("Pe"));
    for path in [entry, format!("{patient}/record")] {
        let refused = reception.open(&path).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(!refused.body.contains("Penicillin") && !refused.body.contains("Peanut"));
    }
}

#[tokio::test]
async fn whoever_is_refused_is_told_that_it_is_recorded_and_it_is() {
    let (site, practice, owner) = one(Role::Owner).await;
    for (path, action) in [("/patients", "patient.find"), ("/patients/new", "patient.new-form")] {
        let page = owner.open(path).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(page.body.contains("That you asked here is recorded"));
        assert_eq!(site.house.logged(practice, &format!("{action}.refused")).await, 1, "{path}");
    }
}

#[tokio::test]
async fn a_damaged_record_is_named_and_the_rest_works() {
    let (site, practice, doctor) = one(Role::Practitioner).await;
    bring_in(&site, practice).await;
    let patient = found(&doctor).await;
    let well = write_down(&doctor, "Ana", "Mokoatle").await;
    give_number(&doctor, &patient).await;
    let intruder = servers().await.superuser(DATA).await;
    intruder.batch_execute("set session_replication_role = replica").await.unwrap();
    let flip = async |table: &str, column: &str, which: &str| {
        let sql = format!(
            "update {table} set {column} = set_byte({column}, 40, get_byte({column}, 40) # 1)
             where practice_id = '{practice}' and {which} returning id"
        );
        intruder.query_one(&sql, &[]).await.unwrap().get::<_, uuid::Uuid>(0).to_string()
    };
    let id = patient.trim_start_matches("/patients/").to_owned();
    let number = flip("patient_identifier", "masked", &format!("patient_id = '{id}'")).await;
    let banner = |page: &Page| page.body.split("<div class=\"page").next().unwrap().to_owned();
    assert!(banner(&doctor.open(&patient).await).contains("Peanut"));
    let first = "id = (select min(id::text)::uuid from record_entry e where e.practice_id = record_entry.practice_id)";
    let entry = flip("record_entry", "summary", first).await;

    let page = doctor.open(&patient).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains(&number), "the number is named");
    assert!(page.body.contains(&entry), "the entry is named");
    assert!(page.body.contains("Penicillin") || page.body.contains("Peanut"), "the other entry opens");
    assert!(page.body.contains("Lindiwe"), "and so does the patient");
    assert!(banner(&page).contains("1 allergy is damaged"), "the banner says that one is missing");

    flip("patient", "names", &format!("id = '{id}'")).await;
    let page = doctor.open(&patient).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains(&id) && !page.body.contains("Lindiwe"));
    let form = doctor.open(&format!("{patient}/edit")).await;
    assert_eq!(form.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(form.body.contains("This record is damaged") && form.body.contains(&id));
    let list = doctor.open("/patients?q=mok").await;
    assert!(list.body.contains(&format!("href=\"{patient}\"")), "who looks for the damaged one finds that it is");
    assert!(list.body.contains(&format!("href=\"{well}\"")), "others are found");
    assert_eq!(doctor.open(&well).await.status, StatusCode::OK);
    assert!(doctor.open(&format!("{patient}/record")).await.body.contains(&entry));
    assert_eq!(doctor.open(&format!("{patient}/audit")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_allergy_of_long_ago_stays_in_the_banner_under_any_number_of_past_ones() {
    let (site, practice, doctor) = one(Role::Practitioner).await;
    let patient = r#"{"resourceType":"Patient","id":"p1","name":[{"family":"Mokoena"}]}"#;
    let allergy = |n: i32, what: &str, status: &str| {
        format!(
            r#"{{"resourceType":"AllergyIntolerance","id":"a{n}","patient":{{"reference":"Patient/p1"}},"code":{{"text":"{what}"}},"clinicalStatus":{{"coding":[{{"code":"{status}"}}]}},"recordedDate":"{}-01-01"}}
"#,
            1960 + n
        )
    };
    let past = (1..60).map(|n| allergy(n, "Pollen", "resolved"));
    let all: String = std::iter::once(allergy(0, "Penicillin", "active")).chain(past).collect();
    import(&site, practice, &[("Patient.ndjson", patient), ("AllergyIntolerance.ndjson", &all)]).await;
    let patient = found(&doctor).await;
    for path in [patient.clone(), format!("{patient}/record"), format!("{patient}/audit")] {
        let page = doctor.open(&path).await.body;
        let banner = page.split("<div class=\"page").next().unwrap();
        assert!(banner.contains("Penicillin") && !banner.contains("Pollen"), "{path}");
    }
}

#[tokio::test]
async fn the_record_is_one_list_that_is_narrowed_by_kind_by_day_and_by_words() {
    let (site, practice, doctor) = one(Role::Practitioner).await;
    let patient = r#"{"resourceType":"Patient","id":"p1","name":[{"family":"Mokoena"}]}"#;
    let visit = |n: i32, day: &str, what: &str| {
        format!(
            r#"{{"resourceType":"Encounter","id":"e{n}","status":"finished","class":{{"code":"AMB"}},"type":[{{"text":"{what}"}}],"subject":{{"reference":"Patient/p1"}},"period":{{"start":"{day}"}}}}
"#
        )
    };
    let visits: String = [
        visit(1, "2019-05-06", "Check-up"),
        visit(2, "2021-05-06", "Knee <b>pain</b>"),
        visit(3, "2021-07-08", "Vaccination"),
    ]
    .concat();
    let shot = r#"{"resourceType":"Immunization","id":"i1","patient":{"reference":"Patient/p1"},"status":"completed","vaccineCode":{"text":"Tetanus"},"occurrenceDateTime":"2021-07-08"}"#;
    let files = [("Patient.ndjson", patient), ("Encounter.ndjson", &visits), ("Immunization.ndjson", shot)];
    import(&site, practice, &files).await;
    let patient = found(&doctor).await;
    let shown = async |question: &str| {
        let page = doctor.open(&format!("{patient}/record{question}")).await;
        assert_eq!(page.status, StatusCode::OK, "{question}");
        let body = page.body;
        ["Check-up", "Knee", "Vaccination", "Tetanus"].map(|what| {
            let row = format!("data-row-link><bdi>{what}");
            u8::from(body.contains(&row))
        })
    };
    assert_eq!(shown("").await, [1, 1, 1, 1]);
    assert_eq!(shown("?kind=visit").await, [1, 1, 1, 0]);
    assert_eq!(shown("?kind=immunisation&kind=problem").await, [0, 0, 0, 1]);
    assert_eq!(shown("?from=1%2F1%2F2020").await, [0, 1, 1, 1]);
    assert_eq!(shown("?from=2021&to=6%2F2021").await, [0, 1, 0, 0]);
    assert_eq!(shown("?to=2019").await, [1, 0, 0, 0]);
    let path = format!("{patient}/record");
    let narrowed = async |fields: &[(&str, &str)]| {
        let led = doctor.fill(&path, &path, fields).await.location().to_owned();
        led.strip_prefix(&path).unwrap().to_owned()
    };
    assert_eq!(narrowed(&[("kind", "visit"), ("from", "2021"), ("words", " ")]).await, "?kind=visit&from=2021");
    let knee = narrowed(&[("from", ""), ("to", ""), ("words", "knee PAIN")]).await;
    assert_eq!(shown(&knee).await, [0, 1, 0, 0]);
    assert_eq!(shown(&narrowed(&[("words", "<script>")]).await).await, [0, 0, 0, 0]);
    assert_eq!(shown("?words=knee").await, [1, 1, 1, 1], "words in an address are nothing");

    let sought = narrowed(&[("kind", "visit"), ("words", "a&b \"c")]).await;
    let page = doctor.open(&format!("{path}{sought}")).await;
    assert!(page.body.contains("value=\"a&#38;b &#34;c\""), "what was typed is kept");
    let envelope = sought.split_once("sought=").unwrap().1;
    assert!(page.body.contains(&format!("&#38;sought={envelope}")), "and leads on in the links to the years");
    let too_much = "a".repeat(201);
    let refused = doctor.fill(&path, &path, &[("words", &too_much)]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains(&too_much), "what was typed is kept");

    // The envelope is whoever's typed it, for this record, for a working day.
    let other = at_work(&site, practice, &[Role::Practitioner]).await;
    let another = write_down(&doctor, "Somebody", "Else").await;
    for (browser, record) in [(&other, &patient), (&doctor, &another)] {
        let refused = browser.open(&format!("{record}/record{knee}")).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!refused.body.to_lowercase().contains("knee pain"));
    }
    assert!(page.body.contains(">2021</a>") && page.body.contains("Visits, 3"), "{}", page.body);
    for (question, field) in [("?from=yesterday", "from"), ("?to=31%2F2%2F2020", "to"), ("?from=2021&to=2020", "to")] {
        let refused = doctor.open(&format!("{patient}/record{question}")).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{question}");
        assert!(refused.body.contains(&format!("href=\"#{field}\"")), "{question}");
    }
    let log = doctor.open(&format!("{patient}/audit")).await.body;
    assert!(log.contains("by kind, words") && log.contains("by date"), "{log}");
    assert!(!log.contains("knee"), "the log says by what, and not to what");
}

#[tokio::test]
async fn measurements_are_drawn_with_their_table_and_without_an_exception_from_the_policy() {
    let (site, practice, doctor) = one(Role::Practitioner).await;
    let patient = r#"{"resourceType":"Patient","id":"p1","name":[{"family":"Mokoena"}]}"#;
    let part = |code: &str, name: &str, value: i32| {
        format!(
            r#"{{"code":{{"coding":[{{"system":"http://loinc.org","code":"{code}","display":"{name}"}}]}},"valueQuantity":{{"value":{value},"unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]"}}}}"#
        )
    };
    let pressure = |n: i32, at: &str, upper: i32, lower: i32| {
        format!(
            r#"{{"resourceType":"Observation","id":"o{n}","status":"final","subject":{{"reference":"Patient/p1"}},"code":{{"text":"Blood pressure"}},"effectiveDateTime":"{at}","component":[{},{}]}}
"#,
            part("8480-6", "Systolic", upper),
            part("8462-4", "Diastolic", lower)
        )
    };
    let all = [
        pressure(1, "2024-05-06T08:00:00+02:00", 146, 92),
        pressure(2, "2024-05-06T18:00:00+02:00", 138, 88),
        pressure(3, "2025-01-02", 128, 82),
    ];
    import(&site, practice, &[("Patient.ndjson", patient), ("Observation.ndjson", &all.concat())]).await;
    let patient = found(&doctor).await;
    let record = doctor.open(&format!("{patient}/record")).await.body;
    assert!(record.contains("146/92 mmHg") && record.contains(&format!("href=\"{patient}/measurements\"")));
    let page = doctor.open(&format!("{patient}/measurements")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.body.matches("<polyline").count(), 2, "two lines in one figure");
    assert_eq!(page.body.matches("<circle cx=").count(), 6);
    assert_eq!(page.body.matches("<figure").count(), 1);
    assert!(page.body.contains(">146 mmHg<") && page.body.contains("08:00") && page.body.contains("18:00"));
    assert!(!page.body.contains(" style="));
    let reception = at_work(&site, practice, &[Role::Reception]).await;
    assert_eq!(reception.open(&format!("{patient}/measurements")).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_is_written_by_hand_stands_in_the_record_and_in_the_log() {
    let (site, practice, doctor) = one(Role::Practitioner).await;
    bring_in(&site, practice).await;
    let patient = found(&doctor).await;
    let form = format!("{patient}/write/problem");
    let typed = [
        ("problem", "Migraine <i>with</i> aura"),
        ("severity", "mild"),
        ("began", "5/2019"),
        ("remark", "Since school."),
    ];
    let page = doctor.open(&form).await;
    let sent = doctor.send(&page, &form, &typed).await;
    sent.leads_to(&format!("{patient}/record"));
    doctor.send(&page, &form, &typed).await.leads_to(&format!("{patient}/record"));
    let record = doctor.open(&format!("{patient}/record?kind=problem")).await.body;
    assert_eq!(record.matches("Migraine &#60;i&#62;with").count(), 1, "once, however often it is sent");
    let (_, rest) = record.split_once(&format!("{patient}/record/")).unwrap();
    let entry = format!("{patient}/record/{}", &rest[..36]);
    let shown = doctor.open(&entry).await.body;
    assert!(shown.contains("Since school.") && shown.contains("May 2019") && shown.contains("mild"));
    assert_eq!(site.house.logged(practice, "clinical.write").await, 1);
    let log = doctor.open(&format!("{patient}/audit")).await.body;
    assert!(log.contains("The record, written in") && log.contains("Migraine"), "{log}");

    let change = format!("{entry}/change");
    let (mine, theirs) = (doctor.open(&change).await, doctor.open(&change).await);
    let refused = doctor.send(&mine, &change, &[("change", "entered-in-error"), ("remark", "")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("href=\"#remark\""));
    let ended = [("change", "resolved"), ("on", "2024"), ("remark", "Gone.")];
    doctor.send(&theirs, &change, &ended).await.leads_to(&entry);
    let conflict = doctor.send(&mine, &change, &[("change", "inactive"), ("remark", "My own words")]).await;
    assert_eq!(conflict.status, StatusCode::CONFLICT);
    assert!(conflict.body.contains("My own words"), "what was typed is kept");
    let taken = [("change", "entered-in-error"), ("remark", "Another patient.")];
    doctor.send(&conflict, &change, &taken).await.leads_to(&entry);
    let shown = doctor.open(&entry).await.body;
    assert!(shown.contains("entered-in-error") && shown.contains("Gone.") && shown.contains("Another patient."));
    assert!(!shown.contains(&format!("href=\"{change}\"")), "what was taken back is not changed again");
    let log = doctor.open(&format!("{patient}/audit")).await.body;
    assert_eq!(log.matches("The record, written in").count(), 3);
}

#[tokio::test]
async fn that_no_allergy_is_known_cannot_stand_beside_one() {
    let (site, practice, doctor) = one(Role::Practitioner).await;
    bring_in(&site, practice).await;
    let patient = found(&doctor).await;
    let form = format!("{patient}/write/allergy");
    let none = |substance| {
        [
            ("none_known", "yes"),
            ("substance", substance),
            ("category", ""),
            ("criticality", ""),
            ("reaction", ""),
            ("severity", ""),
            ("began", ""),
            ("remark", ""),
        ]
    };
    let refused = doctor.fill(&form, &form, &none("")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("Allergies stand in this record"));
    let record = doctor.open(&format!("{patient}/record?kind=allergy")).await.body;
    let entries = format!("{patient}/record/");
    for id in record.split(&entries).skip(1).map(|rest| &rest[..36]) {
        let change = format!("{patient}/record/{id}/change");
        let page = doctor.open(&change).await;
        let ended = doctor.send(&page, &change, &[("change", "resolved"), ("remark", "")]).await;
        ended.leads_to(&format!("{patient}/record/{id}"));
    }
    doctor.fill(&form, &form, &none("")).await.leads_to(&format!("{patient}/record"));
    let banner = doctor.open(&patient).await.body;
    assert!(banner.split("<div class=\"page").next().unwrap().contains("No known allergies"));
}

#[tokio::test]
async fn a_measurement_beyond_what_is_usual_is_asked_about_once_and_then_kept() {
    let (_site, _, doctor) = one(Role::Practitioner).await;
    let patient = write_down(&doctor, "Lindiwe", "Mokoena").await;
    let form = format!("{patient}/write/measurement");
    let typed = |weight, confirmed: &'static [(&'static str, &'static str)]| {
        let names = ["date", "time", "height", "temperature", "pulse", "systolic", "diastolic", "saturation", "remark"];
        let mut typed: Vec<(&str, &str)> = names.iter().map(|name| (*name, "")).collect();
        typed.push(("weight", weight));
        typed.extend(confirmed);
        typed
    };
    let asked = doctor.fill(&form, &form, &typed("725", &[])).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(asked.body.contains("Is 725 kg right?") && asked.body.contains("value=\"725\""));
    let sent = doctor.send(&asked, &form, &typed("725", &[("confirmed", "yes")])).await;
    sent.leads_to(&format!("{patient}/measurements"));
    assert!(doctor.open(&format!("{patient}/measurements")).await.body.contains(">725 kg<"));
}

#[tokio::test]
async fn only_a_practitioner_writes_in_the_record() {
    let (site, practice, doctor) = one(Role::Practitioner).await;
    let patient = write_down(&doctor, "Lindiwe", "Mokoena").await;
    let form = format!("{patient}/write/problem");
    let page = doctor.open(&form).await;
    for role in [Role::Administrator, Role::Reception] {
        let other = at_work(&site, practice, &[role]).await;
        assert_eq!(other.open(&form).await.status, StatusCode::FORBIDDEN, "{role:?}");
        assert!(!other.open(&patient).await.body.contains("/write/"), "and nobody else is offered to");
    }
    assert_eq!(doctor.open(&format!("{patient}/write/poem")).await.status, StatusCode::NOT_FOUND);
    assert!(page.body.contains("In the record of Lindiwe Mokoena"));
}

#[tokio::test]
async fn lists_grow_without_script_and_keep_what_was_typed() {
    let (site, practice, reception) = one(Role::Reception).await;
    let doctor = at_work(&site, practice, &[Role::Practitioner]).await;
    let patient = write_down(&reception, "Lindiwe", "Mokoena").await;
    let path = format!("{patient}/details");
    let page = reception.open(&path).await;
    let names = [
        ("names-0-use", "official"),
        ("names-0-title", ""),
        ("names-0-given", "Lindiwe"),
        ("names-0-family", "Mokoena"),
    ];
    let person = [
        ("people-0-relation", "guardian"),
        ("people-0-name", "Nomsa <b>Mokoena</b>"),
        ("people-0-phone", "021 555 0100"),
        ("people-0-email", "nomsa(at)mail"),
        ("people-0-address", "3 Main Road\r\nWorcester"),
        ("people-0-may_consent", "yes"),
    ];
    let sent = |more: &[(&'static str, &'static str)], of: &[(&'static str, &'static str)]| {
        let mut all: Vec<(&str, &str)> = names.to_vec();
        all.extend(of);
        all.extend(more);
        all
    };
    let grown = reception.send(&page, &path, &sent(&[("more", "people")], &[])).await;
    assert_eq!(grown.status, StatusCode::OK);
    assert!(grown.body.contains("name=\"people-0-name\"") && !grown.body.contains("name=\"people-1-name\""));
    let grown = reception.send(&grown, &path, &sent(&[("more", "contacts")], &person)).await;
    assert!(grown.body.contains("value=\"nomsa(at)mail\""), "what was typed is kept");
    assert_eq!(site.house.logged(practice, "patient.edit").await, 0, "and nothing is changed yet");
    let refused = reception.send(&grown, &path, &sent(&[], &person)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("href=\"#people-0-email\""));
    let mut right = person;
    right[3].1 = "nomsa@mail.example";
    let right = sent(&[], &right);
    reception.send(&refused, &path, &right).await.leads_to(&patient);
    let shown = reception.open(&patient).await.body;
    assert!(shown.contains("Guardian") && shown.contains("Nomsa &#60;b&#62;") && shown.contains("may consent"));
    let log = doctor.open(&format!("{patient}/audit")).await.body;
    assert!(log.contains("Guardian: Nomsa"), "who was added is said in the log");
    let late = reception.send(&page, &path, &right).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "a form of before does not write over it");
    assert!(late.body.contains("nomsa@mail.example"));
}

#[tokio::test]
async fn a_death_and_a_closed_record_are_written_down_and_taken_back() {
    let (_site, _, reception) = one(Role::Reception).await;
    let patient = write_down(&reception, "Lindiwe", "Mokoena").await;
    let path = format!("{patient}/standing");
    let banner = async || {
        let page = reception.open(&patient).await.body;
        page.split("<div class=\"page").next().unwrap().to_owned()
    };
    let refused =
        reception.fill(&path, &path, &[("record", "inactive"), ("died", "yes"), ("died_on", "1/1/1970")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("before the birth date"));
    let told = [("record", "inactive"), ("died", "yes"), ("died_on", "5/2024")];
    reception.send(&refused, &path, &told).await.leads_to(&patient);
    let shown = banner().await;
    assert!(shown.contains("Died May 2024") && shown.contains("Not active"), "{shown}");
    let back = [("record", "active"), ("died", "no"), ("died_on", "")];
    reception.fill(&path, &path, &back).await.leads_to(&patient);
    let shown = banner().await;
    assert!(!shown.contains("Died") && !shown.contains("Not active"));
    assert_eq!(reception.send(&refused, &path, &told).await.status, StatusCode::SEE_OTHER, "the first, once more");
}

#[tokio::test]
async fn a_restricted_record_is_opened_and_found_by_those_who_are_named_and_by_nobody_else() {
    let (site, practice, doctor) = one(Role::Practitioner).await;
    let partner = site.house.signed_in(practice, &[Role::Practitioner]).await;
    let other = site.browser();
    other.set_cookie("__Host-session", partner.cookie.expose());
    let reception = at_work(&site, practice, &[Role::Reception]).await;
    let patient = write_down(&doctor, "Lindiwe", "Mokoena").await;
    give_number(&doctor, &patient).await;
    let path = format!("{patient}/access");
    let form = doctor.open(&path).await;
    let named = partner.id.to_string();
    doctor.send(&form, &path, &[("person", named.as_str())]).await.leads_to(&patient);

    let finds = async |who: &Browser| who.open("/patients?q=moko").await.body.contains(&patient);
    let looks_up = async |who: &Browser| {
        let sent = who.fill("/patients", "/patients/lookup", &[("kind", "za-id"), ("number", "8001015009087")]).await;
        sent.status == StatusCode::SEE_OTHER
    };
    for who in [&doctor, &other] {
        assert_eq!(who.open(&patient).await.status, StatusCode::OK, "whoever restricts it is named too");
        assert!(finds(who).await && looks_up(who).await);
    }
    for page in ["", "/edit", "/standing", "/details"] {
        assert_eq!(reception.open(&format!("{patient}{page}")).await.status, StatusCode::FORBIDDEN, "{page}");
    }
    assert!(!finds(&reception).await && !looks_up(&reception).await);
    assert!(!reception.open("/patients").await.body.contains(&patient));
    let third = at_work(&site, practice, &[Role::Practitioner, Role::Administrator]).await;
    for page in ["", "/record", "/audit", "/access", "/measurements", "/write/problem"] {
        assert_eq!(third.open(&format!("{patient}{page}")).await.status, StatusCode::FORBIDDEN, "{page}");
    }
    assert!(!finds(&third).await);
    assert!(site.house.logged(practice, "patient.read.refused").await > 0, "and that they asked is recorded");
    // Somebody of the same name and birth date: nobody is told whom they may not know of.
    assert_eq!(write_down(&reception, "Lindiwe", "Mokoena").await.matches("/patients/").count(), 1);

    let stale = other.send(&form, &path, &[]).await;
    assert_ne!(stale.status, StatusCode::SEE_OTHER, "another's form is not theirs");
    other.fill(&path, &path, &[]).await.leads_to(&patient);
    assert_eq!(third.open(&patient).await.status, StatusCode::OK, "open to all again");
    assert!(finds(&reception).await);
}

#[tokio::test]
async fn a_list_shows_exactly_the_patients_that_the_policies_let_open() {
    let (site, practice, doctor) = one(Role::Practitioner).await;
    let mut people = Vec::new();
    for role in [Role::Practitioner, Role::Reception, Role::Administrator] {
        let person = site.house.signed_in(practice, &[role]).await;
        let browser = site.browser();
        browser.set_cookie("__Host-session", person.cookie.expose());
        people.push((person.id.to_string(), browser));
    }
    let mut patients = Vec::new();
    // Each way to name of these three, and none.
    for named in 0..8_usize {
        let patient = write_down(&doctor, &format!("Nr{named}"), "Mokoena").await;
        let path = format!("{patient}/access");
        let chosen = people.iter().enumerate().filter(|(at, _)| named & (1 << at) != 0);
        let fields: Vec<(&str, &str)> = chosen.map(|(_, (id, _))| ("person", id.as_str())).collect();
        doctor.fill(&path, &path, &fields).await.leads_to(&patient);
        patients.push(patient);
    }
    for (_, browser) in &people {
        let list = browser.open("/patients?q=moko").await.body;
        for patient in &patients {
            let opens = browser.open(patient).await.status == StatusCode::OK;
            assert_eq!(list.contains(&format!("href=\"{patient}\"")), opens, "{patient}");
        }
    }
}

#[tokio::test]
async fn the_page_counts_the_others_who_saw_it_and_not_its_reader() {
    let (site, practice, reception) = one(Role::Reception).await;
    let doctor = at_work(&site, practice, &[Role::Practitioner]).await;
    let patient = write_down(&reception, "Lindiwe", "Mokoena").await;
    assert!(reception.open(&patient).await.body.contains("Nobody else has in the last year"));
    assert!(doctor.open(&patient).await.body.contains("One other person has"));
    assert!(doctor.open(&patient).await.body.contains("One other person has"));
}

#[tokio::test]
async fn dates_are_typed_as_the_practices_country_types_them() {
    let site = Site::open().await;
    let slug = site.house.unique("us");
    let new = NewPractice {
        name: "Elm Street".to_owned(),
        slug,
        time_zone: "America/Chicago".to_owned(),
        country: "US".to_owned(),
    };
    let practice = site.house.identity().found_practice(&new).await.unwrap();
    let reception = at_work(&site, practice, &[Role::Reception]).await;
    let patient = write_down(&reception, "Ana", "Ortiz").await;
    let page = reception.open(&patient).await;
    assert!(page.body.contains("datetime=\"1984-07-03\""), "7/3/1984 is the third of July there");
    assert!(reception.open("/patients?q=7/3/1984").await.body.contains(&patient));
    assert!(!reception.open("/patients?q=3/7/1984").await.body.contains(&patient));
}

#[tokio::test]
async fn no_known_allergy_is_told_from_none_recorded_and_gives_way_to_one_that_stands() {
    let (site, practice, doctor) = one(Role::Practitioner).await;
    let patient = |id: &str, family: &str| {
        format!("{{\"resourceType\":\"Patient\",\"id\":\"{id}\",\"name\":[{{\"family\":\"{family}\"}}]}}\n")
    };
    let patients = patient("p1", "Mokoena") + &patient("p2", "Naidoo") + &patient("p3", "Zulu");
    let allergy = |id: &str, of: &str, code: &str, text: &str| {
        format!(
            r#"{{"resourceType":"AllergyIntolerance","id":"{id}","patient":{{"reference":"Patient/{of}"}},"code":{{"coding":[{{"system":"http://snomed.info/sct","code":"{code}"}}],"text":"{text}"}}}}
"#
        )
    };
    let none = |id: &str, of: &str| allergy(id, of, "716186003", "No known allergy");
    let allergies = none("a1", "p1") + &none("a2", "p2") + &allergy("a3", "p2", "387458008", "Aspirin");
    import(&site, practice, &[("Patient.ndjson", &patients), ("AllergyIntolerance.ndjson", &allergies)]).await;
    for (letters, says) in [("mok", "No known allergies"), ("nai", "Aspirin"), ("zul", "No allergies recorded")] {
        let list = doctor.open(&format!("/patients?q={letters}")).await.body;
        let (_, rest) = list.split_once("class=\"who__name\" href=\"").unwrap();
        let page = doctor.open(rest.split('"').next().unwrap()).await.body;
        let banner = page.split("<div class=\"page").next().unwrap();
        assert!(banner.contains(says), "{letters}: {banner}");
        assert_eq!(banner.contains("No known allerg"), letters == "mok", "{letters}");
    }
}
