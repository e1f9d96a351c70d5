//! What reads as a line of the audit log is exactly what writes to the same bytes: two different byte
//! strings are never the same line, or a proof over one would speak for the other.

use ledger::{Leaf, decode_changes, decode_subjects, encode_changes, encode_subjects};

/// The bytes as a leaf, as its changes and as its subjects.
pub(crate) fn holds(bytes: &[u8]) {
    if let Ok(leaf) = Leaf::decode(bytes) {
        assert_eq!(leaf.encode().unwrap(), bytes);
    }
    if let Ok(changes) = decode_changes(bytes) {
        assert_eq!(encode_changes(&changes).unwrap(), bytes);
    }
    if let Ok(subjects) = decode_subjects(bytes) {
        assert_eq!(encode_subjects(&subjects).unwrap(), bytes);
    }
}
