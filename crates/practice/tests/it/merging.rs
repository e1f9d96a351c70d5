//! Two records of one person, made one and taken apart again.

use kernel::{MergeId, PatientId, PracticeId};
use practice::exchange::runs::{UndoError, known_runs, undo as undo_import};
use practice::patients::alike::reads::alike;
use practice::patients::clinical::forms::{EndingForm, Place};
use practice::patients::clinical::writes::end;
use practice::patients::identifiers::{Identifier, IdentifierKind};
use practice::patients::merging::reads::{Side, compare, merges, undo_page};
use practice::patients::merging::writes::{MergeError, SeenBoth, merge, undo};
use practice::patients::merging::{Chosen, Field};
use practice::patients::model::{EntryKind, PatientForm};
use practice::patients::reads::{EntryFilter, entries, open, seen};
use practice::patients::standing::reads::access;
use practice::patients::standing::writes::restrict;
use practice::patients::timeline::Words;
use practice::patients::writes::{self, PatientError, Severity};
use store::{Actor, Role, StoreError, Versioned};
use testkit::{DATA, House, servers};

use crate::desk::{draft, form, found, write_down};
use crate::import::{allergy, bring_in, folder_with, numbered, patient};

struct Desk {
    house: House,
    practice: PracticeId,
    doctor: Actor,
}

async fn desk() -> Desk {
    let house = House::open().await;
    let practice = house.practice().await;
    let doctor = house.actor(practice, &[Role::Practitioner]).await;
    Desk { house, practice, doctor }
}

fn version(side: &Side) -> Versioned {
    Versioned(side.patient.as_ref().unwrap().row_version)
}

impl Desk {
    async fn write(&self, given: &str, family: &str, birth: &str) -> PatientId {
        write_down(&self.house, &self.doctor, &form(given, family, birth)).await
    }

    async fn both(&self, into: PatientId, from: PatientId) -> Result<SeenBoth, StoreError> {
        let (one, other) = compare(&self.house.store, &self.doctor, into, from).await?;
        Ok(SeenBoth { into: version(&one), from: version(&other) })
    }

    async fn merge(&self, into: PatientId, from: PatientId, chosen: &[Field]) -> Result<(), MergeError> {
        let both = self.both(into, from).await?;
        let chosen = Chosen::of(chosen.iter().copied());
        merge(&self.house.store, &self.doctor, self.house.key(), (into, from), both, &chosen).await
    }

    async fn merge_of(&self, id: PatientId) -> MergeId {
        merges(&self.house.store, &self.doctor, id).await.unwrap().1[0].id
    }

    async fn take_apart(&self, id: PatientId) -> Result<(), StoreError> {
        let merge = self.merge_of(id).await;
        let page = undo_page(&self.house.store, &self.doctor, id, merge).await?;
        undo(&self.house.store, &self.doctor, self.house.key(), id, merge, seen(page.patient.row_version)).await
    }

    async fn add_number(&self, patient: PatientId, number: &str) {
        let number = Identifier::parse(IdentifierKind::Passport, number).unwrap();
        writes::add_identifier(&self.house.store, &self.doctor, self.house.key(), patient, number).await.unwrap();
    }

    async fn add_alert(&self, patient: PatientId, text: &str) {
        let key = self.house.key();
        writes::add_alert(&self.house.store, &self.doctor, key, patient, Severity::Usual, text).await.unwrap();
    }

    /// Everything that the pages say of a patient, for telling whether it is as it was.
    async fn said(&self, id: PatientId) -> (String, Vec<String>, Vec<String>, Vec<String>) {
        let page = open(&self.house.store, &self.doctor, id).await.unwrap();
        let known = serde_json::to_string(&page.patient.as_ref().unwrap().demographics()).unwrap();
        let numbers = page.identifiers.iter().map(|number| number.as_ref().unwrap().masked.clone()).collect();
        let alerts = page.alerts.iter().map(|alert| alert.as_ref().unwrap().text.clone()).collect();
        (known, numbers, alerts, self.titles(id, &EntryFilter::default()).await)
    }

    async fn titles(&self, id: PatientId, filter: &EntryFilter) -> Vec<String> {
        let page = entries(&self.house.store, &self.doctor, id, filter).await.unwrap();
        page.entries.iter().map(|entry| entry.as_ref().unwrap().summary.title.clone()).collect()
    }

    /// Two patients of a source, each with an allergy; the first has a number.
    async fn bring_in(&self) -> (PatientId, PatientId) {
        let folder = folder_with(&[
            (
                "Patient.ndjson",
                [numbered("p1", "Quintal", "1980-01-01", 4712), patient("p2", "Rosario", "1980-02-03")].join("\n"),
            ),
            ("AllergyIntolerance.ndjson", [allergy("a1", "p1", "Latex"), allergy("a2", "p2", "Penicillin")].join("\n")),
        ]);
        bring_in(&self.house, self.practice, folder.path(), false).await;
        let of = async |name: &str| found(&self.house, &self.doctor, name).await[0];
        (of("quintal").await, of("rosario").await)
    }
}

#[tokio::test]
async fn two_records_become_one_under_both_keys_and_two_again_exactly_as_they_were() {
    let desk = desk().await;
    let (house, doctor) = (&desk.house, &desk.doctor);
    let (into, from) = desk.bring_in().await;
    desk.add_number(from, "A1234567").await;
    desk.add_alert(from, "Uses a wheelchair").await;
    let (was, other_was) = (desk.said(into).await, desk.said(from).await);
    desk.merge(into, from, &[Field::Birth]).await.unwrap();

    let (known, numbers, alerts, titles) = desk.said(into).await;
    assert!(known.contains("1980-02-03") && known.contains("Quintal") && !known.contains("Rosario"));
    assert_eq!((numbers.len(), alerts.len()), (2, 1));
    assert_eq!(titles.len(), 2, "{titles:?}");
    assert_eq!(found(house, doctor, "rosario").await, [into], "found by what the other record says");
    assert_eq!(found(house, doctor, "ana").await, [into], "and once");
    let words = EntryFilter { words: Words::typed("penicillin"), ..EntryFilter::default() };
    assert_eq!(desk.titles(into, &words).await, ["Penicillin"]);
    let by_number = writes::look_up(&house.store, doctor, IdentifierKind::Passport, "A1234567").await.unwrap();
    assert_eq!(by_number.iter().map(|found| found.as_ref().unwrap().id).collect::<Vec<_>>(), [into]);
    let Err(StoreError::Merged { into: leads }) = open(&house.store, doctor, from).await else { panic!("it opened") };
    assert_eq!(leads, into);

    // Nothing was moved and nothing sealed anew: each row still names the key that it was sealed under.
    let client = servers().await.superuser(DATA).await;
    let rows = client
        .query(
            "select patient_id, seal_version from record_entry where practice_id = $1 order by patient_id",
            &[&desk.practice.uuid()],
        )
        .await
        .unwrap();
    let kept: Vec<(uuid::Uuid, i32)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let mut both = [(into.uuid(), 1), (from.uuid(), 1)];
    both.sort_unstable();
    assert_eq!(kept, both);

    desk.take_apart(into).await.unwrap();
    assert_eq!(desk.said(into).await, was);
    assert_eq!(desk.said(from).await, other_was);
    assert_eq!(found(house, doctor, "rosario").await, [from]);
    assert!(merges(&house.store, doctor, into).await.unwrap().1.is_empty());
}

#[tokio::test]
async fn what_was_written_or_changed_since_stays_when_they_are_taken_apart() {
    let desk = desk().await;
    let (house, doctor) = (&desk.house, &desk.doctor);
    let (into, from) = desk.bring_in().await;
    desk.merge(into, from, &[Field::Birth, Field::Names]).await.unwrap();
    desk.add_alert(into, "Speaks isiZulu").await;
    let page = open(&house.store, doctor, into).await.unwrap();
    let open_patient = page.patient.unwrap();
    let order = crate::desk::ORDER;
    let mut typed = PatientForm::of(&open_patient.demographics(), order);
    typed.birth_date = "5/5/1985".to_owned();
    let version = seen(open_patient.row_version);
    writes::edit(&house.store, doctor, house.key(), into, version, &typed, &draft(&typed)).await.unwrap();
    let merge = desk.merge_of(into).await;
    let page = undo_page(&house.store, doctor, into, merge).await.unwrap();
    assert_eq!(
        (page.undoing.back.as_slice(), page.undoing.stays.as_slice()),
        ([Field::Names].as_slice(), [Field::Birth].as_slice())
    );
    desk.take_apart(into).await.unwrap();
    let (known, _, alerts, titles) = desk.said(into).await;
    assert!(known.contains("1985-05-05") && known.contains("Quintal"));
    assert_eq!((alerts, titles), (vec!["Speaks isiZulu".to_owned()], vec!["Latex".to_owned()]));
    let (known, _, alerts, titles) = desk.said(from).await;
    assert!(known.contains("1980-02-03") && known.contains("Rosario") && alerts.is_empty());
    assert_eq!(titles, ["Penicillin"]);
}

#[tokio::test]
async fn what_belongs_to_the_other_record_is_changed_there_under_its_own_key() {
    let desk = desk().await;
    let (house, doctor) = (&desk.house, &desk.doctor);
    let (into, from) = desk.bring_in().await;
    desk.add_number(from, "A1234567").await;
    desk.add_alert(from, "Uses a wheelchair").await;
    desk.merge(into, from, &[]).await.unwrap();
    let page = open(&house.store, doctor, into).await.unwrap();
    let alert = page.alerts[0].as_ref().unwrap().id;
    writes::end_alert(&house.store, doctor, house.key(), into, alert).await.unwrap();
    let number = page.identifiers.iter().flatten().find(|number| number.patient_id == from).unwrap().id;
    writes::remove_identifier(&house.store, doctor, house.key(), into, number).await.unwrap();
    let record = entries(&house.store, doctor, into, &EntryFilter::default()).await.unwrap();
    let entry = record.entries.iter().flatten().find(|entry| entry.summary.title == "Penicillin").unwrap().id;
    let (change, remark) = ("entered-in-error".to_owned(), "Another patient.".to_owned());
    let form = EndingForm { change, remark, on: String::new() };
    let place = Place { order: crate::desk::ORDER, zone: jiff::tz::TimeZone::UTC, now: house.store.clock().now() };
    let ending = form.parse(EntryKind::Allergy, &place).unwrap();
    end(&house.store, doctor, house.key(), (into, entry), Versioned(1), &form, &ending).await.unwrap();
    desk.take_apart(into).await.unwrap();
    let page = open(&house.store, doctor, from).await.unwrap();
    assert!(page.alerts.is_empty() && page.identifiers.is_empty());
    let log = practice::audit::reads::of_record(&house.store, doctor, from, None).await.unwrap();
    let changed: Vec<&str> = log
        .lines
        .lines
        .iter()
        .flatten()
        .flat_map(|line| line.changes.iter().map(|change| change.field.as_str()))
        .collect();
    for field in ["patient_alert.active", "patient_identifier.active", "record_entry.body"] {
        assert!(changed.contains(&field), "{field} is not in the log of the record it belongs to: {changed:?}");
    }
}

#[tokio::test]
async fn the_log_of_each_record_says_that_it_was_merged_and_who_read_it_meanwhile() {
    let desk = desk().await;
    let (house, doctor) = (&desk.house, &desk.doctor);
    let (into, from) = desk.bring_in().await;
    desk.merge(into, from, &[Field::Birth]).await.unwrap();
    let curious = house.actor(desk.practice, &[Role::Practitioner]).await;
    open(&house.store, &curious, into).await.unwrap();
    let log = practice::audit::reads::of_record(&house.store, doctor, into, None).await.unwrap();
    let lines: Vec<_> = log.lines.lines.iter().flatten().collect();
    let reads = lines.iter().filter(|line| line.person == curious.person()).count();
    assert_eq!(reads, 1, "one reading of one person is one line");
    let merged = |changes: &[store::ChangeLine], field: &str| changes.iter().any(|change| change.field == field);
    assert!(lines.iter().any(|line| line.action == "patient.merge" && merged(&line.changes, "patient.birth")));
    assert!(lines.iter().any(|line| line.action == "patient.merge" && merged(&line.changes, "patient.merged_into")));
    desk.take_apart(into).await.unwrap();
    let log = practice::audit::reads::of_record(&house.store, doctor, from, None).await.unwrap();
    let lines: Vec<_> = log.lines.lines.iter().flatten().collect();
    assert!(lines.iter().any(|line| line.person == curious.person()), "who read it while it was one with the other");
    assert!(lines.iter().any(|line| line.action == "patient.unmerge"));
    assert!(
        lines.iter().all(|line| line.patient == Some(from) || line.changes.is_empty()),
        "what was done to the other record is not this one's to show"
    );
}

#[tokio::test]
async fn a_third_record_comes_along_and_back_and_there_are_no_circles() {
    let desk = desk().await;
    let (house, doctor) = (&desk.house, &desk.doctor);
    let one = desk.write("Lindiwe", "Mokoena", "7/3/1984").await;
    let two = desk.write("Lindi", "Mokoena", "8/3/1984").await;
    let three = desk.write("Lindy", "Mokoena", "9/3/1984").await;
    desk.merge(two, one, &[]).await.unwrap();
    desk.merge(three, two, &[]).await.unwrap();
    assert_eq!(found(house, doctor, "lindiwe").await, [three], "straight to the one that stands");
    for gone in [one, two] {
        assert!(matches!(open(&house.store, doctor, gone).await, Err(StoreError::Merged { into }) if into == three));
        assert!(matches!(
            desk.merge(three, gone, &[]).await,
            Err(MergeError::Store(StoreError::Merged { into })) if into == three
        ));
        assert!(matches!(desk.merge(gone, three, &[]).await, Err(MergeError::Store(StoreError::Merged { .. }))));
    }
    assert!(matches!(desk.merge(three, three, &[]).await, Err(MergeError::Store(StoreError::Missing))));
    let (_, made) = merges(&house.store, doctor, three).await.unwrap();
    let inner = made.iter().find(|made| !made.direct).unwrap().id;
    assert!(matches!(undo_page(&house.store, doctor, three, inner).await, Err(StoreError::Missing)));
    let outer = made.iter().find(|made| made.direct).unwrap().id;
    let page = undo_page(&house.store, doctor, three, outer).await.unwrap();
    undo(&house.store, doctor, house.key(), three, outer, seen(page.patient.row_version)).await.unwrap();
    assert!(matches!(open(&house.store, doctor, one).await, Err(StoreError::Merged { into }) if into == two));
    desk.take_apart(two).await.unwrap();
    assert_eq!(found(house, doctor, "lindiwe").await, [one]);

    // Whoever writes past the program is stopped by the same rule.
    let client = servers().await.superuser(DATA).await;
    let point = "update patient set merged_into = $3 where practice_id = $1 and id = $2";
    let practice = desk.practice.uuid();
    client.execute("begin", &[]).await.unwrap();
    client.execute(point, &[&practice, &one.uuid(), &two.uuid()]).await.unwrap();
    let circle = client.execute(point, &[&practice, &two.uuid(), &one.uuid()]).await.unwrap_err();
    assert_eq!(circle.as_db_error().unwrap().constraint(), Some("patient_merged_into"));
    client.execute("rollback", &[]).await.unwrap();
}

#[tokio::test]
async fn of_two_who_merge_at_once_the_second_is_told_and_nothing_is_lost() {
    let desk = desk().await;
    let (house, doctor) = (&desk.house, &desk.doctor);
    let one = desk.write("Lindiwe", "Mokoena", "7/3/1984").await;
    let two = desk.write("Lindi", "Mokoena", "8/3/1984").await;
    let (here, there) = (desk.both(one, two).await.unwrap(), desk.both(two, one).await.unwrap());
    let chosen = Chosen::default();
    let key = house.key();
    let (first, second) = tokio::join!(
        merge(&house.store, doctor, key, (one, two), here, &chosen),
        merge(&house.store, doctor, house.key(), (two, one), there, &chosen),
    );
    assert_ne!(first.is_ok(), second.is_ok(), "{first:?} {second:?}");
    let lost = if first.is_ok() { second } else { first };
    assert!(
        matches!(lost, Err(MergeError::Store(StoreError::Conflict | StoreError::Merged { .. } | StoreError::Away(_)))),
        "{lost:?}"
    );
    assert_eq!(found(house, doctor, "mokoena").await.len(), 1);

    let three = desk.write("Lindy", "Mokoena", "9/3/1984").await;
    let stands = found(house, doctor, "lindiwe").await[0];
    let stale = desk.both(stands, three).await.unwrap();
    let page = open(&house.store, doctor, three).await.unwrap().patient.unwrap();
    let mut typed = PatientForm::of(&page.demographics(), crate::desk::ORDER);
    typed.pronouns = "she/her".to_owned();
    writes::edit(&house.store, doctor, house.key(), three, seen(1), &typed, &draft(&typed)).await.unwrap();
    let refused = merge(&house.store, doctor, house.key(), (stands, three), stale, &chosen).await;
    assert!(matches!(refused, Err(MergeError::Store(StoreError::Conflict))), "{refused:?}");
    let both = desk.both(stands, three).await.unwrap();
    let key = house.key();
    for _ in 0..2 {
        merge(&house.store, doctor, key, (stands, three), both, &chosen).await.expect("a retry is answered alike");
    }
    assert_eq!(merges(&house.store, doctor, stands).await.unwrap().1.len(), 2);
}

#[tokio::test]
async fn a_restricted_record_keeps_its_circle_when_it_is_merged() {
    let desk = desk().await;
    let (house, doctor) = (&desk.house, &desk.doctor);
    let colleague = house.actor(desk.practice, &[Role::Practitioner]).await;
    let administrator = house.actor(desk.practice, &[Role::Administrator]).await;
    let open_one = desk.write("Lindiwe", "Mokoena", "7/3/1984").await;
    let shut = desk.write("Lindi", "Mokoena", "8/3/1984").await;
    restrict(&house.store, doctor, house.key(), shut, seen(1), &[doctor.person().unwrap()]).await.unwrap();
    for other in [&colleague, &administrator] {
        for pair in [(open_one, shut), (shut, open_one)] {
            let refused = compare(&house.store, other, pair.0, pair.1).await;
            assert!(matches!(refused, Err(StoreError::Refused { .. })));
            let both = SeenBoth { into: Versioned(1), from: Versioned(1) };
            let refused = merge(&house.store, other, house.key(), pair, both, &Chosen::default()).await;
            assert!(matches!(refused, Err(MergeError::Store(StoreError::Refused { .. }))));
        }
        assert!(alike(&house.store, other, open_one).await.unwrap().is_empty(), "nor is it hinted at");
    }
    desk.merge(open_one, shut, &[]).await.unwrap();
    assert!(matches!(open(&house.store, &colleague, open_one).await, Err(StoreError::Refused { .. })));
    assert_eq!(found(house, &colleague, "mokoena").await, []);
    assert_eq!(found(house, doctor, "lindi").await, [open_one]);
    let named = access(&house.store, doctor, open_one).await.unwrap().named;
    assert_eq!(named, [doctor.person().unwrap()]);
    desk.take_apart(open_one).await.unwrap();
    assert!(open(&house.store, &colleague, open_one).await.is_ok());
    assert!(matches!(open(&house.store, &colleague, shut).await, Err(StoreError::Refused { .. })));
    assert_eq!(found(house, &colleague, "mokoena").await, [open_one]);
}

#[tokio::test]
async fn imports_go_on_and_an_import_is_not_taken_back_from_under_a_merge() {
    let desk = desk().await;
    let (house, doctor) = (&desk.house, &desk.doctor);
    let (into, from) = desk.bring_in().await;
    let run = known_runs(&house.store, desk.practice).await.unwrap()[0].id;
    desk.merge(into, from, &[]).await.unwrap();
    let Err(UndoError::WorkedOn { mut patients, .. }) = undo_import(&house.store, desk.practice, run, false).await
    else {
        panic!("it was taken back")
    };
    patients.sort();
    let mut both = [into, from];
    both.sort();
    assert_eq!(patients, both);
    let folder = folder_with(&[
        ("Patient.ndjson", patient("p2", "Rosario", "1980-02-03")),
        ("AllergyIntolerance.ndjson", [allergy("a2", "p2", "Penicillin"), allergy("a3", "p2", "Peanut")].join("\n")),
    ]);
    let said = bring_in(house, desk.practice, folder.path(), false).await;
    assert_eq!((said.total().add, said.total().reject), (1, 0), "{said}");
    assert_eq!(desk.said(into).await.3.len(), 3);
    desk.take_apart(into).await.unwrap();
    assert_eq!(desk.said(from).await.3.len(), 2, "what its source says of it is its own");
    assert_eq!(found(house, doctor, "quintal").await, [into]);
}

#[tokio::test]
async fn who_may_be_the_same_person_is_hinted_at_and_asked_about() {
    let desk = desk().await;
    let (house, doctor) = (&desk.house, &desk.doctor);
    let one = desk.write("Thandi", "Nkosi", "7/3/1984").await;
    let other =
        PatientForm { phone: "082 555 0199".to_owned(), email: String::new(), ..form("Thandiwe", "Nkosy", "7/3/1984") };
    let asked = writes::create(&house.store, doctor, house.key(), &other, &draft(&other), false).await;
    assert!(matches!(asked, Err(PatientError::KnownAlready(known)) if known == [one]));
    let two = write_down(house, doctor, &other).await;
    let stranger =
        PatientForm { phone: "082 555 0188".to_owned(), email: String::new(), ..form("Sipho", "Dube", "1/1/1950") };
    let three = write_down(house, doctor, &stranger).await;
    let hinted = async |id| -> Vec<PatientId> {
        let hits = alike(&house.store, doctor, id).await.unwrap();
        hits.into_iter().map(|hit| hit.unwrap().id).collect()
    };
    assert_eq!(hinted(one).await, [two]);
    assert_eq!(hinted(three).await, []);
    desk.add_number(one, "A1234567").await;
    desk.add_number(three, "a 123 4567").await;
    assert_eq!(hinted(three).await, [one], "the same number");
    desk.merge(one, two, &[]).await.unwrap();
    assert_eq!(hinted(one).await, [three], "not the record that is one with it already");
}

#[tokio::test]
async fn reception_and_owners_merge_nobody() {
    let desk = desk().await;
    let (house, _) = (&desk.house, &desk.doctor);
    let one = desk.write("Lindiwe", "Mokoena", "7/3/1984").await;
    let two = desk.write("Lindi", "Mokoena", "8/3/1984").await;
    let both = SeenBoth { into: Versioned(1), from: Versioned(1) };
    for role in [Role::Reception, Role::Finance, Role::Owner] {
        let other = house.actor(desk.practice, &[role]).await;
        let refused = merge(&house.store, &other, house.key(), (one, two), both, &Chosen::default()).await;
        assert!(matches!(refused, Err(MergeError::Store(StoreError::Refused { .. }))), "{role:?}");
    }
    let elsewhere = house.practice().await;
    let stranger = house.actor(elsewhere, &[Role::Practitioner]).await;
    let refused = merge(&house.store, &stranger, house.key(), (one, two), both, &Chosen::default()).await;
    assert!(matches!(refused, Err(MergeError::Store(StoreError::Missing))));
}
