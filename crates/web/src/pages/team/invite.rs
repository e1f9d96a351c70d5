//! Inviting somebody. The link is shown once, and sent by mail.

use axum::extract::State;
use identity::InviteOwner;
use identity::team::InviteError;
use serde::Deserialize;
use store::{Resource, Roles};

use super::{InviteForm, choices, sent_roles};
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{Sent, go_to, refuse, show};
use crate::text::say;
use crate::views::team::{InvitationLink, Invite};
use crate::views::{Errors, Room};
use crate::who::{Caller, Member};

#[derive(Deserialize)]
pub(super) struct Form {
    email: String,
    #[serde(default)]
    role: Vec<String>,
}

/// `GET /team/invitations`
pub(super) async fn form(member: Member) -> Answer {
    member.must::<InviteForm>(Resource::Practice).await?;
    show(&view(&member, String::new(), Roles::default(), Errors::none()).await?)
}

/// `POST /team/invitations`
pub(super) async fn send(State(app): State<AppState>, sent: Sent<Form>) -> Answer {
    let Sent { by: member, form, once } = sent;
    let roles = sent_roles(&form.role);
    match app.identity.invite(&member.me, &form.email, "", roles, once).await {
        Ok(invited) => match invited.link {
            // Sent again: the link of the first time stands, and is on its way by mail.
            None => go_to("/team?done=invited"),
            Some(link) => show(&InvitationLink {
                shell: member.shell(Room::Team).await?,
                email: form.email.trim().to_owned(),
                link: link.expose().clone(),
                until: member.moment(invited.expires_at).await?,
                mailed: true,
            }),
        },
        Err(error) => refuse(&view(&member, form.email, roles, said(error)?).await?),
    }
}

fn said(error: InviteError) -> Result<Errors, PageError> {
    let (field, words) = match error {
        InviteError::Email => ("email", say("email-incomplete")),
        InviteError::OnTheTeam => ("email", say("invite-on-the-team")),
        InviteError::NoRoles => ("role", say("role-missing")),
        InviteError::Name | InviteError::Settled => ("", say("invite-settled")),
        InviteError::Store(error) => return Err(error.into()),
    };
    let mut errors = Errors::none();
    errors.add(field, words);
    Ok(errors)
}

async fn view(member: &Member, email: String, chosen: Roles, errors: Errors) -> Result<Invite, PageError> {
    Ok(Invite {
        shell: member.shell(Room::Team).await?,
        guard: member.guard(),
        errors,
        email,
        roles: choices(chosen, member.may::<InviteOwner>().await?),
    })
}
