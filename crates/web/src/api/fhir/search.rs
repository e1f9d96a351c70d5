//! `GET [type]?...` and `POST [type]/_search`

use axum::http::HeaderMap;
use practice::exchange::api::kinds::Kind;
use practice::exchange::api::question::Search;
use practice::exchange::api::searches::reads as searches;

use super::answer::{self, CURSOR, List};
use super::question::{Question, handling};
use crate::api::caller::{ApiCaller, ApiSent, Media};
use crate::api::outcome::{ApiAnswer, ApiError, IssueType};

/// A search by address.
pub(super) async fn get(kind: &'static Kind, by: ApiCaller, headers: HeaderMap, question: Question) -> ApiAnswer {
    run(kind, &by, &headers, question).await
}

/// A search by form: what is looked for stands in no address.
pub(super) async fn post(kind: &'static Kind, headers: HeaderMap, mut question: Question, sent: ApiSent) -> ApiAnswer {
    match sent.media {
        Media::Form => question.0.extend(Question::parse(&sent.bytes)?.0),
        Media::Nothing => {}
        _ => {
            let words = "Send the parameters as application/x-www-form-urlencoded.";
            return Err(ApiError::new(http::StatusCode::UNSUPPORTED_MEDIA_TYPE, IssueType::NotSupported, words));
        }
    }
    run(kind, &sent.by, &headers, question).await
}

async fn run(kind: &'static Kind, by: &ApiCaller, headers: &HeaderMap, question: Question) -> ApiAnswer {
    question.wants_json(headers)?;
    let base = by.base.url.as_str();
    let (said, page) = if let Some(cursor) = question.one(CURSOR) {
        if question.0.iter().any(|(name, _)| !matches!(name.as_str(), CURSOR | "_format" | "_pretty")) {
            return Err(ApiError::bad_request("A next page is asked for by its cursor alone.").at(CURSOR));
        }
        let page = searches::search_on(by.store(), &by.actor, kind, &answer::cursor_of(cursor)?, base).await?;
        (question.0.clone(), page.ok_or_else(answer::no_cursor)?)
    } else {
        let search = Search::parse(kind, &question.0, handling(headers), base)?;
        let page = searches::search(by.store(), &by.actor, &search).await?;
        (search.said, page)
    };
    Ok(answer::bundle(&List { base, path: kind.name, said: &said }, page))
}
