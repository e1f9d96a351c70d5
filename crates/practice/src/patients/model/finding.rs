//! What was measured or found: a number with its unit, or words. Units are kept as the source gave them,
//! in words and, where it says so, as a code of UCUM (<https://ucum.org>): nothing is converted here.

use serde::{Deserialize, Serialize};
use serde_json::Number;

use super::codes::{codes, personal};
use super::{Concept, is_blank};

/// The code system of LOINC, by its URI in FHIR.
pub const LOINC: &str = "http://loinc.org";
/// The code system of units, by its URI in FHIR.
pub const UCUM: &str = "http://unitsofmeasure.org";
/// LOINC: systolic blood pressure.
pub const SYSTOLIC: &str = "8480-6";
/// LOINC: diastolic blood pressure.
pub const DIASTOLIC: &str = "8462-4";

codes! {
    /// What a number means that is not the value itself (FHIR `quantity-comparator`).
    Comparator {
        Less = "<",
        AtMost = "<=",
        AtLeast = ">=",
        More = ">",
    }
}

/// A number with its unit.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Quantity {
    /// The number.
    pub value: Number,
    /// That the value lies below or above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparator: Option<Comparator>,
    /// The unit as the source writes it for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The unit as a code of UCUM, where the source says that it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ucum: Option<String>,
}

impl Quantity {
    /// The unit for people: the source's word for it, else what the code stands for; nothing for a bare
    /// number.
    #[must_use]
    pub fn unit_words(&self) -> Option<&str> {
        let written = self.unit.as_deref().filter(|unit| !is_blank(unit));
        written.or_else(|| self.ucum.as_deref().and_then(ucum_words))
    }

    /// "120 mmHg", "< 5 mg/L".
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = self.comparator.map(|sign| format!("{} ", sign.code())).unwrap_or_default();
        words.push_str(&self.value.to_string());
        if let Some(unit) = self.unit_words() {
            words.push(' ');
            words.push_str(unit);
        }
        words
    }

    /// The value itself, for drawing and for comparing. Nothing where the source only says that it lies
    /// below or above the number.
    #[must_use]
    pub fn exact(&self) -> Option<f64> {
        if self.comparator.is_some() {
            return None;
        }
        self.value.as_f64().filter(|value| value.is_finite())
    }
}

/// The usual word for a code of UCUM; the code itself where it can be read as it is.
fn ucum_words(code: &str) -> Option<&str> {
    Some(match code {
        "" | "1" => return None,
        "mm[Hg]" => "mmHg",
        "Cel" => "°C",
        "[degF]" => "°F",
        "[lb_av]" => "lb",
        "[oz_av]" => "oz",
        "[in_i]" => "in",
        "[ft_i]" => "ft",
        "/min" | "{beats}/min" | "{Beats}/min" => "per minute",
        "kg/m2" => "kg/m²",
        other => other,
    })
}

/// A value: a number with its unit, or anything else in words.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// A number.
    Quantity(Quantity),
    /// A finding in words, "yes" and "no" included.
    Words(String),
}

impl Finding {
    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Quantity(quantity) => quantity.words(),
            Self::Words(words) => words.clone(),
        }
    }
}

/// One thing that was measured or found, with what belongs to it.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Reading {
    /// What was measured.
    #[serde(default)]
    pub concept: Concept,
    /// What came out; nothing where it could not be measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Finding>,
    /// Why there is no value, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub absent: Option<String>,
    /// What whoever measured makes of it, in words: "High".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    /// What is usual, in words: "3.5 mmol/L to 5.1 mmol/L".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub usual: Vec<String>,
}

impl Reading {
    /// The value in words, or why there is none.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        let absent = || self.absent.as_ref().map(|why| format!("no value: {why}"));
        self.value.as_ref().map(Finding::words).or_else(absent)
    }

    /// The value as a number with its unit.
    #[must_use]
    pub const fn quantity(&self) -> Option<&Quantity> {
        match &self.value {
            Some(Finding::Quantity(quantity)) => Some(quantity),
            _ => None,
        }
    }

    /// The code of LOINC for what was measured.
    #[must_use]
    pub fn loinc(&self) -> Option<&str> {
        let of = |coding: &&super::Coding| coding.system.as_deref() == Some(LOINC);
        self.concept.coding.iter().filter(of).find_map(|coding| coding.code.as_deref())
    }

    /// A flag that says more than that all is well.
    #[must_use]
    pub fn flag(&self) -> Option<&str> {
        self.flags.iter().map(String::as_str).find(|flag| !flag.eq_ignore_ascii_case("normal"))
    }
}

/// The readings of one measurement as a list shows them: "120/80 mmHg", "72 kg", or each with its name
/// where there are several.
#[must_use]
pub fn readings_words(readings: &[Reading], about: &Concept) -> Option<String> {
    let mut words = Vec::new();
    let pressure = blood_pressure(readings);
    words.extend(pressure.clone());
    for reading in readings {
        let told = pressure.is_some() && matches!(reading.loinc(), Some(SYSTOLIC | DIASTOLIC));
        let Some(value) = reading.words().filter(|_| !told) else { continue };
        match reading.concept.words() {
            Some(name) if reading.concept != *about => words.push(format!("{name} {value}")),
            _ => words.push(value),
        }
    }
    (!words.is_empty()).then(|| words.join(", "))
}

/// "120/80 mmHg", where both pressures are there, exact, in one unit, and not told twice.
fn blood_pressure(readings: &[Reading]) -> Option<String> {
    let of = |code| {
        let mut found = readings.iter().filter(|reading| reading.loinc() == Some(code));
        let one = found.next().filter(|_| found.next().is_none())?;
        one.quantity().filter(|quantity| quantity.exact().is_some())
    };
    let (upper, lower) = (of(SYSTOLIC)?, of(DIASTOLIC)?);
    let unit = upper.unit_words().filter(|unit| lower.unit_words() == Some(unit))?;
    Some(format!("{}/{} {unit}", upper.value, lower.value))
}

personal!(Quantity, Finding, Reading);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patients::model::Coding;

    fn quantity(value: &str, ucum: &str) -> Quantity {
        Quantity { value: value.parse().unwrap(), comparator: None, unit: None, ucum: Some(ucum.to_owned()) }
    }

    fn reading(code: &str, name: &str, quantity: Quantity) -> Reading {
        let coding = Coding { system: Some(LOINC.to_owned()), code: Some(code.to_owned()), ..Coding::default() };
        let concept = Concept { text: Some(name.to_owned()), coding: vec![coding], ..Concept::default() };
        Reading { concept, value: Some(Finding::Quantity(quantity)), ..Reading::default() }
    }

    #[test]
    fn a_unit_is_said_as_people_say_it_and_never_left_out() {
        assert_eq!(quantity("36.6", "Cel").words(), "36.6 °C");
        assert_eq!(quantity("4", "1").words(), "4");
        assert_eq!(quantity("5.4", "mmol/L").words(), "5.4 mmol/L");
        let written = Quantity { unit: Some("Pfund".into()), ..quantity("5", "[lb_av]") };
        assert_eq!(written.words(), "5 Pfund");
    }

    #[test]
    fn a_number_that_is_only_a_limit_is_never_taken_for_the_value() {
        let below = Quantity { comparator: Some(Comparator::Less), ..quantity("5", "mg/L") };
        assert_eq!((below.words().as_str(), below.exact()), ("< 5 mg/L", None));
        assert_eq!(quantity("5", "mg/L").exact(), Some(5.0));
    }

    #[test]
    fn a_blood_pressure_is_one_value_unless_its_parts_do_not_go_together() {
        let (upper, lower) = (quantity("120", "mm[Hg]"), quantity("80", "mm[Hg]"));
        let said = |upper: &Quantity, lower: &Quantity| {
            let parts = [
                reading(SYSTOLIC, "Systolic", upper.clone()),
                reading(DIASTOLIC, "Diastolic", lower.clone()),
                reading("8867-4", "Pulse", quantity("71", "/min")),
            ];
            readings_words(&parts, &Concept::default()).unwrap()
        };
        assert_eq!(said(&upper, &lower), "120/80 mmHg, Pulse 71 per minute");
        assert_eq!(
            said(&upper, &quantity("10.6", "kPa")),
            "Systolic 120 mmHg, Diastolic 10.6 kPa, Pulse 71 per minute"
        );
        let limit = Quantity { comparator: Some(Comparator::Less), ..lower };
        assert_eq!(said(&upper, &limit), "Systolic 120 mmHg, Diastolic < 80 mmHg, Pulse 71 per minute");
    }
}
