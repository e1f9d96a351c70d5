//! The statements of this room that write what is no row of a person: counters, which say nothing
//! about anybody. Everything else is written through its declared row.

use jiff::Timestamp;
use kernel::{PersonId, SessionId};
use store::{StoreError, Tx, Writes, sql};

/// Takes the time step of a one-time code. `false`: that step or a later one was taken before, also
/// by a request at this very moment.
pub(crate) async fn take_step<A: Writes>(tx: &Tx<A>, person: PersonId, step: i64) -> Result<bool, StoreError> {
    let sql = sql!(
        "insert into totp_used (practice_id, person_id, step) values ($1, $2, $3)
         on conflict (practice_id, person_id) do update set step = excluded.step where totp_used.step < excluded.step"
    );
    Ok(tx.execute(sql, &[&person.uuid(), &step]).await? == 1)
}

/// Takes the answer to what a device was asked. `false`: it was answered before, also by a request at this very moment.
/// What is too old to be answered any more is forgotten with it.
pub(crate) async fn take_answer<A: Writes>(
    tx: &Tx<A>,
    asked: &[u8],
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, StoreError> {
    tx.execute(sql!("delete from passkey_answered where practice_id = $1 and expires_at <= $2"), &[&now]).await?;
    let sql = sql!(
        "insert into passkey_answered (practice_id, asked_hash, expires_at) values ($1, $2, $3) on conflict do nothing"
    );
    Ok(tx.execute(sql, &[&asked, &until]).await? == 1)
}

/// A session is used from this moment on.
pub(crate) async fn begin_seen<A: Writes>(tx: &Tx<A>, session: SessionId, at: Timestamp) -> Result<(), StoreError> {
    let sql = sql!("insert into session_seen (practice_id, session_id, seen_at) values ($1, $2, $3)");
    tx.execute(sql, &[&session.uuid(), &at]).await.map(drop)
}
