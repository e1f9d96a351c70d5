//! A program proves itself and is given a pass.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use identity::clients::proof::{PassAsked, PassError};
use kernel::ErrorKind;
use serde_json::json;

use super::TOKEN;
use crate::AppState;
use crate::api::caller::Proving;
use crate::extract::Shown;
use crate::fields::Fields;
use crate::limits::RETRY_SECONDS;

/// `POST /fhir/r4/{practice}/auth/token`
///
/// Fields: `grant_type`, `client_assertion_type`, `client_assertion`, `scope`. What goes wrong is said as
/// RFC 6749, section 5.2, has it, not as an outcome: who asks here speaks OAuth.
pub(super) async fn give(State(app): State<AppState>, sent: Proving) -> Response {
    let address = format!("{}{TOKEN}", sent.base.url);
    let Some(asked) = sent.fields.as_ref().and_then(|fields| read(fields, &sent.base.practice, &address)) else {
        let words = "Send application/x-www-form-urlencoded, each parameter once.";
        return refuse(StatusCode::BAD_REQUEST, "invalid_request", words);
    };
    match app.identity.give_pass(&asked, sent.source()).await {
        Ok(given) => {
            let told = json!({
                "access_token": given.token.expose(),
                "token_type": "bearer",
                "expires_in": given.seconds,
                "scope": given.scopes.to_string(),
            });
            (kept_by_nobody(), Json(told)).into_response()
        }
        Err(error) => said(&error),
    }
}

/// The parameters; none if one was sent twice.
fn read<'a>(fields: &'a Fields, practice: &'a str, address: &'a str) -> Option<PassAsked<'a>> {
    Some(PassAsked {
        practice,
        address,
        grant: fields.one("grant_type").ok()?,
        kind: fields.one("client_assertion_type").ok()?,
        proof: fields.one("client_assertion").ok()?,
        scope: fields.one("scope").ok()?,
    })
}

fn said(error: &PassError) -> Response {
    let bad = StatusCode::BAD_REQUEST;
    match error {
        PassError::Request(what) => refuse(bad, "invalid_request", &format!("Send {what}.")),
        PassError::Grant => refuse(bad, "unsupported_grant_type", "Send grant_type=client_credentials."),
        PassError::Client => {
            let words = "The signed JWT was not accepted: see that iss and sub are the connection's id, aud is exactly \
                         this address, exp is within five minutes, jti is new, and kid, alg and key are those of the \
                         connection, which has not ended.";
            refuse(bad, "invalid_client", words)
        }
        PassError::Scope => {
            refuse(bad, "invalid_scope", "None of these scopes can be given: ask for scopes that the connection has.")
        }
        PassError::Wait(wait) => {
            let seconds = u32::try_from(wait.seconds).unwrap_or(u32::MAX);
            let words = "Too many attempts: wait as long as Retry-After says.";
            later(StatusCode::TOO_MANY_REQUESTS, seconds, words)
        }
        PassError::Store(error) if error.kind() == ErrorKind::Busy => {
            tracing::warn!(%error, "the store is not ready");
            later(StatusCode::SERVICE_UNAVAILABLE, RETRY_SECONDS, "Busy at the moment: try again in a few seconds.")
        }
        PassError::Store(error) => {
            tracing::error!(%error, "the store failed");
            refuse(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "Something broke on our side.")
        }
    }
}

fn refuse(status: StatusCode, error: &'static str, description: &str) -> Response {
    let told = json!({ "error": error, "error_description": description });
    (status, Extension(Shown), kept_by_nobody(), Json(told)).into_response()
}

fn later(status: StatusCode, seconds: u32, words: &str) -> Response {
    let mut response = refuse(status, "temporarily_unavailable", words);
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    response
}

/// RFC 6749, section 5.1, asks for both.
const fn kept_by_nobody() -> [(header::HeaderName, HeaderValue); 2] {
    [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::PRAGMA, HeaderValue::from_static("no-cache")),
    ]
}
