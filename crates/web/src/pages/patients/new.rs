//! Writing a new patient down.

use axum::extract::State;
use kernel::PatientId;
use practice::patients::actions::NewForm;
use practice::patients::model::{FieldError, PatientForm as Typed};
use practice::patients::reads::by_these_ids;
use practice::patients::writes::{PatientError, create};
use serde::Deserialize;
use store::Resource;

use super::find::{hit, today};
use super::typed;
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{Sent, go_to, refuse, show};
use crate::views::patients::{Hit, PatientForm};
use crate::views::{Errors, Room};
use crate::who::{Caller, Member};

#[derive(Deserialize)]
pub(super) struct Form {
    #[serde(flatten)]
    typed: Typed,
    #[serde(default)]
    another: Option<String>,
}

/// `GET /patients/new`
pub(super) async fn form(State(app): State<AppState>, member: Member) -> Answer {
    member.must::<NewForm>(Resource::Practice).await?;
    show(&view(&app, &member, &Typed::default(), Errors::none(), Vec::new()).await?)
}

/// `POST /patients/new`
pub(super) async fn send(State(app): State<AppState>, sent: Sent<Form>) -> Answer {
    let Sent { by: member, form, once } = sent;
    let today = today(&app, &member).await?;
    let draft = match form.typed.parse(member.date_order().await?, today) {
        Ok(draft) => draft,
        Err(found) => return refuse(&wrong(&app, &member, &form.typed, found).await?),
    };
    let even_if_known = form.another.as_deref() == Some("yes");
    match create(&app.store, &member.actor, once, &form.typed, &draft, even_if_known).await {
        Ok(id) => go_to(&format!("/patients/{id}")),
        Err(PatientError::KnownAlready(known)) => {
            let similar = similar(&app, &member, &known).await?;
            refuse(&view(&app, &member, &form.typed, Errors::none(), similar).await?)
        }
        Err(PatientError::Store(error)) => Err(error.into()),
        Err(other) => Err(PageError::of(other.kind())),
    }
}

async fn wrong(
    app: &AppState,
    member: &Member,
    typed: &Typed,
    found: Vec<FieldError>,
) -> Result<PatientForm, PageError> {
    view(app, member, typed, typed::errors(found), Vec::new()).await
}

async fn similar(app: &AppState, member: &Member, known: &[PatientId]) -> Result<Vec<Hit>, PageError> {
    let today = today(app, member).await?;
    let patients = by_these_ids(&app.store, &member.actor, known).await?;
    Ok(patients.iter().map(|patient| hit(patient, today)).collect())
}

async fn view(
    app: &AppState,
    member: &Member,
    typed: &Typed,
    errors: Errors,
    similar: Vec<Hit>,
) -> Result<PatientForm, PageError> {
    Ok(PatientForm {
        shell: member.shell(Room::Patients).await?,
        guard: member.guard(),
        errors,
        edited: None,
        values: typed::values(typed),
        date_example: typed::date_example(today(app, member).await?, member.date_order().await?),
        conflict: None,
        similar,
    })
}
