//! How far a bulk export is, its pieces, and what goes into them.

use std::collections::HashMap;

use jiff::Timestamp;
use kernel::{EntryId, PatientId};
use serde_json::Value;
use store::{
    Actor, Damaged, Event, FhirTypes, Interaction, Resource, Store, StoreError, StoredRow, Threshold, Tx, sql,
};
use uuid::Uuid;

use super::rows::{Export, ExportRow, PieceLineRow, PieceRow};
use super::{Asked, GatherMasked, GatherWhole, ReadBulk, State, scopes_of};
use crate::exchange::api::ApiError;
use crate::exchange::api::kinds::{Home, Kind};
use crate::exchange::api::leads::{Leads, Sources};
use crate::exchange::api::numbers::{Numbers, Sight};
use crate::exchange::api::page::stamps;
use crate::exchange::api::reads::traced_entries;
use crate::exchange::api::searches::reads::first_id;
use crate::exchange::fhir::out::{self, Links, Stamp};
use crate::exchange::rows::KeptRow;
use crate::patients::rows::{Alert, AlertRow, Entry, EntryRow, PatientRow};

/// Rows that are opened at one time, at most.
const ROWS_MAX: i64 = 200;
/// Sealed bytes that are opened at one time, at most; one row alone may have more.
const BYTES_MAX: i64 = 4 * 1024 * 1024;

/// A piece, as a manifest names it.
pub struct PieceLine {
    /// Its id.
    pub id: Uuid,
    /// The type of its resources.
    pub resource_type: String,
    /// How many there are.
    pub lines: i64,
}

/// How far an export is.
pub struct Status {
    /// Where it is.
    pub state: State,
    /// What was asked.
    pub asked: Asked,
    /// When.
    pub asked_at: Timestamp,
    /// When it will be gone.
    pub ends_at: Timestamp,
    /// Resources so far.
    pub done: i64,
    /// Its pieces, once it is complete.
    pub pieces: Vec<PieceLine>,
}

/// The doors, asked for the very types of an export. Which they are stands in the clear; whose it is, too.
pub(super) async fn threshold_of(store: &Store, actor: &Actor, id: Uuid) -> Result<Threshold, ApiError> {
    let may = actor.scopes();
    let some = FhirTypes::of(Asked::open_to(may, false).map(Kind::scope));
    let threshold = store.enter(actor).await?.naming(some, Interaction::Search);
    let tx: Tx<ReadBulk> = threshold.ask(Resource::Practice).await?;
    let types = own_row(&tx, id).await?.types;
    drop(tx);
    Ok(store.enter(actor).await?.naming(scopes_of(&types), Interaction::Search))
}

async fn own_row(tx: &Tx<ReadBulk>, id: Uuid) -> Result<ExportRow, StoreError> {
    let row: ExportRow = tx.row(sql!("select * from bulk_export where practice_id = $1 and id = $2"), &[&id]).await?;
    // What another program asked for is nobody else's to know of.
    if Some(row.client_id) == tx.actor().client() { Ok(row) } else { Err(StoreError::Missing) }
}

/// How far an export is that this program asked for.
pub async fn status(store: &Store, actor: &Actor, id: Uuid) -> Result<Status, ApiError> {
    let tx: Tx<ReadBulk> = threshold_of(store, actor, id).await?.ask(Resource::Practice).await?;
    let row = own_row(&tx, id).await?;
    let ready = State::of(&row.state)? == State::Ready && row.ends_at > tx.at();
    let state = if State::of(&row.state)? == State::Ready && !ready { State::Expired } else { State::of(&row.state)? };
    let lines: Vec<PieceLineRow> = if ready {
        tx.rows(sql!("select * from bulk_piece where practice_id = $1 and export_id = $2 order by place"), &[&id])
            .await?
    } else {
        Vec::new()
    };
    let event = Event::new().about("bulk-export", id).field("status");
    let (open, lines) = tx.record(event, (row, lines)).await?;
    let open = open.map_err(StoreError::from)?;
    let lines: Result<Vec<_>, Damaged> = lines.into_iter().collect();
    let pieces = lines
        .map_err(StoreError::from)?
        .into_iter()
        .map(|line| PieceLine { id: line.id, resource_type: line.resource_type, lines: line.lines })
        .collect();
    let Export { request, asked_at, ends_at, done, .. } = open;
    Ok(Status { state, asked: request, asked_at, ends_at, done, pieces })
}

/// A piece of an export that this program asked for, and that is complete.
pub async fn piece(store: &Store, actor: &Actor, id: Uuid, piece: Uuid) -> Result<String, ApiError> {
    let tx: Tx<ReadBulk> = threshold_of(store, actor, id).await?.ask(Resource::Practice).await?;
    let row = own_row(&tx, id).await?;
    if State::of(&row.state)? != State::Ready || row.ends_at <= tx.at() {
        return Err(StoreError::Missing.into());
    }
    let piece: PieceRow = tx
        .row(sql!("select * from bulk_piece where practice_id = $1 and export_id = $2 and id = $3"), &[&id, &piece])
        .await?;
    let event = Event::new().about("bulk-export", id).field(format!("{} {}", piece.resource_type, piece.place));
    Ok(tx.record(event, piece).await?.map_err(StoreError::from)?.content)
}

/// An export, for the job.
pub(super) async fn export(store: &Store, actor: &Actor, id: Uuid) -> Result<Export, StoreError> {
    let tx: Tx<GatherMasked> = store.enter(actor).await?.ask(Resource::Practice).await?;
    let row: ExportRow = tx.row(sql!("select * from bulk_export where practice_id = $1 and id = $2"), &[&id]).await?;
    Ok(tx.record(Event::new().about("bulk-export", id).field("taken-up"), row).await??)
}

/// Resources of one type, in the order of their ids.
#[derive(Default)]
pub(super) struct Batch {
    /// Those that opened.
    pub(super) resources: Vec<Value>,
    /// How many did not.
    pub(super) damaged: i64,
    /// The last row; nothing where there are no more.
    pub(super) last_id: Option<Uuid>,
}

impl Batch {
    fn take(&mut self, resource: Option<Value>) {
        match resource {
            Some(resource) => self.resources.push(resource),
            None => self.damaged += 1,
        }
    }
}

/// The next resources of a type after a row. One event, with each patient in it.
pub(super) async fn batch(
    store: &Store,
    actor: &Actor,
    export: &Export,
    kind: &'static Kind,
    after: Option<Uuid>,
) -> Result<Batch, StoreError> {
    let threshold = store.enter(actor).await?;
    if export.whole && kind.home == Home::Patient {
        people(threshold.ask::<GatherWhole>(Resource::Practice).await?, export, after).await
    } else {
        let tx = threshold.ask::<GatherMasked>(Resource::Practice).await?;
        match kind.home {
            Home::Patient => people(tx, export, after).await,
            Home::Entry => entries(store, tx, export, kind, after).await,
            Home::Alert => flags(tx, export, after).await,
            Home::Kept => kept(tx, export, kind, after).await,
        }
    }
}

fn event_of(export: &Export, kind: &'static str) -> Event {
    Event::new().about("bulk-export", export.id).field(kind)
}

/// After which row the next batch begins; nothing where nothing came.
fn last_of<R: StoredRow>(rows: &[R]) -> Option<Uuid> {
    rows.last().map(StoredRow::row_id)
}

fn since(export: &Export) -> Option<Uuid> {
    export.request.since.map(first_id)
}

async fn people<A: Sight>(mut tx: Tx<A>, export: &Export, after: Option<Uuid>) -> Result<Batch, StoreError> {
    let rows: Vec<PatientRow> = tx
        .rows(
            sql!(
                "select * from patient p where p.practice_id = $1 and not p.restricted and p.merged_into is null
                 and ($2::uuid is null or p.id > $2)
                 and ($3::uuid is null or p.event_id >= $3 or exists (
                    select from patient_identifier i
                    join patient m on m.practice_id = i.practice_id and m.id = i.patient_id
                    where i.practice_id = $1 and (m.id = p.id or m.merged_into = p.id) and i.event_id >= $3))
                 order by p.id limit $4"
            ),
            &[&after, &since(export), &ROWS_MAX],
        )
        .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id.uuid()).collect();
    let numbers = Numbers::last_of(&mut tx, &ids).await?;
    let stamps: Vec<(PatientId, Stamp, Vec<PatientId>)> =
        rows.iter().map(|row| (row.id, numbers.stamp(row), numbers.merged_into(row.id))).collect();
    let mut batch = Batch { last_id: last_of(&rows), ..Batch::default() };
    let (opened, mut numbers) = tx.record(event_of(export, "Patient"), (rows, numbers)).await?;
    for (open, (id, stamp, away)) in opened.into_iter().zip(stamps) {
        let numbers = numbers.remove(&id).unwrap_or_default();
        batch.take(open.ok().map(|open| out::patient(&open, stamp, &numbers, &away, &Links::default())));
    }
    Ok(batch)
}

/// Of the patients whose records were merged away, which ones stand for them.
async fn standing(
    tx: &Tx<GatherMasked>,
    patients: impl Iterator<Item = PatientId>,
) -> Result<HashMap<Uuid, Uuid>, StoreError> {
    let ids: Vec<Uuid> = patients.map(PatientId::uuid).collect();
    let away =
        sql!("select id, merged_into from patient where practice_id = $1 and id = any($2) and merged_into is not null");
    Ok(tx.pairs(away, &[&ids]).await?.into_iter().collect())
}

fn of(whose: &HashMap<Uuid, Uuid>, patient: PatientId) -> PatientId {
    whose.get(&patient.uuid()).copied().map_or(patient, PatientId::from_uuid)
}

async fn entries(
    store: &Store,
    tx: Tx<GatherMasked>,
    export: &Export,
    kind: &'static Kind,
    after: Option<Uuid>,
) -> Result<Batch, StoreError> {
    let rows: Vec<EntryRow> = tx
        .rows(
            sql!(
                "select * from (
                    select e.*, sum(length(e.body)) over (order by e.id) as weight,
                        row_number() over (order by e.id) as place
                    from record_entry e
                    join patient p on p.practice_id = e.practice_id and p.id = e.patient_id
                    join patient s on s.practice_id = p.practice_id and not s.restricted
                        and s.id = case when p.merged_into is null then p.id else p.merged_into end
                    where e.practice_id = $1 and e.kind = any($2) and ($3::uuid is null or e.id > $3)
                      and ($4::uuid is null or e.event_id >= $4)
                    order by e.id limit $5
                 ) weighed where place = 1 or weight <= $6 order by id"
            ),
            &[&kind.stored_as().as_slice(), &after, &since(export), &ROWS_MAX, &BYTES_MAX],
        )
        .await?;
    let mut batch = Batch { last_id: last_of(&rows), ..Batch::default() };
    let whose = standing(&tx, rows.iter().map(|row| row.patient_id)).await?;
    let (brought_by, runs) = traced_entries(&tx, &rows).await?;
    let (stamps, actor): (Vec<(EntryId, Stamp)>, Actor) = (stamps(&rows), tx.actor().clone());
    let (opened, runs) = tx.record(event_of(export, kind.name), (rows, runs)).await?;
    let named = (FhirTypes::of([kind.scope()]), Interaction::Read);
    let sources = Sources::of(&brought_by, runs);
    let leads = Leads::of::<GatherMasked>(store, &actor, named, Resource::Practice, &opened, sources).await?;
    for (open, (id, stamp)) in opened.into_iter().zip(stamps) {
        batch.take(open.ok().and_then(|open| {
            out::entry(&Entry { patient_id: of(&whose, open.patient_id), ..open }, stamp, leads.of_entry(id.uuid()))
        }));
    }
    Ok(batch)
}

async fn flags(tx: Tx<GatherMasked>, export: &Export, after: Option<Uuid>) -> Result<Batch, StoreError> {
    let rows: Vec<AlertRow> = tx
        .rows(
            sql!(
                "select a.* from patient_alert a
                 join patient p on p.practice_id = a.practice_id and p.id = a.patient_id
                 join patient s on s.practice_id = p.practice_id and not s.restricted
                    and s.id = case when p.merged_into is null then p.id else p.merged_into end
                 where a.practice_id = $1 and ($2::uuid is null or a.id > $2)
                   and ($3::uuid is null or a.event_id >= $3)
                 order by a.id limit $4"
            ),
            &[&after, &since(export), &ROWS_MAX],
        )
        .await?;
    let mut batch = Batch { last_id: last_of(&rows), ..Batch::default() };
    let whose = standing(&tx, rows.iter().map(|row| row.patient_id)).await?;
    let stamps: Vec<Stamp> = rows.iter().map(|row| Stamp::of(row.row_version, row.event_id)).collect();
    for (open, stamp) in tx.record(event_of(export, "Flag"), rows).await?.into_iter().zip(stamps) {
        let stands = |open: Alert| Alert { patient_id: of(&whose, open.patient_id), ..open };
        batch.take(open.ok().map(|open| out::flag(&stands(open), stamp)));
    }
    Ok(batch)
}

async fn kept(
    tx: Tx<GatherMasked>,
    export: &Export,
    kind: &'static Kind,
    after: Option<Uuid>,
) -> Result<Batch, StoreError> {
    let rows: Vec<KeptRow> = tx
        .rows(
            sql!(
                "select * from kept_resource where practice_id = $1 and resource_type = $2
                 and ($3::uuid is null or id > $3) and ($4::uuid is null or event_id >= $4)
                 order by id limit $5"
            ),
            &[&kind.name, &after, &since(export), &ROWS_MAX],
        )
        .await?;
    let mut batch = Batch { last_id: last_of(&rows), ..Batch::default() };
    let stamps: Vec<(Uuid, Stamp)> =
        rows.iter().map(|row| (row.row_id(), Stamp::of(row.row_version, row.event_id))).collect();
    for (open, (id, stamp)) in tx.record(event_of(export, kind.name), rows).await?.into_iter().zip(stamps) {
        let resource = |open: crate::exchange::rows::KeptResource| {
            out::kept(kind.name, &id.to_string(), &open.resource, stamp, &Links::default())
        };
        batch.take(open.ok().and_then(resource));
    }
    Ok(batch)
}
