//! Asking for an export: of the whole practice, or of one patient.

use axum::extract::State;
use kernel::{IdempotencyKey, PatientId};
use practice::exchange::archive::{NotAKey, Recipient};
use practice::exchange::export::actions::{AskPatientForm, AskWholeForm};
use practice::exchange::export::ask;
use serde::Deserialize;
use store::{Purpose, Resource, Role};

use super::page_error;
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{At, Sent, go_to, refuse, show};
use crate::pages::patients::export_banner;
use crate::proof::{ProofSent, ask_device, prove};
use crate::text::say;
use crate::views::exports::AskExport;
use crate::views::{Choice, Errors, Room, words};
use crate::who::{Caller, Member};

/// Why a record leaves a practice.
const PURPOSES: [Purpose; 4] = [Purpose::PatientRequest, Purpose::Treatment, Purpose::Legal, Purpose::Billing];

#[derive(Deserialize, Default)]
pub(super) struct Form {
    purpose: String,
    recipient: String,
    #[serde(flatten)]
    proof: ProofSent,
}

/// `GET /practice/export/new`
pub(super) async fn form(State(app): State<AppState>, member: Member) -> Answer {
    member.must::<AskWholeForm>(Resource::Practice).await?;
    show(&view(&app, &member, None, &Form::default(), Errors::none()).await?)
}

/// `POST /practice/export/new`
pub(super) async fn send(State(app): State<AppState>, sent: Sent<Form>) -> Answer {
    let Sent { by: member, form, once } = sent;
    member.must::<AskWholeForm>(Resource::Practice).await?;
    asked(&app, &member, None, &form, once).await
}

/// `GET /patients/{patient}/export`
pub(super) async fn patient_form(State(app): State<AppState>, member: Member, At(id): At<PatientId>) -> Answer {
    member.must::<AskPatientForm>(Resource::Patient(id)).await?;
    show(&view(&app, &member, Some(id), &Form::default(), Errors::none()).await?)
}

/// `POST /patients/{patient}/export`
pub(super) async fn patient_send(State(app): State<AppState>, At(id): At<PatientId>, sent: Sent<Form>) -> Answer {
    let Sent { by: member, form, once } = sent;
    member.must::<AskPatientForm>(Resource::Patient(id)).await?;
    asked(&app, &member, Some(id), &form, once).await
}

async fn asked(
    app: &AppState,
    member: &Member,
    patient: Option<PatientId>,
    form: &Form,
    once: IdempotencyKey,
) -> Answer {
    let mut errors = Errors::none();
    let purpose: Option<Purpose> = form.purpose.parse().ok();
    if purpose.is_none() {
        errors.add("purpose", say("export-purpose-missing"));
    }
    let recipient = form.recipient.parse::<Recipient>().map_err(|problem| {
        errors.add("recipient", say(if problem == NotAKey::Secret { "export-key-secret" } else { "export-key-wrong" }));
    });
    // A code can be used once: it is not spent on a form that must be sent again anyway.
    let proved = errors.is_empty() && prove(app, &member.person, &form.proof, once, &mut errors).await?;
    let (Some(purpose), Ok(recipient), true) = (purpose, recipient, proved) else {
        return refuse(&view(app, member, patient, form, errors).await?);
    };
    let link = format!("{}/practice/export", app.origin());
    let done = ask(&app.store, &member.actor, once, patient, &recipient, purpose, &link).await;
    let id = done.map_err(page_error)?;
    go_to(&format!("/practice/export/{id}"))
}

async fn view(
    app: &AppState,
    member: &Member,
    patient: Option<PatientId>,
    form: &Form,
    errors: Errors,
) -> Result<AskExport, PageError> {
    let banner = match patient {
        Some(id) => Some(export_banner(app, member, id).await?),
        None => None,
    };
    let treats = app.store.enter(&member.actor).await?.known().await?.roles().has(Role::Practitioner);
    // What a form that was just refused has proved counts already.
    let prove = !app.identity.proved_lately(&member.me);
    let choice =
        |purpose: Purpose| Choice::new(purpose.code(), words::purpose(purpose.code()), form.purpose == purpose.code());
    Ok(AskExport {
        shell: member.shell(if patient.is_some() { Room::Patients } else { Room::Team }).await?,
        guard: member.guard(),
        key_guard: member.guard(),
        errors,
        action: patient.map_or_else(|| "/practice/export/new".to_owned(), |id| format!("/patients/{id}/export")),
        back: patient.map_or_else(|| "/practice/export".to_owned(), |id| format!("/patients/{id}")),
        then: say(match patient {
            None => "export-then-second",
            Some(_) if treats => "export-then-at-once",
            Some(_) => "export-then-treats",
        }),
        banner,
        purposes: PURPOSES.into_iter().map(choice).collect(),
        recipient: form.recipient.clone(),
        prove,
        passkey: ask_device(app, &member.person).await?,
    })
}
