//! Founding practices and their first people.

use identity::founding::{FoundError, NewPerson, NewPersonError, NewPractice};
use identity::password::{NewPasswordError, Password};
use identity::team::{InviteError, TeamError};
use kernel::PracticeId;
use store::{Role, Roles};
use testkit::{House, PASSWORD};

fn practice(slug: &str) -> NewPractice {
    NewPractice {
        slug: slug.to_owned(),
        name: "Rivonia North".to_owned(),
        time_zone: "Africa/Johannesburg".to_owned(),
        country: "ZA".to_owned(),
    }
}

#[tokio::test]
async fn a_founded_practice_is_listed_under_its_name() {
    let house = House::open().await;
    let slug = house.unique("rivonia");
    let id = house.identity().found_practice(&practice(&slug)).await.unwrap();
    assert_eq!(house.identity().practice_by_slug(&slug).await.unwrap(), Some(id));
    let all = house.identity().list_practices().await.unwrap();
    let listed = all.iter().find(|listed| listed.id == id).unwrap();
    assert_eq!((listed.name.as_deref(), listed.active), (Some("Rivonia North"), true));
}

#[tokio::test]
async fn a_slug_is_taken_once_also_by_two_at_once() {
    let house = House::open().await;
    let (one, two) = (practice(&house.unique("once")), house.identity());
    let (first, second) = futures_util::future::join(two.found_practice(&one), two.found_practice(&one)).await;
    assert_eq!([first.is_ok(), second.is_ok()].iter().filter(|founded| **founded).count(), 1);
    let third = two.found_practice(&one).await;
    assert!(matches!(third, Err(FoundError::SlugTaken { .. })));
}

#[tokio::test]
async fn a_founding_that_was_killed_after_the_keys_is_run_again() {
    let house = House::open().await;
    // What is left of it: keys that nothing was sealed with.
    let lost = PracticeId::new(testkit::START, house.store.entropy());
    house.store.found_keys(lost).await.unwrap();
    let slug = house.unique("again");
    let id = house.identity().found_practice(&practice(&slug)).await.unwrap();
    assert_ne!(id, lost);
    house.signed_in(id, &[Role::Owner]).await;
}

#[tokio::test]
async fn what_does_not_fit_is_said_in_words() {
    let house = House::open().await;
    let good = practice(&house.unique("words"));
    let wrong = [
        (NewPractice { slug: "Rivonia North".to_owned(), ..good.clone() }, "small letters"),
        (NewPractice { slug: "-".to_owned(), ..good.clone() }, "small letters"),
        (NewPractice { name: " ".to_owned(), ..good.clone() }, "1 to 200"),
        (NewPractice { time_zone: "Mars/Olympus".to_owned(), ..good.clone() }, "Africa/Johannesburg"),
        (NewPractice { country: "South Africa".to_owned(), ..good.clone() }, "two capital letters"),
    ];
    for (new, words) in wrong {
        let said = house.identity().found_practice(&new).await.unwrap_err().to_string();
        assert!(said.contains(words), "{said}");
    }
}

#[tokio::test]
async fn the_hosts_link_makes_the_first_owner_and_is_replaced_by_the_next() {
    let house = House::open().await;
    let practice = house.practice().await;
    let email = format!("{}@example.org", house.unique("first"));
    let roles = Roles::of([Role::Owner]);
    let token = |link: kernel::Secret<String>| link.expose().rsplit('/').next().unwrap().to_owned();
    let first = house.identity().found_person(practice, &email, "Naledi First", roles).await.unwrap();
    let second = house.identity().found_person(practice, &email, "Naledi First", roles).await.unwrap();
    let (first, second) = (token(first.link.unwrap()), token(second.link.unwrap()));
    assert!(house.identity().invitation(practice, &first, &house.source).await.is_err());
    let view = house.identity().invitation(practice, &second, &house.source).await.unwrap();
    assert_eq!((view.name.as_str(), view.email.as_str(), view.roles), ("Naledi First", email.as_str(), roles));
    assert_eq!((view.invited_by, view.has_account), (None, false));
}

#[tokio::test]
async fn a_demonstration_person_is_held_to_the_rules() {
    let house = House::open().await;
    let practice = house.practice().await;
    let good = NewPerson {
        email: format!("{}@example.org", house.unique("demo")),
        name: "Demo Person".to_owned(),
        roles: Roles::of([Role::Practitioner]),
        password: Password::typed(PASSWORD),
    };
    let identity = house.identity();
    let found = async |new: NewPerson| identity.found_person_with(practice, &new).await.unwrap_err();
    let poor = found(NewPerson { password: Password::typed("password1234"), ..good.clone() }).await;
    assert!(matches!(poor, NewPersonError::Password(NewPasswordError::Refused(_))));
    assert!(matches!(found(NewPerson { email: "demo".to_owned(), ..good.clone() }).await, NewPersonError::Email));
    assert!(matches!(found(NewPerson { roles: Roles::default(), ..good.clone() }).await, NewPersonError::NoRoles));

    let founded = identity.found_person_with(practice, &good).await.unwrap();
    let secrets = founded.secrets.unwrap();
    assert!(secrets.enrolment.url.expose().contains("Harbour%20Street"));
    assert_eq!(secrets.codes.len(), 10);
    assert!(matches!(found(good.clone()).await, NewPersonError::OnTheTeam));
    let people = identity.list_people(practice).await.unwrap();
    assert_eq!(people.len(), 1);
    assert_eq!((people[0].id, people[0].email.as_str()), (founded.person, good.email.as_str()));
    assert_eq!(identity.person_by_email(&good.email).await.unwrap(), Some(founded.person));
}

#[tokio::test]
async fn invitations_need_an_address_and_a_role() {
    let house = House::open().await;
    let practice = house.practice().await;
    for email in ["", "nobody", "no one@example.org", "a@b", "a@example.org\nBcc: b@example.org"] {
        let answer = house.identity().found_person(practice, email, "", Roles::of([Role::Owner])).await;
        assert!(matches!(answer, Err(InviteError::Email)), "{email}");
    }
    let answer = house.identity().found_person(practice, "a@example.org", "", Roles::default()).await;
    assert!(matches!(answer, Err(InviteError::NoRoles)));
    let owner = house.signed_in(practice, &[Role::Owner]).await;
    let answer = house.identity().change_roles(&owner.me, owner.id, Roles::default(), 1, house.key()).await;
    assert!(matches!(answer, Err(TeamError::NoRoles)));
}
