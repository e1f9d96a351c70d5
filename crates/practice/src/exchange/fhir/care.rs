//! Immunization, Procedure and Encounter: what was done, when, by whom and where.

use super::Reject;
use super::datatypes::{ITEMS_MAX, concept, period};
use super::entry::{self, Span, concepts, display, names, names_in, remarks, words_of};
use super::finding::quantity;
use super::object::Object;
use crate::patients::model::{Concept, EntryBody, LINE_CHARS_MAX, Quantity, is_blank};

pub(super) fn immunisation(object: &mut Object<'_>, base: EntryBody) -> Result<EntryBody, Reject> {
    let dose = object.object("doseQuantity", quantity)?.flatten().as_ref().map(Quantity::words);
    let series = object.objects("protocolApplied", ITEMS_MAX, series)?;
    let authors = performers(object)?;
    let span = entry::span(object, &Span::OCCURRENCE)?;
    Ok(EntryBody {
        concept: object.object("vaccineCode", concept)?.unwrap_or_default(),
        status: object.line("status", LINE_CHARS_MAX)?,
        status_reasons: words_of(object.object("statusReason", concept)?),
        dosage: dose.into_iter().chain(series.into_iter().flatten()).collect(),
        reasons: concepts(object, "reasonCode")?,
        sites: words_of(object.object("site", concept)?),
        methods: words_of(object.object("route", concept)?),
        places: names(object, &["location"])?,
        maker: names(object, &["manufacturer"])?.pop(),
        lot: object.line("lotNumber", LINE_CHARS_MAX)?,
        expires: object.moment("expirationDate")?,
        authors,
        recorded: object.moment("recorded")?,
        remarks: remarks(object)?,
        ..span.into_body(base)
    })
}

/// Who did it, by name.
fn performers(object: &mut Object<'_>) -> Result<Vec<String>, Reject> {
    let found = object.objects("performer", ITEMS_MAX, |mut by| by.object("actor", display))?;
    Ok(found.into_iter().flatten().flatten().collect())
}

/// "dose 2 of 3".
fn series(mut object: Object<'_>) -> Result<Option<String>, Reject> {
    let mut number = |named: [&'static str; 2]| -> Result<Option<String>, Reject> {
        let [counted, told] = named;
        let number = object.positive(counted)?.map(|number| number.to_string());
        Ok(number.or(object.line(told, LINE_CHARS_MAX)?))
    };
    let dose = number(["doseNumberPositiveInt", "doseNumberString"])?;
    let all = number(["seriesDosesPositiveInt", "seriesDosesString"])?;
    Ok(match (dose, all) {
        (Some(dose), Some(all)) => Some(format!("dose {dose} of {all}")),
        (Some(dose), None) => Some(format!("dose {dose}")),
        (None, _) => None,
    })
}

pub(super) fn procedure(object: &mut Object<'_>, base: EntryBody) -> Result<EntryBody, Reject> {
    let mut authors = performers(object)?;
    for name in names(object, &["recorder", "asserter"])? {
        if !authors.contains(&name) {
            authors.push(name);
        }
    }
    let mut outcomes = words_of(object.object("outcome", concept)?);
    outcomes.extend(concepts(object, "complication")?);
    let span = entry::span(object, &Span::PERFORMED)?;
    Ok(EntryBody {
        concept: object.object("code", concept)?.unwrap_or_default(),
        status: object.line("status", LINE_CHARS_MAX)?,
        status_reasons: words_of(object.object("statusReason", concept)?),
        categories: words_of(object.object("category", concept)?),
        reasons: reasons(object)?,
        sites: concepts(object, "bodySite")?,
        places: names(object, &["location"])?,
        outcomes,
        authors,
        remarks: remarks(object)?,
        ended: span.until.clone(),
        ..span.into_body(base)
    })
}

pub(super) fn visit(object: &mut Object<'_>, base: EntryBody) -> Result<EntryBody, Reject> {
    let class = object.object("class", super::datatypes::coding)?;
    let class = class.map(|coding| Concept { coding: vec![coding], ..Concept::default() });
    let class_words = class.as_ref().and_then(class_words);
    let mut types = object.objects("type", ITEMS_MAX, concept)?.into_iter().filter(|kind| kind.words().is_some());
    // A visit of which only the class is known is called by it.
    let named = Concept { text: class_words.clone(), ..class.unwrap_or_default() };
    let about = types.next().unwrap_or(named);
    let mut categories: Vec<String> = class_words.into_iter().collect();
    categories.extend(types.filter_map(|kind| kind.words().map(str::to_owned)));
    categories.extend(words_of(object.object("serviceType", concept)?));
    let period = object.object("period", period)?.unwrap_or_default();
    let mut reasons = reasons(object)?;
    for diagnosis in object.objects("diagnosis", ITEMS_MAX, |mut found| found.object("condition", display))? {
        reasons.extend(diagnosis.flatten().filter(|words| !reasons.contains(words)));
    }
    let mut places = Vec::new();
    for place in object.objects("location", ITEMS_MAX, |mut stay| stay.object("location", display))? {
        places.extend(place.flatten().filter(|name| !places.contains(name)));
    }
    let mut authors = Vec::new();
    for person in object.objects("participant", ITEMS_MAX, participant)? {
        authors.extend(person.filter(|name| !authors.contains(name)));
    }
    let left = object.object("hospitalization", |mut stay| stay.object("dischargeDisposition", concept))?;
    Ok(EntryBody {
        concept: about,
        status: object.line("status", LINE_CHARS_MAX)?,
        categories,
        reasons,
        places,
        outcomes: words_of(left.flatten()),
        authors,
        custodian: object.object("serviceProvider", display)?.flatten(),
        began: period.start,
        ended: period.end,
        ..base
    })
}

/// "Dr Ng", or "Dr Ng (consultant)" where they were not simply the one who saw the patient.
fn participant(mut object: Object<'_>) -> Result<Option<String>, Reject> {
    let kinds = object.objects("type", ITEMS_MAX, concept)?;
    let Some(name) = object.object("individual", display)?.flatten() else { return Ok(None) };
    let plain = |kind: &&Concept| !matches!(kind.code(), Some("PPRF" | "ATND" | "PART"));
    let part = kinds.iter().find(plain).and_then(Concept::words);
    Ok(Some(part.map_or_else(|| name.clone(), |part| format!("{name} ({part})"))))
}

/// The class of a visit in words: those of the source, else those of the code (HL7 `v3-ActEncounterCode`).
fn class_words(class: &Concept) -> Option<String> {
    let displayed = class.coding.iter().find_map(|coding| coding.display.as_deref()).filter(|words| !is_blank(words));
    let known = match displayed {
        Some(words) => words,
        None => match class.code()? {
            "AMB" => "Outpatient",
            "EMER" => "Emergency",
            "FLD" => "In the field",
            "HH" => "At home",
            "IMP" => "Inpatient",
            "ACUTE" => "Inpatient, acute",
            "NONAC" => "Inpatient, not acute",
            "OBSENC" => "Observation",
            "PRENC" => "Before admission",
            "SS" => "Short stay",
            "VR" => "Remote",
            other => other,
        },
    };
    Some(known.to_owned())
}

/// Why something was done: as concepts, and as the words beside references.
pub(super) fn reasons(object: &mut Object<'_>) -> Result<Vec<String>, Reject> {
    let mut reasons = concepts(object, "reasonCode")?;
    for name in names_in(object, "reasonReference")? {
        if !reasons.contains(&name) {
            reasons.push(name);
        }
    }
    Ok(reasons)
}
