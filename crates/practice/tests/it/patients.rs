use kernel::IdentifierId;
use practice::patients::identifiers::{Identifier, IdentifierKind};
use practice::patients::reads::{self, seen};
use practice::patients::writes::{self, LOOK_UPS_MAX, PatientError, Severity};
use store::{Purpose, Role, StoreError};
use testkit::House;

use crate::desk::{draft, form, found, search, write_down};

#[tokio::test]
async fn three_letters_find_a_patient() {
    let house = House::open().await;
    let reception = house.actor(house.practice().await, &[Role::Reception]).await;
    let lindiwe = write_down(&house, &reception, &form("Lindiwe Grace", "Mokoena", "7/3/1984")).await;
    write_down(&house, &reception, &form("Piet", "Fourie", "1/2/1950")).await;
    assert_eq!(found(&house, &reception, "mok").await, [lindiwe]);
    assert_eq!(found(&house, &reception, "lin mok").await, [lindiwe]);
    assert_eq!(found(&house, &reception, "7/3/1984").await, [lindiwe]);
    assert_eq!(found(&house, &reception, "mokoenas").await, []);
    assert_eq!(found(&house, &reception, "0143").await.len(), 2);
    assert_eq!(found(&house, &reception, "LINDI@example.org").await.len(), 2);
}

#[tokio::test]
async fn names_of_every_script_are_found() {
    let house = House::open().await;
    let reception = house.actor(house.practice().await, &[Role::Reception]).await;
    let names = [
        ("芳", "王", "王芳"),
        ("अनिल", "शर्मा", "अनिल"),
        ("محمد", "الأحمد", "محمد"),
        ("Bao", "Ng", "ng"),
        ("Zoë", "Müller", "zoe"),
    ];
    for (given, family, query) in names {
        let id = write_down(&house, &reception, &form(given, family, "1/2/1990")).await;
        assert_eq!(found(&house, &reception, query).await, [id], "{query}");
    }
}

#[tokio::test]
async fn a_patient_known_already_is_asked_about_first() {
    let house = House::open().await;
    let reception = house.actor(house.practice().await, &[Role::Reception]).await;
    let form = form("Lindiwe", "Mokoena", "7/3/1984");
    let first = write_down(&house, &reception, &form).await;
    let again = writes::create(&house.store, &reception, house.key(), &form, &draft(&form), false).await;
    assert!(matches!(again, Err(PatientError::KnownAlready(known)) if known == [first]));
}

#[tokio::test]
async fn a_form_sent_twice_makes_one_patient() {
    let house = House::open().await;
    let reception = house.actor(house.practice().await, &[Role::Reception]).await;
    let (form, key) = (form("Lindiwe", "Mokoena", "7/3/1984"), house.key());
    let first = writes::create(&house.store, &reception, key, &form, &draft(&form), true).await.unwrap();
    let again = writes::create(&house.store, &reception, key, &form, &draft(&form), true).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(found(&house, &reception, "mok").await, [first]);
}

#[tokio::test]
async fn of_two_who_edit_the_second_is_told() {
    let house = House::open().await;
    let practice = house.practice().await;
    let (a, b) = (house.actor(practice, &[Role::Reception]).await, house.actor(practice, &[Role::Reception]).await);
    let before = form("Lindiwe", "Mokoena", "7/3/1984");
    let id = write_down(&house, &a, &before).await;
    let mut mine = before.clone();
    mine.family = "Dlamini".to_owned();
    let mut theirs = before.clone();
    theirs.family = "Khumalo".to_owned();
    writes::edit(&house.store, &a, house.key(), id, seen(1), &mine, &draft(&mine)).await.unwrap();
    let second = writes::edit(&house.store, &b, house.key(), id, seen(1), &theirs, &draft(&theirs)).await;
    assert!(matches!(second, Err(StoreError::Conflict)));
    assert_eq!(found(&house, &a, "dlamini").await, [id], "the first edit stands, and is found");
    assert_eq!(found(&house, &a, "mokoena").await, [], "the old name is found no more");
}

async fn with_number(house: &House, roles: &[Role]) -> (store::Actor, kernel::PatientId, IdentifierId) {
    let actor = house.actor(house.practice().await, roles).await;
    let id = write_down(house, &actor, &form("Lindiwe", "Mokoena", "7/3/1984")).await;
    let number = Identifier::parse(IdentifierKind::ZaId, "8001015009087").unwrap();
    writes::add_identifier(&house.store, &actor, house.key(), id, number).await.unwrap();
    let page = reads::open(&house.store, &actor, id).await.unwrap();
    let identifier = page.identifiers[0].as_ref().unwrap().id;
    (actor, id, identifier)
}

#[tokio::test]
async fn an_identifier_is_masked_until_it_is_revealed_with_a_purpose() {
    let house = House::open().await;
    let (reception, id, identifier) = with_number(&house, &[Role::Reception]).await;
    let page = reads::open(&house.store, &reception, id).await.unwrap();
    assert_eq!(page.identifiers[0].as_ref().unwrap().masked, "•••• 087");
    let shown = reads::reveal(&house.store, &reception, id, identifier, Purpose::Billing).await.unwrap();
    assert_eq!(shown.identifier.unwrap().value.value, "8001015009087");
}

#[tokio::test]
async fn a_masked_number_cannot_be_found_by_the_search_box() {
    let house = House::open().await;
    let (reception, ..) = with_number(&house, &[Role::Reception]).await;
    for part in ["8001015009087", "9087", "5009087", "800101", "8001015009087 "] {
        assert_eq!(found(&house, &reception, part).await, [], "{part}");
    }
}

#[tokio::test]
async fn one_exact_number_is_an_act_of_its_own_and_is_counted() {
    let house = House::open().await;
    let (reception, id, _) = with_number(&house, &[Role::Reception]).await;
    let found = writes::look_up(&house.store, &reception, IdentifierKind::ZaId, "800101 5009 087").await.unwrap();
    assert_eq!(found[0].as_ref().unwrap().id, id);
    for _ in 1..LOOK_UPS_MAX {
        writes::look_up(&house.store, &reception, IdentifierKind::ZaId, "9001015009087").await.unwrap();
    }
    let over = writes::look_up(&house.store, &reception, IdentifierKind::ZaId, "8001015009087").await;
    assert!(matches!(over, Err(PatientError::TooMany { .. })));
    house.wait(jiff::SignedDuration::from_mins(11));
    let free = writes::look_up(&house.store, &reception, IdentifierKind::ZaId, "8001015009087").await;
    assert!(free.is_ok() || matches!(free, Err(PatientError::Store(StoreError::SignedOut))));
}

#[tokio::test]
async fn a_number_taken_off_is_found_and_revealed_no_more() {
    let house = House::open().await;
    let (reception, id, identifier) = with_number(&house, &[Role::Reception]).await;
    writes::remove_identifier(&house.store, &reception, house.key(), id, identifier).await.unwrap();
    let found = writes::look_up(&house.store, &reception, IdentifierKind::ZaId, "8001015009087").await.unwrap();
    assert!(found.is_empty());
    let shown = reads::reveal(&house.store, &reception, id, identifier, Purpose::Billing).await;
    assert!(matches!(shown, Err(StoreError::Missing)));
}

#[tokio::test]
async fn an_owner_who_does_not_treat_finds_no_patient() {
    let house = House::open().await;
    let practice = house.practice().await;
    let (owner, reception) =
        (house.actor(practice, &[Role::Owner]).await, house.actor(practice, &[Role::Reception]).await);
    let id = write_down(&house, &reception, &form("Lindiwe", "Mokoena", "7/3/1984")).await;
    assert!(matches!(search(&house, &owner, "mok").await, Err(StoreError::Refused { .. })));
    assert!(matches!(reads::open(&house.store, &owner, id).await, Err(StoreError::Refused { .. })));
}

#[tokio::test]
async fn reception_sees_contacts_and_no_clinical_content() {
    let house = House::open().await;
    let reception = house.actor(house.practice().await, &[Role::Reception]).await;
    let id = write_down(&house, &reception, &form("Lindiwe", "Mokoena", "7/3/1984")).await;
    let page = reads::open(&house.store, &reception, id).await.unwrap();
    assert!(page.clinical.is_none());
    let entries = reads::entries(&house.store, &reception, id, &reads::EntryFilter::default()).await;
    assert!(matches!(entries, Err(StoreError::Refused { .. })));
}

#[tokio::test]
async fn finance_changes_nothing() {
    let house = House::open().await;
    let practice = house.practice().await;
    let (finance, reception) =
        (house.actor(practice, &[Role::Finance]).await, house.actor(practice, &[Role::Reception]).await);
    let id = write_down(&house, &reception, &form("Lindiwe", "Mokoena", "7/3/1984")).await;
    let alert = writes::add_alert(&house.store, &finance, house.key(), id, Severity::High, "x").await;
    assert!(matches!(alert, Err(StoreError::Refused { .. })));
}

#[tokio::test]
async fn an_alert_stands_until_it_is_ended() {
    let house = House::open().await;
    let reception = house.actor(house.practice().await, &[Role::Reception]).await;
    let id = write_down(&house, &reception, &form("Lindiwe", "Mokoena", "7/3/1984")).await;
    writes::add_alert(&house.store, &reception, house.key(), id, Severity::High, "Hearing aid, left").await.unwrap();
    let page = reads::open(&house.store, &reception, id).await.unwrap();
    let alert = page.alerts[0].as_ref().unwrap();
    assert_eq!(alert.text, "Hearing aid, left");
    writes::end_alert(&house.store, &reception, house.key(), id, alert.id).await.unwrap();
    assert!(reads::open(&house.store, &reception, id).await.unwrap().alerts.is_empty());
}
