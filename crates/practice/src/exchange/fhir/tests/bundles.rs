use std::io::BufReader;

use super::*;

fn bundle(bytes: &[u8]) -> JsonFile<BufReader<&[u8]>> {
    let open = || BufReader::with_capacity(7, bytes);
    JsonFile::new("bundle.json", open(), open(), TODAY).unwrap()
}

fn said(bytes: &[u8]) -> Vec<(u64, String)> {
    let lines = bundle(bytes).map(|line| line.unwrap());
    lines
        .map(|line| (line.number, line.result.map_or_else(|reject| reject.to_string(), |(_, r)| r.id().to_owned())))
        .collect()
}

fn of(kind: &str, entries: &[Value]) -> Vec<u8> {
    json!({"resourceType": "Bundle", "type": kind, "total": 2, "entry": entries}).to_string().into_bytes()
}

fn patient_of(id: &str) -> Value {
    json!({"resourceType": "Patient", "id": id, "name": [{"family": "Ng"}]})
}

#[test]
fn every_kind_of_bundle_that_carries_resources_is_read() {
    let entries = [
        json!({"resource": patient_of("a")}),
        json!({"fullUrl": "https://x.org/Patient/b", "resource": patient_of("b")}),
    ];
    for kind in ["collection", "transaction", "batch", "document", "searchset"] {
        assert_eq!(said(&of(kind, &entries)), [(1, "a".to_owned()), (2, "b".to_owned())], "{kind}");
    }
    let pretty = serde_json::to_vec_pretty(&serde_json::from_slice::<Value>(&of("batch", &entries)).unwrap()).unwrap();
    assert_eq!(said(&[b"\xEF\xBB\xBF\n", pretty.as_slice(), b"\n\n"].concat()).len(), 2);
    let refused = said(&of("message", &entries));
    assert_eq!(refused.len(), 1);
    assert!(refused[0].1.starts_with("Bundle.type must be one of collection"), "{refused:?}");
    assert!(said(b"{\"resourceType\":\"Bundle\"}")[0].1.starts_with("Bundle.type"));
    assert!(said(&of("collection", &[])).is_empty());
}

#[test]
fn what_a_bundle_is_may_stand_behind_its_entries() {
    let bytes =
        br#"{"entry":[{"resource":{"resourceType":"Patient","id":"a"}}],"type":"batch","resourceType":"Bundle"}"#;
    assert_eq!(said(bytes), [(1, "a".to_owned())]);
}

#[test]
fn a_file_that_is_one_resource_is_that_resource() {
    assert_eq!(said(patient_of("a").to_string().as_bytes()), [(1, "a".to_owned())]);
    assert!(said(b"{\"id\":\"a\"}")[0].1.starts_with("resourceType is missing"));
    for other in ["[1]", "", "\"text\"", "{\"resourceType\":7}", "nonsense"] {
        assert_eq!(said(other.as_bytes()).len(), 1, "{other}");
    }
}

#[test]
fn a_resource_without_an_id_takes_the_end_of_its_address() {
    let entry =
        |url: &str| json!({"fullUrl": url, "resource": {"resourceType": "Patient", "name": [{"family": "Ng"}]}});
    let entries =
        [entry("urn:uuid:7f2d1c1e-0000-4000-8000-00000000000a"), entry("https://x.org/Patient/17"), entry("")];
    let found = said(&of("transaction", &entries));
    assert_eq!(found[0].1, "7f2d1c1e-0000-4000-8000-00000000000a");
    assert_eq!(found[1].1, "17");
    assert!(found[2].1.contains("id is missing"), "{found:?}");
}

#[test]
fn an_entry_stands_alone_when_it_is_bad() {
    let entries = [
        json!({"resource": {"resourceType": "Patient", "id": "a", "birthDate": "yesterday"}}),
        json!({"request": {"method": "DELETE", "url": "Patient/b"}}),
        json!({"request": {"method": "PUT", "url": "Patient/c"}, "resource": patient_of("c")}),
        json!({}),
        json!(7),
        json!({"fullUrl": 7, "resource": patient_of("d")}),
    ];
    let found: Vec<String> = said(&of("batch", &entries)).into_iter().map(|(_, said)| said).collect();
    assert!(found[0].starts_with("Patient.birthDate"));
    assert!(found[1].starts_with("Bundle.entry.request.method asks for something else"));
    assert_eq!(found[2], "c");
    assert_eq!(found[3], "Bundle.entry.resource is missing");
    assert_eq!(found[4], "Bundle.entry is not a JSON object");
    assert_eq!(found[5], "Bundle.entry.fullUrl must be text");
    let twice = br#"{"resourceType":"Bundle","type":"batch","entry":[{"resource":{},"resource":{}}]}"#;
    assert_eq!(said(twice)[0].1, "Bundle.entry.resource appears twice in one object");
}

#[test]
fn a_bundle_that_is_cut_short_gives_what_came_and_says_where_it_ends() {
    let whole = of("collection", &[json!({"resource": patient_of("a")}), json!({"resource": patient_of("b")})]);
    let found = said(&whole[..whole.len() - 20]);
    assert_eq!(found[0], (1, "a".to_owned()));
    assert!(found[1].1.contains("cut short"), "{found:?}");
    let more = [whole.as_slice(), b" {}"].concat();
    assert!(said(&more)[2].1.contains("not JSON from here on"));
    let gap =
        br#"{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient","id":"a"}} {}]}"#;
    assert!(said(gap)[1].1.contains("not JSON from here on"));
}

#[test]
fn a_bundle_of_hundreds_of_megabytes_is_read_entry_by_entry_and_one_that_is_too_long_is_passed_over() {
    let head =
        br#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Basic","id":"a","x":""#;
    let long = io::repeat(b'x').take(100 * 1024 * 1024);
    let tail = br#""}},{"resource":{"resourceType":"Patient","id":"b"}}]}"#;
    let input = BufReader::new((&head[..]).chain(long).chain(&tail[..]));
    let file = JsonFile::new(
        "big.json",
        BufReader::new((&head[..]).chain(io::repeat(b'x').take(0)).chain(&tail[..])),
        input,
        TODAY,
    )
    .unwrap();
    let found: Vec<String> =
        file.map(|line| line.unwrap().result.map_or_else(|r| r.to_string(), |(_, r)| r.id().to_owned())).collect();
    assert_eq!(found, ["line is longer than 16 MiB", "b"]);
}

#[test]
fn references_by_address_lead_to_what_the_bundle_gave_it() {
    let entries = [
        json!({"fullUrl": "urn:uuid:AAAA-1", "resource": patient_of("p1")}),
        json!({"fullUrl": "https://x.org/fhir/Patient/p2", "resource": patient_of("p2")}),
        json!({"fullUrl": "urn:uuid:g-1", "resource": {"resourceType": "Group", "id": "g1"}}),
    ];
    let mut index = Index::default();
    for line in bundle(&of("collection", &entries)) {
        index.add(&line.unwrap().result.unwrap().0);
    }
    let to = |text: &str| index.resolve(&Reference::parse(text).unwrap(), "Patient");
    assert_eq!(to("urn:uuid:aaaa-1"), Ok(ResourceKey::of("Patient", "p1")));
    assert_eq!(to("urn:uuid:p1"), Ok(ResourceKey::of("Patient", "p1")), "an id that is a UUID is found as before");
    assert_eq!(to("https://x.org/fhir/Patient/p2"), Ok(ResourceKey::of("Patient", "p2")));
    assert_eq!(to("urn:uuid:g-1"), Err(Unresolved::Missing), "a group is no patient");
}
