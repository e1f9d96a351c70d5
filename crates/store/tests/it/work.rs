//! Work that takes longer than a request: claimed by one, kept, lost, taken over, laid down.

use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::Value;
use store::{
    Claim, Ended, Errand, Event, Fault, LEASE, Once, Resource, Store, StoreError, WORK_ATTEMPTS_MAX, WorkKind,
};
use testkit::House;
use uuid::Uuid;

use crate::support::rows::*;
use crate::support::*;

const SECOND: SignedDuration = SignedDuration::from_secs(1);

impl Lot {
    /// Work about a row that nobody has, due now.
    async fn work(&self) -> Uuid {
        let about = uuid();
        let mut tx = self.write::<EditPractice>(Resource::Practice).await;
        let now = tx.now();
        tx.enqueue(WorkKind::Export, about, now).await.unwrap();
        tx.commit(Event::new(), Value::Null).await.unwrap();
        about
    }

    async fn claim(&self) -> Option<Claim> {
        claim_any(&self.store, self.practice).await
    }

    async fn wish(&self, about: Uuid, wish: &str) -> bool {
        let mut tx = self.write::<EditPractice>(Resource::Practice).await;
        let kind = WorkKind::Export;
        let done = match wish {
            "pause" => tx.pause_work(kind, about).await,
            "resume" => tx.resume_work(kind, about).await,
            _ => tx.cancel_work(kind, about).await,
        };
        tx.commit(Event::new(), Value::Null).await.unwrap();
        done.unwrap()
    }

    async fn state(&self, about: Uuid) -> String {
        let tx = self.ask::<FindPatient>(Resource::Practice).await.unwrap();
        tx.work_about(WorkKind::Export, about).await.unwrap().map_or_else(|| "none".to_owned(), |work| work.state)
    }

    /// A checkpoint: writes a patient's name under the claim.
    async fn checkpoint(&self, claim: &Claim) -> Result<(), StoreError> {
        let mut tx = self.write::<CreatePatient>(Resource::Practice).await;
        tx.hold_advanced(claim).await?;
        let id = tx.new_patient().await?;
        tx.insert::<PatientRow>(patient(id, "Checkpoint")).await?;
        tx.commit(Event::new(), Value::Null).await.map(|_| ())
    }
}

async fn claim_any(store: &Store, practice: kernel::PracticeId) -> Option<Claim> {
    for id in store.due_work(practice).await.unwrap() {
        if let Some(claim) = store.claim(practice, id).await.unwrap() {
            return Some(claim);
        }
    }
    None
}

/// A practice whose owner may write (the settings are an owner's).
async fn owned() -> (House, Lot) {
    let (house, mut lot) = lot().await;
    lot.actor = lot.member("owner,practitioner").await;
    (house, lot)
}

#[tokio::test]
async fn work_is_there_if_and_only_if_the_transaction_that_asked_for_it_commits() {
    let (_house, lot) = owned().await;
    let mut tx = lot.write::<EditPractice>(Resource::Practice).await;
    let (about, now) = (uuid(), tx.now());
    tx.enqueue(WorkKind::Export, about, now).await.unwrap();
    drop(tx);
    assert!(lot.store.due_work(lot.practice).await.unwrap().is_empty());
    let about = lot.work().await;
    let claim = lot.claim().await.expect("it is due");
    assert_eq!((claim.about(), claim.kind(), claim.errand()), (about, WorkKind::Export, Errand::GoOn));
}

#[tokio::test]
async fn of_many_workers_at_once_one_has_a_work() {
    let (_house, lot) = owned().await;
    lot.work().await;
    let id = lot.store.due_work(lot.practice).await.unwrap()[0];
    let claims = join_all((0..8).map(|_| lot.store.claim(lot.practice, id))).await;
    assert_eq!(claims.into_iter().filter(|claim| claim.as_ref().unwrap().is_some()).count(), 1);
    assert!(lot.claim().await.is_none());
}

#[tokio::test]
async fn work_of_one_practice_is_no_other_practices() {
    let (house, lot) = owned().await;
    let other = Lot::found(&house.store).await;
    lot.work().await;
    assert!(other.claim().await.is_none());
    let id = lot.store.due_work(lot.practice).await.unwrap()[0];
    assert!(lot.store.claim(other.practice, id).await.unwrap().is_none());
    let claim = lot.claim().await.unwrap();
    let elsewhere = other.checkpoint(&claim).await;
    assert!(matches!(elsewhere, Err(StoreError::Overtaken)), "{elsewhere:?}");
}

#[tokio::test]
async fn a_worker_that_died_is_overtaken_when_its_lease_ends_and_not_before() {
    let (house, lot) = owned().await;
    lot.work().await;
    let _dead = lot.claim().await.unwrap();
    house.wait(LEASE - SECOND);
    assert!(lot.claim().await.is_none());
    house.wait(SECOND);
    assert!(lot.claim().await.is_some());
}

#[tokio::test]
async fn whoever_was_overtaken_writes_nothing_more_and_settles_nothing() {
    let (house, lot) = owned().await;
    let about = lot.work().await;
    let slow = lot.claim().await.unwrap();
    lot.checkpoint(&slow).await.unwrap();
    house.wait(LEASE);
    let second = lot.claim().await.unwrap();
    let before = lot.list().await.len();
    let late = lot.checkpoint(&slow).await;
    assert!(matches!(late, Err(StoreError::Overtaken)), "{late:?}");
    assert_eq!(lot.list().await.len(), before);
    assert!(slow.stopping(), "and is told to stop");
    assert!(matches!(lot.store.keep(&slow).await, Err(StoreError::Overtaken)));
    lot.store.settle(&slow, Ok(Ended::Finished)).await.unwrap();
    assert_eq!(lot.state(about).await, "running");
    lot.checkpoint(&second).await.unwrap();
    lot.store.settle(&second, Ok(Ended::Finished)).await.unwrap();
    assert_eq!(lot.state(about).await, "finished");
    assert!(lot.claim().await.is_none());
}

/// The checkpoint holds the row until its commit, so nobody can come between the proof and what it proves.
#[tokio::test]
async fn nobody_claims_a_work_while_a_checkpoint_of_it_is_under_way() {
    let (house, lot) = owned().await;
    lot.work().await;
    let first = lot.claim().await.unwrap();
    let tx = lot.write::<CreatePatient>(Resource::Practice).await;
    house.wait(LEASE);
    // Begun in time, renewed too late to be seen by others yet.
    tx.hold(&first).await.unwrap();
    house.wait(LEASE);
    assert!(lot.claim().await.is_none());
    tx.commit(Event::new(), Value::Null).await.unwrap();
    assert!(lot.claim().await.is_some());
}

#[tokio::test]
async fn a_lease_that_is_kept_does_not_end() {
    let (house, lot) = owned().await;
    lot.work().await;
    let claim = lot.claim().await.unwrap();
    for _ in 0..4 {
        house.wait(LEASE - SECOND);
        lot.store.keep(&claim).await.unwrap();
        assert!(lot.claim().await.is_none());
    }
    assert!(!claim.stopping());
}

#[tokio::test]
async fn a_paused_work_stops_at_its_next_checkpoint_and_goes_on_when_it_is_resumed() {
    let (_house, lot) = owned().await;
    let about = lot.work().await;
    let claim = lot.claim().await.unwrap();
    assert!(lot.wish(about, "pause").await);
    lot.checkpoint(&claim).await.unwrap();
    assert!(claim.stopping());
    lot.store.settle(&claim, Ok(Ended::Stopped)).await.unwrap();
    assert_eq!(lot.state(about).await, "paused");
    assert!(lot.claim().await.is_none());
    assert!(lot.wish(about, "resume").await);
    let claim = lot.claim().await.unwrap();
    assert_eq!(claim.errand(), Errand::GoOn);
    assert!(!claim.stopping());
}

#[tokio::test]
async fn a_work_that_waits_is_paused_at_once_and_one_whose_worker_died_when_it_is_found() {
    let (house, lot) = owned().await;
    let waiting = lot.work().await;
    assert!(lot.wish(waiting, "pause").await);
    assert!(lot.claim().await.is_none());
    let left = lot.work().await;
    let _dead = lot.claim().await.unwrap();
    assert!(lot.wish(left, "pause").await);
    house.wait(LEASE);
    assert!(lot.claim().await.is_none());
    assert_eq!(lot.state(left).await, "paused");
}

#[tokio::test]
async fn a_cancelled_work_is_handed_out_once_more_to_be_put_away() {
    let (_house, lot) = owned().await;
    let about = lot.work().await;
    let claim = lot.claim().await.unwrap();
    assert!(lot.wish(about, "cancel").await);
    lot.store.keep(&claim).await.unwrap();
    assert!(claim.stopping());
    lot.store.settle(&claim, Ok(Ended::Stopped)).await.unwrap();
    let claim = lot.claim().await.expect("to be put away");
    assert_eq!(claim.errand(), Errand::Cancel);
    lot.checkpoint(&claim).await.unwrap();
    assert!(!claim.stopping(), "putting away goes on");
    lot.store.settle(&claim, Ok(Ended::Finished)).await.unwrap();
    assert_eq!(lot.state(about).await, "cancelled");
    assert!(!lot.wish(about, "cancel").await, "it has ended");
}

#[tokio::test]
async fn what_fails_is_tried_again_after_growing_waits_and_is_given_up_at_last() {
    let (house, lot) = owned().await;
    let about = lot.work().await;
    for attempt in 0..WORK_ATTEMPTS_MAX {
        let claim = lot.claim().await.expect("due again");
        assert_eq!(claim.errand(), Errand::GoOn);
        lot.store.settle(&claim, Err(Fault::new("away"))).await.unwrap();
        let wait = SignedDuration::from_mins(1 << attempt.min(6));
        house.wait(wait - SECOND);
        assert!(lot.claim().await.is_none(), "not before its time");
        house.wait(SECOND);
    }
    let claim = lot.claim().await.unwrap();
    assert_eq!(claim.errand(), Errand::GiveUp);
    lot.store.settle(&claim, Ok(Ended::Finished)).await.unwrap();
    let tx = lot.ask::<FindPatient>(Resource::Practice).await.unwrap();
    let state = tx.work_about(WorkKind::Export, about).await.unwrap().unwrap();
    assert_eq!((state.state.as_str(), state.fault.as_deref()), ("failed", Some("away")));
}

#[tokio::test]
async fn a_fault_that_waiting_does_not_mend_is_given_up_at_once() {
    let (_house, lot) = owned().await;
    lot.work().await;
    let claim = lot.claim().await.unwrap();
    lot.store.settle(&claim, Err(Fault::for_good("no-such-file"))).await.unwrap();
    assert_eq!(lot.claim().await.unwrap().errand(), Errand::GiveUp);
}

#[tokio::test]
async fn a_work_that_kills_whoever_takes_it_is_left_alone_at_last_and_one_that_gets_on_is_not() {
    let (house, lot) = owned().await;
    let deadly = lot.work().await;
    let mut died = 0;
    while lot.claim().await.is_some() {
        died += 1;
        house.wait(LEASE);
        assert!(died < 100, "it goes on for ever");
    }
    assert_eq!(died, 2 * WORK_ATTEMPTS_MAX);
    assert_eq!(lot.state(deadly).await, "failed");
    lot.work().await;
    for _ in 0..3 * WORK_ATTEMPTS_MAX {
        let claim = lot.claim().await.unwrap();
        assert_eq!(claim.errand(), Errand::GoOn);
        lot.checkpoint(&claim).await.unwrap();
        house.wait(LEASE);
    }
}

#[tokio::test]
async fn a_work_can_be_left_for_later_and_is_wanted_once_however_often_it_is_asked_for() {
    let (house, lot) = owned().await;
    let about = lot.work().await;
    let claim = lot.claim().await.unwrap();
    let later = testkit::START + SignedDuration::from_hours(24);
    lot.store.settle(&claim, Ok(Ended::Later(later))).await.unwrap();
    assert!(lot.claim().await.is_none());
    // Asked for again, sooner: the same one.
    let mut tx = lot.write::<EditPractice>(Resource::Practice).await;
    let sooner = tx.now() + SignedDuration::from_hours(1);
    tx.enqueue(WorkKind::Export, about, sooner).await.unwrap();
    tx.enqueue(WorkKind::Export, about, later).await.unwrap();
    tx.commit(Event::new(), Value::Null).await.unwrap();
    house.wait(SignedDuration::from_hours(1));
    assert!(lot.claim().await.is_some());
    assert!(lot.claim().await.is_none());
}

#[tokio::test]
async fn stopping_costs_no_attempt() {
    let (_house, lot) = owned().await;
    lot.work().await;
    for _ in 0..3 * WORK_ATTEMPTS_MAX {
        let claim = lot.claim().await.unwrap();
        assert_eq!(claim.errand(), Errand::GoOn);
        lot.store.settle(&claim, Ok(Ended::Stopped)).await.unwrap();
    }
}

/// Sent twice, it is done once: the second time the answer of the first is given, and nothing is asked for.
#[tokio::test]
async fn a_request_sent_twice_asks_for_work_once() {
    let (_house, lot) = owned().await;
    let (about, again) = (uuid(), key());
    for _ in 0..2 {
        let threshold = lot.store.enter(&lot.actor).await.unwrap();
        if let Once::Fresh(mut tx) =
            threshold.ask_once::<EditPractice>(Resource::Practice, again, &"the same").await.unwrap()
        {
            let now = tx.now();
            tx.enqueue(WorkKind::Export, about, now).await.unwrap();
            tx.commit(Event::new(), Value::Null).await.unwrap();
        }
        if let Some(claim) = lot.claim().await {
            lot.store.settle(&claim, Ok(Ended::Finished)).await.unwrap();
        }
    }
    let count = "select count(*) from work where practice_id = $1";
    let works: i64 = superuser().await.query_one(count, &[&lot.practice.uuid()]).await.unwrap().get(0);
    assert_eq!(works, 1);
}
