//! By what the practice lets its people in. An owner says so, after proving that it is them.

use axum::extract::State;
use identity::SignInRuleForm;
use identity::team::sign_in_rule::RuleError;
use serde::Deserialize;
use store::Resource;

use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{Sent, go_to, refuse, show};
use crate::proof::{ProofSent, ask_device, prove};
use crate::views::team::SignInRule;
use crate::views::{Errors, Room};
use crate::who::{Caller, Member};

const HERE: &str = "/team/sign-in";

#[derive(Deserialize)]
pub(super) struct Form {
    rule: Rule,
    #[serde(flatten)]
    proof: ProofSent,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Rule {
    Any,
    Passkey,
}

/// `GET /team/sign-in`
pub(super) async fn ask(State(app): State<AppState>, member: Member) -> Answer {
    show(&view(&app, &member, Errors::none()).await?)
}

/// `POST /team/sign-in`
pub(super) async fn send(State(app): State<AppState>, sent: Sent<Form>) -> Answer {
    let Sent { by: member, form, once } = sent;
    member.must::<SignInRuleForm>(Resource::Practice).await?;
    if !app.identity.proved_lately(&member.me) {
        let mut errors = Errors::none();
        if prove(&app, &member.person, &form.proof, once, &mut errors).await? {
            // The same question, without the fields.
            return go_to(HERE);
        }
        return refuse(&view(&app, &member, errors).await?);
    }
    match app.identity.set_sign_in_rule(&member.me, form.rule == Rule::Passkey, once).await {
        Ok(()) => go_to("/team?done=sign-in-rule"),
        // The page says what is missing.
        Err(RuleError::ProveFirst | RuleError::ShowFirst) => go_to(HERE),
        Err(RuleError::Store(error)) => Err(error.into()),
    }
}

async fn view(app: &AppState, member: &Member, errors: Errors) -> Result<SignInRule, PageError> {
    let rule = app.identity.sign_in_rule(&member.me).await?;
    Ok(SignInRule {
        shell: member.shell(Room::Team).await?,
        guard: member.guard(),
        errors,
        on: rule.passkeys_only,
        people: rule.people,
        with_passkey: rule.with_passkey,
        shown: member.me.signed_in.by_passkey,
        prove: !app.identity.proved_lately(&member.me),
        passkey: ask_device(app, &member.person).await?,
    })
}
