//! A line of an import is taken or refused with a reason, and what is taken is kept whole.

use practice::exchange::fhir::{Resource, read};

use super::kept::{TODAY, sound};

/// The bytes as one line.
pub(crate) fn holds(bytes: &[u8]) {
    let found = read(bytes, TODAY);
    sound(found.as_ref().map(|(_, resource)| resource));
    let Ok((head, resource)) = found else { return };
    let source: serde_json::Value = serde_json::from_slice(bytes).expect("what was taken is JSON");
    assert!(read(bytes, TODAY).is_ok_and(|(again, _)| again == head), "the same line came to another resource");
    match resource {
        Resource::Entry { entry, .. } => {
            assert!(entry.body.resource().is_ok_and(|kept| kept == source), "the source came back different");
        }
        Resource::Kept { raw, .. } => assert_eq!(raw.as_bytes(), bytes),
        Resource::Patient(_) | Resource::Alert { .. } => {}
    }
}
