//! What every answer carries, whatever it is.

use axum::extract::State;
use reqwest::{Method, StatusCode};
use web::errors::Answer;
use web::routes::{Allow, Pages};
use web::who::Visitor;
use web::{AppState, Limits};

use crate::browser::Page;
use crate::site::Site;

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

fn is_secured(page: &Page) {
    for (name, value) in [
        ("content-security-policy", CSP),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(page.header(name), value, "{name} on {}", page.status);
    }
    assert!(page.header("permissions-policy").contains("camera=()"));
    assert!(!page.has("strict-transport-security"), "this is localhost");
    assert_eq!(page.header("x-request-id").len(), 16);
}

#[tokio::test]
async fn pages_faults_files_and_health_carry_the_same_headers() {
    let site = Site::open().await;
    let browser = site.browser();
    let style = web::assets::address("app.css");
    for (path, status) in [
        ("/sign-in", StatusCode::OK),
        ("/healthz", StatusCode::OK),
        ("/robots.txt", StatusCode::OK),
        ("/favicon.ico", StatusCode::TEMPORARY_REDIRECT),
        (style, StatusCode::OK),
        ("/assets/none.css", StatusCode::NOT_FOUND),
        ("/nowhere", StatusCode::NOT_FOUND),
        ("/", StatusCode::SEE_OTHER),
        ("/sign-out", StatusCode::METHOD_NOT_ALLOWED),
        ("/reset/no-such-token", StatusCode::GONE),
    ] {
        let page = browser.open(path).await;
        assert_eq!(page.status, status, "{path}");
        is_secured(&page);
        assert_eq!(page.header("cache-control") == "no-store", path != style, "{path}");
    }
}

#[tokio::test]
async fn a_fault_is_a_page_of_ours_and_names_the_request() {
    let site = Site::open().await;
    let browser = site.browser();
    for path in ["/nowhere", "/assets/none.css", "/patients/", "/account/sessions"] {
        let page = browser.open(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.body.contains("Nothing is here"), "{path}");
        assert!(page.body.contains(page.header("x-request-id")), "{path}");
    }
    let head = browser.answer(browser.ask(Method::HEAD, "/nowhere")).await;
    assert_eq!((head.status, head.body.as_str()), (StatusCode::NOT_FOUND, ""));
}

#[tokio::test]
async fn an_address_asked_the_wrong_way_says_which_way_is_right() {
    let site = Site::open().await;
    let page = site.browser().open("/sign-out").await;
    assert_eq!((page.status, page.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
    assert!(page.body.contains("This address is not opened like that"));
    is_secured(&page);
}

async fn falls(_: State<AppState>, _: Visitor) -> Answer {
    panic!("the patient's name")
}

#[tokio::test]
async fn a_handler_that_panics_gives_a_page_and_the_next_request_is_answered() {
    let site = Site::of(Limits::default(), Pages::default().read("/falls", Allow::Public, falls)).await;
    let browser = site.browser();
    for _ in 0..2 {
        let page = browser.open("/falls").await;
        assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(page.body.contains("Something broke on our side") && !page.body.contains("patient's name"));
        is_secured(&page);
    }
}

#[tokio::test]
async fn a_page_is_never_compressed_together_with_its_token() {
    let site = Site::open().await;
    let browser = site.browser();
    let page = browser.answer(browser.ask(Method::GET, "/sign-in").header("accept-encoding", "gzip, br")).await;
    assert!(!page.has("content-encoding"));
}
