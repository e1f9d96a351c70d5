//! The archive that an export makes (`docs/spec/archive.md`): a tar of parts, each encrypted by itself to the
//! recipient's `age` key, with a manifest of hashes that the installation has signed. Pure: bytes in, bytes
//! out; nothing here knows a database.
//!
//! The parts are encrypted for the recipient alone: the installation that made an archive cannot open it.

mod lock;
mod manifest;
mod note;
mod opening;
mod tar;

pub use lock::{Identity, NotAKey, Recipient};
pub use manifest::{
    FORMAT, Installation, MANIFEST_NAME, Manifest, NOTE_NAME, PartEntry, README_NAME, Scope, hex, sha256,
};
pub use note::{NoteProblem, Signer, Verifier};
pub use opening::{ArchiveProblem, open, verify};
pub use tar::{END_BYTES, HEADER_BYTES, Tar, TarProblem, header, padding};

#[cfg(test)]
mod tests;
