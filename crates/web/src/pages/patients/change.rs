//! Ending an entry of a record, or taking it back. Nothing is deleted.

use axum::extract::State;
use axum::http::StatusCode;
use kernel::{EntryId, PatientId};
use practice::patients::clinical::forms::EndingForm;
use practice::patients::clinical::reads::form as open;
use practice::patients::clinical::writes::end;
use practice::patients::clinical::{Change as Becomes, Ending};
use practice::patients::model::EntryKind;
use practice::patients::reads::seen;
use serde::Deserialize;
use store::StoreError;

use super::banner::{Known, banner, may, name_of};
use super::find::today;
use super::write::{author, place};
use super::{said, typed};
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{At, Sent, go_to, page, refuse, show};
use crate::text::say;
use crate::views::patient::Tab;
use crate::views::words::entry as entry_said;
use crate::views::write::{Change, change_said};
use crate::views::{Choice, Errors, Room};
use crate::who::{Caller, Member};

#[derive(Deserialize)]
pub(super) struct Form {
    version: String,
    #[serde(flatten)]
    typed: EndingForm,
}

/// `GET /patients/{patient}/record/{entry}/change`
pub(super) async fn form(
    State(app): State<AppState>,
    member: Member,
    At((id, entry)): At<(PatientId, EntryId)>,
) -> Answer {
    show(&view(&app, &member, id, entry, &EndingForm::default(), None, Errors::none()).await?.1)
}

/// `POST /patients/{patient}/record/{entry}/change`
pub(super) async fn send(
    State(app): State<AppState>,
    At((id, entry)): At<(PatientId, EntryId)>,
    sent: Sent<Form>,
) -> Answer {
    let Sent { by: member, form, once } = sent;
    let version: i64 = form.version.parse().map_err(|_| PageError::BAD_REQUEST)?;
    let (kind, mut shown) = view(&app, &member, id, entry, &form.typed, Some(version), Errors::none()).await?;
    let ending = match form.typed.parse(kind, &place(&app, &member).await?) {
        Ok(ending) => Ending { by: author(&member).await?, ..ending },
        Err(found) => {
            shown.errors = typed::errors(found);
            return refuse(&shown);
        }
    };
    match end(&app.store, &member.actor, once, (id, entry), seen(version), &form.typed, &ending).await {
        Ok(()) => go_to(&format!("/patients/{id}/record/{entry}")),
        Err(StoreError::Conflict) => {
            let errors = Errors::whole(say("change-conflict"));
            page(StatusCode::CONFLICT, &view(&app, &member, id, entry, &form.typed, None, errors).await?.1)
        }
        Err(error) => Err(error.into()),
    }
}

async fn view(
    app: &AppState,
    member: &Member,
    id: PatientId,
    which: EntryId,
    typed: &EndingForm,
    version: Option<i64>,
    errors: Errors,
) -> Result<(EntryKind, Change), PageError> {
    let page = open(&app.store, &member.actor, id, Some(which)).await?;
    let entry = page.entry.ok_or(PageError::MISSING)?.map_err(StoreError::from)?;
    // What has no room yet cannot be changed here.
    let kind = EntryKind::of_stored(&entry.kind).ok_or(PageError::MISSING)?;
    let body = entry.body.read().ok_or(PageError::MISSING)?;
    let known = Known {
        id,
        patient: &page.patient,
        identifiers: &page.identifiers,
        alerts: &page.alerts,
        allergies: Some(page.allergies.iter().collect()),
    };
    let today = today(app, member).await?;
    let view = Change {
        shell: member.shell(Room::Patients).await?,
        banner: banner(member, &known, may(member).await?, Tab::Aside, today),
        guard: member.guard(),
        errors,
        entry: which.to_string(),
        name: name_of(&page.patient),
        kind: entry_said(&entry.kind),
        title: body.title(),
        value: body.value_words(),
        when: body.began.as_ref().map(said::day),
        version: version.unwrap_or(entry.row_version).to_string(),
        changes: Becomes::of(kind)
            .iter()
            .map(|change| Choice::new(change.code(), change_said(change.code()), change.code() == typed.change))
            .collect(),
        dated: matches!(kind, EntryKind::Problem),
        on: typed.on.clone(),
        remark: typed.remark.clone(),
        date_example: typed::date_example(today, member.date_order().await?),
    };
    Ok((kind, view))
}
