//! What must hold of anything that a reader took or refused.

use jiff::civil::{Date, date};
use practice::exchange::fhir::{Line, Reject, Resource};
use practice::patients::model::{Demographics, EntryBody};

pub(crate) const TODAY: Date = date(2026, 11, 22);

/// A refusal says where and why; what was taken comes back from where it is stored as it went in.
pub(crate) fn sound(result: Result<&Resource, &Reject>) {
    let resource = match result {
        Ok(resource) => resource,
        Err(reject) => {
            return assert!(!reject.field.is_empty() && !reject.reason.is_empty(), "refused without a reason");
        }
    };
    match resource {
        Resource::Patient(patient) => {
            let stored = serde_json::to_string(&patient.demographics).unwrap();
            let opened: Demographics = serde_json::from_str(&stored).expect("a patient that was stored opens");
            assert!(opened == patient.demographics, "a patient came back different");
        }
        Resource::Entry { entry, .. } => {
            let stored = serde_json::to_string(&entry.body).unwrap();
            let opened: EntryBody = serde_json::from_str(&stored).expect("an entry that was stored opens");
            assert!(opened == entry.body, "an entry came back different");
            assert!(opened.resource().is_ok(), "the source of an entry does not open");
            let _ = (opened.title(), opened.is_current(), opened.entered_in_error());
        }
        Resource::Alert { alert, .. } => assert!(!alert.text.trim().is_empty(), "an alert that says nothing"),
        Resource::Kept { .. } => {}
    }
}

/// What a file was read as is the same in whatever pieces its bytes arrive.
pub(crate) fn same(whole: &[Line], pieces: &[Line]) {
    assert_eq!(whole.len(), pieces.len(), "a file in pieces has another number of lines");
    for (one, other) in whole.iter().zip(pieces) {
        assert!(one.number == other.number && one.result == other.result, "a file in pieces is read otherwise");
        sound(one.result.as_ref().map(|(_, resource)| resource));
    }
}

/// The size of the pieces in which a file arrives, and the file.
pub(crate) fn pieces(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, file) = bytes.split_first()?;
    Some((usize::from(*first % 16) + 1, file))
}
