//! Observation: what was measured or found, with its parts. A value whose form has no words here is
//! pointed to, and what was not measured says so: a finding must never look like another.

use serde_json::Value;

use super::Reject;
use super::datatypes::{ITEMS_MAX, WORDS_CHARS_MAX, concept, period};
use super::entry::{self, Span, concepts, names_in, remarks, words_of};
use super::object::Object;
use crate::patients::model::{
    Comparator, Concept, EntryBody, Finding, LINE_CHARS_MAX, Moment, Quantity, Reading, UCUM, is_blank,
};

const MORE: &str = "more in the source";
/// The most parts that one observation may have: a long questionnaire.
const PARTS_MAX: usize = 200;

/// The forms that a value can have in FHIR R4, of which a resource may have one.
const VALUES: [&str; 11] = [
    "valueQuantity",
    "valueCodeableConcept",
    "valueString",
    "valueBoolean",
    "valueInteger",
    "valueRange",
    "valueRatio",
    "valueSampledData",
    "valueTime",
    "valueDateTime",
    "valuePeriod",
];

pub(super) fn observation(object: &mut Object<'_>, base: EntryBody) -> Result<EntryBody, Reject> {
    let about = object.object("code", concept)?.unwrap_or_default();
    let own = reading(object, about.clone())?;
    let parts = object.objects("component", PARTS_MAX, |mut part| {
        let about = part.object("code", concept)?.unwrap_or_default();
        reading(&mut part, about)
    })?;
    // Why a panel itself has no value says nothing where its parts have theirs.
    let own = Some(own).filter(|own| own.value.is_some() || (parts.is_empty() && *own != Reading::of(&about)));
    let span = entry::span(object, &Span::EFFECTIVE)?;
    Ok(EntryBody {
        status: object.line("status", LINE_CHARS_MAX)?,
        categories: concepts(object, "category")?,
        sites: words_of(object.object("bodySite", concept)?),
        methods: words_of(object.object("method", concept)?),
        authors: names_in(object, "performer")?,
        recorded: object.moment("issued")?,
        remarks: remarks(object)?,
        readings: own.into_iter().chain(parts).collect(),
        concept: about,
        ended: span.until.clone(),
        ..span.into_body(base)
    })
}

impl Reading {
    fn of(about: &Concept) -> Self {
        Self { concept: about.clone(), ..Self::default() }
    }
}

fn reading(object: &mut Object<'_>, about: Concept) -> Result<Reading, Reject> {
    Ok(Reading {
        value: value(object)?,
        absent: words_of(object.object("dataAbsentReason", concept)?).pop(),
        flags: object.objects("interpretation", ITEMS_MAX, concept)?.iter().filter_map(flag).collect(),
        usual: object.objects("referenceRange", ITEMS_MAX, usual)?,
        concept: about,
    })
}

fn value(object: &mut Object<'_>) -> Result<Option<Finding>, Reject> {
    let given = VALUES.iter().filter(|name| object.peek(name).is_some()).count();
    if given > 1 {
        return Err(object.at().field("value").reject("is given more than once"));
    }
    if let Some(found) = object.object("valueQuantity", quantity)? {
        // A unit without a number, or a number that the source gives in an extension.
        return Ok(Some(found.map_or_else(|| Finding::Words(MORE.to_owned()), Finding::Quantity)));
    }
    let number = |number: Value| match number {
        Value::Number(value) => Some(Finding::Quantity(Quantity { value, comparator: None, unit: None, ucum: None })),
        _ => None,
    };
    if let Some(value) = object.take("valueInteger") {
        let at = object.at().field("valueInteger");
        return number(value).map(Some).ok_or_else(|| at.reject("must be a number"));
    }
    let words = match object.object("valueCodeableConcept", concept)? {
        Some(found) => Some(found.words().unwrap_or(MORE).to_owned()),
        None => object.block("valueString", WORDS_CHARS_MAX)?,
    };
    let words = words.or(object.boolean("valueBoolean")?.map(|yes| if yes { "yes" } else { "no" }.to_owned()));
    let words = words.or(object.object("valueRange", range)?);
    let words = words.or(object.object("valueRatio", ratio)?);
    let words = words.or(object.take("valueSampledData").map(|_| format!("a recorded signal: {MORE}")));
    let words = words.or(object.line("valueTime", 30)?);
    let words = words.or(object.moment("valueDateTime")?.map(|moment| moment.to_string()));
    let words = words.or(object.object("valuePeriod", spoken_period)?);
    Ok(words.filter(|words| !is_blank(words)).map(Finding::Words))
}

/// A quantity; nothing if it has no number.
pub(super) fn quantity(mut object: Object<'_>) -> Result<Option<Quantity>, Reject> {
    let value = match object.take("value") {
        None => None,
        Some(Value::Number(number)) => Some(number),
        Some(_) => return Err(object.at().field("value").reject("must be a number")),
    };
    let comparator = object.code("comparator", Comparator::ALL, Comparator::code)?;
    let unit = object.line("unit", LINE_CHARS_MAX)?;
    let code = object.line("code", LINE_CHARS_MAX)?;
    let ucum = object.line("system", LINE_CHARS_MAX)?.as_deref() == Some(UCUM);
    // A code of another system is a word like any other.
    let (unit, ucum) = if ucum { (unit, code) } else { (unit.or(code), None) };
    Ok(value.map(|value| Quantity { value, comparator, unit, ucum }))
}

/// "3.5 mmol/L to 5.1 mmol/L", "at least 90 %".
fn range(mut object: Object<'_>) -> Result<String, Reject> {
    let low = object.object("low", quantity)?.flatten().map(|low| low.words());
    let high = object.object("high", quantity)?.flatten().map(|high| high.words());
    Ok(match (low, high) {
        (Some(low), Some(high)) => format!("{low} to {high}"),
        (Some(low), None) => format!("at least {low}"),
        (None, Some(high)) => format!("at most {high}"),
        (None, None) => MORE.to_owned(),
    })
}

/// "1 : 128".
fn ratio(mut object: Object<'_>) -> Result<String, Reject> {
    let upper = object.object("numerator", quantity)?.flatten();
    let lower = object.object("denominator", quantity)?.flatten();
    Ok(match (upper, lower) {
        (Some(upper), Some(lower)) => format!("{} : {}", upper.words(), lower.words()),
        _ => MORE.to_owned(),
    })
}

fn spoken_period(object: Object<'_>) -> Result<String, Reject> {
    let period = period(object)?;
    let said = |moment: Option<&Moment>| moment.map_or_else(|| "…".to_owned(), ToString::to_string);
    Ok(format!("{} to {}", said(period.start.as_ref()), said(period.end.as_ref())))
}

/// What is usual, in words: the source's own, else the limits; for whom it is usual stands beside it.
fn usual(mut object: Object<'_>) -> Result<String, Reject> {
    let text = object.block("text", WORDS_CHARS_MAX)?.filter(|text| !is_blank(text));
    let kind = object.object("type", concept)?;
    let whom: Vec<String> = concepts(&mut object, "appliesTo")?;
    let age = object.object("age", range)?;
    let mut words = match text {
        Some(text) => text,
        None => range(object)?,
    };
    // That a range is the normal one is what everybody assumes of a range.
    let normal = kind.as_ref().is_none_or(|kind| kind.code() == Some("normal"));
    if let Some(kind) = kind.as_ref().filter(|_| !normal).and_then(Concept::words) {
        words = format!("{kind}: {words}");
    }
    let for_whom: Vec<String> = whom.into_iter().chain(age.map(|age| format!("age {age}"))).collect();
    if !for_whom.is_empty() {
        words = format!("{words} ({})", for_whom.join(", "));
    }
    Ok(words)
}

/// An interpretation in words: those of the source, else those of the code (HL7 `ObservationInterpretation`).
fn flag(concept: &Concept) -> Option<String> {
    let bare = concept.text.is_none() && concept.coding.iter().all(|coding| coding.display.is_none());
    let known = match concept.code().filter(|_| bare) {
        Some("N") => "Normal",
        Some("A") => "Abnormal",
        Some("AA") => "Critically abnormal",
        Some("H") => "High",
        Some("HH") => "Critically high",
        Some("L") => "Low",
        Some("LL") => "Critically low",
        Some("POS") => "Positive",
        Some("NEG") => "Negative",
        _ => concept.words()?,
    };
    Some(known.to_owned())
}
