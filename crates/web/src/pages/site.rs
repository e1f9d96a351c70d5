//! What belongs to the site itself: files, health, and a word to robots.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use crate::extract::Shown;
use crate::routes::{Allow, Pages};
use crate::{AppState, assets};

pub(super) fn routes(pages: Pages) -> Pages {
    pages
        .read("/healthz", Allow::Public, healthz)
        .read("/robots.txt", Allow::Public, robots)
        .read("/favicon.ico", Allow::Public, favicon)
        .files("/assets/{file}", assets::router())
}

/// Whether the house can work: both clusters answer. For a load balancer; says no more than that.
async fn healthz(State(app): State<AppState>) -> Response {
    match app.store.alive().await {
        Ok(()) => "ok\n".into_response(),
        Err(error) => {
            tracing::error!(%error, "not healthy");
            (StatusCode::SERVICE_UNAVAILABLE, Extension(Shown), "not ready\n").into_response()
        }
    }
}

/// Nothing here is for a search engine.
async fn robots() -> &'static str {
    "User-agent: *\nDisallow: /\n"
}

/// Some browsers ask here whatever the page says.
async fn favicon() -> Redirect {
    Redirect::temporary(assets::address("mark.svg"))
}
