//! Warnings that must not be overlooked: written, and ended after one question.

use axum::extract::State;
use kernel::{AlertId, PatientId};
use practice::patients::actions::EditForm;
use practice::patients::reads::open;
use practice::patients::writes::{Severity, add_alert, end_alert};
use serde::Deserialize;
use store::Resource;

use super::banner::{banner, name_of};
use super::find::today;
use super::overview::{known, view};
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{At, Sent, go_to, refuse, show};
use crate::text::say;
use crate::views::confirm::{Confirm, Question};
use crate::views::patient::Tab;
use crate::views::{Errors, Room};
use crate::who::{Caller, Member};

/// The longest warning.
const TEXT_CHARS_MAX: usize = 500;

#[derive(Deserialize)]
pub(super) struct Form {
    text: String,
    weight: String,
}

/// `POST /patients/{patient}/alerts`
pub(super) async fn add(State(app): State<AppState>, At(id): At<PatientId>, sent: Sent<Form>) -> Answer {
    let Sent { by: member, form, once } = sent;
    let high = form.weight == "high";
    let severity = if high { Severity::High } else { Severity::Usual };
    let problem = match practice::patients::model::block(form.text.trim(), TEXT_CHARS_MAX) {
        Ok(text) if !practice::patients::model::is_blank(&text) => {
            add_alert(&app.store, &member.actor, once, id, severity, &text).await?;
            return go_to(&format!("/patients/{id}"));
        }
        Ok(_) => say("alert-text-missing"),
        Err(_) => say("alert-text-wrong"),
    };
    let mut page = view(&app, &member, id).await?;
    page.alerts.errors.add("alert-text", problem);
    page.alerts.text = form.text;
    page.alerts.high = high;
    refuse(&page)
}

/// `GET /patients/{patient}/alerts/{alert}/end`
pub(super) async fn ask(
    State(app): State<AppState>,
    member: Member,
    At((id, alert)): At<(PatientId, AlertId)>,
) -> Answer {
    show(&question(&app, &member, id, alert).await?)
}

#[derive(Deserialize)]
pub(super) struct End {}

/// `POST /patients/{patient}/alerts/{alert}/end`
pub(super) async fn end(
    State(app): State<AppState>,
    At((id, alert)): At<(PatientId, AlertId)>,
    sent: Sent<End>,
) -> Answer {
    end_alert(&app.store, &sent.by.actor, sent.once, id, alert).await?;
    go_to(&format!("/patients/{id}"))
}

async fn question(app: &AppState, member: &Member, id: PatientId, alert: AlertId) -> Result<Confirm, PageError> {
    member.must::<EditForm>(Resource::Patient(id)).await?;
    let page = open(&app.store, &member.actor, id).await?;
    let found = page.alerts.iter().flatten().find(|known| known.id == alert).ok_or(PageError::MISSING)?;
    let name = name_of(&page.patient);
    Ok(Confirm {
        shell: member.shell(Room::Patients).await?,
        banner: Some(banner(member, &known(id, &page), page.may, Tab::Aside, today(app, member).await?)),
        guard: member.guard(),
        errors: Errors::none(),
        question: Question::end_alert(&id.to_string(), &name, &alert.to_string(), &found.text),
        version: String::new(),
    })
}
