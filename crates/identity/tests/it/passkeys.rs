//! Passkeys: as the only proof, behind a password, and as a thing that is added and taken away.

use identity::account::password::OwnError;
use identity::passkeys::{AskedOfDevice, FromDevice, NoPasskey, PasskeyError};
use identity::password::Password;
use identity::second::{Entered, Proof};
use identity::sign_in::{HalfSignedIn, NextStep, SignInError};
use jiff::SignedDuration;
use kernel::{PracticeId, Secret};
use store::{Role, Roles, StoreError};
use testkit::{Device, House, PASSWORD, SignedInPerson};

const HERE: &str = "https://house.test";

fn given<'a>(asked: &'a AskedOfDevice, credential: &'a str) -> FromDevice<'a> {
    FromDevice { ceremony: &asked.ceremony, credential }
}

async fn asked(house: &House) -> AskedOfDevice {
    house.identity().ask_visitor(&house.source).await.unwrap().unwrap()
}

async fn add(house: &House, person: &SignedInPerson, device: &mut Device, name: &str) -> Result<(), PasskeyError> {
    let offered = house.identity().offer_passkey(&person.me).await.unwrap().unwrap();
    let made = device.make(&offered.options);
    house.identity().add_passkey(&person.me, name, given(&offered, &made), house.key()).await
}

/// Somebody signed in, and a device that holds a passkey of theirs.
async fn somebody(house: &House) -> (SignedInPerson, Device) {
    let practice = house.practice().await;
    let person = house.signed_in(practice, &[Role::Owner]).await;
    let mut device = Device::at(HERE);
    add(house, &person, &mut device, "My phone").await.unwrap();
    (person, device)
}

async fn enter(house: &House, asked: &AskedOfDevice, credential: &str) -> Result<Entered, SignInError> {
    house
        .identity()
        .enter_by_passkey(given(asked, credential), &house.source, Some("Firefox on Linux"), house.key())
        .await
}

/// What signing in comes to with what the device answers.
async fn try_to_enter(house: &House, device: &mut Device) -> Result<Entered, SignInError> {
    let asked = asked(house).await;
    let shown = device.show(&asked.options);
    enter(house, &asked, &shown).await
}

fn is_refused(answer: &Result<Entered, SignInError>) -> bool {
    matches!(answer, Err(SignInError::Passkey(NoPasskey::Refused)))
}

#[tokio::test]
async fn a_passkey_alone_signs_in() {
    let house = House::open().await;
    let (person, mut device) = somebody(&house).await;
    let entered = try_to_enter(&house, &mut device).await.unwrap();
    assert_eq!((entered.person, entered.codes.len(), entered.codes_left), (person.id, 0, 10));
    let me = house.me(&entered.token).await.unwrap();
    assert_eq!((me.person(), me.practice()), (person.id, person.me.practice()));
    for log in [PracticeId::HOUSE, me.practice().unwrap()] {
        let lines = house.log(log).await;
        let line = lines.iter().rfind(|line| line.action == "person.sign-in").unwrap();
        assert_eq!((line.field.as_deref(), line.record), (Some("passkey"), Some(entered.session.uuid())));
    }
    let account = house.identity().account(&me).await.unwrap();
    assert_eq!(account.passkeys.len(), 1);
    assert_eq!(account.passkeys[0].used_at, Some(house.store.clock().now()));
}

#[tokio::test]
async fn a_lost_answer_is_made_good_by_the_same_request_and_by_no_other() {
    let house = House::open().await;
    let (_, mut device) = somebody(&house).await;
    let asked = asked(&house).await;
    let shown = device.show(&asked.options);
    let (identity, key) = (house.identity(), house.key());
    let send = |key| identity.enter_by_passkey(given(&asked, &shown), &house.source, None, key);
    let first = send(key).await.unwrap();
    let again = send(key).await.unwrap();
    assert_eq!(first.session, again.session);
    assert!(house.me(&first.token).await.is_none(), "the token of the lost answer still opens");
    let replayed = send(house.key()).await;
    assert!(matches!(replayed, Err(SignInError::Passkey(NoPasskey::Expired))), "an answer was taken twice");
}

#[tokio::test]
async fn a_device_that_did_not_find_out_who_is_there_opens_nothing() {
    let house = House::open().await;
    let (_, mut device) = somebody(&house).await;
    device.verifies = false;
    assert!(is_refused(&try_to_enter(&house, &mut device).await));
}

#[tokio::test]
async fn an_answer_given_to_another_address_opens_nothing() {
    let house = House::open().await;
    let (_, mut device) = somebody(&house).await;
    device.origin = "https://house.test.example".to_owned();
    assert!(is_refused(&try_to_enter(&house, &mut device).await));
}

#[tokio::test]
async fn an_answer_to_another_question_opens_nothing() {
    let house = House::open().await;
    let (_, mut device) = somebody(&house).await;
    let (one, other) = (asked(&house).await, asked(&house).await);
    let shown = device.show(&one.options);
    assert!(is_refused(&enter(&house, &other, &shown).await));
}

#[tokio::test]
async fn a_passkey_that_counts_backwards_was_copied_and_opens_nothing() {
    let house = House::open().await;
    let (_, mut device) = somebody(&house).await;
    device.count = 7;
    try_to_enter(&house, &mut device).await.unwrap();
    device.count = 3;
    assert!(is_refused(&try_to_enter(&house, &mut device).await));
}

#[tokio::test]
async fn a_passkey_that_nobody_here_has_opens_nothing() {
    let house = House::open().await;
    let (person, _) = somebody(&house).await;
    let mut stranger = Device::at(HERE);
    let offered = house.identity().offer_passkey(&person.me).await.unwrap().unwrap();
    // Made, but never added.
    stranger.make(&offered.options);
    assert!(is_refused(&try_to_enter(&house, &mut stranger).await));
    let asked = asked(&house).await;
    assert!(is_refused(&enter(&house, &asked, "{}").await));
    assert!(is_refused(&enter(&house, &asked, &"x".repeat(100_000)).await));
}

#[tokio::test]
async fn a_question_is_good_for_ten_minutes() {
    let house = House::open().await;
    let (_, mut device) = somebody(&house).await;
    let asked = asked(&house).await;
    let shown = device.show(&asked.options);
    house.wait(SignedDuration::from_mins(10));
    let late = enter(&house, &asked, &shown).await;
    assert!(matches!(late, Err(SignInError::Passkey(NoPasskey::Expired))));
}

#[tokio::test]
async fn a_question_that_was_altered_is_none() {
    let house = House::open().await;
    let (_, mut device) = somebody(&house).await;
    let mut asked = asked(&house).await;
    let shown = device.show(&asked.options);
    let last = asked.ceremony.pop().unwrap();
    asked.ceremony.push(if last == 'A' { 'Q' } else { 'A' });
    assert!(matches!(enter(&house, &asked, &shown).await, Err(SignInError::Passkey(NoPasskey::Expired))));
}

#[tokio::test]
async fn the_passkey_of_somebody_suspended_opens_nothing() {
    let house = House::open().await;
    let (person, mut device) = somebody(&house).await;
    house.identity().suspend_person(person.id).await.unwrap();
    assert!(is_refused(&try_to_enter(&house, &mut device).await));
}

#[tokio::test]
async fn a_passkey_stands_behind_a_password() {
    let house = House::open().await;
    let (person, mut device) = somebody(&house).await;
    let half = house.half(&person).await;
    let step = house.identity().next_step(half.token.expose(), &house.source).await.unwrap();
    assert_eq!((step.next, step.passkeys), (NextStep::Totp, true));
    let asked = asked(&house).await;
    let shown = device.show(&asked.options);
    let proof = Proof::Passkey(given(&asked, &shown));
    let (token, key) = (half.token.expose(), house.key());
    let entered = house.identity().finish(token, proof, &house.source, None, key).await.unwrap();
    assert_eq!(entered.person, person.id);
    let lines = house.log(person.me.practice().unwrap()).await;
    let line = lines.iter().rfind(|line| line.action == "person.sign-in").unwrap();
    assert_eq!(line.field.as_deref(), Some("password+passkey"));
}

#[tokio::test]
async fn somebody_elses_passkey_does_not_stand_behind_a_password() {
    let house = House::open().await;
    let (person, _) = somebody(&house).await;
    let (_, mut of_another) = somebody(&house).await;
    let half = house.half(&person).await;
    let asked = asked(&house).await;
    let shown = of_another.show(&asked.options);
    let proof = Proof::Passkey(given(&asked, &shown));
    let answer = house.identity().finish(half.token.expose(), proof, &house.source, None, house.key()).await;
    assert!(is_refused(&answer));
}

/// Somebody who was invited and has chosen a password, and nothing else yet.
async fn newcomer(house: &House) -> (HalfSignedIn, String) {
    let practice = house.practice().await;
    let email = format!("{}@example.org", house.unique("new"));
    let invited = house.identity().found_person(practice, &email, "", Roles::of([Role::Owner])).await.unwrap();
    let link = invited.link.unwrap();
    let token = link.expose().rsplit('/').next().unwrap();
    let (password, key) = (Password::typed(PASSWORD), house.key());
    let half = house.identity().join_new(practice, token, "Nomsa New", &password, &house.source, key).await.unwrap();
    (half, email)
}

#[tokio::test]
async fn what_one_newcomer_was_offered_is_not_set_up_by_another() {
    let house = House::open().await;
    let ((one, _), (other, _)) = (newcomer(&house).await, newcomer(&house).await);
    let offered = house.identity().enrolment(one.token.expose(), &house.source).await.unwrap().passkey.unwrap();
    let made = Device::at(HERE).make(&offered.options);
    let proof = Proof::EnrolPasskey(given(&offered, &made));
    let taken = house.identity().finish(other.token.expose(), proof, &house.source, None, house.key()).await;
    assert!(matches!(taken, Err(SignInError::Passkey(NoPasskey::Expired))));
    house.identity().finish(one.token.expose(), proof, &house.source, None, house.key()).await.unwrap();
}

#[tokio::test]
async fn a_newcomer_sets_up_a_passkey_instead_of_an_app_and_gets_recovery_codes() {
    let house = House::open().await;
    let (half, email) = newcomer(&house).await;
    let offered = house.identity().enrolment(half.token.expose(), &house.source).await.unwrap().passkey.unwrap();
    let mut device = Device::at(HERE);
    let made = device.make(&offered.options);
    let proof = Proof::EnrolPasskey(given(&offered, &made));
    let finish = |half: Secret<String>, proof, key| {
        let (identity, source) = (house.identity(), house.source.clone());
        async move { identity.finish(half.expose(), proof, &source, None, key).await }
    };
    let entered = finish(half.token, proof, house.key()).await.unwrap();
    assert_eq!(entered.codes.len(), 10);
    let me = house.me(&entered.token).await.unwrap();
    let account = house.identity().account(&me).await.unwrap();
    assert_eq!((account.totp, account.passkeys.len()), (false, 1));

    // Alone, and behind the password, where no app is asked for; and by a recovery code.
    try_to_enter(&house, &mut device).await.unwrap();
    let begin = || async {
        house.identity().begin(&email, &Password::typed(PASSWORD), &house.source, house.key()).await.unwrap()
    };
    let half = begin().await;
    assert_eq!(half.next, NextStep::Passkey);
    let code = entered.codes[0].expose().clone();
    finish(half.token, Proof::Recovery(&code), house.key()).await.unwrap();
    let guessed = finish(begin().await.token, Proof::Totp("123456"), house.key()).await;
    assert!(guessed.is_err(), "an app that there is not let somebody in");

    // It is the only second factor, so it stays.
    let last = house.identity().remove_passkey(&me, account.passkeys[0].id, house.key()).await;
    assert!(matches!(last, Err(PasskeyError::Last)));
}

#[tokio::test]
async fn a_passkey_is_added_only_soon_after_both_factors_were_proved() {
    let house = House::open().await;
    let practice = house.practice().await;
    let person = house.signed_in(practice, &[Role::Owner]).await;
    house.wait(SignedDuration::from_mins(10));
    let mut device = Device::at(HERE);
    assert!(matches!(add(&house, &person, &mut device, "My phone").await, Err(PasskeyError::ProveFirst)));
    let code = house.code(&person);
    let password = Password::typed(PASSWORD);
    house.identity().prove_again(&person.me, &password, &code, house.key()).await.unwrap();
    add(&house, &person, &mut device, "My phone").await.unwrap();
    let letters = house.letters_to(person.id).await;
    assert!(letters.iter().any(|letter| letter.contains("“My phone” was added")), "{letters:?}");
    assert_eq!(house.logged(PracticeId::HOUSE, "person.passkey-enrol").await, 1);
}

#[tokio::test]
async fn a_passkey_proves_once_more_that_it_is_oneself() {
    let house = House::open().await;
    let (person, mut device) = somebody(&house).await;
    let (_, mut of_another) = somebody(&house).await;
    house.wait(SignedDuration::from_mins(10));
    let me = house.me(&person.cookie).await.unwrap();
    assert!(!house.identity().proved_lately(&me));
    for (device, right) in [(&mut of_another, false), (&mut device, true)] {
        let asked = house.identity().ask_me(&me).await.unwrap().unwrap();
        let shown = device.show(&asked.options);
        let proved = house.identity().prove_by_passkey(&me, given(&asked, &shown), house.key()).await;
        let refused = matches!(proved, Err(OwnError::Passkey(NoPasskey::Refused)));
        assert_eq!((proved.is_ok(), refused), (right, !right));
    }
    assert!(house.identity().proved_lately(&house.me(&person.cookie).await.unwrap()));
    // A question to a visitor is none to somebody signed in.
    let asked = asked(&house).await;
    let shown = device.show(&asked.options);
    let elsewhere = house.identity().prove_by_passkey(&me, given(&asked, &shown), house.key()).await;
    assert!(matches!(elsewhere, Err(OwnError::Passkey(NoPasskey::Expired))));
}

#[tokio::test]
async fn what_one_person_was_offered_is_not_added_by_another() {
    let house = House::open().await;
    let practice = house.practice().await;
    let (one, other) =
        (house.signed_in(practice, &[Role::Owner]).await, house.signed_in(practice, &[Role::Owner]).await);
    let offered = house.identity().offer_passkey(&one.me).await.unwrap().unwrap();
    let made = Device::at(HERE).make(&offered.options);
    let added = house.identity().add_passkey(&other.me, "Mine", given(&offered, &made), house.key()).await;
    assert!(matches!(added, Err(PasskeyError::Answer(NoPasskey::Expired))));
}

#[tokio::test]
async fn a_passkey_has_a_name_that_fits() {
    let house = House::open().await;
    let person = house.signed_in(house.practice().await, &[Role::Owner]).await;
    for name in ["", "   ", &"n".repeat(61), "a\nb"] {
        let added = add(&house, &person, &mut Device::at(HERE), name).await;
        assert!(matches!(added, Err(PasskeyError::Name)), "{name:?}");
    }
}

#[tokio::test]
async fn of_passkeys_there_are_at_most_twenty() {
    let house = House::open().await;
    let person = house.signed_in(house.practice().await, &[Role::Owner]).await;
    let mut device = Device::at(HERE);
    for n in 0..20 {
        add(&house, &person, &mut device, &format!("Key {n}")).await.unwrap();
    }
    assert!(matches!(add(&house, &person, &mut device, "One more").await, Err(PasskeyError::TooMany)));
}

#[tokio::test]
async fn a_passkey_that_was_taken_away_opens_nothing_and_other_browsers_are_signed_out() {
    let house = House::open().await;
    let (person, mut device) = somebody(&house).await;
    let entered = try_to_enter(&house, &mut device).await.unwrap();
    let account = house.identity().account(&person.me).await.unwrap();
    let id = account.passkeys[0].id;
    house.identity().remove_passkey(&person.me, id, house.key()).await.unwrap();
    assert!(house.me(&entered.token).await.is_none(), "a browser that came in by it is still in");
    assert!(house.me(&person.cookie).await.is_some());
    assert!(is_refused(&try_to_enter(&house, &mut device).await));
    let letters = house.letters_to(person.id).await;
    assert!(letters.iter().any(|letter| letter.contains("was taken away")), "{letters:?}");
}

#[tokio::test]
async fn nobody_takes_away_somebody_elses_passkey() {
    let house = House::open().await;
    let (one, mut device) = somebody(&house).await;
    let (other, _) = somebody(&house).await;
    let id = house.identity().account(&one.me).await.unwrap().passkeys[0].id;
    let taken = house.identity().remove_passkey(&other.me, id, house.key()).await;
    assert!(matches!(taken, Err(PasskeyError::Store(StoreError::Missing))));
    try_to_enter(&house, &mut device).await.unwrap();
}
