//! An invitation's link: as somebody new, or with the account that one has.

mod join;
mod new;

use axum::http::StatusCode;
use identity::team::JoinError;
use kernel::PracticeId;

use crate::errors::{Answer, PageError};
use crate::extract::page;
use crate::refusals;
use crate::routes::{Allow, Pages};
use crate::text::say;
use crate::views::door::{LinkEnded, LinkKind};

pub(super) fn routes(pages: Pages) -> Pages {
    pages
        .read("/invitation/{practice}/{token}", Allow::Public, new::form)
        .change("/invitation/{practice}/{token}", Allow::Public, new::send)
        .change("/invitation/{practice}/{token}/join", Allow::SignedIn, join::send)
}

fn address(practice: PracticeId, token: &str) -> String {
    format!("/invitation/{practice}/{token}")
}

/// What a form says beside a field, or what is shown instead of it.
enum Instead {
    Say(&'static str, String),
    Show(Answer),
}

fn instead(error: JoinError) -> Instead {
    match error {
        JoinError::Name => Instead::Say("name", say("name-missing")),
        JoinError::SignInFirst => Instead::Say("", say("invitation-sign-in-first")),
        JoinError::AnotherAddress => Instead::Say("", say("invitation-another-address")),
        JoinError::OnTheTeam => Instead::Say("", say("invitation-on-the-team")),
        JoinError::Password(refused) => match refusals::new_password(refused) {
            Ok(words) => Instead::Say("password", words),
            Err(fault) => Instead::Show(Err(fault)),
        },
        JoinError::Ended => Instead::Show(page(StatusCode::GONE, &LinkEnded { kind: LinkKind::Invitation })),
        JoinError::Wait(wait) => Instead::Show(Err(wait.into())),
        JoinError::Store(error) => Instead::Show(Err(PageError::from(error))),
    }
}
