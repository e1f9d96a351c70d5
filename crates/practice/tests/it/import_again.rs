//! Imports that are cut short, done again, done twice at once, and over what people have changed since.

use std::future::poll_fn;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use kernel::PracticeId;
use practice::exchange::fhir::Report;
use practice::exchange::{ImportError, ImportSettings, Progress, import_folder};
use practice::patients::reads::{self, EntryFilter, seen};
use practice::patients::writes;
use store::Role;
use testkit::{DATA, House, servers};

use crate::desk::{draft, form, found};
use crate::import::{allergy, bring_in, folder_with, numbered, patient};

type Done = Result<Report, ImportError>;

fn settings() -> ImportSettings {
    ImportSettings { source: "test".to_owned(), dry_run: false, named: Vec::new() }
}

/// Runs an import until `enough` says so after one of its steps, and drops it there. Gives what it came
/// to, if it came to its end before.
async fn stopped_when(
    mut import: Pin<Box<impl Future<Output = Done>>>,
    mut enough: impl FnMut() -> bool,
) -> Option<Done> {
    poll_fn(|context| match import.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if enough() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

async fn stopped_after_steps(house: &House, practice: PracticeId, folder: &Path, steps: usize) -> Option<Done> {
    let mut left = steps;
    let enough = || {
        left = left.saturating_sub(1);
        left == 0
    };
    let settings = settings();
    stopped_when(Box::pin(import_folder(&house.store, practice, folder, &settings, &mut |_| {})), enough).await
}

async fn count(sql: &str, practice: PracticeId) -> i64 {
    servers().await.superuser(DATA).await.query_one(sql, &[&practice.uuid()]).await.unwrap().get(0)
}

/// How much of everything a practice holds after imports.
async fn holds(practice: PracticeId) -> Vec<i64> {
    let mut counts = Vec::new();
    for sql in [
        "select count(*) from patient where practice_id = $1",
        "select count(*) from patient_identifier where practice_id = $1",
        "select count(*) from record_entry where practice_id = $1",
        "select count(*) from kept_resource where practice_id = $1",
        "select count(*) from import_key where practice_id = $1",
        "select count(*) from search_token where practice_id = $1",
        "select count(*) from import_run where practice_id = $1",
        "select count(*) from import_run where practice_id = $1 and state = 'finished'",
        "select sum(added)::bigint from import_run where practice_id = $1",
        "select sum(matched)::bigint from import_run where practice_id = $1",
        "select sum(skipped)::bigint from import_run where practice_id = $1",
        "select sum(rejected)::bigint from import_run where practice_id = $1",
    ] {
        counts.push(count(sql, practice).await);
    }
    counts
}

/// Several batches of everything that an import can come to.
fn several_batches() -> tempfile::TempDir {
    let mut patients: Vec<String> = (0..430).map(|n| patient(&format!("p{n}"), "Quintal", "1980-02-03")).collect();
    patients.push(numbered("n1", "Rosario", "1980-01-01", 77));
    patients.push(numbered("n2", "Otherwise", "1980-01-01", 77));
    patients.push(patient("p1", "Again", "1980-02-03"));
    patients.push("{".to_owned());
    let allergies: Vec<String> =
        (0..250).map(|n| allergy(&format!("a{n}"), &format!("p{}", n % 500), "Latex")).collect();
    let organizations: Vec<String> =
        (0..10).map(|n| format!(r#"{{"resourceType":"Organization","id":"o{n}"}}"#)).collect();
    folder_with(&[
        ("Patient.ndjson", patients.join("\n")),
        ("AllergyIntolerance.ndjson", allergies.join("\n")),
        ("Organization.ndjson", organizations.join("\n")),
    ])
}

#[tokio::test]
async fn an_import_stopped_anywhere_and_run_again_comes_to_the_same() {
    let house = House::open().await;
    let (undisturbed, stopped) = (house.practice().await, house.practice().await);
    let folder = several_batches();
    let steps = AtomicUsize::new(0);
    let counting = || {
        steps.fetch_add(1, Ordering::Relaxed);
        false
    };
    let (settings, mut quiet) = (settings(), |_: &Progress| {});
    let import = Box::pin(import_folder(&house.store, undisturbed, folder.path(), &settings, &mut quiet));
    let whole = stopped_when(import, counting).await.expect("its end").unwrap();
    assert!(whole.total().add > 600 && whole.total().matched == 1 && whole.total().reject == 2, "{whole}");

    let steps = steps.into_inner();
    let mut cuts = 0;
    for at in [1, steps / 7, steps / 5, steps / 4, steps / 3, steps / 2] {
        cuts += usize::from(stopped_after_steps(&house, stopped, folder.path(), at).await.is_none());
    }
    assert!(cuts >= 4, "it was cut short only {cuts} times");
    let again = bring_in(&house, stopped, folder.path(), false).await;
    assert_eq!(again, whole);
    assert_eq!(holds(stopped).await, holds(undisturbed).await);
    let after = bring_in(&house, stopped, folder.path(), false).await;
    assert_eq!((after.total().add, after.total().matched, after.total().keep), (0, 0, 0), "{after}");
}

/// While a batch is written the next is begun, by another connection that does not see it yet.
#[tokio::test]
async fn what_is_about_somebody_of_the_batch_before_finds_them() {
    let house = House::open().await;
    let practice = house.practice().await;
    let mut lines = Vec::new();
    for n in 0..600 {
        lines.push(patient(&format!("p{n}"), "Quintal", "1980-02-03"));
        // About somebody in the same batch, and about somebody of the one before.
        lines.extend([0, 60].iter().filter(|back| **back <= n).map(|back| {
            let whom = n - back;
            allergy(&format!("a{n}-{back}"), &format!("p{whom}"), "Latex")
        }));
    }
    let folder = folder_with(&[("Everything.ndjson", lines.join("\n"))]);
    let said = bring_in(&house, practice, folder.path(), false).await;
    assert_eq!((said.counts["Patient"].add, said.counts["AllergyIntolerance"].add), (600, 1140), "{said}");
    assert_eq!(said.total().reject, 0, "{said}");
    assert_eq!(count("select count(*) from record_entry where practice_id = $1", practice).await, 1140);
}

/// Files of an export are by kind. Read one after the other, each would leave an event of its own for each patient.
#[tokio::test]
async fn what_several_files_say_of_a_patient_is_written_under_one_event() {
    let house = House::open().await;
    let practice = house.practice().await;
    let all = |line: fn(usize) -> String| (0..600).map(line).collect::<Vec<_>>().join("\n");
    let condition = |n: usize| {
        let text = format!(r#""code":{{"text":"Hip pain"}},"subject":{{"reference":"Patient/p{n}"}}"#);
        format!(r#"{{"resourceType":"Condition","id":"c{n}",{text}}}"#)
    };
    let folder = folder_with(&[
        ("AllergyIntolerance.ndjson", all(|n| allergy(&format!("a{n}"), &format!("p{n}"), "Latex"))),
        ("Condition.ndjson", all(condition)),
        ("Patient.ndjson", all(|n| patient(&format!("p{n}"), "Quintal", "1980-02-03"))),
    ]);
    let said = bring_in(&house, practice, folder.path(), false).await;
    assert_eq!((said.total().add, said.total().reject), (1800, 0), "{said}");
    let events = "select count(*) from audit_event where practice_id = $1 and patient_id is not null";
    let events = count(events, practice).await;
    // One for each patient, and one for what the two files say; a few are cut in two where a batch ends.
    assert!((1200..1260).contains(&events), "{events}");
}

#[tokio::test]
async fn whom_a_file_is_about_may_stand_in_a_file_of_any_name() {
    let house = House::open().await;
    let practice = house.practice().await;
    let all = |line: fn(usize) -> String| (0..600).map(line).collect::<Vec<_>>().join("\n");
    let folder = folder_with(&[
        ("Allergies.ndjson", all(|n| allergy(&format!("a{n}"), &format!("p{}", 599 - n), "Latex"))),
        ("People.ndjson", all(|n| patient(&format!("p{n}"), "Quintal", "1980-02-03"))),
    ]);
    let said = bring_in(&house, practice, folder.path(), false).await;
    assert_eq!((said.total().add, said.total().reject), (1200, 0), "{said}");
}

#[tokio::test]
async fn an_import_stopped_at_each_batch_comes_to_the_same() {
    let house = House::open().await;
    let (undisturbed, stopped) = (house.practice().await, house.practice().await);
    let folder = several_batches();
    let whole = bring_in(&house, undisturbed, folder.path(), false).await;
    let mut batches = 0;
    loop {
        batches += 1;
        let told = AtomicUsize::new(0);
        let settings = settings();
        let mut progress = |progress: &Progress| {
            told.fetch_add(usize::from(!progress.learning), Ordering::Relaxed);
        };
        let import = Box::pin(import_folder(&house.store, stopped, folder.path(), &settings, &mut progress));
        let enough = || told.load(Ordering::Relaxed) >= batches;
        if let Some(done) = stopped_when(import, enough).await {
            assert_eq!(done.unwrap(), whole);
            break;
        }
        let dry = bring_in(&house, stopped, folder.path(), true).await;
        assert_eq!(dry, whole, "a dry run says what going on will come to");
    }
    assert!(batches > 4, "{batches}");
    assert_eq!(holds(stopped).await, holds(undisturbed).await);
}

#[tokio::test]
async fn two_imports_at_once_bring_nobody_in_twice() {
    let house = House::open().await;
    let practice = house.practice().await;
    let folder = several_batches();
    let settings = settings();
    let (mut one, mut other) = (|_: &Progress| {}, |_: &Progress| {});
    let (one, other) = tokio::join!(
        import_folder(&house.store, practice, folder.path(), &settings, &mut one),
        import_folder(&house.store, practice, folder.path(), &settings, &mut other),
    );
    assert!(one.is_ok() || other.is_ok());
    assert_eq!(count("select count(*) from patient where practice_id = $1", practice).await, 431);
    assert_eq!(count("select count(*) from record_entry where practice_id = $1", practice).await, 250);
}

#[tokio::test]
async fn a_second_import_is_told_that_one_is_running_and_may_run_when_that_one_is_gone() {
    let house = House::open().await;
    let (practice, elsewhere) = (house.practice().await, house.practice().await);
    let (folder, settings) = (several_batches(), settings());
    let told = AtomicUsize::new(0);
    let mut progress = |progress: &Progress| {
        told.fetch_add(usize::from(!progress.learning), Ordering::Relaxed);
    };
    {
        let mut first = pin!(import_folder(&house.store, practice, folder.path(), &settings, &mut progress));
        poll_fn(|context| match first.as_mut().poll(context) {
            Poll::Pending if told.load(Ordering::Relaxed) == 0 => Poll::Pending,
            _ => Poll::Ready(()),
        })
        .await;
        let second = import_folder(&house.store, practice, folder.path(), &settings, &mut |_| {}).await;
        let said = second.expect_err("one is running").to_string();
        assert!(said.contains("another import"), "{said}");
        let other_practice = import_folder(&house.store, elsewhere, folder.path(), &settings, &mut |_| {}).await;
        assert!(other_practice.is_ok());
    }
    import_folder(&house.store, practice, folder.path(), &settings, &mut |_| {}).await.unwrap();
    assert_eq!(count("select count(*) from patient where practice_id = $1", practice).await, 431);
}

#[tokio::test]
async fn what_was_edited_here_is_not_written_over_by_a_later_import() {
    let house = House::open().await;
    let practice = house.practice().await;
    let reception = house.actor(practice, &[Role::Reception]).await;
    let line = |family: &str| patient("p1", family, "1980-02-03");
    bring_in(&house, practice, folder_with(&[("Patient.ndjson", line("Quintal"))]).path(), false).await;
    let id = found(&house, &reception, "quintal").await[0];
    let mine = form("Ana", "Delacruz", "3/2/1980");
    writes::edit(&house.store, &reception, house.key(), id, seen(1), &mine, &draft(&mine)).await.unwrap();

    let changed = folder_with(&[("Patient.ndjson", line("Quintero"))]);
    let dry = bring_in(&house, practice, changed.path(), true).await;
    for said in [&dry, &bring_in(&house, practice, changed.path(), false).await] {
        assert_eq!((said.total().skip, said.total().matched), (1, 0), "{said}");
        assert_eq!(said.findings[0].reason, "edited here since; left as it is");
        assert_eq!(said.findings[0].line, 1);
    }
    assert_eq!(found(&house, &reception, "delacruz").await, [id]);
    assert_eq!(found(&house, &reception, "quintero").await, []);
}

#[tokio::test]
async fn a_source_that_was_matched_by_a_number_never_writes_over_the_patient() {
    let house = House::open().await;
    let practice = house.practice().await;
    let reception = house.actor(practice, &[Role::Reception]).await;
    let here = folder_with(&[("Patient.ndjson", numbered("p1", "Quintal", "1980-01-01", 5))]);
    bring_in(&house, practice, here.path(), false).await;
    for family in ["Otherwise", "Elsewhere"] {
        let folder = folder_with(&[("Patient.ndjson", numbered("x9", family, "1980-01-01", 5))]);
        let said = bring_in(&house, practice, folder.path(), false).await;
        assert_eq!((said.total().matched, said.total().add), (1, 0), "{said}");
        assert!(said.findings[0].reason.contains("were left as they are"), "{said}");
    }
    assert_eq!(found(&house, &reception, "quintal").await.len(), 1);
    assert_eq!(found(&house, &reception, "elsewhere").await, []);
}

#[tokio::test]
async fn a_kept_resource_that_changed_takes_the_place_of_the_one_before() {
    let house = House::open().await;
    let practice = house.practice().await;
    let kept = "select count(*) from kept_resource where practice_id = $1";
    let entries = "select count(*) from record_entry where practice_id = $1";
    let line = |more: &str| format!(r#"{{"resourceType":"Observation","id":"o1"{more}}}"#);
    let bring = async |more: &str| {
        let folder = folder_with(&[
            ("Patient.ndjson", patient("p1", "Quintal", "1980-02-03")),
            ("Observation.ndjson", line(more)),
        ]);
        let dry = bring_in(&house, practice, folder.path(), true).await;
        let done = bring_in(&house, practice, folder.path(), false).await;
        assert_eq!(dry, done);
        done.counts["Observation"]
    };
    assert_eq!(bring("").await.keep, 1);
    assert_eq!(bring(r#","status":"final""#).await.matched, 1);
    assert_eq!((count(kept, practice).await, count(entries, practice).await), (1, 0));
    let about = r#","status":"final","subject":{"reference":"Patient/p1"}"#;
    assert_eq!(bring(about).await.matched, 1);
    assert_eq!((count(kept, practice).await, count(entries, practice).await), (0, 1), "it moved into the record");
    assert_eq!(bring(about).await.skip, 1);
    assert_eq!(bring("").await.reject, 1, "an entry does not leave a record because a later file forgets whose it is");
    assert_eq!((count(kept, practice).await, count(entries, practice).await), (0, 1));
}

#[tokio::test]
async fn no_file_name_is_kept_in_the_clear() {
    let house = House::open().await;
    let practice = house.practice().await;
    let folder = folder_with(&[("Patient.Thandi-Nkosi.ndjson", patient("p1", "Nkosi", "1980-02-03"))]);
    bring_in(&house, practice, folder.path(), false).await;
    assert_eq!(count("select count(*) from import_run where practice_id = $1", practice).await, 1);
    let named = "select count(*) from import_run r where practice_id = $1 and r::text like '%Thandi%'";
    assert_eq!(count(named, practice).await, 0);
}

#[tokio::test]
async fn an_entry_that_was_taken_back_here_is_not_written_over_by_a_later_import() {
    use practice::patients::clinical::forms::{EndingForm, Place};
    use practice::patients::clinical::writes::end;
    use practice::patients::model::EntryKind;
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    let files = |what: &str| {
        folder_with(&[
            ("Patient.ndjson", patient("p1", "Quintal", "1980-02-03")),
            ("AllergyIntolerance.ndjson", allergy("a1", "p1", what)),
        ])
    };
    bring_in(&house, practice, files("Latex").path(), false).await;
    let id = found(&house, &doctor, "quintal").await[0];
    let listed = async || reads::entries(&house.store, &doctor, id, &EntryFilter::default()).await.unwrap().entries;
    let entry = listed().await[0].as_ref().unwrap().id;
    let form = EndingForm {
        change: "entered-in-error".to_owned(),
        on: String::new(),
        remark: "It was the glove of another.".to_owned(),
    };
    let place = Place { order: crate::desk::ORDER, zone: jiff::tz::TimeZone::UTC, now: house.store.clock().now() };
    let ending = form.parse(EntryKind::Allergy, &place).unwrap();
    end(&house.store, &doctor, house.key(), (id, entry), seen(1), &form, &ending).await.unwrap();

    let changed = files("Latex gloves");
    let dry = bring_in(&house, practice, changed.path(), true).await;
    for said in [&dry, &bring_in(&house, practice, changed.path(), false).await] {
        let counts = said.counts["AllergyIntolerance"];
        assert_eq!((counts.skip, counts.matched), (1, 0), "{said}");
        assert_eq!(said.findings[0].reason, "edited here since; left as it is");
    }
    let line = listed().await[0].as_ref().unwrap().summary.clone();
    assert!(line.in_error && line.title == "Latex");
}
