//! Setting up the second factor anew, started by an administrator: what they can do by it, and what not.

use identity::Me;
use identity::factor_reset::FactorResetError;
use identity::founding::NewPerson;
use identity::password::Password;
use identity::second::Proof;
use identity::sessions::SwitchError;
use identity::sign_in::{HalfSignedIn, NextStep, SignInError};
use identity::team::JoinError;
use identity::totp::TotpSecret;
use kernel::{IdempotencyKey, PersonId, PracticeId};
use store::{Role, Roles, StoreError};
use testkit::{House, PASSWORD, Person, SignedInPerson};

use crate::minutes;

/// The tokens of the links in the letters to a person.
async fn links(house: &House, person: &Person) -> Vec<String> {
    let link = |text: &String| {
        text.lines().find_map(|line| line.strip_prefix("https://house.test/factors/")).map(str::to_owned)
    };
    house.letters_to(person.id).await.iter().filter_map(link).collect()
}

/// Starts it; gives the link that was sent.
async fn begin(house: &House, by: &SignedInPerson, person: &Person) -> String {
    let before = links(house, person).await;
    house.identity().begin_factor_reset(&by.me, person.id, house.key()).await.unwrap();
    links(house, person).await.into_iter().find(|link| !before.contains(link)).expect("a letter")
}

async fn use_link(house: &House, link: &str, password: &str) -> Result<HalfSignedIn, FactorResetError> {
    use_link_once(house, link, password, house.key()).await
}

async fn use_link_once(
    house: &House,
    link: &str,
    password: &str,
    key: IdempotencyKey,
) -> Result<HalfSignedIn, FactorResetError> {
    house.identity().use_factor_reset(link, &Password::typed(password), &house.source, key).await
}

/// Sets an authenticator up; gives the session that begins with it, and the secret.
async fn set_up(house: &House, half: &HalfSignedIn) -> (Me, TotpSecret) {
    assert_eq!(half.next, NextStep::Enrol);
    let secret = secret_offered(house, half).await;
    let (me, codes) = finish(house, half, Proof::Enrol(&code_now(house, &secret))).await;
    assert_eq!(codes, 10);
    (me, secret)
}

async fn secret_offered(house: &House, half: &HalfSignedIn) -> TotpSecret {
    let offered = house.identity().enrolment(half.token.expose(), &house.source).await.unwrap();
    crate::secret_of(&offered.typing.expose().replace(' ', ""))
}

/// A code of this authenticator that was not used yet.
fn code_now(house: &House, secret: &TotpSecret) -> String {
    house.wait(minutes(1));
    secret.code_at(house.store.clock().now())
}

/// The session that a right proof gives, and how many recovery codes came with it.
async fn finish(house: &House, half: &HalfSignedIn, proof: Proof<'_>) -> (Me, usize) {
    let entered = house.identity().finish(half.token.expose(), proof, &house.source, None, house.key()).await.unwrap();
    (house.me(&entered.token).await.unwrap(), entered.codes.len())
}

/// A practice with an owner who is signed in.
async fn practice(house: &House) -> (PracticeId, SignedInPerson) {
    let practice = house.practice().await;
    (practice, house.signed_in(practice, &[Role::Owner]).await)
}

/// Whom a practice does not let in.
async fn held(house: &House, by: &SignedInPerson) -> Vec<PersonId> {
    house.identity().held(&by.me).await.unwrap().into_iter().map(|(person, _)| person).collect()
}

/// Agrees to the resets that hold somebody now.
async fn agree(house: &House, by: &SignedInPerson, person: PersonId) {
    let resets = shown(house, by, person).await;
    house.identity().agree_to_reset(&by.me, person, &resets, house.key()).await.unwrap();
}

/// The resets that the page of agreeing shows.
async fn shown(house: &House, by: &SignedInPerson, person: PersonId) -> Vec<uuid::Uuid> {
    house.identity().member(&by.me, person).await.unwrap().held_by
}

async fn can_enter(house: &House, who: &Me, practice: PracticeId) -> bool {
    match house.identity().switch_practice(who, practice, house.key()).await {
        Ok(()) => true,
        Err(SwitchError::NotYours) => false,
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn whoever_lost_their_factor_sets_up_another_by_the_link_and_the_password() {
    let house = House::open().await;
    let (here, owner) = practice(&house).await;
    let lost = house.signed_in(here, &[Role::Practitioner]).await;
    let link = begin(&house, &owner, &lost).await;
    assert!(house.me(&lost.cookie).await.is_none(), "signed out");
    house.identity().factor_link(&link, &house.source).await.unwrap();
    let half = use_link(&house, &link, PASSWORD).await.unwrap();
    let (me, _) = set_up(&house, &half).await;
    assert_eq!((me.person(), me.practice()), (lost.id, Some(here)));
    // What was lost opens nothing any more, whoever has it now.
    let half = house.half(&lost).await;
    for proof in [Proof::Totp(&house.code(&lost)), Proof::Recovery(lost.codes[0].expose())] {
        let tried = house.identity().finish(half.token.expose(), proof, &house.source, None, house.key()).await;
        assert!(matches!(tried, Err(SignInError::Code(_) | SignInError::RecoveryCode)), "{tried:?}");
    }
    for (action, times) in [("team.reset-factors", 1), ("person.factor-reset-open", 1), ("person.factor-reset", 1)] {
        assert_eq!(house.logged(here, action).await, times, "{action}");
    }
    // The event that it went with is that of the new session.
    let letters = house.letters_to(PersonId::from_uuid(me.session().uuid())).await;
    assert!(letters.iter().any(|text| text.contains("in the place of all that there were")), "{letters:?}");
}

#[tokio::test]
async fn a_reset_begun_in_one_practice_keeps_its_person_out_of_the_other_until_that_agrees() {
    let house = House::open().await;
    let (one, owner) = practice(&house).await;
    let (other, other_owner) = practice(&house).await;
    let lost = house.person(one, &[Role::Reception]).await;
    house.add_to(other, &lost, &[Role::Practitioner]).await;
    let lost = house.sign_in(lost).await;
    assert!(can_enter(&house, &lost.me, other).await && can_enter(&house, &lost.me, one).await);

    let link = begin(&house, &owner, &lost).await;
    let letters = house.letters_to(lost.id).await;
    assert!(letters.iter().any(|text| text.contains("is not let in there until one of you agrees")), "{letters:?}");
    assert_eq!(held(&house, &other_owner).await, [lost.id]);
    assert!(held(&house, &owner).await.is_empty());
    let (me, secret) = set_up(&house, &use_link(&house, &link, PASSWORD).await.unwrap()).await;
    assert_eq!(me.practice(), Some(one));
    assert!(!can_enter(&house, &me, other).await);
    // Nor by signing in once more with the factor that is theirs now.
    let (me, _) = finish(&house, &house.half(&lost).await, Proof::Totp(&code_now(&house, &secret))).await;
    assert!(me.practice() == Some(one) && !can_enter(&house, &me, other).await);
    assert_eq!(held(&house, &other_owner).await, [lost.id]);

    agree(&house, &other_owner, lost.id).await;
    assert!(can_enter(&house, &me, other).await);
    assert!(held(&house, &other_owner).await.is_empty());
    assert_eq!(house.logged(other, "team.agree-reset").await, 1);
    assert_eq!(house.logged(other, "door.let-in").await, 1);
}

#[tokio::test]
async fn signing_in_with_what_was_said_to_be_lost_ends_the_reset_and_what_it_held() {
    let house = House::open().await;
    let (one, owner) = practice(&house).await;
    let (other, other_owner) = practice(&house).await;
    let person = house.person(one, &[Role::Reception]).await;
    house.add_to(other, &person, &[Role::Practitioner]).await;
    let link = begin(&house, &owner, &person).await;
    assert_eq!(held(&house, &other_owner).await, [person.id]);
    let found = house.sign_in(person).await;
    assert!(held(&house, &other_owner).await.is_empty());
    assert!(can_enter(&house, &found.me, other).await);
    assert!(matches!(use_link(&house, &link, PASSWORD).await, Err(FactorResetError::Ended)));
}

#[tokio::test]
async fn a_second_reset_lets_nobody_in_whom_the_first_holds() {
    let house = House::open().await;
    let (one, owner) = practice(&house).await;
    let (other, other_owner) = practice(&house).await;
    let person = house.person(one, &[Role::Reception]).await;
    house.add_to(other, &person, &[Role::Practitioner]).await;
    let held = async || !held(&house, &other_owner).await.is_empty();

    // One that was not used is replaced, and its link with it.
    let replaced = begin(&house, &owner, &person).await;
    let link = begin(&house, &owner, &person).await;
    assert!(held().await);
    assert!(matches!(use_link(&house, &replaced, PASSWORD).await, Err(FactorResetError::Ended)));
    let (_, secret) = set_up(&house, &use_link(&house, &link, PASSWORD).await.unwrap()).await;
    assert!(held().await);

    // One that was used is not undone by another that comes to nothing.
    begin(&house, &owner, &person).await;
    finish(&house, &house.half(&person).await, Proof::Totp(&code_now(&house, &secret))).await;
    assert!(held().await, "a reset that was not used has let in whom another holds");
}

#[tokio::test]
async fn a_link_asks_for_the_password_and_tells_nothing_without() {
    let house = House::open().await;
    let (here, owner) = practice(&house).await;
    let lost = house.person(here, &[Role::Reception]).await;
    let link = begin(&house, &owner, &lost).await;
    let wrong = use_link(&house, &link, "not their password at all").await;
    assert!(matches!(wrong, Err(FactorResetError::Password)));
    // The old factor is still theirs.
    house.another_browser(&lost).await;
    let mut waits = 0;
    let link = begin(&house, &owner, &lost).await;
    for _ in 0..20 {
        waits += usize::from(matches!(use_link(&house, &link, "guessing").await, Err(FactorResetError::Wait(_))));
    }
    assert!(waits > 10, "guesses at the password of a link are slowed down");
}

#[tokio::test]
async fn a_link_is_good_until_a_factor_is_set_up_and_for_an_hour() {
    let house = House::open().await;
    let (here, owner) = practice(&house).await;
    let lost = house.person(here, &[Role::Reception]).await;
    let link = begin(&house, &owner, &lost).await;
    let key = house.key();
    let first = use_link_once(&house, &link, PASSWORD, key).await.unwrap();
    // The answer was lost: the same half sign-in, by another token.
    let again = use_link_once(&house, &link, PASSWORD, key).await.unwrap();
    assert_eq!(first.expires_at, again.expires_at);
    let stale = house.identity().enrolment(first.token.expose(), &house.source).await;
    assert!(matches!(stale, Err(SignInError::Expired)));
    // It took too long, and is begun again; meanwhile the password alone leads to what was there before.
    house.wait(minutes(11));
    assert_eq!(house.half(&lost).await.next, NextStep::Totp);
    let half = use_link(&house, &link, PASSWORD).await.unwrap();
    let other = use_link(&house, &link, PASSWORD).await.unwrap();
    set_up(&house, &half).await;
    assert!(matches!(use_link(&house, &link, PASSWORD).await, Err(FactorResetError::Ended)));
    let secret = secret_offered(&house, &other).await;
    let code = code_now(&house, &secret);
    let twice =
        house.identity().finish(other.token.expose(), Proof::Enrol(&code), &house.source, None, house.key()).await;
    assert!(matches!(twice, Err(SignInError::Expired)), "two were set up by one link: {twice:?}");

    let link = begin(&house, &owner, &lost).await;
    house.wait(minutes(60));
    assert!(matches!(use_link(&house, &link, PASSWORD).await, Err(FactorResetError::Ended)));
    assert!(matches!(house.identity().factor_link(&link, &house.source).await, Err(FactorResetError::Ended)));
}

#[tokio::test]
async fn agreeing_to_one_reset_is_not_agreeing_to_another() {
    let house = House::open().await;
    let (one, owner) = practice(&house).await;
    let (two, second_owner) = practice(&house).await;
    let (other, other_owner) = practice(&house).await;
    let person = house.person(one, &[Role::Reception]).await;
    house.add_to(two, &person, &[Role::Reception]).await;
    house.add_to(other, &person, &[Role::Practitioner]).await;
    let link = begin(&house, &owner, &person).await;
    set_up(&house, &use_link(&house, &link, PASSWORD).await.unwrap()).await;
    let seen = shown(&house, &other_owner, person.id).await;
    assert_eq!(seen.len(), 1);
    // Another comes while they look at the page of the first.
    let link = begin(&house, &second_owner, &person).await;
    let key = house.key();
    house.identity().agree_to_reset(&other_owner.me, person.id, &seen, key).await.unwrap();
    let (me, _) = set_up(&house, &use_link(&house, &link, PASSWORD).await.unwrap()).await;
    assert!(!can_enter(&house, &me, other).await, "agreed to without having been seen");
    // Nor by sending the first agreement once more, with the same key or another.
    for key in [key, house.key()] {
        house.identity().agree_to_reset(&other_owner.me, person.id, &seen, key).await.unwrap();
        assert!(!can_enter(&house, &me, other).await);
    }
    agree(&house, &other_owner, person.id).await;
    assert!(can_enter(&house, &me, other).await);
}

#[tokio::test]
async fn a_factor_set_up_while_a_reset_stands_is_not_what_was_lost() {
    let house = House::open().await;
    let (one, owner) = practice(&house).await;
    let (other, other_owner) = practice(&house).await;
    // Somebody who was invited and has set up nothing yet.
    let email = format!("{}@example.org", house.unique("new"));
    let invited = house.identity().invite(&owner.me, &email, "", Roles::of([Role::Reception]), house.key()).await;
    let link = invited.unwrap().link.unwrap();
    let token = link.expose().rsplit('/').next().unwrap().to_owned();
    let password = Password::typed(PASSWORD);
    let name = "Naledi Dlamini";
    house.identity().join_new(one, &token, name, &password, &house.source, house.key()).await.unwrap();
    let person = house.identity().person_by_email(&email).await.unwrap().unwrap();
    let member = NewPerson {
        email: email.clone(),
        name: name.to_owned(),
        roles: Roles::of([Role::Practitioner]),
        password: Password::typed(PASSWORD),
    };
    house.identity().found_person_with(other, &member).await.unwrap();
    house.identity().begin_factor_reset(&owner.me, person, house.key()).await.unwrap();
    let begin = async || house.identity().begin(&email, &password, &house.source, house.key()).await.unwrap();
    let (_, secret) = set_up(&house, &begin().await).await;
    let (me, _) = finish(&house, &begin().await, Proof::Totp(&code_now(&house, &secret))).await;
    assert!(!can_enter(&house, &me, other).await);
    assert_eq!(held(&house, &other_owner).await, [person]);
}

#[tokio::test]
async fn an_invitation_from_before_a_reset_lets_in_nobody_after_it() {
    let house = House::open().await;
    let (one, owner) = practice(&house).await;
    let (other, other_owner) = practice(&house).await;
    let person = house.person(one, &[Role::Reception]).await;
    let invite = async || {
        let roles = Roles::of([Role::Practitioner]);
        let invited = house.identity().invite(&other_owner.me, &person.email, "", roles, house.key()).await.unwrap();
        invited.link.unwrap().expose().rsplit('/').next().unwrap().to_owned()
    };
    let before = invite().await;
    let link = begin(&house, &owner, &person).await;
    let (me, _) = set_up(&house, &use_link(&house, &link, PASSWORD).await.unwrap()).await;
    let joined = house.identity().join(&me, other, &before, house.key()).await;
    assert!(matches!(joined, Err(JoinError::Ended)), "{joined:?}");
    house.wait(minutes(1));
    let after = invite().await;
    house.identity().join(&me, other, &after, house.key()).await.unwrap();
    assert!(can_enter(&house, &me, other).await);
}

#[tokio::test]
async fn resets_of_one_person_are_started_a_few_times_an_hour() {
    let house = House::open().await;
    let (here, owner) = practice(&house).await;
    let lost = house.person(here, &[Role::Reception]).await;
    for _ in 0..3 {
        begin(&house, &owner, &lost).await;
    }
    let more = house.identity().begin_factor_reset(&owner.me, lost.id, house.key()).await;
    assert!(matches!(more, Err(FactorResetError::Wait(_))), "{more:?}");
}

#[tokio::test]
async fn only_who_answers_for_the_team_starts_a_reset_and_an_administrator_none_of_an_owner() {
    let house = House::open().await;
    let (here, owner) = practice(&house).await;
    let administrator = house.signed_in(here, &[Role::Administrator]).await;
    let practitioner = house.signed_in(here, &[Role::Practitioner]).await;
    let begin =
        async |by: &SignedInPerson, of: &Person| house.identity().begin_factor_reset(&by.me, of.id, house.key()).await;
    let refused = |answer: Result<(), FactorResetError>| {
        matches!(answer, Err(FactorResetError::Store(StoreError::Refused { .. })))
    };
    assert!(refused(begin(&practitioner, &administrator).await));
    assert!(refused(begin(&administrator, &owner).await));
    assert!(matches!(begin(&owner, &owner).await, Err(FactorResetError::Oneself)));
    let (_, stranger) = practice(&house).await;
    assert!(matches!(begin(&owner, &stranger).await, Err(FactorResetError::Store(StoreError::Missing))));
    assert!(house.me(&stranger.cookie).await.is_some() && house.me(&owner.cookie).await.is_some());
    begin(&administrator, &practitioner).await.unwrap();
    begin(&owner, &administrator).await.unwrap();
}

#[tokio::test]
async fn the_host_lets_in_the_only_owner_of_a_practice() {
    let house = House::open().await;
    let (one, owner) = practice(&house).await;
    let alone = house.practice().await;
    let person = house.person(one, &[Role::Practitioner]).await;
    house.add_to(alone, &person, &[Role::Owner]).await;
    let link = begin(&house, &owner, &person).await;
    let (me, _) = set_up(&house, &use_link(&house, &link, PASSWORD).await.unwrap()).await;
    assert!(!can_enter(&house, &me, alone).await);
    assert!(house.identity().host_lets_in(person.id, alone).await.unwrap());
    assert!(can_enter(&house, &me, alone).await);
    assert!(!house.identity().host_lets_in(person.id, alone).await.unwrap(), "nothing to do a second time");
}
