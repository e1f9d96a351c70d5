//! Entries of a record: the source's resource, under our id and about our patient.

use serde_json::{Map, Value};

use super::links::{Links, rewrite_all, to_patient};
use super::{Stamp, head};
use crate::exchange::fhir::reference::Reference;
use crate::patients::model::EntryKind;
use crate::patients::rows::{Entry, EntryContent};

/// The FHIR type of an entry of this kind. A kind that has no room of its own is the type itself.
#[must_use]
pub fn type_of(kind: &str) -> &str {
    EntryKind::from_code(kind).map_or(kind, |kind| kind.resource_type())
}

/// The source of an entry as JSON, attachments put back. `None` if it is not a JSON object.
#[must_use]
pub fn source_of(entry: &Entry) -> Option<Value> {
    match &entry.body {
        EntryContent::Read(body) => body.resource().ok(),
        EntryContent::Kept { source } => serde_json::from_str(source).ok(),
    }
}

/// An entry as a resource. `None` if what is stored is not a JSON object.
#[must_use]
pub fn entry(entry: &Entry, stamp: Stamp, links: &Links) -> Option<Value> {
    let Value::Object(source) = source_of(entry)? else { return None };
    let resource_type = type_of(&entry.kind);
    let mut fhir = head(resource_type, &entry.id.to_string(), stamp, source.get("meta"));
    let kept = source.into_iter().filter(|(name, _)| !matches!(name.as_str(), "resourceType" | "id" | "meta"));
    fhir.extend(kept);
    let about = subject_field(&fhir, resource_type);
    fhir.shift_remove(&format!("_{about}"));
    // Before the others are redirected: what the source called this patient means nothing here.
    to_patient(&mut fhir, about, entry.patient_id.uuid());
    let subject = fhir.get(about).cloned();
    rewrite_all(&mut fhir, links);
    fhir.extend(subject.map(|subject| (about.to_owned(), subject)));
    Some(fhir.into())
}

/// By which name a resource says whom it is about.
fn subject_field(fhir: &Map<String, Value>, resource_type: &str) -> &'static str {
    let names = ["subject", "patient", "beneficiary", "for"];
    let may_be = |name: &&str| {
        let reference = fhir.get(*name).and_then(|value| Reference::of(value, "Patient").ok());
        reference.is_some_and(|reference| reference.may_be_patient())
    };
    let usual = match resource_type {
        "AllergyIntolerance" | "Immunization" | "Device" | "Claim" | "ExplanationOfBenefit" | "RelatedPerson" => {
            "patient"
        }
        _ => "subject",
    };
    names.into_iter().find(may_be).unwrap_or(usual)
}
