//! Many readers, one commit: each answer comes after its own event is durable.

use futures_util::future::join_all;
use store::{Event, Resource, StoreError};

use crate::support::evidence::{events, leaf};
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

#[tokio::test]
async fn events_of_several_practices_that_go_together_stand_each_in_its_own_log_with_whom_they_showed() {
    let (house, first) = lot().await;
    let lots = [first, Lot::found(&house.store).await, Lot::found(&house.store).await];
    let mut shown = Vec::new();
    for (n, lot) in lots.iter().enumerate() {
        let mut patients = Vec::new();
        // One of one, of two, of three.
        for m in 0..=n {
            patients.push(lot.patient(&format!("Thandi {m}")).await.uuid());
        }
        patients.sort();
        shown.push(patients);
    }
    join_all((0..60).map(|n| lots[n % 3].list())).await;
    let client = superuser().await;
    for (lot, shown) in lots.iter().zip(&shown) {
        let mut lists = 0;
        for row in events(&client, lot.practice).await {
            let leaf = leaf(&row);
            let hash = ledger::leaf_hash(&leaf.encode().unwrap());
            assert_eq!(hash.as_slice(), row.get::<_, &[u8]>("leaf_hash"), "{}", leaf.action);
            if leaf.action != "patient.find" {
                continue;
            }
            lists += 1;
            let id: uuid::Uuid = row.get("event_id");
            let sql = "select patient_id from audit_subject where practice_id = $1 and event_id = $2 order by 1";
            let subjects = client.query(sql, &[&lot.practice.uuid(), &id]).await.unwrap();
            let subjects: Vec<uuid::Uuid> = subjects.iter().map(|row| row.get(0)).collect();
            assert_eq!(subjects, *shown);
        }
        assert_eq!(lists, 20);
    }
    let practices: Vec<uuid::Uuid> = lots.iter().map(|lot| lot.practice.uuid()).collect();
    let together = "select count(*) from (select from audit_pending where practice_id = any($1)
                    group by xid having count(distinct practice_id) > 1) groups";
    let together: i64 = client.query_one(together, &[&practices]).await.unwrap().get(0);
    assert!(together > 0, "each practice's events went by themselves");
}
