//! Writing in a record: a form for each kind. What is refused keeps all that was typed.

use axum::extract::State;
use kernel::{IdempotencyKey, PatientId};
use practice::patients::clinical::Draft;
use practice::patients::clinical::forms::{
    AllergyForm, ImmunisationForm, MeasurementForm, MedicationForm, Place, ProblemForm,
};
use practice::patients::clinical::reads::form as open;
use practice::patients::clinical::writes::{WriteError, add};
use practice::patients::model::FieldError;
use serde::de::DeserializeOwned;

use super::banner::{Known, banner, may};
use super::find::today;
use super::typed;
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{At, Sent, go_to, refuse, show};
use crate::fields::Fields;
use crate::text::say;
use crate::views::patient::Tab;
use crate::views::write::{Typed, What, Write};
use crate::views::{Errors, Room};
use crate::who::{Caller, Member};

/// `GET /patients/{patient}/write/{what}`
pub(super) async fn form(State(app): State<AppState>, member: Member, At((id, what)): At<(PatientId, What)>) -> Answer {
    show(&view(&app, &member, id, what, Typed::default(), Errors::none(), Errors::none()).await?)
}

/// `POST /patients/{patient}/write/{what}`
pub(super) async fn send(
    State(app): State<AppState>,
    At((id, what)): At<(PatientId, What)>,
    sent: Sent<Fields>,
) -> Answer {
    let Sent { by: member, form, once } = sent;
    let typed = Typed::of(&form);
    let place = place(&app, &member).await?;
    let (found, unusual) = match drafts(what, form, &place)? {
        Ok(read) => read,
        Err(found) => {
            let errors = typed::errors(found);
            return refuse(&view(&app, &member, id, what, typed, errors, Errors::none()).await?);
        }
    };
    if !unusual.is_empty() {
        let unusual = typed::errors(unusual);
        return refuse(&view(&app, &member, id, what, typed, Errors::none(), unusual).await?);
    }
    match keep(&app, &member, once, id, &typed, &found).await {
        Ok(()) if what == What::Measurement => go_to(&format!("/patients/{id}/measurements")),
        Ok(()) => go_to(&format!("/patients/{id}/record")),
        Err(WriteError::AllergiesStand) => {
            let mut errors = Errors::none();
            errors.add("none_known", say("write-allergies-stand"));
            refuse(&view(&app, &member, id, what, typed, errors, Errors::none()).await?)
        }
        Err(WriteError::Store(error)) => Err(error.into()),
    }
}

async fn keep(
    app: &AppState,
    member: &Member,
    once: IdempotencyKey,
    id: PatientId,
    typed: &Typed,
    drafts: &[Draft],
) -> Result<(), WriteError> {
    let by = author(member).await?;
    add(&app.store, &member.actor, once, id, typed, drafts, &by).await.map(|_| ())
}

/// The name under which somebody writes.
pub(super) async fn author(member: &Member) -> Result<String, store::StoreError> {
    Ok(member.call().greeting(&member.me).await.map_err(|_| store::StoreError::SignedOut)?.name.clone())
}

/// What was typed, as what is to be written and what needs a second look; or what is wrong with it.
type Read = Result<(Vec<Draft>, Vec<FieldError>), Vec<FieldError>>;

fn drafts(what: What, fields: Fields, place: &Place) -> Result<Read, PageError> {
    fn typed<T: DeserializeOwned>(fields: Fields) -> Result<T, PageError> {
        fields.form().map_err(|_| PageError::BAD_REQUEST)
    }
    let plain = |read: Result<Vec<Draft>, Vec<FieldError>>| read.map(|drafts| (drafts, Vec::new()));
    Ok(match what {
        What::Allergy => plain(typed::<AllergyForm>(fields)?.parse(place)),
        What::Medication => plain(typed::<MedicationForm>(fields)?.parse(place)),
        What::Problem => plain(typed::<ProblemForm>(fields)?.parse(place)),
        What::Immunisation => plain(typed::<ImmunisationForm>(fields)?.parse(place)),
        What::Measurement => {
            let form: MeasurementForm = typed(fields)?;
            let confirmed = form.confirmed;
            form.parse(place).map(|read| (read.drafts, if confirmed { Vec::new() } else { read.unusual }))
        }
    })
}

pub(super) async fn place(app: &AppState, member: &Member) -> Result<Place, PageError> {
    Ok(Place { order: member.date_order().await?, zone: member.zone().await?, now: app.clock().now() })
}

async fn view(
    app: &AppState,
    member: &Member,
    id: PatientId,
    what: What,
    typed: Typed,
    errors: Errors,
    unusual: Errors,
) -> Result<Write, PageError> {
    let page = open(&app.store, &member.actor, id, None).await?;
    let known = Known {
        id,
        patient: &page.patient,
        identifiers: &page.identifiers,
        alerts: &page.alerts,
        allergies: Some(page.allergies.iter().collect()),
    };
    let today = today(app, member).await?;
    Ok(Write {
        shell: member.shell(Room::Patients).await?,
        banner: banner(member, &known, may(member).await?, Tab::Aside, today),
        guard: member.guard(),
        errors,
        unusual,
        what,
        typed,
        date_example: typed::date_example(today, member.date_order().await?),
    })
}
