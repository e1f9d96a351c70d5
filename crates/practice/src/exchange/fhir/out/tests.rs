use kernel::{AlertId, EntryId, IdentifierId, PatientId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::exchange::fhir::{Resource, ResourceKey, read as read_line, sent_patient};
use crate::patients::identifiers::Identifier;
use crate::patients::rows::{Alert, Entry, EntryContent, EntrySummary, Patient};

const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 22);
const BASE: &str = "https://house.test/fhir/r4/p";

fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x0198_a1b2_0000_7000_8000_0000_0000_0000 | n)
}

fn stamp() -> Stamp {
    Stamp { version: 3, at: "2026-11-22T10:11:12.345678Z".parse().unwrap() }
}

/// A patient as an import reads it.
fn brought_in(resource: &Value) -> (Patient, Vec<Identifier>) {
    let (_, resource) = read_line(resource.to_string().as_bytes(), TODAY).unwrap();
    let Resource::Patient(import) = resource else { panic!("not a patient") };
    let mut patient = Patient::new(PatientId::from_uuid(id(1)), import.demographics);
    patient.active = import.active;
    (patient, import.identifiers)
}

fn whole(numbers: &[Identifier]) -> Vec<ShownIdentifier> {
    let one = |(at, number): (usize, &Identifier)| {
        ShownIdentifier::Whole(IdentifierId::from_uuid(id(100 + at as u128)), Box::new(number.clone()))
    };
    numbers.iter().enumerate().map(one).collect()
}

fn masked(numbers: &[Identifier]) -> Vec<ShownIdentifier> {
    let one = |(at, number): (usize, &Identifier)| {
        ShownIdentifier::Masked(IdentifierId::from_uuid(id(100 + at as u128)), number.kind, number.masked())
    };
    numbers.iter().enumerate().map(one).collect()
}

fn full() -> Value {
    json!({
        "resourceType": "Patient", "id": "p1",
        "meta": {"versionId": "9", "lastUpdated": "1999-01-01T00:00:00Z", "profile": ["http://example.org/p"]},
        "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">BSN 111222333</div>"},
        "extension": [
            {"url": "http://hl7.org/fhir/StructureDefinition/individual-pronouns", "extension": [
                {"url": "value", "valueCodeableConcept": {"coding": [{"code": "LA29519-8", "display": "she/her"}]}}]},
            {"url": "http://example.org/number", "valueIdentifier": {"system": "http://example.org", "value": "111222333"}},
        ],
        "identifier": [
            {"use": "official", "system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": "111222333"},
            {"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]},
             "system": "https://example.org/mrn", "value": "A-17", "assigner": {"display": "Example Clinic"}},
        ],
        "active": true,
        "name": [{"use": "official", "family": "Naidoo", "given": ["Asha", null], "_given": [null, {"id": "g"}]},
                 {"use": "maiden", "text": "Asha Pillay", "period": {"end": "2001-05"}}],
        "telecom": [{"system": "phone", "value": "082 555 0123", "use": "mobile", "rank": 1}],
        "gender": "female", "birthDate": "1980-11-22",
        "_birthDate": {"extension": [{"url": "http://example.org/t", "valueDateTime": "1980-11-22T04:00:00Z"}]},
        "deceasedBoolean": false,
        "address": [{"use": "home", "type": "both", "line": ["1 First Street"], "city": "Durban"}],
        "maritalStatus": {"coding": [{"system": "http://example.org/s", "code": "M", "userSelected": true}]},
        "multipleBirthInteger": 2,
        "contact": [{"name": {"text": "Ravi"}}],
        "communication": [{"language": {"coding": [{"code": "zu"}]}, "preferred": true}],
        "generalPractitioner": [{"reference": "Practitioner/9", "display": "Dr Ng"}],
    })
}

#[test]
fn a_patient_leaves_as_it_came_under_our_id_and_our_version() {
    let (patient_row, numbers) = brought_in(&full());
    let told = patient(&patient_row, stamp(), &whole(&numbers), &[], &Links::default());
    let mut expected = full();
    expected["id"] = json!(patient_row.id);
    expected["meta"] =
        json!({"versionId": "3", "lastUpdated": "2026-11-22T10:11:12.345Z", "profile": ["http://example.org/p"]});
    for (at, number) in expected["identifier"].as_array_mut().unwrap().iter_mut().enumerate() {
        number["id"] = json!(id(100 + at as u128));
    }
    expected["generalPractitioner"] = json!([{"type": "Practitioner", "display": "Dr Ng"}]);
    assert_eq!(told, expected);
}

#[test]
fn what_leaves_is_taken_again_by_those_who_read_strictly_and_says_the_same() {
    let (patient_row, numbers) = brought_in(&full());
    let told = patient(&patient_row, stamp(), &whole(&numbers), &[], &Links::default());
    let sent = sent_patient(told.to_string().as_bytes(), TODAY, BASE).unwrap();
    assert_eq!(sent.identifiers, numbers);
    assert!(sent.demographics.names == patient_row.names && sent.demographics.birth == patient_row.birth);
    assert_eq!(sent.demographics.pronouns.as_deref(), Some("she/her"));
}

#[test]
fn a_masked_number_is_nowhere_in_what_leaves() {
    let (patient_row, numbers) = brought_in(&full());
    let told = patient(&patient_row, stamp(), &masked(&numbers), &[], &Links::default());
    for number in ["111222333", "A-17"] {
        assert!(!told.to_string().contains(number), "{told}");
    }
    assert_eq!(told["meta"]["security"][0]["code"], "MASKED");
    let extensions = &told["identifier"][0]["_value"]["extension"];
    assert_eq!(extensions[0]["valueCode"], "masked");
    assert_eq!(extensions[1]["valueString"], "•••• 333");
    assert_eq!(told["identifier"][0]["system"], "http://fhir.nl/fhir/NamingSystem/bsn");
    assert!(told.get("text").is_none(), "a narrative repeats numbers");
}

#[test]
fn masked_numbers_that_come_back_are_named_and_not_lost() {
    let (patient_row, numbers) = brought_in(&json!({
        "resourceType": "Patient", "id": "p", "name": [{"family": "Ng"}],
        "identifier": [{"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": "111222333"}],
    }));
    let told = patient(&patient_row, stamp(), &masked(&numbers), &[], &Links::default());
    let sent = sent_patient(told.to_string().as_bytes(), TODAY, BASE).unwrap();
    assert_eq!(sent.named, [IdentifierId::from_uuid(id(100))]);
    assert_eq!((sent.identifiers, sent.demographics.rest), (Vec::new(), Value::Null));
    let mut stranger = told.clone();
    stranger["identifier"][0]["id"] = json!("7");
    let refused = sent_patient(stranger.to_string().as_bytes(), TODAY, BASE).unwrap_err();
    assert_eq!(refused.field, "Patient.identifier");
}

#[test]
fn other_masked_values_cannot_be_written_back_as_if_they_were_values() {
    let (patient_row, numbers) = brought_in(&full());
    let told = patient(&patient_row, stamp(), &masked(&numbers), &[], &Links::default());
    let refused = sent_patient(told.to_string().as_bytes(), TODAY, BASE).unwrap_err();
    assert!(refused.reason.contains("was masked"), "{refused}");
}

#[test]
fn references_that_lead_away_from_the_practice_are_refused() {
    let with = |reference: &str| {
        let patient = json!({"resourceType": "Patient", "name": [{"family": "Ng"}],
            "link": [{"type": "seealso", "other": {"reference": reference}}]});
        sent_patient(patient.to_string().as_bytes(), TODAY, BASE)
    };
    for away in [
        "https://elsewhere.test/Patient/1",
        "urn:uuid:0198a1b2-0000-7000-8000-000000000001",
        "Patient?identifier=a|b",
        "urn:here:Patient/1",
        "x",
    ] {
        assert!(with(away).is_err(), "{away}");
    }
    let ours = format!("{BASE}/Patient/{}", id(7));
    let refers = with(&ours).unwrap().refers;
    let told: Vec<(&str, &str)> =
        refers.iter().map(|known| (known.resource_type.as_str(), known.id.as_str())).collect();
    assert_eq!(told, [("Patient", id(7).to_string().as_str())]);
    let sent = with(&format!("Patient/{}", id(7))).unwrap();
    let kept = Patient::new(PatientId::from_uuid(id(1)), sent.demographics);
    let told = patient(&kept, stamp(), &[], &[], &Links::default());
    assert_eq!(told["link"][0]["other"]["reference"], format!("Patient/{}", id(7)));
}

#[test]
fn pronouns_that_were_changed_here_take_the_place_of_the_sources() {
    let (mut patient_row, numbers) = brought_in(&full());
    patient_row.pronouns = Some("they/them".to_owned());
    let told = patient(&patient_row, stamp(), &whole(&numbers), &[], &Links::default());
    let pronouns: Vec<&Value> = told["extension"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|extension| extension["url"].as_str().unwrap().ends_with("individual-pronouns"))
        .collect();
    assert_eq!(pronouns.len(), 1);
    assert_eq!(pronouns[0]["extension"][0]["valueCodeableConcept"]["text"], "they/them");
}

#[test]
fn what_fhir_does_not_allow_in_a_date_a_list_or_a_contact_is_mended() {
    let (patient_row, _) = brought_in(&json!({
        "resourceType": "Patient", "id": "p", "deceasedDateTime": "2020-01-02T10:11",
        "name": [{"family": "Ng", "given": [null, "Ana"], "period": {"start": "2020-01-02T10:11:12"}}],
        "telecom": [{"value": "123456"}], "communication": [{"preferred": true}],
    }));
    let told = patient(&patient_row, stamp(), &[], &[], &Links::default());
    assert_eq!(told["deceasedDateTime"], "2020-01-02");
    assert_eq!(told["name"][0]["given"], json!(["Ana"]));
    assert_eq!(told["name"][0]["period"], json!({"start": "2020-01-02"}));
    assert_eq!(told["telecom"][0]["system"], "other");
    assert!(sent_patient(told.to_string().as_bytes(), TODAY, BASE).is_ok());
}

fn an_entry(source: &Value) -> Entry {
    let (_, resource) = read_line(source.to_string().as_bytes(), TODAY).unwrap();
    let (kind, summary, body) = match resource {
        Resource::Entry { entry, .. } => {
            (entry.kind.code().to_owned(), EntrySummary::of(&entry.body), EntryContent::Read(Box::new(entry.body)))
        }
        Resource::Kept { resource_type, raw, .. } => {
            (resource_type.clone(), EntrySummary::kept(&resource_type), EntryContent::Kept { source: raw })
        }
        Resource::Patient(_) | Resource::Alert { .. } => panic!("not an entry"),
    };
    Entry {
        id: EntryId::from_uuid(id(2)),
        row_version: 1,
        patient_id: PatientId::from_uuid(id(1)),
        kind,
        occurred_at: None,
        summary,
        body,
    }
}

#[test]
fn an_entry_is_about_our_patient_and_leads_to_what_is_here_or_says_it_in_words() {
    let source = json!({
        "resourceType": "Condition", "id": "c1", "meta": {"versionId": "8", "tag": [{"code": "t"}]},
        "subject": {"reference": "Patient/p1", "display": "Ana Ng",
                    "identifier": {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "123456789"}},
        "encounter": {"reference": "Encounter/e1"},
        "asserter": {"reference": "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|99", "display": "Dr Ng"},
        "recorder": {"reference": "Patient?identifier=http://hl7.org/fhir/sid/us-ssn|123456789"},
        "evidence": [{"detail": [{"reference": "Observation/o1"}, {"reference": "#inside"},
                                 {"reference": "https://elsewhere.test/fhir/Observation/o2", "display": "Pulse"}]}],
        "code": {"text": "Asthma"},
    });
    let links = Links::of([(ResourceKey::of("Observation", "o1"), Target(id(3)))]);
    let told = entry(&an_entry(&source), stamp(), &links).unwrap();
    assert_eq!(told["id"], json!(id(2)));
    assert_eq!(
        told["meta"],
        json!({"versionId": "3", "lastUpdated": "2026-11-22T10:11:12.345Z", "tag": [{"code": "t"}]})
    );
    assert_eq!(told["subject"], json!({"reference": format!("Patient/{}", id(1)), "display": "Ana Ng"}));
    assert_eq!(told["encounter"], json!({"type": "Encounter", "extension": [absent("unknown")]}));
    let npi = json!({"system": "http://hl7.org/fhir/sid/us-npi", "value": "99"});
    assert_eq!(told["asserter"], json!({"display": "Dr Ng", "identifier": npi, "type": "Practitioner"}));
    assert_eq!(told["recorder"], json!({"type": "Patient", "extension": [absent("unknown")]}));
    let details = &told["evidence"][0]["detail"];
    assert_eq!(details[0], json!({"reference": format!("Observation/{}", id(3))}));
    assert_eq!(details[1], json!({"reference": "#inside"}));
    assert_eq!(details[2], json!({"type": "Observation", "display": "Pulse"}));
    assert!(!told.to_string().contains("123456789"), "a number beside a reference is a number all the same");
    assert!(!wanted(&source, |name| name == "Observation").contains(&ResourceKey::of("Encounter", "e1")));
    assert!(wanted(&source, |_| true).contains(&ResourceKey::of("Encounter", "e1")));
}

#[test]
fn an_entry_says_whom_it_is_about_by_the_name_that_its_type_has() {
    for (source, name) in [
        (
            json!({"resourceType": "AllergyIntolerance", "id": "a", "patient": {"reference": "Patient/p"}, "code": {"text": "x"}}),
            "patient",
        ),
        (json!({"resourceType": "Device", "id": "d", "patient": {"reference": "Patient/p"}}), "patient"),
        (
            json!({"resourceType": "Procedure", "id": "p", "subject": {"reference": "Patient/p"}, "code": {"text": "x"}}),
            "subject",
        ),
    ] {
        let told = entry(&an_entry(&source), stamp(), &Links::default()).unwrap();
        assert_eq!(told[name]["reference"], format!("Patient/{}", id(1)));
        assert_eq!(told["resourceType"], source["resourceType"]);
    }
}

#[test]
fn an_address_that_only_the_source_could_resolve_is_left_out_and_a_url_of_an_extension_is_not() {
    let source = json!({
        "resourceType": "DocumentReference", "id": "d", "status": "current", "subject": {"reference": "Patient/p"},
        "content": [{"attachment": {"contentType": "application/pdf", "url": "Binary/77"}},
                    {"attachment": {"contentType": "application/pdf", "url": "https://files.test/a.pdf"}}],
        "extension": [{"url": "relative", "valueString": "x"}, {"url": "http://a.example", "extension": [{"url": "part", "valueString": "y"}]}],
    });
    let told = entry(&an_entry(&source), stamp(), &Links::default()).unwrap();
    let attachment = |at: usize| told["content"][at]["attachment"].clone();
    assert!(attachment(0).get("url").is_none() && attachment(0)["_url"]["extension"][0]["valueCode"] == "unknown");
    assert_eq!(attachment(1)["url"], "https://files.test/a.pdf");
    assert_eq!(told["extension"], source["extension"]);
}

#[test]
fn an_alert_is_a_flag() {
    let alert = |severity: &str, active| Alert {
        id: AlertId::from_uuid(id(4)),
        row_version: 1,
        patient_id: PatientId::from_uuid(id(1)),
        severity: severity.to_owned(),
        active,
        text: "Uses a wheelchair".to_owned(),
    };
    let told = flag(&alert("usual", true), stamp());
    assert_eq!((&told["status"], &told["code"]["text"]), (&json!("active"), &json!("Uses a wheelchair")));
    assert!(told.get("extension").is_none());
    let told = flag(&alert("high", false), stamp());
    assert_eq!(told["extension"][0]["valueCodeableConcept"]["coding"][0]["code"], "PH");
    assert_eq!(told["status"], "inactive");
}

#[test]
fn what_belongs_to_no_patient_leaves_under_our_id() {
    let source = json!({"resourceType": "PractitionerRole", "id": "r",
        "practitioner": {"identifier": {"system": "http://hl7.org/fhir/sid/us-npi", "value": "99"}, "display": "Dr Ng"}});
    let told = kept("PractitionerRole", &id(5).to_string(), &source.to_string(), stamp(), &Links::default()).unwrap();
    assert_eq!(told["id"], json!(id(5)));
    assert_eq!(told["practitioner"], source["practitioner"]);
    assert!(kept("Location", "x", "[]", stamp(), &Links::default()).is_none());
}
