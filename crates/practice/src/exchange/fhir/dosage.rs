//! How a medication is taken, in one line. The source's own words come first; where it gives only
//! structure, that is put into words, and whatever has no words here is pointed to: a dosage must
//! never look complete when it is not.

use serde_json::{Map, Value};

use super::Reject;
use super::datatypes::{WORDS_CHARS_MAX, concept};
use super::object::Object;
use crate::patients::model::Concept;

const MORE: &str = "more in the source";

/// Reads one `dosageInstruction`.
pub(super) fn instruction(mut object: Object<'_>) -> Result<String, Reject> {
    let text = object.block("text", WORDS_CHARS_MAX)?;
    let patient_words = object.block("patientInstruction", WORDS_CHARS_MAX)?;
    let additional = object.objects("additionalInstruction", 20, concept)?;
    let route = object.object("route", concept)?;
    let as_needed = object.boolean("asNeededBoolean")?.unwrap_or(false);
    let as_needed_for = object.object("asNeededCodeableConcept", concept)?;
    let _sequence = object.positive("sequence")?;
    let mut words = Vec::new();
    let mut complete = true;
    if let Some(text) = text {
        words.push(text);
    } else {
        let dose = object.take("doseAndRate");
        let timing = object.take("timing");
        complete &= dose.as_ref().is_none_or(|dose| doses(dose, &mut words));
        words.extend(route.as_ref().and_then(Concept::words).map(str::to_owned));
        complete &= timing.as_ref().is_none_or(|timing| times(timing, &mut words));
        match as_needed_for.as_ref() {
            Some(reason) => words.push(format!("as needed for {}", reason.words().unwrap_or("a reason given"))),
            None if as_needed => words.push("as needed".to_owned()),
            None => {}
        }
        complete &= object.rest().keys().all(|name| matches!(name.as_str(), "id" | "extension"));
    }
    words.extend(additional.iter().filter_map(Concept::words).map(str::to_owned));
    words.extend(patient_words);
    if !complete || words.is_empty() {
        words.push(MORE.to_owned());
    }
    Ok(words.join(", "))
}

/// Puts doses into words; false if something of them is left unsaid.
fn doses(value: &Value, words: &mut Vec<String>) -> bool {
    let Some([Value::Object(dose)]) = value.as_array().map(Vec::as_slice) else { return false };
    let said = match (dose.get("doseQuantity").and_then(quantity), dose.get("doseRange")) {
        (Some(dose), None) => Some(dose),
        (None, Some(range)) => {
            let end = |name| range.get(name).and_then(quantity);
            end("low").zip(end("high")).map(|(low, high)| format!("{low} to {high}"))
        }
        _ => None,
    };
    let complete = only(dose, &["type", "doseQuantity", "doseRange"]) && said.is_some();
    words.extend(said);
    complete
}

fn quantity(value: &Value) -> Option<String> {
    // A comparator ("<") changes what the number means: left to the source.
    if value.get("comparator").is_some() {
        return None;
    }
    let number = value.get("value")?.as_f64()?;
    let text = |name| value.get(name).and_then(Value::as_str);
    Some(match text("unit").or_else(|| text("code")) {
        Some(unit) if unit.len() <= 100 => format!("{number} {unit}"),
        _ => number.to_string(),
    })
}

/// Puts a timing into words; false if something of it is left unsaid.
fn times(value: &Value, words: &mut Vec<String>) -> bool {
    let Value::Object(timing) = value else { return false };
    let Some(Value::Object(repeat)) = timing.get("repeat") else {
        let code = timing.get("code");
        let text = code.and_then(|code| code.get("text").or_else(|| code.get("coding")?.get(0)?.get("display")));
        words.extend(text.and_then(Value::as_str).filter(|text| text.len() <= 1_000).map(str::to_owned));
        return text.is_some() && only(timing, &["code"]);
    };
    let number = |name| repeat.get(name).map_or(Some(1.0), Value::as_f64);
    let unit = match repeat.get("periodUnit").and_then(Value::as_str) {
        Some("s") => "second",
        Some("min") => "minute",
        Some("h") => "hour",
        Some("d") => "day",
        Some("wk") => "week",
        Some("mo") => "month",
        Some("a") => "year",
        _ => return false,
    };
    let (Some(frequency), Some(period)) = (number("frequency"), number("period")) else { return false };
    let often = match frequency {
        1.0 => "once".to_owned(),
        2.0 => "twice".to_owned(),
        _ => format!("{frequency} times"),
    };
    words.push(match period {
        1.0 if unit == "hour" => format!("{often} an hour"),
        1.0 => format!("{often} a {unit}"),
        _ => format!("{often} every {period} {unit}s"),
    });
    only(repeat, &["frequency", "period", "periodUnit"]) && only(timing, &["repeat", "code"])
}

fn only(map: &Map<String, Value>, names: &[&str]) -> bool {
    map.keys().all(|name| names.contains(&name.as_str()) || matches!(name.as_str(), "id" | "extension"))
}
