//! Searching for the API. A search leaves one event, with each patient that it returned.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kernel::{AlertId, EventId, PatientId, ResourceId};
use serde_json::json;
use store::{
    Actor, Event, FhirType, FhirTypes, Includes, Interaction, Resource, ResourceKind, Store, StoreError, StoredRow,
    Threshold, TokenSet, Tx, sql,
};
use uuid::Uuid;

use crate::exchange::api::ApiError;
use crate::exchange::api::kinds::{Home, Kind};
use crate::exchange::api::leads::{Leads, Sources};
use crate::exchange::api::matching;
use crate::exchange::api::numbers::{Numbers, Sight};
use crate::exchange::api::page::{Gathered, Page, Shown, limit, next_cursor, opened, stamps};
use crate::exchange::api::question::{Handling, Search};
use crate::exchange::api::reads::{patient_row, traced_entries};
use crate::exchange::api::writes::look_up;
use crate::exchange::fhir::out::{self, Links, Stamp};
use crate::exchange::rows::KeptRow;
use crate::patients::actions::{
    FindPatient, FindWhole, OpenRecord, OpenRecordWhole, ReadClinical, ReadDirectory, ReadPatient, RevealIdentifier,
};
use crate::patients::rows::{Alert, AlertRow, EntryRow, PatientRow};

/// Candidates opened and checked at one time, at least.
const CHUNK_MIN: usize = 8;
/// Entries of a record opened and checked at one time, where they must be opened to be told apart.
const CHUNK_ENTRIES: usize = 200;
/// How often more candidates are taken for one page. After that the page is given as it is, with a next one.
const ROUNDS_MAX: usize = 25;

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

async fn page_of(store: &Store, threshold: Threshold, asked: &Search, after: Option<Uuid>) -> Result<Page, ApiError> {
    let (kinds, interaction) = named(asked);
    let threshold = threshold.naming(kinds, interaction);
    let patient = match asked.patient {
        // Nobody who could be here.
        Some(None) => return Err(StoreError::Missing.into()),
        // Of a record that was merged away: of the one that stands.
        Some(Some(patient)) => Some(threshold.standing(patient).await?),
        None => None,
    };
    let whole = threshold.known().await?.would_allow::<RevealIdentifier>(ResourceKind::Patient);
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
pub(in crate::exchange::api) fn first_id(at: Timestamp) -> Uuid {
    let micros = u64::try_from(at.as_microsecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(micros.div_ceil(1_000), &[0; 10]).into_uuid()
}

/// Between which events a resource must have been written.
fn bounds(asked: &Search) -> (Option<Uuid>, Option<Uuid>) {
    let (from, until) = asked.updated_bounds();
    (from.map(first_id), until.map(first_id))
}

/// The event of a search. Patients whom it returned are named by the event itself, each so that erasing them
/// erases that too; of everything else the ids stand in its sealed part.
fn event_of<R: StoredRow>(asked: &Search, returned: &[R]) -> Event {
    let mut note = json!({ "query": asked.said });
    if asked.kind.home != Home::Patient
        && let Some(note) = note.as_object_mut()
    {
        note.insert("returned".to_owned(), returned.iter().map(|row| row.row_id().to_string()).collect());
    }
    Event::new().field(asked.kind.name).note(note)
}

/// A page of a search, with nothing in it yet: it is the only one, or the next begins after a resource.
async fn begun<A: store::Action>(
    tx: &Tx<A>,
    asked: &Search,
    after: Option<Uuid>,
    next: Option<Uuid>,
) -> Result<Page, StoreError> {
    let next = next_cursor(tx, asked.kind.name, &asked.said, next).await?;
    Ok(Page { complete: after.is_none() && next.is_none(), next, ..Page::default() })
}

/// Records that are left open to named people only are not found: a program is nobody named.
async fn patients<A: Sight>(mut tx: Tx<A>, asked: &Search, after: Option<Uuid>) -> Result<Page, ApiError> {
    let sets = asked.token_sets();
    let bounds = bounds(asked);
    let listed: Option<Vec<Uuid>> = asked.ids.as_ref().map(|ids| ids.iter().copied().collect());
    let mut before = after;
    // Each with its place in the list: its own id or, of a person who is meant by what a record of theirs says
    // that was merged away, that record's.
    let mut found: Vec<(Uuid, PatientRow)> = Vec::new();
    let mut looked_at = None;
    for _ in 0..ROUNDS_MAX {
        let chunk = (asked.count + 1 - found.len()).max(CHUNK_MIN);
        let last;
        let rows = if let Some(sets) = &sets {
            let hits = hits(&tx, sets, before, chunk).await?;
            last = hits.last().map(|row| row.id.uuid()).filter(|_| hits.len() >= chunk);
            let (standing, away): (Vec<PatientRow>, Vec<PatientRow>) =
                hits.into_iter().partition(|row| row.merged_into.is_none());
            if !away.is_empty() {
                found.extend(by_merged(&tx, &away, bounds, asked).await?);
            }
            if bounds == (None, None) {
                standing.into_iter().filter(|row| !row.restricted).collect()
            } else {
                let ids = standing.iter().map(|row| row.id.uuid()).collect();
                standing_rows(&tx, (None, &Some(ids)), bounds, usize::MAX).await?
            }
        } else {
            let rows = standing_rows(&tx, (before, &listed), bounds, chunk).await?;
            last = rows.last().map(|row| row.id.uuid()).filter(|_| rows.len() >= chunk);
            rows
        };
        let rows: Vec<PatientRow> =
            rows.into_iter().filter(|row| asked.ids.as_ref().is_none_or(|ids| ids.contains(&row.id.uuid()))).collect();
        let meant = if asked.filters.is_empty() {
            rows.iter().map(|row| row.id.uuid()).collect()
        } else {
            tx.examine(&rows, asked, matching::patient).await?.ranked
        };
        found.extend(tx.keep(rows, &meant).into_iter().map(|row| (row.id.uuid(), row)));
        found.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
        (before, looked_at) = (last, last);
        if last.is_none() || found.len() > asked.count {
            break;
        }
    }
    let next = if found.len() > asked.count {
        found.truncate(asked.count);
        found.last().map(|(place, _)| *place)
    } else {
        looked_at
    };
    let rows: Vec<PatientRow> = found.into_iter().map(|(_, row)| row).collect();
    let shown: Vec<Uuid> = rows.iter().map(|row| row.id.uuid()).collect();
    let mut page = begun(&tx, asked, after, next).await?;
    let numbers = Numbers::last_of(&mut tx, &shown).await?;
    let stamps: Vec<(PatientId, Stamp, Vec<PatientId>)> =
        rows.iter().map(|row| (row.id, numbers.stamp(row), numbers.merged_into(row.id))).collect();
    let (opened, mut numbers) = tx.record(event_of(asked, &rows), (rows, numbers)).await?;
    for (open, (id, stamp, away)) in opened.into_iter().zip(stamps) {
        let numbers = numbers.remove(&id).unwrap_or_default();
        page.take(id.uuid(), stamp, open, |open| Some(out::patient(&open, stamp, &numbers, &away, &Links::default())));
    }
    Ok(page)
}

/// Records of whatever standing that have all the tokens of one of these sets, newest first: so many of those that
/// come before a place in the list.
async fn hits<A: Sight>(
    tx: &Tx<A>,
    sets: &[TokenSet],
    before: Option<Uuid>,
    most: usize,
) -> Result<Vec<PatientRow>, StoreError> {
    let (before, most_rows) = (before.unwrap_or(Uuid::max()), limit(most));
    let mut all = Vec::with_capacity(sets.len());
    for words in sets.iter().filter(|words| !words.is_empty()) {
        let sought = tx.sought(words).await?;
        let rows: Vec<PatientRow> = tx
            .rows(
                sql!(
                    "select p.* from (
                        select subject_id from search_token
                        where practice_id = $1 and token = any($2) and subject_id < $4
                        group by subject_id having count(*) = $3 order by subject_id desc limit $5
                     ) hit join patient p on p.practice_id = $1 and p.id = hit.subject_id"
                ),
                &[sought.tokens(), sought.count(), &before, &most_rows],
            )
            .await?;
        all.extend(rows);
    }
    all.sort_unstable_by_key(|row| std::cmp::Reverse(row.id));
    all.dedup_by(|a, b| a.id == b.id);
    all.truncate(most);
    Ok(all)
}

/// Records that stand, older than a place in the list; of these where some are named.
async fn standing_rows<A: Sight>(
    tx: &Tx<A>,
    (before, of): (Option<Uuid>, &Option<Vec<Uuid>>),
    (low, high): (Option<Uuid>, Option<Uuid>),
    most: usize,
) -> Result<Vec<PatientRow>, StoreError> {
    tx.rows(
        sql!(
            "select * from patient p where p.practice_id = $1 and not p.restricted and p.merged_into is null
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
        &[&before, of, &low, &high, &limit(most)],
    )
    .await
}

/// Those who are meant by what a record says that was merged into theirs, and not by their own: each at the
/// place of that record, of several at the newest one's.
async fn by_merged<A: Sight>(
    tx: &Tx<A>,
    hits: &[PatientRow],
    bounds: (Option<Uuid>, Option<Uuid>),
    asked: &Search,
) -> Result<Vec<(Uuid, PatientRow)>, StoreError> {
    let of: Vec<Uuid> = hits.iter().filter_map(|row| row.merged_into).map(PatientId::uuid).collect();
    let away: Vec<PatientRow> =
        tx.rows(sql!("select * from patient where practice_id = $1 and merged_into = any($2)"), &[&of]).await?;
    let into: BTreeSet<Uuid> = away.iter().filter_map(|row| row.merged_into).map(PatientId::uuid).collect();
    let wanted = into.into_iter().filter(|id| asked.ids.as_ref().is_none_or(|ids| ids.contains(id))).collect();
    let own = standing_rows(tx, (None, &Some(wanted)), bounds, usize::MAX).await?;
    let meant = tx.examine(&own, asked, matching::patient).await?.ranked;
    let meant_away = tx.examine(&away, asked, matching::patient).await?.ranked;
    let mut found = Vec::new();
    for row in own.into_iter().filter(|row| !meant.contains(&row.id.uuid())) {
        let of = away.iter().filter(|away| away.merged_into == Some(row.id)).map(|away| away.id.uuid());
        let place = of.filter(|id| meant_away.contains(id)).max();
        let is_here = |place: &Uuid| hits.iter().any(|hit| hit.id.uuid() == *place);
        found.extend(place.filter(is_here).map(|place| (place, row)));
    }
    Ok(found)
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
                    "select * from record_entry where practice_id = $1 and patient_id = any($2) and kind = any($3)
                     and ($4::uuid is null or id < $4) and ($5::uuid[] is null or id = any($5))
                     and ($6::uuid is null or event_id >= $6) and ($7::uuid is null or event_id < $7)
                     order by id desc limit $8"
                ),
                &[
                    &tx.records_of(patient),
                    &asked.kind.stored_as().as_slice(),
                    &before,
                    &listed,
                    &low,
                    &high,
                    &limit(chunk),
                ],
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
    let mut page = begun(&tx, asked, after, next).await?;
    let (brought_by, runs) = traced_entries(&tx, &rows).await?;
    let (stamps, actor) = (stamps(&rows), tx.actor().clone());
    let (opened, runs) = tx.record(event_of(asked, &rows), (rows, runs)).await?;
    let sources = Sources::of(&brought_by, runs);
    let leads = Leads::of::<A>(store, &actor, named(asked), Resource::Patient(patient), &opened, sources).await?;
    page.take_entries(patient, opened, stamps, &leads);
    Ok(page)
}

async fn entries_with_patient<A: Sight + Includes<ReadPatient>>(
    store: &Store,
    tx: Tx<A>,
    patient: PatientId,
    asked: &Search,
    after: Option<Uuid>,
) -> Result<Page, ApiError> {
    let Gathered { rows, next } = entry_rows(&tx, patient, asked, after).await?;
    let mut page = begun(&tx, asked, after, next).await?;
    if rows.is_empty() {
        // Nothing that the patient could come along with.
        tx.record(event_of(asked, &rows), ()).await?;
        return Ok(page);
    }
    let whom = patient_row(&tx, patient).await?;
    let numbers = Numbers::of_one(&tx, patient).await?;
    let away = numbers.merged_into(patient);
    let (brought_by, runs) = traced_entries(&tx, &rows).await?;
    let (stamps, stamp, actor) = (stamps(&rows), numbers.stamp(&whom), tx.actor().clone());
    let (opened, whom, mut numbers, runs) = tx.record(event_of(asked, &rows), (rows, whom, numbers, runs)).await?;
    let sources = Sources::of(&brought_by, runs);
    let leads = Leads::of::<A>(store, &actor, named(asked), Resource::Patient(patient), &opened, sources).await?;
    page.take_entries(patient, opened, stamps, &leads);
    let numbers = numbers.remove(&patient).unwrap_or_default();
    let resource = out::patient(&whom.map_err(StoreError::from)?, stamp, &numbers, &away, &Links::default());
    page.included.push(Shown { id: patient.uuid(), stamp, resource });
    Ok(page)
}

async fn alerts(tx: Tx<OpenRecord>, patient: PatientId, asked: &Search, after: Option<Uuid>) -> Result<Page, ApiError> {
    let (low, high) = bounds(asked);
    let listed: Option<Vec<Uuid>> = asked.ids.as_ref().map(|ids| ids.iter().copied().collect());
    let rows: Vec<AlertRow> = tx
        .rows(
            sql!(
                "select * from patient_alert where practice_id = $1 and patient_id = any($2)
                 and ($3::uuid is null or id < $3) and ($4::uuid[] is null or id = any($4))
                 and ($5::uuid is null or event_id >= $5) and ($6::uuid is null or event_id < $6)
                 order by id desc limit $7"
            ),
            &[&tx.records_of(patient), &after, &listed, &low, &high, &limit(asked.count + 1)],
        )
        .await?;
    let Gathered { rows, next } = Gathered::close(rows, asked.count, None);
    let mut page = begun(&tx, asked, after, next).await?;
    let stamps: Vec<(AlertId, Stamp)> =
        rows.iter().map(|row| (row.id, Stamp::of(row.row_version, row.event_id))).collect();
    for (open, (id, stamp)) in tx.record(event_of(asked, &rows), rows).await?.into_iter().zip(stamps) {
        page.take(id.uuid(), stamp, open, |open| Some(out::flag(&Alert { patient_id: patient, ..open }, stamp)));
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
    let mut page = begun(&tx, asked, after, next).await?;
    let stamps: Vec<(ResourceId, EventId, i64)> =
        rows.iter().map(|row| (row.id, row.event_id, row.row_version)).collect();
    for (open, (id, event, version)) in tx.record(event_of(asked, &rows), rows).await?.into_iter().zip(stamps) {
        let stamp = Stamp::of(version, event);
        page.take(id.uuid(), stamp, open, |open| {
            out::kept(asked.kind.name, &id.to_string(), &open.resource, stamp, &Links::default())
        });
    }
    Ok(page)
}
