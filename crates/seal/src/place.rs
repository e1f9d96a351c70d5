//! Where a sealed value belongs.

use kernel::PracticeId;
use uuid::Uuid;

/// Where a sealed value belongs. It is authenticated with the value: moved anywhere else, the
/// value does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// The practice whose value it is.
    pub practice: PracticeId,
    /// The table's name.
    pub table: &'static str,
    /// The column's name.
    pub column: &'static str,
    /// The row's identifier, unique within the table and practice.
    pub row: Uuid,
    /// The row's seal version: it grows by one whenever a sealed column of the row changes, so
    /// that an older value of the same column cannot be put back beside newer ones.
    pub seal_version: i32,
}

/// Appends variable text with its length before it (8 bytes, big-endian), so that no two
/// different places are written as the same bytes.
fn push_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u64).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

impl Place {
    /// Appends the place as it is authenticated (`docs/spec/envelope.md`).
    pub(crate) fn authenticate(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.practice.uuid().as_bytes());
        push_text(out, self.table);
        push_text(out, self.column);
        out.extend_from_slice(self.row.as_bytes());
        out.extend_from_slice(&self.seal_version.to_be_bytes());
    }
}
