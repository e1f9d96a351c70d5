//! A web server for one test.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use identity::Identity;
use identity::password::Hasher;
use kernel::{Source, SystemEntropy};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use testkit::House;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use web::routes::Pages;
use web::server::{OldestTls, ServeError, tls_of};
use web::{AppState, Limits, Settings};

use crate::browser::Browser;

/// A running server on a house.
pub(crate) struct Site {
    pub(crate) house: House,
    pub(crate) address: SocketAddr,
    /// The certificate authority that its browsers trust, as DER.
    pub(crate) authority: Vec<u8>,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<Result<(), ServeError>>,
}

impl Site {
    /// The site as it is, with the usual limits.
    pub(crate) async fn open() -> Self {
        Self::with(Limits::default(), web::router).await
    }

    /// The site with other limits, or of other pages.
    pub(crate) async fn with(limits: Limits, pages: impl FnOnce(AppState) -> Router) -> Self {
        let house = House::open().await;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let origin = format!("https://localhost:{}", address.port());
        let hasher = Hasher::new(SystemEntropy.into()).unwrap();
        let identity = Identity::new(house.store.clone(), hasher, &origin, Duration::ZERO);
        let settings = Settings {
            origin: origin.parse().unwrap(),
            // Each test's browsers come from a network of its own, because guesses are counted by network.
            trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()],
            limits,
        };
        let app = AppState::new(identity, settings).unwrap();
        let (authority, chain, key) = certificate();
        let tls = tls_of(chain, key, OldestTls::default()).unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(web::serve(listener, tls, pages(app), limits, async {
            let _ = stopped.await;
        }));
        Self { house, address, authority, stop: Some(stop), served }
    }

    /// A site of these pages alone.
    pub(crate) async fn of(limits: Limits, pages: Pages) -> Self {
        Self::with(limits, |app| web::routes::site(app, pages)).await
    }

    pub(crate) fn origin(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// A fresh browser in this test's own network.
    pub(crate) fn browser(&self) -> Browser {
        let Source::Network(from) = self.house.source else { panic!("a house's people come from a network") };
        Browser::new(self, from)
    }

    /// A fresh browser in a network that nobody else is in.
    pub(crate) fn browser_elsewhere(&self) -> Browser {
        let Source::Network(from) = self.house.elsewhere() else { panic!("elsewhere is a network") };
        Browser::new(self, from)
    }

    /// Asks the server to stop, and waits until it has.
    pub(crate) async fn stop(mut self) {
        let _ = self.stop.take().unwrap().send(());
        self.served.await.unwrap().unwrap();
    }
}

/// An authority, and a certificate of it for localhost.
fn certificate() -> (Vec<u8>, Vec<rustls::pki_types::CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).unwrap();
    // Another name than the authority's, or OpenSSL takes it for one that signed itself.
    params.distinguished_name.push(DnType::CommonName, "localhost");
    let certificate = params.signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    (authority.der().to_vec(), vec![certificate.der().clone()], key)
}

/// The provider of TLS that reqwest takes.
pub(crate) fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let _ = provider.clone().install_default();
    Arc::new(provider)
}
