use reqwest::StatusCode;
use serde_json::{Value, json};
use store::Role;

use super::{MASKED, Program, bring_in, matched, next};
use crate::site::Site;

fn observation(id: &str, code: &str, at: &str, status: &str) -> Value {
    json!({"resourceType": "Observation", "id": id, "status": status, "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "effectiveDateTime": at,
        "encounter": {"reference": "Encounter/e"}, "valueQuantity": {"value": 1}})
}

/// Somebody with a record.
async fn a_record(site: &Site, program: &Program) -> String {
    let about = json!({"reference": "Patient/p", "display": "Ana Recorded"});
    bring_in(
        site,
        program.practice,
        &[
            ("Patient", &[json!({"resourceType": "Patient", "id": "p", "name": [{"family": "Recorded", "given": ["Ana"]}]})]),
            (
                "Observation",
                &[
                    observation("o1", "8480-6", "2020-01-02T10:00:00+02:00", "final"),
                    observation("o2", "8480-6", "2021-01-02", "final"),
                    observation("o3", "8867-4", "2022", "entered-in-error"),
                ],
            ),
            ("Encounter", &[json!({"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB"},
                "subject": about, "period": {"start": "2020-01-02T10:00:00+02:00"}})]),
            ("AllergyIntolerance", &[json!({"resourceType": "AllergyIntolerance", "id": "a", "patient": about,
                "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]},
                "code": {"text": "Latex"}, "recordedDate": "2020-05-05"})]),
            ("Device", &[json!({"resourceType": "Device", "id": "d", "patient": about, "status": "active"})]),
            ("Practitioner", &[json!({"resourceType": "Practitioner", "id": "dr", "name": [{"family": "Ng"}]})]),
        ],
    )
    .await;
    matched(&program.json("Patient?family=recorded").await).remove(0)
}

#[tokio::test]
async fn a_record_is_read_and_searched_by_type() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, MASKED).await;
    let patient = a_record(&site, &program).await;
    let count = async |question: &str| matched(&program.json(&question.replace("PATIENT", &patient)).await).len();
    for (question, found) in [
        ("Observation?patient=PATIENT", 3),
        ("Observation?subject=Patient/PATIENT", 3),
        ("Observation?patient:Patient=PATIENT", 3),
        ("Observation?patient=PATIENT&code=8480-6", 2),
        ("Observation?patient=PATIENT&code=http://loinc.org|8480-6,http://loinc.org|8867-4", 3),
        ("Observation?patient=PATIENT&code=http://snomed.info/sct|8480-6", 0),
        ("Observation?patient=PATIENT&status=final", 2),
        ("Observation?patient=PATIENT&date=2020-01-02", 1),
        ("Observation?patient=PATIENT&date=ge2021", 2),
        ("Observation?patient=PATIENT&date=ge2020-02&date=lt2022", 1),
        ("Observation?patient=PATIENT&_lastUpdated=lt2020", 0),
        ("Encounter?patient=PATIENT&class=AMB", 1),
        ("AllergyIntolerance?patient=PATIENT&clinical-status=active", 1),
        ("Device?patient=PATIENT", 1),
        ("Flag?patient=PATIENT", 0),
        ("Practitioner", 1),
        ("Location", 0),
    ] {
        assert_eq!(count(question).await, found, "{question}");
    }
    let bundle =
        program.json(&format!("Observation?patient={patient}&_count=1&code=8480-6&_include=Observation:patient")).await;
    let entries = bundle["entry"].as_array().unwrap();
    assert_eq!((&entries[1]["search"]["mode"], &entries[1]["resource"]["id"]), (&json!("include"), &json!(patient)));
    let second = program.json(&next(&bundle).unwrap()).await;
    assert_eq!((matched(&second).len(), next(&second)), (1, None));
    assert_eq!(second["entry"].as_array().unwrap().len(), 2, "the patient comes with each page");

    let id = matched(&program.json(&format!("Observation?patient={patient}&date=2021")).await).remove(0);
    let one = program.json(&format!("Observation/{id}")).await;
    assert_eq!(one["subject"]["reference"], format!("Patient/{patient}"));
    let encounter = matched(&program.json(&format!("Encounter?patient={patient}")).await).remove(0);
    assert_eq!(one["encounter"], json!({"reference": format!("Encounter/{encounter}")}));
    assert_eq!((&one["meta"]["versionId"], &one["id"]), (&json!("1"), &json!(id)));
    assert_eq!(program.get(&format!("Condition/{id}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(program.get(&format!("Patient/{id}")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn everything_about_one_patient_comes_page_by_page() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, MASKED).await;
    let patient = a_record(&site, &program).await;
    let practitioner = site.house.actor(practice, &[Role::Practitioner]).await;
    let id = patient.parse().unwrap();
    let weight = practice::patients::writes::Severity::High;
    let text = "Speaks only isiZulu";
    practice::patients::writes::add_alert(&site.house.store, &practitioner, site.house.key(), id, weight, text)
        .await
        .unwrap();
    let mut path = Some(format!("Patient/{patient}/$everything?_count=2"));
    let mut types = Vec::new();
    while let Some(here) = path {
        let bundle = program.json(&here).await;
        for entry in bundle["entry"].as_array().unwrap() {
            types.push(entry["resource"]["resourceType"].as_str().unwrap().to_owned());
        }
        path = next(&bundle);
    }
    assert_eq!(types[..2], ["Patient", "Flag"]);
    types.sort();
    assert_eq!(
        types,
        ["AllergyIntolerance", "Device", "Encounter", "Flag", "Observation", "Observation", "Observation", "Patient"]
    );
    let flag = program.json(&format!("Flag?patient={patient}")).await["entry"][0]["resource"].clone();
    assert_eq!(flag["code"]["text"], text);
    assert_eq!(program.json(&format!("Flag/{}", flag["id"].as_str().unwrap())).await, flag);
}
