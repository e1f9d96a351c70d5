//! From what somebody typed to a patient: every field becomes its type or says what to write
//! instead. Nothing half-parsed gets past here.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::codes::personal;
use super::{
    Address, BirthDate, Concept, ContactPoint, ContactSystem, ContactUse, DateOrder, Demographics, Gender, HumanName,
    LINE_CHARS_MAX, Language, NAME_PART_CHARS_MAX, NameUse, TextProblem, is_blank, line,
};

/// The longest e-mail address that can be delivered (RFC 5321, section 4.5.3.1.3, less the
/// angle brackets).
pub(super) const EMAIL_BYTES_MAX: usize = 254;
const PHONE_CHARS_MAX: usize = 50;
const ADDRESS_LINES_MAX: usize = 10;
/// The oldest person of record reached 122 years; further back, a year is a slip of the hand.
const AGE_YEARS_MAX: i16 = 130;

/// A field that cannot be taken as typed, and what to write instead. The message never repeats
/// what was typed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The form's name of the field, for the link in the summary.
    pub field: &'static str,
    /// What to do, in a sentence without a full stop.
    pub message: String,
}

impl FieldError {
    /// An error of one field.
    pub fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, message: message.into() }
    }
}

/// The form of a patient, as typed. Empty means "not given". It is also what fills the form again.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PatientForm {
    /// "Dr", "Ms".
    pub title: String,
    /// Family name.
    pub family: String,
    /// Given names, separated by spaces.
    pub given: String,
    /// What the person wants to be called.
    pub preferred: String,
    /// Birth date in the site's order.
    pub birth_date: String,
    /// A code of [`Gender`].
    pub gender: String,
    /// Pronouns, in the person's words.
    pub pronouns: String,
    /// Telephone number.
    pub phone: String,
    /// E-mail address.
    pub email: String,
    /// Street lines, one a line.
    pub address: String,
    /// City or town.
    pub city: String,
    /// State or province.
    pub state: String,
    /// Postal code.
    pub postal_code: String,
    /// Country.
    pub country: String,
    /// The language that the person prefers.
    pub language: String,
}

/// A patient as somebody at the practice entered them: valid in every field.
#[derive(Clone, PartialEq)]
pub struct PatientDraft {
    /// The form again, in NFC and without blanks at the ends of its fields. Every field is valid.
    tidy: PatientForm,
    birth: Option<BirthDate>,
    gender: Option<Gender>,
    order: DateOrder,
}

impl PatientForm {
    /// The form filled with what is known of a patient.
    #[must_use]
    pub fn of(patient: &Demographics, order: DateOrder) -> Self {
        let text = |text: Option<&String>| text.cloned().unwrap_or_default();
        let contact = |system| patient.contacts_of(system).first().and_then(|point| point.value.clone());
        let name = patient.name().cloned().unwrap_or_default();
        let given = name.given.iter().filter(|given| !is_blank(given)).cloned().collect::<Vec<_>>().join(" ");
        let parts = name.family.is_some() || !given.is_empty();
        let address = patient.addresses.iter().find(|address| address.use_ != Some(super::AddressUse::Old));
        let address = address.cloned().unwrap_or_default();
        let lines = if address.line.is_empty() && address.city.is_none() { address.lines() } else { address.line };
        Self {
            title: name.prefix.join(" "),
            family: text(name.family.as_ref()),
            given: if parts { given } else { text(name.text.as_ref()) },
            preferred: patient.preferred_name().map(called).unwrap_or_default(),
            birth_date: patient.birth.map(|birth| birth.to_typed(order)).unwrap_or_default(),
            gender: patient.gender.map(|gender| gender.code().to_owned()).unwrap_or_default(),
            pronouns: text(patient.pronouns.as_ref()),
            phone: contact(ContactSystem::Phone).unwrap_or_default(),
            email: contact(ContactSystem::Email).unwrap_or_default(),
            address: lines.join("\n"),
            city: text(address.city.as_ref()),
            state: text(address.state.as_ref()),
            postal_code: text(address.postal_code.as_ref()),
            country: text(address.country.as_ref()),
            language: preferred_language(patient)
                .and_then(|at| patient.languages.get(at))
                .and_then(|language| language.language.words())
                .unwrap_or_default()
                .to_owned(),
        }
    }

    /// Reads the form.
    ///
    /// # Errors
    /// Every field that cannot be taken, in the form's order.
    pub fn parse(&self, order: DateOrder, today: Date) -> Result<PatientDraft, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut one = |field, label, text: &str, chars_max| match line(text.trim(), chars_max) {
            Ok(tidy) if is_blank(&tidy) => String::new(),
            Ok(tidy) => tidy,
            Err(problem) => {
                errors.push(FieldError::new(field, wrong(label, problem)));
                String::new()
            }
        };
        let tidy = Self {
            title: one("title", "Title", &self.title, NAME_PART_CHARS_MAX),
            family: one("family", "Family name", &self.family, NAME_PART_CHARS_MAX),
            given: one("given", "Given name", &self.given, NAME_PART_CHARS_MAX),
            preferred: one("preferred", "Preferred name", &self.preferred, NAME_PART_CHARS_MAX),
            birth_date: one("birth_date", "Birth date", &self.birth_date, 40),
            gender: one("gender", "Gender", &self.gender, 20),
            pronouns: one("pronouns", "Pronouns", &self.pronouns, 100),
            phone: one("phone", "Telephone number", &self.phone, PHONE_CHARS_MAX),
            email: one("email", "E-mail address", &self.email, EMAIL_BYTES_MAX),
            address: String::new(),
            city: one("city", "City or town", &self.city, LINE_CHARS_MAX),
            state: one("state", "State or province", &self.state, LINE_CHARS_MAX),
            postal_code: one("postal_code", "Postal code", &self.postal_code, 20),
            country: one("country", "Country", &self.country, 100),
            language: one("language", "Language", &self.language, 100),
        };
        let tidy = match street(&self.address) {
            Ok(address) => Self { address, ..tidy },
            Err(error) => {
                errors.push(error);
                tidy
            }
        };
        let failed = |errors: &[FieldError], fields: &[&str]| errors.iter().any(|e| fields.contains(&e.field));
        if tidy.family.is_empty() && tidy.given.is_empty() && !failed(&errors, &["family", "given"]) {
            errors.push(FieldError::new("family", "Enter a family name or a given name"));
        }
        let birth = match birth(&tidy.birth_date, order, today) {
            Ok(birth) => birth,
            Err(message) => {
                errors.push(FieldError::new("birth_date", message));
                None
            }
        };
        let gender = Gender::from_code(&tidy.gender);
        if gender.is_none() && !tidy.gender.is_empty() {
            errors.push(FieldError::new("gender", "Choose one of the genders listed, or leave it empty"));
        }
        if !tidy.phone.is_empty() && !is_phone(&tidy.phone) {
            errors.push(FieldError::new("phone", "Enter a telephone number, such as 082 555 0123 or +27 82 555 0123"));
        }
        if !tidy.email.is_empty() && !is_email(&tidy.email) {
            errors.push(FieldError::new("email", "Enter an e-mail address, such as name@example.com"));
        }
        if errors.is_empty() {
            return Ok(PatientDraft { tidy, birth, gender, order });
        }
        errors.sort_by_key(|error| FIELDS.iter().position(|field| *field == error.field));
        Err(errors)
    }
}

/// The fields in the order of the form, which is the order of the summary of errors.
const FIELDS: [&str; 15] = [
    "title",
    "family",
    "given",
    "preferred",
    "birth_date",
    "gender",
    "pronouns",
    "phone",
    "email",
    "address",
    "city",
    "state",
    "postal_code",
    "country",
    "language",
];

fn wrong(label: &str, problem: TextProblem) -> String {
    match problem {
        TextProblem::TooLong(chars_max) => format!("{label} must be {chars_max} characters or fewer"),
        TextProblem::Control => format!("{label} contains characters that cannot be printed: type it again"),
    }
}

pub(super) fn street(text: &str) -> Result<String, FieldError> {
    let mut lines = Vec::new();
    for typed in text.lines() {
        let tidy = line(typed.trim(), LINE_CHARS_MAX)
            .map_err(|problem| FieldError::new("address", wrong("Each line of the address", problem)))?;
        if !is_blank(&tidy) {
            lines.push(tidy);
        }
    }
    if lines.len() > ADDRESS_LINES_MAX {
        return Err(FieldError::new("address", format!("The address must be {ADDRESS_LINES_MAX} lines or fewer")));
    }
    Ok(lines.join("\n"))
}

fn birth(text: &str, order: DateOrder, today: Date) -> Result<Option<BirthDate>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let birth = BirthDate::typed(text, order)?;
    if birth.is_after(today) {
        return Err("Enter a birth date in the past");
    }
    if birth.is_older_than(AGE_YEARS_MAX, today) {
        return Err("Enter a birth date within the last 130 years");
    }
    Ok(Some(birth))
}

/// Loose on purpose: a number is kept as it is written. Three digits (an extension) to twenty,
/// in any script, and the marks people put between them.
pub(super) fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(|c| c.is_numeric()).count();
    let marks = |c: char| c.is_numeric() || c.is_whitespace() || "+()-./#*,;extEXT\u{2010}\u{2011}\u{2013}".contains(c);
    (3..=20).contains(&digits) && text.chars().all(marks)
}

/// Loose on purpose: one `@`, something before it, a domain after it, no blanks. Only a mail that
/// arrives proves more.
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let labels_fine = domain.split('.').all(|label| !label.is_empty() && !label.starts_with('-'));
    text.len() <= EMAIL_BYTES_MAX
        && !local.is_empty()
        && !local.contains('@')
        && domain.contains('.')
        && labels_fine
        && !text.chars().any(|c| c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | ',' | ';' | '"'))
}

fn called(name: &HumanName) -> String {
    let plain = HumanName { prefix: Vec::new(), suffix: Vec::new(), ..name.clone() };
    plain.display()
}

fn preferred_language(patient: &Demographics) -> Option<usize> {
    let preferred = patient.languages.iter().position(|language| language.preferred == Some(true));
    preferred.or(if patient.languages.is_empty() { None } else { Some(0) })
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Puts a value at a place of a list, appends it where there is no place, or takes it away.
fn place<T>(list: &mut Vec<T>, at: Option<usize>, value: Option<T>) {
    match (at.filter(|at| *at < list.len()), value) {
        (Some(at), Some(value)) => {
            if let Some(slot) = list.get_mut(at) {
                *slot = value;
            }
        }
        (Some(at), None) => drop(list.remove(at)),
        (None, Some(value)) => list.push(value),
        (None, None) => {}
    }
}

impl PatientDraft {
    /// The birth date, for finding out whether the patient is known already.
    #[must_use]
    pub const fn birth(&self) -> Option<BirthDate> {
        self.birth
    }

    /// A new patient.
    #[must_use]
    pub fn demographics(&self) -> Demographics {
        self.apply(&Demographics::default())
    }

    /// A known patient with what the form changed. The form shows one name, one telephone number,
    /// one address: whatever it does not show, and whatever came back unchanged, stays as it was
    /// to the last detail.
    #[must_use]
    pub fn apply(&self, known: &Demographics) -> Demographics {
        let was = PatientForm::of(known, self.order);
        let now = &self.tidy;
        let mut patient = known.clone();
        if (&was.title, &was.family, &was.given) != (&now.title, &now.family, &now.given) {
            let at = known.name_at();
            let old = known.name().cloned().unwrap_or_default();
            let given = if was.given == now.given && !old.given.is_empty() { old.given } else { words(&now.given) };
            let prefix = if was.title == now.title { old.prefix } else { words(&now.title) };
            let name = HumanName {
                use_: old.use_.or(Some(NameUse::Official)),
                text: None,
                family: some(&now.family),
                given,
                prefix,
                suffix: old.suffix,
                period: old.period,
                extra: serde_json::Map::new(),
            };
            place(&mut patient.names, at, Some(name));
        }
        if was.preferred != now.preferred {
            let name = some(&now.preferred).map(|preferred| HumanName {
                use_: Some(NameUse::Usual),
                given: vec![preferred],
                ..HumanName::default()
            });
            place(&mut patient.names, known.preferred_at(), name);
        }
        if was.birth_date != now.birth_date {
            patient.birth = self.birth;
        }
        if was.gender != now.gender {
            patient.gender = self.gender;
        }
        if was.pronouns != now.pronouns {
            patient.pronouns = some(&now.pronouns);
        }
        if was.phone != now.phone {
            contact(&mut patient, ContactSystem::Phone, &now.phone);
        }
        if was.email != now.email {
            contact(&mut patient, ContactSystem::Email, &now.email);
        }
        apply_address(&mut patient, &was, now);
        if was.language != now.language {
            let language = some(&now.language).map(|text| Language {
                language: Concept { text: Some(text), ..Concept::default() },
                preferred: Some(true),
                ..Language::default()
            });
            place(&mut patient.languages, preferred_language(known), language);
        }
        patient
    }
}

fn contact(patient: &mut Demographics, system: ContactSystem, value: &str) {
    let first = patient.contacts_of(system).first().map(|first| std::ptr::from_ref(*first));
    let at = first.and_then(|first| patient.contacts.iter().position(|point| std::ptr::eq(point, first)));
    let old = at.and_then(|at| patient.contacts.get(at)).cloned();
    let old = old.unwrap_or_else(|| ContactPoint { use_: Some(ContactUse::Home), ..ContactPoint::default() });
    let new = some(value).map(|value| ContactPoint {
        system: Some(system),
        value: Some(value),
        extra: serde_json::Map::new(),
        ..old
    });
    place(&mut patient.contacts, at, new);
}

fn apply_address(patient: &mut Demographics, was: &PatientForm, now: &PatientForm) {
    let parts = |form: &PatientForm| {
        [&form.address, &form.city, &form.state, &form.postal_code, &form.country].map(String::clone)
    };
    if parts(was) == parts(now) {
        return;
    }
    let at = patient.addresses.iter().position(|address| address.use_ != Some(super::AddressUse::Old));
    let old = at.and_then(|at| patient.addresses.get(at)).cloned().unwrap_or_default();
    let any = parts(now).iter().any(|part| !part.is_empty());
    let new = any.then(|| Address {
        text: None,
        line: now.address.lines().map(str::to_owned).collect(),
        city: some(&now.city),
        state: some(&now.state),
        postal_code: some(&now.postal_code),
        country: some(&now.country),
        // A place on the map, say, belongs to the old address.
        extra: serde_json::Map::new(),
        ..old
    });
    place(&mut patient.addresses, at, new);
}

personal!(PatientForm, PatientDraft);
