//! What a client sends: one resource, held to the standard where an import takes what there is.

use std::borrow::Cow;

use jiff::civil::Date;
use kernel::IdentifierId;
use serde_json::{Map, Value};

use super::reference::Reference;
use super::{Reject, patient, shape, strict};
use crate::patients::identifiers::Identifier;
use crate::patients::model::Demographics;

/// A patient as a client sent it.
#[derive(Clone, PartialEq)]
pub struct SentPatient {
    /// The id that it names itself by, if it does.
    pub id: Option<String>,
    /// Whether the record is in use.
    pub active: bool,
    /// Everything but the identifiers.
    pub demographics: Demographics,
    /// The identifiers that it tells.
    pub identifiers: Vec<Identifier>,
    /// The identifiers that it only names, because they were masked when it read them.
    pub named: Vec<IdentifierId>,
    /// What it refers to here.
    pub refers: Vec<Refers>,
}

crate::patients::model::personal!(SentPatient);

/// That something refers to a resource here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refers {
    /// Where, as a path from the resource.
    pub at: String,
    /// The type it names.
    pub resource_type: String,
    /// The id it names.
    pub id: String,
}

/// What stands before a reference to a resource of this practice while it is stored, so that it is never
/// taken for one of the system that an import came from.
pub(super) const HERE: &str = "urn:here:";

pub(super) fn reject(field: impl Into<String>, reason: impl Into<Cow<'static, str>>) -> Reject {
    Reject { field: field.into(), reason: reason.into() }
}

/// Reads a patient that a client sent. `base` is this API's own address: references that begin with it are
/// to resources here.
///
/// # Errors
/// What is not as FHIR or this server has it; never a value.
pub fn sent_patient(bytes: &[u8], today: Date, base: &str) -> Result<SentPatient, Reject> {
    let (id, mut map) = taken(bytes, "Patient")?;
    let named = take_named(&mut map)?;
    let mut refers = Vec::new();
    let mut value = Value::Object(map);
    point("Patient", &mut value, base, &mut refers)?;
    if tells_of_masks(&value) {
        return Err(reject(
            "Patient",
            "holds a value that was masked when it was read: send it in full, or leave it out",
        ));
    }
    let Value::Object(map) = value else { return Err(reject("Patient", "must be an object")) };
    let read = patient::map(id.clone().unwrap_or_default(), map, today)?;
    if !read.demographics.names.iter().any(|name| !name.display().trim().is_empty()) {
        return Err(reject("Patient.name", "is missing: a record without a name is never found again"));
    }
    let identifiers = read
        .identifiers
        .into_iter()
        .map(|identifier| {
            let mut extra = identifier.extra;
            extra.shift_remove("id");
            Identifier { extra, ..identifier }
        })
        .collect();
    Ok(SentPatient { id, active: read.active, demographics: read.demographics, identifiers, named, refers })
}

/// What stands in every resource that a client sends: the type of the address, the shape of that type, and
/// nothing that would change its meaning unseen. Gives it without its type and id, and the id.
pub(super) fn taken(bytes: &[u8], resource_type: &'static str) -> Result<(Option<String>, Map<String, Value>), Reject> {
    if bytes.contains(&0) {
        return Err(reject("line", "contains a NUL byte"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| reject("line", "is not UTF-8"))?;
    let mut map = strict::parse(text)?;
    match map.get("resourceType") {
        Some(Value::String(name)) if name == resource_type => {}
        Some(_) => return Err(reject("resourceType", format!("is not {resource_type}, as the address says"))),
        None => return Err(reject("resourceType", "is missing: this is not a FHIR resource")),
    }
    shape::check(resource_type, &map)?;
    map.shift_remove("resourceType");
    let id = match map.shift_remove("id") {
        Some(Value::String(id)) => Some(id),
        _ => None,
    };
    for modifier in ["modifierExtension", "implicitRules"] {
        if map.contains_key(modifier) {
            return Err(reject(
                format!("{resource_type}.{modifier}"),
                "changes the meaning of the record in a way that is not known here",
            ));
        }
    }
    clean_meta(&mut map);
    Ok((id, map))
}

/// Of `meta` a client has a say in profiles, tags and labels; version, time and the mask are ours.
fn clean_meta(map: &mut Map<String, Value>) {
    let Some(meta) = map.get_mut("meta").and_then(Value::as_object_mut) else { return };
    for ours in ["versionId", "lastUpdated", "_versionId", "_lastUpdated"] {
        meta.shift_remove(ours);
    }
    if let Some(labels) = meta.get_mut("security").and_then(Value::as_array_mut) {
        labels.retain(|label| label.get("code").and_then(Value::as_str) != Some("MASKED"));
        if labels.is_empty() {
            meta.shift_remove("security");
        }
    }
    if meta.is_empty() {
        map.shift_remove("meta");
    }
}

/// Takes out the identifiers that have no value and are named by our id.
fn take_named(map: &mut Map<String, Value>) -> Result<Vec<IdentifierId>, Reject> {
    let Some(items) = map.get_mut("identifier").and_then(Value::as_array_mut) else { return Ok(Vec::new()) };
    let mut named = Vec::new();
    let mut fault = None;
    items.retain(|item| {
        if item.get("value").is_some() {
            return true;
        }
        let ours = item.get("id").and_then(Value::as_str).and_then(|id| id.parse::<IdentifierId>().ok());
        match ours {
            Some(id) => named.push(id),
            None if item.get("_value").is_some() => fault = Some(()),
            None => return true,
        }
        false
    });
    if items.is_empty() {
        map.shift_remove("identifier");
    }
    match fault {
        Some(()) => Err(reject("Patient.identifier", "has neither a value nor the id under which it was read here")),
        None => Ok(named),
    }
}

/// Marks references to what is here, and refuses those to anywhere else.
pub(super) fn point(at: &str, value: &mut Value, base: &str, refers: &mut Vec<Refers>) -> Result<(), Reject> {
    match value {
        Value::Array(items) => {
            let mut items = items.iter_mut().enumerate();
            items.try_for_each(|(place, item)| point(&format!("{at}[{place}]"), item, base, refers))
        }
        Value::Object(fields) => {
            if let Some(Value::String(text)) = fields.get_mut("reference") {
                let local = text.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')).unwrap_or(text).to_owned();
                match Reference::parse(&local) {
                    Ok(Reference::Contained) => {}
                    Ok(Reference::Local { resource_type, id }) => {
                        *text = format!("{HERE}{resource_type}/{id}");
                        refers.push(Refers { at: format!("{at}.reference"), resource_type, id });
                    }
                    _ => {
                        let reason =
                            "leads away from this practice: refer to a resource here, or by identifier or display";
                        return Err(reject(format!("{at}.reference"), reason));
                    }
                }
            }
            fields.iter_mut().try_for_each(|(name, field)| point(&format!("{at}.{name}"), field, base, refers))
        }
        _ => Ok(()),
    }
}

pub(super) fn tells_of_masks(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(tells_of_masks),
        Value::Object(fields) => {
            let masked = fields.get("url").and_then(Value::as_str) == Some(super::out::ABSENT)
                && fields.get("valueCode").and_then(Value::as_str) == Some("masked");
            masked || fields.values().any(tells_of_masks)
        }
        _ => false,
    }
}
