//! Ending other browsers' sessions, in effect at their next request.

use axum::extract::State;
use kernel::SessionId;

use crate::AppState;
use crate::cookies::Cookie;
use crate::errors::Answer;
use crate::extract::{At, Sent, go_to};
use crate::pages::Button;
use crate::who::{Caller, Person};

/// `POST /account/sessions/{session}/end`
pub(super) async fn end(State(app): State<AppState>, At(session): At<SessionId>, sent: Sent<Button, Person>) -> Answer {
    app.identity.end_session(&sent.by.me, session, sent.once).await?;
    if session == sent.by.me.session() {
        sent.by.call().forget(Cookie::Session);
        return go_to("/sign-in?done=signed-out");
    }
    go_to("/account?done=session-ended")
}

/// `POST /account/sessions/end-others`
pub(super) async fn end_others(State(app): State<AppState>, sent: Sent<Button, Person>) -> Answer {
    app.identity.end_other_sessions(&sent.by.me, sent.once).await?;
    go_to("/account?done=others-ended")
}
