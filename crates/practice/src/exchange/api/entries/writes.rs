//! Writing entries for the API. Each change is one commit with its event, and happens once for one key.

use kernel::{EntryId, IdempotencyKey, PatientId};
use serde_json::{Value, json};
use store::{
    Actor, Event, FhirType, FhirTypes, Interaction, Once, Resource, Store, StoreError, Tx, Versioned, Writes, sql,
};
use uuid::Uuid;

use super::Written;
use crate::exchange::api::ApiError;
use crate::exchange::api::kinds::{Home, Kind};
use crate::exchange::api::page::Shown;
use crate::exchange::api::reads::entry_row;
use crate::exchange::fhir::out::{self, Links, Stamp};
use crate::exchange::fhir::{EntryImport, Refers, Reject, SentEntry, nobody_here, subject_field};
use crate::patients::actions::{AddEntry, ChangeEntry};
use crate::patients::clinical::writes::allergies_stand;
use crate::patients::model::EntryKind;
use crate::patients::rows::{Entry, EntryContent, EntryPatch, EntryRow, EntrySummary};

fn named(kind: EntryKind) -> FhirTypes {
    FhirTypes::of([FhirType::of(kind.resource_type())])
}

fn outcome(id: EntryId, version: i64) -> Value {
    json!({ "entry": id, "version": version })
}

fn done(outcome: &Value) -> Result<Written, StoreError> {
    let id = outcome.get("entry").and_then(Value::as_str).and_then(|text| text.parse().ok());
    let version = outcome.get("version").and_then(Value::as_i64);
    match (id, version) {
        (Some(id), Some(version)) => Ok(Written { id, version, shown: None }),
        _ => Err(StoreError::Unreadable { what: "outcome" }),
    }
}

/// What the reader of imports makes of what was sent.
fn read(sent: &SentEntry, id: EntryId) -> Result<EntryImport, ApiError> {
    Ok(sent.entry(id).ok_or(StoreError::Unreadable { what: "entry" })?)
}

/// Writes an entry in the record of the patient whom it names. `raw` is what was sent: the same key with
/// something else is refused.
pub async fn create(
    store: &Store,
    actor: &Actor,
    key: IdempotencyKey,
    sent: SentEntry,
    raw: &[u8],
) -> Result<Written, ApiError> {
    let threshold = store.enter(actor).await?.naming(named(sent.kind), Interaction::Create);
    let print = String::from_utf8_lossy(raw);
    let asked = threshold.ask_once::<AddEntry>(Resource::Patient(sent.patient), key, &print).await;
    let mut tx = match asked {
        Ok(Once::Done(outcome)) => return Ok(done(&outcome)?),
        Ok(Once::Fresh(tx)) => tx,
        // Another practice's, nobody's, or open to named people only: one answer.
        Err(StoreError::Missing) => return Err(nobody_here(sent.kind).into()),
        Err(error) => return Err(error.into()),
    };
    let id = EntryId::new(tx.at(), store.entropy());
    let read = read(&sent, id)?;
    must_be_here(&tx, &sent).await?;
    fits(&tx, &sent, &read, None).await?;
    let event = tx.event_id()?;
    let entry = Entry {
        id,
        row_version: 1,
        patient_id: sent.patient,
        kind: read.kind.code().to_owned(),
        occurred_at: read.occurred,
        summary: EntrySummary::of(&read.body),
        body: EntryContent::Read(Box::new(read.body)),
    };
    let stamp = Stamp::of(1, event);
    let resource = out::entry(&entry, stamp, &Links::default());
    tx.insert::<EntryRow>(entry).await?;
    let event = Event::new().about("entry", id.uuid()).field(sent.kind.code());
    let written = done(&tx.commit(event, outcome(id, 1)).await?)?;
    // The same key was committed meanwhile by a request beside this one: theirs stands.
    let ours = resource.filter(|_| written.id == id);
    Ok(Written { shown: ours.map(|resource| Shown { id: id.uuid(), stamp, resource }), ..written })
}

/// Puts what was sent in place of an entry that stands at version `seen`.
pub async fn update(
    store: &Store,
    actor: &Actor,
    key: IdempotencyKey,
    (kind, id): (&'static Kind, EntryId),
    seen: i64,
    sent: SentEntry,
    raw: &[u8],
) -> Result<Written, ApiError> {
    let threshold = store.enter(actor).await?;
    let patient = threshold.patient_of_entry(id.uuid()).await?;
    let threshold = threshold.naming(named(sent.kind), Interaction::Update);
    let print = (id, seen, String::from_utf8_lossy(raw));
    let mut tx = match threshold.ask_once::<ChangeEntry>(Resource::Patient(patient), key, &print).await? {
        Once::Done(outcome) => return Ok(done(&outcome)?),
        Once::Fresh(tx) => tx,
    };
    let row = entry_row(&tx, kind, patient, id.uuid()).await?;
    if row.row_version != seen {
        return Err(ApiError::Stale);
    }
    if sent.patient != patient {
        let field = format!("{}.{}", kind.name, subject_field(sent.kind));
        let reason = "must stay the patient whose record the entry is in";
        return Err(Reject { field, reason: reason.into() }.into());
    }
    must_be_here(&tx, &sent).await?;
    let read = read(&sent, id)?;
    fits(&tx, &sent, &read, Some(id)).await?;
    let patch = EntryPatch {
        kind: Some(read.kind.code().to_owned()),
        occurred_at: Some(read.occurred),
        summary: Some(EntrySummary::of(&read.body)),
        body: Some(EntryContent::Read(Box::new(read.body))),
        ..EntryPatch::default()
    };
    let changed = tx.amend(&row, Versioned(seen), patch).await?;
    let version = if changed { seen + 1 } else { seen };
    let event = Event::new().about("entry", id.uuid()).field(sent.kind.code());
    Ok(done(&tx.commit(event, outcome(id, version)).await?)?)
}

/// That no allergy is known cannot stand beside allergies.
async fn fits<A: Writes>(
    tx: &Tx<A>,
    sent: &SentEntry,
    read: &EntryImport,
    but: Option<EntryId>,
) -> Result<(), ApiError> {
    let none_known = read.body.is_no_known_allergy() && read.body.is_current() && !read.body.entered_in_error();
    if none_known && allergies_stand(tx, sent.patient, but).await? {
        let field = format!("{}.code", sent.kind.resource_type());
        let reason = "says that no allergy is known, and allergies stand in the record: end or take back those first";
        return Err(Reject { field, reason: reason.into() }.into());
    }
    Ok(())
}

/// Refuses a reference to what is not here: to nothing, to another practice's, to another patient's. An entry
/// refers to its own record and to what the practice has of people, places and organisations.
async fn must_be_here<A: Writes>(tx: &Tx<A>, sent: &SentEntry) -> Result<(), ApiError> {
    for Refers { at, resource_type, id } in &sent.refers {
        let found = match (id.parse::<Uuid>(), Kind::named(resource_type)) {
            (Ok(id), Some(kind)) => is_here(tx, sent.patient, kind, id).await?,
            _ => false,
        };
        if !found {
            let field = at.clone();
            let reason = "points to nothing in this patient's record, nor to anything that the practice has";
            return Err(Reject { field, reason: reason.into() }.into());
        }
    }
    Ok(())
}

async fn is_here<A: Writes>(tx: &Tx<A>, patient: PatientId, kind: &'static Kind, id: Uuid) -> Result<bool, StoreError> {
    let records = tx.records_of(patient);
    let found = match kind.home {
        Home::Patient => i64::from(records.contains(&id)),
        Home::Alert => {
            tx.count(
                sql!("select count(*) from patient_alert where practice_id = $1 and patient_id = any($2) and id = $3"),
                &[&records, &id],
            )
            .await?
        }
        Home::Entry => {
            tx.count(
                sql!(
                    "select count(*) from record_entry
                     where practice_id = $1 and patient_id = any($2) and id = $3 and kind = any($4)"
                ),
                &[&records, &id, &kind.stored_as().as_slice()],
            )
            .await?
        }
        Home::Kept => {
            tx.count(
                sql!("select count(*) from kept_resource where practice_id = $1 and id = $2 and resource_type = $3"),
                &[&id, &kind.name],
            )
            .await?
        }
    };
    Ok(found > 0)
}
