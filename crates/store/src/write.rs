//! A permitted transaction: changing. Every change goes into an event of the same commit, with the
//! values before and after; PostgreSQL refuses a commit without it.

use jiff::Timestamp;
use kernel::{EventId, ImportId, PatientId, PracticeId};
use serde_json::Value;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::committer::EventColumns;
use crate::event::{Draft, Event, EventRecord, FieldChange};
use crate::lookup::TokenSet;
use crate::past::Amended;
use crate::row::{KeyFor, Opener, Sealers, Survey};
use crate::sql::Sql;
use crate::threshold::{Outcome, outcome_of};
use crate::trip::{Asked, Owned};
use crate::tx::Desk;
use crate::{StoreError, Tx, WholeRow, Writes};

/// The version of a row that a form was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versioned(pub i64);

/// One event being filled.
pub(crate) struct Slot {
    practice: PracticeId,
    id: EventId,
    /// Its own words; `None` for the event that the commit names.
    event: Option<Event>,
    patient: Option<PatientId>,
    changes: Vec<FieldChange>,
    amended: Vec<Amended>,
}

/// Names one of several events of a transaction ([`Tx::also`]).
#[derive(Debug, Clone, Copy)]
pub struct Tag(usize);

impl Desk {
    /// The event of the current practice that the commit will name, made when first needed.
    pub(crate) fn main_slot(&mut self) -> usize {
        let practice = self.practice;
        if let Some(known) = self.slots.iter().position(|s| s.practice == practice && s.event.is_none()) {
            return known;
        }
        self.new_slot(None, self.asked_patient())
    }

    fn asked_patient(&self) -> Option<PatientId> {
        self.resource.patient()
    }

    fn new_slot(&mut self, event: Option<Event>, patient: Option<PatientId>) -> usize {
        let id = self.inner.order.next(self.at, &self.inner.entropy);
        self.slots.push(Slot { practice: self.practice, id, event, patient, changes: Vec::new(), amended: Vec::new() });
        self.slots.len() - 1
    }

    fn slot(&mut self, index: usize) -> Result<&mut Slot, StoreError> {
        self.slots.get_mut(index).ok_or(StoreError::Unreadable { what: "event" })
    }

    /// The slot, if a row under this key may go into it.
    fn slot_for(&mut self, index: usize, key: KeyFor) -> Result<&mut Slot, StoreError> {
        let asked = self.asked_patient();
        if let (KeyFor::Patient(patient), Some(_)) = (key, asked)
            && !self.reaches(patient)
        {
            // A permission for one patient changes no other.
            return Err(StoreError::Unreadable { what: "row of another patient" });
        }
        let slot = self.slot(index)?;
        if let KeyFor::Patient(patient) = key
            && asked.is_some()
            && slot.event.is_none()
            && slot.changes.is_empty()
        {
            // Of a patient with several records, the event is about the one whose key seals what changes.
            slot.patient = Some(patient);
        }
        slot.concerns(key)?;
        Ok(slot)
    }

    async fn keys(&self, keys: impl IntoIterator<Item = KeyFor>) -> Result<Opener, StoreError> {
        let mut survey = Survey::default();
        for key in keys {
            survey.note(self.practice, key);
        }
        self.inner.keyring.opener(self.held()?, &survey).await
    }

    /// New rows, sealed and in their events: they are written with what is sent next.
    async fn add_rows<R: WholeRow>(&mut self, rows: &[R::Open], slots: &[usize]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let opener = self.keys(rows.iter().map(R::key_of)).await?;
        let mut events: Vec<Uuid> = Vec::with_capacity(rows.len());
        for (row, index) in rows.iter().zip(slots) {
            let slot = self.slot_for(*index, R::key_of(row))?;
            for (column, value) in R::values(row) {
                if !value.is_null() {
                    let value = audited::<R>(column, value);
                    slot.changes.push(FieldChange {
                        field: format!("{}.{column}", R::TABLE),
                        before: None,
                        after: Some(value),
                        row: None,
                    });
                }
            }
            events.push(slot.id.uuid());
        }
        let mut params: Owned = vec![Box::new(self.practice.uuid()), Box::new(events)];
        params.append(&mut R::insert_params(rows, &Sealers { opener: &opener, entropy: &self.inner.entropy })?);
        self.trip.later(R::insert_sql(rows.len()), params);
        Ok(())
    }

    pub(crate) async fn amend_row<R: WholeRow>(
        &mut self,
        row: &R,
        seen: Versioned,
        patch: impl FnOnce(&R::Open) -> R::Patch + Send,
        words: Option<fn(&R::Open) -> TokenSet>,
        tag: Option<Tag>,
    ) -> Result<bool, StoreError> {
        let (row_version, seal_version) = row.versions();
        if row_version != seen.0 {
            return Err(StoreError::Conflict);
        }
        let opener = self.keys([row.key()]).await?;
        let before = row.open(&opener)?;
        let before_values = R::values(&before);
        let patch = patch(&before);
        let mut after = before;
        R::apply(&mut after, patch);
        let mut changes: Vec<FieldChange> = Vec::new();
        for ((column, old), (_, new)) in before_values.into_iter().zip(R::values(&after)) {
            if old != new {
                changes.push(FieldChange {
                    field: format!("{}.{column}", R::TABLE),
                    before: (!old.is_null()).then(|| audited::<R>(column, old)),
                    after: (!new.is_null()).then(|| audited::<R>(column, new)),
                    row: Some(row.row_id()),
                });
            }
        }
        if changes.is_empty() {
            return Ok(false);
        }
        let index = tag.map_or_else(|| self.main_slot(), |tag| tag.0);
        let slot = self.slot_for(index, row.key())?;
        slot.changes.append(&mut changes);
        slot.amended.push(Amended::of(row));
        let event = slot.id.uuid();
        let sealer = opener.sealer(row.key(), &self.inner.entropy)?;
        let columns = R::update_params(&after, &sealer, seal_version.wrapping_add(1))?;
        let id = row.row_id();
        let next_seal = seal_version.wrapping_add(1);
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![&id, &row_version, &event, &next_seal];
        params.extend(columns.iter().map(|column| &**column as &(dyn ToSql + Sync)));
        if self.execute(R::update_sql(), &params).await? == 0 {
            return Err(StoreError::Conflict);
        }
        if let Some(words) = words {
            self.replace_tokens(id, &words(&after)).await?;
        }
        Ok(true)
    }

    pub(crate) async fn remove_row<R: WholeRow>(&mut self, row: &R) -> Result<(), StoreError> {
        let opener = self.keys([row.key()]).await?;
        let before = row.open(&opener)?;
        let index = self.main_slot();
        let slot = self.slot_for(index, row.key())?;
        for (column, value) in R::values(&before) {
            if !value.is_null() {
                let value = audited::<R>(column, value);
                slot.changes.push(FieldChange {
                    field: format!("{}.{column}", R::TABLE),
                    before: Some(value),
                    after: None,
                    row: Some(row.row_id()),
                });
            }
        }
        let sql = format!("delete from {} where practice_id = $1 and id = $2 and row_version = $3", R::TABLE);
        if self.execute(&sql, &[&row.row_id(), &row.versions().0]).await? == 0 {
            return Err(StoreError::Conflict);
        }
        Ok(())
    }

    /// Takes rows back that an import added, each under its own event, which keeps their last values.
    /// [`StoreError::Conflict`] if one of them is no longer as it was added.
    pub(crate) async fn take_back_rows<R: WholeRow>(
        &mut self,
        run: ImportId,
        rows: &[(Tag, R)],
    ) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let opener = self.keys(rows.iter().map(|(_, row)| row.key())).await?;
        let mut ids: Vec<Uuid> = Vec::with_capacity(rows.len());
        for (tag, row) in rows {
            let before = row.open(&opener)?;
            let slot = self.slot_for(tag.0, row.key())?;
            for (column, value) in R::values(&before) {
                if !value.is_null() {
                    let field = format!("{}.{column}", R::TABLE);
                    let before = Some(audited::<R>(column, value));
                    slot.changes.push(FieldChange { field, before, after: None, row: Some(row.row_id()) });
                }
            }
            ids.push(row.row_id());
        }
        if self.take_back(R::TABLE, run, &ids).await? == ids.len() { Ok(()) } else { Err(StoreError::Conflict) }
    }

    /// What PostgreSQL lets go of an import that is being taken back; gives how many rows went.
    pub(crate) async fn take_back(&self, kind: &str, run: ImportId, ids: &[Uuid]) -> Result<usize, StoreError> {
        let rows = self.query(TAKE_BACK, &[&kind, &run.uuid(), &ids]).await?;
        let taken: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
        Ok(usize::try_from(taken).unwrap_or(0))
    }

    /// Seals the events, writes them and the answer to a retry, commits. If the same key was
    /// committed meanwhile, nothing of this transaction stays and the earlier answer is given.
    pub(crate) async fn finish(
        mut self,
        action: &'static str,
        event: Event,
        outcome: Outcome,
    ) -> Result<Outcome, StoreError> {
        let home = self.actor.practice;
        if self.practice != home {
            self.practice = home;
            self.trip.scope(home);
        }
        let main = self.main_slot();
        let main_id = self.slot(main)?.id;
        let mut practices: Vec<PracticeId> = self.slots.iter().map(|slot| slot.practice).collect();
        practices.sort();
        practices.dedup();
        // The home practice last, so that the answer to a retry is written where it will be looked for.
        practices.sort_by_key(|practice| *practice == home);
        let slots = std::mem::take(&mut self.slots);
        let mut last = Vec::new();
        for practice in practices {
            if practice != self.practice {
                self.practice = practice;
                self.trip.scope(practice);
            }
            let mut records: Vec<EventRecord> = Vec::new();
            for slot in slots.iter().filter(|slot| slot.practice == practice) {
                records.push(self.seal_slot(action, slot, &event).await?);
            }
            if practice == home {
                last = records;
                continue;
            }
            let columns = EventColumns::of(practice, &records.iter().collect::<Vec<_>>());
            let params = columns.params();
            self.trip.all(&params.statements().collect::<Vec<_>>()).await?;
        }
        let columns = EventColumns::of(home, &last.iter().collect::<Vec<_>>());
        let params = columns.params();
        let events: Vec<Asked<'_>> = params.statements().collect();
        let Self { inner, trip, at, once, .. } = self;
        let Some((asker, key, print)) = once else {
            trip.last_behind(&events, &[]).await.map_err(|(_, error)| error)?;
            return Ok(outcome);
        };
        let (text, practice, once) = (outcome.to_string(), home.uuid(), events.len());
        let (key_id, digest, main_id) = (key.uuid(), print.bytes().as_slice(), main_id.uuid());
        let remember: &[&(dyn ToSql + Sync)] = &[&practice, &asker, &key_id, &digest, &main_id, &text, &at];
        match trip.last_behind(&events, &[(REMEMBER, remember)]).await {
            Ok(_) => Ok(outcome),
            Err((place, StoreError::Constraint { .. })) if place == once => {
                let again = crate::trip::Trip::begin(&inner.pool, home).await?;
                let before = outcome_of(&again, asker, home, key, &print).await?;
                again.commit().await?;
                before.ok_or(StoreError::Conflict)
            }
            Err((_, error)) => Err(error),
        }
    }

    async fn seal_slot(&self, action: &'static str, slot: &Slot, event: &Event) -> Result<EventRecord, StoreError> {
        let draft = Draft {
            id: slot.id,
            at: self.at,
            practice: slot.practice,
            actor: &self.actor,
            action: action.into(),
            event: slot.event.clone().unwrap_or_else(|| event.clone()),
            patient: slot.patient,
            subjects: Vec::new(),
            changes: slot.changes.clone(),
            amended: slot.amended.clone(),
        };
        let opener = self.inner.opener_for_event(self.held_of(slot.practice)?, Survey::default(), draft.key()).await?;
        draft.seal(&opener, &self.inner.entropy)
    }
}

const TAKE_BACK: &str = "select import_take_back($1, $2, $3, $4)";

const REMEMBER: &str = "
    insert into idempotency (practice_id, actor_id, key, fingerprint, event_id, outcome, at)
    values ($1, $2, $3, $4, $5, $6, $7)";

impl Slot {
    /// An event is about one patient at most: its values are sealed under that patient's key.
    fn concerns(&mut self, key: KeyFor) -> Result<(), StoreError> {
        if let KeyFor::Patient(patient) = key {
            match self.patient {
                None => self.patient = Some(patient),
                Some(known) if known == patient => {}
                Some(_) => return Err(StoreError::Unreadable { what: "event about two patients" }),
            }
        }
        Ok(())
    }
}

/// What an event keeps in place of a secret.
pub(crate) const SECRET: &str = "(secret)";

/// A value as the event keeps it: of a secret, only that it changed.
fn audited<R: WholeRow>(column: &str, value: Value) -> Value {
    if R::SECRETS.contains(&column) { Value::String(SECRET.to_owned()) } else { value }
}

impl<A: Writes> Tx<A> {
    /// The id of the event that this transaction will leave.
    pub fn event_id(&mut self) -> Result<EventId, StoreError> {
        let index = self.desk.main_slot();
        Ok(self.desk.slot(index)?.id)
    }

    /// A new patient's id. Its key is already durable in the keyring.
    pub async fn new_patient(&self) -> Result<PatientId, StoreError> {
        let key = self.desk.inner.keyring.fresh(self.desk.held()?).await?;
        Ok(PatientId::from_uuid(key.uuid()))
    }

    /// Writes a new row.
    pub async fn insert<R: WholeRow>(&mut self, row: R::Open) -> Result<(), StoreError> {
        self.add::<R>(row).await?;
        self.send().await
    }

    /// Writes a new row with what is sent next, at the latest with the commit: what is wrong with it is said then.
    pub async fn add<R: WholeRow>(&mut self, row: R::Open) -> Result<(), StoreError> {
        let slot = self.desk.main_slot();
        self.desk.add_rows::<R>(&[row], &[slot]).await
    }

    /// As [`Tx::add`], of many rows, each under its own event.
    pub async fn add_under<R: WholeRow>(&mut self, rows: Vec<(Tag, R::Open)>) -> Result<(), StoreError> {
        let (tags, rows): (Vec<usize>, Vec<R::Open>) = rows.into_iter().map(|(tag, row)| (tag.0, row)).unzip();
        self.desk.add_rows::<R>(&rows, &tags).await
    }

    /// Sends what was added.
    pub async fn send(&self) -> Result<(), StoreError> {
        self.desk.trip.all(&[]).await.map(drop)
    }

    /// One more event in the same commit: for a transaction that touches several patients.
    pub fn also(&mut self, event: Event, patient: Option<PatientId>) -> Tag {
        Tag(self.desk.new_slot(Some(event), patient))
    }

    /// Opens a row, applies the patch, seals it again and fills before and after into the event.
    /// Nothing of it comes out. [`StoreError::Conflict`] if the row is no longer the version that was
    /// seen; `false` if the patch changes nothing.
    pub async fn amend<R: WholeRow>(&mut self, row: &R, seen: Versioned, patch: R::Patch) -> Result<bool, StoreError> {
        self.desk.amend_row(row, seen, |_| patch, None, None).await
    }

    /// As [`Tx::amend`], for a change that depends on what stands there: `patch` makes it from the open
    /// row and `with`, `words` makes the search tokens of the changed row. Both are plain functions, so
    /// they have nowhere to put what they saw.
    pub async fn amend_with<R: WholeRow, P: Sync>(
        &mut self,
        row: &R,
        seen: Versioned,
        with: &P,
        patch: fn(&R::Open, &P) -> R::Patch,
        words: Option<fn(&R::Open) -> TokenSet>,
    ) -> Result<bool, StoreError> {
        self.desk.amend_row(row, seen, |open| patch(open, with), words, None).await
    }

    /// As [`Tx::amend_with`], under one of several events ([`Tx::also`]).
    pub async fn amend_under<R: WholeRow, P: Sync>(
        &mut self,
        tag: Tag,
        row: &R,
        seen: Versioned,
        with: &P,
        patch: fn(&R::Open, &P) -> R::Patch,
        words: Option<fn(&R::Open) -> TokenSet>,
    ) -> Result<bool, StoreError> {
        self.desk.amend_row(row, seen, |open| patch(open, with), words, Some(tag)).await
    }

    /// Removes a row; its last values go into the event.
    pub async fn remove<R: WholeRow>(&mut self, row: &R) -> Result<(), StoreError> {
        self.desk.remove_row(row).await
    }

    /// Takes rows back that an import added, each under its own event ([`Tx::also`]); their last values go
    /// into it. PostgreSQL lets go only what the run added, what nobody has touched since, and of a run of
    /// which it is written down that it is taken back; anything else is [`StoreError::Conflict`].
    pub async fn take_back<R: WholeRow>(&mut self, run: ImportId, rows: &[(Tag, R)]) -> Result<(), StoreError> {
        self.desk.take_back_rows(run, rows).await
    }

    /// Forgets where the sources of what was taken back went, so that they can be brought in anew.
    pub async fn forget_imports(&mut self, run: ImportId, targets: &[Uuid]) -> Result<(), StoreError> {
        self.desk.main_slot();
        self.desk.take_back("import_key", run, targets).await.map(|_| ())
    }

    /// A statement on a table of bookkeeping. Tables that the audit watches refuse the commit unless an
    /// event goes with it. Gives the number of rows changed.
    pub async fn execute(&self, sql: Sql, params: &[&(dyn ToSql + Sync)]) -> Result<u64, StoreError> {
        self.desk.execute(sql.text(), params).await
    }

    /// Ends the transaction: event, change and the answer to a retry in one commit. What comes back is
    /// the outcome, of this time or of the time it was done before.
    pub async fn commit(self, event: Event, outcome: Outcome) -> Result<Outcome, StoreError> {
        self.desk.finish(A::NAME, event, outcome).await
    }

    /// The moment, as rows keep it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.desk.at
    }
}
