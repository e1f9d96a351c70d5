use super::entries::{entry, words};
use super::*;

#[test]
fn an_immunisation_is_read_with_its_batch_and_its_dose() {
    let resource = json!({
        "resourceType": "Immunization", "id": "i1", "patient": {"reference": "Patient/p"}, "status": "completed",
        "vaccineCode": words("62", "HPV, quadrivalent"), "occurrenceDateTime": "2014-08-19T01:16:46-04:00",
        "lotNumber": "X-17", "expirationDate": "2015-01-31", "manufacturer": {"display": "Acme"},
        "site": words("LA", "left arm"), "route": words("IM", "into the muscle"),
        "doseQuantity": {"value": 0.5, "unit": "mL"}, "location": {"display": "Harbour Street"},
        "performer": [{"actor": {"display": "Nurse Adeyemi"}}, {"function": words("OP", "Ordering")}],
        "protocolApplied": [{"doseNumberPositiveInt": 2, "seriesDosesPositiveInt": 3}, {"doseNumberString": "booster"}, {}],
        "reasonCode": [words("1", "routine")], "note": [{"text": "No reaction."}], "recorded": "2014-08-20",
    });
    let found = entry(&resource);
    let body = &found.body;
    assert_eq!((found.kind, body.title().as_str()), (EntryKind::Immunisation, "HPV, quadrivalent"));
    assert_eq!(body.dosage, ["0.5 mL", "dose 2 of 3", "dose booster"]);
    assert_eq!((body.lot.as_deref(), body.maker.as_deref()), (Some("X-17"), Some("Acme")));
    assert_eq!(body.expires.as_ref().unwrap().to_string(), "31 Jan 2015");
    assert_eq!((body.sites.join(""), body.methods.join("")), ("left arm".to_owned(), "into the muscle".to_owned()));
    assert_eq!(
        (body.authors.join(""), body.places.join("")),
        ("Nurse Adeyemi".to_owned(), "Harbour Street".to_owned())
    );
    assert_eq!(found.occurred.unwrap().to_string(), "2014-08-19T05:16:46Z");
    assert_eq!(body.source, resource.to_string());
    assert_eq!(found.warnings, []);
}

#[test]
fn what_was_not_done_never_reads_as_done() {
    let vaccine = json!({
        "resourceType": "Immunization", "id": "i1", "patient": {"reference": "Patient/p"}, "status": "not-done",
        "statusReason": words("PATOBJ", "patient objection"), "vaccineCode": words("3", "MMR"),
        "occurrenceString": "at the school",
    });
    let body = entry(&vaccine).body;
    assert_eq!(body.title(), "Not done: MMR");
    assert_eq!(body.status_reasons, ["patient objection"]);
    assert_eq!(body.began_words.as_deref(), Some("at the school"));
    let procedure = json!({
        "resourceType": "Procedure", "id": "p1", "subject": {"reference": "Patient/p"}, "status": "not-done",
        "code": words("80146002", "Appendectomy"),
    });
    assert_eq!(entry(&procedure).body.title(), "Not done: Appendectomy");
    let error = json!({
        "resourceType": "Immunization", "id": "i1", "patient": {"reference": "Patient/p"},
        "status": "entered-in-error", "vaccineCode": words("3", "MMR"),
    });
    assert!(entry(&error).body.entered_in_error());
}

#[test]
fn a_procedure_is_read_with_who_did_it_and_what_came_of_it() {
    let resource = json!({
        "resourceType": "Procedure", "id": "p1", "subject": {"reference": "Patient/p"}, "status": "completed",
        "category": words("1", "Surgical procedure"), "code": words("80146002", "Appendectomy"),
        "performedPeriod": {"start": "2022-06-22T12:31:08-04:00", "end": "2022-06-22T13:46:08-04:00"},
        "performer": [{"actor": {"display": "Dr Ng"}}, {"actor": {"reference": "Practitioner/2"}}],
        "recorder": {"display": "Dr Ng"}, "asserter": {"display": "Dr Naidoo"}, "location": {"display": "Theatre 2"},
        "reasonCode": [words("1", "Appendicitis")], "reasonReference": [{"display": "Appendicitis"}, {"display": "Fever"}],
        "bodySite": [words("2", "Abdomen")], "outcome": words("3", "Successful"), "complication": [words("4", "Seroma")],
    });
    let found = entry(&resource);
    let body = &found.body;
    assert_eq!((found.kind, body.title().as_str()), (EntryKind::Procedure, "Appendectomy"));
    assert_eq!(body.authors, ["Dr Ng", "Dr Naidoo"]);
    assert_eq!(body.reasons, ["Appendicitis", "Fever"]);
    assert_eq!(body.outcomes, ["Successful", "Seroma"]);
    assert_eq!((body.sites.join(""), body.places.join("")), ("Abdomen".to_owned(), "Theatre 2".to_owned()));
    assert!(body.ended.is_some());
    assert_eq!(found.occurred.unwrap().to_string(), "2022-06-22T16:31:08Z");
    let long_ago = json!({
        "resourceType": "Procedure", "id": "p2", "subject": {"reference": "Patient/p"}, "code": words("1", "Tonsillectomy"),
        "performedAge": {"value": 6, "unit": "years"},
    });
    assert_eq!(entry(&long_ago).body.began_words.as_deref(), Some("at age 6 years"));
}

#[test]
fn a_visit_is_read_with_its_class_who_was_there_and_why() {
    let resource = json!({
        "resourceType": "Encounter", "id": "e1", "subject": {"reference": "Patient/p"}, "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "type": [words("1", "Encounter for problem"), words("2", "Second opinion")],
        "participant": [
            {"type": [words("PPRF", "primary performer")], "individual": {"display": "Dr Ng"}},
            {"type": [words("CON", "consultant")], "individual": {"display": "Dr Naidoo"}},
            {"type": [words("PPRF", "primary performer")], "individual": {"display": "Dr Ng"}}, {},
        ],
        "period": {"start": "1989-10-04T02:25:16-04:00", "end": "1989-10-04T06:20:16-04:00"},
        "reasonCode": [{"coding": [{"code": "46177005", "display": "End-stage renal disease"}]}],
        "diagnosis": [{"condition": {"display": "Anaemia"}}, {"condition": {"reference": "Condition/1"}}],
        "location": [{"location": {"display": "Ward 3"}}, {"location": {"display": "Ward 3"}}],
        "serviceProvider": {"display": "Harbour Hospital"},
        "hospitalization": {"dischargeDisposition": words("home", "Home")},
    });
    let found = entry(&resource);
    let body = &found.body;
    assert_eq!((found.kind, body.title().as_str()), (EntryKind::Visit, "Encounter for problem"));
    assert_eq!(body.categories, ["Inpatient", "Second opinion"]);
    assert_eq!(body.authors, ["Dr Ng", "Dr Naidoo (consultant)"]);
    assert_eq!(body.reasons, ["End-stage renal disease", "Anaemia"]);
    assert_eq!((body.places.join(""), body.outcomes.join("")), ("Ward 3".to_owned(), "Home".to_owned()));
    assert_eq!(body.custodian.as_deref(), Some("Harbour Hospital"));
    assert!(body.began.is_some() && body.ended.is_some());
    let bare = json!({
        "resourceType": "Encounter", "id": "e2", "subject": {"reference": "Patient/p"}, "class": {"code": "HH"},
        "type": [{"coding": []}],
    });
    let bare = entry(&bare);
    assert_eq!((bare.body.title().as_str(), bare.warnings.len()), ("At home", 0));
}

#[test]
fn entries_that_must_name_a_patient_are_refused_without_one() {
    let said = |resource: &Value| one(resource).unwrap_err().to_string();
    let nobody = json!({"resourceType": "Immunization", "id": "i", "vaccineCode": words("3", "MMR")});
    assert_eq!(said(&nobody), "Immunization.patient is missing: nobody could tell whose entry it is");
    let group = json!({"resourceType": "Immunization", "id": "i", "patient": {"reference": "Group/1"}});
    assert_eq!(said(&group), "Immunization.patient must be a patient");
    let nobody = json!({"resourceType": "Procedure", "id": "p"});
    assert_eq!(said(&nobody), "Procedure.subject is missing: nobody could tell whose entry it is");
    let closed = json!({"resourceType": "Encounter", "id": "e", "class": {"code": "AMB"}});
    assert!(matches!(one(&closed), Ok(Resource::Kept { subject: None, .. })));
    let wrong = json!({"resourceType": "Encounter", "id": "e", "subject": {"reference": "Patient/p"}, "class": "AMB"});
    assert_eq!(said(&wrong), "Encounter.class must be an object");
    let wrong = json!({"resourceType": "Encounter", "id": "e", "subject": {"reference": "Patient/p"},
                       "participant": [{"individual": "Dr Ng"}]});
    assert_eq!(said(&wrong), "Encounter.participant[0].individual must be an object");
}

#[test]
fn a_resource_that_was_kept_before_it_had_a_room_is_read_by_the_same_reader() {
    use crate::patients::rows::EntryContent;
    let resource = json!({
        "resourceType": "Procedure", "id": "p1", "subject": {"reference": "Patient/p"}, "code": words("1", "Appendectomy"),
    });
    let kept = EntryContent::Kept { source: resource.to_string() };
    assert!(*kept.read().unwrap() == entry(&resource).body);
    for unreadable in [r#"{"resourceType":"CarePlan","id":"c","subject":{"reference":"Patient/p"}}"#, "{", ""] {
        assert!(EntryContent::Kept { source: unreadable.to_owned() }.read().is_none());
    }
}
