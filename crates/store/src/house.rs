//! Transactions of the house itself: signing in, invitations, own account, founding a practice. There
//! is no member yet whom the policies could speak of, so the identity crate decides; the walls, the
//! seals and the audit are the same.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use kernel::{ClientId, IdempotencyKey, PersonId, PracticeId, Source};
use serde::Serialize;
use tokio_postgres::types::ToSql;

use crate::carry::carried_for;
use crate::event::Event;
use crate::policy::Job;
use crate::row::Survey;
use crate::threshold::{Brought, Outcome, Wanted, alone, asked_for, params_in};
use crate::trip::{Asked, SCOPE, Trip};
use crate::tx::{Desk, Tx};
use crate::{Actor, ActorKind, HouseAction, Resource, Scopes, SignedIn, Store, StoreError, Unseal};

/// A transaction of the house. It points at [`PracticeId::HOUSE`] and can step into a practice.
pub struct HouseTx<A>(Tx<A>);

impl<A> Deref for HouseTx<A> {
    type Target = Tx<A>;
    fn deref(&self) -> &Tx<A> {
        &self.0
    }
}

impl<A> DerefMut for HouseTx<A> {
    fn deref_mut(&mut self) -> &mut Tx<A> {
        &mut self.0
    }
}

/// As [`crate::Once`], for the house.
pub enum HouseOnce<A> {
    /// Not done yet.
    Fresh(HouseTx<A>),
    /// Done before, under the same key.
    Done(Outcome),
}

impl Store {
    /// A visitor's transaction: somebody at the door, of whom only the address is known.
    pub async fn visit<A: HouseAction>(&self, source: Source) -> Result<HouseTx<A>, StoreError> {
        self.house(ActorKind::Visitor, source).await
    }

    /// A signed-in person's transaction about themselves.
    pub async fn own<A: HouseAction>(&self, signed_in: &SignedIn, source: Source) -> Result<HouseTx<A>, StoreError> {
        self.house(signed_in.kind(), source).await
    }

    /// The host's own transaction, from the command line.
    pub async fn host<A: HouseAction>(&self, job: Job) -> Result<HouseTx<A>, StoreError> {
        self.house(ActorKind::Machine(job), Source::Host).await
    }

    async fn house<A: HouseAction>(&self, kind: ActorKind, source: Source) -> Result<HouseTx<A>, StoreError> {
        let inner = Arc::clone(&self.inner);
        let held = inner.keyring.ready(PracticeId::HOUSE).await?;
        let trip = Trip::begin(&inner.pool, PracticeId::HOUSE).await?;
        let actor = Actor { kind, practice: PracticeId::HOUSE, source };
        let at = inner.clock.now();
        let desk = Desk::new(inner, trip, held, actor, at, (Resource::Practice, Vec::new()), None);
        Ok(HouseTx(Tx { desk: Box::new(desk), allowed: PhantomData }))
    }

    /// Founds the house itself, or a practice, in the keyring: its keys exist before anything is sealed.
    pub async fn found_keys(&self, practice: PracticeId) -> Result<(), StoreError> {
        self.inner.keyring.found(practice).await
    }

    /// Makes a practice's keys known before a house transaction steps into it: the key service is
    /// never called inside a transaction.
    pub async fn know(&self, practice: PracticeId) -> Result<(), StoreError> {
        self.inner.keyring.ready(practice).await.map(|_| ())
    }
}

impl<A: HouseAction> HouseTx<A> {
    /// Makes this transaction happen once: gives the answer of the time it was done already.
    pub async fn once(
        mut self,
        key: IdempotencyKey,
        fingerprint: &(impl Serialize + Sync),
    ) -> Result<HouseOnce<A>, StoreError> {
        let desk = &mut self.0.desk;
        let print =
            desk.inner.fingerprint(desk.held_of(PracticeId::HOUSE)?, A::NAME, Resource::Practice, fingerprint).await?;
        let asker = desk.actor.id();
        if let Some(outcome) = alone(&desk.trip, asker, PracticeId::HOUSE, key, &print).await? {
            return Ok(HouseOnce::Done(outcome));
        }
        desk.once = Some((asker, key, print));
        Ok(HouseOnce::Fresh(self))
    }

    /// Names the person whom a visitor has proved to be: the event will say who it was.
    pub fn is(&mut self, person: PersonId, session: kernel::SessionId) {
        // Of the event only: nobody comes into a practice through this transaction.
        self.0.desk.actor.kind = ActorKind::Person { person, session, by_passkey: false };
    }

    /// Names the client that a visitor has proved to be: the event will say which it was.
    pub fn is_client(&mut self, client: ClientId) {
        let read_at = self.0.desk.at;
        self.0.desk.actor.kind = ActorKind::Client { client, scopes: Scopes::default(), read_at, recalled: None };
    }

    /// Points the transaction at a practice ([`Store::know`] it first), or back at the house.
    /// [`StoreError::Away`] if the practice's key is not known.
    #[allow(
        clippy::unused_async,
        reason = "a step of the transaction like others; it goes out with the next statement"
    )]
    pub async fn step_into(&mut self, practice: PracticeId) -> Result<(), StoreError> {
        if self.0.desk.practice != practice {
            self.0.desk.hold(practice)?;
            self.0.desk.trip.scope(practice);
            self.0.desk.practice = practice;
        }
        Ok(())
    }

    /// Reads here and in a practice ([`Store::know`] it first), in one trip, with which the transaction ends.
    pub async fn bring(
        &mut self,
        here: &[Wanted<'_>],
        practice: PracticeId,
        there: &[Wanted<'_>],
    ) -> Result<(Brought<A>, Brought<A>), StoreError> {
        let desk = &mut self.0.desk;
        desk.hold(practice)?;
        let (at_home, away) = (desk.practice.uuid(), practice.uuid());
        let (params, of_there) = (params_in(&at_home, here), params_in(&away, there));
        let scope: [&(dyn ToSql + Sync); 1] = [&away];
        let mut asked: Vec<Asked<'_>> = asked_for(here, &params).collect();
        asked.push((SCOPE, &scope));
        asked.extend(asked_for(there, &of_there));
        let mut rows = desk.trip.end(&asked).await.map_err(|(_, error)| error)?;
        let found_there = rows.split_off(here.len() + 1);
        rows.truncate(here.len());
        Ok((Brought::of(desk.practice, rows), Brought::of(practice, found_there)))
    }

    /// Has the event written into the log of the practice that the transaction points at, too.
    pub fn tell_here(&mut self) {
        self.0.desk.main_slot();
    }

    /// Opens what was read, for a decision of the door (a password to check, a name to greet with).
    /// The house's counterpart of `record`: the event follows with the commit.
    pub async fn open<T: Unseal>(&self, read: T) -> Result<T::Open, StoreError> {
        let desk = &self.0.desk;
        let mut survey = Survey::default();
        read.survey(desk.practice, &mut survey);
        if !survey.patients.is_empty() {
            // Patients are never read through the house's door.
            return Err(StoreError::Refused { action: A::NAME });
        }
        Ok(read.unseal(&desk.inner.keyring.opener(desk.held()?, &survey).await?))
    }

    /// Opens what was sealed for whoever acts to bring back ([`Tx::carry`]). `None` if it was sealed for somebody else or
    /// for another use, or was altered: which of these is not told.
    pub async fn carried(&self, label: &'static str, envelope: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let desk = &self.0.desk;
        let key = desk.inner.keyring.data_key(desk.held_of(PracticeId::HOUSE)?, PracticeId::HOUSE.uuid()).await?;
        let place = carried_for(PracticeId::HOUSE, &desk.actor, label);
        Ok(key.open(&place, envelope).ok().map(|bytes| bytes.to_vec()))
    }

    /// A new person's id. Its key is already durable in the keyring.
    pub async fn new_person(&self) -> Result<PersonId, StoreError> {
        let key = self.0.desk.inner.keyring.fresh(self.0.desk.held_of(PracticeId::HOUSE)?).await?;
        Ok(PersonId::from_uuid(key.uuid()))
    }

    /// Ends the transaction: the event into the house's log and into that of every practice that was
    /// changed or told, in one commit.
    pub async fn commit(self, event: Event, outcome: Outcome) -> Result<Outcome, StoreError> {
        self.0.desk.finish(A::NAME, event, outcome).await
    }

    /// Ends a transaction that only counted attempts: they say nothing about anybody, so no event goes
    /// with them. If anything else was changed, PostgreSQL refuses the commit.
    pub async fn keep_counts(self) -> Result<(), StoreError> {
        self.0.desk.trip.commit().await
    }

    /// The same under another action's name: a refused sign-in is another event than a sign-in.
    pub async fn commit_as<B: HouseAction>(self, event: Event, outcome: Outcome) -> Result<Outcome, StoreError> {
        self.0.desk.finish(B::NAME, event, outcome).await
    }
}
