//! Dates and times as people read them, never ambiguous: 22 Nov 2026, 14:02.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::text;

/// A moment in the site's time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// With its offset, for the machine: `2026-11-22T14:02:31+02:00`.
    pub iso: String,
    /// The day: "22 Nov 2026".
    pub day: String,
    /// The time: "14:02".
    pub time: String,
    /// The time with seconds, for the audit: "14:02:31".
    pub exact: String,
}

impl Moment {
    /// A moment as the site's clocks show it.
    #[must_use]
    pub fn at(timestamp: Timestamp, zone: &TimeZone) -> Self {
        let local = timestamp.to_zoned(zone.clone());
        let iso = local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
        Self {
            iso,
            day: day_words(local.date()),
            time: format!("{:02}:{:02}", local.hour(), local.minute()),
            exact: format!("{:02}:{:02}:{:02}", local.hour(), local.minute(), local.second()),
        }
    }
}

/// A calendar day, or only its month or its year where no more is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// For the machine: `1984-03-07`, `1984-03` or `1984`.
    pub iso: String,
    /// For people: "7 Mar 1984", "Mar 1984" or "1984".
    pub text: String,
}

impl Day {
    /// A whole date.
    #[must_use]
    pub fn of(date: Date) -> Self {
        Self { iso: date.to_string(), text: day_words(date) }
    }

    /// A month of a year.
    #[must_use]
    pub fn month(year: i16, month: i8) -> Self {
        Self { iso: format!("{year:04}-{month:02}"), text: format!("{} {year}", month_word(month)) }
    }

    /// A year alone.
    #[must_use]
    pub fn year(year: i16) -> Self {
        Self { iso: format!("{year:04}"), text: year.to_string() }
    }
}

fn day_words(date: Date) -> String {
    format!("{} {} {}", date.day(), month_word(date.month()), date.year())
}

fn month_word(month: i8) -> String {
    text::say_with("month-short", &[("month", &month)])
}

/// A moment inside a sentence: "22 Nov 2026 at 14:02".
#[must_use]
pub fn spoken(moment: &Moment) -> String {
    text::say_with("moment-spoken", &[("day", &moment.day), ("time", &moment.time)])
}

/// A day with its weekday, for headings: "Sunday 22 November 2026".
#[must_use]
pub fn long_day(date: Date) -> String {
    let weekday = text::say_with("weekday", &[("day", &date.weekday().to_monday_one_offset())]);
    let month = text::say_with("month-long", &[("month", &date.month())]);
    format!("{weekday} {} {month} {}", date.day(), date.year())
}

/// An age as a reception says it: days for a newborn, months until two, then years. A birth date in
/// the future has none.
#[must_use]
pub fn age(birth: Date, today: Date) -> Option<String> {
    if birth > today {
        return None;
    }
    let lived = birth.until((jiff::Unit::Year, today)).ok()?;
    let (years, months) = (i32::from(lived.get_years()), lived.get_months());
    Some(if years >= 2 {
        text::say_with("age-years", &[("count", &years)])
    } else if years * 12 + months >= 1 {
        text::say_with("age-months", &[("count", &(years * 12 + months))])
    } else {
        text::say_with("age-days", &[("count", &lived.get_days())])
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_moment_is_shown_in_the_time_zone_of_the_site() {
        let moment = Moment::at("2026-11-22T12:02:31Z".parse().unwrap(), &TimeZone::fixed(jiff::tz::offset(2)));
        assert_eq!((moment.day.as_str(), moment.time.as_str()), ("22 Nov 2026", "14:02"));
        assert_eq!(moment.iso, "2026-11-22T14:02:31+02:00");
    }

    #[test]
    fn a_day_names_its_month_so_that_no_order_is_mistaken() {
        assert_eq!(Day::of(date(2026, 3, 4)).text, "4 Mar 2026");
        assert_eq!(Day::month(1984, 12).text, "Dec 1984");
        assert_eq!(long_day(date(2026, 11, 22)), "Sunday 22 November 2026");
    }

    #[test]
    fn an_age_is_said_in_the_unit_that_fits_it() {
        let today = date(2026, 11, 22);
        assert_eq!(age(date(1984, 11, 23), today).unwrap(), "41 years");
        assert_eq!(age(date(2025, 10, 22), today).unwrap(), "13 months");
        assert_eq!(age(date(2026, 11, 21), today).unwrap(), "1 day");
        assert_eq!(age(date(2027, 1, 1), today), None);
    }
}
