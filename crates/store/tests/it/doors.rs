//! Asking, reading and changing: what is told, what is kept, and in which order.

use std::fmt::Write as _;

use kernel::{PatientId, PracticeId};
use store::{Event, Job, Purpose, Resource, StoreError, Versioned, sql};

use crate::support::rows::*;
use crate::support::scratch::Scratch;
use crate::support::*;

async fn actions_of(lot: &Lot) -> Vec<(String, Option<uuid::Uuid>)> {
    let sql = "select action, patient_id from audit_event where practice_id = $1 order by at, event_id";
    let rows = superuser().await.query(sql, &[&lot.practice.uuid()]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn another_practices_patient_is_missing_like_one_that_never_was() {
    let (_house, lot) = lot().await;
    let other = Lot::found(&lot.store).await;
    let theirs = other.patient("Thandi").await;
    let never = PatientId::from_uuid(uuid());
    let (mine_before, theirs_before) = (lot.events().await, other.events().await);
    for id in [theirs, never] {
        let resource = Resource::Patient(id);
        assert!(matches!(lot.ask::<ReadPatient>(resource).await, Err(StoreError::Missing)));
        assert!(matches!(lot.ask::<OpenRecord>(resource).await, Err(StoreError::Missing)));
        let writing = lot.write_once::<EditPatient>(resource, key(), &()).await;
        assert!(matches!(writing, Err(StoreError::Missing)));
        // Past the question, with a permission for the whole practice, the row is not there either.
        let tx = lot.ask::<FindPatient>(Resource::Practice).await.unwrap();
        assert!(matches!(tx.row::<PatientRow>(BY_ID, &[&id.uuid()]).await, Err(StoreError::Missing)));
        let without = sql!("select id from patient where $1::uuid is not null and id = $2");
        assert!(tx.ids(without, &[&id.uuid()]).await.unwrap().is_empty(), "the policy holds where the query forgot");
    }
    assert_eq!((lot.events().await, other.events().await), (mine_before, theirs_before));
}

#[tokio::test]
async fn a_permission_to_read_changes_nothing_whatever_its_statement_says() {
    let (_house, lot) = lot().await;
    let id = lot.patient("Thandi").await;
    let change = sql!(
        "with gone as (update api_client set state = state where practice_id = $1 returning 1) select count(*) from gone"
    );
    // PostgreSQL says that it is read-only, which counts as a server that has become so.
    let refused = |tried: Result<i64, StoreError>| matches!(tried, Err(StoreError::Away(why)) if why.to_string().contains("25006"));
    let about_one = lot.ask::<ReadPatient>(Resource::Patient(id)).await.unwrap();
    assert!(refused(about_one.count(change, &[]).await));
    let about_all = lot.ask::<FindPatient>(Resource::Practice).await.unwrap();
    assert!(refused(about_all.count(change, &[]).await));
    // Of the program's own jobs nothing is read before they are asked, so this is what their transaction begins with.
    let job = lot.store.machine(Job::Export, lot.practice).await.unwrap();
    let everything = lot.store.enter(&job).await.unwrap().ask::<ReadExported>(Resource::Practice).await.unwrap();
    assert!(refused(everything.count(change, &[]).await));
}

#[tokio::test]
async fn a_refusal_is_kept_before_it_is_told() {
    let (_house, lot) = lot().await;
    let id = lot.patient("Thandi").await;
    let reception = Lot { actor: lot.member("reception").await, practice: lot.practice, store: lot.store.clone() };
    let finance = Lot { actor: lot.member("finance").await, practice: lot.practice, store: lot.store.clone() };
    let refused = |result: Result<(), StoreError>| matches!(result, Err(StoreError::Refused { .. }));
    assert!(refused(reception.ask::<ReadClinical>(Resource::Patient(id)).await.map(drop)));
    assert!(refused(reception.ask::<OpenRecord>(Resource::Patient(id)).await.map(drop)), "a set, of which a part");
    assert!(refused(finance.write_once::<EditPatient>(Resource::Patient(id), key(), &()).await.map(drop)));
    assert!(refused(reception.write_once::<EditPractice>(Resource::Practice, key(), &()).await.map(drop)));
    // A question that makes no sense is a no, whoever asks.
    assert!(refused(lot.ask::<ReadPatient>(Resource::Practice).await.map(drop)));
    assert!(refused(lot.ask::<FindPatient>(Resource::Patient(id)).await.map(drop)));
    let mut kept = actions_of(&lot).await;
    kept.retain(|(action, _)| action.ends_with(".refused"));
    let about = Some(id.uuid());
    let expected = [
        ("clinical.read.refused", about),
        ("patient.record.refused", about),
        ("patient.edit.refused", about),
        ("practice.edit.refused", None),
        ("patient.read.refused", None),
        ("patient.find.refused", about),
    ];
    let expected: Vec<_> = expected.map(|(action, patient)| (action.to_owned(), patient)).into();
    kept.sort();
    let mut sorted = expected;
    sorted.sort();
    assert_eq!(kept, sorted);
    // Nobody counts as having had to do with a record that was refused them.
    let tx = lot.ask::<ReadPatient>(Resource::Patient(id)).await.unwrap();
    assert_eq!(
        tx.count(store::OTHER_READERS, &[&id.uuid(), &jiff::Timestamp::UNIX_EPOCH, &None::<uuid::Uuid>]).await.unwrap(),
        1,
        "who added it"
    );
    let who = reception.actor.person().unwrap();
    assert!(tx.recent_patients_of(who, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn whoever_has_been_removed_or_has_no_role_gets_no_further() {
    let (_house, lot) = lot().await;
    let id = lot.patient("Thandi").await;
    let nobody = Lot { actor: lot.member("").await, practice: lot.practice, store: lot.store.clone() };
    assert!(matches!(nobody.ask::<Home>(Resource::Practice).await.map(drop), Err(StoreError::Refused { .. })));
    let client = superuser().await;
    client.batch_execute("set session_replication_role = replica").await.unwrap();
    let sql = "update membership set status = 'removed' where practice_id = $1 and id = $2";
    client.execute(sql, &[&lot.practice.uuid(), &lot.actor.person().unwrap().uuid()]).await.unwrap();
    // The actor in hand is an old one: it counts for nothing.
    assert!(matches!(lot.ask::<ReadPatient>(Resource::Patient(id)).await.map(drop), Err(StoreError::SignedOut)));
    let strange = Lot { actor: lot.actor.clone(), practice: lot.practice, store: lot.store.clone() };
    assert!(matches!(strange.ask::<Home>(Resource::Practice).await.map(drop), Err(StoreError::SignedOut)));
}

#[tokio::test]
async fn nothing_opens_and_no_refusal_is_told_while_the_log_cannot_be_written() {
    let scratch = Scratch::make().await;
    let lot = Lot::found(&scratch.store().await).await;
    let id = lot.patient("Thandi").await;
    let reception = Lot { actor: lot.member("reception").await, practice: lot.practice, store: lot.store.clone() };
    let client = scratch.superuser().await;
    for table in ["audit_event", "audit_pending"] {
        client.batch_execute(&format!("revoke insert on {table} from vouchsafe_run")).await.unwrap();
        let read = lot.open(id).await;
        assert!(matches!(&read, Err(StoreError::Statement { code }) if code == "42501"), "{table}: {read:?}");
        let refused = reception.ask::<ReadClinical>(Resource::Patient(id)).await.map(drop);
        assert!(matches!(refused, Err(StoreError::Statement { .. })), "{table}");
        assert!(lot.rename(id, 1, "Zoe").await.is_err(), "{table}");
        client.batch_execute(&format!("grant insert on {table} to vouchsafe_run")).await.unwrap();
    }
    client.batch_execute("revoke insert on audit_subject from vouchsafe_run").await.unwrap();
    let tx = lot.ask::<FindPatient>(Resource::Practice).await.unwrap();
    let rows: Vec<PatientRow> = tx.rows(ALL, &[]).await.unwrap();
    assert!(tx.record(Event::new(), rows).await.is_err(), "a list that cannot say whom it showed");
    client.batch_execute("grant insert on audit_subject to vouchsafe_run").await.unwrap();
    assert_eq!(lot.name(id).await, "Thandi");
    drop((lot, reception));
    scratch.drop().await;
}

#[tokio::test]
async fn a_permission_for_one_patient_opens_and_changes_no_other() {
    let (_house, lot) = lot().await;
    let (asked, other) = (lot.patient("Thandi").await, lot.patient("Zoe").await);
    let before = lot.events().await;
    let tx = lot.ask::<ReadPatient>(Resource::Patient(asked)).await.unwrap();
    let rows: Vec<PatientRow> = tx.rows(ALL, &[]).await.unwrap();
    assert!(matches!(tx.record(Event::new(), rows).await, Err(StoreError::Unreadable { .. })));
    let row = lot.row(other).await;
    let patch = PatientPatch { names: Some(vec!["Mine".into()]), ..PatientPatch::default() };
    let mut tx = lot.write::<EditPatient>(Resource::Patient(asked)).await;
    assert!(tx.amend(&row, Versioned(1), patch).await.is_err());
    assert!(tx.remove(&row).await.is_err());
    let id = kernel::AlertId::new(testkit::START, &entropy());
    let alert =
        |patient_id| Alert { id, row_version: 1, patient_id, severity: "usual".into(), active: true, text: "x".into() };
    assert!(tx.insert::<AlertRow>(alert(other)).await.is_err());
    let tag = tx.also(Event::new(), Some(other));
    assert!(tx.add_under::<AlertRow>(vec![(tag, alert(other))]).await.is_err(), "nor under an event of its own");
    drop(tx);
    assert_eq!(lot.events().await, before);
    assert_eq!(lot.name(other).await, "Zoe");
}

#[tokio::test]
async fn an_event_is_about_the_patient_who_was_asked_for_also_when_nothing_changed() {
    let (_house, lot) = lot().await;
    let id = lot.patient("Thandi").await;
    assert!(!lot.rename(id, 1, "Thandi").await.unwrap());
    let last = actions_of(&lot).await.pop().unwrap();
    assert_eq!(last, ("patient.edit".to_owned(), Some(id.uuid())));
}

#[tokio::test]
async fn a_failure_that_was_overlooked_cannot_be_committed() {
    let (_house, lot) = lot().await;
    let mut tx = lot.store.host::<Found>(Job::Founding).await.unwrap();
    tx.step_into(lot.practice).await.unwrap();
    let failing = tx.execute(sql!("select 1 / (case when $1::uuid is null then 1 else 0 end)"), &[]).await;
    assert!(matches!(failing, Err(StoreError::Statement { .. })));
    // PostgreSQL would answer this COMMIT with a rollback, and call it a success.
    assert!(tx.keep_counts().await.is_err());
}

#[tokio::test]
async fn what_a_house_transaction_counts_it_may_keep_and_nothing_else() {
    let (_house, lot) = lot().await;
    let tx = lot.store.visit::<Found>(somewhere()).await.unwrap();
    let count = store::Throttled { failures: 3, last_at: tx.at() };
    let subject = uuid().to_string();
    assert_eq!(tx.attempts("test", &subject).await.unwrap(), None);
    tx.keep_attempts("test", &subject, Some(count)).await.unwrap();
    tx.keep_counts().await.unwrap();
    let tx = lot.store.visit::<Found>(somewhere()).await.unwrap();
    assert_eq!(tx.attempts("test", &subject).await.unwrap(), Some(count));
    let sql = sql!("update person set state = 'suspended' where practice_id = $1 and id = $2");
    assert_eq!(tx.execute(sql, &[&lot.actor.person().unwrap().uuid()]).await.unwrap(), 1);
    assert!(matches!(tx.keep_counts().await, Err(StoreError::Statement { code }) if code == "VS001"));
    // Nor are patients read through the house's door.
    let id = lot.patient("Thandi").await;
    let row = lot.row(id).await;
    let mut tx = lot.store.host::<Found>(Job::Founding).await.unwrap();
    tx.step_into(lot.practice).await.unwrap();
    assert!(matches!(tx.open(row).await, Err(StoreError::Refused { .. })));
}

#[tokio::test]
async fn a_letter_of_the_house_is_claimed_once_sent_once_and_wiped() {
    let scratch = Scratch::make().await;
    let store = scratch.store().await;
    let mut tx = store.visit::<Found>(somewhere()).await.unwrap();
    let letter = store::Letter { to: "a@example.org".into(), subject: "Hello".into(), text: "A canary".into() };
    tx.post(letter.clone()).await.unwrap();
    tx.commit(Event::new(), serde_json::Value::Null).await.unwrap();
    let [id] = store.due_letters(PracticeId::HOUSE).await.unwrap()[..] else { panic!("one letter") };
    let outgoing = store.claim_letter(PracticeId::HOUSE, id).await.unwrap().unwrap();
    assert!(outgoing.letter == letter);
    assert_eq!(store.due_letters(PracticeId::HOUSE).await.unwrap(), [], "claimed until its next time");
    assert!(store.claim_letter(PracticeId::HOUSE, id).await.unwrap().is_none());
    store.letter_sent(&outgoing).await.unwrap();
    store.letter_sent(&outgoing).await.unwrap();
    let client = scratch.superuser().await;
    let row = client.query_one("select state, attempts, length(message) from outbox", &[]).await.unwrap();
    assert_eq!((row.get::<_, String>(0).as_str(), row.get::<_, i32>(1)), ("sent", 1));
    // What is left is "nothing", sealed in the smallest bucket: 30 bytes before it, 32 of padding, 16 after.
    assert_eq!(row.get::<_, i32>(2), 30 + 32 + 16);
    assert!(store.claim_letter(PracticeId::from_uuid(uuid()), id).await.is_err(), "a practice that is not there");
    drop(store);
    scratch.drop().await;
}

#[tokio::test]
async fn a_purpose_a_field_and_a_record_stand_in_the_log_and_a_remark_does_not_stand_in_the_clear() {
    let (_house, lot) = lot().await;
    let id = lot.patient("Thandi").await;
    let tx = lot.ask::<ReadPatient>(Resource::Patient(id)).await.unwrap();
    let row: PatientRow = tx.row(BY_ID, &[&id.uuid()]).await.unwrap();
    let event = Event::new()
        .about("patient", id.uuid())
        .field("patient.names")
        .purpose(Purpose::Legal)
        .note(serde_json::json!({ "why": "a canary remark" }));
    tx.record(event, row).await.unwrap().unwrap();
    let client = superuser().await;
    let row = evidence::event(&client, lot.practice, "patient.read").await;
    let leaf = evidence::leaf(&row);
    assert_eq!(leaf.patient, Some(id));
    assert_eq!((leaf.field.as_deref(), leaf.purpose.as_deref()), (Some("patient.names"), Some("legal")));
    assert_eq!((leaf.source.as_str(), leaf.record.unwrap().id), ("203.0.113.7", id.uuid()));
    assert_eq!(leaf.actor.id, lot.actor.person().unwrap().uuid());
    let text: String = client
        .query_one("select e::text from audit_event e where event_id = $1", &[&leaf.event.uuid()])
        .await
        .unwrap()
        .get(0);
    assert!(!text.contains("canary") && !text.contains(&hex("canary")));
}

pub fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
