use std::sync::atomic::{AtomicUsize, Ordering};

use kernel::{ImportId, PracticeId};
use practice::exchange::runs::{UndoError, known_runs, undo};
use practice::patients::reads::{self, EntryFilter};
use practice::patients::writes::{self, Severity};
use store::{Role, StoreError};
use testkit::{DATA, House, servers};

use crate::desk::{found, write_down};
use crate::import::{allergy, bring_in, folder_with, numbered, patient};

/// The run that has not been taken back, of those that are not among the earlier ones. (The clock of these
/// tests stands still, so no run is later than another.)
async fn run_beside(house: &House, practice: PracticeId, earlier: &[ImportId]) -> ImportId {
    let runs = known_runs(&house.store, practice).await.unwrap();
    runs.iter().find(|run| run.state == "finished" && !earlier.contains(&run.id)).unwrap().id
}

async fn last_run(house: &House, practice: PracticeId) -> ImportId {
    run_beside(house, practice, &[]).await
}

fn three_batches() -> tempfile::TempDir {
    let mut patients: Vec<String> = (0..230).map(|n| patient(&format!("p{n}"), "Quintal", "1980-02-03")).collect();
    patients.push(numbered("n1", "Rosario", "1980-01-01", 4711));
    let allergies: Vec<String> = (0..120).map(|n| allergy(&format!("a{n}"), &format!("p{n}"), "Latex")).collect();
    folder_with(&[
        ("Patient.ndjson", patients.join("\n")),
        ("AllergyIntolerance.ndjson", allergies.join("\n")),
        ("Organization.ndjson", r#"{"resourceType":"Organization","id":"o1"}"#.to_owned()),
    ])
}

/// Rows of a practice that an import makes.
async fn holds(practice: PracticeId) -> Vec<i64> {
    let client = servers().await.superuser(DATA).await;
    let mut counts = Vec::new();
    for table in [
        "patient",
        "patient_identifier",
        "patient_alert",
        "record_entry",
        "kept_resource",
        "import_key",
        "search_token",
    ] {
        let sql = format!("select count(*) from {table} where practice_id = $1");
        counts.push(client.query_one(&sql, &[&practice.uuid()]).await.unwrap().get(0));
    }
    counts
}

#[tokio::test]
async fn an_import_that_is_taken_back_leaves_the_practice_as_it_was_and_can_be_brought_in_again() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let known = write_down(&house, &doctor, &crate::desk::form("Lindiwe", "Mokoena", "7/3/1984")).await;
    let before = holds(practice).await;
    let folder = three_batches();
    let first = bring_in(&house, practice, folder.path(), false).await;
    let run = last_run(&house, practice).await;
    let rosario = found(&house, &doctor, "rosario").await;
    let said = undo(&house.store, practice, run, true).await.unwrap();
    assert_eq!((said.patients, said.entries, said.kept, said.changed), (231, 120, 1, 0));
    assert_eq!(found(&house, &doctor, "rosario").await, rosario, "a dry run changes nothing");
    let done = undo(&house.store, practice, run, false).await.unwrap();
    assert_eq!(done, said);
    assert_eq!(holds(practice).await, before);
    assert_eq!(found(&house, &doctor, "mokoena").await, [known]);
    assert!(matches!(reads::open(&house.store, &doctor, rosario[0]).await, Err(StoreError::Missing)));
    assert!(matches!(undo(&house.store, practice, run, false).await, Err(UndoError::Already)));
    let again = bring_in(&house, practice, folder.path(), false).await;
    assert_eq!(again, first);
    assert_eq!(found(&house, &doctor, "rosario").await.len(), 1);
}

#[tokio::test]
async fn an_import_that_somebody_has_worked_on_stays_and_says_on_whom() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let folder = folder_with(&[
        ("Patient.ndjson", [patient("p1", "Quintal", "1980-02-03"), patient("p2", "Rosario", "1980-02-03")].join("\n")),
        ("AllergyIntolerance.ndjson", allergy("a1", "p1", "Latex")),
    ]);
    bring_in(&house, practice, folder.path(), false).await;
    let run = last_run(&house, practice).await;
    let rosario = found(&house, &doctor, "rosario").await[0];
    writes::add_alert(&house.store, &doctor, house.key(), rosario, Severity::Usual, "Uses a wheelchair").await.unwrap();
    let before = holds(practice).await;
    let Err(UndoError::WorkedOn { patients, count }) = undo(&house.store, practice, run, false).await else {
        panic!("it was taken back")
    };
    assert_eq!((patients, count), (vec![rosario], 1));
    assert_eq!(holds(practice).await, before);
}

#[tokio::test]
async fn an_import_on_which_a_later_one_rests_is_taken_back_after_it() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let first = folder_with(&[("Patient.ndjson", patient("p1", "Quintal", "1980-02-03"))]);
    bring_in(&house, practice, first.path(), false).await;
    let early = last_run(&house, practice).await;
    let more = folder_with(&[("AllergyIntolerance.ndjson", allergy("a1", "p1", "Latex"))]);
    bring_in(&house, practice, more.path(), false).await;
    let late = run_beside(&house, practice, &[early]).await;
    assert!(matches!(undo(&house.store, practice, early, false).await, Err(UndoError::WorkedOn { count: 1, .. })));
    assert_eq!(undo(&house.store, practice, late, false).await.unwrap().entries, 1);
    let quintal = found(&house, &doctor, "quintal").await[0];
    let page = reads::entries(&house.store, &doctor, quintal, &EntryFilter::default()).await.unwrap();
    assert_eq!(page.total, 0);
    let changed = folder_with(&[("Patient.ndjson", patient("p1", "Quintero", "1980-02-03"))]);
    bring_in(&house, practice, changed.path(), false).await;
    assert!(matches!(undo(&house.store, practice, early, false).await, Err(UndoError::Later)));
    let changing = run_beside(&house, practice, &[early]).await;
    let said = undo(&house.store, practice, changing, false).await.unwrap();
    assert_eq!((said.patients, said.changed), (0, 1), "what was only changed stays");
    assert_eq!(found(&house, &doctor, "quintero").await.len(), 1);
}

#[tokio::test]
async fn taking_back_that_was_cut_short_is_finished_by_the_next() {
    let house = House::open().await;
    let practice = house.practice().await;
    let before = holds(practice).await;
    bring_in(&house, practice, three_batches().path(), false).await;
    let run = last_run(&house, practice).await;
    let steps = AtomicUsize::new(0);
    // Dropped after each number of steps: before it says what it does, between batches, at its end.
    for at in [20, 60, 90, 120, 150, 200] {
        steps.store(0, Ordering::Relaxed);
        let mut undoing = Box::pin(undo(&house.store, practice, run, false));
        let done = std::future::poll_fn(|context| match undoing.as_mut().poll(context) {
            std::task::Poll::Ready(done) => std::task::Poll::Ready(Some(done)),
            std::task::Poll::Pending if steps.fetch_add(1, Ordering::Relaxed) > at => std::task::Poll::Ready(None),
            std::task::Poll::Pending => std::task::Poll::Pending,
        })
        .await;
        if done.is_some_and(|done| done.is_ok()) {
            break;
        }
    }
    match undo(&house.store, practice, run, false).await {
        Ok(_) | Err(UndoError::Already) => {}
        Err(error) => panic!("{error}"),
    }
    assert_eq!(holds(practice).await, before);
}

#[tokio::test]
async fn another_practices_import_is_not_there() {
    let house = House::open().await;
    let (practice, other) = (house.practice().await, house.practice().await);
    let folder = folder_with(&[("Patient.ndjson", patient("p1", "Quintal", "1980-02-03"))]);
    bring_in(&house, practice, folder.path(), false).await;
    let run = last_run(&house, practice).await;
    assert!(matches!(undo(&house.store, other, run, false).await, Err(UndoError::Unknown)));
    assert!(known_runs(&house.store, other).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_running_role_takes_back_nothing_of_an_import_that_nobody_asked_to_take_back() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let folder = folder_with(&[("Patient.ndjson", patient("p1", "Quintal", "1980-02-03"))]);
    bring_in(&house, practice, folder.path(), false).await;
    let (run, id) = (last_run(&house, practice).await, found(&house, &doctor, "quintal").await[0]);
    let client = servers().await.superuser(DATA).await;
    client.batch_execute("set role vouchsafe_run").await.unwrap();
    client.execute("select set_config('app.practice', $1, false)", &[&practice.uuid().to_string()]).await.unwrap();
    let taken: i64 = client
        .query_one("select import_take_back($1, 'patient', $2, $3)", &[&practice.uuid(), &run.uuid(), &vec![id.uuid()]])
        .await
        .unwrap()
        .get(0);
    assert_eq!(taken, 0);
    assert_eq!(found(&house, &doctor, "quintal").await, [id]);
}

#[tokio::test]
async fn the_running_role_takes_back_nothing_that_somebody_has_touched_since() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let folder = folder_with(&[
        ("Patient.ndjson", patient("p1", "Quintal", "1980-02-03")),
        ("AllergyIntolerance.ndjson", allergy("a1", "p1", "Latex")),
    ]);
    bring_in(&house, practice, folder.path(), false).await;
    let (run, id) = (last_run(&house, practice).await, found(&house, &doctor, "quintal").await[0]);
    let client = servers().await.superuser(DATA).await;
    for (kind, named) in [("record_entry", "patient_id"), ("patient", "id")] {
        for (touched, expected) in [(true, 0_i64), (false, 1)] {
            // The triggers are set aside: this is about the function alone. Everything is rolled back.
            client.batch_execute("begin; set local session_replication_role = replica").await.unwrap();
            let (here, version) = (practice.uuid(), if touched { 2_i64 } else { 1 });
            let undoing = "update import_run set state = 'undoing' where practice_id = $1 and id = $2";
            client.execute(undoing, &[&here, &run.uuid()]).await.unwrap();
            let touch = format!(
                "update {kind} set row_version = $3 where practice_id = $1 and {named} = $2 returning id as touched"
            );
            let row: uuid::Uuid = client.query_one(&touch, &[&here, &id.uuid(), &version]).await.unwrap().get(0);
            client.batch_execute("set local role vouchsafe_run").await.unwrap();
            client.execute("select set_config('app.practice', $1, true)", &[&here.to_string()]).await.unwrap();
            let take = "select import_take_back($1, $2, $3, $4)";
            let taken: i64 = client.query_one(take, &[&here, &kind, &run.uuid(), &vec![row]]).await.unwrap().get(0);
            assert_eq!(taken, expected, "{kind}");
            client.batch_execute("rollback").await.unwrap();
        }
    }
}
