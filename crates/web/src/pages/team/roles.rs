//! Giving a member other roles: in effect at their next request.

use axum::extract::State;
use identity::GrantOwner;
use identity::team::{Member as OnTeam, TeamError};
use kernel::PersonId;
use serde::Deserialize;
use store::{Resource, Roles};

use super::{RolesForm, choices, sent_roles};
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{At, Sent, go_to, refuse, show};
use crate::text::say;
use crate::views::team::MemberRoles;
use crate::views::{Errors, Room};
use crate::who::{Caller, Member};

#[derive(Deserialize)]
pub(super) struct Form {
    #[serde(default)]
    role: Vec<String>,
    version: i64,
}

/// `GET /team/{person}/roles`
pub(super) async fn form(State(app): State<AppState>, member: Member, At(person): At<PersonId>) -> Answer {
    member.must::<RolesForm>(Resource::Member(person)).await?;
    let whose = app.identity.member(&member.me, person).await?;
    let (roles, version) = (whose.roles, whose.row_version);
    show(&view(&member, &whose, roles, version, Errors::none()).await?)
}

/// `POST /team/{person}/roles`
pub(super) async fn send(State(app): State<AppState>, At(person): At<PersonId>, sent: Sent<Form>) -> Answer {
    let Sent { by: member, form, once } = sent;
    let roles = sent_roles(&form.role);
    let words = match app.identity.change_roles(&member.me, person, roles, form.version, once).await {
        Ok(()) => return go_to("/team?done=roles"),
        Err(TeamError::NoRoles) => say("role-missing"),
        Err(TeamError::LastOwner) => say("team-last-owner"),
        Err(TeamError::Store(error)) => return Err(error.into()),
    };
    let mut errors = Errors::none();
    errors.add("role", words);
    let whose = app.identity.member(&member.me, person).await?;
    refuse(&view(&member, &whose, roles, form.version, errors).await?)
}

async fn view(
    member: &Member,
    whose: &OnTeam,
    chosen: Roles,
    version: i64,
    errors: Errors,
) -> Result<MemberRoles, PageError> {
    Ok(MemberRoles {
        shell: member.shell(Room::Team).await?,
        guard: member.guard(),
        errors,
        id: whose.id.to_string(),
        name: whose.name.clone(),
        roles: choices(chosen, member.may::<GrantOwner>().await?),
        version: version.to_string(),
    })
}
