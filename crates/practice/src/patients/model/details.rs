//! Everything by which a patient is named and reached, and the people around them, as lists: what the
//! short form shows one of, this shows all of.
//!
//! A row that comes back as it was shown stays to the last detail, what has no field here included. A row
//! that is emptied is taken away.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::codes::{codes, personal};
use super::form::{EMAIL_BYTES_MAX, is_email, is_phone, street};
use super::{
    Address, AddressUse, Concept, ContactPoint, ContactSystem, ContactUse, Demographics, HumanName, LINE_CHARS_MAX,
    Language, NAME_PART_CHARS_MAX, NameUse, TextProblem, is_blank, line,
};

/// Rows of one list that a form shows. What is beyond them stays as it is.
pub const ROWS_MAX: usize = 12;

codes! {
    /// What somebody is to a patient, by the words that a form offers.
    Relation {
        Guardian = "guardian",
        NextOfKin = "next-of-kin",
        Emergency = "emergency",
        Parent = "parent",
        Spouse = "spouse",
        Child = "child",
        Carer = "carer",
        Other = "other",
    }
}

impl Relation {
    /// The coding of FHIR R4 for it: HL7 table 0131 and the personal relationships of HL7 version 3, both of
    /// which FHIR names for `Patient.contact.relationship`.
    const fn coding(self) -> (&'static str, &'static str) {
        const CONTACT: &str = "http://terminology.hl7.org/CodeSystem/v2-0131";
        const ROLE: &str = "http://terminology.hl7.org/CodeSystem/v3-RoleCode";
        match self {
            Self::Guardian => (ROLE, "GUARD"),
            Self::NextOfKin => (CONTACT, "N"),
            Self::Emergency => (CONTACT, "C"),
            Self::Parent => (ROLE, "PRN"),
            Self::Spouse => (ROLE, "SPS"),
            Self::Child => (ROLE, "CHILD"),
            // FHIR has no code of its own for a carer: "unknown" with the words beside it.
            Self::Carer | Self::Other => (CONTACT, "U"),
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Guardian => "Guardian",
            Self::NextOfKin => "Next of kin",
            Self::Emergency => "Emergency contact",
            Self::Parent => "Parent",
            Self::Spouse => "Spouse or partner",
            Self::Child => "Child",
            Self::Carer => "Carer",
            Self::Other => "Other",
        }
    }

    fn concept(self) -> Value {
        let (system, code) = self.coding();
        json!({ "coding": [{ "system": system, "code": code }], "text": self.label() })
    }

    fn of(concept: &Value) -> Option<Self> {
        let text = concept.get("text").and_then(Value::as_str);
        if let Some(known) = Self::ALL.iter().find(|relation| text == Some(relation.label())) {
            return Some(*known);
        }
        let codings = concept.get("coding").and_then(Value::as_array)?;
        codings.iter().find_map(|coding| {
            let is = |relation: &&Self| {
                let (system, code) = relation.coding();
                let part = |name| coding.get(name).and_then(Value::as_str);
                part("system") == Some(system) && part("code") == Some(code)
            };
            Self::ALL.iter().find(is).copied()
        })
    }
}

/// A row of names.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NameRow {
    /// A code of [`NameUse`]; empty for none.
    #[serde(rename = "use")]
    pub use_: String,
    /// Title.
    pub title: String,
    /// Given names.
    pub given: String,
    /// Family name.
    pub family: String,
}

/// A row of numbers and addresses of mail.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ContactRow {
    /// A code of [`ContactSystem`].
    pub system: String,
    /// A code of [`ContactUse`]; empty for none.
    #[serde(rename = "use")]
    pub use_: String,
    /// The number or address.
    pub value: String,
}

/// A row of addresses.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AddressRow {
    /// A code of [`AddressUse`]; empty for none.
    #[serde(rename = "use")]
    pub use_: String,
    /// Street lines.
    pub lines: String,
    /// City or town.
    pub city: String,
    /// State or province.
    pub state: String,
    /// Postal code.
    pub postal_code: String,
    /// Country.
    pub country: String,
}

/// A row of languages.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LanguageRow {
    /// Which, in words or as a code.
    pub language: String,
    /// Whether the person prefers it.
    pub preferred: bool,
}

/// Somebody around the patient.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PersonRow {
    /// A code of [`Relation`].
    pub relation: String,
    /// Their name.
    pub name: String,
    /// A telephone number.
    pub phone: String,
    /// An e-mail address.
    pub email: String,
    /// Where they live, in lines.
    pub address: String,
    /// Whether they may consent for the patient.
    pub may_consent: bool,
}

/// All of it, as typed.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// Names.
    pub names: Vec<NameRow>,
    /// Numbers and addresses of mail.
    pub contacts: Vec<ContactRow>,
    /// Addresses.
    pub addresses: Vec<AddressRow>,
    /// Languages.
    pub languages: Vec<LanguageRow>,
    /// People around the patient.
    pub people: Vec<PersonRow>,
}

/// A field of a row that cannot be taken as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// The list.
    pub list: &'static str,
    /// The row, from 0.
    pub row: usize,
    /// The field.
    pub field: &'static str,
    /// What to do.
    pub message: String,
}

fn text(text: Option<&String>) -> String {
    text.cloned().unwrap_or_default()
}

fn some(text: &str) -> Option<String> {
    (!is_blank(text)).then(|| text.trim().to_owned())
}

impl NameRow {
    fn of(name: &HumanName) -> Self {
        let given = name.given.iter().filter(|given| !is_blank(given)).cloned().collect::<Vec<_>>().join(" ");
        let parts = name.family.is_some() || !given.is_empty();
        Self {
            use_: name.use_.map(|use_| use_.code().to_owned()).unwrap_or_default(),
            title: name.prefix.join(" "),
            family: text(name.family.as_ref()),
            given: if parts { given } else { text(name.text.as_ref()) },
        }
    }

    fn is_empty(&self) -> bool {
        [&self.title, &self.given, &self.family].into_iter().all(|part| is_blank(part))
    }

    fn name(&self, old: HumanName) -> HumanName {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        HumanName {
            use_: NameUse::from_code(&self.use_),
            text: None,
            family: some(&self.family),
            given: words(&self.given),
            prefix: words(&self.title),
            extra: Map::new(),
            ..old
        }
    }
}

impl ContactRow {
    fn of(point: &ContactPoint) -> Self {
        Self {
            system: point.system.map(|system| system.code().to_owned()).unwrap_or_default(),
            use_: point.use_.map(|use_| use_.code().to_owned()).unwrap_or_default(),
            value: text(point.value.as_ref()),
        }
    }

    fn point(&self, old: ContactPoint) -> ContactPoint {
        ContactPoint {
            system: ContactSystem::from_code(&self.system),
            use_: ContactUse::from_code(&self.use_),
            value: some(&self.value),
            extra: Map::new(),
            ..old
        }
    }
}

impl AddressRow {
    fn of(address: &Address) -> Self {
        let lines =
            if address.line.is_empty() && address.city.is_none() { address.lines() } else { address.line.clone() };
        Self {
            use_: address.use_.map(|use_| use_.code().to_owned()).unwrap_or_default(),
            lines: lines.join("\n"),
            city: text(address.city.as_ref()),
            state: text(address.state.as_ref()),
            postal_code: text(address.postal_code.as_ref()),
            country: text(address.country.as_ref()),
        }
    }

    fn is_empty(&self) -> bool {
        [&self.lines, &self.city, &self.state, &self.postal_code, &self.country].into_iter().all(|part| is_blank(part))
    }

    fn address(&self, old: Address) -> Address {
        Address {
            use_: AddressUse::from_code(&self.use_),
            text: None,
            line: self.lines.lines().filter_map(some).collect(),
            city: some(&self.city),
            state: some(&self.state),
            postal_code: some(&self.postal_code),
            country: some(&self.country),
            extra: Map::new(),
            ..old
        }
    }
}

impl LanguageRow {
    fn of(language: &Language) -> Self {
        Self {
            language: language.language.words().unwrap_or_default().to_owned(),
            preferred: language.preferred == Some(true),
        }
    }

    fn language(&self, old: Language) -> Language {
        let same = old.language.words() == some(&self.language).as_deref();
        let language = if same { old.language } else { Concept { text: some(&self.language), ..Concept::default() } };
        Language { language, preferred: self.preferred.then_some(true), extra: old.extra }
    }
}

/// The extension that says that somebody may consent for the patient. FHIR R4 has no field for it.
const MAY_CONSENT: &str = "urn:vouchsafe:may-consent";

impl PersonRow {
    /// The people of FHIR `Patient.contact`, which stands in [`Demographics::rest`].
    fn of(contact: &Value) -> Self {
        let list = |name: &str| contact.get(name).and_then(Value::as_array).into_iter().flatten();
        let known = list("relationship").find_map(Relation::of);
        let other = list("relationship").next().map(|_| Relation::Other);
        let point = |system: &str| {
            let mut points =
                list("telecom").filter(|point| point.get("system").and_then(Value::as_str) == Some(system));
            points.find_map(|point| point.get("value")?.as_str()).unwrap_or_default().to_owned()
        };
        let name = contact.get("name").and_then(|name| HumanName::deserialize(name).ok());
        let address = contact.get("address").and_then(|address| Address::deserialize(address).ok());
        Self {
            relation: known.or(other).map(|relation| relation.code().to_owned()).unwrap_or_default(),
            name: name.map(|name| name.display()).unwrap_or_default(),
            phone: point("phone"),
            email: point("email"),
            address: address.map(|address| address.lines().join("\n")).unwrap_or_default(),
            may_consent: list("extension").any(|extension| {
                extension.get("url").and_then(Value::as_str) == Some(MAY_CONSENT)
                    && extension.get("valueBoolean") == Some(&Value::Bool(true))
            }),
        }
    }

    /// Whether nothing is typed of them.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        [&self.name, &self.phone, &self.email, &self.address].into_iter().all(|part| is_blank(part))
    }

    /// What they are to the patient, in words.
    #[must_use]
    pub fn relation_words(&self) -> &'static str {
        Relation::from_code(&self.relation).unwrap_or(Relation::Other).label()
    }

    /// The contact as it is from now on: what differs from what was shown is written, the rest stays.
    fn contact(&self, old: Value) -> Value {
        let was = Self::of(&old);
        let mut map = match old {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        let mut put = |name: &str, value: Option<Value>| match value {
            Some(value) => drop(map.insert(name.to_owned(), value)),
            None => drop(map.shift_remove(name)),
        };
        if was.relation != self.relation {
            put("relationship", Relation::from_code(&self.relation).map(|relation| json!([relation.concept()])));
        }
        if was.name != self.name {
            put("name", some(&self.name).map(|name| json!({ "text": name })));
        }
        if was.address != self.address {
            let lines: Vec<String> = self.address.lines().filter_map(some).collect();
            put("address", (!lines.is_empty()).then(|| json!({ "line": lines })));
        }
        for (system, was, now) in [("phone", &was.phone, &self.phone), ("email", &was.email, &self.email)] {
            if was != now {
                telecom(&mut map, system, was, now);
            }
        }
        if was.may_consent != self.may_consent {
            let mut all = list_of(&mut map, "extension");
            all.retain(|extension| extension.get("url").and_then(Value::as_str) != Some(MAY_CONSENT));
            if self.may_consent {
                all.push(json!({ "url": MAY_CONSENT, "valueBoolean": true }));
            }
            if !all.is_empty() {
                map.insert("extension".to_owned(), Value::Array(all));
            }
        }
        Value::Object(map)
    }
}

fn list_of(map: &mut Map<String, Value>, name: &str) -> Vec<Value> {
    match map.shift_remove(name) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

fn telecom(map: &mut Map<String, Value>, system: &str, was: &str, now: &str) {
    let mut points = list_of(map, "telecom");
    let is = |point: &Value| {
        let part = |name| point.get(name).and_then(Value::as_str);
        part("system") == Some(system) && part("value") == Some(was)
    };
    let at = points.iter().position(is);
    let new = some(now).map(|value| json!({ "system": system, "value": value }));
    match (at, new) {
        (Some(at), Some(new)) => {
            if let Some(slot) = points.get_mut(at) {
                *slot = new;
            }
        }
        (Some(at), None) => drop(points.remove(at)),
        (None, Some(new)) => points.push(new),
        (None, None) => {}
    }
    if !points.is_empty() {
        map.insert("telecom".to_owned(), Value::Array(points));
    }
}

/// People around a patient, as FHIR `Patient.contact` has them.
fn contacts_of(rest: &Value) -> Vec<Value> {
    rest.get("contact").and_then(Value::as_array).cloned().unwrap_or_default()
}

impl Demographics {
    /// The people around the patient: guardians, next of kin, whom to call.
    #[must_use]
    pub fn people(&self) -> Vec<PersonRow> {
        contacts_of(&self.rest).iter().map(PersonRow::of).collect()
    }
}

/// The rows as they came back over what stands: a row that shows what a known item shows is that item, to
/// the last detail; otherwise the item in its place is changed; what was not shown stays.
fn merged<T: Clone, R: PartialEq>(
    known: &[T],
    rows: &[R],
    of: fn(&T) -> R,
    is_empty: fn(&R) -> bool,
    change: impl Fn(&R, Option<T>) -> T,
) -> Vec<T> {
    let mut used = vec![false; known.len()];
    let mut places: Vec<Option<usize>> = Vec::with_capacity(rows.len());
    for (place, row) in rows.iter().enumerate() {
        let same = |at: &usize| known.get(*at).is_some_and(|item| of(item) == *row) && used.get(*at) == Some(&false);
        let at = Some(place).filter(same).or_else(|| (0..known.len().min(ROWS_MAX)).find(same));
        if let Some(used) = at.and_then(|at| used.get_mut(at)) {
            *used = true;
        }
        places.push(at);
    }
    let mut merged = Vec::with_capacity(rows.len());
    for (place, (row, same)) in rows.iter().zip(places).enumerate() {
        if let Some(item) = same.and_then(|at| known.get(at)) {
            merged.push(item.clone());
        } else if !is_empty(row) {
            let old = known.get(place).filter(|_| used.get(place) == Some(&false)).cloned();
            merged.push(change(row, old));
        }
    }
    merged.extend(known.iter().skip(ROWS_MAX).cloned());
    merged
}

impl Details {
    /// What is known of a patient, as rows.
    #[must_use]
    pub fn of(patient: &Demographics) -> Self {
        fn rows<T, R>(items: &[T], of: fn(&T) -> R) -> Vec<R> {
            items.iter().take(ROWS_MAX).map(of).collect()
        }
        Self {
            names: rows(&patient.names, NameRow::of),
            contacts: rows(&patient.contacts, ContactRow::of),
            addresses: rows(&patient.addresses, AddressRow::of),
            languages: rows(&patient.languages, LanguageRow::of),
            people: rows(&contacts_of(&patient.rest), PersonRow::of),
        }
    }

    /// What is wrong with the rows, in their order.
    ///
    /// # Errors
    /// Every field that cannot be taken.
    pub fn check(&self) -> Result<(), Vec<RowError>> {
        let mut errors = Vec::new();
        let mut one = |list, row, field, label: &str, typed: &str, most| {
            let problem = line(typed.trim(), most).err();
            if let Some(problem) = problem {
                errors.push(RowError { list, row, field, message: wrong(label, problem) });
            }
            problem.is_none()
        };
        let mut shapes: Vec<RowError> = Vec::new();
        let mut shape = |list, row, field, message: &str| {
            shapes.push(RowError { list, row, field, message: message.to_owned() });
        };
        for (row, name) in self.names.iter().enumerate() {
            one("names", row, "title", "Title", &name.title, NAME_PART_CHARS_MAX);
            one("names", row, "given", "Given names", &name.given, NAME_PART_CHARS_MAX);
            one("names", row, "family", "Family name", &name.family, NAME_PART_CHARS_MAX);
        }
        if self.names.iter().all(NameRow::is_empty) {
            shape("names", 0, "family", "Enter at least one name");
        }
        for (row, point) in self.contacts.iter().enumerate() {
            let fits = one("contacts", row, "value", "The number or address", &point.value, LINE_CHARS_MAX);
            let value = point.value.trim();
            match ContactSystem::from_code(&point.system) {
                _ if is_blank(value) || !fits => {}
                Some(ContactSystem::Phone | ContactSystem::Sms) if !is_phone(value) => {
                    shape("contacts", row, "value", PHONE);
                }
                Some(ContactSystem::Email) if !is_email(value) => shape("contacts", row, "value", EMAIL),
                None => shape("contacts", row, "system", "Choose what kind of number or address it is"),
                Some(_) => {}
            }
        }
        for (row, address) in self.addresses.iter().enumerate() {
            if let Err(error) = street(&address.lines) {
                shape("addresses", row, "lines", &error.message);
            }
            one("addresses", row, "city", "City or town", &address.city, LINE_CHARS_MAX);
            one("addresses", row, "state", "State or province", &address.state, LINE_CHARS_MAX);
            one("addresses", row, "postal_code", "Postal code", &address.postal_code, 20);
            one("addresses", row, "country", "Country", &address.country, 100);
        }
        for (row, language) in self.languages.iter().enumerate() {
            one("languages", row, "language", "Language", &language.language, 100);
        }
        for (row, person) in self.people.iter().enumerate() {
            one("people", row, "name", "Name", &person.name, NAME_PART_CHARS_MAX);
            if let Err(error) = street(&person.address) {
                shape("people", row, "address", &error.message);
            }
            let phone = one("people", row, "phone", "Telephone number", &person.phone, 50);
            let email = one("people", row, "email", "E-mail address", &person.email, EMAIL_BYTES_MAX);
            if phone && !is_blank(&person.phone) && !is_phone(person.phone.trim()) {
                shape("people", row, "phone", PHONE);
            }
            if email && !is_blank(&person.email) && !is_email(person.email.trim()) {
                shape("people", row, "email", EMAIL);
            }
            if !person.is_empty() && is_blank(&person.name) {
                shape("people", row, "name", "Enter their name");
            }
        }
        errors.extend(shapes);
        let lists = ["names", "contacts", "addresses", "languages", "people"];
        errors.sort_by_key(|error| (lists.iter().position(|list| *list == error.list), error.row));
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// A known patient with what the rows changed.
    #[must_use]
    pub fn apply(&self, known: &Demographics) -> Demographics {
        let mut patient = known.clone();
        patient.names = merged(&known.names, &self.names, NameRow::of, NameRow::is_empty, |row, old| {
            row.name(old.unwrap_or_default())
        });
        let blank = |row: &ContactRow| is_blank(&row.value);
        patient.contacts = merged(&known.contacts, &self.contacts, ContactRow::of, blank, |row, old| {
            row.point(old.unwrap_or_default())
        });
        patient.addresses =
            merged(&known.addresses, &self.addresses, AddressRow::of, AddressRow::is_empty, |row, old| {
                row.address(old.unwrap_or_default())
            });
        let blank = |row: &LanguageRow| is_blank(&row.language);
        patient.languages = merged(&known.languages, &self.languages, LanguageRow::of, blank, |row, old| {
            row.language(old.unwrap_or_default())
        });
        let around = contacts_of(&known.rest);
        let people = merged(&around, &self.people, PersonRow::of, PersonRow::is_empty, |row, old| {
            row.contact(old.unwrap_or_default())
        });
        if people != around {
            let mut rest = match &known.rest {
                Value::Object(map) => map.clone(),
                _ => Map::new(),
            };
            if people.is_empty() {
                rest.shift_remove("contact");
            } else {
                rest.insert("contact".to_owned(), Value::Array(people));
            }
            patient.rest = if rest.is_empty() { Value::Null } else { Value::Object(rest) };
        }
        patient
    }
}

const PHONE: &str = "Enter a telephone number, such as 082 555 0123 or +27 82 555 0123";
const EMAIL: &str = "Enter an e-mail address, such as name@example.com";

fn wrong(label: &str, problem: TextProblem) -> String {
    match problem {
        TextProblem::TooLong(most) => format!("{label} must be {most} characters or fewer"),
        TextProblem::Control => format!("{label} contains characters that cannot be printed: type it again"),
    }
}

personal!(NameRow, ContactRow, AddressRow, LanguageRow, PersonRow, Details);
