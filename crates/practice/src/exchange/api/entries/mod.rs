//! Writing entries of a record: adding one, putting what was sent in place of one that stands.

pub mod writes;

use kernel::EntryId;

use super::page::Shown;

/// What a change came to.
pub struct Written {
    /// The entry.
    pub id: EntryId,
    /// Which version it is now.
    pub version: i64,
    /// The resource, where it is known without being read: nobody is told more than they sent.
    pub shown: Option<Shown>,
}
