//! The team: inviting, roles, removing. Each takes effect at the next request.

use identity::team::{InviteError, TeamError};
use identity::{ChangeRoles, Invite, ReadTeam};
use kernel::PracticeId;
use store::{Resource, Role, Roles, StoreError};
use testkit::{House, SignedInPerson};

const RECEPTION: [Role; 1] = [Role::Reception];

fn roles(roles: &[Role]) -> Roles {
    Roles::of(roles.iter().copied())
}

fn address(house: &House) -> String {
    format!("{}@example.org", house.unique("invited"))
}

/// The version of a member's row, as the form for changing roles carries it.
async fn version(house: &House, reader: &SignedInPerson, of: kernel::PersonId) -> i64 {
    house.identity().member(&reader.me, of).await.unwrap().row_version
}

#[tokio::test]
async fn the_team_shows_members_invitations_and_what_the_reader_may_do() {
    let house = House::open().await;
    let practice = house.practice().await;
    let owner = house.signed_in(practice, &[Role::Owner]).await;
    house.wait(crate::seconds(1));
    let reception = house.signed_in(practice, &RECEPTION).await;
    let email = address(&house);
    house.identity().invite(&owner.me, &email, "", roles(&RECEPTION), house.key()).await.unwrap();

    let view = house.identity().team(&owner.me).await.unwrap();
    assert!(view.may_invite && view.may_make_owners && view.damaged.is_empty());
    let seen: Vec<_> = view.members.iter().map(|m| (m.id, m.you, m.may_change, m.may_remove)).collect();
    assert_eq!(seen, [(owner.id, true, true, true), (reception.id, false, true, true)]);
    assert_eq!(view.invitations.len(), 1);
    assert_eq!(
        (view.invitations[0].email.as_str(), view.invitations[0].by.as_ref()),
        (email.as_str(), Some(&owner.name))
    );

    let view = house.identity().team(&reception.me).await.unwrap();
    assert!(!view.may_invite && view.members.iter().all(|member| !member.may_change && !member.may_remove));
    assert_eq!(house.logged(practice, "team.read").await, 2);
}

#[tokio::test]
async fn an_invitation_gives_its_link_once_and_mails_it() {
    let house = House::open().await;
    let practice = house.practice().await;
    let owner = house.signed_in(practice, &[Role::Owner]).await;
    let (email, key) = (address(&house), house.key());
    let first = house.identity().invite(&owner.me, &email, "", roles(&RECEPTION), key).await.unwrap();
    let retry = house.identity().invite(&owner.me, &email, "", roles(&RECEPTION), key).await.unwrap();
    assert_eq!((first.id, first.expires_at), (retry.id, retry.expires_at));
    let link = first.link.unwrap();
    assert!(retry.link.is_none(), "the link was shown once");
    let [id] = house.store.due_letters(practice).await.unwrap()[..] else { panic!("mailed once") };
    let letter = house.store.claim_letter(practice, id).await.unwrap().unwrap().letter;
    assert_eq!(letter.to, email);
    assert!(letter.text.contains(link.expose().as_str()));
    assert_eq!(house.logged(practice, "team.invite").await, 1);
}

fn refused<T>(answer: Result<T, InviteError>) -> bool {
    matches!(answer, Err(InviteError::Store(StoreError::Refused { .. })))
}

#[tokio::test]
async fn only_owners_and_administrators_invite_and_only_owners_make_owners() {
    let house = House::open().await;
    let practice = house.practice().await;
    let owner = house.signed_in(practice, &[Role::Owner]).await;
    let administrator = house.signed_in(practice, &[Role::Administrator]).await;
    let practitioner = house.signed_in(practice, &[Role::Practitioner]).await;
    let email = address(&house);
    let invite = async |who: &SignedInPerson, role: Role| {
        house.identity().invite(&who.me, &email, "", roles(&[role]), house.key()).await
    };
    assert!(refused(invite(&practitioner, Role::Reception).await));
    assert!(refused(invite(&administrator, Role::Owner).await));
    assert!(invite(&administrator, Role::Reception).await.is_ok());
    assert!(invite(&owner, Role::Owner).await.is_ok());
    assert_eq!(house.logged(practice, "team.invite.refused").await, 2);

    // The owner's invitation can be taken back by owners only.
    let open = house.identity().team(&owner.me).await.unwrap().invitations;
    assert_eq!(open.len(), 1, "the second took the place of the first");
    let id = open[0].id;
    assert!(refused(house.identity().revoke_invitation(&administrator.me, id, house.key()).await));
    house.identity().revoke_invitation(&owner.me, id, house.key()).await.unwrap();
    let again = house.identity().revoke_invitation(&owner.me, id, house.key()).await;
    assert!(matches!(again, Err(InviteError::Settled)));
}

#[tokio::test]
async fn a_member_is_not_invited_again() {
    let house = House::open().await;
    let practice = house.practice().await;
    let owner = house.signed_in(practice, &[Role::Owner]).await;
    let upper = owner.email.to_uppercase();
    let answer = house.identity().invite(&owner.me, &upper, "", roles(&RECEPTION), house.key()).await;
    assert!(matches!(answer, Err(InviteError::OnTheTeam)));
}

#[tokio::test]
async fn an_invitation_of_another_practice_is_missing() {
    let house = House::open().await;
    let (one, two) = (house.practice().await, house.practice().await);
    let (mine, theirs) = (house.signed_in(one, &[Role::Owner]).await, house.signed_in(two, &[Role::Owner]).await);
    let invited =
        house.identity().invite(&theirs.me, &address(&house), "", roles(&RECEPTION), house.key()).await.unwrap();
    let answer = house.identity().revoke_invitation(&mine.me, invited.id, house.key()).await;
    assert!(matches!(answer, Err(InviteError::Store(StoreError::Missing))));
    let member = house.identity().member(&mine.me, theirs.id).await;
    assert!(matches!(member, Err(StoreError::Missing)));
    let removal = house.identity().remove_member(&mine.me, theirs.id, house.key()).await;
    assert!(matches!(removal, Err(TeamError::Store(StoreError::Missing))));
}

#[tokio::test]
async fn changed_roles_are_in_effect_at_the_next_request() {
    let house = House::open().await;
    let practice = house.practice().await;
    let owner = house.signed_in(practice, &[Role::Owner]).await;
    let member = house.signed_in(practice, &RECEPTION).await;
    assert!(house.store.enter(&member.actor).await.unwrap().ask::<ReadTeam>(Resource::Practice).await.is_ok());
    let may_invite = async || {
        let threshold = house.store.enter(&member.actor).await.unwrap();
        threshold.ask_once::<Invite>(Resource::Practice, house.key(), &()).await.is_ok()
    };
    assert!(!may_invite().await);
    let seen = version(&house, &owner, member.id).await;
    let key = house.key();
    for _ in 0..2 {
        let new = roles(&[Role::Administrator]);
        house.identity().change_roles(&owner.me, member.id, new, seen, key).await.unwrap();
    }
    assert!(may_invite().await);
    assert_eq!(house.logged(practice, "team.roles").await, 1, "the retry did nothing more");
}

#[tokio::test]
async fn roles_changed_by_somebody_else_meanwhile_are_a_conflict() {
    let house = House::open().await;
    let practice = house.practice().await;
    let owner = house.signed_in(practice, &[Role::Owner]).await;
    let member = house.person(practice, &RECEPTION).await;
    let seen = version(&house, &owner, member.id).await;
    let change =
        async |to: Role| house.identity().change_roles(&owner.me, member.id, roles(&[to]), seen, house.key()).await;
    change(Role::Finance).await.unwrap();
    assert!(matches!(change(Role::Practitioner).await, Err(TeamError::Store(StoreError::Conflict))));
}

#[tokio::test]
async fn administrators_change_no_owner_and_make_none() {
    let house = House::open().await;
    let practice = house.practice().await;
    let owner = house.signed_in(practice, &[Role::Owner]).await;
    let administrator = house.signed_in(practice, &[Role::Administrator]).await;
    let member = house.person(practice, &RECEPTION).await;
    let refused = |answer: Result<(), TeamError>| matches!(answer, Err(TeamError::Store(StoreError::Refused { .. })));
    let identity = house.identity();
    let me = &administrator.me;
    assert!(refused(identity.change_roles(me, owner.id, roles(&RECEPTION), 1, house.key()).await));
    assert!(refused(identity.remove_member(me, owner.id, house.key()).await));
    assert!(refused(identity.change_roles(me, member.id, roles(&[Role::Owner]), 1, house.key()).await));
    assert!(refused(identity.change_roles(me, administrator.id, roles(&[Role::Owner]), 1, house.key()).await));
    identity.change_roles(me, member.id, roles(&[Role::Finance]), 1, house.key()).await.unwrap();
    identity.remove_member(me, member.id, house.key()).await.unwrap();
}

#[tokio::test]
async fn the_last_owner_stays() {
    let house = House::open().await;
    let practice = house.practice().await;
    let owner = house.signed_in(practice, &[Role::Owner]).await;
    let identity = house.identity();
    let answer = identity.change_roles(&owner.me, owner.id, roles(&RECEPTION), 1, house.key()).await;
    assert!(matches!(answer, Err(TeamError::LastOwner)));
    let answer = identity.remove_member(&owner.me, owner.id, house.key()).await;
    assert!(matches!(answer, Err(TeamError::LastOwner)));

    let second = house.person(practice, &RECEPTION).await;
    identity.change_roles(&owner.me, second.id, roles(&[Role::Owner]), 1, house.key()).await.unwrap();
    identity.change_roles(&owner.me, owner.id, roles(&RECEPTION), 1, house.key()).await.unwrap();
    let threshold = house.store.enter(&owner.actor).await.unwrap();
    let asked = threshold.ask_once::<ChangeRoles>(Resource::Member(second.id), house.key(), &()).await;
    assert!(matches!(asked, Err(StoreError::Refused { .. })), "who was an owner is none any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_owners_who_remove_each_other_at_once_leave_one() {
    let house = House::open().await;
    let practice = house.practice().await;
    let (one, two) = (house.signed_in(practice, &[Role::Owner]).await, house.signed_in(practice, &[Role::Owner]).await);
    let identity = house.identity();
    let (a, b) = futures_util::future::join(
        identity.remove_member(&one.me, two.id, house.key()),
        identity.remove_member(&two.me, one.id, house.key()),
    )
    .await;
    assert_eq!([&a, &b].iter().filter(|answer| answer.is_ok()).count(), 1, "{a:?} {b:?}");
}

#[tokio::test]
async fn a_removed_member_is_out_at_the_next_request() {
    let house = House::open().await;
    let (practice, other) = (house.practice().await, house.practice().await);
    let owner = house.signed_in(practice, &[Role::Owner]).await;
    let person = house.person(practice, &[Role::Administrator]).await;
    house.wait(crate::seconds(1));
    house.add_to(other, &person, &RECEPTION).await;
    let member = house.sign_in(person).await;
    let email = address(&house);
    house.identity().invite(&member.me, &email, "", roles(&RECEPTION), house.key()).await.unwrap();

    let key = house.key();
    for _ in 0..2 {
        house.identity().remove_member(&owner.me, member.id, key).await.unwrap();
    }
    let known = house.store.enter(&member.actor).await.unwrap().known().await.map(|_| ());
    assert!(matches!(known, Err(StoreError::SignedOut)), "an actor of before");
    let me = house.me(&member.cookie).await.unwrap();
    assert_eq!(me.practice(), None, "the browser has left the practice");
    let greeting = house.identity().greeting(&me).await.unwrap();
    assert_eq!(greeting.practices.iter().map(|practice| practice.id).collect::<Vec<_>>(), [other]);
    assert!(house.identity().switch_practice(&me, practice, house.key()).await.is_err());
    house.identity().switch_practice(&me, other, house.key()).await.unwrap();

    let view = house.identity().team(&owner.me).await.unwrap();
    assert!(view.members.iter().all(|seen| seen.id != member.id));
    assert!(view.invitations.is_empty(), "what a removed member has offered is taken back");
    assert_eq!(house.logged(practice, "team.remove").await, 1);
    assert_eq!(house.logged(PracticeId::HOUSE, "door.close").await, 1);
    let (next, _) = house.another_browser(&member).await;
    assert_eq!(next.practice(), Some(other));
}

#[tokio::test]
async fn a_removal_that_was_killed_half_way_is_finished_by_the_retry() {
    let house = House::open().await;
    let practice = house.practice().await;
    let owner = house.signed_in(practice, &[Role::Owner]).await;
    let member = house.signed_in(practice, &RECEPTION).await;
    let key = house.key();
    house.identity().remove_member(&owner.me, member.id, key).await.unwrap();
    // As it was before the second commit: the membership has ended, the door is still there.
    let client = testkit::servers().await.superuser(testkit::DATA).await;
    client.batch_execute("set session_replication_role = replica").await.unwrap();
    let door = "insert into door (practice_id, id, row_version, seal_version, event_id, person_id, opens, created_at)
                values ($1, gen_random_uuid(), 1, 1, gen_random_uuid(), $2, $3, now())";
    client.execute(door, &[&PracticeId::HOUSE.uuid(), &member.id.uuid(), &practice.uuid()]).await.unwrap();
    let me = house.me(&member.cookie).await.unwrap();
    assert!(house.identity().switch_practice(&me, practice, house.key()).await.is_err(), "such a door opens nothing");
    assert!(house.identity().greeting(&me).await.unwrap().practices.is_empty());

    house.identity().remove_member(&owner.me, member.id, key).await.unwrap();
    let left = client.query("select 1 from door where person_id = $1", &[&member.id.uuid()]).await.unwrap();
    assert!(left.is_empty());
}
