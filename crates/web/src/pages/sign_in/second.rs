//! The second step: the code of the authenticator app, or setting one up.

use axum::extract::State;
use identity::second::Proof;
use identity::sign_in::NextStep;
use serde::Deserialize;

use super::{Onward, half, into_the_house, said, set_up};
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{Asked, Sent, refuse, show};
use crate::origin::LocalPath;
use crate::views::Errors;
use crate::views::door::SecondFactor;
use crate::who::{Caller, Visitor};

#[derive(Deserialize)]
pub(super) struct Form {
    code: String,
    next: String,
}

/// `GET /sign-in/second`
pub(super) async fn form(State(app): State<AppState>, visitor: Visitor, Asked(onward): Asked<Onward>) -> Answer {
    let half = half(visitor.call())?;
    match app.identity.next_step(&half, visitor.call().source()).await {
        Ok(NextStep::Totp) => show(&view(&visitor, &onward.path(), Errors::none())),
        Ok(NextStep::Enrol) => show(&set_up::view(&app, &visitor, &half, &onward.path(), Errors::none()).await?),
        Err(error) => said(error).and(Err(PageError::BeginAgain)),
    }
}

/// `POST /sign-in/second`
pub(super) async fn send(State(app): State<AppState>, sent: Sent<Form, Visitor>) -> Answer {
    let Sent { by: visitor, form, once } = sent;
    let (call, next) = (visitor.call(), LocalPath::or_home(&form.next));
    let proof = Proof::Totp(&form.code);
    match app.identity.finish(&half(call)?, proof, call.source(), call.browser(), once).await {
        Ok(entered) => into_the_house(call, &entered, &next),
        Err(error) => {
            let mut errors = Errors::none();
            errors.add("code", said(error)?);
            refuse(&view(&visitor, &next, errors))
        }
    }
}

fn view(visitor: &Visitor, next: &LocalPath, errors: Errors) -> SecondFactor {
    SecondFactor { guard: visitor.guard(), errors, next: next.to_string() }
}
