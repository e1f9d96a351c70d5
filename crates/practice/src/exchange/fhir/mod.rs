//! Reading FHIR R4: NDJSON, one resource a line, as bulk exports write it, and bundles. Pure: bytes in,
//! typed resources or reasons out; nothing here knows a database.
//!
//! How a line becomes a record:
//! `lines` cuts the bytes into lines, `bundle` into entries, without ever holding more than one (at
//! most 16 MiB) →
//! `strict` reads JSON and refuses what could mislead (nesting, doubled fields, NUL) →
//! `object` takes typed fields out of it, naming the path of what is wrong →
//! `patient` and `entry` map the resources that have a room here; every other type is
//! [`Resource::Kept`] as it came → `reference` finds out whom a resource is about →
//! `matching` says by which keys a patient may be known already → `report` counts and lists.
//!
//! No reason and no path ever carries a value: reports are read by people who may not see records.

mod alert;
mod attachment;
mod bundle;
mod care;
mod cutter;
mod datatypes;
mod dosage;
mod entry;
mod finding;
mod lines;
mod matching;
mod object;
pub mod out;
mod patient;
mod reference;
mod report;
mod sent;
mod sent_entry;
mod shape;
mod strict;
mod types;

use std::borrow::Cow;
use std::io::{self, BufRead};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Map, Value};

pub use self::bundle::JsonFile;
pub use self::lines::LINE_BYTES_MAX;
use self::lines::{Cut, Lines};
pub use self::matching::{Decision, MatchKey, birth_dates_disagree, decide, match_keys};
use self::object::At;
pub use self::reference::{Index, Reference, ResourceKey, Seen, Unresolved};
pub use self::report::{Counts, FINDINGS_MAX, Finding, Outcome, Report};
pub use self::sent::{Refers, SentPatient, sent_patient};
pub use self::sent_entry::{SentEntry, nobody_here, sent_entry, subject_field};
use crate::patients::identifiers::Identifier;
use crate::patients::model::{Demographics, EntryBody, EntryKind};

/// Why a line, or something in it, is not taken as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{field} {reason}")]
pub struct Reject {
    /// Where, as a path from the resource ("Patient.name[0].family"), or "line" for the line.
    pub field: String,
    /// What is wrong, as the end of a sentence that begins with the field. Never a value.
    pub reason: Cow<'static, str>,
}

impl Reject {
    fn line(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { field: "line".to_owned(), reason: reason.into() }
    }
}

/// A patient as read: ready to be written, or compared with one that is known.
#[derive(Clone, PartialEq)]
pub struct PatientImport {
    /// The resource's id at its source.
    pub id: String,
    /// Whether the source's record is in use.
    pub active: bool,
    /// Everything but the identifiers.
    pub demographics: Demographics,
    /// The identifiers that carry a value.
    pub identifiers: Vec<Identifier>,
    /// Warnings that must not be overlooked, in words. FHIR has none in a Patient; tables do.
    pub alerts: Vec<String>,
    /// Whether the record was open to named people only where it comes from.
    pub restricted: bool,
    /// What it says of other records of the same person.
    pub replacing: Replacing,
    /// What was taken as it is although it looks wrong.
    pub warnings: Vec<Reject>,
}

/// What a patient's resource says of other records of the same person (FHIR R4, Patient.link).
#[derive(Clone, Default, PartialEq)]
pub struct Replacing {
    /// The records that stand in its place.
    pub by: Vec<Reference>,
    /// Those in whose place it stands.
    pub of: Vec<Reference>,
    /// Whether it was in use itself, where it was merged away and this program wrote it.
    pub in_use: Option<bool>,
}

/// An entry of a record as read.
#[derive(Clone, PartialEq)]
pub struct EntryImport {
    /// The resource's id at its source.
    pub id: String,
    /// What kind of entry.
    pub kind: EntryKind,
    /// The first instant at which it may have happened, for ordering; nothing if the source says
    /// no time at all.
    pub occurred: Option<Timestamp>,
    /// What it says.
    pub body: EntryBody,
    /// What was taken as it is although it looks wrong.
    pub warnings: Vec<Reject>,
}

/// A warning as read.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct AlertImport {
    /// The resource's id at its source.
    pub id: String,
    /// Whether it is a danger to life or limb.
    pub high: bool,
    /// Whether it stands.
    pub active: bool,
    /// What it says.
    pub text: String,
}

/// Marks, in an archive of this program, a record that was open to named people only: an extension of Patient
/// with `valueBoolean` true (docs/export.md).
pub const RESTRICTED: &str = "urn:vouchsafe:restricted";

/// Says, in an archive of this program, of a record that was merged into another whether it was in use itself:
/// an extension of Patient with `valueBoolean`.
pub const IN_USE: &str = "urn:vouchsafe:in-use";

/// What a line holds.
#[derive(Clone, PartialEq)]
pub enum Resource {
    /// A patient.
    Patient(Box<PatientImport>),
    /// An entry of a patient's record.
    Entry {
        /// Whose record.
        subject: Reference,
        /// The entry.
        entry: Box<EntryImport>,
    },
    /// A warning on a patient's record.
    Alert {
        /// Whose record.
        subject: Reference,
        /// The warning.
        alert: Box<AlertImport>,
    },
    /// A resource that has no room here yet: kept as it came.
    Kept {
        /// Its type.
        resource_type: String,
        /// Its id at its source.
        id: String,
        /// The patient it is about, where it says so.
        subject: Option<Reference>,
        /// The line, byte for byte.
        raw: String,
    },
}

crate::patients::model::personal!(PatientImport, EntryImport, AlertImport, Resource);

impl Resource {
    /// The FHIR type.
    #[must_use]
    pub fn resource_type(&self) -> &str {
        match self {
            Self::Patient(_) => "Patient",
            Self::Entry { entry, .. } => entry.kind.resource_type(),
            Self::Alert { .. } => "Flag",
            Self::Kept { resource_type, .. } => resource_type,
        }
    }

    /// The id at the source.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Patient(patient) => &patient.id,
            Self::Entry { entry, .. } => &entry.id,
            Self::Alert { alert, .. } => &alert.id,
            Self::Kept { id, .. } => id,
        }
    }

    /// Whose record it belongs to, where it says so and is not a patient itself.
    #[must_use]
    pub fn subject(&self) -> Option<&Reference> {
        match self {
            Self::Patient(_) => None,
            Self::Entry { subject, .. } | Self::Alert { subject, .. } => Some(subject),
            Self::Kept { subject, .. } => subject.as_ref(),
        }
    }

    /// What was taken as it is although it looks wrong.
    #[must_use]
    pub fn warnings(&self) -> &[Reject] {
        match self {
            Self::Patient(patient) => &patient.warnings,
            Self::Entry { entry, .. } => &entry.warnings,
            Self::Alert { .. } | Self::Kept { .. } => &[],
        }
    }
}

/// By which names others may point to a resource: hashes only, to be put into an [`Index`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Type and id.
    pub key: ResourceKey,
    /// Type and each identifier with its system; the address that a bundle gives the resource.
    aliases: Vec<ResourceKey>,
    /// The server named by an absolute reference to the resource's subject.
    base: Option<ResourceKey>,
}

impl Head {
    /// The head of a resource that nobody points to by anything but its type and id.
    pub(crate) const fn plain(key: ResourceKey) -> Self {
        Self { key, aliases: Vec::new(), base: None }
    }
}

/// What the surroundings of a resource call it.
#[derive(Default)]
struct Named {
    /// The id of one that brings none along.
    id: Option<String>,
    /// Its address in a bundle.
    full_url: Option<String>,
}

impl Named {
    /// A resource that is new to a server has no id yet; within its bundle the end of its address is one.
    fn by_url(full_url: Option<String>) -> Self {
        let end = full_url.as_deref().and_then(|url| url.rsplit(['/', ':']).next());
        Self { id: end.filter(|id| is_id(id)).map(str::to_owned), full_url }
    }
}

/// One line of a file, or one entry of a bundle.
#[derive(Debug)]
pub struct Line {
    /// The file's name, as the reader was told it.
    pub file: Arc<str>,
    /// The line's number, from 1; blank lines count. Of a bundle, the entry's.
    pub number: u64,
    /// How many bytes of the file lie behind when this line is done.
    pub end: u64,
    /// What it holds, or why it is not taken.
    pub result: Result<(Head, Resource), Reject>,
}

/// Reads a file line by line. Memory: one line, at most [`LINE_BYTES_MAX`], and what it parses to.
pub struct Reader<R> {
    file: Arc<str>,
    lines: Lines<R>,
    today: Date,
}

impl<R: BufRead> Reader<R> {
    /// A reader at the start of a file. `today` decides which birth dates lie in the future.
    pub fn new(file: &str, input: R, today: Date) -> Self {
        Self { file: file.into(), lines: Lines::new(input), today }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = io::Result<Line>;

    /// The next line that is not blank. An error is of the file, not of a line; nothing follows it
    /// that could be relied on.
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let cut = match self.lines.advance() {
                Ok(None) => return None,
                Ok(Some(cut)) => cut,
                Err(error) => return Some(Err(error)),
            };
            let result = match cut {
                Cut::Blank => continue,
                Cut::TooLong => Err(Reject::line("is longer than 16 MiB")),
                Cut::Line(bytes) => read(bytes, self.today),
            };
            let (number, end) = self.lines.position();
            return Some(Ok(Line { file: self.file.clone(), number, end, result }));
        }
    }
}

/// Reads one line without its line end.
///
/// # Errors
/// Why it is not taken.
pub fn read(bytes: &[u8], today: Date) -> Result<(Head, Resource), Reject> {
    read_named(bytes, Named::default(), today)
}

fn read_named(bytes: &[u8], named: Named, today: Date) -> Result<(Head, Resource), Reject> {
    if bytes.contains(&0) {
        return Err(Reject::line("contains a NUL byte"));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Reject::line(format!("is not UTF-8 (byte {})", error.valid_up_to() + 1)))?;
    let map = strict::parse(text)?;
    let resource_type = resource_type(&map)?;
    let id = id(&map, &resource_type, named.id)?;
    let mut aliases = aliases(&map, &resource_type);
    aliases.extend(named.full_url.map(|url| ResourceKey::full_url(&resource_type, &url)));
    let key = ResourceKey::of(&resource_type, &id);
    let resource = match EntryKind::of_resource(&resource_type) {
        Some(kind) => entry::map(kind, id, map, text)?,
        None if resource_type == "Patient" => Resource::Patient(Box::new(patient::map(id, map, today)?)),
        None => {
            let alert = alert::map(&id, &map).filter(|_| resource_type == "Flag");
            alert.unwrap_or_else(|| {
                let subject = entry::subject_of(&map);
                Resource::Kept { resource_type, id, subject, raw: text.to_owned() }
            })
        }
    };
    let base = resource.subject().and_then(Reference::base);
    Ok((Head { key, aliases, base }, resource))
}

/// Reads the entry that a resource is, as an import would; nothing if it is none.
#[must_use]
pub fn entry_of(source: &str) -> Option<EntryImport> {
    // What day it is matters to birth dates only.
    match read(source.as_bytes(), Date::MAX) {
        Ok((_, Resource::Entry { entry, .. })) => Some(*entry),
        _ => None,
    }
}

fn resource_type(map: &Map<String, Value>) -> Result<String, Reject> {
    let problem = |reason| Err(Reject { field: "resourceType".to_owned(), reason: Cow::Borrowed(reason) });
    match map.get("resourceType") {
        None => problem("is missing: this is not a FHIR resource"),
        Some(Value::String(name)) => {
            if types::is_resource_type(name) {
                Ok(name.clone())
            } else {
                problem("is not the name of a resource of FHIR R4")
            }
        }
        Some(_) => problem("must be text"),
    }
}

/// FHIR allows letters, digits, `-` and `.`, up to 64; `_` is read too, since servers write it.
fn id(map: &Map<String, Value>, resource_type: &str, otherwise: Option<String>) -> Result<String, Reject> {
    let root = At::Root(resource_type);
    let at = root.field("id");
    match map.get("id") {
        None | Some(Value::Null) => {
            otherwise.ok_or_else(|| at.reject("is missing: without it a second import could not know this one"))
        }
        Some(Value::String(id)) if is_id(id) => Ok(id.clone()),
        Some(Value::String(_)) => Err(at.reject("is not an id of FHIR: 1 to 64 of A-Z a-z 0-9 - .")),
        Some(_) => Err(at.reject("must be text")),
    }
}

fn is_id(id: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    (1..=64).contains(&id.len()) && id.bytes().all(allowed)
}

fn aliases(map: &Map<String, Value>, resource_type: &str) -> Vec<ResourceKey> {
    // A few types have one identifier, not a list; nobody points to them by it.
    let identifiers = map.get("identifier").and_then(Value::as_array).into_iter().flatten();
    let pairs = identifiers.filter_map(|identifier| {
        let text = |name| identifier.get(name).and_then(Value::as_str);
        Some((text("system")?, text("value")?))
    });
    pairs
        .take(datatypes::IDENTIFIERS_MAX)
        .map(|(system, value)| ResourceKey::alias(resource_type, system, value))
        .collect()
}

#[cfg(test)]
mod tests;
