//! One's own passkeys. First it is proved that it is oneself, then the device is asked.

use axum::extract::State;
use identity::passkeys::{MyPasskey, PasskeyError};
use serde::Deserialize;
use uuid::Uuid;

use super::SHOW_PASSKEY;
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{Asked, At, Sent, go, go_to, refuse, show};
use crate::origin::LocalPath;
use crate::proof::{DeviceSaid, ProofSent, ask_device, not_taken, prove};
use crate::text::{say, say_with};
use crate::views::account::{NewPasskey, ProveFirst, RenamePasskey};
use crate::views::form::AskDevice;
use crate::views::{Errors, Room};
use crate::who::{Caller, Person};

/// Where one is made.
const NEW: &str = "/account/passkeys/new";

/// Where to go once there is one; carried through both forms.
#[derive(Default, Deserialize)]
pub(super) struct Onward {
    #[serde(default)]
    next: String,
}

impl Onward {
    fn path(&self) -> Option<LocalPath> {
        LocalPath::parse(&self.next)
    }

    fn field(&self) -> String {
        self.path().map(|path| path.to_string()).unwrap_or_default()
    }
}

#[derive(Deserialize)]
pub(super) struct Form {
    name: String,
    #[serde(flatten)]
    onward: Onward,
    #[serde(flatten)]
    device: DeviceSaid,
}

#[derive(Deserialize)]
pub(super) struct Proof {
    #[serde(flatten)]
    onward: Onward,
    #[serde(flatten)]
    proof: ProofSent,
}

#[derive(Deserialize)]
pub(super) struct Name {
    name: String,
}

/// `GET /account/passkeys/new`: to whom it was proved lately, the form; before that, the proof.
pub(super) async fn form(State(app): State<AppState>, person: Person, Asked(onward): Asked<Onward>) -> Answer {
    if app.identity.proved_lately(&person.me) {
        return show(&view(&app, &person, String::new(), &onward, Errors::none()).await?);
    }
    show(&before_adding(&app, &person, &onward, Errors::none()).await?)
}

/// `POST /account/passkeys/prove`
pub(super) async fn prove_first(State(app): State<AppState>, sent: Sent<Proof, Person>) -> Answer {
    let Sent { by: person, form, once } = sent;
    let mut errors = Errors::none();
    if prove(&app, &person, &form.proof, once, &mut errors).await? {
        let next = form.onward.path().map(|path| path.after(NEW));
        return go_to(next.as_deref().unwrap_or(NEW));
    }
    refuse(&before_adding(&app, &person, &form.onward, errors).await?)
}

/// `POST /account/passkeys/new`
pub(super) async fn send(State(app): State<AppState>, sent: Sent<Form, Person>) -> Answer {
    let Sent { by: person, form, once } = sent;
    let mut errors = Errors::none();
    let Some(given) = form.device.given() else {
        errors.add("", say("passkey-failed"));
        return refuse(&view(&app, &person, form.name, &form.onward, errors).await?);
    };
    match app.identity.add_passkey(&person.me, &form.name, given, once).await {
        Ok(()) => form.onward.path().map_or_else(|| go_to("/account?done=passkey-added"), |next| go(&next)),
        Err(PasskeyError::ProveFirst) => refuse(&before_adding(&app, &person, &form.onward, Errors::none()).await?),
        Err(PasskeyError::ShowFirst) => to_show(NEW),
        Err(error) => {
            let (field, words) = said(error)?;
            errors.add(field, words);
            refuse(&view(&app, &person, form.name, &form.onward, errors).await?)
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
        Err(PasskeyError::ShowFirst) => to_show(&format!("/account/passkeys/{id}/remove")),
        Err(error) => {
            let (_, words) = said(error)?;
            errors.add("", words);
            refuse(&before_removing(&app, &person, id, errors).await?)
        }
    }
}

/// `GET /account/passkeys/{passkey}/name`
pub(super) async fn rename_form(State(app): State<AppState>, person: Person, At(id): At<Uuid>) -> Answer {
    let name = one_of_mine(&app, &person, id).await?.name;
    show(&renaming(&person, id, name, Errors::none()).await?)
}

/// `POST /account/passkeys/{passkey}/name`
pub(super) async fn rename(State(app): State<AppState>, At(id): At<Uuid>, sent: Sent<Name, Person>) -> Answer {
    let Sent { by: person, form, once } = sent;
    match app.identity.rename_passkey(&person.me, id, &form.name, once).await {
        Ok(()) => go_to("/account?done=passkey-renamed"),
        Err(error) => {
            let (field, words) = said(error)?;
            let mut errors = Errors::none();
            errors.add(field, words);
            refuse(&renaming(&person, id, form.name, errors).await?)
        }
    }
}

async fn renaming(person: &Person, id: Uuid, typed: String, errors: Errors) -> Result<RenamePasskey, PageError> {
    let shell = person.shell(Room::Account).await?;
    Ok(RenamePasskey { shell, guard: person.guard(), errors, id: id.to_string(), typed })
}

async fn one_of_mine(app: &AppState, person: &Person, id: Uuid) -> Result<MyPasskey, PageError> {
    let mine: Vec<MyPasskey> = app.identity.account(&person.me).await?.passkeys;
    mine.into_iter().find(|one| one.id == id).ok_or(PageError::MISSING)
}

/// First a passkey is shown, then this is asked again.
fn to_show(then: &str) -> Answer {
    go_to(&LocalPath::or_home(then).after(SHOW_PASSKEY))
}

/// What a form says, beside which field.
fn said(error: PasskeyError) -> Result<(&'static str, String), PageError> {
    Ok(match error {
        PasskeyError::ProveFirst => ("", say("proof-first")),
        PasskeyError::ShowFirst => ("", say("passkey-show-first")),
        PasskeyError::Name => ("name", say("passkey-name-wrong")),
        PasskeyError::TooMany => ("", say("passkey-too-many")),
        PasskeyError::Last => ("", say("passkey-last")),
        PasskeyError::Answer(refused) => ("", not_taken(refused)),
        PasskeyError::Store(error) => return Err(error.into()),
    })
}

async fn view(
    app: &AppState,
    person: &Person,
    typed: String,
    onward: &Onward,
    errors: Errors,
) -> Result<NewPasskey, PageError> {
    // Where people reach the house by a number, nobody is led here.
    let asked = app.identity.offer_passkey(&person.me).await?.ok_or(PageError::MISSING)?;
    Ok(NewPasskey {
        shell: person.shell(Room::Account).await?,
        guard: person.guard(),
        errors,
        typed,
        next: onward.field(),
        asked: AskDevice::to_make(asked),
    })
}

async fn before_adding(
    app: &AppState,
    person: &Person,
    onward: &Onward,
    errors: Errors,
) -> Result<ProveFirst, PageError> {
    Ok(ProveFirst {
        shell: person.shell(Room::Account).await?,
        guard: person.guard(),
        errors,
        title: say("passkey-new-title"),
        what_happens: say("passkey-prove-lead"),
        button: say("passkey-continue"),
        danger: false,
        action: "/account/passkeys/prove".to_owned(),
        next: onward.field(),
        prove: true,
        passkey: ask_device(app, person).await?,
    })
}

async fn before_removing(app: &AppState, person: &Person, id: Uuid, errors: Errors) -> Result<ProveFirst, PageError> {
    let passkey = one_of_mine(app, person, id).await?;
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
        next: String::new(),
        prove,
        passkey: ask_device(app, person).await?,
    })
}
