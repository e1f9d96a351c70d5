//! No form is read unless it is our own, small, text, and what its handler expects.

use axum::response::IntoResponse;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use web::Limits;
use web::errors::Answer;
use web::extract::{Sent, show};
use web::limits::FORM_BYTES_MAX;
use web::routes::{Allow, Pages};
use web::views::Errors;
use web::views::door::ResetAsk;
use web::who::{Caller, Visitor};

use crate::browser::{Browser, Page, encoded};
use crate::site::Site;

#[derive(Deserialize)]
struct Note {
    email: String,
}

async fn form(visitor: Visitor) -> Answer {
    show(&ResetAsk { guard: visitor.guard(), errors: Errors::none(), email: String::new() })
}

async fn send(sent: Sent<Note, Visitor>) -> Answer {
    Ok(format!("{} characters, once {}", sent.form.email.chars().count(), sent.once).into_response())
}

async fn site() -> Site {
    let pages = Pages::default().read("/reset", Allow::Public, form).change("/reset", Allow::Public, send);
    let pages = pages.change_up_to(200, "/small", Allow::Public, send);
    Site::of(Limits::default(), pages).await
}

fn refused(page: &Page) {
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.body);
    assert!(page.body.contains("This page could not be understood"));
}

fn guard(page: &Page) -> (String, String) {
    let hidden = page.hidden("/reset");
    let of = |name: &str| hidden.iter().find(|(field, _)| field == name).unwrap().1.clone();
    (of("csrf"), of("once"))
}

async fn guarded(browser: &Browser) -> (String, String) {
    guard(&browser.open("/reset").await)
}

#[tokio::test]
async fn a_form_of_ours_is_read() {
    let site = site().await;
    let browser = site.browser();
    let page = browser.fill("/reset", "/reset", &[("email", "Zoë+نص@example.org")]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.starts_with("18 characters, once 0"), "{}", page.body);
}

#[tokio::test]
async fn a_form_without_its_token_or_key_is_refused() {
    let site = site().await;
    let browser = site.browser();
    let (csrf, once) = guarded(&browser).await;
    for fields in [
        vec![("email", "a"), ("once", once.as_str())],
        vec![("email", "a"), ("csrf", csrf.as_str())],
        vec![("email", "a"), ("once", once.as_str()), ("csrf", "")],
        vec![("email", "a"), ("once", "1"), ("csrf", csrf.as_str())],
        vec![("email", "a"), ("once", once.as_str()), ("csrf", csrf.as_str()), ("csrf", csrf.as_str())],
    ] {
        refused(&browser.answer(browser.post("/reset", &fields)).await);
    }
}

#[tokio::test]
async fn a_form_with_another_browsers_token_is_refused() {
    let site = site().await;
    let (mine, other) = (site.browser(), site.browser());
    guarded(&mine).await;
    let (csrf, once) = guarded(&other).await;
    let fields = [("email", "a"), ("csrf", csrf.as_str()), ("once", once.as_str())];
    refused(&mine.answer(mine.post("/reset", &fields)).await);
    assert_eq!(other.answer(other.post("/reset", &fields)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_form_from_another_site_is_refused_though_its_token_is_right() {
    let site = site().await;
    let browser = site.browser();
    let (csrf, once) = guarded(&browser).await;
    let body = encoded(&[("email", "a"), ("csrf", &csrf), ("once", &once)]);
    let from = |headers: &[(&str, &str)]| {
        let request = browser.ask(Method::POST, "/reset").header("content-type", "application/x-www-form-urlencoded");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        browser.answer(request.body(body.clone()))
    };
    refused(&from(&[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")]).await);
    refused(&from(&[("origin", "null")]).await);
    refused(&from(&[("sec-fetch-site", "same-site")]).await);
    refused(&from(&[]).await);
    assert_eq!(from(&[("origin", &site.origin())]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_body_that_is_no_form_or_no_text_is_refused() {
    let site = site().await;
    let browser = site.browser();
    let (csrf, once) = guarded(&browser).await;
    let guard = format!("csrf={csrf}&once={once}");
    for (kind, body) in [
        ("application/json", format!("{{\"email\":\"a\",\"csrf\":\"{csrf}\",\"once\":\"{once}\"}}")),
        ("text/plain", format!("{guard}&email=a")),
        ("application/x-www-form-urlencoded", format!("{guard}&email=%00")),
        ("application/x-www-form-urlencoded", format!("{guard}&email=%C3%28")),
        ("application/x-www-form-urlencoded", format!("{guard}&email=a&surprise=1")),
        ("application/x-www-form-urlencoded", format!("{guard}&email=a&email=b")),
        ("application/x-www-form-urlencoded", guard.clone()),
        ("application/x-www-form-urlencoded", format!("{guard}&email=a{}", "&x=1".repeat(600))),
    ] {
        let request = browser.post("/reset", &[]).header("content-type", kind);
        // reqwest appends a header; a browser would send one.
        let mut request = request.body(body).build().unwrap();
        request.headers_mut().insert("content-type", kind.parse().unwrap());
        refused(&browser.run(request).await);
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_gets_its_page() {
    let site = site().await;
    let browser = site.browser();
    let (csrf, once) = guarded(&browser).await;
    let guard = [("csrf", csrf.as_str()), ("once", once.as_str())];
    let fits = FORM_BYTES_MAX - encoded(&guard).len() - "&email=".len();
    for (letters, status) in [(fits, StatusCode::OK), (fits + 1, StatusCode::PAYLOAD_TOO_LARGE)] {
        let text = "a".repeat(letters);
        let page = browser.answer(browser.post("/reset", &[guard[0], guard[1], ("email", &text)])).await;
        assert_eq!(page.status, status);
    }
    let large = "a".repeat(1024 * 1024);
    let page = browser.answer(browser.post("/reset", &[("email", &large)])).await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(page.body.contains("That was too much at once"));
    assert!(!page.header("content-security-policy").is_empty());
}

#[tokio::test]
async fn a_route_may_have_a_smaller_limit_of_its_own() {
    let site = site().await;
    let browser = site.browser();
    let (csrf, once) = guarded(&browser).await;
    let text = "a".repeat(200);
    let fields = [("csrf", csrf.as_str()), ("once", once.as_str()), ("email", text.as_str())];
    assert_eq!(browser.answer(browser.post("/small", &fields)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(browser.answer(browser.post("/reset", &fields)).await.status, StatusCode::OK);
}
