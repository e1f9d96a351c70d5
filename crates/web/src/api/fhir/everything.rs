//! `GET Patient/[id]/$everything`

use axum::http::HeaderMap;
use kernel::PatientId;
use practice::exchange::api::everything::reads as everything;

use super::answer::{self, CURSOR, List};
use super::id_of;
use super::question::Question;
use crate::api::caller::ApiCaller;
use crate::api::outcome::{ApiAnswer, ApiError};
use crate::extract::At;

/// Everything about one patient, page by page.
pub(super) async fn show(
    by: ApiCaller,
    At((_, id)): At<(String, String)>,
    headers: HeaderMap,
    question: Question,
) -> ApiAnswer {
    question.wants_json(&headers)?;
    let id = PatientId::from_uuid(id_of(&id)?);
    if question.0.iter().any(|(name, _)| !matches!(name.as_str(), CURSOR | "_count" | "_format" | "_pretty")) {
        return Err(ApiError::bad_request("$everything takes _count alone."));
    }
    let count = match question.one("_count") {
        None => practice::exchange::api::question::COUNT_MAX,
        Some(text) => text.parse().map_err(|_| ApiError::bad_request("_count must be a whole number."))?,
    };
    let cursor = question.one(CURSOR).map(answer::cursor_of).transpose()?;
    let page = everything::everything(by.store(), &by.actor, id, count, cursor.as_deref()).await?;
    let path = format!("Patient/{id}/$everything");
    let list = List { base: &by.base.url, path: &path, said: &question.0 };
    Ok(answer::bundle(&list, page.ok_or_else(answer::no_cursor)?))
}
