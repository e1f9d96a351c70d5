//! Who calls the API, and what they send. There is no other way to an actor there than [`ApiCaller`],
//! and to a body than [`ApiSent`].

use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use identity::clients::token::ClientToken;
use kernel::{ClientId, PracticeId, Source};
use store::{Actor, Scopes, Store};

use super::outcome::{ApiError, IssueType};
use crate::AppState;
use crate::call::Call;
use crate::extract::read;
use crate::fields::Fields;
use crate::limits::{BodyMax, FORM_BYTES_MAX};

/// The practice whose API an address belongs to, as the address calls it. Says nothing about whether
/// there is such a practice.
#[derive(Debug, Clone)]
pub struct Base {
    /// As in the address.
    pub practice: String,
    /// What every address of this practice's API begins with, no slash at its end:
    /// `https://vouchsafe.example/fhir/r4/rivonia-north`.
    pub url: String,
}

/// A program that the practice has let in, known by its key or its pass, read for this very request. What
/// it may do is decided by `store.enter(&caller.actor)` and what is asked then.
#[derive(Clone)]
pub struct ApiCaller {
    call: Call,
    /// Who acts, for the doors. Its practice is the one of the address.
    pub actor: Actor,
    /// Which client it is.
    pub client: ClientId,
    /// Whose API this is.
    pub base: Base,
}

impl ApiCaller {
    /// The state of the server.
    #[must_use]
    pub fn app(&self) -> &AppState {
        self.call.app()
    }

    /// The doors.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.call.app().store
    }

    /// The practice that it acts in.
    #[must_use]
    pub fn practice(&self) -> PracticeId {
        self.actor.practice()
    }

    /// What it may do, for what an answer offers and leaves out. The doors decide.
    #[must_use]
    pub fn scopes(&self) -> Scopes {
        self.actor.scopes()
    }

    /// By which a log and the person at the telephone mean the same request.
    #[must_use]
    pub fn reference(&self) -> &str {
        self.call.reference()
    }
}

impl FromRequestParts<AppState> for Base {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let named = RawPathParams::from_request_parts(parts, app).await.map_err(|_| ApiError::missing())?;
        let practice = named.iter().find(|(name, _)| *name == "practice").map(|(_, value)| value.to_owned());
        let practice = practice.ok_or_else(|| {
            tracing::error!("an address of the API names no practice");
            ApiError::internal()
        })?;
        // What is no name is not repeated in addresses.
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if practice.is_empty() || !practice.bytes().all(plain) {
            return Err(ApiError::unknown());
        }
        let url = app.origin().with(&format!("{}r4/{practice}", super::ROOT));
        Ok(Self { practice, url })
    }
}

/// The token of `Authorization: Bearer`, sent once.
fn bearer(headers: &HeaderMap) -> Result<ClientToken, ApiError> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let line = lines.next().ok_or_else(ApiError::nobody)?.to_str().map_err(|_| ApiError::unknown())?;
    let (scheme, token) = line.split_once(' ').ok_or_else(ApiError::unknown)?;
    if lines.next().is_some() || !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ApiError::unknown());
    }
    ClientToken::parse(token.trim_start_matches(' ')).map_err(|_| ApiError::unknown())
}

impl FromRequestParts<AppState> for ApiCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let call = Call::from_request_parts(parts, app).await?;
        let token = bearer(&parts.headers)?;
        let base = Base::from_request_parts(parts, app).await?;
        // No such practice, and not a client of it, are one answer.
        let practice = app.store.practice_named(&base.practice).await?.ok_or_else(ApiError::unknown)?;
        let found = app.store.client(practice, token.hash(), call.source().clone()).await?;
        let actor = found.ok_or_else(ApiError::unknown)?;
        let client = actor.client().ok_or_else(ApiError::internal)?;
        Ok(Self { call, actor, client, base })
    }
}

/// What kind of body was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// A resource: `application/fhir+json`, `application/json`.
    Json,
    /// A patch: `application/json-patch+json`.
    JsonPatch,
    /// Fields: `application/x-www-form-urlencoded`, for a search by POST.
    Form,
    /// None, and the body is empty.
    Nothing,
}

impl Media {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let Some(line) = headers.get(header::CONTENT_TYPE) else { return Some(Self::Nothing) };
        match line.to_str().ok()?.split(';').next()?.trim().to_ascii_lowercase().as_str() {
            "application/fhir+json" | "application/json" => Some(Self::Json),
            "application/json-patch+json" => Some(Self::JsonPatch),
            "application/x-www-form-urlencoded" => Some(Self::Form),
            _ => None,
        }
    }
}

/// What a known program sent. Read only once it is known, up to the size that the address was registered
/// with.
pub struct ApiSent {
    /// Who sent it.
    pub by: ApiCaller,
    /// What kind of body it is.
    pub media: Media,
    /// The body.
    pub bytes: Vec<u8>,
}

impl FromRequest<AppState> for ApiSent {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let by = ApiCaller::from_request_parts(&mut parts, app).await?;
        let unsupported = || {
            let words = "Send FHIR as application/fhir+json.";
            ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, IssueType::NotSupported, words)
        };
        let media = Media::of(&parts.headers).ok_or_else(unsupported)?;
        let bytes = read(body, &parts.headers, bytes_max(&parts)).await?;
        if media == Media::Nothing && !bytes.is_empty() {
            return Err(unsupported());
        }
        Ok(Self { by, media, bytes })
    }
}

fn bytes_max(parts: &Parts) -> usize {
    parts.extensions.get::<BodyMax>().map_or(FORM_BYTES_MAX, |max| max.0)
}

/// Fields that somebody sent of whom nothing is known yet: only for the address at which a program
/// proves itself.
pub struct Proving {
    call: Call,
    /// Whose API this is.
    pub base: Base,
    /// What was sent; `None` if that were no fields.
    pub fields: Option<Fields>,
}

impl Proving {
    /// Where it comes from, by which attempts are counted.
    #[must_use]
    pub fn source(&self) -> &Source {
        self.call.source()
    }
}

impl FromRequest<AppState> for Proving {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let call = Call::from_request_parts(&mut parts, app).await?;
        let base = Base::from_request_parts(&mut parts, app).await?;
        let bytes = read(body, &parts.headers, bytes_max(&parts)).await?;
        let fields = if Media::of(&parts.headers) == Some(Media::Form) { Fields::parse(&bytes).ok() } else { None };
        Ok(Self { call, base, fields })
    }
}

/// A handler of the API that reads: it takes an [`ApiCaller`], first or after the state, and nothing
/// from a body.
#[diagnostic::on_unimplemented(
    message = "a handler of the API takes `ApiCaller` first (or after `State<AppState>`), and at most three more"
)]
pub trait TakesApiCaller {}

impl<M> TakesApiCaller for (M, ApiCaller) {}
impl<M, A: FromRequestParts<AppState>> TakesApiCaller for (M, ApiCaller, A) {}
impl<M, A, B: FromRequestParts<AppState>> TakesApiCaller for (M, ApiCaller, A, B) {}
impl<M, A, B, C: FromRequestParts<AppState>> TakesApiCaller for (M, ApiCaller, A, B, C) {}
impl<M> TakesApiCaller for (M, State<AppState>, ApiCaller) {}
impl<M, A: FromRequestParts<AppState>> TakesApiCaller for (M, State<AppState>, ApiCaller, A) {}
impl<M, A, B: FromRequestParts<AppState>> TakesApiCaller for (M, State<AppState>, ApiCaller, A, B) {}

/// A handler of the API that changes something: its last parameter is [`ApiSent`].
#[diagnostic::on_unimplemented(message = "a handler of the API that changes something takes `ApiSent` last")]
pub trait TakesApiSent {}

impl<M> TakesApiSent for (M, ApiSent) {}
impl<M, A> TakesApiSent for (M, A, ApiSent) {}
impl<M, A, B> TakesApiSent for (M, A, B, ApiSent) {}
impl<M, A, B, C> TakesApiSent for (M, A, B, C, ApiSent) {}

/// A handler at which a program proves itself: its last parameter is [`Proving`].
#[diagnostic::on_unimplemented(message = "a handler at which a program proves itself takes `Proving` last")]
pub trait TakesProof {}

impl<M> TakesProof for (M, Proving) {}
impl<M, A> TakesProof for (M, A, Proving) {}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use identity::clients::token::TokenKind;
    use kernel::{Entropy, SystemEntropy};

    use super::*;

    fn with(lines: &[&str]) -> Result<ClientToken, ApiError> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::AUTHORIZATION, HeaderValue::try_from(*line).unwrap());
        }
        bearer(&headers)
    }

    #[test]
    fn a_token_is_taken_from_one_bearer_line_and_from_nothing_else() {
        let token = ClientToken::generate(TokenKind::Key, &Entropy::from(SystemEntropy)).text();
        let token = token.expose();
        for line in [format!("Bearer {token}"), format!("bearer {token}"), format!("BEARER  {token}")] {
            assert!(with(&[&line]).is_ok(), "{line}");
        }
        assert_eq!(with(&[]).unwrap_err(), ApiError::nobody());
        let line = format!("Bearer {token}");
        for wrong in [
            vec![token.as_str()],
            vec!["Bearer"],
            vec!["Bearer "],
            vec![&line, &line],
            vec![&format!("Basic {token}")],
            vec![&format!("Bearer {token}x")],
            vec![&format!("Bearer {token}, Bearer {token}")],
        ] {
            assert_eq!(with(&wrong).unwrap_err(), ApiError::unknown(), "{wrong:?}");
        }
    }

    #[test]
    fn kinds_of_body_are_told_apart_by_their_type_alone() {
        let of = |line: &'static str| {
            Media::of(&HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(line))]))
        };
        assert_eq!(of("application/fhir+json; fhirVersion=4.0"), Some(Media::Json));
        assert_eq!(of("Application/JSON;charset=utf-8"), Some(Media::Json));
        assert_eq!(of("application/x-www-form-urlencoded"), Some(Media::Form));
        assert_eq!(of("application/json-patch+json"), Some(Media::JsonPatch));
        assert_eq!(of("application/fhir+xml"), None);
        assert_eq!(of("text/html"), None);
        assert_eq!(Media::of(&HeaderMap::new()), Some(Media::Nothing));
    }
}
