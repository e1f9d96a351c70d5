//! A program that the practice lets in, what it reads and writes over the API; and the keys under everything.

use reqwest::Method;

use crate::front::{Answer, Member, percent};
use crate::harness::Place;

/// What it sends, and looks for.
const WORDS: [&str; 9] = [
    "Programmspatz",
    "Schnittstellenschwalbe",
    "Fremdprogrammhusten",
    "Versionsvogelwarte",
    "Suchwortstarenschwarm",
    "QZPROGRAMM4711",
    "QZNUMMERNLOS99",
    "Anschlusskiebitz",
    "Bedingungsbussard",
];

/// Makes a connection as people do, works with it as programs do. Gives its key, and every word.
pub(crate) async fn lets_in(owner: &Member, practice: &str) -> Vec<String> {
    let fields = [
        ("name", WORDS[7]),
        ("permission", "everything"),
        ("permission", "patients-change"),
        ("permission", "record-change"),
        ("permission", "identifiers"),
        ("days", "7"),
        ("proves", "key"),
        ("keys", ""),
    ];
    let made = owner.sends("/team/connections/new", &fields).await;
    let key = made.between("id=\"key\">", "<").unwrap_or_else(|| panic!("{}", made.body)).to_owned();
    let ask = async |path: &str, resource: Option<(Method, String)>| -> Answer {
        owner.visitor.as_program(&key, &format!("/fhir/r4/{practice}/{path}"), resource).await
    };
    let patient = |family: &str| {
        format!(
            r#"{{"resourceType":"Patient","name":[{{"family":"{family}"}}],"address":[{{"text":"{}"}}],
            "identifier":[{{"system":"http://example.org/card","value":"{}"}}]}}"#,
            WORDS[1], WORDS[5]
        )
    };
    let added = ask("Patient", Some((Method::POST, patient(WORDS[0])))).await;
    assert_eq!(added.status, 201, "{}", added.body);
    let id = added.location.rsplit('/').next().unwrap();
    let condition = |id: Option<&str>, text: &str| {
        let id = id.map_or(String::new(), |id| format!(r#""id":"{id}","#));
        format!(
            r#"{{"resourceType":"Condition",{id}"subject":{{"reference":"Patient/{}"}},"code":{{"text":"{text}"}}}}"#,
            added.location.rsplit('/').next().unwrap()
        )
    };
    let written = ask("Condition", Some((Method::POST, condition(None, WORDS[2])))).await;
    assert_eq!(written.status, 201, "{}", written.body);
    let entry = written.location.rsplit('/').next().unwrap();
    let changed = condition(Some(entry), WORDS[3]).replacen('{', r#"{"meta":{"versionId":"1"},"#, 1);
    let changed = ask(&format!("Condition/{entry}"), Some((Method::PUT, changed))).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    let number = |number: &str| percent(&format!("http://example.org/card|{number}"));
    for (path, holds) in [
        (format!("Patient/{id}/$everything"), WORDS[3]),
        (format!("Condition/{entry}/_history"), WORDS[2]),
        (format!("Patient?identifier={}", number(WORDS[5])), WORDS[0]),
        (format!("Patient?identifier={}", number(WORDS[6])), "Bundle"),
        (format!("Patient?family={}", WORDS[4]), "Bundle"),
        (format!("Patient?family={}", WORDS[0]), WORDS[1]),
    ] {
        let answer = ask(&path, None).await;
        assert!(answer.status == 200 && answer.body.contains(holds), "{path}: {}", answer.body);
    }
    let refused =
        ask("Patient", Some((Method::POST, format!(r#"{{"resourceType":"Patient","{}":1}}"#, WORDS[8])))).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    let body = key.trim_start_matches("vouchsafe_key_").to_owned();
    assert!(body.len() > 20, "a key has a part that is nothing but secret");
    WORDS.iter().map(|word| (*word).to_owned()).chain([body, key]).collect()
}

/// The root keys, as bytes: what everything else is wrapped under lies in no server and no log.
pub(crate) fn root_keys(place: &Place) -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(place.path("keys/root.key")).unwrap();
    let digits = text.lines().filter_map(|line| line.split_once(' ')).map(|(_, digits)| digits.trim());
    let keys: Vec<Vec<u8>> = digits
        .filter(|digits| digits.len() == 64)
        .map(|digits| (0..64).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect())
        .collect();
    assert!(!keys.is_empty(), "no root key was found");
    keys
}
