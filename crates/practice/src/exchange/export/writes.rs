//! Asking, agreeing, refusing, and what the job writes down. Each is an event; what a part holds never is.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use kernel::{ExportId, IdempotencyKey, PatientId, PersonId, PracticeId};
use serde_json::Value;
use store::{
    Action, Actor, Claim, Event, Job, Letter, Once, Purpose, Resource, Role, Store, StoreError, Tx, Versioned,
    WorkKind, Writes, sql,
};
use uuid::Uuid;

use super::actions::{
    ApproveExport, ApprovePatientExport, AskExport, AskPatientExport, MakeExport, ReadExports, RefuseExport,
    TakenExport, WithdrawExport,
};
use super::reads::{self, Approver};
use super::rows::{Export, ExportPatch, ExportRow};
use super::{ALONE_WAITS, ExportError, KEPT_FOR, Scope, State};
use crate::exchange::archive::{Recipient, sha256};
use crate::exchange::{after, anew};

fn scope_code(patient: Option<PatientId>) -> &'static str {
    match patient.map_or(Scope::Practice, |_| Scope::Patient) {
        Scope::Practice => "practice",
        Scope::Patient => "patient",
    }
}

/// An export that was just asked for.
fn new_export(
    id: ExportId,
    patient: Option<PatientId>,
    recipient: &Recipient,
    purpose: Purpose,
    asked_by: Uuid,
    at: Timestamp,
) -> Export {
    Export {
        id,
        row_version: 1,
        scope: scope_code(patient).to_owned(),
        patient_id: patient.map(PatientId::uuid),
        state: State::Asked.code().to_owned(),
        purpose: purpose.code().to_owned(),
        recipient: recipient.to_string(),
        asked_by,
        asked_at: at,
        alone_at: None,
        settled_by: None,
        settled_at: None,
        ready_at: None,
        ends_at: after(at, KEPT_FOR),
        steps: String::new(),
        step: 0,
        cut: 0,
        last_id: None,
        page: 0,
        done: 0,
        whole: 0,
        damaged: 0,
        bytes: 0,
    }
}

/// Puts a letter out for each of these people. It names nobody.
async fn tell<A: Writes>(tx: &mut Tx<A>, whom: &[&Approver], subject: &str, text: &str) -> Result<(), StoreError> {
    for person in whom {
        let letter = Letter { to: person.email.clone(), subject: subject.to_owned(), text: text.to_owned() };
        tx.post(letter).await?;
    }
    Ok(())
}

/// Asks for an export: of one patient, or of the whole practice. `link` is where the exports are shown.
///
/// Whoever treats exports a record they may open alone. Everything else waits for a second person; where there is
/// none who could agree, for a day, of which the owners are told.
///
/// # Errors
/// The doors say no: a record that who asks may not open, a role that may not ask.
pub async fn ask(
    store: &Store,
    actor: &Actor,
    key: IdempotencyKey,
    patient: Option<PatientId>,
    recipient: &Recipient,
    purpose: Purpose,
    link: &str,
) -> Result<ExportId, ExportError> {
    let members = reads::ask_form(store, actor).await?;
    let threshold = store.enter(actor).await?;
    let treats = threshold.known().await?.roles().has(Role::Practitioner);
    // Whoever names a record that was merged away means the one that stands for it.
    let patient = match patient {
        Some(id) => Some(threshold.standing(id).await?),
        None => None,
    };
    let sent = (recipient, purpose.code());
    let done = match patient {
        None => match threshold.ask_once::<AskExport>(Resource::Practice, key, &sent).await? {
            Once::Fresh(tx) => put(tx, store, &members, None, recipient, purpose, false, link).await?,
            Once::Done(done) => done,
        },
        Some(id) => match threshold.ask_once::<AskPatientExport>(Resource::Patient(id), key, &sent).await? {
            Once::Fresh(tx) => put(tx, store, &members, patient, recipient, purpose, treats, link).await?,
            Once::Done(done) => done,
        },
    };
    let id = done.as_str().and_then(|id| id.parse().ok());
    Ok(id.ok_or(StoreError::Unreadable { what: "outcome" })?)
}

#[allow(clippy::too_many_arguments, reason = "one call for two permissions")]
async fn put<A: Writes>(
    mut tx: Tx<A>,
    store: &Store,
    members: &[Approver],
    patient: Option<PatientId>,
    recipient: &Recipient,
    purpose: Purpose,
    at_once: bool,
    link: &str,
) -> Result<Value, ExportError> {
    let at = tx.now();
    let id = ExportId::new(at, store.entropy());
    let asker = tx.actor().person().map(PersonId::uuid).ok_or(StoreError::SignedOut)?;
    let mut export = new_export(id, patient, recipient, purpose, asker, at);
    let may_agree = |member: &&Approver| {
        member.person.uuid() != asker && (patient.is_none() || member.roles.has(Role::Practitioner))
    };
    let others: Vec<&Approver> = members.iter().filter(may_agree).collect();
    let mut due = export.ends_at;
    if at_once {
        State::Making.code().clone_into(&mut export.state);
        (export.settled_by, export.settled_at, due) = (Some(asker), Some(at), at);
    } else if others.is_empty() {
        due = after(at, ALONE_WAITS);
        export.alone_at = Some(due);
        let owners: Vec<&Approver> = members.iter().filter(|member| member.roles.has(Role::Owner)).collect();
        let text = format!(
            "Somebody has asked for an export of records from your practice. There is nobody else who could agree, so it \
             begins in 24 hours by itself. If it should not, refuse it before:\n\n{link}\n"
        );
        tell(&mut tx, &owners, "An export begins in 24 hours", &text).await?;
    } else {
        let text = format!(
            "Somebody has asked for an export of records from your practice. It begins when a second person agrees. Look \
             at it, and agree or refuse:\n\n{link}\n"
        );
        tell(&mut tx, &others, "An export waits for a second person", &text).await?;
    }
    tx.insert::<ExportRow>(export).await?;
    tx.enqueue(WorkKind::Export, id.uuid(), due).await?;
    let event = Event::new().about("export", id.uuid()).purpose(purpose);
    Ok(tx.commit(event, id.to_string().into()).await?)
}

/// The host's own act, at the command line: whoever has root has everything already, so nobody is asked, and the
/// owners are told.
///
/// # Errors
/// There is no such patient; the doors say no.
pub async fn ask_at_host(
    store: &Store,
    practice: PracticeId,
    patient: Option<PatientId>,
    recipient: &Recipient,
    link: &str,
) -> Result<ExportId, ExportError> {
    let actor = store.machine(Job::Export, practice).await?;
    let members = reads::ask_form(store, &actor).await?;
    let mut tx: Tx<AskExport> = anew(store, &actor).await?;
    let patient = match patient {
        None => None,
        Some(id) => {
            let standing = sql!("select coalesce(merged_into, id) from patient where practice_id = $1 and id = $2");
            let found = tx.ids(standing, &[&id.uuid()]).await?;
            Some(found.first().copied().map(PatientId::from_uuid).ok_or(StoreError::Missing)?)
        }
    };
    let at = tx.now();
    let id = ExportId::new(at, store.entropy());
    let mut export = new_export(id, patient, recipient, Purpose::Legal, Job::Export.id(), at);
    State::Making.code().clone_into(&mut export.state);
    export.settled_at = Some(at);
    let owners: Vec<&Approver> = members.iter().filter(|member| member.roles.has(Role::Owner)).collect();
    let text = format!(
        "Whoever runs the computer on which your practice's records are has begun an export of records. It stands in \
         your practice's log, and here:\n\n{link}\n"
    );
    tell(&mut tx, &owners, "An export was begun at the host", &text).await?;
    tx.insert::<ExportRow>(export).await?;
    tx.enqueue(WorkKind::Export, id.uuid(), at).await?;
    tx.commit(Event::new().about("export", id.uuid()), id.to_string().into()).await?;
    Ok(id)
}

/// The row as it stands, for deciding what to ask for.
async fn looked_at(store: &Store, actor: &Actor, id: ExportId) -> Result<ExportRow, StoreError> {
    let tx: Tx<ReadExports> = store.enter(actor).await?.ask(Resource::Practice).await?;
    reads::row(&tx, id.uuid()).await
}

/// Agrees to an export, as the second person.
///
/// # Errors
/// [`ExportError::SecondPerson`]: it is the one who asked. [`ExportError::NotNow`]: it no longer waits.
pub async fn approve(store: &Store, actor: &Actor, key: IdempotencyKey, id: ExportId) -> Result<(), ExportError> {
    let row = looked_at(store, actor, id).await?;
    let threshold = store.enter(actor).await?;
    match row.patient_id.map(PatientId::from_uuid) {
        None => match threshold.ask_once::<ApproveExport>(Resource::Practice, key, &id).await? {
            Once::Fresh(tx) => agree(tx, id).await,
            Once::Done(_) => Ok(()),
        },
        Some(patient) => {
            match threshold.ask_once::<ApprovePatientExport>(Resource::Patient(patient), key, &id).await? {
                Once::Fresh(tx) => agree(tx, id).await,
                Once::Done(_) => Ok(()),
            }
        }
    }
}

async fn agree<A: Writes>(mut tx: Tx<A>, id: ExportId) -> Result<(), ExportError> {
    let row = reads::row(&tx, id.uuid()).await?;
    let at = tx.now();
    if row.state != State::Asked.code() || row.ends_at <= at {
        return Err(ExportError::NotNow);
    }
    let second = tx.actor().person().map(PersonId::uuid).ok_or(StoreError::SignedOut)?;
    if second == row.asked_by {
        return Err(ExportError::SecondPerson);
    }
    let patch = ExportPatch {
        state: Some(State::Making.code().to_owned()),
        settled_by: Some(Some(second)),
        settled_at: Some(Some(at)),
        alone_at: Some(None),
        ..ExportPatch::default()
    };
    tx.amend(&row, Versioned(row.row_version), patch).await?;
    tx.enqueue(WorkKind::Export, id.uuid(), at).await?;
    tx.commit(Event::new().about("export", id.uuid()), Value::Null).await?;
    Ok(())
}

/// Refuses an export that waits.
///
/// # Errors
/// [`ExportError::NotNow`]: it no longer waits.
pub async fn refuse(store: &Store, actor: &Actor, key: IdempotencyKey, id: ExportId) -> Result<(), ExportError> {
    let threshold = store.enter(actor).await?;
    match threshold.ask_once::<RefuseExport>(Resource::Practice, key, &id).await? {
        Once::Fresh(tx) => end(tx, id, State::Refused, &[State::Asked]).await,
        Once::Done(_) => Ok(()),
    }
}

/// Takes back an export that one asked for; owners, any. What was made of it goes.
///
/// # Errors
/// [`ExportError::NotNow`]: it has ended. Somebody else's is not there.
pub async fn withdraw(store: &Store, actor: &Actor, key: IdempotencyKey, id: ExportId) -> Result<(), ExportError> {
    let threshold = store.enter(actor).await?;
    let owner = threshold.known().await?.roles().has(Role::Owner);
    match threshold.ask_once::<WithdrawExport>(Resource::Practice, key, &id).await? {
        Once::Fresh(tx) => {
            let row = reads::row(&tx, id.uuid()).await?;
            if !owner && tx.actor().person().is_none_or(|person| person.uuid() != row.asked_by) {
                return Err(StoreError::Missing.into());
            }
            end(tx, id, State::Withdrawn, &[State::Asked, State::Making, State::Ready]).await
        }
        Once::Done(_) => Ok(()),
    }
}

async fn end<A: Writes>(mut tx: Tx<A>, id: ExportId, to: State, from: &[State]) -> Result<(), ExportError> {
    let row = reads::row(&tx, id.uuid()).await?;
    if !from.iter().any(|state| state.code() == row.state) {
        return Err(ExportError::NotNow);
    }
    let settled_by = tx.actor().person().map(PersonId::uuid);
    let patch = ExportPatch {
        state: Some(to.code().to_owned()),
        settled_by: Some(settled_by),
        alone_at: Some(None),
        ..ExportPatch::default()
    };
    tx.amend(&row, Versioned(row.row_version), patch).await?;
    // Its worker stops at its next checkpoint; then the parts are put away.
    tx.cancel_work(WorkKind::Export, id.uuid()).await?;
    tx.commit(Event::new().about("export", id.uuid()), Value::Null).await?;
    Ok(())
}

/// Writes down that an archive was fetched to its end.
///
/// # Errors
/// The doors say no.
pub async fn taken(store: &Store, actor: &Actor, id: ExportId) -> Result<(), ExportError> {
    let key = IdempotencyKey::new(store.clock().now(), store.entropy());
    let asked = store.enter(actor).await?.ask_once::<TakenExport>(Resource::Practice, key, &id).await?;
    if let Once::Fresh(tx) = asked {
        tx.commit(Event::new().about("export", id.uuid()), Value::Null).await?;
    }
    Ok(())
}

/// A transaction of the job under its claim.
async fn held(store: &Store, actor: &Actor, claim: &Claim, advanced: bool) -> Result<Tx<MakeExport>, StoreError> {
    let tx: Tx<MakeExport> = anew(store, actor).await?;
    if advanced {
        tx.hold_advanced(claim).await?;
    } else {
        tx.hold(claim).await?;
    }
    Ok(tx)
}

/// Begins the making: the order of the steps and how much there is stand from now on.
pub(super) async fn begin(
    store: &Store,
    actor: &Actor,
    claim: &Claim,
    row: &ExportRow,
    taken_at: Timestamp,
    steps: String,
    whole: i64,
) -> Result<(), StoreError> {
    let mut tx = held(store, actor, claim, false).await?;
    let patch = ExportPatch {
        state: Some(State::Making.code().to_owned()),
        settled_at: Some(Some(taken_at)),
        alone_at: Some(None),
        steps: Some(steps),
        whole: Some(whole),
        ..ExportPatch::default()
    };
    tx.amend(row, Versioned(row.row_version), patch).await?;
    tx.commit(Event::new().about("export", row.id.uuid()).field("begin"), Value::Null).await.map(drop)
}

/// A part that is ready to be kept.
pub(super) struct Sealed {
    pub(super) name: String,
    pub(super) holds: u64,
    pub(super) plain_bytes: u64,
    pub(super) plain_hash: [u8; 32],
    pub(super) content: Vec<u8>,
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

async fn keep<A: Action + Writes>(tx: &Tx<A>, id: Uuid, at: i32, part: &Sealed) -> Result<(), StoreError> {
    let (holds, bytes) = (number(part.holds), number(part.plain_bytes));
    let hash = sha256(&part.content);
    tx.execute(
        sql!(
            "insert into export_part
                (practice_id, export_id, number, part, holds, plain_bytes, plain_hash, sealed_hash, content)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        ),
        &[&id, &at, &part.name, &holds, &bytes, &part.plain_hash.as_slice(), &hash.as_slice(), &part.content],
    )
    .await
    .map(drop)
}

/// A checkpoint: these parts are kept, and the making goes on from there.
pub(super) async fn checkpoint(
    store: &Store,
    actor: &Actor,
    claim: &Claim,
    row: &ExportRow,
    parts: &[Sealed],
    patch: ExportPatch,
) -> Result<(), StoreError> {
    let mut tx = held(store, actor, claim, true).await?;
    let id = row.id.uuid();
    let first = reads::next_number(&tx, id).await?;
    let mut bytes = row.bytes;
    for (at, part) in (first..).zip(parts) {
        keep(&tx, id, at, part).await?;
        bytes = bytes.saturating_add(number(part.content.len() as u64));
    }
    let patch = ExportPatch { bytes: Some(bytes), ..patch };
    tx.amend(row, Versioned(row.row_version), patch).await?;
    tx.commit(Event::new().about("export", id), Value::Null).await.map(drop)
}

/// The end of the making: the three files that come first in the archive, and from when to when it can be fetched.
pub(super) async fn close(
    store: &Store,
    actor: &Actor,
    claim: &Claim,
    row: &ExportRow,
    first: [Sealed; 3],
    ready_at: Timestamp,
) -> Result<Timestamp, StoreError> {
    let mut tx = held(store, actor, claim, true).await?;
    let id = row.id.uuid();
    for (at, part) in (0..).zip(&first) {
        keep(&tx, id, at, part).await?;
    }
    let ends_at = after(ready_at, KEPT_FOR);
    let patch = ExportPatch {
        state: Some(State::Ready.code().to_owned()),
        ready_at: Some(Some(ready_at)),
        ends_at: Some(ends_at),
        ..ExportPatch::default()
    };
    tx.amend(row, Versioned(row.row_version), patch).await?;
    tx.commit(Event::new().about("export", id).field("ready"), Value::Null).await?;
    Ok(ends_at)
}

/// Removes the parts. `to` is what the export is from now on; nothing where it says already why it ended.
pub(super) async fn put_away(
    store: &Store,
    actor: &Actor,
    claim: &Claim,
    row: &ExportRow,
    to: Option<State>,
) -> Result<(), StoreError> {
    let mut tx = held(store, actor, claim, false).await?;
    let id = row.id.uuid();
    let gone = tx.execute(sql!("delete from export_part where practice_id = $1 and export_id = $2"), &[&id]).await?;
    let patch = ExportPatch { state: to.map(|state| state.code().to_owned()), ..ExportPatch::default() };
    let changed = tx.amend(row, Versioned(row.row_version), patch).await?;
    if gone == 0 && !changed {
        return Ok(());
    }
    tx.commit(Event::new().about("export", id).field("put-away"), Value::Null).await.map(drop)
}

/// How many there are of each type, by the names of the parts.
pub(super) fn counts(parts: &[reads::PartFacts]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    let resources = |part: &&reads::PartFacts| {
        Path::new(&part.name).extension().is_some_and(|extension| extension == "ndjson") && !part.name.contains('/')
    };
    for part in parts.iter().filter(resources) {
        let kind = part.name.split('.').next().unwrap_or_default().to_owned();
        *counts.entry(kind).or_insert(0) += u64::try_from(part.holds).unwrap_or(0);
    }
    counts
}
