//! Measurements over time: entries put into series that may be drawn as one line. Pure.
//!
//! A series is what has one code and one unit. Units are never mixed: a value in another unit joins only
//! where UCUM defines both by one exact factor, and the table keeps it as it was written.

use jiff::Timestamp;
use kernel::EntryId;

use super::model::{Concept, DIASTOLIC, EntryBody, Moment, Quantity, Reading, SYSTOLIC};

/// One value of a series.
#[derive(Clone, PartialEq)]
pub struct Point {
    /// The entry that says it.
    pub entry: EntryId,
    /// When, as precisely as the source says; `None` where it does not say.
    pub when: Option<Moment>,
    /// As it was written: "160 lb".
    pub written: String,
    /// In the unit of the series, for drawing; `None` for a mere limit ("< 5").
    pub value: Option<f64>,
    /// That it was written in another unit.
    pub converted: bool,
    /// What whoever measured makes of it.
    pub flag: Option<String>,
}

impl Point {
    /// Where it stands in a drawing: a value, and at least the day on which it was measured.
    #[must_use]
    pub fn drawn(&self) -> Option<(Timestamp, f64)> {
        let when = self.when.as_ref().filter(|when| when.date().date().is_some())?;
        Some((when.earliest(), self.value?))
    }
}

/// The values of one code, oldest first.
#[derive(Clone, PartialEq)]
pub struct Line {
    /// What was measured.
    pub name: String,
    /// Its values.
    pub points: Vec<Point>,
}

/// What is drawn in one figure: one line, or the two of a blood pressure.
#[derive(Clone, PartialEq)]
pub struct Series {
    /// What was measured.
    pub name: String,
    /// The unit of every value; empty for bare numbers.
    pub unit: String,
    /// One line, or several that share code and unit of a panel.
    pub lines: Vec<Line>,
}

super::model::personal!(Point, Line, Series);

/// What makes readings comparable: what was measured, and in what.
#[derive(Clone, PartialEq)]
struct Key {
    about: About,
    unit: Unit,
}

#[derive(Clone, PartialEq, Eq)]
enum About {
    /// System and code.
    Coded(String, String),
    /// Words, where there is no code.
    Said(String),
}

impl About {
    fn of(concept: &Concept) -> Option<Self> {
        let coded = |coding: &super::model::Coding| Some(Self::Coded(coding.system.clone()?, coding.code.clone()?));
        let loinc = concept.coding.iter().filter(|coding| coding.system.as_deref() == Some(super::model::LOINC));
        let code = loinc.chain(concept.coding.iter()).find_map(coded);
        code.or_else(|| concept.words().map(|words| Self::Said(words.to_owned())))
    }

    fn is_loinc(&self, wanted: &str) -> bool {
        matches!(self, Self::Coded(system, code) if system == super::model::LOINC && code == wanted)
    }
}

/// A unit as far as values in it may be compared.
#[derive(Clone, PartialEq)]
enum Unit {
    /// Of a dimension in which everything is proven to be convertible.
    Of(Dimension),
    /// Any other code of UCUM, without what stands in braces, which UCUM gives no meaning.
    Ucum(String),
    /// A unit in words only, or none.
    Said(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dimension {
    Mass,
    Length,
    Temperature,
}

/// Factor and offset that lead from a unit to the base of its dimension: kilogram, metre, kelvin. The
/// factors are exact: those of UCUM 2.1 (<https://ucum.org/ucum>), where a pound is 0.45359237 kg, an inch
/// 2.54 cm and a degree Fahrenheit 5/9 K.
fn to_base(ucum: &str) -> Option<(Dimension, f64, f64)> {
    Some(match ucum {
        "kg" => (Dimension::Mass, 1.0, 0.0),
        "g" => (Dimension::Mass, 0.001, 0.0),
        "[lb_av]" => (Dimension::Mass, 0.453_592_37, 0.0),
        "[oz_av]" => (Dimension::Mass, 0.453_592_37 / 16.0, 0.0),
        "m" => (Dimension::Length, 1.0, 0.0),
        "cm" => (Dimension::Length, 0.01, 0.0),
        "mm" => (Dimension::Length, 0.001, 0.0),
        "[in_i]" => (Dimension::Length, 0.0254, 0.0),
        "[ft_i]" => (Dimension::Length, 0.0254 * 12.0, 0.0),
        "K" => (Dimension::Temperature, 1.0, 0.0),
        "Cel" => (Dimension::Temperature, 1.0, 273.15),
        "[degF]" => (Dimension::Temperature, 5.0 / 9.0, 459.67 * 5.0 / 9.0),
        _ => return None,
    })
}

/// A code of UCUM without its annotations.
fn bare(ucum: &str) -> String {
    let mut bare = String::with_capacity(ucum.len());
    let mut inside = false;
    for c in ucum.chars() {
        match c {
            '{' => inside = true,
            '}' => inside = false,
            _ if inside => {}
            _ => bare.push(c),
        }
    }
    if bare.is_empty() { "1".to_owned() } else { bare }
}

impl Unit {
    fn of(quantity: &Quantity) -> Self {
        match quantity.ucum.as_deref() {
            Some(code) => to_base(code).map_or_else(|| Self::Ucum(bare(code)), |(dimension, ..)| Self::Of(dimension)),
            None => Self::Said(quantity.unit_words().unwrap_or_default().to_owned()),
        }
    }
}

/// A value in another unit of the same dimension.
fn converted(value: f64, from: &str, to: &str) -> Option<f64> {
    let ((one, factor, offset), (other, divisor, shift)) = (to_base(from)?, to_base(to)?);
    if one != other {
        return None;
    }
    let value = (value * factor + offset - shift) / divisor;
    // What a binary fraction adds in the twelfth place was never measured.
    Some((value * 1e9).round() / 1e9)
}

struct Gathered<'e> {
    key: Key,
    name: String,
    readings: Vec<(EntryId, &'e EntryBody, &'e Reading, &'e Quantity)>,
}

/// Puts the measurements of a record into series. Entries come newest first; what was taken back, or
/// changed in its meaning in a way that is not known here, is left out.
#[must_use]
pub fn series(entries: &[(EntryId, &EntryBody)]) -> Vec<Series> {
    let mut gathered: Vec<Gathered<'_>> = Vec::new();
    for (id, body) in entries.iter().filter(|(_, body)| !body.entered_in_error() && !body.qualified) {
        for reading in &body.readings {
            let (Some(quantity), Some(about)) = (reading.quantity(), About::of(&reading.concept)) else { continue };
            let key = Key { about, unit: Unit::of(quantity) };
            let name = reading.concept.words().unwrap_or_default().to_owned();
            match gathered.iter_mut().find(|known| known.key == key) {
                Some(known) => known.readings.push((*id, body, reading, quantity)),
                None => gathered.push(Gathered { key, name, readings: vec![(*id, body, reading, quantity)] }),
            }
        }
    }
    let mut all: Vec<(Key, Series)> = gathered.into_iter().map(|one| (one.key.clone(), one.into_series())).collect();
    join_blood_pressure(&mut all);
    all.into_iter().map(|(_, series)| series).collect()
}

impl Gathered<'_> {
    fn into_series(self) -> Series {
        // The newest says in which unit the practice measures now.
        let shown = self.readings.first().map(|(.., quantity)| *quantity);
        let unit = shown.and_then(Quantity::unit_words).unwrap_or_default().to_owned();
        let shown = shown.and_then(|quantity| quantity.ucum.as_deref());
        let mut points: Vec<Point> = self
            .readings
            .iter()
            .map(|(entry, body, reading, quantity)| {
                let other = matches!(self.key.unit, Unit::Of(_)) && quantity.ucum.as_deref() != shown;
                let value = match (quantity.exact(), quantity.ucum.as_deref(), shown) {
                    (Some(value), Some(from), Some(to)) if other => converted(value, from, to),
                    (value, ..) => value,
                };
                Point {
                    entry: *entry,
                    when: body.began.clone().or_else(|| body.recorded.clone()),
                    written: quantity.words(),
                    value,
                    converted: other,
                    flag: reading.flag().map(str::to_owned),
                }
            })
            .collect();
        points.sort_by_key(|point| point.when.as_ref().map(Moment::earliest));
        Series { name: self.name.clone(), unit, lines: vec![Line { name: self.name, points }] }
    }
}

/// Both pressures of the blood in one figure, the upper first, where they have one unit.
fn join_blood_pressure(all: &mut Vec<(Key, Series)>) {
    let of = |all: &[(Key, Series)], code: &str, unit: Option<&Unit>| {
        all.iter().position(|(key, _)| key.about.is_loinc(code) && unit.is_none_or(|unit| key.unit == *unit))
    };
    let Some(upper) = of(all, SYSTOLIC, None) else { return };
    let unit = all.get(upper).map(|(key, _)| key.unit.clone());
    let Some(lower) = of(all, DIASTOLIC, unit.as_ref()) else { return };
    let (_, below) = all.remove(lower);
    let upper = if lower < upper { upper - 1 } else { upper };
    if let Some((_, series)) = all.get_mut(upper) {
        series.lines.extend(below.lines);
        "Blood pressure".clone_into(&mut series.name);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::exchange::fhir::entry_of;

    fn body(n: usize, resource: serde_json::Value) -> (EntryId, EntryBody) {
        let mut whole = json!({
            "resourceType": "Observation", "id": format!("o{n}"), "status": "final",
            "subject": {"reference": "Patient/p"}, "effectiveDateTime": format!("2024-05-{:02}", n + 1),
        });
        whole.as_object_mut().unwrap().extend(resource.as_object().unwrap().clone());
        let id = EntryId::from_uuid(uuid::Uuid::from_u128(n as u128 + 1));
        (id, entry_of(&whole.to_string()).unwrap().body)
    }

    fn measured(code: &str, value: f64, unit: &str) -> serde_json::Value {
        json!({
            "code": {"coding": [{"system": "http://loinc.org", "code": code, "display": code}]},
            "valueQuantity": {"value": value, "system": "http://unitsofmeasure.org", "code": unit},
        })
    }

    fn drawn(entries: Vec<serde_json::Value>) -> Vec<Series> {
        let bodies: Vec<(EntryId, EntryBody)> = entries.into_iter().enumerate().map(|(n, one)| body(n, one)).collect();
        let newest: Vec<(EntryId, &EntryBody)> = bodies.iter().rev().map(|(id, body)| (*id, body)).collect();
        series(&newest)
    }

    fn values(series: &Series) -> Vec<Option<f64>> {
        series.lines[0].points.iter().map(|point| point.value).collect()
    }

    #[test]
    fn values_of_one_code_and_unit_are_one_line_in_the_order_of_time() {
        let all = drawn(vec![
            measured("29463-7", 70.0, "kg"),
            measured("8867-4", 71.0, "/min"),
            measured("29463-7", 72.5, "kg"),
        ]);
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].unit.as_str(), values(&all[0])), ("kg", vec![Some(70.0), Some(72.5)]));
        assert_eq!(all[1].unit, "per minute");
    }

    #[test]
    fn pounds_join_kilograms_by_the_factor_that_defines_them_and_stay_as_written_beside() {
        let all = drawn(vec![measured("29463-7", 160.0, "[lb_av]"), measured("29463-7", 72.5, "kg")]);
        assert_eq!((all.len(), values(&all[0])), (1, vec![Some(72.574_779_2), Some(72.5)]));
        let first = &all[0].lines[0].points[0];
        assert_eq!((first.written.as_str(), first.converted), ("160.0 lb", true));
        let all = drawn(vec![measured("8310-5", 98.6, "[degF]"), measured("8310-5", 37.5, "Cel")]);
        assert_eq!(values(&all[0]), [Some(37.0), Some(37.5)]);
    }

    #[test]
    fn units_without_a_proven_factor_are_series_of_their_own() {
        let all = drawn(vec![
            measured("2339-0", 90.0, "mg/dL"),
            measured("2339-0", 5.0, "mmol/L"),
            json!({"code": {"coding": [{"system": "http://loinc.org", "code": "2339-0"}]}, "valueQuantity": {"value": 5.1, "unit": "mmol/L"}}),
        ]);
        assert_eq!(all.len(), 3, "words that look like a unit prove nothing");
        assert!(all.iter().all(|series| series.lines[0].points.len() == 1));
        let all = drawn(vec![measured("29463-7", 70.0, "kg"), measured("29463-7", 1.0, "m")]);
        assert_eq!(all.len(), 2, "no factor leads from one dimension to another");
    }

    #[test]
    fn what_stands_in_braces_makes_no_other_unit() {
        let all = drawn(vec![measured("8867-4", 71.0, "{beats}/min"), measured("8867-4", 72.0, "/min")]);
        assert_eq!((all.len(), all[0].lines[0].points.len()), (1, 2));
    }

    #[test]
    fn a_blood_pressure_is_one_figure_of_two_lines() {
        let part = |code: &str, value: i32, unit: &str| {
            let mut part = measured(code, f64::from(value), unit);
            part.as_object_mut().unwrap().remove("effectiveDateTime");
            part
        };
        let pressure = |upper, lower, unit: &str| {
            json!({"code": {"text": "Blood pressure"},
                   "component": [part("8480-6", upper, "mm[Hg]"), part("8462-4", lower, unit)]})
        };
        let all =
            drawn(vec![pressure(120, 80, "mm[Hg]"), measured("8867-4", 71.0, "/min"), pressure(146, 92, "mm[Hg]")]);
        assert_eq!(all.len(), 2);
        let pressure_series = all.iter().find(|series| series.lines.len() == 2).unwrap();
        assert_eq!((pressure_series.name.as_str(), pressure_series.unit.as_str()), ("Blood pressure", "mmHg"));
        assert_eq!(
            pressure_series.lines[1].points.iter().map(|p| p.value).collect::<Vec<_>>(),
            [Some(80.0), Some(92.0)]
        );
        let all = drawn(vec![pressure(120, 11, "kPa")]);
        assert_eq!(all.len(), 2, "two units are two figures");
    }

    #[test]
    fn a_limit_and_a_year_are_in_the_table_and_in_no_drawing() {
        let limit = json!({
            "code": {"text": "CRP"}, "valueQuantity": {"value": 5, "comparator": "<", "system": "http://unitsofmeasure.org", "code": "mg/L"},
        });
        let year = json!({"code": {"text": "CRP"}, "effectiveDateTime": "2019",
                          "valueQuantity": {"value": 9, "system": "http://unitsofmeasure.org", "code": "mg/L"}});
        let all = drawn(vec![limit, year]);
        let points = &all[0].lines[0].points;
        assert_eq!(points.len(), 2);
        assert!(points.iter().all(|point| point.drawn().is_none()));
    }

    #[test]
    fn what_was_taken_back_is_not_drawn() {
        let mut wrong = measured("29463-7", 700.0, "kg");
        wrong.as_object_mut().unwrap().insert("status".into(), json!("entered-in-error"));
        let all = drawn(vec![measured("29463-7", 70.0, "kg"), wrong]);
        assert_eq!(values(&all[0]), [Some(70.0)]);
    }
}
