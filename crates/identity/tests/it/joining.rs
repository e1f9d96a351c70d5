//! Accepting an invitation.

use identity::password::Password;
use identity::sign_in::NextStep;
use identity::team::JoinError;
use kernel::{PracticeId, Secret};
use store::{Role, Roles, StoreError};
use testkit::{House, PASSWORD, SignedInPerson};

use crate::{minutes, seconds};

struct Offer {
    house: House,
    practice: PracticeId,
    owner: SignedInPerson,
    email: String,
    token: String,
}

fn token(link: Option<Secret<String>>) -> String {
    link.unwrap().expose().rsplit('/').next().unwrap().to_owned()
}

/// An open invitation for an address.
async fn offer(house: House, email: Option<&str>) -> Offer {
    let practice = house.practice().await;
    let owner = house.signed_in(practice, &[Role::Owner]).await;
    let email = email.map_or_else(|| format!("{}@example.org", house.unique("joins")), str::to_owned);
    let roles = Roles::of([Role::Practitioner]);
    let invited = house.identity().invite(&owner.me, &email, "Lerato", roles, house.key()).await.unwrap();
    let token = token(invited.link);
    Offer { house, practice, owner, email, token }
}

impl Offer {
    async fn join_new(&self) -> Result<identity::sign_in::HalfSignedIn, JoinError> {
        let password = Password::typed(PASSWORD);
        let (house, key) = (&self.house, self.house.key());
        house.identity().join_new(self.practice, &self.token, "Lerato M", &password, &house.source, key).await
    }

    async fn view(&self) -> Result<identity::team::InvitationView, JoinError> {
        self.house.identity().invitation(self.practice, &self.token, &self.house.source).await
    }
}

#[tokio::test]
async fn the_link_shows_who_invites_whom_to_what() {
    let offer = offer(House::open().await, None).await;
    let view = offer.view().await.unwrap();
    assert!(view.practice.starts_with("Harbour Street"));
    assert_eq!(view.invited_by.as_ref(), Some(&offer.owner.name));
    assert_eq!((view.email, view.name), (offer.email.clone(), "Lerato".to_owned()));
    assert_eq!(view.roles, Roles::of([Role::Practitioner]));
    assert!(!view.has_account);
    for log in [PracticeId::HOUSE, offer.practice] {
        assert_eq!(offer.house.logged(log, "invitation.read").await, 1);
    }
}

#[tokio::test]
async fn somebody_new_joins_with_a_password_and_then_sets_up_an_authenticator() {
    let offer = offer(House::open().await, None).await;
    let half = offer.join_new().await.unwrap();
    assert_eq!(half.next, NextStep::Enrol);
    assert!(offer.house.me(&half.token).await.is_none(), "there is no session before both factors");
    let team = offer.house.identity().team(&offer.owner.me).await.unwrap();
    let joined = team.members.iter().find(|member| member.email == offer.email).unwrap();
    assert_eq!((joined.name.as_str(), joined.roles), ("Lerato M", Roles::of([Role::Practitioner])));
    assert!(team.invitations.is_empty());
    for log in [PracticeId::HOUSE, offer.practice] {
        assert_eq!(offer.house.logged(log, "team.join").await, 1);
    }
    // Who leaves before the authenticator is set up is asked for it at the next sign-in.
    let identity = offer.house.identity();
    let password = Password::typed(PASSWORD);
    let later = identity.begin(&offer.email, &password, &offer.house.source, offer.house.key()).await.unwrap();
    assert_eq!(later.next, NextStep::Enrol);
}

#[tokio::test]
async fn a_link_is_accepted_once() {
    let offer = offer(House::open().await, None).await;
    offer.join_new().await.unwrap();
    assert!(matches!(offer.join_new().await, Err(JoinError::Ended)));
    assert!(matches!(offer.view().await, Err(JoinError::Ended)));
}

#[tokio::test]
async fn the_same_acceptance_sent_twice_joins_once_and_only_the_last_token_is_good() {
    let offer = offer(House::open().await, None).await;
    let (house, key, password) = (&offer.house, offer.house.key(), Password::typed(PASSWORD));
    let identity = house.identity();
    let send = || identity.join_new(offer.practice, &offer.token, "Lerato M", &password, &house.source, key);
    let (first, second) = (send().await.unwrap(), send().await.unwrap());
    let other = Password::typed("five calm otters in a row");
    let other_form = identity.join_new(offer.practice, &offer.token, "Lerato M", &other, &house.source, key).await;
    assert!(
        matches!(other_form, Err(JoinError::Store(StoreError::KeyReused))),
        "another password is not called chosen"
    );
    assert!(identity.next_step(first.token.expose(), &house.source).await.is_err());
    assert_eq!(identity.next_step(second.token.expose(), &house.source).await.unwrap().next, NextStep::Enrol);
    assert_eq!(house.logged(offer.practice, "team.join").await, 1);
}

#[tokio::test]
async fn a_link_ends_after_seven_days_and_when_it_is_taken_back() {
    let offer = offer(House::open().await, None).await;
    let house = &offer.house;
    house.wait(minutes(7 * 24 * 60) - seconds(1));
    assert!(offer.view().await.is_ok());
    house.wait(seconds(1));
    assert!(matches!(offer.view().await, Err(JoinError::Ended)));
    assert!(matches!(offer.join_new().await, Err(JoinError::Ended)));

    let again = house.sign_in(house.person(offer.practice, &[Role::Owner]).await).await;
    let roles = Roles::of([Role::Reception]);
    let invited = house.identity().invite(&again.me, &offer.email, "", roles, house.key()).await.unwrap();
    let (id, token) = (invited.id, token(invited.link));
    assert!(house.identity().invitation(offer.practice, &token, &house.source).await.is_ok());
    house.identity().revoke_invitation(&again.me, id, house.key()).await.unwrap();
    let answer = house.identity().invitation(offer.practice, &token, &house.source).await;
    assert!(matches!(answer, Err(JoinError::Ended)));
}

#[tokio::test]
async fn a_link_is_good_in_its_own_practice_only() {
    let offer = offer(House::open().await, None).await;
    let other = offer.house.practice().await;
    let nowhere = PracticeId::new(testkit::START, offer.house.store.entropy());
    for practice in [other, nowhere, PracticeId::HOUSE] {
        let answer = offer.house.identity().invitation(practice, &offer.token, &offer.house.source).await;
        assert!(matches!(answer, Err(JoinError::Ended)));
    }
}

#[tokio::test]
async fn who_tries_links_that_are_none_is_slowed_down() {
    let offer = offer(House::open().await, None).await;
    for _ in 0..8 {
        offer.view().await.unwrap();
    }
    let (identity, source) = (offer.house.identity(), &offer.house.source);
    for _ in 0..5 {
        let answer = identity.invitation(offer.practice, &"A".repeat(43), source).await;
        assert!(matches!(answer, Err(JoinError::Ended)));
    }
    assert!(matches!(offer.view().await, Err(JoinError::Wait(_))));
}

#[tokio::test]
async fn who_has_an_account_signs_in_and_accepts_and_is_in_the_practice() {
    let house = House::open().await;
    let known = house.signed_in(house.practice().await, &[Role::Owner]).await;
    let offer = offer(house, Some(&known.email)).await;
    let house = &offer.house;
    assert!(offer.view().await.unwrap().has_account);
    assert!(matches!(offer.join_new().await, Err(JoinError::SignInFirst)), "nobody else makes an account of theirs");
    let key = house.key();
    for _ in 0..2 {
        house.identity().join(&known.me, offer.practice, &offer.token, key).await.unwrap();
    }
    let me = house.me(&known.cookie).await.unwrap();
    assert_eq!(me.practice(), Some(offer.practice));
    let actor = house.identity().actor(&me).unwrap();
    assert!(house.store.enter(&actor).await.unwrap().known().await.unwrap().roles().has(Role::Practitioner));
    assert_eq!(house.logged(offer.practice, "team.join").await, 1);
    let again = house.identity().join(&known.me, offer.practice, &offer.token, house.key()).await;
    assert!(matches!(again, Err(JoinError::Ended)));
}

#[tokio::test]
async fn an_invitation_for_another_address_is_not_accepted() {
    let house = House::open().await;
    let known = house.signed_in(house.practice().await, &[Role::Owner]).await;
    let offer = offer(house, None).await;
    let answer = offer.house.identity().join(&known.me, offer.practice, &offer.token, offer.house.key()).await;
    assert!(matches!(answer, Err(JoinError::AnotherAddress)));
    offer.join_new().await.unwrap();
}

#[tokio::test]
async fn a_removed_member_can_be_invited_again() {
    let house = House::open().await;
    let practice = house.practice().await;
    let owner = house.signed_in(practice, &[Role::Owner]).await;
    let member = house.signed_in(practice, &[Role::Reception]).await;
    house.identity().remove_member(&owner.me, member.id, house.key()).await.unwrap();
    let roles = Roles::of([Role::Finance]);
    let invited = house.identity().invite(&owner.me, &member.email, "", roles, house.key()).await.unwrap();
    let me = house.me(&member.cookie).await.unwrap();
    house.identity().join(&me, practice, &token(invited.link), house.key()).await.unwrap();
    let me = house.me(&member.cookie).await.unwrap();
    let actor = house.identity().actor(&me).unwrap();
    assert_eq!(house.store.enter(&actor).await.unwrap().known().await.unwrap().roles(), roles);
}

#[tokio::test]
async fn a_password_built_on_the_practice_is_refused_and_the_link_stays_good() {
    let offer = offer(House::open().await, None).await;
    let house = &offer.house;
    let poor = Password::typed("harbour street");
    let answer =
        house.identity().join_new(offer.practice, &offer.token, "Lerato M", &poor, &house.source, house.key()).await;
    assert!(matches!(answer, Err(JoinError::Password(_))));
    let unnamed = house
        .identity()
        .join_new(offer.practice, &offer.token, "  ", &Password::typed(PASSWORD), &house.source, house.key())
        .await;
    assert!(matches!(unnamed, Err(JoinError::Name)));
    offer.join_new().await.unwrap();
}
