//! The porch: who somebody is, how they prove it, and which practices they belong to.
//!
//! The pure parts (no database, no clock or randomness of their own) are passwords and the rules for
//! choosing one, one-time codes, recovery codes, the opaque tokens that links and cookies carry, and
//! the rule by which guessing is slowed down. The flows built on them are methods of [`Identity`];
//! they reach the database only through `store`, and all SQL stands in reads.rs and writes.rs.
//!
//! # What shows a secret once, and a retry
//!
//! Every change takes an idempotency key, and the same key does a thing once. A token or a set of
//! codes leaves the house once and only its hash is kept, so a retry cannot be given the same text
//! again. It is given another in its place: the row is the same, its hash is replaced, and what the
//! lost answer carried opens nothing. Invitations are the exception, because their link is on its way
//! by mail: the retry is told that the invitation stands, without a link ([`team::Invited::link`]).

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use kernel::{Entropy, EventId, PersonId, PracticeId, SessionId, Source};
use store::{Actor, SessionHash, SignedIn, Store, StoreError};
use uuid::Uuid;

use crate::passkeys::Party;
use crate::password::Hasher;
use crate::token::{ForSession, Token};

pub mod account;
mod actions;
pub mod clients;
mod codes;
mod counting;
pub mod factor_reset;
pub mod founding;
pub mod host;
mod known;
mod letters;
pub mod passkeys;
pub mod password;
pub mod password_rules;
mod reads;
pub mod recovery;
pub mod reset;
mod rows;
pub mod second;
pub mod sessions;
pub mod sign_in;
pub mod team;
pub mod throttle;
pub mod token;
pub mod totp;
mod writes;

pub use actions::*;
pub use counting::Wait;

/// No refusal at the door, and no answer to somebody who asks for a mail, leaves earlier than this:
/// about ten times what it takes, so that an account that exists answers like one that does not.
pub const ANSWER_FLOOR: Duration = Duration::from_millis(400);

/// At most this many practices of one person are told of a sign-in, shown and checked.
pub const PRACTICES_MAX: i64 = 50;

/// The flows of this room. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    store: Store,
    hasher: Hasher,
    base_url: Arc<str>,
    party: Party,
    answer_floor: Duration,
}

/// Somebody signed in, and where they act from: what the flows of one's own account and of the team
/// are asked by.
#[derive(Debug, Clone)]
pub struct Me {
    /// What the session says.
    pub signed_in: SignedIn,
    /// From where.
    pub source: Source,
}

impl Me {
    /// Who.
    #[must_use]
    pub fn person(&self) -> PersonId {
        self.signed_in.person
    }

    /// Through which session.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.signed_in.session
    }

    /// The practice this browser is in, if any.
    #[must_use]
    pub fn practice(&self) -> Option<PracticeId> {
        self.signed_in.entered
    }
}

impl Identity {
    /// The flows on an open store. `base_url` is where people reach the house, for links in mails:
    /// `https://vouchsafe.example.org`. `answer_floor` is [`ANSWER_FLOOR`], except in tests.
    #[must_use]
    pub fn new(store: Store, hasher: Hasher, base_url: &str, answer_floor: Duration) -> Self {
        let base_url = base_url.trim_end_matches('/');
        Self { store, hasher, base_url: base_url.into(), party: Party::at(base_url), answer_floor }
    }

    /// The doors.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Who the cookie of a session says this is, if that session is good at this moment.
    pub async fn me(&self, cookie: &str, source: Source) -> Result<Option<Me>, StoreError> {
        let Ok(token) = Token::<ForSession>::parse(cookie) else { return Ok(None) };
        let signed_in = self.store.session(SessionHash(*token.hash().bytes())).await?;
        Ok(signed_in.map(|signed_in| Me { signed_in, source }))
    }

    /// The actor in the practice that this browser is in; [`StoreError::SignedOut`] if it is in none.
    pub fn actor(&self, me: &Me) -> Result<Actor, StoreError> {
        self.store.actor(&me.signed_in, me.source.clone()).ok_or(StoreError::SignedOut)
    }

    fn entropy(&self) -> &Entropy {
        self.store.entropy()
    }

    /// A new row's id, for rows that have no type of id.
    fn row_id(&self, at: Timestamp) -> Uuid {
        EventId::new(at, self.entropy()).uuid()
    }

    /// Waits until an answer that began at `began` may leave.
    async fn hold_answer(&self, began: Instant) {
        if let Some(rest) = self.answer_floor.checked_sub(began.elapsed()) {
            tokio::time::sleep(rest).await;
        }
    }
}

/// The rows that a transaction points at with `step_into` need the practice's keys, and those are
/// learnt before it begins: this many practices, known.
impl Identity {
    async fn know_all(&self, practices: &[PracticeId]) -> Result<(), StoreError> {
        for practice in practices {
            self.store.know(*practice).await?;
        }
        Ok(())
    }
}
