//! Doing a thing once, and two people at the same row.

use futures_util::future::join_all;
use kernel::{IdempotencyKey, PatientId};
use serde_json::Value;
use store::{Event, HouseOnce, Job, Once, Outcome, Resource, StoreError, Versioned};

use crate::support::rows::*;
use crate::support::*;

/// Adds a patient as a form does: the answer is the id, of this time or of the time before.
async fn add(lot: &Lot, key: IdempotencyKey, name: &str) -> Result<Outcome, StoreError> {
    let asked = lot.store.enter(&lot.actor).await?.ask_once::<CreatePatient>(Resource::Practice, key, &name).await?;
    let mut tx = match asked {
        Once::Done(outcome) => return Ok(outcome),
        Once::Fresh(tx) => tx,
    };
    let id = tx.new_patient().await?;
    tx.insert::<PatientRow>(patient(id, name)).await?;
    tx.commit(Event::new(), id.to_string().into()).await
}

async fn rename(lot: &Lot, key: IdempotencyKey, id: PatientId, seen: i64, name: &str) -> Result<Outcome, StoreError> {
    let asked = lot.store.enter(&lot.actor).await?;
    let mut tx = match asked.ask_once::<EditPatient>(Resource::Patient(id), key, &(seen, name)).await? {
        Once::Done(outcome) => return Ok(outcome),
        Once::Fresh(tx) => tx,
    };
    let row: PatientRow = tx.row(BY_ID, &[&id.uuid()]).await?;
    let patch = PatientPatch { names: Some(vec![name.to_owned()]), ..PatientPatch::default() };
    tx.amend(&row, Versioned(seen), patch).await?;
    tx.commit(Event::new(), "renamed".into()).await
}

#[tokio::test]
async fn the_same_request_again_changes_nothing_and_is_answered_alike() {
    let (_house, lot) = lot().await;
    let key = key();
    let first = add(&lot, key, "Thandi").await.unwrap();
    let events = lot.events().await;
    assert_eq!(add(&lot, key, "Thandi").await.unwrap(), first);
    assert_eq!((lot.list().await.len(), lot.events().await), (1, events + 1), "one patient; the list is an event");
}

#[tokio::test]
async fn a_key_is_for_one_content_one_action_and_one_resource() {
    let (_house, lot) = lot().await;
    let (id, other) = (lot.patient("Thandi").await, lot.patient("Zoe").await);
    let used = key();
    rename(&lot, used, id, 1, "Thandeka").await.unwrap();
    let reused = |result: Result<Outcome, StoreError>| matches!(result, Err(StoreError::KeyReused));
    assert!(reused(rename(&lot, used, id, 1, "Nomsa").await), "other content");
    assert!(reused(rename(&lot, used, other, 1, "Thandeka").await), "another patient");
    assert!(reused(add(&lot, used, "Thandeka").await), "another action");
    assert_eq!((lot.name(id).await, lot.name(other).await), ("Thandeka".into(), "Zoe".into()));
}

#[tokio::test]
async fn a_key_of_another_person_or_practice_is_another_key() {
    let (_house, lot) = lot().await;
    let colleague = Lot { actor: lot.member("practitioner").await, practice: lot.practice, store: lot.store.clone() };
    let elsewhere = Lot::found(&lot.store).await;
    let key = key();
    let mut answers = Vec::new();
    for who in [&lot, &colleague, &elsewhere] {
        answers.push(add(who, key, "Thandi").await.unwrap().to_string());
    }
    answers.sort();
    answers.dedup();
    assert_eq!(answers.len(), 3);
    assert_eq!((lot.list().await.len(), elsewhere.list().await.len()), (2, 1));
}

#[tokio::test]
async fn of_the_same_request_sent_many_times_at_once_one_is_done_and_all_are_answered_alike() {
    let (_house, lot) = lot().await;
    let used = key();
    let answers = join_all((0..6).map(|_| add(&lot, used, "Thandi"))).await;
    let answers: Vec<Value> = answers.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let rows = lot.list().await;
    assert_eq!(rows.len(), 1);
    // Also a change, where the second would otherwise find the row changed under it.
    let id = rows[0].as_ref().unwrap().id;
    let used = key();
    let answers = join_all((0..6).map(|_| rename(&lot, used, id, 1, "Thandeka"))).await;
    assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|answer| *answer == "renamed")), "{answers:?}");
    assert_eq!(lot.row(id).await.row_version, 2);
}

#[tokio::test]
async fn what_was_given_up_half_way_can_be_done_under_the_same_key() {
    let (_house, lot) = lot().await;
    let used = key();
    let mut tx = lot.write_once::<CreatePatient>(Resource::Practice, used, &"Thandi").await.unwrap().unwrap();
    let id = tx.new_patient().await.unwrap();
    tx.insert::<PatientRow>(patient(id, "Thandi")).await.unwrap();
    drop(tx);
    assert!(lot.list().await.is_empty());
    add(&lot, used, "Thandi").await.unwrap();
    assert_eq!(lot.list().await.len(), 1);
}

#[tokio::test]
async fn the_house_does_a_thing_once_too() {
    let (_house, lot) = lot().await;
    let used = key();
    let sign_in = |content: &'static str| {
        let store = lot.store.clone();
        async move {
            match store.host::<Found>(Job::Founding).await?.once(used, &content).await? {
                HouseOnce::Done(outcome) => Ok((false, outcome)),
                HouseOnce::Fresh(tx) => Ok((true, tx.commit(Event::new(), "done".into()).await?)),
            }
        }
    };
    let answers: Vec<Result<(bool, Outcome), StoreError>> = join_all((0..4).map(|_| sign_in("a"))).await;
    let answers: Vec<(bool, Outcome)> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|(fresh, _)| *fresh).count(), 1);
    assert!(answers.iter().all(|(_, outcome)| *outcome == "done"));
    assert!(matches!(sign_in("b").await, Err(StoreError::KeyReused)));
}

#[tokio::test]
async fn a_form_made_from_an_older_version_is_a_conflict_and_changes_nothing() {
    let (_house, lot) = lot().await;
    let id = lot.patient("Thandi").await;
    assert!(lot.rename(id, 1, "Thandeka").await.unwrap());
    assert!(matches!(lot.rename(id, 1, "Nomsa").await, Err(StoreError::Conflict)));
    assert!(lot.rename(id, 2, "Nomsa").await.unwrap());
    assert_eq!(lot.name(id).await, "Nomsa");
}

#[tokio::test]
async fn of_two_editors_at_the_same_moment_one_wins_and_the_other_is_told() {
    let (_house, lot) = lot().await;
    let id = lot.patient("Thandi").await;
    let names: Vec<String> = (0..4).map(|n| format!("Thandi {n}")).collect();
    let results = join_all(names.iter().map(|name| rename(&lot, key(), id, 1, name))).await;
    let won: Vec<usize> = (0..4).filter(|n| results[*n].is_ok()).collect();
    assert_eq!(won.len(), 1, "{results:?}");
    assert!(results.iter().filter(|result| matches!(result, Err(StoreError::Conflict))).count() == 3);
    assert_eq!(lot.name(id).await, names[won[0]]);
}

#[tokio::test]
async fn a_patch_that_changes_nothing_leaves_the_row_byte_for_byte() {
    let (_house, lot) = lot().await;
    let id = lot.patient("Thandi").await;
    let before = lot.row(id).await;
    assert!(!lot.rename(id, 1, "Thandi").await.unwrap());
    let after = lot.row(id).await;
    assert_eq!(before.names.envelope(), after.names.envelope());
    assert_eq!((after.row_version, after.event_id), (1, before.event_id));
}

#[tokio::test]
async fn a_change_of_nothing_but_bytes_of_the_same_length_is_a_change() {
    let (_house, lot) = lot().await;
    let id = kernel::ImportId::new(testkit::START, &entropy());
    let mut tx = lot.write::<CreatePatient>(Resource::Practice).await;
    let started_at = tx.at();
    tx.insert::<RunRow>(Run {
        id,
        row_version: 1,
        state: "running".into(),
        started_at,
        digest: vec![1; 16],
        added: 0,
        matched: 0,
        skipped: 0,
        rejected: 0,
        source: "here".into(),
    })
    .await
    .unwrap();
    tx.commit(Event::new(), Value::Null).await.unwrap();
    let mut tx = lot.write::<CreatePatient>(Resource::Practice).await;
    let by_id = store::sql!("select * from import_run where practice_id = $1 and id = $2");
    let row: RunRow = tx.row(by_id, &[&id.uuid()]).await.unwrap();
    let patch = RunPatch { digest: Some(vec![2; 16]), ..RunPatch::default() };
    assert!(tx.amend(&row, Versioned(1), patch).await.unwrap());
    let row: RunRow = tx.row(by_id, &[&id.uuid()]).await.unwrap();
    assert_eq!(row.digest, vec![2; 16]);
    tx.commit(Event::new(), Value::Null).await.unwrap();
}
