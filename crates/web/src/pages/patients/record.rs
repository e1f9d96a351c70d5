//! The entries of a record: by kind, by date, a page at a time.

use axum::extract::State;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use kernel::PatientId;
use practice::patients::model::EntryKind;
use practice::patients::reads::{ENTRIES_PER_PAGE, EntryFilter, EntryPage, entries};
use serde::Deserialize;

use super::banner::{Known, banner, may};
use super::find::today;
use super::overview::{KINDS, row};
use crate::AppState;
use crate::errors::Answer;
use crate::extract::{Asked, At, refuse, show};
use crate::text::say;
use crate::views::patient::Tab;
use crate::views::record::Record;
use crate::views::words::entries as entries_said;
use crate::views::{Choice, Errors, Pager, Room};
use crate::who::Member;

#[derive(Deserialize)]
pub(super) struct Question {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    page: String,
}

/// `GET /patients/{patient}/record?kind=&from=&to=&page=`
pub(super) async fn show_record(
    State(app): State<AppState>,
    member: Member,
    At(id): At<PatientId>,
    Asked(asked): Asked<Question>,
) -> Answer {
    let zone = member.zone().await?;
    let mut errors = Errors::none();
    let from = day_start(&asked.from, &zone, 0).unwrap_or_else(|| wrong(&mut errors, "from"));
    let until = day_start(&asked.to, &zone, 1).unwrap_or_else(|| wrong(&mut errors, "to"));
    let page = asked.page.parse::<i64>().unwrap_or(1).max(1);
    let kind = EntryKind::from_code(&asked.kind);
    let found = entries(&app.store, &member.actor, id, &EntryFilter { kind, from, until, page: page - 1 }).await?;
    let may = may(&member).await?;
    let known = Known {
        id,
        patient: &found.patient,
        identifiers: &found.identifiers,
        alerts: &found.alerts,
        allergies: Some(found.allergies.iter().collect()),
    };
    let view = Record {
        shell: member.shell(Room::Patients).await?,
        banner: banner(&member, &known, may, Tab::Record, today(&app, &member).await?),
        kinds: kinds(&asked.kind),
        pager: pager(&asked, page, &found),
        from: asked.from,
        to: asked.to,
        rows: found.entries.iter().map(row).collect(),
        errors,
    };
    if view.errors.is_empty() { show(&view) } else { refuse(&view) }
}

fn wrong(errors: &mut Errors, field: &'static str) -> Option<Timestamp> {
    errors.add(field, say("filter-date-wrong"));
    None
}

/// The start of a typed day, or of the day after it; `None` if what was typed is no day.
#[allow(clippy::option_option, reason = "nothing typed, a day, or something else: three cases")]
pub(crate) fn day_start(typed: &str, zone: &TimeZone, days_later: i64) -> Option<Option<Timestamp>> {
    if typed.trim().is_empty() {
        return Some(None);
    }
    let day: Date = typed.trim().parse().ok()?;
    let day = day.checked_add(jiff::Span::new().days(days_later)).ok()?;
    day.to_zoned(zone.clone()).ok().map(|start| Some(start.timestamp()))
}

fn kinds(chosen: &str) -> Vec<Choice> {
    let all = Choice::new("", say("record-kind-all"), EntryKind::from_code(chosen).is_none());
    let each = KINDS.into_iter().map(EntryKind::code);
    std::iter::once(all).chain(each.map(|kind| Choice::new(kind, entries_said(kind), kind == chosen))).collect()
}

fn pager(asked: &Question, page: i64, found: &EntryPage) -> Pager {
    let address = |page: i64| format!("?kind={}&from={}&to={}&page={page}", asked.kind, asked.from, asked.to);
    let first = (page - 1) * ENTRIES_PER_PAGE;
    let last = first + i64::try_from(found.entries.len()).unwrap_or(0);
    let plain = |n: i64| u64::try_from(n).unwrap_or(0);
    if found.entries.is_empty() {
        return Pager { previous: (page > 1).then(|| address(1)), ..Pager::default() };
    }
    Pager {
        first: plain(first + 1),
        last: plain(last),
        total: Some(plain(found.total)),
        previous: (page > 1).then(|| address(page - 1)),
        next: (last < found.total).then(|| address(page + 1)),
    }
}
