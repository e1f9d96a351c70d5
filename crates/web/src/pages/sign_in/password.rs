//! The first step: e-mail and password.

use axum::extract::State;
use axum::http::StatusCode;
use identity::password::Password;
use kernel::Secret;
use serde::Deserialize;

use super::{said, step};
use crate::AppState;
use crate::around::Told;
use crate::call::Call;
use crate::cookies::Cookie;
use crate::errors::{Answer, PageError};
use crate::extract::{Asked, Sent, page, refuse, show};
use crate::origin::LocalPath;
use crate::text::say;
use crate::views::Errors;
use crate::views::door::SignIn;
use crate::views::form::AskDevice;
use crate::who::{Caller, Visitor};

#[derive(Deserialize)]
pub(super) struct Question {
    #[serde(default)]
    next: String,
    #[serde(flatten)]
    told: Told,
}

#[derive(Deserialize)]
pub(super) struct Form {
    email: String,
    password: Secret<String>,
    next: String,
}

/// `GET /sign-in`
pub(super) async fn form(State(app): State<AppState>, visitor: Visitor, Asked(question): Asked<Question>) -> Answer {
    let notice = question.told.done.and_then(crate::around::Done::said);
    show(&SignIn { notice, ..empty(&app, &visitor, &LocalPath::or_home(&question.next)).await? })
}

/// `POST /sign-in`
pub(super) async fn send(State(app): State<AppState>, sent: Sent<Form, Visitor>) -> Answer {
    let Sent { by: visitor, form, once } = sent;
    let next = LocalPath::or_home(&form.next);
    let password = Password::typed(form.password.expose());
    match app.identity.begin(&form.email, &password, visitor.call().source(), once).await {
        Ok(half) => {
            visitor.call().keep(Cookie::HalfSignIn, &half.token);
            step("/sign-in/second", &next)
        }
        Err(error) => {
            let errors = Errors::whole(said(error)?);
            refuse(&SignIn { email: form.email, ..refused(&app, &visitor, &next, errors).await? })
        }
    }
}

/// The form once more, saying what to put right.
pub(super) async fn refused(
    app: &AppState,
    visitor: &Visitor,
    next: &LocalPath,
    errors: Errors,
) -> Result<SignIn, PageError> {
    Ok(SignIn { errors, ..empty(app, visitor, next).await? })
}

/// Instead of a form's answer, when the session that it was sent from has ended.
pub(crate) async fn ended(call: &Call) -> Answer {
    let plain = empty(call.app(), &Visitor::of(call), &LocalPath::or_home("/")).await?;
    page(StatusCode::UNAUTHORIZED, &SignIn { notice: Some(say("sign-in-ended")), ..plain })
}

async fn empty(app: &AppState, visitor: &Visitor, next: &LocalPath) -> Result<SignIn, PageError> {
    let passkey = app.identity.ask_visitor(visitor.call().source()).await?.map(AskDevice::to_show);
    Ok(SignIn { passkey, ..bare(visitor, next) })
}

fn bare(visitor: &Visitor, next: &LocalPath) -> SignIn {
    let guard = visitor.guard();
    SignIn { guard, errors: Errors::none(), email: String::new(), next: next.to_string(), notice: None, passkey: None }
}
