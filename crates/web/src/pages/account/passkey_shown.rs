//! Showing a passkey to a practice that lets nobody in without one; whoever has none is led to making one.

use axum::extract::State;
use identity::account::MyPractice;
use serde::Deserialize;

use super::said;
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{Asked, Sent, go, refuse, show};
use crate::origin::LocalPath;
use crate::proof::DeviceSaid;
use crate::text::say;
use crate::views::account::ShowPasskey;
use crate::views::form::AskDevice;
use crate::views::{Errors, Room};
use crate::who::{Caller, Person};

#[derive(Default, Deserialize)]
pub(super) struct Onward {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub(super) struct Form {
    #[serde(flatten)]
    onward: Onward,
    #[serde(flatten)]
    device: DeviceSaid,
}

/// `GET /account/passkeys/show`
pub(super) async fn form(State(app): State<AppState>, person: Person, Asked(onward): Asked<Onward>) -> Answer {
    let next = LocalPath::or_home(&onward.next);
    if person.me.signed_in.by_passkey {
        return go(&next);
    }
    show(&view(&app, &person, &next, Errors::none()).await?)
}

/// `POST /account/passkeys/show`
pub(super) async fn send(State(app): State<AppState>, sent: Sent<Form, Person>) -> Answer {
    let Sent { by: person, form, once } = sent;
    let next = LocalPath::or_home(&form.onward.next);
    let errors = match form.device.given() {
        None => Errors::whole(say("passkey-failed")),
        Some(given) => match app.identity.prove_by_passkey(&person.me, given, once).await {
            Ok(()) => return go(&next),
            Err(error) => said(error)?,
        },
    };
    refuse(&view(&app, &person, &next, errors).await?)
}

async fn view(app: &AppState, person: &Person, next: &LocalPath, errors: Errors) -> Result<ShowPasskey, PageError> {
    let wants = |practice: &MyPractice| practice.passkeys_only.then(|| practice.name.clone());
    Ok(ShowPasskey {
        practices: person.call().greeting(&person.me).await?.practices.iter().filter_map(wants).collect(),
        shell: person.shell(Room::Account).await?,
        guard: person.guard(),
        errors,
        next: next.to_string(),
        make: next.after("/account/passkeys/new"),
        passkey: app.identity.ask_me(&person.me).await?.map(AskDevice::to_show),
    })
}
