//! Founding a practice and its first people, from the command line of the host.
//!
//! A founding that is killed leaves nothing behind but unused keys in the keyring: the keys come
//! first, the practice in one commit after them. Running it again founds it.

use jiff::Timestamp;
use kernel::{ErrorKind, PersonId, PracticeId, Secret};
use serde_json::{Value, json};
use store::{Event, HouseTx, Job, Roles, StoreError};

use crate::known::{ACTIVE, address, email_token, person_name};
use crate::password::{NewPasswordError, Password};
use crate::password_rules::ContextWords;
use crate::rows::{
    Door, DoorRow, Listing, ListingRow, Membership, MembershipRow, Person, PersonRow, Practice, PracticeRow,
};
use crate::second::Enrolment;
use crate::team::InviteError;
use crate::team::invite::{Invited, NewInvitation};
use crate::team::sign_in_rule::ANY;
use crate::totp::TotpSecret;
use crate::{FoundPerson, FoundPractice, HostInvite, Identity, reads};

/// A practice to be founded.
#[derive(Debug, Clone)]
pub struct NewPractice {
    /// Its short name for addresses and the command line: `rivonia-north`.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its time zone, by IANA's name: `Africa/Johannesburg`.
    pub time_zone: String,
    /// Its country, by ISO 3166's two letters: `ZA`.
    pub country: String,
}

/// Why a practice was not founded.
#[derive(Debug, thiserror::Error)]
pub enum FoundError {
    /// The slug has another form.
    #[error("write the short name in 2 to 63 small letters, digits and hyphens, such as rivonia-north")]
    Slug,
    /// The name is empty or too long.
    #[error("write the practice's name in 1 to 200 characters")]
    Name,
    /// The time zone is not known.
    #[error("write the time zone by its IANA name, such as Africa/Johannesburg")]
    TimeZone,
    /// The country has another form.
    #[error("write the country by its two capital letters (ISO 3166), such as ZA")]
    Country,
    /// There is a practice of that slug.
    #[error("there is a practice called {slug} already: choose another short name, or use that practice")]
    SlugTaken {
        /// The slug.
        slug: String,
    },
    /// The doors failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl FoundError {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Slug | Self::Name | Self::TimeZone | Self::Country => ErrorKind::Invalid,
            Self::SlugTaken { .. } => ErrorKind::Conflict,
            Self::Store(error) => error.kind(),
        }
    }
}

/// A person to be made by the host with everything that is needed to sign in: demonstrations, tests.
#[derive(Debug, Clone)]
pub struct NewPerson {
    /// The address that they sign in with.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Their roles in the practice.
    pub roles: Roles,
    /// Their password; the same rules hold.
    pub password: Password,
}

/// A person made by the host.
#[derive(Debug)]
pub struct Founded {
    /// Who.
    pub person: PersonId,
    /// What they sign in with. `None`: the person had an account already and has only joined the practice.
    pub secrets: Option<FirstSecrets>,
}

/// What a person made by the host signs in with besides the password.
#[derive(Debug)]
pub struct FirstSecrets {
    /// The authenticator's secret.
    pub totp: TotpSecret,
    /// The same, for an authenticator.
    pub enrolment: Enrolment,
    /// Recovery codes, as printed.
    pub codes: Vec<Secret<String>>,
}

/// Why a person was not made.
#[derive(Debug, thiserror::Error)]
pub enum NewPersonError {
    /// No address, or none that a letter could reach.
    #[error("write an e-mail address, such as name@example.org")]
    Email,
    /// No name, or one that is too long.
    #[error("write a name of 1 to 200 characters")]
    Name,
    /// No roles.
    #[error("choose one role or more")]
    NoRoles,
    /// The password may not be chosen.
    #[error(transparent)]
    Password(#[from] NewPasswordError),
    /// The person is on this team already.
    #[error("this person is on the team already")]
    OnTheTeam,
    /// The doors failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl NewPersonError {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Email | Self::Name | Self::NoRoles | Self::Password(NewPasswordError::Refused(_)) => {
                ErrorKind::Invalid
            }
            Self::Password(NewPasswordError::Hash(error)) => error.kind(),
            Self::OnTheTeam => ErrorKind::Conflict,
            Self::Store(error) => error.kind(),
        }
    }
}

impl Identity {
    /// Founds a practice: its keys, its place in the house's list, its own row. The slug is what makes
    /// it happen once: a second founding says that it is taken.
    pub async fn found_practice(&self, new: &NewPractice) -> Result<PracticeId, FoundError> {
        let name = check(new)?;
        let taken = || FoundError::SlugTaken { slug: new.slug.clone() };
        if self.practice_by_slug(&new.slug).await?.is_some() {
            return Err(taken());
        }
        let practice = PracticeId::new(self.store.clock().now(), self.entropy());
        self.store.found_keys(practice).await?;
        let mut tx = self.store.host::<FoundPractice>(Job::Founding).await?;
        let listing = Listing { id: practice, row_version: 1, slug: new.slug.clone(), state: ACTIVE.to_owned() };
        match tx.insert::<ListingRow>(listing).await {
            // Somebody else was faster.
            Err(StoreError::Constraint { .. }) => return Err(taken()),
            other => other?,
        }
        tx.step_into(practice).await?;
        let (time_zone, country) = (new.time_zone.clone(), new.country.clone());
        tx.insert::<PracticeRow>(Practice {
            id: practice,
            row_version: 1,
            time_zone,
            country,
            factors: ANY.to_owned(),
            name,
        })
        .await?;
        tx.commit(Event::new().about("practice", practice.uuid()), Value::Null).await?;
        Ok(practice)
    }

    /// Invites a practice's person from the command line: gives the link, and sends no mail. An open
    /// invitation of the same address is replaced.
    pub async fn found_person(
        &self,
        practice: PracticeId,
        email: &str,
        name: &str,
        roles: Roles,
    ) -> Result<Invited, InviteError> {
        let new = NewInvitation::checked(email, name, roles)?;
        self.store.know(practice).await?;
        let mut tx = self.store.host::<HostInvite>(Job::Founding).await?;
        tx.step_into(practice).await?;
        let (invited, _) = self.write_invitation(&mut tx, practice, &new, Job::Founding.id()).await?;
        tx.commit(Event::new().about("invitation", invited.id.uuid()), Value::Null).await?;
        Ok(invited)
    }

    /// Makes a person who can sign in at once. The rules are those of an invitation that is accepted;
    /// only the second factor is not confirmed by a first code, because nobody has an authenticator.
    pub async fn found_person_with(&self, practice: PracticeId, new: &NewPerson) -> Result<Founded, NewPersonError> {
        let email = address(&new.email).ok_or(NewPersonError::Email)?;
        let name = person_name(&new.name).ok_or(NewPersonError::Name)?;
        if new.roles.is_empty() {
            return Err(NewPersonError::NoRoles);
        }
        self.store.know(practice).await?;
        let practice_name = self.practice_name(practice).await?;
        let words = ContextWords::new([practice_name.as_str(), email.as_str(), name.as_str()]);
        let password = self.hasher.hash_new(&new.password, &words).await?;

        let mut tx = self.store.host::<FoundPerson>(Job::Founding).await?;
        let at = tx.at();
        let token = email_token(&tx, &email).await?;
        let (person, secrets) = if let Some(row) = reads::person_by_email(&tx, &token).await? {
            (row.id, None)
        } else {
            let person = tx.new_person().await?;
            let totp = TotpSecret::generate(self.entropy());
            tx.insert::<PersonRow>(Person {
                id: person,
                row_version: 1,
                email_token: token,
                state: ACTIVE.to_owned(),
                created_at: at,
                secured_at: at,
                display_name: name.clone(),
                email: email.clone(),
                language: None,
                password: Some(password),
                totp: Some(totp.clone()),
            })
            .await?;
            let enrolment = Enrolment::of(&totp, &practice_name, &email);
            let codes = self.renew_codes_in(&mut tx, person).await?;
            (person, Some(FirstSecrets { totp, enrolment, codes }))
        };
        let member = NewMember { person, name, email, title: None, roles: new.roles };
        if !self.add_member(&mut tx, practice, member).await? {
            return Err(NewPersonError::OnTheTeam);
        }
        tx.commit(Event::new().about("person", person.uuid()), json!({ "person": person })).await?;
        Ok(Founded { person, secrets })
    }

    /// Writes door and membership of somebody who joins. `false`: they are a member already. The
    /// transaction points at the house before and after.
    pub(crate) async fn add_member<A: store::HouseAction>(
        &self,
        tx: &mut HouseTx<A>,
        practice: PracticeId,
        new: NewMember,
    ) -> Result<bool, StoreError> {
        let at = tx.at();
        if reads::door(tx, new.person, practice).await?.is_none() {
            let id = self.row_id(at);
            tx.insert::<DoorRow>(Door { id, row_version: 1, person_id: new.person, opens: practice, created_at: at })
                .await?;
        }
        tx.step_into(practice).await?;
        let roles = new.roles.to_string();
        match reads::membership(tx, new.person).await? {
            Some(row) if row.status == ACTIVE => return Ok(false),
            Some(row) => {
                let patch = crate::rows::MembershipPatch {
                    roles: Some(roles),
                    status: Some(ACTIVE.to_owned()),
                    joined_at: Some(at),
                    ended_at: Some(None),
                    display_name: Some(new.name),
                    email: Some(new.email),
                    title: Some(new.title),
                };
                tx.amend(&row, store::Versioned(row.row_version), patch).await?;
            }
            None => {
                tx.insert::<MembershipRow>(Membership {
                    id: new.person,
                    row_version: 1,
                    roles,
                    status: ACTIVE.to_owned(),
                    joined_at: at,
                    ended_at: None,
                    display_name: new.name,
                    email: new.email,
                    title: new.title,
                })
                .await?;
            }
        }
        tx.step_into(PracticeId::HOUSE).await?;
        Ok(true)
    }
}

/// Somebody who joins a practice.
pub(crate) struct NewMember {
    pub(crate) person: PersonId,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) title: Option<String>,
    pub(crate) roles: Roles,
}

/// The practice's name, if all of it holds together.
fn check(new: &NewPractice) -> Result<String, FoundError> {
    let slug_fits = (2..=63).contains(&new.slug.len())
        && !new.slug.starts_with('-')
        && new.slug.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if !slug_fits {
        return Err(FoundError::Slug);
    }
    if jiff::tz::TimeZone::get(&new.time_zone).is_err() {
        return Err(FoundError::TimeZone);
    }
    if new.country.len() != 2 || !new.country.chars().all(|c| c.is_ascii_uppercase()) {
        return Err(FoundError::Country);
    }
    person_name(&new.name).ok_or(FoundError::Name)
}

/// When an invitation was made, and until when it is good.
pub(crate) fn until(at: Timestamp, life: jiff::SignedDuration) -> Timestamp {
    at.saturating_add(life).unwrap_or(at)
}
