//! What an earlier program kept as it came, because it had no room then.

use kernel::{EntryId, ImportId, PracticeId};
use practice::exchange::fhir::{ResourceKey, entry_of};
use practice::patients::actions::ImportPatients;
use practice::patients::model::EntryKind;
use practice::patients::reads::{self, EntryFilter};
use practice::patients::rows::{Entry, EntryContent, EntryRow, EntrySummary};
use store::{Event, Job, Once, Resource, ToRemember};
use testkit::House;

use crate::desk::found;
use crate::import::{bring_in, folder_with, patient};

const VISIT: &str = r#"{"resourceType":"Encounter","id":"e1","status":"finished","class":{"code":"AMB"},"type":[{"text":"Check-up"}],"subject":{"reference":"Patient/p1"},"period":{"start":"2019-05-06"}}"#;

/// What the program before left of the visit: an entry of the kind "Encounter" that no one could read.
async fn kept_before(house: &House, practice: PracticeId, patient: kernel::PatientId) -> EntryId {
    let machine = house.store.machine(Job::Import, practice).await.unwrap();
    let asked = house.store.enter(&machine).await.unwrap();
    let asked = asked.ask_once::<ImportPatients>(Resource::Practice, house.key(), &()).await.unwrap();
    let Once::Fresh(mut tx) = asked else { panic!("a fresh key") };
    let id = EntryId::new(tx.at(), house.store.entropy());
    let tag = tx.also(Event::new().about("patient", patient.uuid()), Some(patient));
    let entry = Entry {
        id,
        row_version: 1,
        patient_id: patient,
        kind: "Encounter".to_owned(),
        occurred_at: None,
        summary: EntrySummary::kept("Encounter"),
        body: EntryContent::Kept { source: VISIT.to_owned() },
    };
    tx.add_under::<EntryRow>(vec![(tag, entry)]).await.unwrap();
    let source = format!("test|{}", ResourceKey::of("Encounter", "e1").hex());
    let token = tx.import_tokens(&[source]).await.unwrap()[0];
    let digest = tx.import_digests(&[VISIT.to_owned()]).await.unwrap()[0];
    let run = tx.ids(store::sql!("select id from import_run where practice_id = $1"), &[]).await.unwrap()[0];
    let resource = ToRemember { token, kind: "entry", id: id.uuid(), digest, outcome: "keep" };
    tx.remember_imports(ImportId::from_uuid(run), &[resource]);
    tx.commit(Event::new(), serde_json::Value::Null).await.unwrap();
    id
}

#[tokio::test]
async fn what_was_kept_as_it_came_is_read_when_it_is_opened_and_becomes_an_entry_when_it_comes_again() {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[store::Role::Practitioner]).await;
    let people = folder_with(&[("Patient.ndjson", patient("p1", "Quintal", "1980-02-03"))]);
    bring_in(&house, practice, people.path(), false).await;
    let id = found(&house, &doctor, "quintal").await[0];
    let entry = kept_before(&house, practice, id).await;

    let read = async || reads::entry(&house.store, &doctor, id, entry).await.unwrap().entry.unwrap();
    let before = read().await;
    assert_eq!((before.kind.as_str(), before.occurred_at), ("Encounter", None));
    assert_eq!(before.body.read().unwrap().title(), "Check-up");
    let visits = EntryFilter { kinds: vec![EntryKind::Visit], ..EntryFilter::default() };
    let listed = async || reads::entries(&house.store, &doctor, id, &visits).await.unwrap();
    assert_eq!(listed().await.total, 1, "it stands among the visits already");

    let again = folder_with(&[
        ("Patient.ndjson", patient("p1", "Quintal", "1980-02-03")),
        ("Encounter.ndjson", VISIT.to_owned()),
    ]);
    let dry = bring_in(&house, practice, again.path(), true).await;
    let said = bring_in(&house, practice, again.path(), false).await;
    assert_eq!(dry, said);
    assert_eq!((said.counts["Encounter"].matched, said.total().reject), (1, 0), "{said}");
    assert_eq!(said.findings[0].reason, "was kept as it came, and is read now");
    let after = read().await;
    assert_eq!((after.kind.as_str(), after.summary.title.as_str()), ("visit", "Check-up"));
    assert!(after.occurred_at.is_some());
    assert!(after.body.read().unwrap().source == VISIT && entry_of(VISIT).is_some());
    assert_eq!(listed().await.total, 1);
    let third = bring_in(&house, practice, again.path(), false).await;
    assert_eq!(third.counts["Encounter"].skip, 1, "{third}");
}
