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
use crate::errors::Answer;
use crate::extract::{Asked, Sent, page, refuse, show};
use crate::origin::LocalPath;
use crate::text::say;
use crate::views::Errors;
use crate::views::door::SignIn;
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
pub(super) async fn form(visitor: Visitor, Asked(question): Asked<Question>) -> Answer {
    let notice = question.told.done.and_then(crate::around::Done::said);
    show(&SignIn { notice, ..empty(&visitor, &LocalPath::or_home(&question.next)) })
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
            refuse(&SignIn { errors, email: form.email, ..empty(&visitor, &next) })
        }
    }
}

/// Instead of a form's answer, when the session that it was sent from has ended.
pub(crate) fn ended(call: &Call) -> Answer {
    let view = SignIn { notice: Some(say("sign-in-ended")), ..empty(&Visitor::of(call), &LocalPath::or_home("/")) };
    page(StatusCode::UNAUTHORIZED, &view)
}

fn empty(visitor: &Visitor, next: &LocalPath) -> SignIn {
    let guard = visitor.guard();
    SignIn { guard, errors: Errors::none(), email: String::new(), next: next.to_string(), notice: None }
}
