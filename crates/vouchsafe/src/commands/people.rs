//! Practices and their first people.

use identity::founding::NewPractice;
use store::{Role, Roles};

use super::{House, explained};
use crate::failure::Failure;
use crate::terminal::say;

pub(super) async fn found(
    house: &House,
    slug: String,
    name: String,
    time_zone: String,
    country: String,
) -> Result<(), Failure> {
    let new = NewPractice { slug, name, time_zone, country };
    let id = house.identity.found_practice(&new).await.map_err(|error| explained(&error))?;
    say(&format!("founded {} ({id})", new.slug));
    say(&format!("now invite its first owner: vouchsafe person invite {} E-MAIL --role owner", new.slug));
    Ok(())
}

pub(super) async fn practices(house: &House) -> Result<(), Failure> {
    let practices = house.identity.list_practices().await.map_err(|error| explained(&error))?;
    if practices.is_empty() {
        say("there is no practice yet: vouchsafe practice create SLUG --name NAME --time-zone ZONE --country XX");
    }
    for practice in practices {
        let name = practice.name.as_deref().unwrap_or("(its row does not open)");
        let state = if practice.active { "" } else { "  closed" };
        say(&format!("{:<24} {}  {name}{state}", practice.slug, practice.id));
    }
    Ok(())
}

pub(super) async fn invite(
    house: &House,
    practice: &str,
    email: &str,
    name: &str,
    roles: &[String],
) -> Result<(), Failure> {
    let id = house.practice(practice).await?;
    let roles: Result<Vec<Role>, _> = roles.iter().map(|role| role.parse()).collect();
    let roles = Roles::of(roles.map_err(|error| explained(&error))?);
    let invited = house.identity.found_person(id, email, name, roles).await.map_err(|error| explained(&error))?;
    if let Some(link) = &invited.link {
        say("Give this link to the person, and to nobody else. It is shown this once and works once:");
        say(&format!("\n  {}\n", link.expose()));
    }
    say(&format!("It is good until {}. Inviting the same address again replaces it.", invited.expires_at));
    Ok(())
}

pub(super) async fn people(house: &House, practice: &str) -> Result<(), Failure> {
    let id = house.practice(practice).await?;
    for person in house.identity.list_people(id).await.map_err(|error| explained(&error))? {
        say(&format!("{:<32} {:<28} {}", person.email, person.name, person.roles));
    }
    Ok(())
}

pub(super) async fn let_in(house: &House, practice: &str, email: &str) -> Result<(), Failure> {
    let id = house.practice(practice).await?;
    let person = house.identity.person_by_email(email).await.map_err(|error| explained(&error))?;
    let person = person.ok_or_else(|| Failure::said(format!("nobody here signs in as {email}")))?;
    let let_in = house.identity.host_lets_in(person, id).await.map_err(|error| explained(&error))?;
    say(&if let_in {
        format!("{email} may enter {practice} again, and is told so by mail")
    } else {
        format!("{email} is not held at the door of {practice}: nothing to do")
    });
    Ok(())
}
