//! One's own passkeys. First it is proved that it is oneself, then the device is asked.

use axum::extract::State;
use identity::passkeys::{MyPasskey, PasskeyError};
use serde::Deserialize;
use uuid::Uuid;

use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{At, Sent, go_to, refuse, show};
use crate::proof::{DeviceSaid, ProofSent, ask_device, not_taken, prove};
use crate::text::{say, say_with};
use crate::views::account::{NewPasskey, ProveFirst};
use crate::views::form::AskDevice;
use crate::views::{Errors, Room};
use crate::who::{Caller, Person};

#[derive(Deserialize)]
pub(super) struct Form {
    name: String,
    #[serde(flatten)]
    device: DeviceSaid,
}

/// `GET /account/passkeys/new`: to whom it was proved lately, the form; before that, the proof.
pub(super) async fn form(State(app): State<AppState>, person: Person) -> Answer {
    if app.identity.proved_lately(&person.me) {
        return show(&view(&app, &person, String::new(), Errors::none()).await?);
    }
    show(&before_adding(&app, &person, Errors::none()).await?)
}

/// `POST /account/passkeys/prove`
pub(super) async fn prove_first(State(app): State<AppState>, sent: Sent<ProofSent, Person>) -> Answer {
    let Sent { by: person, form, once } = sent;
    let mut errors = Errors::none();
    if prove(&app, &person, &form, once, &mut errors).await? {
        return go_to("/account/passkeys/new");
    }
    refuse(&before_adding(&app, &person, errors).await?)
}

/// `POST /account/passkeys/new`
pub(super) async fn send(State(app): State<AppState>, sent: Sent<Form, Person>) -> Answer {
    let Sent { by: person, form, once } = sent;
    let mut errors = Errors::none();
    let Some(given) = form.device.given() else {
        errors.add("", say("passkey-failed"));
        return refuse(&view(&app, &person, form.name, errors).await?);
    };
    match app.identity.add_passkey(&person.me, &form.name, given, once).await {
        Ok(()) => go_to("/account?done=passkey-added"),
        Err(PasskeyError::ProveFirst) => refuse(&before_adding(&app, &person, Errors::none()).await?),
        Err(error) => {
            let (field, words) = said(error)?;
            errors.add(field, words);
            refuse(&view(&app, &person, form.name, errors).await?)
        }
    }
}

/// `GET /account/passkeys/{passkey}/remove`
pub(super) async fn ask_remove(State(app): State<AppState>, person: Person, At(id): At<Uuid>) -> Answer {
    show(&before_removing(&app, &person, id, Errors::none()).await?)
}

/// `POST /account/passkeys/{passkey}/remove`
pub(super) async fn remove(State(app): State<AppState>, At(id): At<Uuid>, sent: Sent<ProofSent, Person>) -> Answer {
    let Sent { by: person, form, once } = sent;
    let mut errors = Errors::none();
    if !app.identity.proved_lately(&person.me) {
        if prove(&app, &person, &form, once, &mut errors).await? {
            // The same question, without the fields.
            return go_to(&format!("/account/passkeys/{id}/remove"));
        }
        return refuse(&before_removing(&app, &person, id, errors).await?);
    }
    match app.identity.remove_passkey(&person.me, id, once).await {
        Ok(()) => go_to("/account?done=passkey-removed"),
        Err(error) => {
            let (_, words) = said(error)?;
            errors.add("", words);
            refuse(&before_removing(&app, &person, id, errors).await?)
        }
    }
}

/// What a form says, beside which field.
fn said(error: PasskeyError) -> Result<(&'static str, String), PageError> {
    Ok(match error {
        PasskeyError::ProveFirst => ("", say("proof-first")),
        PasskeyError::Name => ("name", say("passkey-name-wrong")),
        PasskeyError::TooMany => ("", say("passkey-too-many")),
        PasskeyError::Last => ("", say("passkey-last")),
        PasskeyError::Answer(refused) => ("", not_taken(refused)),
        PasskeyError::Store(error) => return Err(error.into()),
    })
}

async fn view(app: &AppState, person: &Person, typed: String, errors: Errors) -> Result<NewPasskey, PageError> {
    // Where people reach the house by a number, nobody is led here.
    let asked = app.identity.offer_passkey(&person.me).await?.ok_or(PageError::MISSING)?;
    Ok(NewPasskey {
        shell: person.shell(Room::Account).await?,
        guard: person.guard(),
        errors,
        typed,
        asked: AskDevice::to_make(asked),
    })
}

async fn before_adding(app: &AppState, person: &Person, errors: Errors) -> Result<ProveFirst, PageError> {
    Ok(ProveFirst {
        shell: person.shell(Room::Account).await?,
        guard: person.guard(),
        errors,
        title: say("passkey-new-title"),
        what_happens: say("passkey-prove-lead"),
        button: say("passkey-continue"),
        danger: false,
        action: "/account/passkeys/prove".to_owned(),
        prove: true,
        passkey: ask_device(app, person).await?,
    })
}

async fn before_removing(app: &AppState, person: &Person, id: Uuid, errors: Errors) -> Result<ProveFirst, PageError> {
    let mine: Vec<MyPasskey> = app.identity.account(&person.me).await?.passkeys;
    let passkey = mine.into_iter().find(|one| one.id == id).ok_or(PageError::MISSING)?;
    let prove = !app.identity.proved_lately(&person.me);
    let title = say_with("passkey-remove-title", &[("name", &passkey.name)]);
    Ok(ProveFirst {
        shell: person.shell(Room::Account).await?,
        guard: person.guard(),
        errors,
        title,
        what_happens: say("passkey-remove-what"),
        button: say(if prove { "passkey-continue" } else { "passkey-remove-button" }),
        danger: !prove,
        action: format!("/account/passkeys/{id}/remove"),
        prove,
        passkey: ask_device(app, person).await?,
    })
}
