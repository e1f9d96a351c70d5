//! The application: pages and mail, on open doors. It runs as an account that owns nothing but the
//! root key.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use identity::password::Hasher;
use identity::{ANSWER_FLOOR, Identity};
use ipnet::IpNet;
use kernel::{PracticeId, Secret};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};
use store::{Store, StoreError};
use tokio_util::sync::CancellationToken;
use web::server::OldestTls;
use web::{AppState, Limits};

use crate::config::{Config, LogFormat, LogLevel};
use crate::doors::{Doors, entropy};
use crate::failure::Failure;
use crate::logs::{self, Logging};
use crate::mail::{Post, Sender};
use crate::redirect;
use crate::supervise::told_to_stop;
use crate::terminal::{say, step};
use crate::up::invented::Demonstration;
use crate::works::{Handlers, Works};

/// Said on standard output once it serves. No line for people looks like this.
pub(crate) const READY: &str = "\u{1}ready";

/// A server that is starting again gets this long before the application gives up.
const SERVERS_WAIT_MAX: Duration = Duration::from_mins(2);
const SERVERS_PAUSE: Duration = Duration::from_millis(250);

/// Certificate and key, as PEM.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tls {
    certificate: String,
    key: Secret<String>,
}

impl Tls {
    pub(crate) fn new(certificate: String, key: Secret<String>) -> Self {
        Self { certificate, key }
    }

    /// Reads the files that the settings name, and makes sure that they go together.
    pub(crate) fn read(config: &Config) -> Result<Self, Failure> {
        let (certificate, key) = (&config.web.certificate, &config.web.certificate_key);
        web::server::tls(certificate, key, OldestTls::V1_3).map_err(|error| {
            Failure::said(format!("web.certificate, web.certificate_key: {error}; write the paths of two PEM files"))
        })?;
        let read = |path| std::fs::read_to_string(path).map_err(Failure::io("cannot read", path));
        Ok(Self { certificate: read(certificate)?, key: Secret::new(read(key)?) })
    }

    fn config(&self) -> Result<Arc<rustls::ServerConfig>, Failure> {
        let bad = |_| Failure::said("the certificate or its key is not PEM");
        let chain =
            CertificateDer::pem_slice_iter(self.certificate.as_bytes()).collect::<Result<_, _>>().map_err(bad)?;
        let key = PrivateKeyDer::from_pem_slice(self.key.expose().as_bytes()).map_err(bad)?;
        web::server::tls_of(chain, key, OldestTls::V1_3).map_err(|error| Failure::said(error.to_string()))
    }
}

/// All that serving needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Serving {
    doors: Doors,
    logging: Logging,
    listen: SocketAddr,
    redirect_listen: Option<SocketAddr>,
    origin: String,
    tls: Tls,
    trusted_proxies: Vec<IpNet>,
    pub(crate) threads: usize,
    requests_max: usize,
    connections_max: usize,
    connections_per_address_max: usize,
    request_seconds_max: u64,
    stop_seconds_max: u64,
    works_at_once_max: usize,
    post: Post,
    demonstration: Option<Demonstration>,
}

impl Serving {
    pub(crate) fn new(
        config: &Config,
        doors: Doors,
        tls: Tls,
        post: Post,
        demonstration: Option<Demonstration>,
    ) -> Self {
        let (web, limits) = (&config.web, &config.limits);
        Self {
            doors,
            logging: Logging { level: LogLevel::Info, format: LogFormat::Text },
            listen: web.listen,
            redirect_listen: web.redirect_listen,
            origin: web.origin.to_string(),
            tls,
            trusted_proxies: web.trusted_proxies.clone(),
            threads: config.threads(),
            requests_max: limits.requests_max.size(),
            connections_max: limits.connections_max.size(),
            connections_per_address_max: limits.connections_per_address_max.size(),
            request_seconds_max: limits.request_seconds_max.get().into(),
            stop_seconds_max: web.stop_seconds_max.get().into(),
            works_at_once_max: config.works.at_once_max.size(),
            post,
            demonstration,
        }
    }

    /// With a log of its own: in a process of its own.
    pub(crate) fn logging(mut self, logging: Logging) -> Self {
        self.logging = logging;
        self
    }

    /// As a process of its own.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        logs::begin(self.logging, None);
        let stop = told_to_stop()?;
        Box::pin(self.run_until(stop, || say(READY))).await
    }

    /// Serves until `stop`. `ready` is called once it does.
    pub(crate) async fn run_until(self, stop: CancellationToken, ready: impl FnOnce()) -> Result<(), Failure> {
        // First what a person may have to put right: the port, the certificate, the root key.
        let listener = listen("web.listen", self.listen)?;
        let redirector = self.redirect_listen.map(|address| listen("web.redirect_listen", address)).transpose()?;
        let tls = self.tls.config()?;
        let store = self.doors.open()?;
        let origin: web::Origin = self.origin.parse().map_err(|_| Failure::said("web.origin is no origin"))?;

        let Some(found) = unless(&stop, found_house(&store)).await else { return Ok(()) };
        found?;
        let hasher = Hasher::new(entropy()).map_err(|error| Failure::said(error.to_string()))?;
        let identity = Identity::new(store.clone(), hasher, &self.origin, ANSWER_FLOOR);
        if let Some(demonstration) = &self.demonstration {
            let Some(made) = unless(&stop, Box::pin(demonstration.make(&identity))).await else { return Ok(()) };
            made?;
        }

        let sender = tokio::spawn(Sender::new(store.clone(), &self.post)?.run(stop.clone()));
        let signer = self.doors.signer().inspect_err(|error| {
            tracing::error!(%error, "there is no key to sign exports with, so none are made");
        });
        let works = Works::new(store.clone(), self.works_at_once_max, Handlers::new(signer.ok()));
        let works = tokio::spawn(works.run(stop.clone()));
        if let Some(redirector) = redirector {
            tokio::spawn(redirect::serve(redirector, origin.clone(), stop.clone()));
        }
        let limits = self.limits();
        let crowd = self.demonstration.clone().map(|demonstration| (demonstration, identity.clone()));
        let settings = web::Settings { origin, trusted_proxies: self.trusted_proxies.clone(), limits };
        let router = web::router(AppState::new(identity, settings).map_err(|error| Failure::said(error.to_string()))?);
        let serving = web::serve(listener, tls, router, limits, stop.clone().cancelled_owned());
        tracing::info!(listen = %self.listen, "serving");
        ready();
        if let Some((demonstration, identity)) = crowd {
            let stop = stop.clone();
            tokio::spawn(async move {
                if let Some(Err(error)) = unless(&stop, Box::pin(demonstration.crowd(&identity))).await {
                    step(&error.to_string());
                }
            });
        }
        let served = serving.await.map_err(|error| Failure::said(error.to_string()));
        // A letter that is under way is finished, and a work stops at its next checkpoint, if that does not take
        // too long; neither is lost if it does.
        stop.cancel();
        let _ = tokio::time::timeout(limits.shutdown_time_max, both(sender, works)).await;
        served
    }

    fn limits(&self) -> Limits {
        Limits {
            requests_max: self.requests_max,
            connections_max: self.connections_max,
            connections_per_address_max: self.connections_per_address_max,
            request_time_max: Duration::from_secs(self.request_seconds_max),
            shutdown_time_max: Duration::from_secs(self.stop_seconds_max),
            ..Limits::default()
        }
    }
}

/// Waits for two tasks.
async fn both(one: tokio::task::JoinHandle<()>, other: tokio::task::JoinHandle<()>) {
    let _ = one.await;
    let _ = other.await;
}

/// What comes of `work`, unless `stop` comes first.
async fn unless<T>(stop: &CancellationToken, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        done = work => Some(done),
        () = stop.cancelled() => None,
    }
}

fn listen(setting: &str, address: SocketAddr) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind(address).and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
    listener.map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AddrInUse => "another program listens there; stop it, or use another port",
            std::io::ErrorKind::PermissionDenied => "ports below 1024 need a start as root; or use another port",
            _ => "write an address of this machine",
        };
        Failure::said(format!("{setting}: cannot listen on {address} ({error}): {hint}"))
    })
}

/// The house's own keys, made at the very first start. A server that is away is waited for: it may be
/// starting again after a crash.
async fn found_house(store: &Store) -> Result<(), Failure> {
    let began = std::time::Instant::now();
    let mut told = false;
    loop {
        match store.found_keys(PracticeId::HOUSE).await {
            Ok(()) => return Ok(()),
            Err(StoreError::Away(error)) if began.elapsed() < SERVERS_WAIT_MAX => {
                if !told {
                    told = true;
                    step("waiting for the database servers");
                    tracing::warn!(error = crate::servers::whole(error.as_ref()), "waiting for the database servers");
                }
                tokio::time::sleep(SERVERS_PAUSE).await;
            }
            Err(error) => return Err(Failure::said(crate::servers::whole(&error))),
        }
    }
}
