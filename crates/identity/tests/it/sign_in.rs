//! The first half: e-mail and password.

use futures_util::future::join_all;
use identity::password::Password;
use identity::second::Proof;
use identity::sign_in::{HALF_LIFE, NextStep, SignInError};
use identity::totp::CodeRefused;
use kernel::PracticeId;
use store::Role;
use testkit::{House, PASSWORD};

use crate::seconds;

async fn wrong(house: &House, email: &str) -> SignInError {
    let password = Password::typed("not the password at all");
    house.identity().begin(email, &password, &house.source, house.key()).await.unwrap_err()
}

#[tokio::test]
async fn the_right_password_gives_a_half_sign_in_and_no_session() {
    let house = House::open().await;
    let person = house.person(house.practice().await, &[Role::Owner]).await;
    let half = house.half(&person).await;
    assert_eq!(half.next, NextStep::Totp);
    assert!(house.me(&half.token).await.is_none(), "half a sign-in opens nothing");
    assert_eq!(house.logged(PracticeId::HOUSE, "person.password-proved").await, 1);
    assert_eq!(house.logged(PracticeId::HOUSE, "person.sign-in").await, 0);
}

#[tokio::test]
async fn the_address_may_be_typed_in_another_case_and_with_spaces_around() {
    let house = House::open().await;
    let person = house.person(house.practice().await, &[Role::Owner]).await;
    let typed = format!("  {} ", person.email.to_uppercase());
    let password = Password::typed(PASSWORD);
    assert!(house.identity().begin(&typed, &password, &house.source, house.key()).await.is_ok());
}

#[tokio::test]
async fn a_wrong_password_an_unknown_address_and_a_suspended_person_get_the_same_answer() {
    let house = House::open().await;
    let practice = house.practice().await;
    let person = house.person(practice, &[Role::Owner]).await;
    let suspended = house.person(practice, &[Role::Reception]).await;
    house.identity().suspend_person(suspended.id).await.unwrap();

    let mut answers = vec![
        wrong(&house, &person.email).await.to_string(),
        wrong(&house, &format!("{}@example.org", house.unique("nobody"))).await.to_string(),
    ];
    let password = Password::typed(PASSWORD);
    let right = house.identity().begin(&suspended.email, &password, &house.source, house.key()).await;
    answers.push(right.unwrap_err().to_string());
    assert_eq!(answers, ["The e-mail address or the password is not right"; 3]);
}

#[tokio::test]
async fn a_refusal_is_told_to_the_house_and_to_each_practice_of_the_person() {
    let house = House::open().await;
    let (one, two) = (house.practice().await, house.practice().await);
    let person = house.person(one, &[Role::Owner]).await;
    house.add_to(two, &person, &[Role::Reception]).await;
    wrong(&house, &person.email).await;
    for practice in [PracticeId::HOUSE, one, two] {
        let log = house.log(practice).await;
        let refused: Vec<_> = log.iter().filter(|line| line.action == "person.sign-in-refused").collect();
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0].record, Some(person.id.uuid()));
        assert_eq!(refused[0].field.as_deref(), Some("password"));
        assert!(!refused[0].by_person, "nobody has proved to be this person");
    }
}

#[tokio::test]
async fn an_unknown_address_leaves_an_event_that_does_not_name_it() {
    let house = House::open().await;
    let email = format!("{}@example.org", house.unique("nobody"));
    wrong(&house, &email).await;
    let log = house.log(PracticeId::HOUSE).await;
    assert_eq!(log.len(), 1);
    assert_eq!((log[0].action.as_str(), log[0].record), ("person.sign-in-refused", None));

    let client = testkit::servers().await.superuser(testkit::DATA).await;
    let name = email.split('@').next().unwrap();
    let rows = client
        .query(
            "select 1 from audit_event where position($1::bytea in details) > 0
             union all select 1 from throttle where position($1::bytea in subject) > 0",
            &[&name.as_bytes()],
        )
        .await
        .unwrap();
    assert!(rows.is_empty(), "the address stands somewhere in the clear");
}

#[tokio::test]
async fn five_wrong_passwords_are_free_then_waiting_is_asked_and_enough() {
    let house = House::open().await;
    let person = house.person(house.practice().await, &[Role::Owner]).await;
    for _ in 0..5 {
        assert!(matches!(wrong(&house, &person.email).await, SignInError::Refused));
    }
    let SignInError::Wait(wait) = wrong(&house, &person.email).await else { panic!("the sixth waits") };
    assert_eq!(wait.seconds, 5);
    let password = Password::typed(PASSWORD);
    let early = house.identity().begin(&person.email, &password, &house.source, house.key()).await;
    assert!(matches!(early, Err(SignInError::Wait(_))), "the right password does not help either");
    house.wait(seconds(5));
    assert!(house.identity().begin(&person.email, &password, &house.source, house.key()).await.is_ok());
    for _ in 0..5 {
        assert!(matches!(wrong(&house, &person.email).await, SignInError::Refused), "the account has all tries back");
    }
}

#[tokio::test]
async fn one_network_that_tries_many_addresses_is_slowed_down_and_others_are_not() {
    let house = House::open().await;
    for _ in 0..5 {
        wrong(&house, &format!("{}@example.org", house.unique("nobody"))).await;
    }
    let person = house.person(house.practice().await, &[Role::Owner]).await;
    let password = Password::typed(PASSWORD);
    let here = house.identity().begin(&person.email, &password, &house.source, house.key()).await;
    assert!(matches!(here, Err(SignInError::Wait(_))));
    let elsewhere = house.identity().begin(&person.email, &password, &house.elsewhere(), house.key()).await;
    assert!(elsewhere.is_ok());
}

#[tokio::test]
async fn a_success_gives_the_network_only_its_own_attempts_back() {
    let house = House::open().await;
    let person = house.person(house.practice().await, &[Role::Owner]).await;
    for _ in 0..4 {
        wrong(&house, &format!("{}@example.org", house.unique("nobody"))).await;
    }
    house.half(&person).await;
    wrong(&house, &format!("{}@example.org", house.unique("nobody"))).await;
    let next = wrong(&house, &format!("{}@example.org", house.unique("nobody"))).await;
    assert!(matches!(next, SignInError::Wait(_)), "an account of one's own buys no guesses at others");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_wrong_passwords_at_once_five_are_tried() {
    let house = House::open().await;
    let person = house.person(house.practice().await, &[Role::Owner]).await;
    let guesses = (0..20).map(|_| async {
        let password = Password::typed("not the password at all");
        // Networks of their own, so that only the account's count can stop them.
        house.identity().begin(&person.email, &password, &house.elsewhere(), house.key()).await.unwrap_err()
    });
    let answers = join_all(guesses).await;
    let tried = answers.iter().filter(|answer| matches!(answer, SignInError::Refused)).count();
    let waited = answers.iter().filter(|answer| matches!(answer, SignInError::Wait(_))).count();
    assert_eq!((tried, waited), (5, 15), "{answers:?}");
}

#[tokio::test]
async fn the_same_attempt_sent_twice_is_one_half_sign_in_and_only_the_last_token_is_good() {
    let house = House::open().await;
    let person = house.person(house.practice().await, &[Role::Owner]).await;
    let (password, key, identity) = (Password::typed(PASSWORD), house.key(), house.identity());
    let first = identity.begin(&person.email, &password, &house.source, key).await.unwrap();
    let second = identity.begin(&person.email, &password, &house.source, key).await.unwrap();
    assert_ne!(first.token, second.token);
    assert_eq!(first.expires_at, second.expires_at);
    assert!(matches!(identity.next_step(first.token.expose(), &house.source).await, Err(SignInError::Expired)));
    assert_eq!(identity.next_step(second.token.expose(), &house.source).await.unwrap().next, NextStep::Totp);
    assert_eq!(house.logged(PracticeId::HOUSE, "person.password-proved").await, 1);
    assert_eq!(house.logged(PracticeId::HOUSE, "session.reissue").await, 1);
}

#[tokio::test]
async fn a_retry_with_a_wrong_password_is_refused() {
    let house = House::open().await;
    let person = house.person(house.practice().await, &[Role::Owner]).await;
    let key = house.key();
    house.identity().begin(&person.email, &Password::typed(PASSWORD), &house.source, key).await.unwrap();
    let again = house.identity().begin(&person.email, &Password::typed("something else"), &house.source, key).await;
    assert!(matches!(again, Err(SignInError::Refused)));
}

#[tokio::test]
async fn half_a_sign_in_ends_after_ten_minutes() {
    let house = House::open().await;
    let person = house.person(house.practice().await, &[Role::Owner]).await;
    let half = house.half(&person).await;
    house.wait(HALF_LIFE - seconds(1));
    assert!(house.identity().next_step(half.token.expose(), &house.source).await.is_ok());
    house.wait(seconds(1));
    let code = house.code(&person);
    let late = house.identity().finish(half.token.expose(), Proof::Totp(&code), &house.source, None, house.key()).await;
    assert!(matches!(late, Err(SignInError::Expired)));
}

#[tokio::test]
async fn a_token_of_something_else_is_no_half_sign_in() {
    let house = House::open().await;
    let owner = house.signed_in(house.practice().await, &[Role::Owner]).await;
    for token in [owner.cookie.expose().as_str(), "", "AAAA"] {
        let answer = house.identity().finish(token, Proof::Totp("000000"), &house.source, None, house.key()).await;
        assert!(matches!(answer, Err(SignInError::Expired)));
    }
    let half = house.half(&owner).await;
    let wrong =
        house.identity().finish(half.token.expose(), Proof::Totp("nonsense"), &house.source, None, house.key()).await;
    assert!(matches!(wrong, Err(SignInError::Code(CodeRefused::Wrong))));
}
