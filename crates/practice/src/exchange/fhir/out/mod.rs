//! Writing FHIR R4: what a practice holds, as resources. Pure: open rows in, JSON out; nothing here
//! knows a database or HTTP, so that an answer of the API and a file of an export are the same bytes.
//!
//! What every resource that leaves has in common:
//! its `id` is ours, never the source's; `meta.versionId` and `meta.lastUpdated` are ours, the source's
//! profiles, tags and security labels stay; a reference leads to something here or is a *logical*
//! reference (FHIR R4, 2.3.0.1) that says in words what it meant: no id of another system ever looks
//! as if it could be asked for here; and an identifier is in full only where it was given in full
//! ([`ShownIdentifier`]).

mod entry;
mod flag;
mod identifier;
mod kept;
mod links;
mod patient;

use jiff::Timestamp;
use kernel::EventId;
use serde_json::{Map, Value, json};

pub use entry::{entry, source_of, type_of};
pub use flag::flag;
pub use identifier::ShownIdentifier;
pub use kept::kept;
pub use links::{Links, Target, wanted};
pub use patient::patient;

use crate::patients::rows::PatientRow;

/// Says that a value is there and is not shown, or is not known.
pub(super) const ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

/// Which version of a resource it is, and since when it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Grows with every change; stands in the `ETag`.
    pub version: i64,
    /// When it was written.
    pub at: Timestamp,
}

impl Stamp {
    /// The version of a row, and the time of the event that last wrote it.
    #[must_use]
    pub fn of(version: i64, event: EventId) -> Self {
        Self { version, at: event.made_at() }
    }

    /// What a patient's own row counts: what their versions count from, too.
    #[must_use]
    pub fn of_patient(row: &PatientRow) -> Self {
        Self::of(row.row_version.saturating_add(row.passed), row.event_id)
    }

    /// The stamp of a resource that is made of several rows: every change of any of them counts, and the
    /// latest says when.
    #[must_use]
    pub fn and(self, version: i64, event: EventId) -> Self {
        Self { version: self.version.saturating_add(version), at: self.at.max(event.made_at()) }
    }

    /// `meta.lastUpdated`, a FHIR `instant` to the millisecond.
    #[must_use]
    pub fn instant(&self) -> String {
        self.at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }
}

/// The head of a resource: type, our id, our stamp, and of the source's `meta` what is still true.
fn head(resource_type: &str, id: &str, stamp: Stamp, source_meta: Option<&Value>) -> Map<String, Value> {
    let mut meta = Map::new();
    meta.insert("versionId".to_owned(), stamp.version.to_string().into());
    meta.insert("lastUpdated".to_owned(), stamp.instant().into());
    let kept = source_meta.and_then(Value::as_object).into_iter().flatten();
    meta.extend(
        kept.filter(|(name, _)| !matches!(name.trim_start_matches('_'), "versionId" | "lastUpdated"))
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    let mut resource = Map::new();
    resource.insert("resourceType".to_owned(), resource_type.into());
    resource.insert("id".to_owned(), id.into());
    resource.insert("meta".to_owned(), meta.into());
    resource
}

fn absent(reason: &str) -> Value {
    json!({ "url": ABSENT, "valueCode": reason })
}

/// Adds a security label of HL7's observation values, once.
fn label(resource: &mut Map<String, Value>, code: &str) {
    const SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";
    let Some(meta) = resource.get_mut("meta").and_then(Value::as_object_mut) else { return };
    let labels = meta.entry("security").or_insert_with(|| Value::Array(Vec::new()));
    if let Some(labels) = labels.as_array_mut() {
        let is = |label: &Value| label.get("code").and_then(Value::as_str) == Some(code);
        if !labels.iter().any(is) {
            labels.push(json!({ "system": SYSTEM, "code": code }));
        }
    }
}

/// Puts a value in, unless there is nothing in it: FHIR has no empty texts, lists and objects.
fn put(resource: &mut Map<String, Value>, name: &str, value: Value) {
    let empty = match &value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text.trim().is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    if !empty {
        resource.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests;
