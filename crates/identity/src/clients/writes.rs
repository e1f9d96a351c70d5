//! The statements of connections that write what is no declared row, or take several away at once.

use jiff::Timestamp;
use kernel::ClientId;
use store::{StoreError, Tx, Writes, sql};

/// A connection has not been heard of yet.
pub(super) async fn begin_seen<A: Writes>(tx: &Tx<A>, client: ClientId) -> Result<(), StoreError> {
    let sql = sql!("insert into api_client_seen (practice_id, client_id, seen_at) values ($1, $2, null)");
    tx.execute(sql, &[&client.uuid()]).await.map(drop)
}

/// Takes the proof of this hash. `false`: it was taken before, also by a request at this very moment.
pub(super) async fn take_proof<A: Writes>(
    tx: &Tx<A>,
    client: ClientId,
    proof: &[u8],
    ends: Timestamp,
) -> Result<bool, StoreError> {
    let sql = sql!(
        "insert into api_proof_used (practice_id, client_id, proof_hash, expires_at) values ($1, $2, $3, $4)
         on conflict do nothing"
    );
    Ok(tx.execute(sql, &[&client.uuid(), &proof, &ends]).await? == 1)
}

/// Forgets the proofs that would not be taken any more anyway, and the passes that have ended; of those
/// that have not, the oldest past `passes_max`.
pub(super) async fn forget_old<A: Writes>(
    tx: &Tx<A>,
    client: ClientId,
    at: Timestamp,
    passes_max: i64,
) -> Result<(), StoreError> {
    let proofs = sql!("delete from api_proof_used where practice_id = $1 and client_id = $2 and expires_at <= $3");
    tx.execute(proofs, &[&client.uuid(), &at]).await?;
    let passes = sql!(
        "delete from api_token t where t.practice_id = $1 and t.client_id = $2 and (t.expires_at <= $3 or t.id in (
             select young.id from api_token young where young.practice_id = $1 and young.client_id = $2
             order by young.created_at desc, young.id desc offset $4))"
    );
    tx.execute(passes, &[&client.uuid(), &at, &passes_max]).await.map(drop)
}

/// Takes every pass of a client away.
pub(super) async fn forget_passes<A: Writes>(tx: &Tx<A>, client: ClientId) -> Result<(), StoreError> {
    let sql = sql!("delete from api_token where practice_id = $1 and client_id = $2");
    tx.execute(sql, &[&client.uuid()]).await.map(drop)
}
