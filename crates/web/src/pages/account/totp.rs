//! Another authenticator app in the place of the present one. Every other browser is signed out.

use axum::extract::State;
use identity::password::Password;
use kernel::Secret;
use serde::Deserialize;

use super::said;
use crate::errors::{Answer, PageError};
use crate::extract::{Sent, go_to, refuse, show};
use crate::views::account::ChangeTotp;
use crate::views::{Errors, Room};
use crate::who::{Caller, Person};
use crate::{AppState, enrolment};

#[derive(Deserialize)]
pub(super) struct Form {
    current: Secret<String>,
    code: String,
}

/// `GET /account/totp`
pub(super) async fn form(State(app): State<AppState>, person: Person) -> Answer {
    show(&view(&app, &person, Errors::none()).await?)
}

/// `POST /account/totp`
pub(super) async fn send(State(app): State<AppState>, sent: Sent<Form, Person>) -> Answer {
    let Sent { by: person, form, once } = sent;
    let current = Password::typed(form.current.expose());
    match app.identity.replace_totp(&person.me, &current, &form.code, once).await {
        Ok(()) => go_to("/account?done=totp"),
        Err(error) => refuse(&view(&app, &person, said(error)?).await?),
    }
}

async fn view(app: &AppState, person: &Person, errors: Errors) -> Result<ChangeTotp, PageError> {
    let offered = app.identity.offer_totp(&person.me).await?;
    Ok(ChangeTotp {
        shell: person.shell(Room::Account).await?,
        guard: person.guard(),
        errors,
        enrolment: enrolment::view(&offered)?,
        replaces: app.identity.account(&person.me).await?.totp,
    })
}
