//! TLS and connections: what stands before the first byte of a request is read.

use std::collections::HashMap;
use std::future::{Future, ready};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum_server::accept::Accept;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, version};
use tokio::net::TcpStream;
use tower::Service;

use crate::Limits;

/// The oldest version of TLS that is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OldestTls {
    /// TLS 1.3 alone.
    #[default]
    V1_3,
    /// TLS 1.2 too, with the suites that rustls still has: for browsers from before 2019.
    V1_2,
}

/// Why no server could be started.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A file with the certificate or its key.
    #[error("{file}: {problem}")]
    File {
        /// Which.
        file: String,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// Certificate and key do not go together, or are of a kind that is not spoken.
    #[error("the certificate and its key do not go together: {0}")]
    Tls(#[from] rustls::Error),
    /// The listener failed.
    #[error("the server stopped: {0}")]
    Io(#[from] io::Error),
}

/// The TLS of a certificate chain and its key, both PEM files.
pub fn tls(chain: &Path, key: &Path, oldest: OldestTls) -> Result<Arc<ServerConfig>, ServeError> {
    let fault = |file: &Path, error: &pem::Error| ServeError::File {
        file: file.display().to_string(),
        problem: match error {
            pem::Error::Io(error) => format!("it cannot be read ({error})"),
            pem::Error::NoItemsFound => "it holds no PEM block of the kind that belongs here".to_owned(),
            _ => "it is not PEM: write the file as the certificate's issuer gave it".to_owned(),
        },
    };
    let certificates: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(chain).and_then(Iterator::collect).map_err(|error| fault(chain, &error))?;
    let key_der = PrivateKeyDer::from_pem_file(key).map_err(|error| fault(key, &error))?;
    tls_of(certificates, key_der, oldest)
}

/// The TLS of a certificate chain and its key.
pub fn tls_of(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    oldest: OldestTls,
) -> Result<Arc<ServerConfig>, ServeError> {
    let versions: &[&rustls::SupportedProtocolVersion] = match oldest {
        OldestTls::V1_3 => &[&version::TLS13],
        OldestTls::V1_2 => &[&version::TLS13, &version::TLS12],
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Serves until `shutdown` is ready; then no connection is taken any more, and the answers under way
/// get the time that the limits give them.
pub async fn serve(
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    router: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let handle = Handle::new();
    let stopper = tokio::spawn({
        let handle = handle.clone();
        async move {
            shutdown.await;
            handle.graceful_shutdown(Some(limits.shutdown_time_max));
        }
    });
    let doorkeeper = Doorkeeper {
        open: Arc::default(),
        limits,
        tls: RustlsAcceptor::new(RustlsConfig::from_config(tls)).handshake_timeout(limits.handshake_time_max),
    };
    let mut server: Server<SocketAddr, _> = axum_server::from_tcp(listener)?
        .handle(handle)
        .acceptor(doorkeeper)
        .first_request_timeout(limits.header_time_max);
    let builder = server.http_builder();
    builder.http1().header_read_timeout(limits.header_time_max).max_buf_size(64 * 1024).max_headers(64);
    builder
        .http2()
        .max_concurrent_streams(64)
        .max_header_list_size(32 * 1024)
        .max_pending_accept_reset_streams(20)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(limits.header_time_max);
    let outcome = server.serve(router.into_make_service_with_connect_info::<SocketAddr>()).await;
    stopper.abort();
    outcome.map_err(ServeError::from)
}

/// Counts connections and closes those that are too many, before any work is spent on them.
#[derive(Clone)]
struct Doorkeeper {
    open: Arc<Open>,
    limits: Limits,
    tls: RustlsAcceptor,
}

/// Open connections by address.
#[derive(Debug, Default)]
struct Open(Mutex<HashMap<IpAddr, usize>>);

impl Open {
    fn admit(self: &Arc<Self>, from: IpAddr, limits: &Limits) -> Option<Admitted> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let here = open.get(&from).copied().unwrap_or(0);
        if open.values().sum::<usize>() >= limits.connections_max || here >= limits.connections_per_address_max {
            return None;
        }
        open.insert(from, here + 1);
        Some(Admitted { open: Arc::clone(self), from })
    }
}

/// One counted connection; counted until it is dropped.
#[derive(Debug)]
struct Admitted {
    open: Arc<Open>,
    from: IpAddr,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut open = self.open.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.from);
            }
        }
    }
}

/// A connection's service, with its place in the count.
#[derive(Clone)]
struct Counted<S> {
    inner: S,
    _admitted: Arc<Admitted>,
}

impl<S: Service<R>, R> Service<R> for Counted<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> S::Future {
        self.inner.call(request)
    }
}

impl<S: Send + 'static> Accept<TcpStream, S> for Doorkeeper {
    type Stream = <RustlsAcceptor as Accept<TcpStream, Counted<S>>>::Stream;
    type Service = <RustlsAcceptor as Accept<TcpStream, Counted<S>>>::Service;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let admitted = stream
            .peer_addr()
            .and_then(|peer| stream.set_nodelay(true).map(|()| peer.ip().to_canonical()))
            .map(|from| self.open.admit(from, &self.limits));
        match admitted {
            Ok(Some(admitted)) => {
                Box::pin(self.tls.accept(stream, Counted { inner: service, _admitted: Arc::new(admitted) }))
            }
            Ok(None) => Box::pin(ready(Err(io::Error::other("too many connections")))),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }
}
