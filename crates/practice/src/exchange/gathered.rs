//! A patient as they are gathered from a row of a table or from a card: parts are put in one by one, and
//! what does not fit is either refused with its place or taken and mentioned.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::fhir::{self, Head, PatientImport, Reject, Replacing, Resource, ResourceKey};
use crate::patients::identifiers::{Identifier, IdentifierKind};
use crate::patients::model::{
    Address, BirthDate, Concept, ContactPoint, ContactSystem, ContactUse, Demographics, HumanName, LINE_CHARS_MAX,
    Language, NAME_PART_CHARS_MAX, NAME_TEXT_CHARS_MAX, NameUse, block, is_blank, line,
};

/// Beyond this a birth date is taken, and mentioned.
const AGE_YEARS_MAX: i16 = 130;
/// The longest warning that is taken as one.
const ALERT_CHARS_MAX: usize = 1_000;
/// The longest note.
const NOTE_CHARS_MAX: usize = 200_000;
/// Marks what had no room here and was kept, in the FHIR form of a patient.
const KEPT_URL: &str = "urn:vouchsafe:imported-column";

/// What has been gathered of one patient.
pub(super) struct Gathered {
    key: ResourceKey,
    name: HumanName,
    preferred: Option<String>,
    former: Option<String>,
    known: Demographics,
    address: Address,
    identifiers: Vec<Identifier>,
    alerts: Vec<String>,
    notes: Vec<String>,
    kept: Vec<Value>,
    warnings: Vec<Reject>,
}

/// A part of a name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NamePart {
    Prefix,
    Family,
    Given,
    Suffix,
    Whole,
    Preferred,
    Former,
}

/// A part of an address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AddressPart {
    Whole,
    Line,
    City,
    District,
    State,
    PostalCode,
    Country,
}

fn reject(at: &str, reason: impl Into<std::borrow::Cow<'static, str>>) -> Reject {
    Reject { field: at.to_owned(), reason: reason.into() }
}

fn one_line(text: &str, chars_max: usize, at: &str) -> Result<String, Reject> {
    line(text.trim(), chars_max).map_err(|problem| reject(at, problem.to_string()))
}

impl Gathered {
    /// Nobody yet, known at the source by this.
    pub(super) fn new(key: ResourceKey) -> Self {
        Self {
            key,
            name: HumanName::default(),
            preferred: None,
            former: None,
            known: Demographics::default(),
            address: Address::default(),
            identifiers: Vec::new(),
            alerts: Vec::new(),
            notes: Vec::new(),
            kept: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Mentions what was taken although it looks wrong.
    pub(super) fn warn(&mut self, at: &str, reason: impl Into<std::borrow::Cow<'static, str>>) {
        self.warnings.push(reject(at, reason));
    }

    pub(super) fn name(&mut self, part: NamePart, text: &str, at: &str) -> Result<(), Reject> {
        let text = one_line(text, NAME_PART_CHARS_MAX, at)?;
        if is_blank(&text) {
            return Ok(());
        }
        match part {
            NamePart::Prefix => self.name.prefix.push(text),
            NamePart::Given => self.name.given.push(text),
            NamePart::Suffix => self.name.suffix.push(text),
            NamePart::Family => self.name.family = Some(text),
            NamePart::Whole => self.name.text = Some(text),
            NamePart::Preferred => self.preferred = Some(text),
            NamePart::Former => self.former = Some(text),
        }
        Ok(())
    }

    pub(super) fn birth(&mut self, birth: BirthDate, today: Date, at: &str) -> Result<(), Reject> {
        if birth.is_after(today) {
            return Err(reject(at, "lies in the future"));
        }
        if birth.is_older_than(AGE_YEARS_MAX, today) {
            self.warn(at, "lies more than 130 years back");
        }
        self.known.birth = Some(birth);
        Ok(())
    }

    pub(super) fn known(&mut self) -> &mut Demographics {
        &mut self.known
    }

    pub(super) fn contact(
        &mut self,
        system: ContactSystem,
        use_: Option<ContactUse>,
        text: &str,
        at: &str,
    ) -> Result<(), Reject> {
        let value = one_line(text, LINE_CHARS_MAX, at)?;
        if is_blank(&value) {
            return Ok(());
        }
        if system == ContactSystem::Email && !value.contains('@') {
            self.warn(at, "is no e-mail address: kept as it is");
        } else if system != ContactSystem::Email && !value.chars().any(char::is_numeric) {
            self.warn(at, "is no telephone number: kept as it is");
        }
        let point = ContactPoint { system: Some(system), use_, value: Some(value), ..ContactPoint::default() };
        self.known.contacts.push(point);
        Ok(())
    }

    pub(super) fn address(&mut self, part: AddressPart, text: &str, at: &str) -> Result<(), Reject> {
        put_address(&mut self.address, part, text, at)
    }

    /// A whole address beside the one that is gathered in parts.
    pub(super) fn further_address(&mut self, address: Address) {
        self.known.addresses.push(address);
    }

    pub(super) fn identifier(&mut self, kind: IdentifierKind, text: &str, at: &str) -> Result<(), Reject> {
        let value = one_line(text, LINE_CHARS_MAX, at)?;
        if kind.normalised(&value).is_empty() {
            return Ok(());
        }
        let verified = match kind.check(&value) {
            Ok(()) => true,
            Err(flaw) => {
                self.warn(at, format!("{flaw} ({}): kept, and marked unverified", kind.label()));
                false
            }
        };
        let system = kind.system().map(str::to_owned);
        self.identifiers.push(Identifier { kind, system, value, verified, extra: Map::new() });
        Ok(())
    }

    pub(super) fn language(&mut self, text: &str, at: &str) -> Result<(), Reject> {
        let text = one_line(text, LINE_CHARS_MAX, at)?;
        if !is_blank(&text) {
            let preferred = Some(self.known.languages.is_empty());
            let language = Concept { text: Some(text), ..Concept::default() };
            self.known.languages.push(Language { language, preferred, ..Language::default() });
        }
        Ok(())
    }

    pub(super) fn alert(&mut self, text: &str, at: &str) -> Result<(), Reject> {
        let text = block(text.trim(), ALERT_CHARS_MAX).map_err(|problem| reject(at, problem.to_string()))?;
        if !is_blank(&text) && !self.alerts.contains(&text) {
            self.alerts.push(text);
        }
        Ok(())
    }

    pub(super) fn note(&mut self, text: &str, at: &str) -> Result<(), Reject> {
        let text = block(text.trim(), NOTE_CHARS_MAX).map_err(|problem| reject(at, problem.to_string()))?;
        if !is_blank(&text) {
            self.notes.push(text);
        }
        Ok(())
    }

    /// Keeps what has no room here, sealed with the patient, as a FHIR extension.
    pub(super) fn keep(&mut self, name: &str, text: &str, at: &str) -> Result<(), Reject> {
        let text = block(text.trim(), NOTE_CHARS_MAX).map_err(|problem| reject(at, problem.to_string()))?;
        if !is_blank(&text) {
            self.kept.push(json!({
                "url": KEPT_URL,
                "extension": [{"url": "name", "valueString": name}, {"url": "value", "valueString": text}],
            }));
        }
        Ok(())
    }

    fn names(&mut self) -> Vec<HumanName> {
        let mut main = std::mem::take(&mut self.name);
        // The whole name beside its parts says nothing more, unless there are no parts.
        if main.family.is_some() || !main.given.is_empty() {
            main.text = None;
        }
        let mut names = Vec::new();
        if !is_blank(&main.display()) {
            main.use_ = Some(NameUse::Official);
            names.push(main);
        }
        let of =
            |use_, given: Vec<String>, family| HumanName { use_: Some(use_), given, family, ..HumanName::default() };
        names.extend(self.preferred.take().map(|given| of(NameUse::Usual, vec![given], None)));
        names.extend(self.former.take().map(|family| of(NameUse::Maiden, Vec::new(), Some(family))));
        names
    }

    /// The patient, and what was noted about them.
    ///
    /// # Errors
    /// Nobody could tell who this is.
    pub(super) fn finish(mut self, today: Date) -> Vec<Result<(Head, Resource), Reject>> {
        let id = self.key.hex();
        self.known.names = self.names();
        if self.known.names.is_empty() {
            return vec![Err(reject("name", "is missing: there is nothing to know this patient by"))];
        }
        if self.address != Address::default() {
            self.known.addresses.insert(0, std::mem::take(&mut self.address));
        }
        if !self.kept.is_empty() {
            self.known.rest = json!({ "extension": self.kept });
        }
        let key = ResourceKey::of("Patient", &id);
        let notes: Vec<_> = self.notes.iter().enumerate().map(|(at, text)| note(&id, at, text, today)).collect();
        let patient = PatientImport {
            restricted: false,
            replacing: Replacing::default(),
            id,
            active: true,
            demographics: self.known,
            identifiers: self.identifiers,
            alerts: self.alerts,
            warnings: self.warnings,
        };
        let mut found = vec![Ok((Head::plain(key), Resource::Patient(Box::new(patient))))];
        found.extend(notes);
        found
    }
}

pub(super) fn put_address(address: &mut Address, part: AddressPart, text: &str, at: &str) -> Result<(), Reject> {
    if part == AddressPart::Whole || part == AddressPart::Line {
        let text = block(text.trim(), NAME_TEXT_CHARS_MAX).map_err(|problem| reject(at, problem.to_string()))?;
        let mut lines = Vec::new();
        for typed in text.lines() {
            lines.push(one_line(typed, LINE_CHARS_MAX, at)?);
        }
        lines.retain(|line| !is_blank(line));
        if part == AddressPart::Line {
            address.line.extend(lines);
        } else if !lines.is_empty() {
            address.text = Some(lines.join("\n"));
        }
        return Ok(());
    }
    let text = Some(one_line(text, LINE_CHARS_MAX, at)?).filter(|text| !is_blank(text));
    match part {
        AddressPart::City => address.city = text,
        AddressPart::District => address.district = text,
        AddressPart::State => address.state = text,
        AddressPart::PostalCode => address.postal_code = text,
        AddressPart::Country => address.country = text,
        AddressPart::Whole | AddressPart::Line => {}
    }
    Ok(())
}

/// A note is an entry of the record, not a particular: it may be clinical, and then only those who treat
/// may read it.
fn note(patient: &str, at: usize, text: &str, today: Date) -> Result<(Head, Resource), Reject> {
    let resource = json!({
        "resourceType": "DocumentReference",
        "id": format!("{patient}-note-{}", at + 1),
        "status": "current",
        "type": {"text": "Note from the earlier system"},
        "subject": {"reference": format!("Patient/{patient}")},
        "content": [{"attachment": {
            "contentType": "text/plain; charset=utf-8",
            "data": BASE64_STANDARD.encode(text),
        }}],
    });
    fhir::read(resource.to_string().as_bytes(), today)
}

/// What came of one row or card, as lines of a file.
pub(super) fn lines(
    file: &Arc<str>,
    number: u64,
    end: u64,
    found: Vec<Result<(Head, Resource), Reject>>,
) -> impl Iterator<Item = fhir::Line> {
    let file = Arc::clone(file);
    found.into_iter().map(move |result| fhir::Line { file: Arc::clone(&file), number, end, result })
}
