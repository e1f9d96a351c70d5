//! Turning a practice's key. Each step can be killed and begun again: what is left to do stands in the
//! keyring itself.
//!
//! next → (every node learns it) → current → data keys wrapped anew → the old version removed.

use std::time::Duration;

use kernel::{IdempotencyKey, PracticeId};
use seal::{DataKey, Kek, KekContext};
use serde_json::Value;
use uuid::Uuid;

use crate::event::Event;
use crate::policy::Job;
use crate::threshold::{Once, Resource, Store};
use crate::{Keyring, StoreError};

crate::actions! {
    /// Turn keys.
    pub(crate) TurnKeys = "keys.rotate", writes;
}

/// Which key was turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    /// The practice's own.
    Practice,
    /// The root key, under which the practice's own is wrapped.
    Root,
}

impl Store {
    /// Leaves an event in a practice's log that a key was turned by whoever runs the installation. The
    /// turning itself is in the keyring, which has no log.
    pub async fn note_turned(&self, practice: PracticeId, turned: Turned) -> Result<(), StoreError> {
        let field = match turned {
            Turned::Practice => "practice-key",
            Turned::Root => "root-key",
        };
        let actor = self.machine(Job::Rotation, practice).await?;
        let key = IdempotencyKey::new(self.clock().now(), self.entropy());
        match self.enter(&actor).await?.ask_once::<TurnKeys>(Resource::Practice, key, &field).await? {
            Once::Fresh(tx) => tx.commit(Event::new().field(field), Value::Null).await.map(drop),
            Once::Done(_) => Ok(()),
        }
    }
}

/// How far a rotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationProgress {
    /// The new version exists; waiting until every node knows it.
    Announced {
        /// The new version.
        version: i32,
        /// How long.
        wait: Duration,
    },
    /// Data keys wrapped anew so far.
    Rewrapped {
        /// How many.
        keys: u64,
    },
    /// The old version is gone.
    Done {
        /// The version in use.
        version: i32,
    },
}

/// Data keys wrapped anew in one transaction.
const BATCH: i64 = 500;

/// Turns the key of one practice, or finishes a rotation that was cut short.
pub async fn rotate_practice(
    keyring: &Keyring,
    practice: PracticeId,
    progress: &mut (dyn FnMut(RotationProgress) + Send),
) -> Result<i32, StoreError> {
    // Every node looks for new versions this often; twice that, and none wraps under an old one.
    let wait = keyring.settings.refresh_every.saturating_mul(2);
    let states = states(keyring, practice).await?;
    let has = |state: &str| states.iter().find(|(_, s)| s == state).map(|(version, _)| *version);
    if has("retiring").is_none() {
        let version = match has("next") {
            Some(version) => version,
            None => announce(keyring, practice, &states).await?,
        };
        progress(RotationProgress::Announced { version, wait });
        tokio::time::sleep(wait).await;
        flip(keyring, practice).await?;
    }
    // A node that had not looked yet may still have wrapped a new key under the old version.
    tokio::time::sleep(wait).await;
    let keks = unwrapped(keyring, practice).await?;
    let retiring = keks.iter().find(|(state, _)| state == "retiring").map(|(_, kek)| kek);
    let current = keks
        .iter()
        .find(|(state, _)| state == "current")
        .map(|(_, kek)| kek)
        .ok_or(StoreError::NoKey { kind: "practice", id: practice.uuid() })?;
    if let Some(old) = retiring {
        let mut rewrapped = 0;
        loop {
            let moved = rewrap(keyring, practice, old, current).await?;
            rewrapped += moved;
            progress(RotationProgress::Rewrapped { keys: rewrapped });
            if moved == 0 {
                break;
            }
        }
        let tx = keyring.begin(practice).await?;
        tx.execute(
            "delete from kek where practice_id = $1 and version = $2 and state = 'retiring'",
            &[&practice.uuid(), &old.context().version],
        )
        .await?;
        tx.commit().await?;
    }
    keyring.forget(practice);
    let version = current.context().version;
    progress(RotationProgress::Done { version });
    Ok(version)
}

/// Wraps a practice's keys anew with the key service's newest root, after that was turned.
pub async fn rewrap_under_root(keyring: &Keyring, practice: PracticeId) -> Result<(), StoreError> {
    for (_, kek) in unwrapped(keyring, practice).await? {
        let wrapped = keyring.service.wrap(&kek.context(), &kek).await?;
        let tx = keyring.begin(practice).await?;
        tx.execute(
            "update kek set wrapped = $3 where practice_id = $1 and version = $2",
            &[&practice.uuid(), &kek.context().version, &wrapped],
        )
        .await?;
        tx.commit().await?;
    }
    Ok(())
}

async fn states(keyring: &Keyring, practice: PracticeId) -> Result<Vec<(i32, String)>, StoreError> {
    let tx = keyring.begin(practice).await?;
    let rows =
        tx.query("select version, state from kek where practice_id = $1 order by version", &[&practice.uuid()]).await?;
    tx.commit().await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

async fn announce(keyring: &Keyring, practice: PracticeId, states: &[(i32, String)]) -> Result<i32, StoreError> {
    let newest = states.iter().map(|(version, _)| *version).max();
    let version = newest.ok_or(StoreError::NoKey { kind: "practice", id: practice.uuid() })? + 1;
    let kek = Kek::generate(practice, version, &keyring.entropy);
    let wrapped = keyring.service.wrap(&KekContext { practice, version }, &kek).await?;
    let tx = keyring.begin(practice).await?;
    tx.execute(
        "insert into kek (practice_id, version, wrapped, state, created_at) values ($1, $2, $3, 'next', $4)",
        &[&practice.uuid(), &version, &wrapped, &keyring.clock.now()],
    )
    .await?;
    tx.commit().await?;
    Ok(version)
}

async fn flip(keyring: &Keyring, practice: PracticeId) -> Result<(), StoreError> {
    let tx = keyring.begin(practice).await?;
    // Of two rotations at once the second waits here and finds nothing left to flip. Without this it would
    // retire the new version and leave the practice with none.
    let next =
        tx.query("select 1 from kek where practice_id = $1 and state = 'next' for update", &[&practice.uuid()]).await?;
    if next.is_empty() {
        return tx.commit().await;
    }
    tx.execute("update kek set state = 'retiring' where practice_id = $1 and state = 'current'", &[&practice.uuid()])
        .await?;
    tx.execute("update kek set state = 'current' where practice_id = $1 and state = 'next'", &[&practice.uuid()])
        .await?;
    tx.commit().await
}

async fn unwrapped(keyring: &Keyring, practice: PracticeId) -> Result<Vec<(String, Kek)>, StoreError> {
    let tx = keyring.begin(practice).await?;
    let rows = tx
        .query("select version, state, wrapped from kek where practice_id = $1 order by version", &[&practice.uuid()])
        .await?;
    tx.commit().await?;
    let mut keks = Vec::with_capacity(rows.len());
    for row in rows {
        let version: i32 = row.try_get(0)?;
        let wrapped: Vec<u8> = row.try_get(2)?;
        keks.push((row.try_get(1)?, keyring.service.unwrap(&KekContext { practice, version }, &wrapped).await?));
    }
    Ok(keks)
}

/// One batch; gives how many were wrapped anew.
async fn rewrap(keyring: &Keyring, practice: PracticeId, old: &Kek, new: &Kek) -> Result<u64, StoreError> {
    let tx = keyring.begin(practice).await?;
    let rows = tx
        .query(
            "select id, wrapped from data_key where practice_id = $1 and kek_version = $2 order by id limit $3 for update",
            &[&practice.uuid(), &old.context().version, &BATCH],
        )
        .await?;
    let mut ids: Vec<Uuid> = Vec::with_capacity(rows.len());
    let mut wrapped: Vec<Vec<u8>> = Vec::with_capacity(rows.len());
    for row in rows {
        let id: Uuid = row.try_get(0)?;
        let damaged = |_| StoreError::NoKey { kind: "data", id };
        let key: DataKey = old.unwrap(kernel::DataKeyId::from_uuid(id), row.try_get(1)?).map_err(damaged)?;
        wrapped.push(new.wrap(&key, &keyring.entropy).map_err(damaged)?);
        ids.push(id);
    }
    let moved = tx
        .execute(
            "update data_key d set wrapped = w.wrapped, kek_version = $2
             from unnest($3::uuid[], $4::bytea[]) as w (id, wrapped) where d.practice_id = $1 and d.id = w.id",
            &[&practice.uuid(), &new.context().version, &ids, &wrapped],
        )
        .await?;
    tx.commit().await?;
    Ok(moved)
}
