use std::fs;
use std::path::{Path, PathBuf};

use kernel::PracticeId;
use practice::exchange::fhir::Report;
use practice::exchange::{ImportSettings, import_folder};
use practice::patients::reads::{self, EntryFilter};
use store::Role;
use testkit::House;

use crate::desk::found;

pub(crate) async fn bring_in(house: &House, practice: PracticeId, folder: &Path, dry_run: bool) -> Report {
    let settings = ImportSettings { source: "test".to_owned(), dry_run };
    import_folder(&house.store, practice, folder, &settings, &mut |_| {}).await.expect("an import")
}

pub(crate) fn folder_with(files: &[(&str, String)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

pub(crate) fn patient(id: &str, family: &str, birth: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"{id}","name":[{{"family":"{family}","given":["Ana"]}}],"birthDate":"{birth}"}}"#
    )
}

fn allergy(id: &str, patient: &str, what: &str) -> String {
    format!(
        r#"{{"resourceType":"AllergyIntolerance","id":"{id}","patient":{{"reference":"Patient/{patient}"}},"code":{{"text":"{what}"}},"criticality":"high"}}"#
    )
}

#[tokio::test]
async fn a_dry_run_says_what_would_happen_and_changes_nothing() {
    let house = House::open().await;
    let practice = house.practice().await;
    let reception = house.actor(practice, &[Role::Reception]).await;
    let folder = folder_with(&[
        ("Patient.ndjson", format!("{}\n", patient("p1", "Quintal", "1980-02-03"))),
        ("AllergyIntolerance.ndjson", format!("{}\n", allergy("a1", "p1", "Penicillin"))),
    ]);
    let said = bring_in(&house, practice, folder.path(), true).await;
    assert_eq!((said.total().add, said.total().reject), (2, 0), "{said}");
    assert_eq!(found(&house, &reception, "quintal").await, []);
    let done = bring_in(&house, practice, folder.path(), false).await;
    assert_eq!(done.total(), said.total());
    assert_eq!(found(&house, &reception, "quintal").await.len(), 1);
}

#[tokio::test]
async fn the_same_files_twice_change_nothing() {
    let house = House::open().await;
    let practice = house.practice().await;
    let reception = house.actor(practice, &[Role::Reception]).await;
    let folder = folder_with(&[
        (
            "Patient.ndjson",
            format!("{}\n{}\n", patient("p1", "Quintal", "1980-02-03"), patient("p2", "Rosario", "1981-02-03")),
        ),
        ("AllergyIntolerance.ndjson", format!("{}\n", allergy("a1", "p2", "Latex"))),
        ("Practitioner.ndjson", "{\"resourceType\":\"Practitioner\",\"id\":\"dr\"}\n".to_owned()),
    ]);
    let first = bring_in(&house, practice, folder.path(), false).await;
    assert_eq!((first.total().add, first.total().keep, first.total().reject), (3, 1, 0), "{first}");
    let again = bring_in(&house, practice, folder.path(), false).await;
    assert_eq!((again.total().skip, again.total().add), (4, 0), "{again}");
    assert_eq!(found(&house, &reception, "ana").await.len(), 2);
}

#[tokio::test]
async fn what_changed_at_its_source_is_taken_over() {
    let house = House::open().await;
    let practice = house.practice().await;
    let reception = house.actor(practice, &[Role::Reception]).await;
    let before = folder_with(&[("Patient.ndjson", patient("p1", "Quintal", "1980-02-03"))]);
    bring_in(&house, practice, before.path(), false).await;
    let after = folder_with(&[("Patient.ndjson", patient("p1", "Quintero", "1980-02-03"))]);
    let said = bring_in(&house, practice, after.path(), false).await;
    assert_eq!(said.total().matched, 1, "{said}");
    assert_eq!(found(&house, &reception, "quintero").await.len(), 1);
    assert_eq!(found(&house, &reception, "quintal").await, []);
}

#[tokio::test]
async fn an_entry_about_nobody_is_rejected_with_its_line() {
    let house = House::open().await;
    let practice = house.practice().await;
    let folder = folder_with(&[("AllergyIntolerance.ndjson", allergy("a1", "nobody", "Latex"))]);
    let said = bring_in(&house, practice, folder.path(), false).await;
    assert_eq!(said.total().reject, 1, "{said}");
    let finding = &said.findings[0];
    assert_eq!(
        (finding.file.as_str(), finding.line, finding.field.as_str()),
        ("AllergyIntolerance.ndjson", 1, "subject")
    );
}

#[tokio::test]
async fn a_patient_known_by_a_number_is_matched_and_left_as_they_are() {
    let house = House::open().await;
    let practice = house.practice().await;
    let reception = house.actor(practice, &[Role::Reception]).await;
    let with_number = |id: &str, family: &str| {
        patient(id, family, "1980-01-01").replace(
            "\"birthDate\"",
            r#""identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"NNZAF"}]},"value":"8001015009087"}],"birthDate""#,
        )
    };
    let first = folder_with(&[("Patient.ndjson", with_number("p1", "Quintal"))]);
    bring_in(&house, practice, first.path(), false).await;
    let other = folder_with(&[("Patient.ndjson", with_number("x9", "Otherwise"))]);
    let said = bring_in(&house, practice, other.path(), false).await;
    assert_eq!((said.total().matched, said.total().add), (1, 0), "{said}");
    assert_eq!(found(&house, &reception, "quintal").await.len(), 1);
    assert_eq!(found(&house, &reception, "otherwise").await, []);
}

fn sample() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/fhir-10-patients");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: the sample data is not beside the project");
    None
}

#[tokio::test]
async fn the_sample_comes_in_whole_and_is_read() {
    let Some(folder) = sample() else { return };
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let said = bring_in(&house, practice, &folder, false).await;
    let total = said.total();
    assert_eq!(total.add + total.keep + total.matched + total.skip, 7160, "{said}");
    assert_eq!(total.reject, 0, "{said}");
    assert_eq!(said.counts["Patient"].add, 13);
    let patients = found(&house, &doctor, "med").await;
    assert!(!patients.is_empty(), "three letters find somebody");
    let page = reads::entries(&house.store, &doctor, patients[0], &EntryFilter::default()).await.unwrap();
    assert!(page.total > 0);
    let note = page.entries[0].as_ref().unwrap();
    assert!(!note.summary.title.is_empty());
    let again = bring_in(&house, practice, &folder, false).await;
    assert_eq!((again.total().skip, again.total().add), (7160, 0), "{again}");
}
