//! The timeline of a record: every kind in one list, narrowed by kind, by date and by words. All of it works
//! without script: the form is posted, so that words never stand in an address, and leads to the list; the
//! ways on are links, in which words are sealed ([`practice::patients::timeline::sought`]).

use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use kernel::PatientId;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use practice::patients::actions::WriteClinical;
use practice::patients::model::{BirthDate, DateOrder, EntryKind};
use practice::patients::reads::Read;
use practice::patients::rows::EntryLine;
use practice::patients::timeline::reads::{EntryPage, entries};
use practice::patients::timeline::sought::{open, seal};
use practice::patients::timeline::{EntryFilter, WORDS_CHARS_MAX, Words};
use serde::Deserialize;

use super::banner::{Known, banner, may};
use super::find::today;
use super::overview::{KINDS, row};
use super::{said, typed};
use crate::AppState;
use crate::errors::Answer;
use crate::extract::{Asked, At, Sent, go_to, refuse, show};
use crate::text::{list, say, say_with};
use crate::views::patient::Tab;
use crate::views::record::{Record, Year, YearOfEntries};
use crate::views::words::{entries as entries_said, entries_counted};
use crate::views::write::What;
use crate::views::{Choice, Errors, Pager, Room};
use crate::who::{Caller, Member};

#[derive(Deserialize, Clone)]
pub(super) struct Question {
    #[serde(default)]
    kind: Vec<String>,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    /// The words, sealed.
    #[serde(default)]
    sought: String,
    #[serde(default)]
    after: String,
}

#[derive(Deserialize)]
pub(super) struct Form {
    #[serde(default)]
    kind: Vec<String>,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    words: String,
}

/// `GET /patients/{patient}/record?kind=&from=&to=&sought=&after=`
pub(super) async fn show_record(
    State(app): State<AppState>,
    member: Member,
    At(id): At<PatientId>,
    Asked(mut asked): Asked<Question>,
) -> Answer {
    let mut errors = Errors::none();
    let mut words = String::new();
    if !asked.sought.is_empty() {
        let envelope = URL_SAFE_NO_PAD.decode(&asked.sought).unwrap_or_default();
        if let Some(sought) = open(&app.store, &member.actor, id, &envelope).await? {
            words = sought;
        } else {
            errors.add("words", say("filter-words-again"));
            asked.sought.clear();
            asked.after.clear();
        }
    }
    listed(&app, &member, id, asked, words, errors).await
}

/// `POST /patients/{patient}/record`: narrows the list.
pub(super) async fn narrow(State(app): State<AppState>, At(id): At<PatientId>, sent: Sent<Form>) -> Answer {
    let Sent { by: member, form, .. } = sent;
    let asked = Question { kind: form.kind, from: form.from, to: form.to, sought: String::new(), after: String::new() };
    if form.words.chars().count() > WORDS_CHARS_MAX {
        let mut errors = Errors::none();
        errors.add("words", say_with("filter-words-long", &[("most", &WORDS_CHARS_MAX)]));
        return listed(&app, &member, id, asked, form.words, errors).await;
    }
    let sought = if form.words.trim().is_empty() {
        String::new()
    } else {
        URL_SAFE_NO_PAD.encode(seal(&app.store, &member.actor, id, form.words.trim()).await?)
    };
    let asked = Question { sought, ..asked };
    go_to(&format!("/patients/{id}/record{}", address(&asked, &asked.from, &asked.to, None)))
}

/// The list, narrowed; with what is to be put right, if anything is.
async fn listed(
    app: &AppState,
    member: &Member,
    id: PatientId,
    asked: Question,
    words: String,
    mut errors: Errors,
) -> Answer {
    let order = member.date_order().await?;
    let today = today(app, member).await?;
    let date_example = typed::date_example(today, order);
    let mut day = |field, text: &str| {
        let read = day(text, order);
        if read.is_none() && !text.trim().is_empty() {
            errors.add(field, say_with("filter-day-wrong", &[("example", &date_example)]));
        }
        read
    };
    let (from, to) = (day("from", &asked.from), day("to", &asked.to));
    let kinds: Vec<EntryKind> = asked.kind.iter().filter_map(|code| EntryKind::from_code(code)).collect();
    let filter = EntryFilter {
        from: from.map(|(first, _)| first),
        to: to.map(|(_, last)| last),
        words: Words::typed(&words),
        after: asked.after.parse().ok(),
        kinds,
    };
    if filter.from.zip(filter.to).is_some_and(|(from, to)| from > to) {
        errors.add("to", say("filter-dates-crossed"));
    }
    let found = entries(&app.store, &member.actor, id, &filter).await?;
    let may = may(member).await?;
    let known = Known {
        id,
        patient: &found.patient,
        identifiers: &found.identifiers,
        alerts: &found.alerts,
        allergies: Some(found.allergies.iter().collect()),
    };
    let view = Record {
        shell: member.shell(Room::Patients).await?,
        banner: banner(member, &known, may, Tab::Record, today),
        guard: member.guard(),
        kinds: kinds_said(&filter, &found),
        years: years(&asked, &found.years, order),
        narrowed: narrowed(&filter, &asked, &words),
        stopped: found.stopped,
        pager: pager(&asked, &found),
        date_example,
        measured: found.counts.iter().any(|(kind, count)| *kind == EntryKind::Observation && *count > 0),
        writes: if member.may_patient::<WriteClinical>().await? { What::ALL.to_vec() } else { Vec::new() },
        entries: by_year(&found.entries),
        from: asked.from,
        to: asked.to,
        words,
        errors,
    };
    if view.errors.is_empty() { show(&view) } else { refuse(&view) }
}

/// The first and the last day of what was typed: a day, a month or a year.
fn day(text: &str, order: DateOrder) -> Option<(Date, Date)> {
    BirthDate::typed(text.trim(), order).ok().map(BirthDate::span)
}

/// The start of a typed day, or of the day after it; `None` if what was typed is no day.
#[allow(clippy::option_option, reason = "nothing typed, a day, or something else: three cases")]
pub(crate) fn day_start(typed: &str, zone: &TimeZone, days_later: i64) -> Option<Option<jiff::Timestamp>> {
    if typed.trim().is_empty() {
        return Some(None);
    }
    let day: Date = typed.trim().parse().ok()?;
    let day = day.checked_add(jiff::Span::new().days(days_later)).ok()?;
    day.to_zoned(zone.clone()).ok().map(|start| Some(start.timestamp()))
}

/// The kinds that the record has, with their numbers, and those that are asked for.
fn kinds_said(filter: &EntryFilter, found: &EntryPage) -> Vec<Choice> {
    let count = |kind: EntryKind| found.counts.iter().find(|(known, _)| *known == kind).map_or(0, |(_, count)| *count);
    let said = |kind: EntryKind| entries_counted(kind.code(), u64::try_from(count(kind)).unwrap_or(0));
    let chosen = |kind: EntryKind| filter.kinds.contains(&kind);
    let there = KINDS.into_iter().filter(|kind| chosen(*kind) || count(*kind) > 0);
    there.map(|kind| Choice::new(kind.code(), said(kind), chosen(kind))).collect()
}

/// The same question with other dates or from another place on.
fn address(asked: &Question, from: &str, to: &str, after: Option<&str>) -> String {
    let part = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let mut pairs: Vec<String> = asked.kind.iter().map(|kind| format!("kind={}", part(kind))).collect();
    for (name, value) in [("from", from), ("to", to), ("sought", &asked.sought), ("after", after.unwrap_or_default())] {
        if !value.is_empty() {
            pairs.push(format!("{name}={}", part(value)));
        }
    }
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

fn years(asked: &Question, years: &[i16], order: DateOrder) -> Vec<Year> {
    let typed = |year: i16, month: i8, day: i8| {
        BirthDate::new(year, Some(month), Some(day)).map(|date| date.to_typed(order)).unwrap_or_default()
    };
    years
        .iter()
        .map(|year| {
            let (from, to) = (typed(*year, 1, 1), typed(*year, 12, 31));
            let chosen = asked.from == from && asked.to == to;
            Year { year: year.to_string(), address: address(asked, &from, &to, None), chosen }
        })
        .collect()
}

/// What narrows the list, in words, for paper.
fn narrowed(filter: &EntryFilter, asked: &Question, words: &str) -> String {
    let mut said: Vec<String> = filter.kinds.iter().map(|kind| entries_said(kind.code())).collect();
    for (key, value) in [("narrowed-from", &*asked.from), ("narrowed-to", &*asked.to), ("narrowed-words", words)] {
        if !value.trim().is_empty() {
            said.push(say_with(key, &[("value", &value)]));
        }
    }
    list(said.iter().map(String::as_str))
}

fn pager(asked: &Question, found: &EntryPage) -> Pager {
    let next = found.next.map(|after| address(asked, &asked.from, &asked.to, Some(&after.to_string())));
    let first = (!asked.after.is_empty()).then(|| address(asked, &asked.from, &asked.to, None));
    let counted = asked.from.is_empty() && asked.to.is_empty() && asked.sought.is_empty() && asked.after.is_empty();
    let shown = u64::try_from(found.entries.len()).unwrap_or(0);
    let total = counted.then(|| u64::try_from(found.total).unwrap_or(0)).filter(|_| shown > 0);
    Pager { first: u64::from(total.is_some()), last: total.map_or(0, |_| shown), total, previous: first, next }
}

/// The list with a heading for each year.
fn by_year(lines: &[Read<EntryLine>]) -> Vec<YearOfEntries> {
    let year = |line: &Read<EntryLine>| -> Option<String> {
        let when = line.as_ref().ok()?.summary.when.as_ref()?;
        said::day(when).iso.get(..4).map(str::to_owned)
    };
    let mut years: Vec<YearOfEntries> = Vec::new();
    for line in lines {
        // What does not open has no year of its own: it stands where it stood.
        let of = if line.is_err() {
            years.last().map(|last| last.year.clone())
        } else {
            Some(year(line).unwrap_or_default())
        };
        let of = of.unwrap_or_default();
        match years.last_mut().filter(|last| last.year == of) {
            Some(last) => last.rows.push(row(line)),
            None => years.push(YearOfEntries { year: of, rows: vec![row(line)] }),
        }
    }
    years
}
