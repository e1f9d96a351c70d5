//! Patient, in full: what has a room of its own is typed, the rest stays as FHIR JSON.

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::object::{At, Object};
use super::reference::Reference;
use super::{IN_USE, PatientImport, RESTRICTED, Reject, Replacing, datatypes};
use crate::patients::identifiers::{Identifier, IdentifierKind};
use crate::patients::model::{BirthDate, Deceased, Demographics, Gender, LINE_CHARS_MAX, is_blank, line};

/// Beyond this a birth date is taken, and mentioned.
const AGE_YEARS_MAX: i16 = 130;
pub(super) const PRONOUNS: &str = "http://hl7.org/fhir/StructureDefinition/individual-pronouns";

pub(super) fn map(id: String, map: Map<String, Value>, today: Date) -> Result<PatientImport, Reject> {
    let root = At::Root("Patient");
    let mut object = Object::new(map, &root);
    let mut warnings = Vec::new();
    drop(object.take("resourceType"));
    drop(object.take("id"));

    let identifiers = identifiers(&mut object, &mut warnings)?;
    let active = object.boolean("active")?.unwrap_or(true);
    let names = object.objects("name", datatypes::ITEMS_MAX, datatypes::human_name)?;
    if names.iter().all(|name| is_blank(&name.display())) {
        warnings.push(root.field("name").reject("is missing"));
    }
    let deceased = deceased(&mut object)?;
    let birth = birth(&mut object, today)?;
    if deceased.is_none() && birth.is_some_and(|birth| birth.is_older_than(AGE_YEARS_MAX, today)) {
        warnings.push(root.field("birthDate").reject("lies more than 130 years back"));
    }
    let pronouns = object.peek("extension").and_then(pronouns);
    let restricted = mark(&mut object, RESTRICTED) == Some(true);
    let in_use = mark(&mut object, IN_USE);
    let (replacing, linked) = replacing(&object, in_use);
    let demographics = Demographics {
        names,
        birth,
        gender: object.code("gender", Gender::ALL, Gender::code)?,
        pronouns,
        deceased,
        contacts: object.objects("telecom", datatypes::ITEMS_MAX, datatypes::contact_point)?,
        addresses: object.objects("address", datatypes::ITEMS_MAX, datatypes::address)?,
        languages: object.objects("communication", datatypes::ITEMS_MAX, datatypes::language)?,
        marital: object.object("maritalStatus", datatypes::concept)?,
        rest: Value::Null,
    };
    for (name, reason) in [
        ("modifierExtension", "changes the meaning of this record in a way that is not known here"),
        ("implicitRules", "refers to rules that are not known here"),
    ] {
        if object.peek(name).is_some() {
            warnings.push(Reject { field: format!("Patient.{name}"), reason: reason.into() });
        }
    }
    if linked {
        warnings.push(root.field("link").reject("says that this record is linked with another"));
    }
    let rest = object.rest();
    let rest = if rest.is_empty() { Value::Null } else { Value::Object(rest) };
    let demographics = Demographics { rest, ..demographics };
    Ok(PatientImport { id, active, demographics, identifiers, alerts: Vec::new(), restricted, replacing, warnings })
}

/// What an extension of our own says. It is taken out: whether it is so here stands in a column.
fn mark(object: &mut Object<'_>, url: &str) -> Option<bool> {
    let says = |extension: &Value| {
        let ours = extension.get("url").and_then(Value::as_str) == Some(url);
        extension.get("valueBoolean").and_then(Value::as_bool).filter(|_| ours)
    };
    let said = object.peek("extension").and_then(Value::as_array)?.iter().find_map(says)?;
    if let Some(Value::Array(mut all)) = object.take("extension") {
        all.retain(|extension| says(extension).is_none());
        if !all.is_empty() {
            object.put("extension", all.into());
        }
    }
    Some(said)
}

/// Which records it replaces, and which replace it; and whether it is linked with any in another way. The links
/// themselves stay in the rest.
fn replacing(object: &Object<'_>, in_use: Option<bool>) -> (Replacing, bool) {
    let mut said = Replacing { in_use, ..Replacing::default() };
    let mut linked = false;
    for link in object.peek("link").and_then(Value::as_array).into_iter().flatten() {
        let other = link.get("other").and_then(|other| Reference::of(other, "Patient").ok());
        match (link.get("type").and_then(Value::as_str), other) {
            (Some("replaced-by"), Some(other)) => said.by.push(other),
            (Some("replaces"), Some(other)) => said.of.push(other),
            _ => linked = true,
        }
    }
    (said, linked)
}

fn birth(object: &mut Object<'_>, today: Date) -> Result<Option<BirthDate>, Reject> {
    let at = object.at().field("birthDate");
    let Some(value) = object.take("birthDate") else { return Ok(None) };
    let text = value.as_str().ok_or_else(|| at.reject("must be text"))?;
    let birth = BirthDate::parse(text).map_err(|problem| at.reject(problem.to_string()))?;
    if birth.is_after(today) { Err(at.reject("lies in the future")) } else { Ok(Some(birth)) }
}

fn deceased(object: &mut Object<'_>) -> Result<Option<Deceased>, Reject> {
    let boolean = object.boolean("deceasedBoolean")?;
    let moment = object.moment("deceasedDateTime")?;
    match (boolean, moment) {
        (Some(_), Some(_)) => Err(object.at().field("deceased").reject("is given twice: as yes or no, and as a date")),
        (Some(boolean), None) => Ok(Some(Deceased::Boolean(boolean))),
        (None, moment) => Ok(moment.map(Deceased::DateTime)),
    }
}

/// The identifiers that carry a value; the others go back, to be kept with the rest.
fn identifiers(object: &mut Object<'_>, warnings: &mut Vec<Reject>) -> Result<Vec<Identifier>, Reject> {
    let mut found = Vec::new();
    let left: Vec<Option<Value>> = object.list("identifier", datatypes::IDENTIFIERS_MAX, |item, at| {
        let mut object = Object::of(item, at)?;
        if object.peek("value").is_none() {
            return Ok(Some(Value::Object(object.rest())));
        }
        let system = object.line("system", LINE_CHARS_MAX)?;
        let value = object.line("value", LINE_CHARS_MAX)?.unwrap_or_default();
        let kind = IdentifierKind::from_fhir(system.as_deref(), &type_codes(&object));
        if kind.normalised(&value).is_empty() {
            return Err(at.field("value").reject("is empty"));
        }
        let verified = match kind.check(&value) {
            Ok(()) => true,
            Err(flaw) => {
                let reason = format!("{flaw} ({}): kept, and marked unverified", kind.label());
                warnings.push(at.field("value").reject(reason));
                false
            }
        };
        found.push(Identifier { kind, system, value, verified, extra: object.rest() });
        Ok(None)
    })?;
    let left: Vec<Value> = left.into_iter().flatten().collect();
    if !left.is_empty() {
        object.put("identifier", Value::Array(left));
    }
    Ok(found)
}

/// The codes of HL7 table 0203 in an identifier's type.
fn type_codes<'a>(identifier: &'a Object<'_>) -> Vec<&'a str> {
    let codings = identifier.peek("type").and_then(|kind| kind.get("coding")).and_then(Value::as_array);
    let ours = |coding: &&Value| {
        let system = coding.get("system").and_then(Value::as_str).unwrap_or_default();
        matches!(system, "http://terminology.hl7.org/CodeSystem/v2-0203" | "http://hl7.org/fhir/v2/0203")
    };
    codings.into_iter().flatten().filter(ours).filter_map(|coding| coding.get("code")?.as_str()).collect()
}

/// The pronouns of the extension that FHIR R5 has for them; the extension itself stays in the rest.
pub(super) fn pronouns(extensions: &Value) -> Option<String> {
    let with_url = |value: &Value, url: &str| value.get("url").and_then(Value::as_str) == Some(url);
    let extension = extensions.as_array()?.iter().find(|extension| with_url(extension, PRONOUNS))?;
    let value = extension.get("extension")?.as_array()?.iter().find(|part| with_url(part, "value"))?;
    let concept = value.get("valueCodeableConcept")?;
    let coded = || concept.get("coding")?.get(0)?.get("display");
    let words = concept.get("text").or_else(coded)?.as_str()?;
    line(words, 100).ok().filter(|words| !is_blank(words))
}
