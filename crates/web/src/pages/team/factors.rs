//! Starting that somebody sets up their second factor anew. Whoever does it proves once more that it is them, and chooses
//! nothing for the other: the link goes to them alone.

use axum::extract::State;
use identity::factor_reset::FactorResetError;
use kernel::PersonId;
use serde::Deserialize;
use store::Resource;

use super::FactorsForm;
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{At, Sent, go_to, refuse, show};
use crate::proof::{ProofSent, ask_device, prove};
use crate::views::team::ResetFactors;
use crate::views::{Errors, Room};
use crate::who::{Caller, Member};

#[derive(Deserialize)]
pub(super) struct Form {
    #[serde(flatten)]
    proof: ProofSent,
}

/// `GET /team/{person}/factors`
pub(super) async fn ask(State(app): State<AppState>, member: Member, At(person): At<PersonId>) -> Answer {
    member.must::<FactorsForm>(Resource::Member(person)).await?;
    show(&view(&app, &member, person, Errors::none()).await?)
}

/// `POST /team/{person}/factors`
pub(super) async fn send(State(app): State<AppState>, At(person): At<PersonId>, sent: Sent<Form>) -> Answer {
    let Sent { by: member, form, once } = sent;
    member.must::<FactorsForm>(Resource::Member(person)).await?;
    if !app.identity.proved_lately(&member.me) {
        let mut errors = Errors::none();
        if prove(&app, &member.person, &form.proof, once, &mut errors).await? {
            // The same question, without the fields.
            return go_to(&format!("/team/{person}/factors"));
        }
        return refuse(&view(&app, &member, person, errors).await?);
    }
    match app.identity.begin_factor_reset(&member.me, person, once).await {
        Ok(()) => go_to("/team?done=factors-reset"),
        Err(FactorResetError::Oneself) => go_to("/account"),
        Err(FactorResetError::Wait(wait)) => Err(wait.into()),
        Err(FactorResetError::Store(error)) => Err(error.into()),
        Err(other) => Err(PageError::of(other.kind())),
    }
}

async fn view(app: &AppState, member: &Member, person: PersonId, errors: Errors) -> Result<ResetFactors, PageError> {
    let whose = app.identity.member(&member.me, person).await?;
    Ok(ResetFactors {
        shell: member.shell(Room::Team).await?,
        guard: member.guard(),
        errors,
        id: whose.id.to_string(),
        name: whose.name,
        email: whose.email,
        prove: !app.identity.proved_lately(&member.me),
        passkey: ask_device(app, &member.person).await?,
    })
}
