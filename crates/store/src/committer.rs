//! Read events are committed in groups: many answers wait for one commit. Each answer still leaves
//! only after its own event is durable.

use deadpool_postgres::Pool;
use jiff::Timestamp;
use kernel::PracticeId;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::StoreError;
use crate::event::EventRecord;
use crate::grouped::{Grouped, Waiting};
use crate::trip::{Asked, Trip, ends};

pub(crate) struct Committer {
    events: Grouped<EventRecord, ()>,
}

impl Committer {
    /// Starts the committer's task; it ends when the store is dropped.
    pub(crate) fn start(pool: Pool) -> Self {
        let away = "the audit log takes no more events at the moment";
        Self { events: Grouped::start(away, move |group| commit_group(pool.clone(), group)) }
    }

    /// Gives an event to the next group; returns once it is durable.
    pub(crate) async fn durable(&self, record: EventRecord) -> Result<(), StoreError> {
        self.events.ask(record).await
    }
}

async fn commit_group(pool: Pool, group: Vec<Waiting<EventRecord, ()>>) {
    let (records, tell): (Vec<EventRecord>, Vec<_>) = group.into_iter().unzip();
    match write_all(&pool, &records).await {
        Ok(()) => {
            for waiting in tell {
                // A reader who has gone away is no failure.
                let _ = waiting.send(Ok(()));
            }
        }
        // Nothing can be written now; waiting for it once for each would only make all wait longer.
        Err(StoreError::Away(_)) => {
            for waiting in tell {
                let _ = waiting.send(Err(StoreError::Away("the audit log cannot be written at the moment".into())));
            }
        }
        // One bad event must not take the others with it: each once more by itself.
        Err(_) => {
            for (record, waiting) in records.iter().zip(tell) {
                let result = write_all(&pool, std::slice::from_ref(record)).await;
                if let Err(error) = &result {
                    tracing::error!(event = %record.id, %error, "an event could not be written");
                }
                let _ = waiting.send(result);
            }
        }
    }
}

/// All events of a group, in one trip and one commit.
async fn write_all(pool: &Pool, records: &[EventRecord]) -> Result<(), StoreError> {
    let Some(EventRecord { practice: first, .. }) = records.first() else { return Ok(()) };
    let columns = EventColumns::of(*first, &records.iter().collect::<Vec<_>>());
    let params = columns.params();
    let trip = Trip::begin(pool, *first).await?;
    let written = if records.iter().all(|record| record.practice == *first) {
        trip.last(&params.statements().collect::<Vec<_>>()).await
    } else {
        let of_practices = OfPractices::of(records);
        trip.last(&[(WRITE_EVENTS, &of_practices.params(&columns))]).await
    };
    written.map(drop).map_err(|(_, error)| error)
}

/// Events of several practices, each written with its own set (V16).
const WRITE_EVENTS: &str =
    "select audit_write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";

/// What [`WRITE_EVENTS`] is told beside the columns of the events.
struct OfPractices {
    practices: Vec<Uuid>,
    /// Where among all subjects those of each event end.
    subject_ends: Vec<i32>,
}

impl OfPractices {
    fn of(records: &[EventRecord]) -> Self {
        Self {
            practices: records.iter().map(|record| record.practice.uuid()).collect(),
            subject_ends: ends(records.iter().map(|record| record.subject_rows.len())),
        }
    }

    fn params<'a>(&'a self, columns: &'a EventColumns<'_>) -> [&'a (dyn ToSql + Sync); 19] {
        [
            &self.practices,
            &columns.id,
            &columns.at,
            &columns.actor_kind,
            &columns.actor_id,
            &columns.source,
            &columns.action,
            &columns.record_kind,
            &columns.record_id,
            &columns.patient,
            &columns.field,
            &columns.purpose,
            &columns.details,
            &columns.changes,
            &columns.subjects,
            &columns.leaf_hash,
            &self.subject_ends,
            &columns.subject_patient,
            &columns.subject_opening,
        ]
    }
}

/// One event: of the arrays the first, without the work of going through each.
const INSERT_EVENT: &str = "
    with event as (
        insert into audit_event (practice_id, event_id, at, actor_kind, actor_id, source, action, record_kind, record_id,
            patient_id, field, purpose, details, changes, subjects)
        select $1, ($2::uuid[])[1], ($3::timestamptz[])[1], ($4::int2[])[1], ($5::uuid[])[1], ($6::text[])[1],
            ($7::text[])[1], ($8::text[])[1], ($9::uuid[])[1], ($10::uuid[])[1], ($11::text[])[1], ($12::text[])[1],
            ($13::bytea[])[1], ($14::bytea[])[1], ($15::bytea[])[1]
    )
    insert into audit_pending (practice_id, event_id, leaf_hash) select $1, ($2::uuid[])[1], ($16::bytea[])[1]";

const INSERT_EVENTS: &str = "
    with event as (
        insert into audit_event (practice_id, event_id, at, actor_kind, actor_id, source, action, record_kind, record_id,
            patient_id, field, purpose, details, changes, subjects)
        select $1, event_id, at, actor_kind, actor_id, source, action, record_kind, record_id,
            patient_id, field, purpose, details, changes, subjects
        from unnest($2::uuid[], $3::timestamptz[], $4::int2[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::uuid[],
            $10::uuid[], $11::text[], $12::text[], $13::bytea[], $14::bytea[], $15::bytea[])
            as e (event_id, at, actor_kind, actor_id, source, action, record_kind, record_id, patient_id, field, purpose,
                details, changes, subjects)
    )
    insert into audit_pending (practice_id, event_id, leaf_hash)
    select $1, event_id, leaf_hash from unnest($2::uuid[], $16::bytea[]) as p (event_id, leaf_hash)";

const INSERT_SUBJECTS: &str = "
    insert into audit_subject (practice_id, patient_id, event_id, opening)
    select $1, patient_id, event_id, opening
    from unnest($2::uuid[], $3::uuid[], $4::bytea[]) as s (patient_id, event_id, opening)";

/// The events of one practice as columns.
pub(crate) struct EventColumns<'a> {
    practice: Uuid,
    id: Vec<Uuid>,
    at: Vec<Timestamp>,
    actor_kind: Vec<i16>,
    actor_id: Vec<Uuid>,
    source: Vec<&'a str>,
    action: Vec<&'a str>,
    record_kind: Vec<Option<&'a str>>,
    record_id: Vec<Option<Uuid>>,
    patient: Vec<Option<Uuid>>,
    field: Vec<Option<&'a str>>,
    purpose: Vec<Option<&'a str>>,
    details: Vec<&'a [u8]>,
    changes: Vec<&'a [u8]>,
    subjects: Vec<&'a [u8]>,
    leaf_hash: Vec<&'a [u8]>,
    subject_patient: Vec<Uuid>,
    subject_event: Vec<Uuid>,
    subject_opening: Vec<&'a [u8]>,
}

/// Parameters of the statements that write [`EventColumns`].
pub(crate) struct EventParams<'a> {
    count: usize,
    events: [&'a (dyn ToSql + Sync); 16],
    subjects: Option<[&'a (dyn ToSql + Sync); 4]>,
}

impl<'a> EventColumns<'a> {
    pub(crate) fn of(practice: PracticeId, records: &[&'a EventRecord]) -> Self {
        macro_rules! column {
            ($record:ident => $value:expr) => {
                records.iter().map(|$record| $value).collect()
            };
        }
        let subjects = || records.iter().flat_map(|r| r.subject_rows.iter().map(move |row| (r.id, row)));
        Self {
            practice: practice.uuid(),
            id: column!(r => r.id),
            at: column!(r => r.at),
            actor_kind: column!(r => r.actor_kind),
            actor_id: column!(r => r.actor_id),
            source: column!(r => r.source.as_str()),
            action: column!(r => r.action.as_str()),
            record_kind: column!(r => r.record_kind.as_deref()),
            record_id: column!(r => r.record_id),
            patient: column!(r => r.patient),
            field: column!(r => r.field.as_deref()),
            purpose: column!(r => r.purpose.as_deref()),
            details: column!(r => r.details.as_slice()),
            changes: column!(r => r.changes.as_slice()),
            subjects: column!(r => r.subjects.as_slice()),
            leaf_hash: column!(r => r.leaf_hash.as_slice()),
            subject_patient: subjects().map(|(_, row)| row.0).collect(),
            subject_event: subjects().map(|(event, _)| event).collect(),
            subject_opening: subjects().map(|(_, row)| row.1.as_slice()).collect(),
        }
    }

    pub(crate) fn params(&self) -> EventParams<'_> {
        let subjects: [&(dyn ToSql + Sync); 4] =
            [&self.practice, &self.subject_patient, &self.subject_event, &self.subject_opening];
        EventParams {
            count: self.id.len(),
            events: [
                &self.practice,
                &self.id,
                &self.at,
                &self.actor_kind,
                &self.actor_id,
                &self.source,
                &self.action,
                &self.record_kind,
                &self.record_id,
                &self.patient,
                &self.field,
                &self.purpose,
                &self.details,
                &self.changes,
                &self.subjects,
                &self.leaf_hash,
            ],
            subjects: (!self.subject_patient.is_empty()).then_some(subjects),
        }
    }
}

impl EventParams<'_> {
    /// The statements that write the events into the log of the practice that the transaction points at.
    pub(crate) fn statements(&self) -> impl Iterator<Item = Asked<'_>> {
        let text = if self.count == 1 { INSERT_EVENT } else { INSERT_EVENTS };
        let events: Asked<'_> = (text, &self.events);
        let subjects = self.subjects.as_ref().map(|params| -> Asked<'_> { (INSERT_SUBJECTS, params) });
        std::iter::once(events).chain(subjects)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use futures_util::FutureExt as _;
    use kernel::ErrorKind;
    use uuid::Uuid;

    use super::*;
    use crate::grouped::{GROUP_MAX, QUEUE_MAX};
    use crate::{PoolSettings, ServerAddress};

    fn record() -> EventRecord {
        EventRecord {
            practice: PracticeId::HOUSE,
            id: Uuid::nil(),
            at: jiff::Timestamp::UNIX_EPOCH,
            actor_kind: 2,
            actor_id: Uuid::nil(),
            source: String::new(),
            action: String::new(),
            record_kind: None,
            record_id: None,
            patient: None,
            field: None,
            purpose: None,
            details: Vec::new(),
            changes: Vec::new(),
            subjects: Vec::new(),
            leaf_hash: Vec::new(),
            subject_rows: Vec::new(),
        }
    }

    fn nowhere() -> Committer {
        let folder = PathBuf::from("/nonexistent");
        let address = ServerAddress::Socket { folder, port: 1, database: "none".to_owned(), role: "none".to_owned() };
        Committer::start(crate::pool::pool(&address, PoolSettings::default()).unwrap())
    }

    #[tokio::test]
    async fn past_its_limit_the_queue_says_try_again_and_keeps_nobody_waiting() {
        let committer = nowhere();
        // Nothing is awaited here, so the committer's own task has had no turn yet.
        let mut waiting: Vec<_> = (0..QUEUE_MAX).map(|_| Box::pin(committer.durable(record()))).collect();
        assert!(waiting.iter_mut().all(|one| one.now_or_never().is_none()));
        let told = committer.durable(record()).now_or_never().unwrap().unwrap_err();
        assert_eq!(told.kind(), ErrorKind::Busy);
    }

    #[tokio::test]
    async fn when_the_log_cannot_be_reached_everybody_in_the_group_is_told() {
        let committer = nowhere();
        for told in futures_util::future::join_all((0..GROUP_MAX).map(|_| committer.durable(record()))).await {
            assert_eq!(told.unwrap_err().kind(), ErrorKind::Busy);
        }
    }
}
