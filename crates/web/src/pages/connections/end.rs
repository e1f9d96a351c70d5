//! Letting a program in no longer, after one question: in effect at its next request.

use axum::extract::State;
use identity::clients::{ClientError, client_name};
use kernel::ClientId;

use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{At, Sent, go_to, show};
use crate::pages::Button;
use crate::views::confirm::{Confirm, Question};
use crate::views::{Errors, Room};
use crate::who::{Caller, Member};

/// `GET /team/connections/{client}/end`
pub(super) async fn ask(State(app): State<AppState>, member: Member, At(client): At<ClientId>) -> Answer {
    let name = client_name(&app.store, &member.actor, client).await?;
    show(&Confirm {
        shell: member.shell(Room::Team).await?,
        banner: None,
        guard: member.guard(),
        errors: Errors::none(),
        question: Question::end_connection(&client.to_string(), &name),
        version: String::new(),
    })
}

/// `POST /team/connections/{client}/end`
pub(super) async fn send(State(app): State<AppState>, At(client): At<ClientId>, sent: Sent<Button>) -> Answer {
    match app.identity.end_client(&sent.by.actor, client, sent.once).await {
        Ok(()) | Err(ClientError::Ended) => go_to("/team/connections?done=disconnected"),
        Err(ClientError::Store(error)) => Err(error.into()),
        Err(other) => Err(PageError::of(other.kind())),
    }
}
