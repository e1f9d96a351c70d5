//! `POST [type]`, also on the condition that there is none yet (`If-None-Exist`).

use aws_lc_rs::digest::{Context, SHA256};
use axum::http::{HeaderMap, StatusCode};
use kernel::IdempotencyKey;
use practice::exchange::api::entries::writes as entries;
use practice::exchange::api::kinds::Kind;
use practice::exchange::api::page::Shown;
use practice::exchange::api::question::{Handling, Search};
use practice::exchange::api::searches::reads as searches;
use practice::exchange::api::{ApiError as Failed, reads, writes};
use practice::exchange::fhir::{sent_entry, sent_patient};

use super::answer;
use super::question::{Question, Return};
use crate::api::caller::{ApiCaller, ApiSent, Media};
use crate::api::outcome::{ApiAnswer, ApiError, IssueType};

/// Adds a patient.
pub(super) async fn patient(headers: HeaderMap, question: Question, sent: ApiSent) -> ApiAnswer {
    question.wants_json(&headers)?;
    must_be_json(&sent)?;
    let by = &sent.by;
    if let Some(condition) = headers.get("if-none-exist")
        && let Some(answered) = if_none_exist(by, "Patient", condition.to_str().unwrap_or_default()).await?
    {
        return Ok(answered);
    }
    let read = sent_patient(&sent.bytes, writes::today(by.store()), &by.base.url).map_err(Failed::from)?;
    let key = key_sent(&headers, by, "POST Patient")?.unwrap_or_else(|| fresh(by));
    let written = writes::create(by.store(), &by.actor, key, read, &sent.bytes).await?;
    let address = format!("{}/Patient/{}", by.base.url, written.id);
    let change = Change { kind: "Patient", id: written.id.uuid(), version: written.version, shown: written.shown };
    answer::located(answered(by, &headers, StatusCode::CREATED, change).await?, &address)
}

/// Adds an entry to the record of the patient whom it names.
pub(super) async fn entry(kind: &'static Kind, headers: HeaderMap, question: Question, sent: ApiSent) -> ApiAnswer {
    question.wants_json(&headers)?;
    must_be_json(&sent)?;
    let by = &sent.by;
    if let Some(condition) = headers.get("if-none-exist")
        && let Some(answered) = if_none_exist(by, kind.name, condition.to_str().unwrap_or_default()).await?
    {
        return Ok(answered);
    }
    let written_as = kind.written_as().ok_or_else(ApiError::internal)?;
    let read = sent_entry(&sent.bytes, written_as, &by.base.url).map_err(Failed::from)?;
    let key = key_sent(&headers, by, &format!("POST {}", kind.name))?.unwrap_or_else(|| fresh(by));
    let written = entries::create(by.store(), &by.actor, key, read, &sent.bytes).await?;
    let address = format!("{}/{}/{}", by.base.url, kind.name, written.id);
    let change = Change { kind: kind.name, id: written.id.uuid(), version: written.version, shown: written.shown };
    answer::located(answered(by, &headers, StatusCode::CREATED, change).await?, &address)
}

/// One that is there already is the answer; none is the condition; several say nothing.
async fn if_none_exist(
    by: &ApiCaller,
    name: &str,
    condition: &str,
) -> Result<Option<axum::response::Response>, ApiError> {
    let kind = Kind::named(name).ok_or_else(ApiError::internal)?;
    let condition = condition.trim_start_matches('?');
    let question = Question::parse(condition.as_bytes())?;
    let mut search = Search::parse(kind, &question.0, Handling::Strict, &by.base.url)?;
    if search.filters.is_empty() && search.identifier.is_none() && search.ids.is_none() {
        return Err(ApiError::bad_request("If-None-Exist must say what it means."));
    }
    search.count = 2;
    let mut found = searches::search(by.store(), &by.actor, &search).await?;
    match (found.matches.pop(), found.matches.len() + found.damaged) {
        (None, 0) => Ok(None),
        (Some(one), 0) if found.complete => {
            let address = format!("{}/{name}/{}", by.base.url, one.id);
            answer::located(answer::resource(StatusCode::OK, &one)?, &address).map(Some)
        }
        _ => Err(Failed::Several.into()),
    }
}

pub(super) fn must_be_json(sent: &ApiSent) -> Result<(), ApiError> {
    if sent.media == Media::Json {
        return Ok(());
    }
    let words = "Send the resource as application/fhir+json.";
    Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, IssueType::NotSupported, words))
}

/// What a change came to.
pub(super) struct Change {
    /// The type of what was changed.
    pub(super) kind: &'static str,
    /// Its id.
    pub(super) id: uuid::Uuid,
    /// Which version it is now.
    pub(super) version: i64,
    /// It itself, where it is known without being read.
    pub(super) shown: Option<Shown>,
}

/// What a change is answered with, by what the client prefers.
pub(super) async fn answered(by: &ApiCaller, headers: &HeaderMap, status: StatusCode, written: Change) -> ApiAnswer {
    let wanted = Return::of(headers);
    if wanted != Return::Representation {
        return answer::done(status, written.version, wanted == Return::Outcome);
    }
    if let Some(shown) = &written.shown {
        return answer::resource(status, shown);
    }
    let kind = Kind::named(written.kind).ok_or_else(ApiError::internal)?;
    match reads::read(by.store(), &by.actor, kind, written.id).await {
        Ok(shown) => answer::resource(status, &shown),
        // It is done. Who may change and not read is told no more than that.
        Err(Failed::Store(store::StoreError::Refused { .. })) => answer::done(status, written.version, false),
        Err(other) => Err(other.into()),
    }
}

/// The key of `Idempotency-Key`, of this client and for this address alone.
pub(super) fn key_sent(headers: &HeaderMap, by: &ApiCaller, what: &str) -> Result<Option<IdempotencyKey>, ApiError> {
    let Some(line) = headers.get("idempotency-key") else { return Ok(None) };
    let text = line.to_str().ok().map(|text| text.trim().trim_matches('"'));
    match text.filter(|text| (1..=255).contains(&text.len())) {
        Some(text) => Ok(Some(key_of(by, &[b"sent", what.as_bytes(), text.as_bytes()]))),
        None => Err(ApiError::bad_request("Idempotency-Key must be 1 to 255 visible characters.")),
    }
}

/// A key that is the same whenever the same is sent.
pub(super) fn key_of(by: &ApiCaller, parts: &[&[u8]]) -> IdempotencyKey {
    let mut context = Context::new(&SHA256);
    context.update(by.client.uuid().as_bytes());
    for part in parts {
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
    }
    let digest = context.finish();
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    IdempotencyKey::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

fn fresh(by: &ApiCaller) -> IdempotencyKey {
    let store = by.store();
    IdempotencyKey::new(store.clock().now(), store.entropy())
}
