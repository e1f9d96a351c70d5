//! The second step: the code of the authenticator app or a passkey, or setting one of them up.

use axum::extract::State;
use identity::second::Proof;
use identity::sign_in::{NextStep, Step};
use serde::Deserialize;

use super::{Onward, half, into_the_house, said, set_up};
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{Asked, Sent, refuse, show};
use crate::origin::LocalPath;
use crate::views::Errors;
use crate::views::door::SecondFactor;
use crate::views::form::AskDevice;
use crate::who::{Caller, Visitor};

#[derive(Deserialize)]
pub(super) struct Form {
    code: String,
    next: String,
}

/// `GET /sign-in/second`
pub(super) async fn form(State(app): State<AppState>, visitor: Visitor, Asked(onward): Asked<Onward>) -> Answer {
    let half = half(visitor.call())?;
    match step(&app, &visitor, &half).await?.next {
        NextStep::Enrol => show(&set_up::view(&app, &visitor, &half, &onward.path(), Errors::none()).await?),
        NextStep::Totp | NextStep::Passkey => show(&view(&app, &visitor, &half, &onward.path(), Errors::none()).await?),
    }
}

/// `POST /sign-in/second`
pub(super) async fn send(State(app): State<AppState>, sent: Sent<Form, Visitor>) -> Answer {
    let Sent { by: visitor, form, once } = sent;
    let (call, next) = (visitor.call(), LocalPath::or_home(&form.next));
    let (half, proof) = (half(call)?, Proof::Totp(&form.code));
    match app.identity.finish(&half, proof, call.source(), call.browser(), once).await {
        Ok(entered) => into_the_house(call, &entered, &next),
        Err(error) => {
            let mut errors = Errors::none();
            errors.add("code", said(error)?);
            refuse(&view(&app, &visitor, &half, &next, errors).await?)
        }
    }
}

/// What the second step of this browser is.
async fn step(app: &AppState, visitor: &Visitor, half: &str) -> Result<Step, PageError> {
    match app.identity.next_step(half, visitor.call().source()).await {
        Ok(step) => Ok(step),
        Err(error) => said(error).and(Err(PageError::BeginAgain)),
    }
}

pub(super) async fn view(
    app: &AppState,
    visitor: &Visitor,
    half: &str,
    next: &LocalPath,
    errors: Errors,
) -> Result<SecondFactor, PageError> {
    let step = step(app, visitor, half).await?;
    let passkey = if step.passkeys { app.identity.ask_visitor(visitor.call().source()).await? } else { None };
    Ok(SecondFactor {
        guard: visitor.guard(),
        errors,
        next: next.to_string(),
        app: step.next == NextStep::Totp,
        passkey: passkey.map(AskDevice::to_show),
    })
}
