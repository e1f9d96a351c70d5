//! Taking an open invitation back: its link opens nothing any more.

use axum::extract::State;
use identity::team::InviteError;
use kernel::InvitationId;

use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{At, Sent, go_to};
use crate::pages::Button;

/// `POST /team/invitations/{invitation}/withdraw`
pub(super) async fn send(State(app): State<AppState>, At(invitation): At<InvitationId>, sent: Sent<Button>) -> Answer {
    match app.identity.revoke_invitation(&sent.by.me, invitation, sent.once).await {
        Ok(()) => go_to("/team?done=uninvited"),
        Err(InviteError::Store(error)) => Err(error.into()),
        Err(other) => Err(PageError::of(other.kind())),
    }
}
