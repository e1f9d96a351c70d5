//! Dates and moments as precisely as they are known: FHIR R4 `date` and `dateTime`
//! (<https://hl7.org/fhir/R4/datatypes.html#dateTime>). The text is kept as it came; what is
//! computed from it is for ordering and for reading.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::codes::{codes, personal};
use super::text::ascii_digit;

codes! {
    /// The order in which a site writes and types dates.
    DateOrder {
        DayMonthYear = "dmy",
        MonthDayYear = "mdy",
        YearMonthDay = "ymd",
    }
}

impl DateOrder {
    /// The order in which people of a country (ISO 3166, two letters) write dates in figures, by the short
    /// date forms of the Unicode CLDR. Where several are in use, the one with the year first: it cannot be
    /// read as another.
    #[must_use]
    pub fn of_country(country: &str) -> Self {
        match country {
            "US" | "FM" | "MH" | "PH" | "PW" | "PR" | "GU" | "AS" | "VI" | "MP" | "UM" => Self::MonthDayYear,
            "CA" | "CN" | "HK" | "TW" | "MO" | "JP" | "KR" | "KP" | "MN" | "HU" | "LT" | "SE" | "BT" => {
                Self::YearMonthDay
            }
            _ => Self::DayMonthYear,
        }
    }
}

/// Why a text is no date or moment. Says nothing of the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeProblem {
    /// Not of the form of a FHIR date or date-time.
    #[error("is not a date such as 1980, 1980-11, 1980-11-22 or 1980-11-22T14:05:00+02:00")]
    Shape,
    /// Year 0000: the calendar goes from 1 BC to AD 1.
    #[error("has the year 0000, which does not exist: years are 0001 to 9999")]
    Year,
    /// A month that does not exist.
    #[error("has a month that is not 01 to 12")]
    Month,
    /// A day that its month does not have.
    #[error("has a day that its month does not have")]
    Day,
    /// A time of day that does not exist.
    #[error("has a time of day that does not exist")]
    Time,
    /// An offset beyond what FHIR allows.
    #[error("has an offset from UTC that is not between -14:00 and +14:00")]
    Offset,
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn month_name(month: i8) -> &'static str {
    usize::try_from(month).ok().and_then(|month| MONTHS.get(month.wrapping_sub(1))).copied().unwrap_or("")
}

/// A number of exactly these many ASCII digits at the head of a text, and the rest.
fn digits(text: &str, count: usize) -> Result<(i16, &str), TimeProblem> {
    let head = text.get(..count).filter(|head| head.bytes().all(|b| b.is_ascii_digit())).ok_or(TimeProblem::Shape)?;
    let number = head.parse().map_err(|_| TimeProblem::Shape)?;
    Ok((number, text.get(count..).unwrap_or("")))
}

fn small(number: i16) -> i8 {
    i8::try_from(number).unwrap_or(i8::MAX)
}

/// A birth date: a year, a month of a year, or a day. Years 1 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BirthDate {
    year: i16,
    month: Option<i8>,
    day: Option<i8>,
}

impl BirthDate {
    /// A birth date of known parts.
    ///
    /// # Errors
    /// Which part does not exist. A day without a month is [`TimeProblem::Shape`].
    pub fn new(year: i16, month: Option<i8>, day: Option<i8>) -> Result<Self, TimeProblem> {
        if !(1..=9999).contains(&year) {
            return Err(TimeProblem::Year);
        }
        if month.is_some_and(|month| !(1..=12).contains(&month)) {
            return Err(TimeProblem::Month);
        }
        match (month, day) {
            (None, Some(_)) => return Err(TimeProblem::Shape),
            (Some(month), Some(day)) => {
                Date::new(year, month, day).map_err(|_| TimeProblem::Day)?;
            }
            _ => {}
        }
        Ok(Self { year, month, day })
    }

    /// Reads a FHIR `date`: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, TimeProblem> {
        let (year, rest) = digits(text, 4)?;
        let (mut month, mut day, mut rest) = (None, None, rest);
        if let Some(tail) = rest.strip_prefix('-') {
            let (number, tail) = digits(tail, 2)?;
            (month, rest) = (Some(small(number)), tail);
            if let Some(tail) = rest.strip_prefix('-') {
                let (number, tail) = digits(tail, 2)?;
                (day, rest) = (Some(small(number)), tail);
            }
        }
        if rest.is_empty() { Self::new(year, month, day) } else { Err(TimeProblem::Shape) }
    }

    /// The year.
    #[must_use]
    pub const fn year(self) -> i16 {
        self.year
    }

    /// The month, if it is known.
    #[must_use]
    pub const fn month(self) -> Option<i8> {
        self.month
    }

    /// The day of the month, if it is known.
    #[must_use]
    pub const fn day(self) -> Option<i8> {
        self.day
    }

    /// The day itself, if all of it is known.
    #[must_use]
    pub fn date(self) -> Option<Date> {
        Date::new(self.year, self.month?, self.day?).ok()
    }

    /// The first and the last day that it may be.
    #[must_use]
    pub fn span(self) -> (Date, Date) {
        let first = self.earliest();
        let last = match (self.month, self.day) {
            (_, Some(_)) => first,
            (Some(_), None) => first.last_of_month(),
            (None, None) => first.last_of_year(),
        };
        (first, last)
    }

    /// The first day that it may be.
    fn earliest(self) -> Date {
        Date::new(self.year, self.month.unwrap_or(1), self.day.unwrap_or(1)).unwrap_or(Date::MIN)
    }

    /// Whether even the first day that it may be has not come.
    #[must_use]
    pub fn is_after(self, today: Date) -> bool {
        self.earliest() > today
    }

    /// The age on a day; nothing before birth.
    #[must_use]
    pub fn age(self, on: Date) -> Option<Age> {
        if self.is_after(on) {
            return None;
        }
        let born = self.earliest();
        let whole_months = i32::from(on.year() - born.year()) * 12 + i32::from(on.month() - born.month())
            - i32::from(on.day() < born.day());
        Some(Age {
            months: u32::try_from(whole_months).unwrap_or(0),
            days: u32::try_from(on.duration_since(born).as_hours() / 24).unwrap_or(0),
            precise: self.day.is_some(),
        })
    }

    /// Whether two birth dates can be the same day: equal as far as both are known.
    #[must_use]
    pub fn agrees_with(self, other: Self) -> bool {
        let same = |a: Option<i8>, b: Option<i8>| a.is_none() || b.is_none() || a == b;
        self.year == other.year && same(self.month, other.month) && same(self.day, other.day)
    }

    /// The text to search by: the FHIR form, `1980-11-22`.
    #[must_use]
    pub fn iso(self) -> String {
        self.into()
    }
}

impl From<BirthDate> for String {
    fn from(date: BirthDate) -> Self {
        match (date.month, date.day) {
            (Some(month), Some(day)) => format!("{:04}-{month:02}-{day:02}", date.year),
            (Some(month), None) => format!("{:04}-{month:02}", date.year),
            (None, _) => format!("{:04}", date.year),
        }
    }
}

impl TryFrom<String> for BirthDate {
    type Error = TimeProblem;
    fn try_from(text: String) -> Result<Self, TimeProblem> {
        Self::parse(&text)
    }
}

impl fmt::Display for BirthDate {
    /// Unambiguous in every country: `22 Nov 1980`, `Nov 1980`, `1980`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(day) = self.day {
            write!(f, "{day} ")?;
        }
        if let Some(month) = self.month {
            write!(f, "{} ", month_name(month))?;
        }
        write!(f, "{}", self.year)
    }
}

/// How old somebody is, in whole months and days.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age {
    /// Whole months since birth.
    pub months: u32,
    /// Days since birth.
    pub days: u32,
    /// Whether the day of birth is known; otherwise the age is the greatest that it can be.
    pub precise: bool,
}

impl Age {
    /// Whole years.
    #[must_use]
    pub const fn years(self) -> u32 {
        self.months / 12
    }
}

impl fmt::Display for Age {
    /// As clinicians say it: days in the first four weeks, weeks to three months, months to two
    /// years, then years; `about` where only the year or month of birth is known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = match self {
            Self { precise: false, .. } => (self.years(), "year"),
            Self { days: 0..28, .. } => (self.days, "day"),
            Self { months: 0..3, .. } => (self.days / 7, "week"),
            Self { months: 3..24, .. } => (self.months, "month"),
            Self { .. } => (self.years(), "year"),
        };
        let about = if self.precise { "" } else { "about " };
        write!(f, "{about}{count} {unit}{}", if count == 1 { "" } else { "s" })
    }
}

/// A moment as precisely as it was said: a year, a month, a day, or a time with its offset. The
/// text is kept exactly, the offset too.
///
/// Two things FHIR does not allow are read all the same, since whole systems write them: a time
/// without seconds, and a time without an offset ([`Moment::has_offset`]), which is ordered as if
/// it were UTC and shown without one.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment {
    text: String,
    date: BirthDate,
    time: Option<Time>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Time {
    hour: i8,
    minute: i8,
    second: i8,
    nanosecond: i32,
    offset_minutes: Option<i16>,
}

impl Moment {
    /// Reads a FHIR `dateTime` (or `date`, or `instant`).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, TimeProblem> {
        // 64 bytes: a fraction of a second may have any number of digits, in theory.
        if text.len() > 64 {
            return Err(TimeProblem::Shape);
        }
        let (date, time) = match text.split_once('T') {
            None => (BirthDate::parse(text)?, None),
            Some((date, time)) => (BirthDate::parse(date)?, Some(Time::parse(time)?)),
        };
        if time.is_some() && date.day.is_none() {
            return Err(TimeProblem::Shape);
        }
        Ok(Self { text: text.to_owned(), date, time })
    }

    /// A moment of the clock, in UTC, to the second.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        let text = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        Self::parse(&text).unwrap_or_else(|_| Self {
            text: "1970-01-01".to_owned(),
            date: BirthDate { year: 1970, month: Some(1), day: Some(1) },
            time: None,
        })
    }

    /// The text as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the source said by how much its clock differs from UTC. A moment without a time of
    /// day has no offset either.
    #[must_use]
    pub fn has_offset(&self) -> bool {
        self.time.is_some_and(|time| time.offset_minutes.is_some())
    }

    /// Whether a time of day is known.
    #[must_use]
    pub const fn has_time(&self) -> bool {
        self.time.is_some()
    }

    /// The first instant that it may be: what entries of a record are ordered by. Without an
    /// offset, UTC is assumed.
    #[must_use]
    pub fn earliest(&self) -> Timestamp {
        let date = self.date.earliest();
        let time = self.time.unwrap_or(Time { hour: 0, minute: 0, second: 0, nanosecond: 0, offset_minutes: None });
        let civil = date.at(time.hour, time.minute, time.second.min(59), time.nanosecond);
        let offset = Offset::from_seconds(i32::from(time.offset_minutes.unwrap_or(0)) * 60).unwrap_or(Offset::UTC);
        // Only the last day of the year 9999 west of Greenwich lies beyond what can be counted.
        civil.to_zoned(TimeZone::fixed(offset)).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
    }

    /// The date, in the source's own clock.
    #[must_use]
    pub const fn date(&self) -> BirthDate {
        self.date
    }

    /// The time of day in the source's own clock: `14:02`.
    #[must_use]
    pub fn time_words(&self) -> Option<String> {
        self.time.map(|time| format!("{:02}:{:02}", time.hour, time.minute))
    }

    /// The date in words: `22 Nov 2026`, in the source's own clock.
    #[must_use]
    pub fn date_words(&self) -> String {
        self.date.to_string()
    }
}

impl Time {
    fn parse(text: &str) -> Result<Self, TimeProblem> {
        let (hour, rest) = digits(text, 2)?;
        let (minute, rest) = digits(rest.strip_prefix(':').ok_or(TimeProblem::Shape)?, 2)?;
        let (mut second, mut nanosecond, mut rest) = (0, 0, rest);
        if let Some(tail) = rest.strip_prefix(':') {
            (second, rest) = digits(tail, 2)?;
            if let Some(tail) = rest.strip_prefix('.') {
                let end = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
                let (fraction, tail) = tail.split_at(end);
                if fraction.is_empty() {
                    return Err(TimeProblem::Shape);
                }
                let nine: String = fraction.chars().chain("000000000".chars()).take(9).collect();
                (nanosecond, rest) = (nine.parse().map_err(|_| TimeProblem::Shape)?, tail);
            }
        }
        // 60 is a leap second, which FHIR allows.
        if hour > 23 || minute > 59 || second > 60 {
            return Err(TimeProblem::Time);
        }
        let offset_minutes = match rest {
            "" => None,
            "Z" => Some(0),
            _ => Some(offset(rest)?),
        };
        Ok(Self { hour: small(hour), minute: small(minute), second: small(second), nanosecond, offset_minutes })
    }
}

/// `+02:00` as minutes.
fn offset(text: &str) -> Result<i16, TimeProblem> {
    let (sign, rest) = match text.split_at_checked(1) {
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        _ => return Err(TimeProblem::Shape),
    };
    let (hours, rest) = digits(rest, 2)?;
    let (minutes, rest) = digits(rest.strip_prefix(':').ok_or(TimeProblem::Shape)?, 2)?;
    if !rest.is_empty() {
        return Err(TimeProblem::Shape);
    }
    if minutes > 59 || hours * 60 + minutes > 14 * 60 {
        return Err(TimeProblem::Offset);
    }
    Ok(sign * (hours * 60 + minutes))
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.text
    }
}

impl TryFrom<String> for Moment {
    type Error = TimeProblem;
    fn try_from(text: String) -> Result<Self, TimeProblem> {
        Self::parse(&text)
    }
}

impl fmt::Display for Moment {
    /// As precisely as it is known, in the source's own clock: `22 Nov 2026, 14:02 (UTC+02:00)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.date)?;
        let Some(time) = self.time else { return Ok(()) };
        write!(f, ", {:02}:{:02}", time.hour, time.minute)?;
        match time.offset_minutes {
            None => Ok(()),
            Some(0) => f.write_str(" (UTC)"),
            Some(minutes) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                write!(f, " (UTC{sign}{:02}:{:02})", minutes.abs() / 60, minutes.abs() % 60)
            }
        }
    }
}

impl BirthDate {
    /// Reads what somebody typed: in the site's order (`22/11/1980`, `22.11.1980`, `22 11 1980`),
    /// year first (`1980-11-22`), with the month in English (`22 Nov 1980`), or only `11/1980` or
    /// `1980` where no more is known.
    ///
    /// # Errors
    /// What to write instead, in words for the person who typed it.
    pub fn typed(text: &str, order: DateOrder) -> Result<Self, &'static str> {
        const FORM: &str = "Enter the birth date as in 22/11/1980, or only the year if no more is known";
        const MONTH_FIRST: &str = "Enter the birth date as in 11/22/1980, or only the year if no more is known";
        const YEAR_FIRST: &str = "Enter the birth date as in 1980-11-22, or only the year if no more is known";
        let form = match order {
            DateOrder::DayMonthYear => FORM,
            DateOrder::MonthDayYear => MONTH_FIRST,
            DateOrder::YearMonthDay => YEAR_FIRST,
        };
        let text: String = text.chars().map(|c| ascii_digit(c).unwrap_or(c)).collect();
        let parts: Vec<&str> = text.split(is_between).filter(|part| !part.is_empty()).collect();
        let number = |part: &&str| -> Result<i16, &'static str> {
            let month = MONTHS
                .iter()
                .position(|name| part.len() >= 3 && part.get(..3).is_some_and(|head| head.eq_ignore_ascii_case(name)));
            match month {
                Some(at) if part.chars().all(char::is_alphabetic) => i16::try_from(at + 1).map_err(|_| form),
                _ if part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit()) => part.parse().map_err(|_| form),
                _ => Err(form),
            }
        };
        let named = |part: &&str| part.chars().all(char::is_alphabetic);
        let (year, month, day) = match parts.as_slice() {
            [year] => (year, None, None),
            [year, month] if year.len() == 4 && !named(year) => (year, Some(month), None),
            [month, year] => (year, Some(month), None),
            [year, month, day] if year.len() == 4 && !named(year) => (year, Some(month), Some(day)),
            [month, day, year] if named(month) => (year, Some(month), Some(day)),
            [day, month, year] if named(month) => (year, Some(month), Some(day)),
            [day, month, year] if order == DateOrder::DayMonthYear => (year, Some(month), Some(day)),
            [month, day, year] if order == DateOrder::MonthDayYear => (year, Some(month), Some(day)),
            _ => return Err(form),
        };
        if named(year) || day.is_some_and(named) {
            return Err(form);
        }
        if year.len() != 4 {
            return Err("Enter the year of birth with four digits");
        }
        let day = day.map(number).transpose()?;
        let month = month.map(number).transpose()?;
        Self::new(number(year)?, month.map(small), day.map(small)).map_err(|problem| match problem {
            TimeProblem::Year => "Enter a year of birth from 0001 on: there is no year 0",
            TimeProblem::Month => "Enter a month from 1 to 12",
            TimeProblem::Day => "Enter a day that exists in that month",
            _ => form,
        })
    }

    /// The text that [`BirthDate::typed`] reads back, for filling a form.
    #[must_use]
    pub fn to_typed(self, order: DateOrder) -> String {
        let year = format!("{:04}", self.year);
        match (self.month, self.day, order) {
            (None, _, _) => year,
            (Some(month), None, DateOrder::YearMonthDay) => format!("{year}-{month:02}"),
            (Some(month), None, _) => format!("{month:02}/{year}"),
            (Some(month), Some(day), DateOrder::DayMonthYear) => format!("{day:02}/{month:02}/{year}"),
            (Some(month), Some(day), DateOrder::MonthDayYear) => format!("{month:02}/{day:02}/{year}"),
            (Some(month), Some(day), DateOrder::YearMonthDay) => format!("{year}-{month:02}-{day:02}"),
        }
    }

    /// Whether it lies more than so many years before a day.
    #[must_use]
    pub fn is_older_than(self, years: i16, today: Date) -> bool {
        today.checked_sub(Span::new().years(years)).is_ok_and(|limit| self.earliest() < limit)
    }
}

/// What stands between the parts of a date, directional marks that came along with a pasted one
/// included.
fn is_between(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '/' | '-' | '.' | ',' | '\u{200E}' | '\u{200F}' | '\u{2010}'..='\u{2013}' | '\u{2066}'..='\u{2069}')
}

personal!(BirthDate, Age, Moment);
