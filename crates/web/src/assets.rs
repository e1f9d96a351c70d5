//! The files the browser asks for: one style sheet, one script, htmx, the icon sprite, the mark.
//! They are built into the program by `build.rs` from `assets/`; each address carries the hash of
//! the content, so that a browser may keep a file for ever.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// A file built into the program.
#[derive(Debug)]
pub struct Asset {
    /// The name in the templates, `app.css`.
    pub name: &'static str,
    /// The address, `/assets/app-0f3c….css`.
    pub address: &'static str,
    /// The media type, with its character set where it has one.
    pub media_type: &'static str,
    /// The content.
    pub bytes: &'static [u8],
    /// The content, gzipped when built.
    pub gzipped: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The address of a file by its name in the templates. A name that is not there gives `/assets/`
/// and is refused by a test.
#[must_use]
pub fn address(name: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).map_or("/assets/", |asset| asset.address)
}

/// The file at the last part of an address.
#[must_use]
pub fn find(file: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.address.strip_prefix("/assets/") == Some(file))
}

/// `GET /assets/{file}` for any state.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/assets/{file}", get(serve))
}

async fn serve(Path(file): Path<String>, asked: HeaderMap) -> Response {
    match find(&file) {
        Some(asset) => answer(asset, takes_gzip(&asked)),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn answer(asset: &'static Asset, gzip: bool) -> Response {
    let mut response = if gzip { asset.gzipped } else { asset.bytes }.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Whether gzip is among the accepted encodings and not refused by `q=0`.
fn takes_gzip(asked: &HeaderMap) -> bool {
    asked
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
            name.trim().eq_ignore_ascii_case("gzip").then_some(weight.trim())
        })
        .any(|weight| weight.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).is_some_and(|q| q > 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(encoding: &'static str) -> HeaderMap {
        let mut asked = HeaderMap::new();
        asked.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(encoding));
        asked
    }

    #[test]
    fn every_asset_is_found_under_its_address_and_no_other() {
        for asset in ASSETS {
            let file = asset.address.strip_prefix("/assets/").unwrap();
            assert_eq!(find(file).unwrap().name, asset.name);
            assert_eq!(address(asset.name), asset.address);
            assert!(find(asset.name).is_none());
        }
        assert!(find("../Cargo.toml").is_none());
        assert!(find("").is_none());
    }

    #[test]
    fn an_answer_may_be_kept_for_ever_and_says_its_type() {
        let answer = answer(find(address("app.css").strip_prefix("/assets/").unwrap()).unwrap(), true);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/css; charset=utf-8");
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(answer.headers()[header::CONTENT_ENCODING], "gzip");
    }

    #[test]
    fn gzip_is_sent_only_to_those_who_take_it() {
        assert!(takes_gzip(&asking("gzip, deflate, br")));
        assert!(takes_gzip(&asking("br;q=1.0, gzip;q=0.5")));
        assert!(!takes_gzip(&asking("gzip;q=0")));
        assert!(!takes_gzip(&asking("br")));
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn nothing_embedded_reaches_out_or_needs_an_inline_exception() {
        for asset in ASSETS.iter().filter(|asset| asset.name == "app.css" || asset.name == "app.js") {
            let text = std::str::from_utf8(asset.bytes).unwrap();
            for forbidden in ["http://", "https://", "data:", "eval(", "new Function", ".style.", "@import"] {
                assert!(!text.contains(forbidden), "{} holds {forbidden}", asset.name);
            }
        }
    }
}
