//! Who acts. An actor is minted only here, from something that was read: a session, a job, a visit.

use std::ops::Deref;

use jiff::{SignedDuration, Timestamp};
use kernel::{ClientId, PersonId, PracticeId, SessionId, Source};
use quick_cache::sync::Cache;
use tokio_postgres::Row;
use uuid::Uuid;

pub use crate::policy::Job;
use crate::policy::Scopes;
use crate::trip::Trip;
use crate::{Store, StoreError};

/// The SHA-256 of a session's token, as the identity crate makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionHash(pub [u8; 32]);

/// The SHA-256 of what a client of the API carries, as the identity crate makes it. The two kinds are never
/// found in each other's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientHash {
    /// Of a key that is good until the client ends.
    Key([u8; 32]),
    /// Of a pass for minutes.
    Pass([u8; 32]),
}

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
        /// Whether a passkey has been shown in this session.
        by_passkey: bool,
    },
    /// A job of the program itself.
    Machine(Job),
    /// Nobody that we know: somebody at the sign-in page, or with an invitation.
    Visitor,
    /// A program that the practice has let in.
    Client {
        /// Which.
        client: ClientId,
        /// What it may do: what its key or its pass says.
        scopes: Scopes,
        /// When its row was read.
        read_at: Timestamp,
        /// By what it was known, where its row was read for an earlier request: then it is read again with the first
        /// thing that it asks, and must say the same.
        recalled: Option<ClientHash>,
    },
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
            ActorKind::Machine(_) | ActorKind::Visitor | ActorKind::Client { .. } => None,
        }
    }

    /// The session, if it came by one.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        match self.kind {
            ActorKind::Person { session, .. } => Some(session),
            ActorKind::Machine(_) | ActorKind::Visitor | ActorKind::Client { .. } => None,
        }
    }

    /// The client, if it is one.
    #[must_use]
    pub fn client(&self) -> Option<ClientId> {
        match self.kind {
            ActorKind::Client { client, .. } => Some(client),
            ActorKind::Person { .. } | ActorKind::Machine(_) | ActorKind::Visitor => None,
        }
    }

    /// What a client may do; nothing for anybody else, whom other rules are for.
    #[must_use]
    pub fn scopes(&self) -> Scopes {
        match self.kind {
            ActorKind::Client { scopes, .. } => scopes,
            ActorKind::Person { .. } | ActorKind::Machine(_) | ActorKind::Visitor => Scopes::default(),
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
            ActorKind::Client { client, .. } => client.uuid(),
        }
    }

    pub(crate) fn ledger_kind(&self) -> ledger::ActorKind {
        match self.kind {
            ActorKind::Person { .. } => ledger::ActorKind::Person,
            ActorKind::Machine(_) => ledger::ActorKind::Machine,
            ActorKind::Visitor => ledger::ActorKind::Visitor,
            ActorKind::Client { .. } => ledger::ActorKind::Client,
        }
    }
}

/// A session's row that was read and found good. What it says can be read and not be changed: whoever
/// could put another person's id into it could act as them.
#[derive(Debug, Clone)]
pub struct SignedIn {
    facts: SessionFacts,
}

impl SignedIn {
    /// As one who acts.
    pub(crate) fn kind(&self) -> ActorKind {
        let SessionFacts { person, session, by_passkey, .. } = self.facts;
        ActorKind::Person { person, session, by_passkey }
    }
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
    /// Whether a passkey has been shown in it.
    pub by_passkey: bool,
    /// When both factors were last proved.
    pub proved_at: Timestamp,
    /// When the session ends at the latest.
    pub expires_at: Timestamp,
}

/// A session ends after this long without a request.
pub const IDLE_MAX: SignedDuration = SignedDuration::from_mins(30);

/// Looks a session up and touches it, at most once a minute. Ended, expired and idle ones are not found.
const FIND_SESSION: &str = "
    select s.id, s.person_id, s.entered, s.proved_at, s.expires_at, seen.seen_at, s.factors in ('passkey', 'password+passkey')
    from session s
    join person p on p.practice_id = s.practice_id and p.id = s.person_id
    join session_seen seen on seen.practice_id = s.practice_id and seen.session_id = s.id
    where s.practice_id = $1 and s.token_hash = $2 and s.ended_at is null and s.expires_at > $3
      and seen.seen_at > $4 and p.state = 'active'";

const TOUCH: &str = "update session_seen set seen_at = $3 where practice_id = $1 and session_id = $2";

const FIND_KEY: &str = "
    select c.id, c.scopes, seen.seen_at
    from api_client c
    join api_client_seen seen on seen.practice_id = c.practice_id and seen.client_id = c.id
    where c.practice_id = $1 and c.token_hash = $2 and c.state = 'active' and c.expires_at > $3";

const FIND_PASS: &str = "
    select c.id, t.scopes, seen.seen_at
    from api_token t
    join api_client c on c.practice_id = t.practice_id and c.id = t.client_id
    join api_client_seen seen on seen.practice_id = c.practice_id and seen.client_id = c.id
    where t.practice_id = $1 and t.token_hash = $2 and t.expires_at > $3 and c.state = 'active' and c.expires_at > $3";

/// As [`FIND_KEY`], of a client that was seen a moment ago.
const KEY_STANDS: &str = "
    select id, scopes from api_client
    where practice_id = $1 and token_hash = $2 and state = 'active' and expires_at > $3";

/// As [`FIND_PASS`], likewise.
const PASS_STANDS: &str = "
    select c.id, t.scopes
    from api_token t
    join api_client c on c.practice_id = t.practice_id and c.id = t.client_id
    where t.practice_id = $1 and t.token_hash = $2 and t.expires_at > $3 and c.state = 'active' and c.expires_at > $3";

const TOUCH_CLIENT: &str = "update api_client_seen set seen_at = $3 where practice_id = $1 and client_id = $2";

/// What somebody is in a practice that they come into, and whether it wants to see a passkey.
pub(crate) const COMING_IN: &str = "
    select m.roles, p.factors = 'passkey'
    from membership m
    join practice p on p.practice_id = m.practice_id and p.id = m.practice_id
    where m.practice_id = $1 and m.id = $2 and m.status = 'active'";

/// What somebody is in a practice.
pub(crate) const MEMBER: &str = "select roles from membership where practice_id = $1 and id = $2 and status = 'active'";

/// Whether a client still stands.
pub(crate) const STANDING: &str =
    "select 1 from api_client where practice_id = $1 and id = $2 and state = 'active' and expires_at > $3";

/// How often at most it is written down that a session or a client was used.
const TOUCHED_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// A client's row that was read this long ago or less is not read again: each request reads it once, and
/// what goes on for longer (an export) is stopped when the client is.
const CLIENT_STANDS_FOR: SignedDuration = SignedDuration::from_secs(5);

const KNOWN_PRACTICE: &str = "select 1 from practice_listing where practice_id = $1 and id = $2 and state = 'active'";

/// Clients that were lately read, by what they carry.
pub(crate) struct Recalled(Cache<(PracticeId, ClientHash), (Timestamp, ClientId, Scopes)>);

/// At most this many are kept in mind.
const RECALLED_MAX: usize = 10_000;

impl Default for Recalled {
    fn default() -> Self {
        Self(Cache::new(RECALLED_MAX))
    }
}

impl Recalled {
    /// The row no longer says what it said.
    pub(crate) fn forget(&self, practice: PracticeId, hash: ClientHash) {
        self.0.remove(&(practice, hash));
    }
}

impl ClientHash {
    /// The statement that finds a client by it; practice, hash and moment are given to it. The first two columns are its
    /// id and what it may do, the third when it was last seen.
    fn found_by(&self) -> &'static str {
        match self {
            Self::Key(_) => FIND_KEY,
            Self::Pass(_) => FIND_PASS,
        }
    }

    /// The statement that says of a client which was found by it that it still stands: the first two columns again.
    pub(crate) fn still_by(&self) -> &'static str {
        match self {
            Self::Key(_) => KEY_STANDS,
            Self::Pass(_) => PASS_STANDS,
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Key(hash) | Self::Pass(hash) => hash,
        }
    }
}

/// What a client may do, as its row says.
pub(crate) fn scopes_in(row: &Row) -> Result<Scopes, StoreError> {
    row.try_get::<_, &str>(1)?.parse().map_err(|_| StoreError::Unreadable { what: "scopes" })
}

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
        if now.duration_since(seen) > TOUCHED_EVERY {
            // Seldom, so it may be a transaction of its own. One that has ended meanwhile is touched in vain.
            let trip = Trip::begin(&self.inner.pool, PracticeId::HOUSE).await?;
            trip.only(TOUCH, &[&house, &session, &now]).await?;
        }
        let facts = SessionFacts {
            person: PersonId::from_uuid(row.try_get(1)?),
            session: SessionId::from_uuid(session),
            entered: row.try_get::<_, Option<Uuid>>(2)?.map(PracticeId::from_uuid),
            by_passkey: row.try_get(6)?,
            proved_at: row.try_get(3)?,
            expires_at: row.try_get(4)?,
        };
        Ok(Some(SignedIn { facts }))
    }

    /// The actor of a signed-in person in the practice the session has entered.
    #[must_use]
    pub fn actor(&self, signed_in: &SignedIn, source: Source) -> Option<Actor> {
        Some(Actor { kind: signed_in.kind(), practice: signed_in.entered?, source })
    }

    /// The client whose key or pass this is the hash of, if both stand. It is looked for in this practice and nowhere
    /// else: now or, where that was done within the last minute, with the first thing that it asks of the doors.
    pub async fn client(
        &self,
        practice: PracticeId,
        hash: ClientHash,
        source: Source,
    ) -> Result<Option<Actor>, StoreError> {
        let now = self.inner.clock.now();
        let recalled = &self.inner.recalled.0;
        if let Some((read_at, client, scopes)) = recalled.get(&(practice, hash))
            && (SignedDuration::ZERO..TOUCHED_EVERY).contains(&now.duration_since(read_at))
        {
            let kind = ActorKind::Client { client, scopes, read_at, recalled: Some(hash) };
            return Ok(Some(Actor { kind, practice, source }));
        }
        let here = practice.uuid();
        let trip = Trip::begin(&self.inner.pool, practice).await?;
        let rows = trip.only(hash.found_by(), &[&here, &hash.bytes(), &now]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (client, scopes): (Uuid, Scopes) = (row.try_get(0)?, scopes_in(row)?);
        let seen: Option<Timestamp> = row.try_get(2)?;
        if seen.is_none_or(|seen| now.duration_since(seen) > TOUCHED_EVERY) {
            let trip = Trip::begin(&self.inner.pool, practice).await?;
            trip.execute(TOUCH_CLIENT, &[&here, &client, &now]).await?;
            trip.commit().await?;
        }
        let client = ClientId::from_uuid(client);
        recalled.insert((practice, hash), (now, client, scopes));
        let kind = ActorKind::Client { client, scopes, read_at: now, recalled: None };
        Ok(Some(Actor { kind, practice, source }))
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

/// Whether a client's row was read so lately that it need not be read again.
pub(crate) fn is_fresh(read_at: Timestamp, now: Timestamp) -> bool {
    (SignedDuration::ZERO..=CLIENT_STANDS_FOR).contains(&now.duration_since(read_at))
}
