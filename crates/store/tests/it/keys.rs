//! Keys: turned while people work, turned by a process that is killed, held for minutes and no longer,
//! destroyed.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{Either, join, join_all, select};
use jiff::SignedDuration;
use kernel::{ManualClock, PracticeId};
use store::{
    Event, KeyringSettings, Resource, RotationProgress, StoreError, Turned, rewrap_under_root, rotate_practice,
};

use crate::support::rows::{PatientPatch, PatientRow};
use crate::support::scratch::{Scratch, TestService, manual};
use crate::support::*;

struct Bench {
    scratch: Scratch,
    service: Arc<TestService>,
    clock: ManualClock,
    settings: KeyringSettings,
}

async fn bench() -> Bench {
    let settings = KeyringSettings { refresh_every: Duration::from_millis(20), ..KeyringSettings::default() };
    Bench { scratch: Scratch::make().await, service: Arc::default(), clock: manual(), settings }
}

impl Bench {
    /// A node that knows nothing yet.
    async fn node(&self) -> store::Store {
        self.scratch.node(self.settings, self.service.clone(), &self.clock).await
    }

    fn keyring(&self) -> store::Keyring {
        self.scratch.keyring(self.settings, self.service.clone(), &self.clock)
    }

    /// The same practice and person, seen from another node.
    async fn elsewhere(&self, lot: &Lot) -> Lot {
        Lot { store: self.node().await, practice: lot.practice, actor: lot.actor.clone() }
    }

    /// Version and state of a practice's keys.
    async fn keks(&self, practice: PracticeId) -> Vec<(i32, String)> {
        let sql = "select version, state from kek where practice_id = $1 order by version";
        let rows = self.scratch.keyring_superuser().await.query(sql, &[&practice.uuid()]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    async fn versions_in_use(&self, practice: PracticeId) -> Vec<i32> {
        let sql = "select distinct kek_version from data_key where practice_id = $1 order by 1";
        let rows = self.scratch.keyring_superuser().await.query(sql, &[&practice.uuid()]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }
}

#[tokio::test]
async fn a_key_turns_while_another_node_reads_and_writes() {
    let bench = bench().await;
    let lot = Lot::found(&bench.node().await).await;
    let first = lot.patient("Thandi").await;
    let other = bench.elsewhere(&lot).await;
    let keyring = bench.keyring();
    let mut steps = Vec::new();
    let mut note = |step| steps.push(step);
    // It begins when the other node is at work, which on a busy machine could be later than it is done.
    let at_work = tokio::sync::Notify::new();
    let turning = async {
        at_work.notified().await;
        rotate_practice(&keyring, lot.practice, &mut note).await
    };
    let working = async {
        let (mut version, mut added) = (1, Vec::new());
        loop {
            // Time passes, so that the node looks for new versions as often as it has promised.
            bench.clock.advance(SignedDuration::from_millis(21));
            assert!(other.rename(first, version, &format!("Thandi {version}")).await.unwrap());
            version += 1;
            added.push(other.patient("Zoe").await);
            assert_eq!(other.name(first).await, format!("Thandi {}", version - 1));
            at_work.notify_one();
            tokio::task::yield_now().await;
            if added.len() > 400 {
                return added.len();
            }
        }
    };
    let turned = match select(pin!(turning), pin!(working)).await {
        Either::Left((turned, _)) => turned.unwrap(),
        Either::Right((written, _)) => panic!("{written} patients later the key had not turned"),
    };
    assert_eq!(turned, 2);
    assert_eq!(bench.keks(lot.practice).await, [(2, "current".to_owned())]);
    assert_eq!(bench.versions_in_use(lot.practice).await, [2]);
    assert!(matches!(steps.first(), Some(RotationProgress::Announced { version: 2, .. })));
    assert!(matches!(steps.last(), Some(RotationProgress::Done { version: 2 })));
    bench.clock.advance(SignedDuration::from_millis(21));
    let rows = bench.elsewhere(&lot).await.list().await;
    assert!(rows.len() > 1 && rows.iter().all(Result::is_ok), "{} rows", rows.len());
    bench.scratch.drop().await;
}

/// Polls a future so many times and then drops it, as a process is killed in the middle.
async fn killed_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[tokio::test]
async fn a_rotation_killed_at_any_step_leaves_everything_open_and_is_finished_by_the_next() {
    let bench = bench().await;
    let lot = Lot::found(&bench.node().await).await;
    for name in ["Thandi", "Zoe"] {
        lot.patient(name).await;
    }
    let (mut finished, mut states) = (0, std::collections::BTreeSet::new());
    for polls in 1.. {
        let keyring = bench.keyring();
        let turned = killed_after(polls, rotate_practice(&keyring, lot.practice, &mut |_| ())).await;
        finished += usize::from(turned.is_some_and(|turned| turned.is_ok()));
        let keks = bench.keks(lot.practice).await;
        assert_eq!(keks.iter().filter(|(_, state)| state == "current").count(), 1, "{polls}: {keks:?}");
        states.insert(keks.into_iter().map(|(_, state)| state).collect::<Vec<_>>());
        let cold = bench.elsewhere(&lot).await;
        let rows = cold.list().await;
        assert!(rows.len() == 2 && rows.iter().all(Result::is_ok), "after {polls} polls");
        // Three whole rotations without a kill at the end: each step before that has been a last one.
        if finished == 3 {
            break;
        }
        assert!(polls < 400, "never finished");
    }
    let seen: Vec<Vec<&str>> = states.iter().map(|keys| keys.iter().map(String::as_str).collect()).collect();
    for state in [vec!["current"], vec!["current", "next"], vec!["retiring", "current"]] {
        assert!(seen.contains(&state), "never stopped at {state:?}: {seen:?}");
    }
    bench.scratch.drop().await;
}

#[tokio::test]
async fn two_rotations_at_once_leave_the_practice_one_key_that_opens_everything() {
    let bench = bench().await;
    let lot = Lot::found(&bench.node().await).await;
    lot.patient("Thandi").await;
    let (one, two) = (bench.keyring(), bench.keyring());
    let (mut quiet, mut silent) = (|_| (), |_| ());
    let (first, second) =
        join(rotate_practice(&one, lot.practice, &mut quiet), rotate_practice(&two, lot.practice, &mut silent)).await;
    assert!(first.is_ok() || second.is_ok(), "{first:?} {second:?}");
    // Later than the other by any number of steps.
    for polls in [3, 9, 15, 21, 27, 33] {
        let (one, two) = (bench.keyring(), bench.keyring());
        killed_after(polls, rotate_practice(&one, lot.practice, &mut |_| ())).await;
        let _ =
            join(rotate_practice(&one, lot.practice, &mut |_| ()), rotate_practice(&two, lot.practice, &mut |_| ()))
                .await;
        let keks = bench.keks(lot.practice).await;
        assert_eq!(keks.iter().filter(|(_, state)| state == "current").count(), 1, "{keks:?}");
    }
    rotate_practice(&one, lot.practice, &mut |_| ()).await.unwrap();
    assert_eq!(bench.keks(lot.practice).await.len(), 1);
    assert!(bench.elsewhere(&lot).await.list().await.iter().all(Result::is_ok));
    bench.scratch.drop().await;
}

#[tokio::test]
async fn a_practice_key_is_held_for_minutes_in_bounded_number_and_then_asked_for_again() {
    let mut bench = bench().await;
    bench.settings = KeyringSettings { practices_max: 3, ..KeyringSettings::default() };
    let store = bench.node().await;
    let mut lots = Vec::new();
    for _ in 0..4 {
        lots.push(Lot::found(&store).await);
        bench.clock.advance(SignedDuration::from_secs(6));
    }
    let unwrapped = || bench.service.unwrapped.swap(0, Relaxed);
    let id = lots[0].patient("Thandi").await;
    unwrapped();
    for _ in 0..5 {
        lots[0].name(id).await;
    }
    assert_eq!(unwrapped(), 0, "held");
    // Four take turns in a room for three: who comes has always been longest away.
    for lot in lots.iter().chain(&lots) {
        bench.clock.advance(SignedDuration::from_secs(6));
        lot.list().await;
    }
    assert!(unwrapped() > 4, "pushed out by the others");
    lots[0].name(id).await;
    unwrapped();
    bench.clock.advance(SignedDuration::from_secs(299));
    lots[0].name(id).await;
    bench.clock.advance(SignedDuration::from_secs(2));
    lots[0].name(id).await;
    assert_eq!(unwrapped(), 1, "its time was over once");
    drop(store);
    bench.scratch.drop().await;
}

#[tokio::test]
async fn a_transaction_ends_with_the_keys_that_it_entered_with_though_others_pushed_them_out() {
    let mut bench = bench().await;
    bench.settings = KeyringSettings { practices_max: 2, ..KeyringSettings::default() };
    let store = bench.node().await;
    let lots = [Lot::found(&store).await, Lot::found(&store).await, Lot::found(&store).await];
    let id = lots[0].patient("Thandi").await;
    let reading = lots[0].ask::<ReadPatient>(Resource::Patient(id)).await.unwrap();
    let row: PatientRow = reading.row(BY_ID, &[&id.uuid()]).await.unwrap();
    let mut writing = lots[0].write::<EditPatient>(Resource::Patient(id)).await;
    for lot in &lots[1..] {
        lot.list().await;
    }
    bench.service.away.store(true, Relaxed);
    assert!(matches!(lots[0].open(id).await, Err(StoreError::KeyService(_))), "it was pushed out");
    let patch = PatientPatch { names: Some(vec!["Thandeka".to_owned()]), ..PatientPatch::default() };
    assert!(writing.amend(&row, store::Versioned(1), patch).await.unwrap());
    writing.commit(Event::new(), serde_json::Value::Null).await.unwrap();
    assert_eq!(reading.record(Event::new(), row).await.unwrap().unwrap().names, ["Thandi"]);
    drop(store);
    bench.scratch.drop().await;
}

#[tokio::test]
async fn while_the_key_service_is_away_what_is_held_opens_and_then_nothing_does() {
    let bench = bench().await;
    let lot = Lot::found(&bench.node().await).await;
    let id = lot.patient("Thandi").await;
    bench.service.away.store(true, Relaxed);
    assert_eq!(lot.name(id).await, "Thandi");
    bench.clock.advance(SignedDuration::from_secs(301));
    let read = lot.open(id).await;
    assert!(matches!(&read, Err(StoreError::KeyService(_))), "{read:?}");
    assert_eq!(read.unwrap_err().kind(), kernel::ErrorKind::Busy);
    bench.service.away.store(false, Relaxed);
    assert_eq!(lot.name(id).await, "Thandi");
    bench.scratch.drop().await;
}

#[tokio::test]
async fn after_the_root_key_was_turned_practice_keys_are_wrapped_under_the_new_one() {
    let bench = bench().await;
    let lot = Lot::found(&bench.node().await).await;
    let id = lot.patient("Thandi").await;
    let epoch = || async {
        let sql = "select get_byte(wrapped, 0) from kek where practice_id = $1";
        let rows = bench.scratch.keyring_superuser().await.query(sql, &[&lot.practice.uuid()]).await.unwrap();
        rows.iter().map(|row| row.get::<_, i32>(0)).collect::<Vec<_>>()
    };
    assert_eq!(epoch().await, [0]);
    bench.service.epoch.store(1, Relaxed);
    rewrap_under_root(&bench.keyring(), lot.practice).await.unwrap();
    assert_eq!(epoch().await, [1]);
    assert_eq!(bench.elsewhere(&lot).await.name(id).await, "Thandi");
    bench.scratch.drop().await;
}

#[tokio::test]
async fn an_erased_patient_is_damaged_everywhere_and_the_log_still_says_who_did_what() {
    let bench = bench().await;
    let lot = Lot::found(&bench.node().await).await;
    let (erased, other) = (lot.patient("Thandi").await, lot.patient("Zoe").await);
    lot.rename(erased, 1, "Thandeka").await.unwrap();
    assert_eq!(lot.name(erased).await, "Thandeka");
    let keyring = bench.scratch.keyring_superuser().await;
    let gone = keyring.execute("delete from data_key where id = $1", &[&erased.uuid()]).await.unwrap();
    assert_eq!(gone, 1);
    // A node that knew the key forgets it with its minutes; one that did not, never learns it.
    let cold = bench.elsewhere(&lot).await;
    bench.clock.advance(SignedDuration::from_secs(301));
    for node in [&lot, &cold] {
        let damaged = store::Damaged { table: "patient", id: erased.uuid() };
        assert_eq!(node.open(erased).await.unwrap(), Err(damaged), "told, not failed");
        let rows = node.list().await;
        assert_eq!(rows.iter().filter(|row| **row == Err(damaged)).count(), 1);
        assert_eq!(rows.iter().flatten().map(|row| row.id).collect::<Vec<_>>(), [other]);
        assert!(node.rename(erased, 2, "Nomsa").await.is_err());
    }
    let tx = lot.ask::<store::ReadPatientAudit>(Resource::Patient(erased)).await.unwrap();
    let page = tx.audit_about(erased, None, 20).await.unwrap();
    let lines = tx.record(Event::new(), page.lines).await.unwrap();
    let lines: Vec<store::AuditLine> = lines.into_iter().map(Result::unwrap).collect();
    assert!(lines.iter().all(|line| line.changes.is_empty()), "values are gone");
    let edit = lines.iter().find(|line| line.action == "patient.edit").unwrap();
    assert_eq!((edit.changed_fields.as_slice(), edit.person), (&["patient.names".to_owned()][..], lot.actor.person()));
    // Two nodes looked at the erased record; both looks are in its log.
    assert_eq!(lines.iter().filter(|line| line.action == "patient.read").count(), 3);
    bench.scratch.drop().await;
}

#[tokio::test]
async fn a_damaged_key_takes_only_its_own_patient_with_it() {
    let bench = bench().await;
    let lot = Lot::found(&bench.node().await).await;
    let (victim, other) = (lot.patient("Thandi").await, lot.patient("Zoe").await);
    let keyring = bench.scratch.keyring_superuser().await;
    let cold = bench.elsewhere(&lot).await;
    let swap = "update data_key set wrapped = (select wrapped from data_key where id = $2) where id = $1";
    let flip = "update data_key set wrapped = set_byte(wrapped, 40, get_byte(wrapped, 40) # 1) where id = $1";
    let version = "update data_key set wrapped = set_byte(wrapped, 5, 9) where id = $1";
    keyring.execute(swap, &[&victim.uuid(), &other.uuid()]).await.unwrap();
    for sql in ["", flip, version] {
        if !sql.is_empty() {
            keyring.execute(sql, &[&victim.uuid()]).await.unwrap();
        }
        assert!(cold.open(victim).await.unwrap().is_err());
        assert_eq!(cold.list().await.iter().filter(|row| row.is_ok()).count(), 1);
    }
    bench.scratch.drop().await;
}

#[tokio::test]
async fn keys_that_many_wait_for_at_once_open_to_each_their_own() {
    let bench = bench().await;
    let (first, second) = (Lot::found(&bench.node().await).await, Lot::found(&bench.node().await).await);
    let mut patients = Vec::new();
    for n in 0..12 {
        let lot = if n % 3 == 0 { &second } else { &first };
        let name = format!("Thandi {n}");
        patients.push((lot, lot.patient(&name).await, name));
    }
    let erased = patients[4].1;
    let keyring = bench.scratch.keyring_superuser().await;
    keyring.execute("delete from data_key where id = $1", &[&erased.uuid()]).await.unwrap();
    let cold = bench.node().await;
    // Whoever comes first waits for the lock, and everybody else for them.
    keyring.batch_execute("begin; lock table data_key in access exclusive mode").await.unwrap();
    let arrived = AtomicUsize::new(0);
    let opened = join_all(patients.iter().map(async |(lot, id, _)| {
        let seen = Lot { store: cold.clone(), practice: lot.practice, actor: lot.actor.clone() };
        let tx = seen.ask::<ReadPatient>(Resource::Patient(*id)).await.unwrap();
        let row: PatientRow = tx.row(BY_ID, &[&id.uuid()]).await.unwrap();
        arrived.fetch_add(1, Relaxed);
        // Asks for the key before it waits for anything.
        tx.record(Event::new().about("patient", id.uuid()), row).await.unwrap()
    }));
    let let_go = async {
        while arrived.load(Relaxed) < patients.len() {
            keyring.batch_execute("select").await.unwrap();
        }
        keyring.batch_execute("commit").await.unwrap();
    };
    let (opened, ()) = tokio::join!(opened, let_go);
    for ((_, id, name), open) in patients.iter().zip(opened) {
        match open {
            Ok(open) => assert!(*id != erased && open.names.join(" ") == *name),
            Err(_) => assert_eq!(*id, erased),
        }
    }
    drop(cold);
    bench.scratch.drop().await;
}

#[tokio::test]
async fn of_many_who_found_the_same_keys_at_once_all_find_them_made() {
    let bench = bench().await;
    let store = bench.node().await;
    let practice = PracticeId::from_uuid(uuid());
    let nodes = [store, bench.node().await, bench.node().await, bench.node().await];
    for made in join_all(nodes.iter().map(|node| node.found_keys(practice))).await {
        made.unwrap();
    }
    let count = "select count(*) from data_key where practice_id = $1";
    let row = bench.scratch.keyring_superuser().await.query_one(count, &[&practice.uuid()]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), bench.keks(practice).await.len()), (1, 1));
    drop(nodes);
    bench.scratch.drop().await;
}

#[tokio::test]
async fn a_key_that_was_turned_unnoticed_is_to_be_tried_again_and_is_not_damage() {
    let bench = bench().await;
    let lot = Lot::found(&bench.node().await).await;
    let id = lot.patient("Thandi").await;
    let late = bench.elsewhere(&lot).await;
    // This node has looked, and stands still in the middle of its transaction.
    let tx = late.ask::<ReadPatient>(Resource::Patient(id)).await.unwrap();
    let row: PatientRow = tx.row(BY_ID, &[&id.uuid()]).await.unwrap();
    rotate_practice(&bench.keyring(), lot.practice, &mut |_| ()).await.unwrap();
    let read = tx.record(Event::new(), row).await;
    assert!(matches!(&read, Err(StoreError::Away(_))), "{read:?}");
    bench.clock.advance(SignedDuration::from_millis(21));
    assert_eq!(late.name(id).await, "Thandi");
    bench.scratch.drop().await;
}

#[tokio::test]
async fn a_turned_key_stands_in_the_practices_log() {
    let (_house, lot) = lot().await;
    for turned in [Turned::Practice, Turned::Root] {
        lot.store.note_turned(lot.practice, turned).await.unwrap();
    }
    let owner = superuser().await;
    let sql = "select field from audit_event where practice_id = $1 and action = 'keys.rotate' order by event_id";
    let fields: Vec<String> =
        owner.query(sql, &[&lot.practice.uuid()]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(fields, ["practice-key", "root-key"]);
}
