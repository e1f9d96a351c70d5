use jiff::tz::{TimeZone, offset};
use kernel::{EntryId, PatientId};
use serde_json::Value;

use super::forms::{AllergyForm, EndingForm, ImmunisationForm, MeasurementForm, MedicationForm, Place, ProblemForm};
use super::*;
use crate::exchange::fhir::{Resource, read};
use crate::patients::model::{DateOrder, EntryBody, EntryKind, FieldError};
use crate::patients::rows::{Entry, EntryContent};

fn place() -> Place {
    Place {
        order: DateOrder::DayMonthYear,
        zone: TimeZone::fixed(offset(2)),
        now: "2026-11-22T12:02:31Z".parse().unwrap(),
    }
}

/// What becomes of a draft: the entry, which the reader takes without a word of warning.
fn written(draft: &Draft) -> (Entry, EntryBody) {
    let (id, patient) = (EntryId::from_uuid(uuid::Uuid::from_u128(7)), PatientId::from_uuid(uuid::Uuid::from_u128(8)));
    let entry = draft.entry(id, patient, "Dr Naidoo", place().now).unwrap();
    let body = match &entry.body {
        EntryContent::Read(body) => (**body).clone(),
        EntryContent::Kept { .. } => panic!("read"),
    };
    let (_, again) = read(body.source.as_bytes(), jiff::civil::Date::MAX).unwrap();
    let Resource::Entry { entry: again, subject } = again else { panic!("an entry") };
    assert!(again.warnings.is_empty() && again.body == body && subject.may_be_patient());
    assert!(!body.source.contains("null"), "{}", body.source);
    (entry, body)
}

fn one(drafts: Result<Vec<Draft>, Vec<FieldError>>) -> EntryBody {
    written(&drafts.unwrap()[0]).1
}

fn resource(body: &EntryBody) -> Value {
    serde_json::from_str(&body.source).unwrap()
}

fn fields(errors: &[FieldError]) -> Vec<&'static str> {
    errors.iter().map(|error| error.field).collect()
}

fn text(text: &str) -> String {
    text.to_owned()
}

#[test]
fn an_allergy_is_written_as_it_would_be_read_from_an_import() {
    let form = AllergyForm {
        substance: text(" Penicillin "),
        category: text("medication"),
        criticality: text("high"),
        reaction: text("Wheal"),
        severity: text("severe"),
        began: text("5/2019"),
        remark: text("Twice."),
        ..AllergyForm::default()
    };
    let body = one(form.parse(&place()));
    assert_eq!((body.title().as_str(), body.criticality.as_deref()), ("Penicillin", Some("high")));
    assert_eq!(body.reactions, ["Wheal (severe)"]);
    assert_eq!(body.authors, ["Dr Naidoo"]);
    assert_eq!(body.began.as_ref().unwrap().to_string(), "May 2019");
    assert!(body.is_current() && !body.is_no_known_allergy());
}

#[test]
fn that_no_allergy_is_known_is_an_entry_of_its_own_and_has_no_substance() {
    let none = AllergyForm { none_known: true, ..AllergyForm::default() };
    let body = one(none.parse(&place()));
    assert!(body.is_no_known_allergy() && body.is_current());
    let both = AllergyForm { substance: text("Nuts"), ..none };
    assert_eq!(fields(&both.parse(&place()).unwrap_err()), ["substance"]);
}

#[test]
fn a_medication_a_problem_and_an_immunisation_carry_what_was_typed() {
    let form = MedicationForm {
        medication: text("Lisinopril 10 mg"),
        dosage: text("One in the morning"),
        reason: text("Hypertension"),
        began: text("1/2/2026"),
        remark: String::new(),
    };
    let body = one(form.parse(&place()));
    assert_eq!((body.title().as_str(), body.dosage.join("")), ("Lisinopril 10 mg", text("One in the morning")));
    assert_eq!((body.status.as_deref(), body.reasons.join("")), (Some("active"), text("Hypertension")));
    let form =
        ProblemForm { problem: text("Asthma"), severity: text("mild"), began: text("2011"), remark: String::new() };
    let body = one(form.parse(&place()));
    assert_eq!((body.clinical_status.as_deref(), body.severity.as_deref()), (Some("active"), Some("mild")));
    let form = ImmunisationForm {
        vaccine: text("Tetanus"),
        given: text("2024"),
        dose: text("2"),
        lot: text("X-17"),
        expires: text("12/2027"),
        ..ImmunisationForm::default()
    };
    let body = one(form.parse(&place()));
    assert_eq!((body.dosage.join(""), body.lot.as_deref()), (text("dose 2"), Some("X-17")));
    assert_eq!(body.expires.as_ref().unwrap().to_string(), "Dec 2027");
}

#[test]
fn what_is_missing_or_cannot_be_is_said_beside_its_field() {
    let place = place();
    assert_eq!(fields(&AllergyForm::default().parse(&place).unwrap_err()), ["substance"]);
    assert_eq!(fields(&MedicationForm::default().parse(&place).unwrap_err()), ["medication"]);
    assert_eq!(fields(&ProblemForm::default().parse(&place).unwrap_err()), ["problem"]);
    assert_eq!(fields(&ImmunisationForm::default().parse(&place).unwrap_err()), ["vaccine", "given"]);
    assert_eq!(fields(&MeasurementForm::default().parse(&place).map(|_| ()).unwrap_err()), ["height"]);
    let wrong = ProblemForm {
        problem: "x".repeat(501),
        severity: text("dreadful"),
        began: text("23/11/2026"),
        remark: text("a\u{7}"),
    };
    assert_eq!(fields(&wrong.parse(&place).unwrap_err()), ["problem", "severity", "began", "remark"]);
}

#[test]
fn measurements_of_one_time_are_an_observation_each_with_its_unit() {
    let form = MeasurementForm {
        height: text("172"),
        weight: text("72,5"),
        temperature: text("36.6"),
        systolic: text("128"),
        diastolic: text("82"),
        saturation: text("98"),
        pulse: text("71"),
        ..MeasurementForm::default()
    };
    let measured = form.parse(&place()).unwrap();
    assert!(measured.unusual.is_empty());
    let said: Vec<String> = measured.drafts.iter().map(|draft| written(draft).0.summary.said()).collect();
    let expected = [
        "Body height 172 cm",
        "Body weight 72.5 kg",
        "Body temperature 36.6 °C",
        "Heart rate 71 per minute",
        "Oxygen saturation 98 %",
        "Blood pressure 128/82 mmHg",
    ];
    assert_eq!(said, expected);
    let (entry, body) = written(&measured.drafts[0]);
    assert_eq!(resource(&body)["effectiveDateTime"], "2026-11-22T14:02:00+02:00");
    assert_eq!(entry.occurred_at.unwrap().to_string(), "2026-11-22T12:02:00Z");
}

#[test]
fn a_value_beyond_what_is_usual_is_asked_about_and_not_refused() {
    let form = |weight: &str, upper: &str, lower: &str| MeasurementForm {
        weight: text(weight),
        systolic: text(upper),
        diastolic: text(lower),
        ..MeasurementForm::default()
    };
    let asked = |form: &MeasurementForm| fields(&form.parse(&place()).unwrap().unusual);
    assert_eq!(asked(&form("725", "", "")), ["weight"]);
    assert_eq!(asked(&form("72.5", "80", "120")), ["systolic"]);
    assert_eq!(asked(&form("72.5", "120", "80")), Vec::<&str>::new());
    let refused = |form: &MeasurementForm| fields(&form.parse(&place()).map(|_| ()).unwrap_err());
    for nonsense in ["0", "-72", "72.555", "1e3", "seventy", "72 kg", "99999", "NaN"] {
        assert_eq!(refused(&form(nonsense, "", "")), ["weight"], "{nonsense}");
    }
    assert_eq!(refused(&form("", "120", "")), ["diastolic"]);
}

#[test]
fn when_something_was_measured_is_as_precise_as_it_was_typed() {
    let at = |date: &str, time: &str| {
        let form =
            MeasurementForm { date: text(date), time: text(time), weight: text("70"), ..MeasurementForm::default() };
        form.parse(&place()).map(|found| {
            let (_, body) = written(&found.drafts[0]);
            resource(&body)["effectiveDateTime"].as_str().unwrap().to_owned()
        })
    };
    assert_eq!(at("", "9.30").unwrap(), "2026-11-22T09:30:00+02:00");
    assert_eq!(at("21/11/2026", "0930").unwrap(), "2026-11-21T09:30:00+02:00");
    assert_eq!(at("21/11/2026", "").unwrap(), "2026-11-21");
    assert_eq!(at("11/2026", "").unwrap(), "2026-11");
    assert_eq!(fields(&at("", "23:59").unwrap_err()), ["time"], "not in the future");
    assert_eq!(fields(&at("11/2026", "09:30").unwrap_err()), ["date"]);
    assert_eq!(fields(&at("", "25:00").unwrap_err()), ["time"]);
}

fn ended(kind: EntryKind, draft: &Draft, form: &EndingForm) -> EntryBody {
    let (entry, _) = written(draft);
    let ending = Ending { by: text("Dr Ng"), ..form.parse(kind, &place()).unwrap() };
    match Ending::patch(&entry, &ending).body.unwrap() {
        EntryContent::Read(body) => *body,
        EntryContent::Kept { .. } => panic!("read"),
    }
}

#[test]
fn what_ends_or_is_taken_back_keeps_all_that_it_said() {
    let problem = ProblemForm { problem: text("Asthma"), ..ProblemForm::default() }.parse(&place()).unwrap();
    let form = EndingForm { change: text("resolved"), on: text("2025"), remark: text("Outgrown.") };
    let body = ended(EntryKind::Problem, &problem[0], &form);
    assert_eq!((body.title().as_str(), body.is_current()), ("Asthma", false));
    assert_eq!(body.ended.as_ref().unwrap().to_string(), "2025");
    assert_eq!(body.remarks, ["Outgrown."]);
    let wrong = EndingForm { change: text("entered-in-error"), on: String::new(), remark: text("Another patient.") };
    let body = ended(EntryKind::Problem, &problem[0], &wrong);
    assert!(body.entered_in_error());
    assert!(resource(&body).get("clinicalStatus").is_none(), "FHIR's rule con-5");
    let allergy = AllergyForm { substance: text("Nuts"), ..AllergyForm::default() }.parse(&place()).unwrap();
    let body = ended(EntryKind::Allergy, &allergy[0], &wrong);
    assert!(body.entered_in_error() && resource(&body).get("clinicalStatus").is_none(), "FHIR's rule ait-2");
    let medication = MedicationForm { medication: text("Lisinopril"), ..MedicationForm::default() };
    let stopped = EndingForm { change: text("stopped"), ..EndingForm::default() };
    let body = ended(EntryKind::Medication, &medication.parse(&place()).unwrap()[0], &stopped);
    assert_eq!((body.status.as_deref(), body.is_current()), (Some("stopped"), false));
}

#[test]
fn an_entry_becomes_only_what_its_kind_can_and_is_not_taken_back_without_a_reason() {
    let form =
        |change: &str, remark: &str| EndingForm { change: text(change), on: String::new(), remark: text(remark) };
    let refused =
        |kind, change: &str, remark: &str| form(change, remark).parse(kind, &place()).map(|_| ()).unwrap_err();
    assert_eq!(fields(&refused(EntryKind::Observation, "resolved", "")), ["change"]);
    assert_eq!(fields(&refused(EntryKind::Medication, "resolved", "")), ["change"]);
    assert_eq!(fields(&refused(EntryKind::Medication, "entered-in-error", " ")), ["remark"]);
    assert_eq!(fields(&refused(EntryKind::Problem, "deleted", "x")), ["change"]);
}

#[test]
fn a_document_that_is_taken_back_keeps_its_text() {
    use base64::Engine as _;
    let data = base64::engine::general_purpose::STANDARD.encode("a note ".repeat(30));
    let source = serde_json::json!({
        "resourceType": "DocumentReference", "id": "d", "status": "current", "subject": {"reference": "Patient/p"},
        "type": {"text": "Note"}, "content": [{"attachment": {"contentType": "text/plain", "data": data}}],
    });
    let read = crate::exchange::fhir::entry_of(&source.to_string()).unwrap();
    let draft = ProblemForm { problem: text("x"), ..ProblemForm::default() }.parse(&place()).unwrap();
    let mut entry = written(&draft[0]).0;
    entry.kind = text("document");
    entry.body = EntryContent::Read(Box::new(read.body));
    let form = EndingForm { change: text("entered-in-error"), on: String::new(), remark: text("Another patient.") };
    let ending = form.parse(EntryKind::Document, &place()).unwrap();
    let body = Ending::patch(&entry, &ending).body.unwrap();
    let body = body.read().unwrap();
    assert!(body.entered_in_error() && body.attachments[0].lifted);
    assert_eq!(body.texts().next(), Some("a note ".repeat(30).as_str()));
    assert_eq!(body.resource().unwrap()["content"], source["content"]);
}
