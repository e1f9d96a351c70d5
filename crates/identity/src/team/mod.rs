//! A practice's team: who is on it, who is invited, in which roles. What a member may do here is asked
//! of the policies; what they may do anywhere is read from the membership by every `enter`, so each
//! change takes effect at the next request.

use jiff::Timestamp;
use kernel::{ErrorKind, InvitationId, PersonId};
use store::{Damaged, Event, Known, Resource, ResourceKind, Role, Roles, StoreError, StoredRow};
use uuid::Uuid;

use crate::host::roles_in;
use crate::rows::Membership;
use crate::{
    AgreeToReset, BeginFactorReset, ChangeRoles, Identity, Invite, InviteOwner, Me, ReadTeam, RemoveMember, reads,
};

pub mod invite;
pub mod join;
pub mod roles;
pub mod sign_in_rule;

pub use invite::{InviteError, Invited};
pub use join::{InvitationView, JoinError};

/// A member of the team.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "what a reader may do is yes or no, one by one")]
pub struct Member {
    /// Who.
    pub id: PersonId,
    /// The version of the row: what the form for changing roles carries.
    pub row_version: i64,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Their title, if they have one.
    pub title: Option<String>,
    /// Their roles.
    pub roles: Roles,
    /// Since when.
    pub joined_at: Timestamp,
    /// Whether it is the person who reads this.
    pub you: bool,
    /// Whether the reader may change their roles.
    pub may_change: bool,
    /// Whether the reader may remove them.
    pub may_remove: bool,
    /// Whether the reader may start that they set up their second factor anew.
    pub may_reset: bool,
    /// Resets of their second factor, begun elsewhere, that this practice has not agreed to: they are not let in.
    pub held_by: Vec<Uuid>,
    /// Whether the reader may let them in again.
    pub may_agree: bool,
}

/// An open invitation.
#[derive(Debug, Clone)]
pub struct OpenInvitation {
    /// Its id.
    pub id: InvitationId,
    /// The address it was made for.
    pub email: String,
    /// The name it was made for; empty if none was given.
    pub name: String,
    /// The roles it offers.
    pub roles: Roles,
    /// Who invited; `None` for the host, and for members who have left.
    pub by: Option<String>,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// The team, as its page shows it.
#[derive(Debug, Clone)]
pub struct TeamView {
    /// Members, longest first.
    pub members: Vec<Member>,
    /// Open invitations, newest first.
    pub invitations: Vec<OpenInvitation>,
    /// Rows that do not open. The others are not touched by that.
    pub damaged: Vec<Damaged>,
    /// Whether the reader may invite.
    pub may_invite: bool,
    /// Whether the reader may make owners.
    pub may_make_owners: bool,
}

/// Why the team stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum TeamError {
    /// No role was chosen.
    #[error("Choose one role or more")]
    NoRoles,
    /// The practice would have no owner left.
    #[error("A practice needs an owner: make somebody else an owner first")]
    LastOwner,
    /// The doors failed or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TeamError {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoRoles => ErrorKind::Invalid,
            Self::LastOwner => ErrorKind::Conflict,
            Self::Store(error) => error.kind(),
        }
    }
}

impl Identity {
    /// Who is on the team and who is invited.
    pub async fn team(&self, me: &Me) -> Result<TeamView, StoreError> {
        let held = self.held(me).await?;
        let threshold = self.store.enter(&self.actor(me)?).await?;
        let known = threshold.known().await?;
        let may_invite = known.would_allow::<Invite>(ResourceKind::Practice);
        let may_make_owners = known.would_allow::<InviteOwner>(ResourceKind::Practice);
        let may = May::known(&known);
        let tx = threshold.ask::<ReadTeam>(Resource::Practice).await?;
        let members = reads::team(&tx).await?;
        let invitations = reads::open_invitations(&tx, tx.at()).await?;
        let (members, invitations) = tx.record(Event::new(), (members, invitations)).await?;

        let mut view =
            TeamView { members: Vec::new(), invitations: Vec::new(), damaged: Vec::new(), may_invite, may_make_owners };
        for member in members {
            let member = match member {
                Ok(member) => member,
                Err(damaged) => {
                    view.damaged.push(damaged);
                    continue;
                }
            };
            view.members.push(may.with(me, member, &held)?);
        }
        for invitation in invitations {
            match invitation {
                Err(damaged) => view.damaged.push(damaged),
                Ok(invitation) => {
                    let by = view.members.iter().find(|member| member.id.uuid() == invitation.invited_by);
                    view.invitations.push(OpenInvitation {
                        id: invitation.id,
                        email: invitation.email,
                        name: invitation.display_name,
                        roles: roles_in(&invitation.roles)?,
                        by: by.map(|member| member.name.clone()),
                        expires_at: invitation.expires_at,
                    });
                }
            }
        }
        Ok(view)
    }

    /// One member: what the forms for changing roles and removing are made from.
    pub async fn member(&self, me: &Me, person: PersonId) -> Result<Member, StoreError> {
        let held = self.held(me).await?;
        let threshold = self.store.enter(&self.actor(me)?).await?;
        let known = threshold.known().await?;
        let may = May::known(&known);
        let tx = threshold.ask::<ReadTeam>(Resource::Practice).await?;
        let row = reads::active_membership(&tx, person).await?.ok_or(StoreError::Missing)?;
        let event = Event::new().about("member", row.row_id());
        may.with(me, tx.record(event, row).await??, &held)
    }
}

/// What a reader may do with members that are no owners, and with owners.
struct May {
    change: [bool; 2],
    remove: [bool; 2],
    reset: [bool; 2],
    agree: [bool; 2],
}

impl May {
    fn known(known: &Known<'_>) -> Self {
        let kinds = [ResourceKind::Member, ResourceKind::OwnerMember];
        Self {
            change: kinds.map(|kind| known.would_allow::<ChangeRoles>(kind)),
            remove: kinds.map(|kind| known.would_allow::<RemoveMember>(kind)),
            reset: kinds.map(|kind| known.would_allow::<BeginFactorReset>(kind)),
            agree: kinds.map(|kind| known.would_allow::<AgreeToReset>(kind)),
        }
    }

    /// A member, with what the reader may do with them.
    fn with(&self, me: &Me, member: Membership, held: &[(PersonId, Uuid)]) -> Result<Member, StoreError> {
        let held_by: Vec<Uuid> = held.iter().filter(|(who, _)| *who == member.id).map(|(_, reset)| *reset).collect();
        let roles = roles_in(&member.roles)?;
        let pick = |[other, owner]: [bool; 2]| if roles.has(Role::Owner) { owner } else { other };
        let you = member.id == me.person();
        Ok(Member {
            id: member.id,
            row_version: member.row_version,
            name: member.display_name,
            email: member.email,
            title: member.title,
            roles,
            joined_at: member.joined_at,
            you,
            may_change: pick(self.change),
            may_remove: pick(self.remove),
            may_reset: !you && pick(self.reset),
            may_agree: !held_by.is_empty() && !you && pick(self.agree),
            held_by,
        })
    }
}
