//! Setting up the second factor anew, by the link of a mail: the password, then as at the first sign-in.

use axum::extract::State;
use axum::http::StatusCode;
use identity::factor_reset::FactorResetError;
use identity::password::Password;
use kernel::Secret;
use serde::Deserialize;

use crate::AppState;
use crate::cookies::Cookie;
use crate::errors::Answer;
use crate::extract::{At, Sent, go_to, page, refuse, show};
use crate::text::say;
use crate::views::Errors;
use crate::views::door::{FactorsAnew, LinkEnded, LinkKind};
use crate::who::{Caller, Visitor};

#[derive(Deserialize)]
pub(super) struct Form {
    password: Secret<String>,
}

/// `GET /factors/{token}`
pub(super) async fn form(State(app): State<AppState>, visitor: Visitor, At(token): At<String>) -> Answer {
    match app.identity.factor_link(&token, visitor.call().source()).await {
        Ok(()) => show(&view(&visitor, &token, Errors::none())),
        Err(error) => instead(error),
    }
}

/// `POST /factors/{token}`
pub(super) async fn send(State(app): State<AppState>, At(token): At<String>, sent: Sent<Form, Visitor>) -> Answer {
    let Sent { by: visitor, form, once } = sent;
    let password = Password::typed(form.password.expose());
    match app.identity.use_factor_reset(&token, &password, visitor.call().source(), once).await {
        Ok(half) => {
            visitor.call().keep(Cookie::HalfSignIn, &half.token);
            go_to("/sign-in/second")
        }
        Err(FactorResetError::Password) => {
            let mut errors = Errors::none();
            errors.add("password", say("anew-wrong"));
            refuse(&view(&visitor, &token, errors))
        }
        Err(other) => instead(other),
    }
}

fn instead(error: FactorResetError) -> Answer {
    match error {
        FactorResetError::Ended | FactorResetError::Password | FactorResetError::Oneself => {
            page(StatusCode::GONE, &LinkEnded { kind: LinkKind::Factors })
        }
        FactorResetError::Wait(wait) => Err(wait.into()),
        FactorResetError::Hash(error) => Err(error.into()),
        FactorResetError::Store(error) => Err(error.into()),
    }
}

fn view(visitor: &Visitor, token: &str, errors: Errors) -> FactorsAnew {
    FactorsAnew { guard: visitor.guard(), errors, action: format!("/factors/{token}") }
}
