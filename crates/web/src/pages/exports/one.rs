//! One export: where it is, and what can be done about it.

use axum::extract::State;
use kernel::{ExportId, IdempotencyKey, PatientId};
use practice::exchange::export::actions::{ApproveExport, ApprovePatientExport};
use practice::exchange::export::{self, ExportError, Shown, State as Is, approve, layout, signed_by};
use practice::patients::actions::ReadPatient;
use store::{Purpose, Role};

use super::list::{by, what};
use super::{page_error, percent, state_said};
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{At, Sent, go_to, refuse as refused, show};
use crate::pages::Button;
use crate::proof::{ProofSent, ask_device, prove as prove_factors};
use crate::text::{say, say_with, size};
use crate::views::exports::{Archive, OneExport};
use crate::views::record::Fact;
use crate::views::when::spoken;
use crate::views::{Errors, Room, words};
use crate::who::{Caller, Member};

/// `GET /practice/export/{export}`
pub(super) async fn show_export(State(app): State<AppState>, member: Member, At(id): At<ExportId>) -> Answer {
    show(&view(&app, &member, id, Errors::none()).await?)
}

/// `POST /practice/export/{export}/prove`: that one may fetch.
pub(super) async fn prove(State(app): State<AppState>, At(id): At<ExportId>, sent: Sent<ProofSent>) -> Answer {
    let Sent { by: member, form, once } = sent;
    // Somebody else's, or none: told before anybody proves anything.
    export::one(&app.store, &member.actor, id).await?;
    let mut errors = Errors::none();
    if proved(&app, &member, &form, once, &mut errors).await? {
        return go_to(&format!("/practice/export/{id}"));
    }
    refused(&view(&app, &member, id, errors).await?)
}

/// `POST /practice/export/{export}/agree`
pub(super) async fn agree(State(app): State<AppState>, At(id): At<ExportId>, sent: Sent<ProofSent>) -> Answer {
    let Sent { by: member, form, once } = sent;
    let mut errors = Errors::none();
    // Somebody else's, or none: told before anybody proves anything.
    let known = export::one(&app.store, &member.actor, id).await?;
    if known.own {
        errors.add("", say("export-second-is-first"));
    } else if proved(&app, &member, &form, once, &mut errors).await? {
        let done = approve(&app.store, &member.actor, once, id).await;
        return settled(&app, &member, id, done).await;
    }
    refused(&view(&app, &member, id, errors).await?)
}

/// `POST /practice/export/{export}/refuse`
pub(super) async fn refuse(State(app): State<AppState>, At(id): At<ExportId>, sent: Sent<Button>) -> Answer {
    let done = export::refuse(&app.store, &sent.by.actor, sent.once, id).await;
    settled(&app, &sent.by, id, done).await
}

/// `POST /practice/export/{export}/withdraw`
pub(super) async fn withdraw(State(app): State<AppState>, At(id): At<ExportId>, sent: Sent<Button>) -> Answer {
    let known = export::one(&app.store, &sent.by.actor, id).await?;
    if !known.own && !app.store.enter(&sent.by.actor).await?.known().await?.roles().has(Role::Owner) {
        let errors = Errors::whole(say("export-withdraw-not-yours"));
        return refused(&view(&app, &sent.by, id, errors).await?);
    }
    let done = export::withdraw(&app.store, &sent.by.actor, sent.once, id).await;
    settled(&app, &sent.by, id, done).await
}

async fn proved(
    app: &AppState,
    member: &Member,
    form: &ProofSent,
    once: IdempotencyKey,
    errors: &mut Errors,
) -> Result<bool, PageError> {
    prove_factors(app, &member.person, form, once, errors).await
}

/// To the page that shows how it is by now; what could not be done any more is said there.
async fn settled(app: &AppState, member: &Member, id: ExportId, done: Result<(), ExportError>) -> Answer {
    let Err(error) = done else { return go_to(&format!("/practice/export/{id}")) };
    let words = match error {
        ExportError::SecondPerson => "export-second-is-first",
        // Or the record was merged away since: what was asked for is no longer what stands.
        ExportError::NotNow | ExportError::NotThere | ExportError::Store(store::StoreError::Merged { .. }) => {
            "export-not-now"
        }
        ExportError::Store(error) => return Err(error.into()),
    };
    refused(&view(app, member, id, Errors::whole(say(words))).await?)
}

/// The page as it is.
pub(super) async fn view(
    app: &AppState,
    member: &Member,
    id: ExportId,
    errors: Errors,
) -> Result<OneExport, PageError> {
    let one = export::one(&app.store, &member.actor, id).await?;
    let roles = app.store.enter(&member.actor).await?.known().await?.roles();
    let archive = archive(app, member, id, &one).await?;
    let asked = one.state == Is::Asked;
    let may_agree = match one.patient {
        None => member.may::<ApproveExport>().await?,
        Some(_) => member.may_patient::<ApprovePatientExport>().await?,
    };
    let ended = matches!(one.state, Is::Refused | Is::Withdrawn | Is::Expired | Is::Failed);
    let patient = match one.patient {
        Some(patient) if member.may_patient::<ReadPatient>().await? => Some(patient),
        _ => None,
    };
    Ok(OneExport {
        shell: member.shell(Room::Team).await?,
        id: id.to_string(),
        what: what(&one),
        patient: patient.as_ref().map(PatientId::to_string),
        state: state_said(one.state),
        note: note(member, &one).await?,
        percent: percent(one.state, one.done, one.whole),
        facts: facts(member, &one).await?,
        errors,
        prove: !app.identity.proved_lately(&member.me),
        passkey: ask_device(app, &member.person).await?,
        agree: (asked && may_agree && !one.own).then(|| member.guard()),
        refuse: (asked && !one.own).then(|| member.guard()),
        // What one can refuse one need not take back.
        withdraw: (!ended && (one.own || (roles.has(Role::Owner) && !asked))).then(|| member.guard()),
        prove_guard: member.guard(),
        archive,
    })
}

/// What can be fetched, by whoever may.
async fn archive(app: &AppState, member: &Member, id: ExportId, one: &Shown) -> Result<Option<Archive>, PageError> {
    if one.state != Is::Ready {
        return Ok(None);
    }
    let found = match layout(&app.store, &member.actor, id).await {
        Ok(found) => found,
        // Not theirs to fetch, or over by now: the rest of the page says so.
        Err(ExportError::NotThere | ExportError::Store(store::StoreError::Missing)) => return Ok(None),
        Err(error) => return Err(page_error(error)),
    };
    let signed_by = signed_by(&app.store, &member.actor, &found).await.map_err(page_error)?;
    Ok(Some(Archive { size: size(found.bytes), until: member.moment(one.ends_at).await?, signed_by }))
}

async fn note(reader: &Member, one: &Shown) -> Result<String, PageError> {
    let until = |at| async move { Ok::<_, PageError>(spoken(&reader.moment(at).await?)) };
    Ok(match (one.state, one.alone_at) {
        (Is::Asked, Some(at)) => say_with("export-note-alone", &[("when", &until(at).await?)]),
        (Is::Asked, None) if one.patient.is_some() => {
            say_with("export-note-treats", &[("when", &until(one.ends_at).await?)])
        }
        (Is::Asked, None) => say_with("export-note-second", &[("when", &until(one.ends_at).await?)]),
        (Is::Making, _) => say("export-note-making"),
        (Is::Ready, _) => say_with("export-note-ready", &[("when", &until(one.ends_at).await?)]),
        (Is::Refused, _) => say("export-note-refused"),
        (Is::Withdrawn, _) => say("export-note-withdrawn"),
        (Is::Expired, _) => say("export-note-expired"),
        (Is::Failed, _) => say("export-note-failed"),
    })
}

async fn facts(reader: &Member, one: &Shown) -> Result<Vec<Fact>, PageError> {
    let fact = |key: &str, value: String| Fact { label: say(key), value };
    let purpose: Purpose = one.purpose;
    let mut facts = vec![
        fact("export-asked-by", by(one)),
        fact("export-asked-at", spoken(&reader.moment(one.asked_at).await?)),
        fact("export-purpose", words::purpose(purpose.code())),
        fact("export-recipient", one.recipient.clone()),
    ];
    if let Some(name) = one.settled_name.as_ref().filter(|_| !one.own || one.state != Is::Withdrawn) {
        let key = match one.state {
            Is::Refused => "export-refused-by",
            Is::Withdrawn => "export-withdrawn-by",
            _ => "export-agreed-by",
        };
        facts.push(fact(key, name.clone()));
    }
    if one.damaged > 0 {
        facts.push(fact("export-damaged", one.damaged.to_string()));
    }
    Ok(facts)
}
