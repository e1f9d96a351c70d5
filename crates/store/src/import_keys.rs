//! Where an imported resource went: a blind token of its source to the row it became, with a blind
//! token of its content, so that the same file brought in again changes nothing. And whose turn it is:
//! two imports into one practice would each find that the other's patients are not there yet.

use std::collections::HashMap;

use deadpool_postgres::{ClientWrapper, Object};
use kernel::{ImportId, PracticeId};
use seal::{Token, TokenKind};
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use crate::trip::Owned;
use crate::{Action, Store, StoreError, Tx, Writes};

/// The turn to import into a practice. It is a lock of a connection of its own, so it ends with whoever
/// holds it, however they end.
pub struct ImportTurn {
    client: ClientWrapper,
}

impl ImportTurn {
    /// That it is still held. A server that went away took the lock with it, and another may have it now.
    pub fn stands(&self) -> Result<(), StoreError> {
        if self.client.is_closed() {
            return Err(StoreError::Away("the turn to import was lost with its connection".into()));
        }
        Ok(())
    }
}

/// Long enough for the server to notice that the one before is gone.
const TURN_WAIT: &str = "set lock_timeout = '2s'";

const TURN: &str = "select pg_advisory_lock(hashtextextended('import turn ' || $1::uuid::text, 0))";

/// The batches of an import that was killed while they committed must be over before the next import reads: each
/// holds this to its end, and an import begins by holding it alone.
const BATCH: &str = "select pg_advisory_xact_lock_shared(hashtextextended('import batch ' || $1::uuid::text, 0))";

const ALONE: &str = "select pg_advisory_xact_lock(hashtextextended('import batch ' || $1::uuid::text, 0))";

impl Store {
    /// The turn to import into a practice, or nothing if another import has it.
    pub async fn import_turn(&self, practice: PracticeId) -> Result<Option<ImportTurn>, StoreError> {
        let client = Object::take(self.inner.pool.get().await?);
        client.batch_execute(TURN_WAIT).await?;
        match client.execute(TURN, &[&practice.uuid()]).await {
            Ok(_) => Ok(Some(ImportTurn { client })),
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// What an imported resource became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The kind of row.
    pub kind: String,
    /// The row.
    pub id: Uuid,
    /// The token of its content then.
    pub digest: Vec<u8>,
    /// The run that wrote it last.
    pub run: ImportId,
    /// What it came to in that run.
    pub outcome: String,
}

/// A resource to remember.
#[derive(Debug, Clone)]
pub struct ToRemember {
    /// The token of its source.
    pub token: Token,
    /// The kind of row.
    pub kind: &'static str,
    /// The row.
    pub id: Uuid,
    /// The token of its content.
    pub digest: Token,
    /// What it came to.
    pub outcome: &'static str,
}

const READ: &str = "
    select token, target_kind, target_id, digest, run_id, outcome from import_key
    where practice_id = $1 and token = any($2)";

const KEEP: &str = "
    insert into import_key (practice_id, token, target_kind, target_id, digest, outcome, run_id)
    select $1, token, kind, id, digest, outcome, $7
    from unnest($2::bytea[], $3::text[], $4::uuid[], $5::bytea[], $6::text[]) as k (token, kind, id, digest, outcome)
    on conflict (practice_id, token) do update
    set target_kind = excluded.target_kind, target_id = excluded.target_id, digest = excluded.digest,
        outcome = excluded.outcome, run_id = excluded.run_id";

const BROUGHT_BY: &str = "
    select target_id, run_id from import_key where practice_id = $1 and target_id = any($2)";

/// Which references are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// Those that lead to a record which is open to whoever may read records at all.
    Open,
    /// All of them: for an export, which holds restricted records too.
    All,
}

const WENT_TO: &str = "
    select k.token, k.target_id from import_key k where k.practice_id = $1 and k.token = any($2)
      and ($3 or not exists (
        select from patient p
        where p.practice_id = k.practice_id and p.id in (
            select k.target_id union all
            select e.patient_id from record_entry e where e.practice_id = k.practice_id and e.id = k.target_id)
          and (select s.restricted from patient s
               where s.practice_id = p.practice_id
                 and s.id = case when p.merged_into is null then p.id else p.merged_into end)))";

impl<A: Action> Tx<A> {
    /// Which runs brought these rows in. Rows that no import brought are not among them.
    pub async fn brought_by(&self, targets: &[Uuid]) -> Result<HashMap<Uuid, ImportId>, StoreError> {
        let rows = self.desk.query(BROUGHT_BY, &[&targets]).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, ImportId::from_uuid(row.try_get(1)?)))).collect()
    }

    /// Where these sources went, as far as they came in: for showing them, so nobody waits for an import.
    pub async fn went_to(&self, tokens: &[Token], follow: Follow) -> Result<HashMap<Token, Uuid>, StoreError> {
        let bytes: Vec<&[u8]> = tokens.iter().map(|token| token.bytes().as_slice()).collect();
        let by_bytes: HashMap<&[u8], Token> = tokens.iter().map(|token| (token.bytes().as_slice(), *token)).collect();
        let mut went = HashMap::new();
        for row in self.desk.query(WENT_TO, &[&bytes, &(follow == Follow::All)]).await? {
            let token: &[u8] = row.try_get(0)?;
            if let Some(token) = by_bytes.get(token) {
                went.insert(*token, row.try_get(1)?);
            }
        }
        Ok(went)
    }

    /// Tokens of sources, in the order of the texts.
    pub async fn import_tokens(&self, texts: &[String]) -> Result<Vec<Token>, StoreError> {
        self.blind_all("import.source", TokenKind::Identifier, texts).await
    }

    /// Tokens of contents, in the order of the texts.
    pub async fn import_digests(&self, texts: &[String]) -> Result<Vec<Token>, StoreError> {
        self.blind_all("import.content", TokenKind::Identifier, texts).await
    }

    /// Waits until no other transaction imports into this practice, and keeps others waiting to its end.
    pub async fn alone_importing(&self) -> Result<(), StoreError> {
        self.desk.execute(ALONE, &[]).await.map(|_| ())
    }

    /// What these sources became before. Nobody else's import can change that before this transaction
    /// ends, so whoever finds that a resource is not there yet may add it. Another batch of the same import can be
    /// on its way meanwhile: no source is in two of them.
    pub async fn imported(&self, tokens: &[Token]) -> Result<HashMap<Token, Imported>, StoreError> {
        self.desk.execute(BATCH, &[]).await?;
        let bytes: Vec<&[u8]> = tokens.iter().map(|token| token.bytes().as_slice()).collect();
        let rows = self.desk.query(READ, &[&bytes]).await?;
        let by_bytes: HashMap<&[u8], Token> = tokens.iter().map(|token| (token.bytes().as_slice(), *token)).collect();
        let mut known = HashMap::with_capacity(rows.len());
        for row in rows {
            let bytes: &[u8] = row.try_get(0)?;
            if let Some(token) = by_bytes.get(bytes) {
                let imported = Imported {
                    kind: row.try_get(1)?,
                    id: row.try_get(2)?,
                    digest: row.try_get(3)?,
                    run: ImportId::from_uuid(row.try_get(4)?),
                    outcome: row.try_get(5)?,
                };
                known.insert(*token, imported);
            }
        }
        Ok(known)
    }
}

impl<A: Writes> Tx<A> {
    /// Remembers what sources became in a run, with what is sent next.
    pub fn remember_imports(&mut self, run: ImportId, resources: &[ToRemember]) {
        if resources.is_empty() {
            return;
        }
        self.desk.main_slot();
        let tokens: Vec<Vec<u8>> = resources.iter().map(|r| r.token.bytes().to_vec()).collect();
        let kinds: Vec<&'static str> = resources.iter().map(|r| r.kind).collect();
        let ids: Vec<Uuid> = resources.iter().map(|r| r.id).collect();
        let digests: Vec<Vec<u8>> = resources.iter().map(|r| r.digest.bytes().to_vec()).collect();
        let outcomes: Vec<&'static str> = resources.iter().map(|r| r.outcome).collect();
        let practice = self.desk.practice.uuid();
        let params: Owned = vec![
            Box::new(practice),
            Box::new(tokens),
            Box::new(kinds),
            Box::new(ids),
            Box::new(digests),
            Box::new(outcomes),
            Box::new(run.uuid()),
        ];
        self.desk.trip.later(KEEP, params);
    }
}
