//! Writing in a record. Each change is one commit with its event, and happens once for one key.

use kernel::{EntryId, IdempotencyKey, PatientId};
use serde::Serialize;
use store::{Actor, Event, Examined, Once, Resource, Store, StoreError, Tx, Versioned, Writes, sql};

use super::forms::EndingForm;
use super::resource::{Draft, Ending};
use crate::patients::actions::WriteClinical;
use crate::patients::rows::{EntryLine, EntryLineRow, EntryRow};

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The doors said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// That no allergy is known cannot stand beside allergies.
    #[error("allergies stand in the record")]
    AllergiesStand,
}

/// Adds entries to a record, in one commit. Gives the first of them.
pub async fn add(
    store: &Store,
    actor: &Actor,
    key: IdempotencyKey,
    patient: PatientId,
    sent: &(impl Serialize + Sync),
    drafts: &[Draft],
    by: &str,
) -> Result<EntryId, WriteError> {
    let asked = store.enter(actor).await?.ask_once::<WriteClinical>(Resource::Patient(patient), key, sent).await?;
    let mut tx = match asked {
        Once::Done(outcome) => return Ok(id_of(&outcome)?),
        Once::Fresh(tx) => tx,
    };
    if drafts.iter().any(Draft::is_none_known) && allergies_stand(&tx, patient, None).await? {
        return Err(WriteError::AllergiesStand);
    }
    let mut first = None;
    for draft in drafts {
        let id = EntryId::new(tx.at(), store.entropy());
        let entry = draft.entry(id, patient, by, tx.at()).ok_or(StoreError::Unreadable { what: "entry" })?;
        tx.insert::<EntryRow>(entry).await?;
        first = first.or(Some((id, draft.kind())));
    }
    let (id, kind) = first.ok_or(StoreError::Unreadable { what: "entry" })?;
    let event = Event::new().about("entry", id.uuid()).field(kind.code());
    let outcome = tx.commit(event, id.to_string().into()).await?;
    Ok(id_of(&outcome)?)
}

fn id_of(outcome: &serde_json::Value) -> Result<EntryId, StoreError> {
    outcome.as_str().and_then(|text| text.parse().ok()).ok_or(StoreError::Unreadable { what: "outcome" })
}

/// Whether an allergy stands that is one, or that nobody can read; one entry aside, if it is about to change.
pub(crate) async fn allergies_stand<A: Writes>(
    tx: &Tx<A>,
    patient: PatientId,
    but: Option<EntryId>,
) -> Result<bool, StoreError> {
    let rows: Vec<EntryLineRow> = tx
        .rows(
            sql!(
                "select * from record_entry where practice_id = $1 and patient_id = any($2) and kind = 'allergy'
                 and id is distinct from $3 limit 1000"
            ),
            &[&tx.records_of(patient), &but.map(EntryId::uuid)],
        )
        .await?;
    let stands = |open: &EntryLine, (): &()| {
        let line = &open.summary;
        (line.current && !line.in_error && !line.none_known).then_some(())
    };
    let Examined { ranked, damaged } = tx.examine(&rows, &(), stands).await?;
    Ok(!ranked.is_empty() || !damaged.is_empty())
}

/// Ends an entry, or takes it back. [`StoreError::Conflict`] if somebody changed it since the form was opened.
pub async fn end(
    store: &Store,
    actor: &Actor,
    key: IdempotencyKey,
    (patient, entry): (PatientId, EntryId),
    seen: Versioned,
    form: &EndingForm,
    ending: &Ending,
) -> Result<(), StoreError> {
    let sent = (entry, seen.0, form);
    let asked = store.enter(actor).await?.ask_once::<WriteClinical>(Resource::Patient(patient), key, &sent).await?;
    let Once::Fresh(mut tx) = asked else { return Ok(()) };
    let row: EntryRow = tx
        .row(
            sql!("select * from record_entry where practice_id = $1 and patient_id = any($2) and id = $3"),
            &[&tx.records_of(patient), &entry.uuid()],
        )
        .await?;
    if !tx.amend_with(&row, seen, ending, Ending::patch, None).await? {
        // It says so already.
        return Ok(());
    }
    let event = Event::new().about("entry", entry.uuid()).field(row.kind.clone());
    // Why stands in the log too: some resources have no room for it.
    let event = match &ending.remark {
        Some(remark) => event.note(serde_json::json!({ "remark": remark })),
        None => event,
    };
    tx.commit(event, entry.to_string().into()).await.map(|_| ())
}
