//! What is hidden cannot be guessed at: whether a guess is right or wrong makes no difference to any answer.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::program::SYSTEM;
use super::{MASKED, Program, bring_in, matched};
use crate::browser::Page;
use crate::site::Site;

/// What is guessed: right in one practice, wrong in the other. Their masked forms are the same.
const RIGHT: &str = "8001015009087";
const WRONG: &str = "7502035001087";
/// The patient whose record is shut in one practice, and is not there in the other.
const SHUT: &str = "Verschwiegen";

const PARAMS: [&str; 33] = [
    "identifier",
    "name",
    "family",
    "given",
    "phone",
    "email",
    "birthdate",
    "_id",
    "_lastUpdated",
    "_text",
    "_content",
    "_filter",
    "_query",
    "_list",
    "_sort",
    "_summary",
    "_elements",
    "_total",
    "_contained",
    "_count",
    "_tag",
    "_security",
    "_profile",
    "_source",
    "_type",
    "_has:Condition:patient:code",
    "_include",
    "_revinclude",
    "telecom",
    "address",
    "general-practitioner",
    "link",
    "language",
];
const MODIFIERS: [&str; 5] = ["", ":exact", ":contains", ":not", ":missing"];
const CHAINED: [&str; 6] = [
    "Condition?patient.identifier=",
    "Condition?subject:Patient.identifier=",
    "Condition?patient:identifier=",
    "Condition?patient.name=",
    "Condition?_has:Patient:link:identifier=",
    "Flag?subject.identifier=",
];

/// Somebody with a number, and somebody else; the practice's program, which sees no numbers.
async fn practice_with(site: &Site, number: &str, shut: bool) -> (Program, String) {
    let practice = site.house.practice().await;
    let program = Program::of(site, practice, MASKED).await;
    let mut people = vec![
        json!({"resourceType": "Patient", "id": "p", "name": [{"family": "Guessed", "given": ["Ana"]}],
            "birthDate": "1984-03-07", "identifier": [{"system": SYSTEM, "value": number}],
            "text": {"status": "generated", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{number}</div>")},
            "extension": [{"url": "http://a.example", "valueIdentifier": {"system": SYSTEM, "value": number}}]}),
    ];
    if shut {
        people.push(json!({"resourceType": "Patient", "id": "s", "name": [{"family": SHUT, "given": ["Ana"]}],
            "birthDate": "1984-03-07", "telecom": [{"system": "phone", "value": RIGHT}]}));
    }
    bring_in(site, practice, &[("Patient", &people)]).await;
    if shut {
        let id = matched(&program.json(&format!("Patient?family={SHUT}")).await).remove(0).parse().unwrap();
        let doctor = site.house.actor(practice, &[store::Role::Practitioner]).await;
        let (named, key) = (doctor.person().unwrap(), site.house.key());
        let seen = store::Versioned(1);
        practice::patients::standing::writes::restrict(&site.house.store, &doctor, key, id, seen, &[named])
            .await
            .unwrap();
    }
    let id = matched(&program.json("Patient?family=guessed").await).remove(0);
    (program, id)
}

/// An answer without what is drawn at random and without what was asked, which its own address repeats.
fn plain(page: &Page) -> String {
    let mut body: Value = serde_json::from_str(&page.body).unwrap_or_else(|_| page.body.clone().into());
    if let Some(bundle) = body.as_object_mut().filter(|body| body.contains_key("link")) {
        let links = bundle["link"].as_array().map_or(0, Vec::len);
        bundle.insert("link".to_owned(), links.into());
    }
    let mut text = body.to_string();
    while let Some(at) = text.find("\"lastUpdated\":\"") {
        text.replace_range(at..at + 15 + 24, "\"at\":");
    }
    let mut out = format!("{} ", page.status);
    let mut at = 0;
    while at < text.len() {
        if text.get(at..at + 36).is_some_and(|part| part.parse::<Uuid>().is_ok()) {
            out.push_str("ID");
            at += 36;
        } else {
            let one = text[at..].chars().next().unwrap();
            out.push(one);
            at += one.len_utf8();
        }
    }
    out
}

#[tokio::test]
async fn a_right_guess_of_what_is_hidden_is_answered_like_a_wrong_one_whatever_is_asked() {
    let site = Site::open().await;
    let (right, right_id) = practice_with(&site, RIGHT, true).await;
    let (wrong, wrong_id) = practice_with(&site, WRONG, false).await;
    let encoded = format!("{SYSTEM}%7C{RIGHT}");
    let mut questions: Vec<String> = Vec::new();
    for param in PARAMS {
        for modifier in MODIFIERS {
            for value in [RIGHT, SHUT] {
                questions.push(format!("Patient?{param}{modifier}={value}"));
            }
        }
        questions.push(format!("Patient?family=guessed&{param}={RIGHT}"));
        questions.push(format!("Patient?{param}={encoded}"));
        questions.push(format!("Patient?{param}=identifier%20eq%20{RIGHT}"));
    }
    for chained in CHAINED {
        questions.extend([RIGHT, &encoded, SHUT].map(|value| format!("{chained}{value}")));
    }
    questions.extend(
        [
            "Patient?_sort=identifier",
            "Patient?_sort=-_lastUpdated,name",
            "Patient?_sort=name",
            "Patient?_count=0",
            "Patient?_count=1&_total=accurate",
            "Patient?family=guessed&_elements=identifier",
            "Patient?_summary=count",
            "Patient?family=guessed&_include=Patient:link",
            "Patient?birthdate=1984-03-07",
        ]
        .map(str::to_owned),
    );
    let count = questions.len();
    for lenient in [false, true] {
        for question in &questions {
            let ask = async |program: &Program| {
                let request = program.ask(Method::GET, question);
                let request = if lenient { request.header("prefer", "handling=lenient") } else { request };
                plain(&program.send(request).await)
            };
            let (one, two) = (ask(&right).await, ask(&wrong).await);
            assert_eq!(one, two, "{question} lenient={lenient}");
            assert!(!one.contains(RIGHT) && !one.contains(SHUT), "{question}: {one}");
        }
    }
    assert!(count > 400, "{count} questions");
    // The same by a form, beside a record, and as a condition.
    for (program, id) in [(&right, &right_id), (&wrong, &wrong_id)] {
        for path in [format!("Patient/{id}?identifier={RIGHT}"), format!("Patient/{id}/$everything?identifier={RIGHT}")]
        {
            assert_eq!(program.get(&path).await.status, 400, "{path}");
        }
    }
    let by_form = async |program: &Program| {
        let request =
            program.ask(Method::POST, "Patient/_search").header("content-type", "application/x-www-form-urlencoded");
        plain(&program.send(request.body(format!("identifier={encoded}"))).await)
    };
    assert_eq!(by_form(&right).await, by_form(&wrong).await);
    let on_condition = async |program: &Program, condition: &str| {
        let request = program.with_body(Method::POST, "Patient", &super::somebody("Ana", "Condition"));
        plain(&program.send(request.header("if-none-exist", condition)).await)
    };
    for condition in [format!("identifier={SYSTEM}|{RIGHT}"), format!("family={SHUT}"), format!("phone={RIGHT}")] {
        assert_eq!(on_condition(&right, &condition).await, on_condition(&wrong, &condition).await, "{condition}");
    }
}
