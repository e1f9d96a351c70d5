//! `PUT [type]/[id]`, over the version that was read and no other.

use axum::http::{HeaderMap, StatusCode, header};
use kernel::{EntryId, IdempotencyKey, PatientId};
use practice::exchange::api::entries::writes as entries;
use practice::exchange::api::kinds::Kind;
use practice::exchange::api::{ApiError as Failed, writes};
use practice::exchange::fhir::{sent_entry, sent_patient};
use uuid::Uuid;

use super::answer::version_of;
use super::create::{Change, answered, key_of, key_sent, must_be_json};
use super::id_of;
use super::question::Question;
use crate::api::caller::ApiSent;
use crate::api::outcome::{ApiAnswer, ApiError, IssueType};
use crate::extract::At;

/// Puts what was sent in place of a patient.
pub(super) async fn patient(
    At((_, id)): At<(String, String)>,
    headers: HeaderMap,
    question: Question,
    sent: ApiSent,
) -> ApiAnswer {
    question.wants_json(&headers)?;
    must_be_json(&sent)?;
    let (by, id) = (&sent.by, PatientId::from_uuid(id_of(&id)?));
    let seen = seen(&headers, &sent.bytes)?;
    let read = sent_patient(&sent.bytes, writes::today(by.store()), &by.base.url).map_err(Failed::from)?;
    same_id(read.id.as_deref(), "Patient", id.uuid())?;
    let key = once(&headers, &sent, &format!("PUT Patient/{id}"), seen)?;
    let written = writes::update(by.store(), &by.actor, key, id, seen, read, &sent.bytes).await?;
    let change = Change { kind: "Patient", id: id.uuid(), version: written.version, shown: written.shown };
    answered(by, &headers, StatusCode::OK, change).await
}

/// Puts what was sent in place of an entry of a record.
pub(super) async fn entry(
    kind: &'static Kind,
    At((_, id)): At<(String, String)>,
    headers: HeaderMap,
    question: Question,
    sent: ApiSent,
) -> ApiAnswer {
    question.wants_json(&headers)?;
    must_be_json(&sent)?;
    let (by, id) = (&sent.by, EntryId::from_uuid(id_of(&id)?));
    let seen = seen(&headers, &sent.bytes)?;
    let written_as = kind.written_as().ok_or_else(ApiError::internal)?;
    let read = sent_entry(&sent.bytes, written_as, &by.base.url).map_err(Failed::from)?;
    same_id(read.id.as_deref(), kind.name, id.uuid())?;
    let key = once(&headers, &sent, &format!("PUT {}/{id}", kind.name), seen)?;
    let written = entries::update(by.store(), &by.actor, key, (kind, id), seen, read, &sent.bytes).await?;
    let change = Change { kind: kind.name, id: id.uuid(), version: written.version, shown: written.shown };
    answered(by, &headers, StatusCode::OK, change).await
}

/// What is put has the id of where it is put (FHIR R4, 3.1.0.4).
fn same_id(said: Option<&str>, kind: &str, id: Uuid) -> Result<(), ApiError> {
    if said == Some(id.to_string().as_str()) {
        return Ok(());
    }
    Err(ApiError::bad_request("The resource must have the id of the address.").at(format!("{kind}.id")))
}

/// The key of a change: the client's own, or one made of what was sent. Sent again, over the same version, it
/// is the same change: a retry needs no key of its own.
fn once(headers: &HeaderMap, sent: &ApiSent, what: &str, seen: i64) -> Result<IdempotencyKey, ApiError> {
    let derived = || key_of(&sent.by, &[what.as_bytes(), &seen.to_be_bytes(), &sent.bytes]);
    Ok(key_sent(headers, &sent.by, what)?.unwrap_or_else(derived))
}

/// Of a resource's head, the version that it says it is.
#[derive(serde::Deserialize)]
struct Meta {
    #[serde(rename = "versionId")]
    version: String,
}

/// A resource's head.
#[derive(serde::Deserialize)]
struct Head {
    meta: Meta,
}

/// The version that the client has seen: by `If-Match`, or by the resource's own `meta.versionId`.
fn seen(headers: &HeaderMap, bytes: &[u8]) -> Result<i64, ApiError> {
    if let Some(line) = headers.get(header::IF_MATCH) {
        return line.to_str().ok().and_then(version_of).ok_or_else(|| Failed::Stale.into());
    }
    let head: Option<Head> = serde_json::from_slice(bytes).ok();
    head.and_then(|head| version_of(&head.meta.version)).ok_or_else(|| {
        let words = "Say which version is to be changed: If-Match with the ETag that was read, or meta.versionId.";
        ApiError::new(StatusCode::PRECONDITION_REQUIRED, IssueType::Required, words)
    })
}
