//! Finding by blind tokens, and counting attempts by them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use seal::{IndexKey, Token, TokenKind};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::keyring::PracticeKeys;
use crate::threshold::Inner;
use crate::trip::Asked;
use crate::tx::Desk;
use crate::{Action, StoreError, Tx, Writes};

/// The epoch of the token key in use. It stands in each row, so that tokens of a new key can be made
/// beside those of the old one.
const EPOCH: i32 = 1;

/// Words to make tokens of: kind and normalised text.
pub type TokenSet = BTreeSet<(TokenKind, String)>;

/// Words to look for, as parameters of a statement: `token = any($2) ... having count(*) = $3`. Whom they find is to be
/// opened and checked: a token is shorter than what it was made of.
pub struct Sought {
    tokens: Vec<Vec<u8>>,
    count: i64,
}

impl Sought {
    /// The tokens.
    #[must_use]
    pub fn tokens(&self) -> &(dyn ToSql + Sync) {
        &self.tokens
    }

    /// How many there are: whoever is meant has all of them.
    #[must_use]
    pub fn count(&self) -> &(dyn ToSql + Sync) {
        &self.count
    }
}

impl Inner {
    /// Words as tokens to look for.
    pub(crate) async fn sought(&self, held: &PracticeKeys, words: &TokenSet) -> Result<Sought, StoreError> {
        let tokens = tokens_of(&self.search_key(held).await?, words);
        let tokens: Vec<Vec<u8>> = tokens.iter().map(|token| token.bytes().to_vec()).collect();
        Ok(Sought { count: i64::try_from(tokens.len()).unwrap_or(i64::MAX), tokens })
    }

    async fn search_key(&self, held: &PracticeKeys) -> Result<IndexKey, StoreError> {
        self.index_key(held, &format!("search.{EPOCH}")).await
    }

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

const REMEMBER_TOKENS: &str = "
    insert into search_token (practice_id, token, subject_id, epoch)
    select $1, token, subject_id, $4 from unnest($2::bytea[], $3::uuid[]) as t (token, subject_id)";

impl<A: Action> Tx<A> {
    /// Subjects that have every one of these tokens, newest first, at most `limit`. Hits are to be
    /// opened and checked: a token is shorter than what it was made of.
    pub async fn find(&self, words: &TokenSet, limit: i64) -> Result<Vec<Uuid>, StoreError> {
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let sought = self.sought(words).await?;
        let rows = self.desk.query(FIND, &[sought.tokens(), sought.count(), &limit]).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// Words as tokens, for a statement that looks for them and for more.
    pub async fn sought(&self, words: &TokenSet) -> Result<Sought, StoreError> {
        self.desk.inner.sought(self.desk.held()?, words).await
    }

    /// Subjects that have every token of one of these sets, newest first, older than `before` if that is
    /// given, at most `limit`: one page after the other, however many there are.
    pub async fn find_any(&self, sets: &[TokenSet], before: Option<Uuid>, limit: i64) -> Result<Vec<Uuid>, StoreError> {
        let before = before.unwrap_or(Uuid::max());
        let mut all = Vec::with_capacity(sets.len());
        for words in sets.iter().filter(|words| !words.is_empty()) {
            all.push(self.sought(words).await?);
        }
        let practice = self.desk.practice.uuid();
        let params: Vec<[&(dyn ToSql + Sync); 5]> =
            all.iter().map(|sought| [&practice as _, sought.tokens(), sought.count(), &limit, &before]).collect();
        let asked: Vec<Asked<'_>> = params.iter().map(|params| -> Asked<'_> { (FIND_BEFORE, params) }).collect();
        let mut found = BTreeSet::new();
        for row in self.desk.trip.all(&asked).await?.iter().flatten() {
            found.insert(row.try_get::<_, Uuid>(0)?);
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
    /// Replaces the search tokens of a subject.
    pub(crate) async fn replace_tokens(&mut self, subject: Uuid, words: &TokenSet) -> Result<(), StoreError> {
        self.execute(FORGET, &[&subject]).await?;
        self.add_tokens(&[(subject, words)]).await
    }

    async fn add_tokens(&mut self, subjects: &[(Uuid, &TokenSet)]) -> Result<(), StoreError> {
        self.main_slot();
        let key = self.inner.search_key(self.held()?).await?;
        let (mut tokens, mut whose) = (Vec::new(), Vec::new());
        for (subject, words) in subjects {
            for token in tokens_of(&key, words) {
                tokens.push(token.bytes().to_vec());
                whose.push(*subject);
            }
        }
        let practice = self.practice.uuid();
        self.trip.later(REMEMBER_TOKENS, vec![Box::new(practice), Box::new(tokens), Box::new(whose), Box::new(EPOCH)]);
        Ok(())
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

    /// Adds the search tokens of new subjects, with what is sent next.
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
