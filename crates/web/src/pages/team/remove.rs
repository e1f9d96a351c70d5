//! Removing a member, after one question: in effect at their next request.

use axum::extract::State;
use identity::team::TeamError;
use kernel::PersonId;
use store::Resource;

use super::RemoveForm;
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{At, Sent, go_to, refuse, show};
use crate::pages::Button;
use crate::text::say;
use crate::views::confirm::{Confirm, Question};
use crate::views::{Errors, Room};
use crate::who::{Caller, Member};

/// `GET /team/{person}/remove`
pub(super) async fn ask(State(app): State<AppState>, member: Member, At(person): At<PersonId>) -> Answer {
    member.must::<RemoveForm>(Resource::Member(person)).await?;
    show(&view(&app, &member, person, Errors::none()).await?)
}

/// `POST /team/{person}/remove`
pub(super) async fn send(State(app): State<AppState>, At(person): At<PersonId>, sent: Sent<Button>) -> Answer {
    let Sent { by: member, once, .. } = sent;
    match app.identity.remove_member(&member.me, person, once).await {
        Ok(()) if person == member.me.person() => go_to("/account"),
        Ok(()) => go_to("/team?done=removed"),
        Err(TeamError::LastOwner) => refuse(&view(&app, &member, person, Errors::whole(say("team-last-owner"))).await?),
        Err(TeamError::Store(error)) => Err(error.into()),
        Err(other) => Err(PageError::of(other.kind())),
    }
}

async fn view(app: &AppState, member: &Member, person: PersonId, errors: Errors) -> Result<Confirm, PageError> {
    let whom = app.identity.member(&member.me, person).await?;
    let shell = member.shell(Room::Team).await?;
    let question = Question::remove_member(&whom.id.to_string(), &whom.name, Some(&whom.email), &shell.practice);
    Ok(Confirm { shell, banner: None, guard: member.guard(), errors, question, version: String::new() })
}
