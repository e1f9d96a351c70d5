//! Letting a program in. What it carries is shown once.

use axum::extract::State;
use identity::clients::keys::KeysRefused;
use identity::clients::{ClientError, ClientForm, DAYS_MAX, DAYS_USUAL, MadeClient, NewClient, ProvesBy};
use serde::Deserialize;
use store::Resource;

use super::permissions;
use crate::AppState;
use crate::api::smart::TOKEN;
use crate::errors::{Answer, PageError};
use crate::extract::{Sent, go_to, refuse, show};
use crate::text::{say, say_with};
use crate::views::connections::{MadeConnection, NewConnection};
use crate::views::{Choice, Errors, Room};
use crate::who::{Caller, Member};

const OWN_KEYS: &str = "own-keys";
/// The times that the form offers, in days.
const DAYS: [u16; 5] = [7, 30, DAYS_USUAL, 180, DAYS_MAX];

#[derive(Deserialize)]
pub(super) struct Form {
    name: String,
    #[serde(default)]
    permission: Vec<String>,
    days: String,
    proves: String,
    keys: String,
}

/// `GET /team/connections/new`
pub(super) async fn form(member: Member) -> Answer {
    member.must::<ClientForm>(Resource::Practice).await?;
    let empty = Form {
        name: String::new(),
        permission: Vec::new(),
        days: DAYS_USUAL.to_string(),
        proves: String::new(),
        keys: String::new(),
    };
    show(&view(&member, empty, Errors::none()).await?)
}

/// `POST /team/connections/new`
pub(super) async fn send(State(app): State<AppState>, sent: Sent<Form>) -> Answer {
    let Sent { by: member, form, once } = sent;
    let new = NewClient {
        name: form.name.clone(),
        scopes: permissions::sent(&form.permission),
        // What is no number is no time: refused as that.
        days: form.days.parse().unwrap_or(0),
        proves_by: if form.proves == OWN_KEYS { ProvesBy::OwnKeys(form.keys.clone()) } else { ProvesBy::Key },
    };
    let own_keys = matches!(new.proves_by, ProvesBy::OwnKeys(_));
    match app.identity.make_client(&member.actor, &new, once).await {
        // Sent again: the key was shown the first time, and is kept nowhere.
        Ok(MadeClient { key: None, .. }) if !own_keys => go_to("/team/connections?done=connected"),
        Ok(made) => show(&shown(&app, &member, &form.name, made).await?),
        Err(error) => refuse(&view(&member, form, said(error)?).await?),
    }
}

async fn shown(app: &AppState, member: &Member, name: &str, made: MadeClient) -> Result<MadeConnection, PageError> {
    let base = app.origin().with(&format!("{}r4/{}", crate::api::ROOT, member.actor.practice()));
    Ok(MadeConnection {
        shell: member.shell(Room::Team).await?,
        name: name.trim().to_owned(),
        key: made.key.map(|key| key.expose().clone()),
        id: made.id.to_string(),
        token_address: format!("{base}{TOKEN}"),
        base,
        until: member.moment(made.expires_at).await?,
    })
}

fn said(error: ClientError) -> Result<Errors, PageError> {
    let (field, words) = match error {
        ClientError::Name => ("name", say("connection-name-missing")),
        ClientError::NoScopes => ("permission", say("connection-permission-missing")),
        ClientError::Days => ("days", say("connection-days-wrong")),
        ClientError::Keys(refused) => ("keys", say(keys_said(refused))),
        ClientError::Ended => ("", say("connection-ended-already")),
        ClientError::Store(error) => return Err(error.into()),
    };
    let mut errors = Errors::none();
    errors.add(field, words);
    Ok(errors)
}

const fn keys_said(refused: KeysRefused) -> &'static str {
    match refused {
        KeysRefused::NotASet => "keys-not-a-set",
        KeysRefused::TooMany => "keys-too-many",
        KeysRefused::Private => "keys-private",
        KeysRefused::NoId => "keys-no-id",
        KeysRefused::Kind => "keys-kind",
    }
}

async fn view(member: &Member, form: Form, errors: Errors) -> Result<NewConnection, PageError> {
    let own_keys = form.proves == OWN_KEYS;
    // A private key must not go back into a page.
    let private = errors.of("keys") == Some(say("keys-private").as_str());
    Ok(NewConnection {
        shell: member.shell(Room::Team).await?,
        guard: member.guard(),
        permissions: permissions::choices(&form.permission),
        days: DAYS
            .into_iter()
            .map(|days| {
                let chosen = form.days == days.to_string();
                Choice::new(days.to_string(), say_with("connection-days-count", &[("count", &days)]), chosen)
            })
            .collect(),
        proves: vec![
            Choice::new("key", say("connection-key"), !own_keys),
            Choice::new(OWN_KEYS, say("connection-own-keys"), own_keys),
        ],
        called: form.name,
        keys: if private { String::new() } else { form.keys },
        errors,
    })
}
