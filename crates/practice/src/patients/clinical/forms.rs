//! What is typed into the record, read into resources. Every field becomes its type or says what to write
//! instead.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value, json};

use super::resource::{Change, Draft, Ending, said};
use crate::patients::model::{
    BirthDate, DateOrder, EntryKind, FieldError, LINE_CHARS_MAX, TextProblem, block, is_blank, line,
};

/// The longest remark.
const REMARK_CHARS_MAX: usize = 4_000;

/// When and where something is typed: what a date means.
#[derive(Clone)]
pub struct Place {
    /// The order in which dates are typed.
    pub order: DateOrder,
    /// The clock on the wall.
    pub zone: TimeZone,
    /// Now.
    pub now: Timestamp,
}

impl Place {
    fn today(&self) -> Date {
        self.now.to_zoned(self.zone.clone()).date()
    }
}

/// Fields being read: gathers what is wrong with them.
#[derive(Default)]
struct Reading {
    errors: Vec<FieldError>,
}

impl Reading {
    fn wrong(&mut self, field: &'static str, message: impl Into<String>) {
        self.errors.push(FieldError::new(field, message));
    }

    fn text(&mut self, field: &'static str, label: &str, typed: &str) -> Option<String> {
        let read = line(typed.trim(), LINE_CHARS_MAX);
        self.took(field, label, read)
    }

    fn remark(&mut self, field: &'static str, label: &str, typed: &str) -> Option<String> {
        let read = block(typed.trim(), REMARK_CHARS_MAX);
        self.took(field, label, read)
    }

    fn took(&mut self, field: &'static str, label: &str, read: Result<String, TextProblem>) -> Option<String> {
        match read {
            Ok(text) => Some(text).filter(|text| !is_blank(text)),
            Err(TextProblem::TooLong(most)) => {
                self.wrong(field, format!("{label} must be {most} characters or fewer"));
                None
            }
            Err(TextProblem::Control) => {
                self.wrong(field, format!("{label} contains characters that cannot be printed: type it again"));
                None
            }
        }
    }

    fn needed(&mut self, field: &'static str, label: &str, typed: &str, ask: &str) -> String {
        let before = self.errors.len();
        let text = self.text(field, label, typed);
        if text.is_none() && self.errors.len() == before {
            self.wrong(field, ask);
        }
        text.unwrap_or_default()
    }

    /// One of the codes of a list, or nothing.
    fn code(&mut self, field: &'static str, typed: &str, codes: &[&str]) -> Option<String> {
        if !typed.is_empty() && !codes.contains(&typed) {
            self.wrong(field, "Choose one of those listed, or leave it empty");
        }
        codes.contains(&typed).then(|| typed.to_owned())
    }

    /// A date that is not in the future, as precisely as it is known.
    fn date(&mut self, field: &'static str, typed: &str, place: &Place) -> Option<BirthDate> {
        let typed = typed.trim();
        if typed.is_empty() {
            return None;
        }
        match BirthDate::typed(typed, place.order) {
            Ok(date) if date.is_after(place.today()) => {
                self.wrong(field, "Enter a date that is not in the future");
                None
            }
            Ok(date) => Some(date),
            Err(_) => {
                self.wrong(field, "Enter a date that exists, or only a month or a year");
                None
            }
        }
    }

    fn done<T>(self, value: T) -> Result<T, Vec<FieldError>> {
        if self.errors.is_empty() { Ok(value) } else { Err(self.errors) }
    }
}

/// An allergy, or that none is known.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AllergyForm {
    /// That the patient has no known allergies.
    pub none_known: bool,
    /// To what.
    pub substance: String,
    /// A code of [`AllergyForm::CATEGORIES`].
    pub category: String,
    /// A code of [`AllergyForm::CRITICALITIES`].
    pub criticality: String,
    /// What happens.
    pub reaction: String,
    /// A code of [`AllergyForm::SEVERITIES`].
    pub severity: String,
    /// Since when.
    pub began: String,
    /// A remark.
    pub remark: String,
}

impl AllergyForm {
    /// FHIR `allergy-intolerance-category`.
    pub const CATEGORIES: [&str; 4] = ["medication", "food", "environment", "biologic"];
    /// FHIR `allergy-intolerance-criticality`.
    pub const CRITICALITIES: [&str; 3] = ["high", "low", "unable-to-assess"];
    /// FHIR `reaction-event-severity`.
    pub const SEVERITIES: [&str; 3] = ["mild", "moderate", "severe"];

    /// Reads the form.
    ///
    /// # Errors
    /// Every field that cannot be taken.
    pub fn parse(&self, place: &Place) -> Result<Vec<Draft>, Vec<FieldError>> {
        let mut read = Reading::default();
        let remark = read.remark("remark", "The remark", &self.remark);
        if self.none_known {
            if !is_blank(&self.substance) {
                read.wrong("substance", "Leave this empty if there are no known allergies, or take the tick away");
            }
            return read.done(vec![Draft::no_known_allergy(remark)]);
        }
        let substance = read.needed("substance", "The substance", &self.substance, "Enter what the allergy is to");
        let category = read.code("category", &self.category, &Self::CATEGORIES);
        let criticality = read.code("criticality", &self.criticality, &Self::CRITICALITIES);
        let reaction = read.text("reaction", "The reaction", &self.reaction);
        let severity = read.code("severity", &self.severity, &Self::SEVERITIES);
        if severity.is_some() && reaction.is_none() {
            read.wrong("reaction", "Enter what happened, since its severity is chosen");
        }
        let began = read.date("began", &self.began, place);
        let reaction = reaction.map(|words| json!([{ "manifestation": [said(&words)], "severity": severity }]));
        let fields = [
            ("code", said(&substance)),
            ("category", category.map_or(Value::Null, |code| json!([code]))),
            ("criticality", criticality.into()),
            ("onsetDateTime", began.map(BirthDate::iso).into()),
            ("reaction", reaction.into()),
        ];
        read.done(vec![Draft::allergy(fields, remark)])
    }
}

/// A medication.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MedicationForm {
    /// What, with its strength.
    pub medication: String,
    /// How it is taken.
    pub dosage: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub began: String,
    /// A remark.
    pub remark: String,
}

impl MedicationForm {
    /// Reads the form.
    ///
    /// # Errors
    /// Every field that cannot be taken.
    pub fn parse(&self, place: &Place) -> Result<Vec<Draft>, Vec<FieldError>> {
        let mut read = Reading::default();
        let what = read.needed("medication", "The medication", &self.medication, "Enter the medication");
        let dosage = read.remark("dosage", "How it is taken", &self.dosage);
        let reason = read.text("reason", "The reason", &self.reason);
        let began = read.date("began", &self.began, place);
        let remark = read.remark("remark", "The remark", &self.remark);
        let fields = [
            ("status", json!("active")),
            ("intent", json!("order")),
            ("medicationCodeableConcept", said(&what)),
            ("authoredOn", began.map(BirthDate::iso).into()),
            ("reasonCode", reason.map_or(Value::Null, |words| json!([said(&words)]))),
            ("dosageInstruction", dosage.map_or(Value::Null, |words| json!([{ "text": words }]))),
        ];
        read.done(vec![Draft::new(EntryKind::Medication, fields, remark)])
    }
}

/// A problem.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ProblemForm {
    /// What.
    pub problem: String,
    /// A code of [`ProblemForm::SEVERITIES`].
    pub severity: String,
    /// Since when.
    pub began: String,
    /// A remark.
    pub remark: String,
}

impl ProblemForm {
    /// How severe: the words, and the code of SNOMED CT that FHIR R4 gives for each (`condition-severity`).
    pub const SEVERITIES: [(&str, &str); 3] = [("mild", "255604002"), ("moderate", "6736007"), ("severe", "24484000")];

    /// Reads the form.
    ///
    /// # Errors
    /// Every field that cannot be taken.
    pub fn parse(&self, place: &Place) -> Result<Vec<Draft>, Vec<FieldError>> {
        let mut read = Reading::default();
        let what = read.needed("problem", "The problem", &self.problem, "Enter the problem");
        let severity = read.code("severity", &self.severity, &Self::SEVERITIES.map(|(word, _)| word));
        let began = read.date("began", &self.began, place);
        let remark = read.remark("remark", "The remark", &self.remark);
        let code = Self::SEVERITIES.into_iter().find(|(word, _)| Some(*word) == severity.as_deref());
        let severity = code.map(
            |(word, code)| json!({ "coding": [{ "system": "http://snomed.info/sct", "code": code }], "text": word }),
        );
        let fields =
            [("code", said(&what)), ("severity", severity.into()), ("onsetDateTime", began.map(BirthDate::iso).into())];
        read.done(vec![Draft::problem(fields, remark)])
    }
}

/// An immunisation.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ImmunisationForm {
    /// The vaccine.
    pub vaccine: String,
    /// When it was given.
    pub given: String,
    /// Which dose of the series.
    pub dose: String,
    /// The batch.
    pub lot: String,
    /// Until when the batch is good.
    pub expires: String,
    /// Who made it.
    pub maker: String,
    /// Where on the body.
    pub site: String,
    /// A remark.
    pub remark: String,
}

impl ImmunisationForm {
    /// Reads the form.
    ///
    /// # Errors
    /// Every field that cannot be taken.
    pub fn parse(&self, place: &Place) -> Result<Vec<Draft>, Vec<FieldError>> {
        let mut read = Reading::default();
        let vaccine = read.needed("vaccine", "The vaccine", &self.vaccine, "Enter the vaccine");
        let given = read.date("given", &self.given, place);
        if given.is_none() && self.given.trim().is_empty() {
            read.wrong("given", "Enter when it was given, or only the year if no more is known");
        }
        let dose = Some(self.dose.trim()).filter(|dose| !dose.is_empty());
        let number = dose.and_then(|dose| dose.parse::<u8>().ok()).filter(|number| *number > 0);
        if dose.is_some() && number.is_none() {
            read.wrong("dose", "Enter the number of the dose, such as 2");
        }
        let lot = read.text("lot", "The batch", &self.lot);
        let expires = Some(self.expires.trim()).filter(|typed| !typed.is_empty());
        let until = expires.and_then(|typed| BirthDate::typed(typed, place.order).ok());
        if expires.is_some() && until.is_none() {
            read.wrong("expires", "Enter a date that exists, or only a month");
        }
        let maker = read.text("maker", "The maker", &self.maker);
        let site = read.text("site", "The part of the body", &self.site);
        let remark = read.remark("remark", "The remark", &self.remark);
        let fields = [
            ("status", json!("completed")),
            ("vaccineCode", said(&vaccine)),
            ("occurrenceDateTime", given.map(BirthDate::iso).into()),
            ("lotNumber", lot.into()),
            ("expirationDate", until.map(BirthDate::iso).into()),
            ("manufacturer", maker.map_or(Value::Null, |name| json!({ "display": name }))),
            ("site", site.map_or(Value::Null, |words| said(&words))),
            ("protocolApplied", number.map_or(Value::Null, |number| json!([{ "doseNumberPositiveInt": number }]))),
        ];
        read.done(vec![Draft::new(EntryKind::Immunisation, fields, remark)])
    }
}

/// Measurements taken at one time.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MeasurementForm {
    /// On which day; empty for today.
    pub date: String,
    /// At what time; empty for the present time, if the day is today.
    pub time: String,
    /// Centimetres.
    pub height: String,
    /// Kilograms.
    pub weight: String,
    /// Degrees Celsius.
    pub temperature: String,
    /// Beats per minute.
    pub pulse: String,
    /// Millimetres of mercury.
    pub systolic: String,
    /// Millimetres of mercury.
    pub diastolic: String,
    /// Per cent.
    pub saturation: String,
    /// A remark.
    pub remark: String,
    /// That a value beyond what is usual is right all the same.
    pub confirmed: bool,
}

/// What can be measured by hand: its field, its name, its codes of LOINC, its unit in words and in UCUM, and
/// from where to where a value needs no second look.
struct Measurable {
    field: &'static str,
    name: &'static str,
    loinc: &'static [&'static str],
    unit: &'static str,
    ucum: &'static str,
    low: f64,
    high: f64,
}

const HEIGHT: Measurable = Measurable {
    field: "height",
    name: "Body height",
    loinc: &["8302-2"],
    unit: "cm",
    ucum: "cm",
    low: 30.0,
    high: 230.0,
};
const WEIGHT: Measurable = Measurable {
    field: "weight",
    name: "Body weight",
    loinc: &["29463-7"],
    unit: "kg",
    ucum: "kg",
    low: 0.5,
    high: 300.0,
};
const TEMPERATURE: Measurable = Measurable {
    field: "temperature",
    name: "Body temperature",
    loinc: &["8310-5"],
    unit: "°C",
    ucum: "Cel",
    low: 33.0,
    high: 42.0,
};
const PULSE: Measurable = Measurable {
    field: "pulse",
    name: "Heart rate",
    loinc: &["8867-4"],
    unit: "per minute",
    ucum: "/min",
    low: 30.0,
    high: 220.0,
};
const UPPER: Measurable = Measurable {
    field: "systolic",
    name: "Systolic blood pressure",
    loinc: &["8480-6"],
    unit: "mmHg",
    ucum: "mm[Hg]",
    low: 60.0,
    high: 250.0,
};
const LOWER: Measurable = Measurable {
    field: "diastolic",
    name: "Diastolic blood pressure",
    loinc: &["8462-4"],
    unit: "mmHg",
    ucum: "mm[Hg]",
    low: 30.0,
    high: 150.0,
};
// 59408-5 is the same by pulse oximetry, and the code that FHIR's vital signs ask for stands first.
const SATURATION: Measurable = Measurable {
    field: "saturation",
    name: "Oxygen saturation",
    loinc: &["2708-6", "59408-5"],
    unit: "%",
    ucum: "%",
    low: 70.0,
    high: 100.0,
};

/// Measurements as typed: what to write, and what needs a second look first.
pub struct Measured {
    /// An observation each.
    pub drafts: Vec<Draft>,
    /// Values beyond what is usual: asked about once, never refused.
    pub unusual: Vec<FieldError>,
}

impl MeasurementForm {
    /// Reads the form.
    ///
    /// # Errors
    /// Every field that cannot be taken.
    pub fn parse(&self, place: &Place) -> Result<Measured, Vec<FieldError>> {
        let mut read = Reading::default();
        let when = self.when(&mut read, place);
        let mut unusual = Vec::new();
        let mut value = |typed: &str, what: &Measurable| {
            let number = number(&mut read, typed, what)?;
            let beyond = number.as_f64().is_none_or(|value| value < what.low || value > what.high);
            if beyond {
                let (low, high) = (what.low, what.high);
                let words = format!("Is {number} {} right? Most are between {low} and {high} {}", what.unit, what.unit);
                unusual.push(FieldError::new(what.field, words));
            }
            Some(number)
        };
        let single = [
            (&self.height, &HEIGHT),
            (&self.weight, &WEIGHT),
            (&self.temperature, &TEMPERATURE),
            (&self.pulse, &PULSE),
            (&self.saturation, &SATURATION),
        ];
        let single: Vec<(&Measurable, Option<Number>)> =
            single.into_iter().map(|(typed, what)| (what, value(typed, what))).collect();
        let pressures = (value(&self.systolic, &UPPER), value(&self.diastolic, &LOWER));
        let typed = |text: &str| !text.trim().is_empty();
        match (typed(&self.systolic), typed(&self.diastolic)) {
            (true, false) => read.wrong("diastolic", "Enter the lower pressure too"),
            (false, true) => read.wrong("systolic", "Enter the upper pressure too"),
            _ => {}
        }
        if let (Some(upper), Some(lower)) =
            (pressures.0.as_ref().and_then(Number::as_f64), pressures.1.as_ref().and_then(Number::as_f64))
            && upper <= lower
        {
            let words = "Is the upper pressure below the lower one? They may have changed places";
            unusual.push(FieldError::new("systolic", words));
        }
        let remark = read.remark("remark", "The remark", &self.remark);
        let nothing = single.iter().all(|(_, value)| value.is_none()) && pressures == (None, None);
        if nothing && read.errors.is_empty() {
            read.wrong("height", "Enter at least one value");
        }
        let draft = |about: Value, more: (&'static str, Value)| {
            let fields = [("status", json!("final")), ("code", about), ("effectiveDateTime", json!(when)), more];
            Draft::observation(fields, remark.clone())
        };
        let mut drafts: Vec<Draft> = single
            .into_iter()
            .filter_map(|(what, value)| Some(draft(what.about(), ("valueQuantity", what.quantity(&value?)))))
            .collect();
        if let (Some(upper), Some(lower)) = pressures {
            let part = |what: &Measurable, value: &Number| json!({ "code": what.about(), "valueQuantity": what.quantity(value) });
            let about = coded(&["85354-9"], "Blood pressure");
            drafts.push(draft(about, ("component", json!([part(&UPPER, &upper), part(&LOWER, &lower)]))));
        }
        read.done(Measured { drafts, unusual })
    }

    /// The moment as FHIR writes it: with the time where one is known.
    fn when(&self, read: &mut Reading, place: &Place) -> String {
        let now = place.now.to_zoned(place.zone.clone());
        let day = read.date("date", &self.date, place);
        let time = Some(self.time.trim()).filter(|time| !time.is_empty());
        let (day, time) = match (day, time) {
            (None, None) => (now.date(), Some(now.time())),
            (Some(day), None) if day.date() == Some(now.date()) => (now.date(), Some(now.time())),
            (Some(day), None) => return day.iso(),
            (day, Some(typed)) => {
                let time = clock(typed);
                if time.is_none() {
                    read.wrong("time", "Enter the time as in 14:05");
                }
                let whole = day.is_none_or(|day| day.date().is_some());
                if !whole {
                    read.wrong("date", "Enter the day as well, since there is a time");
                }
                (day.and_then(BirthDate::date).unwrap_or_else(|| now.date()), time)
            }
        };
        let at = time.unwrap_or_else(|| now.time());
        let Ok(at) = day.to_datetime(at).to_zoned(place.zone.clone()) else { return day.to_string() };
        if at.timestamp() > place.now && read.errors.is_empty() {
            read.wrong("time", "Enter a time that is not in the future");
        }
        at.strftime("%Y-%m-%dT%H:%M:00%:z").to_string()
    }
}

/// "14:05", "9.30", "0930".
fn clock(typed: &str) -> Option<Time> {
    let parts: Vec<&str> = typed.split([':', '.', 'h']).collect();
    let (hour, minute) = match parts.as_slice() {
        [hour, minute] => (*hour, *minute),
        [both] if both.len() == 4 => both.split_at_checked(2)?,
        _ => return None,
    };
    let number = |text: &str| text.parse::<i8>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

/// A number with a point or a comma, exactly as typed.
fn number(read: &mut Reading, typed: &str, what: &Measurable) -> Option<Number> {
    let typed: String = typed.trim().chars().map(|c| crate::patients::model::ascii_digit(c).unwrap_or(c)).collect();
    if typed.is_empty() {
        return None;
    }
    let plain = typed.replace(',', ".");
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, "0"));
    let digits = |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let number = (digits(whole, 4) && digits(fraction, 2)).then(|| plain.parse::<Number>().ok()).flatten();
    let number = number.filter(|number| number.as_f64().is_some_and(|value| value > 0.0));
    if number.is_none() {
        read.wrong(what.field, format!("Enter a number above 0, in {}, such as 36.5", what.unit));
    }
    number
}

fn coded(codes: &[&str], name: &str) -> Value {
    let coding: Vec<Value> = codes
        .iter()
        .map(|code| json!({ "system": crate::patients::model::LOINC, "code": code, "display": name }))
        .collect();
    json!({ "coding": coding, "text": name })
}

impl Measurable {
    fn about(&self) -> Value {
        coded(self.loinc, self.name)
    }

    fn quantity(&self, value: &Number) -> Value {
        json!({ "value": value, "unit": self.unit, "system": crate::patients::model::UCUM, "code": self.ucum })
    }
}

/// How an entry ends, or is taken back.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EndingForm {
    /// A code of [`Change`].
    pub change: String,
    /// Since when.
    pub on: String,
    /// Why.
    pub remark: String,
}

impl EndingForm {
    /// Reads the form for an entry of this kind.
    ///
    /// # Errors
    /// Every field that cannot be taken.
    pub fn parse(&self, kind: EntryKind, place: &Place) -> Result<Ending, Vec<FieldError>> {
        let mut read = Reading::default();
        let change = Change::from_code(&self.change).filter(|change| Change::of(kind).contains(change));
        if change.is_none() {
            read.wrong("change", "Choose what has changed");
        }
        let on = read.date("on", &self.on, place);
        let remark = read.remark("remark", "The remark", &self.remark);
        if change == Some(Change::Error) && remark.is_none() && read.errors.is_empty() {
            read.wrong("remark", "Enter why it was taken back");
        }
        let change = change.unwrap_or(Change::Error);
        read.done(Ending { change, on: on.map(BirthDate::iso), remark, by: String::new(), at: place.now })
    }
}

super::super::model::personal!(AllergyForm, MedicationForm, ProblemForm, ImmunisationForm, MeasurementForm, EndingForm);
