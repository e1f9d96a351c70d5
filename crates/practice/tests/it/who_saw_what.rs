use practice::audit::reads::{of_practice, of_record};
use practice::patients::identifiers::{Identifier, IdentifierKind};
use practice::patients::reads::{self, seen};
use practice::patients::writes;
use store::{AuditFilter, Purpose, Role, StoreError};
use testkit::House;

use crate::desk::{draft, form, found, write_down};

#[tokio::test]
async fn every_act_on_a_record_is_in_its_log() {
    let house = House::open().await;
    let doctor = house.actor(house.practice().await, &[Role::Practitioner]).await;
    let before = form("Lindiwe", "Mokoena", "7/3/1984");
    let id = write_down(&house, &doctor, &before).await;
    found(&house, &doctor, "mok").await;
    let number = Identifier::parse(IdentifierKind::ZaId, "8001015009087").unwrap();
    writes::add_identifier(&house.store, &doctor, house.key(), id, number).await.unwrap();
    let page = reads::open(&house.store, &doctor, id).await.unwrap();
    let identifier = page.identifiers[0].as_ref().unwrap().id;
    reads::reveal(&house.store, &doctor, id, identifier, Purpose::Legal).await.unwrap();
    let mut after = before.clone();
    after.phone = "021 555 0199".to_owned();
    writes::edit(&house.store, &doctor, house.key(), id, seen(1), &after, &draft(&after)).await.unwrap();

    let log = of_record(&house.store, &doctor, id, None).await.unwrap();
    let lines: Vec<_> = log.lines.lines.iter().map(|line| line.as_ref().unwrap()).collect();
    let acts: Vec<&str> = lines.iter().map(|line| line.action.as_str()).collect();
    assert_eq!(
        acts,
        ["patient.edit", "identifier.reveal", "patient.record", "patient.edit", "patient.find", "patient.create"],
        "newest first"
    );
    let reveal = lines[1];
    assert_eq!(reveal.person, doctor.person());
    assert_eq!(reveal.purpose.as_deref(), Some("legal"));
    assert_eq!(reveal.field.as_deref(), Some("patient_identifier.za-id"));
    assert!(!reveal.source.is_empty());
    assert!(lines[4].listed, "the search named the patient");
    let change =
        lines[0].changes.iter().find(|change| change.field == "patient.contacts").expect("the contacts changed");
    assert!(change.before.as_ref().unwrap().to_string().contains("082 555 0143"));
    assert!(change.after.as_ref().unwrap().to_string().contains("021 555 0199"));
    assert_eq!(log.names.people[&doctor.person().unwrap()].id, doctor.person().unwrap());
}

#[tokio::test]
async fn the_log_of_a_record_never_shows_an_identifiers_number() {
    let house = House::open().await;
    let doctor = house.actor(house.practice().await, &[Role::Practitioner]).await;
    let id = write_down(&house, &doctor, &form("Lindiwe", "Mokoena", "7/3/1984")).await;
    let number = Identifier::parse(IdentifierKind::ZaId, "8001015009087").unwrap();
    writes::add_identifier(&house.store, &doctor, house.key(), id, number).await.unwrap();
    let log = of_record(&house.store, &doctor, id, None).await.unwrap();
    let changes = &log.lines.lines[0].as_ref().unwrap().changes;
    assert!(changes.iter().any(|change| change.field == "patient_identifier.masked"), "{changes:?}");
    assert!(!format!("{changes:?}").contains("8001015009087"));
}

#[tokio::test]
async fn who_comes_second_is_told_who_was_first() {
    let house = House::open().await;
    let practice = house.practice().await;
    let (desk, doctor) =
        (house.actor(practice, &[Role::Reception]).await, house.actor(practice, &[Role::Practitioner]).await);
    let first = form("Lindiwe", "Mokoena", "7/3/1984");
    let id = write_down(&house, &doctor, &first).await;
    let mut theirs = first.clone();
    theirs.phone = "021 555 0199".to_owned();
    writes::edit(&house.store, &doctor, house.key(), id, seen(1), &theirs, &draft(&theirs)).await.unwrap();
    let mut mine = first.clone();
    mine.phone = "021 555 0200".to_owned();
    let late = writes::edit(&house.store, &desk, house.key(), id, seen(1), &mine, &draft(&mine)).await;
    assert!(matches!(late, Err(StoreError::Conflict)), "{late:?}");
    let told = reads::saved_first(&house.store, &desk, id).await.unwrap();
    let log = of_record(&house.store, &doctor, id, None).await.unwrap();
    let edit = log.lines.lines.iter().flatten().find(|line| line.action == "patient.edit").unwrap();
    assert_eq!(told.by.as_ref(), Some(&log.names.people[&doctor.person().unwrap()].display_name));
    assert!(told.at.duration_since(edit.at).abs().as_secs() < 2, "{} {}", told.at, edit.at);
}

#[tokio::test]
async fn reading_the_log_is_in_the_log() {
    let house = House::open().await;
    let doctor = house.actor(house.practice().await, &[Role::Practitioner]).await;
    let id = write_down(&house, &doctor, &form("Lindiwe", "Mokoena", "7/3/1984")).await;
    of_record(&house.store, &doctor, id, None).await.unwrap();
    let log = of_record(&house.store, &doctor, id, None).await.unwrap();
    assert_eq!(log.lines.lines[0].as_ref().unwrap().action, "patient.who-saw-what");
}

#[tokio::test]
async fn an_owner_sees_that_a_record_was_opened_and_not_what_stands_in_it() {
    let house = House::open().await;
    let practice = house.practice().await;
    let (owner, doctor) =
        (house.actor(practice, &[Role::Owner]).await, house.actor(practice, &[Role::Practitioner]).await);
    let id = write_down(&house, &doctor, &form("Lindiwe", "Mokoena", "7/3/1984")).await;
    let filter = AuditFilter { patients: vec![id], ..AuditFilter::default() };
    let log = of_practice(&house.store, &owner, &filter).await.unwrap();
    assert_eq!(log.lines.lines.len(), 1);
    assert!(log.lines.lines[0].changes.is_empty());
    assert!(log.lines.lines[0].changed_fields.contains(&"patient.names".to_owned()));
    assert!(matches!(of_record(&house.store, &owner, id, None).await, Err(StoreError::Refused { .. })));
}

#[tokio::test]
async fn a_refusal_is_in_the_log_of_the_record() {
    let house = House::open().await;
    let practice = house.practice().await;
    let (owner, doctor) =
        (house.actor(practice, &[Role::Owner]).await, house.actor(practice, &[Role::Practitioner]).await);
    let id = write_down(&house, &doctor, &form("Lindiwe", "Mokoena", "7/3/1984")).await;
    assert!(reads::open(&house.store, &owner, id).await.is_err());
    let log = of_record(&house.store, &doctor, id, None).await.unwrap();
    let newest = log.lines.lines[0].as_ref().unwrap();
    assert_eq!((newest.action.as_str(), newest.person), ("patient.read.refused", owner.person()));
}
