//! What a client sends to be written in a record: one entry, held to the standard where an import takes what
//! there is, and read by the reader that an import uses. What could not be kept as it is meant is refused by
//! the name of the element.

use kernel::{EntryId, PatientId};
use serde_json::{Map, Value};

use super::reference::Reference;
use super::sent::{Refers, point, reject, taken, tells_of_masks};
use super::{EntryImport, Reject, entry_of};
use crate::patients::model::EntryKind;

/// An entry as a client sent it.
#[derive(Clone, PartialEq)]
pub struct SentEntry {
    /// What kind of entry it is.
    pub kind: EntryKind,
    /// The id that it names itself by, if it does.
    pub id: Option<String>,
    /// Whom it is about.
    pub patient: PatientId,
    /// What else it refers to here.
    pub refers: Vec<Refers>,
    map: Map<String, Value>,
}

crate::patients::model::personal!(SentEntry);

/// By which name a resource of a kind says whom it is about.
#[must_use]
pub const fn subject_field(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Allergy | EntryKind::Immunisation => "patient",
        EntryKind::Document
        | EntryKind::Medication
        | EntryKind::Observation
        | EntryKind::Problem
        | EntryKind::Procedure
        | EntryKind::Visit => "subject",
    }
}

/// That a resource is about nobody who is here. The same words whether there never was such a patient, they
/// are another practice's, or the record is open to named people only.
#[must_use]
pub fn nobody_here(kind: EntryKind) -> Reject {
    let field = format!("{}.{}", kind.resource_type(), subject_field(kind));
    reject(field, "points to nobody in this practice")
}

/// Reads an entry that a client sent. `base` is this API's own address: references that begin with it are to
/// resources here.
///
/// # Errors
/// What is not as FHIR or this server has it; never a value.
pub fn sent_entry(bytes: &[u8], kind: EntryKind, base: &str) -> Result<SentEntry, Reject> {
    let (name, about) = (kind.resource_type(), subject_field(kind));
    let (id, mut map) = taken(bytes, name)?;
    let at = |field: &str| format!("{name}.{field}");
    let subject =
        map.shift_remove(about).ok_or_else(|| reject(at(about), "is missing: nobody could tell whose entry it is"))?;
    map.shift_remove(&format!("_{about}"));
    let text = subject.get("reference").and_then(Value::as_str).unwrap_or_default();
    let local = text.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')).unwrap_or(text);
    let patient = match Reference::parse(local) {
        Ok(Reference::Local { resource_type, id }) if resource_type == "Patient" => {
            id.parse().map_err(|_| nobody_here(kind))?
        }
        _ => return Err(reject(at(about), "must be a patient of this practice: Patient/[id]")),
    };
    let mut refers = Vec::new();
    let mut value = Value::Object(map);
    point(name, &mut value, base, &mut refers)?;
    if tells_of_masks(&value) {
        return Err(reject(name, "holds a value that was masked when it was read: send it in full, or leave it out"));
    }
    let Value::Object(mut map) = value else { return Err(reject(name, "must be an object")) };
    rules(kind, &map)?;
    let display = subject.get("display").cloned();
    let mut whom = Map::new();
    whom.insert("reference".to_owned(), format!("Patient/{patient}").into());
    whom.extend(display.map(|display| ("display".to_owned(), display)));
    map.insert(about.to_owned(), whom.into());
    let sent = SentEntry { kind, id, patient, refers, map };
    // What the reader makes of it must not depend on the id.
    let read = sent
        .entry(EntryId::from_uuid(uuid::Uuid::nil()))
        .ok_or_else(|| reject(name, "cannot be read as an entry of a record"))?;
    let unread = |warning: &Reject| warning.field.contains(".attachment");
    match read.warnings.into_iter().find(|warning| !unread(warning)) {
        Some(warning) => Err(warning),
        None => Ok(sent),
    }
}

impl SentEntry {
    /// The entry, under an id of ours, as an import would read it. `None` if it reads nothing.
    #[must_use]
    pub fn entry(&self, id: EntryId) -> Option<EntryImport> {
        let mut map = Map::new();
        map.insert("resourceType".to_owned(), self.kind.resource_type().into());
        map.insert("id".to_owned(), id.to_string().into());
        map.extend(self.map.clone());
        entry_of(&Value::Object(map).to_string())
    }
}

const CLINICAL: &[&str] = &["active", "recurrence", "relapse", "inactive", "remission", "resolved"];

/// What FHIR says of the elements of one resource together, as far as a record here depends on it: the rules
/// ait-1, ait-2, con-4, con-5, obs-6 and the codes that the statuses must have (FHIR R4, 9.1, 9.2, 10.1).
fn rules(kind: EntryKind, map: &Map<String, Value>) -> Result<(), Reject> {
    let name = kind.resource_type();
    let at = |field: &str| format!("{name}.{field}");
    let code = |field: &str| {
        let codings = map.get(field).and_then(|concept| concept.get("coding")).and_then(Value::as_array);
        let codes: Vec<&str> =
            codings.into_iter().flatten().filter_map(|coding| coding.get("code")?.as_str()).collect();
        codes
    };
    let one_of = |field: &str, known: &[&str]| {
        if !map.contains_key(field) || code(field).iter().any(|code| known.contains(code)) {
            return Ok(());
        }
        Err(reject(at(field), format!("must have one of the codes {}", known.join(", "))))
    };
    let abated = map.keys().any(|field| field.starts_with("abatement"));
    match kind {
        EntryKind::Allergy => {
            one_of("clinicalStatus", &["active", "inactive", "resolved"])?;
            one_of("verificationStatus", &["unconfirmed", "confirmed", "refuted", "entered-in-error"])?;
            let in_error = code("verificationStatus").contains(&"entered-in-error");
            if in_error == map.contains_key("clinicalStatus") {
                return Err(reject(at("clinicalStatus"), "must be there unless the entry is in error (ait-1, ait-2)"));
            }
        }
        EntryKind::Problem => {
            one_of("clinicalStatus", CLINICAL)?;
            one_of(
                "verificationStatus",
                &["unconfirmed", "provisional", "differential", "confirmed", "refuted", "entered-in-error"],
            )?;
            if code("verificationStatus").contains(&"entered-in-error") && map.contains_key("clinicalStatus") {
                return Err(reject(at("clinicalStatus"), "must not be there: the entry is in error (con-5)"));
            }
            let over = code("clinicalStatus").iter().any(|code| matches!(*code, "inactive" | "remission" | "resolved"));
            if abated && map.contains_key("clinicalStatus") && !over {
                return Err(reject(
                    at("clinicalStatus"),
                    "says that it goes on, and abatement that it is over (con-4)",
                ));
            }
        }
        EntryKind::Observation => {
            let valued = map.keys().any(|field| field.starts_with("value") || field.starts_with("_value"));
            if valued && map.contains_key("dataAbsentReason") {
                return Err(reject(at("dataAbsentReason"), "says why there is no value, and there is one (obs-6)"));
            }
        }
        EntryKind::Document
        | EntryKind::Immunisation
        | EntryKind::Medication
        | EntryKind::Procedure
        | EntryKind::Visit => {}
    }
    Ok(())
}
