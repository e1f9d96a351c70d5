//! Writing in records over the API.

use practice::audit::reads::of_record;
use practice::exchange::api::kinds::KINDS;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::{AuditLine, Role};

use super::program::entry_of;
use super::{MASKED, Program, bring_in, matched, somebody};
use crate::browser::Page;
use crate::site::Site;

fn written() -> impl Iterator<Item = &'static str> {
    KINDS.iter().filter(|kind| kind.written_as().is_some()).map(|kind| kind.name)
}

/// The expression of the first issue.
fn place(page: &Page) -> String {
    page.json()["issue"][0]["expression"][0].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn an_entry_of_each_type_is_added_read_found_and_changed() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, MASKED).await;
    let patient = program.add(&somebody("Ana", "Written")).await["id"].as_str().unwrap().to_owned();
    assert_eq!(written().count(), 8);
    for kind in written() {
        let sent = entry_of(kind, &patient);
        let made = program.post(kind, &sent).await;
        assert_eq!(made.status, StatusCode::CREATED, "{kind}: {}", made.body);
        let (entry, id) = (made.json(), made.json()["id"].as_str().unwrap().to_owned());
        assert_eq!(made.header("location"), format!("{}{}/{kind}/{id}", site.origin(), program.base));
        assert_eq!(made.header("etag"), "W/\"1\"");
        // What was sent is what is there, beside what is ours.
        let mut plain = entry.clone();
        plain.as_object_mut().unwrap().retain(|name, _| !matches!(name.as_str(), "id" | "meta"));
        assert_eq!(plain, sent, "{kind}");
        assert_eq!(program.json(&format!("{kind}/{id}")).await, entry);
        assert_eq!(matched(&program.json(&format!("{kind}?patient={patient}")).await), std::slice::from_ref(&id));

        let mut changed = entry.clone();
        changed["language"] = json!("zu");
        let path = format!("{kind}/{id}");
        let put = program.put(&path, "W/\"1\"", &changed).await;
        assert_eq!((put.status, put.header("etag")), (StatusCode::OK, "W/\"2\""), "{kind}: {}", put.body);
        assert_eq!((&put.json()["language"], put.json()), (&json!("zu"), program.json(&path).await));
        let again = program.put(&path, "W/\"1\"", &changed).await;
        assert_eq!((again.status, again.header("etag")), (StatusCode::OK, "W/\"2\""), "sent twice, done once");
        changed["language"] = json!("af");
        let stale = program.put(&path, "W/\"1\"", &changed).await;
        assert_eq!((stale.status, stale.issue().as_str()), (StatusCode::PRECONDITION_FAILED, "conflict"));
        changed.as_object_mut().unwrap().remove("meta");
        let blind = program.send(program.with_body(Method::PUT, &path, &changed)).await;
        assert_eq!((blind.status, blind.issue().as_str()), (StatusCode::PRECONDITION_REQUIRED, "required"));
        let same = program.put(&path, "2", &put.json()).await;
        assert_eq!((same.status, same.header("etag")), (StatusCode::OK, "W/\"2\""), "nothing changed, no version");
    }
    // Whoever treats reads it on the page, and sees in the log who wrote it.
    let doctor = site.house.actor(practice, &[Role::Practitioner]).await;
    let id = patient.parse().unwrap();
    let log = of_record(&site.house.store, &doctor, id, None).await.unwrap();
    let lines: Vec<AuditLine> = log.lines.lines.into_iter().map(Result::unwrap).collect();
    let change = lines.iter().find(|line| line.action == "clinical.update" && !line.changes.is_empty()).unwrap();
    assert_eq!(change.client, Some(program.id));
    let body = change.changes.iter().find(|change| change.field == "record_entry.body").unwrap();
    assert!(body.after.as_ref().unwrap().to_string().contains("zu"), "{body:?}");
    assert!(!body.before.as_ref().unwrap().to_string().contains("zu"), "{body:?}");
    assert_eq!(site.house.logged_by(practice, program.id.uuid(), "clinical.create").await, 8);
}

#[tokio::test]
async fn an_entry_is_added_once_and_only_if_there_is_none() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, MASKED).await;
    let patient = program.add(&somebody("Ana", "Single")).await["id"].as_str().unwrap().to_owned();
    let sent = entry_of("Observation", &patient);
    let request = || program.with_body(Method::POST, "Observation", &sent).header("idempotency-key", "k-1");
    let (one, two) = (program.send(request()).await, program.send(request()).await);
    assert_eq!((one.status, two.status), (StatusCode::CREATED, StatusCode::CREATED), "{}", two.body);
    assert_eq!(one.json(), two.json());
    let mut other = sent.clone();
    other["valueQuantity"]["value"] = json!(8);
    let reused = program.with_body(Method::POST, "Observation", &other).header("idempotency-key", "k-1");
    assert_eq!(program.send(reused).await.status, StatusCode::CONFLICT);
    let unless = async |condition: &str| {
        let request = program.with_body(Method::POST, "Observation", &other);
        program.send(request.header("if-none-exist", condition)).await
    };
    let there = unless(&format!("patient={patient}&code=c-1")).await;
    assert_eq!((there.status, &there.json()["id"]), (StatusCode::OK, &one.json()["id"]));
    let none = unless(&format!("patient={patient}&code=c-2")).await;
    assert_eq!(none.status, StatusCode::CREATED);
    let several = unless(&format!("patient={patient}&code=c-1")).await;
    assert_eq!((several.status, several.issue().as_str()), (StatusCode::PRECONDITION_FAILED, "multiple-matches"));
    assert_eq!(unless(&format!("patient={patient}")).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(unless("code=c-1").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(matched(&program.json(&format!("Observation?patient={patient}")).await).len(), 2);
}

#[tokio::test]
async fn an_entry_refers_to_its_own_record_and_to_nothing_of_anybody_else() {
    let site = Site::open().await;
    let (mine, theirs) = (site.house.practice().await, site.house.practice().await);
    let (program, them) = (Program::of(&site, mine, MASKED).await, Program::of(&site, theirs, MASKED).await);
    let patient = program.add(&somebody("Ana", "Mine")).await["id"].as_str().unwrap().to_owned();
    let beside = program.add(&somebody("Ben", "Mine")).await["id"].as_str().unwrap().to_owned();
    let foreign = them.add(&somebody("Cas", "Theirs")).await["id"].as_str().unwrap().to_owned();
    let nobody = "0198a1b2-0000-7000-8000-000000000001".to_owned();
    let doctor = json!({"resourceType": "Practitioner", "id": "d", "name": [{"family": "Ng"}]});
    bring_in(&site, mine, &[("Practitioner", std::slice::from_ref(&doctor))]).await;
    bring_in(&site, theirs, &[("Practitioner", &[doctor])]).await;
    let (ng, their_ng) =
        (matched(&program.json("Practitioner").await).remove(0), matched(&them.json("Practitioner").await).remove(0));
    let mut answers = Vec::new();
    for id in [&foreign, &nobody] {
        for kind in written() {
            let page = program.post(kind, &entry_of(kind, id)).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{kind}: {}", page.body);
            assert!(place(&page).ends_with(".subject") || place(&page).ends_with(".patient"), "{}", page.body);
            answers.push(page.body);
        }
    }
    assert_eq!(answers[..8], answers[8..], "another practice's patient is answered like nobody");
    let visit = async |program: &Program, patient: &str| {
        program.post("Encounter", &entry_of("Encounter", patient)).await.json()["id"].as_str().unwrap().to_owned()
    };
    let (own, bens, caspers) =
        (visit(&program, &patient).await, visit(&program, &beside).await, visit(&them, &foreign).await);
    let with = |field: &str, reference: &str| {
        let mut entry = entry_of("Condition", &patient);
        entry[field] = json!({"reference": reference});
        entry
    };
    for (field, reference) in [("encounter", format!("Encounter/{own}")), ("recorder", format!("Practitioner/{ng}"))] {
        let page = program.post("Condition", &with(field, &reference)).await;
        assert_eq!(
            (page.status, &page.json()[field]["reference"]),
            (StatusCode::CREATED, &json!(reference)),
            "{}",
            page.body
        );
        let absolute = format!("{}{}/{reference}", site.origin(), program.base);
        let page = program.post("Condition", &with(field, &absolute)).await;
        assert_eq!(
            (page.status, &page.json()[field]["reference"]),
            (StatusCode::CREATED, &json!(reference)),
            "{}",
            page.body
        );
    }
    for (field, reference) in [
        ("encounter", format!("Encounter/{bens}")),
        ("encounter", format!("Encounter/{caspers}")),
        ("encounter", format!("Encounter/{nobody}")),
        ("encounter", format!("Condition/{own}")),
        ("recorder", format!("Practitioner/{their_ng}")),
        ("asserter", format!("Patient/{beside}")),
        ("asserter", format!("Patient/{foreign}")),
        ("recorder", "Practitioner?identifier=a|b".to_owned()),
        ("recorder", "https://elsewhere.example/Practitioner/1".to_owned()),
        ("recorder", "urn:uuid:0198a1b2-0000-7000-8000-000000000001".to_owned()),
        ("recorder", "CareTeam/1".to_owned()),
    ] {
        let page = program.post("Condition", &with(field, &reference)).await;
        assert_eq!(
            (page.status, place(&page).as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, format!("Condition.{field}.reference").as_str()),
            "{reference}: {}",
            page.body
        );
    }
    // What stands in one record is not moved into another.
    let made = program.post("Condition", &entry_of("Condition", &patient)).await.json();
    let path = format!("Condition/{}", made["id"].as_str().unwrap());
    for elsewhere in [&beside, &foreign, &nobody] {
        let mut moved = made.clone();
        moved["subject"] = json!({"reference": format!("Patient/{elsewhere}")});
        let page = program.put(&path, "1", &moved).await;
        assert_eq!(
            (page.status, place(&page).as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, "Condition.subject"),
            "{}",
            page.body
        );
    }
    assert_eq!(them.put(&path, "1", &made).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_by_the_name_of_the_element() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, MASKED).await;
    let patient = program.add(&somebody("Ana", "Refused")).await["id"].as_str().unwrap().to_owned();
    let with = |kind: &str, fields: Value| {
        let mut entry = entry_of(kind, &patient);
        for (name, value) in fields.as_object().unwrap() {
            entry[name] = value.clone();
        }
        entry
    };
    let status = |system: &str, code: &str| json!({"coding": [{"system": format!("http://terminology.hl7.org/CodeSystem/{system}"), "code": code}]});
    let extension = json!([{"url": "http://example.org/x", "valueBoolean": true}]);
    for (kind, fields, element) in [
        ("Condition", json!({"modifierExtension": extension}), "Condition.modifierExtension"),
        ("Condition", json!({"implicitRules": "http://example.org/rules"}), "Condition.implicitRules"),
        ("Condition", json!({"nickname": "Thandi"}), "Condition"),
        ("Condition", json!({"subject": {"display": "Ana"}}), "Condition.subject"),
        ("Condition", json!({"subject": {"reference": "Group/1"}}), "Condition.subject"),
        ("Condition", json!({"code": {"coding": [{"userSelected": true}]}}), "Condition.code"),
        ("Condition", json!({"clinicalStatus": status("condition-clinical", "cured")}), "Condition.clinicalStatus"),
        (
            "Condition",
            json!({"clinicalStatus": status("condition-clinical", "active"), "abatementDateTime": "2020"}),
            "Condition.clinicalStatus",
        ),
        ("AllergyIntolerance", json!({"clinicalStatus": null}), "AllergyIntolerance.clinicalStatus"),
        (
            "AllergyIntolerance",
            json!({"verificationStatus": status("allergyintolerance-verification", "entered-in-error")}),
            "AllergyIntolerance.clinicalStatus",
        ),
        ("Observation", json!({"status": "done"}), "Observation.status"),
        ("Observation", json!({"valueString": "seven"}), "Observation"),
        ("Observation", json!({"dataAbsentReason": {"text": "not asked"}}), "Observation.dataAbsentReason"),
        ("Immunization", json!({"occurrenceDateTime": "yesterday"}), "Immunization.occurrenceDateTime"),
        (
            "MedicationRequest",
            json!({"dosageInstruction": [{"timing": {"repeat": {"periodUnit": "days"}}}]}),
            "MedicationRequest.dosageInstruction[0].timing.repeat.periodUnit",
        ),
        ("DocumentReference", json!({"content": []}), "DocumentReference.content"),
        (
            "Encounter",
            json!({"type": [{"_text": {"extension": [
                {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]}}]}),
            "Encounter",
        ),
    ] {
        let mut sent = with(kind, fields.clone());
        sent.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let page = program.post(kind, &sent).await;
        assert_eq!(
            (page.status, place(&page).as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, element),
            "{fields}: {}",
            page.body
        );
        assert!(!page.body.contains("Thandi") && !page.body.contains("yesterday"), "{}", page.body);
    }
    let other = program.post("Condition", &entry_of("Procedure", &patient)).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    // That no allergy is known does not stand beside allergies.
    let none =
        json!({"code": {"coding": [{"system": "http://snomed.info/sct", "code": "716186003"}], "text": "None known"}});
    let made = program.post("AllergyIntolerance", &entry_of("AllergyIntolerance", &patient)).await.json();
    let refused = program.post("AllergyIntolerance", &with("AllergyIntolerance", none.clone())).await;
    assert_eq!(
        (refused.status, place(&refused).as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "AllergyIntolerance.code")
    );
    let mut turned = made.clone();
    turned["code"] = none["code"].clone();
    let path = format!("AllergyIntolerance/{}", made["id"].as_str().unwrap());
    assert_eq!(program.put(&path, "1", &turned).await.status, StatusCode::OK, "the only one may become it");
}

#[tokio::test]
async fn each_type_is_written_with_its_own_scope_and_letter() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let maker = Program::of(&site, practice, MASKED).await;
    let patient = maker.add(&somebody("Ana", "Scoped")).await["id"].as_str().unwrap().to_owned();
    let made = maker.post("Condition", &entry_of("Condition", &patient)).await.json();
    let path = format!("Condition/{}", made["id"].as_str().unwrap());
    for (scopes, creates, updates) in [
        ("system/Condition.c", StatusCode::CREATED, StatusCode::FORBIDDEN),
        ("system/Condition.u", StatusCode::FORBIDDEN, StatusCode::OK),
        ("system/Condition.rs", StatusCode::FORBIDDEN, StatusCode::FORBIDDEN),
        ("system/Observation.cu", StatusCode::FORBIDDEN, StatusCode::FORBIDDEN),
        ("system/Patient.cruds", StatusCode::FORBIDDEN, StatusCode::FORBIDDEN),
    ] {
        let program = Program::of(&site, practice, scopes).await;
        let post = program.post("Condition", &entry_of("Condition", &patient)).await;
        assert_eq!(post.status, creates, "{scopes}: {}", post.body);
        let put = program.put(&path, "1", &made).await;
        assert_eq!(put.status, updates, "{scopes}: {}", put.body);
        // Who may write and not read is told that it was done.
        if updates == StatusCode::OK {
            assert_eq!(put.body, "");
        }
    }
}
