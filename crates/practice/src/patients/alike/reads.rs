//! Finding who may be the same person.

use kernel::PatientId;
use store::{Action, Actor, Event, Resource, Store, StoreError, Tx, sql};
use uuid::Uuid;

use super::Likeness;
use crate::patients::actions::{AskAlike, SeeAlike};
use crate::patients::reads::{Read, by_ids, candidates, standing_for};
use crate::patients::rows::{Patient, PatientRow};

/// Records that are opened and compared.
const COMPARED_MAX: i64 = 200;
/// Of which so many are shown.
pub const ALIKE_MAX: usize = 5;

/// The records that stand for people who may be this one: ids, of those that whoever asks may open.
pub(crate) async fn like<A: Action>(tx: &Tx<A>, likeness: &Likeness) -> Result<Vec<Uuid>, StoreError> {
    let ids = tx.find_any(&likeness.token_sets(), None, COMPARED_MAX).await?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = candidates(tx, &ids).await?;
    let same = tx.examine(&rows, likeness, Likeness::ranks).await?;
    Ok(standing_for(&rows, same.ranked))
}

/// Other patients who may be this one: they say much the same, or have the same number from elsewhere.
pub async fn alike(store: &Store, actor: &Actor, id: PatientId) -> Result<Vec<Read<Patient>>, StoreError> {
    let tx: Tx<AskAlike> = store.enter(actor).await?.ask(Resource::Patient(id)).await?;
    let row: PatientRow =
        tx.row(sql!("select * from patient where practice_id = $1 and id = $2"), &[&id.uuid()]).await?;
    let own = tx.records_of(id);
    let patient = tx.record(Event::new().about("patient", id.uuid()), row).await??;
    let likeness = Likeness::of(&patient.demographics());
    let tx: Tx<SeeAlike> = store.enter(actor).await?.ask(Resource::Practice).await?;
    let mut found = like(&tx, &likeness).await?;
    found.extend(same_number(&tx, &own).await?);
    found.retain(|other| !own.contains(other));
    found.truncate(ALIKE_MAX * 2);
    let mut rows = by_ids(&tx, &found).await?;
    rows.retain(|row| row.id != id);
    rows.truncate(ALIKE_MAX);
    tx.record(Event::new(), rows).await
}

/// Whose identifiers have a token in common with these records': nothing is opened for it, and no more comes
/// of it than that there is one.
async fn same_number(tx: &Tx<SeeAlike>, own: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
    tx.ids(
        sql!(
            "select distinct other.patient_id from patient_identifier mine
             join search_token t on t.practice_id = $1 and t.subject_id = mine.id
             join search_token s on s.practice_id = $1 and s.token = t.token and s.subject_id <> t.subject_id
             join patient_identifier other on other.practice_id = $1 and other.id = s.subject_id and other.active
             where mine.practice_id = $1 and mine.patient_id = any($2) and mine.active
             limit 20"
        ),
        &[&own],
    )
    .await
}
