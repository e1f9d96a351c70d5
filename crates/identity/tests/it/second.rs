//! The second half: one-time codes, recovery codes, setting up an authenticator.

use futures_util::future::join_all;
use identity::password::Password;
use identity::second::{Entered, Proof};
use identity::sign_in::{NextStep, SignInError};
use identity::totp::CodeRefused;
use kernel::{PracticeId, Secret};
use store::{Role, Roles};
use testkit::{House, PASSWORD, Person};

async fn finish(house: &House, half: &Secret<String>, proof: Proof<'_>) -> Result<Entered, SignInError> {
    house.identity().finish(half.expose(), proof, &house.source, Some("Firefox"), house.key()).await
}

/// A person who was invited and has chosen a password, and nothing else yet.
async fn newcomer(house: &House) -> (Secret<String>, String) {
    let practice = house.practice().await;
    let email = format!("{}@example.org", house.unique("new"));
    let invited = house.identity().found_person(practice, &email, "", Roles::of([Role::Owner])).await.unwrap();
    let link = invited.link.unwrap();
    let token = link.expose().rsplit('/').next().unwrap();
    let password = Password::typed(PASSWORD);
    let half =
        house.identity().join_new(practice, token, "Nomsa New", &password, &house.source, house.key()).await.unwrap();
    assert_eq!(half.next, NextStep::Enrol);
    (half.token, email)
}

/// The code that an authenticator shows that was set up by typing the secret.
fn code_of(house: &House, typing: &Secret<String>) -> String {
    crate::secret_of(&typing.expose().replace(' ', "")).code_at(house.store.clock().now())
}

#[tokio::test]
async fn a_one_time_code_gives_a_session_in_the_persons_practice() {
    let house = House::open().await;
    let practice = house.practice().await;
    let person = house.person(practice, &[Role::Owner]).await;
    let half = house.half(&person).await;
    let code = house.code(&person);
    let entered = finish(&house, &half.token, Proof::Totp(&code)).await.unwrap();
    assert_eq!((entered.person, entered.practice), (person.id, Some(practice)));
    assert_eq!((entered.codes.len(), entered.codes_left), (0, 10));
    let me = house.me(&entered.token).await.unwrap();
    assert_eq!((me.person(), me.practice()), (person.id, Some(practice)));
    for log in [PracticeId::HOUSE, practice] {
        let lines = house.log(log).await;
        let line = lines.iter().find(|line| line.action == "person.sign-in").unwrap();
        assert_eq!(line.field.as_deref(), Some("password+totp"));
        assert_eq!(line.record, Some(entered.session.uuid()));
        assert!(line.by_person);
    }
}

#[tokio::test]
async fn a_one_time_code_is_taken_once() {
    let house = House::open().await;
    let person = house.person(house.practice().await, &[Role::Owner]).await;
    let (one, two) = (house.half(&person).await, house.half(&person).await);
    let code = house.code(&person);
    finish(&house, &one.token, Proof::Totp(&code)).await.unwrap();
    let again = finish(&house, &two.token, Proof::Totp(&code)).await;
    assert!(matches!(again, Err(SignInError::Code(CodeRefused::Used))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_four_browsers_with_the_same_code_at_once_one_enters() {
    let house = House::open().await;
    let person = house.person(house.practice().await, &[Role::Owner]).await;
    let mut halves = Vec::new();
    for _ in 0..4 {
        halves.push(house.half(&person).await);
    }
    let code = house.code(&person);
    let answers = join_all(halves.iter().map(|half| finish(&house, &half.token, Proof::Totp(&code)))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
}

#[tokio::test]
async fn half_a_sign_in_is_finished_once() {
    let house = House::open().await;
    let person = house.person(house.practice().await, &[Role::Owner]).await;
    let half = house.half(&person).await;
    let code = house.code(&person);
    finish(&house, &half.token, Proof::Totp(&code)).await.unwrap();
    let next = house.code(&person);
    assert!(matches!(finish(&house, &half.token, Proof::Totp(&next)).await, Err(SignInError::Expired)));
}

#[tokio::test]
async fn a_recovery_code_is_taken_once_and_says_how_many_are_left() {
    let house = House::open().await;
    let practice = house.practice().await;
    let person = house.person(practice, &[Role::Owner]).await;
    let (one, two) = (house.half(&person).await, house.half(&person).await);
    let code = person.codes[0].expose();
    let entered = finish(&house, &one.token, Proof::Recovery(code)).await.unwrap();
    assert_eq!(entered.codes_left, 9);
    let again = finish(&house, &two.token, Proof::Recovery(code)).await;
    assert!(matches!(again, Err(SignInError::RecoveryCode)));
    let log = house.log(practice).await;
    assert!(log.iter().any(|line| line.field.as_deref() == Some("password+recovery")));
    assert!(finish(&house, &two.token, Proof::Recovery(person.codes[1].expose())).await.is_ok());
}

#[tokio::test]
async fn a_recovery_code_of_another_person_is_no_good() {
    let house = House::open().await;
    let practice = house.practice().await;
    let (one, other) = (house.person(practice, &[Role::Owner]).await, house.person(practice, &[Role::Owner]).await);
    let half = house.half(&one).await;
    let answer = finish(&house, &half.token, Proof::Recovery(other.codes[0].expose())).await;
    assert!(matches!(answer, Err(SignInError::RecoveryCode)));
}

#[tokio::test]
async fn wrong_codes_are_slowed_down_whatever_their_kind_and_a_right_one_forgives() {
    let house = House::open().await;
    let person = house.person(house.practice().await, &[Role::Owner]).await;
    let half = house.half(&person).await;
    for typed in ["000000", "111111", "222222"] {
        let answer = finish(&house, &half.token, Proof::Totp(typed)).await;
        assert!(matches!(answer, Err(SignInError::Code(CodeRefused::Wrong))));
    }
    for typed in ["0000-0000-0000-0000", "1111-1111-1111-1111"] {
        assert!(matches!(finish(&house, &half.token, Proof::Recovery(typed)).await, Err(SignInError::RecoveryCode)));
    }
    let code = house.code(&person);
    assert!(matches!(finish(&house, &half.token, Proof::Totp(&code)).await, Err(SignInError::Wait(_))));
    house.wait(crate::seconds(5));
    assert!(finish(&house, &half.token, Proof::Totp(&code)).await.is_ok());
    assert_eq!(house.logged(PracticeId::HOUSE, "person.sign-in-refused").await, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_wrong_codes_at_once_five_are_tried() {
    let house = House::open().await;
    let person = house.person(house.practice().await, &[Role::Owner]).await;
    let half = house.half(&person).await;
    let answers = join_all((0..20).map(|_| finish(&house, &half.token, Proof::Totp("000000")))).await;
    let tried = answers.iter().filter(|answer| matches!(answer, Err(SignInError::Code(_)))).count();
    assert_eq!(tried, 5, "{answers:?}");
}

#[tokio::test]
async fn who_has_no_authenticator_sets_one_up_before_there_is_a_session() {
    let house = House::open().await;
    let (half, _) = newcomer(&house).await;
    let enrolment = house.identity().enrolment(half.expose(), &house.source).await.unwrap();
    let again = house.identity().enrolment(half.expose(), &house.source).await.unwrap();
    assert_eq!(enrolment.url, again.url, "the same is shown however often the page is opened");
    assert!(enrolment.url.expose().starts_with("otpauth://totp/"));

    assert!(finish(&house, &half, Proof::Totp("000000")).await.is_err());
    assert!(finish(&house, &half, Proof::Enrol("000000")).await.is_err());
    let code = code_of(&house, &enrolment.typing);
    let entered = finish(&house, &half, Proof::Enrol(&code)).await.unwrap();
    assert_eq!((entered.codes.len(), entered.codes_left), (10, 10));
    assert!(house.me(&entered.token).await.is_some());
}

#[tokio::test]
async fn who_has_an_authenticator_cannot_put_another_in_its_place_by_signing_in() {
    let house = House::open().await;
    let (half, email) = newcomer(&house).await;
    let password = Password::typed(PASSWORD);
    let other = house.identity().begin(&email, &password, &house.source, house.key()).await.unwrap();
    assert_eq!(other.next, NextStep::Enrol);
    let mine = house.identity().enrolment(half.expose(), &house.source).await.unwrap();
    let theirs = house.identity().enrolment(other.token.expose(), &house.source).await.unwrap();
    assert_ne!(mine.url, theirs.url);
    let code = code_of(&house, &mine.typing);
    finish(&house, &half, Proof::Enrol(&code)).await.unwrap();
    house.wait(crate::seconds(30));
    let code = code_of(&house, &theirs.typing);
    let late = finish(&house, &other.token, Proof::Enrol(&code)).await;
    assert!(matches!(late, Err(SignInError::Expired)));
}

#[tokio::test]
async fn the_same_proof_sent_twice_is_one_session_and_only_the_last_cookie_is_good() {
    let house = House::open().await;
    let practice = house.practice().await;
    let person = house.person(practice, &[Role::Owner]).await;
    let half = house.half(&person).await;
    let (code, key, identity) = (house.code(&person), house.key(), house.identity());
    let send = || identity.finish(half.token.expose(), Proof::Totp(&code), &house.source, None, key);
    let (first, second) = (send().await.unwrap(), send().await.unwrap());
    assert_eq!(first.session, second.session);
    assert!(house.me(&first.token).await.is_none());
    assert!(house.me(&second.token).await.is_some());
    assert_eq!(house.logged(practice, "person.sign-in").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_proof_sent_twice_at_once_is_one_session() {
    let house = House::open().await;
    let practice = house.practice().await;
    let person = house.person(practice, &[Role::Owner]).await;
    let half = house.half(&person).await;
    let (code, key, identity) = (house.code(&person), house.key(), house.identity());
    let send = || identity.finish(half.token.expose(), Proof::Totp(&code), &house.source, None, key);
    let (first, second) = futures_util::future::join(send(), send()).await;
    assert_eq!(first.unwrap().session, second.unwrap().session);
    assert_eq!(house.logged(practice, "person.sign-in").await, 1);
}

#[tokio::test]
async fn a_lost_answer_after_setting_up_gives_other_recovery_codes_and_voids_the_first() {
    let house = House::open().await;
    let (half, email) = newcomer(&house).await;
    let (key, identity) = (house.key(), house.identity());
    let enrolment = identity.enrolment(half.expose(), &house.source).await.unwrap();
    let code = code_of(&house, &enrolment.typing);
    let send = || identity.finish(half.expose(), Proof::Enrol(&code), &house.source, None, key);
    let (first, second) = (send().await.unwrap(), send().await.unwrap());
    assert_eq!((second.codes.len(), second.codes_left), (10, 10));
    let password = Password::typed(PASSWORD);
    let half = identity.begin(&email, &password, &house.source, house.key()).await.unwrap().token;
    let void = finish(&house, &half, Proof::Recovery(first.codes[0].expose())).await;
    assert!(matches!(void, Err(SignInError::RecoveryCode)));
    assert!(finish(&house, &half, Proof::Recovery(second.codes[0].expose())).await.is_ok());
}

#[tokio::test]
async fn nothing_of_a_person_is_left_open_by_a_suspension() {
    let house = House::open().await;
    let owner = house.signed_in(house.practice().await, &[Role::Owner]).await;
    let half = house.half(&owner).await;
    house.identity().suspend_person(owner.id).await.unwrap();
    assert!(house.me(&owner.cookie).await.is_none());
    let code = house.code(&owner);
    assert!(matches!(finish(&house, &half.token, Proof::Totp(&code)).await, Err(SignInError::Expired)));
    house.identity().restore_person(owner.id).await.unwrap();
    let person: &Person = &owner;
    assert!(house.another_browser(person).await.0.person() == owner.id);
}
