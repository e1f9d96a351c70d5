//! The page of an invitation, and accepting it as somebody new.

use axum::extract::State;
use axum::response::Response;
use identity::password::Password;
use identity::team::InvitationView;
use kernel::{PracticeId, Secret};
use serde::Deserialize;

use super::{Instead, address, instead};
use crate::AppState;
use crate::around::roles_said;
use crate::cookies::Cookie;
use crate::errors::{Answer, PageError};
use crate::extract::{At, Sent, go_to, refuse, show};
use crate::origin::LocalPath;
use crate::text::say;
use crate::views::Errors;
use crate::views::door::{Invitation, InvitationKnown};
use crate::who::{Caller, Person, Visitor};

#[derive(Deserialize)]
pub(super) struct Form {
    name: String,
    password: Secret<String>,
}

/// `GET /invitation/{practice}/{token}`
pub(super) async fn form(
    State(app): State<AppState>,
    visitor: Visitor,
    person: Option<Person>,
    At((practice, token)): At<(PracticeId, String)>,
) -> Answer {
    match app.identity.invitation(practice, &token, visitor.call().source()).await {
        Ok(offered) if offered.has_account => show(&known(offered, practice, &token, person.as_ref())),
        Ok(offered) => {
            let name = offered.name.clone();
            show(&unknown(offered, practice, &token, &visitor, name, Errors::none()))
        }
        Err(error) => shown(error),
    }
}

/// `POST /invitation/{practice}/{token}`
pub(super) async fn send(
    State(app): State<AppState>,
    At((practice, token)): At<(PracticeId, String)>,
    sent: Sent<Form, Visitor>,
) -> Answer {
    let Sent { by: visitor, form, once } = sent;
    let (call, password) = (visitor.call(), Password::typed(form.password.expose()));
    match app.identity.join_new(practice, &token, &form.name, &password, call.source(), once).await {
        Ok(half) => {
            call.keep(Cookie::HalfSignIn, &half.token);
            go_to("/sign-in/second")
        }
        Err(error) => match instead(error) {
            Instead::Show(answer) => answer,
            Instead::Say(field, words) => {
                let mut errors = Errors::none();
                errors.add(field, words);
                match app.identity.invitation(practice, &token, call.source()).await {
                    Ok(offered) => refuse(&unknown(offered, practice, &token, &visitor, form.name, errors)),
                    Err(error) => shown(error),
                }
            }
        },
    }
}

/// Where there is no form to say it on.
fn shown(error: identity::team::JoinError) -> Result<Response, PageError> {
    match instead(error) {
        Instead::Show(answer) => answer,
        Instead::Say(..) => Err(PageError::BAD_REQUEST),
    }
}

fn unknown(
    offered: InvitationView,
    practice: PracticeId,
    token: &str,
    visitor: &Visitor,
    name: String,
    errors: Errors,
) -> Invitation {
    Invitation {
        guard: visitor.guard(),
        errors,
        action: address(practice, token),
        practice: offered.practice,
        invited_by: offered.invited_by.unwrap_or_else(|| say("invited-by-the-practice")),
        roles: roles_said(offered.roles),
        email: offered.email,
        name,
        enrolment: None,
    }
}

pub(super) fn known(
    offered: InvitationView,
    practice: PracticeId,
    token: &str,
    person: Option<&Person>,
) -> InvitationKnown {
    let here = address(practice, token);
    InvitationKnown {
        guard: person.map(Caller::guard),
        action: format!("{here}/join"),
        sign_in: LocalPath::or_home(&here).after("/sign-in"),
        practice: offered.practice,
        invited_by: offered.invited_by.unwrap_or_else(|| say("invited-by-the-practice")),
        roles: roles_said(offered.roles),
        email: offered.email,
    }
}
