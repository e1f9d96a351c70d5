//! Reading for the API. Every function names the types it is about, asks, reads, records and opens, in that
//! order. A search leaves one event, with each patient that it returned.

use std::collections::{BTreeSet, HashMap};

use futures_util::future::try_join;
use jiff::Timestamp;
use kernel::{AlertId, EntryId, EventId, ImportId, PatientId, ResourceId};
use serde_json::{Value, json};
use store::{
    Actor, Damaged, Event, FhirType, FhirTypes, Includes, Interaction, Resource, ResourceKind, Store, StoreError,
    StoredRow, Threshold, Tx, sql,
};
use uuid::Uuid;

use super::ApiError;
use super::cursor::{CURSOR_FOR, Cursor};
use super::kinds::{Home, Kind};
use super::leads::{Leads, Sources};
use super::matching;
use super::numbers::{Numbers, Sight};
use super::question::{COUNT_MAX, Handling, Search};
use super::writes::look_up;
use crate::exchange::fhir::out::{self, Links, Stamp};
use crate::exchange::rows::{KeptRow, RunRow};
use crate::patients::actions::{
    FindPatient, FindWhole, OpenRecord, OpenRecordWhole, ReadClinical, ReadDirectory, ReadPatient, ReadWhole,
    RevealIdentifier,
};
use crate::patients::rows::{AlertRow, EntryRow, PatientRow};

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
/// Candidates opened and checked at one time, at least.
const CHUNK_MIN: usize = 8;
/// Entries of a record opened and checked at one time, where they must be opened to be told apart.
const CHUNK_ENTRIES: usize = 200;
/// How often more candidates are taken for one page. After that the page is given as it is, with a next one.
const ROUNDS_MAX: usize = 25;

/// One resource by its id.
pub async fn read(store: &Store, actor: &Actor, kind: &'static Kind, id: Uuid) -> Result<Shown, ApiError> {
    let threshold = store.enter(actor).await?.naming(FhirTypes::of([kind.scope()]), Interaction::Read);
    match kind.home {
        Home::Patient => read_patient(threshold, PatientId::from_uuid(id)).await,
        Home::Alert => read_alert(store, actor, threshold, id).await,
        Home::Entry => read_entry(store, threshold, kind, id).await,
        Home::Kept => read_kept(threshold, kind, id).await,
    }
}

async fn read_patient(threshold: Threshold, id: PatientId) -> Result<Shown, ApiError> {
    if threshold.would_allow::<RevealIdentifier>(ResourceKind::Patient) {
        one_patient(threshold.ask::<ReadWhole>(Resource::Patient(id)).await?, id).await
    } else {
        one_patient(threshold.ask::<ReadPatient>(Resource::Patient(id)).await?, id).await
    }
}

async fn one_patient<A: Sight>(tx: Tx<A>, id: PatientId) -> Result<Shown, ApiError> {
    let ids = [id.uuid()];
    let row = async {
        tx.row::<PatientRow>(sql!("select * from patient where practice_id = $1 and id = $2"), &[&ids[0]]).await
    };
    // Both are on their way at once.
    let (row, numbers) = try_join(row, Numbers::of(&tx, &ids)).await?;
    let stamp = numbers.stamp(&row);
    let (row, mut numbers) = tx.record(Event::new().about("patient", id.uuid()), (row, numbers)).await?;
    let numbers = numbers.remove(&id).unwrap_or_default();
    let resource = out::patient(&row.map_err(StoreError::from)?, stamp, &numbers, &Links::default());
    Ok(Shown { id: id.uuid(), stamp, resource })
}

/// The identifiers of patients, those too that no longer stand: whole or masked, as the row's type says.
pub(super) async fn number_rows<A: Sight, R: StoredRow>(tx: &Tx<A>, patients: &[Uuid]) -> Result<Vec<R>, StoreError> {
    tx.rows(
        sql!("select * from patient_identifier where practice_id = $1 and patient_id = any($2) order by id"),
        &[&patients],
    )
    .await
}

async fn read_alert(store: &Store, actor: &Actor, threshold: Threshold, id: Uuid) -> Result<Shown, ApiError> {
    let patient = threshold.patient_of_alert(id).await?;
    drop(threshold);
    let threshold = store.enter(actor).await?.naming(flag(), Interaction::Read);
    let tx: Tx<OpenRecord> = threshold.ask(Resource::Patient(patient)).await?;
    let row: AlertRow = tx
        .row(
            sql!("select * from patient_alert where practice_id = $1 and patient_id = $2 and id = $3"),
            &[&patient.uuid(), &id],
        )
        .await?;
    let stamp = Stamp::of(row.row_version, row.event_id);
    let alert = tx.record(Event::new().about("alert", id), row).await?.map_err(StoreError::from)?;
    Ok(Shown { id, stamp, resource: out::flag(&alert, stamp) })
}

/// A warning is part of who a patient is, and of what stands in the record.
fn flag() -> FhirTypes {
    FhirTypes::of([FhirType::Patient, FhirType::Other])
}

async fn read_entry(store: &Store, threshold: Threshold, kind: &'static Kind, id: Uuid) -> Result<Shown, ApiError> {
    let patient = threshold.patient_of_entry(id).await?;
    if FhirTypes::PERSONS.has(kind.scope()) {
        one_entry(store, threshold.ask::<ReadPatient>(Resource::Patient(patient)).await?, kind, patient, id).await
    } else {
        one_entry(store, threshold.ask::<ReadClinical>(Resource::Patient(patient)).await?, kind, patient, id).await
    }
}

/// What brought entries in, still sealed.
pub(in crate::exchange) type Traced = (HashMap<Uuid, ImportId>, Vec<RunRow>);

async fn traced_entries<A: store::Action>(tx: &Tx<A>, entries: &[EntryRow]) -> Result<Traced, StoreError> {
    let ids: Vec<Uuid> = entries.iter().map(|row| row.id.uuid()).collect();
    traced(tx, &ids).await
}

/// By which imports rows came in.
pub(in crate::exchange) async fn traced<A: store::Action>(tx: &Tx<A>, ids: &[Uuid]) -> Result<Traced, StoreError> {
    let brought_by = if ids.is_empty() { HashMap::new() } else { tx.brought_by(ids).await? };
    let runs: BTreeSet<Uuid> = brought_by.values().map(|run| run.uuid()).collect();
    if runs.is_empty() {
        return Ok((brought_by, Vec::new()));
    }
    let runs: Vec<Uuid> = runs.into_iter().collect();
    let rows = tx.rows(sql!("select * from import_run where practice_id = $1 and id = any($2)"), &[&runs]).await?;
    Ok((brought_by, rows))
}

async fn one_entry<A: store::Reads>(
    store: &Store,
    tx: Tx<A>,
    kind: &'static Kind,
    patient: PatientId,
    id: Uuid,
) -> Result<Shown, ApiError> {
    let row: EntryRow = tx
        .row(
            sql!(
                "select * from record_entry where practice_id = $1 and patient_id = $2 and id = $3 and kind = any($4)"
            ),
            &[&patient.uuid(), &id, &kind.stored_as().as_slice()],
        )
        .await?;
    let rows = vec![row];
    let (brought_by, runs) = traced_entries(&tx, &rows).await?;
    let (stamps, actor) = (stamps(&rows), tx.actor().clone());
    let event = Event::new().about("entry", id).field(kind.name);
    let (opened, runs) = tx.record(event, (rows, runs)).await?;
    let named = (FhirTypes::of([kind.scope()]), Interaction::Read);
    let leads = Leads::of::<A>(store, &actor, named, patient, &opened, Sources::of(&brought_by, runs)).await?;
    let mut page = Page::default();
    page.take_entries(opened, stamps, &leads);
    page.matches.pop().ok_or_else(|| StoreError::from(Damaged { table: "record_entry", id }).into())
}

async fn read_kept(threshold: Threshold, kind: &'static Kind, id: Uuid) -> Result<Shown, ApiError> {
    let tx: Tx<ReadDirectory> = threshold.ask(Resource::Practice).await?;
    let row: KeptRow = tx
        .row(
            sql!("select * from kept_resource where practice_id = $1 and id = $2 and resource_type = $3"),
            &[&id, &kind.name],
        )
        .await?;
    let stamp = Stamp::of(row.row_version, row.event_id);
    let kept = tx.record(Event::new().about("resource", id), row).await?.map_err(StoreError::from)?;
    let resource = out::kept(kind.name, &id.to_string(), &kept.resource, stamp, &Links::default());
    Ok(Shown { id, stamp, resource: resource.ok_or(StoreError::Unreadable { what: "resource" })? })
}

/// A page of a search.
pub async fn search(store: &Store, actor: &Actor, asked: &Search) -> Result<Page, ApiError> {
    match narrowed(store, actor, asked).await? {
        None => page_of(store, store.enter(actor).await?, asked, None).await,
        Some(asked) => page_of(store, store.enter(actor).await?, &asked, None).await,
    }
}

/// A question for one identifier, as a question for those who have it: looking it up is an act of its own.
async fn narrowed(store: &Store, actor: &Actor, asked: &Search) -> Result<Option<Search>, ApiError> {
    let Some((system, value)) = &asked.identifier else { return Ok(None) };
    let found = look_up(store, actor, system, value).await?;
    let ids = asked.ids.as_ref().map_or_else(|| found.clone(), |ids| &found & ids);
    Ok(Some(Search { ids: Some(ids), ..asked.clone() }))
}

/// The next page of a search of this type. `None`: the cursor is not one that was given to this caller for
/// this type, or is no longer good.
pub async fn search_on(
    store: &Store,
    actor: &Actor,
    kind: &'static Kind,
    cursor: &[u8],
    base: &str,
) -> Result<Option<Page>, ApiError> {
    let threshold = store.enter(actor).await?;
    let Some(cursor) = opened(&threshold, store.clock().now(), kind.name, cursor).await? else { return Ok(None) };
    let asked = Search::parse(kind, &cursor.said, Handling::Strict, base)?;
    let asked = match narrowed(store, actor, &asked).await? {
        None => asked,
        Some(narrowed) => narrowed,
    };
    page_of(store, threshold, &asked, Some(cursor.after)).await.map(Some)
}

async fn opened(
    threshold: &Threshold,
    now: Timestamp,
    kind: &str,
    cursor: &[u8],
) -> Result<Option<Cursor>, StoreError> {
    let bytes = threshold.carried(CURSOR, cursor).await?;
    let cursor = bytes.and_then(|bytes| Cursor::from_bytes(&bytes, now));
    Ok(cursor.filter(|cursor| cursor.kind == kind))
}

async fn page_of(store: &Store, threshold: Threshold, asked: &Search, after: Option<Uuid>) -> Result<Page, ApiError> {
    let (kinds, interaction) = named(asked);
    let threshold = threshold.naming(kinds, interaction);
    let patient = match asked.patient {
        // Nobody who could be here.
        Some(None) => return Err(StoreError::Missing.into()),
        Some(Some(patient)) => Some(patient),
        None => None,
    };
    let whole = threshold.would_allow::<RevealIdentifier>(ResourceKind::Patient);
    match (asked.kind.home, patient) {
        (Home::Patient, _) if whole => {
            patients(threshold.ask::<FindWhole>(Resource::Practice).await?, asked, after).await
        }
        (Home::Patient, _) => patients(threshold.ask::<FindPatient>(Resource::Practice).await?, asked, after).await,
        (Home::Kept, _) => kept(threshold.ask::<ReadDirectory>(Resource::Practice).await?, asked, after).await,
        (Home::Alert, Some(id)) => alerts(threshold.ask(Resource::Patient(id)).await?, id, asked, after).await,
        (Home::Entry, Some(id)) => {
            let about = Resource::Patient(id);
            if FhirTypes::PERSONS.has(asked.kind.scope()) {
                entries(store, threshold.ask::<ReadPatient>(about).await?, id, asked, after).await
            } else if !asked.with_patient {
                entries(store, threshold.ask::<ReadClinical>(about).await?, id, asked, after).await
            } else if whole {
                entries_with_patient(store, threshold.ask::<OpenRecordWhole>(about).await?, id, asked, after).await
            } else {
                entries_with_patient(store, threshold.ask::<OpenRecord>(about).await?, id, asked, after).await
            }
        }
        // A question about the record names a patient, or it is not understood.
        (Home::Entry | Home::Alert, None) => Err(StoreError::Missing.into()),
    }
}

/// The first id of a moment, to the millisecond, rounded up: ids begin with their time.
fn first_id(at: Timestamp) -> Uuid {
    let micros = u64::try_from(at.as_microsecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(micros.div_ceil(1_000), &[0; 10]).into_uuid()
}

/// Between which events a resource must have been written.
fn bounds(asked: &Search) -> (Option<Uuid>, Option<Uuid>) {
    let (from, until) = asked.updated_bounds();
    (from.map(first_id), until.map(first_id))
}

fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Rows that are gathered for one page.
struct Gathered<R> {
    rows: Vec<R>,
    /// After which the next page begins.
    next: Option<Uuid>,
}

impl<R: StoredRow> Gathered<R> {
    /// Cuts what is one too many off: there is a next page then.
    fn close(mut rows: Vec<R>, count: usize, looked_at: Option<Uuid>) -> Self {
        if rows.len() > count {
            rows.truncate(count);
            let next = rows.last().map(StoredRow::row_id);
            return Self { rows, next };
        }
        Self { rows, next: looked_at }
    }
}

fn event_of(asked: &Search) -> Event {
    Event::new().field(asked.kind.name).note(json!({ "query": asked.said }))
}

async fn next_cursor<A: store::Action>(
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

/// Records that are left open to named people only are not found: a program is nobody named.
async fn patients<A: Sight>(tx: Tx<A>, asked: &Search, after: Option<Uuid>) -> Result<Page, ApiError> {
    let sets = asked.token_sets();
    let (low, high) = bounds(asked);
    let listed: Option<Vec<Uuid>> = asked.ids.as_ref().map(|ids| ids.iter().copied().collect());
    let mut before = after;
    let mut found: Vec<PatientRow> = Vec::new();
    let mut numbers = Numbers::default();
    let mut looked_at = None;
    for _ in 0..ROUNDS_MAX {
        let chunk = (asked.count + 1 - found.len()).max(CHUNK_MIN);
        let mut last = None;
        let candidates: Option<Vec<Uuid>> = match &sets {
            None => listed.clone(),
            Some(sets) => {
                let ids = tx.find_any(sets, before, limit(chunk)).await?;
                last = ids.last().copied().filter(|_| ids.len() >= chunk);
                Some(ids.into_iter().filter(|id| asked.ids.as_ref().is_none_or(|ids| ids.contains(id))).collect())
            }
        };
        let rows: Vec<PatientRow> = tx
            .rows(
                sql!(
                    "select * from patient p where p.practice_id = $1 and not p.restricted
                     and ($2::uuid is null or p.id < $2)
                     and ($3::uuid[] is null or p.id = any($3))
                     and ($4::uuid is null or p.event_id >= $4 or exists (
                        select from patient_identifier i
                        where i.practice_id = $1 and i.patient_id = p.id and i.event_id >= $4))
                     and ($5::uuid is null or (p.event_id < $5 and not exists (
                        select from patient_identifier i
                        where i.practice_id = $1 and i.patient_id = p.id and i.event_id >= $5)))
                     order by p.id desc limit $6"
                ),
                &[&before, &candidates, &low, &high, &limit(chunk)],
            )
            .await?;
        if sets.is_none() {
            last = rows.last().map(|row| row.id.uuid()).filter(|_| rows.len() >= chunk);
        }
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id.uuid()).collect();
        let meant = if asked.filters.is_empty() {
            ids
        } else {
            let mut ranked = tx.examine(&rows, asked, matching::patient).await?.ranked;
            ranked.sort_unstable_by(|a, b| b.cmp(a));
            ranked
        };
        numbers.extend(Numbers::of(&tx, &meant).await?);
        found.extend(tx.keep(rows, &meant));
        (before, looked_at) = (last, last);
        if last.is_none() || found.len() > asked.count {
            break;
        }
    }
    let Gathered { rows, next } = Gathered::close(found, asked.count, looked_at);
    let next = next_cursor(&tx, asked.kind.name, &asked.said, next).await?;
    let complete = after.is_none() && next.is_none();
    let stamps: Vec<(PatientId, Stamp)> = rows.iter().map(|row| (row.id, numbers.stamp(row))).collect();
    numbers.keep(&rows.iter().map(|row| row.id.uuid()).collect::<Vec<_>>());
    let (opened, mut numbers) = tx.record(event_of(asked), (rows, numbers)).await?;
    let mut page = Page { next, complete, ..Page::default() };
    for (open, (id, stamp)) in opened.into_iter().zip(stamps) {
        let numbers = numbers.remove(&id).unwrap_or_default();
        page.take(id.uuid(), stamp, open, |open| Some(out::patient(&open, stamp, &numbers, &Links::default())));
    }
    Ok(page)
}

impl Page {
    fn take<T>(&mut self, id: Uuid, stamp: Stamp, open: Result<T, Damaged>, resource: impl FnOnce(T) -> Option<Value>) {
        match open.ok().and_then(resource) {
            Some(resource) => self.matches.push(Shown { id, stamp, resource }),
            None => self.damaged += 1,
        }
    }
}

async fn entry_rows<A: store::Action>(
    tx: &Tx<A>,
    patient: PatientId,
    asked: &Search,
    after: Option<Uuid>,
) -> Result<Gathered<EntryRow>, StoreError> {
    let (low, high) = bounds(asked);
    let listed: Option<Vec<Uuid>> = asked.ids.as_ref().map(|ids| ids.iter().copied().collect());
    let mut before = after;
    let mut found: Vec<EntryRow> = Vec::new();
    let mut looked_at = None;
    for _ in 0..ROUNDS_MAX {
        let chunk = if asked.filters.is_empty() { asked.count + 1 - found.len() } else { CHUNK_ENTRIES };
        let rows: Vec<EntryRow> = tx
            .rows(
                sql!(
                    "select * from record_entry where practice_id = $1 and patient_id = $2 and kind = any($3)
                     and ($4::uuid is null or id < $4) and ($5::uuid[] is null or id = any($5))
                     and ($6::uuid is null or event_id >= $6) and ($7::uuid is null or event_id < $7)
                     order by id desc limit $8"
                ),
                &[&patient.uuid(), &asked.kind.stored_as().as_slice(), &before, &listed, &low, &high, &limit(chunk)],
            )
            .await?;
        let last = rows.last().map(|row| row.id.uuid()).filter(|_| rows.len() >= chunk);
        if asked.filters.is_empty() {
            found.extend(rows);
        } else {
            let mut meant = tx.examine(&rows, asked, matching::entry).await?.ranked;
            meant.sort_unstable_by(|a, b| b.cmp(a));
            found.extend(tx.keep(rows, &meant));
        }
        (before, looked_at) = (last, last);
        if last.is_none() || found.len() > asked.count {
            break;
        }
    }
    Ok(Gathered::close(found, asked.count, looked_at))
}

/// What was named for a question.
fn named(asked: &Search) -> (FhirTypes, Interaction) {
    let patient = (asked.with_patient || asked.kind.home == Home::Alert).then_some(FhirType::Patient);
    (FhirTypes::of([asked.kind.scope()].into_iter().chain(patient)), Interaction::Search)
}

async fn entries<A: store::Reads>(
    store: &Store,
    tx: Tx<A>,
    patient: PatientId,
    asked: &Search,
    after: Option<Uuid>,
) -> Result<Page, ApiError> {
    let Gathered { rows, next } = entry_rows(&tx, patient, asked, after).await?;
    let next = next_cursor(&tx, asked.kind.name, &asked.said, next).await?;
    let mut page = Page { complete: after.is_none() && next.is_none(), next, ..Page::default() };
    let (brought_by, runs) = traced_entries(&tx, &rows).await?;
    let (stamps, actor) = (stamps(&rows), tx.actor().clone());
    let (opened, runs) = tx.record(event_of(asked), (rows, runs)).await?;
    let sources = Sources::of(&brought_by, runs);
    let leads = Leads::of::<A>(store, &actor, named(asked), patient, &opened, sources).await?;
    page.take_entries(opened, stamps, &leads);
    Ok(page)
}

fn stamps(rows: &[EntryRow]) -> Vec<(EntryId, Stamp)> {
    rows.iter().map(|row| (row.id, Stamp::of(row.row_version, row.event_id))).collect()
}

impl Page {
    fn take_entries(
        &mut self,
        opened: Vec<Result<crate::patients::rows::Entry, Damaged>>,
        stamps: Vec<(EntryId, Stamp)>,
        leads: &Leads,
    ) {
        for (open, (id, stamp)) in opened.into_iter().zip(stamps) {
            self.take(id.uuid(), stamp, open, |open| out::entry(&open, stamp, leads.of_entry(id.uuid())));
        }
    }
}

async fn entries_with_patient<A: Sight + Includes<ReadPatient>>(
    store: &Store,
    tx: Tx<A>,
    patient: PatientId,
    asked: &Search,
    after: Option<Uuid>,
) -> Result<Page, ApiError> {
    let Gathered { rows, next } = entry_rows(&tx, patient, asked, after).await?;
    let next = next_cursor(&tx, asked.kind.name, &asked.said, next).await?;
    let mut page = Page { complete: after.is_none() && next.is_none(), next, ..Page::default() };
    if rows.is_empty() {
        // Nothing that the patient could come along with.
        tx.record(event_of(asked), ()).await?;
        return Ok(page);
    }
    let whom = patient_row(&tx, patient).await?;
    let numbers = Numbers::of(&tx, &[patient.uuid()]).await?;
    let (brought_by, runs) = traced_entries(&tx, &rows).await?;
    let (stamps, stamp, actor) = (stamps(&rows), numbers.stamp(&whom), tx.actor().clone());
    let (opened, whom, mut numbers, runs) = tx.record(event_of(asked), (rows, whom, numbers, runs)).await?;
    let sources = Sources::of(&brought_by, runs);
    let leads = Leads::of::<A>(store, &actor, named(asked), patient, &opened, sources).await?;
    page.take_entries(opened, stamps, &leads);
    let numbers = numbers.remove(&patient).unwrap_or_default();
    let resource = out::patient(&whom.map_err(StoreError::from)?, stamp, &numbers, &Links::default());
    page.included.push(Shown { id: patient.uuid(), stamp, resource });
    Ok(page)
}

async fn patient_row<A: Includes<ReadPatient>>(tx: &Tx<A>, id: PatientId) -> Result<PatientRow, StoreError> {
    tx.row(sql!("select * from patient where practice_id = $1 and id = $2"), &[&id.uuid()]).await
}

async fn alerts(tx: Tx<OpenRecord>, patient: PatientId, asked: &Search, after: Option<Uuid>) -> Result<Page, ApiError> {
    let (low, high) = bounds(asked);
    let listed: Option<Vec<Uuid>> = asked.ids.as_ref().map(|ids| ids.iter().copied().collect());
    let rows: Vec<AlertRow> = tx
        .rows(
            sql!(
                "select * from patient_alert where practice_id = $1 and patient_id = $2
                 and ($3::uuid is null or id < $3) and ($4::uuid[] is null or id = any($4))
                 and ($5::uuid is null or event_id >= $5) and ($6::uuid is null or event_id < $6)
                 order by id desc limit $7"
            ),
            &[&patient.uuid(), &after, &listed, &low, &high, &limit(asked.count + 1)],
        )
        .await?;
    let Gathered { rows, next } = Gathered::close(rows, asked.count, None);
    let next = next_cursor(&tx, asked.kind.name, &asked.said, next).await?;
    let mut page = Page { complete: after.is_none() && next.is_none(), next, ..Page::default() };
    let stamps: Vec<(AlertId, Stamp)> =
        rows.iter().map(|row| (row.id, Stamp::of(row.row_version, row.event_id))).collect();
    for (open, (id, stamp)) in tx.record(event_of(asked), rows).await?.into_iter().zip(stamps) {
        page.take(id.uuid(), stamp, open, |open| Some(out::flag(&open, stamp)));
    }
    Ok(page)
}

async fn kept(tx: Tx<ReadDirectory>, asked: &Search, after: Option<Uuid>) -> Result<Page, ApiError> {
    let (low, high) = bounds(asked);
    let listed: Option<Vec<Uuid>> = asked.ids.as_ref().map(|ids| ids.iter().copied().collect());
    let rows: Vec<KeptRow> = tx
        .rows(
            sql!(
                "select * from kept_resource where practice_id = $1 and resource_type = $2
                 and ($3::uuid is null or id < $3) and ($4::uuid[] is null or id = any($4))
                 and ($5::uuid is null or event_id >= $5) and ($6::uuid is null or event_id < $6)
                 order by id desc limit $7"
            ),
            &[&asked.kind.name, &after, &listed, &low, &high, &limit(asked.count + 1)],
        )
        .await?;
    let Gathered { rows, next } = Gathered::close(rows, asked.count, None);
    let next = next_cursor(&tx, asked.kind.name, &asked.said, next).await?;
    let mut page = Page { complete: after.is_none() && next.is_none(), next, ..Page::default() };
    let stamps: Vec<(ResourceId, EventId, i64)> =
        rows.iter().map(|row| (row.id, row.event_id, row.row_version)).collect();
    for (open, (id, event, version)) in tx.record(event_of(asked), rows).await?.into_iter().zip(stamps) {
        let stamp = Stamp::of(version, event);
        page.take(id.uuid(), stamp, open, |open| {
            out::kept(asked.kind.name, &id.to_string(), &open.resource, stamp, &Links::default())
        });
    }
    Ok(page)
}

/// The name by which cursors of `$everything` are known.
const EVERYTHING: &str = "Patient/$everything";

/// Everything about one patient, page by page: the patient and the warnings come with the first.
pub async fn everything(
    store: &Store,
    actor: &Actor,
    id: PatientId,
    count: usize,
    cursor: Option<&[u8]>,
) -> Result<Option<Page>, ApiError> {
    let threshold = store.enter(actor).await?;
    let count = count.clamp(1, COUNT_MAX);
    let said = vec![("id".to_owned(), id.to_string()), ("_count".to_owned(), count.to_string())];
    let mut after = None;
    if let Some(cursor) = cursor {
        let opened = opened(&threshold, store.clock().now(), EVERYTHING, cursor).await?;
        let Some(cursor) = opened.filter(|cursor| cursor.said.first() == said.first()) else { return Ok(None) };
        after = Some(cursor.after);
    }
    let threshold = threshold.naming(whole_record(), Interaction::Read);
    let about = Resource::Patient(id);
    if threshold.would_allow::<RevealIdentifier>(ResourceKind::Patient) {
        all_of(store, threshold.ask::<OpenRecordWhole>(about).await?, id, count, &said, after).await.map(Some)
    } else {
        all_of(store, threshold.ask::<OpenRecord>(about).await?, id, count, &said, after).await.map(Some)
    }
}

fn whole_record() -> FhirTypes {
    FhirTypes::of(FhirTypes::PERSONS.iter().chain(FhirTypes::CLINICAL.iter()))
}

async fn all_of<A: Sight + Includes<ReadPatient>>(
    store: &Store,
    tx: Tx<A>,
    id: PatientId,
    count: usize,
    said: &[(String, String)],
    after: Option<Uuid>,
) -> Result<Page, ApiError> {
    let entries: Vec<EntryRow> = tx
        .rows(
            sql!(
                "select * from record_entry where practice_id = $1 and patient_id = $2
                 and ($3::uuid is null or id < $3) order by id desc limit $4"
            ),
            &[&id.uuid(), &after, &limit(count + 1)],
        )
        .await?;
    let first = after.is_none();
    let mut whom = None;
    let mut warnings: Vec<AlertRow> = Vec::new();
    if first {
        whom = Some((patient_row(&tx, id).await?, Numbers::of(&tx, &[id.uuid()]).await?));
        warnings = tx
            .rows(
                sql!("select * from patient_alert where practice_id = $1 and patient_id = $2 order by id limit 1000"),
                &[&id.uuid()],
            )
            .await?;
    }
    let Gathered { rows, next } = Gathered::close(entries, count, None);
    let next = next_cursor(&tx, EVERYTHING, said, next).await?;
    let mut page = Page { complete: first && next.is_none(), next, ..Page::default() };
    let whose = whom.as_ref().map(|(row, numbers)| numbers.stamp(row));
    let warned: Vec<(AlertId, Stamp)> =
        warnings.iter().map(|row| (row.id, Stamp::of(row.row_version, row.event_id))).collect();
    let (brought_by, runs) = traced_entries(&tx, &rows).await?;
    let (stamps, actor) = (stamps(&rows), tx.actor().clone());
    let event = Event::new().about("patient", id.uuid()).field("everything");
    let (whom, warnings, rows, runs) = tx.record(event, (whom, warnings, rows, runs)).await?;
    let sources = Sources::of(&brought_by, runs);
    let leads = Leads::of::<A>(store, &actor, (whole_record(), Interaction::Read), id, &rows, sources).await?;
    if let (Some((open, mut numbers)), Some(stamp)) = (whom, whose) {
        let numbers = numbers.remove(&id).unwrap_or_default();
        page.take(id.uuid(), stamp, open, |open| Some(out::patient(&open, stamp, &numbers, &Links::default())));
    }
    for (open, (id, stamp)) in warnings.into_iter().zip(warned) {
        page.take(id.uuid(), stamp, open, |open| Some(out::flag(&open, stamp)));
    }
    page.take_entries(rows, stamps, &leads);
    Ok(page)
}
