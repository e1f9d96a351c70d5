//! Whatever is wrong is told as an outcome.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{MASKED, Program, somebody};
use crate::site::Site;

#[tokio::test]
async fn every_error_is_an_outcome() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, MASKED).await;
    let patient = program.add(&somebody("Ana", "Fault")).await;
    let id = patient["id"].as_str().unwrap();
    let get = |path: &str| program.ask(Method::GET, path);
    let body = |bytes: Vec<u8>| {
        program.ask(Method::POST, "Patient").header("content-type", "application/fhir+json").body(bytes)
    };
    let deep = format!("{{\"resourceType\":\"Patient\",\"extension\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let cases = vec![
        (get("Nowhere"), 404, "not-found"),
        (get("Patient/1/nowhere"), 404, "not-found"),
        (get("Patient/1"), 404, "not-found"),
        (get(&format!("Patient/{}", id.to_uppercase())), 404, "not-found"),
        (program.ask(Method::DELETE, &format!("Patient/{id}")), 405, "not-supported"),
        (program.ask(Method::PATCH, &format!("Patient/{id}")), 405, "not-supported"),
        (program.ask(Method::POST, "Device"), 405, "not-supported"),
        (get(&format!("Patient/{id}")).header("accept", "application/fhir+xml"), 406, "not-supported"),
        (get(&format!("Patient/{id}?_format=xml")), 406, "not-supported"),
        (get(&format!("Patient/{id}?_elements=name")), 400, "invalid"),
        (
            program.ask(Method::POST, "Patient").header("content-type", "application/fhir+xml").body("<Patient/>"),
            415,
            "not-supported",
        ),
        (
            program
                .ask(Method::POST, "Patient")
                .header("content-type", "application/x-www-form-urlencoded")
                .body("a=b"),
            415,
            "not-supported",
        ),
        (
            program.ask(Method::POST, "Patient/_search").header("content-type", "application/json").body("{}"),
            415,
            "not-supported",
        ),
        (body(b"{".to_vec()), 400, "structure"),
        (body(b"[]".to_vec()), 400, "structure"),
        (body(b"{\"resourceType\":\"Patient\",\"id\":\"\\u0000\"}".to_vec()), 422, "invalid"),
        (body(b"{\"resourceType\":\"Patient\"}\0".to_vec()), 400, "structure"),
        (body(b"{\"resourceType\":\"Patient\",\"language\":\"\xff\"}".to_vec()), 400, "structure"),
        (body(b"{\"resourceType\":\"Patient\",\"language\":\"\\ud800\"}".to_vec()), 400, "structure"),
        (body(b"{\"resourceType\":\"Patient\",\"active\":true,\"active\":false}".to_vec()), 422, "invalid"),
        (body(deep.into_bytes()), 400, "structure"),
        (body(json!({"resourceType": "Condition"}).to_string().into_bytes()), 422, "invalid"),
        (body(json!({"resourceType": "Patient", "nickname": "Thandi"}).to_string().into_bytes()), 422, "invalid"),
        (body(json!({"resourceType": "Patient"}).to_string().into_bytes()), 422, "invalid"),
        (
            body(
                json!({"resourceType": "Patient", "name": [{"family": "x"}], "birthDate": "2999-01-01"})
                    .to_string()
                    .into_bytes(),
            ),
            422,
            "invalid",
        ),
        (body(vec![b' '; 2 * 1024 * 1024]), 413, "too-long"),
        (get("Condition"), 400, "invalid"),
        (get("Patient?birthdate=yesterday"), 400, "invalid"),
        (get("Patient?name=%00"), 400, "invalid"),
        (get("Patient?name=%ff"), 400, "invalid"),
    ];
    for (at, (request, status, code)) in cases.into_iter().enumerate() {
        let page = program.send(request).await;
        let said = (page.status.as_u16(), page.issue());
        assert_eq!(said, (status, code.to_owned()), "case {at}: {}", page.body);
        for value in ["Thandi", "yesterday"] {
            assert!(!page.body.contains(value), "{}", page.body);
        }
    }
    let reader = Program::of(&site, practice, "system/Condition.rs").await;
    assert_eq!(reader.get(&format!("Patient/{id}")).await.issue(), "forbidden");
    assert_eq!(reader.get("Patient?name=fault").await.issue(), "forbidden");
    assert_eq!(reader.post("Patient", &somebody("Ana", "Fault")).await.issue(), "forbidden");
    assert_eq!(reader.get(&format!("Patient/{id}/$everything")).await.issue(), "forbidden");
    assert_eq!(reader.get(&format!("Observation?patient={id}")).await.issue(), "forbidden");
    assert_eq!(reader.get(&format!("Condition?patient={id}&_include=Condition:patient")).await.issue(), "forbidden");
    assert_eq!(reader.get(&format!("Condition?patient={id}")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_body_of_a_hundred_megabytes_is_refused_before_it_is_read() {
    let site = Site::open().await;
    let practice = site.house.practice().await;
    let program = Program::of(&site, practice, MASKED).await;
    let huge = program
        .ask(Method::POST, "Patient")
        .header("content-type", "application/fhir+json")
        .header("expect", "100-continue")
        .body(vec![b' '; 100 * 1024 * 1024]);
    // Whoever goes on sending is cut off; whoever waits is told.
    match huge.send().await {
        Ok(answer) => assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE),
        Err(error) => assert!(error.is_request() || error.is_body(), "{error:?}"),
    }
    assert_eq!(program.get("Patient").await.status, StatusCode::OK);
}
