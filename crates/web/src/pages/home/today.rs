//! The day, the search, and what the person's own account wants.

use axum::extract::State;
use practice::patients::actions::{CreatePatient, FindPatient};
use practice::patients::reads::recently_opened;
use serde::Deserialize;
use store::Resource;

use super::OpenToday;
use crate::AppState;
use crate::around::Told;
use crate::errors::Answer;
use crate::extract::{Asked, show};
use crate::pages::patients::hit;
use crate::views::today::{AccountAlert, Opened, PartOfDay, Today};
use crate::views::when::long_day;
use crate::views::{Moment, Room};
use crate::who::Member;

/// Patients opened lately.
const LATELY: i64 = 8;

#[derive(Deserialize)]
pub(super) struct Question {
    #[serde(flatten)]
    told: Told,
    /// Recovery codes left, when signing in has found that they are few.
    codes: Option<u32>,
}

/// `GET /`
pub(super) async fn show_today(
    State(app): State<AppState>,
    member: Member,
    Asked(question): Asked<Question>,
) -> Answer {
    member.must::<OpenToday>(Resource::Practice).await?;
    let now = app.clock().now().to_zoned(member.zone().await?);
    let mut shell = member.shell(Room::Today).await?;
    shell.notice = question.told.notice();
    let opened = if member.may::<FindPatient>().await? {
        let zone = now.time_zone();
        let opened = |(patient, at)| Opened { patient: hit(&patient, now.date()), at: Moment::at(at, zone) };
        let lately = recently_opened(&app.store, &member.actor, LATELY).await?;
        Some(lately.opened.into_iter().map(opened).collect())
    } else {
        None
    };
    show(&Today {
        shell,
        part: PartOfDay::of(now.hour()),
        date: long_day(now.date()),
        alerts: question.codes.map(AccountAlert::FewRecoveryCodes).into_iter().collect(),
        opened,
        may_create: member.may::<CreatePatient>().await?,
    })
}
