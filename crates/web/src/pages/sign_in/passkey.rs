//! Signing in by a passkey: alone, in the place of the code, or set up when one first signs in.

use axum::extract::State;
use identity::second::{Entered, Proof};
use kernel::IdempotencyKey;
use serde::Deserialize;

use super::{half, into_the_house, password, said, second as code, set_up as app_of};
use crate::AppState;
use crate::call::Call;
use crate::errors::{Answer, PageError};
use crate::extract::{Sent, refuse};
use crate::origin::LocalPath;
use crate::proof::DeviceSaid;
use crate::text::say;
use crate::views::Errors;
use crate::who::{Caller, Visitor};

#[derive(Deserialize)]
pub(super) struct Form {
    next: String,
    #[serde(flatten)]
    device: DeviceSaid,
}

/// `POST /sign-in/passkey`
pub(super) async fn alone(State(app): State<AppState>, sent: Sent<Form, Visitor>) -> Answer {
    let Sent { by: visitor, form, once } = sent;
    let (call, next) = (visitor.call(), LocalPath::or_home(&form.next));
    let words = match form.device.given() {
        None => say("passkey-failed"),
        Some(given) => match app.identity.enter_by_passkey(given, call.source(), call.browser(), once).await {
            Ok(entered) => return into_the_house(call, &entered, &next),
            Err(error) => said(error)?,
        },
    };
    refuse(&password::refused(&app, &visitor, &next, Errors::whole(words)).await?)
}

/// `POST /sign-in/second/passkey`
pub(super) async fn second(State(app): State<AppState>, sent: Sent<Form, Visitor>) -> Answer {
    let Sent { by: visitor, form, once } = sent;
    let (call, next) = (visitor.call(), LocalPath::or_home(&form.next));
    let half = half(call)?;
    match finished(&app, call, &half, form.device.given().map(Proof::Passkey), once).await? {
        Ok(entered) => into_the_house(call, &entered, &next),
        Err(words) => refuse(&code::view(&app, &visitor, &half, &next, Errors::whole(words)).await?),
    }
}

/// `POST /sign-in/set-up/passkey`
pub(super) async fn set_up(State(app): State<AppState>, sent: Sent<Form, Visitor>) -> Answer {
    let Sent { by: visitor, form, once } = sent;
    let (call, next) = (visitor.call(), LocalPath::or_home(&form.next));
    let half = half(call)?;
    match finished(&app, call, &half, form.device.given().map(Proof::EnrolPasskey), once).await? {
        Ok(entered) => app_of::first_codes(&app, call, &entered, &next).await,
        Err(words) => refuse(&app_of::view(&app, &visitor, &half, &next, Errors::whole(words)).await?),
    }
}

/// What the second half comes to by what a device answered, if it did; or what to say instead.
async fn finished(
    app: &AppState,
    call: &Call,
    half: &str,
    proof: Option<Proof<'_>>,
    once: IdempotencyKey,
) -> Result<Result<Entered, String>, PageError> {
    let Some(proof) = proof else { return Ok(Err(say("passkey-failed"))) };
    match app.identity.finish(half, proof, call.source(), call.browser(), once).await {
        Ok(entered) => Ok(Ok(entered)),
        Err(error) => said(error).map(Err),
    }
}
