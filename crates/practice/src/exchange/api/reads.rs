//! Reading one resource for the API. Every function names the types it is about, asks, reads, records and
//! opens, in that order.

use std::collections::{BTreeSet, HashMap};

use kernel::{ImportId, PatientId};
use store::{
    Actor, Arrival, Damaged, Event, FhirType, FhirTypes, Includes, Interaction, Resource, ResourceKind, Sql, Store,
    StoreError, Threshold, Tx, sql,
};
use uuid::Uuid;

use super::ApiError;
use super::kinds::{Home, Kind};
use super::leads::{Leads, Sources};
use super::numbers::{Numbers, Sight};
use super::page::{Page, Shown, stamps};
use crate::exchange::fhir::out::{self, Links, Stamp};
use crate::exchange::rows::{KeptRow, RunRow};
use crate::patients::actions::{OpenRecord, ReadClinical, ReadDirectory, ReadPatient, ReadWhole, RevealIdentifier};
use crate::patients::rows::{Alert, AlertRow, EntryRow, PatientRow};

/// One resource by its id.
pub async fn read(store: &Store, actor: &Actor, kind: &'static Kind, id: Uuid) -> Result<Shown, ApiError> {
    let threshold = store.enter(actor).await?.naming(FhirTypes::of([kind.scope()]), Interaction::Read);
    match kind.home {
        Home::Patient => read_patient(store, actor, threshold, PatientId::from_uuid(id)).await,
        Home::Alert => read_alert(store, actor, threshold, id).await,
        Home::Entry => read_entry(store, threshold, kind, id).await,
        Home::Kept => read_kept(threshold, kind, id).await,
    }
}

/// A record that was merged away can be read still, under the permission for the one that stands: it says
/// where it went.
async fn read_patient(store: &Store, actor: &Actor, threshold: Threshold, id: PatientId) -> Result<Shown, ApiError> {
    let own = id.uuid();
    let row = sql!("select * from patient where practice_id = $1 and id = $2");
    let numbers = sql!(
        "select * from patient_identifier where practice_id = $1 and patient_id = any(array(
            select $2::uuid union all select id from patient where practice_id = $1 and merged_into = $2)) order by id"
    );
    match threshold.bring(Resource::Patient(id), &[(row, &[&own]), (numbers, &[&own])]).await {
        Ok(arrival) if arrival.known().would_allow::<RevealIdentifier>(ResourceKind::Patient) => {
            standing::<ReadWhole>(arrival, id).await
        }
        Ok(arrival) => standing::<ReadPatient>(arrival, id).await,
        Err(StoreError::Merged { into }) => {
            let threshold = store.enter(actor).await?.naming(FhirTypes::of([FhirType::Patient]), Interaction::Read);
            let about = Resource::Patient(into);
            if threshold.known().await?.would_allow::<RevealIdentifier>(ResourceKind::Patient) {
                merged_away(threshold.ask::<ReadWhole>(about).await?, id).await
            } else {
                merged_away(threshold.ask::<ReadPatient>(about).await?, id).await
            }
        }
        Err(error) => Err(error.into()),
    }
}

async fn standing<A: Sight>(arrival: Arrival, id: PatientId) -> Result<Shown, ApiError> {
    let (tx, mut brought) = arrival.ask::<A>().await?;
    let row = brought.row::<PatientRow>()?;
    let numbers = Numbers::brought(&tx, id, &mut brought)?;
    shown(tx, row, numbers).await
}

async fn merged_away<A: Sight>(tx: Tx<A>, id: PatientId) -> Result<Shown, ApiError> {
    let row = tx.row(sql!("select * from patient where practice_id = $1 and id = $2"), &[&id.uuid()]).await?;
    let numbers = Numbers::of_record(&tx, id).await?;
    shown(tx, row, numbers).await
}

async fn shown<A: Sight>(tx: Tx<A>, row: PatientRow, numbers: Numbers<A::Number>) -> Result<Shown, ApiError> {
    let id = row.id;
    let (stamp, away) = (numbers.stamp(&row), numbers.merged_into(id));
    let (row, mut numbers) = tx.record(Event::new().about("patient", id.uuid()), (row, numbers)).await?;
    let numbers = numbers.remove(&id).unwrap_or_default();
    let resource = out::patient(&row.map_err(StoreError::from)?, stamp, &numbers, &away, &Links::default());
    Ok(Shown { id: id.uuid(), stamp, resource })
}

/// The identifiers of patients, those too that no longer stand.
pub(super) async fn number_rows<A: Sight>(tx: &Tx<A>, patients: &[Uuid]) -> Result<Vec<A::Number>, StoreError> {
    tx.rows(
        sql!("select * from patient_identifier where practice_id = $1 and patient_id = any($2) order by id"),
        &[&patients],
    )
    .await
}

/// The records that were merged into those of some patients: each, and into which.
pub(super) const MERGED_INTO: Sql =
    sql!("select id, merged_into from patient where practice_id = $1 and merged_into = any($2)");

/// As [`number_rows`], of some patients and of the records that were merged into theirs.
pub(super) const NUMBERS_OF: Sql = sql!(
    "select * from patient_identifier where practice_id = $1 and patient_id = any(array(
        select unnest($2::uuid[]) union all
        select id from patient where practice_id = $1 and merged_into = any($2))) order by id"
);

async fn read_alert(store: &Store, actor: &Actor, threshold: Threshold, id: Uuid) -> Result<Shown, ApiError> {
    let patient = threshold.patient_of_alert(id).await?;
    drop(threshold);
    let threshold = store.enter(actor).await?.naming(flag(), Interaction::Read);
    let tx: Tx<OpenRecord> = threshold.ask(Resource::Patient(patient)).await?;
    let row = alert_row(&tx, patient, id).await?;
    let stamp = Stamp::of(row.row_version, row.event_id);
    let alert = tx.record(Event::new().about("alert", id), row).await?.map_err(StoreError::from)?;
    Ok(Shown { id, stamp, resource: out::flag(&Alert { patient_id: patient, ..alert }, stamp) })
}

/// A warning is part of who a patient is, and of what stands in the record.
pub(super) fn flag() -> FhirTypes {
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

pub(super) async fn traced_entries<A: store::Action>(tx: &Tx<A>, entries: &[EntryRow]) -> Result<Traced, StoreError> {
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
    let rows = vec![entry_row(&tx, kind, patient, id).await?];
    let (brought_by, runs) = traced_entries(&tx, &rows).await?;
    let (stamps, actor) = (stamps(&rows), tx.actor().clone());
    let event = Event::new().about("entry", id).field(kind.name);
    let (opened, runs) = tx.record(event, (rows, runs)).await?;
    let named = (FhirTypes::of([kind.scope()]), Interaction::Read);
    let leads =
        Leads::of::<A>(store, &actor, named, Resource::Patient(patient), &opened, Sources::of(&brought_by, runs))
            .await?;
    let mut page = Page::default();
    page.take_entries(patient, opened, stamps, &leads);
    page.matches.pop().ok_or_else(|| StoreError::from(Damaged { table: "record_entry", id }).into())
}

async fn read_kept(threshold: Threshold, kind: &'static Kind, id: Uuid) -> Result<Shown, ApiError> {
    let tx: Tx<ReadDirectory> = threshold.ask(Resource::Practice).await?;
    let row = kept_row(&tx, kind, id).await?;
    let stamp = Stamp::of(row.row_version, row.event_id);
    let kept = tx.record(Event::new().about("resource", id), row).await?.map_err(StoreError::from)?;
    let resource = out::kept(kind.name, &id.to_string(), &kept.resource, stamp, &Links::default());
    Ok(Shown { id, stamp, resource: resource.ok_or(StoreError::Unreadable { what: "resource" })? })
}

pub(super) async fn patient_row<A: Includes<ReadPatient>>(tx: &Tx<A>, id: PatientId) -> Result<PatientRow, StoreError> {
    tx.row(sql!("select * from patient where practice_id = $1 and id = $2"), &[&id.uuid()]).await
}

/// An alert of a patient, under whichever of their records it is kept.
pub(super) async fn alert_row(tx: &Tx<OpenRecord>, patient: PatientId, id: Uuid) -> Result<AlertRow, StoreError> {
    tx.row(
        sql!("select * from patient_alert where practice_id = $1 and patient_id = any($2) and id = $3"),
        &[&tx.records_of(patient), &id],
    )
    .await
}

/// An entry of a patient that is of a type, under whichever of their records it is kept.
pub(super) async fn entry_row<A: store::Action>(
    tx: &Tx<A>,
    kind: &Kind,
    patient: PatientId,
    id: Uuid,
) -> Result<EntryRow, StoreError> {
    tx.row(
        sql!(
            "select * from record_entry where practice_id = $1 and patient_id = any($2) and id = $3 and kind = any($4)"
        ),
        &[&tx.records_of(patient), &id, &kind.stored_as().as_slice()],
    )
    .await
}

/// A resource that is kept as it came.
pub(super) async fn kept_row(tx: &Tx<ReadDirectory>, kind: &Kind, id: Uuid) -> Result<KeptRow, StoreError> {
    tx.row(
        sql!("select * from kept_resource where practice_id = $1 and id = $2 and resource_type = $3"),
        &[&id, &kind.name],
    )
    .await
}
