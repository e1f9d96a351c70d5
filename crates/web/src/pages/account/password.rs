//! Choosing another password. Every other browser is signed out.

use axum::extract::State;
use identity::password::Password;
use kernel::Secret;
use serde::Deserialize;

use super::said;
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{Sent, go_to, refuse, show};
use crate::views::account::ChangePassword;
use crate::views::{Errors, Room};
use crate::who::{Caller, Person};

#[derive(Deserialize)]
pub(super) struct Form {
    current: Secret<String>,
    password: Secret<String>,
}

/// `GET /account/password`
pub(super) async fn form(State(app): State<AppState>, person: Person) -> Answer {
    show(&view(&app, &person, Errors::none()).await?)
}

/// `POST /account/password`
pub(super) async fn send(State(app): State<AppState>, sent: Sent<Form, Person>) -> Answer {
    let Sent { by: person, form, once } = sent;
    let (current, new) = (Password::typed(form.current.expose()), Password::typed(form.password.expose()));
    match app.identity.change_password(&person.me, &current, &new, once).await {
        Ok(()) => go_to("/account?done=password"),
        Err(error) => refuse(&view(&app, &person, said(error)?).await?),
    }
}

async fn view(app: &AppState, person: &Person, errors: Errors) -> Result<ChangePassword, PageError> {
    let email = app.identity.account(&person.me).await?.email;
    Ok(ChangePassword { shell: person.shell(Room::Account).await?, guard: person.guard(), errors, email })
}
