//! Inviting by link, and taking an invitation back.

use jiff::{SignedDuration, Timestamp};
use kernel::{ErrorKind, IdempotencyKey, InvitationId, PracticeId, Secret};
use seal::normalise;
use serde_json::{Value, json};
use store::{Event, Once, Resource, Role, Roles, StoreError, Threshold, Tx, Versioned, Writes};
use uuid::Uuid;

use crate::founding::until;
use crate::host::roles_in;
use crate::known::{address, email_token, person_name};
use crate::rows::{Invitation, InvitationPatch, InvitationRow, Membership};
use crate::sign_in::id_in;
use crate::token::{ForInvitation, Token};
use crate::{Identity, Invite, InviteAsOwner, Me, ReadTeam, Uninvite, UninviteOwner, letters, reads};

/// How long an invitation can be accepted.
pub const INVITATION_LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// An invitation that stands.
#[derive(Debug)]
pub struct Invited {
    /// Its id.
    pub id: InvitationId,
    /// The link, to be shown this once. `None` for a retry: the link of the first time stands and is on
    /// its way by mail, and only its hash was kept. Who needs to see a link invites again.
    pub link: Option<Secret<String>>,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// Why nobody was invited, in words for the form.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// No address, or none that a letter could reach.
    #[error("Enter an e-mail address, such as name@example.org")]
    Email,
    /// The name is too long.
    #[error("Enter a name of 200 characters or fewer")]
    Name,
    /// No role was chosen.
    #[error("Choose one role or more")]
    NoRoles,
    /// Somebody of that address is a member.
    #[error("Somebody with this address is on the team already")]
    OnTheTeam,
    /// The invitation was accepted or taken back already.
    #[error("This invitation is no longer open")]
    Settled,
    /// The doors failed or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl InviteError {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Email | Self::Name | Self::NoRoles => ErrorKind::Invalid,
            Self::OnTheTeam | Self::Settled => ErrorKind::Conflict,
            Self::Store(error) => error.kind(),
        }
    }
}

/// What an invitation will say, checked.
pub(crate) struct NewInvitation {
    email: String,
    name: String,
    roles: Roles,
}

impl NewInvitation {
    pub(crate) fn checked(email: &str, name: &str, roles: Roles) -> Result<Self, InviteError> {
        let email = address(email).ok_or(InviteError::Email)?;
        let name = if name.trim().is_empty() { String::new() } else { person_name(name).ok_or(InviteError::Name)? };
        if roles.is_empty() {
            return Err(InviteError::NoRoles);
        }
        Ok(Self { email, name, roles })
    }
}

impl Identity {
    /// Invites somebody to the practice that one is in. The link is shown once and sent by mail. An
    /// open invitation of the same address is replaced. `name` may be empty.
    pub async fn invite(
        &self,
        me: &Me,
        email: &str,
        name: &str,
        roles: Roles,
        key: IdempotencyKey,
    ) -> Result<Invited, InviteError> {
        let new = NewInvitation::checked(email, name, roles)?;
        let actor = self.actor(me)?;
        let practice_name = self.practice_name(actor.practice()).await?;
        let threshold = self.store.enter(&actor).await?;
        if roles.has(Role::Owner) {
            self.invite_as::<InviteAsOwner>(threshold, me, &new, &practice_name, key).await
        } else {
            self.invite_as::<Invite>(threshold, me, &new, &practice_name, key).await
        }
    }

    async fn invite_as<A: Writes>(
        &self,
        threshold: Threshold,
        me: &Me,
        new: &NewInvitation,
        practice_name: &str,
        key: IdempotencyKey,
    ) -> Result<Invited, InviteError> {
        let print = (&new.email, &new.name, new.roles.to_string());
        let mut tx = match threshold.ask_once::<A>(Resource::Practice, key, &print).await? {
            Once::Done(outcome) => return known_invitation(&outcome),
            Once::Fresh(tx) => tx,
        };
        let practice = tx.practice();
        let (invited, outcome) = self.write_invitation(&mut tx, practice, new, me.person().uuid()).await?;
        if let Some(link) = &invited.link {
            tx.post(letters::invitation(&new.email, practice_name, link, invited.expires_at)).await?;
        }
        let event = Event::new().about("invitation", invited.id.uuid());
        let done = tx.commit(event, outcome.clone()).await?;
        if done == outcome { Ok(invited) } else { known_invitation(&done) }
    }

    /// Writes an invitation into the practice that the transaction points at; gives also the outcome
    /// that a retry is answered with.
    pub(crate) async fn write_invitation<A: Writes>(
        &self,
        tx: &mut Tx<A>,
        practice: PracticeId,
        new: &NewInvitation,
        by: Uuid,
    ) -> Result<(Invited, Value), InviteError> {
        reads::lock_team(tx).await?;
        let at = tx.at();
        let team = reads::team(tx).await?;
        if !tx.examine(&team, &normalise::email(&new.email), has_address).await?.ranked.is_empty() {
            return Err(InviteError::OnTheTeam);
        }
        let email_token = email_token(tx, &new.email).await?;
        if let Some(open) = reads::open_invitation_of(tx, &email_token).await? {
            settle(tx, &open, "revoked", None).await?;
        }
        let token = Token::<ForInvitation>::generate(self.entropy());
        let (id, expires_at) = (InvitationId::new(at, self.entropy()), until(at, INVITATION_LIFE));
        tx.insert::<InvitationRow>(Invitation {
            id,
            row_version: 1,
            token_hash: token.hash().bytes().to_vec(),
            email_token,
            roles: new.roles.to_string(),
            invited_by: by,
            status: "open".to_owned(),
            created_at: at,
            expires_at,
            settled_at: None,
            accepted_by: None,
            email: new.email.clone(),
            display_name: new.name.clone(),
            title: None,
        })
        .await?;
        let link = Secret::new(format!("{}/invitation/{practice}/{}", self.base_url, token.text().expose()));
        let outcome = json!({ "invitation": id, "until": expires_at });
        Ok((Invited { id, link: Some(link), expires_at }, outcome))
    }

    /// Takes an open invitation back: its link opens nothing any more.
    pub async fn revoke_invitation(
        &self,
        me: &Me,
        invitation: InvitationId,
        key: IdempotencyKey,
    ) -> Result<(), InviteError> {
        let actor = self.actor(me)?;
        // Its roles stand in the clear; nothing is opened.
        let tx = self.store.enter(&actor).await?.ask::<ReadTeam>(Resource::Practice).await?;
        let roles = roles_in(&reads::invitation(&tx, invitation).await?.roles)?;
        drop(tx);
        let threshold = self.store.enter(&actor).await?;
        if roles.has(Role::Owner) {
            revoke_as::<UninviteOwner>(threshold, invitation, key).await
        } else {
            revoke_as::<Uninvite>(threshold, invitation, key).await
        }
    }
}

async fn revoke_as<A: Writes>(
    threshold: Threshold,
    invitation: InvitationId,
    key: IdempotencyKey,
) -> Result<(), InviteError> {
    let Once::Fresh(mut tx) = threshold.ask_once::<A>(Resource::Practice, key, &invitation).await? else {
        return Ok(());
    };
    reads::lock_team(&tx).await?;
    let row = reads::invitation(&tx, invitation).await?;
    if row.status != "open" {
        return Err(InviteError::Settled);
    }
    settle(&mut tx, &row, "revoked", None).await?;
    tx.commit(Event::new().about("invitation", invitation.uuid()), Value::Null).await?;
    Ok(())
}

/// Closes an invitation.
pub(crate) async fn settle<A: Writes>(
    tx: &mut Tx<A>,
    row: &InvitationRow,
    status: &str,
    by: Option<kernel::PersonId>,
) -> Result<(), StoreError> {
    let patch = InvitationPatch {
        status: Some(status.to_owned()),
        settled_at: Some(Some(tx.at())),
        accepted_by: Some(by),
        ..InvitationPatch::default()
    };
    tx.amend(row, Versioned(row.row_version), patch).await.map(drop)
}

fn has_address(member: &Membership, normal: &String) -> Option<()> {
    (normalise::email(&member.email) == *normal).then_some(())
}

/// What a retry is told.
fn known_invitation(outcome: &Value) -> Result<Invited, InviteError> {
    let unreadable = StoreError::Unreadable { what: "outcome" };
    let id = id_in(outcome, "invitation").map(InvitationId::from_uuid);
    let until = outcome.get("until").and_then(Value::as_str).and_then(|until| until.parse().ok());
    let (Some(id), Some(expires_at)) = (id, until) else { return Err(unreadable.into()) };
    Ok(Invited { id, link: None, expires_at })
}
