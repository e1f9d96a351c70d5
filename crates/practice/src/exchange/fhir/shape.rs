//! Whether a resource has the shape that FHIR R4 gives its type: fields that exist, of the type they have,
//! as often as they may stand, with the codes that are required. For what clients send; what an import
//! brings is read as it is (see [`super`]), because a record that left its old system must not be lost
//! over a comma.
//!
//! The shapes are those of the types that are taken here (<https://hl7.org/fhir/R4/resourcelist.html>),
//! written down in a short form: `field:Type`, `*` for a list, `!` for one that must be there,
//! `code(a|b)` for a required list of codes.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::Reject;
use crate::patients::model::{BirthDate, Moment};

const SHAPES: &str = include_str!("shapes.txt");
/// The longest text of a field that is not a file.
const TEXT_BYTES_MAX: usize = 1024 * 1024;

#[derive(Debug, Clone, Copy)]
struct Field {
    kind: &'static str,
    codes: Option<&'static str>,
    list: bool,
    required: bool,
}

type Shape = HashMap<&'static str, Field>;

static ALL: LazyLock<HashMap<&'static str, Shape>> = LazyLock::new(|| {
    let mut shapes: HashMap<&'static str, Shape> = HashMap::new();
    let mut current = "";
    for line in SHAPES.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        if !line.starts_with(' ') {
            current = words.next().unwrap_or_default();
        }
        shapes.entry(current).or_default().extend(words.filter_map(field));
    }
    shapes
});

/// `name:Type*!`
fn field(word: &'static str) -> Option<(&'static str, Field)> {
    let (name, rest) = word.split_once(':')?;
    let (rest, required) = rest.strip_suffix('!').map_or((rest, false), |rest| (rest, true));
    let (rest, list) = rest.strip_suffix('*').map_or((rest, false), |rest| (rest, true));
    let (kind, codes) = match rest.split_once('(') {
        Some((kind, codes)) => (kind, codes.strip_suffix(')')),
        None => (rest, None),
    };
    Some((name, Field { kind, codes, list, required }))
}

/// Checks a resource of a type that is taken here.
///
/// # Errors
/// The first field that is not as FHIR has it. Its name, never its value.
pub(super) fn check(resource_type: &'static str, resource: &Map<String, Value>) -> Result<(), Reject> {
    object(resource_type, resource, &Path::Root(resource_type))
}

/// Where something stands.
enum Path<'p> {
    Root(&'static str),
    Field(&'p Path<'p>, &'static str),
    Item(&'p Path<'p>, usize),
}

impl std::fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Root(name) => f.write_str(name),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, at) => write!(f, "{parent}[{at}]"),
        }
    }
}

fn reject(at: &Path<'_>, reason: impl Into<std::borrow::Cow<'static, str>>) -> Reject {
    Reject { field: at.to_string(), reason: reason.into() }
}

const RESOURCE: &str = "Resource";
const ELEMENT: &str = "Element";

fn is_resource(kind: &str) -> bool {
    kind.starts_with(|c: char| c.is_ascii_uppercase()) && ALL.get(kind).is_some_and(|shape| shape.contains_key("@"))
}

fn lookup(kind: &str, name: &str) -> Option<(&'static str, Field)> {
    let own = ALL.get(kind)?;
    let found = |shape: &str| ALL.get(shape)?.get_key_value(name).map(|(name, field)| (*name, *field));
    own.get_key_value(name)
        .map(|(name, field)| (*name, *field))
        .or_else(|| if is_resource(kind) { found(RESOURCE) } else { found(ELEMENT) })
        .or_else(|| {
            if kind.contains('.') || kind == "Dosage" || kind == "Timing" { found("BackboneElement") } else { None }
        })
}

fn object(kind: &'static str, fields: &Map<String, Value>, at: &Path<'_>) -> Result<(), Reject> {
    if fields.is_empty() {
        return Err(reject(at, "is empty"));
    }
    let mut chosen: Vec<&str> = Vec::new();
    for (name, value) in fields {
        if let Some(base) = name.strip_prefix('_') {
            let known = lookup(kind, base).filter(|(_, field)| is_primitive(field.kind));
            let Some((base, field)) = known else { return Err(unknown(at)) };
            beside(field, value, &Path::Field(at, base))?;
            continue;
        }
        if name == "resourceType" && is_resource(kind) {
            continue;
        }
        if kind == "Extension" && name.starts_with("value") {
            chosen.push("value");
            extension_value(name, value, at)?;
            continue;
        }
        let Some((name, field)) = lookup(kind, name) else { return Err(unknown(at)) };
        chosen.extend(choice(kind, name));
        let here = Path::Field(at, name);
        if field.list {
            let Value::Array(items) = value else { return Err(reject(&here, "must be a list")) };
            if items.is_empty() {
                return Err(reject(&here, "is an empty list"));
            }
            for (index, item) in items.iter().enumerate() {
                let place_held = item.is_null() && fields.contains_key(&format!("_{name}"));
                if !place_held {
                    one(field, item, &Path::Item(&here, index))?;
                }
            }
        } else {
            one(field, value, &here)?;
        }
    }
    chosen.sort_unstable();
    if chosen.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
        return Err(reject(at, "gives one thing in two ways, of which FHIR allows one"));
    }
    if kind == "Extension" && chosen.is_empty() != fields.contains_key("extension") {
        return Err(reject(at, "must have either a value or extensions (ext-1)"));
    }
    missing(kind, fields, at)
}

fn missing(kind: &'static str, fields: &Map<String, Value>, at: &Path<'_>) -> Result<(), Reject> {
    let Some(shape) = ALL.get(kind) else { return Ok(()) };
    let mut needed: Vec<&'static str> =
        shape.iter().filter(|(_, field)| field.required).map(|(name, _)| *name).collect();
    needed.sort_unstable();
    for name in needed {
        // One of several types: `medication[x]!` stands at each of them.
        let stands = match choice(kind, name) {
            Some(group) => fields.keys().any(|field| choice(kind, field) == Some(group)),
            None => fields.contains_key(name) || fields.contains_key(&format!("_{name}")),
        };
        if !stands {
            return Err(reject(&Path::Field(at, name), "is missing"));
        }
    }
    Ok(())
}

/// The `[x]` that a field is one form of.
fn choice(kind: &str, name: &str) -> Option<&'static str> {
    const GROUPS: [&str; 18] = [
        "deceased",
        "multipleBirth",
        "onset",
        "abatement",
        "medication",
        "reported",
        "effective",
        "value",
        "performed",
        "occurrence",
        "asNeeded",
        "dose",
        "rate",
        "product",
        "seriesDoses",
        "bounds",
        "allowed",
        "item",
    ];
    GROUPS.into_iter().find(|group| {
        let typed = name.strip_prefix(group).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()));
        typed
            && ALL.get(kind).is_some_and(|shape| shape.contains_key(name))
            && !matches!(name, "doseAndRate" | "doseNumber")
    })
}

fn unknown(at: &Path<'_>) -> Reject {
    // A field that FHIR does not have may be named after somebody: it is not repeated.
    reject(at, "has a field that FHIR R4 does not have there")
}

fn one(field: Field, value: &Value, at: &Path<'_>) -> Result<(), Reject> {
    if is_primitive(field.kind) {
        return primitive(field, value, at);
    }
    let Value::Object(fields) = value else { return Err(reject(at, "must be an object")) };
    if field.kind != RESOURCE {
        return object(field.kind, fields, at);
    }
    let named = fields.get("resourceType").and_then(Value::as_str).unwrap_or_default();
    match ALL.get_key_value(named).map(|(name, _)| *name).filter(|name| is_resource(name)) {
        Some(kind) => object(kind, fields, at),
        None => Err(reject(at, "is a resource of a type that is not taken inside another here")),
    }
}

/// What stands beside a primitive: an id, extensions.
fn beside(field: Field, value: &Value, at: &Path<'_>) -> Result<(), Reject> {
    let element = |value: &Value| match value {
        Value::Object(fields) => object(ELEMENT, fields, at),
        _ => Err(reject(at, "has something beside it that is no object")),
    };
    match (field.list, value) {
        (true, Value::Array(items)) => items.iter().filter(|item| !item.is_null()).try_for_each(element),
        (true, _) => Err(reject(at, "has something beside it that is no list")),
        (false, value) => element(value),
    }
}

fn extension_value(name: &str, value: &Value, at: &Path<'_>) -> Result<(), Reject> {
    let suffix = name.trim_start_matches("value");
    let lower: String = suffix.chars().take(1).flat_map(char::to_lowercase).chain(suffix.chars().skip(1)).collect();
    let kind = PRIMITIVES.into_iter().find(|kind| *kind == lower).or_else(|| {
        ALL.get_key_value(suffix).map(|(kind, _)| *kind).filter(|kind| !is_resource(kind) && !kind.contains('.'))
    });
    let Some(kind) = kind else { return Err(unknown(at)) };
    one(Field { kind, codes: None, list: false, required: false }, value, &Path::Field(at, "value"))
}

const PRIMITIVES: [&str; 20] = [
    "base64Binary",
    "boolean",
    "canonical",
    "code",
    "date",
    "dateTime",
    "decimal",
    "id",
    "instant",
    "integer",
    "markdown",
    "oid",
    "positiveInt",
    "string",
    "time",
    "unsignedInt",
    "uri",
    "url",
    "uuid",
    "xhtml",
];

fn is_primitive(kind: &str) -> bool {
    PRIMITIVES.contains(&kind)
}

fn primitive(field: Field, value: &Value, at: &Path<'_>) -> Result<(), Reject> {
    let wrong = |reason: &'static str| Err(reject(at, reason));
    let whole = |least: i64| value.as_i64().is_some_and(|n| (least..=i64::from(i32::MAX)).contains(&n));
    match field.kind {
        "boolean" if value.is_boolean() => return Ok(()),
        "boolean" => return wrong("must be true or false"),
        "decimal" if value.is_number() => return Ok(()),
        "decimal" => return wrong("must be a number"),
        "integer" if whole(i64::from(i32::MIN)) => return Ok(()),
        "unsignedInt" if whole(0) => return Ok(()),
        "positiveInt" if whole(1) => return Ok(()),
        "integer" | "unsignedInt" | "positiveInt" => return wrong("must be a whole number in its range"),
        _ => {}
    }
    let Value::String(text) = value else { return wrong("must be text") };
    if text.trim().is_empty() || text.len() > TEXT_BYTES_MAX && field.kind != "base64Binary" {
        return wrong("is empty, or longer than 1 MiB");
    }
    if let Some(codes) = field.codes {
        let known = codes.split('|').any(|code| code == text);
        return if known { Ok(()) } else { Err(reject(at, format!("must be one of {}", codes.replace('|', ", ")))) };
    }
    let spaced = || text.chars().any(char::is_whitespace);
    let good = match field.kind {
        "date" => BirthDate::parse(text).is_ok(),
        "dateTime" => moment(text),
        "instant" => moment(text) && text.contains('T'),
        "code" => {
            !text.starts_with(' ') && !text.ends_with(' ') && !text.contains("  ") && !text.contains(['\n', '\t'])
        }
        "id" => text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.'),
        "uri" | "url" | "canonical" | "oid" | "uuid" => !spaced(),
        "base64Binary" => text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/= \r\n\t".contains(&b)),
        "time" => text.len() >= 8 && Moment::parse(&format!("2000-01-01T{text}Z")).is_ok(),
        "xhtml" => narrative(text),
        _ => true,
    };
    if good { Ok(()) } else { Err(reject(at, format!("is not a {} of FHIR", field.kind))) }
}

/// A `dateTime` as FHIR has it: with a time, seconds and offset too.
fn moment(text: &str) -> bool {
    let seconds = text.get(16..17) == Some(":");
    Moment::parse(text).is_ok_and(|moment| !moment.has_time() || (moment.has_offset() && seconds))
}

/// FHIR R4, 2.4.0: formatting only. What could run in a browser is refused, not cleaned.
fn narrative(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let active = [
        "<script",
        "<iframe",
        "<object",
        "<embed",
        "<form",
        "<input",
        "<link",
        "<meta",
        "<style",
        "<base",
        "javascript:",
    ];
    let handler = lower.match_indices(" on").any(|(at, _)| {
        let rest = lower.get(at + 3..).unwrap_or_default();
        let name = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        name > 0 && rest.get(name..).is_some_and(|rest| rest.trim_start().starts_with('='))
    });
    lower.starts_with("<div")
        && lower.trim_end().ends_with("</div>")
        && !handler
        && !active.iter().any(|tag| lower.contains(tag))
}

#[cfg(test)]
mod tests;
