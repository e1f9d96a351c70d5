//! The job: one type after the other, piece by piece, each piece one commit with how far it is. A job that
//! was killed is taken up after the last piece that was laid down.

use serde_json::json;
use store::{Actor, Claim, Ended, Errand, Fault, Job, Store, StoreError};

use super::reads::{self, Batch};
use super::rows::Export;
use super::writes::{self, Gathered};
use super::{PIECE_BYTES, State, kinds_of};
use crate::exchange::api::kinds::Kind;

/// Goes on with an export, until it is complete, its day is over, or the job is told to stop.
pub async fn go_on(store: &Store, claim: &Claim) -> Result<Ended, Fault> {
    loop {
        if let Some(ended) = step(store, claim).await? {
            return Ok(ended);
        }
        if claim.stopping() {
            return Ok(Ended::Stopped);
        }
    }
}

/// One piece of an export, or what its end asks for. Nothing where there is more to do.
pub async fn step(store: &Store, claim: &Claim) -> Result<Option<Ended>, Fault> {
    let actor = store.machine(Job::Bulk, claim.practice()).await?;
    let id = claim.about();
    let end = match claim.errand() {
        Errand::GoOn => None,
        Errand::Cancel => Some(State::Cancelled),
        Errand::GiveUp => Some(State::Failed),
    };
    if let Some(state) = end {
        writes::put_away(store, &actor, claim, id, state).await?;
        return Ok(Some(Ended::Finished));
    }
    let export = reads::export(store, &actor, id).await?;
    let over = export.ends_at <= store.clock().now();
    let end = match State::of(&export.state)? {
        State::Making if over || !writes::still_let_in(store, &actor, &export).await? => State::Failed,
        State::Making => {
            let kinds = kinds_of(&export.types);
            match usize::try_from(export.step).ok().and_then(|step| kinds.get(step).copied()) {
                Some(kind) => one_piece(store, &actor, claim, &export, kind).await?,
                None => writes::finish(store, &actor, claim, &export, outcome_of(&export)).await?,
            }
            return Ok(None);
        }
        State::Ready if !over => return Ok(Some(Ended::Later(export.ends_at))),
        State::Ready => State::Expired,
        State::Cancelled | State::Expired | State::Failed => return Ok(Some(Ended::Finished)),
    };
    writes::put_away(store, &actor, claim, id, end).await?;
    Ok(Some(Ended::Finished))
}

/// Gathers until a piece is full or the type is at its end, and lays it down.
async fn one_piece(
    store: &Store,
    actor: &Actor,
    claim: &Claim,
    export: &Export,
    kind: &'static Kind,
) -> Result<(), StoreError> {
    let mut gathered =
        Gathered { resource_type: kind.name, content: String::new(), lines: 0, damaged: 0, last_id: export.last_id };
    loop {
        let Batch { resources, damaged, last_id } = reads::batch(store, actor, export, kind, gathered.last_id).await?;
        gathered.damaged += damaged;
        gathered.last_id = last_id;
        for resource in resources {
            gathered.content.push_str(&resource.to_string());
            gathered.content.push('\n');
            gathered.lines += 1;
        }
        if last_id.is_none() || gathered.content.len() >= PIECE_BYTES || claim.stopping() {
            return writes::lay_down(store, actor, claim, export, gathered).await;
        }
    }
}

/// What is to be said of rows that did not open.
fn outcome_of(export: &Export) -> Option<String> {
    let words = format!(
        "{} of the resources that are meant are damaged and are not in this export. Tell whoever runs this installation.",
        export.damaged
    );
    let issue = json!({ "severity": "error", "code": "exception", "diagnostics": words });
    let outcome = json!({ "resourceType": "OperationOutcome", "issue": [issue] });
    (export.damaged > 0).then(|| format!("{outcome}\n"))
}
