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
use crate::trip::{Asked, Trip};

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
    let practices = Practices::of(records);
    let params = if records.len() == 1 { columns.params() } else { columns.params_of(&practices) };
    let trip = Trip::begin(pool, *first).await?;
    trip.last(&params.statements().collect::<Vec<_>>()).await.map(drop).map_err(|(_, error)| error)
}

/// Whose the events of a group are.
struct Practices {
    of_events: Vec<Uuid>,
    of_subjects: Vec<Uuid>,
}

impl Practices {
    fn of(records: &[EventRecord]) -> Self {
        let subjects = records.iter().flat_map(|r| r.subject_rows.iter().map(|_| r.practice.uuid()));
        Self { of_events: records.iter().map(|r| r.practice.uuid()).collect(), of_subjects: subjects.collect() }
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

/// Statements that write many events, and whom they are about besides.
struct Written {
    events: &'static str,
    subjects: &'static str,
}

/// Of the practice that is set.
const OF_ONE: Written = Written {
    events: "
        with event as (
            insert into audit_event (practice_id, event_id, at, actor_kind, actor_id, source, action, record_kind,
                record_id, patient_id, field, purpose, details, changes, subjects)
            select $1, event_id, at, actor_kind, actor_id, source, action, record_kind,
                record_id, patient_id, field, purpose, details, changes, subjects
            from unnest($2::uuid[], $3::timestamptz[], $4::int2[], $5::uuid[], $6::text[], $7::text[], $8::text[],
                $9::uuid[], $10::uuid[], $11::text[], $12::text[], $13::bytea[], $14::bytea[], $15::bytea[])
                as e (event_id, at, actor_kind, actor_id, source, action, record_kind, record_id, patient_id, field,
                    purpose, details, changes, subjects)
        )
        insert into audit_pending (practice_id, event_id, leaf_hash)
        select $1, event_id, leaf_hash from unnest($2::uuid[], $16::bytea[]) as p (event_id, leaf_hash)",
    subjects: "
        insert into audit_subject (practice_id, patient_id, event_id, opening)
        select $1, patient_id, event_id, opening
        from unnest($2::uuid[], $3::uuid[], $4::bytea[]) as s (event_id, patient_id, opening)",
};

/// The same of several practices, each row with its practice set: the wall asks for it at each row (V18), so that rows
/// written in another order than they were named would be refused.
const OF_EACH: Written = Written {
    events: "
        with event as (
            insert into audit_event (practice_id, event_id, at, actor_kind, actor_id, source, action, record_kind,
                record_id, patient_id, field, purpose, details, changes, subjects)
            select practice_id, event_id, at, actor_kind, actor_id, source, action, record_kind,
                record_id, patient_id, field, purpose, details, changes, subjects
            from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::int2[], $5::uuid[], $6::text[], $7::text[],
                $8::text[], $9::uuid[], $10::uuid[], $11::text[], $12::text[], $13::bytea[], $14::bytea[], $15::bytea[])
                as e (practice_id, event_id, at, actor_kind, actor_id, source, action, record_kind, record_id,
                    patient_id, field, purpose, details, changes, subjects)
            where set_config('app.practice', practice_id::text, true) is not null
        )
        insert into audit_pending (practice_id, event_id, leaf_hash)
        select practice_id, event_id, leaf_hash
        from unnest($1::uuid[], $2::uuid[], $16::bytea[]) as p (practice_id, event_id, leaf_hash)
        where set_config('app.practice', practice_id::text, true) is not null",
    subjects: "
        insert into audit_subject (practice_id, patient_id, event_id, opening)
        select practice_id, patient_id, event_id, opening
        from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bytea[]) as s (practice_id, event_id, patient_id, opening)
        where set_config('app.practice', practice_id::text, true) is not null",
};

/// Events as columns.
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

/// The statements that write [`EventColumns`], and their parameters.
pub(crate) struct EventParams<'a> {
    events: (&'static str, [&'a (dyn ToSql + Sync); 16]),
    subjects: Option<(&'static str, [&'a (dyn ToSql + Sync); 4])>,
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

    /// Into the log of the practice that the transaction points at.
    pub(crate) fn params(&self) -> EventParams<'_> {
        let events = if self.id.len() == 1 { INSERT_EVENT } else { OF_ONE.events };
        self.written(&Written { events, ..OF_ONE }, &self.practice, &self.practice)
    }

    /// Each into the log of its practice.
    fn params_of<'b>(&'b self, practices: &'b Practices) -> EventParams<'b> {
        self.written(&OF_EACH, &practices.of_events, &practices.of_subjects)
    }

    fn written<'b>(
        &'b self,
        by: &Written,
        practices: &'b (dyn ToSql + Sync),
        of_subjects: &'b (dyn ToSql + Sync),
    ) -> EventParams<'b> {
        let events: [&(dyn ToSql + Sync); 16] = [
            practices,
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
        ];
        let subjects: [&(dyn ToSql + Sync); 4] =
            [of_subjects, &self.subject_event, &self.subject_patient, &self.subject_opening];
        EventParams {
            events: (by.events, events),
            subjects: (!self.subject_patient.is_empty()).then_some((by.subjects, subjects)),
        }
    }
}

impl EventParams<'_> {
    /// The statements, in their order.
    pub(crate) fn statements(&self) -> impl Iterator<Item = Asked<'_>> {
        let events: Asked<'_> = (self.events.0, &self.events.1);
        let subjects = self.subjects.as_ref().map(|(text, params)| -> Asked<'_> { (text, params) });
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
