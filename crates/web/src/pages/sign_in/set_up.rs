//! The second step of somebody who has no second factor yet: the first code of an app, then the recovery codes.

use axum::extract::State;
use identity::second::{Entered, Proof};
use serde::Deserialize;

use super::{half, let_in, said};
use crate::AppState;
use crate::call::Call;
use crate::enrolment;
use crate::errors::{Answer, PageError};
use crate::extract::{Sent, refuse, show};
use crate::origin::LocalPath;
use crate::views::Errors;
use crate::views::door::{FirstCodes, SetUp};
use crate::views::form::AskDevice;
use crate::who::{Caller, Person, Visitor};

#[derive(Deserialize)]
pub(super) struct Form {
    code: String,
    next: String,
}

/// `POST /sign-in/set-up`
pub(super) async fn send(State(app): State<AppState>, sent: Sent<Form, Visitor>) -> Answer {
    let Sent { by: visitor, form, once } = sent;
    let (call, next) = (visitor.call(), LocalPath::or_home(&form.next));
    let half = half(call)?;
    match app.identity.finish(&half, Proof::Enrol(&form.code), call.source(), call.browser(), once).await {
        Ok(entered) => first_codes(&app, call, &entered, &next).await,
        Err(error) => {
            let mut errors = Errors::none();
            errors.add("code", said(error)?);
            refuse(&view(&app, &visitor, &half, &next, errors).await?)
        }
    }
}

/// Lets the browser in and shows the codes that were made with the second factor.
pub(super) async fn first_codes(app: &AppState, call: &Call, entered: &Entered, next: &LocalPath) -> Answer {
    let_in(call, entered);
    let person = Person::entered(call, entered).await?;
    show(&FirstCodes {
        codes: entered.codes.iter().map(|code| code.expose().clone()).collect(),
        email: app.identity.account(&person.me).await?.email,
        made: person.moment(app.clock().now()).await?,
        next: next.to_string(),
    })
}

pub(super) async fn view(
    app: &AppState,
    visitor: &Visitor,
    half: &str,
    next: &LocalPath,
    errors: Errors,
) -> Result<SetUp, PageError> {
    let offered = match app.identity.enrolment(half, visitor.call().source()).await {
        Ok(offered) => offered,
        Err(error) => return said(error).and(Err(PageError::BeginAgain)),
    };
    Ok(SetUp {
        guard: visitor.guard(),
        errors,
        action: "/sign-in/set-up".to_owned(),
        enrolment: enrolment::view(&offered)?,
        next: next.to_string(),
        passkey: offered.passkey.map(AskDevice::to_make),
    })
}
