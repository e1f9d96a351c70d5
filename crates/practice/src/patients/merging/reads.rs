//! Two records side by side, and the records that were merged into one.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kernel::{MergeId, PatientId, PersonId};
use store::{Actor, Event, Resource, Store, StoreError, Tx, sql};
use uuid::Uuid;

use super::Undoing;
use crate::patients::actions::MergeForm;
use crate::patients::reads::Read;
use crate::patients::rows::{Alert, AlertRow, MaskedIdentifier, MaskedRow, Merge, MergeRow, Patient, PatientRow};

/// One of two records side by side.
pub struct Side {
    /// Who it is.
    pub patient: Read<Patient>,
    /// Masked, as everywhere.
    pub identifiers: Vec<Read<MaskedIdentifier>>,
    /// Those that stand.
    pub alerts: Vec<Read<Alert>>,
    /// How many entries its record has.
    pub entries: i64,
    /// Who alone may open it.
    pub named: BTreeSet<PersonId>,
    /// Records that were merged into it before.
    pub away: usize,
}

/// One side as stored.
struct SideRows {
    patient: PatientRow,
    identifiers: Vec<MaskedRow>,
    alerts: Vec<AlertRow>,
    entries: i64,
    named: BTreeSet<PersonId>,
    away: usize,
}

async fn side(tx: &Tx<MergeForm>, id: PatientId) -> Result<SideRows, StoreError> {
    let records = tx.records_of(id);
    let patient = tx.row(sql!("select * from patient where practice_id = $1 and id = $2"), &[&id.uuid()]).await?;
    let identifiers = tx
        .rows(
            sql!(
                "select * from patient_identifier where practice_id = $1 and patient_id = any($2) and active
                 order by id limit 200"
            ),
            &[&records],
        )
        .await?;
    let alerts = tx
        .rows(
            sql!(
                "select * from patient_alert where practice_id = $1 and patient_id = any($2) and active
                 order by severity, id desc limit 200"
            ),
            &[&records],
        )
        .await?;
    let entries = tx
        .count(sql!("select count(*) from record_entry where practice_id = $1 and patient_id = any($2)"), &[&records])
        .await?;
    let named = named(tx, id).await?;
    Ok(SideRows { patient, identifiers, alerts, entries, named, away: records.len() - 1 })
}

/// Who alone may open a record.
pub(super) async fn named<A: store::Action>(tx: &Tx<A>, id: PatientId) -> Result<BTreeSet<PersonId>, StoreError> {
    let named = tx
        .ids(sql!("select person_id from patient_access where practice_id = $1 and patient_id = $2"), &[&id.uuid()])
        .await?;
    Ok(named.into_iter().map(PersonId::from_uuid).collect())
}

/// Opens two records side by side: `into` would stand, `from` would be merged into it. Both must be open to
/// whoever asks. The log names both.
pub async fn compare(
    store: &Store,
    actor: &Actor,
    into: PatientId,
    from: PatientId,
) -> Result<(Side, Side), StoreError> {
    if into == from {
        return Err(StoreError::Missing);
    }
    let tx: Tx<MergeForm> = store.enter(actor).await?.ask(Resource::Both(into, from)).await?;
    let (one, other) = (side(&tx, into).await?, side(&tx, from).await?);
    let read = ((one.patient, one.identifiers, one.alerts), (other.patient, other.identifiers, other.alerts));
    let event = Event::new().about("patient", into.uuid());
    let (here, there) = tx.record(event, read).await?;
    let opened = |(patient, identifiers, alerts), entries, named, away| Side {
        patient,
        identifiers,
        alerts,
        entries,
        named,
        away,
    };
    Ok((opened(here, one.entries, one.named, one.away), opened(there, other.entries, other.named, other.away)))
}

/// One merge of a record.
pub struct Merged {
    /// Which.
    pub id: MergeId,
    /// When.
    pub at: Timestamp,
    /// What stands in the record that was merged away.
    pub patient: Read<Patient>,
    /// Whether it went into this record itself. Otherwise it went into one that went into this one since:
    /// that must be taken back first.
    pub direct: bool,
}

/// The records that were merged into one, the last first.
pub async fn merges(store: &Store, actor: &Actor, id: PatientId) -> Result<(Read<Patient>, Vec<Merged>), StoreError> {
    let tx: Tx<MergeForm> = store.enter(actor).await?.ask(Resource::Patient(id)).await?;
    let records = tx.records_of(id);
    let made: Vec<MergeRow> = tx
        .rows(
            sql!(
                "select * from patient_merge where practice_id = $1 and patient_id = any($2) and undone_at is null
                 order by id desc limit 100"
            ),
            &[&records],
        )
        .await?;
    let patients: Vec<PatientRow> =
        tx.rows(sql!("select * from patient where practice_id = $1 and id = any($2)"), &[&records]).await?;
    let ids: Vec<Uuid> = patients.iter().map(|row| row.id.uuid()).collect();
    let patients = tx.record(Event::new().about("patient", id.uuid()).field("merges"), patients).await?;
    let of = |wanted: PatientId| {
        let found = ids.iter().zip(&patients).find(|(known, _)| **known == wanted.uuid());
        found.map(|(_, read)| read.clone())
    };
    let own = of(id).ok_or(StoreError::Missing)?;
    let merges = made.iter().filter_map(|row| {
        let patient = of(row.patient_id)?;
        Some(Merged { id: row.id, at: row.made_at, patient, direct: row.into_id == id })
    });
    Ok((own, merges.collect()))
}

/// What taking a merge back would do.
pub struct UndoPage {
    /// The record that stands.
    pub patient: Patient,
    /// The one that was merged into it.
    pub other: Patient,
    /// When they were merged.
    pub at: Timestamp,
    /// What goes back, and what stays.
    pub undoing: Undoing,
    /// Entries that were written since in the record that stands: they stay there.
    pub since: i64,
    /// Who may open the record goes back to what it was; `None` where the merge did not change it, and false
    /// where somebody changed it since.
    pub access_back: Option<bool>,
    /// The merge, open.
    pub(super) merge: Merge,
}

/// Opens what taking a merge back would do.
pub async fn undo_page(store: &Store, actor: &Actor, id: PatientId, merge: MergeId) -> Result<UndoPage, StoreError> {
    let tx: Tx<MergeForm> = store.enter(actor).await?.ask(Resource::Patient(id)).await?;
    let row: MergeRow = tx
        .row(
            sql!(
                "select * from patient_merge
                 where practice_id = $1 and into_id = $2 and id = $3 and undone_at is null"
            ),
            &[&id.uuid(), &merge.uuid()],
        )
        .await?;
    let from = row.patient_id;
    let patient: PatientRow =
        tx.row(sql!("select * from patient where practice_id = $1 and id = $2"), &[&id.uuid()]).await?;
    let other: PatientRow =
        tx.row(sql!("select * from patient where practice_id = $1 and id = $2"), &[&from.uuid()]).await?;
    let since = tx
        .count(
            sql!(
                "select count(*) from record_entry r join audit_event e
                 on e.practice_id = r.practice_id and e.event_id = r.event_id
                 where r.practice_id = $1 and r.patient_id = $2 and r.row_version = 1 and e.at > $3"
            ),
            &[&id.uuid(), &row.made_at],
        )
        .await?;
    let named = named(&tx, id).await?;
    let event = Event::new().about("patient", id.uuid()).field("merges");
    let (merge, patient, other) = tx.record(event, (row, patient, other)).await?;
    let (merge, patient, other) = (merge?, patient?, other?);
    let undoing = Undoing::of(&merge.kept, &patient.demographics());
    let access_back = merge.kept.restricted.as_ref().map(|kept| patient.restricted && kept.named_after == named);
    Ok(UndoPage { patient, other, at: merge.made_at, undoing, since, access_back, merge })
}
