//! Numbers that others gave a patient: written down, shown on purpose, taken off.

use axum::extract::State;
use kernel::{IdentifierId, PatientId};
use practice::patients::actions::EditForm;
use practice::patients::identifiers::{Identifier as Number, IdentifierKind};
use practice::patients::reads::{open, reveal as show_in_full};
use practice::patients::writes::{add_identifier, remove_identifier};
use serde::Deserialize;
use store::{Purpose, Resource, StoreError};

use super::banner::{banner, kind_label, name_of};
use super::find::{kinds, today};
use super::overview::{known, view};
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{At, Sent, go_to, refuse, show};
use crate::text::say;
use crate::views::confirm::{Confirm, Question};
use crate::views::patient::{Identifier, Revealed, Tab};
use crate::views::words::purpose as purpose_said;
use crate::views::{Choice, Errors, Room};
use crate::who::{Caller, Member};

/// After so many seconds the page masks a revealed number again.
const SHOWN_SECONDS: u32 = 60;

#[derive(Deserialize)]
pub(super) struct Add {
    #[serde(default)]
    kind: String,
    number: String,
}

/// `POST /patients/{patient}/identifiers`
pub(super) async fn add(State(app): State<AppState>, At(id): At<PatientId>, sent: Sent<Add>) -> Answer {
    let Sent { by: member, form, once } = sent;
    let mut errors = Errors::none();
    match IdentifierKind::from_code(&form.kind).map(|kind| Number::parse(kind, &form.number)) {
        Some(Ok(number)) => {
            add_identifier(&app.store, &member.actor, once, id, number).await?;
            return go_to(&format!("/patients/{id}"));
        }
        Some(Err(problem)) => errors.add("identifier-number", problem.message),
        None => errors.add("identifier-kind", say("identifier-kind-missing")),
    }
    let mut page = view(&app, &member, id).await?;
    if let Some(add) = &mut page.add_identifier {
        add.errors = errors;
        add.kinds = kinds(&form.kind);
        add.number = form.number;
    }
    refuse(&page)
}

#[derive(Deserialize)]
pub(super) struct Reveal {
    #[serde(default)]
    purpose: String,
}

/// `POST /patients/{patient}/identifiers/{identifier}/reveal`: the fragment for a page that asks, else
/// the whole page.
pub(super) async fn reveal(
    State(app): State<AppState>,
    At((id, identifier)): At<(PatientId, IdentifierId)>,
    sent: Sent<Reveal>,
) -> Answer {
    let Sent { by: member, form, .. } = sent;
    let shown = match form.purpose.parse::<Purpose>() {
        Ok(purpose) => {
            let revealed = show_in_full(&app.store, &member.actor, id, identifier, purpose).await?;
            let number = revealed.identifier.map_err(StoreError::from)?;
            Ok(Revealed {
                value: number.value.value.clone(),
                by: member.shell(Room::Patients).await?.person,
                at: member.moment(revealed.at).await?,
                from: member.source().to_string(),
                purpose: purpose_said(purpose.code()),
                seconds: SHOWN_SECONDS,
            })
        }
        Err(_) => Err(say("reveal-purpose-missing")),
    };
    let mut page = view(&app, &member, id).await?;
    let text = identifier.to_string();
    let place = page.banner.identifiers.iter_mut().find(|known| known.id == text).ok_or(PageError::MISSING)?;
    let refused = shown.is_err();
    match shown {
        Ok(revealed) => place.revealed = Some(revealed),
        Err(problem) => place.errors.add("purpose", problem),
    }
    place.purposes = chosen(std::mem::take(&mut place.purposes), &form.purpose);
    if member.call().is_htmx() {
        let fragment: Identifier = place.clone();
        return if refused { refuse(&fragment) } else { show(&fragment) };
    }
    if refused { refuse(&page) } else { show(&page) }
}

fn chosen(choices: Vec<Choice>, code: &str) -> Vec<Choice> {
    choices.into_iter().map(|choice| Choice { chosen: choice.value == code, ..choice }).collect()
}

/// `GET /patients/{patient}/identifiers/{identifier}/remove`
pub(super) async fn ask(
    State(app): State<AppState>,
    member: Member,
    At((id, identifier)): At<(PatientId, IdentifierId)>,
) -> Answer {
    member.must::<EditForm>(Resource::Patient(id)).await?;
    let page = open(&app.store, &member.actor, id).await?;
    let found = page.identifiers.iter().flatten().find(|known| known.id == identifier).ok_or(PageError::MISSING)?;
    let (name, kind) = (name_of(&page.patient), kind_label(&found.kind));
    show(&Confirm {
        shell: member.shell(Room::Patients).await?,
        banner: Some(banner(&member, &known(id, &page), page.may, Tab::Aside, today(&app, &member).await?)),
        guard: member.guard(),
        errors: Errors::none(),
        question: Question::remove_identifier(&id.to_string(), &name, &identifier.to_string(), &kind, &found.masked),
        version: String::new(),
    })
}

#[derive(Deserialize)]
pub(super) struct Remove {}

/// `POST /patients/{patient}/identifiers/{identifier}/remove`
pub(super) async fn remove(
    State(app): State<AppState>,
    At((id, identifier)): At<(PatientId, IdentifierId)>,
    sent: Sent<Remove>,
) -> Answer {
    remove_identifier(&app.store, &sent.by.actor, sent.once, id, identifier).await?;
    go_to(&format!("/patients/{id}"))
}
