//! `$everything` for the API: one event for each page.

use kernel::{AlertId, PatientId};
use store::{Actor, Event, FhirTypes, Includes, Interaction, Resource, ResourceKind, Store, Tx, sql};
use uuid::Uuid;

use crate::exchange::api::ApiError;
use crate::exchange::api::leads::{Leads, Sources};
use crate::exchange::api::numbers::{Numbers, Sight};
use crate::exchange::api::page::{Gathered, Page, limit, next_cursor, opened, stamps};
use crate::exchange::api::question::COUNT_MAX;
use crate::exchange::api::reads::{patient_row, traced_entries};
use crate::exchange::fhir::out::{self, Links, Stamp};
use crate::patients::actions::{OpenRecord, OpenRecordWhole, ReadPatient, RevealIdentifier};
use crate::patients::rows::{Alert, AlertRow, EntryRow};

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
    let id = threshold.standing(id).await?;
    let about = Resource::Patient(id);
    if threshold.known().await?.would_allow::<RevealIdentifier>(ResourceKind::Patient) {
        all_of(store, threshold.ask::<OpenRecordWhole>(about).await?, id, count, &said, after).await.map(Some)
    } else {
        all_of(store, threshold.ask::<OpenRecord>(about).await?, id, count, &said, after).await.map(Some)
    }
}

pub(in crate::exchange::api) fn whole_record() -> FhirTypes {
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
                "select * from record_entry where practice_id = $1 and patient_id = any($2)
                 and ($3::uuid is null or id < $3) order by id desc limit $4"
            ),
            &[&tx.records_of(id), &after, &limit(count + 1)],
        )
        .await?;
    let first = after.is_none();
    let mut whom = None;
    let mut warnings: Vec<AlertRow> = Vec::new();
    if first {
        whom = Some((patient_row(&tx, id).await?, Numbers::of_one(&tx, id).await?));
        warnings = tx
            .rows(
                sql!(
                    "select * from patient_alert where practice_id = $1 and patient_id = any($2)
                     order by id limit 1000"
                ),
                &[&tx.records_of(id)],
            )
            .await?;
    }
    let Gathered { rows, next } = Gathered::close(entries, count, None);
    let next = next_cursor(&tx, EVERYTHING, said, next).await?;
    let mut page = Page { complete: first && next.is_none(), next, ..Page::default() };
    let whose = whom.as_ref().map(|(row, numbers)| (numbers.stamp(row), numbers.merged_into(id)));
    let warned: Vec<(AlertId, Stamp)> =
        warnings.iter().map(|row| (row.id, Stamp::of(row.row_version, row.event_id))).collect();
    let (brought_by, runs) = traced_entries(&tx, &rows).await?;
    let (stamps, actor) = (stamps(&rows), tx.actor().clone());
    let event = Event::new().about("patient", id.uuid()).field("everything");
    let (whom, warnings, rows, runs) = tx.record(event, (whom, warnings, rows, runs)).await?;
    let sources = Sources::of(&brought_by, runs);
    let leads =
        Leads::of::<A>(store, &actor, (whole_record(), Interaction::Read), Resource::Patient(id), &rows, sources)
            .await?;
    if let (Some((open, mut numbers)), Some((stamp, away))) = (whom, whose) {
        let numbers = numbers.remove(&id).unwrap_or_default();
        page.take(id.uuid(), stamp, open, |open| Some(out::patient(&open, stamp, &numbers, &away, &Links::default())));
    }
    for (open, (alert, stamp)) in warnings.into_iter().zip(warned) {
        page.take(alert.uuid(), stamp, open, |open| Some(out::flag(&Alert { patient_id: id, ..open }, stamp)));
    }
    page.take_entries(id, rows, stamps, &leads);
    Ok(page)
}
