//! The manifest: what an archive holds, and by which hashes each part is known.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The name of the manifest in an archive.
pub const MANIFEST_NAME: &str = "manifest.json";
/// The name of the signed note over it.
pub const NOTE_NAME: &str = "manifest.note";
/// The name of the page for whoever finds an archive.
pub const README_NAME: &str = "README.txt";
/// What every manifest says first.
pub const FORMAT: &str = "vouchsafe export 1";

/// Whose records an export holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Everything that a practice holds of its patients.
    Practice,
    /// One patient.
    Patient,
}

/// Who made an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installation {
    /// Its name and its verifying key, as signed notes write them.
    pub key: String,
    /// The version of the program.
    pub version: String,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartEntry {
    /// Its name once it is open; in the archive `.age` follows.
    pub name: String,
    /// How many bytes it has once it is open.
    pub bytes: u64,
    /// SHA-256 of them.
    pub sha256: String,
    /// How many resources, rows or pages are in it.
    pub holds: u64,
    /// How many bytes it has in the archive.
    pub sealed_bytes: u64,
    /// SHA-256 of those.
    pub sealed_sha256: String,
}

impl PartEntry {
    /// Its name in the archive.
    #[must_use]
    pub fn sealed_name(&self) -> String {
        format!("{}.age", self.name)
    }
}

/// What an archive holds. It names nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Always `vouchsafe export 1`.
    pub format: String,
    /// Which export.
    pub export: Uuid,
    /// Of which practice.
    pub practice: Uuid,
    /// How much of it.
    pub scope: Scope,
    /// What came later is not in it.
    pub taken_at: Timestamp,
    /// When it was complete.
    pub made_at: Timestamp,
    /// Who made it.
    pub installation: Installation,
    /// Whom it is for.
    pub recipient: String,
    /// How many there are of each type of resource.
    pub counts: BTreeMap<String, u64>,
    /// Rows that are meant and did not open any more: damaged where they were stored.
    pub damaged: u64,
    /// The parts, in the order in which they stand in the archive.
    pub parts: Vec<PartEntry>,
}

impl Manifest {
    /// As it stands in the archive.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// What is signed: that these bytes are the manifest of this export.
    #[must_use]
    pub fn statement(bytes: &[u8]) -> String {
        format!("{FORMAT}\nmanifest.json {} {}\n", bytes.len(), hex(&sha256(bytes)))
    }
}

/// SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.iter_mut().zip(digest(&SHA256, bytes).as_ref()).for_each(|(to, from)| *to = *from);
    hash
}

/// Bytes as hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
