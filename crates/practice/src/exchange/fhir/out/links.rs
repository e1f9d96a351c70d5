//! References: to what is here, or in words.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::absent;
use crate::exchange::fhir::reference::{Reference, ResourceKey};
use crate::exchange::fhir::sent::HERE;
use crate::patients::identifiers::IdentifierKind;

/// Where a reference leads here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target(pub Uuid);

/// What resources of a source became here, by the names that the source knows them by.
#[derive(Debug, Default)]
pub struct Links(HashMap<ResourceKey, Target>);

impl Links {
    /// These.
    #[must_use]
    pub fn of(known: impl IntoIterator<Item = (ResourceKey, Target)>) -> Self {
        Self(known.into_iter().collect())
    }

    fn find<'r>(&self, reference: &'r Reference) -> Option<(&'r str, Uuid)> {
        Some((reference.type_named()?, self.0.get(&reference.key()?)?.0))
    }
}

/// Types whose identifiers are somebody's own numbers.
fn is_somebody(resource_type: &str) -> bool {
    matches!(resource_type, "Patient" | "RelatedPerson" | "Person")
}

/// The names of everything that a resource refers to by type and id, to be looked up; of types alone that
/// can be asked for here.
#[must_use]
pub fn wanted(resource: &Value, has: fn(&str) -> bool) -> BTreeSet<ResourceKey> {
    let mut found = BTreeSet::new();
    gather(resource, has, &mut found);
    found
}

fn gather(value: &Value, has: fn(&str) -> bool, found: &mut BTreeSet<ResourceKey>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| gather(item, has, found)),
        Value::Object(fields) => {
            if let Some(Value::String(text)) = fields.get("reference") {
                let reference = Reference::parse(text).ok().filter(|reference| reference.type_named().is_some_and(has));
                found.extend(reference.and_then(|reference| reference.key()));
            }
            fields.values().for_each(|field| gather(field, has, found));
        }
        _ => {}
    }
}

/// Points every reference to what is here; what is not here becomes a logical reference.
pub(super) fn rewrite(value: &mut Value, links: &Links) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, links)),
        Value::Object(fields) => rewrite_all(fields, links),
        _ => {}
    }
}

pub(super) fn rewrite_all(fields: &mut Map<String, Value>, links: &Links) {
    if is_reference(fields) {
        redirect(fields, links);
    }
    // An attachment's address that only its source could resolve.
    let nowhere = |url: &Value| url.as_str().is_some_and(|url| !url.contains(':'));
    let attachment = fields.contains_key("contentType") || fields.len() == 1;
    if attachment && fields.get("url").is_some_and(nowhere) {
        fields.remove("url");
        fields.entry("_url").or_insert_with(|| json!({ "extension": [absent("unknown")] }));
    }
    for field in fields.values_mut() {
        rewrite(field, links);
    }
}

/// Only FHIR's `Reference` has a text of this name, or an identifier beside nothing but these fields.
fn is_reference(fields: &Map<String, Value>) -> bool {
    let bare = || {
        fields.get("identifier").is_some_and(Value::is_object)
            && fields.keys().all(|name| matches!(name.as_str(), "identifier" | "type" | "display" | "id" | "extension"))
    };
    fields.get("reference").is_some_and(Value::is_string) || bare()
}

fn redirect(fields: &mut Map<String, Value>, links: &Links) {
    let text = fields.get("reference").and_then(Value::as_str).map(str::to_owned);
    if let Some(here) = text.as_deref().and_then(|text| text.strip_prefix(HERE)) {
        // Somebody here referred to it here, and it was there.
        fields.insert("reference".to_owned(), here.into());
        return;
    }
    let meant = text.as_deref().map(Reference::parse);
    if matches!(meant, Some(Ok(Reference::Contained))) {
        return;
    }
    let told = fields.get("type").and_then(Value::as_str).map(str::to_owned);
    let named = meant.as_ref().and_then(|meant| meant.as_ref().ok()?.type_named()).map(str::to_owned).or(told);
    let found = meant.as_ref().and_then(|meant| links.find(meant.as_ref().ok()?));
    let here = found.map(|(resource_type, id)| format!("{resource_type}/{id}"));
    fields.remove("reference");
    fields.remove("_reference");
    let somebody = named.as_deref().is_some_and(is_somebody);
    if let Some(Ok(Reference::Conditional { system: Some(system), value, .. })) = meant
        && here.is_none()
    {
        fields.entry("identifier").or_insert_with(|| json!({ "system": system, "value": value }));
    }
    if fields.get("identifier").is_some_and(|number| somebody || is_personal(number)) {
        fields.remove("identifier");
    }
    if let Some(here) = here {
        fields.insert("reference".to_owned(), here.into());
        return;
    }
    if let Some(named) = named {
        fields.insert("type".to_owned(), named.into());
    }
    if !fields.contains_key("display") && !fields.contains_key("identifier") {
        let extensions = fields.entry("extension").or_insert_with(|| Value::Array(Vec::new()));
        if let Some(extensions) = extensions.as_array_mut() {
            extensions.push(absent("unknown"));
        }
    }
}

/// Whether an identifier is of a kind that is given to patients: it is not shown beside a reference.
fn is_personal(identifier: &Value) -> bool {
    let codings = identifier.pointer("/type/coding").and_then(Value::as_array);
    let codes: Vec<&str> = codings.into_iter().flatten().filter_map(|coding| coding.get("code")?.as_str()).collect();
    let system = identifier.get("system").and_then(Value::as_str);
    IdentifierKind::from_fhir(system, &codes) != IdentifierKind::Other
}

/// Makes a field a reference to a patient of ours. The words beside it stay.
pub(super) fn to_patient(fields: &mut Map<String, Value>, name: &str, patient: Uuid) {
    let display = fields.get(name).and_then(|field| field.get("display")).cloned();
    let mut reference = Map::new();
    reference.insert("reference".to_owned(), format!("Patient/{patient}").into());
    reference.extend(display.filter(Value::is_string).map(|display| ("display".to_owned(), display)));
    fields.insert(name.to_owned(), reference.into());
}
