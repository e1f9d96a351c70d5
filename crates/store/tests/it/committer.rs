//! Many readers, one commit: each answer comes after its own event is durable.

use futures_util::future::join_all;
use store::{Event, Resource, StoreError};

use crate::support::rows::PatientRow;
use crate::support::*;

async fn read(lot: &Lot, id: kernel::PatientId, event: Event) -> Result<(), StoreError> {
    let tx = lot.ask::<ReadPatient>(Resource::Patient(id)).await?;
    let row: PatientRow = tx.row(BY_ID, &[&id.uuid()]).await?;
    tx.record(event, row).await??;
    Ok(())
}

#[tokio::test]
async fn two_hundred_readers_at_once_each_get_their_answer_after_their_event() {
    let (_house, lot) = lot().await;
    let id = lot.patient("Thandi").await;
    let client = superuser().await;
    let marked = "select count(*) from audit_event where practice_id = $1 and record_id = $2";
    let readers = (0..200).map(|_| async {
        let mark = uuid();
        read(&lot, id, Event::new().about("mark", mark)).await.unwrap();
        // The answer is here; is its event, as somebody else sees it?
        let seen: i64 = client.query_one(marked, &[&lot.practice.uuid(), &mark]).await.unwrap().get(0);
        assert_eq!(seen, 1);
    });
    join_all(readers).await;
    let xids = "select count(*), count(distinct p.xid::text) from audit_event e
                join audit_pending p on p.practice_id = e.practice_id and p.event_id = e.event_id
                where e.practice_id = $1 and e.action = 'patient.read'";
    let row = client.query_one(xids, &[&lot.practice.uuid()]).await.unwrap();
    let (events, commits): (i64, i64) = (row.get(0), row.get(1));
    assert_eq!(events, 200);
    eprintln!("{events} events in {commits} commits");
    assert!(commits < events, "they were committed in groups");
}

#[tokio::test]
async fn an_event_that_cannot_be_written_fails_its_own_reader_and_no_other() {
    let (_house, lot) = lot().await;
    let id = lot.patient("Thandi").await;
    let readers = (0..20).map(|n| {
        // PostgreSQL takes no zero byte in a text.
        let event = if n == 7 { Event::new().field("a\0b") } else { Event::new().field("patient.names") };
        read(&lot, id, event)
    });
    let results = join_all(readers).await;
    for (n, result) in results.iter().enumerate() {
        assert_eq!(result.is_err(), n == 7, "{n}: {result:?}");
    }
    let count = "select count(*) from audit_event where practice_id = $1 and action = 'patient.read'";
    let kept: i64 = superuser().await.query_one(count, &[&lot.practice.uuid()]).await.unwrap().get(0);
    assert_eq!(kept, 19);
}

#[tokio::test]
async fn an_event_past_the_limits_of_a_leaf_is_no_event_and_opens_nothing() {
    let (_house, lot) = lot().await;
    let id = lot.patient("Thandi").await;
    let long = read(&lot, id, Event::new().field("x".repeat(256))).await;
    assert!(matches!(long, Err(StoreError::Unreadable { what: "event" })), "{long:?}");
}
