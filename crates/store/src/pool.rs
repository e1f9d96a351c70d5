//! Connections: where the servers are, how a connection is made, and which are thrown away.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Every wait has an end. And a statement is planned once for a connection: nearly all are short and find their rows by
/// an index, and planning them again for each value cost more than running them (docs/bench.md). `trip.rs` knows which
/// are not so. What is planned once may have been planned while a table was empty, when reading it whole seemed to be
/// the cheapest there is: an index is preferred always.
const OPTIONS: &str = "-c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s \
    -c plan_cache_mode=force_generic_plan -c enable_seqscan=off";

/// Where a cluster is.
#[derive(Debug, Clone)]
pub enum ServerAddress {
    /// A server that this program manages: a unix socket, the user proved by the kernel (peer).
    Socket {
        /// The folder of the socket.
        folder: PathBuf,
        /// The port number in the socket's name.
        port: u16,
        /// The database.
        database: String,
        /// The role.
        role: String,
    },
    /// Outside servers, as a libpq connection string with one or several hosts.
    Dsn {
        /// The connection string.
        text: kernel::Secret<String>,
        /// How the servers prove who they are.
        tls: TlsMode,
    },
}

/// How an outside server proves who it is. There is no unverified form.
#[derive(Debug, Clone)]
pub enum TlsMode {
    /// By a certificate that the system's authorities vouch for.
    SystemRoots,
    /// By a certificate that these authorities (PEM file) vouch for.
    Roots(PathBuf),
}

/// How many connections, and how long to wait for one.
#[derive(Debug, Clone, Copy)]
pub struct PoolSettings {
    /// At most this many connections.
    pub connections_max: usize,
    /// How long a request waits for a free one before it is told to try again.
    pub wait_max: Duration,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self { connections_max: 16, wait_max: Duration::from_secs(5) }
    }
}

/// A server address that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The connection string does not parse.
    #[error("the database address does not parse: write host=a,b dbname=vouchsafe user=... ({0})")]
    Address(String),
    /// The certificate authorities cannot be read.
    #[error("cannot read the certificate authorities in {path}: {reason}")]
    Roots {
        /// The file.
        path: String,
        /// Why not.
        reason: String,
    },
    /// The pool could not be made.
    #[error("cannot prepare connections: {0}")]
    Pool(String),
}

impl ServerAddress {
    /// The driver's configuration. Several hosts are tried in order until one takes writes.
    pub(crate) fn config(&self) -> Result<Config, ConnectError> {
        let mut config = match self {
            Self::Socket { folder, port, database, role } => {
                let mut config = Config::new();
                config.host_path(folder).port(*port).dbname(database).user(role);
                config
            }
            Self::Dsn { text, .. } => {
                let mut config: Config =
                    text.expose().parse().map_err(|e: tokio_postgres::Error| ConnectError::Address(e.to_string()))?;
                config.ssl_mode(if is_local(&config) { SslMode::Disable } else { SslMode::Require });
                config
            }
        };
        config
            .application_name("vouchsafe")
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .connect_timeout(Duration::from_secs(5))
            .keepalives_idle(Duration::from_secs(30))
            .options(OPTIONS);
        Ok(config)
    }

    pub(crate) fn tls(&self) -> Result<Option<MakeRustlsConnect>, ConnectError> {
        let Self::Dsn { tls, .. } = self else { return Ok(None) };
        let mut roots = rustls::RootCertStore::empty();
        match tls {
            TlsMode::SystemRoots => {
                let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                if added == 0 {
                    return Err(ConnectError::Roots {
                        path: "the system's store".to_owned(),
                        reason: "it has none; install ca-certificates".to_owned(),
                    });
                }
            }
            TlsMode::Roots(path) => {
                let bad = |reason: String| ConnectError::Roots { path: path.display().to_string(), reason };
                let certs = rustls::pki_types::CertificateDer::pem_file_iter(path).map_err(|e| bad(e.to_string()))?;
                for cert in certs {
                    roots.add(cert.map_err(|e| bad(e.to_string()))?).map_err(|e| bad(e.to_string()))?;
                }
            }
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| ConnectError::Pool(e.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Some(MakeRustlsConnect::new(client)))
    }
}

/// Whether every server is reached through a socket of this machine. A `hostaddr` is the network, also
/// where no `host` is written beside it.
fn is_local(config: &Config) -> bool {
    let socket = |host: &Host| matches!(host, Host::Unix(_));
    !config.get_hosts().is_empty() && config.get_hosts().iter().all(socket) && config.get_hostaddrs().is_empty()
}

/// Makes the pool for one cluster.
pub(crate) fn pool(address: &ServerAddress, settings: PoolSettings) -> Result<Pool, ConnectError> {
    let config = address.config()?;
    let how = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = match address.tls()? {
        Some(tls) => Manager::from_config(config, tls, how),
        None => Manager::from_config(config, NoTls, how),
    };
    Pool::builder(manager)
        .max_size(settings.connections_max)
        .wait_timeout(Some(settings.wait_max))
        .create_timeout(Some(Duration::from_secs(5)))
        .recycle_timeout(Some(Duration::from_secs(5)))
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|e| ConnectError::Pool(e.to_string()))
}

/// One connection outside a pool, for migrations and administration.
pub(crate) async fn connect_once(address: &ServerAddress) -> Result<tokio_postgres::Client, crate::StoreError> {
    let away = |e: ConnectError| crate::StoreError::Away(Box::new(e));
    let config = address.config().map_err(away)?;
    #[allow(clippy::disallowed_methods, reason = "this is the door that owns connections")]
    let client = if let Some(tls) = address.tls().map_err(away)? {
        let (client, connection) = config.connect(tls).await?;
        tokio::spawn(connection);
        client
    } else {
        let (client, connection) = config.connect(NoTls).await?;
        tokio::spawn(connection);
        client
    };
    Ok(client)
}

/// Throws a connection away instead of giving it back: after an outage code it may point to a server
/// that no longer takes writes.
pub(crate) fn discard(client: Object) {
    drop(Object::take(client));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ssl_mode(text: &str) -> SslMode {
        let text = kernel::Secret::new(text.to_owned());
        ServerAddress::Dsn { text, tls: TlsMode::SystemRoots }.config().unwrap().get_ssl_mode()
    }

    #[test]
    fn only_a_socket_of_this_machine_goes_without_encryption_whatever_the_address_asks_for() {
        assert_eq!(ssl_mode("host=/run/postgresql dbname=v user=u"), SslMode::Disable);
        for network in [
            "host=db.example.org dbname=v user=u sslmode=disable",
            "host=/run/postgresql,db.example.org dbname=v user=u",
            "hostaddr=192.0.2.7 dbname=v user=u sslmode=disable",
            "host=/run/postgresql hostaddr=192.0.2.7 dbname=v user=u",
            "dbname=v user=u sslmode=prefer",
        ] {
            assert_eq!(ssl_mode(network), SslMode::Require, "{network}");
        }
    }

    #[test]
    fn an_address_that_does_not_parse_is_told_without_being_repeated() {
        let text = kernel::Secret::new("host=a password=hunter2 nonsense".to_owned());
        let error = ServerAddress::Dsn { text, tls: TlsMode::SystemRoots }.config().unwrap_err().to_string();
        assert!(error.contains("write host=") && !error.contains("hunter2"), "{error}");
    }
}
