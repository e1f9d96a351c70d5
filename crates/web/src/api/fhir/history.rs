//! `GET [type]/[id]/_history` and `GET [type]/[id]/_history/[version]`

use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use practice::exchange::api::history::reads as history;
use practice::exchange::api::history::{Versions, Wanted};
use practice::exchange::api::kinds::Kind;
use practice::exchange::api::page::Shown;
use practice::exchange::api::question::{COUNT_MAX, COUNT_USUAL};
use serde_json::{Map, Value, json};

use super::answer::{self, CURSOR, List};
use super::id_of;
use super::question::Question;
use super::read::only_format;
use crate::api::caller::ApiCaller;
use crate::api::outcome::{ApiAnswer, ApiError};
use crate::extract::At;

/// One version of a resource.
pub(super) async fn one(
    kind: &'static Kind,
    by: ApiCaller,
    At((_, id, version)): At<(String, String, String)>,
    headers: HeaderMap,
    question: Question,
) -> ApiAnswer {
    question.wants_json(&headers)?;
    only_format(&question, &headers)?;
    let id = id_of(&id)?;
    let plain = |text: &&String| text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let version = Some(&version).filter(plain).and_then(|text| text.parse().ok()).ok_or_else(ApiError::missing)?;
    let shown = history::version(by.store(), &by.actor, kind, id, version).await?;
    answer::resource(StatusCode::OK, &shown)
}

/// The versions of a resource, page by page.
pub(super) async fn all(
    kind: &'static Kind,
    by: ApiCaller,
    At((_, id)): At<(String, String)>,
    headers: HeaderMap,
    question: Question,
) -> ApiAnswer {
    question.wants_json(&headers)?;
    let id = id_of(&id)?;
    let known = [CURSOR, "_count", "_since", "_format", "_pretty"];
    if question.0.iter().any(|(name, _)| !known.contains(&name.as_str())) {
        return Err(ApiError::bad_request("_history takes _count and _since alone."));
    }
    let cursor = question.one(CURSOR).map(answer::cursor_of).transpose()?;
    if cursor.is_some() && question.0.iter().any(|(name, _)| matches!(name.as_str(), "_count" | "_since")) {
        return Err(ApiError::bad_request("A next page is asked for by its cursor alone.").at(CURSOR));
    }
    let count = match question.one("_count") {
        None => COUNT_USUAL,
        Some(text) => text.parse().map_err(|_| ApiError::bad_request("_count must be a whole number."))?,
    };
    let instant = |text: &str| text.replace(' ', "+").parse::<Timestamp>();
    let since = question.one("_since").map(instant).transpose();
    let since = since.map_err(|_| ApiError::bad_request("_since must be an instant, with its offset.").at("_since"))?;
    let wanted = Wanted { count: count.clamp(1, COUNT_MAX), since };
    let found = history::versions(by.store(), &by.actor, kind, id, wanted, cursor.as_deref()).await?;
    let path = format!("{}/{id}/_history", kind.name);
    let list = List { base: &by.base.url, path: &path, said: &question.0 };
    Ok(bundle(&list, kind, found.ok_or_else(answer::no_cursor)?))
}

/// A page of versions as a bundle (FHIR R4, 3.1.0.10).
fn bundle(list: &List<'_>, kind: &Kind, page: Versions) -> axum::response::Response {
    let count = page.shown.len();
    let entry = |(at, shown): (usize, Shown)| {
        let made = page.begins && at + 1 == count;
        let address = format!("{}/{}", kind.name, shown.id);
        let (method, url) = if made { ("POST", kind.name) } else { ("PUT", address.as_str()) };
        json!({
            "fullUrl": format!("{}/{address}", list.base),
            "request": { "method": method, "url": url },
            "response": {
                "status": if made { "201" } else { "200" },
                "etag": answer::tag(shown.stamp.version),
                "lastModified": shown.stamp.instant(),
            },
            "resource": shown.resource,
        })
    };
    let entries: Vec<Value> = page.shown.into_iter().enumerate().map(entry).collect();
    let mut bundle = Map::new();
    bundle.insert("resourceType".to_owned(), "Bundle".into());
    bundle.insert("type".to_owned(), "history".into());
    bundle.extend(page.total.map(|total| ("total".to_owned(), total.into())));
    bundle.insert("link".to_owned(), list.links(page.next.as_deref()).into());
    if !entries.is_empty() {
        bundle.insert("entry".to_owned(), entries.into());
    }
    answer::json_of(StatusCode::OK, &bundle.into())
}
