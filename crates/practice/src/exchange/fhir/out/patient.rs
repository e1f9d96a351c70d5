//! Patient: the typed parts again as FHIR, beside the rest as it came.

use kernel::PatientId;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::links::{Links, rewrite_all};
use super::{ShownIdentifier, Stamp, absent, head, label, put};
use crate::exchange::fhir::patient::{PRONOUNS, pronouns};
use crate::patients::model::{Address, ContactPoint, Deceased, Demographics, HumanName, Language, Moment, Period};
use crate::patients::rows::Patient;

/// A patient as a resource. `identifiers` are those that stand, as the one who asks may see them; `away` are
/// the records that were merged into this one. A record that was itself merged away says where it went
/// (`link`, FHIR R4, 8.1.6.2) and counts as not active.
///
/// Where a number is masked, the whole says so (security label `MASKED`), and the source's narrative,
/// which often repeats numbers, is left out.
#[must_use]
pub fn patient(
    patient: &Patient,
    stamp: Stamp,
    identifiers: &[ShownIdentifier],
    away: &[PatientId],
    links: &Links,
) -> Value {
    let known = patient.demographics();
    let rest = known.rest.as_object();
    let id: PatientId = patient.id;
    let mut fhir = head("Patient", &id.to_string(), stamp, rest.and_then(|rest| rest.get("meta")));
    let masked = identifiers.iter().any(ShownIdentifier::is_masked);
    let kept = rest.into_iter().flatten().filter(|(name, _)| !matches!(name.as_str(), "resourceType" | "id" | "meta"));
    fhir.extend(kept.map(|(name, value)| (name.clone(), value.clone())));
    if masked {
        hide(&mut fhir);
    }
    speak(&mut fhir, known.pronouns.as_deref());
    let without_number = fhir.get("identifier").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut numbers: Vec<Value> = identifiers.iter().map(ShownIdentifier::fhir).collect();
    numbers.extend(without_number);
    put(&mut fhir, "identifier", numbers.into());
    fhir.insert("active".to_owned(), (patient.active && patient.merged_into.is_none()).into());
    particulars(&mut fhir, &known);
    rewrite_all(&mut fhir, links);
    link(&mut fhir, patient.merged_into, away);
    if masked {
        label(&mut fhir, "MASKED");
    }
    fhir.into()
}

/// Which records are of the same person, beside the links that the source told of. Which of the records that are
/// here are one is said by what is so here alone: what a source said of them was carried out when it came in, or was
/// not, and may have been taken back since.
fn link(fhir: &mut Map<String, Value>, into: Option<PatientId>, away: &[PatientId]) {
    let told = fhir.shift_remove("link");
    let mut links = told.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
    links.retain(|link| !(is_replacing(link) && leads_here(link)));
    let to = |id: &PatientId, how: &str| json!({ "other": { "reference": format!("Patient/{id}") }, "type": how });
    links.extend(into.iter().map(|id| to(id, "replaced-by")));
    links.extend(away.iter().map(|id| to(id, "replaces")));
    put(fhir, "link", links.into());
}

fn is_replacing(link: &Value) -> bool {
    matches!(link.get("type").and_then(Value::as_str), Some("replaced-by" | "replaces"))
}

/// References were pointed to what is here before; one that leads nowhere here has only words left.
fn leads_here(link: &Value) -> bool {
    let reference = link.pointer("/other/reference").and_then(Value::as_str);
    reference.is_some_and(|reference| reference.starts_with("Patient/"))
}

fn particulars(fhir: &mut Map<String, Value>, known: &Demographics) {
    put(fhir, "name", known.names.iter().map(name).filter(is_something).collect());
    put(fhir, "telecom", known.contacts.iter().map(contact).filter(is_something).collect());
    put(fhir, "gender", plain(&known.gender));
    put(fhir, "birthDate", plain(&known.birth));
    match &known.deceased {
        Some(Deceased::Boolean(dead)) => put(fhir, "deceasedBoolean", (*dead).into()),
        Some(Deceased::DateTime(at)) => put(fhir, "deceasedDateTime", date_time(at).into()),
        None => {}
    }
    put(fhir, "address", known.addresses.iter().map(address).filter(is_something).collect());
    put(fhir, "maritalStatus", plain(&known.marital));
    put(fhir, "communication", known.languages.iter().map(language).filter(is_something).collect());
}

/// Takes away where a source repeats numbers: its narratives, and identifiers in extensions.
fn hide(fields: &mut Map<String, Value>) {
    if fields.contains_key("resourceType") {
        fields.shift_remove("text");
    }
    if let Some(number) = fields.get_mut("valueIdentifier").and_then(Value::as_object_mut)
        && number.shift_remove("value").is_some()
    {
        number.insert("_value".to_owned(), json!({ "extension": [absent("masked")] }));
    }
    for value in fields.values_mut() {
        match value {
            Value::Object(fields) => hide(fields),
            Value::Array(items) => items.iter_mut().filter_map(Value::as_object_mut).for_each(hide),
            _ => {}
        }
    }
}

/// Stored parts are FHIR's own names and shapes; what fails to be JSON is nothing.
fn plain(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

fn is_something(value: &Value) -> bool {
    value.as_object().is_some_and(|fields| !fields.is_empty())
}

/// FHIR wants a time with its offset; one without is told as its day, which is what is known for sure.
fn date_time(moment: &Moment) -> String {
    let text = moment.as_str();
    let seconds = text.get(17..19).is_some_and(|seconds| seconds.bytes().all(|digit| digit.is_ascii_digit()));
    if moment.has_time() && !(moment.has_offset() && seconds) {
        return text.get(..10).unwrap_or(text).to_owned();
    }
    text.to_owned()
}

fn mend_period(fields: &mut Map<String, Value>, period: Option<&Period>) {
    let Some(period) = period else { return };
    let mut mended = period.extra.clone();
    put(&mut mended, "start", period.start.as_ref().map(date_time).into());
    put(&mut mended, "end", period.end.as_ref().map(date_time).into());
    fields.remove("period");
    put(fields, "period", mended.into());
}

fn name(name: &HumanName) -> Value {
    let mut fields = object(plain(name));
    for part in ["given", "prefix", "suffix"] {
        mend_list(&mut fields, part);
    }
    mend_period(&mut fields, name.period.as_ref());
    fields.into()
}

fn address(address: &Address) -> Value {
    let mut fields = object(plain(address));
    mend_list(&mut fields, "line");
    mend_period(&mut fields, address.period.as_ref());
    fields.into()
}

fn contact(point: &ContactPoint) -> Value {
    let mut fields = object(plain(point));
    mend_period(&mut fields, point.period.as_ref());
    // FHIR R4, ContactPoint, cpt-2: a value has a system.
    if fields.contains_key("value") {
        fields.entry("system").or_insert_with(|| "other".into());
    }
    fields.into()
}

fn language(language: &Language) -> Value {
    let mut fields = object(plain(language));
    if fields.get("language").is_none_or(|concept| !is_something(concept)) {
        fields.insert("language".to_owned(), json!({ "extension": [absent("unknown")] }));
    }
    fields.into()
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(fields) = value { fields } else { Map::new() }
}

/// A part that the source marked as absent is an empty text here and `null` there, where an extension
/// stands beside it; otherwise it is nothing.
fn mend_list(fields: &mut Map<String, Value>, name: &str) {
    let beside = fields.get(&format!("_{name}")).and_then(Value::as_array).cloned();
    let Some(Value::Array(items)) = fields.get_mut(name) else { return };
    let empty = |item: &Value| item.as_str().is_some_and(str::is_empty);
    if let Some(beside) = beside {
        for (at, item) in items.iter_mut().enumerate() {
            if empty(item) && beside.get(at).is_some_and(|beside| !beside.is_null()) {
                *item = Value::Null;
            }
        }
    }
    items.retain(|item| !empty(item));
    if items.iter().all(Value::is_null) {
        fields.remove(name);
    }
}

/// The pronouns, by the extension that HL7 has for them. The source's own stays while it says the same.
fn speak(fhir: &mut Map<String, Value>, known: Option<&str>) {
    let said = fhir.get("extension").and_then(pronouns);
    if said.as_deref() == known {
        return;
    }
    let is_theirs = |extension: &Value| extension.get("url").and_then(Value::as_str) == Some(PRONOUNS);
    let mut extensions: Vec<Value> = match fhir.remove("extension") {
        Some(Value::Array(extensions)) => extensions.into_iter().filter(|extension| !is_theirs(extension)).collect(),
        _ => Vec::new(),
    };
    extensions.extend(known.map(|words| {
        json!({ "url": PRONOUNS, "extension": [{ "url": "value", "valueCodeableConcept": { "text": words } }] })
    }));
    put(fhir, "extension", extensions.into());
}
