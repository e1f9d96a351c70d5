//! Going to another of one's practices.

use axum::extract::State;
use identity::sessions::SwitchError;
use kernel::PracticeId;
use serde::Deserialize;

use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{Sent, go_to};
use crate::routes::{Allow, Pages};
use crate::who::Person;

pub(super) fn routes(pages: Pages) -> Pages {
    pages.change("/practice", Allow::SignedIn, switch)
}

#[derive(Deserialize)]
struct Form {
    practice: PracticeId,
}

/// `POST /practice`
async fn switch(State(app): State<AppState>, sent: Sent<Form, Person>) -> Answer {
    match app.identity.switch_practice(&sent.by.me, sent.form.practice, sent.once).await {
        Ok(()) => go_to("/"),
        Err(SwitchError::NotYours) => Err(PageError::MISSING),
        Err(SwitchError::Store(error)) => Err(error.into()),
    }
}
