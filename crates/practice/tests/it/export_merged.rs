//! Records that were merged, in archives: out, and in elsewhere.

use std::fs;
use std::path::Path;

use kernel::{PatientId, PracticeId};
use practice::exchange::archive::Identity;
use practice::exchange::export::{ExportError, State};
use practice::exchange::runs::{UndoError, undo as undo_import};
use practice::exchange::{ImportSettings, import_folder};
use practice::patients::merging::Chosen;
use practice::patients::merging::reads::{compare, merges, undo_page};
use practice::patients::merging::writes::{SeenBoth, merge, undo};
use practice::patients::reads::{EntryFilter, entries, open, seen};
use practice::patients::standing::writes::{restrict, stand};
use practice::patients::standing::{Standing, StandingForm};
use practice::patients::writes::{self, Severity};
use serde_json::Value;
use store::{Actor, Role, StoreError};
use tempfile::TempDir;
use testkit::House;

use crate::desk::{form, found, write_down};
use crate::export::{Opened, ask_one, fetched, import, last_run, opened, shapes, state, whole_of, work_off};
use crate::import::{allergy, bring_in, folder_with, numbered, patient};

async fn make_one(house: &House, actor: &Actor, into: PatientId, from: PatientId) {
    let (one, other) = compare(&house.store, actor, into, from).await.unwrap();
    let version = |side: practice::patients::merging::reads::Side| seen(side.patient.unwrap().row_version);
    let both = SeenBoth { into: version(one), from: version(other) };
    merge(&house.store, actor, house.key(), (into, from), both, &Chosen::default()).await.unwrap();
}

/// Two records of one person, each with an allergy, an alert and one of them with a number; and somebody else.
async fn two_of_one(house: &House, practice: PracticeId, doctor: &Actor) -> (PatientId, PatientId) {
    let folder = folder_with(&[
        (
            "Patient.ndjson",
            [
                numbered("p1", "Quintal", "1980-01-01", 4712),
                patient("p2", "Rosario", "1980-01-01"),
                patient("p3", "Stranger", "1999-01-01"),
            ]
            .join("\n"),
        ),
        (
            "AllergyIntolerance.ndjson",
            [allergy("a1", "p1", "Latex"), allergy("a2", "p2", "Penicillin"), allergy("a3", "p3", "Peanut")].join("\n"),
        ),
    ]);
    bring_in(house, practice, folder.path(), false).await;
    let of = async |name: &str| found(house, doctor, name).await[0];
    let (into, from) = (of("quintal").await, of("rosario").await);
    for (id, text) in [(into, "Falls easily"), (from, "Uses a wheelchair")] {
        writes::add_alert(&house.store, doctor, house.key(), id, Severity::Usual, text).await.unwrap();
    }
    (into, from)
}

async fn one_of(house: &House, practice: PracticeId, doctor: &Actor, id: PatientId) -> Opened {
    let identity = Identity::fresh();
    let export = ask_one(house, doctor, id, &identity).await.unwrap();
    work_off(house, practice).await;
    assert_eq!(state(house, doctor, export).await, State::Ready);
    opened(&fetched(house, doctor, export).await.unwrap(), &identity)
}

fn lines(archive: &Opened, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(archive.path().join(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn titles(house: &House, actor: &Actor, id: PatientId) -> Vec<String> {
    let page = entries(&house.store, actor, id, &EntryFilter::default()).await.unwrap();
    page.entries.iter().map(|entry| entry.as_ref().unwrap().summary.title.clone()).collect()
}

#[tokio::test]
async fn an_export_of_one_patient_holds_every_record_of_theirs_whichever_of_them_is_named() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let (into, from) = two_of_one(&house, practice, &doctor).await;
    make_one(&house, &doctor, into, from).await;
    for asked in [into, from] {
        let archive = one_of(&house, practice, &doctor, asked).await;
        let patients = lines(&archive, "Patient.000.ndjson");
        let said = |id: PatientId| patients.iter().find(|patient| patient["id"] == id.to_string().as_str()).unwrap();
        assert_eq!(patients.len(), 2);
        assert_eq!(said(into)["link"][0]["type"], "replaces");
        assert_eq!(said(from)["link"][0]["other"]["reference"], format!("Patient/{into}"));
        assert_eq!((&said(into)["active"], &said(from)["active"]), (&Value::Bool(true), &Value::Bool(false)));
        assert_eq!(lines(&archive, "AllergyIntolerance.000.ndjson").len(), 2);
        assert_eq!(lines(&archive, "Flag.000.ndjson").len(), 2);
        let log = fs::read_to_string(archive.path().join("audit/000.ndjson")).unwrap();
        assert!(log.contains(&into.to_string()) && log.contains(&from.to_string()));
        // To read: everything on the page of the one, and on the other where it went.
        let page = |id: PatientId| fs::read_to_string(archive.path().join(format!("patients/{id}.html"))).unwrap();
        for what in ["Quintal", "Latex", "Penicillin", "Falls easily", "Uses a wheelchair", "8001014712"] {
            assert!(page(into).contains(what), "{what}: {}", page(into));
        }
        let other = page(from);
        assert!(other.contains(&format!("{into}.html")) && other.contains("was made one with"), "{other}");
        assert!(!other.contains("Penicillin") && !other.contains("wheelchair"), "{other}");
        let list = fs::read_to_string(archive.path().join("list/000.html")).unwrap();
        assert!(list.contains(&format!("Made one with <a href=\"../patients/{into}.html\">")), "{list}");
        let table = fs::read_to_string(archive.path().join("csv/patients.000.csv")).unwrap();
        assert!(table.lines().any(|line| line.starts_with(&from.to_string()) && line.ends_with(&into.to_string())));
        let all: String = [page(into), other, list, table].concat();
        assert!(!all.contains("Stranger") && !all.contains("Peanut"));
    }
}

#[tokio::test]
async fn a_record_that_went_into_a_restricted_one_is_exported_by_who_is_named_there_and_is_marked_like_it() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let colleague = house.actor(practice, &[Role::Practitioner, Role::Administrator]).await;
    let (into, from) = two_of_one(&house, practice, &doctor).await;
    make_one(&house, &doctor, into, from).await;
    let version = open(&house.store, &doctor, into).await.unwrap().patient.unwrap().row_version;
    let me = doctor.person().unwrap();
    restrict(&house.store, &doctor, house.key(), into, seen(version), &[me]).await.unwrap();
    for id in [into, from] {
        let refused = ask_one(&house, &colleague, id, &Identity::fresh()).await;
        assert!(matches!(refused, Err(ExportError::Store(StoreError::Refused { .. }))), "{refused:?}");
    }
    let marked = |archive: &Opened| {
        let patients = lines(archive, "Patient.000.ndjson");
        let marks = patients.iter().filter(|patient| patient.to_string().contains("urn:vouchsafe:restricted"));
        (marks.count(), patients.len())
    };
    assert_eq!(marked(&one_of(&house, practice, &doctor, from).await), (2, 2));
    assert_eq!(marked(&whole_of(&house, practice).await), (2, 3), "in a practice's export too");
}

#[tokio::test]
async fn an_export_of_a_record_that_was_merged_away_meanwhile_is_not_made() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let (into, from) = two_of_one(&house, practice, &doctor).await;
    let export = ask_one(&house, &doctor, from, &Identity::fresh()).await.unwrap();
    make_one(&house, &doctor, into, from).await;
    work_off(&house, practice).await;
    assert_eq!(state(&house, &doctor, export).await, State::Failed);
}

/// Some patients of the sample with all that is about them, and whatever is about nobody.
fn some_of(sample: &Path, patients: usize) -> TempDir {
    let files: Vec<(String, String)> = fs::read_dir(sample)
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "ndjson"))
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read_to_string(entry.path()).unwrap()))
        .collect();
    let known = files.iter().filter(|(name, _)| name.starts_with("Patient"));
    let ids: Vec<String> = known
        .flat_map(|(_, text)| text.lines())
        .take(patients)
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned())
        .collect();
    let taken = |name: &str, line: &&str| {
        let directory = ["Practitioner", "Organization", "Location"].iter().any(|kind| name.starts_with(kind));
        directory || ids.iter().any(|id| line.contains(id.as_str()))
    };
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in &files {
        let lines: Vec<&str> = text.lines().filter(|line| taken(name, line)).collect();
        fs::write(folder.path().join(name), lines.join("\n")).unwrap();
    }
    folder
}

/// Sample records, two made one, three made one one after the other, and two of which one was open to named people
/// only and not in use.
async fn merged_in_every_way(house: &House, practice: PracticeId, sample_patients: usize) {
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/fhir-10-patients");
    if sample.exists() {
        let some = some_of(&sample, sample_patients);
        bring_in(house, practice, some.path(), false).await;
    } else {
        eprintln!("NOT TESTED with ../shared/data/fhir-10-patients, which is not here");
    }
    let (into, from) = two_of_one(house, practice, &doctor).await;
    make_one(house, &doctor, into, from).await;
    let mut chain = Vec::new();
    for name in ["Adams", "Botha", "Cele"] {
        chain.push(write_down(house, &doctor, &form("Lindiwe", name, "7/3/1984")).await);
    }
    make_one(house, &doctor, chain[1], chain[0]).await;
    make_one(house, &doctor, chain[2], chain[1]).await;
    let closed = write_down(house, &doctor, &form("Zola", "Khumalo", "1/2/1960")).await;
    let other = write_down(house, &doctor, &form("Zola", "Khumalo-Ng", "1/2/1960")).await;
    let typed = StandingForm { record: "inactive".to_owned(), died: "no".to_owned(), died_on: String::new() };
    let standing = Standing { active: false, died: None };
    stand(&house.store, &doctor, house.key(), closed, seen(1), &typed, &standing).await.unwrap();
    let me = doctor.person().unwrap();
    restrict(&house.store, &doctor, house.key(), closed, seen(2), &[me]).await.unwrap();
    make_one(house, &doctor, other, closed).await;
}

#[tokio::test]
async fn records_that_were_made_one_are_one_elsewhere_and_are_exported_from_there_as_the_same() {
    there_and_back(1).await;
}

/// A practice with so many patients of the sample, and merges of every kind.
pub(crate) async fn there_and_back(sample_patients: usize) {
    let house = House::open().await;
    let practice = house.practice().await;
    merged_in_every_way(&house, practice, sample_patients).await;
    let first = whole_of(&house, practice).await;
    assert_eq!(first.manifest.damaged, 0);

    let elsewhere = house.practice().await;
    let there = house.signed_in(elsewhere, &[Role::Practitioner]).await;
    let report = import(&house, elsewhere, &first.path(), &[there.person.id]).await;
    assert_eq!(report.total().reject, 0, "{report}");
    assert!(!report.to_string().contains("stay two"), "{report}");
    let second = whole_of(&house, elsewhere).await;
    assert_eq!(first.manifest.counts, second.manifest.counts);
    let (before, after) = (shapes(&first.path()), shapes(&second.path()));
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }
    // Not only on paper: one record, with what stood in both.
    let into = found(&house, &there.actor, "quintal").await;
    assert_eq!(found(&house, &there.actor, "rosario").await, into);
    let page = open(&house.store, &there.actor, into[0]).await.unwrap();
    assert_eq!((page.alerts.len(), page.identifiers.len()), (2, 1));
    assert_eq!(titles(&house, &there.actor, into[0]).await.len(), 2);
    let cele = found(&house, &there.actor, "cele").await;
    for name in ["adams", "botha"] {
        assert_eq!(found(&house, &there.actor, name).await, cele, "{name}");
    }
    let other = house.actor(elsewhere, &[Role::Practitioner]).await;
    assert_eq!(found(&house, &other, "khumalo").await, [], "it stays open to named people only");
    // And once more: nothing changes.
    let again = import(&house, elsewhere, &first.path(), &[there.person.id]).await;
    assert_eq!(again.total().add + again.total().matched + again.total().reject, 0, "{again}");
    // Taken apart by hand, each is what it was.
    let zola = found(&house, &there.actor, "khumalo").await[0];
    let merge = merges(&house.store, &there.actor, zola).await.unwrap().1[0].id;
    let version = undo_page(&house.store, &there.actor, zola, merge).await.unwrap().patient.row_version;
    undo(&house.store, &there.actor, house.key(), zola, merge, seen(version)).await.unwrap();
    let both = found(&house, &there.actor, "khumalo").await;
    assert_eq!(both.len(), 2);
    let mut in_use = Vec::new();
    for id in both {
        in_use.push(open(&house.store, &there.actor, id).await.unwrap().patient.unwrap().active);
    }
    in_use.sort_unstable();
    assert_eq!(in_use, [false, true]);
    // What was taken apart here is two in the next archive, whatever its source said of them once.
    let alone = one_of(&house, elsewhere, &there.actor, zola).await;
    let patients = lines(&alone, "Patient.000.ndjson");
    assert!(patients.len() == 1 && patients[0].get("link").is_none(), "{patients:?}");
}

#[tokio::test]
async fn an_import_with_merges_that_was_cut_short_is_finished_by_the_next_and_is_taken_back_whole() {
    let house = House::open().await;
    let practice = house.practice().await;
    merged_small(&house, practice).await;
    let archive = whole_of(&house, practice).await;
    let elsewhere = house.practice().await;
    let doctor = house.actor(elsewhere, &[Role::Practitioner]).await;
    let mut cuts = 0;
    for polls in (10..).step_by(7) {
        let settings = ImportSettings { source: "archive".to_owned(), dry_run: false, named: Vec::new() };
        let (mut left, path) = (polls, archive.path());
        let mut nothing = |_: &practice::exchange::Progress| {};
        let mut importing = Box::pin(import_folder(&house.store, elsewhere, &path, &settings, &mut nothing));
        let done = std::future::poll_fn(|context| match importing.as_mut().poll(context) {
            std::task::Poll::Ready(done) => std::task::Poll::Ready(Some(done)),
            std::task::Poll::Pending if left == 0 => std::task::Poll::Ready(None),
            std::task::Poll::Pending => {
                left -= 1;
                std::task::Poll::Pending
            }
        })
        .await;
        match done {
            None => cuts += 1,
            Some(Ok(report)) => {
                // Cut while its last commit was on its way, the one before had finished.
                let total = report.total();
                assert!([(8, 0), (0, 8)].contains(&(total.add, total.skip)) && total.reject == 0, "{report}");
                break;
            }
            Some(Err(error)) => panic!("{error}"),
        }
    }
    assert!(cuts > 3, "cut short {cuts} times");
    assert_eq!(shapes(&whole_of(&house, elsewhere).await.path()), shapes(&archive.path()));
    let run = last_run(&house, elsewhere).await;
    let undone = undo_import(&house.store, elsewhere, run, false).await.unwrap();
    assert_eq!(undone.patients, 3);
    assert_eq!(found(&house, &doctor, "quintal").await, []);
    assert_eq!(rows_left(elsewhere).await, 0);
    let again = import(&house, elsewhere, &archive.path(), &[]).await;
    assert_eq!((again.total().add, again.total().reject), (8, 0), "{again}");
    assert_eq!(found(&house, &doctor, "rosario").await.len(), 1);
    // What somebody has made of it since stays: here that they are two after all, of which both know.
    let into = found(&house, &doctor, "quintal").await[0];
    let merge = merges(&house.store, &doctor, into).await.unwrap().1[0].id;
    undo(&house.store, &doctor, house.key(), into, merge, seen(1)).await.unwrap();
    let run = last_run(&house, elsewhere).await;
    let refused = undo_import(&house.store, elsewhere, run, false).await;
    assert!(matches!(refused, Err(UndoError::WorkedOn { count: 2, .. })), "{refused:?}");
}

async fn merged_small(house: &House, practice: PracticeId) {
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let (into, from) = two_of_one(house, practice, &doctor).await;
    make_one(house, &doctor, into, from).await;
}

async fn rows_left(practice: PracticeId) -> i64 {
    let client = testkit::servers().await.superuser(testkit::DATA).await;
    let sql = "select (select count(*) from patient where practice_id = $1)
        + (select count(*) from patient_merge where practice_id = $1)
        + (select count(*) from patient_alert where practice_id = $1)
        + (select count(*) from import_key where practice_id = $1)";
    client.query_one(sql, &[&practice.uuid()]).await.unwrap().get(0)
}

fn replaced(id: &str, family: &str, by: &str) -> String {
    let link = format!(r#""link":[{{"type":"replaced-by","other":{{"reference":"Patient/{by}"}}}}],"birthDate""#);
    patient(id, family, "1980-01-01").replace("\"birthDate\"", &link)
}

#[tokio::test]
async fn what_was_here_before_is_not_made_one_by_what_an_import_says() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let first = folder_with(&[("Patient.ndjson", patient("p1", "Quintal", "1980-01-01"))]);
    bring_in(&house, practice, first.path(), false).await;
    let more = folder_with(&[(
        "Patient.ndjson",
        [patient("p1", "Quintal", "1980-01-01"), replaced("p2", "Rosario", "p1"), replaced("p4", "Tau", "p5")]
            .join("\n"),
    )]);
    let report = bring_in(&house, practice, more.path(), false).await;
    assert_eq!((report.total().add, report.total().warn), (2, 2), "{report}");
    assert!(report.to_string().contains("one of the two was here before"), "{report}");
    assert_ne!(found(&house, &doctor, "rosario").await, found(&house, &doctor, "quintal").await);
}

/// Whoever may open the one that stands would open what was closed to them.
#[tokio::test]
async fn a_restricted_record_is_not_made_one_with_an_open_one_by_what_an_import_says() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let colleague = house.actor(practice, &[Role::Practitioner]).await;
    let closed = |text: String| {
        let mark = r#""extension":[{"url":"urn:vouchsafe:restricted","valueBoolean":true}],"birthDate""#;
        text.replace("\"birthDate\"", mark)
    };
    let folder = folder_with(&[(
        "Patient.ndjson",
        [
            patient("p1", "Quintal", "1980-01-01"),
            closed(replaced("p2", "Rosario", "p1")),
            closed(patient("p3", "Tau", "1980-01-01")),
            closed(replaced("p4", "Umar", "p3")),
        ]
        .join("\n"),
    )]);
    let named = vec![doctor.person().unwrap()];
    let settings = ImportSettings { source: "test".to_owned(), dry_run: false, named };
    let report = import_folder(&house.store, practice, folder.path(), &settings, &mut |_| {}).await.unwrap();
    assert!(report.to_string().contains("a record that more people may open"), "{report}");
    assert_eq!((report.total().add, report.total().warn), (4, 1), "{report}");
    let (open_to_all, own) = (found(&house, &doctor, "quintal").await, found(&house, &doctor, "rosario").await);
    assert!(own.len() == 1 && own != open_to_all, "they stay two");
    assert!(found(&house, &colleague, "rosario").await.is_empty());
    assert_eq!(found(&house, &doctor, "umar").await, found(&house, &doctor, "tau").await, "as closed as the other");
}
