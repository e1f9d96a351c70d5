//! The way every request goes in and every answer goes out. Nothing reaches a handler or a browser
//! by another way, so what must hold for all of them is here and nowhere else:
//!
//! in: a reference, a span without the address's values, room for one more request, a cross-site
//! check; meanwhile: a time limit, a net under panics; out: a page for every fault (for a program an
//! outcome), the cookies, the security headers.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use kernel::PatientId;
use tracing::Instrument;

use crate::api::outcome::ApiError;
use crate::call::Call;
use crate::cookies::Cookie;
use crate::errors::PageError;
use crate::extract::{Shown, go_to, page};
use crate::limits::RETRY_SECONDS;
use crate::pages::account::SHOW_PASSKEY;
use crate::pages::imports;
use crate::views::Room;
use crate::views::fault::{Fault, FaultInside, FaultOutside};
use crate::who::Person;
use crate::{AppState, api, csrf, headers};

pub(crate) async fn walk(State(app): State<AppState>, mut request: Request, next: Next) -> Response {
    let call = Call::of(&request, &app);
    // The pattern, never the address: that can hold a token, and its question a name.
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", reference = call.reference(), method = %call.method(), route);
    request.extensions_mut().insert(call.clone());
    let walked = async {
        let began = Instant::now();
        let given = inside(&app, request, next).await;
        let mut answer = instead_of_a_fault(&call, given).await;
        for cookie in call.cookies() {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
        headers::secure(answer.headers_mut(), app.origin());
        if let Ok(reference) = HeaderValue::try_from(call.reference()) {
            answer.headers_mut().insert("x-request-id", reference);
        }
        let taken_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(status = answer.status().as_u16(), taken_ms, "answered");
        answer
    };
    walked.instrument(span).await
}

async fn inside(app: &AppState, request: Request, next: Next) -> Response {
    let Ok(_room) = Arc::clone(&app.room).try_acquire_owned() else {
        return PageError::Fault(Fault::Unavailable(RETRY_SECONDS)).into_response();
    };
    // No cookie counts in the API, so no other site can make a browser act there.
    if !api::is_address(request.uri().path()) && !csrf::is_our_own(request.method(), request.headers(), app.origin()) {
        tracing::warn!("a change from another site was refused");
        return PageError::BAD_REQUEST.into_response();
    }
    let limits = &app.settings.limits;
    // Files take longer than anything else; each of their bytes has a limit of its own.
    let files = request.method() == Method::POST && request.uri().path() == imports::NEW;
    let time_max = if files { limits.upload_time_max } else { limits.request_time_max };
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(time_max, answered).await {
        Ok(Ok(response)) => response,
        Ok(Err(_panic)) => {
            // What it said may hold a value; where it was, the program's panic hook tells.
            tracing::error!("a handler panicked");
            PageError::INTERNAL.into_response()
        }
        Err(_late) => {
            tracing::error!("a handler took too long");
            PageError::Fault(Fault::Unavailable(RETRY_SECONDS)).into_response()
        }
    }
}

/// A page of ours for whatever is an error and has none: our handlers' faults, and what the router or
/// an extractor answered by itself.
async fn instead_of_a_fault(call: &Call, given: Response) -> Response {
    let status = given.status();
    let told = given.extensions().get::<PageError>().copied();
    let is_fault = status.is_client_error() || status.is_server_error();
    if told.is_none() && (!is_fault || given.extensions().get::<Shown>().is_some()) {
        return given;
    }
    if call.is_api() {
        return outcome(call, &given, told, status);
    }
    let error = match told.unwrap_or_else(|| PageError::of_status(status)) {
        // The session is good, and its person no longer belongs to the practice that it is in.
        PageError::SignedOut if call.known().is_some() => PageError::NoPractice,
        other => other,
    };
    if let PageError::Merged(into) = error
        && let Some(moved) = moved(call, into)
    {
        return moved;
    }
    let mut answer = match error {
        PageError::SignedOut => to_the_door(call).await,
        PageError::BeginAgain => {
            call.forget(Cookie::HalfSignIn);
            go_to("/sign-in?done=too-late").unwrap_or_else(|_| outside(call, Fault::Internal))
        }
        PageError::NoPractice if call.method().is_safe() && !call.is_htmx() => {
            go_to("/account").unwrap_or_else(|_| outside(call, Fault::Internal))
        }
        PageError::PasskeyWanted if call.is_htmx() || call.method().is_safe() => to_the_passkey(call),
        other => {
            let mut answer = fault_page(call, other.fault()).await;
            *answer.status_mut() = if told.is_none() { status } else { error.status() };
            answer
        }
    };
    if let Some(seconds) = told.and_then(PageError::retry_after) {
        answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    if let Some(methods) = given.headers().get(header::ALLOW) {
        answer.headers_mut().insert(header::ALLOW, methods.clone());
    }
    if call.method() == Method::HEAD {
        *answer.body_mut() = Body::empty();
    }
    answer
}

/// A fault as a program is told of it.
fn outcome(call: &Call, given: &Response, told: Option<PageError>, status: StatusCode) -> Response {
    let mut answer = ApiError::of_page(told, status).into_response();
    if let Some(methods) = given.headers().get(header::ALLOW) {
        answer.headers_mut().insert(header::ALLOW, methods.clone());
    }
    if call.method() == Method::HEAD {
        *answer.body_mut() = Body::empty();
    }
    answer
}

/// Inside the house for whoever is signed in, the rail still there; at the door for everybody else, and
/// when it is the house that fails.
async fn fault_page(call: &Call, fault: Fault) -> Response {
    let ours = matches!(fault, Fault::Internal | Fault::Unavailable(_));
    let Some(person) = Person::of(call).filter(|_| !ours) else { return outside(call, fault) };
    let Ok(shell) = person.shell(room_of(call.back().as_str())).await else { return outside(call, fault) };
    let (reference, back) = (call.reference().to_owned(), call.came_from().to_string());
    page(StatusCode::OK, &FaultInside { shell, fault, reference, back }).unwrap_or_else(|_| outside(call, fault))
}

fn outside(call: &Call, fault: Fault) -> Response {
    let view = FaultOutside { fault, reference: call.reference().to_owned() };
    // The page of a fault is itself at fault: its title is all there is to say.
    page(StatusCode::OK, &view).unwrap_or_else(|_| fault.title().into_response())
}

fn room_of(path: &str) -> Room {
    match path.split(['/', '?']).nth(1) {
        Some("patients") => Room::Patients,
        Some("team" | "practice") => Room::Team,
        Some("audit") => Room::Audit,
        Some("account") => Room::Account,
        _ => Room::Today,
    }
}

/// Forms of a record that say nothing of how it stood: whatever they say is true of the same person's other
/// record as well. All others are answered with a page: what was chosen of one record is not done to another.
const SAME_FOR_BOTH: [&str; 7] = ["identifiers", "alerts", "write", "reveal", "remove", "end", "change"];

/// The same address of the record that stands for a person, for an address of one that was merged into it.
fn moved(call: &Call, into: PatientId) -> Option<Response> {
    let here = call.here().as_str().strip_prefix("/patients/")?;
    let rest = here.find(['/', '?']).and_then(|end| here.get(end..)).unwrap_or_default();
    let path = rest.split('?').next().unwrap_or_default();
    let safe = call.method().is_safe();
    if !safe && !path.split('/').any(|part| SAME_FOR_BOTH.contains(&part)) {
        return None;
    }
    let status = if safe { StatusCode::SEE_OTHER } else { StatusCode::TEMPORARY_REDIRECT };
    let to = HeaderValue::try_from(format!("/patients/{into}{rest}")).ok()?;
    Some((status, [(header::LOCATION, to)]).into_response())
}

/// Where somebody goes whose practice wants a passkey that they have not shown; and from there back.
fn to_the_passkey(call: &Call) -> Response {
    let Ok(page) = HeaderValue::try_from(call.back().after(SHOW_PASSKEY)) else {
        return outside(call, Fault::Internal);
    };
    if call.is_htmx() {
        return (StatusCode::FORBIDDEN, [("hx-redirect", page)]).into_response();
    }
    (StatusCode::SEE_OTHER, [(header::LOCATION, page)]).into_response()
}

/// Where somebody goes who is not signed in: a page leads to the sign-in, and from there back.
async fn to_the_door(call: &Call) -> Response {
    if call.session().is_some() {
        call.forget(Cookie::Session);
    }
    let Ok(door) = HeaderValue::try_from(call.back().after("/sign-in")) else { return outside(call, Fault::Internal) };
    if call.is_htmx() {
        return (StatusCode::UNAUTHORIZED, [("hx-redirect", door)]).into_response();
    }
    if call.method().is_safe() {
        return (StatusCode::SEE_OTHER, [(header::LOCATION, door)]).into_response();
    }
    crate::pages::sign_in::ended(call).await.unwrap_or_else(|_| outside(call, Fault::Internal))
}
