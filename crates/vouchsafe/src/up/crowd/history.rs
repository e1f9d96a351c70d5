//! What befell them: allergies, problems, the medicines for these, immunisations, measurements and notes,
//! each on a day of their life and fit for their age and sex.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

use super::draw::Draw;
use super::people::{AS_OF, Person, day_before};
use crate::failure::Failure;

/// What people come with.
#[derive(Debug, Deserialize)]
pub(super) struct Illness {
    words: String,
    icd10: String,
    /// From this age, in years.
    from: i32,
    /// Up to this age.
    until: Option<i32>,
    /// How many of a hundred of that age have or had it.
    percent: u32,
    /// Only these.
    sex: Option<String>,
    /// It does not go away.
    #[serde(default)]
    lasting: bool,
    /// It is over in weeks.
    #[serde(default)]
    passes: bool,
    /// What is measured because of it.
    measure: Option<String>,
    medicines: Vec<Medicine>,
    /// What is written at a visit.
    note: String,
}

/// Name, ATC code, how to take it, and the allergy that forbids it.
#[derive(Debug, Deserialize)]
struct Medicine(String, String, String, #[serde(default)] Option<String>);

pub(super) fn illnesses() -> Result<Vec<Illness>, Failure> {
    serde_json::from_str(include_str!("illnesses.json"))
        .map_err(|error| Failure::said(format!("the illnesses of invented patients: {error}")))
}

/// What people react to: words, SNOMED code, category, reaction.
const ALLERGENS: [(&str, &str, &str, &str); 7] = [
    ("Penicillin", "91936005", "medication", "Hives"),
    ("Peanut", "91935009", "food", "Swelling of the lips"),
    ("Shellfish", "300913006", "food", "Vomiting"),
    ("Latex", "300916003", "environment", "Contact eczema"),
    ("Bee venom", "424213003", "environment", "Anaphylaxis"),
    ("Sulfonamide", "91939003", "medication", "Rash"),
    ("Cat dander", "232346004", "environment", "Sneezing"),
];

/// A vaccination: words, CVX code, due at this many days of age, first given in this year, girls alone.
const VACCINES: [(&str, &str, i32, i16, bool); 8] = [
    ("BCG", "19", 2, 1973, false),
    ("Hexavalent (DTaP-IPV-Hib-HepB), first dose", "146", 42, 2010, false),
    ("Hexavalent (DTaP-IPV-Hib-HepB), second dose", "146", 70, 2010, false),
    ("Hexavalent (DTaP-IPV-Hib-HepB), third dose", "146", 98, 2010, false),
    ("Measles, mumps and rubella, first dose", "03", 370, 1990, false),
    ("Measles, mumps and rubella, second dose", "03", 550, 1998, false),
    ("Tetanus and diphtheria booster", "113", 4400, 1995, false),
    ("Human papillomavirus", "62", 3500, 2014, true),
];

/// What is written into the files, kind by kind.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) resources: Vec<Value>,
}

/// Writes one person's history.
pub(super) struct Writer<'a> {
    person: &'a Person,
    /// Who treated them.
    by: &'a [String],
    draw: &'a mut Draw,
    history: History,
}

impl<'a> Writer<'a> {
    pub(super) fn new(person: &'a Person, by: &'a [String], draw: &'a mut Draw) -> Self {
        Self { person, by, draw, history: History::default() }
    }

    /// All of it.
    pub(super) fn write(mut self, illnesses: &[Illness]) -> History {
        let penicillin = self.allergies();
        let mut worst = 0;
        for illness in illnesses {
            worst += i32::from(self.illness(illness, penicillin));
        }
        self.immunisations();
        self.measurements(worst);
        self.history
    }

    fn put(&mut self, kind: &str, mut resource: Value) {
        if let Some(map) = resource.as_object_mut() {
            let subject = json!({ "reference": format!("Patient/{}", self.person.id) });
            let name = if matches!(kind, "AllergyIntolerance" | "Immunization") { "patient" } else { "subject" };
            map.insert("resourceType".to_owned(), kind.into());
            map.insert("id".to_owned(), format!("{}-{}", self.person.id, self.history.resources.len()).into());
            map.insert(name.to_owned(), subject);
        }
        self.history.resources.push(resource);
    }

    /// A day between two, both brought within the person's life. The earlier bound counts where they cross.
    fn day(&mut self, from: Date, until: Date) -> Date {
        let from = from.max(self.person.born).min(self.person.until());
        let until = until.min(self.person.until()).max(from);
        let span = (until - from).get_days().max(0);
        from.checked_add(jiff::Span::new().days(self.draw.between(0, span))).unwrap_or(from)
    }

    fn born_plus(&self, days: i32) -> Date {
        day_before(self.person.born, -days)
    }

    fn author(&mut self) -> Value {
        json!({ "display": self.draw.one_of(self.by).cloned().unwrap_or_default() })
    }

    /// Gives whether penicillin must not be given.
    fn allergies(&mut self) -> bool {
        let noted = self.day(self.born_plus(400), AS_OF);
        let active = json!({ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
            "code": "active" }] });
        if !self.draw.happens(22) {
            if self.draw.happens(60) {
                let none = json!({ "clinicalStatus": active, "recordedDate": noted.to_string(), "code": {
                    "coding": [{ "system": "http://snomed.info/sct", "code": "716186003", "display": "No known allergy" }],
                    "text": "No known allergy" } });
                self.put("AllergyIntolerance", none);
            }
            return false;
        }
        let (words, code, category, reaction) = self.draw.one_of(&ALLERGENS).copied().unwrap_or_default();
        let serious = self.draw.happens(25);
        let recorder = self.author();
        self.put(
            "AllergyIntolerance",
            json!({ "clinicalStatus": active, "recordedDate": noted.to_string(), "category": [category],
                "criticality": if serious { "high" } else { "low" }, "recorder": recorder,
                "code": { "coding": [{ "system": "http://snomed.info/sct", "code": code }], "text": words },
                "reaction": [{ "manifestation": [{ "text": reaction }], "severity": if serious { "severe" } else { "mild" } }] }),
        );
        words == "Penicillin"
    }

    /// Gives whether they have it now.
    fn illness(&mut self, illness: &Illness, penicillin: bool) -> bool {
        let age = self.person.age_on(self.person.until());
        let sex = if self.person.female { "female" } else { "male" };
        let fits = age >= illness.from && illness.sex.as_deref().is_none_or(|only| only == sex);
        if !fits || !self.draw.happens(illness.percent) {
            return false;
        }
        // From the day that they reached the age, within the years of which anything was written down.
        let first = self.born_plus(illness.from * 366).max(day_before(AS_OF, 12 * 365));
        let last =
            illness.until.map_or(AS_OF, |until| self.born_plus(until * 365)).min(day_before(self.person.until(), 30));
        if first >= last {
            return false;
        }
        let onset = self.day(first, last);
        let ended = if illness.passes {
            Some(self.day(day_before(onset, -7), day_before(onset, -40)))
        } else if illness.lasting || self.draw.happens(55) {
            None
        } else {
            Some(self.day(day_before(onset, -90), self.person.until()))
        };
        let status = |code| json!({ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": code }] });
        let recorder = self.author();
        let mut condition = json!({
            "clinicalStatus": status(if ended.is_some() { "resolved" } else { "active" }),
            "verificationStatus": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-ver-status",
                "code": "confirmed" }] },
            "code": { "coding": [{ "system": "http://hl7.org/fhir/sid/icd-10", "code": illness.icd10 }], "text": illness.words },
            "onsetDateTime": onset.to_string(), "recordedDate": onset.to_string(), "recorder": recorder,
        });
        if let (Some(ended), Some(map)) = (ended, condition.as_object_mut()) {
            map.insert("abatementDateTime".to_owned(), ended.to_string().into());
        }
        self.put("Condition", condition);
        self.medicine(illness, onset, ended, penicillin);
        let visits = if illness.lasting { self.draw.between(1, 3) } else { 1 };
        for visit in 0..visits {
            let until = ended.unwrap_or_else(|| self.person.until());
            let day = if visit == 0 { onset } else { self.day(onset, until) };
            self.note(illness, day);
        }
        if illness.measure.as_deref() == Some("hba1c") {
            let day = self.day(onset, self.person.until());
            let percent = f64::from(self.draw.between(61, 94)) / 10.0;
            self.measured(day, "4548-4", "Haemoglobin A1c", percent, "%");
        }
        ended.is_none()
    }

    fn medicine(&mut self, illness: &Illness, onset: Date, ended: Option<Date>, penicillin: bool) {
        let allowed: Vec<&Medicine> =
            illness.medicines.iter().filter(|one| !(penicillin && one.3.as_deref() == Some("penicillin"))).collect();
        let Some(Medicine(words, atc, dose, _)) = self.draw.one_of(&allowed) else { return };
        let requester = self.author();
        let resource = json!({
            "status": if ended.is_some() || self.person.died.is_some() { "completed" } else { "active" }, "intent": "order",
            "medicationCodeableConcept": { "coding": [{ "system": "http://www.whocc.no/atc", "code": atc }], "text": words },
            "authoredOn": onset.to_string(), "requester": requester, "reasonCode": [{ "text": illness.words }],
            "dosageInstruction": [{ "text": dose }],
        });
        self.put("MedicationRequest", resource);
    }

    fn note(&mut self, illness: &Illness, day: Date) {
        let author = self.author();
        let years = self.person.age_on(day);
        let text = format!(
            "{}\n\n{} years old. {}\n\nPlan: as discussed; to come back sooner if worse.\n",
            illness.words, years, illness.note
        );
        let data = STANDARD.encode(text);
        self.put(
            "DocumentReference",
            json!({ "status": "current", "type": { "coding": [{ "system": "http://loinc.org", "code": "11506-3" }],
                "text": "Consultation note" }, "description": illness.words, "author": [author],
                "context": { "period": { "start": day.to_string(), "end": day.to_string() } },
                "content": [{ "attachment": { "contentType": "text/plain; charset=utf-8", "data": data,
                    "title": format!("Note of {day}") } }] }),
        );
    }

    fn immunisations(&mut self) {
        for (words, cvx, due_days, since_year, girls) in VACCINES {
            let late = self.draw.between(0, 20);
            let day = self.born_plus(due_days + late);
            let missed = self.draw.happens(8);
            if day > self.person.until() || day.year() < since_year || missed || girls && !self.person.female {
                continue;
            }
            self.vaccine(words, cvx, day);
        }
        // In the autumn of each of the last years, from 65 on.
        for year in 2021..=2025_i16 {
            let day = Date::new(year, 4, 1).map_or(AS_OF, |day| day_before(day, -self.draw.between(0, 50)));
            if self.person.age_on(day) >= 65 && day <= self.person.until() && self.draw.happens(60) {
                self.vaccine("Influenza, this season's", "150", day);
            }
        }
    }

    fn vaccine(&mut self, words: &str, cvx: &str, day: Date) {
        let resource = json!({ "status": "completed", "occurrenceDateTime": day.to_string(), "vaccineCode": {
            "coding": [{ "system": "http://hl7.org/fhir/sid/cvx", "code": cvx }], "text": words } });
        self.put("Immunization", resource);
    }

    /// Height, weight and blood pressure, at one to three visits of the last years.
    fn measurements(&mut self, illnesses: i32) {
        for _ in 0..self.draw.between(1, 3) {
            let day = self.day(day_before(self.person.until(), 4 * 365), self.person.until());
            let years = self.person.age_on(day);
            let height = height_cm(years, self.person.female) + self.draw.between(-6, 6);
            let heavier = if years < 18 { self.draw.between(-1, 2) } else { self.draw.between(-3, 9) };
            let weight = f64::from(height * height) / 10_000.0 * f64::from(body_mass(years) + heavier);
            self.measured(day, "8302-2", "Height", f64::from(height), "cm");
            self.measured(day, "29463-7", "Weight", (weight * 10.0).round() / 10.0, "kg");
            if years < 18 {
                continue;
            }
            let upper = 112 + years / 4 + illnesses.min(4) * 3 + self.draw.between(-8, 10);
            let lower = upper * 6 / 10 + self.draw.between(0, 8);
            let part = |code: &str, words: &str, value: i32| {
                json!({ "code": { "coding": [{ "system": "http://loinc.org", "code": code }], "text": words },
                    "valueQuantity": { "value": value, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]" } })
            };
            let resource = json!({ "status": "final", "effectiveDateTime": day.to_string(),
                "category": vital_signs(),
                "code": { "coding": [{ "system": "http://loinc.org", "code": "85354-9" }], "text": "Blood pressure" },
                "component": [part("8480-6", "Systolic", upper), part("8462-4", "Diastolic", lower)] });
            self.put("Observation", resource);
        }
    }

    fn measured(&mut self, day: Date, loinc: &str, words: &str, value: f64, unit: &str) {
        let category = if loinc == "4548-4" { json!([{ "text": "Laboratory" }]) } else { vital_signs() };
        let resource = json!({ "status": "final", "effectiveDateTime": day.to_string(), "category": category,
            "code": { "coding": [{ "system": "http://loinc.org", "code": loinc }], "text": words },
            "valueQuantity": { "value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit } });
        self.put("Observation", resource);
    }
}

fn vital_signs() -> Value {
    json!([{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs" }] }])
}

/// The middle of the growth curves, roughly.
fn height_cm(years: i32, female: bool) -> i32 {
    let grown = if female { 162 } else { 175 };
    match years {
        ..=0 => 66,
        1 => 80,
        2..=15 => 80 + (years - 1) * 6,
        16..=17 => grown - 2,
        18..=70 => grown,
        _ => grown - 3,
    }
}

/// Weight over the square of height, before what differs from person to person.
fn body_mass(years: i32) -> i32 {
    match years {
        ..=1 => 17,
        2..=9 => 16,
        10..=17 => 20,
        _ => 24,
    }
}
