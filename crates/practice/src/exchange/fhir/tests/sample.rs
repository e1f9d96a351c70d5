//! The public synthetic sample, where it lies beside the repository; nothing of it is in here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::patients::identifiers::IdentifierKind;

fn folder() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().map(|above| above.join("shared/data/fhir-10-patients")).find(|folder| folder.is_dir())
}

#[test]
fn the_whole_sample_is_read_and_nothing_of_it_is_lost() {
    let Some(folder) = folder() else {
        println!("skipped: ../shared/data/fhir-10-patients is not here");
        return;
    };
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut counts = BTreeMap::<String, usize>::new();
    let mut index = Index::default();
    let mut subjects = Vec::new();
    let mut notes = 0;
    let mut entries = BTreeMap::<&str, usize>::new();
    let mut warnings = 0;
    for file in &files {
        let bytes = fs::read(file).unwrap();
        let raws: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        for line in Reader::new(&file.file_name().unwrap().to_string_lossy(), bytes.as_slice(), TODAY) {
            let line = line.unwrap();
            let (head, resource) =
                line.result.unwrap_or_else(|reject| panic!("{}:{}: {reject}", line.file, line.number));
            assert!(index.add(&head));
            *counts.entry(resource.resource_type().to_owned()).or_default() += 1;
            warnings += resource.warnings().len();
            let number = usize::try_from(line.number).unwrap();
            let raw = raws[number - 1];
            match &resource {
                Resource::Patient(patient) => {
                    let source: Value = serde_json::from_slice(raw).unwrap();
                    assert_eq!(patients::as_fhir(patient), source);
                    let has = |kind| patient.identifiers.iter().any(|identifier| identifier.kind == kind);
                    assert!(has(IdentifierKind::Mrn) && has(IdentifierKind::UsSsn) && has(IdentifierKind::Other));
                    assert!(patient.demographics.name().is_some() && patient.demographics.birth.is_some());
                }
                Resource::Entry { entry, .. } => {
                    assert!(entry.occurred.is_some() && entry.body.title() != "No description");
                    *entries.entry(entry.kind.code()).or_default() += 1;
                    assert!(!entry.body.was_not_done());
                    if entry.kind == EntryKind::Visit {
                        let body = &entry.body;
                        let all = [&body.authors, &body.categories, &body.places];
                        assert!(all.iter().all(|of| !of.is_empty()) && body.began.is_some() && body.ended.is_some());
                    }
                    notes += entry.body.texts().count();
                    let lifted = entry.kind != EntryKind::Document || entry.body.attachments[0].lifted;
                    assert!(lifted);
                    if number.is_multiple_of(50) {
                        assert_eq!(entry.body.resource().unwrap(), serde_json::from_slice::<Value>(raw).unwrap());
                    }
                }
                Resource::Alert { .. } => panic!("there is no flag among them"),
                Resource::Kept { raw: kept, .. } => assert_eq!(kept.as_bytes(), raw),
            }
            subjects.extend(resource.subject().cloned());
        }
    }
    let expected = [
        ("AllergyIntolerance", 11),
        ("Condition", 555),
        ("Device", 16),
        ("DocumentReference", 1_215),
        ("Encounter", 1_215),
        ("Immunization", 161),
        ("Location", 44),
        ("MedicationRequest", 1_745),
        ("Organization", 43),
        ("Patient", 13),
        ("Practitioner", 43),
        ("PractitionerRole", 43),
        ("Procedure", 2_056),
    ];
    assert_eq!(counts, expected.map(|(name, count)| (name.to_owned(), count)).into());
    let expected = [
        ("allergy", 11),
        ("document", 1_215),
        ("immunisation", 161),
        ("medication", 1_745),
        ("problem", 555),
        ("procedure", 2_056),
        ("visit", 1_215),
    ];
    assert_eq!(entries, expected.into());
    assert_eq!(index.count(), 7_160);
    assert_eq!(notes, 1_215);
    // Its Social Security numbers are of the range that is never given out.
    assert_eq!(warnings, 13);
    assert_eq!(subjects.len(), 6_974);
    for subject in &subjects {
        assert!(index.resolve(subject, "Patient").is_ok());
    }
    let author = Reference::parse("Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|9999908392").unwrap();
    assert!(index.resolve(&author, "Practitioner").is_ok());
}
