use super::*;
use crate::patients::identifiers::IdentifierKind;
use crate::patients::model::{ContactSystem, Deceased, Gender};

fn patient(fields: &Value) -> Result<PatientImport, Reject> {
    let mut resource = json!({"resourceType": "Patient", "id": "p1"});
    for (name, value) in fields.as_object().unwrap() {
        resource[name] = value.clone();
    }
    match one(&resource)? {
        Resource::Patient(patient) => Ok(*patient),
        _ => panic!("not a patient"),
    }
}

fn refused(fields: &Value) -> String {
    patient(fields).unwrap_err().to_string()
}

/// The patient as FHIR again, from the typed parts and the rest.
pub(super) fn as_fhir(patient: &PatientImport) -> Value {
    let known = &patient.demographics;
    let mut fhir = match &known.rest {
        Value::Object(rest) => Value::Object(rest.clone()),
        _ => json!({}),
    };
    let mut put = |name: &str, value: Value| {
        if !value.is_null() && value != json!([]) {
            fhir[name] = value;
        }
    };
    put("resourceType", json!("Patient"));
    put("id", json!(patient.id));
    put("name", json!(known.names));
    put("birthDate", json!(known.birth));
    put("gender", json!(known.gender));
    put("telecom", json!(known.contacts));
    put("address", json!(known.addresses));
    put("communication", json!(known.languages));
    put("maritalStatus", json!(known.marital));
    match &known.deceased {
        Some(Deceased::Boolean(dead)) => put("deceasedBoolean", json!(dead)),
        Some(Deceased::DateTime(at)) => put("deceasedDateTime", json!(at)),
        None => {}
    }
    let identifiers = patient.identifiers.iter().map(|identifier| {
        let mut fhir = Value::Object(identifier.extra.clone());
        fhir["value"] = json!(identifier.value);
        if let Some(system) = &identifier.system {
            fhir["system"] = json!(system);
        }
        fhir
    });
    put("identifier", identifiers.collect());
    fhir
}

#[test]
fn a_patient_is_typed_in_full_and_the_rest_is_kept() {
    let resource = json!({
        "resourceType": "Patient", "id": "p1", "meta": {"versionId": "3"},
        "text": {"status": "generated", "div": "<div>Asha</div>"},
        "extension": [
            {"url": "http://hl7.org/fhir/StructureDefinition/individual-pronouns", "extension": [
                {"url": "value", "valueCodeableConcept": {"coding": [{"code": "LA29519-8", "display": "she/her"}]}}]},
            {"url": "x", "valueDecimal": 3.822_776_815_908_843_3},
        ],
        "identifier": [
            {"use": "official", "system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": "111222333"},
            {"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]},
             "system": "https://example.org/mrn", "value": "A-17", "assigner": {"display": "Example Clinic"}},
        ],
        "name": [{"use": "official", "family": "Naidoo", "given": ["Asha", null], "_given": [null, {"id": "g"}]},
                 {"use": "maiden", "text": "Asha Pillay", "period": {"end": "2001-05"}}],
        "telecom": [{"system": "phone", "value": "082 555 0123", "use": "mobile", "rank": 1}],
        "gender": "female", "birthDate": "1980-11-22",
        "_birthDate": {"extension": [{"url": "t", "valueDateTime": "1980-11-22T04:00:00Z"}]},
        "deceasedBoolean": false,
        "address": [{"use": "home", "type": "both", "line": ["1 First Street"], "city": "Durban", "postalCode": "4001",
                     "extension": [{"url": "geo"}]}],
        "maritalStatus": {"coding": [{"system": "s", "code": "M", "display": "Married", "userSelected": true}]},
        "multipleBirthInteger": 2,
        "contact": [{"name": {"text": "Ravi"}}],
        "communication": [{"language": {"coding": [{"code": "zu"}]}, "preferred": true}],
        "generalPractitioner": [{"reference": "Practitioner/9"}],
    });
    let Resource::Patient(patient) = one(&resource).unwrap() else { panic!("not a patient") };
    let known = &patient.demographics;
    assert_eq!(known.name().unwrap().display(), "Asha Naidoo");
    assert_eq!(known.pronouns.as_deref(), Some("she/her"));
    assert_eq!(known.gender, Some(Gender::Female));
    assert_eq!(known.contacts_of(ContactSystem::Phone).len(), 1);
    let kinds: Vec<IdentifierKind> = patient.identifiers.iter().map(|identifier| identifier.kind).collect();
    assert_eq!(kinds, [IdentifierKind::NlBsn, IdentifierKind::Mrn]);
    assert_eq!(patient.warnings, []);
    // Nothing is dropped: the parts and the rest make the source again. (A null between given
    // names comes back as an empty text, which FHIR cannot have otherwise.)
    let mut expected = resource;
    expected["name"][0]["given"][1] = json!("");
    assert_eq!(as_fhir(&patient), expected);
}

#[test]
fn names_of_every_script_arrive_as_they_are() {
    for (family, given) in [
        ("عبد الله", "محمد"),
        ("शर्मा", "राम"),
        ("王", "芳"),
        ("😀", "👩‍⚕️"),
        ("כהן\u{200F}", "\u{202B}דוד\u{202C}"),
        ("Zalgo\u{335}\u{336}", "ไทย"),
    ] {
        let found = patient(&json!({"name": [{"family": family, "given": [given]}]})).unwrap();
        assert_eq!(found.demographics.names[0].family.as_deref(), Some(family));
        assert_eq!(found.demographics.names[0].given, [given]);
    }
    let found = patient(&json!({"name": [{"family": "Mu\u{308}ller"}]})).unwrap();
    assert_eq!(found.demographics.names[0].family.as_deref(), Some("Müller"));
}

#[test]
fn a_name_of_ten_thousand_characters_is_refused() {
    let long = "王".repeat(10_000);
    assert_eq!(refused(&json!({"name": [{"family": long}]})), "Patient.name[0].family is longer than 300 characters");
    let given = json!({"name": [{"family": "Ng"}, {"given": ["a", long]}]});
    assert_eq!(refused(&given), "Patient.name[1].given[1] is longer than 300 characters");
    let many: Vec<Value> = (0..51).map(|_| json!({"family": "Ng"})).collect();
    assert_eq!(refused(&json!({"name": many})), "Patient.name has more than 50 items");
}

#[test]
fn control_characters_in_a_name_are_refused() {
    let words = "Patient.name[0].family contains a control character, such as NUL, a tab or a line break";
    for text in ["a\tb", "a\nb", "a\u{1B}[31mb", "a\u{85}b", "a\u{2028}b"] {
        assert_eq!(refused(&json!({"name": [{"family": text}]})), words);
    }
}

#[test]
fn birth_dates_that_cannot_be_are_refused() {
    let birth = |text: &str| refused(&json!({"birthDate": text}));
    assert_eq!(birth("0000"), "Patient.birthDate has the year 0000, which does not exist: years are 0001 to 9999");
    assert_eq!(
        birth("0000-00-00"),
        "Patient.birthDate has the year 0000, which does not exist: years are 0001 to 9999"
    );
    assert_eq!(birth("9999-12-31"), "Patient.birthDate lies in the future");
    assert_eq!(birth("2026-11-23"), "Patient.birthDate lies in the future");
    assert_eq!(birth("1980-02-30"), "Patient.birthDate has a day that its month does not have");
    let form = "Patient.birthDate is not a date such as 1980, 1980-11, 1980-11-22 or 1980-11-22T14:05:00+02:00";
    assert_eq!(birth("22/11/1980"), form);
    assert_eq!(refused(&json!({"birthDate": 1980})), "Patient.birthDate must be text");
    assert_eq!(refused(&json!({"birthDate": ["1980"]})), "Patient.birthDate must be text");

    let old = patient(&json!({"birthDate": "0001-01-01", "name": [{"family": "Ng"}]})).unwrap();
    assert_eq!(old.demographics.birth.unwrap().year(), 1);
    let warnings: Vec<String> = old.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["Patient.birthDate lies more than 130 years back"]);
}

#[test]
fn wrong_types_are_refused_with_their_path() {
    for (fields, words) in [
        (json!({"name": {"family": "Ng"}}), "Patient.name must be a list"),
        (json!({"name": ["Ng"]}), "Patient.name[0] must be an object"),
        (json!({"name": [{"given": "Wei"}]}), "Patient.name[0].given must be a list"),
        (json!({"name": [{"given": [7]}]}), "Patient.name[0].given[0] must be text"),
        (json!({"name": [{"period": {"start": 1}}]}), "Patient.name[0].period.start must be text"),
        (json!({"gender": "F"}), "Patient.gender must be one of male, female, other, unknown"),
        (json!({"active": "true"}), "Patient.active must be true or false"),
        (json!({"telecom": [{"rank": 0}]}), "Patient.telecom[0].rank must be a whole number from 1 on"),
        (json!({"telecom": [{"rank": "1"}]}), "Patient.telecom[0].rank must be a whole number from 1 on"),
        (json!({"identifier": [{"value": 7_503_305_044_089_u64}]}), "Patient.identifier[0].value must be text"),
        (json!({"identifier": [{"value": " "}]}), "Patient.identifier[0].value is empty"),
        (
            json!({"deceasedBoolean": true, "deceasedDateTime": "2001"}),
            "Patient.deceased is given twice: as yes or no, and as a date",
        ),
        (
            json!({"deceasedDateTime": "yesterday"}),
            "Patient.deceasedDateTime is not a date such as 1980, 1980-11, 1980-11-22 or 1980-11-22T14:05:00+02:00",
        ),
        (json!({"communication": [{"language": "zu"}]}), "Patient.communication[0].language must be an object"),
    ] {
        assert_eq!(refused(&fields), words);
    }
}

#[test]
fn an_identifier_that_fails_its_check_is_kept_and_marked() {
    let fields = json!({"name": [{"family": "Ng"}], "identifier": [
        {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "999-94-5397"},
        {"system": "https://example.org/none"},
        {"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": "111222334"},
    ]});
    let found = patient(&fields).unwrap();
    assert_eq!(found.identifiers.len(), 2);
    assert!(found.identifiers.iter().all(|identifier| !identifier.verified));
    assert_eq!(found.identifiers[0].value, "999-94-5397");
    // One without a value says something all the same: it stays with the rest.
    assert_eq!(found.demographics.rest, json!({"identifier": [{"system": "https://example.org/none"}]}));
    let warnings: Vec<String> = found.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "Patient.identifier[0].value is a number that is never given out (Social Security number (US)): \
             kept, and marked unverified",
            "Patient.identifier[2].value fails its check digit (BSN): kept, and marked unverified",
        ]
    );
}

#[test]
fn a_patient_is_looked_up_by_source_and_by_what_belongs_to_one_person() {
    let fields = json!({"identifier": [
        {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "999-94-5397"},
        {"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": "1112.22.333"},
        {"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": "111222333"},
        {"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MB"}]},
         "system": "https://example.org/members", "value": "77"},
        {"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]},
         "system": "https://example.org/mrn", "value": "A-17"},
    ]});
    let keys = match_keys(&patient(&fields).unwrap(), "https://example.org/fhir");
    let texts: Vec<String> = keys.iter().map(MatchKey::text).collect();
    assert_eq!(
        texts,
        [
            "source|24|https://example.org/fhir|p1",
            "identity|nl-bsn|111222333",
            "identity|mrn|https://example.org/mrn|A-17",
        ]
    );
}

#[test]
fn keys_that_point_to_different_patients_are_a_reason_to_stop() {
    assert_eq!(decide::<u8>(None, &[]), Ok(Decision::Add));
    assert_eq!(decide(Some(1), &[]), Ok(Decision::Same(1)));
    assert_eq!(decide(Some(1), &[1, 1]), Ok(Decision::Same(1)));
    assert_eq!(decide(None, &[2, 2]), Ok(Decision::Known(2)));
    let words = decide(Some(1), &[1, 2]).unwrap_err().to_string();
    assert_eq!(words, "Patient.id is known as one patient, and an identifier belongs to another");
    let words = decide(None, &[2, 3]).unwrap_err().to_string();
    assert_eq!(words, "Patient.identifier has identifiers that belong to different known patients");

    let birth = |text| Some(crate::patients::model::BirthDate::parse(text).unwrap());
    assert!(birth_dates_disagree(birth("1980"), birth("1980-11-22")).is_ok());
    assert!(birth_dates_disagree(None, birth("1980-11-22")).is_ok());
    assert!(birth_dates_disagree(birth("1981"), birth("1980-11-22")).is_err());
}
