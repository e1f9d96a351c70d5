//! The imports of a practice, and taking one of them back while nothing has been built on it.
//!
//! What an import added is known: `import_key` has each source's row and the run that wrote it. Taking
//! back removes those rows. Each removal is an event that keeps the last values, sealed under the patient's
//! key, which therefore stays until the patient is erased. The rows themselves go, instead of being set
//! inactive: a wrong file of twenty thousand strangers would otherwise be found in every search from then
//! on. Nothing goes if anybody has worked on what came, if a later import changed it or brought more about
//! it, or if other parts of the program know of it by now: then the patients concerned are named, and all
//! stays as it is. What the run only changed stays changed; the log has the values before.

mod reads;
mod writes;

use kernel::{ErrorKind, PatientId};
use store::StoreError;

pub use reads::{Known, known_runs};
pub(super) use reads::{run_row, run_to_undo};
pub use writes::undo;
pub(super) use writes::{asked, begin_run, undo_under};

/// Patients that a refusal names; beyond that it only counts.
pub const NAMED_MAX: usize = 20;

/// What taking an import back came to, or would come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Undone {
    /// Patients taken away.
    pub patients: usize,
    /// Entries of records taken away.
    pub entries: usize,
    /// Resources of no patient taken away.
    pub kept: usize,
    /// What the run changed and did not add: it stays.
    pub changed: usize,
}

/// Why an import was not taken back.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// Somebody worked on what it brought.
    #[error(
        "{count} of the patients it brought have been worked on since, so all stays as it is. \
         They are, by their ids: {}", list(.patients)
    )]
    WorkedOn {
        /// Some of them.
        patients: Vec<PatientId>,
        /// How many there are.
        count: usize,
    },
    /// A later import wrote over some of it.
    #[error("a later import changed some of what it brought: take that one back first")]
    Later,
    /// There is nothing left to take back.
    #[error("this import has been taken back already")]
    Already,
    /// No such run in this practice.
    #[error("there is no such import in this practice; `vouchsafe import list` shows those that there are")]
    Unknown,
    /// An import is under way.
    #[error("an import into this practice is running: wait until it is done, then take one back")]
    Running,
    /// It was told to stop, and did; called again, it goes on.
    #[error("it was told to stop")]
    Stopped,
    /// The doors said no.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl UndoError {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::WorkedOn { .. } | Self::Later | Self::Already => ErrorKind::Conflict,
            Self::Unknown => ErrorKind::Missing,
            Self::Running | Self::Stopped => ErrorKind::Busy,
            Self::Store(error) => error.kind(),
        }
    }
}

fn list(patients: &[PatientId]) -> String {
    patients.iter().map(PatientId::to_string).collect::<Vec<_>>().join(", ")
}

/// The states of a run.
pub(super) mod state {
    pub(in crate::exchange) const UNDOING: &str = "undoing";
    pub(in crate::exchange) const UNDONE: &str = "undone";
}
