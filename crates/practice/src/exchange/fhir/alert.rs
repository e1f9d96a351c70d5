//! Flag: a warning on a record, if it says no more than a warning here does. One that says more (who raised it,
//! until when, of which category) is kept as it came.

use serde_json::{Map, Value};

use super::{AlertImport, Reference, Resource};
use crate::patients::model::{block, is_blank};

/// The longest text that an alert takes from anywhere.
const TEXT_CHARS_MAX: usize = 1_000;
const PRIORITY: &str = "http://hl7.org/fhir/StructureDefinition/flag-priority";

pub(super) fn map(id: &str, map: &Map<String, Value>) -> Option<Resource> {
    let known = |name: &String| {
        matches!(name.as_str(), "resourceType" | "id" | "meta" | "extension" | "status" | "code" | "subject")
    };
    if !map.keys().all(known) {
        return None;
    }
    let ours = |name: &String| matches!(name.as_str(), "versionId" | "lastUpdated");
    if map.get("meta").is_some_and(|meta| !meta.as_object().is_some_and(|meta| meta.keys().all(ours))) {
        return None;
    }
    let high = match map.get("extension") {
        None => false,
        Some(extension) => is_high(extension)?,
    };
    let active = match map.get("status")?.as_str()? {
        "active" => true,
        "inactive" => false,
        _ => return None,
    };
    let code = map.get("code")?.as_object().filter(|code| code.len() == 1)?;
    let text = block(code.get("text")?.as_str()?, TEXT_CHARS_MAX).ok().filter(|text| !is_blank(text))?;
    let subject = Reference::of(map.get("subject")?, "Patient").ok().filter(Reference::may_be_patient)?;
    Some(Resource::Alert { subject, alert: Box::new(AlertImport { id: id.to_owned(), high, active, text }) })
}

/// Whether the one extension says that it is of high priority; nothing if there is another.
fn is_high(extension: &Value) -> Option<bool> {
    let [only] = extension.as_array()?.as_slice() else { return None };
    if only.get("url").and_then(Value::as_str) != Some(PRIORITY) {
        return None;
    }
    let coding = only.pointer("/valueCodeableConcept/coding")?.as_array()?;
    let [coding] = coding.as_slice() else { return None };
    (coding.get("code").and_then(Value::as_str) == Some("PH")).then_some(true)
}
