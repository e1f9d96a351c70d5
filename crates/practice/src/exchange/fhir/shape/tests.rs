use serde_json::json;

use super::*;

fn said(resource: &Value) -> String {
    let fields = resource.as_object().unwrap();
    check("Patient", fields).map_or_else(|reject| reject.to_string(), |()| "fits".to_owned())
}

#[test]
fn every_type_that_a_shape_names_has_a_shape() {
    for (kind, shape) in ALL.iter() {
        for (name, field) in shape {
            let known = is_primitive(field.kind) || ALL.contains_key(field.kind) || field.kind == RESOURCE;
            assert!(known, "{kind}.{name} is of the unknown type {}", field.kind);
        }
    }
}

#[test]
fn a_patient_as_fhir_has_it_fits() {
    let full = json!({
        "resourceType": "Patient", "id": "p1", "meta": {"profile": ["http://example.org/p"]},
        "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">Asha</div>"},
        "extension": [{"url": "http://example.org/x", "valueDecimal": 3.5},
                      {"url": "http://example.org/y", "extension": [{"url": "value", "valueCodeableConcept": {"text": "she"}}]}],
        "contained": [{"resourceType": "Organization", "id": "o", "name": "Clinic"}],
        "identifier": [{"use": "official", "system": "http://example.org", "value": "A-1", "assigner": {"display": "Clinic"}}],
        "active": true,
        "name": [{"use": "official", "family": "Naidoo", "given": ["Asha", null], "_given": [null, {"extension": [{"url": "http://x.example", "valueCode": "masked"}]}]}],
        "telecom": [{"system": "phone", "value": "082", "use": "mobile", "rank": 1}],
        "gender": "female", "birthDate": "1980-11", "_birthDate": {"id": "b"}, "deceasedBoolean": false,
        "multipleBirthInteger": 2, "communication": [{"language": {"text": "isiZulu"}, "preferred": true}],
        "link": [{"other": {"reference": "Patient/1"}, "type": "seealso"}], "managingOrganization": {"reference": "#o"},
    });
    assert_eq!(said(&full), "fits");
}

#[test]
fn what_fhir_does_not_have_is_refused_with_its_place_and_without_its_value() {
    for (resource, reason) in [
        (json!({"nickname": "Thandi"}), "Patient has a field that FHIR R4 does not have there"),
        (json!({"name": [{"surname": "x"}]}), "Patient.name[0] has a field that FHIR R4 does not have there"),
        (json!({"active": "yes"}), "Patient.active must be true or false"),
        (json!({"gender": "f"}), "Patient.gender must be one of male, female, other, unknown"),
        (json!({"name": []}), "Patient.name is an empty list"),
        (json!({"name": {}}), "Patient.name must be a list"),
        (json!({"name": [{}]}), "Patient.name[0] is empty"),
        (json!({"deceasedDateTime": "2020-01-01T10:00:00"}), "Patient.deceasedDateTime is not a dateTime of FHIR"),
        (
            json!({"deceasedDateTime": "2020", "deceasedBoolean": true}),
            "Patient gives one thing in two ways, of which FHIR allows one",
        ),
        (json!({"communication": [{"preferred": true}]}), "Patient.communication[0].language is missing"),
        (json!({"link": [{"other": {"display": "x"}}]}), "Patient.link[0].type is missing"),
        (json!({"multipleBirthInteger": 1.5}), "Patient.multipleBirthInteger must be a whole number in its range"),
        (
            json!({"extension": [{"url": "http://x.example"}]}),
            "Patient.extension[0] must have either a value or extensions (ext-1)",
        ),
        (
            json!({"extension": [{"url": "http://x.example", "valueNobody": 1}]}),
            "Patient.extension[0] has a field that FHIR R4 does not have there",
        ),
        (
            json!({"contained": [{"resourceType": "Nothing"}]}),
            "Patient.contained[0] is a resource of a type that is not taken inside another here",
        ),
        (json!({"_name": [{"id": "a"}]}), "Patient has a field that FHIR R4 does not have there"),
        (
            json!({"text": {"status": "generated", "div": "<div>a<script>1</script></div>"}}),
            "Patient.text.div is not a xhtml of FHIR",
        ),
        (
            json!({"text": {"status": "generated", "div": "<div><b onclick = \"x\">a</b></div>"}}),
            "Patient.text.div is not a xhtml of FHIR",
        ),
        (json!({"birthDate": " "}), "Patient.birthDate is empty, or longer than 1 MiB"),
    ] {
        assert_eq!(said(&resource), reason, "{resource}");
    }
}

#[test]
fn an_entry_as_fhir_has_it_fits_and_what_must_be_there_is_missed_by_its_name() {
    let said = |resource: &Value| {
        let kind = resource["resourceType"].as_str().unwrap();
        let (kind, _) = ALL.get_key_value(kind).unwrap();
        check(kind, resource.as_object().unwrap()).map_or_else(|reject| reject.to_string(), |()| "fits".to_owned())
    };
    let about = json!({"reference": "Patient/1"});
    for (resource, reason) in [
        (
            json!({"resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": about,
                "medicationReference": {"reference": "#m"},
                "contained": [{"resourceType": "Medication", "id": "m", "code": {"text": "x"},
                    "ingredient": [{"itemCodeableConcept": {"text": "y"}, "strength": {"numerator": {"value": 1}}}]}],
                "dosageInstruction": [{"timing": {"repeat": {"frequency": 1, "period": 1.5, "periodUnit": "d", "when": ["HS"]}},
                    "asNeededBoolean": true, "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}]}],
                "substitution": {"allowedBoolean": false}}),
            "fits",
        ),
        (
            json!({"resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": about}),
            "MedicationRequest.medicationCodeableConcept is missing",
        ),
        (
            json!({"resourceType": "Observation", "status": "final", "subject": about, "code": {"text": "x"},
                "valueQuantity": {"value": 1}, "valueString": "1"}),
            "Observation gives one thing in two ways, of which FHIR allows one",
        ),
        (
            json!({"resourceType": "Observation", "status": "done", "subject": about, "code": {"text": "x"}}),
            "Observation.status must be one of registered, preliminary, final, amended, corrected, cancelled, \
             entered-in-error, unknown",
        ),
        (
            json!({"resourceType": "Immunization", "status": "completed", "patient": about,
                "vaccineCode": {"text": "x"}, "occurrenceString": "as a child",
                "protocolApplied": [{"doseNumberPositiveInt": 1}]}),
            "fits",
        ),
        (json!({"resourceType": "Condition", "code": {"text": "x"}}), "Condition.subject is missing"),
        (
            json!({"resourceType": "DocumentReference", "status": "current", "subject": about}),
            "DocumentReference.content is missing",
        ),
        (
            json!({"resourceType": "AllergyIntolerance", "patient": about, "category": ["dust"]}),
            "AllergyIntolerance.category[0] must be one of food, medication, environment, biologic",
        ),
        (json!({"resourceType": "Encounter", "status": "finished", "subject": about}), "Encounter.class is missing"),
    ] {
        assert_eq!(said(&resource), reason, "{resource}");
    }
}
