//! The measurements of a record, drawn over time.

use axum::extract::State;
use jiff::Timestamp;
use kernel::{EntryId, PatientId};
use practice::patients::chart::{Line, Point, Series, series};
use practice::patients::model::{EntryBody, Moment};
use practice::patients::reads::measurements;

use super::banner::{Known, banner, may};
use super::find::today;
use super::said;
use crate::AppState;
use crate::errors::Answer;
use crate::extract::{At, show};
use crate::views::Room;
use crate::views::chart::{Figure, Measurements, Value, ValueRow};
use crate::views::patient::Tab;
use crate::who::Member;

/// `GET /patients/{patient}/measurements`
pub(super) async fn show_measurements(State(app): State<AppState>, member: Member, At(id): At<PatientId>) -> Answer {
    let found = measurements(&app.store, &member.actor, id).await?;
    let known = Known {
        id,
        patient: &found.patient,
        identifiers: &found.identifiers,
        alerts: &found.alerts,
        allergies: Some(found.allergies.iter().collect()),
    };
    let open = found.measurements.iter().flatten().filter_map(|entry| Some((entry.id, entry.body.read()?)));
    let open: Vec<(EntryId, std::borrow::Cow<'_, EntryBody>)> = open.collect();
    let bodies: Vec<(EntryId, &EntryBody)> = open.iter().map(|(id, body)| (*id, &**body)).collect();
    show(&Measurements {
        shell: member.shell(Room::Patients).await?,
        banner: banner(&member, &known, may(&member).await?, Tab::Aside, today(&app, &member).await?),
        figures: series(&bodies).into_iter().enumerate().map(|(number, series)| figure(number, &series)).collect(),
        more: found.more,
        seen: Some(member.moment(found.at).await?),
    })
}

fn figure(number: usize, series: &Series) -> Figure {
    let several = series.lines.len() > 1;
    let mut rows: Vec<(Option<Timestamp>, ValueRow)> = Vec::new();
    for line in &series.lines {
        let name = if several { line.name.as_str() } else { "" };
        rows.extend(line.points.iter().map(|point| (point.when.as_ref().map(Moment::earliest), row(name, point))));
    }
    // Newest first; of one moment, the lines in their order.
    rows.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let blank = Figure {
        number,
        name: series.name.clone(),
        unit: series.unit.clone(),
        lines: Vec::new(),
        ticks: Vec::new(),
        days: Vec::new(),
        rows: rows.into_iter().map(|(_, row)| row).collect(),
    };
    let lines: Vec<(String, Vec<Value>)> = series.lines.iter().map(drawn).collect();
    let days: Vec<(Timestamp, String)> =
        series.lines.iter().flat_map(|line| line.points.iter()).filter_map(day_of).collect();
    blank.draw(lines, |at| days.iter().find(|(known, _)| *known == at).map(|(_, day)| day.clone()).unwrap_or_default())
}

fn day_of(point: &Point) -> Option<(Timestamp, String)> {
    point.drawn().and_then(|(at, _)| Some((at, point.when.as_ref()?.date_words())))
}

fn drawn(line: &Line) -> (String, Vec<Value>) {
    let value = |point: &Point| {
        let (at, value) = point.drawn()?;
        let day = point.when.as_ref().map(Moment::date_words).unwrap_or_default();
        Some(Value { at, value, said: format!("{day}: {}", point.written) })
    };
    (line.name.clone(), line.points.iter().filter_map(value).collect())
}

fn row(name: &str, point: &Point) -> ValueRow {
    ValueRow {
        entry: point.entry.to_string(),
        name: name.to_owned(),
        when: point.when.as_ref().map(said::day),
        time: point.when.as_ref().and_then(Moment::time_words),
        written: point.written.clone(),
        converted: point.value.filter(|_| point.converted).map(|value| format!("{value:.1}")),
        flag: point.flag.clone(),
    }
}
