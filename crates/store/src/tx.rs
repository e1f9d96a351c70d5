//! A permitted transaction: reading. Rows come out sealed; plaintext comes out of [`Tx::record`] only,
//! after the event that says so is durable.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::future::try_join;
use jiff::Timestamp;
use kernel::{IdempotencyKey, PatientId, PracticeId};
use seal::Token;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::event::{Draft, Event};
use crate::keyring::PracticeKeys;
use crate::row::Survey;
use crate::sql::Sql;
use crate::threshold::{Brought, Inner, Reach, Wanted, asked_for, params_in, two_columns};
use crate::trip::{Asked, Trip};
use crate::write::Slot;
use crate::{Action, Actor, Reads, Resource, StoreError, StoredRow, Unseal};

/// A transaction in which `A` is allowed. Used up by [`Tx::record`] or [`Tx::commit`]: a permission
/// is good for one event. Dropped, it rolls back.
pub struct Tx<A> {
    /// Boxed: a transaction is handed on in enums beside much smaller things.
    pub(crate) desk: Box<Desk>,
    pub(crate) allowed: PhantomData<fn() -> A>,
}

/// Who asked for something to be done once, under which key, and the fingerprint of what was sent. Who
/// asked stays who asked, also when a visitor turns out to be somebody: the retry comes as a visitor.
pub(crate) type AskedOnce = (Uuid, IdempotencyKey, Token);

/// What every permitted transaction has at hand.
pub(crate) struct Desk {
    pub(crate) inner: Arc<Inner>,
    pub(crate) trip: Trip,
    /// The keys of each practice that it has entered, kept to its end.
    held: Vec<Arc<PracticeKeys>>,
    pub(crate) actor: Actor,
    /// Where the transaction points now; the actor's practice, unless it is the house's.
    pub(crate) practice: PracticeId,
    pub(crate) at: Timestamp,
    pub(crate) resource: Resource,
    reach: Reach,
    pub(crate) once: Option<AskedOnce>,
    pub(crate) slots: Vec<Slot>,
}

impl Desk {
    pub(crate) fn new(
        inner: Arc<Inner>,
        trip: Trip,
        held: Arc<PracticeKeys>,
        actor: Actor,
        at: Timestamp,
        (resource, reach): (Resource, Reach),
        once: Option<AskedOnce>,
    ) -> Self {
        let practice = actor.practice;
        Self { inner, trip, held: vec![held], actor, practice, at, resource, reach, once, slots: Vec::new() }
    }

    /// Whether the permission, which is one for patients, reaches a record.
    pub(crate) fn reaches(&self, patient: PatientId) -> bool {
        self.reach.iter().any(|(_, record)| *record == patient)
    }

    /// The records of one person: their own, and those that were merged into it.
    pub(crate) fn records_of(&self, patient: PatientId) -> Vec<Uuid> {
        let records: Vec<Uuid> =
            self.reach.iter().filter(|(whose, _)| *whose == patient).map(|(_, record)| record.uuid()).collect();
        if records.is_empty() { vec![patient.uuid()] } else { records }
    }

    /// The keys of the practice that the transaction points at.
    pub(crate) fn held(&self) -> Result<&PracticeKeys, StoreError> {
        self.held_of(self.practice)
    }

    /// The keys of a practice that the transaction has entered.
    pub(crate) fn held_of(&self, practice: PracticeId) -> Result<&PracticeKeys, StoreError> {
        let held = self.held.iter().find(|held| held.practice == practice);
        held.map(Arc::as_ref).ok_or(StoreError::NoKey { kind: "practice", id: practice.uuid() })
    }

    /// Takes hold of the keys of one more practice. They must have been made known before: the key
    /// service is never called inside a transaction.
    pub(crate) fn hold(&mut self, practice: PracticeId) -> Result<(), StoreError> {
        if self.held_of(practice).is_err() {
            let unknown = || StoreError::Away("the practice's key is not known here at the moment".into());
            self.held.push(self.inner.keyring.at_hand(practice).ok_or_else(unknown)?);
        }
        Ok(())
    }

    pub(crate) async fn query(
        &self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<tokio_postgres::Row>, StoreError> {
        let practice = self.practice.uuid();
        let mut all: Vec<&(dyn ToSql + Sync)> = Vec::with_capacity(params.len() + 1);
        all.push(&practice);
        all.extend_from_slice(params);
        self.trip.query(sql, &all).await
    }

    pub(crate) async fn execute(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<u64, StoreError> {
        let practice = self.practice.uuid();
        let mut all: Vec<&(dyn ToSql + Sync)> = Vec::with_capacity(params.len() + 1);
        all.push(&practice);
        all.extend_from_slice(params);
        self.trip.execute(sql, &all).await
    }
}

impl<A: Action> Tx<A> {
    /// The moment of the transaction: one for all that it does.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.desk.at
    }

    /// Who acts.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.desk.actor
    }

    /// The practice that the transaction points at.
    #[must_use]
    pub fn practice(&self) -> PracticeId {
        self.desk.practice
    }

    /// What was asked about.
    #[must_use]
    pub fn resource(&self) -> Resource {
        self.desk.resource
    }

    /// The records of a patient who was asked about: their own, and those that were merged into it. What
    /// belongs to a patient is kept under any of them.
    #[must_use]
    pub fn records_of(&self, patient: PatientId) -> Vec<Uuid> {
        self.desk.records_of(patient)
    }

    /// Rows, sealed. `$1` of the statement is the practice; `params` begin at `$2`.
    pub async fn rows<R: StoredRow>(&self, sql: Sql, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<R>, StoreError> {
        let rows = self.desk.query(sql.text(), params).await?;
        rows.iter().map(|row| R::decode(row, self.desk.practice)).collect()
    }

    /// The one row that a statement finds, or [`StoreError::Missing`].
    pub async fn row<R: StoredRow>(&self, sql: Sql, params: &[&(dyn ToSql + Sync)]) -> Result<R, StoreError> {
        self.rows(sql, params).await?.into_iter().next().ok_or(StoreError::Missing)
    }

    /// As [`Tx::rows`], of several statements in one trip, with which the transaction ends: what remains is to record it.
    pub async fn bring(&mut self, wanted: &[Wanted<'_>]) -> Result<Brought<A>, StoreError> {
        let practice = self.desk.practice.uuid();
        let params = params_in(&practice, wanted);
        let asked: Vec<Asked<'_>> = asked_for(wanted, &params).collect();
        let rows = self.desk.trip.end(&asked).await.map_err(|(_, error)| error)?;
        Ok(Brought::of(self.desk.practice, rows))
    }

    /// The ids in the first column.
    pub async fn ids(&self, sql: Sql, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Uuid>, StoreError> {
        let rows = self.desk.query(sql.text(), params).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// The number in the first column of the first row; 0 if there is none.
    pub async fn count(&self, sql: Sql, params: &[&(dyn ToSql + Sync)]) -> Result<i64, StoreError> {
        let rows = self.desk.query(sql.text(), params).await?;
        rows.first().map_or(Ok(0), |row| Ok(row.try_get(0)?))
    }

    /// The ids in the first two columns.
    pub async fn pairs(&self, sql: Sql, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<(Uuid, Uuid)>, StoreError> {
        two_columns(&self.desk.query(sql.text(), params).await?)
    }

    /// Counts by a clear code: the code in the first column, the number in the second.
    pub async fn counts(&self, sql: Sql, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<(String, i64)>, StoreError> {
        two_columns(&self.desk.query(sql.text(), params).await?)
    }

    /// Sizes by id: the id in the first column, the number of bytes in the second.
    pub async fn sizes(&self, sql: Sql, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<(Uuid, i64)>, StoreError> {
        two_columns(&self.desk.query(sql.text(), params).await?)
    }

    /// Bytes in the first column of the first row, that this installation cannot open: sealed for somebody
    /// outside.
    pub async fn sealed_elsewhere(
        &self,
        sql: Sql,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let rows = self.desk.query(sql.text(), params).await?;
        rows.first().map(|row| Ok(row.try_get(0)?)).transpose()
    }

    /// Whether somebody else than who acts now wrote a row last.
    pub async fn written_by_another<R: StoredRow>(&self, row: &R) -> Result<bool, StoreError> {
        let sql = format!(
            "select 1 from {} r join audit_event e on e.practice_id = r.practice_id and e.event_id = r.event_id \
             where r.practice_id = $1 and r.id = $2 and (e.actor_kind <> $3 or e.actor_id <> $4)",
            R::TABLE
        );
        let actor = &self.desk.actor;
        let kind = actor.ledger_kind() as i16;
        Ok(!self.desk.query(&sql, &[&row.row_id(), &kind, &actor.id()]).await?.is_empty())
    }

    /// Looks at open rows without letting them out: gives the ids of those that `rank` ranks, in the
    /// order of their ranks. `rank` is a plain function, so it has nowhere to put what it saw.
    pub async fn examine<R: StoredRow, Q: Sync, K: Ord + Send>(
        &self,
        rows: &[R],
        query: &Q,
        rank: fn(&R::Open, &Q) -> Option<K>,
    ) -> Result<Examined, StoreError> {
        let mut survey = Survey::default();
        for row in rows {
            survey.note(self.desk.practice, row.key());
        }
        let opener = self.desk.inner.keyring.opener(self.desk.held()?, &survey).await?;
        let (mut ranked, mut damaged) = (Vec::new(), Vec::new());
        for row in rows {
            match row.open(&opener) {
                Ok(open) => ranked.extend(rank(&open, query).map(|rank| (rank, row.row_id()))),
                Err(_) => damaged.push(row.row_id()),
            }
        }
        ranked.sort();
        Ok(Examined { ranked: ranked.into_iter().map(|(_, id)| id).collect(), damaged })
    }
}

/// What [`Tx::examine`] found.
#[derive(Debug, PartialEq, Eq)]
pub struct Examined {
    /// The ids of the rows that are meant, in order.
    pub ranked: Vec<Uuid>,
    /// The ids of the rows that do not open, so that nobody can say whether they are meant.
    pub damaged: Vec<Uuid>,
}

impl<A: Reads> Tx<A> {
    /// Ends the reading: makes the event durable, then opens what was read. Whom the event concerns is
    /// taken from the rows themselves: one patient, or a list with a commitment to each.
    pub async fn record<T: Unseal>(self, event: Event, read: T) -> Result<T::Open, StoreError> {
        let Desk { inner, trip, held, actor, practice, at, resource, reach, .. } = *self.desk;
        let held = held.iter().find(|held| held.practice == practice);
        let held = held.ok_or(StoreError::NoKey { kind: "practice", id: practice.uuid() })?;
        let mut survey = Survey::default();
        read.survey(practice, &mut survey);
        let asked = resource.patient();
        let others: Vec<PatientId> = survey.patients.iter().copied().filter(|id| Some(*id) != asked).collect();
        if asked.is_some() && others.iter().any(|id| reach.iter().all(|(_, record)| record != id)) {
            // A permission for one patient opens no other.
            return Err(StoreError::Unreadable { what: "row of another patient" });
        }
        // The event is about the patient who was asked for; a record that was merged into theirs and was read
        // with it is named beside, so that its own log says so when the two are taken apart again. A list is
        // about nobody, and names all.
        let (patient, subjects) = (asked, others);
        let draft = Draft {
            id: inner.order.next(at, &inner.entropy),
            at,
            practice,
            actor: &actor,
            action: A::NAME.into(),
            event,
            patient,
            subjects,
            changes: Vec::new(),
            amended: Vec::new(),
        };
        // Both must be so before anything is opened; neither waits for the other.
        let recorded = async {
            let opener = inner.opener_for_event(held, survey, draft.key()).await?;
            inner.committer.durable(draft.seal(&opener, &inner.entropy)?).await?;
            Ok(opener)
        };
        let ((), opener) = try_join(trip.commit(), recorded).await?;
        Ok(read.unseal(&opener))
    }
}

/// Rows by id, for putting them in the order that [`Tx::examine`] gave.
pub(crate) fn in_order<R: StoredRow>(rows: Vec<R>, order: &[Uuid]) -> Vec<R> {
    let mut by_id: BTreeMap<Uuid, R> = rows.into_iter().map(|row| (row.row_id(), row)).collect();
    order.iter().filter_map(|id| by_id.remove(id)).collect()
}

impl<A: Action> Tx<A> {
    /// Keeps the rows that [`Tx::examine`] named, in its order.
    #[must_use]
    pub fn keep<R: StoredRow>(&self, rows: Vec<R>, order: &[Uuid]) -> Vec<R> {
        in_order(rows, order)
    }
}
