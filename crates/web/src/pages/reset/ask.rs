//! Asking for the link. The answer is the same whether or not the address has an account.

use axum::extract::State;
use identity::reset::{RESET_LIFE, ResetError};
use serde::Deserialize;

use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{Sent, refuse, show};
use crate::text::say;
use crate::views::Errors;
use crate::views::door::{ResetAsk, ResetAsked};
use crate::who::{Caller, Visitor};

#[derive(Deserialize)]
pub(super) struct Form {
    email: String,
}

/// `GET /reset`
pub(super) async fn form(visitor: Visitor) -> Answer {
    show(&ResetAsk { guard: visitor.guard(), errors: Errors::none(), email: String::new() })
}

/// `POST /reset`
pub(super) async fn send(State(app): State<AppState>, sent: Sent<Form, Visitor>) -> Answer {
    let Sent { by: visitor, form, once } = sent;
    if !form.email.contains('@') {
        let mut errors = Errors::none();
        errors.add("email", say("email-incomplete"));
        return refuse(&ResetAsk { guard: visitor.guard(), errors, email: form.email });
    }
    match app.identity.ask_reset(&form.email, visitor.call().source(), once).await {
        Ok(()) => show(&ResetAsked { minutes: u32::try_from(RESET_LIFE.as_mins()).unwrap_or_default() }),
        Err(ResetError::Wait(wait)) => Err(wait.into()),
        Err(other) => Err(PageError::of(other.kind())),
    }
}
