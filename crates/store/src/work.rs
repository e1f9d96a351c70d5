//! Work that takes longer than a request: asked for in the transaction that wants it done
//! ([`Tx::enqueue`]), done by whoever claims it ([`Store::claim`]) a piece at a time, each piece a
//! transaction that proves the claim first ([`Tx::hold`]). A claim is a lease: a worker that dies is
//! overtaken when it ends, and from then on can write nothing more, however long it still lives.
//!
//! A row of work says which row it is about and nothing of what stands there.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::{SignedDuration, Timestamp};
use kernel::{IdempotencyKey, PracticeId};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::trip::Trip;
use crate::{Action, Store, StoreError, Tx, Writes};

/// A worker that has not been heard of for this long is overtaken.
pub const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// After this many attempts without progress it is given up: handed out to be put away.
pub const WORK_ATTEMPTS_MAX: i32 = 8;
/// What cannot even be put away is left after this many.
const ATTEMPTS_LAST: i32 = 2 * WORK_ATTEMPTS_MAX;
/// Works of one practice that one look finds.
const WORK_DUE_MAX: i64 = 50;
/// Works that have ended are forgotten after this long.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WorkKind {
    /// Brings records in.
    Import,
    /// Makes an archive of records.
    Export,
    /// Answers a FHIR bulk data request.
    Bulk,
}

impl WorkKind {
    const ALL: [Self; 3] = [Self::Import, Self::Export, Self::Bulk];

    /// Its name in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Export => "export",
            Self::Bulk => "bulk",
        }
    }
}

impl FromStr for WorkKind {
    type Err = StoreError;
    fn from_str(text: &str) -> Result<Self, StoreError> {
        Self::ALL.into_iter().find(|kind| kind.code() == text).ok_or(StoreError::Unreadable { what: "kind of work" })
    }
}

/// The id of a work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WorkId(Uuid);

impl fmt::Display for WorkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is to be done about a claimed work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// Begin it, or go on where it stands.
    GoOn,
    /// Somebody cancelled it: put away what is there of it, and say so where people look.
    Cancel,
    /// It failed too often: likewise.
    GiveUp,
}

/// What became of a claimed work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It is done; or put away, if that was the errand.
    Finished,
    /// Something is left to do, at this time: the same work is handed out again then.
    Later(Timestamp),
    /// It was told to stop ([`Claim::stopping`]) and did, with everything so far committed.
    Stopped,
}

/// Why an attempt failed: a name out of the program, never a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    code: &'static str,
    for_good: bool,
}

impl Fault {
    /// One that may pass: it is tried again, after a growing while.
    #[must_use]
    pub const fn new(code: &'static str) -> Self {
        Self { code, for_good: false }
    }

    /// One that will not pass by waiting: the work is given up.
    #[must_use]
    pub const fn for_good(code: &'static str) -> Self {
        Self { code, for_good: true }
    }

    /// Its name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.code
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        tracing::warn!(%error, "a work was refused at the doors");
        Self::new(match error.kind() {
            kernel::ErrorKind::Busy => "away",
            kernel::ErrorKind::Damaged => "damaged",
            kernel::ErrorKind::Missing => "missing",
            kernel::ErrorKind::Forbidden | kernel::ErrorKind::SignedOut => "not-allowed",
            kernel::ErrorKind::Conflict => "overtaken",
            kernel::ErrorKind::Invalid | kernel::ErrorKind::TooLarge | kernel::ErrorKind::Internal => "program",
        })
    }
}

/// A claimed work: what a worker holds while it is at it. Cheap to clone.
#[derive(Clone)]
pub struct Claim {
    held: Arc<Held>,
}

struct Held {
    practice: PracticeId,
    id: Uuid,
    token: Uuid,
    kind: WorkKind,
    about: Uuid,
    errand: Errand,
    told: AtomicBool,
}

impl Claim {
    /// The practice.
    #[must_use]
    pub fn practice(&self) -> PracticeId {
        self.held.practice
    }

    /// Which work.
    #[must_use]
    pub fn id(&self) -> WorkId {
        WorkId(self.held.id)
    }

    /// What kind.
    #[must_use]
    pub fn kind(&self) -> WorkKind {
        self.held.kind
    }

    /// The row that it works on.
    #[must_use]
    pub fn about(&self) -> Uuid {
        self.held.about
    }

    /// What is to be done.
    #[must_use]
    pub fn errand(&self) -> Errand {
        self.held.errand
    }

    /// Whether the worker is to stop at its next checkpoint and answer [`Ended::Stopped`]: it was paused or
    /// cancelled, the program ends, or the claim was lost.
    #[must_use]
    pub fn stopping(&self) -> bool {
        self.held.told.load(Ordering::Relaxed)
    }

    /// Tells the worker to stop at its next checkpoint.
    pub fn tell_to_stop(&self) {
        self.held.told.store(true, Ordering::Relaxed);
    }

    /// What a renewal of the lease said: an unknown claim has been lost, a wish is to be heeded. Putting away
    /// is what a wish to cancel comes to, so that goes on.
    fn renewed(&self, row: Option<&Row>) -> Result<(), StoreError> {
        let Some(row) = row else {
            self.tell_to_stop();
            return Err(StoreError::Overtaken);
        };
        let wish: Option<&str> = row.try_get(0)?;
        if wish.is_some() && self.held.errand == Errand::GoOn {
            self.tell_to_stop();
        }
        Ok(())
    }
}

/// Where a work stands, for showing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkState {
    /// Waiting, running, paused, finished, failed or cancelled.
    pub state: String,
    /// Whether a running one has been asked to pause or to end, and has not come to it yet.
    pub asked_to_stop: bool,
    /// When it is to be done.
    pub due_at: Timestamp,
    /// Attempts since it last got on.
    pub attempts: i32,
    /// Why the last attempt failed.
    pub fault: Option<String>,
}

impl WorkState {
    /// Whether nothing more will be done about it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "finished" | "failed" | "cancelled")
    }
}

const ENQUEUE: &str = "
    insert into work (practice_id, id, kind, about, state, due_at, attempts, created_at)
    values ($1, $2, $3, $4, 'waiting', $5, 0, $6)
    on conflict (practice_id, kind, about) where ended_at is null
    do update set due_at = least(work.due_at, excluded.due_at)";

const FORGET_ENDED: &str = "delete from work where practice_id = $1 and ended_at < $2";

const DUE: &str = "
    select id from work
    where practice_id = $1 and ended_at is null
      and ((state = 'waiting' and due_at <= $2) or (state = 'running' and lease_until <= $2))
    order by due_at, id limit $3";

const OPEN_ABOUT: &str = "select id from work where practice_id = $1 and kind = $2 and about = $3 and ended_at is null";

const CLAIM: &str = "
    update work set state = 'running', claim = $3, lease_until = $5, attempts = attempts + 1
    where practice_id = $1 and id = (
        select id from work
        where practice_id = $1 and id = $2
          and ((state = 'waiting' and due_at <= $4) or (state = 'running' and lease_until <= $4))
        for update skip locked
    )
    returning kind, about, attempts, wish";

const HOLD: &str = "
    update work set lease_until = $4 where practice_id = $1 and id = $2 and claim = $3 returning wish";

const HOLD_ADVANCED: &str = "
    update work set lease_until = $4, attempts = 1, fault = null
    where practice_id = $1 and id = $2 and claim = $3 returning wish";

const END: &str = "
    update work set state = $4, ended_at = $5, fault = coalesce($6::text, fault), claim = null, lease_until = null,
        wish = null
    where practice_id = $1 and id = $2 and claim = $3";

/// Lays it down to be taken up at a time; a wish that came meanwhile counts.
const LAY_DOWN: &str = "
    update work set claim = null, lease_until = null, attempts = $5, fault = $6::text,
        state = case when wish = 'pause' then 'paused' else 'waiting' end,
        wish = case when wish = 'pause' then null else wish end,
        due_at = case when wish = 'cancel' then least($4, $7::timestamptz) else $4::timestamptz end
    where practice_id = $1 and id = $2 and claim = $3";

const ATTEMPTS: &str = "select attempts from work where practice_id = $1 and id = $2 and claim = $3";

const PAUSE: &str = "
    update work set state = case when state = 'waiting' then 'paused' else state end,
        wish = case when state = 'running' then 'pause' end
    where practice_id = $1 and kind = $2 and about = $3 and state in ('waiting', 'running')
      and wish is distinct from 'cancel'";

const RESUME: &str = "
    update work set state = case when state = 'paused' then 'waiting' else state end, wish = null, due_at = $4,
        attempts = 0
    where practice_id = $1 and kind = $2 and about = $3
      and (state = 'paused' or (state = 'running' and wish = 'pause'))";

const CANCEL: &str = "
    update work set state = case when state = 'paused' then 'waiting' else state end, wish = 'cancel', due_at = $4,
        attempts = 0
    where practice_id = $1 and kind = $2 and about = $3 and ended_at is null";

const STATE: &str = "
    select state, wish is not null, due_at, attempts, fault from work
    where practice_id = $1 and kind = $2 and about = $3 order by created_at desc, id desc limit 1";

impl<A: Writes> Tx<A> {
    /// Asks for work about a row, to be done at `due_at` or soon after. It is done if, and only if, this
    /// transaction commits. If the same is waiting already it stays the one, and is done at the earlier of
    /// the two times.
    pub async fn enqueue(&mut self, kind: WorkKind, about: Uuid, due_at: Timestamp) -> Result<(), StoreError> {
        let at = self.desk.at;
        let id = IdempotencyKey::new(at, &self.desk.inner.entropy).uuid();
        let long_ago = at.saturating_sub(REMEMBERED).unwrap_or(at);
        self.desk.execute(FORGET_ENDED, &[&long_ago]).await?;
        self.desk.execute(ENQUEUE, &[&id, &kind.code(), &about, &due_at, &at]).await.map(|_| ())
    }

    /// Proves a claim for what this transaction will write, and renews its lease. Whoever lost the claim gets
    /// [`StoreError::Overtaken`] and must give up the transaction. Nobody else can claim the work before it
    /// ends, so let this be the first statement that locks a row.
    pub async fn hold(&self, claim: &Claim) -> Result<(), StoreError> {
        self.hold_by(HOLD, claim).await
    }

    /// As [`Tx::hold`], for a checkpoint by which the work got on: earlier attempts count no more.
    pub async fn hold_advanced(&self, claim: &Claim) -> Result<(), StoreError> {
        self.hold_by(HOLD_ADVANCED, claim).await
    }

    async fn hold_by(&self, text: &'static str, claim: &Claim) -> Result<(), StoreError> {
        let until = lease_from(self.desk.at);
        // Of the practice that the transaction points at: a claim of another practice is none.
        let rows = self.desk.query(text, &[&claim.held.id, &claim.held.token, &until]).await?;
        claim.renewed(rows.first())
    }

    /// Lays a work down: at once if it waits, at its next checkpoint if it runs. `false` if there is none.
    pub async fn pause_work(&mut self, kind: WorkKind, about: Uuid) -> Result<bool, StoreError> {
        Ok(self.desk.execute(PAUSE, &[&kind.code(), &about]).await? > 0)
    }

    /// Takes a paused work up again. `false` if there is none.
    pub async fn resume_work(&mut self, kind: WorkKind, about: Uuid) -> Result<bool, StoreError> {
        let at = self.desk.at;
        Ok(self.desk.execute(RESUME, &[&kind.code(), &about, &at]).await? > 0)
    }

    /// Ends a work: its worker stops at its next checkpoint, and it is handed out once more to be put away
    /// ([`Errand::Cancel`]). `false` if there is none that has not ended.
    pub async fn cancel_work(&mut self, kind: WorkKind, about: Uuid) -> Result<bool, StoreError> {
        let at = self.desk.at;
        Ok(self.desk.execute(CANCEL, &[&kind.code(), &about, &at]).await? > 0)
    }
}

impl<A: Action> Tx<A> {
    /// Where the work of a kind about a row stands; of several, the newest.
    pub async fn work_about(&self, kind: WorkKind, about: Uuid) -> Result<Option<WorkState>, StoreError> {
        let rows = self.desk.query(STATE, &[&kind.code(), &about]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some(WorkState {
            state: row.try_get(0)?,
            asked_to_stop: row.try_get(1)?,
            due_at: row.try_get(2)?,
            attempts: row.try_get(3)?,
            fault: row.try_get(4)?,
        }))
    }
}

fn lease_from(at: Timestamp) -> Timestamp {
    at.saturating_add(LEASE).unwrap_or(at)
}

impl Store {
    /// The works of a practice that can be claimed: due, or left by a worker that was not heard of. Ids only.
    pub async fn due_work(&self, practice: PracticeId) -> Result<Vec<WorkId>, StoreError> {
        let trip = Trip::begin(&self.inner.pool, practice).await?;
        let rows = trip.only(DUE, &[&practice.uuid(), &self.inner.clock.now(), &WORK_DUE_MAX]).await?;
        rows.iter().map(|row| Ok(WorkId(row.try_get(0)?))).collect()
    }

    /// Claims a work that is due. `None` if somebody else has it, it is not due any more, or it ended here
    /// because it could not even be put away.
    pub async fn claim(&self, practice: PracticeId, id: WorkId) -> Result<Option<Claim>, StoreError> {
        let now = self.inner.clock.now();
        let token = IdempotencyKey::new(now, &self.inner.entropy).uuid();
        let trip = Trip::begin(&self.inner.pool, practice).await?;
        let rows = trip.only(CLAIM, &[&practice.uuid(), &id.0, &token, &now, &lease_from(now)]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let attempts: i32 = row.try_get(2)?;
        let wish: Option<&str> = row.try_get(3)?;
        let errand = match wish {
            Some("cancel") => Errand::Cancel,
            _ if attempts > WORK_ATTEMPTS_MAX => Errand::GiveUp,
            _ => Errand::GoOn,
        };
        let kind: &str = row.try_get(0)?;
        let held = Held {
            practice,
            id: id.0,
            token,
            kind: kind.parse()?,
            about: row.try_get(1)?,
            errand,
            told: AtomicBool::new(false),
        };
        let claim = Claim { held: Arc::new(held) };
        if wish == Some("pause") {
            // It was left by a worker that died before it could heed this.
            self.settle(&claim, Ok(Ended::Stopped)).await?;
            return Ok(None);
        }
        if attempts > ATTEMPTS_LAST {
            self.end(&claim, "failed", None).await?;
            return Ok(None);
        }
        Ok(Some(claim))
    }

    /// Claims the work of a kind about a row, if it is due: for whoever asked for it and does it at once.
    pub async fn claim_about(
        &self,
        practice: PracticeId,
        kind: WorkKind,
        about: Uuid,
    ) -> Result<Option<Claim>, StoreError> {
        let trip = Trip::begin(&self.inner.pool, practice).await?;
        let rows = trip.only(OPEN_ABOUT, &[&practice.uuid(), &kind.code(), &about]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let id = WorkId(row.try_get(0)?);
        self.claim(practice, id).await
    }

    /// Renews the lease of a claim, and tells its worker to stop if somebody wants that or it was lost.
    pub async fn keep(&self, claim: &Claim) -> Result<(), StoreError> {
        let held = &claim.held;
        let trip = Trip::begin(&self.inner.pool, held.practice).await?;
        let until = lease_from(self.inner.clock.now());
        let rows = trip.only(HOLD, &[&held.practice.uuid(), &held.id, &held.token, &until]).await?;
        claim.renewed(rows.first())
    }

    /// Notes what became of a claimed work, and gives the claim back. Does nothing if it was lost.
    pub async fn settle(&self, claim: &Claim, ended: Result<Ended, Fault>) -> Result<(), StoreError> {
        let held = &claim.held;
        let now = self.inner.clock.now();
        let done = match held.errand {
            Errand::GoOn => "finished",
            Errand::Cancel => "cancelled",
            Errand::GiveUp => "failed",
        };
        let fault = match ended {
            Ok(Ended::Finished) => return self.end(claim, done, None).await,
            Ok(Ended::Later(at)) => return self.lay_down(claim, at, 0, None).await,
            Ok(Ended::Stopped) => {
                let attempts = self.attempts(claim).await?;
                return self.lay_down(claim, now, attempts.saturating_sub(1).max(0), None).await;
            }
            Err(fault) => fault,
        };
        let attempts = self.attempts(claim).await?;
        if attempts >= ATTEMPTS_LAST {
            return self.end(claim, "failed", Some(fault)).await;
        }
        if fault.for_good && held.errand == Errand::GoOn {
            return self.lay_down(claim, now, attempts.max(WORK_ATTEMPTS_MAX), Some(fault)).await;
        }
        // 1, 2, 4 ... 64 minutes.
        let wait = SignedDuration::from_mins(1_i64 << (attempts - 1).clamp(0, 6));
        self.lay_down(claim, now.saturating_add(wait).unwrap_or(now), attempts, Some(fault)).await
    }

    async fn attempts(&self, claim: &Claim) -> Result<i32, StoreError> {
        let held = &claim.held;
        let trip = Trip::begin(&self.inner.pool, held.practice).await?;
        let rows = trip.only(ATTEMPTS, &[&held.practice.uuid(), &held.id, &held.token]).await?;
        rows.first().map_or(Ok(0), |row| Ok(row.try_get(0)?))
    }

    async fn end(&self, claim: &Claim, state: &'static str, fault: Option<Fault>) -> Result<(), StoreError> {
        let held = &claim.held;
        let trip = Trip::begin(&self.inner.pool, held.practice).await?;
        let (now, fault) = (self.inner.clock.now(), fault.map(Fault::code));
        trip.only(END, &[&held.practice.uuid(), &held.id, &held.token, &state, &now, &fault]).await.map(drop)
    }

    async fn lay_down(
        &self,
        claim: &Claim,
        due_at: Timestamp,
        attempts: i32,
        fault: Option<Fault>,
    ) -> Result<(), StoreError> {
        let held = &claim.held;
        let trip = Trip::begin(&self.inner.pool, held.practice).await?;
        let (now, fault, practice) = (self.inner.clock.now(), fault.map(Fault::code), held.practice.uuid());
        trip.only(LAY_DOWN, &[&practice, &held.id, &held.token, &due_at, &attempts, &fault, &now]).await.map(drop)
    }
}
