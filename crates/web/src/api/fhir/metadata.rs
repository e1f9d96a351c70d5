//! `GET metadata`: what is there, printed from the table by which requests are understood.

use axum::http::{HeaderMap, StatusCode};
use practice::exchange::api::kinds::{COMMON, Compares, Home, KINDS, Kind, Param};
use serde_json::{Map, Value, json};

use super::answer::json_of;
use super::question::Question;
use crate::api::caller::Base;
use crate::api::outcome::ApiAnswer;

/// When what is said here last changed.
const CHANGED: &str = "2026-11-23";

/// The capability statement. Says the same to everybody: nothing of the practice but its address.
pub(super) async fn show(base: Base, headers: HeaderMap, question: Question) -> ApiAnswer {
    question.wants_json(&headers)?;
    Ok(json_of(StatusCode::OK, &statement(&base.url)))
}

fn statement(base: &str) -> Value {
    let service = json!({ "coding": [{
        "system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "SMART-on-FHIR",
    }] });
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": CHANGED,
        "kind": "instance",
        "software": { "name": "Vouchsafe", "version": env!("CARGO_PKG_VERSION") },
        "implementation": { "description": "The records of one practice", "url": base },
        "instantiates": ["http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data"],
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{
            "mode": "server",
            "security": {
                "cors": false,
                "service": [service],
                "description": "Authorization: Bearer, with a key or a pass that the practice has given. See docs/api.md.",
            },
            "resource": KINDS.iter().map(resource).collect::<Vec<_>>(),
            "operation": [
                { "name": "export", "definition": "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export" },
            ],
        }],
    })
}

fn resource(kind: &Kind) -> Value {
    let patient = kind.home == Home::Patient;
    let mut interactions = vec!["read", "vread", "history-instance", "search-type"];
    let mut said = Map::new();
    said.insert("type".to_owned(), kind.name.into());
    if kind.is_written() {
        interactions.extend(["update", "create"]);
    }
    said.insert("interaction".to_owned(), interactions.iter().map(|code| json!({ "code": code })).collect());
    said.insert("versioning".to_owned(), if kind.is_written() { "versioned-update" } else { "versioned" }.into());
    said.insert("readHistory".to_owned(), true.into());
    if kind.is_written() {
        said.insert("updateCreate".to_owned(), false.into());
        said.insert("conditionalCreate".to_owned(), true.into());
    }
    if matches!(kind.home, Home::Entry | Home::Alert | Home::Kept) {
        let words = "References lead to what is here; what is not here is told by identifier or in words.";
        said.insert("documentation".to_owned(), words.into());
    }
    let includes: Vec<String> = kind.includes.iter().map(|name| format!("{}:{name}", kind.name)).collect();
    if !includes.is_empty() {
        said.insert("searchInclude".to_owned(), includes.into());
    }
    said.insert("searchParam".to_owned(), kind.params.iter().chain(&COMMON).map(param).collect());
    if patient {
        let definition = "http://hl7.org/fhir/OperationDefinition/Patient-everything";
        said.insert("operation".to_owned(), json!([
            { "name": "everything", "definition": definition },
            { "name": "export", "definition": "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/patient-export" },
        ]));
    }
    said.into()
}

fn param(param: &Param) -> Value {
    let words = match param.compares {
        Compares::Patient => format!("{}; Patient/[id], [id] or the whole address", param.note),
        _ => param.note.to_owned(),
    };
    json!({ "name": param.name, "type": param.compares.code(), "documentation": words })
}
