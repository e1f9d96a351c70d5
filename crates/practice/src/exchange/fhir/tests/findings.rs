use super::entries::entry;
use super::*;
use crate::patients::model::{Finding, readings_words};

fn loinc(code: &str, text: &str) -> Value {
    json!({"coding": [{"system": "http://loinc.org", "code": code, "display": text}]})
}

fn quantity(value: &Value, unit: &str, code: &str) -> Value {
    json!({"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": code})
}

/// An observation of body weight, with more said of it.
fn weight(more: &Value) -> Value {
    let mut resource = json!({
        "resourceType": "Observation", "id": "o1", "status": "final", "subject": {"reference": "Patient/p"},
        "code": loinc("29463-7", "Body weight"), "effectiveDateTime": "2024-05-06T09:30:00+02:00",
    });
    let map = resource.as_object_mut().unwrap();
    map.extend(more.as_object().unwrap().clone());
    resource
}

fn value(more: &Value) -> Option<String> {
    entry(&weight(more)).body.value_words()
}

#[test]
fn a_measurement_is_read_with_its_unit_and_what_is_made_of_it() {
    let resource = weight(&json!({
        "category": [{"coding": [{"code": "vital-signs", "display": "Vital Signs"}]}],
        "valueQuantity": quantity(&json!(72.50), "kg", "kg"), "issued": "2024-05-06T09:31:00.000+02:00",
        "performer": [{"display": "Nurse Adeyemi"}, {"reference": "Practitioner/2"}],
        "interpretation": [{"coding": [{"code": "H"}]}], "bodySite": {"text": "whole body"},
        "method": {"text": "scales"}, "note": [{"text": "In shoes."}],
        "referenceRange": [
            {"low": quantity(&json!(50), "kg", "kg"), "high": quantity(&json!(70), "kg", "kg"),
             "type": {"coding": [{"code": "normal"}]}, "appliesTo": [{"text": "women"}]},
            {"high": quantity(&json!(68), "kg", "kg"), "type": {"text": "target"}, "age": {"low": {"value": 40, "unit": "years"}}},
            {"text": "see the chart"},
        ],
    }));
    let found = entry(&resource);
    let body = &found.body;
    assert_eq!((found.kind, body.title().as_str()), (EntryKind::Observation, "Body weight"));
    assert_eq!(body.value_words().as_deref(), Some("72.5 kg"));
    let reading = &body.readings[0];
    assert_eq!((reading.loinc(), reading.flag()), (Some("29463-7"), Some("High")));
    assert_eq!(reading.quantity().unwrap().ucum.as_deref(), Some("kg"));
    let usual = ["50 kg to 70 kg (women)", "target: at most 68 kg (age at least 40 years)", "see the chart"];
    assert_eq!(reading.usual, usual);
    assert_eq!(body.categories, ["Vital Signs"]);
    assert_eq!((body.sites.join(""), body.methods.join("")), ("whole body".to_owned(), "scales".to_owned()));
    assert_eq!(body.authors, ["Nurse Adeyemi"]);
    assert_eq!(body.remarks, ["In shoes."]);
    assert_eq!(found.occurred.unwrap().to_string(), "2024-05-06T07:30:00Z");
    assert_eq!(body.source, resource.to_string());
    assert_eq!(found.warnings, []);
}

#[test]
fn a_blood_pressure_is_read_with_both_its_parts() {
    let part = |code: &str, name: &str, value: i64| json!({"code": loinc(code, name), "valueQuantity": quantity(&json!(value), "mmHg", "mm[Hg]")});
    let resource = weight(&json!({
        "code": loinc("85354-9", "Blood pressure panel"), "dataAbsentReason": {"text": "a panel has no value"},
        "component": [part("8480-6", "Systolic", 146), part("8462-4", "Diastolic", 92)],
    }));
    let body = entry(&resource).body;
    assert_eq!(body.readings.len(), 2);
    assert_eq!(body.value_words().as_deref(), Some("146/92 mmHg"));
    assert_eq!(readings_words(&body.readings[..1], &body.concept).as_deref(), Some("Systolic 146 mmHg"));
}

#[test]
fn a_value_of_any_form_is_said_and_none_is_passed_over() {
    let of = |more: &Value| value(more).unwrap();
    assert_eq!(of(&json!({"valueCodeableConcept": {"text": "Never smoked"}})), "Never smoked");
    assert_eq!(of(&json!({"valueString": "A few\ncells"})), "A few\ncells");
    assert_eq!(of(&json!({"valueBoolean": true})), "yes");
    assert_eq!(of(&json!({"valueBoolean": false})), "no");
    assert_eq!(of(&json!({"valueInteger": 15})), "15");
    assert_eq!(of(&json!({"valueRange": {"low": {"value": 1}, "high": {"value": 5, "unit": "/hpf"}}})), "1 to 5 /hpf");
    assert_eq!(of(&json!({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}})), "1 : 128");
    assert_eq!(of(&json!({"valueTime": "08:30:00"})), "08:30:00");
    assert_eq!(of(&json!({"valueDateTime": "2024-05-06"})), "6 May 2024");
    assert_eq!(of(&json!({"valuePeriod": {"start": "2024-05-06"}})), "6 May 2024 to …");
    assert_eq!(of(&json!({"valueSampledData": {"data": "1 2 3"}})), "a recorded signal: more in the source");
    assert_eq!(of(&json!({"valueQuantity": {"value": 5, "comparator": "<", "unit": "mg/L"}})), "< 5 mg/L");
    // A code of another system than UCUM is a word.
    let pounds = json!({"value": 160, "code": "lbs", "system": "http://example.org/units"});
    let body = entry(&weight(&json!({"valueQuantity": pounds}))).body;
    assert_eq!(
        (body.value_words().as_deref(), body.readings[0].quantity().unwrap().ucum.as_deref()),
        (Some("160 lbs"), None)
    );
    // Nothing that could be read as a number, or as nothing having been found.
    assert_eq!(of(&json!({"valueQuantity": {"unit": "kg"}})), "more in the source");
    assert_eq!(of(&json!({"valueCodeableConcept": {"coding": []}})), "more in the source");
    assert_eq!(of(&json!({"dataAbsentReason": {"coding": [{"code": "not-performed"}]}})), "no value: not-performed");
    assert_eq!(value(&json!({})), None);
}

#[test]
fn a_number_is_kept_as_precisely_as_it_can_be_told() {
    let of = |number: &str| {
        let text = weight(&json!({})).to_string();
        let more = format!(r#","valueQuantity":{{"value":{number}}}}}"#);
        let text = format!("{}{more}", text.strip_suffix('}').unwrap());
        let (_, resource) = read(text.as_bytes(), TODAY).unwrap();
        let Resource::Entry { entry, .. } = resource else { panic!("an entry") };
        assert_eq!(entry.body.source, text, "the source itself stays to the last digit");
        let stored = serde_json::to_vec(&entry.body).unwrap();
        assert!(serde_json::from_slice::<EntryBody>(&stored).unwrap() == entry.body);
        match &entry.body.readings[0].value {
            Some(Finding::Quantity(quantity)) => (quantity.words(), quantity.exact()),
            _ => panic!("a number"),
        }
    };
    assert_eq!(of("36.6"), ("36.6".to_owned(), Some(36.6)));
    assert_eq!(of("36.0").0, "36.0");
    assert_eq!(of("-0.5").0, "-0.5");
    assert_eq!(of("18446744073709551615").0, "18446744073709551615");
    assert_eq!(of("1e300").0, "1e+300");
}

#[test]
fn what_cannot_be_told_apart_or_is_of_the_wrong_kind_is_refused_where_it_stands() {
    let said = |more: &Value| one(&weight(more)).unwrap_err().to_string();
    let twice = json!({"valueInteger": 1, "valueString": "2"});
    assert_eq!(said(&twice), "Observation.value is given more than once");
    let inside = json!({"component": [{"code": {}}, {"valueBoolean": true, "valueInteger": 2}]});
    assert_eq!(said(&inside), "Observation.component[1].value is given more than once");
    let text = json!({"valueQuantity": {"value": "72"}});
    assert_eq!(said(&text), "Observation.valueQuantity.value must be a number");
    assert_eq!(said(&json!({"valueInteger": "1"})), "Observation.valueInteger must be a number");
    assert_eq!(said(&json!({"valueQuantity": [1]})), "Observation.valueQuantity must be an object");
    let sign = json!({"valueQuantity": {"value": 1, "comparator": "about"}});
    assert_eq!(said(&sign), "Observation.valueQuantity.comparator must be one of <, <=, >=, >");
    assert_eq!(
        said(&json!({"effectiveDateTime": "yesterday"})),
        format!("Observation.effectiveDateTime {}", crate::patients::model::TimeProblem::Shape)
    );
    let many = json!({"component": vec![json!({}); 201]});
    assert_eq!(said(&many), "Observation.component has more than 200 items");
}

#[test]
fn a_measurement_of_nobody_or_of_a_group_is_kept_and_belongs_to_no_record() {
    let mut group = weight(&json!({"subject": {"reference": "Group/1"}}));
    assert!(matches!(one(&group), Ok(Resource::Kept { subject: None, .. })));
    group.as_object_mut().unwrap().remove("subject");
    assert!(matches!(one(&group), Ok(Resource::Kept { subject: None, .. })));
}

#[test]
fn when_something_was_measured_is_read_in_each_of_its_forms() {
    let when = |more: Value| {
        let mut resource = weight(&json!({}));
        let map = resource.as_object_mut().unwrap();
        map.remove("effectiveDateTime");
        map.extend(more.as_object().unwrap().clone());
        entry(&resource)
    };
    let spanned = when(json!({"effectivePeriod": {"start": "2024-05-06", "end": "2024-05-07"}}));
    assert_eq!(spanned.body.began.unwrap().to_string(), "6 May 2024");
    assert_eq!(spanned.body.ended.unwrap().to_string(), "7 May 2024");
    let instant = when(json!({"effectiveInstant": "2024-05-06T07:30:00Z"}));
    assert_eq!(instant.occurred.unwrap().to_string(), "2024-05-06T07:30:00Z");
    let several = when(json!({"effectiveTiming": {"event": ["2024"]}, "issued": "2024-05-08T00:00:00Z"}));
    assert_eq!(several.body.began_words.as_deref(), Some("at several times: more in the source"));
    assert_eq!(several.occurred.unwrap().to_string(), "2024-05-08T00:00:00Z");
    assert_eq!(when(json!({})).occurred, None);
}
