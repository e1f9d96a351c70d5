//! The imports of a practice.

use axum::extract::State;
use practice::exchange::uploads::reads::{Listed, list};

use super::said;
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::show;
use crate::text::say;
use crate::views::Room;
use crate::views::imports::{ImportRow, Imports};
use crate::who::Member;

/// `GET /practice/import`
pub(super) async fn show_imports(State(app): State<AppState>, member: Member) -> Answer {
    let listed = list(&app.store, &member.actor).await?;
    let mut rows = Vec::with_capacity(listed.len());
    for one in &listed {
        rows.push(row(&member, one).await?);
    }
    show(&Imports { shell: member.shell(Room::Team).await?, rows })
}

async fn row(member: &Member, one: &Listed) -> Result<ImportRow, PageError> {
    let (state, caution) = said::state(one.upload.as_ref(), one.run.as_ref(), one.paused);
    let under_way = one.upload.as_ref().is_some_and(|upload| upload.stands().is_under_way());
    let run = one.run.as_ref().filter(|run| run.state != "undone" && !under_way);
    Ok(ImportRow {
        link: one.upload.as_ref().map(|upload| format!("/practice/import/{}", upload.id)),
        what: one.upload.as_ref().map_or_else(|| say("import-by-host"), said::what),
        source: one.source.clone().unwrap_or_else(|| say("damaged")),
        by: match (&one.asked_name, &one.upload) {
            (Some(name), _) => name.clone(),
            (None, Some(_)) => say("connection-by-somebody"),
            (None, None) => say("import-host"),
        },
        began: member.moment(one.began_at()).await?,
        state,
        caution,
        counts: said::run_counts(one.run.as_ref()),
        undo: run.map(|run| format!("/practice/import/runs/{}/undo", run.id)),
    })
}
