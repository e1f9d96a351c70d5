//! Accepting an invitation with the account that one has.

use axum::extract::State;
use kernel::PracticeId;

use super::{Instead, instead};
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{At, Sent, go_to};
use crate::pages::Button;
use crate::views::fault::Fault;
use crate::who::Person;

/// `POST /invitation/{practice}/{token}/join`
pub(super) async fn send(
    State(app): State<AppState>,
    At((practice, token)): At<(PracticeId, String)>,
    sent: Sent<Button, Person>,
) -> Answer {
    match app.identity.join(&sent.by.me, practice, &token, sent.once).await {
        Ok(()) => go_to("/?done=joined"),
        Err(error) => match instead(error) {
            Instead::Show(answer) => answer,
            // The invitation is for another address, or this person is on the team: nothing to put right.
            Instead::Say(..) => Err(PageError::Fault(Fault::Conflict)),
        },
    }
}
