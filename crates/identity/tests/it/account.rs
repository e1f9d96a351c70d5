//! One's own account.

use identity::account::password::OwnError;
use identity::password::{NewPasswordError, Password};
use identity::second::Proof;
use identity::sign_in::SignInError;
use kernel::PracticeId;
use store::{Role, StoreError};
use testkit::{House, PASSWORD, SignedInPerson};

use crate::{minutes, seconds};

const NEW: &str = "seven loud geese over the mill";

async fn owner(house: &House) -> SignedInPerson {
    house.signed_in(house.practice().await, &[Role::Owner]).await
}

async fn begins_with(house: &House, email: &str, password: &str) -> bool {
    house.identity().begin(email, &Password::typed(password), &house.source, house.key()).await.is_ok()
}

#[tokio::test]
async fn the_account_shows_names_sessions_and_practices_with_the_present_ones_marked() {
    let house = House::open().await;
    let (one, two) = (house.practice().await, house.practice().await);
    let person = house.person(one, &[Role::Owner, Role::Practitioner]).await;
    house.wait(seconds(1));
    house.add_to(two, &person, &[Role::Finance]).await;
    let owner = house.sign_in(person).await;
    house.wait(minutes(2));
    let (other, _) = house.another_browser(&owner).await;
    house.me(&owner.cookie).await.unwrap();

    let account = house.identity().account(&owner.me).await.unwrap();
    assert_eq!((account.name.as_str(), account.email.as_str()), (owner.name.as_str(), owner.email.as_str()));
    assert_eq!(account.codes_left, 10);
    let sessions: Vec<_> = account.sessions.iter().map(|session| (session.id, session.current)).collect();
    assert_eq!(sessions.len(), 2);
    assert!(sessions.contains(&(owner.me.session(), true)) && sessions.contains(&(other.session(), false)));
    assert!(account.sessions.iter().all(|session| session.browser.as_deref() == Some("Firefox on Linux")));
    assert!(account.sessions.iter().all(|session| session.source == house.source));
    let practices: Vec<_> = account.practices.iter().map(|p| (p.id, p.current, p.roles.to_string())).collect();
    assert_eq!(practices, [(one, true, "owner,practitioner".to_owned()), (two, false, "finance".to_owned())]);

    let greeting = house.identity().greeting(&owner.me).await.unwrap();
    assert_eq!((greeting.name, greeting.practices), (account.name, account.practices));
}

#[tokio::test]
async fn whoever_is_in_a_practice_that_was_closed_is_greeted_still() {
    let house = House::open().await;
    let practice = house.practice().await;
    let owner = house.signed_in(practice, &[Role::Owner]).await;
    let client = testkit::servers().await.superuser(testkit::DATA).await;
    client.batch_execute("set session_replication_role = replica").await.unwrap();
    let closed = "update practice_listing set state = 'closed' where id = $1";
    assert_eq!(client.execute(closed, &[&practice.uuid()]).await.unwrap(), 1);
    // So long that the practice's keys are no longer at hand.
    house.wait(minutes(10));
    assert!(house.identity().greeting(&owner.me).await.unwrap().practices.is_empty());
}

#[tokio::test]
async fn changing_the_password_asks_for_the_present_one_and_ends_the_other_sessions() {
    let house = House::open().await;
    let owner = owner(&house).await;
    let (_, other) = house.another_browser(&owner).await;
    let identity = house.identity();
    let (present, new) = (Password::typed(PASSWORD), Password::typed(NEW));

    let wrong = identity.change_password(&owner.me, &Password::typed("another one"), &new, house.key()).await;
    assert!(matches!(wrong, Err(OwnError::CurrentPassword)));
    let key = house.key();
    identity.change_password(&owner.me, &present, &new, key).await.unwrap();
    identity.change_password(&owner.me, &present, &new, key).await.unwrap();
    let other_form =
        identity.change_password(&owner.me, &present, &Password::typed("five calm otters in a row"), key).await;
    assert!(matches!(other_form, Err(OwnError::Store(StoreError::KeyReused))), "another password is not called chosen");
    assert_eq!(house.logged(PracticeId::HOUSE, "person.password-change").await, 1, "the retry did nothing more");

    assert!(house.me(&other).await.is_none());
    assert!(house.me(&owner.cookie).await.is_some());
    assert!(!begins_with(&house, &owner.email, PASSWORD).await);
    assert!(begins_with(&house, &owner.email, NEW).await);
}

#[tokio::test]
async fn a_password_built_on_the_practice_or_the_person_is_refused() {
    let house = House::open().await;
    let owner = owner(&house).await;
    for built in ["Harbour Street 2026", "Thandi Thandi 12"] {
        let new = Password::typed(built);
        let answer = house.identity().change_password(&owner.me, &Password::typed(PASSWORD), &new, house.key()).await;
        assert!(matches!(answer, Err(OwnError::Password(NewPasswordError::Refused(_)))), "{built}");
    }
}

#[tokio::test]
async fn guesses_at_the_present_password_are_slowed_down() {
    let house = House::open().await;
    let owner = owner(&house).await;
    let (guess, new) = (Password::typed("a guess at it"), Password::typed(NEW));
    for _ in 0..5 {
        let answer = house.identity().change_password(&owner.me, &guess, &new, house.key()).await;
        assert!(matches!(answer, Err(OwnError::CurrentPassword)));
    }
    let answer = house.identity().change_password(&owner.me, &Password::typed(PASSWORD), &new, house.key()).await;
    assert!(matches!(answer, Err(OwnError::Wait(_))));
}

#[tokio::test]
async fn another_authenticator_takes_the_place_of_the_present_one_when_its_code_is_typed() {
    let house = House::open().await;
    let owner = owner(&house).await;
    let (_, other) = house.another_browser(&owner).await;
    let identity = house.identity();
    let present = Password::typed(PASSWORD);
    let none = identity.replace_totp(&owner.me, &present, "000000", house.key()).await;
    assert!(matches!(none, Err(OwnError::NoOffer)));

    let offered = identity.offer_totp(&owner.me).await.unwrap();
    assert_eq!(identity.offer_totp(&owner.me).await.unwrap().url, offered.url, "the same is shown again");
    let old = house.code(&owner);
    let with_old = identity.replace_totp(&owner.me, &present, &old, house.key()).await;
    assert!(matches!(with_old, Err(OwnError::Code(_))), "the present authenticator's code is not the new one's");

    let secret = url_secret(offered.url.expose());
    house.wait(seconds(30));
    let code = secret.code_at(house.store.clock().now());
    let wrong = identity.replace_totp(&owner.me, &Password::typed("another"), &code, house.key()).await;
    assert!(matches!(wrong, Err(OwnError::CurrentPassword)));
    let key = house.key();
    identity.replace_totp(&owner.me, &present, &code, key).await.unwrap();
    identity.replace_totp(&owner.me, &present, &code, key).await.unwrap();
    assert!(house.me(&other).await.is_none() && house.me(&owner.cookie).await.is_some());
    assert_eq!(house.logged(PracticeId::HOUSE, "person.totp-enrol").await, 1);

    house.wait(seconds(60));
    let half = house.half(&owner).await;
    let (old, new) = (house.code(&owner), secret.code_at(house.store.clock().now()));
    let with_old = identity.finish(half.token.expose(), Proof::Totp(&old), &house.source, None, house.key()).await;
    assert!(matches!(with_old, Err(SignInError::Code(_))));
    assert!(identity.finish(half.token.expose(), Proof::Totp(&new), &house.source, None, house.key()).await.is_ok());
}

#[tokio::test]
async fn new_recovery_codes_void_the_old_and_a_retry_voids_those_of_the_lost_answer() {
    let house = House::open().await;
    let owner = owner(&house).await;
    let identity = house.identity();
    let wrong = identity.renew_codes(&owner.me, &Password::typed("another"), house.key()).await;
    assert!(matches!(wrong, Err(OwnError::CurrentPassword)));
    let (present, key) = (Password::typed(PASSWORD), house.key());
    let lost = identity.renew_codes(&owner.me, &present, key).await.unwrap();
    let shown = identity.renew_codes(&owner.me, &present, key).await.unwrap();
    assert_eq!((lost.len(), shown.len()), (10, 10));

    let half = house.half(&owner).await;
    for void in [owner.codes[0].expose(), lost[0].expose()] {
        let proof = Proof::Recovery(void);
        let answer = identity.finish(half.token.expose(), proof, &house.source, None, house.key()).await;
        assert!(matches!(answer, Err(SignInError::RecoveryCode)));
    }
    let proof = Proof::Recovery(shown[0].expose());
    let entered = identity.finish(half.token.expose(), proof, &house.source, None, house.key()).await.unwrap();
    assert_eq!(entered.codes_left, 9);
}

fn url_secret(url: &str) -> identity::totp::TotpSecret {
    let base32 = url.split("secret=").nth(1).unwrap().split('&').next().unwrap();
    crate::secret_of(base32)
}

#[tokio::test]
async fn whoever_changes_how_they_sign_in_is_told_by_mail() {
    let house = House::open().await;
    let person = house.signed_in(house.practice().await, &[Role::Owner]).await;
    let (identity, current) = (house.identity(), Password::typed(PASSWORD));
    identity.renew_codes(&person.me, &current, house.key()).await.unwrap();
    let offered = identity.offer_totp(&person.me).await.unwrap();
    let secret = crate::secret_of(&offered.typing.expose().replace(' ', ""));
    // The codes of the old app and of the new are counted together.
    house.wait(seconds(60));
    let code = secret.code_at(house.store.clock().now());
    identity.replace_totp(&person.me, &current, &code, house.key()).await.unwrap();
    let new = Password::typed(NEW);
    identity.change_password(&person.me, &current, &new, house.key()).await.unwrap();
    let letters = house.letters_to(person.id).await;
    for words in
        ["New recovery codes were made", "Another authenticator app was set up", "password of your account was"]
    {
        let told = letters.iter().filter(|letter| letter.contains(words) && letter.contains("/reset")).count();
        assert_eq!(told, 1, "{words}: {letters:?}");
    }
}
