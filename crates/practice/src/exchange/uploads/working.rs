//! The job: brings in what was sent, takes a run back, and puts away what nobody needs any more. Killed anywhere,
//! it goes on: what is done is known by its tokens, and each transaction proves the claim.

use jiff::SignedDuration;
use store::{Actor, Claim, Ended, Errand, Fault, Job, Store};

use super::reads::{Task, task};
use super::writes::{Outcome, end_phase, put_away, so_far};
use super::{Upload, UploadState};
use crate::exchange::after;
use crate::exchange::csv::MappingProblem;
use crate::exchange::fhir::Report;
use crate::exchange::import::{ImportError, import_upload};
use crate::exchange::runs::{UndoError, undo_under};

/// Another import has the turn: how long until it is looked for again.
const TURN_AGAIN: SignedDuration = SignedDuration::from_secs(15);
/// What is under way is not put away: when that is looked at again.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// Why an import that was asked to be taken back was not, as the work says it.
pub mod fault {
    /// Somebody worked on what it brought.
    pub const WORKED_ON: &str = "worked-on";
    /// A later import changed some of it.
    pub const LATER: &str = "later-import";
}

/// Does what is due about an upload or a run.
pub async fn go_on(store: &Store, claim: &Claim) -> Result<Ended, Fault> {
    let actor = store.machine(Job::Import, claim.practice()).await?;
    match task(store, &actor, claim.about()).await? {
        Task::Keep(upload) => keep(store, &actor, claim, &upload).await,
        Task::Phase(upload) => Box::pin(phase(store, &actor, claim, &upload)).await,
        Task::Undo(run) if claim.errand() == Errand::GoOn => {
            match undo_under(store, claim.practice(), run, false, Some(claim)).await {
                Ok(_) | Err(UndoError::Already | UndoError::Unknown) => Ok(Ended::Finished),
                Err(UndoError::Stopped) => Ok(Ended::Stopped),
                Err(UndoError::Running) => Ok(Ended::Later(after(store.clock().now(), TURN_AGAIN))),
                Err(UndoError::WorkedOn { .. }) => Err(Fault::for_good(fault::WORKED_ON)),
                Err(UndoError::Later) => Err(Fault::for_good(fault::LATER)),
                Err(UndoError::Store(error)) => Err(error.into()),
            }
        }
        Task::Undo(_) | Task::Nothing => Ok(Ended::Finished),
    }
}

/// Looks after an upload to its end.
async fn keep(store: &Store, actor: &Actor, claim: &Claim, upload: &Upload) -> Result<Ended, Fault> {
    let now = store.clock().now();
    if upload.ends_at > now && claim.errand() == Errand::GoOn {
        return Ok(Ended::Later(upload.ends_at));
    }
    if upload.stands().is_under_way() {
        return Ok(Ended::Later(after(store.clock().now(), LOOK_AGAIN)));
    }
    put_away(store, actor, claim, upload.id).await?;
    Ok(Ended::Finished)
}

/// Tries what was sent, or brings it in.
async fn phase(store: &Store, actor: &Actor, claim: &Claim, upload: &Upload) -> Result<Ended, Fault> {
    let dry = match upload.stands() {
        UploadState::Checking => true,
        UploadState::Bringing => false,
        _ => return Ok(Ended::Finished),
    };
    let back = if dry || upload.run_id.is_none() { UploadState::Ready } else { UploadState::Cancelled };
    let none = Outcome { to: back, problem: None, report: None, over: false };
    let end = |outcome| end_phase(store, actor, claim, upload.id, outcome);
    match claim.errand() {
        Errand::GoOn => {}
        Errand::Cancel => {
            end(none).await?;
            return Ok(Ended::Finished);
        }
        Errand::GiveUp => {
            end(Outcome { to: UploadState::Failed, problem: Some("gave-up".to_owned()), ..none }).await?;
            return Ok(Ended::Finished);
        }
    }
    let mut report = Report::default();
    let came = import_upload(store, upload, claim, dry, &mut report).await;
    match came {
        Ok(()) => {
            let to = if dry { UploadState::Checked } else { UploadState::Brought };
            end(Outcome { to, problem: None, report: Some(report), over: !dry }).await?;
            Ok(Ended::Finished)
        }
        Err(ImportError::Stopped) => {
            so_far(store, actor, claim, upload.id, dry, report).await?;
            Ok(Ended::Stopped)
        }
        Err(ImportError::Running) => Ok(Ended::Later(after(store.clock().now(), TURN_AGAIN))),
        Err(ImportError::Mapping(problem)) => {
            end(Outcome { problem: Some(problem_code(&problem)), ..none }).await?;
            Ok(Ended::Finished)
        }
        Err(ImportError::Store(error)) => Err(error.into()),
        Err(ImportError::File { .. } | ImportError::Empty { .. } | ImportError::Broke) => Err(Fault::new("unreadable")),
    }
}

/// What is wrong with how a table is read, as the row says it: a name, and where.
fn problem_code(problem: &MappingProblem) -> String {
    match problem {
        MappingProblem::DateOrder { column, line } => format!("dates {column} {line}"),
        MappingProblem::Genders { column } => format!("genders {column}"),
        MappingProblem::Empty => "empty".to_owned(),
        MappingProblem::FirstRow(_) => "first-row".to_owned(),
        MappingProblem::Encoding => "encoding".to_owned(),
        MappingProblem::Separator => "separator".to_owned(),
        MappingProblem::Columns { .. } | MappingProblem::Name(_) | MappingProblem::TooManyColumns => {
            "columns".to_owned()
        }
        MappingProblem::NoName => "no-name".to_owned(),
        MappingProblem::Twice { first, second, .. } => format!("twice {first} {second}"),
    }
}
