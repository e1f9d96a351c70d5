//! What somebody sends from a page to be brought in: files in sealed pieces ([`receiving`]), looked at (`reads`),
//! tried and brought in by a job ([`working`]) that reads the pieces one at a time, and put away when they were
//! brought in or their week is over.
//!
//! There are three kinds of work about it, all of the kind `import`: one about the upload itself, which puts it
//! away in the end; one about each time that somebody has it tried or brought in (its *phase*, so that what ends
//! and what begins cannot be taken for one another); and one about a run that is taken back.

mod pieces;
pub mod preview;
pub mod reads;
pub mod receiving;
mod rows;
mod sniff;
pub mod working;
pub mod writes;

use jiff::SignedDuration;
use kernel::{ErrorKind, PersonId};
use serde::{Deserialize, Serialize};
use store::{Role, Roles, StoreError};

use super::csv::{Mapping, MappingProblem};

pub(super) use pieces::Pieces;
pub use rows::Upload;
pub(super) use writes::{is_at, is_run, note};

/// What was sent and not brought in is gone after this long.
pub const KEPT_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);
/// What has not arrived whole by then never will.
pub const ARRIVES_WITHIN: SignedDuration = SignedDuration::from_hours(2);
/// Bytes of a file in one piece.
pub const PIECE_BYTES: usize = 1024 * 1024;
/// Files in one upload.
pub const FILES_MAX: usize = 50;
/// The longest name of a file.
const NAME_CHARS_MAX: usize = 120;
/// The longest name of a source.
pub const SOURCE_CHARS_MAX: usize = 60;

/// How much may be sent.
#[derive(Debug, Clone, Copy)]
pub struct UploadLimits {
    /// Bytes of one file.
    pub file_bytes_max: u64,
    /// Bytes that a practice may have here at one time. They lie in the database, and in its backups.
    pub practice_bytes_max: u64,
}

impl Default for UploadLimits {
    fn default() -> Self {
        Self { file_bytes_max: 256 * 1024 * 1024, practice_bytes_max: 1024 * 1024 * 1024 }
    }
}

crate::patients::model::codes! {
    /// What kind of files they are.
    FileKind {
        Fhir = "fhir",
        Csv = "csv",
        Vcard = "vcard",
    }
}

crate::patients::model::codes! {
    /// Where an upload is.
    UploadState {
        Receiving = "receiving",
        Ready = "ready",
        Checking = "checking",
        Checked = "checked",
        Bringing = "bringing",
        Brought = "brought",
        Cancelled = "cancelled",
        Failed = "failed",
        Expired = "expired",
        Gone = "gone",
    }
}

impl UploadState {
    /// Whether the job is at it, or would be if it were not paused.
    #[must_use]
    pub const fn is_under_way(self) -> bool {
        matches!(self, Self::Checking | Self::Bringing)
    }

    /// Whether its files are here and nobody is at them, so that how they are read can be changed.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Ready | Self::Checked | Self::Cancelled | Self::Failed)
    }

    fn of(code: &str) -> Result<Self, StoreError> {
        Self::from_code(code).ok_or(StoreError::Unreadable { what: "state of an upload" })
    }
}

impl Upload {
    /// Where it is.
    #[must_use]
    pub fn stands(&self) -> UploadState {
        UploadState::from_code(&self.state).unwrap_or(UploadState::Failed)
    }

    /// What kind of files it has.
    #[must_use]
    pub fn file_kind(&self) -> FileKind {
        FileKind::from_code(&self.kind).unwrap_or(FileKind::Csv)
    }
}

/// Whether somebody of the team treats patients: such people can be named for records that are open to few.
fn treats(status: &str, roles: &str) -> bool {
    status == "active" && roles.parse::<Roles>().is_ok_and(|roles| roles.has(Role::Practitioner))
}

/// A file that was sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentFile {
    /// Its name where it came from.
    pub name: String,
    /// How long it is.
    pub bytes: u64,
    /// In how many pieces.
    pub pieces: i32,
    /// Whether it is one JSON value, and not one in each line.
    pub whole: bool,
    /// The encoding that was found, by its name.
    pub encoding: String,
}

/// How it is to be brought in.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UploadSettings {
    /// A name for where the files come from.
    pub source: String,
    /// What the columns of a table are.
    pub mapping: Option<Mapping>,
    /// Who may open records that were open to named people only where they come from.
    pub named: Vec<PersonId>,
}

crate::patients::model::personal!(SentFile, UploadSettings);

/// Why something that was sent is no file to bring in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAFile {
    /// Nothing is in it.
    Empty,
    /// A PDF.
    Pdf,
    /// A workbook of a spreadsheet.
    Spreadsheet,
    /// A packed archive.
    Packed,
    /// A picture, a program, or something else that is no text.
    NoText,
}

/// Why something was not taken, or not done.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// There was no file.
    #[error("no file was sent")]
    Nothing,
    /// More files than one upload may have.
    #[error("too many files were sent")]
    TooMany,
    /// A file is too large.
    #[error("a file is larger than {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: u64,
        /// Which file it is, by its name.
        name: String,
    },
    /// The practice has too much here already.
    #[error("the practice has as much here as it may")]
    Full {
        /// The limit.
        bytes_max: u64,
    },
    /// It is no file that could be brought in.
    #[error("a file is none that could be brought in")]
    NotAFile {
        /// What it is.
        what: NotAFile,
        /// Its name.
        name: String,
    },
    /// Files of several kinds, or several of a kind of which one is brought in at a time.
    #[error("these files are not brought in together")]
    NotTogether,
    /// It is no longer where that could be done.
    #[error("this upload is no longer where that could be done")]
    NotNow,
    /// Another import is under way, or paused.
    #[error("another import into this practice is under way")]
    Running,
    /// Nobody has said what the columns are.
    #[error(transparent)]
    Mapping(#[from] MappingProblem),
    /// A name of a source that is none.
    #[error("this is no name for a source")]
    Source,
    /// Somebody is named who does not treat patients here.
    #[error("somebody is named who does not treat patients here")]
    Named,
    /// The doors said no.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl UploadError {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Nothing
            | Self::TooMany
            | Self::NotAFile { .. }
            | Self::NotTogether
            | Self::Mapping(_)
            | Self::Source
            | Self::Named => ErrorKind::Invalid,
            Self::TooLarge { .. } | Self::Full { .. } => ErrorKind::TooLarge,
            Self::NotNow | Self::Running => ErrorKind::Conflict,
            Self::Store(error) => error.kind(),
        }
    }
}
