//! Importing: one at a time in each practice.

use kernel::ImportId;
use serde_json::Value;
use store::{Event, Resource, ToRemember};
use uuid::Uuid;

use crate::support::rows::*;
use crate::support::scratch::Scratch;
use crate::support::*;

#[tokio::test]
async fn what_one_import_finds_missing_no_other_finds_missing_before_the_first_is_done() {
    let (_house, lot) = lot().await;
    let mut first = lot.write::<CreatePatient>(Resource::Practice).await;
    let second = lot.write::<CreatePatient>(Resource::Practice).await;
    let token = first.import_tokens(&["source".to_owned()]).await.unwrap()[0];
    assert!(first.imported(&[token]).await.unwrap().is_empty());
    let adding = async {
        let id = ImportId::new(testkit::START, &entropy());
        let run = Run {
            id,
            row_version: 1,
            state: "running".to_owned(),
            started_at: testkit::START,
            digest: vec![1; 16],
            added: 0,
            matched: 0,
            skipped: 0,
            rejected: 0,
            source: "here".to_owned(),
        };
        first.insert::<RunRow>(run).await.unwrap();
        let resource = ToRemember { token, kind: "kept", id: Uuid::nil(), digest: token, outcome: "keep" };
        first.remember_imports(id, &[resource]);
        first.commit(Event::new(), Value::Null).await.unwrap();
    };
    let tokens = [token];
    let beginning = async {
        second.alone_importing().await?;
        second.imported(&tokens).await
    };
    let (found, ()) = tokio::join!(beginning, adding);
    assert_eq!(found.unwrap().len(), 1, "the second waited for what the first added");
}

#[tokio::test]
async fn a_turn_to_import_is_one_for_each_practice_and_ends_with_its_holder() {
    let ((_house, lot), (_other_house, other)) = (lot().await, lot().await);
    let turn = lot.store.import_turn(lot.practice).await.unwrap().expect("nobody has it");
    assert!(other.store.import_turn(other.practice).await.unwrap().is_some(), "each practice has its own");
    assert!(lot.store.import_turn(lot.practice).await.unwrap().is_none());
    turn.stands().unwrap();
    drop(turn);
    assert!(lot.store.import_turn(lot.practice).await.unwrap().is_some());
}

#[tokio::test]
async fn a_turn_whose_connection_was_cut_no_longer_stands() {
    let (_house, lot) = lot().await;
    let turn = lot.store.import_turn(lot.practice).await.unwrap().expect("nobody has it");
    let held = "select pg_terminate_backend(pid, 5000) from pg_locks where locktype = 'advisory'
                and ((classid::bigint << 32) | objid::bigint) = hashtextextended('import turn ' || $1::uuid::text, 0)";
    superuser().await.query_one(held, &[&lot.practice.uuid()]).await.unwrap();
    assert!(lot.store.import_turn(lot.practice).await.unwrap().is_some(), "another may have it");
    while turn.stands().is_ok() {
        tokio::task::yield_now().await;
    }
}

/// A table that points to patients and is made tomorrow: whoever takes an import back asks it too.
#[tokio::test]
async fn what_any_other_table_has_about_a_patient_is_built_on_the_import_that_brought_them() {
    let scratch = Scratch::make().await;
    let client = scratch.superuser().await;
    let (practice, run, free, used) = (uuid(), uuid(), uuid(), uuid());
    client.batch_execute("begin").await.unwrap();
    let patient = "insert into patient select $1, $2, 1, 1, $1, true, '', '', '', '', '', '', '', '', '', ''";
    for id in [&free, &used] {
        client.execute(patient, &[&practice, id]).await.unwrap();
    }
    let begun = "insert into import_run select $1, $2, 1, 1, $1, 'finished', now(), '', 2, 0, 0, 0, ''";
    client.execute(begun, &[&practice, &run]).await.unwrap();
    let key = "insert into import_key select $1, uuid_send($3), 'patient', $3, '', 'add', $2";
    for id in [&free, &used] {
        client.execute(key, &[&practice, &run, id]).await.unwrap();
    }
    let later = "create table later (practice_id uuid not null, id uuid not null, whose uuid not null,
                 foreign key (practice_id, whose) references patient (practice_id, id))";
    client.batch_execute(later).await.unwrap();
    let built_on = || async {
        let rows = client.query("select import_built_on($1, $2)", &[&practice, &run]).await.unwrap();
        rows.iter().map(|row| row.get::<_, Uuid>(0)).collect::<Vec<_>>()
    };
    assert_eq!(built_on().await, Vec::<Uuid>::new());
    client.execute("insert into later select $1, $2, $2", &[&practice, &used]).await.unwrap();
    assert_eq!(built_on().await, [used]);
    client.batch_execute("rollback").await.unwrap();
    scratch.drop().await;
}
