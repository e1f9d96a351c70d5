//! From an actor to a permission: `enter` opens the transaction, `ask` asks the policies on facts of
//! that same transaction.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use deadpool_postgres::Pool;
use jiff::Timestamp;
use kernel::{Clock, Entropy, EventOrder, IdempotencyKey, PatientId, PersonId, PracticeId};
use seal::{Token, TokenKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSqlOwned, ToSql};
use uuid::Uuid;

use crate::actor::{ClientHash, Recalled};
use crate::addresses::Addresses;
use crate::carry::carried_for;
use crate::committer::Committer;
use crate::event::{Draft, Event};
use crate::keyring::{Keyring, PracticeKeys};
use crate::lookup::{Sought, TokenSet};
use crate::policy::{FhirTypes, Interaction, Policy, Profile, ResourceKind, Role, Roles};
use crate::row::Survey;
use crate::sql::Sql;
use crate::trip::{ALONE, Asked, Trip, alone_key};
use crate::tx::{AskedOnce, Desk, Tx};
use crate::{
    Action, Actor, ActorKind, ConnectError, PoolSettings, Reads, ServerAddress, StoreError, StoredRow, Writes, actor,
};

/// The doors of one installation. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) pool: Pool,
    pub(crate) keyring: Keyring,
    pub(crate) policy: Policy,
    pub(crate) committer: Committer,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) order: EventOrder,
    pub(crate) addresses: Addresses,
    pub(crate) recalled: Recalled,
}

/// What the store needs to open.
pub struct StoreSettings {
    /// The data cluster, as the running role.
    pub data: ServerAddress,
    /// Its connections.
    pub pool: PoolSettings,
    /// The keyring.
    pub keyring: Keyring,
    /// Time.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
}

/// What an action is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// The practice as a whole.
    Practice,
    /// One patient: the record, and those that were merged into it.
    Patient(PatientId),
    /// Two patients at once, of whom both must be open to the asker: to find out whether they are one.
    Both(PatientId, PatientId),
    /// One member of the team.
    Member(PersonId),
}

impl Resource {
    /// The patient whom an act on it is about; of two, the first.
    #[must_use]
    pub const fn patient(self) -> Option<PatientId> {
        match self {
            Self::Patient(id) | Self::Both(id, _) => Some(id),
            Self::Practice | Self::Member(_) => None,
        }
    }
}

/// The records that a permission reaches: whose each is, and its id. The records of one person are their own
/// and those that were merged into it.
pub(crate) type Reach = Vec<(PatientId, PatientId)>;

/// What a change came to: an id or path of our own, kept so that a retry is answered alike. It must
/// hold no value.
pub type Outcome = serde_json::Value;

/// A permission to change something, or the answer of the time it was done already.
pub enum Once<A> {
    /// Not done yet.
    Fresh(Tx<A>),
    /// Done before, under the same key.
    Done(Outcome),
}

impl Store {
    /// Opens the doors. Must be called within a Tokio runtime.
    pub fn open(settings: StoreSettings) -> Result<Self, ConnectError> {
        let pool = crate::pool::pool(&settings.data, settings.pool)?;
        let policy = Policy::load().map_err(|e| ConnectError::Pool(e.to_string()))?;
        let inner = Arc::new(Inner {
            committer: Committer::start(pool.clone()),
            pool,
            keyring: settings.keyring,
            policy,
            clock: settings.clock,
            entropy: settings.entropy,
            order: EventOrder::default(),
            addresses: Addresses::default(),
            recalled: Recalled::default(),
        });
        tokio::spawn(wipe_idle_keys(Arc::downgrade(&inner)));
        Ok(Self { inner })
    }

    /// The installation's clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The installation's randomness.
    #[must_use]
    pub fn entropy(&self) -> &Entropy {
        &self.inner.entropy
    }

    /// Opens a transaction for somebody in their practice. What they are there is read with the first thing that they
    /// ask.
    pub async fn enter(&self, actor: &Actor) -> Result<Threshold, StoreError> {
        if matches!(actor.kind, ActorKind::Visitor) {
            return Err(StoreError::SignedOut);
        }
        let inner = Arc::clone(&self.inner);
        let held = inner.keyring.ready(actor.practice).await?;
        let trip = Trip::begin(&inner.pool, actor.practice).await?;
        let entrance = Entrance { badge: Badge::of(actor, inner.clock.now()), admitted: OnceLock::new() };
        Ok(Threshold { inner, trip, held, actor: actor.clone(), entrance, named: None })
    }

    /// Whether both clusters answer. For health checks; reads nothing of any practice.
    pub async fn alive(&self) -> Result<(), StoreError> {
        self.inner.keyring.ready(PracticeId::HOUSE).await?;
        self.inner.keyring.begin(PracticeId::HOUSE).await?.only("select 1", &[]).await?;
        Trip::begin(&self.inner.pool, PracticeId::HOUSE).await?.only("select 1", &[]).await.map(drop)
    }
}

/// A practice that nobody asks for any more must not keep its key unwrapped for that.
async fn wipe_idle_keys(inner: Weak<Inner>) {
    loop {
        tokio::time::sleep(Duration::from_mins(1)).await;
        let Some(inner) = inner.upgrade() else { return };
        inner.keyring.wipe_expired();
    }
}

/// Whether there is such a patient, whether the record is open to other people only, where it was merged
/// into, and which were merged into it.
const PATIENT: &str = "
    select p.restricted and not exists (
        select from patient_access a
        where a.practice_id = p.practice_id and a.patient_id = p.id and a.person_id = $3
    ), p.id, p.merged_into,
    array(select m.id from patient m where m.practice_id = $1 and m.merged_into = p.id order by m.id)
    from patient p where p.practice_id = $1 and p.id = any($2)";
const STANDING: &str = "
    select merged_into from patient where practice_id = $1 and id = $2 and merged_into is not null";
const PATIENT_OF_ENTRY: &str = "
    select coalesce(p.merged_into, p.id) from record_entry e
    join patient p on p.practice_id = e.practice_id and p.id = e.patient_id
    where e.practice_id = $1 and e.id = $2";
const PATIENT_OF_ALERT: &str = "
    select coalesce(p.merged_into, p.id) from patient_alert a
    join patient p on p.practice_id = a.practice_id and p.id = a.patient_id
    where a.practice_id = $1 and a.id = $2";
const OUTCOME: &str =
    "select fingerprint, outcome from idempotency where practice_id = $1 and actor_id = $2 and key = $3";

/// What must be read of somebody before anything that they ask is answered.
enum Badge {
    /// Of a person: their roles in the team, and whether it wants a passkey, which they have shown or not.
    Member { practice: Uuid, person: Uuid, by_passkey: bool },
    /// Of a program whose row was read a while ago: that it still stands.
    Client { practice: Uuid, client: Uuid, now: Timestamp },
    /// Of a program that is known from an earlier request: that what it carries stands for the same.
    Recalled { practice: Uuid, hash: ClientHash, bytes: Vec<u8>, now: Timestamp },
}

impl Badge {
    fn of(actor: &Actor, now: Timestamp) -> Option<Self> {
        let practice = actor.practice.uuid();
        match actor.kind {
            ActorKind::Person { person, by_passkey, .. } => {
                Some(Self::Member { practice, person: person.uuid(), by_passkey })
            }
            ActorKind::Client { recalled: Some(hash), .. } => {
                Some(Self::Recalled { practice, hash, bytes: hash.bytes().to_vec(), now })
            }
            ActorKind::Client { client, read_at, .. } if !actor::is_fresh(read_at, now) => {
                Some(Self::Client { practice, client: client.uuid(), now })
            }
            ActorKind::Client { .. } | ActorKind::Machine(_) | ActorKind::Visitor => None,
        }
    }

    fn text(&self) -> &'static str {
        match self {
            Self::Member { .. } => actor::COMING_IN,
            Self::Client { .. } => actor::STANDING,
            Self::Recalled { hash, .. } => hash.still_by(),
        }
    }

    fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        match self {
            Self::Member { practice, person, .. } => vec![practice, person],
            Self::Client { practice, client, now } => vec![practice, client, now],
            Self::Recalled { practice, bytes, now, .. } => vec![practice, bytes, now],
        }
    }
}

/// What must be read of a resource before a decision about it.
pub(crate) enum Fact {
    /// Of patients, and who asks if it is a person: a record may be open to named people only.
    Patients { practice: Uuid, ids: Vec<Uuid>, asker: Option<Uuid> },
    /// Of a member of the team.
    Member { practice: Uuid, id: Uuid },
}

impl Fact {
    fn of(actor: &Actor, resource: Resource) -> Option<Self> {
        let practice = actor.practice.uuid();
        let patients = |ids| Self::Patients { practice, ids, asker: actor.person().map(PersonId::uuid) };
        match resource {
            Resource::Practice => None,
            Resource::Patient(id) => Some(patients(vec![id.uuid()])),
            Resource::Both(one, other) => Some(patients(vec![one.uuid(), other.uuid()])),
            Resource::Member(id) => Some(Self::Member { practice, id: id.uuid() }),
        }
    }

    fn text(&self) -> &'static str {
        match self {
            Self::Patients { .. } => PATIENT,
            Self::Member { .. } => actor::MEMBER,
        }
    }

    fn params(&self) -> Vec<&(dyn ToSql + Sync)> {
        match self {
            Self::Patients { practice, ids, asker } => vec![practice, ids, asker],
            Self::Member { practice, id } => vec![practice, id],
        }
    }
}

/// What kind of resource it is, by what [`Fact`] found of it; and the records of patients that it reaches.
fn kind_of(resource: Resource, rows: Option<&Vec<Row>>) -> Result<(ResourceKind, Reach), StoreError> {
    let found = rows.map(Vec::as_slice).unwrap_or_default();
    match resource {
        Resource::Practice => Ok((ResourceKind::Practice, Reach::new())),
        Resource::Patient(id) => patients(&[id], found),
        Resource::Both(one, other) => patients(&[one, other], found),
        Resource::Member(_) => {
            let roles: &str = found.first().ok_or(StoreError::Missing)?.try_get(0)?;
            let roles: Roles = roles.parse().map_err(|_| StoreError::Unreadable { what: "roles" })?;
            let kind = if roles.has(Role::Owner) { ResourceKind::OwnerMember } else { ResourceKind::Member };
            Ok((kind, Reach::new()))
        }
    }
}

/// All of them must be there and stand; one that is barred bars them all.
fn patients(ids: &[PatientId], found: &[Row]) -> Result<(ResourceKind, Reach), StoreError> {
    let mut known = Vec::with_capacity(found.len());
    for row in found {
        let merged: Option<Uuid> = row.try_get(2)?;
        let away: Vec<Uuid> = row.try_get(3)?;
        known.push((PatientId::from_uuid(row.try_get(1)?), row.try_get::<_, bool>(0)?, merged, away));
    }
    let (mut kind, mut reach) = (ResourceKind::Patient, Reach::new());
    for id in ids {
        let (_, barred, merged, away) = known.iter().find(|(known, ..)| known == id).ok_or(StoreError::Missing)?;
        if let Some(into) = merged {
            return Err(StoreError::Merged { into: PatientId::from_uuid(*into) });
        }
        if *barred {
            kind = ResourceKind::BarredPatient;
        }
        reach.push((*id, *id));
        reach.extend(away.iter().map(|away| (*id, PatientId::from_uuid(*away))));
    }
    Ok((kind, reach))
}

fn asked_of<'a>(fact: Option<&'a Fact>, params: Option<&'a Vec<&'a (dyn ToSql + Sync)>>) -> Option<Asked<'a>> {
    fact.zip(params).map(|(fact, params)| -> Asked<'a> { (fact.text(), params) })
}

/// What makes a change happen once, as parameters.
struct Turn {
    lock: i64,
    practice: Uuid,
    asker: Uuid,
    key: Uuid,
}

impl Turn {
    fn of(asker: Uuid, practice: PracticeId, key: IdempotencyKey) -> Self {
        Self { lock: alone_key(key.uuid()), practice: practice.uuid(), asker, key: key.uuid() }
    }

    /// Of [`ALONE`]: waits until no other transaction holds the same key, which it lets go at its end.
    fn lock(&self) -> [&(dyn ToSql + Sync); 1] {
        [&self.lock]
    }

    /// Of [`OUTCOME`]: what the key came to before. Two requests that are the same one sent twice come one after the
    /// other, and the second finds the answer of the first.
    fn key(&self) -> [&(dyn ToSql + Sync); 3] {
        [&self.practice, &self.asker, &self.key]
    }
}

/// Waits for the turn of a key, then looks what it came to before; in one trip.
pub(crate) async fn alone(
    trip: &Trip,
    asker: Uuid,
    practice: PracticeId,
    key: IdempotencyKey,
    print: &Token,
) -> Result<Option<Outcome>, StoreError> {
    let turn = Turn::of(asker, practice, key);
    let rows = trip.all(&[(ALONE, &turn.lock()), (OUTCOME, &turn.key())]).await?;
    read_outcome(rows.last().map(Vec::as_slice).unwrap_or_default(), print)
}

/// A statement and what is given to it. `$1` is the practice, and what is given begins at `$2`.
pub type Wanted<'a> = (Sql, &'a [&'a (dyn ToSql + Sync)]);

/// The parameters of what is wanted, each list beginning with the practice.
pub(crate) fn params_in<'a>(practice: &'a Uuid, wanted: &[Wanted<'a>]) -> Vec<Vec<&'a (dyn ToSql + Sync)>> {
    let whole = |given: &[&'a (dyn ToSql + Sync)]| {
        std::iter::once(practice as &(dyn ToSql + Sync)).chain(given.iter().copied()).collect()
    };
    wanted.iter().map(|(_, given)| whole(given)).collect()
}

/// What is wanted, to be asked.
pub(crate) fn asked_for<'a>(
    wanted: &[Wanted<'_>],
    params: &'a [Vec<&'a (dyn ToSql + Sync)>],
) -> impl Iterator<Item = Asked<'a>> {
    wanted.iter().zip(params).map(|((sql, _), params)| -> Asked<'a> { (sql.text(), params) })
}

/// What stands in the first two columns.
pub(crate) fn two_columns<One: FromSqlOwned, Other: FromSqlOwned>(
    rows: &[Row],
) -> Result<Vec<(One, Other)>, StoreError> {
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// What was brought under the permission `A`, still sealed: a list for each statement.
pub struct Brought<A> {
    practice: PracticeId,
    lists: VecDeque<Vec<Row>>,
    allowed: PhantomData<fn() -> A>,
}

impl<A> Brought<A> {
    pub(crate) fn of(practice: PracticeId, lists: impl IntoIterator<Item = Vec<Row>>) -> Self {
        Self { practice, lists: lists.into_iter().collect(), allowed: PhantomData }
    }

    /// The rows of the next statement.
    pub fn rows<R: StoredRow>(&mut self) -> Result<Vec<R>, StoreError> {
        self.next().iter().map(|row| R::decode(row, self.practice)).collect()
    }

    /// The one row of the next statement, or [`StoreError::Missing`].
    pub fn row<R: StoredRow>(&mut self) -> Result<R, StoreError> {
        self.rows()?.into_iter().next().ok_or(StoreError::Missing)
    }

    /// The ids in the first column of the next statement.
    pub fn ids(&mut self) -> Result<Vec<Uuid>, StoreError> {
        self.next().iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// The ids in its first two columns.
    pub fn pairs(&mut self) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
        two_columns(&self.next())
    }

    /// The number in the first column of its first row; 0 if there is none.
    pub fn count(&mut self) -> Result<i64, StoreError> {
        self.next().first().map_or(Ok(0), |row| Ok(row.try_get(0)?))
    }

    /// Counts by a clear code: the code in its first column, the number in the second.
    pub fn counts(&mut self) -> Result<Vec<(String, i64)>, StoreError> {
        two_columns(&self.next())
    }

    fn next(&mut self) -> Vec<Row> {
        self.lists.pop_front().unwrap_or_default()
    }
}

/// Somebody who has entered and brought everything that they want to read: nothing of it is theirs before they ask.
pub struct Arrival {
    threshold: Threshold,
    resource: Resource,
    facts: (ResourceKind, Reach),
    lists: VecDeque<Vec<Row>>,
}

impl Arrival {
    /// What is known of them.
    #[must_use]
    pub fn known(&self) -> Known<'_> {
        self.threshold.known_now()
    }

    /// As [`Threshold::ask`]; with the permission comes what was brought.
    pub async fn ask<A: Reads>(self) -> Result<(Tx<A>, Brought<A>), StoreError> {
        let Self { threshold, resource, facts, lists } = self;
        let brought = Brought::of(threshold.actor.practice, lists);
        Ok((threshold.decide::<A>(resource, facts, None).await?, brought))
    }
}

/// What is known of somebody who entered: to decide what a page offers, never instead of asking.
#[derive(Clone, Copy)]
pub struct Known<'t> {
    policy: &'t Policy,
    profile: Profile,
}

impl Known<'_> {
    /// The roles of a person; a job and a program have none.
    #[must_use]
    pub fn roles(self) -> Roles {
        match self.profile {
            Profile::Member(roles) => roles,
            Profile::Machine(_) | Profile::Client(_) => Roles::default(),
        }
    }

    /// Whether an action would be allowed.
    #[must_use]
    pub fn would_allow<A: Action>(self, kind: ResourceKind) -> bool {
        A::PARTS.iter().all(|part| self.policy.may(self.profile, part, kind))
    }
}

/// Whoever has entered is let in by the first thing that they ask.
struct Entrance {
    /// What must be read of them.
    badge: Option<Badge>,
    /// What that came to.
    admitted: OnceLock<Roles>,
}

impl Entrance {
    /// What must still be read.
    fn unread(&self) -> Option<&Badge> {
        self.badge.as_ref().filter(|_| self.admitted.get().is_none())
    }
}

/// A transaction in which nothing is allowed yet: it can only be asked.
pub struct Threshold {
    inner: Arc<Inner>,
    trip: Trip,
    held: Arc<PracticeKeys>,
    actor: Actor,
    entrance: Entrance,
    /// The kinds of resource that a program named.
    named: Option<(FhirTypes, Interaction)>,
}

impl Threshold {
    /// Names the kinds of FHIR resource that are asked about, and what is done with them. A client is then
    /// asked for the scopes of these alone; where nothing is named it is asked for all of the record's.
    /// Changes nothing for people and jobs.
    #[must_use]
    pub fn naming(self, kinds: FhirTypes, letter: Interaction) -> Self {
        Self { named: Some((kinds, letter)), ..self }
    }

    /// What is known of whoever entered. [`StoreError::SignedOut`]: they do not belong here (any more). Of a program it
    /// is what its key or pass was read to say; that it still stands is found out with what it asks for.
    pub async fn known(&self) -> Result<Known<'_>, StoreError> {
        if !matches!(self.actor.kind, ActorKind::Client { .. }) {
            self.query(&[]).await?;
        }
        Ok(self.known_now())
    }

    fn known_now(&self) -> Known<'_> {
        let profile = match self.actor.kind {
            ActorKind::Machine(job) => Profile::Machine(job),
            ActorKind::Client { scopes, .. } => Profile::Client(scopes.grants(self.named)),
            ActorKind::Person { .. } | ActorKind::Visitor => {
                Profile::Member(self.entrance.admitted.get().copied().unwrap_or_default())
            }
        };
        Known { policy: &self.inner.policy, profile }
    }

    /// Lets them in by what was read of them.
    fn admit(&self, rows: &[Row]) -> Result<(), StoreError> {
        let row = rows.first();
        let roles = match &self.entrance.badge {
            Some(Badge::Member { by_passkey, .. }) => {
                let row = row.ok_or(StoreError::SignedOut)?;
                if row.try_get(1)? && !by_passkey {
                    return Err(StoreError::PasskeyWanted);
                }
                let roles: &str = row.try_get(0)?;
                roles.parse().map_err(|_| StoreError::Unreadable { what: "roles" })?
            }
            Some(Badge::Recalled { hash, .. }) => {
                if !row.map_or(Ok(false), |row| self.is_as_recalled(row))? {
                    self.inner.recalled.forget(self.actor.practice, *hash);
                    return Err(StoreError::SignedOut);
                }
                Roles::default()
            }
            Some(Badge::Client { .. }) => row.map(|_| Roles::default()).ok_or(StoreError::SignedOut)?,
            None => Roles::default(),
        };
        // Whoever came first read the same.
        let _ = self.entrance.admitted.set(roles);
        Ok(())
    }

    /// Lets them in by the first of what was read; the rest.
    fn admitted_by(&self, mut rows: Vec<Vec<Row>>) -> Result<Vec<Vec<Row>>, StoreError> {
        self.admit(&rows.remove(0))?;
        Ok(rows)
    }

    fn is_as_recalled(&self, row: &Row) -> Result<bool, StoreError> {
        let now = (row.try_get::<_, Uuid>(0)?, actor::scopes_in(row)?);
        Ok(now == (self.actor.id(), self.actor.scopes()))
    }

    /// Asks statements, and before them who it is that asks, where that has not been read; in one trip.
    async fn query(&self, asked: &[Asked<'_>]) -> Result<Vec<Vec<Row>>, StoreError> {
        let Some(badge) = self.entrance.unread() else { return self.trip.all(asked).await };
        let shown = badge.params();
        let rows = self.trip.all(&[&[(badge.text(), shown.as_slice())], asked].concat()).await?;
        self.admitted_by(rows)
    }

    /// As [`Threshold::query`]; the transaction ends with it.
    async fn query_last(&mut self, asked: &[Asked<'_>]) -> Result<Vec<Vec<Row>>, StoreError> {
        let failed = |(_, error)| error;
        let Some(badge) = self.entrance.unread() else { return self.trip.end(asked).await.map_err(failed) };
        let shown = badge.params();
        let rows = self.trip.end(&[&[(badge.text(), shown.as_slice())], asked].concat()).await.map_err(failed)?;
        self.admitted_by(rows)
    }

    /// Whose record an entry belongs to, for asking about that patient. [`StoreError::Missing`] if there is
    /// no such entry here.
    pub async fn patient_of_entry(&self, id: Uuid) -> Result<PatientId, StoreError> {
        self.patient_of(PATIENT_OF_ENTRY, id).await?.ok_or(StoreError::Missing)
    }

    /// Whose record an alert belongs to, likewise.
    pub async fn patient_of_alert(&self, id: Uuid) -> Result<PatientId, StoreError> {
        self.patient_of(PATIENT_OF_ALERT, id).await?.ok_or(StoreError::Missing)
    }

    /// The record that stands for a patient now: another where this one was merged away. What is not here is
    /// given back as it is.
    pub async fn standing(&self, patient: PatientId) -> Result<PatientId, StoreError> {
        Ok(self.patient_of(STANDING, patient.uuid()).await?.unwrap_or(patient))
    }

    async fn patient_of(&self, text: &'static str, id: Uuid) -> Result<Option<PatientId>, StoreError> {
        let found = self.query(&[(text, &[&self.actor.practice.uuid(), &id])]).await?;
        let row = found.first().and_then(|rows| rows.first());
        Ok(row.map(|row| row.try_get(0).map(PatientId::from_uuid)).transpose()?)
    }

    /// Words as the tokens by which [`Threshold::bring`] finds whom they mean.
    pub async fn sought(&self, words: &TokenSet) -> Result<Sought, StoreError> {
        self.inner.sought(&self.held, words).await
    }

    /// Opens what was sealed for whoever entered to bring back ([`Tx::carry`]). `None` if it was sealed for
    /// somebody else, elsewhere or for another use, or was altered: which of these is not told.
    pub async fn carried(&self, label: &'static str, envelope: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.query(&[]).await?;
        let practice = self.actor.practice;
        let key = self.inner.keyring.data_key(&self.held, practice.uuid()).await?;
        Ok(key.open(&carried_for(practice, &self.actor, label), envelope).ok().map(|bytes| bytes.to_vec()))
    }

    /// Asks for a permission to read. Another practice's id, or none, is [`StoreError::Missing`], and so is to a
    /// program a record that is open to named people only; a refusal is recorded before it is told.
    pub async fn ask<A: Reads>(self, resource: Resource) -> Result<Tx<A>, StoreError> {
        let fact = Fact::of(&self.actor, resource);
        let params = fact.as_ref().map(Fact::params);
        self.trip.read_only();
        let rows = self.query(asked_of(fact.as_ref(), params.as_ref()).as_slice()).await?;
        let facts = kind_of(resource, rows.first())?;
        self.decide::<A>(resource, facts, None).await
    }

    /// For whoever knows beforehand what to read: who they are, the facts of the decision and the rows come in one
    /// trip, in which the transaction also ends. The rows are sealed, and are handed out with the permission.
    pub async fn bring(mut self, resource: Resource, wanted: &[Wanted<'_>]) -> Result<Arrival, StoreError> {
        let fact = Fact::of(&self.actor, resource);
        let params = fact.as_ref().map(Fact::params);
        let practice = self.actor.practice.uuid();
        let theirs = params_in(&practice, wanted);
        let asked: Vec<Asked<'_>> =
            asked_of(fact.as_ref(), params.as_ref()).into_iter().chain(asked_for(wanted, &theirs)).collect();
        self.trip.read_only();
        let mut lists = VecDeque::from(self.query_last(&asked).await?);
        let of_resource = fact.as_ref().and_then(|_| lists.pop_front());
        let facts = kind_of(resource, of_resource.as_ref())?;
        Ok(Arrival { threshold: self, resource, facts, lists })
    }

    /// Asks for a permission to change something, once. `fingerprint` is what was sent: the same key
    /// with other content is refused.
    pub async fn ask_once<A: Writes>(
        self,
        resource: Resource,
        key: IdempotencyKey,
        fingerprint: &(impl Serialize + Sync),
    ) -> Result<Once<A>, StoreError> {
        let print = self.inner.fingerprint(&self.held, A::NAME, resource, fingerprint).await?;
        let (asker, practice) = (self.actor.id(), self.actor.practice);
        let fact = Fact::of(&self.actor, resource);
        let params = fact.as_ref().map(Fact::params);
        let turn = Turn::of(asker, practice, key);
        let (waits, known) = (turn.lock(), turn.key());
        let mut all: Vec<Asked<'_>> = vec![(ALONE, &waits), (OUTCOME, &known)];
        all.extend(asked_of(fact.as_ref(), params.as_ref()));
        let mut rows = self.query(&all).await?.into_iter().skip(1);
        if let Some(outcome) = read_outcome(&rows.next().unwrap_or_default(), &print)? {
            return Ok(Once::Done(outcome));
        }
        let facts = kind_of(resource, rows.next().as_ref())?;
        self.decide::<A>(resource, facts, Some((asker, key, print))).await.map(Once::Fresh)
    }

    async fn decide<A: Action>(
        self,
        resource: Resource,
        (kind, reach): (ResourceKind, Reach),
        once: Option<AskedOnce>,
    ) -> Result<Tx<A>, StoreError> {
        let at = self.inner.clock.now();
        if !self.known_now().would_allow::<A>(kind) {
            // Nobody names a program: of a record that is open to named people only it does not know.
            let unknown = kind == ResourceKind::BarredPatient && matches!(self.actor.kind, ActorKind::Client { .. });
            return Err(match self.refuse::<A>(resource, at).await {
                StoreError::Refused { .. } if unknown => StoreError::Missing,
                told => told,
            });
        }
        let desk = Desk::new(self.inner, self.trip, self.held, self.actor, at, (resource, reach), once);
        Ok(Tx { desk: Box::new(desk), allowed: PhantomData })
    }

    /// Records the refusal in a transaction of its own, then tells it.
    async fn refuse<A: Action>(self, resource: Resource, at: Timestamp) -> StoreError {
        let Self { inner, trip, held, actor, .. } = self;
        drop(trip);
        let event = match resource {
            Resource::Practice => Event::new(),
            Resource::Patient(id) | Resource::Both(id, _) => Event::new().about("patient", id.uuid()),
            Resource::Member(id) => Event::new().about("member", id.uuid()),
        };
        let draft = Draft {
            id: inner.order.next(at, &inner.entropy),
            at,
            practice: actor.practice,
            actor: &actor,
            action: format!("{}.refused", A::NAME).into(),
            event,
            patient: resource.patient(),
            subjects: Vec::new(),
            changes: Vec::new(),
            amended: Vec::new(),
        };
        let written = async {
            let opener = inner.opener_for_event(&held, Survey::default(), draft.key()).await?;
            inner.committer.durable(draft.seal(&opener, &inner.entropy)?).await
        };
        match written.await {
            Ok(()) => StoreError::Refused { action: A::NAME },
            Err(error) => error,
        }
    }
}

impl Inner {
    /// A keyed hash of what was sent. Keyed, because a plain hash of a short name can be guessed.
    pub(crate) async fn fingerprint(
        &self,
        held: &PracticeKeys,
        action: &str,
        resource: Resource,
        content: &(impl Serialize + Sync),
    ) -> Result<Token, StoreError> {
        let content = serde_json::to_string(&(action, format!("{resource:?}"), content))
            .map_err(|_| StoreError::Unreadable { what: "request" })?;
        let key = self.index_key(held, "idempotency").await?;
        Ok(key.token(TokenKind::Identifier, &content))
    }
}

/// What the same key came to before, if it did.
pub(crate) async fn outcome_of(
    trip: &Trip,
    asker: Uuid,
    practice: PracticeId,
    key: IdempotencyKey,
    print: &Token,
) -> Result<Option<Outcome>, StoreError> {
    read_outcome(&trip.query(OUTCOME, &[&practice.uuid(), &asker, &key.uuid()]).await?, print)
}

fn read_outcome(rows: &[Row], print: &Token) -> Result<Option<Outcome>, StoreError> {
    let Some(row) = rows.first() else { return Ok(None) };
    let before: &[u8] = row.try_get(0)?;
    if before != print.bytes() {
        return Err(StoreError::KeyReused);
    }
    parse_outcome(row.try_get(1)?).map(Some)
}

fn parse_outcome<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Unreadable { what: "outcome" })
}
