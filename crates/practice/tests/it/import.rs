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
    let settings = ImportSettings { source: "test".to_owned(), dry_run, named: Vec::new() };
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

pub(crate) fn allergy(id: &str, patient: &str, what: &str) -> String {
    format!(
        r#"{{"resourceType":"AllergyIntolerance","id":"{id}","patient":{{"reference":"Patient/{patient}"}},"code":{{"text":"{what}"}},"criticality":"high"}}"#
    )
}

/// A patient with a South African ID number, of which `serial` gives the sequence.
pub(crate) fn numbered(id: &str, family: &str, birth: &str, serial: u32) -> String {
    let digits = format!("800101{serial:04}08");
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(digit - b'0') * if at % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    let number = format!("{digits}{}", (10 - sum % 10) % 10);
    patient(id, family, birth).replace(
        "\"birthDate\"",
        &format!(
            r#""identifier":[{{"type":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"NNZAF"}}]}},"value":"{number}"}}],"birthDate""#
        ),
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
    let first = folder_with(&[("Patient.ndjson", numbered("p1", "Quintal", "1980-01-01", 5009))]);
    bring_in(&house, practice, first.path(), false).await;
    let other = folder_with(&[("Patient.ndjson", numbered("x9", "Otherwise", "1980-01-01", 5009))]);
    let said = bring_in(&house, practice, other.path(), false).await;
    assert_eq!((said.total().matched, said.total().add), (1, 0), "{said}");
    assert_eq!(found(&house, &reception, "quintal").await.len(), 1);
    assert_eq!(found(&house, &reception, "otherwise").await, []);
}

#[tokio::test]
async fn of_two_lines_with_one_number_the_second_is_the_first_in_a_dry_run_as_in_the_run() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let mut lines = vec![
        numbered("near1", "Quintal", "1980-01-01", 1),
        numbered("near2", "Quintal", "1980-01-01", 1),
        numbered("far1", "Rosario", "1980-01-01", 2),
        numbered("other", "Somebody", "1980-01-02", 1),
    ];
    // Longer than a batch.
    lines.extend((0..250).map(|n| patient(&format!("p{n}"), "Filler", "1980-02-03")));
    lines.push(numbered("far2", "Rosario", "1980-01-01", 2));
    let folder = folder_with(&[
        ("Patient.ndjson", lines.join("\n")),
        (
            "AllergyIntolerance.ndjson",
            [allergy("a1", "near1", "Latex"), allergy("a2", "near2", "Nuts"), allergy("a3", "far2", "Milk")].join("\n"),
        ),
    ]);
    let dry = bring_in(&house, practice, folder.path(), true).await;
    let done = bring_in(&house, practice, folder.path(), false).await;
    assert_eq!(dry, done);
    let patients = done.counts["Patient"];
    assert_eq!((patients.add, patients.matched, patients.reject), (252, 2, 1), "{done}");
    let reported: Vec<u64> = done.findings.iter().map(|finding| finding.line).collect();
    assert_eq!(reported, [2, 4, 255]);
    assert_eq!(done.counts["AllergyIntolerance"].add, 3);
    let quintal = found(&house, &doctor, "quintal").await;
    assert_eq!(quintal.len(), 1);
    let page = reads::entries(&house.store, &doctor, quintal[0], &EntryFilter::default()).await.unwrap();
    assert_eq!(page.total, 2, "what is about either line is in the one record");
    assert_eq!(found(&house, &doctor, "rosario").await.len(), 1);
}

#[tokio::test]
async fn a_conditional_reference_finds_the_patient_who_carries_the_identifier() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let carrying = |id: &str, family: &str, value: &str| {
        let identifier =
            format!(r#""identifier":[{{"system":"https://clinic.example/file no","value":"{value}"}}],"birthDate""#);
        patient(id, family, "1980-02-03").replace("\"birthDate\"", &identifier)
    };
    let about =
        |id: &str, query: &str| allergy(id, "", "Latex").replace("Patient/", &format!("Patient?identifier={query}"));
    let note = r#"{"resourceType":"DocumentReference","id":"d1","status":"current","subject":{"type":"Patient","identifier":{"system":"https://clinic.example/file no","value":"A|1"}},"description":"Letter","content":[]}"#;
    let folder = folder_with(&[
        ("Patient.ndjson", [carrying("p1", "Quintal", "A|1"), carrying("p2", "Rosario", "B2")].join("\n")),
        (
            "AllergyIntolerance.ndjson",
            [
                about("a1", "https://clinic.example/file%20no|A%7C1"),
                about("a2", "https://clinic.example/file%20no|B2"),
                about("a3", "https://clinic.example/file%20no|nobody"),
                about("a4", "B2"),
                about("a5", "https://elsewhere.example|B2"),
            ]
            .join("\n"),
        ),
        ("DocumentReference.ndjson", note.to_owned()),
    ]);
    let dry = bring_in(&house, practice, folder.path(), true).await;
    let said = bring_in(&house, practice, folder.path(), false).await;
    assert_eq!(dry, said);
    assert_eq!((said.total().add, said.total().reject), (5, 3), "{said}");
    let rejected: Vec<&str> =
        said.findings.iter().filter(|f| f.file.starts_with("Allergy")).map(|f| f.reason.as_str()).collect();
    assert_eq!(
        rejected,
        [
            "points to nothing in these files",
            "searches by an identifier without a system",
            "points to nothing in these files"
        ]
    );
    for (name, entries) in [("quintal", 2), ("rosario", 1)] {
        let patient = found(&house, &doctor, name).await[0];
        let page = reads::entries(&house.store, &doctor, patient, &EntryFilter::default()).await.unwrap();
        assert_eq!(page.total, entries, "{name}");
    }
}

#[tokio::test]
async fn a_type_that_fhir_does_not_have_is_rejected_and_not_repeated() {
    let house = House::open().await;
    let practice = house.practice().await;
    let folder = folder_with(&[("Odd.ndjson", r#"{"resourceType":"ThandiNkosi","id":"x"}"#.to_owned())]);
    let said = bring_in(&house, practice, folder.path(), false).await;
    assert_eq!((said.total().reject, said.total().keep), (1, 0), "{said}");
    assert_eq!(said.findings[0].reason, "is not the name of a resource of FHIR R4");
    assert!(!said.to_string().contains("ThandiNkosi"), "{said}");
}

/// The sample of ten patients, which lies beside the project and is too large to be in it.
pub(crate) fn sample() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/fhir-10-patients");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!(
        "NOT TESTED: the sample of ten patients is not there. This test passes without having looked at anything; \
         to run it, put the files of the sample into {}",
        folder.display()
    );
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
    let added = ["Encounter", "Immunization", "Procedure"].map(|name| said.counts[name].add);
    assert_eq!(added, [1215, 161, 2056], "{said}");
    // 16 devices belong to patients; places and people of the source to none.
    assert_eq!(total.keep, 16 + 44 + 43 + 43 + 43, "{said}");
    let patients = found(&house, &doctor, "med").await;
    assert!(!patients.is_empty(), "three letters find somebody");
    let page = reads::entries(&house.store, &doctor, patients[0], &EntryFilter::default()).await.unwrap();
    assert!(page.total > 0);
    let note = page.entries[0].as_ref().unwrap();
    assert!(!note.summary.title.is_empty());
    let again = bring_in(&house, practice, &folder, false).await;
    assert_eq!((again.total().skip, again.total().add), (7160, 0), "{again}");
}

fn bundle(kind: &str, entries: &[String]) -> String {
    format!(r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{}]}}"#, entries.join(","))
}

fn entry(url: &str, resource: &str) -> String {
    format!(r#"{{"fullUrl":"{url}","resource":{resource}}}"#)
}

#[tokio::test]
async fn bundles_come_in_whatever_the_order_of_their_entries_and_of_the_files() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let about = |id: &str, reference: &str, what: &str| {
        allergy(id, "", what).replace("\"Patient/\"", &format!("\"{reference}\""))
    };
    let unnamed = patient("", "Rosario", "1981-02-03").replace(r#""id":"","#, "");
    let folder = folder_with(&[
        // What is about a patient stands before the patient, in the same file and in an earlier one.
        ("a.json", bundle("collection", &[entry("urn:uuid:a9", &about("a9", "urn:uuid:0000-p2", "Nuts"))])),
        (
            "b.json",
            bundle(
                "transaction",
                &[
                    entry("urn:uuid:a1", &about("a1", "urn:uuid:0000-p1", "Latex")),
                    entry("urn:uuid:0000-p1", &patient("p1", "Quintal", "1980-02-03")),
                    entry("urn:uuid:0000-p2", &unnamed),
                    entry("urn:uuid:a2", &about("a2", "urn:uuid:0000-nobody", "Milk")),
                ],
            ),
        ),
        ("AllergyIntolerance.ndjson", format!("{}\n", allergy("a3", "p1", "Penicillin"))),
    ]);
    let dry = bring_in(&house, practice, folder.path(), true).await;
    let done = bring_in(&house, practice, folder.path(), false).await;
    assert_eq!(dry, done);
    assert_eq!((done.total().add, done.total().reject), (5, 1), "{done}");
    assert_eq!((done.findings[0].file.as_str(), done.findings[0].line), ("b.json", 4), "the entry's number");
    let quintal = found(&house, &doctor, "quintal").await;
    let page = reads::entries(&house.store, &doctor, quintal[0], &EntryFilter::default()).await.unwrap();
    assert_eq!(page.total, 2);
    let again = bring_in(&house, practice, folder.path(), false).await;
    assert_eq!((again.total().add, again.total().skip, again.total().reject), (0, 5, 1), "{again}");
}
