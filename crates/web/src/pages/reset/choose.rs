//! Choosing a new password by the link of a mail.

use axum::extract::State;
use axum::http::StatusCode;
use identity::password::Password;
use identity::reset::ResetError;
use kernel::Secret;
use serde::Deserialize;

use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{At, Sent, go_to, page, refuse, show};
use crate::refusals;
use crate::views::Errors;
use crate::views::door::{LinkEnded, LinkKind, ResetSet};
use crate::who::{Caller, Visitor};

#[derive(Deserialize)]
pub(super) struct Form {
    password: Secret<String>,
}

/// `GET /reset/{token}`
pub(super) async fn form(State(app): State<AppState>, visitor: Visitor, At(token): At<String>) -> Answer {
    match app.identity.reset_link(&token, visitor.call().source()).await {
        Ok(()) => show(&view(&visitor, &token, Errors::none())),
        Err(error) => instead(error),
    }
}

/// `POST /reset/{token}`
pub(super) async fn send(State(app): State<AppState>, At(token): At<String>, sent: Sent<Form, Visitor>) -> Answer {
    let Sent { by: visitor, form, once } = sent;
    let new = Password::typed(form.password.expose());
    match app.identity.use_reset(&token, &new, visitor.call().source(), once).await {
        Ok(()) => go_to("/sign-in?done=password"),
        Err(ResetError::Password(refused)) => {
            let mut errors = Errors::none();
            errors.add("password", refusals::new_password(refused)?);
            refuse(&view(&visitor, &token, errors))
        }
        Err(other) => instead(other),
    }
}

fn instead(error: ResetError) -> Answer {
    match error {
        ResetError::Ended => page(StatusCode::GONE, &LinkEnded { kind: LinkKind::Reset }),
        ResetError::Wait(wait) => Err(wait.into()),
        ResetError::Password(refused) => Err(refusals::new_password(refused).err().unwrap_or(PageError::BAD_REQUEST)),
        ResetError::Store(error) => Err(error.into()),
    }
}

fn view(visitor: &Visitor, token: &str, errors: Errors) -> ResetSet {
    ResetSet { guard: visitor.guard(), errors, action: format!("/reset/{token}") }
}
