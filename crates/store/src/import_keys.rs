//! Where an imported resource went: a blind token of its source to the row it became, with a blind
//! token of its content, so that the same file brought in again changes nothing.

use std::collections::HashMap;

use seal::{Token, TokenKind};
use uuid::Uuid;

use crate::{Action, StoreError, Tx, Writes};

/// What an imported resource became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The kind of row.
    pub kind: String,
    /// The row.
    pub id: Uuid,
    /// The token of its content then.
    pub digest: Vec<u8>,
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
}

const READ: &str =
    "select token, target_kind, target_id, digest from import_key where practice_id = $1 and token = any($2)";

const KEEP: &str = "
    insert into import_key (practice_id, token, target_kind, target_id, digest)
    select $1, token, kind, id, digest from unnest($2::bytea[], $3::text[], $4::uuid[], $5::bytea[])
        as k (token, kind, id, digest)
    on conflict (practice_id, token) do update
    set target_kind = excluded.target_kind, target_id = excluded.target_id, digest = excluded.digest";

impl<A: Action> Tx<A> {
    /// Tokens of sources, in the order of the texts.
    pub async fn import_tokens(&self, texts: &[String]) -> Result<Vec<Token>, StoreError> {
        self.blind_all("import.source", TokenKind::Identifier, texts).await
    }

    /// Tokens of contents, in the order of the texts.
    pub async fn import_digests(&self, texts: &[String]) -> Result<Vec<Token>, StoreError> {
        self.blind_all("import.content", TokenKind::Identifier, texts).await
    }

    /// What these sources became before.
    pub async fn imported(&self, tokens: &[Token]) -> Result<HashMap<Token, Imported>, StoreError> {
        let bytes: Vec<&[u8]> = tokens.iter().map(|token| token.bytes().as_slice()).collect();
        let rows = self.desk.query(READ, &[&bytes]).await?;
        let by_bytes: HashMap<&[u8], Token> = tokens.iter().map(|token| (token.bytes().as_slice(), *token)).collect();
        let mut known = HashMap::with_capacity(rows.len());
        for row in rows {
            let bytes: &[u8] = row.try_get(0)?;
            if let Some(token) = by_bytes.get(bytes) {
                known.insert(*token, Imported { kind: row.try_get(1)?, id: row.try_get(2)?, digest: row.try_get(3)? });
            }
        }
        Ok(known)
    }
}

impl<A: Writes> Tx<A> {
    /// Remembers what sources became.
    pub async fn remember_imports(&mut self, resources: &[ToRemember]) -> Result<(), StoreError> {
        if resources.is_empty() {
            return Ok(());
        }
        self.desk.main_slot();
        let tokens: Vec<&[u8]> = resources.iter().map(|r| r.token.bytes().as_slice()).collect();
        let kinds: Vec<&str> = resources.iter().map(|r| r.kind).collect();
        let ids: Vec<Uuid> = resources.iter().map(|r| r.id).collect();
        let digests: Vec<&[u8]> = resources.iter().map(|r| r.digest.bytes().as_slice()).collect();
        self.desk.execute(KEEP, &[&tokens, &kinds, &ids, &digests]).await.map(|_| ())
    }
}
