//! What stands behind the question mark, and what the headers say of the answer that is wanted.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use practice::exchange::api::question::Handling;

use crate::AppState;
use crate::api::outcome::{ApiError, IssueType};
use crate::fields::Fields;

/// Names and values, in their order.
#[derive(Clone, Default)]
pub(super) struct Question(pub(super) Vec<(String, String)>);

impl Question {
    /// Reads fields as a question or a form has them.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, ApiError> {
        let fields = Fields::parse(bytes)
            .map_err(|error| ApiError::bad_request(format!("The question cannot be read: {error}.")))?;
        Ok(Self(fields.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
    }

    /// The value of a name; the last, if it stands several times.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// That JSON is wanted, or whatever there is (FHIR R4, 3.1.0.1.11).
    pub(super) fn wants_json(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let json = |kind: &str| {
            let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            // A `+` that was not written as %2B arrives as a blank.
            let kind = kind.replace(' ', "+");
            matches!(
                kind.as_str(),
                "json" | "application/json" | "application/fhir+json" | "text/json" | "*/*" | "application/*"
            )
        };
        let wanted = if let Some(format) = self.one("_format") {
            json(format)
        } else {
            let mut lines = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok()).peekable();
            lines.peek().is_none() || lines.flat_map(|line| line.split(',')).any(json)
        };
        if wanted {
            return Ok(());
        }
        let words = "Answers are FHIR JSON alone: ask for application/fhir+json.";
        Err(ApiError::new(StatusCode::NOT_ACCEPTABLE, IssueType::NotSupported, words))
    }
}

impl FromRequestParts<AppState> for Question {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        Self::parse(parts.uri.query().unwrap_or_default().as_bytes())
    }
}

/// A preference of RFC 7240, as FHIR uses it.
fn preferred<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all("prefer").iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split([',', ';']))
        .filter_map(|part| part.trim().split_once('='))
        .find(|(known, _)| known.trim().eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().trim_matches('"'))
}

/// Whether a preference without a value stands there.
pub(super) fn prefers(headers: &HeaderMap, name: &str) -> bool {
    let lines = headers.get_all("prefer").iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split([',', ';'])).any(|part| part.trim().eq_ignore_ascii_case(name))
}

/// What is to become of parameters that are not understood.
pub(super) fn handling(headers: &HeaderMap) -> Handling {
    if preferred(headers, "handling") == Some("lenient") { Handling::Lenient } else { Handling::Strict }
}

/// What a change is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Return {
    /// The resource.
    Representation,
    /// Nothing but the headers.
    Minimal,
    /// That it was done, as an outcome.
    Outcome,
}

impl Return {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        match preferred(headers, "return") {
            Some("minimal") => Self::Minimal,
            Some("OperationOutcome") => Self::Outcome,
            _ => Self::Representation,
        }
    }
}

/// What stays readable in a question.
const IN_QUESTION: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// An address with a question.
pub(super) fn address(base: &str, said: &[(String, String)]) -> String {
    let part = |text: &str| utf8_percent_encode(text, &IN_QUESTION).to_string();
    let pairs: Vec<String> = said.iter().map(|(name, value)| format!("{}={}", part(name), part(value))).collect();
    if pairs.is_empty() { base.to_owned() } else { format!("{base}?{}", pairs.join("&")) }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn asked(question: &str, accept: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for line in accept {
            headers.append(header::ACCEPT, HeaderValue::from_static(line));
        }
        Question::parse(question.as_bytes()).unwrap().wants_json(&headers).is_ok()
    }

    #[test]
    fn json_is_given_to_whoever_takes_it_and_nothing_else_to_anybody() {
        assert!(asked("", &[]) && asked("", &["*/*"]) && asked("", &["text/html, application/fhir+json;q=0.5"]));
        assert!(asked("_format=json", &["application/fhir+xml"]) && asked("_format=application/fhir%2Bjson", &[]));
        assert!(asked("_format=application/fhir+json", &[]) && asked("", &["application/xml", "application/json"]));
        assert!(!asked("", &["application/fhir+xml"]) && !asked("_format=xml", &["*/*"]) && !asked("_format=ttl", &[]));
    }

    #[test]
    fn preferences_are_read_beside_others() {
        let with =
            |line: &'static str| HeaderMap::from_iter([("prefer".parse().unwrap(), HeaderValue::from_static(line))]);
        assert_eq!(handling(&with("respond-async, handling=lenient")), Handling::Lenient);
        assert_eq!(handling(&with("handling=strict")), Handling::Strict);
        assert_eq!(Return::of(&with("return=minimal")), Return::Minimal);
        assert_eq!(Return::of(&with("return=\"OperationOutcome\"")), Return::Outcome);
        assert_eq!(Return::of(&HeaderMap::new()), Return::Representation);
    }

    #[test]
    fn an_address_says_what_was_asked() {
        let said = [("name:exact".to_owned(), "N'Golo Kanté".to_owned()), ("_count".to_owned(), "2".to_owned())];
        assert_eq!(
            address("https://a.test/Patient", &said),
            "https://a.test/Patient?name:exact=N%27Golo%20Kant%C3%A9&_count=2"
        );
        assert_eq!(address("https://a.test/Patient", &[]), "https://a.test/Patient");
    }
}
