//! Two records of one person, as a program meets them.

use kernel::{PatientId, PracticeId};
use practice::patients::merging::Chosen;
use practice::patients::merging::reads::{compare, merges, undo_page};
use practice::patients::merging::writes::{SeenBoth, merge, undo};
use practice::patients::reads::seen;
use reqwest::StatusCode;
use serde_json::{Value, json};
use store::{Actor, Role};

use super::program::{MASKED, NUMBER, Program, SYSTEM, WHOLE, bring_in, matched, next, numbered, somebody};
use crate::site::Site;

async fn merged(site: &Site, doctor: &Actor, into: PatientId, from: PatientId) {
    let (store, house) = (&site.house.store, &site.house);
    let (one, other) = compare(store, doctor, into, from).await.unwrap();
    let version = |side: &practice::patients::merging::reads::Side| seen(side.patient.as_ref().unwrap().row_version);
    let both = SeenBoth { into: version(&one), from: version(&other) };
    merge(store, doctor, house.key(), (into, from), both, &Chosen::default()).await.unwrap();
}

async fn doctor(site: &Site, practice: PracticeId) -> Actor {
    site.house.actor(practice, &[Role::Practitioner]).await
}

fn id(resource: &Value) -> PatientId {
    resource["id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_merged_patient_is_read_with_its_link_and_listed_once() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, WHOLE).await;
    let doctor = doctor(&site, practice).await;
    let into = id(&program.add(&somebody("Ana", "Mergedinto")).await);
    let from = id(&program.add(&numbered("Ana", "Mergedfrom")).await);
    merged(&site, &doctor, into, from).await;

    let gone = program.json(&format!("Patient/{from}")).await;
    let link = json!([{"other": {"reference": format!("Patient/{into}")}, "type": "replaced-by"}]);
    assert_eq!((&gone["active"], &gone["link"]), (&json!(false), &link));
    let stands = program.json(&format!("Patient/{into}")).await;
    let link = json!([{"other": {"reference": format!("Patient/{from}")}, "type": "replaces"}]);
    assert_eq!((&stands["active"], &stands["link"]), (&json!(true), &link));
    assert_eq!(stands["identifier"][0]["value"], NUMBER);
    for question in [
        "Patient?name=ana".to_owned(),
        "Patient?family=mergedfrom".to_owned(),
        "Patient?family=mergedinto".to_owned(),
        "Patient?birthdate=1984-03-07&family=mergedfrom".to_owned(),
        format!("Patient?identifier={SYSTEM}|{NUMBER}"),
        format!("Patient?identifier={SYSTEM}|{NUMBER}&family=mergedfrom"),
    ] {
        assert_eq!(matched(&program.json(&question).await), [into.to_string()], "{question}");
    }
    assert!(matched(&program.json(&format!("Patient?_id={from}")).await).is_empty(), "only what stands is listed");
    assert_eq!(matched(&program.json("Patient").await), [into.to_string()]);

    let mut changed = somebody("Ana", "Mergedfrom");
    changed["id"] = json!(from);
    let put = program.put(&format!("Patient/{from}"), "W/\"2\"", &changed).await;
    assert_eq!(put.status, StatusCode::CONFLICT, "{}", put.body);
    let version = stands["meta"]["versionId"].as_str().unwrap();
    let mut changed = somebody("Ana", "Mergedinto");
    changed["id"] = json!(into);
    changed["gender"] = json!("male");
    let put = program.put(&format!("Patient/{into}"), &format!("W/\"{version}\""), &changed).await;
    assert_eq!(put.status, StatusCode::OK, "{}", put.body);
    let stands = program.json(&format!("Patient/{into}")).await;
    assert!(stands.get("identifier").is_none(), "what was left out is taken off, under whichever record it stands");
}

#[tokio::test]
async fn the_records_of_both_are_searched_under_the_one_that_stands() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, MASKED).await;
    let doctor = doctor(&site, practice).await;
    let patient = |id: &str, family: &str| json!({"resourceType": "Patient", "id": id, "name": [{"family": family}]});
    let allergy = |id: &str, patient: &str, text: &str| {
        json!({"resourceType": "AllergyIntolerance", "id": id, "code": {"text": text},
            "patient": {"reference": format!("Patient/{patient}")}})
    };
    bring_in(
        &site,
        practice,
        &[
            ("Patient", &[patient("p1", "Oneperson"), patient("p2", "Otherperson")]),
            ("AllergyIntolerance", &[allergy("a1", "p1", "Latex"), allergy("a2", "p2", "Peanut")]),
        ],
    )
    .await;
    let of = async |family: &str| -> PatientId {
        matched(&program.json(&format!("Patient?family={family}")).await)[0].parse().unwrap()
    };
    let (into, from) = (of("oneperson").await, of("otherperson").await);
    merged(&site, &doctor, into, from).await;
    for patient in [into, from] {
        let found = program.json(&format!("AllergyIntolerance?patient={patient}&_count=1")).await;
        let second = program.json(&next(&found).unwrap()).await;
        let mut all = matched(&found);
        all.extend(matched(&second));
        assert_eq!(all.len(), 2);
        assert_eq!(found["entry"][0]["resource"]["patient"]["reference"], format!("Patient/{into}"));
        let everything = program.json(&format!("Patient/{patient}/$everything")).await;
        assert_eq!(everything["entry"].as_array().unwrap().len(), 3);
        assert_eq!(
            program.json(&format!("AllergyIntolerance/{}", all[1])).await["patient"]["reference"],
            format!("Patient/{into}")
        );
    }
    let merge = merges(&site.house.store, &doctor, into).await.unwrap().1[0].id;
    let page = undo_page(&site.house.store, &doctor, into, merge).await.unwrap();
    let version = seen(page.patient.row_version);
    undo(&site.house.store, &doctor, site.house.key(), into, merge, version).await.unwrap();
    assert_eq!(matched(&program.json(&format!("AllergyIntolerance?patient={into}")).await).len(), 1);
    assert!(program.json(&format!("Patient/{from}")).await.get("link").is_none());
}
