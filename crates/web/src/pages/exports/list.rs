//! Which exports there are.

use axum::extract::State;
use practice::exchange::export::actions::AskExport;
use practice::exchange::export::{Shown, exports};

use super::{percent, state_said};
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::show;
use crate::text::say;
use crate::views::Room;
use crate::views::exports::{ExportLine, Exports};
use crate::who::Member;

/// `GET /practice/export`
pub(super) async fn show_exports(State(app): State<AppState>, member: Member) -> Answer {
    let known = exports(&app.store, &member.actor).await?;
    let mut lines = Vec::with_capacity(known.len());
    for one in known {
        lines.push(line(&member, one).await?);
    }
    let may_ask = member.may::<AskExport>().await?;
    show(&Exports { shell: member.shell(Room::Team).await?, lines, may_ask })
}

async fn line(reader: &Member, one: Shown) -> Result<ExportLine, PageError> {
    Ok(ExportLine {
        id: one.id.to_string(),
        what: what(&one),
        state: state_said(one.state),
        percent: percent(one.state, one.done, one.whole),
        by: by(&one),
        asked: reader.moment(one.asked_at).await?,
    })
}

/// What is exported. Whom is said on pages that need a permission for it.
pub(super) fn what(one: &Shown) -> String {
    say(if one.patient.is_some() { "export-of-patient" } else { "export-of-practice" })
}

/// Who asked.
pub(super) fn by(one: &Shown) -> String {
    match (one.asked_by, &one.asked_name) {
        (None, _) => say("export-by-host"),
        (Some(_), Some(name)) => name.clone(),
        (Some(_), None) => say("connection-by-somebody"),
    }
}
