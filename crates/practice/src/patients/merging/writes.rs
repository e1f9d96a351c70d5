//! Merging two records, and taking that back. Each is one commit with an event for every record that it
//! touches, and happens once for one key.

use std::collections::BTreeSet;

use kernel::{AccessId, IdempotencyKey, MergeId, PatientId, PersonId};
use store::{Actor, Event, Once, Resource, Store, StoreError, Tx, Versioned, Writes, sql};
use uuid::Uuid;

use super::reads::{compare, undo_page};
use super::{Chosen, Kept, RECORDS_MAX, Restricted, narrowed, united};
use crate::patients::actions::{MergePatients, UndoMerge};
use crate::patients::model::Demographics;
use crate::patients::rows::{
    Access, AccessRow, Merge, MergePatch, MergeRow, Patient, PatientPatch, PatientRow, replacing,
};
use crate::patients::search::words_of;

/// Why two records were not merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// The doors said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// More than [`RECORDS_MAX`] records would be one.
    #[error("too many records")]
    TooMany,
}

/// The two versions that a page of two records was made from.
#[derive(Debug, Clone, Copy)]
pub struct SeenBoth {
    /// Of the one that stands.
    pub into: Versioned,
    /// Of the other.
    pub from: Versioned,
}

/// Somebody else was there first, also where it was a rule of the database that noticed.
fn first(error: StoreError) -> StoreError {
    if let StoreError::Constraint { .. } = error { StoreError::Conflict } else { error }
}

/// Merges `from` into `into`. [`StoreError::Conflict`] if somebody changed one of them since the page was
/// opened.
pub async fn merge(
    store: &Store,
    actor: &Actor,
    key: IdempotencyKey,
    (into, from): (PatientId, PatientId),
    seen: SeenBoth,
    chosen: &Chosen,
) -> Result<(), MergeError> {
    let print = (seen.into.0, seen.from.0, chosen);
    let both = Resource::Both(into, from);
    // Done before? Then one of the two no longer stands, and comparing them would say so.
    if let Once::Done(_) = store.enter(actor).await?.ask_once::<MergePatients>(both, key, &print).await? {
        return Ok(());
    }
    let (one, other) = Box::pin(compare(store, actor, into, from)).await?;
    if one.away + other.away + 2 > RECORDS_MAX {
        return Err(MergeError::TooMany);
    }
    let stands = one.patient.map_err(StoreError::from)?;
    let goes = other.patient.map_err(StoreError::from)?;
    if stands.row_version != seen.into.0 || goes.row_version != seen.from.0 {
        return Err(StoreError::Conflict.into());
    }
    let (known, mut kept) = united(&stands.demographics(), &goes.demographics(), chosen);
    let named_after = narrowed((stands.restricted, &one.named), (goes.restricted, &other.named));
    let Once::Fresh(mut tx) = store.enter(actor).await?.ask_once::<MergePatients>(both, key, &print).await? else {
        return Ok(());
    };
    hold(&tx, &[(into, seen.into), (from, seen.from)]).await?;
    kept.restricted =
        named_after.map(|named_after| Restricted { before: stands.restricted, named_before: one.named, named_after });
    let row = patient_row(&tx, into).await?;
    let restricted = kept.restricted.is_some().then_some(true);
    tx.amend_with(&row, seen.into, &(known, restricted, 1), patch, Some(words_of)).await?;
    if let Some(restricted) = &kept.restricted {
        name_only(&mut tx, store, into, &restricted.named_after).await?;
    }
    // Whoever was merged into the one that goes comes along: no record points to one that is merged away.
    for row in away_of(&tx, from).await? {
        kept.along.push(row.id);
        point(&mut tx, &row, Versioned(row.row_version), Some(into), 0).await?;
    }
    let lost = versions_of(&tx, &kept.along).await?;
    let row = patient_row(&tx, from).await?;
    point(&mut tx, &row, seen.from, Some(into), lost).await.map_err(first)?;
    let (id, made_at) = (MergeId::new(tx.at(), store.entropy()), tx.at());
    let merge = Merge { id, row_version: 1, patient_id: from, into_id: into, made_at, undone_at: None, kept };
    tx.insert::<MergeRow>(merge).await.map_err(first)?;
    tx.commit(Event::new().about("patient", into.uuid()), id.to_string().into()).await.map_err(first)?;
    Ok(())
}

/// Merges a record into another because an import says that it was so where they come from: nothing is taken over,
/// since what the other says was said by the same source. `in_use` is what the record that goes says of itself.
/// Whoever calls holds both rows, and has seen that neither is merged away and that `row` is not restricted
/// further than the other.
pub(crate) async fn merge_as_told<A: Writes>(
    tx: &mut Tx<A>,
    store: &Store,
    row: &PatientRow,
    into: PatientId,
    in_use: bool,
) -> Result<MergeId, StoreError> {
    let tag = tx.also(Event::new().about("patient", row.id.uuid()), Some(row.id));
    let patch = |_: &Patient, (into, in_use): &(PatientId, bool)| PatientPatch {
        merged_into: Some(Some(*into)),
        active: Some(*in_use),
        ..PatientPatch::default()
    };
    tx.amend_under(tag, row, Versioned(row.row_version), &(into, in_use), patch, None).await?;
    let (id, made_at) = (MergeId::new(tx.at(), store.entropy()), tx.at());
    let kept = Kept::default();
    let merge = Merge { id, row_version: 1, patient_id: row.id, into_id: into, made_at, undone_at: None, kept };
    let tag = tx.also(Event::new().about("patient", into.uuid()), Some(into));
    tx.add_under::<MergeRow>(vec![(tag, merge)]).await?;
    Ok(id)
}

/// Takes a merge back: the record that was merged away stands again as it is, and in the other everything
/// goes back that nobody has changed since. [`StoreError::Missing`] if there is no such merge of this record,
/// [`StoreError::Conflict`] if somebody changed it since the page was opened.
pub async fn undo(
    store: &Store,
    actor: &Actor,
    key: IdempotencyKey,
    into: PatientId,
    merge: MergeId,
    seen: Versioned,
) -> Result<(), StoreError> {
    let print = (merge, seen.0);
    let about = Resource::Patient(into);
    if let Once::Done(_) = store.enter(actor).await?.ask_once::<UndoMerge>(about, key, &print).await? {
        return Ok(());
    }
    let page = match Box::pin(undo_page(store, actor, into, merge)).await {
        // Somebody took it back meanwhile.
        Err(StoreError::Missing) => return Err(StoreError::Conflict),
        other => other?,
    };
    if page.patient.row_version != seen.0 {
        return Err(StoreError::Conflict);
    }
    let Once::Fresh(mut tx) = store.enter(actor).await?.ask_once::<UndoMerge>(about, key, &print).await? else {
        return Ok(());
    };
    hold(&tx, &[(into, seen), (page.other.id, Versioned(page.other.row_version))]).await?;
    let row = patient_row(&tx, into).await?;
    let access = page.merge.kept.restricted.as_ref().filter(|_| page.access_back == Some(true));
    let along = away_of(&tx, into).await?.into_iter().filter(|row| page.merge.kept.along.contains(&row.id));
    let along: Vec<PatientRow> = along.collect();
    let leaving: Vec<PatientId> = along.iter().map(|row| row.id).chain([page.other.id]).collect();
    let lost = versions_of(&tx, &leaving).await?;
    let to = (page.undoing.known.clone(), access.map(|kept| kept.before), lost.saturating_add(1));
    tx.amend_with(&row, seen, &to, patch, Some(words_of)).await?;
    if let Some(kept) = access {
        name_only(&mut tx, store, into, &kept.named_before).await?;
    }
    let row = patient_row(&tx, page.other.id).await?;
    point(&mut tx, &row, Versioned(page.other.row_version), None, 0).await?;
    // Those who had come along go back with it.
    for row in along {
        point(&mut tx, &row, Versioned(row.row_version), Some(page.other.id), 0).await.map_err(first)?;
    }
    let row: MergeRow =
        tx.row(sql!("select * from patient_merge where practice_id = $1 and id = $2"), &[&merge.uuid()]).await?;
    let patch = MergePatch { undone_at: Some(Some(tx.at())), ..MergePatch::default() };
    tx.amend(&row, Versioned(page.merge.row_version), patch).await?;
    tx.commit(Event::new().about("patient", into.uuid()), merge.to_string().into()).await.map_err(first)?;
    Ok(())
}

/// Waits for whoever is changing these records, and holds them to the end: what was seen of them must still
/// stand, also where nothing of a record itself changes.
async fn hold<A: Writes>(tx: &Tx<A>, seen: &[(PatientId, Versioned)]) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = seen.iter().map(|(id, _)| id.uuid()).collect();
    let versions: Vec<i64> = seen.iter().map(|(_, version)| version.0).collect();
    let held = tx
        .ids(
            sql!(
                "select p.id from patient p join unnest($2::uuid[], $3::int8[]) seen (id, version) on seen.id = p.id
                 where p.practice_id = $1 and p.row_version = seen.version order by p.id for update of p"
            ),
            &[&ids, &versions],
        )
        .await?;
    if held.len() == ids.len() { Ok(()) } else { Err(StoreError::Conflict) }
}

async fn patient_row<A: Writes>(tx: &Tx<A>, id: PatientId) -> Result<PatientRow, StoreError> {
    tx.row(sql!("select * from patient where practice_id = $1 and id = $2"), &[&id.uuid()]).await
}

/// The records that were merged into one.
async fn away_of<A: Writes>(tx: &Tx<A>, id: PatientId) -> Result<Vec<PatientRow>, StoreError> {
    tx.rows(sql!("select * from patient where practice_id = $1 and merged_into = $2 order by id"), &[&id.uuid()]).await
}

/// What the numbers of these records count in the version of the one that they belong to.
async fn versions_of<A: Writes>(tx: &Tx<A>, records: &[PatientId]) -> Result<i64, StoreError> {
    let records: Vec<Uuid> = records.iter().map(|id| id.uuid()).collect();
    tx.count(
        sql!(
            "select coalesce(sum(row_version), 0)::bigint from patient_identifier
             where practice_id = $1 and patient_id = any($2)"
        ),
        &[&records],
    )
    .await
}

/// The record that stands, changed by a merge or its undoing. Its version has more to count from than before,
/// also where nothing else of it changes.
fn patch(open: &Patient, (known, restricted, more): &(Demographics, Option<bool>, i64)) -> PatientPatch {
    let passed = open.passed.saturating_add(*more);
    PatientPatch { restricted: *restricted, passed: Some(passed), ..replacing(known.clone()) }
}

/// Says of a record which one stands for it, under an event of its own, and what its version no longer counts
/// otherwise.
async fn point<A: Writes>(
    tx: &mut Tx<A>,
    row: &PatientRow,
    seen: Versioned,
    into: Option<PatientId>,
    lost: i64,
) -> Result<(), StoreError> {
    let tag = tx.also(Event::new().about("patient", row.id.uuid()), Some(row.id));
    let patch = |open: &Patient, (into, lost): &(Option<PatientId>, i64)| PatientPatch {
        merged_into: Some(*into),
        passed: Some(open.passed.saturating_add(*lost)),
        ..PatientPatch::default()
    };
    tx.amend_under(tag, row, seen, &(into, lost), patch, None).await.map(|_| ())
}

/// Leaves exactly these people named.
async fn name_only<A: Writes>(
    tx: &mut Tx<A>,
    store: &Store,
    id: PatientId,
    named: &BTreeSet<PersonId>,
) -> Result<(), StoreError> {
    let before: Vec<AccessRow> =
        tx.rows(sql!("select * from patient_access where practice_id = $1 and patient_id = $2"), &[&id.uuid()]).await?;
    for row in before.iter().filter(|row| !named.contains(&row.person_id)) {
        tx.remove(row).await?;
    }
    for person_id in named.iter().filter(|person| before.iter().all(|row| row.person_id != **person)) {
        let access = AccessId::new(tx.at(), store.entropy());
        let person_id = *person_id;
        tx.insert::<AccessRow>(Access { id: access, row_version: 1, patient_id: id, person_id }).await?;
    }
    Ok(())
}
