//! Bulk data: `GET $export`, `GET Patient/$export`, and where what was asked for is waited for, fetched and
//! cancelled.

use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use kernel::IdempotencyKey;
use practice::exchange::api::bulk::{Asked, State, reads, writes};
use practice::exchange::api::question::Handling;
use serde_json::{Value, json};

use super::answer::{json_of, put};
use super::id_of;
use super::question::{Question, address, handling, prefers};
use super::read::only_format;
use crate::api::caller::{ApiCaller, ApiSent};
use crate::api::outcome::{ApiAnswer, ApiError, IssueType};
use crate::extract::{At, Shown};

/// The media types that name what is given: NDJSON.
const NDJSON: [&str; 3] = ["application/fhir+ndjson", "application/ndjson", "ndjson"];
/// How long a program is asked to wait before it looks again, in seconds.
const LOOK_AGAIN_SECONDS: &str = "5";
const PROGRESS: HeaderName = HeaderName::from_static("x-progress");

/// Everything of the practice that scopes have a name for, and the alerts.
pub(super) async fn system(by: ApiCaller, headers: HeaderMap, question: Question) -> ApiAnswer {
    begin(&by, &headers, &question, "$export", false).await
}

/// Patients and their records.
pub(super) async fn patients(by: ApiCaller, headers: HeaderMap, question: Question) -> ApiAnswer {
    begin(&by, &headers, &question, "Patient/$export", true).await
}

async fn begin(by: &ApiCaller, headers: &HeaderMap, question: &Question, path: &str, patients: bool) -> ApiAnswer {
    if !prefers(headers, "respond-async") {
        let words = "An export takes longer than a request: send Prefer: respond-async.";
        return Err(ApiError::bad_request(words).at("Prefer"));
    }
    let said = understood(question, handling(headers), by, patients)?;
    let url = address(&format!("{}/{path}", by.base.url), &question.0);
    let asked = Asked { url, types: said.types, since: said.since };
    let store = by.store();
    let key = IdempotencyKey::new(store.clock().now(), store.entropy());
    let id = writes::ask(store, &by.actor, key, asked).await?;
    let mut response = StatusCode::ACCEPTED.into_response();
    put(&mut response, header::CONTENT_LOCATION, &format!("{}/bulkstatus/{id}", by.base.url))?;
    Ok(response)
}

struct Said {
    types: Vec<String>,
    since: Option<Timestamp>,
}

/// Reads the parameters of an export.
fn understood(question: &Question, handling: Handling, by: &ApiCaller, patients: bool) -> Result<Said, ApiError> {
    let all: Vec<&str> = Asked::all(patients).map(|kind| kind.name).collect();
    let mut said = Said { types: Vec::new(), since: None };
    let mut named = false;
    for (name, value) in &question.0 {
        match name.as_str() {
            "_outputFormat" if NDJSON.contains(&value.replace(' ', "+").as_str()) => {}
            "_outputFormat" => {
                return Err(ApiError::bad_request("_outputFormat must be application/fhir+ndjson.").at("_outputFormat"));
            }
            "_since" => {
                let since = value.replace(' ', "+").parse();
                let words = "_since must be an instant, with its offset.";
                said.since = Some(since.map_err(|_| ApiError::bad_request(words).at("_since"))?);
            }
            "_type" => {
                named = true;
                for kind in value.split(',').map(str::trim).filter(|kind| !kind.is_empty()) {
                    if all.contains(&kind) {
                        said.types.push(kind.to_owned());
                    } else if handling == Handling::Strict {
                        let words = format!("_type must be of {}.", all.join(", "));
                        return Err(ApiError::bad_request(words).at("_type"));
                    }
                }
            }
            _ if handling == Handling::Lenient => {}
            _ => return Err(ApiError::bad_request("An export takes _outputFormat, _since and _type.")),
        }
    }
    if named && said.types.is_empty() {
        return Err(ApiError::bad_request("_type names nothing that is here.").at("_type"));
    }
    if !named {
        // Whatever the program may read: where that is nothing, the doors say so.
        let open = Asked::open_to(by.scopes(), patients).map(|kind| kind.name.to_owned());
        said.types = open.collect();
    }
    Ok(said)
}

/// How far an export is; when it is complete, where its files are.
pub(super) async fn status(
    by: ApiCaller,
    At((_, id)): At<(String, String)>,
    headers: HeaderMap,
    question: Question,
) -> ApiAnswer {
    question.wants_json(&headers)?;
    only_format(&question, &headers)?;
    let id = id_of(&id)?;
    let found = reads::status(by.store(), &by.actor, id).await?;
    match found.state {
        State::Making => {
            let mut response = StatusCode::ACCEPTED.into_response();
            put(&mut response, PROGRESS, &format!("{} resources", found.done))?;
            put(&mut response, header::RETRY_AFTER, LOOK_AGAIN_SECONDS)?;
            Ok(response)
        }
        State::Ready => {
            let file = |piece: &reads::PieceLine| {
                let url = format!("{}/bulkstatus/{id}/{}", by.base.url, piece.id);
                json!({ "type": piece.resource_type, "url": url, "count": piece.lines })
            };
            let (told, wrong): (Vec<_>, Vec<_>) =
                found.pieces.iter().partition(|piece| piece.resource_type != "OperationOutcome");
            let manifest = json!({
                "transactionTime": found.asked_at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
                "request": found.asked.url,
                "requiresAccessToken": true,
                "output": told.into_iter().map(file).collect::<Vec<Value>>(),
                "error": wrong.into_iter().map(file).collect::<Vec<Value>>(),
            });
            let mut response = json_of(StatusCode::OK, &manifest);
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            put(&mut response, header::EXPIRES, &found.ends_at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())?;
            Ok(response)
        }
        State::Failed => {
            let words = "The export could not be made. Ask for it again.";
            Err(ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, IssueType::Exception, words))
        }
        State::Cancelled | State::Expired => Err(ApiError::missing()),
    }
}

/// A piece of an export that is complete.
pub(super) async fn file(by: ApiCaller, At((_, id, piece)): At<(String, String, String)>) -> ApiAnswer {
    let content = reads::piece(by.store(), &by.actor, id_of(&id)?, id_of(&piece)?).await?;
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/fhir+ndjson"))];
    let mut response: Response = (StatusCode::OK, kind, content).into_response();
    response.extensions_mut().insert(Shown);
    Ok(response)
}

/// The program wants it no more.
pub(super) async fn cancel(At((_, id)): At<(String, String)>, sent: ApiSent) -> ApiAnswer {
    let by = &sent.by;
    writes::cancel(by.store(), &by.actor, id_of(&id)?).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}
