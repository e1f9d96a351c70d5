//! The day, the search, and what the person's own account wants.

use axum::extract::State;
use identity::second::CODES_FEW;
use practice::patients::actions::CreatePatient;

use crate::AppState;
use crate::around::Told;
use crate::errors::Answer;
use crate::extract::{Asked, show};
use crate::views::Room;
use crate::views::today::{AccountAlert, PartOfDay, Today};
use crate::views::when::long_day;
use crate::who::Member;

/// `GET /`
pub(super) async fn show_today(State(app): State<AppState>, member: Member, Asked(told): Asked<Told>) -> Answer {
    let now = app.clock().now().to_zoned(member.zone().await?);
    let codes_left = app.identity.account(&member.me).await?.codes_left;
    let mut shell = member.shell(Room::Today).await?;
    shell.notice = told.notice();
    show(&Today {
        shell,
        part: PartOfDay::of(now.hour()),
        date: long_day(now.date()),
        alerts: (codes_left <= CODES_FEW).then_some(AccountAlert::FewRecoveryCodes(codes_left)).into_iter().collect(),
        opened: None,
        may_create: member.may::<CreatePatient>().await?,
    })
}
