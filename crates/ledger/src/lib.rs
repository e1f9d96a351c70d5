//! The proof: what a line of the audit log is, byte for byte, and how it commits to values without
//! showing them. `docs/spec/leaf.md` is the specification; this crate follows it.
//!
//! No database and no I/O: whatever verifies a log offline needs nothing else.

mod codec;
mod commit;
mod error;
mod leaf;

pub use commit::{Commitment, Opening, commit, details_hash, leaf_hash};
pub use error::LeafError;
pub use leaf::{
    Actor, ActorKind, CHANGES_MAX, Change, Leaf, Record, SUBJECTS_MAX, TEXT_LENGTH_MAX, decode_changes,
    decode_subjects, encode_changes, encode_subjects,
};
