//! Asking for a bulk export, laying its pieces down, putting it away.

use jiff::Timestamp;
use kernel::IdempotencyKey;
use serde_json::{Value, json};
use store::{
    Actor, Claim, Event, Interaction, Once, Resource, ResourceKind, Store, StoreError, Tx, Versioned, WorkKind, Writes,
    sql,
};
use uuid::Uuid;

use super::rows::{Export, ExportPatch, ExportRow, Piece, PieceRow};
use super::{AT_ONCE_MAX, AskBulk, Asked, KEPT_FOR, LayDown, MADE_WITHIN, State, reads, scopes_of};
use crate::exchange::after;
use crate::exchange::api::ApiError;
use crate::patients::actions::RevealIdentifier;

fn fresh(store: &Store, at: Timestamp) -> IdempotencyKey {
    IdempotencyKey::new(at, store.entropy())
}

fn done(outcome: &Value) -> Result<Uuid, StoreError> {
    outcome.as_str().and_then(|text| text.parse().ok()).ok_or(StoreError::Unreadable { what: "outcome" })
}

/// Asks for an export. The job takes it up.
pub async fn ask(store: &Store, actor: &Actor, key: IdempotencyKey, asked: Asked) -> Result<Uuid, ApiError> {
    let client_id = actor.client().ok_or(StoreError::Refused { action: "record.export" })?;
    let types = asked.types.join(",");
    let threshold = store.enter(actor).await?.naming(scopes_of(&types), Interaction::Search);
    let whole = threshold.known().await?.would_allow::<RevealIdentifier>(ResourceKind::Practice);
    let mut tx = match threshold.ask_once::<AskBulk>(Resource::Practice, key, &asked).await? {
        Once::Done(outcome) => return Ok(done(&outcome)?),
        Once::Fresh(tx) => tx,
    };
    let under_way = tx
        .count(
            sql!("select count(*) from bulk_export where practice_id = $1 and client_id = $2 and state = 'making'"),
            &[&client_id.uuid()],
        )
        .await?;
    if under_way >= AT_ONCE_MAX {
        return Err(ApiError::TooMany { wait_seconds: 60 });
    }
    let (at, id) = (tx.now(), fresh(store, tx.now()).uuid());
    let note = json!({ "types": asked.types, "since": asked.since, "identifiers-in-full": whole });
    tx.insert::<ExportRow>(Export {
        id,
        row_version: 1,
        client_id,
        types,
        state: State::Making.code().to_owned(),
        whole,
        asked_at: at,
        ends_at: after(at, MADE_WITHIN),
        step: 0,
        last_id: None,
        pieces: 0,
        done: 0,
        damaged: 0,
        request: asked,
    })
    .await?;
    tx.enqueue(WorkKind::Bulk, id, at).await?;
    let outcome = tx.commit(Event::new().about("bulk-export", id).field("asked").note(note), id.to_string().into());
    Ok(done(&outcome.await?)?)
}

async fn row_of<A: Writes>(tx: &Tx<A>, id: Uuid) -> Result<ExportRow, StoreError> {
    tx.row(sql!("select * from bulk_export where practice_id = $1 and id = $2"), &[&id]).await
}

/// Whoever asked wants it no more. The pieces go at once; the job is told. What another program asked for is
/// [`StoreError::Missing`], and so is what has gone already.
pub async fn cancel(store: &Store, actor: &Actor, id: Uuid) -> Result<(), ApiError> {
    let key = fresh(store, store.clock().now());
    let threshold = reads::threshold_of(store, actor, id).await?;
    let asked = threshold.ask_once::<AskBulk>(Resource::Practice, key, &id).await?;
    let Once::Fresh(mut tx) = asked else { return Ok(()) };
    let row = row_of(&tx, id).await?;
    let own = Some(row.client_id) == actor.client();
    if !own || !matches!(State::of(&row.state)?, State::Making | State::Ready) {
        return Err(StoreError::Missing.into());
    }
    tx.cancel_work(WorkKind::Bulk, id).await?;
    close(&mut tx, &row, State::Cancelled).await?;
    tx.commit(Event::new().about("bulk-export", id).field("cancelled"), Value::Null).await?;
    Ok(())
}

/// Ends an export, its pieces with it.
async fn close<A: Writes>(tx: &mut Tx<A>, row: &ExportRow, state: State) -> Result<(), StoreError> {
    let patch = ExportPatch { state: Some(state.code().to_owned()), ..ExportPatch::default() };
    tx.amend(row, Versioned(row.row_version), patch).await?;
    tx.event_id()?;
    tx.execute(sql!("delete from bulk_piece where practice_id = $1 and export_id = $2"), &[&row.id]).await.map(|_| ())
}

/// What was gathered for one step.
pub(super) struct Gathered {
    /// The type.
    pub(super) resource_type: &'static str,
    /// NDJSON.
    pub(super) content: String,
    /// How many lines.
    pub(super) lines: i64,
    /// How many rows did not open.
    pub(super) damaged: i64,
    /// The last row of it; nothing where the type is at its end.
    pub(super) last_id: Option<Uuid>,
}

/// Lays a piece down and says how far the export is now, in one commit that proves the claim. Nothing is done where
/// the export is no longer where it was, because somebody cancelled it.
pub(super) async fn lay_down(
    store: &Store,
    actor: &Actor,
    claim: &Claim,
    before: &Export,
    gathered: Gathered,
) -> Result<(), StoreError> {
    let Some((mut tx, row)) = at_work(store, actor, claim, before.id).await? else { return Ok(()) };
    if row.row_version != before.row_version || State::of(&row.state)? != State::Making {
        return Ok(());
    }
    let more = gathered.last_id.is_some();
    let pieces = if gathered.lines == 0 { row.pieces } else { row.pieces + 1 };
    if gathered.lines > 0 {
        tx.insert::<PieceRow>(Piece {
            id: fresh(store, tx.now()).uuid(),
            row_version: 1,
            export_id: row.id,
            resource_type: gathered.resource_type.to_owned(),
            place: row.pieces,
            lines: gathered.lines,
            content: gathered.content,
        })
        .await?;
    }
    let patch = ExportPatch {
        step: Some(if more { row.step } else { row.step + 1 }),
        last_id: Some(gathered.last_id),
        pieces: Some(pieces),
        done: Some(row.done + gathered.lines),
        damaged: Some(row.damaged + gathered.damaged),
        ..ExportPatch::default()
    };
    tx.amend(&row, Versioned(row.row_version), patch).await?;
    let event = Event::new().about("bulk-export", row.id).field(gathered.resource_type);
    tx.commit(event, Value::Null).await.map(|_| ())
}

/// Says that everything is there, with what is to be said of rows that did not open.
pub(super) async fn finish(
    store: &Store,
    actor: &Actor,
    claim: &Claim,
    before: &Export,
    outcome: Option<String>,
) -> Result<(), StoreError> {
    let Some((mut tx, row)) = at_work(store, actor, claim, before.id).await? else { return Ok(()) };
    if row.row_version != before.row_version || State::of(&row.state)? != State::Making {
        return Ok(());
    }
    let mut pieces = row.pieces;
    if let Some(content) = outcome {
        tx.insert::<PieceRow>(Piece {
            id: fresh(store, tx.now()).uuid(),
            row_version: 1,
            export_id: row.id,
            resource_type: "OperationOutcome".to_owned(),
            place: pieces,
            lines: 1,
            content,
        })
        .await?;
        pieces += 1;
    }
    let ends_at = after(tx.now(), KEPT_FOR);
    let patch = ExportPatch {
        state: Some(State::Ready.code().to_owned()),
        ends_at: Some(ends_at),
        pieces: Some(pieces),
        ..ExportPatch::default()
    };
    tx.amend(&row, Versioned(row.row_version), patch).await?;
    let note = json!({ "resources": row.done, "damaged": row.damaged, "pieces": pieces });
    tx.commit(Event::new().about("bulk-export", row.id).field("complete").note(note), Value::Null).await.map(|_| ())
}

/// Puts an export away: its pieces go, and it says why.
pub(super) async fn put_away(
    store: &Store,
    actor: &Actor,
    claim: &Claim,
    id: Uuid,
    state: State,
) -> Result<(), StoreError> {
    let Some((mut tx, row)) = at_work(store, actor, claim, id).await? else { return Ok(()) };
    let stands = State::of(&row.state)?;
    // What was cancelled, or has ended, stays so; its pieces go all the same.
    let state = if matches!(stands, State::Making | State::Ready) { state } else { stands };
    close(&mut tx, &row, state).await?;
    tx.commit(Event::new().about("bulk-export", id).field(state.code()), Value::Null).await.map(|_| ())
}

/// A transaction of the job, and the export as it stands in it.
async fn at_work(
    store: &Store,
    actor: &Actor,
    claim: &Claim,
    id: Uuid,
) -> Result<Option<(Tx<LayDown>, ExportRow)>, StoreError> {
    let key = fresh(store, store.clock().now());
    let asked = store.enter(actor).await?.ask_once::<LayDown>(Resource::Practice, key, &()).await?;
    let Once::Fresh(tx) = asked else { return Ok(None) };
    tx.hold_advanced(claim).await?;
    let row = row_of(&tx, id).await?;
    Ok(Some((tx, row)))
}

/// Whether the program that asked is still let in.
pub(super) async fn still_let_in(store: &Store, actor: &Actor, export: &Export) -> Result<bool, StoreError> {
    let key = fresh(store, store.clock().now());
    let asked = store.enter(actor).await?.ask_once::<LayDown>(Resource::Practice, key, &()).await?;
    let Once::Fresh(tx) = asked else { return Ok(false) };
    let known = tx
        .count(
            sql!(
                "select count(*) from api_client
                 where practice_id = $1 and id = $2 and state = 'active' and expires_at > $3"
            ),
            &[&export.client_id.uuid(), &tx.now()],
        )
        .await?;
    Ok(known > 0)
}
