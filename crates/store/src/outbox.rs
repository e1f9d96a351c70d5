//! Mail on its way out: sealed, written in the transaction that wants it sent, sent by a job. A
//! message is wiped once it has gone, or was given up.

use jiff::{SignedDuration, Timestamp};
use kernel::{IdempotencyKey, PracticeId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::event::Event;
use crate::policy::Job;
use crate::row::Clear;
use crate::threshold::{Once, Resource, Store};
use crate::write::Versioned;
use crate::{StoreError, Tx, Writes, sql};

/// A message to one person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Where to.
    pub to: String,
    /// Its subject. No clinical content, no name of a patient.
    pub subject: String,
    /// Its text.
    pub text: String,
}

/// The id of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OutboxId(Uuid);

impl std::fmt::Display for OutboxId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Clear for OutboxId {
    type Db = Uuid;
    const ARRAY: &'static str = "uuid[]";
    fn to_db(&self) -> Uuid {
        self.0
    }
    fn from_db(db: Uuid) -> Self {
        Self(db)
    }
    fn to_audit(&self) -> serde_json::Value {
        self.0.to_string().into()
    }
    fn from_audit(value: &serde_json::Value) -> Option<Self> {
        value.as_str()?.parse().ok().map(Self)
    }
}

crate::sealed_row! {
    /// A message waiting, sent or given up.
    pub row OutboxRow opens OutboxMessage patched by OutboxPatch in "outbox" id OutboxId, keyed practice {
        clear { state: String, attempts: i32, due_at: Timestamp }
        sealed { message: Option<Letter> }
        secret [message]
    }
}

crate::actions! {
    /// Claim a message for sending.
    pub(crate) ClaimMail = "mail.claim", writes, all of [SendMail];
    /// Read a claimed message.
    pub(crate) TakeMail = "mail.take", reads, all of [SendMail];
    /// Send mail.
    pub SendMail = "mail.send", writes;
}

/// After this many attempts a message is given up, says so and is wiped.
pub const ATTEMPTS_MAX: i32 = 8;
/// Messages of one practice that one look finds.
const DUE_MAX: i64 = 50;

impl<A: Writes> Tx<A> {
    /// Puts a letter into the outbox of the practice that the transaction points at. It is sent if, and
    /// only if, this transaction commits.
    pub async fn post(&mut self, letter: Letter) -> Result<(), StoreError> {
        let (at, entropy) = (self.desk.at, self.desk.inner.entropy.clone());
        self.insert::<OutboxRow>(OutboxMessage {
            id: OutboxId(IdempotencyKey::new(at, &entropy).uuid()),
            row_version: 1,
            state: "waiting".to_owned(),
            attempts: 0,
            due_at: at,
            message: Some(letter),
        })
        .await
    }
}

/// A claimed message.
pub struct Outgoing {
    practice: PracticeId,
    id: Uuid,
    /// What to send.
    pub letter: Letter,
}

impl Store {
    /// The practices of this installation that are active, the house first.
    pub async fn practices(&self) -> Result<Vec<PracticeId>, StoreError> {
        let trip = crate::trip::Trip::begin(&self.inner.pool, PracticeId::HOUSE).await?;
        let rows = trip
            .only(
                "select id from practice_listing where practice_id = $1 and state = 'active' order by id",
                &[&PracticeId::HOUSE.uuid()],
            )
            .await?;
        let mut all = vec![PracticeId::HOUSE];
        for row in rows {
            all.push(PracticeId::from_uuid(row.try_get(0)?));
        }
        Ok(all)
    }

    /// The messages of a practice that are due, longest first, at most [`DUE_MAX`]. Ids only: to look for
    /// them, no key of the practice is wanted.
    pub async fn due_letters(&self, practice: PracticeId) -> Result<Vec<OutboxId>, StoreError> {
        let trip = crate::trip::Trip::begin(&self.inner.pool, practice).await?;
        let due = "select id from outbox where practice_id = $1 and state = 'waiting' and due_at <= $2
                   order by due_at limit $3";
        let rows = trip.only(due, &[&practice.uuid(), &self.inner.clock.now(), &DUE_MAX]).await?;
        rows.iter().map(|row| Ok(OutboxId(row.try_get(0)?))).collect()
    }

    /// Claims a message that is due: it will not be claimed again until its next attempt is due, so a sender
    /// that dies loses nothing and sends at most once more. `None` if somebody else has claimed it, or it
    /// was given up.
    pub async fn claim_letter(&self, practice: PracticeId, id: OutboxId) -> Result<Option<Outgoing>, StoreError> {
        let actor = self.machine(Job::Mail, practice).await?;
        let key = IdempotencyKey::new(self.inner.clock.now(), &self.inner.entropy);
        let Once::Fresh(mut tx) = self.enter(&actor).await?.ask_once::<ClaimMail>(Resource::Practice, key, &()).await?
        else {
            return Ok(None);
        };
        let due = sql!(
            "select * from outbox where practice_id = $1 and id = $2 and state = 'waiting' and due_at <= $3
             for update skip locked"
        );
        let (id, at) = (id.0, tx.at());
        let Some(row) = tx.rows::<OutboxRow>(due, &[&id, &at]).await?.into_iter().next() else { return Ok(None) };
        let attempts = row.attempts + 1;
        let given_up = attempts > ATTEMPTS_MAX;
        // 2, 4, 8 ... 256 minutes: eight and a half hours in all.
        let wait = SignedDuration::from_mins(1_i64 << attempts.clamp(0, 10));
        let patch = OutboxPatch {
            attempts: Some(attempts),
            due_at: Some(at.saturating_add(wait).unwrap_or(at)),
            state: given_up.then(|| "failed".to_owned()),
            message: given_up.then_some(None),
        };
        tx.amend(&row, Versioned(row.row_version), patch).await?;
        tx.commit(Event::new().about("outbox", id), serde_json::Value::Null).await?;
        if given_up {
            tracing::warn!(practice = %practice, message = %id, "mail given up");
            return Ok(None);
        }
        let tx: Tx<TakeMail> = self.enter(&actor).await?.ask(Resource::Practice).await?;
        let row = tx.row::<OutboxRow>(sql!("select * from outbox where practice_id = $1 and id = $2"), &[&id]).await?;
        let open = tx.record(Event::new().about("outbox", id), row).await??;
        Ok(open.message.map(|letter| Outgoing { practice, id, letter }))
    }

    /// Notes that a message has gone, and wipes it.
    pub async fn letter_sent(&self, sent: &Outgoing) -> Result<(), StoreError> {
        let actor = self.machine(Job::Mail, sent.practice).await?;
        let key = IdempotencyKey::from_uuid(sent.id);
        let Once::Fresh(mut tx) = self.enter(&actor).await?.ask_once::<SendMail>(Resource::Practice, key, &()).await?
        else {
            return Ok(());
        };
        let row =
            tx.row::<OutboxRow>(sql!("select * from outbox where practice_id = $1 and id = $2"), &[&sent.id]).await?;
        let patch = OutboxPatch { state: Some("sent".to_owned()), message: Some(None), ..OutboxPatch::default() };
        tx.amend(&row, Versioned(row.row_version), patch).await?;
        tx.commit(Event::new().about("outbox", sent.id), serde_json::Value::Null).await.map(|_| ())
    }
}
