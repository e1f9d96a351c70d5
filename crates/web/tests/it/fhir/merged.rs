//! Two records of one person, as a program meets them.

use jiff::SignedDuration;
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

fn version(patient: &Value) -> i64 {
    patient["meta"]["versionId"].as_str().unwrap().parse().unwrap()
}

async fn parted(site: &Site, doctor: &Actor, into: PatientId) {
    let merges = merges(&site.house.store, doctor, into).await.unwrap().1;
    let merge = merges.iter().filter(|merge| merge.direct).max_by_key(|merge| merge.at).unwrap().id;
    let page = undo_page(&site.house.store, doctor, into, merge).await.unwrap();
    undo(&site.house.store, doctor, site.house.key(), into, merge, seen(page.patient.row_version)).await.unwrap();
}

#[tokio::test]
async fn a_version_of_a_patient_is_given_once_whatever_is_merged_and_parted() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, WHOLE).await;
    let doctor = doctor(&site, practice).await;
    let a_while = || site.house.wait(SignedDuration::from_secs(1));
    let read = async |id: PatientId| program.json(&format!("Patient/{id}")).await;
    let into = id(&program.add(&somebody("Ana", "Firstversion")).await);
    a_while();
    let from = id(&program.add(&numbered("Ana", "Otherversion")).await);
    a_while();
    let third = id(&program.add(&numbered("Ana", "Thirdversion")).await);
    a_while();
    let mut told = vec![read(into).await];
    let mut other = vec![read(from).await];
    merged(&site, &doctor, from, third).await;
    other.push(read(from).await);
    a_while();
    merged(&site, &doctor, into, from).await;
    told.push(read(into).await);
    other.push(read(from).await);
    a_while();
    let mut changed = told.last().unwrap().clone();
    changed["gender"] = json!("male");
    let put = program.put(&format!("Patient/{into}"), &format!("W/\"{}\"", version(&changed)), &changed).await;
    assert_eq!(put.status, StatusCode::OK, "{}", put.body);
    told.push(read(into).await);
    a_while();

    // Back to what was read before the other records came, each version as it was.
    let history = program.json(&format!("Patient/{into}/_history")).await;
    let shown: Vec<&Value> = history["entry"].as_array().unwrap().iter().map(|entry| &entry["resource"]).collect();
    assert_eq!(shown, told.iter().rev().collect::<Vec<_>>());
    assert_eq!(history["total"], 3);
    for was in &told {
        assert_eq!(&program.json(&format!("Patient/{into}/_history/{}", version(was))).await, was);
    }

    parted(&site, &doctor, into).await;
    told.push(read(into).await);
    other.push(read(from).await);
    a_while();
    parted(&site, &doctor, from).await;
    other.push(read(from).await);
    a_while();
    for versions in [&told, &other] {
        let versions: Vec<i64> = versions.iter().map(version).collect();
        assert!(versions.is_sorted_by(|one, next| one < next), "{versions:?}");
    }

    // What was read with another record in it is not told any more, nor what was there before.
    let (stands, earlier) = told.split_last().unwrap();
    let history = program.json(&format!("Patient/{into}/_history")).await;
    let shown: Vec<&Value> = history["entry"].as_array().unwrap().iter().map(|entry| &entry["resource"]).collect();
    assert_eq!((shown, history.get("total")), (vec![stands], None));
    for was in earlier {
        let gone = program.get(&format!("Patient/{into}/_history/{}", version(was))).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND, "{}", gone.body);
    }
    let mut changed = told[1].clone();
    changed["gender"] = json!("other");
    let put = program.put(&format!("Patient/{into}"), &format!("W/\"{}\"", version(&told[1])), &changed).await;
    assert_eq!(put.status, StatusCode::PRECONDITION_FAILED, "{}", put.body);
}

#[tokio::test]
async fn a_merge_that_brings_nothing_is_a_new_version_too() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, MASKED).await;
    let doctor = doctor(&site, practice).await;
    let into = id(&program.add(&somebody("Ana", "Sameperson")).await);
    let from = id(&program.add(&somebody("Ana", "Sameperson")).await);
    let mut versions = vec![version(&program.json(&format!("Patient/{into}")).await)];
    merged(&site, &doctor, into, from).await;
    versions.push(version(&program.json(&format!("Patient/{into}")).await));
    parted(&site, &doctor, into).await;
    versions.push(version(&program.json(&format!("Patient/{into}")).await));
    assert!(versions.is_sorted_by(|one, next| one < next), "{versions:?}");
}
