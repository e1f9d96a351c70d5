//! Looking up one exact identifier: an act of its own, counted and in the log.

use axum::extract::State;
use practice::patients::identifiers::IdentifierKind;
use practice::patients::writes::{PatientError, look_up};
use serde::Deserialize;

use super::find::{hit, list, today};
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{Sent, go_to, refuse, show};
use crate::text::say;
use crate::views::Errors;
use crate::views::fault::Fault;
use crate::views::patients::{Found, Hit};

#[derive(Deserialize)]
pub(super) struct Form {
    kind: String,
    number: String,
}

/// `POST /patients/lookup`
pub(super) async fn send(State(app): State<AppState>, sent: Sent<Form>) -> Answer {
    let Sent { by: member, form, .. } = sent;
    let mut errors = Errors::none();
    let kind = IdentifierKind::from_code(&form.kind);
    if kind.is_none() {
        errors.add("kind", say("identifier-kind-missing"));
    }
    if form.number.trim().is_empty() || form.number.chars().count() > 100 {
        errors.add("number", say("identifier-number-missing"));
    }
    let (Some(kind), true) = (kind, errors.is_empty()) else {
        let nothing = Found::Nothing(Vec::new());
        return refuse(&list(&member, String::new(), nothing, errors, form.number, &form.kind, false).await?);
    };
    let found = match look_up(&app.store, &member.actor, kind, &form.number).await {
        Ok(found) => found,
        Err(PatientError::TooMany { wait_seconds }) => {
            return Err(PageError::Fault(Fault::TooMany(u32::try_from(wait_seconds).unwrap_or(600))));
        }
        Err(PatientError::Store(error)) => return Err(error.into()),
        Err(other) => return Err(PageError::of(other.kind())),
    };
    if let [Ok(one)] = found.as_slice() {
        return go_to(&format!("/patients/{}", one.id));
    }
    let today = today(&app, &member).await?;
    let hits: Vec<Hit> = found.iter().map(|patient| hit(patient, today)).collect();
    let nobody = hits.is_empty();
    let found = if nobody { Found::Nothing(hits) } else { Found::These(hits) };
    show(&list(&member, String::new(), found, errors, form.number, &form.kind, nobody).await?)
}
