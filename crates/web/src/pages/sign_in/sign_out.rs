//! Signing out: in effect at once, for this browser.

use axum::extract::State;

use crate::AppState;
use crate::cookies::Cookie;
use crate::errors::Answer;
use crate::extract::{Sent, go_to};
use crate::pages::Button;
use crate::who::{Caller, Person};

/// `POST /sign-out`
pub(super) async fn send(State(app): State<AppState>, sent: Sent<Button, Person>) -> Answer {
    app.identity.sign_out(&sent.by.me, sent.once).await?;
    sent.by.call().forget(Cookie::Session);
    go_to("/sign-in?done=signed-out")
}
