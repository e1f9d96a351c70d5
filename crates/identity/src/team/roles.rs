//! Changing a member's roles, and removing a member. Both under a lock on the team, so that two
//! owners cannot remove each other at the same moment.

use kernel::{IdempotencyKey, PersonId, PracticeId};
use serde_json::Value;
use store::{Event, Once, Resource, Role, Roles, StoreError, Threshold, Tx, Versioned, Writes};

use super::TeamError;
use super::invite::settle;
use crate::host::roles_in;
use crate::rows::{MembershipPatch, MembershipRow, SessionPatch};
use crate::{ChangeRoles, ChangeRolesToOwner, CloseDoor, Identity, Me, RemoveMember, reads};

impl Identity {
    /// Gives a member other roles. `seen` is the version of the row that the form was made from; if
    /// somebody else has changed it since, [`StoreError::Conflict`]. In effect at the next request.
    pub async fn change_roles(
        &self,
        me: &Me,
        person: PersonId,
        roles: Roles,
        seen: i64,
        key: IdempotencyKey,
    ) -> Result<(), TeamError> {
        if roles.is_empty() {
            return Err(TeamError::NoRoles);
        }
        let threshold = self.store.enter(&self.actor(me)?).await?;
        if roles.has(Role::Owner) {
            change_as::<ChangeRolesToOwner>(threshold, person, roles, seen, key).await
        } else {
            change_as::<ChangeRoles>(threshold, person, roles, seen, key).await
        }
    }

    /// Removes a member: the membership ends, their browsers leave the practice at the next request,
    /// and the invitations that they had made are taken back.
    ///
    /// Two commits, the practice's first. After it nothing of the practice opens to them any more; the
    /// second takes the door away and is done again by a retry.
    pub async fn remove_member(&self, me: &Me, person: PersonId, key: IdempotencyKey) -> Result<(), TeamError> {
        let actor = self.actor(me)?;
        let threshold = self.store.enter(&actor).await?;
        let mine = threshold.known().await?.roles();
        match threshold.ask_once::<RemoveMember>(Resource::Member(person), key, &()).await? {
            Once::Done(_) => {}
            Once::Fresh(mut tx) => {
                let row = locked_member(&tx, person).await?;
                if roles_in(&row.roles)?.has(Role::Owner) {
                    if !mine.has(Role::Owner) {
                        // Made an owner at this very moment, after the policies were asked.
                        return Err(StoreError::Conflict.into());
                    }
                    another_owner(&tx, person).await?;
                }
                let patch = MembershipPatch {
                    status: Some("removed".to_owned()),
                    ended_at: Some(Some(tx.at())),
                    ..MembershipPatch::default()
                };
                tx.amend(&row, Versioned(row.row_version), patch).await?;
                for open in reads::open_invitations_by(&tx, person).await? {
                    settle(&mut tx, &open, "revoked", None).await?;
                }
                tx.commit(Event::new().about("member", person.uuid()), Value::Null).await?;
            }
        }
        self.close_door(me, person, actor.practice()).await?;
        Ok(())
    }

    /// Takes a door away, and takes the person's browsers out of that practice. Done already is as well.
    async fn close_door(&self, me: &Me, person: PersonId, practice: PracticeId) -> Result<(), StoreError> {
        let mut tx = self.store.own::<CloseDoor>(&me.signed_in, me.source.clone()).await?;
        reads::lock_person(&tx, person).await?;
        let Some(door) = reads::door(&tx, person, practice).await? else { return Ok(()) };
        tx.remove(&door).await?;
        let inside = reads::open_sessions(&tx, person).await?;
        for session in inside.into_iter().filter(|session| session.entered == Some(practice)) {
            let patch = SessionPatch { entered: Some(None), ..SessionPatch::default() };
            tx.amend(&session, Versioned(session.row_version), patch).await?;
        }
        tx.commit(Event::new().about("person", person.uuid()), Value::Null).await.map(drop)
    }
}

async fn change_as<A: Writes>(
    threshold: Threshold,
    person: PersonId,
    roles: Roles,
    seen: i64,
    key: IdempotencyKey,
) -> Result<(), TeamError> {
    let print = (roles.to_string(), seen);
    let Once::Fresh(mut tx) = threshold.ask_once::<A>(Resource::Member(person), key, &print).await? else {
        return Ok(());
    };
    let row = locked_member(&tx, person).await?;
    if !roles.has(Role::Owner) && roles_in(&row.roles)?.has(Role::Owner) {
        another_owner(&tx, person).await?;
    }
    let patch = MembershipPatch { roles: Some(roles.to_string()), ..MembershipPatch::default() };
    tx.amend(&row, Versioned(seen), patch).await?;
    tx.commit(Event::new().about("member", person.uuid()), Value::Null).await?;
    Ok(())
}

/// The member's row as it is now that the team is locked.
async fn locked_member<A: Writes>(tx: &Tx<A>, person: PersonId) -> Result<MembershipRow, StoreError> {
    reads::lock_team(tx).await?;
    reads::active_membership(tx, person).await?.ok_or(StoreError::Missing)
}

async fn another_owner<A: Writes>(tx: &Tx<A>, person: PersonId) -> Result<(), TeamError> {
    if reads::other_owners(tx, person).await? == 0 { Err(TeamError::LastOwner) } else { Ok(()) }
}
