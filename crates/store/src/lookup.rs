//! Finding by blind tokens, and counting attempts by them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use seal::{IndexKey, Token, TokenKind};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::keyring::PracticeKeys;
use crate::threshold::Inner;
use crate::tx::Desk;
use crate::{Action, StoreError, Tx, Writes};

/// The epoch of the token key in use. It stands in each row, so that tokens of a new key can be made
/// beside those of the old one.
const EPOCH: i32 = 1;

/// Words to make tokens of: kind and normalised text.
pub type TokenSet = BTreeSet<(TokenKind, String)>;

impl Inner {
    /// A key for blind tokens of one use, derived from the practice's own key.
    pub(crate) async fn index_key(&self, held: &PracticeKeys, label: &str) -> Result<IndexKey, StoreError> {
        let id = held.practice.uuid();
        let key = self.keyring.data_key(held, id).await?;
        key.index_key(label).map_err(|_| StoreError::NoKey { kind: "index", id })
    }
}

const FIND: &str = "
    select subject_id from search_token where practice_id = $1 and token = any($2)
    group by subject_id having count(*) = $3 order by subject_id desc limit $4";

const FIND_BEFORE: &str = "
    select subject_id from search_token where practice_id = $1 and token = any($2) and subject_id < $5
    group by subject_id having count(*) = $3 order by subject_id desc limit $4";

const FORGET: &str = "delete from search_token where practice_id = $1 and subject_id = $2";

const FORGET_ALL: &str = "delete from search_token where practice_id = $1 and subject_id = any($2)";

pub(crate) const REMEMBER_TOKENS: &str = "
    insert into search_token (practice_id, token, subject_id, epoch)
    select $1, token, subject_id, $4 from unnest($2::bytea[], $3::uuid[]) as t (token, subject_id)";

impl<A: Action> Tx<A> {
    /// Subjects that have every one of these tokens, newest first, at most `limit`. Hits are to be
    /// opened and checked: a token is shorter than what it was made of.
    pub async fn find(&self, words: &TokenSet, limit: i64) -> Result<Vec<Uuid>, StoreError> {
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let tokens = tokens_of(&self.desk.search_key().await?, words);
        let bytes: Vec<&[u8]> = tokens.iter().map(|token| token.bytes().as_slice()).collect();
        let count = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let rows = self.desk.query(FIND, &[&bytes, &count, &limit]).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// Subjects that have every token of one of these sets, newest first, older than `before` if that is
    /// given, at most `limit`: one page after the other, however many there are.
    pub async fn find_any(&self, sets: &[TokenSet], before: Option<Uuid>, limit: i64) -> Result<Vec<Uuid>, StoreError> {
        let before = before.unwrap_or(Uuid::max());
        let mut found = BTreeSet::new();
        for words in sets.iter().filter(|words| !words.is_empty()) {
            let tokens = tokens_of(&self.desk.search_key().await?, words);
            let bytes: Vec<&[u8]> = tokens.iter().map(|token| token.bytes().as_slice()).collect();
            let count = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
            for row in self.desk.query(FIND_BEFORE, &[&bytes, &count, &limit, &before]).await? {
                found.insert(row.try_get::<_, Uuid>(0)?);
            }
        }
        Ok(found.into_iter().rev().take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
    }

    /// A blind token for a column of its own (an e-mail address that must be unique, the key of an
    /// imported resource). `label` keeps one use apart from another.
    pub async fn blind(&self, label: &str, kind: TokenKind, normalised: &str) -> Result<Token, StoreError> {
        Ok(self.desk.inner.index_key(self.desk.held()?, label).await?.token(kind, normalised))
    }

    /// Many blind tokens at once, in the order of the texts.
    pub async fn blind_all(&self, label: &str, kind: TokenKind, texts: &[String]) -> Result<Vec<Token>, StoreError> {
        let key = self.desk.inner.index_key(self.desk.held()?, label).await?;
        Ok(texts.iter().map(|text| key.token(kind, text)).collect())
    }
}

impl Desk {
    async fn search_key(&self) -> Result<IndexKey, StoreError> {
        self.inner.index_key(self.held()?, &format!("search.{EPOCH}")).await
    }

    /// Replaces the search tokens of a subject.
    pub(crate) async fn replace_tokens(&mut self, subject: Uuid, words: &TokenSet) -> Result<(), StoreError> {
        self.execute(FORGET, &[&subject]).await?;
        self.add_tokens(&[(subject, words)]).await
    }

    async fn add_tokens(&mut self, subjects: &[(Uuid, &TokenSet)]) -> Result<(), StoreError> {
        self.main_slot();
        let filed = self.filed(subjects).await?;
        self.trip.execute(REMEMBER_TOKENS, &filed.params()).await.map(drop)
    }

    /// Search tokens of subjects, made and not written yet.
    pub(crate) async fn filed(&self, subjects: &[(Uuid, &TokenSet)]) -> Result<Filed, StoreError> {
        let mut filed = Filed { practice: self.practice.uuid(), tokens: Vec::new(), subjects: Vec::new() };
        let key = self.search_key().await?;
        for (subject, words) in subjects {
            for token in tokens_of(&key, words) {
                filed.tokens.push(token.bytes().to_vec());
                filed.subjects.push(*subject);
            }
        }
        Ok(filed)
    }
}

/// Search tokens as columns: what each is, and whom it finds.
pub(crate) struct Filed {
    practice: Uuid,
    tokens: Vec<Vec<u8>>,
    subjects: Vec<Uuid>,
}

impl Filed {
    /// The parameters of [`REMEMBER_TOKENS`].
    pub(crate) fn params(&self) -> [&(dyn ToSql + Sync); 4] {
        [&self.practice, &self.tokens, &self.subjects, &EPOCH]
    }
}

fn tokens_of(key: &IndexKey, words: &TokenSet) -> BTreeSet<Token> {
    words.iter().map(|(kind, text)| key.token(*kind, text)).collect()
}

impl<A: Writes> Tx<A> {
    /// Replaces the search tokens of a subject.
    pub async fn tokens(&mut self, subject: Uuid, words: &TokenSet) -> Result<(), StoreError> {
        self.desk.replace_tokens(subject, words).await
    }

    /// Forgets the search tokens of subjects that are gone.
    pub async fn forget_tokens(&mut self, subjects: &[Uuid]) -> Result<(), StoreError> {
        self.desk.main_slot();
        self.desk.execute(FORGET_ALL, &[&subjects]).await.map(|_| ())
    }

    /// Adds the search tokens of new subjects.
    pub async fn add_tokens(&mut self, subjects: &[(Uuid, &TokenSet)]) -> Result<(), StoreError> {
        self.desk.add_tokens(subjects).await
    }
}

/// Failures counted so far, and when the last was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttled {
    /// Failures since the count began.
    pub failures: u32,
    /// The last one.
    pub last_at: Timestamp,
}

const FIRST_ATTEMPT: &str = "
    insert into throttle (practice_id, rule, subject, failures, last_at) values ($1, $2, $3, 0, $4)
    on conflict do nothing";

const READ_ATTEMPTS: &str = "
    select failures, last_at from throttle where practice_id = $1 and rule = $2 and subject = $3 for update";

const KEEP_ATTEMPTS: &str = "
    update throttle set failures = $4, last_at = $5 where practice_id = $1 and rule = $2 and subject = $3";

const CLEAR_ATTEMPTS: &str = "delete from throttle where practice_id = $1 and rule = $2 and subject = $3";

impl<A: Writes> Tx<A> {
    /// The failures counted for a subject under a rule. The count is locked until the transaction ends,
    /// also when it begins here: of a hundred attempts at once, each sees those before it.
    pub async fn attempts(&self, rule: &str, subject: &str) -> Result<Option<Throttled>, StoreError> {
        let token = self.blind("throttle", TokenKind::Identifier, subject).await?;
        let bytes = token.bytes().as_slice();
        self.desk.execute(FIRST_ATTEMPT, &[&rule, &bytes, &self.desk.at]).await?;
        let rows = self.desk.query(READ_ATTEMPTS, &[&rule, &bytes]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let failures: i32 = row.try_get(0)?;
        let failures = u32::try_from(failures).unwrap_or(0);
        Ok((failures > 0).then_some(Throttled { failures, last_at: row.try_get(1)? }))
    }

    /// Keeps a count that [`Tx::attempts`] has locked, or forgets it.
    pub async fn keep_attempts(&self, rule: &str, subject: &str, count: Option<Throttled>) -> Result<(), StoreError> {
        let token = self.blind("throttle", TokenKind::Identifier, subject).await?;
        let bytes = token.bytes().as_slice();
        match count {
            Some(count) => {
                let failures = i32::try_from(count.failures).unwrap_or(i32::MAX);
                self.desk.execute(KEEP_ATTEMPTS, &[&rule, &bytes, &failures, &count.last_at]).await
            }
            None => self.desk.execute(CLEAR_ATTEMPTS, &[&rule, &bytes]).await,
        }
        .map(|_| ())
    }
}
