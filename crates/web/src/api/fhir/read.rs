//! `GET [type]/[id]`

use axum::http::{HeaderMap, StatusCode};
use practice::exchange::api::kinds::Kind;
use practice::exchange::api::reads;

use super::question::{Question, handling};
use super::{answer, id_of};
use crate::api::caller::ApiCaller;
use crate::api::outcome::{ApiAnswer, ApiError};
use crate::extract::At;
use practice::exchange::api::question::Handling;

/// One resource by its id.
pub(super) async fn one(
    kind: &'static Kind,
    by: ApiCaller,
    At((_, id)): At<(String, String)>,
    headers: HeaderMap,
    question: Question,
) -> ApiAnswer {
    question.wants_json(&headers)?;
    only_format(&question, &headers)?;
    let shown = reads::read(by.store(), &by.actor, kind, id_of(&id)?).await?;
    if answer::is_known(&headers, shown.stamp.version) {
        return answer::unchanged(shown.stamp.version);
    }
    answer::resource(StatusCode::OK, &shown)
}

/// Where nothing can be asked but the form of the answer.
pub(super) fn only_format(question: &Question, headers: &HeaderMap) -> Result<(), ApiError> {
    let odd = question.0.iter().any(|(name, _)| !matches!(name.as_str(), "_format" | "_pretty"));
    if odd && handling(headers) == Handling::Strict {
        return Err(ApiError::bad_request("This address takes no parameters but _format."));
    }
    Ok(())
}
