//! How a record stands: in use or not, the patient alive or dead; and who may open it.

use axum::extract::State;
use axum::http::StatusCode;
use kernel::{PatientId, PersonId};
use practice::patients::actions::RestrictPatient;
use practice::patients::model::BirthDate;
use practice::patients::reads::{open, seen};
use practice::patients::rows::Patient;
use practice::patients::standing::StandingForm;
use practice::patients::standing::reads::{AccessPage, access};
use practice::patients::standing::writes::{restrict, stand};
use serde::Deserialize;
use store::{Resource, StoreError};

use super::banner::{Known, banner, may, name_of};
use super::find::today;
use super::overview::known;
use super::typed;
use crate::AppState;
use crate::around::roles_said;
use crate::errors::{Answer, PageError};
use crate::extract::{At, Sent, go_to, page, refuse, show};
use crate::text::say;
use crate::views::patient::Tab;
use crate::views::standing::{Access, Standing};
use crate::views::{Choice, Errors, Room};
use crate::who::{Caller, Member};

#[derive(Deserialize)]
pub(super) struct Form {
    version: String,
    #[serde(flatten)]
    typed: StandingForm,
}

/// `GET /patients/{patient}/standing`
pub(super) async fn form(State(app): State<AppState>, member: Member, At(id): At<PatientId>) -> Answer {
    show(&standing(&app, &member, id, None, Errors::none()).await?.0)
}

/// `POST /patients/{patient}/standing`
pub(super) async fn send(State(app): State<AppState>, At(id): At<PatientId>, sent: Sent<Form>) -> Answer {
    let Sent { by: member, form, once } = sent;
    let version: i64 = form.version.parse().map_err(|_| PageError::BAD_REQUEST)?;
    let (order, today) = (member.date_order().await?, today(&app, &member).await?);
    let (mut view, born) = standing(&app, &member, id, Some((&form.typed, Some(version))), Errors::none()).await?;
    let read = match form.typed.parse(order, today, born) {
        Ok(read) => read,
        Err(found) => {
            view.errors = typed::errors(found);
            return refuse(&view);
        }
    };
    match stand(&app.store, &member.actor, once, id, seen(version), &form.typed, &read).await {
        Ok(()) => go_to(&format!("/patients/{id}")),
        Err(StoreError::Conflict) => {
            let errors = Errors::whole(say("standing-conflict"));
            page(StatusCode::CONFLICT, &standing(&app, &member, id, Some((&form.typed, None)), errors).await?.0)
        }
        Err(error) => Err(error.into()),
    }
}

/// The form with what was typed, or with how the record stands; and the birth date.
async fn standing(
    app: &AppState,
    member: &Member,
    id: PatientId,
    typed: Option<(&StandingForm, Option<i64>)>,
    errors: Errors,
) -> Result<(Standing, Option<BirthDate>), PageError> {
    member.must::<practice::patients::actions::EditForm>(Resource::Patient(id)).await?;
    let page = open(&app.store, &member.actor, id).await?;
    let patient = page.patient.as_ref().map_err(|damaged| StoreError::from(*damaged))?;
    let order = member.date_order().await?;
    let now = StandingForm::of(patient.active, patient.deceased.as_ref(), order);
    let (form, version) = typed.map_or((&now, None), |(form, version)| (form, version));
    let today = today(app, member).await?;
    let chosen = |value: &str, is: &str, key: &str| Choice::new(value, say(key), is == value);
    let born = patient.birth;
    let view = Standing {
        shell: member.shell(Room::Patients).await?,
        banner: banner(member, &known(id, &page), page.may, Tab::Aside, today),
        guard: member.guard(),
        errors,
        name: name_of(&page.patient),
        version: version.unwrap_or(patient.row_version).to_string(),
        record: vec![
            chosen("active", &form.record, "standing-active"),
            chosen("inactive", &form.record, "standing-inactive"),
        ],
        died: vec![chosen("no", &form.died, "standing-alive"), chosen("yes", &form.died, "standing-died")],
        died_on: form.died_on.clone(),
        date_example: super::typed::date_example(today, order),
    };
    Ok((view, born))
}

#[derive(Deserialize)]
pub(super) struct Named {
    version: String,
    #[serde(default)]
    person: Vec<PersonId>,
}

/// `GET /patients/{patient}/access`
pub(super) async fn who(State(app): State<AppState>, member: Member, At(id): At<PatientId>) -> Answer {
    let page = access(&app.store, &member.actor, id).await?;
    show(&named(&app, &member, id, &page, None, Errors::none()).await?)
}

/// `POST /patients/{patient}/access`
pub(super) async fn name_them(State(app): State<AppState>, At(id): At<PatientId>, sent: Sent<Named>) -> Answer {
    let Sent { by: member, form, once } = sent;
    let version: i64 = form.version.parse().map_err(|_| PageError::BAD_REQUEST)?;
    match restrict(&app.store, &member.actor, once, id, seen(version), &form.person).await {
        Ok(()) => go_to(&format!("/patients/{id}")),
        Err(StoreError::Conflict) => {
            let found = access(&app.store, &member.actor, id).await?;
            let errors = Errors::whole(say("standing-conflict"));
            page(StatusCode::CONFLICT, &named(&app, &member, id, &found, Some(&form.person), errors).await?)
        }
        Err(error) => Err(error.into()),
    }
}

async fn named(
    app: &AppState,
    member: &Member,
    id: PatientId,
    page: &AccessPage,
    chosen: Option<&[PersonId]>,
    errors: Errors,
) -> Result<Access, PageError> {
    let patient: &Patient = page.patient.as_ref().map_err(|damaged| StoreError::from(*damaged))?;
    let team = app.identity.team(&member.me).await?;
    let chosen = chosen.unwrap_or(&page.named);
    let known = Known {
        id,
        patient: &page.patient,
        identifiers: &page.identifiers,
        alerts: &page.alerts,
        allergies: Some(page.allergies.iter().collect()),
    };
    let person = |of: &identity::team::Member| {
        let words = if of.you { say("access-you") } else { String::new() };
        let roles = roles_said(of.roles);
        let hint = if words.is_empty() { roles } else { format!("{roles}. {words}") };
        Choice::new(of.id.to_string(), of.name.clone(), chosen.contains(&of.id)).explained(hint)
    };
    Ok(Access {
        shell: member.shell(Room::Patients).await?,
        banner: banner(member, &known, may(member).await?, Tab::Aside, today(app, member).await?),
        guard: member.guard(),
        errors,
        name: name_of(&page.patient),
        version: patient.row_version.to_string(),
        restricted: patient.restricted,
        people: team.members.iter().map(person).collect(),
    })
}

/// Whether naming who may open a record is offered to somebody.
pub(super) async fn may_restrict(member: &Member) -> Result<bool, PageError> {
    member.may_patient::<RestrictPatient>().await
}
