//! Choosing a new password by mail.

use identity::password::{NewPasswordError, Password};
use identity::reset::ResetError;
use identity::sign_in::NextStep;
use kernel::PracticeId;
use store::{Role, StoreError};
use testkit::{House, PASSWORD, Person};

use crate::{minutes, seconds};

const NEW: &str = "seven loud geese over the mill";

async fn person(house: &House) -> Person {
    house.person(house.practice().await, &[Role::Owner]).await
}

/// The tokens of the links in the letters to a person.
async fn links(house: &House, person: &Person) -> Vec<String> {
    let letters = house.letters_to(person.id).await;
    let link =
        |text: &String| text.lines().find_map(|line| line.strip_prefix("https://house.test/reset/")).map(str::to_owned);
    letters.iter().filter_map(link).collect()
}

async fn ask(house: &House, person: &Person) -> String {
    let before = links(house, person).await;
    house.identity().ask_reset(&person.email, &house.source, house.key()).await.unwrap();
    links(house, person).await.into_iter().find(|link| !before.contains(link)).expect("a letter")
}

async fn use_link(house: &House, link: &str) -> Result<(), ResetError> {
    house.identity().use_reset(link, &Password::typed(NEW), &house.source, house.key()).await
}

#[tokio::test]
async fn a_link_from_the_mail_chooses_a_new_password_and_ends_every_session() {
    let house = House::open().await;
    let owner = house.signed_in(house.practice().await, &[Role::Owner]).await;
    let half = house.half(&owner).await;
    let link = ask(&house, &owner).await;
    house.identity().reset_link(&link, &house.source).await.unwrap();
    use_link(&house, &link).await.unwrap();
    assert!(house.me(&owner.cookie).await.is_none());
    assert!(house.identity().next_step(half.token.expose(), &house.source).await.is_err());
    let old = house.identity().begin(&owner.email, &Password::typed(PASSWORD), &house.source, house.key()).await;
    assert!(old.is_err());
    let new = house.identity().begin(&owner.email, &Password::typed(NEW), &house.source, house.key()).await.unwrap();
    assert_eq!(new.next, NextStep::Totp, "a mailbox alone opens no account");
    assert_eq!(house.logged(PracticeId::HOUSE, "person.password-reset").await, 1);
}

#[tokio::test]
async fn a_link_is_good_once() {
    let house = House::open().await;
    let person = person(&house).await;
    let link = ask(&house, &person).await;
    use_link(&house, &link).await.unwrap();
    assert!(matches!(use_link(&house, &link).await, Err(ResetError::Ended)));
    assert!(matches!(house.identity().reset_link(&link, &house.source).await, Err(ResetError::Ended)));
}

#[tokio::test]
async fn the_same_form_sent_twice_is_answered_alike() {
    let house = House::open().await;
    let person = person(&house).await;
    let link = ask(&house, &person).await;
    let (key, new) = (house.key(), Password::typed(NEW));
    for _ in 0..2 {
        house.identity().use_reset(&link, &new, &house.source, key).await.unwrap();
    }
    let other = Password::typed("five calm otters in a row");
    let other_form = house.identity().use_reset(&link, &other, &house.source, key).await;
    assert!(
        matches!(other_form, Err(ResetError::Store(StoreError::KeyReused))),
        "another password is not called chosen"
    );
    assert_eq!(house.logged(PracticeId::HOUSE, "person.password-reset").await, 1);
}

#[tokio::test]
async fn a_link_ends_after_a_quarter_of_an_hour_and_with_the_next_mail() {
    let house = House::open().await;
    let person = person(&house).await;
    let first = ask(&house, &person).await;
    let second = ask(&house, &person).await;
    assert!(matches!(use_link(&house, &first).await, Err(ResetError::Ended)));
    house.wait(minutes(15) - seconds(1));
    house.identity().reset_link(&second, &house.source).await.unwrap();
    house.wait(seconds(1));
    assert!(matches!(use_link(&house, &second).await, Err(ResetError::Ended)));
}

#[tokio::test]
async fn a_password_that_is_refused_leaves_the_link_good() {
    let house = House::open().await;
    let person = person(&house).await;
    let link = ask(&house, &person).await;
    let poor = house.identity().use_reset(&link, &Password::typed("harbourstreet"), &house.source, house.key()).await;
    assert!(matches!(poor, Err(ResetError::Password(NewPasswordError::Refused(_)))));
    use_link(&house, &link).await.unwrap();
}

#[tokio::test]
async fn an_unknown_address_and_a_suspended_person_get_the_same_answer_and_no_mail() {
    let house = House::open().await;
    let suspended = person(&house).await;
    house.identity().suspend_person(suspended.id).await.unwrap();
    let nobody = format!("{}@example.org", house.unique("nobody"));
    for email in [&suspended.email, &nobody] {
        house.identity().ask_reset(email, &house.source, house.key()).await.unwrap();
    }
    assert!(links(&house, &suspended).await.is_empty());
    let log = house.log(PracticeId::HOUSE).await;
    let asked: Vec<_> = log.iter().filter(|line| line.action == "person.password-reset-ask").collect();
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|line| line.record.is_none()));
}

#[tokio::test]
async fn three_mails_an_hour_go_to_one_address_and_unknown_ones_are_counted_alike() {
    let house = House::open().await;
    let person = person(&house).await;
    let nobody = format!("{}@example.org", house.unique("nobody"));
    for email in [&person.email, &nobody] {
        for _ in 0..3 {
            house.identity().ask_reset(email, &house.source, house.key()).await.unwrap();
        }
        let fourth = house.identity().ask_reset(email, &house.source, house.key()).await;
        assert!(matches!(fourth, Err(ResetError::Wait(_))));
    }
    assert_eq!(links(&house, &person).await.len(), 3);
}

#[tokio::test]
async fn asking_twice_with_the_same_key_sends_one_mail() {
    let house = House::open().await;
    let person = person(&house).await;
    let key = house.key();
    for _ in 0..2 {
        house.identity().ask_reset(&person.email, &house.source, key).await.unwrap();
    }
    assert_eq!(links(&house, &person).await.len(), 1);
}

#[tokio::test]
async fn who_tries_links_that_are_none_is_slowed_down_and_known_links_are_not_counted() {
    let house = House::open().await;
    let person = person(&house).await;
    let link = ask(&house, &person).await;
    for _ in 0..10 {
        house.identity().reset_link(&link, &house.source).await.unwrap();
    }
    let made_up = "A".repeat(43);
    for _ in 0..5 {
        assert!(matches!(house.identity().reset_link(&made_up, &house.source).await, Err(ResetError::Ended)));
    }
    assert!(matches!(house.identity().reset_link(&link, &house.source).await, Err(ResetError::Wait(_))));
}
