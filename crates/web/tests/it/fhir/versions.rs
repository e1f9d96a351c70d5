//! Earlier versions: exactly as they were answered then, page by page, and nothing where the log does not lead.

use kernel::{AlertId, PatientId};
use practice::patients::writes::{Severity, add_alert, end_alert};
use reqwest::StatusCode;
use serde_json::{Value, json};
use store::Role;

use super::program::{NUMBER, SYSTEM, entry_of};
use super::{MASKED, Program, WHOLE, next, numbered};
use crate::site::Site;

/// The resources of a history, the newest first.
fn resources(bundle: &Value) -> Vec<Value> {
    assert_eq!((&bundle["resourceType"], &bundle["type"]), (&json!("Bundle"), &json!("history")), "{bundle}");
    bundle["entry"].as_array().into_iter().flatten().map(|entry| entry["resource"].clone()).collect()
}

/// A patient changed several times, identifiers too: what each of two programs read after each change.
async fn changed(seeing: &Program, blind: &Program) -> (String, Vec<(Value, Value)>) {
    let mut patient = seeing.add(&numbered("Ana", "Versioned")).await;
    let path = format!("Patient/{}", patient["id"].as_str().unwrap());
    let mut read = vec![(seeing.json(&path).await, blind.json(&path).await)];
    let changes: [&dyn Fn(&mut Value); 5] = [
        &|patient| patient["gender"] = json!("other"),
        &|patient| {
            patient["name"] =
                json!([{"family": "Changed", "given": ["Ana", "Zoë"]}, {"use": "old", "family": "Versioned"}]);
        },
        &|patient| {
            let second = json!({"system": "http://example.org/other", "value": "QZ8817263"});
            patient["identifier"].as_array_mut().unwrap().push(second);
            patient["birthDate"] = json!("1984-03");
        },
        &|patient| {
            patient["identifier"].as_array_mut().unwrap().remove(0);
            patient.as_object_mut().unwrap().remove("telecom");
            patient["deceasedDateTime"] = json!("2024-05");
        },
        &|patient| {
            patient.as_object_mut().unwrap().remove("deceasedDateTime");
            patient["active"] = json!(false);
            patient["extension"] = json!([{"url": "http://example.org/x", "valueString": "kept"}]);
        },
    ];
    for change in changes {
        change(&mut patient);
        let version = patient["meta"]["versionId"].as_str().unwrap().to_owned();
        let put = seeing.put(&path, &version, &patient).await;
        assert_eq!(put.status, StatusCode::OK, "{}", put.body);
        patient = put.json();
        read.push((seeing.json(&path).await, blind.json(&path).await));
    }
    read.reverse();
    (path, read)
}

#[tokio::test]
async fn each_version_of_a_patient_is_what_was_answered_then_masked_where_it_was_masked() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let (seeing, blind) = (Program::of(&site, practice, WHOLE).await, Program::of(&site, practice, MASKED).await);
    let (path, read) = changed(&seeing, &blind).await;
    let (whole, masked): (Vec<Value>, Vec<Value>) = read.into_iter().unzip();
    assert_ne!(whole, masked);
    for (program, expected) in [(&seeing, &whole), (&blind, &masked)] {
        let history = program.json(&format!("{path}/_history")).await;
        assert_eq!(&resources(&history), expected);
        assert_eq!(history["total"], expected.len());
        let methods: Vec<&str> = history["entry"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["request"]["method"].as_str().unwrap())
            .collect();
        assert_eq!(methods, ["PUT", "PUT", "PUT", "PUT", "PUT", "POST"]);
        for version in expected {
            let number = version["meta"]["versionId"].as_str().unwrap();
            let one = program.get(&format!("{path}/_history/{number}")).await;
            assert_eq!((one.status, &one.json()), (StatusCode::OK, version));
            assert_eq!(one.header("etag"), format!("W/\"{number}\""));
        }
        for nowhere in ["0", "1", "99", "x", "-1", "02", "99999999999999999999"] {
            let page = program.get(&format!("{path}/_history/{nowhere}")).await;
            assert_eq!((page.status, page.issue().as_str()), (StatusCode::NOT_FOUND, "not-found"), "{nowhere}");
        }
        // Page by page.
        let (mut next_page, mut paged, mut totals) =
            (Some(format!("{path}/_history?_count=2")), Vec::new(), Vec::new());
        while let Some(here) = next_page {
            let bundle = program.json(&here).await;
            paged.extend(resources(&bundle));
            totals.push(bundle["total"].as_u64());
            next_page = next(&bundle);
        }
        assert_eq!((&paged, totals), (expected, vec![Some(6); 3]));
    }
    let hidden = blind.get(&format!("{path}/_history")).await.body;
    assert!(!hidden.contains(NUMBER) && !hidden.contains("QZ8817263"), "{hidden}");
    assert!(seeing.get(&format!("{path}/_history")).await.body.contains(NUMBER));
    // Who may not read does not read what was; each reading is an event.
    let finder = Program::of(&site, practice, "system/Patient.us").await;
    for path in [format!("{path}/_history"), format!("{path}/_history/2")] {
        assert_eq!(finder.get(&path).await.status, StatusCode::FORBIDDEN);
    }
    let database = testkit::servers().await.superuser(testkit::DATA).await;
    let sql = "select count(*) from audit_event where practice_id = $1 and actor_id = $2 and field = 'history'
               and action = 'patient.read' and patient_id = $3";
    let id: PatientId = path.trim_start_matches("Patient/").parse().unwrap();
    let told: i64 = database.query_one(sql, &[&practice.uuid(), &blind.id.uuid(), &id.uuid()]).await.unwrap().get(0);
    assert_eq!(told, 1 + 6 + 2 + 3 + 1, "versions that are there, that are not and could be, pages");
}

#[tokio::test]
async fn a_history_is_asked_for_by_time_and_by_cursors_that_are_its_own() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let (program, beside) = (Program::of(&site, practice, WHOLE).await, Program::of(&site, practice, WHOLE).await);
    let mut patient = program.add(&numbered("Ana", "Timed")).await;
    let path = format!("Patient/{}", patient["id"].as_str().unwrap());
    let mut at = Vec::new();
    for gender in ["male", "other", "unknown"] {
        site.house.wait(jiff::SignedDuration::from_mins(10));
        patient["gender"] = json!(gender);
        let version = patient["meta"]["versionId"].as_str().unwrap().to_owned();
        patient = program.put(&path, &version, &patient).await.json();
        at.push(patient["meta"]["lastUpdated"].as_str().unwrap().to_owned());
    }
    let since = program.json(&format!("{path}/_history?_since={}", at[1])).await;
    assert_eq!(resources(&since).len(), 2);
    let first = program.json(&format!("{path}/_history?_count=1&_since={}", at[1])).await;
    let second = next(&first).unwrap();
    assert_eq!(resources(&program.json(&second).await)[0]["gender"], "other");
    assert_eq!(next(&program.json(&second).await), None);
    let other = program.add(&numbered("Ben", "Timed")).await;
    let stolen = second.replace(patient["id"].as_str().unwrap(), other["id"].as_str().unwrap());
    for refused in [
        beside.get(&second).await,
        program.get(&stolen).await,
        program.get(&second.replace("_history", "$everything")).await,
        program.get(&format!("{path}/_history?_cursor=AAAA")).await,
        program.get(&format!("{second}&_count=5")).await,
        program.get(&format!("{path}/_history?_at=2026")).await,
        program.get(&format!("{path}/_history?_since=yesterday")).await,
        program.get(&format!("{path}/_history?identifier={SYSTEM}|{NUMBER}")).await,
    ] {
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.body);
    }
}

#[tokio::test]
async fn entries_warnings_and_what_imports_kept_have_their_versions_too() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, WHOLE).await;
    let id = program.add(&numbered("Ana", "Entries")).await["id"].as_str().unwrap().to_owned();
    let mut entry = program.post("Condition", &entry_of("Condition", &id)).await.json();
    let path = format!("Condition/{}", entry["id"].as_str().unwrap());
    let mut read = vec![program.json(&path).await];
    for note in ["better", "worse"] {
        entry["note"] = json!([{"text": note}]);
        let version = entry["meta"]["versionId"].as_str().unwrap().to_owned();
        entry = program.put(&path, &version, &entry).await.json();
        read.insert(0, program.json(&path).await);
    }
    let history = program.json(&format!("{path}/_history")).await;
    assert_eq!((resources(&history), &history["total"]), (read.clone(), &json!(3)));
    assert_eq!(program.json(&format!("{path}/_history/1")).await, read[2]);

    let doctor = site.house.actor(practice, &[Role::Practitioner]).await;
    let (store, patient) = (&site.house.store, id.parse::<PatientId>().unwrap());
    add_alert(store, &doctor, site.house.key(), patient, Severity::High, "Wheelchair").await.unwrap();
    let flag = program.json(&format!("Flag?patient={id}")).await["entry"][0]["resource"].clone();
    let alert: AlertId = flag["id"].as_str().unwrap().parse().unwrap();
    end_alert(store, &doctor, site.house.key(), patient, alert).await.unwrap();
    let history = program.json(&format!("Flag/{alert}/_history")).await;
    let told: Vec<&str> = history["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["resource"]["status"].as_str().unwrap())
        .collect();
    assert_eq!(told, ["inactive", "active"]);
    assert_eq!(program.json(&format!("Flag/{alert}/_history/1")).await, flag);
    assert_eq!(program.get(&format!("Condition/{alert}/_history/1")).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn where_the_log_does_not_lead_back_earlier_versions_are_left_out() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, WHOLE).await;
    let id = program.add(&numbered("Ana", "Broken")).await["id"].as_str().unwrap().to_owned();
    let mut entry = program.post("Condition", &entry_of("Condition", &id)).await.json();
    let path = format!("Condition/{}", entry["id"].as_str().unwrap());
    for note in ["better", "worse"] {
        entry["note"] = json!([{"text": note}]);
        let version = entry["meta"]["versionId"].as_str().unwrap().to_owned();
        entry = program.put(&path, &version, &entry).await.json();
    }
    // As if the last change had been made by a release whose events do not say what was before: by an event
    // that says nothing of this row.
    let database = testkit::servers().await.superuser(testkit::DATA).await;
    let entry_id: uuid::Uuid = entry["id"].as_str().unwrap().parse().unwrap();
    database.batch_execute("begin; set local session_replication_role = replica").await.unwrap();
    let sql = "update record_entry set event_id = (select event_id from audit_event where practice_id = $1
               and patient_id = (select patient_id from record_entry where practice_id = $1 and id = $2)
               order by event_id limit 1) where practice_id = $1 and id = $2";
    assert_eq!(database.execute(sql, &[&practice.uuid(), &entry_id]).await.unwrap(), 1);
    database.batch_execute("commit").await.unwrap();
    let history = program.json(&format!("{path}/_history")).await;
    let left = resources(&history);
    assert_eq!((left.len(), &left[0]["meta"]["versionId"], history.get("total")), (1, &json!("3"), None));
    assert_eq!(history["entry"][0]["request"]["method"], "PUT");
    assert_eq!(program.get(&format!("{path}/_history/3")).await.status, StatusCode::OK);
    for gone in ["1", "2"] {
        assert_eq!(program.get(&format!("{path}/_history/{gone}")).await.status, StatusCode::NOT_FOUND, "{gone}");
    }
}
