use std::io::{BufReader, Read as _};

use jiff::civil::date;
use proptest::prelude::*;
use serde_json::json;

use super::*;

mod care;
mod entries;
mod findings;
mod patients;
mod references;
mod sample;

const TODAY: Date = date(2026, 11, 22);

fn reader(bytes: &[u8]) -> Reader<BufReader<&[u8]>> {
    Reader::new("Patient.ndjson", BufReader::with_capacity(7, bytes), TODAY)
}

fn one(resource: &Value) -> Result<Resource, Reject> {
    read(resource.to_string().as_bytes(), TODAY).map(|(_, resource)| resource)
}

/// What each line came to: its resource's id, or the reason in words.
fn outcomes(bytes: &[u8]) -> Vec<(u64, String)> {
    let lines = reader(bytes).map(|line| line.unwrap());
    lines
        .map(|line| (line.number, line.result.map_or_else(|reject| reject.to_string(), |(_, r)| r.id().to_owned())))
        .collect()
}

fn reason(bytes: &[u8]) -> String {
    let found = outcomes(bytes);
    assert_eq!(found.len(), 1);
    found[0].1.clone()
}

#[test]
fn a_file_is_read_line_by_line_and_a_bad_line_stands_alone() {
    let text = "\u{FEFF}{\"resourceType\":\"Patient\",\"id\":\"a\"}\r\n\n  \n{\"resourceType\":\"Patient\",\"id\":\n\
                {\"resourceType\":\"Patient\",\"id\":\"b\"}";
    let expected = [(1, "a"), (4, "line ends before its JSON is complete: the file was cut short here"), (5, "b")];
    assert_eq!(outcomes(text.as_bytes()), expected.map(|(number, text)| (number, text.to_owned())));
}

#[test]
fn a_line_that_is_not_json_is_refused_with_its_place() {
    assert_eq!(
        reason(b"{\"resourceType\":\"Pat"),
        "line ends before its JSON is complete: the file was cut short here"
    );
    assert_eq!(reason(b"resourceType,id"), "line is not JSON (byte 1)");
    assert_eq!(reason(b"{\"resourceType\":\"Patient\",\"id\":\"a\"} {}"), "line is not JSON (byte 37)");
    assert_eq!(reason(b"[1,2]"), "line is not a JSON object");
    assert_eq!(reason(b"null"), "line is not a JSON object");
    assert_eq!(reason(b"{\"id\":1e999}"), "line is not JSON (byte 11)");
}

#[test]
fn bytes_that_are_no_text_are_refused_with_their_place() {
    assert_eq!(reason(b"{\"id\":\"\xFF\"}"), "line is not UTF-8 (byte 8)");
    assert_eq!(reason(b"{\"id\":\"caf\xE9\"}"), "line is not UTF-8 (byte 11)");
    assert_eq!(reason(b"{\"id\":\0}"), "line contains a NUL byte");
    // UTF-16, as some spreadsheets write it.
    assert_eq!(reason(b"\xFF\xFE{"), "line is not UTF-8 (byte 1)");
}

#[test]
fn a_nul_written_as_an_escape_is_refused_where_it_stands() {
    let text = br#"{"resourceType":"Patient","id":"a","name":[{"family":"A"},{"family":"B\u0000C"}]}"#;
    assert_eq!(reason(text), "name[1].family contains a NUL character");
    assert_eq!(reason(br#"{"a\u0000b":1}"#), "? contains a NUL character");
}

#[test]
fn a_field_that_appears_twice_is_refused() {
    let text = br#"{"resourceType":"Patient","id":"a","birthDate":"1980-01-01","birthDate":"1990-01-01"}"#;
    assert_eq!(reason(text), "birthDate appears twice in one object");
    assert_eq!(reason(br#"{"name":[{"Jane Doe":1,"Jane Doe":2}]}"#), "name[0].? appears twice in one object");
}

#[test]
fn json_nested_ten_thousand_deep_is_refused() {
    let deep = |open: &str, close: &str, levels: usize| {
        format!(r#"{{"resourceType":"Basic","id":"a","x":{}1{}}}"#, open.repeat(levels), close.repeat(levels))
    };
    for (open, close) in [("[", "]"), (r#"{"x":"#, "}")] {
        assert_eq!(reason(deep(open, close, 10_000).as_bytes()), "line is nested deeper than 64 levels");
        assert_eq!(reason(deep(open, close, 64).as_bytes()), "line is nested deeper than 64 levels");
        assert_eq!(reason(deep(open, close, 63).as_bytes()), "a");
    }
    // Unclosed: the depth is found before the end is missed.
    assert_eq!(reason("[".repeat(10_000).as_bytes()), "line is nested deeper than 64 levels");
}

#[test]
fn a_line_of_more_than_a_million_values_is_refused() {
    let list = |count: usize| format!(r#"{{"resourceType":"Basic","id":"a","x":[{}0]}}"#, "0,".repeat(count - 1));
    assert_eq!(reason(list(strict::VALUES_MAX).as_bytes()), "line holds more than a million values");
    assert_eq!(reason(list(strict::VALUES_MAX - 4).as_bytes()), "a");
}

#[test]
fn a_line_of_a_hundred_megabytes_is_reported_and_the_next_is_read() {
    let hundred = io::repeat(b'[').take(100 * 1024 * 1024);
    let next = &b"\n{\"resourceType\":\"Patient\",\"id\":\"a\"}\n"[..];
    let input = BufReader::new((&b"{\"resourceType\":"[..]).chain(hundred).chain(next));
    let found: Vec<Line> = Reader::new("big.ndjson", input, TODAY).map(|line| line.unwrap()).collect();
    assert_eq!(found[0].result.as_ref().unwrap_err().to_string(), "line is longer than 16 MiB");
    assert_eq!(found[1].result.as_ref().unwrap().1.id(), "a");
    assert_eq!(found.len(), 2);
}

#[test]
fn an_error_of_the_file_is_not_a_line() {
    struct Broken;
    impl io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let mut reader = Reader::new("x", BufReader::new(Broken), TODAY);
    assert!(reader.next().unwrap().is_err());
}

#[test]
fn what_is_no_resource_is_refused() {
    let refused = |value: &Value| one(value).unwrap_err().to_string();
    assert_eq!(refused(&json!({"id": "a"})), "resourceType is missing: this is not a FHIR resource");
    assert_eq!(refused(&json!({"resourceType": 1, "id": "a"})), "resourceType must be text");
    assert_eq!(refused(&json!({"resourceType": "Jane Doe"})), "resourceType is not the name of a resource of FHIR R4");
    let missing = "Patient.id is missing: without it a second import could not know this one";
    assert_eq!(refused(&json!({"resourceType": "Patient"})), missing);
    assert_eq!(refused(&json!({"resourceType": "Patient", "id": 7})), "Patient.id must be text");
    let form = "Patient.id is not an id of FHIR: 1 to 64 of A-Z a-z 0-9 - .";
    assert_eq!(refused(&json!({"resourceType": "Patient", "id": "a/b"})), form);
    assert_eq!(refused(&json!({"resourceType": "Patient", "id": "a".repeat(65)})), form);
}

#[test]
fn a_type_without_a_room_is_kept_byte_for_byte_with_its_patient() {
    let text = r#"{ "id":"e1","resourceType":"CarePlan", "subject":{"reference":"Patient/p"},"n":1.10,"d":12345678901234567890.123 }"#;
    let (_, resource) = read(text.as_bytes(), TODAY).unwrap();
    assert_eq!((resource.resource_type(), resource.id()), ("CarePlan", "e1"));
    assert!(resource.subject() == Some(&Reference::parse("Patient/p").unwrap()));
    assert!(matches!(resource, Resource::Kept { raw, .. } if raw == text));
}

#[test]
fn a_report_counts_by_type_and_lists_what_has_a_reason() {
    let mut report = Report::default();
    let reject = Reject { field: "Patient.birthDate".into(), reason: "lies in the future".into() };
    report.note(Finding::plain(Outcome::Add, "Patient.ndjson", 1, "Patient", ""));
    report.note(Finding::of(Outcome::Reject, "Patient.ndjson", 2, "", &reject));
    report.note(Finding::of(Outcome::Reject, "Patient.ndjson", 3, "", &Reject::line("is longer than 16 MiB")));
    report.note(Finding::plain(Outcome::Match, "Patient.ndjson", 4, "Patient", "changed at its source"));
    report.note(Finding::plain(Outcome::Keep, "Device.ndjson", 1, "Device", ""));
    let expected = "                 \
      add     match      skip      keep      warn    reject
Device             0         0         0         1         0         0
Patient            1         1         0         0         0         1
unreadable         0         0         0         0         0         1
total              1         1         0         1         0         2
Patient.ndjson:2: reject: Patient.birthDate lies in the future
Patient.ndjson:3: reject: line is longer than 16 MiB
Patient.ndjson:4: match: Patient changed at its source
";
    assert_eq!(report.to_string(), expected);
    let stored = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&stored).unwrap(), report);

    for line in 0..u64::try_from(FINDINGS_MAX).unwrap() {
        report.note(Finding::of(Outcome::Reject, "x", line, "", &Reject::line("is not JSON (byte 1)")));
    }
    assert_eq!((report.findings.len(), report.more), (FINDINGS_MAX, 3));
    assert_eq!(report.total().reject, 10_002);
}

/// JSON made of FHIR's field names in any arrangement, every text a canary.
fn crooked() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "name",
        "family",
        "given",
        "use",
        "text",
        "telecom",
        "system",
        "value",
        "rank",
        "period",
        "start",
        "end",
        "address",
        "line",
        "identifier",
        "type",
        "coding",
        "code",
        "display",
        "birthDate",
        "deceasedDateTime",
        "deceasedBoolean",
        "gender",
        "communication",
        "language",
        "preferred",
        "maritalStatus",
        "extension",
        "url",
        "subject",
        "patient",
        "reference",
        "content",
        "attachment",
        "data",
        "contentType",
        "onsetAge",
        "onsetPeriod",
        "dosageInstruction",
        "timing",
        "repeat",
        "frequency",
        "periodUnit",
        "doseAndRate",
        "doseQuantity",
        "note",
        "reaction",
        "manifestation",
        "clinicalStatus",
        "author",
        "context",
        "date",
        "medicationReference",
        "contained",
        "valueQuantity",
        "valueString",
        "valueCodeableConcept",
        "valueRange",
        "valueRatio",
        "component",
        "interpretation",
        "referenceRange",
        "low",
        "high",
        "comparator",
        "unit",
        "dataAbsentReason",
        "effectivePeriod",
        "vaccineCode",
        "protocolApplied",
        "doseNumberString",
        "lotNumber",
        "performer",
        "actor",
        "performedPeriod",
        "outcome",
        "complication",
        "class",
        "participant",
        "individual",
        "location",
        "diagnosis",
        "condition",
        "hospitalization",
        "dischargeDisposition",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<f64>().prop_map(|number| json!(number)),
        any::<i64>().prop_map(|number| json!(number)),
        prop::sample::select(vec![
            "CANARY",
            "Patient/CANARY",
            "1980-01-01",
            "official",
            "phone",
            "CANARY\u{202E}",
            "Q0FOQVJZ",
            "d",
            ""
        ])
        .prop_map(|text| json!(text)),
        "CANARY\\PC{0,8}".prop_map(Value::String),
    ];
    let value = leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::hash_map(names.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())),
        ]
    });
    let entries = EntryKind::ALL.iter().map(|kind| kind.resource_type());
    let types: Vec<&str> = ["Patient", "CarePlan"].into_iter().chain(entries).collect();
    (prop::sample::select(types), value).prop_map(|(resource_type, value)| {
        let mut map = match value {
            Value::Object(map) => map,
            other => Map::from_iter([("name".to_owned(), other)]),
        };
        map.insert("resourceType".into(), json!(resource_type));
        map.insert("id".into(), json!("a"));
        Value::Object(map)
    })
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_fall_over(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut end = 0;
        for line in reader(&bytes) {
            let line = line.unwrap();
            prop_assert!(line.end > end);
            end = line.end;
        }
    }

    #[test]
    fn no_text_makes_the_reader_fall_over(text in "[\\[\\]{}\",:a0\\\\u\n\r.eE+-]{0,80}") {
        let _ = reader(text.as_bytes()).count();
    }

    #[test]
    fn no_resource_makes_the_mapping_fall_over_and_no_reason_carries_a_value(value in crooked()) {
        match one(&value) {
            Err(reject) => prop_assert!(!reject.to_string().contains("CANARY")),
            Ok(resource) => {
                for warning in resource.warnings() {
                    prop_assert!(!warning.to_string().contains("CANARY"));
                }
                let printed = format!("{resource:?}");
                prop_assert!(!printed.contains("CANARY"));
                if let Resource::Entry { entry, .. } = &resource {
                    prop_assert_eq!(entry.body.resource().unwrap(), serde_json::from_str::<Value>(&value.to_string()).unwrap());
                    let stored = serde_json::to_vec(&entry.body).unwrap();
                    prop_assert!(serde_json::from_slice::<EntryBody>(&stored).unwrap() == entry.body);
                }
                if let Resource::Patient(patient) = &resource {
                    let stored = serde_json::to_vec(&patient.demographics).unwrap();
                    prop_assert!(serde_json::from_slice::<Demographics>(&stored).unwrap() == patient.demographics);
                }
            }
        }
    }

    #[test]
    fn a_line_cut_anywhere_is_refused_never_misread(at in 1_usize..80) {
        let text = json!({"resourceType": "Patient", "id": "a", "name": [{"family": "Ng", "given": ["Wei"]}]}).to_string();
        let at = at.min(text.len() - 1);
        prop_assert!(read(&text.as_bytes()[..at], TODAY).is_err());
    }
}
