//! The runner, with rooms of the tests' own.

use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use kernel::IdempotencyKey;
use store::{Ended, Event, Once, Resource, Role, WorkKind};
use testkit::House;
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use super::*;

/// What a test does instead of a room.
pub(super) type Instead =
    Box<dyn Fn(Store, Claim) -> Pin<Box<dyn Future<Output = Result<Ended, Fault>> + Send>> + Send + Sync>;

store::actions! {
    /// An action that an owner may do.
    EditPractice = "practice.edit", writes;
}

fn works<F>(house: &House, at_once_max: usize, room: impl Fn(Store, Claim) -> F + Send + Sync + 'static) -> Works
where
    F: Future<Output = Result<Ended, Fault>> + Send + 'static,
{
    let instead: Instead = Box::new(move |store, claim| Box::pin(room(store, claim)));
    Works::new(house.store.clone(), at_once_max, {
        let signer = practice::exchange::archive::Signer::new("house.example", &[7; 32]).unwrap();
        let mut handlers = Handlers::new(Some(signer));
        handlers.instead = Some(instead);
        handlers
    })
}

/// Asks for work in a practice of its own.
async fn asked(house: &House) -> (PracticeId, Uuid) {
    let practice = house.practice().await;
    (practice, asked_in(house, practice).await)
}

async fn asked_in(house: &House, practice: PracticeId) -> Uuid {
    let owner = house.signed_in(practice, &[Role::Owner]).await;
    let threshold = house.store.enter(&owner.actor).await.unwrap();
    let Once::Fresh(mut tx) = threshold.ask_once::<EditPractice>(Resource::Practice, house.key(), &()).await.unwrap()
    else {
        panic!("asked before");
    };
    let now = tx.now();
    let about = IdempotencyKey::new(now, house.store.entropy()).uuid();
    tx.enqueue(WorkKind::Export, about, now).await.unwrap();
    tx.commit(Event::new(), serde_json::Value::Null).await.unwrap();
    about
}

async fn due(house: &House, practice: PracticeId) -> usize {
    house.store.due_work(practice).await.unwrap().len()
}

#[tokio::test]
async fn what_is_due_is_done_once() {
    let house = House::open().await;
    let (practice, about) = asked(&house).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noting = Arc::clone(&seen);
    let works = works(&house, 2, move |_, claim| {
        noting.lock().unwrap().push(claim.about());
        async { Ok(Ended::Finished) }
    });
    let stop = CancellationToken::new();
    assert_eq!(works.work_off(practice, &stop).await, 1);
    assert_eq!(works.work_off(practice, &stop).await, 0);
    assert_eq!(*seen.lock().unwrap(), [about]);
}

#[tokio::test]
async fn a_room_that_breaks_off_fails_its_work_and_nothing_else() {
    let house = House::open().await;
    let (practice, _) = asked(&house).await;
    let works = works(&house, 2, |_, _| async { panic!("a fault of the program") });
    assert_eq!(works.work_off(practice, &CancellationToken::new()).await, 1);
    assert_eq!(due(&house, practice).await, 0);
    house.wait(jiff::SignedDuration::from_mins(1));
    assert_eq!(due(&house, practice).await, 1, "it is tried again");
}

#[tokio::test]
async fn told_to_stop_it_ends_when_what_is_under_way_has_come_to_its_checkpoint() {
    let house = House::open().await;
    let (practice, _) = asked(&house).await;
    let (under_way, ended) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let (tell, noting) = (Arc::clone(&under_way), Arc::clone(&ended));
    let mut works = works(&house, 2, move |_, claim| {
        let (tell, noting) = (Arc::clone(&tell), Arc::clone(&noting));
        async move {
            tell.notify_one();
            while !claim.stopping() {
                tokio::task::yield_now().await;
            }
            noting.fetch_add(1, Ordering::Relaxed);
            Ok(Ended::Stopped)
        }
    });
    works.among = vec![practice];
    let stop = CancellationToken::new();
    let running = tokio::spawn(works.run(stop.clone()));
    under_way.notified().await;
    stop.cancel();
    running.await.unwrap();
    assert_eq!(ended.load(Ordering::Relaxed), 1);
    assert_eq!(due(&house, practice).await, 1, "whoever runs next takes it up");
}

#[tokio::test]
async fn no_more_are_done_at_once_than_is_set_and_every_practice_has_its_turn() {
    let house = House::open().await;
    let practice = house.practice().await;
    let mut practices = vec![practice];
    for _ in 0..3 {
        asked_in(&house, practice).await;
        practices.push(asked(&house).await.0);
    }
    let (at_once, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (go, gate) = watch::channel(false);
    let (counting, highest) = (Arc::clone(&at_once), Arc::clone(&most));
    let mut works = works(&house, 2, move |_, _| {
        let (counting, highest, mut gate) = (Arc::clone(&counting), Arc::clone(&highest), gate.clone());
        async move {
            highest.fetch_max(counting.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            gate.wait_for(|open| *open).await.unwrap();
            counting.fetch_sub(1, Ordering::SeqCst);
            Ok(Ended::Finished)
        }
    });
    works.among.clone_from(&practices);
    let (mut busy, stop) = (JoinSet::new(), CancellationToken::new());
    works.look(&mut busy, &stop).await.unwrap();
    works.look(&mut busy, &stop).await.unwrap();
    assert_eq!(busy.len(), 2);
    while at_once.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    go.send(true).unwrap();
    let left = async |house: &House| {
        let mut left = 0;
        for practice in &practices {
            left += due(house, *practice).await;
        }
        left
    };
    while left(&house).await > 0 {
        works.look(&mut busy, &stop).await.unwrap();
        busy.join_next().await;
    }
    while busy.join_next().await.is_some() {}
    assert_eq!(most.load(Ordering::SeqCst), 2);
}
