//! Changing how a record stands. Each change is one commit with its event, and happens once for one key.

use std::collections::BTreeSet;

use kernel::{AccessId, IdempotencyKey, PatientId, PersonId};
use store::{Actor, Event, Once, Resource, Store, StoreError, Versioned, sql};
use uuid::Uuid;

use super::{Standing, StandingForm};
use crate::patients::actions::{EditPatient, RestrictPatient};
use crate::patients::rows::{Access, AccessRow, Patient, PatientPatch, PatientRow};

/// Marks a record as in use or not, and the patient as alive or dead. [`StoreError::Conflict`] if somebody
/// changed the patient since the form was opened.
pub async fn stand(
    store: &Store,
    actor: &Actor,
    key: IdempotencyKey,
    id: PatientId,
    seen: Versioned,
    form: &StandingForm,
    standing: &Standing,
) -> Result<(), StoreError> {
    let asked = store.enter(actor).await?.ask_once::<EditPatient>(Resource::Patient(id), key, &(seen.0, form)).await?;
    let Once::Fresh(mut tx) = asked else { return Ok(()) };
    let row: PatientRow =
        tx.row(sql!("select * from patient where practice_id = $1 and id = $2"), &[&id.uuid()]).await?;
    let patch = |open: &Patient, to: &Standing| PatientPatch {
        active: Some(to.active),
        deceased: Some(to.deceased(open.deceased.as_ref())),
        ..PatientPatch::default()
    };
    tx.amend_with(&row, seen, standing, patch, None).await?;
    tx.commit(Event::new().about("patient", id.uuid()), id.to_string().into()).await.map(|_| ())
}

/// Leaves a record open to these people only, whoever does it among them; nobody named opens it to all who
/// may read records. Who is no active member of the practice is [`StoreError::Missing`].
pub async fn restrict(
    store: &Store,
    actor: &Actor,
    key: IdempotencyKey,
    id: PatientId,
    seen: Versioned,
    people: &[PersonId],
) -> Result<(), StoreError> {
    let asked =
        store.enter(actor).await?.ask_once::<RestrictPatient>(Resource::Patient(id), key, &(seen.0, people)).await?;
    let Once::Fresh(mut tx) = asked else { return Ok(()) };
    let mut named: BTreeSet<Uuid> = people.iter().map(|person| person.uuid()).collect();
    if !named.is_empty() {
        // Nobody shuts themselves out: they could not open it again, and nobody might.
        named.extend(actor.person().map(PersonId::uuid));
    }
    let ids: Vec<Uuid> = named.iter().copied().collect();
    let members = tx
        .count(
            sql!("select count(*) from membership where practice_id = $1 and id = any($2) and status = 'active'"),
            &[&ids],
        )
        .await?;
    if usize::try_from(members).is_ok_and(|members| members != ids.len()) {
        return Err(StoreError::Missing);
    }
    let row: PatientRow =
        tx.row(sql!("select * from patient where practice_id = $1 and id = $2"), &[&id.uuid()]).await?;
    let restricted = Some(!named.is_empty());
    tx.amend(&row, seen, PatientPatch { restricted, ..PatientPatch::default() }).await?;
    let before: Vec<AccessRow> =
        tx.rows(sql!("select * from patient_access where practice_id = $1 and patient_id = $2"), &[&id.uuid()]).await?;
    for row in before.iter().filter(|row| !named.contains(&row.person_id.uuid())) {
        tx.remove(row).await?;
    }
    for person in ids.iter().filter(|person| before.iter().all(|row| row.person_id.uuid() != **person)) {
        let access = AccessId::new(tx.at(), store.entropy());
        let person_id = PersonId::from_uuid(*person);
        tx.insert::<AccessRow>(Access { id: access, row_version: 1, patient_id: id, person_id }).await?;
    }
    tx.commit(Event::new().about("patient", id.uuid()), id.to_string().into()).await.map(|_| ())
}
