//! Changing a patient's particulars. Two people cannot overwrite each other: who is second sees what
//! the first wrote, beside what they typed themselves.

use axum::extract::State;
use axum::http::StatusCode;
use kernel::PatientId;
use practice::patients::model::PatientForm as Typed;
use practice::patients::reads::{edit_form, saved_first, seen};
use practice::patients::rows::Patient;
use practice::patients::writes::edit;
use serde::Deserialize;
use store::StoreError;

use super::find::today;
use super::said;
use super::typed;
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{At, Sent, go_to, page, refuse, show};
use crate::text::say;
use crate::views::patients::{Conflict, Difference, Edited, PatientForm};
use crate::views::{Errors, Room};
use crate::who::{Caller, Member};

#[derive(Deserialize)]
pub(super) struct Form {
    version: String,
    #[serde(flatten)]
    typed: Typed,
}

/// `GET /patients/{patient}/edit`
pub(super) async fn form(State(app): State<AppState>, member: Member, At(id): At<PatientId>) -> Answer {
    let patient = edit_form(&app.store, &member.actor, id).await?.0.map_err(StoreError::from)?;
    let typed = Typed::of(&patient.demographics(), member.date_order().await?);
    let version = patient.row_version;
    show(&view(&app, &member, &patient, &typed, version, Errors::none(), None).await?)
}

/// `POST /patients/{patient}/edit`
pub(super) async fn send(State(app): State<AppState>, At(id): At<PatientId>, sent: Sent<Form>) -> Answer {
    let Sent { by: member, form, once } = sent;
    let version: i64 = form.version.parse().map_err(|_| PageError::BAD_REQUEST)?;
    let today = today(&app, &member).await?;
    let draft = match form.typed.parse(member.date_order().await?, today) {
        Ok(draft) => draft,
        Err(found) => {
            let patient = edit_form(&app.store, &member.actor, id).await?.0.map_err(StoreError::from)?;
            let errors = typed::errors(found);
            return refuse(&view(&app, &member, &patient, &form.typed, version, errors, None).await?);
        }
    };
    match edit(&app.store, &member.actor, once, id, seen(version), &form.typed, &draft).await {
        Ok(()) => go_to(&format!("/patients/{id}")),
        Err(error @ (StoreError::Conflict | StoreError::Merged { .. })) => {
            // What somebody else wrote, also where it stands in another record by now.
            let id = if let StoreError::Merged { into } = error { into } else { id };
            let first = saved_first(&app.store, &member.actor, id).await?;
            let patient = first.patient.map_err(StoreError::from)?;
            let theirs = Typed::of(&patient.demographics(), member.date_order().await?);
            let differences = differences(&theirs, &form.typed);
            let conflict = Conflict { by: first.by, at: member.moment(first.at).await?, differences };
            let now = patient.row_version;
            let view = view(&app, &member, &patient, &form.typed, now, Errors::none(), Some(conflict)).await?;
            page(StatusCode::CONFLICT, &view)
        }
        Err(error) => Err(error.into()),
    }
}

/// Where what stands in the record and what was typed are not the same.
fn differences(theirs: &Typed, yours: &Typed) -> Vec<Difference> {
    let fields = [
        ("title", "patient-form-title", &theirs.title, &yours.title),
        ("given", "patient-given", &theirs.given, &yours.given),
        ("family", "patient-family", &theirs.family, &yours.family),
        ("preferred", "patient-preferred", &theirs.preferred, &yours.preferred),
        ("pronouns", "patient-pronouns", &theirs.pronouns, &yours.pronouns),
        ("birth_date", "patient-birth", &theirs.birth_date, &yours.birth_date),
        ("gender", "patient-gender", &theirs.gender, &yours.gender),
        ("phone", "patient-phone", &theirs.phone, &yours.phone),
        ("email", "field-email", &theirs.email, &yours.email),
        ("address", "patient-address", &theirs.address, &yours.address),
        ("city", "address-city", &theirs.city, &yours.city),
        ("state", "address-region", &theirs.state, &yours.state),
        ("postal_code", "address-postcode", &theirs.postal_code, &yours.postal_code),
        ("country", "address-country", &theirs.country, &yours.country),
        ("language", "patient-language", &theirs.language, &yours.language),
    ];
    fields
        .into_iter()
        .filter(|(.., theirs, yours)| theirs.trim() != yours.trim())
        .map(|(field, label, theirs, yours)| Difference {
            field: field.to_owned(),
            label: say(label),
            theirs: theirs.clone(),
            yours: yours.clone(),
        })
        .collect()
}

async fn view(
    app: &AppState,
    member: &Member,
    patient: &Patient,
    typed: &Typed,
    version: i64,
    errors: Errors,
    conflict: Option<Conflict>,
) -> Result<PatientForm, PageError> {
    let known = patient.demographics();
    Ok(PatientForm {
        shell: member.shell(Room::Patients).await?,
        guard: member.guard(),
        errors,
        edited: Some(Edited {
            id: patient.id.to_string(),
            name: known.name().map(practice::patients::model::HumanName::display).unwrap_or_default(),
            birth: known.birth.map(said::birth),
            version: version.to_string(),
        }),
        values: typed::values(typed),
        date_example: typed::date_example(today(app, member).await?, member.date_order().await?),
        conflict,
        similar: Vec::new(),
    })
}
