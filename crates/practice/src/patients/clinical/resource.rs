//! Entries written by hand, as FHIR R4 resources, and changes of resources that stand.

use jiff::Timestamp;
use kernel::{EntryId, PatientId};
use serde_json::{Map, Value, json};

use crate::exchange::fhir::entry_of;
use crate::patients::model::{EntryBody, EntryKind, Moment, codes};
use crate::patients::rows::{Entry, EntryContent, EntryPatch, EntrySummary};

const TERMINOLOGY: &str = "http://terminology.hl7.org/CodeSystem";

/// A concept in words.
pub(super) fn said(words: &str) -> Value {
    json!({ "text": words })
}

fn status(system: &str, code: &str) -> Value {
    json!({ "coding": [{ "system": format!("{TERMINOLOGY}/{system}"), "code": code }] })
}

/// An entry as typed: a resource that lacks only its id, its patient and its author.
#[derive(Clone, PartialEq)]
pub struct Draft {
    kind: EntryKind,
    fields: Map<String, Value>,
    remark: Option<String>,
    none_known: bool,
}

impl Draft {
    pub(super) fn new<const N: usize>(
        kind: EntryKind,
        fields: [(&'static str, Value); N],
        remark: Option<String>,
    ) -> Self {
        // FHIR has no nulls: what was not typed is not there. Nor inside.
        let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
        let fields = fields.map(|(name, value)| (name.to_owned(), without_nulls(value))).collect();
        Self { kind, fields, remark, none_known: false }
    }

    pub(super) fn allergy<const N: usize>(fields: [(&'static str, Value); N], remark: Option<String>) -> Self {
        let mut draft = Self::new(EntryKind::Allergy, fields, remark);
        draft.put("clinicalStatus", status("allergyintolerance-clinical", "active"));
        draft.put("verificationStatus", status("allergyintolerance-verification", "confirmed"));
        draft
    }

    /// SNOMED CT's "No known allergy (situation)", as FHIR R4 has it in the value set of the code.
    pub(super) fn no_known_allergy(remark: Option<String>) -> Self {
        let code = json!({
            "coding": [{ "system": "http://snomed.info/sct", "code": "716186003", "display": "No known allergy" }],
            "text": "No known allergies",
        });
        Self { none_known: true, ..Self::allergy([("code", code)], remark) }
    }

    pub(super) fn problem<const N: usize>(fields: [(&'static str, Value); N], remark: Option<String>) -> Self {
        let mut draft = Self::new(EntryKind::Problem, fields, remark);
        draft.put("clinicalStatus", status("condition-clinical", "active"));
        draft.put("verificationStatus", status("condition-ver-status", "confirmed"));
        draft.put("category", json!([status("condition-category", "problem-list-item")]));
        draft
    }

    pub(super) fn observation<const N: usize>(fields: [(&'static str, Value); N], remark: Option<String>) -> Self {
        let mut draft = Self::new(EntryKind::Observation, fields, remark);
        let category = json!({
            "coding": [{ "system": format!("{TERMINOLOGY}/observation-category"), "code": "vital-signs",
                         "display": "Vital signs" }],
        });
        draft.put("category", json!([category]));
        draft
    }

    fn put(&mut self, name: &str, value: Value) {
        self.fields.insert(name.to_owned(), value);
    }

    /// What kind of entry it becomes.
    #[must_use]
    pub const fn kind(&self) -> EntryKind {
        self.kind
    }

    /// Whether it says that there are no allergies.
    #[must_use]
    pub const fn is_none_known(&self) -> bool {
        self.none_known
    }

    /// The resource, whole.
    fn resource(&self, id: EntryId, patient: PatientId, by: &str, at: Timestamp) -> Value {
        let mut map = Map::new();
        map.insert("resourceType".to_owned(), json!(self.kind.resource_type()));
        map.insert("id".to_owned(), json!(id.to_string()));
        let subject = match self.kind {
            EntryKind::Allergy | EntryKind::Immunisation => "patient",
            _ => "subject",
        };
        map.insert(subject.to_owned(), json!({ "reference": format!("Patient/{patient}") }));
        map.extend(self.fields.clone());
        let author = json!({ "type": "Practitioner", "display": by });
        let now = json!(Moment::at(at).as_str());
        match self.kind {
            EntryKind::Allergy | EntryKind::Problem => {
                map.insert("recorder".to_owned(), author);
                map.insert("recordedDate".to_owned(), now);
            }
            EntryKind::Medication => {
                map.insert("requester".to_owned(), author);
                map.entry("authoredOn").or_insert(now);
            }
            EntryKind::Immunisation => {
                map.insert("recorded".to_owned(), now);
                map.insert("performer".to_owned(), json!([{ "actor": author }]));
            }
            EntryKind::Observation => {
                map.insert("issued".to_owned(), now);
                map.insert("performer".to_owned(), json!([author]));
            }
            EntryKind::Document | EntryKind::Procedure | EntryKind::Visit => {}
        }
        if let Some(remark) = &self.remark {
            map.insert("note".to_owned(), json!([note(remark, by, at)]));
        }
        Value::Object(map)
    }

    /// The entry: the resource, and what the reader of imports reads from it. `None` if it reads nothing,
    /// which is a fault of the forms.
    #[must_use]
    pub fn entry(&self, id: EntryId, patient: PatientId, by: &str, at: Timestamp) -> Option<Entry> {
        let read = entry_of(&self.resource(id, patient, by, at).to_string())?;
        Some(Entry {
            id,
            row_version: 1,
            patient_id: patient,
            kind: read.kind.code().to_owned(),
            occurred_at: read.occurred,
            summary: EntrySummary::of(&read.body),
            body: EntryContent::Read(Box::new(read.body)),
        })
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            Value::Object(map.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k, without_nulls(v))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

fn note(text: &str, by: &str, at: Timestamp) -> Value {
    json!({ "authorString": by, "time": Moment::at(at).as_str(), "text": text })
}

codes! {
    /// What can become of an entry. None of it deletes anything.
    Change {
        Resolved = "resolved",
        Inactive = "inactive",
        Stopped = "stopped",
        Completed = "completed",
        Error = "entered-in-error",
    }
}

impl Change {
    /// What can become of an entry of a kind.
    #[must_use]
    pub const fn of(kind: EntryKind) -> &'static [Self] {
        match kind {
            EntryKind::Allergy | EntryKind::Problem => &[Self::Resolved, Self::Inactive, Self::Error],
            EntryKind::Medication => &[Self::Stopped, Self::Completed, Self::Error],
            EntryKind::Document
            | EntryKind::Immunisation
            | EntryKind::Observation
            | EntryKind::Procedure
            | EntryKind::Visit => &[Self::Error],
        }
    }
}

/// How an entry ends or is taken back, as typed.
#[derive(Clone, PartialEq)]
pub struct Ending {
    /// What became of it.
    pub change: Change,
    /// Since when, as FHIR writes a date.
    pub on: Option<String>,
    /// Why.
    pub remark: Option<String>,
    /// By whom.
    pub by: String,
    /// When that was written.
    pub at: Timestamp,
}

super::super::model::personal!(Draft, Ending);

impl Ending {
    /// The entry as it is from now on; nothing where its resource cannot be read.
    pub(super) fn patch(open: &Entry, ending: &Self) -> EntryPatch {
        let changed = || {
            let body = open.body.read()?;
            let kind = EntryKind::of_stored(&open.kind)?;
            entry_of(&ending.changed(kind, &body)?)
        };
        let Some(read) = changed() else { return EntryPatch::default() };
        EntryPatch {
            kind: Some(read.kind.code().to_owned()),
            occurred_at: Some(read.occurred),
            summary: Some(EntrySummary::of(&read.body)),
            body: Some(EntryContent::Read(Box::new(read.body))),
            ..EntryPatch::default()
        }
    }

    /// The resource after the change.
    fn changed(&self, kind: EntryKind, body: &EntryBody) -> Option<String> {
        if !Change::of(kind).contains(&self.change) {
            return None;
        }
        let mut resource = body.resource().ok()?;
        let map = resource.as_object_mut()?;
        let code = self.change.code();
        match (kind, self.change) {
            // FHIR (ait-2, con-5): what was entered in error has no clinical status.
            (EntryKind::Allergy, Change::Error) => {
                map.shift_remove("clinicalStatus");
                map.insert("verificationStatus".to_owned(), status("allergyintolerance-verification", code));
            }
            (EntryKind::Problem, Change::Error) => {
                map.shift_remove("clinicalStatus");
                map.insert("verificationStatus".to_owned(), status("condition-ver-status", code));
            }
            (EntryKind::Allergy, _) => {
                map.insert("clinicalStatus".to_owned(), status("allergyintolerance-clinical", code));
            }
            (EntryKind::Problem, _) => {
                map.insert("clinicalStatus".to_owned(), status("condition-clinical", code));
                if let Some(on) = &self.on {
                    for other in ["abatementAge", "abatementPeriod", "abatementRange", "abatementString"] {
                        map.shift_remove(other);
                    }
                    map.insert("abatementDateTime".to_owned(), json!(on));
                }
            }
            _ => {
                map.insert("status".to_owned(), json!(code));
            }
        }
        // A visit and a document have no room for remarks in FHIR; why stands in the log.
        let notes = !matches!(kind, EntryKind::Visit | EntryKind::Document);
        if let Some(remark) = self.remark.as_deref().filter(|_| notes) {
            let known = map.entry("note").or_insert_with(|| json!([]));
            known.as_array_mut()?.push(note(remark, &self.by, self.at));
        }
        Some(resource.to_string())
    }
}
