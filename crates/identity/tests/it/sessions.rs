//! Sessions: how long they last, how they end, and in which practice they are.

use identity::second::SESSION_LIFE;
use identity::sessions::SwitchError;
use kernel::PracticeId;
use store::{IDLE_MAX, Role, StoreError};
use testkit::House;

use crate::{minutes, seconds};

#[tokio::test]
async fn a_session_that_is_not_used_for_half_an_hour_has_ended() {
    let house = House::open().await;
    let owner = house.signed_in(house.practice().await, &[Role::Owner]).await;
    house.wait(IDLE_MAX - seconds(1));
    assert!(house.me(&owner.cookie).await.is_some());
    house.wait(IDLE_MAX - seconds(1));
    assert!(house.me(&owner.cookie).await.is_some(), "being used keeps it");
    house.wait(IDLE_MAX);
    assert!(house.me(&owner.cookie).await.is_none());
}

#[tokio::test]
async fn a_session_ends_after_twelve_hours_however_much_it_is_used() {
    let house = House::open().await;
    let owner = house.signed_in(house.practice().await, &[Role::Owner]).await;
    let quarters = SESSION_LIFE.as_mins() / 15;
    for _ in 1..quarters {
        house.wait(minutes(15));
        assert!(house.me(&owner.cookie).await.is_some());
    }
    house.wait(minutes(15));
    assert!(house.me(&owner.cookie).await.is_none());
}

#[tokio::test]
async fn signing_out_takes_effect_at_once_and_in_this_browser_only() {
    let house = House::open().await;
    let owner = house.signed_in(house.practice().await, &[Role::Owner]).await;
    let (_, other) = house.another_browser(&owner).await;
    house.identity().sign_out(&owner.me, house.key()).await.unwrap();
    assert!(house.me(&owner.cookie).await.is_none());
    assert!(house.me(&other).await.is_some());
    house.identity().sign_out(&owner.me, house.key()).await.unwrap();
    assert_eq!(house.logged(PracticeId::HOUSE, "person.sign-out").await, 1, "ended already is as well");
    let account = house.identity().account(&owner.me).await;
    assert!(matches!(account, Err(StoreError::SignedOut)), "a request that was under way finds no session");
}

#[tokio::test]
async fn one_ends_another_of_ones_sessions_and_nobody_elses() {
    let house = House::open().await;
    let practice = house.practice().await;
    let owner = house.signed_in(practice, &[Role::Owner]).await;
    let colleague = house.signed_in(practice, &[Role::Owner]).await;
    let (other, cookie) = house.another_browser(&owner).await;
    house.identity().end_session(&owner.me, other.session(), house.key()).await.unwrap();
    assert!(house.me(&cookie).await.is_none());
    let theirs = house.identity().end_session(&owner.me, colleague.me.session(), house.key()).await;
    assert!(matches!(theirs, Err(StoreError::Missing)));
    assert!(house.me(&colleague.cookie).await.is_some());
}

#[tokio::test]
async fn one_ends_all_other_sessions_and_half_sign_ins() {
    let house = House::open().await;
    let owner = house.signed_in(house.practice().await, &[Role::Owner]).await;
    let (_, one) = house.another_browser(&owner).await;
    let (_, two) = house.another_browser(&owner).await;
    let half = house.half(&owner).await;
    house.identity().end_other_sessions(&owner.me, house.key()).await.unwrap();
    assert!(house.me(&one).await.is_none() && house.me(&two).await.is_none());
    assert!(house.me(&owner.cookie).await.is_some());
    assert!(house.identity().next_step(half.token.expose(), &house.source).await.is_err());
}

#[tokio::test]
async fn a_session_begins_in_the_practice_where_the_last_one_was() {
    let house = House::open().await;
    let (one, two) = (house.practice().await, house.practice().await);
    let person = house.person(one, &[Role::Owner]).await;
    house.wait(seconds(1));
    house.add_to(two, &person, &[Role::Reception]).await;
    let owner = house.sign_in(person).await;
    assert_eq!(owner.me.practice(), Some(one), "the first, as there was none before");
    house.identity().switch_practice(&owner.me, two, house.key()).await.unwrap();
    let (next, _) = house.another_browser(&owner).await;
    assert_eq!(next.practice(), Some(two));
}

#[tokio::test]
async fn switching_takes_the_browser_to_the_other_practice_and_tells_both() {
    let house = House::open().await;
    let (one, two) = (house.practice().await, house.practice().await);
    let person = house.person(one, &[Role::Owner]).await;
    house.wait(seconds(1));
    house.add_to(two, &person, &[Role::Reception]).await;
    let owner = house.sign_in(person).await;
    let key = house.key();
    house.identity().switch_practice(&owner.me, two, key).await.unwrap();
    house.identity().switch_practice(&owner.me, two, key).await.unwrap();
    let me = house.me(&owner.cookie).await.unwrap();
    assert_eq!(me.practice(), Some(two));
    let actor = house.identity().actor(&me).unwrap();
    let roles = house.store.enter(&actor).await.unwrap().known().await.unwrap().roles();
    assert!(roles.has(Role::Reception) && !roles.has(Role::Owner), "the roles are those of the other practice");
    for practice in [PracticeId::HOUSE, one, two] {
        assert_eq!(house.logged(practice, "session.switch").await, 1);
    }
}

#[tokio::test]
async fn nobody_switches_to_a_practice_that_is_not_theirs() {
    let house = House::open().await;
    let (mine, theirs) = (house.practice().await, house.practice().await);
    let owner = house.signed_in(mine, &[Role::Owner]).await;
    let nowhere = PracticeId::new(testkit::START, house.store.entropy());
    for practice in [theirs, nowhere, PracticeId::HOUSE] {
        let answer = house.identity().switch_practice(&owner.me, practice, house.key()).await;
        assert!(matches!(answer, Err(SwitchError::NotYours)));
    }
    assert_eq!(house.me(&owner.cookie).await.unwrap().practice(), Some(mine));
}
