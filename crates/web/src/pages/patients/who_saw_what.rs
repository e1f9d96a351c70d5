//! Who saw what of one record.

use axum::extract::State;
use kernel::{EventId, PatientId};
use practice::audit::reads::of_record;
use serde::Deserialize;

use super::banner::{Known, banner, may};
use super::find::today;
use crate::AppState;
use crate::errors::Answer;
use crate::extract::{Asked, At, show};
use crate::pages::audit::{damaged_act, shown};
use crate::views::audit::RecordAudit;
use crate::views::patient::Tab;
use crate::views::{Pager, Room};
use crate::who::Member;

#[derive(Deserialize)]
pub(super) struct Question {
    #[serde(default)]
    before: String,
}

/// `GET /patients/{patient}/audit?before=`
pub(super) async fn show_log(
    State(app): State<AppState>,
    member: Member,
    At(id): At<PatientId>,
    Asked(asked): Asked<Question>,
) -> Answer {
    let before: Option<EventId> = asked.before.parse().ok();
    let log = of_record(&app.store, &member.actor, id, before).await?;
    let may = may(&member).await?;
    let zone = member.zone().await?;
    let known = Known {
        id,
        patient: &log.patient,
        identifiers: &log.identifiers,
        alerts: &log.alerts,
        allergies: log.allergies.as_ref().map(|lines| lines.iter().collect()),
    };
    let acts = log
        .lines
        .lines
        .iter()
        .map(|line| match line {
            Ok(line) => shown(line, &log.names, &zone),
            Err(damaged) => damaged_act(damaged, log.at, &zone),
        })
        .collect();
    show(&RecordAudit {
        shell: member.shell(Room::Patients).await?,
        banner: banner(&member, &known, may, Tab::Audit, today(&app, &member).await?),
        acts,
        pager: Pager {
            previous: before.map(|_| format!("/patients/{id}/audit")),
            next: log.lines.next.map(|next| format!("?before={next}")),
            ..Pager::default()
        },
    })
}
