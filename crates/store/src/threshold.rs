//! From an actor to a permission: `enter` opens the transaction, `ask` asks the policies on facts of
//! that same transaction.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::{Arc, Weak};
use std::time::Duration;

use deadpool_postgres::Pool;
use jiff::Timestamp;
use kernel::{Clock, Entropy, EventOrder, IdempotencyKey, PatientId, PersonId, PracticeId};
use seal::{Token, TokenKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::addresses::Addresses;
use crate::carry::carried_for;
use crate::committer::Committer;
use crate::event::{Draft, Event};
use crate::keyring::{Keyring, PracticeKeys};
use crate::policy::{FhirTypes, Interaction, Policy, Profile, ResourceKind, Role, Roles};
use crate::row::Survey;
use crate::sql::Sql;
use crate::trip::{ALONE, Asked, Trip, alone_key};
use crate::tx::{self, Desk, Tx};
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

    /// Opens a transaction for somebody in their practice, and reads what they are there.
    pub async fn enter(&self, actor: &Actor) -> Result<Threshold, StoreError> {
        let inner = Arc::clone(&self.inner);
        let held = inner.keyring.ready(actor.practice).await?;
        let trip = Trip::begin(&inner.pool, actor.practice).await?;
        let profile = match actor.kind {
            ActorKind::Person { person, .. } => {
                let rows = trip.query(MEMBER, &[&actor.practice.uuid(), &person.uuid()]).await?;
                let roles: &str = rows.first().ok_or(StoreError::SignedOut)?.try_get(0)?;
                Profile::Member(roles.parse().map_err(|_| StoreError::Unreadable { what: "roles" })?)
            }
            ActorKind::Machine(job) => Profile::Machine(job),
            ActorKind::Client { client, scopes, read_at } => {
                actor::standing(&trip, actor.practice, client, read_at, inner.clock.now()).await?;
                Profile::Client(scopes.grants(None))
            }
            ActorKind::Visitor => return Err(StoreError::SignedOut),
        };
        Ok(Threshold { inner, trip, held, profile, actor: actor.clone() })
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

const MEMBER: &str = "select roles from membership where practice_id = $1 and id = $2 and status = 'active'";
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
            Self::Member { .. } => MEMBER,
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

/// Waits until no other transaction holds the same key (it lets go at its end), then looks what the key
/// came to before, and reads a fact besides; in one trip. Two requests that are the same one sent twice
/// come one after the other, and the second finds the answer of the first.
pub(crate) async fn alone(
    trip: &Trip,
    asker: Uuid,
    practice: PracticeId,
    key: IdempotencyKey,
    print: &Token,
    fact: Option<&Fact>,
) -> Result<(Option<Outcome>, Option<Vec<Row>>), StoreError> {
    let (key, practice) = (key.uuid(), practice.uuid());
    let lock = alone_key(key);
    let (turn, known): ([&(dyn ToSql + Sync); 1], [&(dyn ToSql + Sync); 3]) = ([&lock], [&practice, &asker, &key]);
    let params = fact.map(Fact::params);
    let mut statements: Vec<Asked<'_>> = vec![(ALONE, &turn), (OUTCOME, &known)];
    statements.extend(fact.zip(params.as_ref()).map(|(fact, params)| -> Asked<'_> { (fact.text(), params) }));
    let mut answers = trip.all(&statements).await?.into_iter().skip(1);
    let before = read_outcome(&answers.next().unwrap_or_default(), print)?;
    Ok((before, answers.next()))
}

/// What [`Threshold::ask_for`] brought, still sealed: a list for each statement.
pub struct Brought {
    practice: PracticeId,
    lists: VecDeque<Vec<Row>>,
}

impl Brought {
    /// The rows of the next statement.
    pub fn rows<R: StoredRow>(&mut self) -> Result<Vec<R>, StoreError> {
        self.lists.pop_front().unwrap_or_default().iter().map(|row| R::decode(row, self.practice)).collect()
    }

    /// The one row of the next statement, or [`StoreError::Missing`].
    pub fn row<R: StoredRow>(&mut self) -> Result<R, StoreError> {
        self.rows()?.into_iter().next().ok_or(StoreError::Missing)
    }
}

/// A transaction in which nothing is allowed yet: it can only be asked.
pub struct Threshold {
    inner: Arc<Inner>,
    trip: Trip,
    held: Arc<PracticeKeys>,
    profile: Profile,
    actor: Actor,
}

impl Threshold {
    /// The roles of the person who entered.
    #[must_use]
    pub fn roles(&self) -> Roles {
        match self.profile {
            Profile::Member(roles) => roles,
            Profile::Machine(_) | Profile::Client(_) => Roles::default(),
        }
    }

    /// Names the kinds of FHIR resource that are asked about, and what is done with them. A client is then
    /// asked for the scopes of these alone; where nothing is named it is asked for all of the record's.
    /// Changes nothing for people and jobs.
    #[must_use]
    pub fn naming(mut self, kinds: FhirTypes, letter: Interaction) -> Self {
        if let ActorKind::Client { scopes, .. } = self.actor.kind {
            self.profile = Profile::Client(scopes.grants(Some((kinds, letter))));
        }
        self
    }

    /// Whether an action would be allowed: to decide what a page offers, never instead of asking.
    #[must_use]
    pub fn would_allow<A: Action>(&self, kind: ResourceKind) -> bool {
        A::PARTS.iter().all(|part| self.inner.policy.may(self.profile, part, kind))
    }

    /// Whose record an entry belongs to, for asking about that patient. [`StoreError::Missing`] if there is
    /// no such entry here.
    pub async fn patient_of_entry(&self, id: Uuid) -> Result<PatientId, StoreError> {
        self.patient_of(PATIENT_OF_ENTRY, id).await
    }

    /// Whose record an alert belongs to, likewise.
    pub async fn patient_of_alert(&self, id: Uuid) -> Result<PatientId, StoreError> {
        self.patient_of(PATIENT_OF_ALERT, id).await
    }

    /// The record that stands for a patient now: another where this one was merged away. What is not here is
    /// given back as it is.
    pub async fn standing(&self, patient: PatientId) -> Result<PatientId, StoreError> {
        let rows = self.trip.query(STANDING, &[&self.actor.practice.uuid(), &patient.uuid()]).await?;
        Ok(rows.first().map_or(Ok(patient), |row| row.try_get(0).map(PatientId::from_uuid))?)
    }

    async fn patient_of(&self, text: &'static str, id: Uuid) -> Result<PatientId, StoreError> {
        let rows = self.trip.query(text, &[&self.actor.practice.uuid(), &id]).await?;
        Ok(PatientId::from_uuid(rows.first().ok_or(StoreError::Missing)?.try_get(0)?))
    }

    /// Opens what was sealed for whoever entered to bring back ([`Tx::carry`]). `None` if it was sealed for
    /// somebody else, elsewhere or for another use, or was altered: which of these is not told.
    pub async fn carried(&self, label: &'static str, envelope: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let practice = self.actor.practice;
        let key = self.inner.keyring.data_key(&self.held, practice.uuid()).await?;
        Ok(key.open(&carried_for(practice, &self.actor, label), envelope).ok().map(|bytes| bytes.to_vec()))
    }

    /// Asks for a permission to read. Another practice's id, or none, is [`StoreError::Missing`], and so is to a
    /// program a record that is open to named people only; a refusal is recorded before it is told.
    pub async fn ask<A: Reads>(self, resource: Resource) -> Result<Tx<A>, StoreError> {
        let fact = Fact::of(&self.actor, resource);
        let params = fact.as_ref().map(Fact::params);
        let asked: Vec<Asked<'_>> = fact
            .as_ref()
            .zip(params.as_ref())
            .map(|(fact, params)| -> Asked<'_> { (fact.text(), params) })
            .into_iter()
            .collect();
        self.trip.read_only();
        let rows = self.trip.all(&asked).await?;
        let known = kind_of(resource, rows.first())?;
        self.decide::<A>(resource, known, None).await
    }

    /// As [`Threshold::ask`], for whoever knows beforehand what to read: the rows come in the same trip, in which the
    /// transaction also ends. They are sealed, and whoever may not read gets none of them. `$1` of each statement
    /// is the practice; what is given begins at `$2`.
    pub async fn ask_for<A: Reads>(
        mut self,
        resource: Resource,
        wanted: &[(Sql, &[&(dyn ToSql + Sync)])],
    ) -> Result<(Tx<A>, Brought), StoreError> {
        let fact = Fact::of(&self.actor, resource);
        let params = fact.as_ref().map(Fact::params);
        let practice = self.actor.practice.uuid();
        let theirs: Vec<Vec<&(dyn ToSql + Sync)>> = wanted
            .iter()
            .map(|(_, params)| {
                std::iter::once(&practice as &(dyn ToSql + Sync)).chain(params.iter().copied()).collect()
            })
            .collect();
        let mut asked: Vec<Asked<'_>> = Vec::with_capacity(wanted.len() + 1);
        asked.extend(fact.as_ref().zip(params.as_ref()).map(|(fact, params)| -> Asked<'_> { (fact.text(), params) }));
        let facts = asked.len();
        asked.extend(wanted.iter().zip(&theirs).map(|((sql, _), params)| -> Asked<'_> { (sql.text(), params) }));
        self.trip.read_only();
        let mut rows = self.trip.end(&asked).await.map_err(|(_, error)| error)?;
        let brought = Brought { practice: self.actor.practice, lists: rows.split_off(facts).into() };
        let known = kind_of(resource, rows.first())?;
        Ok((self.decide::<A>(resource, known, None).await?, brought))
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
        let (before, rows) = alone(&self.trip, asker, practice, key, &print, fact.as_ref()).await?;
        if let Some(outcome) = before {
            return Ok(Once::Done(outcome));
        }
        let known = kind_of(resource, rows.as_ref())?;
        self.decide::<A>(resource, known, Some((asker, key, print))).await.map(Once::Fresh)
    }

    async fn decide<A: Action>(
        self,
        resource: Resource,
        (kind, reach): (ResourceKind, Reach),
        once: Option<tx::Asked>,
    ) -> Result<Tx<A>, StoreError> {
        let at = self.inner.clock.now();
        if !A::PARTS.iter().all(|part| self.inner.policy.may(self.profile, part, kind)) {
            // Nobody names a program: of a record that is open to named people only it does not know.
            let unknown = kind == ResourceKind::BarredPatient && matches!(self.profile, Profile::Client(_));
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
