//! Accepting an invitation: by somebody new, who chooses a password and then sets up an authenticator
//! as at every first sign-in; or by somebody signed in, with one press.
//!
//! Invariants: a link is good once, for seven days, and for the address that it was made for. Who
//! tries links that are none is slowed down by their network.

use kernel::{ErrorKind, IdempotencyKey, PersonId, PracticeId, Source};
use serde_json::{Value, json};
use store::{Event, HouseAction, HouseOnce, HouseTx, Roles, StoreError, Versioned};

use super::invite::settle;
use crate::counting::{Wait, attempt, give_back, network};
use crate::founding::NewMember;
use crate::host::roles_in;
use crate::known::{ACTIVE, email_token, person_name};
use crate::password::{NewPasswordError, Password};
use crate::password_rules::ContextWords;
use crate::rows::{Invitation, InvitationRow, Person, PersonRow, SessionPatch};
use crate::sign_in::{HalfSignedIn, id_in};
use crate::throttle::Rule;
use crate::token::{ForInvitation, Token};
use crate::{Identity, JoinTeam, Me, ReadInvitation, ReissueToken, reads};

/// What an open invitation offers.
#[derive(Debug, Clone)]
pub struct InvitationView {
    /// The practice's name.
    pub practice: String,
    /// Who invited; `None` for the host, and for members who have left.
    pub invited_by: Option<String>,
    /// The roles that it offers.
    pub roles: Roles,
    /// The address that it was made for: it becomes the sign-in.
    pub email: String,
    /// The name that it was made for; empty if none was given.
    pub name: String,
    /// Whether somebody has an account with that address: they sign in and accept.
    pub has_account: bool,
}

/// Why an invitation was not accepted, in words for the form.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// No such link, or it was used, taken back or is too old.
    #[error("This link works no more: ask the practice for another")]
    Ended,
    /// Too many links that are none.
    #[error(transparent)]
    Wait(#[from] Wait),
    /// The address has an account.
    #[error("There is an account with this address already: sign in, then open the link again")]
    SignInFirst,
    /// The invitation was made for another address than that of the account.
    #[error("This invitation is for another address: sign in with that one, or ask for an invitation to yours")]
    AnotherAddress,
    /// The person is a member already.
    #[error("You are on this team already")]
    OnTheTeam,
    /// No name, or one that is too long.
    #[error("Enter your name in 1 to 200 characters")]
    Name,
    /// The password may not be chosen.
    #[error(transparent)]
    Password(#[from] NewPasswordError),
    /// The doors failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl JoinError {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Ended => ErrorKind::Missing,
            Self::Wait(_) => ErrorKind::Busy,
            Self::SignInFirst | Self::OnTheTeam => ErrorKind::Conflict,
            Self::AnotherAddress => ErrorKind::Forbidden,
            Self::Name | Self::Password(NewPasswordError::Refused(_)) => ErrorKind::Invalid,
            Self::Password(NewPasswordError::Hash(error)) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }
}

/// A link that has been opened: counted, the practice's keys at hand.
struct Link {
    practice: PracticeId,
    hash: [u8; 32],
}

impl Identity {
    /// What an invitation offers, if it can still be accepted.
    pub async fn invitation(
        &self,
        practice: PracticeId,
        token: &str,
        source: &Source,
    ) -> Result<InvitationView, JoinError> {
        let link = self.open_link(practice, token, source).await?;
        let mut tx = self.store.visit::<ReadInvitation>(source.clone()).await?;
        let row = lock_link(&mut tx, &link).await?;
        acceptable(&row, &tx)?;
        tx.step_into(practice).await?;
        tx.tell_here();
        let by = reads::active_membership(&tx, PersonId::from_uuid(row.invited_by)).await?;
        let practice_row = reads::practice(&tx).await?.ok_or(StoreError::Missing)?;
        let (id, read) = (row.id, (row, by, practice_row));
        let (invitation, by, practice_open) = tx.open(read).await?;
        let invitation = invitation.map_err(StoreError::from)?;
        let practice_open = practice_open.map_err(StoreError::from)?;
        tx.step_into(PracticeId::HOUSE).await?;
        let email = email_token(&tx, &invitation.email).await?;
        let has_account = reads::person_by_email(&tx, &email).await?.is_some();
        tx.commit(Event::new().about("invitation", id.uuid()), Value::Null).await?;
        Ok(InvitationView {
            practice: practice_open.name,
            invited_by: by.and_then(Result::ok).map(|member| member.display_name),
            roles: roles_in(&invitation.roles)?,
            email: invitation.email,
            name: invitation.display_name,
            has_account,
        })
    }

    /// Accepts as somebody new. What comes back leads to setting up the authenticator, which must be
    /// done before there is a session; who leaves before that signs in later and does it then.
    pub async fn join_new(
        &self,
        practice: PracticeId,
        token: &str,
        name: &str,
        password: &Password,
        source: &Source,
        key: IdempotencyKey,
    ) -> Result<HalfSignedIn, JoinError> {
        let name = person_name(name).ok_or(JoinError::Name)?;
        let link = self.open_link(practice, token, source).await?;
        // What the password must not be built on.
        let mut tx = self.store.visit::<JoinTeam>(source.clone()).await?;
        let row = lock_link(&mut tx, &link).await?;
        tx.step_into(practice).await?;
        let invitation = tx.open(row).await?.map_err(StoreError::from)?;
        tx.keep_counts().await?;
        let practice_name = self.practice_name(practice).await?;
        let words = ContextWords::new([practice_name.as_str(), invitation.email.as_str(), name.as_str()]);
        let hash = self.hasher.hash_new(password, &words).await?;

        let mut tx = self.store.visit::<JoinTeam>(source.clone()).await?;
        let row = lock_link(&mut tx, &link).await?;
        let mut tx = match tx.once(key, &(row.id, &name)).await? {
            HouseOnce::Done(outcome) => return self.joined_before(&outcome, password, source).await,
            HouseOnce::Fresh(tx) => tx,
        };
        acceptable(&row, &tx)?;
        let email_token = email_token(&tx, &invitation.email).await?;
        if reads::person_by_email(&tx, &email_token).await?.is_some() {
            return Err(JoinError::SignInFirst);
        }
        let (at, person) = (tx.at(), tx.new_person().await?);
        tx.insert::<PersonRow>(Person {
            id: person,
            row_version: 1,
            email_token,
            state: ACTIVE.to_owned(),
            created_at: at,
            secured_at: at,
            display_name: name.clone(),
            email: invitation.email.clone(),
            language: None,
            password: Some(hash),
            totp: None,
        })
        .await?;
        let person_row = reads::lock_person(&tx, person).await?;
        let (half, half_id) = self.insert_half(&mut tx, &person_row).await?;
        self.accept(&mut tx, practice, &row, NewMember::invited(person, name, &invitation)?).await?;
        let outcome = json!({ "person": person, "half": half_id });
        let done = tx.commit(Event::new().about("person", person.uuid()), outcome.clone()).await?;
        if done == outcome { Ok(half) } else { self.joined_before(&done, password, source).await }
    }

    /// Accepts as oneself, signed in. The browser is in the practice afterwards.
    pub async fn join(&self, me: &Me, practice: PracticeId, token: &str, key: IdempotencyKey) -> Result<(), JoinError> {
        let link = self.open_link(practice, token, &me.source).await?;
        let (mut tx, person_row) = self.own::<JoinTeam>(me).await?;
        let row = lock_link(&mut tx, &link).await?;
        let HouseOnce::Fresh(mut tx) = tx.once(key, &row.id).await? else { return Ok(()) };
        acceptable(&row, &tx)?;
        tx.step_into(practice).await?;
        let invitation = tx.open(row.clone()).await?.map_err(StoreError::from)?;
        tx.step_into(PracticeId::HOUSE).await?;
        if email_token(&tx, &invitation.email).await? != person_row.email_token {
            return Err(JoinError::AnotherAddress);
        }
        // Whoever was invited may not be who signs in since: this practice has not agreed to that.
        if reads::reset_elsewhere_since(&tx, me.person(), practice, row.created_at).await? {
            return Err(JoinError::Ended);
        }
        let person = tx.open(person_row).await?.map_err(StoreError::from)?;
        self.accept(&mut tx, practice, &row, NewMember::invited(person.id, person.display_name, &invitation)?).await?;
        let session = reads::session(&tx, me.session()).await?.ok_or(StoreError::SignedOut)?;
        let patch = SessionPatch { entered: Some(Some(practice)), ..SessionPatch::default() };
        tx.amend(&session, Versioned(session.row_version), patch).await?;
        tx.commit(Event::new().about("person", me.person().uuid()), Value::Null).await?;
        Ok(())
    }

    /// Counts the opening of a link until there proves to be such a link, and makes the practice's keys
    /// known.
    async fn open_link(&self, practice: PracticeId, token: &str, source: &Source) -> Result<Link, JoinError> {
        let tx = self.store.visit::<ReadInvitation>(source.clone()).await?;
        let network = network(source);
        attempt(&tx, Rule::LinkNetwork, &network).await??;
        let listed = reads::is_listed(&tx, practice).await?;
        tx.keep_counts().await?;
        let token = Token::<ForInvitation>::parse(token).map_err(|_| JoinError::Ended)?;
        if !listed {
            return Err(JoinError::Ended);
        }
        self.store.know(practice).await?;
        let link = Link { practice, hash: *token.hash().bytes() };
        let mut tx = self.store.visit::<ReadInvitation>(source.clone()).await?;
        lock_link(&mut tx, &link).await?;
        give_back(&tx, Rule::LinkNetwork, &network, 1).await?;
        tx.keep_counts().await?;
        Ok(link)
    }

    /// Writes membership and door, and closes the invitation.
    async fn accept(
        &self,
        tx: &mut HouseTx<JoinTeam>,
        practice: PracticeId,
        row: &InvitationRow,
        member: NewMember,
    ) -> Result<(), JoinError> {
        let person = member.person;
        if !self.add_member(tx, practice, member).await? {
            return Err(JoinError::OnTheTeam);
        }
        tx.step_into(practice).await?;
        settle(tx, row, "accepted", Some(person)).await?;
        tx.step_into(PracticeId::HOUSE).await?;
        Ok(())
    }

    /// The answer was lost: gives another token for the same half sign-in.
    async fn joined_before(
        &self,
        outcome: &Value,
        password: &Password,
        source: &Source,
    ) -> Result<HalfSignedIn, JoinError> {
        let person = id_in(outcome, "person").map(PersonId::from_uuid).ok_or(JoinError::SignInFirst)?;
        self.chosen_before::<JoinError>(person, password, source).await?;
        let mut tx = self.store.visit::<ReissueToken>(source.clone()).await?;
        reads::lock_person(&tx, person).await?;
        // Finished, or too late: the account is there, and its password is known to whoever chose it.
        let half = self.reissue_half_in(&mut tx, outcome).await?.ok_or(JoinError::SignInFirst)?;
        tx.commit(Event::new().about("person", person.uuid()), Value::Null).await?;
        Ok(half)
    }
}

impl NewMember {
    fn invited(person: PersonId, name: String, invitation: &Invitation) -> Result<Self, StoreError> {
        Ok(Self {
            person,
            name,
            email: invitation.email.clone(),
            title: invitation.title.clone(),
            roles: roles_in(&invitation.roles)?,
        })
    }
}

/// The invitation that a link names, locked, whatever has become of it. The transaction points at the
/// house before and after.
async fn lock_link<A: HouseAction>(tx: &mut HouseTx<A>, link: &Link) -> Result<InvitationRow, JoinError> {
    tx.step_into(link.practice).await?;
    let row = reads::lock_invitation(tx, &link.hash).await?;
    tx.step_into(PracticeId::HOUSE).await?;
    row.ok_or(JoinError::Ended)
}

fn acceptable<A: HouseAction>(row: &InvitationRow, tx: &HouseTx<A>) -> Result<(), JoinError> {
    if row.status == "open" && row.expires_at > tx.at() { Ok(()) } else { Err(JoinError::Ended) }
}
