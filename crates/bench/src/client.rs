//! A browser without a screen, or a program at the API: one connection over TLS 1.3 that is kept, as they keep it.

use std::sync::Arc;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response, body::Incoming, header};
use hyper_util::rt::TokioIo;
use kernel::IdempotencyKey;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;

use crate::Outcome;

/// Where the program is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Address {
    pub(crate) port: u16,
    /// Its certificate, PEM.
    pub(crate) certificate: String,
}

/// One connection.
pub(crate) struct Connection {
    send: SendRequest<Full<Bytes>>,
    port: u16,
}

/// Who asks.
#[derive(Clone, Copy)]
pub(crate) enum Caller<'a> {
    /// Somebody signed in.
    Browser { cookie: &'a str },
    /// A program that was let in.
    Program { key: &'a str },
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: Bytes,
}

impl Address {
    /// The TLS of somebody who trusts its certificate and speaks 1.3 alone.
    pub(crate) fn tls(&self) -> Outcome<Arc<rustls::ClientConfig>> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.certificate.as_bytes())?)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(tls))
    }

    /// Connects.
    pub(crate) async fn connect(&self, tls: Arc<rustls::ClientConfig>) -> Outcome<Connection> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.set_nodelay(true)?;
        let stream = tokio_rustls::TlsConnector::from(tls).connect(ServerName::try_from("localhost")?, stream).await?;
        let (send, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Connection { send, port: self.port })
    }
}

impl Connection {
    /// Asks for a page or a resource.
    pub(crate) async fn get(&mut self, path: &str, by: Caller<'_>) -> Outcome<Answer> {
        let request = self.request("GET", path, by).body(Full::default())?;
        self.answer(request).await
    }

    /// Sends a form, as a browser does.
    pub(crate) async fn submit(&mut self, path: &str, cookie: &str, form: String) -> Outcome<Answer> {
        let request = self
            .request("POST", path, Caller::Browser { cookie })
            .header(header::ORIGIN, format!("https://localhost:{}", self.port))
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::from(form))?;
        self.answer(request).await
    }

    /// Sends a resource, as a program does.
    pub(crate) async fn create(
        &mut self,
        path: &str,
        key: &str,
        once: IdempotencyKey,
        resource: &serde_json::Value,
    ) -> Outcome<Answer> {
        let request = self
            .request("POST", path, Caller::Program { key })
            .header("idempotency-key", once.to_string())
            .header(header::CONTENT_TYPE, "application/fhir+json")
            .body(Full::from(serde_json::to_vec(resource)?))?;
        self.answer(request).await
    }

    fn request(&self, method: &str, path: &str, by: Caller<'_>) -> hyper::http::request::Builder {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, format!("localhost:{}", self.port))
            .header(header::ACCEPT_ENCODING, "gzip, br");
        match by {
            Caller::Browser { cookie } => request
                .header(header::COOKIE, format!("__Host-session={cookie}"))
                .header(header::ACCEPT, "text/html")
                .header(header::USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64) vouchsafe-bench"),
            Caller::Program { key } => request
                .header(header::AUTHORIZATION, format!("Bearer {key}"))
                .header(header::ACCEPT, "application/fhir+json")
                .header(header::USER_AGENT, "vouchsafe-bench"),
        }
    }

    async fn answer(&mut self, request: Request<Full<Bytes>>) -> Outcome<Answer> {
        self.send.ready().await?;
        let response: Response<Incoming> = self.send.send_request(request).await?;
        let status = response.status().as_u16();
        let location = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()).map(str::to_owned);
        let body = response.into_body().collect().await?.to_bytes();
        Ok(Answer { status, location, body })
    }
}
