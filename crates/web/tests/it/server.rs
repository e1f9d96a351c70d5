//! Connections: TLS, slow ones, too many, and the end.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, StatusCode, Version};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, version};
use tokio::sync::Notify;
use web::Limits;
use web::errors::Answer;
use web::extract::go_to;
use web::routes::{Allow, Pages};

use crate::site::{Site, provider};

/// A connection of our own, to be slow or rude on.
fn connect(
    site: &Site,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(site.authority.clone().into()).unwrap();
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let socket = TcpStream::connect(site.address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), socket)
}

/// What the other side says until it closes.
fn rest(stream: &mut impl Read) -> String {
    let mut said = Vec::new();
    match stream.read_to_end(&mut said) {
        Ok(_) => {}
        Err(error) => assert_ne!(error.kind(), ErrorKind::WouldBlock, "the connection was not closed"),
    }
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_1_3_is_spoken_and_1_2_is_not() {
    let site = Site::open().await;
    tokio::task::spawn_blocking(move || {
        let ask = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let mut new = connect(&site, &[&version::TLS13]);
        new.write_all(ask).unwrap();
        assert!(rest(&mut new).starts_with("HTTP/1.1 200"));
        assert!(connect(&site, &[&version::TLS12]).write_all(ask).is_err());
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_browser_is_answered_over_http_2() {
    let site = Site::open().await;
    let answer = site.browser().ask(Method::GET, "/healthz").send().await.unwrap();
    assert_eq!((answer.version(), answer.status()), (Version::HTTP_2, StatusCode::OK));
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_do_not_come_to_an_end_and_silence_are_closed() {
    let limits = Limits { header_time_max: Duration::from_millis(300), ..Limits::default() };
    let site = Site::with(limits, web::router).await;
    tokio::task::spawn_blocking(move || {
        for begun in ["GET /healthz HTTP/1.1\r\nHost: local", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n", ""] {
            let mut slow = connect(&site, &[&version::TLS13]);
            slow.write_all(begun.as_bytes()).unwrap();
            slow.flush().unwrap();
            assert!(!rest(&mut slow).contains("200"));
        }
        // One that has been answered and then says nothing more.
        let mut idle = connect(&site, &[&version::TLS13]);
        idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        assert!(rest(&mut idle).starts_with("HTTP/1.1 200"));
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_without_end_are_refused() {
    let site = Site::open().await;
    tokio::task::spawn_blocking(move || {
        let mut rude = connect(&site, &[&version::TLS13]);
        let many = "X-Header: a\r\n".repeat(500);
        let asked = write!(rude, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n{many}\r\n");
        assert!(asked.is_err() || rest(&mut rude).starts_with("HTTP/1.1 431"));
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_untold_length_is_cut_off_at_the_limit() {
    let site = Site::open().await;
    tokio::task::spawn_blocking(move || {
        let mut rude = connect(&site, &[&version::TLS13]);
        write!(
            rude,
            "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOrigin: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n",
            site.origin()
        )
        .unwrap();
        let piece = "a".repeat(0x8000);
        for _ in 0..3 {
            write!(rude, "8000\r\n{piece}\r\n").unwrap();
        }
        write!(rude, "0\r\n\r\n").unwrap();
        assert!(rest(&mut rude).starts_with("HTTP/1.1 413"));
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_request_for_which_there_is_no_room_is_told_when_to_come_back() {
    let site = Site::with(Limits { requests_max: 0, ..Limits::default() }, web::router).await;
    let page = site.browser().open("/sign-in").await;
    assert_eq!((page.status, page.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "5"));
    assert!(page.body.contains("Busy for a moment"));
    assert_eq!(page.header("x-frame-options"), "DENY");
}

async fn never() -> Answer {
    std::future::pending().await
}

#[tokio::test]
async fn a_handler_that_never_answers_is_cut_off() {
    let limits = Limits { request_time_max: Duration::from_millis(200), ..Limits::default() };
    let site = Site::of(limits, Pages::default().read("/never", Allow::Public, never)).await;
    let page = site.browser().open("/never").await;
    assert_eq!((page.status, page.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "5"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_cannot_take_all_connections() {
    let site = Site::with(Limits { connections_per_address_max: 2, ..Limits::default() }, web::router).await;
    tokio::task::spawn_blocking(move || {
        let ask = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let mut held: Vec<_> = (0..2).map(|_| connect(&site, &[&version::TLS13])).collect();
        for one in &mut held {
            one.write_all(b"GET").unwrap();
        }
        let mut third = connect(&site, &[&version::TLS13]);
        assert!(third.write_all(ask).is_err() || rest(&mut third).is_empty());
        held.clear();
        // The places are free again as soon as the server has seen the two go.
        let answered = || {
            let mut next = connect(&site, &[&version::TLS13]);
            next.write_all(ask).is_ok() && rest(&mut next).starts_with("HTTP/1.1 200")
        };
        assert!((0..100).any(|_| answered()));
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn what_is_under_way_is_answered_before_the_end() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let (begun, go_on) = (Arc::clone(&begun), Arc::clone(&go_on));
        move || async move {
            begun.notify_one();
            go_on.notified().await;
            go_to("/done")
        }
    };
    let site = Site::of(Limits::default(), Pages::default().read("/slow", Allow::Public, handler)).await;
    let browser = site.browser();
    let asked = tokio::spawn(async move { browser.open("/slow").await });
    begun.notified().await;
    let stopped = tokio::spawn(site.stop());
    go_on.notify_one();
    asked.await.unwrap().leads_to("/done");
    stopped.await.unwrap();
}
