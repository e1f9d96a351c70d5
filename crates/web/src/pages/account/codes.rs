//! New recovery codes in the place of the old, shown once.

use axum::extract::State;
use identity::password::Password;
use kernel::Secret;
use serde::Deserialize;

use super::said;
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{Sent, refuse, show};
use crate::views::account::{CodesShown, NewCodes};
use crate::views::{Errors, Room};
use crate::who::{Caller, Person};

#[derive(Deserialize)]
pub(super) struct Form {
    current: Secret<String>,
}

/// `GET /account/recovery-codes`
pub(super) async fn form(State(app): State<AppState>, person: Person) -> Answer {
    show(&view(&app, &person, Errors::none()).await?)
}

/// `POST /account/recovery-codes`
pub(super) async fn send(State(app): State<AppState>, sent: Sent<Form, Person>) -> Answer {
    let Sent { by: person, form, once } = sent;
    let current = Password::typed(form.current.expose());
    match app.identity.renew_codes(&person.me, &current, once).await {
        Ok(codes) => show(&CodesShown {
            shell: person.shell(Room::Account).await?,
            codes: codes.iter().map(|code| code.expose().clone()).collect(),
            email: app.identity.account(&person.me).await?.email,
            made: person.moment(app.clock().now()).await?,
        }),
        Err(error) => refuse(&view(&app, &person, said(error)?).await?),
    }
}

async fn view(app: &AppState, person: &Person, errors: Errors) -> Result<NewCodes, PageError> {
    let left = app.identity.account(&person.me).await?.codes_left;
    Ok(NewCodes { shell: person.shell(Room::Account).await?, guard: person.guard(), errors, left })
}
