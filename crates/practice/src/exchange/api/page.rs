//! A page of resources, and where the next one begins.

use jiff::Timestamp;
use kernel::{EntryId, PatientId};
use serde_json::Value;
use store::{Damaged, StoreError, StoredRow, Threshold, Tx};
use uuid::Uuid;

use super::cursor::{CURSOR_FOR, Cursor};
use super::leads::Leads;
use crate::exchange::fhir::out::{self, Stamp};
use crate::patients::rows::{Entry, EntryRow};

/// A resource that is shown.
#[derive(Clone, PartialEq)]
pub struct Shown {
    /// Its id.
    pub id: Uuid,
    /// Its version.
    pub stamp: Stamp,
    /// It itself.
    pub resource: Value,
}

crate::patients::model::personal!(Shown);

/// A page of resources.
#[derive(Default)]
pub struct Page {
    /// Those that were asked for, the newest first.
    pub matches: Vec<Shown>,
    /// Those that came along.
    pub included: Vec<Shown>,
    /// Where the next page begins, sealed for the one who asked; nothing where this was the last.
    pub next: Option<Vec<u8>>,
    /// Whether there is no other page, so that the number of matches is that of all.
    pub complete: bool,
    /// How many resources are meant and do not open any more.
    pub damaged: usize,
}

/// What a cursor is sealed for.
const CURSOR: &str = "fhir.cursor";

/// Opens a cursor. `None`: it is none that was given to this caller for this, or is no longer good.
pub(super) async fn opened(
    threshold: &Threshold,
    now: Timestamp,
    kind: &str,
    cursor: &[u8],
) -> Result<Option<Cursor>, StoreError> {
    let bytes = threshold.carried(CURSOR, cursor).await?;
    let cursor = bytes.and_then(|bytes| Cursor::from_bytes(&bytes, now));
    Ok(cursor.filter(|cursor| cursor.kind == kind))
}

/// Seals a cursor, if there is something after this page.
pub(super) async fn next_cursor<A: store::Action>(
    tx: &Tx<A>,
    kind: &str,
    said: &[(String, String)],
    after: Option<Uuid>,
) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(after) = after else { return Ok(None) };
    let until = tx.at().saturating_add(CURSOR_FOR).unwrap_or(Timestamp::MAX);
    let cursor = Cursor { kind: kind.to_owned(), said: said.to_vec(), after, until };
    tx.carry(CURSOR, &cursor.to_bytes()).await.map(Some)
}

pub(super) fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Rows that are gathered for one page.
pub(super) struct Gathered<R> {
    pub(super) rows: Vec<R>,
    /// After which the next page begins.
    pub(super) next: Option<Uuid>,
}

impl<R: StoredRow> Gathered<R> {
    /// Cuts what is one too many off: there is a next page then.
    pub(super) fn close(mut rows: Vec<R>, count: usize, looked_at: Option<Uuid>) -> Self {
        if rows.len() > count {
            rows.truncate(count);
            let next = rows.last().map(StoredRow::row_id);
            return Self { rows, next };
        }
        Self { rows, next: looked_at }
    }
}

pub(super) fn stamps(rows: &[EntryRow]) -> Vec<(EntryId, Stamp)> {
    rows.iter().map(|row| (row.id, Stamp::of(row.row_version, row.event_id))).collect()
}

impl Page {
    /// Adds what opens, and counts what does not.
    pub(super) fn take<T>(
        &mut self,
        id: Uuid,
        stamp: Stamp,
        open: Result<T, Damaged>,
        resource: impl FnOnce(T) -> Option<Value>,
    ) {
        match open.ok().and_then(resource) {
            Some(resource) => self.matches.push(Shown { id, stamp, resource }),
            None => self.damaged += 1,
        }
    }
}

impl Page {
    /// Adds entries of a patient: about the record that stands for them, under whichever they are kept.
    pub(super) fn take_entries(
        &mut self,
        patient: PatientId,
        opened: Vec<Result<Entry, Damaged>>,
        stamps: Vec<(EntryId, Stamp)>,
        leads: &Leads,
    ) {
        for (open, (id, stamp)) in opened.into_iter().zip(stamps) {
            self.take(id.uuid(), stamp, open, |open| {
                out::entry(&Entry { patient_id: patient, ..open }, stamp, leads.of_entry(id.uuid()))
            });
        }
    }
}
