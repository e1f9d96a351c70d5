//! Exports: a patient's record, or those of a whole practice, as one archive for somebody who holds a key
//! (`docs/export.md`). Whoever may asks (`writes`); for a whole practice a second person agrees, or a day passes;
//! then the job makes the archive part by part (`making`), each part encrypted to the recipient and kept until
//! it is fetched (`reads`) or its time is over.
//!
//! `steps` is the order of the parts; `record`, `page` and `table` are what stands in them, and know no database.

pub mod actions;
mod making;
mod page;
mod reads;
mod record;
mod rows;
mod steps;
mod table;
mod writes;

use jiff::{SignedDuration, Timestamp};
use kernel::{ErrorKind, ExportId, PatientId, PersonId};
use store::{Purpose, StoreError, WorkState};

pub use super::archive::Scope;
pub use making::go_on;
pub use reads::{
    Approver, Layout, PIECE_BYTES_MAX, Portion, ask_form, begin_taking, exports, host_export, layout, one, piece,
    signed_by,
};
pub use writes::{approve, ask, ask_at_host, refuse, taken, withdraw};

/// An export that nobody has agreed to, and an archive that nobody has fetched, are gone after this long.
pub const KEPT_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Where nobody else could agree, an export of the whole practice begins after this long.
pub const ALONE_WAITS: SignedDuration = SignedDuration::from_hours(24);

/// Where an export is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Somebody asked for it; it waits for a second person, or for its day.
    Asked,
    /// The archive is being made.
    Making,
    /// It can be fetched.
    Ready,
    /// A second person said no.
    Refused,
    /// Whoever asked took it back.
    Withdrawn,
    /// Its time is over: the parts are gone.
    Expired,
    /// It could not be made.
    Failed,
}

impl State {
    const ALL: [Self; 7] =
        [Self::Asked, Self::Making, Self::Ready, Self::Refused, Self::Withdrawn, Self::Expired, Self::Failed];

    /// Its name in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Making => "making",
            Self::Ready => "ready",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::Failed => "failed",
        }
    }

    fn of(code: &str) -> Result<Self, StoreError> {
        Self::ALL.into_iter().find(|state| state.code() == code).ok_or(StoreError::Unreadable { what: "export" })
    }
}

/// An export as it is shown. It says nothing of anybody but who asked and who agreed.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Which.
    pub id: ExportId,
    /// Of one patient, whom to see needs a permission of its own; or of the practice.
    pub patient: Option<PatientId>,
    /// Where it is.
    pub state: State,
    /// Why somebody asked.
    pub purpose: Purpose,
    /// The public key that it is encrypted to.
    pub recipient: String,
    /// Who asked; nobody where it was the host, at the command line.
    pub asked_by: Option<PersonId>,
    /// Their name, if they are still known here.
    pub asked_name: Option<String>,
    /// When.
    pub asked_at: Timestamp,
    /// When it begins without a second person.
    pub alone_at: Option<Timestamp>,
    /// Who agreed, refused or withdrew.
    pub settled_name: Option<String>,
    /// When the archive was complete.
    pub ready_at: Option<Timestamp>,
    /// When it is gone.
    pub ends_at: Timestamp,
    /// Rows done, of `whole`.
    pub done: i64,
    /// Rows in all.
    pub whole: i64,
    /// Rows that did not open.
    pub damaged: i64,
    /// Bytes of the archive so far.
    pub bytes: i64,
    /// How the work stands.
    pub work: Option<WorkState>,
    /// Whether who looks at it asked for it.
    pub own: bool,
}

/// Why an export is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Whoever asked cannot be the second person too.
    #[error("whoever asked for an export cannot agree to it: somebody else must")]
    SecondPerson,
    /// It is no longer where that could be done.
    #[error("this export is no longer where that could be done")]
    NotNow,
    /// There is no archive any more, or not yet.
    #[error("this archive is gone, or not complete yet")]
    NotThere,
    /// The doors said no.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ExportError {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::SecondPerson => ErrorKind::Forbidden,
            Self::NotNow => ErrorKind::Conflict,
            Self::NotThere => ErrorKind::Missing,
            Self::Store(error) => error.kind(),
        }
    }
}
