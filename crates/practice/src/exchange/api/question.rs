//! What a client asks for: the parameters of a search, understood and bounded.
//!
//! A parameter that is not understood is refused unless the client says that it may be ignored
//! (`Prefer: handling=lenient`): one that should have narrowed the answer, and did not, would show more
//! than was asked for.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kernel::PatientId;
use seal::{TokenKind, name_query, normalise, phone_query};
use store::TokenSet;
use uuid::Uuid;

use super::ApiError;
use super::kinds::{Compares, Home, Kind, Param};
use super::matching::Within;
use crate::patients::model::{BirthDate, Moment};

/// Resources on a page if nothing is said.
pub const COUNT_USUAL: usize = 20;
/// Resources on a page at most; more is answered with as many.
pub const COUNT_MAX: usize = 100;
/// Parameters in one question.
pub const PARAMS_MAX: usize = 30;
/// Alternatives, with commas, in one parameter.
pub const ALTERNATIVES_MAX: usize = 50;
/// The longest value that is read, in characters.
pub const VALUE_CHARS_MAX: usize = 2_000;

/// What is to become of a parameter that is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Handling {
    /// The question is refused.
    #[default]
    Strict,
    /// It is left out, and the answer's own address shows that.
    Lenient,
}

/// How a date is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// Within.
    Eq,
    /// Some of it is later.
    Gt,
    /// Some of it is earlier.
    Lt,
    /// Within or later.
    Ge,
    /// Within or earlier.
    Le,
}

/// A text to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// What is looked for.
    pub text: String,
    /// The whole of it, letter by letter.
    pub exact: bool,
}

/// One alternative of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// A name.
    Text(Text),
    /// A telephone's ending, as it is filed.
    Phone((TokenKind, String)),
    /// An address of e-mail, as it is filed.
    Email(String),
    /// A span of time.
    Date(Prefix, Within),
    /// A code.
    Token {
        /// Its system; nothing for any, empty for none.
        system: Option<String>,
        /// The code; nothing for any of the system.
        code: Option<String>,
    },
}

/// A parameter with its alternatives, of which one must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// Which parameter.
    pub param: &'static Param,
    /// Its alternatives.
    pub tests: Vec<Test>,
}

/// A question about one type.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// The type.
    pub kind: &'static Kind,
    /// These ids alone. Empty: none can be meant.
    pub ids: Option<BTreeSet<Uuid>>,
    /// Written within all of these.
    pub updated: Vec<(Prefix, Within)>,
    /// About this patient. `Some(None)`: about somebody who cannot be here.
    pub patient: Option<Option<PatientId>>,
    /// One exact identifier: system and value.
    pub identifier: Option<(String, String)>,
    /// All of these.
    pub filters: Vec<Filter>,
    /// Whether the patient is to come along.
    pub with_patient: bool,
    /// Resources on a page.
    pub count: usize,
    /// The parameters as they were understood, in their order.
    pub said: Vec<(String, String)>,
}

fn invalid(words: impl Into<String>) -> ApiError {
    ApiError::Invalid(words.into())
}

impl Search {
    /// Understands the parameters of a search. `base` is this API's own address, for references that are
    /// written out.
    ///
    /// # Errors
    /// What is not understood, without the value.
    pub fn parse(
        kind: &'static Kind,
        params: &[(String, String)],
        handling: Handling,
        base: &str,
    ) -> Result<Self, ApiError> {
        if params.len() > PARAMS_MAX {
            return Err(invalid(format!("more than {PARAMS_MAX} parameters in one search")));
        }
        let mut search = Self {
            kind,
            ids: None,
            updated: Vec::new(),
            patient: None,
            identifier: None,
            filters: Vec::new(),
            with_patient: false,
            count: COUNT_USUAL,
            said: Vec::new(),
        };
        for (name, value) in params {
            if value.chars().count() > VALUE_CHARS_MAX || value.contains('\0') {
                return Err(invalid(format!(
                    "a value is longer than {VALUE_CHARS_MAX} characters, or has a NUL in it"
                )));
            }
            // FHIR R4, 3.1.1.4.1: a parameter without a value is as good as none.
            if value.is_empty() {
                continue;
            }
            match search.take(name, value, base) {
                Ok(true) => search.said.push((name.clone(), value.clone())),
                Ok(false) if handling == Handling::Lenient => {}
                Ok(false) => return Err(invalid(unknown(kind, name))),
                Err(error) => return Err(error),
            }
        }
        search.check()?;
        Ok(search)
    }

    /// False: not understood.
    fn take(&mut self, name: &str, value: &str, base: &str) -> Result<bool, ApiError> {
        let (param, modifier) = name.split_once(':').map_or((name, None), |(param, modifier)| (param, Some(modifier)));
        match param {
            "_format" | "_pretty" if modifier.is_none() => return Ok(true),
            "_count" if modifier.is_none() => {
                let asked: usize = value.parse().map_err(|_| invalid("_count must be a whole number"))?;
                if asked == 0 {
                    return Err(invalid("_count must be 1 or more: how many there are is not told without them"));
                }
                self.count = asked.min(COUNT_MAX);
                return Ok(true);
            }
            "_include" if modifier.is_none() => {
                let meant = value.split(':').collect::<Vec<_>>();
                return match meant.as_slice() {
                    [of, param] | [of, param, "Patient"]
                        if *of == self.kind.name && self.kind.includes.contains(param) =>
                    {
                        self.with_patient = true;
                        Ok(true)
                    }
                    _ => Ok(false),
                };
            }
            _ => {}
        }
        let Some(param) = self.kind.param(param) else { return Ok(false) };
        match (modifier, param.compares) {
            (None, _) | (Some("exact"), Compares::Text) | (Some("Patient"), Compares::Patient) => {}
            _ => return Ok(false),
        }
        self.filter(param, modifier == Some("exact"), value, base)?;
        Ok(true)
    }

    fn filter(&mut self, param: &'static Param, exact: bool, value: &str, base: &str) -> Result<(), ApiError> {
        let values = alternatives(value);
        if values.len() > ALTERNATIVES_MAX {
            return Err(invalid(format!("more than {ALTERNATIVES_MAX} alternatives in one parameter")));
        }
        match (param.name, param.compares) {
            ("_id", _) => {
                let ids: BTreeSet<Uuid> = values.iter().filter_map(|id| our_id(id)).collect();
                self.ids = Some(self.ids.take().map_or(ids.clone(), |before| &before & &ids));
            }
            ("_lastUpdated", _) => {
                let [value] = values.as_slice() else { return Err(invalid("_lastUpdated takes one value")) };
                self.updated.push(span(value, param.name)?);
            }
            ("identifier", _) => {
                let [value] = values.as_slice() else { return Err(invalid("identifier takes one value")) };
                let (system, value) =
                    value.split_once('|').ok_or_else(|| invalid("identifier must be system|value"))?;
                if value.trim().is_empty() || self.identifier.is_some() {
                    return Err(invalid("identifier must be one system|value"));
                }
                self.identifier = Some((system.to_owned(), value.to_owned()));
            }
            (_, Compares::Patient) => {
                let [value] = values.as_slice() else {
                    return Err(invalid(format!("{} takes one patient", param.name)));
                };
                let value = value.strip_prefix(base).map_or(value.as_str(), |rest| rest.trim_start_matches('/'));
                let id = value.strip_prefix("Patient/").unwrap_or(value);
                let meant = our_id(id).map(PatientId::from_uuid);
                let same = self.patient.is_none_or(|before| before == meant);
                self.patient = Some(meant.filter(|_| same));
            }
            _ => {
                let tests: Result<Vec<Test>, ApiError> = values.iter().map(|value| test(param, exact, value)).collect();
                self.filters.push(Filter { param, tests: tests? });
            }
        }
        Ok(())
    }

    /// What can be told of one parameter only beside the others.
    fn check(&self) -> Result<(), ApiError> {
        let entry = matches!(self.kind.home, Home::Entry | Home::Alert);
        if entry && self.patient.is_none() {
            return Err(invalid(format!("a search of {} must name one patient (patient=)", self.kind.name)));
        }
        if self.kind.home == Home::Patient && self.identifier.is_none() {
            let narrows =
                self.filters.iter().any(|filter| filter.tests.iter().all(|test| !tokens(filter, test).is_empty()));
            if !self.filters.is_empty() && !narrows {
                return Err(invalid(
                    "what is asked can only be told beside a name, a telephone number, an address of e-mail or a whole birth date",
                ));
            }
        }
        Ok(())
    }

    /// From when on and before when a resource must have been written, by `_lastUpdated`. An instant is a
    /// point: what is told has no length.
    #[must_use]
    pub fn updated_bounds(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let (mut from, mut until): (Option<Timestamp>, Option<Timestamp>) = (None, None);
        for (prefix, asked) in &self.updated {
            let (low, high) = match prefix {
                Prefix::Eq => (Some(asked.from), Some(asked.until)),
                Prefix::Gt => (Some(asked.until), None),
                Prefix::Ge => (Some(asked.from), None),
                Prefix::Lt => (None, Some(asked.from)),
                Prefix::Le => (None, Some(asked.until)),
            };
            from = from.max(low);
            until = match (until, high) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        (from, until)
    }

    /// Sets of blind tokens of which a patient must have one whole, so that those who may be meant are
    /// found without opening anybody. `None`: nothing narrows.
    #[must_use]
    pub fn token_sets(&self) -> Option<Vec<TokenSet>> {
        let mut sure = TokenSet::new();
        let mut either: Option<Vec<TokenSet>> = None;
        for filter in &self.filters {
            let sets: Vec<TokenSet> = filter.tests.iter().map(|test| tokens(filter, test)).collect();
            match sets.as_slice() {
                [one] => sure.extend(one.iter().cloned()),
                many if either.is_none() && many.iter().all(|set| !set.is_empty()) => either = Some(sets),
                _ => {}
            }
        }
        match either {
            None if sure.is_empty() => None,
            None => Some(vec![sure]),
            Some(sets) => Some(sets.into_iter().map(|set| &set | &sure).collect()),
        }
    }
}

/// The blind tokens of one test; none where it cannot be looked up.
fn tokens(filter: &Filter, sought: &Test) -> TokenSet {
    match sought {
        Test::Text(text) => name_query(&text.text).into_iter().collect(),
        Test::Phone(ending) => TokenSet::from([ending.clone()]),
        Test::Email(email) => TokenSet::from([(TokenKind::Email, email.clone())]),
        Test::Date(Prefix::Eq, within) if filter.param.name == "birthdate" => {
            whole_day(*within).map(|day| TokenSet::from([(TokenKind::BirthDate, day)])).unwrap_or_default()
        }
        Test::Date(..) | Test::Token { .. } => TokenSet::new(),
    }
}

/// The day that a span of time is exactly.
fn whole_day(within: Within) -> Option<String> {
    let from = within.from.to_zoned(jiff::tz::TimeZone::UTC);
    let day = within.until.duration_since(within.from) == jiff::SignedDuration::from_hours(24);
    day.then(|| BirthDate::new(from.year(), Some(from.month()), Some(from.day())).ok().map(BirthDate::iso)).flatten()
}

fn test(param: &'static Param, exact: bool, value: &str) -> Result<Test, ApiError> {
    let name = param.name;
    match (name, param.compares) {
        ("phone", _) => {
            let ending = phone_query(value).ok_or_else(|| invalid("phone must have 4 digits or more"))?;
            Ok(Test::Phone(ending))
        }
        ("email", _) => Ok(Test::Email(normalise::email(value))),
        (_, Compares::Text) => {
            if name_query(value).is_empty() {
                return Err(invalid(format!("{name} holds no word that could be looked for")));
            }
            Ok(Test::Text(Text { text: value.to_owned(), exact }))
        }
        (_, Compares::Date) => span(value, name).map(|(prefix, within)| Test::Date(prefix, within)),
        _ => {
            let (system, code) = match value.split_once('|') {
                None => (None, value),
                Some((system, code)) => (Some(system.to_owned()), code),
            };
            let code = Some(code.to_owned()).filter(|code| !code.is_empty());
            if code.is_none() && system.as_deref().is_none_or(str::is_empty) {
                return Err(invalid(format!("{name} must be a code, system|code or system|")));
            }
            Ok(Test::Token { system, code })
        }
    }
}

/// `ge2020-01`
fn span(value: &str, name: &str) -> Result<(Prefix, Within), ApiError> {
    let (prefix, date) = match value.split_at_checked(2) {
        Some(("eq", rest)) => (Prefix::Eq, rest),
        Some(("gt", rest)) => (Prefix::Gt, rest),
        Some(("lt", rest)) => (Prefix::Lt, rest),
        Some(("ge", rest)) => (Prefix::Ge, rest),
        Some(("le", rest)) => (Prefix::Le, rest),
        Some(("ne" | "sa" | "eb" | "ap", _)) => {
            return Err(invalid(format!("{name} is compared with eq, ge, le, gt or lt")));
        }
        _ => (Prefix::Eq, value),
    };
    // A `+` that was not written as %2B arrives as a blank.
    let moment = Moment::parse(&date.replace(' ', "+"));
    let moment = moment.map_err(|problem| invalid(format!("{name} {problem}")))?;
    Ok((prefix, Within::of(&moment)))
}

/// An id that can be one of ours, written as we write it.
fn our_id(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    (id.hyphenated().to_string() == text).then_some(id)
}

/// The values between commas; `\,` is a comma, `\|` a stroke, `\\` a backslash (FHIR R4, 3.1.1.4.0.1).
fn alternatives(value: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut escaped = false;
    for c in value.chars() {
        match (c, escaped) {
            ('\\', false) => escaped = true,
            (',', false) => all.push(String::new()),
            _ => {
                if escaped && !matches!(c, ',' | '|' | '$' | '\\') {
                    push(&mut all, '\\');
                }
                push(&mut all, c);
                escaped = false;
            }
        }
    }
    all.retain(|value| !value.is_empty());
    all
}

fn push(all: &mut [String], c: char) {
    if let Some(last) = all.last_mut() {
        last.push(c);
    }
}

/// What can be asked instead. A name that is none of ours is repeated only if it can be nothing but a name
/// of a parameter.
fn unknown(kind: &Kind, name: &str) -> String {
    let plain = name.len() <= 40 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-:.".contains(&b));
    let names: Vec<&str> = kind.params.iter().map(|param| param.name).collect();
    let said = if plain { format!("the parameter {name}") } else { "a parameter".to_owned() };
    format!(
        "{said} is not understood here, or not with this value; for {}: {} _id _lastUpdated _count _include",
        kind.name,
        names.join(" ")
    )
}

#[cfg(test)]
mod tests;
