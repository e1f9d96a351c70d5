//! The imports of a practice.

use jiff::Timestamp;
use kernel::{ImportId, PracticeId};
use store::{Action, Event, Job, Resource, Store, StoreError, Tx, sql};

use super::{UndoError, state};
use crate::exchange::actions::ReadImports;
use crate::exchange::rows::RunRow;

/// Imports that are listed.
const LISTED_MAX: i64 = 100;

/// One import.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its id, by which it is taken back.
    pub id: ImportId,
    /// When it began.
    pub started_at: Timestamp,
    /// `running`, `finished`, `undoing` or `undone`.
    pub state: String,
    /// Where it came from; nothing if that no longer opens.
    pub source: Option<String>,
    /// Rows added.
    pub added: i64,
    /// Rows changed.
    pub matched: i64,
    /// Lines that were the same.
    pub skipped: i64,
    /// Lines not taken.
    pub rejected: i64,
}

/// One run.
pub(in crate::exchange) async fn run_row<A: Action>(tx: &Tx<A>, id: ImportId) -> Result<RunRow, StoreError> {
    tx.row(sql!("select * from import_run where practice_id = $1 and id = $2"), &[&id.uuid()]).await
}

/// A run that is to be taken back: one that is here, and was not taken back already.
pub(in crate::exchange) async fn run_to_undo<A: Action>(tx: &Tx<A>, id: ImportId) -> Result<RunRow, UndoError> {
    let row = run_row(tx, id).await.map_err(|error| match error {
        StoreError::Missing => UndoError::Unknown,
        other => other.into(),
    })?;
    if row.state == state::UNDONE { Err(UndoError::Already) } else { Ok(row) }
}

/// The imports of a practice, newest first.
pub async fn known_runs(store: &Store, practice: PracticeId) -> Result<Vec<Known>, StoreError> {
    let actor = store.machine(Job::Import, practice).await?;
    let tx: Tx<ReadImports> = store.enter(&actor).await?.ask(Resource::Practice).await?;
    let rows: Vec<RunRow> = tx
        .rows(
            sql!("select * from import_run where practice_id = $1 order by started_at desc, id desc limit $2"),
            &[&LISTED_MAX],
        )
        .await?;
    let clear = rows.clone();
    let opened = tx.record(Event::new(), rows).await?;
    let known = clear.into_iter().zip(opened).map(|(row, open)| Known {
        id: row.id,
        started_at: row.started_at,
        state: row.state,
        source: open.ok().map(|run| run.source),
        added: row.added,
        matched: row.matched,
        skipped: row.skipped,
        rejected: row.rejected,
    });
    Ok(known.collect())
}
