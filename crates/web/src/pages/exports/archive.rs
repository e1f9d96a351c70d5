//! Fetching an archive: the whole, or from where a download was cut off (RFC 9110, 14). Each piece of it is asked
//! for anew, so whoever may no longer fetch it gets no further.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use kernel::ExportId;
use practice::exchange::export::{
    ExportError, Layout, PIECE_BYTES_MAX, Portion, begin_taking, layout, one as known, piece, taken,
};
use store::{Actor, Store};

use super::{one, page_error};
use crate::AppState;
use crate::errors::{Answer, PageError};
use crate::extract::{At, page};
use crate::text::say;
use crate::views::Errors;
use crate::who::{Caller, Member};

/// `GET /practice/export/{export}/archive`
pub(super) async fn fetch(
    State(app): State<AppState>,
    member: Member,
    At(id): At<ExportId>,
    headers: HeaderMap,
) -> Answer {
    let found = match layout(&app.store, &member.actor, id).await {
        Ok(found) => found,
        Err(ExportError::NotThere) => {
            // Said on the page of the export, which is there for as long as the practice is.
            known(&app.store, &member.actor, id).await?;
            return page(StatusCode::GONE, &one::view(&app, &member, id, Errors::whole(say("export-gone"))).await?);
        }
        Err(error) => return Err(page_error(error)),
    };
    if !app.identity.proved_lately(&member.me) {
        let errors = Errors::whole(say("proof-first"));
        return page(StatusCode::FORBIDDEN, &one::view(&app, &member, id, errors).await?);
    }
    let tag = format!("\"{}\"", found.tag);
    let asked = Asked::of(&headers, &tag, found.bytes);
    let (from, until) = match asked {
        Asked::Whole => (0, found.bytes),
        Asked::Part { from, until } => (from, until),
        Asked::Nowhere => {
            let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            put(&mut response, header::CONTENT_RANGE, &format!("bytes */{}", found.bytes))?;
            response.extensions_mut().insert(crate::extract::Shown);
            return Ok(response);
        }
    };
    let length = until - from;
    let whole = found.bytes;
    let body = if member.call().method() == Method::HEAD {
        Body::empty()
    } else {
        begin_taking(&app.store, &member.actor, id, from).await.map_err(page_error)?;
        Body::from_stream(stream_of(Taking {
            store: app.store.clone(),
            actor: member.actor.clone(),
            id,
            layout: found,
            at: from,
            until,
        }))
    };
    let mut response = Response::new(body);
    if let Asked::Part { .. } = asked {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        put(&mut response, header::CONTENT_RANGE, &format!("bytes {from}-{}/{whole}", until - 1))?;
    }
    put(&mut response, header::CONTENT_LENGTH, &length.to_string())?;
    put(&mut response, header::ETAG, &tag)?;
    put(&mut response, header::ACCEPT_RANGES, "bytes")?;
    put(&mut response, header::CONTENT_TYPE, "application/x-tar")?;
    put(&mut response, header::CONTENT_DISPOSITION, &format!("attachment; filename=\"export-{id}.tar\""))?;
    Ok(response)
}

fn put(response: &mut Response, name: HeaderName, value: &str) -> Result<(), PageError> {
    response.headers_mut().insert(name, HeaderValue::try_from(value).map_err(|_| PageError::INTERNAL)?);
    Ok(())
}

/// Which bytes are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Whole,
    /// `until` is the first that is not.
    Part {
        from: u64,
        until: u64,
    },
    /// Behind the end.
    Nowhere,
}

impl Asked {
    /// One range is understood. Several, or what is none, are answered with the whole, as is a range of an archive
    /// that is another by now (RFC 9110, 13.1.5 and 14.2).
    fn of(headers: &HeaderMap, tag: &str, bytes: u64) -> Self {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let Some(range) = text(header::RANGE) else { return Self::Whole };
        if headers.contains_key(header::IF_RANGE) && text(header::IF_RANGE) != Some(tag) {
            return Self::Whole;
        }
        let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-')) else {
            return Self::Whole;
        };
        let number = |text: &str| -> Option<u64> {
            let digits = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
            digits.then(|| text.parse().unwrap_or(u64::MAX))
        };
        match (number(first), number(last)) {
            (Some(from), _) if !last.is_empty() && number(last).is_none_or(|last| last < from) => Self::Whole,
            (Some(from), _) if from >= bytes => Self::Nowhere,
            (Some(from), last) => {
                Self::Part { from, until: last.map_or(bytes, |last| last.saturating_add(1).min(bytes)) }
            }
            (None, Some(0)) if first.is_empty() => Self::Nowhere,
            (None, Some(count)) if first.is_empty() => Self::Part { from: bytes.saturating_sub(count), until: bytes },
            _ => Self::Whole,
        }
    }
}

/// An archive that is being fetched.
struct Taking {
    store: Store,
    actor: Actor,
    id: ExportId,
    layout: Layout,
    at: u64,
    until: u64,
}

fn stream_of(taking: Taking) -> impl stream::Stream<Item = Result<Bytes, ExportError>> + Send {
    stream::try_unfold(taking, |mut taking| async move {
        if taking.at >= taking.until {
            return Ok(None);
        }
        let most = PIECE_BYTES_MAX.min(taking.until - taking.at);
        let bytes = match taking.layout.at(taking.at, most) {
            None => return Ok(None),
            Some(Portion::Plain(bytes)) => bytes,
            Some(Portion::Part { number, from, bytes }) => {
                piece(&taking.store, &taking.actor, &taking.layout, number, from, bytes).await.inspect_err(|error| {
                    tracing::warn!(%error, "an archive that was being fetched ended");
                })?
            }
        };
        taking.at += bytes.len() as u64;
        if taking.at == taking.layout.bytes {
            taken(&taking.store, &taking.actor, taking.id).await?;
        }
        Ok(Some((Bytes::from(bytes), taking)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str, if_range: Option<&str>) -> Asked {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range.parse().unwrap());
        if let Some(tag) = if_range {
            headers.insert(header::IF_RANGE, tag.parse().unwrap());
        }
        Asked::of(&headers, "\"a\"", 100)
    }

    #[test]
    fn one_range_is_that_range() {
        assert_eq!(asked("bytes=0-9", None), Asked::Part { from: 0, until: 10 });
        assert_eq!(asked("bytes=90-", None), Asked::Part { from: 90, until: 100 });
        assert_eq!(asked("bytes=90-500", None), Asked::Part { from: 90, until: 100 });
        assert_eq!(asked("bytes=-10", None), Asked::Part { from: 90, until: 100 });
        assert_eq!(asked("bytes=-500", None), Asked::Part { from: 0, until: 100 });
        assert_eq!(asked("bytes=100-", None), Asked::Nowhere);
        assert_eq!(asked("bytes=99999999999999999999999-", None), Asked::Nowhere);
        assert_eq!(asked("bytes=-0", None), Asked::Nowhere);
    }

    #[test]
    fn what_is_no_range_or_of_another_archive_is_answered_with_the_whole() {
        for range in ["bytes=9-0", "bytes=0-9,20-29", "bytes=a-", "bytes=-", "bytes=+1-2", "lines=0-9", "bytes 0-9"] {
            assert_eq!(asked(range, None), Asked::Whole, "{range}");
        }
        assert_eq!(asked("bytes=0-9", Some("\"b\"")), Asked::Whole);
        assert_eq!(asked("bytes=0-9", Some("W/\"a\"")), Asked::Whole);
        assert_eq!(asked("bytes=0-9", Some("\"a\"")), Asked::Part { from: 0, until: 10 });
    }
}
