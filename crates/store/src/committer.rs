//! Read events are committed in groups: many answers wait for one commit. Each answer still leaves
//! only after its own event is durable.

use std::collections::BTreeMap;

use deadpool_postgres::Pool;
use kernel::PracticeId;
use tokio::sync::{mpsc, oneshot};

use crate::StoreError;
use crate::event::EventRecord;
use crate::trip::Trip;

/// At most this many events in one commit.
const GROUP_MAX: usize = 128;
/// At most this many events wait; past it, readers are told to try again.
const QUEUE_MAX: usize = 2048;

type Waiting = (EventRecord, oneshot::Sender<Result<(), StoreError>>);

pub(crate) struct Committer {
    queue: mpsc::Sender<Waiting>,
}

impl Committer {
    /// Starts the committer's task; it ends when the store is dropped.
    pub(crate) fn start(pool: Pool) -> Self {
        let (queue, mut waiting) = mpsc::channel::<Waiting>(QUEUE_MAX);
        tokio::spawn(async move {
            let mut group = Vec::with_capacity(GROUP_MAX);
            while waiting.recv_many(&mut group, GROUP_MAX).await > 0 {
                commit_group(&pool, std::mem::take(&mut group)).await;
            }
        });
        Self { queue }
    }

    /// Gives an event to the next group; returns once it is durable.
    pub(crate) async fn durable(&self, record: EventRecord) -> Result<(), StoreError> {
        let (tell, told) = oneshot::channel();
        let away = || StoreError::Away("the audit log takes no more events at the moment".into());
        self.queue.try_send((record, tell)).map_err(|_| away())?;
        told.await.map_err(|_| away())?
    }
}

async fn commit_group(pool: &Pool, group: Vec<Waiting>) {
    let (records, tell): (Vec<EventRecord>, Vec<_>) = group.into_iter().unzip();
    match write_all(pool, &records).await {
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
                let result = write_all(pool, std::slice::from_ref(record)).await;
                if let Err(error) = &result {
                    tracing::error!(event = %record.id, %error, "an event could not be written");
                }
                let _ = waiting.send(result);
            }
        }
    }
}

async fn write_all(pool: &Pool, records: &[EventRecord]) -> Result<(), StoreError> {
    let mut by_practice: BTreeMap<PracticeId, Vec<&EventRecord>> = BTreeMap::new();
    for record in records {
        by_practice.entry(record.practice).or_default().push(record);
    }
    let Some(first) = by_practice.keys().next().copied() else { return Ok(()) };
    let trip = Trip::begin(pool, first).await?;
    for (practice, records) in by_practice {
        if practice != first {
            trip.scope(practice).await?;
        }
        insert_events(&trip, practice, &records).await?;
    }
    trip.commit().await
}

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

/// Writes events into the log of the practice that the transaction points at.
pub(crate) async fn insert_events(
    trip: &Trip,
    practice: PracticeId,
    records: &[&EventRecord],
) -> Result<(), StoreError> {
    macro_rules! column {
        ($field:ident) => {
            records.iter().map(|r| &r.$field).collect::<Vec<_>>()
        };
    }
    trip.execute(
        INSERT_EVENTS,
        &[
            &practice.uuid(),
            &column!(id),
            &column!(at),
            &column!(actor_kind),
            &column!(actor_id),
            &column!(source),
            &column!(action),
            &column!(record_kind),
            &column!(record_id),
            &column!(patient),
            &column!(field),
            &column!(purpose),
            &column!(details),
            &column!(changes),
            &column!(subjects),
            &column!(leaf_hash),
        ],
    )
    .await?;
    let subjects =
        || records.iter().flat_map(|r| r.subject_rows.iter().map(move |(patient, opening)| (r.id, patient, opening)));
    if subjects().next().is_some() {
        let patients: Vec<_> = subjects().map(|s| s.1).collect();
        let events: Vec<_> = subjects().map(|s| s.0).collect();
        let openings: Vec<_> = subjects().map(|s| s.2).collect();
        trip.execute(INSERT_SUBJECTS, &[&practice.uuid(), &patients, &events, &openings]).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use futures_util::FutureExt as _;
    use kernel::ErrorKind;
    use uuid::Uuid;

    use super::*;
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
