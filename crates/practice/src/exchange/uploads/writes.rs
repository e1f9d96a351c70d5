//! Taking files in, saying how they are read, having them brought in; and what the job writes down. Each is an
//! event; what a piece holds never is.

use kernel::{IdempotencyKey, ImportId, PersonId, UploadId};
use serde_json::{Value, json};
use store::{Action, Actor, Claim, Event, Once, Resource, Store, StoreError, Tx, Versioned, WorkKind, Writes, sql};
use uuid::Uuid;

use super::pieces::encoded;
use super::rows::{KeptReport, MemberRow, Piece, PieceRow, ReportRow, Upload, UploadPatch, UploadRow};
use super::{
    ARRIVES_WITHIN, FileKind, KEPT_FOR, PIECE_BYTES, SOURCE_CHARS_MAX, SentFile, UploadError, UploadLimits,
    UploadSettings, UploadState, treats,
};
use crate::exchange::actions::{AskImport, AskUndo, KeepUpload, SendUpload};
use crate::exchange::csv::{Mapping, MappingProblem};
use crate::exchange::fhir::Report;
use crate::exchange::import::{Progress, Under};
use crate::exchange::runs::{UndoError, run_to_undo};
use crate::exchange::{after, anew};
use crate::patients::actions::ImportPatients;
use crate::patients::model::{is_blank, line};

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn about(id: UploadId) -> Event {
    Event::new().about("upload", id.uuid())
}

async fn row_of<A: Action>(tx: &Tx<A>, id: UploadId) -> Result<UploadRow, StoreError> {
    tx.row(sql!("select * from import_upload where practice_id = $1 and id = $2"), &[&id.uuid()]).await
}

// ---- files arrive ----

/// Begins an upload. Gives its id, and whether it is a new one.
pub(super) async fn begin(
    store: &Store,
    actor: &Actor,
    key: IdempotencyKey,
    limits: UploadLimits,
) -> Result<(UploadId, bool), UploadError> {
    let asked = store.enter(actor).await?.ask_once::<SendUpload>(Resource::Practice, key, &"upload").await?;
    let mut tx = match asked {
        Once::Fresh(tx) => tx,
        Once::Done(done) => {
            let id = done.as_str().and_then(|id| id.parse().ok());
            return Ok((id.ok_or(StoreError::Unreadable { what: "outcome" })?, false));
        }
    };
    has_room(&tx, limits).await?;
    let at = tx.now();
    let id = UploadId::new(at, store.entropy());
    let asked_by = tx.actor().person().ok_or(StoreError::SignedOut)?;
    let ends_at = after(at, ARRIVES_WITHIN);
    tx.insert::<UploadRow>(Upload {
        id,
        row_version: 1,
        asked_by,
        began_at: at,
        ends_at,
        kind: FileKind::Csv.code().to_owned(),
        state: UploadState::Receiving.code().to_owned(),
        phase: None,
        run_id: None,
        bytes: 0,
        learning: false,
        done_bytes: 0,
        all_bytes: 0,
        done_resources: 0,
        problem: None,
        files: Vec::new(),
        settings: UploadSettings::default(),
    })
    .await?;
    // Whatever becomes of it, somebody looks after it then.
    tx.enqueue(WorkKind::Import, id.uuid(), ends_at).await?;
    tx.commit(about(id), id.to_string().into()).await?;
    Ok((id, true))
}

/// That the practice may have one more piece here. A piece counts as if it were full.
async fn has_room(tx: &Tx<SendUpload>, limits: UploadLimits) -> Result<(), UploadError> {
    let pieces = tx.count(sql!("select count(*) from import_piece where practice_id = $1"), &[]).await?;
    let bytes_max = limits.practice_bytes_max;
    let held = u64::try_from(pieces).unwrap_or(u64::MAX).saturating_mul(PIECE_BYTES as u64);
    if held >= bytes_max { Err(UploadError::Full { bytes_max }) } else { Ok(()) }
}

/// Keeps a piece, sealed.
pub(super) async fn piece(
    store: &Store,
    actor: &Actor,
    limits: UploadLimits,
    id: UploadId,
    (file, place): (i32, i32),
    bytes: &[u8],
) -> Result<(), UploadError> {
    let mut tx: Tx<SendUpload> = anew(store, actor).await?;
    has_room(&tx, limits).await?;
    let row = row_of(&tx, id).await?;
    if row.state != UploadState::Receiving.code() {
        return Err(UploadError::NotNow);
    }
    let piece = IdempotencyKey::new(tx.now(), store.entropy()).uuid();
    let content = encoded(bytes);
    tx.insert::<PieceRow>(Piece { id: piece, row_version: 1, upload_id: id, file, place, content }).await?;
    tx.commit(about(id).field("piece"), Value::Null).await?;
    Ok(())
}

/// All files are here.
pub(super) async fn complete(
    store: &Store,
    actor: &Actor,
    id: UploadId,
    kind: FileKind,
    files: Vec<SentFile>,
) -> Result<(), UploadError> {
    let mut tx: Tx<SendUpload> = anew(store, actor).await?;
    let row = row_of(&tx, id).await?;
    if row.state != UploadState::Receiving.code() {
        return Err(UploadError::NotNow);
    }
    let patch = UploadPatch {
        state: Some(UploadState::Ready.code().to_owned()),
        kind: Some(kind.code().to_owned()),
        ends_at: Some(after(tx.now(), KEPT_FOR)),
        bytes: Some(number(files.iter().map(|file| file.bytes).sum())),
        files: Some(files),
        // The name that the command line gives it: what came that way is known again.
        settings: Some(UploadSettings { source: kind.code().to_owned(), ..UploadSettings::default() }),
        ..UploadPatch::default()
    };
    tx.amend(&row, Versioned(row.row_version), patch).await?;
    tx.commit(about(id).field("complete"), Value::Null).await?;
    Ok(())
}

/// Puts away what was sent and not brought in.
///
/// # Errors
/// [`UploadError::NotNow`]: the job is at it, or it was brought in.
pub async fn discard(store: &Store, actor: &Actor, key: IdempotencyKey, id: UploadId) -> Result<(), UploadError> {
    let asked = store.enter(actor).await?.ask_once::<SendUpload>(Resource::Practice, key, &id).await?;
    let Once::Fresh(mut tx) = asked else { return Ok(()) };
    let row = row_of(&tx, id).await?;
    let state = UploadState::of(&row.state)?;
    if !state.is_open() && state != UploadState::Receiving {
        return Err(UploadError::NotNow);
    }
    // What was begun and not finished stays in the list: it can be taken back.
    let to = if row.run_id.is_some() { UploadState::Expired } else { UploadState::Gone };
    empty(&mut tx, &row, Some(to)).await?;
    tx.commit(about(id).field("discard"), Value::Null).await?;
    Ok(())
}

/// Removes the pieces.
async fn empty<A: Writes>(tx: &mut Tx<A>, row: &UploadRow, to: Option<UploadState>) -> Result<(), StoreError> {
    let patch = UploadPatch { state: to.map(|state| state.code().to_owned()), ..UploadPatch::default() };
    tx.amend(row, Versioned(row.row_version), patch).await?;
    remove_pieces(tx, row.id).await
}

async fn remove_pieces<A: Writes>(tx: &mut Tx<A>, id: UploadId) -> Result<(), StoreError> {
    tx.event_id()?;
    let all = sql!("delete from import_piece where practice_id = $1 and upload_id = $2");
    tx.execute(all, &[&id.uuid()]).await.map(drop)
}

// ---- how it is read ----

/// What somebody says of it.
#[derive(Clone, serde::Serialize)]
pub struct Said {
    /// What kind of files they are.
    pub kind: FileKind,
    /// Where they come from.
    pub source: String,
    /// Who may open what was open to named people only.
    pub named: Vec<PersonId>,
}

/// Says how it is brought in.
///
/// # Errors
/// What of it cannot be; [`UploadError::NotNow`]: the job is at it.
pub async fn say(
    store: &Store,
    actor: &Actor,
    key: IdempotencyKey,
    id: UploadId,
    said: &Said,
) -> Result<(), UploadError> {
    let source = line(said.source.trim(), SOURCE_CHARS_MAX).map_err(|_| UploadError::Source)?;
    if is_blank(&source) {
        return Err(UploadError::Source);
    }
    let asked = store.enter(actor).await?.ask_once::<SendUpload>(Resource::Practice, key, &(id, said)).await?;
    let Once::Fresh(mut tx) = asked else { return Ok(()) };
    let row = open_row(&tx, id).await?;
    let people: Vec<Uuid> = said.named.iter().map(|person| person.uuid()).collect();
    let known: Vec<MemberRow> =
        tx.rows(sql!("select * from membership where practice_id = $1 and id = any($2)"), &[&people]).await?;
    if known.iter().filter(|member| treats(&member.status, &member.roles)).count() != people.len() {
        return Err(UploadError::Named);
    }
    let files = tx
        .count(
            sql!("select count(distinct file) from import_piece where practice_id = $1 and upload_id = $2"),
            &[&id.uuid()],
        )
        .await?;
    if said.kind != FileKind::Fhir && files > 1 {
        return Err(UploadError::NotTogether);
    }
    let to = (said.kind, source, said.named.clone());
    let patch = |open: &Upload, (kind, source, named): &(FileKind, String, Vec<PersonId>)| UploadPatch {
        kind: Some(kind.code().to_owned()),
        state: Some(UploadState::Ready.code().to_owned()),
        settings: Some(UploadSettings { source: source.clone(), named: named.clone(), ..open.settings.clone() }),
        ..UploadPatch::default()
    };
    tx.amend_with(&row, Versioned(row.row_version), &to, patch, None).await?;
    tx.commit(about(id).field("settings"), Value::Null).await?;
    Ok(())
}

async fn open_row<A: Action>(tx: &Tx<A>, id: UploadId) -> Result<UploadRow, UploadError> {
    let row = row_of(tx, id).await?;
    if UploadState::of(&row.state)?.is_open() { Ok(row) } else { Err(UploadError::NotNow) }
}

/// Says what the columns of a table are.
///
/// # Errors
/// What is wrong with the mapping by itself; [`UploadError::NotNow`]: the job is at it.
pub async fn map(
    store: &Store,
    actor: &Actor,
    key: IdempotencyKey,
    id: UploadId,
    mapping: &Mapping,
) -> Result<(), UploadError> {
    mapping.check()?;
    let asked = store.enter(actor).await?.ask_once::<SendUpload>(Resource::Practice, key, &(id, mapping)).await?;
    let Once::Fresh(mut tx) = asked else { return Ok(()) };
    let row = open_row(&tx, id).await?;
    let patch = |open: &Upload, mapping: &Mapping| UploadPatch {
        state: Some(UploadState::Ready.code().to_owned()),
        problem: Some(None),
        settings: Some(UploadSettings { mapping: Some(mapping.clone()), ..open.settings.clone() }),
        ..UploadPatch::default()
    };
    tx.amend_with(&row, Versioned(row.row_version), mapping, patch, None).await?;
    tx.commit(about(id).field("columns"), Value::Null).await?;
    Ok(())
}

// ---- having it brought in ----

/// Has what was sent tried, or brought in.
///
/// # Errors
/// [`UploadError::Running`]: another import is under way. [`UploadError::Mapping`]: nobody has said what the
/// columns are. [`UploadError::NotNow`]: it is under way already, or gone.
pub async fn start(
    store: &Store,
    actor: &Actor,
    key: IdempotencyKey,
    id: UploadId,
    dry_run: bool,
) -> Result<(), UploadError> {
    let asked = store.enter(actor).await?.ask_once::<AskImport>(Resource::Practice, key, &(id, dry_run)).await?;
    let Once::Fresh(mut tx) = asked else { return Ok(()) };
    let row = open_row(&tx, id).await?;
    let mapped = |open: &Upload, (): &()| open.settings.mapping.is_some().then_some(());
    if row.kind == FileKind::Csv.code() && tx.examine(std::slice::from_ref(&row), &(), mapped).await?.ranked.is_empty()
    {
        return Err(MappingProblem::NoName.into());
    }
    let others = tx
        .count(
            sql!(
                "select (select count(*) from import_upload where practice_id = $1 and state in ('checking', 'bringing'))
                      + (select count(*) from import_run where practice_id = $1 and state = 'undoing')"
            ),
            &[],
        )
        .await?;
    if others > 0 {
        return Err(UploadError::Running);
    }
    let at = tx.now();
    let phase = IdempotencyKey::new(at, store.entropy()).uuid();
    let state = if dry_run { UploadState::Checking } else { UploadState::Bringing };
    let patch = UploadPatch {
        state: Some(state.code().to_owned()),
        phase: Some(Some(phase)),
        learning: Some(true),
        done_bytes: Some(0),
        all_bytes: Some(row.bytes),
        done_resources: Some(0),
        problem: Some(None),
        ..UploadPatch::default()
    };
    tx.amend(&row, Versioned(row.row_version), patch).await?;
    // What it came to before is over, unless this goes on with it.
    let before = sql!(
        "delete from import_report where practice_id = $1 and upload_id = $2 and dry = $3 and (dry or not exists (
            select from import_upload u join import_run r on r.practice_id = u.practice_id and r.id = u.run_id
            where u.practice_id = $1 and u.id = $2 and r.state = 'running'))"
    );
    tx.execute(before, &[&id.uuid(), &dry_run]).await?;
    tx.enqueue(WorkKind::Import, phase, at).await?;
    tx.commit(about(id).field(if dry_run { "try" } else { "bring-in" }), Value::Null).await?;
    Ok(())
}

/// What can be wanted of an import that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Wish {
    /// Lay it down.
    Pause,
    /// Take it up again.
    GoOn,
    /// End it. What was brought in stays, and can be taken back.
    Cancel,
}

/// Pauses an import, takes it up, or ends it.
///
/// # Errors
/// [`UploadError::NotNow`]: it is not where that could be done.
pub async fn steer(
    store: &Store,
    actor: &Actor,
    key: IdempotencyKey,
    id: UploadId,
    wish: Wish,
) -> Result<(), UploadError> {
    let asked = store.enter(actor).await?.ask_once::<AskImport>(Resource::Practice, key, &(id, wish)).await?;
    let Once::Fresh(mut tx) = asked else { return Ok(()) };
    let row = row_of(&tx, id).await?;
    let Some(phase) = row.phase.filter(|_| UploadState::of(&row.state).is_ok_and(UploadState::is_under_way)) else {
        return Err(UploadError::NotNow);
    };
    let (heeded, field) = match wish {
        Wish::Pause => (tx.pause_work(WorkKind::Import, phase).await?, "pause"),
        Wish::GoOn => (tx.resume_work(WorkKind::Import, phase).await?, "go-on"),
        Wish::Cancel => (tx.cancel_work(WorkKind::Import, phase).await?, "cancel"),
    };
    if !heeded {
        return Err(UploadError::NotNow);
    }
    tx.commit(about(id).field(field), Value::Null).await?;
    Ok(())
}

/// Has an import taken back by the job.
///
/// # Errors
/// As of taking it back by hand, as far as it is known before.
pub async fn ask_undo(store: &Store, actor: &Actor, key: IdempotencyKey, run: ImportId) -> Result<(), UndoError> {
    let asked = store.enter(actor).await?.ask_once::<AskUndo>(Resource::Practice, key, &run).await?;
    let Once::Fresh(mut tx) = asked else { return Ok(()) };
    run_to_undo(&tx, run).await?;
    let others = tx
        .count(
            sql!("select count(*) from import_upload where practice_id = $1 and state in ('checking', 'bringing')"),
            &[],
        )
        .await?;
    if others > 0 {
        return Err(UndoError::Running);
    }
    let at = tx.now();
    tx.enqueue(WorkKind::Import, run.uuid(), at).await?;
    tx.commit(Event::new().about("import", run.uuid()), Value::Null).await?;
    Ok(())
}

// ---- the job ----

/// Notes which run an upload became.
pub(in crate::exchange) async fn is_run(
    tx: &mut Tx<ImportPatients>,
    id: UploadId,
    run: ImportId,
) -> Result<(), StoreError> {
    let row = row_of(tx, id).await?;
    let patch = UploadPatch { run_id: Some(Some(run)), ..UploadPatch::default() };
    tx.amend(&row, Versioned(row.row_version), patch).await.map(drop)
}

fn progress(said: &Progress) -> UploadPatch {
    UploadPatch {
        learning: Some(said.learning),
        done_bytes: Some(number(said.bytes)),
        all_bytes: Some(number(said.bytes_total)),
        done_resources: Some(number(said.resources)),
        ..UploadPatch::default()
    }
}

/// Notes how far an import is, in the transaction by which it got there.
pub(in crate::exchange) async fn is_at(
    tx: &mut Tx<ImportPatients>,
    id: UploadId,
    said: &Progress,
) -> Result<(), StoreError> {
    let row = row_of(tx, id).await?;
    tx.amend(&row, Versioned(row.row_version), progress(said)).await.map(drop)
}

/// Notes how far it is where nothing else is written.
pub(in crate::exchange) async fn note(
    store: &Store,
    actor: &Actor,
    under: Under<'_>,
    said: &Progress,
) -> Result<(), StoreError> {
    let mut tx = held(store, actor, under.claim).await?;
    let id = under.upload.id;
    let row = row_of(&tx, id).await?;
    if !tx.amend(&row, Versioned(row.row_version), progress(said)).await? {
        return Ok(());
    }
    tx.commit(about(id).field("progress"), Value::Null).await.map(drop)
}

/// A transaction of the job under its claim.
async fn held(store: &Store, actor: &Actor, claim: &Claim) -> Result<Tx<KeepUpload>, StoreError> {
    let tx: Tx<KeepUpload> = anew(store, actor).await?;
    tx.hold_advanced(claim).await?;
    Ok(tx)
}

/// What a phase came to.
pub(super) struct Outcome {
    /// Where the upload is from now on.
    pub(super) to: UploadState,
    /// What is to be put right first.
    pub(super) problem: Option<String>,
    /// What was tried or brought in.
    pub(super) report: Option<Report>,
    /// Whether the files are needed no more.
    pub(super) over: bool,
}

/// Ends a phase.
pub(super) async fn end_phase(
    store: &Store,
    actor: &Actor,
    claim: &Claim,
    id: UploadId,
    outcome: Outcome,
) -> Result<(), StoreError> {
    let mut tx = held(store, actor, claim).await?;
    let row = row_of(&tx, id).await?;
    let state = UploadState::of(&row.state)?;
    if row.phase != Some(claim.about()) || !state.is_under_way() {
        return Ok(());
    }
    let Outcome { to, problem, report, over } = outcome;
    let note = report.as_ref().map(|report| json!({ "counts": report.total() }));
    if let Some(report) = report {
        keep_report(&mut tx, store, id, state == UploadState::Checking, report).await?;
    }
    let patch = UploadPatch {
        state: Some(to.code().to_owned()),
        problem: Some(problem),
        learning: Some(false),
        ..UploadPatch::default()
    };
    tx.amend(&row, Versioned(row.row_version), patch).await?;
    if over {
        remove_pieces(&mut tx, id).await?;
    }
    let event = about(id).field(to.code());
    let event = if let Some(note) = note { event.note(note) } else { event };
    tx.commit(event, Value::Null).await.map(drop)
}

async fn keep_report(
    tx: &mut Tx<KeepUpload>,
    store: &Store,
    upload_id: UploadId,
    dry: bool,
    report: Report,
) -> Result<(), StoreError> {
    let before = sql!("delete from import_report where practice_id = $1 and upload_id = $2 and dry = $3");
    tx.event_id()?;
    tx.execute(before, &[&upload_id.uuid(), &dry]).await?;
    let written_at = tx.now();
    let id = IdempotencyKey::new(written_at, store.entropy()).uuid();
    tx.insert::<ReportRow>(KeptReport { id, row_version: 1, upload_id, dry, written_at, report }).await
}

/// Keeps what an import came to so far, where it stops on the way; unless it had come further before: one that is
/// taken up again passes over what is done.
pub(super) async fn so_far(
    store: &Store,
    actor: &Actor,
    claim: &Claim,
    id: UploadId,
    dry: bool,
    report: Report,
) -> Result<(), StoreError> {
    let mut tx = held(store, actor, claim).await?;
    let kept: Vec<ReportRow> = tx
        .rows(
            sql!("select * from import_report where practice_id = $1 and upload_id = $2 and dry = $3"),
            &[&id.uuid(), &dry],
        )
        .await?;
    let further = |kept: &KeptReport, lines: &u64| (kept.report.lines() > *lines).then_some(());
    if !tx.examine(&kept, &report.lines(), further).await?.ranked.is_empty() {
        return Ok(());
    }
    keep_report(&mut tx, store, id, dry, report).await?;
    tx.commit(about(id).field("so-far"), Value::Null).await.map(drop)
}

/// Removes the pieces of an upload whose time is over.
pub(super) async fn put_away(store: &Store, actor: &Actor, claim: &Claim, id: UploadId) -> Result<(), StoreError> {
    let mut tx = held(store, actor, claim).await?;
    let row = row_of(&tx, id).await?;
    let to = match UploadState::of(&row.state)? {
        UploadState::Receiving => Some(UploadState::Gone),
        state if state.is_open() => Some(UploadState::Expired),
        _ => None,
    };
    empty(&mut tx, &row, to).await?;
    tx.commit(about(id).field("put-away"), Value::Null).await.map(drop)
}
