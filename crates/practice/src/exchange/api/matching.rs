//! Whether an open row is meant by a question: plain functions, run inside the transaction
//! ([`store::Tx::examine`]), so that they have nowhere to put what they see.

use jiff::{Span, Timestamp, tz::TimeZone};
use seal::{name_matches, normalise, phone_tokens};
use serde_json::Value;

use super::question::{Filter, Prefix, Search, Test, Text};
use crate::exchange::fhir::out::source_of;
use crate::patients::model::{BirthDate, ContactSystem, HumanName, Moment};
use crate::patients::rows::{Entry, Patient};

/// A span of time, the end not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Within {
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after.
    pub until: Timestamp,
}

impl Within {
    /// All that a date, or a date with a time, may mean: a year means all of it (FHIR R4, 3.1.1.4.7).
    #[must_use]
    pub fn of(moment: &Moment) -> Self {
        let from = moment.earliest();
        let span = match moment.as_str().len() {
            0..=4 => Span::new().years(1),
            5..=7 => Span::new().months(1),
            8..=10 => Span::new().days(1),
            11..=16 => Span::new().minutes(1),
            19..=20 | 25 => Span::new().seconds(1),
            _ if moment.as_str().contains('.') => Span::new().milliseconds(1),
            _ => Span::new().minutes(1),
        };
        let until = from.to_zoned(TimeZone::UTC).checked_add(span).map_or(Timestamp::MAX, |until| until.timestamp());
        Self { from, until }
    }

    /// Whether what is told lies as the prefix says (FHIR R4, 3.1.1.4.6.1).
    fn fits(self, prefix: Prefix, asked: Self) -> bool {
        match prefix {
            Prefix::Eq => asked.from <= self.from && self.until <= asked.until,
            Prefix::Gt => self.until > asked.until,
            Prefix::Lt => self.from < asked.from,
            Prefix::Ge => self.until > asked.from,
            Prefix::Le => self.from < asked.until,
        }
    }
}

/// Whether a patient is meant.
pub(super) fn patient(open: &Patient, asked: &Search) -> Option<()> {
    asked.filters.iter().all(|filter| filter.tests.iter().any(|test| patient_passes(open, filter, test))).then_some(())
}

fn patient_passes(open: &Patient, filter: &Filter, sought: &Test) -> bool {
    match sought {
        Test::Text(text) => called(&open.names, filter.param.name, text),
        Test::Phone(ending) => open.contacts.iter().any(|point| {
            matches!(point.system, Some(ContactSystem::Phone | ContactSystem::Sms))
                && point.value.as_deref().is_some_and(|value| phone_tokens(value).contains(ending))
        }),
        Test::Email(email) => open.contacts.iter().any(|point| {
            point.system == Some(ContactSystem::Email)
                && point.value.as_deref().is_some_and(|value| normalise::email(value) == *email)
        }),
        Test::Date(prefix, asked) => open.birth.is_some_and(|birth| born(birth).fits(*prefix, *asked)),
        Test::Token { .. } => false,
    }
}

fn born(birth: BirthDate) -> Within {
    Moment::parse(&birth.iso()).map_or(Within { from: Timestamp::MAX, until: Timestamp::MAX }, |born| Within::of(&born))
}

fn called(names: &[HumanName], param: &str, text: &Text) -> bool {
    let parts = |name: &HumanName| -> Vec<String> {
        match param {
            "family" => name.family.iter().cloned().collect(),
            "given" => name.given.clone(),
            _ => name
                .searchable()
                .chain(name.prefix.iter().chain(&name.suffix).map(String::as_str))
                .map(str::to_owned)
                .collect(),
        }
    };
    let all: Vec<String> = names.iter().flat_map(parts).collect();
    if text.exact {
        return all.contains(&text.text);
    }
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    name_matches(&all, &text.text)
}

/// Whether an entry is meant.
pub(super) fn entry(open: &Entry, asked: &Search) -> Option<()> {
    let source = source_of(open)?;
    let passes = |filter: &Filter| {
        let values: Vec<&Value> = filter.param.fields.iter().filter_map(|field| source.get(*field)).collect();
        filter.tests.iter().any(|test| values.iter().any(|value| value_passes(value, test)))
    };
    asked.filters.iter().all(passes).then_some(())
}

fn value_passes(value: &Value, sought: &Test) -> bool {
    match (value, sought) {
        (Value::Array(items), _) => items.iter().any(|item| value_passes(item, sought)),
        (Value::String(text), Test::Token { system, code }) => {
            // A plain code has the system of its field, which FHIR fixes and a client may name.
            code.as_ref().is_none_or(|code| code == text) && system.as_deref() != Some("")
        }
        (Value::Object(fields), Test::Token { system, code }) => {
            if let Some(codings) = fields.get("coding") {
                return value_passes(codings, sought);
            }
            let text = |name: &str| fields.get(name).and_then(Value::as_str);
            let of_system = system.as_deref().is_none_or(|system| text("system").unwrap_or_default() == system);
            of_system && code.as_deref().is_none_or(|code| text("code") == Some(code)) && fields.contains_key("code")
        }
        (Value::String(text), Test::Date(prefix, asked)) => {
            Moment::parse(text).is_ok_and(|moment| Within::of(&moment).fits(*prefix, *asked))
        }
        (Value::Object(period), Test::Date(prefix, asked)) => {
            let end = |name: &str| period.get(name).and_then(Value::as_str).and_then(|text| Moment::parse(text).ok());
            let from = end("start").map_or(Timestamp::MIN, |start| start.earliest());
            let until = end("end").map_or(Timestamp::MAX, |end| Within::of(&end).until);
            Within { from, until }.fits(*prefix, *asked)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn within(text: &str) -> Within {
        Within::of(&Moment::parse(text).unwrap())
    }

    #[test]
    fn a_date_means_all_that_it_may_mean() {
        assert_eq!(within("2020").until.to_string(), "2021-01-01T00:00:00Z");
        assert_eq!(within("2020-02").until.to_string(), "2020-03-01T00:00:00Z");
        assert_eq!(within("2020-02-29").until.to_string(), "2020-03-01T00:00:00Z");
        assert_eq!(within("2020-02-29T10:00:00+02:00").from.to_string(), "2020-02-29T08:00:00Z");
        assert_eq!(within("2020-02-29T10:00:00+02:00").until.to_string(), "2020-02-29T08:00:01Z");
        assert_eq!(within("2020-02-29T10:00:00Z").until.to_string(), "2020-02-29T10:00:01Z");
        assert_eq!(within("2020-02-29T10:00:00.123Z").until.to_string(), "2020-02-29T10:00:00.124Z");
    }

    #[test]
    fn prefixes_compare_spans_as_the_standard_says() {
        let (told, year) = (within("2020-06-15"), within("2020"));
        assert!(told.fits(Prefix::Eq, year) && !year.fits(Prefix::Eq, told));
        assert!(told.fits(Prefix::Ge, year) && told.fits(Prefix::Le, year));
        assert!(!told.fits(Prefix::Gt, year) && !told.fits(Prefix::Lt, year));
        assert!(told.fits(Prefix::Gt, within("2019")) && told.fits(Prefix::Lt, within("2021")));
        assert!(!told.fits(Prefix::Gt, told) && !told.fits(Prefix::Lt, told));
        assert!(told.fits(Prefix::Ge, told) && told.fits(Prefix::Le, told));
    }

    #[test]
    fn a_code_is_found_with_its_system_without_it_and_not_in_another() {
        let concept = json!({"coding": [{"system": "http://loinc.org", "code": "8480-6"}, {"code": "local"}]});
        let test = |system: Option<&str>, code: Option<&str>| {
            let test = Test::Token { system: system.map(str::to_owned), code: code.map(str::to_owned) };
            value_passes(&concept, &test)
        };
        assert!(test(None, Some("8480-6")) && test(Some("http://loinc.org"), Some("8480-6")));
        assert!(test(Some("http://loinc.org"), None) && test(Some(""), Some("local")));
        assert!(!test(Some(""), Some("8480-6")) && !test(Some("http://snomed.info/sct"), Some("8480-6")));
        assert!(!test(None, Some("8480")));
    }

    #[test]
    fn an_open_period_reaches_as_far_as_time_does() {
        let period = json!({"start": "2020-01-01"});
        let test = |prefix, text: &str| value_passes(&period, &Test::Date(prefix, within(text)));
        assert!(test(Prefix::Ge, "2050") && test(Prefix::Gt, "2050") && test(Prefix::Le, "2020"));
        assert!(!test(Prefix::Lt, "2020") && !test(Prefix::Eq, "2020"));
    }
}
