//! Who acts. An actor is minted only here, from something that was read: a session, a job, a visit.

use std::ops::Deref;

use jiff::{SignedDuration, Timestamp};
use kernel::{PersonId, PracticeId, SessionId, Source};
use uuid::Uuid;

pub use crate::policy::Job;
use crate::trip::Trip;
use crate::{Store, StoreError};

/// The SHA-256 of a session's token, as the identity crate makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionHash(pub [u8; 32]);

/// Somebody, somewhere, in one practice. There is no public way to make one: the store reads a
/// session, or starts a job of the program itself.
#[derive(Debug, Clone)]
pub struct Actor {
    pub(crate) kind: ActorKind,
    pub(crate) practice: PracticeId,
    pub(crate) source: Source,
}

/// What kind of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActorKind {
    /// A signed-in person.
    Person {
        /// Who.
        person: PersonId,
        /// Through which session.
        session: SessionId,
    },
    /// A job of the program itself.
    Machine(Job),
    /// Nobody that we know: somebody at the sign-in page, or with an invitation.
    Visitor,
}

impl Actor {
    /// The practice it acts in.
    #[must_use]
    pub fn practice(&self) -> PracticeId {
        self.practice
    }

    /// The person, if it is one.
    #[must_use]
    pub fn person(&self) -> Option<PersonId> {
        match self.kind {
            ActorKind::Person { person, .. } => Some(person),
            ActorKind::Machine(_) | ActorKind::Visitor => None,
        }
    }

    /// The session, if it came by one.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        match self.kind {
            ActorKind::Person { session, .. } => Some(session),
            ActorKind::Machine(_) | ActorKind::Visitor => None,
        }
    }

    /// Where it acts from.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The id by which the audit and the idempotency table know it.
    pub(crate) fn id(&self) -> Uuid {
        match self.kind {
            ActorKind::Person { person, .. } => person.uuid(),
            ActorKind::Machine(job) => job.id(),
            ActorKind::Visitor => Uuid::nil(),
        }
    }

    pub(crate) fn ledger_kind(&self) -> ledger::ActorKind {
        match self.kind {
            ActorKind::Person { .. } => ledger::ActorKind::Person,
            ActorKind::Machine(_) => ledger::ActorKind::Machine,
            ActorKind::Visitor => ledger::ActorKind::Visitor,
        }
    }
}

/// A session's row that was read and found good. What it says can be read and not be changed: whoever
/// could put another person's id into it could act as them.
#[derive(Debug, Clone)]
pub struct SignedIn {
    facts: SessionFacts,
}

impl Deref for SignedIn {
    type Target = SessionFacts;
    fn deref(&self) -> &SessionFacts {
        &self.facts
    }
}

/// What a session's row says. By itself it opens nothing: only a [`SignedIn`] does.
#[derive(Debug, Clone)]
pub struct SessionFacts {
    /// Who.
    pub person: PersonId,
    /// Which session.
    pub session: SessionId,
    /// The practice this browser is in, if any.
    pub entered: Option<PracticeId>,
    /// When both factors were last proved.
    pub proved_at: Timestamp,
    /// When the session ends at the latest.
    pub expires_at: Timestamp,
}

/// A session ends after this long without a request.
pub const IDLE_MAX: SignedDuration = SignedDuration::from_mins(30);

/// Looks a session up and touches it, at most once a minute. Ended, expired and idle ones are not found.
const FIND_SESSION: &str = "
    select s.id, s.person_id, s.entered, s.proved_at, s.expires_at, seen.seen_at
    from session s
    join person p on p.practice_id = s.practice_id and p.id = s.person_id
    join session_seen seen on seen.practice_id = s.practice_id and seen.session_id = s.id
    where s.practice_id = $1 and s.token_hash = $2 and s.ended_at is null and s.expires_at > $3
      and seen.seen_at > $4 and p.state = 'active'";

const TOUCH: &str = "update session_seen set seen_at = $3 where practice_id = $1 and session_id = $2";

const KNOWN_PRACTICE: &str = "select 1 from practice_listing where practice_id = $1 and id = $2 and state = 'active'";

impl Store {
    /// The session that a cookie's hash names, if it is good at this moment.
    pub async fn session(&self, hash: SessionHash) -> Result<Option<SignedIn>, StoreError> {
        let now = self.inner.clock.now();
        let house = PracticeId::HOUSE.uuid();
        let idle_since = now.saturating_sub(IDLE_MAX).unwrap_or(now);
        let trip = Trip::begin(&self.inner.pool, PracticeId::HOUSE).await?;
        let rows = trip.only(FIND_SESSION, &[&house, &hash.0.as_slice(), &now, &idle_since]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let session: Uuid = row.try_get(0)?;
        let seen: Timestamp = row.try_get(5)?;
        if now.duration_since(seen) > SignedDuration::from_mins(1) {
            // Seldom, so it may be a transaction of its own. One that has ended meanwhile is touched in vain.
            let trip = Trip::begin(&self.inner.pool, PracticeId::HOUSE).await?;
            trip.only(TOUCH, &[&house, &session, &now]).await?;
        }
        let facts = SessionFacts {
            person: PersonId::from_uuid(row.try_get(1)?),
            session: SessionId::from_uuid(session),
            entered: row.try_get::<_, Option<Uuid>>(2)?.map(PracticeId::from_uuid),
            proved_at: row.try_get(3)?,
            expires_at: row.try_get(4)?,
        };
        Ok(Some(SignedIn { facts }))
    }

    /// The actor of a signed-in person in the practice the session has entered.
    #[must_use]
    pub fn actor(&self, signed_in: &SignedIn, source: Source) -> Option<Actor> {
        Some(Actor {
            kind: ActorKind::Person { person: signed_in.person, session: signed_in.session },
            practice: signed_in.entered?,
            source,
        })
    }

    /// A job of the program itself, in the house or in a practice that this installation has.
    pub async fn machine(&self, job: Job, practice: PracticeId) -> Result<Actor, StoreError> {
        let actor = Actor { kind: ActorKind::Machine(job), practice, source: Source::Host };
        if practice == PracticeId::HOUSE {
            return Ok(actor);
        }
        let trip = Trip::begin(&self.inner.pool, PracticeId::HOUSE).await?;
        let known = trip.only(KNOWN_PRACTICE, &[&PracticeId::HOUSE.uuid(), &practice.uuid()]).await?;
        if known.is_empty() {
            return Err(StoreError::Missing);
        }
        Ok(actor)
    }
}
