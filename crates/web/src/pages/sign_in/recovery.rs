//! Instead of the app's code: one of the printed recovery codes.

use axum::extract::State;
use identity::second::Proof;
use serde::Deserialize;

use super::{Onward, half, into_the_house, said};
use crate::AppState;
use crate::errors::Answer;
use crate::extract::{Asked, Sent, refuse, show};
use crate::origin::LocalPath;
use crate::views::Errors;
use crate::views::door::Recovery;
use crate::who::{Caller, Visitor};

#[derive(Deserialize)]
pub(super) struct Form {
    recovery_code: String,
    next: String,
}

/// `GET /sign-in/recovery`
pub(super) async fn form(visitor: Visitor, Asked(onward): Asked<Onward>) -> Answer {
    half(visitor.call())?;
    show(&view(&visitor, &onward.path(), String::new(), Errors::none()))
}

/// `POST /sign-in/recovery`
pub(super) async fn send(State(app): State<AppState>, sent: Sent<Form, Visitor>) -> Answer {
    let Sent { by: visitor, form, once } = sent;
    let (call, next) = (visitor.call(), LocalPath::or_home(&form.next));
    let proof = Proof::Recovery(&form.recovery_code);
    match app.identity.finish(&half(call)?, proof, call.source(), call.browser(), once).await {
        Ok(entered) => into_the_house(call, &entered, &next),
        Err(error) => {
            let mut errors = Errors::none();
            errors.add("recovery_code", said(error)?);
            // It is no password: a slip in twenty characters is found by looking at them.
            refuse(&view(&visitor, &next, form.recovery_code, errors))
        }
    }
}

fn view(visitor: &Visitor, next: &LocalPath, recovery_code: String, errors: Errors) -> Recovery {
    Recovery { guard: visitor.guard(), errors, recovery_code, next: next.to_string() }
}
