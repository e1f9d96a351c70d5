//! What a client is given: a resource with its version, a bundle of resources.

use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use practice::exchange::api::page::{Page, Shown};
use serde_json::{Map, Value, json};

use super::question::address;
use crate::api::outcome::{ApiAnswer, ApiError, FHIR_JSON};
use crate::extract::Shown as Said;

/// By which name the next page is asked for.
pub(super) const CURSOR: &str = "_cursor";

/// JSON with a status.
pub(super) fn json_of(status: StatusCode, value: &Value) -> Response {
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(FHIR_JSON))];
    let mut response = (status, kind, value.to_string()).into_response();
    response.extensions_mut().insert(Said);
    response
}

pub(super) fn put(response: &mut Response, name: HeaderName, text: &str) -> Result<(), ApiError> {
    let value = HeaderValue::try_from(text).map_err(|_| ApiError::internal())?;
    response.headers_mut().insert(name, value);
    Ok(())
}

/// The weak tag of a version (FHIR R4, 3.1.0.1.3).
pub(super) fn tag(version: i64) -> String {
    format!("W/\"{version}\"")
}

/// The version that a tag or a plain number names.
pub(super) fn version_of(text: &str) -> Option<i64> {
    let text = text.trim();
    let text = text.strip_prefix("W/").unwrap_or(text);
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    text.parse().ok().filter(|version| *version > 0)
}

/// A resource, with its version and its time.
pub(super) fn resource(status: StatusCode, shown: &Shown) -> ApiAnswer {
    let mut response = json_of(status, &shown.resource);
    put(&mut response, header::ETAG, &tag(shown.stamp.version))?;
    let at = shown.stamp.at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    put(&mut response, header::LAST_MODIFIED, &at)?;
    Ok(response)
}

/// Whether a client has this version already.
pub(super) fn is_known(headers: &HeaderMap, version: i64) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|tag| version_of(tag) == Some(version))
}

/// That nothing is new since the version that a client has.
pub(super) fn unchanged(version: i64) -> ApiAnswer {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    put(&mut response, header::ETAG, &tag(version))?;
    Ok(response)
}

/// That a change was done, without the resource.
pub(super) fn done(status: StatusCode, version: i64, outcome: bool) -> ApiAnswer {
    let mut response = if outcome {
        let said = json!({ "severity": "information", "code": "informational", "diagnostics": "Done." });
        json_of(status, &json!({ "resourceType": "OperationOutcome", "issue": [said] }))
    } else {
        status.into_response()
    };
    put(&mut response, header::ETAG, &tag(version))?;
    Ok(response)
}

/// Says where a new resource is.
pub(super) fn located(mut response: Response, address: &str) -> ApiAnswer {
    put(&mut response, header::LOCATION, address)?;
    Ok(response)
}

/// Where a page of a list stands, and what it says of the whole.
pub(super) struct List<'a> {
    /// This API's own address.
    pub(super) base: &'a str,
    /// The path of the list: `Patient`, `Patient/.../$everything`.
    pub(super) path: &'a str,
    /// What was asked, as it was understood.
    pub(super) said: &'a [(String, String)],
}

impl List<'_> {
    /// Where this page is, and the next one.
    pub(super) fn links(&self, next: Option<&[u8]>) -> Vec<Value> {
        let here = format!("{}/{}", self.base, self.path);
        let mut links = vec![json!({ "relation": "self", "url": address(&here, self.said) })];
        if let Some(next) = next {
            let said = [(CURSOR.to_owned(), URL_SAFE_NO_PAD.encode(next))];
            links.push(json!({ "relation": "next", "url": address(&here, &said) }));
        }
        links
    }
}

/// A page of a list as a bundle.
pub(super) fn bundle(list: &List<'_>, page: Page) -> Response {
    let links = list.links(page.next.as_deref());
    let total = page.complete.then_some(page.matches.len() + page.damaged);
    let mut entries: Vec<Value> = Vec::with_capacity(page.matches.len() + page.included.len());
    let entry = |shown: Shown, mode: &str| {
        let kind = shown.resource.get("resourceType").and_then(Value::as_str).unwrap_or_default().to_owned();
        json!({ "fullUrl": format!("{}/{kind}/{}", list.base, shown.id), "resource": shown.resource, "search": { "mode": mode } })
    };
    entries.extend(page.matches.into_iter().map(|shown| entry(shown, "match")));
    entries.extend(page.included.into_iter().map(|shown| entry(shown, "include")));
    if page.damaged > 0 {
        let words = format!(
            "{} of the resources that are meant are damaged and cannot be shown. Tell whoever runs this installation.",
            page.damaged
        );
        let issue = json!({ "severity": "warning", "code": "exception", "diagnostics": words });
        let outcome = json!({ "resourceType": "OperationOutcome", "issue": [issue] });
        entries.push(json!({ "resource": outcome, "search": { "mode": "outcome" } }));
    }
    let mut bundle = Map::new();
    bundle.insert("resourceType".to_owned(), "Bundle".into());
    bundle.insert("type".to_owned(), "searchset".into());
    bundle.extend(total.map(|total| ("total".to_owned(), total.into())));
    bundle.insert("link".to_owned(), links.into());
    if !entries.is_empty() {
        bundle.insert("entry".to_owned(), entries.into());
    }
    json_of(StatusCode::OK, &bundle.into())
}

/// The bytes of a cursor, or that it is none.
pub(super) fn cursor_of(text: &str) -> Result<Vec<u8>, ApiError> {
    let short = text.len() <= practice::exchange::api::cursor::CURSOR_CHARS_MAX;
    let bytes = if short { URL_SAFE_NO_PAD.decode(text).ok() } else { None };
    bytes.ok_or_else(no_cursor)
}

/// Whatever is wrong with a cursor is one answer.
pub(super) fn no_cursor() -> ApiError {
    ApiError::bad_request("This page cannot be asked for, or no longer: begin the search again.").at(CURSOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_a_tag_in_any_form_that_clients_send() {
        for text in ["W/\"3\"", "\"3\"", "3", " W/\"3\" "] {
            assert_eq!(version_of(text), Some(3), "{text}");
        }
        for text in ["", "*", "W/\"x\"", "W/\"-1\"", "0", "\"3", "W/3\""] {
            assert_eq!(version_of(text), None, "{text}");
        }
        assert_eq!(version_of(&tag(7)), Some(7));
    }
}
