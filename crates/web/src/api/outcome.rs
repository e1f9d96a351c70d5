//! What a program is told when there is no answer for it: an `OperationOutcome`
//! (<https://hl7.org/fhir/R4/operationoutcome.html>). No value of a record is ever in one.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::ErrorKind;
use serde_json::{Value, json};
use store::StoreError;

use crate::errors::PageError;
use crate::extract::Shown;
use crate::limits::RETRY_SECONDS;

/// The media type of the API's answers.
pub const FHIR_JSON: &str = "application/fhir+json";

/// Codes of <https://hl7.org/fhir/R4/valueset-issue-type.html> that are used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueType {
    /// The content does not hold to the rules of FHIR.
    Invalid,
    /// The body is no JSON, or not of this kind.
    Structure,
    /// Something that must be there is not.
    Required,
    /// A value cannot be.
    Value,
    /// A rule of this server.
    BusinessRule,
    /// Whoever calls has not said who it is, or it is not so.
    Login,
    /// It may not do this.
    Forbidden,
    /// Nothing of this kind is done here.
    NotSupported,
    /// It is not here.
    NotFound,
    /// It was here and is gone.
    Deleted,
    /// Somebody else changed it.
    Conflict,
    /// It is here already.
    Duplicate,
    /// Several fit where one was meant.
    MultipleMatches,
    /// It is too much.
    TooLong,
    /// It would cost too much.
    TooCostly,
    /// Too many at a time.
    Throttled,
    /// Not at this moment.
    Transient,
    /// A fault of the server.
    Exception,
    /// Only to be told.
    Informational,
}

impl IssueType {
    /// The code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Structure => "structure",
            Self::Required => "required",
            Self::Value => "value",
            Self::BusinessRule => "business-rule",
            Self::Login => "login",
            Self::Forbidden => "forbidden",
            Self::NotSupported => "not-supported",
            Self::NotFound => "not-found",
            Self::Deleted => "deleted",
            Self::Conflict => "conflict",
            Self::Duplicate => "duplicate",
            Self::MultipleMatches => "multiple-matches",
            Self::TooLong => "too-long",
            Self::TooCostly => "too-costly",
            Self::Throttled => "throttled",
            Self::Transient => "transient",
            Self::Exception => "exception",
            Self::Informational => "informational",
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Its kind.
    pub kind: IssueType,
    /// What is so and what to do, in a sentence. No value of a record.
    pub diagnostics: String,
    /// Where in the resource, as a path of FHIRPath's simple kind (`Patient.birthDate`); empty for the whole.
    pub expression: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The status.
    pub status: StatusCode,
    /// What is wrong, at least one.
    pub issues: Vec<Issue>,
    /// The `error` of the `WWW-Authenticate` header (RFC 6750, section 3.1), where there is one.
    challenge: Option<Challenge>,
    /// Seconds after which it is worth trying again.
    retry_after: Option<u32>,
}

/// What `WWW-Authenticate` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Challenge {
    /// Nothing was said about who calls.
    Missing,
    /// What was said is not so, or no longer.
    Invalid,
    /// It is so, and does not reach.
    Scope,
}

impl Challenge {
    const fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Missing => "Bearer",
            Self::Invalid => "Bearer error=\"invalid_token\"",
            Self::Scope => "Bearer error=\"insufficient_scope\"",
        })
    }
}

impl ApiError {
    /// An answer with one issue.
    #[must_use]
    pub fn new(status: StatusCode, kind: IssueType, diagnostics: impl Into<String>) -> Self {
        let issue = Issue { kind, diagnostics: diagnostics.into(), expression: String::new() };
        Self { status, issues: vec![issue], challenge: None, retry_after: None }
    }

    /// The same, about one place in the resource.
    #[must_use]
    pub fn at(mut self, expression: impl Into<String>) -> Self {
        if let Some(issue) = self.issues.last_mut() {
            issue.expression = expression.into();
        }
        self
    }

    /// Several things that are wrong with what was sent.
    #[must_use]
    pub fn several(status: StatusCode, issues: Vec<Issue>) -> Self {
        Self { status, issues, challenge: None, retry_after: None }
    }

    /// Nobody said who calls.
    #[must_use]
    pub fn nobody() -> Self {
        let words = "Send the key of a connection of this practice: Authorization: Bearer, a space and the key.";
        let told = Self::new(StatusCode::UNAUTHORIZED, IssueType::Login, words);
        Self { challenge: Some(Challenge::Missing), ..told }
    }

    /// Whoever calls is not known here: made up, of another practice, ended or expired. All the same answer.
    #[must_use]
    pub fn unknown() -> Self {
        let words = "This key or pass is not good here, or no longer. Ask the practice for a new connection.";
        let told = Self::new(StatusCode::UNAUTHORIZED, IssueType::Login, words);
        Self { challenge: Some(Challenge::Invalid), ..told }
    }

    /// It is not here, or not for this practice to know of.
    #[must_use]
    pub fn missing() -> Self {
        Self::new(StatusCode::NOT_FOUND, IssueType::NotFound, "There is no such resource here.")
    }

    /// What was sent makes no sense.
    #[must_use]
    pub fn bad_request(diagnostics: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, IssueType::Invalid, diagnostics)
    }

    /// A fault of the program.
    #[must_use]
    pub fn internal() -> Self {
        let words = "Something broke on our side. What it was is in the log of the installation, by the x-request-id.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, IssueType::Exception, words)
    }

    /// Not at this moment.
    #[must_use]
    pub fn busy(seconds: u32) -> Self {
        let words = "The house is busy at the moment. Try again in a few seconds.";
        let told = Self::new(StatusCode::SERVICE_UNAVAILABLE, IssueType::Transient, words);
        Self { retry_after: Some(seconds), ..told }
    }

    /// Too many attempts.
    #[must_use]
    pub fn throttled(seconds: u32) -> Self {
        let words = "Too many attempts. Wait as long as Retry-After says.";
        let told = Self::new(StatusCode::TOO_MANY_REQUESTS, IssueType::Throttled, words);
        Self { retry_after: Some(seconds), ..told }
    }

    fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Invalid => Self::bad_request("The request makes no sense here."),
            ErrorKind::SignedOut => Self::unknown(),
            ErrorKind::Forbidden => {
                let words = "The scopes of this connection do not allow it. That it was tried is recorded.";
                let told = Self::new(StatusCode::FORBIDDEN, IssueType::Forbidden, words);
                Self { challenge: Some(Challenge::Scope), ..told }
            }
            ErrorKind::Missing => Self::missing(),
            ErrorKind::Conflict => {
                let words = "Somebody else changed this resource first. Read it again, then send the change again.";
                Self::new(StatusCode::CONFLICT, IssueType::Conflict, words)
            }
            ErrorKind::TooLarge => {
                let words = "The body is larger than this address takes.";
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, IssueType::TooLong, words)
            }
            ErrorKind::Busy => Self::busy(RETRY_SECONDS),
            ErrorKind::Damaged | ErrorKind::Internal => Self::internal(),
        }
    }

    /// What the passage, the router or an extractor of the pages' answers with, said to a program.
    #[must_use]
    pub(crate) fn of_page(told: Option<PageError>, status: StatusCode) -> Self {
        let Some(error) = told else {
            return match status {
                StatusCode::NOT_FOUND => {
                    Self::new(status, IssueType::NotFound, "Nothing of the API is at this address.")
                }
                StatusCode::METHOD_NOT_ALLOWED => {
                    Self::new(status, IssueType::NotSupported, "This address does not take this method.")
                }
                StatusCode::PAYLOAD_TOO_LARGE => Self::of(ErrorKind::TooLarge),
                _ if status.is_server_error() => Self::internal(),
                _ => Self { status, ..Self::bad_request("The request could not be read.") },
            };
        };
        let status = error.status();
        match (error.retry_after(), status) {
            (Some(seconds), StatusCode::TOO_MANY_REQUESTS) => Self::throttled(seconds),
            (Some(seconds), _) => Self::busy(seconds),
            (None, StatusCode::NOT_FOUND) => Self::missing(),
            (None, StatusCode::PAYLOAD_TOO_LARGE) => Self::of(ErrorKind::TooLarge),
            (None, StatusCode::UNAUTHORIZED) => Self::unknown(),
            (None, _) if status.is_client_error() => {
                Self { status, ..Self::bad_request("The request could not be read.") }
            }
            (None, _) => Self::internal(),
        }
    }

    fn body(&self) -> Value {
        let issues: Vec<Value> = self
            .issues
            .iter()
            .map(|issue| {
                let mut told = json!({
                    "severity": "error",
                    "code": issue.kind.code(),
                    "diagnostics": issue.diagnostics,
                });
                if let (false, Some(told)) = (issue.expression.is_empty(), told.as_object_mut()) {
                    told.insert("expression".to_owned(), json!([issue.expression]));
                }
                told
            })
            .collect();
        json!({ "resourceType": "OperationOutcome", "issue": issues })
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let kind = error.kind();
        match kind {
            // Errors of the doors carry ids and kinds, never a value.
            ErrorKind::Damaged | ErrorKind::Internal => tracing::error!(%error, "the store failed"),
            ErrorKind::Busy => tracing::warn!(%error, "the store is not ready"),
            _ => {}
        }
        Self::of(kind)
    }
}

impl From<PageError> for ApiError {
    fn from(error: PageError) -> Self {
        Self::of_page(Some(error), error.status())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(FHIR_JSON))];
        let mut response = (self.status, kind, self.body().to_string()).into_response();
        if let Some(challenge) = self.challenge {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge.header());
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(Shown);
        response
    }
}

/// What a handler of the API gives.
pub type ApiAnswer = Result<Response, ApiError>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_practices_id_and_no_id_are_the_same_answer() {
        assert_eq!(ApiError::from(StoreError::Missing), ApiError::missing());
        assert_eq!(ApiError::from(PageError::MISSING), ApiError::missing());
    }

    #[test]
    fn an_issue_says_where_it_is_if_it_is_somewhere() {
        let error = ApiError::bad_request("Write a date.").at("Patient.birthDate");
        let issue = &error.body()["issue"][0];
        assert_eq!((&issue["code"], &issue["expression"][0]), (&json!("invalid"), &json!("Patient.birthDate")));
        assert!(ApiError::missing().body()["issue"][0].get("expression").is_none());
    }

    #[test]
    fn who_is_not_known_and_who_may_not_are_told_apart_in_the_header() {
        let challenge = |error: ApiError| {
            error
                .into_response()
                .headers()
                .get(header::WWW_AUTHENTICATE)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(challenge(ApiError::nobody()).as_deref(), Some("Bearer"));
        assert_eq!(challenge(ApiError::unknown()).as_deref(), Some("Bearer error=\"invalid_token\""));
        let refused = StoreError::Refused { action: "patient.read" };
        assert_eq!(challenge(refused.into()).as_deref(), Some("Bearer error=\"insufficient_scope\""));
        assert_eq!(challenge(ApiError::missing()), None);
    }
}
