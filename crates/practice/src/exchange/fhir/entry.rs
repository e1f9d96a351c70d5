//! The resources that are entries of a record. Here: what all of them share, and AllergyIntolerance,
//! MedicationRequest, Condition and DocumentReference; `finding` reads Observation, `care` Immunization,
//! Procedure and Encounter. The source stays beside what is read from it, so nothing is dropped.

use serde_json::{Map, Value};

use super::datatypes::{ITEMS_MAX, WORDS_CHARS_MAX, concept, period};
use super::object::{At, Object};
use super::reference::Reference;
use super::{EntryImport, Reject, Resource, attachment, care, dosage, finding};
use crate::patients::model::{Concept, EntryBody, EntryKind, LINE_CHARS_MAX, Moment, is_blank};

pub(super) fn map(kind: EntryKind, id: String, map: Map<String, Value>, text: &str) -> Result<Resource, Reject> {
    let root = At::Root(kind.resource_type());
    let mut object = Object::new(map, &root);
    let patients_only = matches!(kind, EntryKind::Allergy | EntryKind::Immunisation);
    let name = if patients_only { "patient" } else { "subject" };
    let subject = subject(&mut object, name, kind)?;
    let Some(subject) = subject.filter(Reference::may_be_patient) else {
        if patients_only {
            return Err(root.field(name).reject("must be a patient"));
        }
        // About a group, a device, nobody: it belongs to no patient's record.
        let resource_type = kind.resource_type().to_owned();
        return Ok(Resource::Kept { resource_type, id, subject: None, raw: text.to_owned() });
    };
    let mut warnings = Vec::new();
    for (name, reason) in [
        ("modifierExtension", "changes the meaning of this entry in a way that is not known here"),
        ("implicitRules", "refers to rules that are not known here"),
    ] {
        if object.peek(name).is_some() {
            warnings.push(Reject { field: format!("{}.{name}", kind.resource_type()), reason: reason.into() });
        }
    }
    let base = EntryBody { qualified: !warnings.is_empty(), source: text.to_owned(), ..EntryBody::default() };
    let body = match kind {
        EntryKind::Allergy => allergy(&mut object, base),
        EntryKind::Medication => medication(&mut object, base),
        EntryKind::Problem => problem(&mut object, base),
        EntryKind::Document => document(&mut object, base),
        EntryKind::Immunisation => care::immunisation(&mut object, base),
        EntryKind::Observation => finding::observation(&mut object, base),
        EntryKind::Procedure => care::procedure(&mut object, base),
        EntryKind::Visit => care::visit(&mut object, base),
    }?;
    if body.concept.words().is_none() && body.description.as_deref().is_none_or(is_blank) {
        let what = match kind {
            EntryKind::Medication => "medication",
            EntryKind::Document | EntryKind::Visit => "type",
            EntryKind::Immunisation => "vaccineCode",
            EntryKind::Allergy | EntryKind::Problem | EntryKind::Observation | EntryKind::Procedure => "code",
        };
        warnings.push(Reject { field: format!("{}.{what}", kind.resource_type()), reason: "has no words".into() });
    }
    for (at, attachment) in body.attachments.iter().enumerate() {
        if let Some(unread) = attachment.unread {
            let field = format!("{}.content[{at}].attachment", kind.resource_type());
            warnings.push(Reject { field, reason: format!("is not readable as text ({})", unread.code()).into() });
        }
    }
    let occurred = [&body.began, &body.recorded, &body.ended].into_iter().flatten().next().map(Moment::earliest);
    Ok(Resource::Entry { subject, entry: Box::new(EntryImport { id, kind, occurred, body, warnings }) })
}

/// The patient that a resource of another type says it is about, by the names that FHIR uses.
pub(super) fn subject_of(map: &Map<String, Value>) -> Option<Reference> {
    ["subject", "patient", "beneficiary", "for"]
        .into_iter()
        .filter_map(|name| Reference::of(map.get(name)?, "Patient").ok())
        .find(Reference::may_be_patient)
}

fn subject(object: &mut Object<'_>, name: &'static str, kind: EntryKind) -> Result<Option<Reference>, Reject> {
    let at = object.at().field(name);
    match object.take(name) {
        Some(value) => {
            Reference::of(&value, "Patient").map(Some).map_err(|problem| at.field("reference").reject(problem))
        }
        // FHIR requires a subject of all but these.
        None if matches!(kind, EntryKind::Document | EntryKind::Observation | EntryKind::Visit) => Ok(None),
        None => Err(at.reject("is missing: nobody could tell whose entry it is")),
    }
}

fn allergy(object: &mut Object<'_>, base: EntryBody) -> Result<EntryBody, Reject> {
    let mut categories = object.lines("category", ITEMS_MAX, LINE_CHARS_MAX)?;
    categories.extend(object.line("type", LINE_CHARS_MAX)?);
    let onset = span(object, &Span::ONSET)?;
    Ok(EntryBody {
        concept: object.object("code", concept)?.unwrap_or_default(),
        clinical_status: status_code(object, "clinicalStatus")?,
        verification_status: status_code(object, "verificationStatus")?,
        criticality: object.line("criticality", LINE_CHARS_MAX)?,
        categories,
        reactions: object.objects("reaction", ITEMS_MAX, reaction)?,
        authors: names(object, &["recorder", "asserter"])?,
        recorded: object.moment("recordedDate")?,
        remarks: remarks(object)?,
        ..onset.into_body(base)
    })
}

/// "Wheal, Itching (severe): after the second tablet".
fn reaction(mut object: Object<'_>) -> Result<String, Reject> {
    let manifestations = object.objects("manifestation", ITEMS_MAX, concept)?;
    let shown: Vec<&str> = manifestations.iter().filter_map(Concept::words).collect();
    let mut words = shown.join(", ");
    if let Some(severity) = object.line("severity", LINE_CHARS_MAX)? {
        words = format!("{words} ({severity})");
    }
    if let Some(substance) = object.object("substance", concept)?.as_ref().and_then(Concept::words) {
        words = format!("{words}, to {substance}");
    }
    if let Some(description) = object.block("description", WORDS_CHARS_MAX)? {
        words = format!("{words}: {description}");
    }
    Ok(words)
}

fn problem(object: &mut Object<'_>, base: EntryBody) -> Result<EntryBody, Reject> {
    let onset = span(object, &Span::ONSET)?;
    let abated = object.object("abatementPeriod", period)?.and_then(|period| period.end);
    let ended = object.moment("abatementDateTime")?.or(abated).or_else(|| onset.until.clone());
    Ok(EntryBody {
        concept: object.object("code", concept)?.unwrap_or_default(),
        clinical_status: status_code(object, "clinicalStatus")?,
        verification_status: status_code(object, "verificationStatus")?,
        severity: object.object("severity", concept)?.as_ref().and_then(Concept::words).map(str::to_owned),
        categories: concepts(object, "category")?,
        authors: names(object, &["recorder", "asserter"])?,
        recorded: object.moment("recordedDate")?,
        remarks: remarks(object)?,
        ended,
        ..onset.into_body(base)
    })
}

fn medication(object: &mut Object<'_>, base: EntryBody) -> Result<EntryBody, Reject> {
    let mut reasons = concepts(object, "reasonCode")?;
    reasons.extend(names_in(object, "reasonReference")?);
    Ok(EntryBody {
        concept: medicine(object)?,
        status: object.line("status", LINE_CHARS_MAX)?,
        intent: object.line("intent", LINE_CHARS_MAX)?,
        do_not_give: object.boolean("doNotPerform")?.unwrap_or(false),
        categories: concepts(object, "category")?,
        dosage: object.objects("dosageInstruction", ITEMS_MAX, dosage::instruction)?,
        reasons,
        authors: names(object, &["requester", "recorder"])?,
        began: object.moment("authoredOn")?,
        remarks: remarks(object)?,
        ..base
    })
}

/// The medication: a concept, a contained Medication's code, or the words beside a reference.
fn medicine(object: &mut Object<'_>) -> Result<Concept, Reject> {
    if let Some(found) = object.object("medicationCodeableConcept", concept)? {
        return Ok(found);
    }
    let Some(reference) = object.take("medicationReference") else { return Ok(Concept::default()) };
    let inside = reference.get("reference").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
    if let Some(id) = inside.map(str::to_owned) {
        let contained = object.objects("contained", ITEMS_MAX, |mut object| {
            let ours = object.peek("id").and_then(Value::as_str) == Some(&id);
            if ours { object.object("code", concept) } else { Ok(None) }
        })?;
        if let Some(found) = contained.into_iter().flatten().next() {
            return Ok(found);
        }
    }
    let at = object.at().field("medicationReference");
    Ok(Concept { text: display(Object::of(reference, &at)?)?, ..Concept::default() })
}

fn document(object: &mut Object<'_>, mut base: EntryBody) -> Result<EntryBody, Reject> {
    let context = object.object("context", |mut context| context.object("period", period))?.flatten();
    let (began, ended) = context.map(|period| (period.start, period.end)).unwrap_or_default();
    let attachments = attachment::contents(object, &mut base.source)?;
    Ok(EntryBody {
        concept: object.object("type", concept)?.unwrap_or_default(),
        description: object.block("description", WORDS_CHARS_MAX)?,
        status: object.line("status", LINE_CHARS_MAX)?,
        document_status: object.line("docStatus", LINE_CHARS_MAX)?,
        categories: concepts(object, "category")?,
        authors: names_in(object, "author")?,
        custodian: object.object("custodian", display)?.flatten(),
        recorded: object.moment("date")?,
        began,
        ended,
        attachments,
        ..base
    })
}

/// The names that one `when[x]` of FHIR has, a form each.
pub(super) struct Span {
    moments: &'static [&'static str],
    period: Option<&'static str>,
    age: Option<&'static str>,
    words: Option<&'static str>,
    /// A form that has no words here, and what is said instead.
    other: Option<(&'static str, &'static str)>,
}

impl Span {
    const ONSET: Self = Self {
        moments: &["onsetDateTime"],
        period: Some("onsetPeriod"),
        age: Some("onsetAge"),
        words: Some("onsetString"),
        other: Some(("onsetRange", "over a range of ages: more in the source")),
    };
    pub(super) const EFFECTIVE: Self = Self {
        moments: &["effectiveDateTime", "effectiveInstant"],
        period: Some("effectivePeriod"),
        age: None,
        words: None,
        other: Some(("effectiveTiming", "at several times: more in the source")),
    };
    pub(super) const OCCURRENCE: Self = Self {
        moments: &["occurrenceDateTime"],
        period: None,
        age: None,
        words: Some("occurrenceString"),
        other: None,
    };
    pub(super) const PERFORMED: Self = Self {
        moments: &["performedDateTime"],
        period: Some("performedPeriod"),
        age: Some("performedAge"),
        words: Some("performedString"),
        other: Some(("performedRange", "over a range of ages: more in the source")),
    };
}

/// When something was, whichever way it is said.
#[derive(Default)]
pub(super) struct When {
    pub(super) began: Option<Moment>,
    pub(super) until: Option<Moment>,
    pub(super) words: Option<String>,
}

impl When {
    /// The body with its beginning. What the end means differs: of an onset it is not the end of the illness.
    pub(super) fn into_body(self, base: EntryBody) -> EntryBody {
        EntryBody { began: self.began, began_words: self.words, ..base }
    }
}

pub(super) fn span(object: &mut Object<'_>, names: &Span) -> Result<When, Reject> {
    let spanned = match names.period {
        Some(name) => object.object(name, period)?,
        None => None,
    };
    let mut began = None;
    for name in names.moments {
        began = began.or(object.moment(name)?);
    }
    let began = began.or_else(|| spanned.as_ref().and_then(|period| period.start.clone()));
    let until = spanned.and_then(|period| period.end);
    let age = names.age.and_then(|name| object.take(name));
    let age = age.as_ref().and_then(|age| {
        let unit = age.get("unit").or_else(|| age.get("code")).and_then(Value::as_str).filter(|unit| unit.len() <= 50);
        Some(format!("at age {} {}", age.get("value")?.as_f64()?, unit.unwrap_or_default()).trim_end().to_owned())
    });
    let other = names.other.and_then(|(name, said)| object.peek(name).map(|_| said.to_owned()));
    let words = match names.words {
        Some(name) => object.block(name, WORDS_CHARS_MAX)?,
        None => None,
    };
    Ok(When { began, until, words: words.or(age).or(other) })
}

/// A status that FHIR gives as a concept: its code.
fn status_code(object: &mut Object<'_>, name: &'static str) -> Result<Option<String>, Reject> {
    let found = object.object(name, concept)?;
    Ok(found.and_then(|found| found.code().or(found.text.as_deref()).map(str::to_owned)))
}

pub(super) fn concepts(object: &mut Object<'_>, name: &'static str) -> Result<Vec<String>, Reject> {
    let found = object.objects(name, ITEMS_MAX, concept)?;
    Ok(found.iter().filter_map(Concept::words).map(str::to_owned).collect())
}

pub(super) fn remarks(object: &mut Object<'_>) -> Result<Vec<String>, Reject> {
    let notes = object.objects("note", ITEMS_MAX, |mut note| note.block("text", WORDS_CHARS_MAX))?;
    Ok(notes.into_iter().flatten().filter(|note| !is_blank(note)).collect())
}

/// The words beside a reference.
pub(super) fn display(mut object: Object<'_>) -> Result<Option<String>, Reject> {
    Ok(object.line("display", LINE_CHARS_MAX)?.filter(|words| !is_blank(words)))
}

pub(super) fn names(object: &mut Object<'_>, fields: &[&'static str]) -> Result<Vec<String>, Reject> {
    let mut names: Vec<String> = Vec::new();
    for field in fields {
        let name = object.object(field, display)?.flatten();
        names.extend(name.filter(|name| !names.contains(name)));
    }
    Ok(names)
}

/// The words beside each reference of a list.
pub(super) fn names_in(object: &mut Object<'_>, field: &'static str) -> Result<Vec<String>, Reject> {
    Ok(object.objects(field, ITEMS_MAX, display)?.into_iter().flatten().collect())
}

/// The words of a concept, if there are any.
pub(super) fn words_of(concept: Option<Concept>) -> Vec<String> {
    concept.as_ref().and_then(Concept::words).map(str::to_owned).into_iter().collect()
}
