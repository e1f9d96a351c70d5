//! A number that a program may not see is nowhere in what it is answered, and cannot be found out.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::program::{NUMBER, SYSTEM};
use super::{MASKED, Program, WHOLE, bring_in, matched, numbered, somebody};
use crate::site::Site;

/// The number of somebody whom another system sent.
const OTHER: &str = "7502035009083";

#[tokio::test]
async fn a_masked_number_is_in_no_answer() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let (blind, seeing) = (Program::of(&site, practice, MASKED).await, Program::of(&site, practice, WHOLE).await);
    let made = blind.post("Patient", &numbered("Ana", "Hidden")).await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    bring_in(
        &site,
        practice,
        &[
            (
                "Patient",
                &[json!({"resourceType": "Patient", "id": "p", "name": [{"family": "Hidden"}],
                    "text": {"status": "generated", "div": format!("<div>{OTHER}</div>")},
                    "extension": [{"url": "http://a.example", "valueIdentifier": {"value": OTHER}}],
                    "identifier": [{"system": SYSTEM, "value": OTHER}]})],
            ),
            (
                "Condition",
                &[json!({"resourceType": "Condition", "id": "c", "code": {"text": "Asthma"},
                    "subject": {"reference": "Patient/p", "identifier": {"system": "http://hl7.org/fhir/sid/us-ssn", "value": OTHER}},
                    "asserter": {"reference": format!("Patient?identifier=http://hl7.org/fhir/sid/us-ssn|{OTHER}")}})],
            ),
        ],
    )
    .await;
    let both = matched(&seeing.json("Patient?family=hidden").await);
    assert_eq!(both.len(), 2);
    let imported = both.iter().find(|one| **one != id).unwrap().clone();
    let mut answers = vec![made.body.clone()];
    for path in [
        format!("Patient/{id}"),
        format!("Patient/{imported}"),
        "Patient?family=hidden".to_owned(),
        "Patient?family=hidden&_count=1".to_owned(),
        "Patient".to_owned(),
        format!("Patient/{imported}/$everything"),
        format!("Condition?patient={imported}"),
        format!("Condition?patient={imported}&_include=Condition:patient"),
    ] {
        let page = blind.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
        answers.push(page.body);
    }
    for answer in &answers {
        assert!(!answer.contains(NUMBER) && !answer.contains(OTHER), "{answer}");
    }
    assert!(answers[3].contains("•••• 087") && answers[3].contains("masked"));
    let whole = seeing.get(&format!("Patient/{id}")).await;
    assert!(whole.body.contains(NUMBER) && !whole.body.contains("MASKED"), "{}", whole.body);
    let included = seeing.get(&format!("Condition?patient={imported}&_include=Condition:subject")).await;
    assert_eq!(included.json()["entry"][1]["search"]["mode"], "include");
    assert_eq!(included.json()["entry"][1]["resource"]["identifier"][0]["value"], OTHER);
}

#[tokio::test]
async fn only_who_may_look_numbers_up_finds_by_one_and_not_often() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let seeing = Program::of(&site, practice, "system/*.cruds vouchsafe/identifier.reveal").await;
    let looking = Program::of(&site, practice, "system/*.cruds vouchsafe/identifier.lookup").await;
    let id = seeing.add(&numbered("Ana", "Looked")).await["id"].as_str().unwrap().to_owned();
    let path = format!("Patient?identifier={SYSTEM}|{NUMBER}");
    for path in [path.clone(), format!("{path}&_count=1"), format!("Patient?identifier={SYSTEM}|1")] {
        let refused = seeing.get(&path).await;
        assert_eq!((refused.status, refused.issue().as_str()), (StatusCode::FORBIDDEN, "forbidden"), "{path}");
    }
    let found = looking.get(&path).await;
    assert_eq!(matched(&found.json()), [id]);
    assert!(!found.json()["entry"].to_string().contains(NUMBER), "found is not seen: {}", found.body);
    assert_eq!(
        matched(&looking.json(&format!("Patient?identifier=http://example.org/other|{NUMBER}")).await),
        Vec::<String>::new()
    );
    assert_eq!(matched(&looking.json(&format!("{path}&birthdate=1999")).await), Vec::<String>::new());
    assert_eq!(site.house.logged_by(practice, looking.id.uuid(), "patient.lookup-identifier").await, 3);
    let mut last = StatusCode::OK;
    for _ in 0..practice::exchange::api::writes::LOOK_UPS_MAX {
        let page = looking.get(&path).await;
        last = page.status;
        if last != StatusCode::OK {
            assert_eq!((page.issue().as_str(), page.has("retry-after")), ("throttled", true));
            break;
        }
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_guessed_number_is_not_confirmed_by_writing_it() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let (blind, seeing) = (Program::of(&site, practice, MASKED).await, Program::of(&site, practice, WHOLE).await);
    let guess = async |number: &str| {
        let made = blind.add(&numbered("Ana", "Guess")).await;
        let path = format!("Patient/{}", made["id"].as_str().unwrap());
        let mut patient = made.clone();
        patient["identifier"] = json!([{"use": "official", "system": SYSTEM, "value": number}]);
        let page = blind.put(&path, "W/\"2\"", &patient).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        let same = page.json()["identifier"][0]["id"] == made["identifier"][0]["id"];
        (same, page.header("etag").to_owned(), page.json()["identifier"].as_array().unwrap().len())
    };
    assert_eq!(guess(NUMBER).await, guess("8001015009088").await);
    // Who sees the number sees that it is the same one.
    let made = seeing.add(&numbered("Ana", "Seen")).await;
    let path = format!("Patient/{}", made["id"].as_str().unwrap());
    let mut patient = made.clone();
    patient["gender"] = json!("male");
    let page = seeing.put(&path, "W/\"2\"", &patient).await;
    assert_eq!(page.json()["identifier"], made["identifier"], "{}", page.body);
}

#[tokio::test]
async fn a_program_that_writes_back_what_it_read_masked_loses_no_number() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let (blind, seeing) = (Program::of(&site, practice, MASKED).await, Program::of(&site, practice, WHOLE).await);
    let id = seeing.add(&numbered("Ana", "Kept")).await["id"].as_str().unwrap().to_owned();
    let path = format!("Patient/{id}");
    let read = blind.get(&path).await;
    let mut patient = read.json();
    patient["gender"] = json!("male");
    let put = blind.put(&path, read.header("etag"), &patient).await;
    assert_eq!(put.status, StatusCode::OK, "{}", put.body);
    let seen = seeing.json(&path).await;
    assert_eq!((&seen["gender"], &seen["identifier"][0]["value"]), (&json!("male"), &json!(NUMBER)));
    assert!(seen["meta"].get("security").is_none(), "the mask is not part of the patient: {seen}");
    // What it leaves out is taken off the record, as FHIR has it.
    let read = blind.get(&path).await;
    let mut patient = read.json();
    patient.as_object_mut().unwrap().remove("identifier");
    assert_eq!(blind.put(&path, read.header("etag"), &patient).await.status, StatusCode::OK);
    assert!(seeing.json(&path).await.get("identifier").is_none());
    // Another patient's identifier is none of this one's.
    let other = seeing.add(&numbered("Ben", "Kept")).await;
    let mut stolen = blind.json(&path).await;
    let number = other["identifier"][0]["id"].clone();
    stolen["identifier"] = json!([{"id": number, "_value": {"extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]}}]);
    let version = stolen["meta"]["versionId"].as_str().unwrap().to_owned();
    let refused = blind.put(&path, &version, &stolen).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
}

#[tokio::test]
async fn nothing_is_counted_sorted_or_chained_by_what_is_hidden() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let blind = Program::of(&site, practice, MASKED).await;
    blind.add(&numbered("Ana", "Counted")).await;
    blind.add(&somebody("Ben", "Counted")).await;
    for question in [
        "name=counted&_sort=identifier",
        "name=counted&_summary=count",
        "name=counted&_elements=identifier",
        "_count=0",
        "name=counted&_count=0",
        "name=counted&identifier:of-type=x",
        "name=counted&identifier:missing=true",
        "name=counted&_filter=identifier eq 1",
        "name=counted&_revinclude=Condition:patient",
        "name=counted&_include=Patient:link",
        "_content=8001015009087",
        "_text=8001015009087",
    ] {
        let page = blind.get(&format!("Patient?{question}")).await;
        assert_eq!((page.status, page.issue().as_str()), (StatusCode::BAD_REQUEST, "invalid"), "{question}");
    }
    let chained = blind.get(&format!("Condition?patient.identifier={SYSTEM}|{NUMBER}")).await;
    assert_eq!(chained.status, StatusCode::BAD_REQUEST);
    let lenient = blind.ask(Method::GET, "Patient?name=counted&_sort=identifier").header("prefer", "handling=lenient");
    let page = blind.send(lenient).await;
    let bundle: Value = page.json();
    assert_eq!(matched(&bundle).len(), 2);
    assert!(bundle["link"][0]["url"].as_str().unwrap().ends_with("/Patient?name=counted"), "{bundle}");
}
