//! Sending files to be brought in.

use axum::extract::State;
use practice::exchange::actions::UploadPage;
use practice::exchange::uploads::UploadError;
use practice::exchange::uploads::receiving::{Begun, begin};
use store::Resource;

use super::said;
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{go_to, refuse, show};
use crate::sending::{Broken, Sending};
use crate::text::size;
use crate::views::imports::NewImport;
use crate::views::{Errors, Room};
use crate::who::{Caller, Member};

/// `GET /practice/import/new`
pub(super) async fn form(State(app): State<AppState>, member: Member) -> Answer {
    member.must::<UploadPage>(Resource::Practice).await?;
    show(&view(&app, &member, Errors::none()).await?)
}

/// `POST /practice/import/new`
pub(super) async fn send(State(app): State<AppState>, sending: Sending) -> Answer {
    let Sending { by: member, once, mut files } = sending;
    // Whether they may is asked before a byte of a file is read.
    let begun = begin(&app.store, &member.actor, once, app.settings.limits.uploads).await;
    let refused = match begun {
        Ok(Begun::Before(id)) => {
            files.drain().await;
            return go_to(&format!("/practice/import/{id}"));
        }
        Ok(Begun::Fresh(mut receiving)) => {
            let came = match files.take_in(&mut receiving).await {
                Ok(()) => receiving.finish().await.map_err(Broken::Upload),
                Err(broken) => Err(broken),
            };
            let broken = match came {
                Ok(id) => return go_to(&format!("/practice/import/{id}")),
                Err(broken) => broken,
            };
            if receiving.give_up().await.is_err() {
                tracing::warn!("an upload that was refused is put away when its time is over");
            }
            broken
        }
        Err(error) => Broken::Upload(error),
    };
    files.drain().await;
    match refused {
        Broken::Page(error) => Err(error),
        Broken::Upload(UploadError::Store(error)) => Err(error.into()),
        Broken::Upload(error) => refuse(&view(&app, &member, said::refused(error)?).await?),
    }
}

async fn view(app: &AppState, member: &Member, errors: Errors) -> Result<NewImport, PageError> {
    let limits = app.settings.limits.uploads;
    Ok(NewImport {
        shell: member.shell(Room::Team).await?,
        guard: member.guard(),
        errors,
        file_max: size(limits.file_bytes_max),
        practice_max: size(limits.practice_bytes_max),
    })
}
