use super::*;

fn parsed(text: &str) -> Reference {
    Reference::parse(text).unwrap()
}

fn head(resource: &Value) -> Head {
    read(resource.to_string().as_bytes(), TODAY).unwrap().0
}

fn patient(id: &str, identifiers: &Value) -> Head {
    head(&json!({"resourceType": "Patient", "id": id, "identifier": identifiers}))
}

#[test]
fn every_form_of_reference_is_read() {
    let local = Reference::Local { resource_type: "Patient".into(), id: "1".into() };
    assert!(parsed("Patient/1") == local);
    assert!(parsed("Patient/1/_history/2") == local);
    let base = "https://example.org/fhir".to_owned();
    let absolute = Reference::Absolute { base, resource_type: "Patient".into(), id: "1".into() };
    assert!(parsed("https://example.org/fhir/Patient/1") == absolute);
    assert!(parsed("https://example.org/fhir/Patient/1/_history/3") == absolute);
    assert!(parsed("urn:uuid:ABCD") == Reference::Uuid("abcd".into()));
    assert!(parsed("#med") == Reference::Contained);
    let conditional = |system: Option<&str>, value: &str| Reference::Conditional {
        resource_type: "Patient".into(),
        system: system.map(str::to_owned),
        value: value.into(),
    };
    assert!(parsed("Patient?identifier=http://x.org/ids|9|9") == conditional(Some("http://x.org/ids"), "9|9"));
    assert!(parsed("Patient?identifier=http%3A%2F%2Fx.org%7C9%209") == conditional(Some("http://x.org"), "9 9"));
    assert!(parsed("Patient?identifier=9") == conditional(None, "9"));
    assert!(parsed("Patient?identifier=|9") == conditional(None, "9"));
    let logical = json!({"identifier": {"system": "http://x.org/ids", "value": "9"}});
    assert!(Reference::of(&logical, "Patient") == Ok(conditional(Some("http://x.org/ids"), "9")));
    for wrong in [
        "",
        "Patient",
        "Patient/",
        "patient/1",
        "a/b/Patient/1",
        "https://Patient",
        "Patient?name=Ng",
        "Patient?identifier=a|b&name=x",
        "Patient?identifier=a|",
        "?identifier=a|b",
        "Patient?identifier=%FF",
    ] {
        assert!(Reference::parse(wrong).is_err(), "{wrong}");
    }
    assert!(Reference::parse(&"a".repeat(3_000)).is_err());
    for wrong in [json!({}), json!({"reference": 7}), json!({"identifier": {"system": "x"}}), json!("Patient/1")] {
        assert!(Reference::of(&wrong, "Patient").is_err());
    }
}

#[test]
fn references_lead_to_what_the_files_hold() {
    let mut index = Index::default();
    let ours = patient("1", &json!([{"system": "s", "value": "9"}, {"system": "shared", "value": "x"}]));
    let other = patient("a-uuid", &json!([{"system": "s", "value": "10"}, {"system": "shared", "value": "x"}]));
    assert!(index.add(&ours));
    assert!(index.add(&other));
    assert_eq!(index.count(), 2);
    let leads = |text: &str| index.resolve(&parsed(text), "Patient");
    assert_eq!(leads("Patient/1"), Ok(ours.key));
    assert_eq!(leads("https://example.org/Patient/1"), Ok(ours.key));
    assert_eq!(leads("Patient?identifier=s|9"), Ok(ours.key));
    assert_eq!(leads("urn:uuid:A-UUID"), Ok(other.key));
    assert_eq!(leads("Patient/2"), Err(Unresolved::Missing));
    assert_eq!(leads("Patient?identifier=s|11"), Err(Unresolved::Missing));
    assert_eq!(leads("Patient?identifier=9"), Err(Unresolved::NoSystem));
    assert_eq!(leads("Patient?identifier=shared|x"), Err(Unresolved::Ambiguous));
    assert_eq!(leads("Practitioner/1"), Err(Unresolved::OtherType));
    assert_eq!(leads("#1"), Err(Unresolved::OtherType));
}

#[test]
fn a_doubled_id_is_noticed_and_its_identifiers_stay_unambiguous() {
    let mut index = Index::default();
    let once = patient("1", &json!([{"system": "s", "value": "9"}]));
    assert!(index.add(&once));
    assert!(!index.add(&patient("1", &json!([{"system": "s", "value": "9"}]))));
    assert_eq!(index.resolve(&parsed("Patient?identifier=s|9"), "Patient"), Ok(once.key));
    assert!(!index.stands_once(once.key));
    let alone = patient("2", &json!([]));
    assert!(!index.stands_once(alone.key) && index.add(&alone) && index.stands_once(alone.key));
    let mut seen = Seen::default();
    assert!(seen.first(once.key) && !seen.first(once.key));
    // The same id of another type is another resource.
    assert!(seen.first(ResourceKey::of("Practitioner", "1")));
    // Parts do not run into one another.
    assert_ne!(ResourceKey::of("Patient", "1"), ResourceKey::of("Patien", "t1"));
}

#[test]
fn of_a_hundred_thousand_resources_each_is_noted_once() {
    let key = |n: u32| ResourceKey::of("Observation", &format!("o{n}"));
    let mut seen = Seen::default();
    assert!((0..100_000).all(|n| !seen.has(key(n)) && seen.first(key(n)) && seen.has(key(n))));
    assert!((0..100_000).all(|n| seen.has(key(n)) && !seen.first(key(n))));
    assert!((100_000..110_000).all(|n| !seen.has(key(n))));
    assert_eq!(seen.count(), 100_000);
}

#[test]
fn absolute_references_to_several_servers_are_not_guessed_at() {
    let condition = |id: &str, subject: &str| {
        head(&json!({"resourceType": "Condition", "id": id, "subject": {"reference": subject}}))
    };
    let mut index = Index::default();
    let ours = patient("1", &json!([]));
    index.add(&ours);
    index.add(&condition("c1", "https://a.example/fhir/Patient/1"));
    index.add(&condition("c2", "https://a.example/fhir/Patient/1/_history/1"));
    assert_eq!(index.resolve(&parsed("https://a.example/fhir/Patient/1"), "Patient"), Ok(ours.key));
    index.add(&condition("c3", "https://b.example/fhir/Patient/1"));
    let found = index.resolve(&parsed("https://a.example/fhir/Patient/1"), "Patient");
    assert_eq!(found, Err(Unresolved::SeveralServers));
    assert_eq!(index.resolve(&parsed("Patient/1"), "Patient"), Ok(ours.key));
}

proptest! {
    #[test]
    fn no_text_makes_a_reference_fall_over(text in "\\PC{0,60}", shaped in "[a-zA-Z/?#:|%=&.0-9]{0,60}") {
        for text in [text, shaped] {
            if let Err(words) = Reference::parse(&text) {
                prop_assert!(text.len() < 4 || !words.contains(&text));
            }
        }
    }
}
