//! A practice that lets its people in by passkeys alone: whom it keeps out, from when on, and how they come in again.

use identity::account::password::OwnError;
use identity::passkeys::{FromDevice, PasskeyError};
use identity::password::Password;
use identity::second::Proof;
use identity::team::sign_in_rule::{RuleError, SignInRule};
use identity::{Me, ReadTeam};
use kernel::{PracticeId, Secret};
use store::{Resource, Role, StoreError};
use testkit::{Device, House, PASSWORD, Person, SignedInPerson};

use crate::minutes;

const HERE: &str = "https://house.test";

/// Makes a passkey for whoever is signed in.
async fn add(house: &House, me: &Me, device: &mut Device) -> Result<(), PasskeyError> {
    let offered = house.identity().offer_passkey(me).await.unwrap().unwrap();
    let made = device.make(&offered.options);
    let given = FromDevice { ceremony: &offered.ceremony, credential: &made };
    house.identity().add_passkey(me, "My phone", given, house.key()).await
}

/// Shows it.
async fn show(house: &House, me: &Me, device: &mut Device) -> Result<(), OwnError> {
    let asked = house.identity().ask_me(me).await.unwrap().unwrap();
    let shown = device.show(&asked.options);
    let given = FromDevice { ceremony: &asked.ceremony, credential: &shown };
    house.identity().prove_by_passkey(me, given, house.key()).await
}

/// What the page of the team answers somebody by now.
async fn enter(house: &House, cookie: &Secret<String>) -> Result<(), StoreError> {
    let me = house.me(cookie).await.expect("a session");
    let actor = house.identity().actor(&me)?;
    house.store.enter(&actor).await?.ask::<ReadTeam>(Resource::Practice).await.map(drop)
}

fn shut(answer: &Result<(), StoreError>) -> bool {
    matches!(answer, Err(StoreError::PasskeyWanted))
}

async fn set(house: &House, cookie: &Secret<String>, passkeys_only: bool) -> Result<(), RuleError> {
    let me = house.me(cookie).await.unwrap();
    house.identity().set_sign_in_rule(&me, passkeys_only, house.key()).await
}

/// A practice that lets its people in by passkeys alone, and the owner who has said so.
async fn strict(house: &House) -> (PracticeId, SignedInPerson) {
    let practice = house.practice().await;
    let owner = house.signed_in(practice, &[Role::Owner]).await;
    add(house, &owner.me, &mut Device::at(HERE)).await.unwrap();
    set(house, &owner.cookie, true).await.unwrap();
    (practice, owner)
}

/// A session of somebody by the password and a recovery code.
async fn by_recovery_code(house: &House, person: &Person, code: &str) -> Secret<String> {
    let half = house.half(person).await;
    let (token, key) = (half.token.expose(), house.key());
    house.identity().finish(token, Proof::Recovery(code), &house.source, None, key).await.unwrap().token
}

#[tokio::test]
async fn from_the_next_request_on_nobody_is_in_who_has_shown_no_passkey() {
    let house = House::open().await;
    let practice = house.practice().await;
    let owner = house.signed_in(practice, &[Role::Owner]).await;
    let inside = house.signed_in(practice, &[Role::Practitioner]).await;
    add(&house, &owner.me, &mut Device::at(HERE)).await.unwrap();
    enter(&house, &inside.cookie).await.unwrap();
    set(&house, &owner.cookie, true).await.unwrap();

    assert!(shut(&enter(&house, &inside.cookie).await), "a session that had begun goes on");
    let (_, again) = house.another_browser(&inside).await;
    assert!(shut(&enter(&house, &again).await), "a password and a code open it");
    enter(&house, &owner.cookie).await.unwrap();
    // One's own account stays open: there a passkey is set up.
    let me = house.me(&inside.cookie).await.unwrap();
    let account = house.identity().account(&me).await.unwrap();
    assert!(account.practices[0].passkeys_only);
}

#[tokio::test]
async fn whoever_has_none_sets_one_up_and_is_in_and_later_comes_in_by_it() {
    let house = House::open().await;
    let (practice, _) = strict(&house).await;
    let person = house.signed_in(practice, &[Role::Reception]).await;
    assert!(shut(&enter(&house, &person.cookie).await));
    let mut device = Device::at(HERE);
    add(&house, &person.me, &mut device).await.unwrap();
    enter(&house, &person.cookie).await.unwrap();

    let (me, cookie) = house.another_browser(&person).await;
    assert!(shut(&enter(&house, &cookie).await));
    let mut of_another = Device::at(HERE);
    let another = house.signed_in(practice, &[Role::Reception]).await;
    add(&house, &another.me, &mut of_another).await.unwrap();
    assert!(show(&house, &me, &mut of_another).await.is_err());
    assert!(shut(&enter(&house, &cookie).await), "somebody else's passkey opens it");
    show(&house, &me, &mut device).await.unwrap();
    enter(&house, &cookie).await.unwrap();
}

#[tokio::test]
async fn a_password_and_a_code_make_no_second_passkey_and_take_none_away() {
    let house = House::open().await;
    let (practice, _) = strict(&house).await;
    let person = house.signed_in(practice, &[Role::Reception]).await;
    let mut device = Device::at(HERE);
    add(&house, &person.me, &mut device).await.unwrap();
    let mine = house.identity().account(&person.me).await.unwrap().passkeys[0].id;

    // Somebody who was told password and code, within ten minutes of proving both.
    let (thief, cookie) = house.another_browser(&person).await;
    assert!(matches!(add(&house, &thief, &mut Device::at(HERE)).await, Err(PasskeyError::ShowFirst)));
    let taken = house.identity().remove_passkey(&thief, mine, house.key()).await;
    assert!(matches!(taken, Err(PasskeyError::ShowFirst)));
    let code = house.code(&person);
    house.identity().prove_again(&thief, &Password::typed(PASSWORD), &code, house.key()).await.unwrap();
    assert!(shut(&enter(&house, &cookie).await), "proved by another factor, it opens");

    // With the passkey shown, both go.
    show(&house, &thief, &mut device).await.unwrap();
    let shown = house.me(&cookie).await.unwrap();
    add(&house, &shown, &mut Device::at(HERE)).await.unwrap();
    house.identity().remove_passkey(&shown, mine, house.key()).await.unwrap();
}

#[tokio::test]
async fn the_rule_of_one_practice_guards_the_passkeys_also_from_within_another() {
    let house = House::open().await;
    let (strict, lax) = (strict(&house).await.0, house.practice().await);
    let person = house.person(lax, &[Role::Reception]).await;
    house.add_to(strict, &person, &[Role::Reception]).await;
    let person = house.sign_in(person).await;
    house.identity().switch_practice(&person.me, lax, house.key()).await.unwrap();
    add(&house, &person.me, &mut Device::at(HERE)).await.unwrap();

    let (thief, cookie) = house.another_browser(&person).await;
    enter(&house, &cookie).await.unwrap();
    assert!(matches!(add(&house, &thief, &mut Device::at(HERE)).await, Err(PasskeyError::ShowFirst)));
    house.identity().switch_practice(&thief, strict, house.key()).await.unwrap();
    assert!(shut(&enter(&house, &cookie).await));
}

#[tokio::test]
async fn whoever_has_lost_their_passkey_adds_another_after_a_recovery_code() {
    let house = House::open().await;
    let (practice, _) = strict(&house).await;
    let person = house.signed_in(practice, &[Role::Owner]).await;
    add(&house, &person.me, &mut Device::at(HERE)).await.unwrap();
    let codes = house.identity().renew_codes(&person.me, &Password::typed(PASSWORD), house.key()).await;
    let code = codes.unwrap()[0].expose().clone();
    let cookie = by_recovery_code(&house, &person, &code).await;
    assert!(shut(&enter(&house, &cookie).await), "a recovery code alone opens it");
    let me = house.me(&cookie).await.unwrap();
    let lost = house.identity().account(&me).await.unwrap().passkeys[0].id;
    let taken = house.identity().remove_passkey(&me, lost, house.key()).await;
    assert!(matches!(taken, Err(PasskeyError::ShowFirst)));
    add(&house, &me, &mut Device::at(HERE)).await.unwrap();
    enter(&house, &cookie).await.unwrap();
}

#[tokio::test]
async fn only_an_owner_who_is_in_by_a_passkey_says_so() {
    let house = House::open().await;
    let practice = house.practice().await;
    let owner = house.signed_in(practice, &[Role::Owner]).await;
    let rule = SignInRule { passkeys_only: false, people: 1, with_passkey: 0 };
    assert_eq!(house.identity().sign_in_rule(&owner.me).await.unwrap(), rule);
    assert!(matches!(set(&house, &owner.cookie, true).await, Err(RuleError::ShowFirst)));
    for role in [Role::Administrator, Role::Practitioner, Role::Reception, Role::Finance] {
        let other = house.signed_in(practice, &[role]).await;
        add(&house, &other.me, &mut Device::at(HERE)).await.unwrap();
        let refused = set(&house, &other.cookie, true).await;
        assert!(matches!(refused, Err(RuleError::Store(StoreError::Refused { .. }))), "{role:?}");
        let seen = house.identity().sign_in_rule(&other.me).await;
        assert!(matches!(seen, Err(StoreError::Refused { .. })), "{role:?}");
    }
    let mut device = Device::at(HERE);
    add(&house, &owner.me, &mut device).await.unwrap();
    house.wait(minutes(10));
    assert!(matches!(set(&house, &owner.cookie, true).await, Err(RuleError::ProveFirst)));
    show(&house, &owner.me, &mut device).await.unwrap();
    set(&house, &owner.cookie, true).await.unwrap();
    let rule = SignInRule { passkeys_only: true, people: 5, with_passkey: 5 };
    let me = house.me(&owner.cookie).await.unwrap();
    assert_eq!(house.identity().sign_in_rule(&me).await.unwrap(), rule);
}

#[tokio::test]
async fn those_who_answer_for_the_team_are_told_and_it_can_be_taken_back() {
    let house = House::open().await;
    let practice = house.practice().await;
    let owner = house.signed_in(practice, &[Role::Owner]).await;
    let administrator = house.signed_in(practice, &[Role::Administrator]).await;
    let reception = house.signed_in(practice, &[Role::Reception]).await;
    add(&house, &owner.me, &mut Device::at(HERE)).await.unwrap();
    set(&house, &owner.cookie, true).await.unwrap();
    set(&house, &owner.cookie, true).await.unwrap();
    set(&house, &owner.cookie, false).await.unwrap();
    enter(&house, &reception.cookie).await.unwrap();
    assert_eq!(house.logged(practice, "team.sign-in-rule").await, 2);
    let mut told = Vec::new();
    for id in house.store.due_letters(practice).await.unwrap() {
        let letter = house.store.claim_letter(practice, id).await.unwrap().unwrap().letter;
        assert!(letter.text.contains("has said so under Team"));
        told.push(letter.to);
    }
    told.sort();
    let mut expected =
        [owner.email.clone(), owner.email.clone(), administrator.email.clone(), administrator.email.clone()];
    expected.sort();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_passkey_is_given_another_name_by_its_person_alone() {
    let house = House::open().await;
    let practice = house.practice().await;
    let person = house.signed_in(practice, &[Role::Reception]).await;
    let other = house.signed_in(practice, &[Role::Reception]).await;
    add(&house, &person.me, &mut Device::at(HERE)).await.unwrap();
    let mine = house.identity().account(&person.me).await.unwrap().passkeys[0].id;
    let rename = async |me: &Me, name: &str| house.identity().rename_passkey(me, mine, name, house.key()).await;
    assert!(matches!(rename(&person.me, " ").await, Err(PasskeyError::Name)));
    let theirs = rename(&other.me, "Mine now").await;
    assert!(matches!(theirs, Err(PasskeyError::Store(StoreError::Missing))));
    rename(&person.me, "  Key on the ring ").await.unwrap();
    assert_eq!(house.identity().account(&person.me).await.unwrap().passkeys[0].name, "Key on the ring");
}
