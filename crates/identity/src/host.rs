//! What the host sees and does from the command line, besides founding: which practices there are,
//! who is on a team, shutting and opening a person's doors.

use jiff::Timestamp;
use kernel::{PersonId, PracticeId, Source};
use serde_json::Value;
use store::{Event, Job, Roles, StoreError, Versioned};

use crate::known::{ACTIVE, email_token, end_all};
use crate::rows::PersonPatch;
use crate::{HostReadTeam, Identity, ListPractices, ReadAccount, RestorePerson, SuspendPerson, reads};

/// A practice, as the host lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPractice {
    /// Its id.
    pub id: PracticeId,
    /// Its short name.
    pub slug: String,
    /// Its name; `None` if its row does not open.
    pub name: Option<String>,
    /// Whether people can enter it.
    pub active: bool,
}

/// A member of a team, as the host lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPerson {
    /// Who.
    pub id: PersonId,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Their roles.
    pub roles: Roles,
    /// Since when.
    pub joined_at: Timestamp,
}

impl Identity {
    /// The practice of a slug.
    pub async fn practice_by_slug(&self, slug: &str) -> Result<Option<PracticeId>, StoreError> {
        let tx = self.store.host::<ListPractices>(Job::Founding).await?;
        let listing = reads::listing_by_slug(&tx, slug).await?;
        tx.keep_counts().await?;
        Ok(listing.map(|listing| listing.id))
    }

    /// Every practice of this installation, by slug.
    pub async fn list_practices(&self) -> Result<Vec<ListedPractice>, StoreError> {
        let tx = self.store.host::<ListPractices>(Job::Founding).await?;
        let listings = reads::listings(&tx).await?;
        tx.commit(Event::new(), Value::Null).await?;
        let mut all = Vec::with_capacity(listings.len());
        for listing in listings {
            let name = match self.practice_name(listing.id).await {
                Ok(name) => Some(name),
                Err(StoreError::Damaged(_) | StoreError::NoKey { .. } | StoreError::Missing) => None,
                Err(other) => return Err(other),
            };
            all.push(ListedPractice { id: listing.id, slug: listing.slug, name, active: listing.state == ACTIVE });
        }
        Ok(all)
    }

    /// Who is on a practice's team.
    pub async fn list_people(&self, practice: PracticeId) -> Result<Vec<ListedPerson>, StoreError> {
        self.store.know(practice).await?;
        let mut tx = self.store.host::<HostReadTeam>(Job::Founding).await?;
        tx.step_into(practice).await?;
        tx.tell_here();
        let rows = reads::team(&tx).await?;
        let open = tx.open(rows).await?;
        tx.commit(Event::new().about("practice", practice.uuid()), Value::Null).await?;
        open.into_iter()
            .map(|member| {
                let member = member?;
                Ok(ListedPerson {
                    id: member.id,
                    name: member.display_name,
                    email: member.email,
                    roles: roles_in(&member.roles)?,
                    joined_at: member.joined_at,
                })
            })
            .collect()
    }

    /// The person who signs in with an address.
    pub async fn person_by_email(&self, email: &str) -> Result<Option<PersonId>, StoreError> {
        let tx = self.store.host::<ListPractices>(Job::Founding).await?;
        let token = email_token(&tx, email).await?;
        let row = reads::person_by_email(&tx, &token).await?;
        tx.keep_counts().await?;
        Ok(row.map(|row| row.id))
    }

    /// Shuts every door to a person: they cannot sign in, and their sessions end.
    pub async fn suspend_person(&self, person: PersonId) -> Result<(), StoreError> {
        let mut tx = self.store.host::<SuspendPerson>(Job::Founding).await?;
        let row = reads::lock_person(&tx, person).await?;
        let patch = PersonPatch { state: Some("suspended".to_owned()), ..PersonPatch::default() };
        tx.amend(&row, Versioned(row.row_version), patch).await?;
        end_all(&mut tx, person, None, "suspended").await?;
        tx.commit(Event::new().about("person", person.uuid()), Value::Null).await.map(drop)
    }

    /// Lets a suspended person sign in again.
    pub async fn restore_person(&self, person: PersonId) -> Result<(), StoreError> {
        let mut tx = self.store.host::<RestorePerson>(Job::Founding).await?;
        let row = reads::lock_person(&tx, person).await?;
        let patch = PersonPatch { state: Some(ACTIVE.to_owned()), ..PersonPatch::default() };
        tx.amend(&row, Versioned(row.row_version), patch).await?;
        tx.commit(Event::new().about("person", person.uuid()), Value::Null).await.map(drop)
    }

    /// A practice's name, for its own people and for those it invites. A name on a door is no record:
    /// there is no event.
    pub(crate) async fn practice_name(&self, practice: PracticeId) -> Result<String, StoreError> {
        self.store.know(practice).await?;
        let mut tx = self.store.visit::<ReadAccount>(Source::Host).await?;
        tx.step_into(practice).await?;
        let row = reads::practice(&tx).await?.ok_or(StoreError::Missing)?;
        let open = tx.open(row).await??;
        tx.keep_counts().await?;
        Ok(open.name)
    }
}

/// The roles that a row holds.
pub(crate) fn roles_in(text: &str) -> Result<Roles, StoreError> {
    text.parse().map_err(|_| StoreError::Unreadable { what: "roles" })
}
