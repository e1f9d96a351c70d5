//! Who they are: names of many peoples in their own scripts, a day of birth, how they are reached, and
//! numbers whose check digits are right.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

use super::draw::Draw;
use crate::failure::Failure;

/// The day on which the invented world stands still: the same bytes tomorrow as today.
pub(super) const AS_OF: Date = jiff::civil::date(2025, 12, 31);

/// How a people is named.
#[derive(Debug, Deserialize)]
pub(super) struct Naming {
    people: String,
    /// Its language: the code and its own name for itself.
    language: (String, String),
    /// Empty where people have one name.
    family: Vec<String>,
    /// Where women have another form of it, in the same order.
    #[serde(default)]
    family_female: Vec<String>,
    female: Vec<String>,
    male: Vec<String>,
}

/// All of them.
pub(super) fn namings() -> Result<Vec<Naming>, Failure> {
    serde_json::from_str(include_str!("names.json"))
        .map_err(|error| Failure::said(format!("the names of invented patients: {error}")))
}

/// A country as far as its patients show it.
pub(super) struct Country {
    /// ISO 3166's two letters.
    pub(super) code: &'static str,
    name: &'static str,
    towns: &'static [(&'static str, &'static str, &'static str)],
    streets: &'static [&'static str],
    /// People and how many of a hundred belong to it.
    peoples: &'static [(&'static str, u32)],
}

/// South Africa.
const ZA: Country = Country {
    code: "ZA",
    name: "South Africa",
    towns: &[
        ("Johannesburg", "Gauteng", "2196"),
        ("Randburg", "Gauteng", "2194"),
        ("Soweto", "Gauteng", "1818"),
        ("Sandton", "Gauteng", "2031"),
        ("Midrand", "Gauteng", "1685"),
    ],
    streets: &["Oxford Road", "Bolton Road", "Keyes Avenue", "Sixth Street", "Jan Smuts Avenue", "Vilakazi Street"],
    peoples: &[
        ("zulu", 20),
        ("sotho", 17),
        ("xhosa", 12),
        ("afrikaans", 13),
        ("english", 11),
        ("gujarati", 9),
        ("shona", 4),
        ("portuguese", 3),
        ("arabic", 2),
        ("chinese", 2),
        ("amharic", 2),
        ("dutch", 1),
        ("hindi", 1),
        ("russian", 1),
        ("javanese", 1),
        ("short", 1),
    ],
};

/// Australia.
const AU: Country = Country {
    code: "AU",
    name: "Australia",
    towns: &[
        ("Sydney", "NSW", "2000"),
        ("Balmain", "NSW", "2041"),
        ("Lakemba", "NSW", "2195"),
        ("Cabramatta", "NSW", "2166"),
        ("Redfern", "NSW", "2016"),
        ("Hurstville", "NSW", "2220"),
    ],
    streets: &["Darling Street", "King Street", "Haldon Street", "Beamish Street", "Cliff Road", "Harbour View"],
    peoples: &[
        ("english", 33),
        ("chinese", 11),
        ("vietnamese", 10),
        ("arabic", 8),
        ("italian", 6),
        ("hindi", 5),
        ("greek", 5),
        ("korean", 5),
        ("filipino", 5),
        ("tongan", 4),
        ("tamil", 3),
        ("russian", 2),
        ("dutch", 1),
        ("javanese", 1),
        ("short", 1),
    ],
};

/// What the invented world knows of a country.
pub(super) fn country(code: &str) -> Option<&'static Country> {
    [&ZA, &AU].into_iter().find(|country| country.code == code)
}

/// Somebody.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) born: Date,
    pub(super) female: bool,
    /// When they died, if they did.
    pub(super) died: Option<Date>,
    pub(super) resource: Value,
}

impl Person {
    /// The last day of which anything can be said of them.
    pub(super) fn until(&self) -> Date {
        self.died.unwrap_or(AS_OF)
    }

    /// Whole years on a day.
    pub(super) fn age_on(&self, day: Date) -> i32 {
        age(self.born, day)
    }
}

pub(super) fn age(born: Date, day: Date) -> i32 {
    let had = (day.month(), day.day()) >= (born.month(), born.day());
    i32::from(day.year()) - i32::from(born.year()) - i32::from(!had)
}

/// Makes people, each with numbers of their own.
pub(super) struct Registry {
    namings: Vec<Naming>,
    country: &'static Country,
    numbers: BTreeSet<String>,
}

impl Registry {
    pub(super) fn new(country: &'static Country) -> Result<Self, Failure> {
        Ok(Self { namings: namings()?, country, numbers: BTreeSet::new() })
    }

    /// The person of this number.
    pub(super) fn person(&mut self, draw: &mut Draw, number: u32) -> Result<Person, Failure> {
        let naming = self.naming(draw)?;
        let female = draw.happens(51);
        // More of the young and the middle than of the very old.
        let oldest = 60 + draw.between(0, 36);
        let years = if draw.happens(22) { draw.between(0, 17) } else { draw.between(18, oldest) };
        let born = day_before(AS_OF, years * 365 + years / 4 + draw.between(0, 364));
        let died = (years > 74 && draw.happens(9)).then(|| day_before(AS_OF, draw.between(20, 700)));
        let id = format!("{}-{number:05}", self.country.code.to_ascii_lowercase());
        let (name, language) = (name_of(naming, female, draw), naming.language.clone());
        let mut resource = json!({
            "resourceType": "Patient",
            "id": id,
            "active": died.is_none(),
            "name": name,
            // Some do not say; their record says so.
            "gender": if draw.happens(1) { "other" } else if female { "female" } else { "male" },
            "birthDate": born.to_string(),
            "telecom": self.contacts(draw, number, years),
            "address": [self.address(draw)],
            "communication": [{ "language": {
                "coding": [{ "system": "urn:ietf:bcp:47", "code": language.0 }], "text": language.1,
            }, "preferred": true }],
            "identifier": self.identifiers(draw, born, female),
        });
        if let (Some(died), Some(map)) = (died, resource.as_object_mut()) {
            map.insert("deceasedDateTime".to_owned(), died.to_string().into());
        }
        Ok(Person { id, born, female, died, resource })
    }

    fn naming(&self, draw: &mut Draw) -> Result<&Naming, Failure> {
        let mut at = draw.below(self.country.peoples.iter().map(|(_, percent)| percent).sum());
        let people = self.country.peoples.iter().find(|(_, percent)| {
            let here = at < *percent;
            at = at.saturating_sub(*percent);
            here
        });
        let found = people.and_then(|(people, _)| self.namings.iter().find(|naming| naming.people == *people));
        found.ok_or_else(|| Failure::said("an invented people has no names"))
    }

    /// Numbers that nobody has: `555 01xx` in South Africa, which sets none apart, as in the rest of the
    /// demonstration; those that the Australian regulator sets apart for fiction. Children are reached
    /// through somebody else.
    fn contacts(&self, draw: &mut Draw, number: u32, years: i32) -> Value {
        let phone = match self.country.code {
            "AU" => format!("+61 2 {} {:04}", if draw.happens(50) { "5550" } else { "7010" }, number % 10_000),
            _ => format!("+27 {} 555 01{:02}", 60 + draw.below(25), draw.below(100)),
        };
        let kind = if years < 12 { "home" } else { "mobile" };
        let mut contacts = vec![json!({ "system": "phone", "use": kind, "value": phone })];
        if years >= 16 && draw.happens(65) {
            let address = format!("patient.{number}@{}.example", self.country.code.to_ascii_lowercase());
            contacts.push(json!({ "system": "email", "value": address }));
        }
        Value::Array(contacts)
    }

    fn address(&self, draw: &mut Draw) -> Value {
        let (city, state, code) = draw.one_of(self.country.towns).copied().unwrap_or_default();
        let street = draw.one_of(self.country.streets).copied().unwrap_or_default();
        json!({ "use": "home", "line": [format!("{} {street}", 1 + draw.below(240))], "city": city, "state": state,
            "postalCode": code, "country": self.country.name })
    }

    fn identifiers(&mut self, draw: &mut Draw, born: Date, female: bool) -> Value {
        let mut all = Vec::new();
        if self.country.code == "AU" {
            let medicare = self.unused(draw, medicare);
            all.push(json!({ "system": "http://ns.electronichealth.net.au/id/medicare-number", "value": medicare }));
            if draw.happens(45) {
                let ihi = self.unused(draw, ihi);
                all.push(json!({ "system": "http://ns.electronichealth.net.au/id/hi/ihi/1.0", "value": ihi }));
            }
        } else {
            let id = self.unused(draw, |draw| za_id(draw, born, female));
            all.push(json!({ "type": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v2-0203",
                "code": "NNZAF" }] }, "value": id }));
        }
        if draw.happens(40) {
            let member = self.unused(draw, |draw| format!("DEMO {:08}", draw.below(100_000_000)));
            all.push(json!({ "type": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v2-0203",
                "code": "MB" }] }, "system": "https://plans.example/members", "value": member }));
        }
        Value::Array(all)
    }

    /// A number that nobody else has.
    fn unused(&mut self, draw: &mut Draw, make: impl Fn(&mut Draw) -> String) -> String {
        loop {
            let number = make(draw);
            if self.numbers.insert(number.clone()) {
                return number;
            }
        }
    }
}

fn name_of(naming: &Naming, female: bool, draw: &mut Draw) -> Value {
    let families = if female && !naming.family_female.is_empty() { &naming.family_female } else { &naming.family };
    let given = draw.one_of(if female { &naming.female } else { &naming.male }).cloned().unwrap_or_default();
    let parts: Vec<&str> = given.split(' ').collect();
    let Some(family) = draw.one_of(families) else {
        // One name is the whole name.
        return json!([{ "use": "official", "text": given, "given": [given] }]);
    };
    let mut names = vec![json!({ "use": "official", "family": family, "given": parts })];
    if let (Some(first), true) = (parts.last(), parts.len() > 1 && draw.happens(30)) {
        names.push(json!({ "use": "usual", "given": [first] }));
    }
    if female
        && draw.happens(6)
        && let Some(former) = draw.one_of(families).filter(|former| *former != family)
    {
        names.push(json!({ "use": "maiden", "family": former }));
    }
    Value::Array(names)
}

/// A day so many days before.
pub(super) fn day_before(day: Date, days: i32) -> Date {
    day.checked_sub(jiff::Span::new().days(days)).unwrap_or(day)
}

fn luhn_digit(digits: &str) -> u32 {
    let values = digits.bytes().rev().map(|byte| u32::from(byte.wrapping_sub(b'0')));
    let sum: u32 =
        values.zip([2, 1].into_iter().cycle()).map(|(digit, weight)| digit * weight / 10 + digit * weight % 10).sum();
    (10 - sum % 10) % 10
}

/// Birth date, a serial that is below 5000 for women, citizen, 8, Luhn.
fn za_id(draw: &mut Draw, born: Date, female: bool) -> String {
    let serial = draw.below(5000) + if female { 0 } else { 5000 };
    let body = format!("{}{serial:04}08", born.strftime("%y%m%d"));
    let check = luhn_digit(&body);
    format!("{body}{check}")
}

/// Eight digits, a check digit of weights 1 3 7 9, the card's issue, the place on it.
fn medicare(draw: &mut Draw) -> String {
    let body = format!("{}{:07}", 2 + draw.below(5), draw.below(10_000_000));
    let values = body.bytes().map(|byte| u32::from(byte.wrapping_sub(b'0')));
    let check: u32 = values.zip([1, 3, 7, 9, 1, 3, 7, 9]).map(|(digit, weight)| digit * weight).sum();
    format!("{body}{}{}{}", check % 10, 1 + draw.below(4), 1 + draw.below(5))
}

/// 800360 and 8 first, as the numbers of the test environments of the Healthcare Identifiers Service.
fn ihi(draw: &mut Draw) -> String {
    let body = format!("8003608{:08}", draw.below(100_000_000));
    let check = luhn_digit(&body);
    format!("{body}{check}")
}
