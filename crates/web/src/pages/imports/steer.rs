//! Having files tried or brought in, pausing that, ending it.

use axum::extract::State;
use kernel::UploadId;
use practice::exchange::uploads::UploadError;
use practice::exchange::uploads::writes::{Wish, start, steer};
use serde::Deserialize;

use super::{said, show};
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{At, Sent, go_to};
use crate::pages::Button;
use crate::who::Member;

/// `POST /practice/import/{upload}/check`
pub(super) async fn check(state: State<AppState>, id: At<UploadId>, sent: Sent<Button>) -> Answer {
    begin(state, id, sent, true).await
}

/// `POST /practice/import/{upload}/bring-in`
pub(super) async fn bring_in(state: State<AppState>, id: At<UploadId>, sent: Sent<Button>) -> Answer {
    begin(state, id, sent, false).await
}

async fn begin(State(app): State<AppState>, At(id): At<UploadId>, sent: Sent<Button>, dry: bool) -> Answer {
    let started = start(&app.store, &sent.by.actor, sent.once, id, dry).await;
    done(&app, &sent.by, id, started).await
}

#[derive(Deserialize)]
pub(super) struct Form {
    wish: String,
}

/// `POST /practice/import/{upload}/steer`
pub(super) async fn steer_it(State(app): State<AppState>, At(id): At<UploadId>, sent: Sent<Form>) -> Answer {
    let wish = match sent.form.wish.as_str() {
        "pause" => Wish::Pause,
        "go-on" => Wish::GoOn,
        "cancel" => Wish::Cancel,
        _ => return Err(PageError::BAD_REQUEST),
    };
    let steered = steer(&app.store, &sent.by.actor, sent.once, id, wish).await;
    done(&app, &sent.by, id, steered).await
}

/// To the page of the upload; with what is in the way said on it.
pub(super) async fn done(app: &AppState, member: &Member, id: UploadId, came: Result<(), UploadError>) -> Answer {
    match came {
        Ok(()) => go_to(&format!("/practice/import/{id}")),
        Err(UploadError::Store(error)) => Err(error.into()),
        Err(error) => show::refused(app, member, id, said::refused(error)?, None).await,
    }
}
