use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::patients::model::Unread;

pub(super) fn entry(resource: &Value) -> EntryImport {
    match one(resource).unwrap() {
        Resource::Entry { entry, .. } => *entry,
        _ => panic!("not an entry"),
    }
}

pub(super) fn words(code: &str, text: &str) -> Value {
    json!({"coding": [{"system": "http://snomed.info/sct", "code": code, "display": text}], "text": text})
}

#[test]
fn an_allergy_is_read_with_what_must_not_be_overlooked() {
    let resource = json!({
        "resourceType": "AllergyIntolerance", "id": "a1", "patient": {"reference": "Patient/p"},
        "clinicalStatus": {"coding": [{"code": "active"}]}, "verificationStatus": {"coding": [{"code": "confirmed"}]},
        "type": "allergy", "category": ["medication"], "criticality": "high", "code": words("387458008", "Aspirin"),
        "onsetAge": {"value": 42, "unit": "years"}, "recordedDate": "1996-12-27T04:21:52-05:00",
        "recorder": {"display": "Dr Naidoo"}, "asserter": {"display": "Dr Naidoo"},
        "note": [{"text": "Since childhood.\nTwice."}],
        "reaction": [{"manifestation": [words("1", "Wheal"), words("2", "Itching")], "severity": "severe",
                      "description": "after the second tablet"}],
    });
    let found = entry(&resource);
    let body = &found.body;
    assert_eq!((found.kind, body.title().as_str()), (EntryKind::Allergy, "Aspirin"));
    assert_eq!(body.criticality.as_deref(), Some("high"));
    assert_eq!(body.clinical_status.as_deref(), Some("active"));
    assert_eq!(body.verification_status.as_deref(), Some("confirmed"));
    assert_eq!(body.categories, ["medication", "allergy"]);
    assert_eq!(body.reactions, ["Wheal, Itching (severe): after the second tablet"]);
    assert_eq!(body.began_words.as_deref(), Some("at age 42 years"));
    assert_eq!(body.authors, ["Dr Naidoo"]);
    assert_eq!(body.remarks, ["Since childhood.\nTwice."]);
    assert_eq!(found.occurred.unwrap().to_string(), "1996-12-27T09:21:52Z");
    assert!(body.is_current() && !body.qualified);
    assert_eq!(body.source, resource.to_string());
    assert_eq!(found.warnings, []);
}

#[test]
fn a_problem_is_read_with_when_it_began_and_ended() {
    let resource = json!({
        "resourceType": "Condition", "id": "c1", "subject": {"reference": "Patient/p"},
        "code": words("91302008", "Sepsis"), "severity": words("24484000", "Severe"),
        "clinicalStatus": {"coding": [{"code": "resolved"}]}, "category": [words("e", "Encounter diagnosis")],
        "onsetDateTime": "2015-02", "abatementDateTime": "2015-03-01", "recordedDate": "2015-02-07",
    });
    let found = entry(&resource);
    assert_eq!(found.body.began.as_ref().unwrap().to_string(), "Feb 2015");
    assert_eq!(found.body.ended.as_ref().unwrap().to_string(), "1 Mar 2015");
    assert_eq!(found.body.severity.as_deref(), Some("Severe"));
    assert_eq!(found.occurred.unwrap().to_string(), "2015-02-01T00:00:00Z");
    assert!(!found.body.is_current());
}

#[test]
fn a_medication_says_how_it_is_taken_and_never_less_than_the_source() {
    let said = |instruction: Value| {
        let resource = json!({
            "resourceType": "MedicationRequest", "id": "m1", "subject": {"reference": "Patient/p"}, "status": "active",
            "intent": "order", "medicationCodeableConcept": words("314076", "lisinopril 10 MG"),
            "authoredOn": "1989-05-27T23:58:16-04:00", "requester": {"display": "Dr Ng"},
            "reasonReference": [{"display": "Hypertension"}], "dosageInstruction": [instruction],
        });
        entry(&resource).body.dosage[0].clone()
    };
    let daily = json!({"repeat": {"frequency": 1, "period": 1.0, "periodUnit": "d"}});
    assert_eq!(said(json!({"sequence": 1, "text": "Take as needed.", "asNeededBoolean": true})), "Take as needed.");
    assert_eq!(
        said(json!({"timing": daily, "asNeededBoolean": false, "doseAndRate": [{"type": words("o", "Ordered"),
                    "doseQuantity": {"value": 1.0}}]})),
        "1, once a day"
    );
    assert_eq!(
        said(json!({
            "timing": {"repeat": {"frequency": 2, "period": 8, "periodUnit": "h"}}, "route": words("o", "by mouth"),
            "doseAndRate": [{"doseQuantity": {"value": 2.5, "unit": "mg"}}],
            "asNeededCodeableConcept": words("p", "pain"), "additionalInstruction": [words("f", "with food")],
            "patientInstruction": "Swallow whole",
        })),
        "2.5 mg, by mouth, twice every 8 hours, as needed for pain, with food, Swallow whole"
    );
    let range = json!({"low": {"value": 1, "unit": "tablet"}, "high": {"value": 2, "unit": "tablets"}});
    assert_eq!(said(json!({"doseAndRate": [{"doseRange": range}]})), "1 tablet to 2 tablets");
    // Whatever has no words here is pointed to.
    for unsaid in [
        json!({"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d", "when": ["AC"]}}}),
        json!({"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}, "event": ["2001"]}}),
        json!({"timing": daily, "maxDosePerPeriod": {"numerator": {"value": 4}}}),
        json!({"doseAndRate": [{"doseQuantity": {"value": 1, "comparator": "<"}}]}),
        json!({"doseAndRate": [{"rateQuantity": {"value": 1}}]}),
        json!({"doseAndRate": [{"doseQuantity": {"value": 1}}, {"doseQuantity": {"value": 2}}]}),
        json!({}),
    ] {
        assert!(said(unsaid).ends_with("more in the source"));
    }
}

#[test]
fn a_medication_that_must_not_be_given_says_so() {
    let resource = json!({
        "resourceType": "MedicationRequest", "id": "m1", "subject": {"reference": "Patient/p"}, "doNotPerform": true,
        "contained": [{"resourceType": "Medication", "id": "med", "code": words("1", "Penicillin")}],
        "medicationReference": {"reference": "#med"},
    });
    assert_eq!(entry(&resource).body.title(), "Do not give: Penicillin");
}

#[test]
fn a_modifier_that_nobody_here_knows_is_not_passed_over() {
    let resource = json!({
        "resourceType": "Condition", "id": "c1", "subject": {"reference": "Patient/p"}, "code": words("1", "Asthma"),
        "modifierExtension": [{"url": "https://example.org/not", "valueBoolean": true}],
    });
    let found = entry(&resource);
    assert!(found.body.qualified);
    assert_eq!(found.warnings[0].field, "Condition.modifierExtension");
}

fn document(contents: &Value) -> Value {
    json!({
        "resourceType": "DocumentReference", "id": "d1", "subject": {"reference": "Patient/p"}, "status": "current",
        "docStatus": "final", "type": words("34117-2", "History and physical note"), "date": "1987-11-19T00:22:16.824-05:00",
        "author": [{"reference": "Practitioner?identifier=s|1", "display": "Dr Ng"}], "custodian": {"display": "Clinic"},
        "content": contents, "context": {"period": {"start": "1987-11-18", "end": "1987-11-20"}, "encounter": []},
    })
}

fn attachment(content_type: &str, bytes: &[u8]) -> Value {
    json!([{"attachment": {"contentType": content_type, "data": STANDARD.encode(bytes)}}])
}

#[test]
fn a_note_is_decoded_once_and_its_source_can_be_made_again() {
    let note = format!("1987-11-19\r\n# Complaint\n- حمى، बुखार, 发烧 {}", "and more ".repeat(20));
    let resource = document(&attachment("text/plain; charset=utf-8", note.as_bytes()));
    let found = entry(&resource);
    let body = &found.body;
    assert_eq!(body.texts().collect::<Vec<_>>(), [note.as_str()]);
    assert!(body.attachments[0].lifted);
    assert!(!body.source.contains(&STANDARD.encode(&note)) && body.source.contains(r#""data":"""#));
    assert_eq!(body.resource().unwrap(), resource);
    assert_eq!((body.authors.as_slice(), body.custodian.as_deref()), (&["Dr Ng".to_owned()][..], Some("Clinic")));
    assert_eq!(found.occurred.unwrap().to_string(), "1987-11-18T00:00:00Z");
}

#[test]
fn text_is_decoded_by_the_charset_it_names() {
    let text = |content_type: &str, bytes: &[u8]| {
        let resource = document(&attachment(content_type, bytes));
        let body = entry(&resource).body;
        assert_eq!(body.resource().unwrap(), resource);
        (body.attachments[0].text.clone(), body.attachments[0].unread)
    };
    let read = |content_type: &str, bytes: &[u8]| text(content_type, bytes).0.unwrap();
    assert_eq!(read("text/plain;charset=ISO-8859-1", b"caf\xE9"), "café");
    assert_eq!(read("text/html; charset=\"windows-1252\"", b"\x80 5"), "€ 5");
    assert_eq!(read("text/plain; charset=utf-16", b"\xFE\xFF\0h\0i"), "hi");
    assert_eq!(read("text/plain; charset=utf-16", b"h\0i\0"), "hi");
    assert_eq!(read("TEXT/Plain; charset=gb18030", b"\xB7\xA2\xC9\xD5"), "发烧");
    assert_eq!(read("application/json", b"{}"), "{}");
    assert_eq!(read("text/plain", "naïve".as_bytes()), "naïve");
    let unread = |content_type: &str, bytes: &[u8]| text(content_type, bytes).1.unwrap();
    assert_eq!(unread("text/plain; charset=klingon-8", b"x"), Unread::Charset);
    assert_eq!(unread("text/plain; charset=utf-8", b"caf\xE9"), Unread::Charset);
    assert_eq!(unread("text/plain", b"a\0b"), Unread::Charset);
    assert_eq!(unread("application/pdf", b"%PDF-1.4"), Unread::NotText);
    assert_eq!(unread("text/rtf", b"{\\rtf1}"), Unread::NotText);
}

#[test]
fn files_that_cannot_be_read_are_kept_and_mentioned() {
    let contents = json!([
        {"attachment": {"contentType": "text/plain", "data": "*** not base64 ***"}},
        {"attachment": {"contentType": "application/pdf", "url": "https://example.org/x.pdf"}},
        {"format": {"code": "x"}},
    ]);
    let resource = document(&contents);
    let found = entry(&resource);
    let unread: Vec<Option<Unread>> = found.body.attachments.iter().map(|attachment| attachment.unread).collect();
    assert_eq!(unread, [Some(Unread::Damaged), Some(Unread::Elsewhere), Some(Unread::Elsewhere)]);
    assert_eq!(
        found.warnings[0].to_string(),
        "DocumentReference.content[0].attachment is not readable as text (damaged)"
    );
    assert_eq!(found.body.resource().unwrap(), resource);
    let wrong = document(&json!([{"attachment": {"data": 7}}]));
    let words = "DocumentReference.content[0].attachment.data must be text in base64";
    assert_eq!(one(&wrong).unwrap_err().to_string(), words);
}

#[test]
fn base64_in_lines_is_read_and_left_as_it_is() {
    let encoded = STANDARD.encode("a note ".repeat(30));
    let folded: Vec<String> =
        encoded.as_bytes().chunks(60).map(|chunk| String::from_utf8_lossy(chunk).into_owned()).collect();
    let resource = document(&json!([{"attachment": {"contentType": "text/plain", "data": folded.join("\r\n")}}]));
    let body = entry(&resource).body;
    assert_eq!(body.attachments[0].text.as_deref(), Some("a note ".repeat(30).as_str()));
    assert!(!body.attachments[0].lifted);
    assert_eq!(body.resource().unwrap(), resource);
}

#[test]
fn the_same_note_twice_in_one_document_is_read_twice() {
    let file = attachment("text/plain", "a note ".repeat(30).as_bytes())[0].clone();
    let resource = document(&json!([file, file]));
    let body = entry(&resource).body;
    assert_eq!(body.texts().count(), 2);
    assert_eq!(body.resource().unwrap(), resource);
}

#[test]
fn an_entry_of_nobody_is_refused_and_one_of_a_group_is_kept() {
    let without = json!({"resourceType": "Condition", "id": "c1", "code": words("1", "Asthma")});
    let words_of = |value: &Value| one(value).unwrap_err().to_string();
    assert_eq!(words_of(&without), "Condition.subject is missing: nobody could tell whose entry it is");
    let wrong = json!({"resourceType": "AllergyIntolerance", "id": "a", "patient": {"reference": "Practitioner/1"}});
    assert_eq!(words_of(&wrong), "AllergyIntolerance.patient must be a patient");
    let crooked = json!({"resourceType": "Condition", "id": "c1", "subject": {"reference": "Jane Doe"}});
    assert!(words_of(&crooked).starts_with("Condition.subject.reference is not a reference"));
    let typed = json!({"resourceType": "Condition", "id": "c1", "subject": "Patient/1"});
    assert_eq!(words_of(&typed), "Condition.subject.reference is missing");
    let group = json!({"resourceType": "Condition", "id": "c1", "subject": {"reference": "Group/1"}});
    assert!(matches!(one(&group), Ok(Resource::Kept { subject: None, .. })));
    let about_nobody = json!({"resourceType": "DocumentReference", "id": "d1", "content": []});
    assert!(matches!(one(&about_nobody), Ok(Resource::Kept { .. })));
}

#[test]
fn dates_that_cannot_be_are_refused_in_entries_too() {
    let resource = json!({"resourceType": "Condition", "id": "c1", "subject": {"reference": "Patient/p"},
                          "onsetDateTime": "0000-01-01"});
    let words = "Condition.onsetDateTime has the year 0000, which does not exist: years are 0001 to 9999";
    assert_eq!(one(&resource).unwrap_err().to_string(), words);
    let far = json!({"resourceType": "Condition", "id": "c1", "subject": {"reference": "Patient/p"},
                     "onsetDateTime": "9999-12-31T23:59:59-14:00"});
    assert_eq!(entry(&far).occurred, Some(Timestamp::MAX));
}
