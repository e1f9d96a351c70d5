//! Measurements over time, drawn on the server: SVG with presentation attributes only, so that the content
//! security policy needs no exception, and the table of the same values below each drawing.

use askama::Template;
use jiff::Timestamp;

use super::patient::Banner;
use super::shell::Shell;
use super::when::{Day, Moment};
#[allow(unused_imports, reason = "the templates name the filters")]
use crate::text::filters;

/// The drawing's own units. Small, so that its letters are as large as the page's on a phone.
pub const WIDTH: f64 = 340.0;
/// See [`WIDTH`].
pub const HEIGHT: f64 = 180.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 24.0;
/// As many marks as can be told apart.
const DOTS_MAX: usize = 120;

/// A mark on an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Where, along the axis.
    pub at: String,
    /// What stands beside it.
    pub label: String,
}

/// A value in the drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dot {
    /// From the left.
    pub x: String,
    /// From the top.
    pub y: String,
    /// "7 Mar 2024: 72 kg".
    pub said: String,
}

/// A line of the drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// What was measured.
    pub name: String,
    /// The corners, as SVG has them.
    pub points: String,
    /// The values, if they are few enough to be told apart.
    pub dots: Vec<Dot>,
}

/// A value in the table.
#[derive(Debug, Clone)]
pub struct ValueRow {
    /// The entry that says it.
    pub entry: String,
    /// What was measured, where the figure has several lines.
    pub name: String,
    /// When.
    pub when: Option<Day>,
    /// The time of day, where the source says it.
    pub time: Option<String>,
    /// As it was written.
    pub written: String,
    /// In the unit of the drawing, where it was written in another.
    pub converted: Option<String>,
    /// What whoever measured makes of it.
    pub flag: Option<String>,
}

/// One figure.
#[derive(Debug, Clone)]
pub struct Figure {
    /// Its number on the page, for ids.
    pub number: usize,
    /// What was measured.
    pub name: String,
    /// The unit; empty for bare numbers.
    pub unit: String,
    /// Its lines; none where nothing can be drawn.
    pub lines: Vec<Drawn>,
    /// Values, beside the vertical axis.
    pub ticks: Vec<Tick>,
    /// The first and the last day.
    pub days: Vec<Tick>,
    /// The table, newest first.
    pub rows: Vec<ValueRow>,
}

/// A value to draw.
#[derive(Debug, Clone)]
pub struct Value {
    /// When.
    pub at: Timestamp,
    /// How much.
    pub value: f64,
    /// In words.
    pub said: String,
}

/// `GET /patients/{id}/measurements`.
#[derive(Debug, Clone, Template)]
#[template(path = "patient/measurements.html")]
pub struct Measurements {
    /// Round the page.
    pub shell: Shell,
    /// Who it is.
    pub banner: Banner,
    /// A figure for each series.
    pub figures: Vec<Figure>,
    /// That there are older measurements than these.
    pub more: bool,
    /// Recorded as opened now.
    pub seen: Option<Moment>,
}

impl Figure {
    /// Whether the figure has several lines, so that each value must be named.
    #[must_use]
    pub fn is_named(&self) -> bool {
        self.lines.len() > 1 || self.rows.iter().any(|row| !row.name.is_empty())
    }

    /// Whether any value was written in another unit than that of the drawing.
    #[must_use]
    pub fn is_converted(&self) -> bool {
        self.rows.iter().any(|row| row.converted.is_some())
    }

    /// The right end of the drawing.
    #[must_use]
    pub fn right(&self) -> String {
        place(WIDTH - RIGHT)
    }

    /// Draws lines into the figure. `days` says a moment as a day.
    #[must_use]
    pub fn draw(mut self, lines: Vec<(String, Vec<Value>)>, days: impl Fn(Timestamp) -> String) -> Self {
        let all = || lines.iter().flat_map(|(_, values)| values.iter());
        let (Some(first), Some(last)) = (all().map(|v| v.at).min(), all().map(|v| v.at).max()) else { return self };
        let low = all().map(|value| value.value).fold(f64::INFINITY, f64::min);
        let high = all().map(|value| value.value).fold(f64::NEG_INFINITY, f64::max);
        let scale = Scale::of(low, high);
        let span = seconds(last) - seconds(first);
        let x = |at: Timestamp| {
            let share = if span > 0.0 { (seconds(at) - seconds(first)) / span } else { 0.5 };
            LEFT + share * (WIDTH - LEFT - RIGHT)
        };
        let y = |value: f64| TOP + (1.0 - scale.share(value)) * (HEIGHT - TOP - BOTTOM);
        self.lines = lines
            .iter()
            .map(|(name, values)| {
                let corners: Vec<String> =
                    values.iter().map(|value| format!("{},{}", place(x(value.at)), place(y(value.value)))).collect();
                let dots = values.iter().take(if values.len() > DOTS_MAX { 0 } else { DOTS_MAX });
                let dot =
                    |value: &Value| Dot { x: place(x(value.at)), y: place(y(value.value)), said: value.said.clone() };
                Drawn { name: name.clone(), points: corners.join(" "), dots: dots.map(dot).collect() }
            })
            .collect();
        self.ticks = scale.ticks().into_iter().map(|(value, label)| Tick { at: place(y(value)), label }).collect();
        let ends = if span > 0.0 { vec![first, last] } else { vec![first] };
        self.days = ends.into_iter().map(|at| Tick { at: place(x(at)), label: days(at) }).collect();
        self
    }
}

/// A place in the drawing, to a tenth.
fn place(at: f64) -> String {
    format!("{at:.1}")
}

#[allow(clippy::cast_precision_loss, reason = "a drawing of centuries needs no nanoseconds")]
fn seconds(at: Timestamp) -> f64 {
    at.as_second() as f64
}

/// A vertical axis whose marks are round numbers.
struct Scale {
    low: f64,
    step: f64,
    steps: u32,
}

impl Scale {
    /// An axis that holds these values, with three to six steps.
    fn of(low: f64, high: f64) -> Self {
        // One value alone stands in the middle of an axis around it.
        let spare = if high > low { 0.0 } else { (low.abs() * 0.1).max(1.0) };
        let (low, high) = (low - spare, high + spare);
        let rough = (high - low) / 4.0;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power).find(|step| *step >= rough).unwrap_or(power);
        let bottom = (low / step).floor() * step;
        let mut steps = 1;
        while bottom + step * f64::from(steps) < high && steps < 8 {
            steps += 1;
        }
        Self { low: bottom, step, steps }
    }

    fn share(&self, value: f64) -> f64 {
        ((value - self.low) / (self.step * f64::from(self.steps))).clamp(0.0, 1.0)
    }

    fn ticks(&self) -> Vec<(f64, String)> {
        // As many decimals as a step has, and no more.
        let decimals = (0..6_usize).find(|n| is_whole(self.step * 10_f64.powi(i32::try_from(*n).unwrap_or(0))));
        let decimals = decimals.unwrap_or(6);
        let at = |n: u32| self.low + self.step * f64::from(n);
        (0..=self.steps).map(|n| (at(n), format!("{:.decimals$}", at(n)))).collect()
    }
}

fn is_whole(value: f64) -> bool {
    (value - value.round()).abs() < 1e-6
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;
    use crate::views::patient::Tab;
    use crate::views::patient::fixture::{banner, moment};
    use crate::views::shell::Room;
    use crate::views::shell::fixture::shell;

    fn values(all: &[(&str, f64)], unit: &str) -> Vec<Value> {
        let value = |(at, value): &(&str, f64)| Value {
            at: at.parse().unwrap(),
            value: *value,
            said: format!("{}: {value} {unit}", &at[..10]),
        };
        all.iter().map(value).collect()
    }

    fn rows(all: &[Value], name: &str, unit: &str) -> Vec<ValueRow> {
        let row = |value: &Value| ValueRow {
            entry: "e1".into(),
            name: name.into(),
            when: Some(Day::of(value.at.to_zoned(jiff::tz::TimeZone::UTC).date())),
            time: None,
            written: format!("{} {unit}", value.value),
            converted: None,
            flag: (value.value > 140.0).then(|| "High".into()),
        };
        all.iter().rev().map(row).collect()
    }

    fn figure(number: usize, name: &str, unit: &str, lines: Vec<(&str, Vec<Value>)>) -> Figure {
        let several = lines.len() > 1;
        let table = lines.iter().flat_map(|(of, all)| rows(all, if several { of } else { "" }, unit)).collect();
        let blank = Figure {
            number,
            name: name.into(),
            unit: unit.into(),
            lines: Vec::new(),
            ticks: Vec::new(),
            days: Vec::new(),
            rows: table,
        };
        let lines = lines.into_iter().map(|(name, all)| (name.to_owned(), all)).collect();
        blank.draw(lines, |at| at.to_string()[..10].to_owned())
    }

    pub(crate) fn measurements() -> Measurements {
        let upper = [("2024-01-03T08:00:00Z", 128.0), ("2024-01-03T17:00:00Z", 146.0), ("2025-07-01T08:00:00Z", 131.0)];
        let lower = upper.map(|(at, value)| (at, value - 50.0));
        let weight = [("2019-03-01T08:00:00Z", 71.4), ("2022-03-01T08:00:00Z", 74.0), ("2025-07-01T08:00:00Z", 72.5)];
        Measurements {
            shell: shell(Room::Patients),
            banner: banner(Tab::Record),
            figures: vec![
                figure(
                    0,
                    "Blood pressure",
                    "mmHg",
                    vec![("Systolic", values(&upper, "mmHg")), ("Diastolic", values(&lower, "mmHg"))],
                ),
                figure(1, "Body weight", "kg", vec![("Body weight", values(&weight, "kg"))]),
            ],
            more: false,
            seen: Some(moment("2026-11-22T12:02:31Z")),
        }
    }

    pub(crate) fn none() -> Measurements {
        Measurements { figures: Vec::new(), ..measurements() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64) -> Vec<String> {
        Scale::of(low, high).ticks().into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn an_axis_has_round_marks_and_holds_every_value() {
        assert_eq!(labels(71.4, 74.0), ["71", "72", "73", "74"]);
        assert_eq!(labels(36.4, 37.9), ["36.0", "36.5", "37.0", "37.5", "38.0"]);
        assert_eq!(labels(78.0, 146.0), ["60", "80", "100", "120", "140", "160"]);
        assert_eq!(labels(-3.0, 4.0), ["-4", "-2", "0", "2", "4"]);
        for (low, high) in [(0.0, 0.0), (5.0, 5.0), (1e-9, 2e-9), (-1e12, 1e12), (0.1, 1e6), (99.999, 100.001)] {
            let scale = Scale::of(low, high);
            assert!((2..=10).contains(&scale.ticks().len()), "{low} {high}");
            let top = scale.low + scale.step * f64::from(scale.steps);
            assert!(scale.low <= low && top >= high - scale.step * 1e-9, "{low} {high}: {} {top}", scale.low);
        }
    }

    #[test]
    fn a_drawing_stays_inside_its_frame_whatever_it_is_given() {
        let figure = fixture::measurements().figures.remove(0);
        for line in &figure.lines {
            for corner in line.points.split(' ') {
                let (x, y) = corner.split_once(',').unwrap();
                let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                assert!((0.0..=WIDTH).contains(&x) && (0.0..=HEIGHT).contains(&y), "{corner}");
            }
        }
        assert_eq!((figure.lines.len(), figure.days.len()), (2, 2));
        let still = Figure { lines: Vec::new(), ..figure.clone() };
        let one = Value { at: Timestamp::UNIX_EPOCH, value: 1e300, said: String::new() };
        let one = still.draw(vec![("x".into(), vec![one])], |_| String::new());
        assert_eq!(one.days.len(), 1);
        assert!(!one.lines[0].points.contains("NaN") && !one.lines[0].points.contains("inf"));
    }
}
