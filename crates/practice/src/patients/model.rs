//! What a practice knows of a patient, typed. These types are the JSON inside sealed columns, so
//! their field names are a stored format: they follow FHIR R4 and do not change.
//!
//! Nothing that came from elsewhere is lost: each part keeps what it has no room for in `extra`,
//! and the patient as a whole in [`Demographics::rest`].
//!
//! `Debug` of a personal type prints its name only, so that a value cannot slip into a log.

mod codes;
mod entry;
mod finding;
mod form;
mod text;
mod time;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use codes::{codes, personal};
pub use entry::{Attachment, EntryBody, EntryKind, Unread};
pub use finding::{Comparator, DIASTOLIC, Finding, LOINC, Quantity, Reading, SYSTOLIC, UCUM, readings_words};
pub use form::{FieldError, PatientDraft, PatientForm};
pub(crate) use text::ascii_digit;
pub use text::{
    LINE_CHARS_MAX, NAME_PART_CHARS_MAX, NAME_TEXT_CHARS_MAX, TextProblem, block, is_blank, isolated, line,
};
pub use time::{Age, BirthDate, DateOrder, Moment, TimeProblem};

codes! {
    /// What a name is for (FHIR `name-use`).
    NameUse {
        Usual = "usual",
        Official = "official",
        Temp = "temp",
        Nickname = "nickname",
        Anonymous = "anonymous",
        Old = "old",
        Maiden = "maiden",
    }
}

codes! {
    /// What kind of contact point it is (FHIR `contact-point-system`).
    ContactSystem {
        Phone = "phone",
        Fax = "fax",
        Email = "email",
        Pager = "pager",
        Url = "url",
        Sms = "sms",
        Other = "other",
    }
}

codes! {
    /// Where a contact point reaches somebody (FHIR `contact-point-use`).
    ContactUse {
        Home = "home",
        Work = "work",
        Temp = "temp",
        Old = "old",
        Mobile = "mobile",
    }
}

codes! {
    /// What an address is for (FHIR `address-use`).
    AddressUse {
        Home = "home",
        Work = "work",
        Temp = "temp",
        Old = "old",
        Billing = "billing",
    }
}

codes! {
    /// Whether an address is visited or written to (FHIR `address-type`).
    AddressType {
        Postal = "postal",
        Physical = "physical",
        Both = "both",
    }
}

codes! {
    /// Administrative gender (FHIR `administrative-gender`). It says nothing about anatomy or about
    /// how to address somebody: see [`Demographics::pronouns`].
    Gender {
        Male = "male",
        Female = "female",
        Other = "other",
        Unknown = "unknown",
    }
}

impl Gender {
    /// The word on screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Male => "Male",
            Self::Female => "Female",
            Self::Other => "Other",
            Self::Unknown => "Not known",
        }
    }
}

/// From when to when something held. Either end may be open.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Period {
    /// The first moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Moment>,
    /// The last moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Moment>,
    /// Whatever else the source said.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A name of a person, in parts, in NFC. A part that the source marked as absent is an empty text
/// in [`HumanName::given`], so that positions stay.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HumanName {
    /// What the name is for.
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    pub use_: Option<NameUse>,
    /// The whole name as the person writes it, where the parts do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Family name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// Given names in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<String>,
    /// What stands before the name ("Dr").
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefix: Vec<String>,
    /// What stands after it ("Jr").
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suffix: Vec<String>,
    /// When the name was in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// Whatever else the source said.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl HumanName {
    /// The name as the person writes it: the text if there is one, otherwise the parts in order
    /// (family name first and without spaces where all of it is written in Han, Kana or Hangul).
    /// Directional marks are kept as typed; put the result through [`isolated`] (or `<bdi>` plus
    /// [`isolated`]) before it stands beside other words.
    #[must_use]
    pub fn display(&self) -> String {
        if let Some(text) = self.text.as_deref().filter(|text| !is_blank(text)) {
            return text.to_owned();
        }
        let family = self.family.as_deref().into_iter();
        let given = self.given.iter().map(String::as_str);
        let core: Vec<&str> = family.clone().chain(given.clone()).filter(|part| !is_blank(part)).collect();
        if !core.is_empty() && core.iter().all(|part| part.chars().all(text::is_east_asian)) {
            return core.concat();
        }
        let prefix = self.prefix.iter().map(String::as_str);
        let suffix = self.suffix.iter().map(String::as_str);
        let parts: Vec<&str> = prefix.chain(given).chain(family).chain(suffix).filter(|part| !is_blank(part)).collect();
        parts.join(" ")
    }

    /// The parts by which somebody may look for this person: not titles, not suffixes.
    pub fn searchable(&self) -> impl Iterator<Item = &str> {
        let core = self.text.as_deref().into_iter().chain(self.family.as_deref());
        core.chain(self.given.iter().map(String::as_str)).filter(|part| !is_blank(part))
    }

    /// Whether the name is one that the person no longer uses.
    #[must_use]
    pub fn is_former(&self) -> bool {
        matches!(self.use_, Some(NameUse::Old | NameUse::Maiden))
    }
}

/// A way to reach somebody.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ContactPoint {
    /// What kind it is; nothing where the source did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<ContactSystem>,
    /// Where it reaches the person.
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    pub use_: Option<ContactUse>,
    /// The number or address as it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Order of preference: 1 is tried first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u32>,
    /// When it was in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// Whatever else the source said.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A place where somebody lives, works or gets post.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Address {
    /// What the address is for.
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    pub use_: Option<AddressUse>,
    /// Whether it is visited or written to.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub type_: Option<AddressType>,
    /// The whole address as one text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Street, number, box.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub line: Vec<String>,
    /// City, town, village.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// District or county.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub district: Option<String>,
    /// State or province.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Postal code.
    #[serde(rename = "postalCode", default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Country, as it was written (a name or an ISO 3166 code).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// When it was in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// Whatever else the source said.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Address {
    /// The address as lines to read or print: the parts if there are any, otherwise the text.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let place: Vec<&str> = [&self.city, &self.district, &self.state, &self.postal_code]
            .into_iter()
            .filter_map(Option::as_deref)
            .filter(|part| !is_blank(part))
            .collect();
        let mut lines: Vec<String> = self.line.iter().filter(|line| !is_blank(line)).cloned().collect();
        if !place.is_empty() {
            lines.push(place.join(", "));
        }
        lines.extend(self.country.clone().filter(|country| !is_blank(country)));
        if lines.is_empty() {
            lines.extend(self.text.iter().flat_map(|text| text.lines()).map(str::to_owned));
        }
        lines
    }
}

/// A code out of a code system.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Coding {
    /// Which code system, by its URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The code in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// Whatever else the source said.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Something said in words and in codes (FHIR `CodeableConcept`).
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Concept {
    /// The words of whoever recorded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The same in codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coding: Vec<Coding>,
    /// Whatever else the source said.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Concept {
    /// The best words for it: the text, else the first code's words, else the first code.
    #[must_use]
    pub fn words(&self) -> Option<&str> {
        let displays = self.coding.iter().filter_map(|coding| coding.display.as_deref());
        let codes = self.coding.iter().filter_map(|coding| coding.code.as_deref());
        self.text.as_deref().into_iter().chain(displays).chain(codes).find(|words| !is_blank(words))
    }

    /// The first code, whatever its system.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.coding.iter().find_map(|coding| coding.code.as_deref())
    }
}

/// A language somebody can be spoken to in.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Language {
    /// Which one, usually as a BCP 47 code.
    #[serde(default)]
    pub language: Concept,
    /// Whether the person prefers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred: Option<bool>,
    /// Whatever else the source said.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Whether, or when, somebody died. That nothing is known is the absence of this value.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deceased {
    /// Known to be dead, or known to be alive.
    Boolean(bool),
    /// Died then.
    DateTime(Moment),
}

impl Deceased {
    /// Whether the person is dead.
    #[must_use]
    pub const fn is_dead(&self) -> bool {
        matches!(self, Self::Boolean(true) | Self::DateTime(_))
    }
}

/// Everything about a patient that is neither an identifier, an alert nor an entry of the record.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Demographics {
    /// All names, past ones too.
    #[serde(default)]
    pub names: Vec<HumanName>,
    /// Birth date, as precisely as it is known.
    #[serde(default)]
    pub birth: Option<BirthDate>,
    /// Administrative gender.
    #[serde(default)]
    pub gender: Option<Gender>,
    /// How the person wants to be spoken of, in their own words.
    #[serde(default)]
    pub pronouns: Option<String>,
    /// Whether or when the person died.
    #[serde(default)]
    pub deceased: Option<Deceased>,
    /// Telephones, e-mail and the like.
    #[serde(default)]
    pub contacts: Vec<ContactPoint>,
    /// Addresses.
    #[serde(default)]
    pub addresses: Vec<Address>,
    /// Languages.
    #[serde(default)]
    pub languages: Vec<Language>,
    /// Marital status.
    #[serde(default)]
    pub marital: Option<Concept>,
    /// Everything else that the source said of the patient, as FHIR JSON; `null` for a patient
    /// entered by hand. (A decimal keeps its value, not its trailing zeros.)
    #[serde(default)]
    pub rest: Value,
}

impl Demographics {
    /// The name to head the record with: the official one, else the usual one, else the first
    /// that is not a former name, else the first.
    #[must_use]
    pub fn name(&self) -> Option<&HumanName> {
        self.name_at().and_then(|at| self.names.get(at))
    }

    fn name_at(&self) -> Option<usize> {
        let with = |use_| self.names.iter().position(|name| name.use_ == Some(use_));
        let full = |name: &HumanName| name.family.is_some() || name.text.is_some();
        with(NameUse::Official)
            .or_else(|| self.names.iter().position(|name| name.use_ == Some(NameUse::Usual) && full(name)))
            .or_else(|| self.names.iter().position(|name| name.use_.is_none()))
            .or_else(|| self.names.iter().position(|name| !name.is_former() && name.use_ != Some(NameUse::Nickname)))
            .or(if self.names.is_empty() { None } else { Some(0) })
    }

    /// What the person wants to be called, where that differs from [`Demographics::name`].
    #[must_use]
    pub fn preferred_name(&self) -> Option<&HumanName> {
        self.preferred_at().and_then(|at| self.names.get(at))
    }

    fn preferred_at(&self) -> Option<usize> {
        let main = self.name_at();
        let with =
            |use_| self.names.iter().enumerate().position(|(at, name)| Some(at) != main && name.use_ == Some(use_));
        with(NameUse::Usual).or_else(|| with(NameUse::Nickname))
    }

    /// Every text by which the patient may be found by name, former names included.
    pub fn searchable_names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().flat_map(HumanName::searchable)
    }

    /// The contact points of one kind that are not out of use, the preferred first.
    #[must_use]
    pub fn contacts_of(&self, system: ContactSystem) -> Vec<&ContactPoint> {
        let mut found: Vec<&ContactPoint> = self
            .contacts
            .iter()
            .filter(|point| point.system == Some(system) && point.use_ != Some(ContactUse::Old))
            .collect();
        found.sort_by_key(|point| point.rank.unwrap_or(u32::MAX));
        found
    }
}

personal!(Period, HumanName, ContactPoint, Address, Coding, Concept, Language, Deceased, Demographics);

impl fmt::Display for HumanName {
    /// [`HumanName::display`], isolated: safe beside words of any direction.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&isolated(&self.display()))
    }
}

#[cfg(test)]
mod tests;
