//! How a handler gets what was sent, and gives what is shown. There is no other way: see [`TakesForm`].

use askama::Template;
use axum::body::{Body, BodyDataStream};
use axum::extract::path::ErrorKind as PathErrorKind;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse};
use futures_util::TryStreamExt;
use kernel::IdempotencyKey;
use serde::de::DeserializeOwned;

use crate::AppState;
use crate::csrf::{self, Whose};
use crate::errors::{Answer, PageError};
use crate::fields::{BadFields, Fields};
use crate::limits::{BodyMax, DRAIN_BYTES_MAX, FORM_BYTES_MAX};
use crate::origin::LocalPath;
use crate::sending::Sending;
use crate::views::fault::Fault;
use crate::who::{Caller, Member};

/// A form that somebody sent from a page of ours: who it was is known, its token was theirs, and every
/// field was read. The only way to a body.
#[derive(Debug, Clone)]
pub struct Sent<T, W = Member> {
    /// Who sent it.
    pub by: W,
    /// What it says.
    pub form: T,
    /// Makes the change happen once, however often the form is sent.
    pub once: IdempotencyKey,
}

impl<T: DeserializeOwned, W: Caller> FromRequest<AppState> for Sent<T, W> {
    type Rejection = PageError;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, PageError> {
        let (mut parts, body) = request.into_parts();
        let by = W::from_request_parts(&mut parts, app).await?;
        if !is_form(&parts.headers) {
            return Err(PageError::BAD_REQUEST);
        }
        let bytes_max = parts.extensions.get::<BodyMax>().map_or(FORM_BYTES_MAX, |max| max.0);
        let mut fields =
            Fields::parse(&read(body, &parts.headers, bytes_max).await?).map_err(|error| unreadable(&error))?;
        let token = fields.take("csrf").map_err(|error| unreadable(&error))?;
        match csrf::whose(W::TIE, &by.secret(), by.practice(), &token) {
            Whose::Ours => {}
            Whose::OfAnotherPractice => return Err(PageError::Fault(Fault::OtherPractice)),
            Whose::Foreign => {
                tracing::warn!("a form with another browser's token was refused");
                return Err(PageError::BAD_REQUEST);
            }
        }
        let once =
            fields.take("once").map_err(|error| unreadable(&error))?.parse().map_err(|_| PageError::BAD_REQUEST)?;
        Ok(Self { by, form: fields.form().map_err(|error| unreadable(&error))?, once })
    }
}

fn unreadable(error: &BadFields) -> PageError {
    tracing::warn!(%error, "a form was refused");
    PageError::BAD_REQUEST
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

/// The body, if it is small enough. Of a larger one a part is read and thrown away: browsers that are
/// still sending do not look at an answer.
pub(crate) async fn read(body: Body, headers: &HeaderMap, bytes_max: usize) -> Result<Vec<u8>, PageError> {
    let told: Option<usize> =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()).and_then(|text| text.parse().ok());
    let mut stream = body.into_data_stream();
    let mut read = Vec::with_capacity(told.unwrap_or(0).min(bytes_max));
    while let Some(piece) = stream.try_next().await.map_err(|_| PageError::BAD_REQUEST)? {
        if read.len().saturating_add(piece.len()) > bytes_max {
            drain(stream).await;
            return Err(PageError::Fault(Fault::TooLarge));
        }
        read.extend_from_slice(&piece);
    }
    Ok(read)
}

async fn drain(mut stream: BodyDataStream) {
    let mut drained = 0_usize;
    while let Ok(Some(piece)) = stream.try_next().await {
        drained = drained.saturating_add(piece.len());
        if drained > DRAIN_BYTES_MAX {
            break;
        }
    }
}

/// The ids in an address: `At(id): At<PatientId>`, or a tuple for several. What is no id is nowhere.
#[derive(Debug, Clone, Copy)]
pub struct At<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<AppState> for At<T> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, PageError> {
        match Path::<T>::from_request_parts(parts, app).await {
            Ok(Path(ids)) => Ok(Self(ids)),
            Err(axum::extract::rejection::PathRejection::FailedToDeserializePathParams(failed))
                if matches!(
                    failed.kind(),
                    PathErrorKind::WrongNumberOfParameters { .. } | PathErrorKind::UnsupportedType { .. }
                ) =>
            {
                tracing::error!("a handler asks for other ids than its address has");
                Err(PageError::INTERNAL)
            }
            Err(_) => Err(PageError::MISSING),
        }
    }
}

/// What stands behind the question mark of an address. Fields that may be absent have a
/// `#[serde(default)]`; what others added is let go.
#[derive(Debug, Clone)]
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<AppState> for Asked<T> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, PageError> {
        let question = parts.uri.query().unwrap_or_default();
        let read = Fields::parse(question.as_bytes()).and_then(Fields::question);
        read.map(Self).map_err(|error| {
            tracing::warn!(%error, "a question was refused");
            PageError::BAD_REQUEST
        })
    }
}

/// A handler that changes something: its last parameter is the form. What an address is registered
/// with ([`crate::routes::Pages::change`]) must be one, so no change is made without its token.
#[diagnostic::on_unimplemented(
    message = "a handler that changes something takes `Sent<Form>` as its last parameter",
    note = "and at most four others before it"
)]
pub trait TakesForm {}

impl<M, T, W> TakesForm for (M, Sent<T, W>) {}
impl<M, A, T, W> TakesForm for (M, A, Sent<T, W>) {}
impl<M, A, B, T, W> TakesForm for (M, A, B, Sent<T, W>) {}
impl<M, A> TakesForm for (M, A, Sending) {}
impl<M, A, B, C, T, W> TakesForm for (M, A, B, C, Sent<T, W>) {}
impl<M, A, B, C, D, T, W> TakesForm for (M, A, B, C, D, Sent<T, W>) {}

/// A handler that reads: all its parameters come from the head of the request, none from a body.
#[diagnostic::on_unimplemented(message = "a handler that reads takes nothing from a body, and at most four parameters")]
pub trait TakesNoBody {}

impl TakesNoBody for ((),) {}
impl<M, A: FromRequestParts<AppState>> TakesNoBody for (M, A) {}
impl<M, A, B: FromRequestParts<AppState>> TakesNoBody for (M, A, B) {}
impl<M, A, B, C: FromRequestParts<AppState>> TakesNoBody for (M, A, B, C) {}
impl<M, A, B, C, D: FromRequestParts<AppState>> TakesNoBody for (M, A, B, C, D) {}

/// Marks an answer that shows a page of its own, whatever its status.
#[derive(Debug, Clone, Copy)]
pub struct Shown;

/// A page with a status.
pub fn page(status: StatusCode, view: &impl Template) -> Answer {
    let mut response = (status, Html(view.render()?)).into_response();
    response.extensions_mut().insert(Shown);
    Ok(response)
}

/// The page.
pub fn show(view: &impl Template) -> Answer {
    page(StatusCode::OK, view)
}

/// The page again, with what is to be put right.
pub fn refuse(view: &impl Template) -> Answer {
    page(StatusCode::UNPROCESSABLE_ENTITY, view)
}

/// Goes on to another page after a change: reloading that page sends nothing again.
pub fn go(path: &LocalPath) -> Answer {
    let to = HeaderValue::try_from(path.as_str()).map_err(|_| PageError::INTERNAL)?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response())
}

/// [`go`] to a path that a handler has put together of constant text and ids.
pub fn go_to(path: &str) -> Answer {
    go(&LocalPath::parse(path).ok_or(PageError::INTERNAL)?)
}
