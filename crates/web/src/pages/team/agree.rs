//! Letting somebody in again whose second factor was reset by another practice. What is agreed to are the resets that the
//! page has shown, and none that came since.

use axum::extract::State;
use kernel::PersonId;
use serde::Deserialize;
use store::Resource;
use uuid::Uuid;

use super::AgreeForm;
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{At, Sent, go_to, show};
use crate::views::confirm::{Confirm, Question};
use crate::views::{Errors, Room};
use crate::who::{Caller, Member};

#[derive(Deserialize)]
pub(super) struct Form {
    #[serde(default)]
    version: String,
}

/// `GET /team/{person}/let-in`
pub(super) async fn ask(State(app): State<AppState>, member: Member, At(person): At<PersonId>) -> Answer {
    member.must::<AgreeForm>(Resource::Member(person)).await?;
    let whom = app.identity.member(&member.me, person).await?;
    if whom.held_by.is_empty() {
        return go_to("/team");
    }
    let shell = member.shell(Room::Team).await?;
    let question = Question::let_in(&whom.id.to_string(), &whom.name, &whom.email, &shell.practice);
    let resets: Vec<String> = whom.held_by.iter().map(Uuid::to_string).collect();
    let (guard, version) = (member.guard(), resets.join(" "));
    show(&Confirm { shell, banner: None, guard, errors: Errors::none(), question, version })
}

/// `POST /team/{person}/let-in`
pub(super) async fn send(State(app): State<AppState>, At(person): At<PersonId>, sent: Sent<Form>) -> Answer {
    let Sent { by: member, form, once } = sent;
    member.must::<AgreeForm>(Resource::Member(person)).await?;
    let resets: Result<Vec<Uuid>, _> = form.version.split_whitespace().map(str::parse).collect();
    let resets = resets.map_err(|_| PageError::BAD_REQUEST)?;
    app.identity.agree_to_reset(&member.me, person, &resets, once).await?;
    go_to("/team?done=let-in")
}
