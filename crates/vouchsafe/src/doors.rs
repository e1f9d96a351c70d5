//! Opening the store: what that needs, in a form that can be handed to a process of another account.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keeper::{RootKeyError, RootKeyFile, SigningKeyFile};
use kernel::{Clock, Entropy, Secret, SystemClock, SystemEntropy};
use practice::exchange::archive::Signer;
use serde::{Deserialize, Serialize};
use store::{Keyring, KeyringSettings, PoolSettings, ServerAddress, Store, StoreSettings, TlsMode};

use crate::accounts::RUN_ROLE;
use crate::config::Config;
use crate::failure::Failure;
use crate::place::{Socket, Sockets};

/// The database's name in both managed servers.
pub(crate) const DATABASE: &str = "vouchsafe";

/// What opening the store needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Doors {
    data: Where,
    keyring: Where,
    /// The data folder: the root key must not lie in it.
    folder: PathBuf,
    root_key: PathBuf,
    /// What the signing key is named after when it is made.
    origin: String,
    data_connections_max: usize,
    keyring_connections_max: usize,
    wait_seconds_max: u64,
}

/// A server, as the role that owns nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Where {
    Managed(Socket),
    Outside { dsn: Secret<String>, authorities: Option<PathBuf> },
}

impl Doors {
    /// To managed servers.
    pub(crate) fn managed(config: &Config, sockets: Sockets) -> Self {
        Self::new(config, Where::Managed(sockets.data), Where::Managed(sockets.keyring))
    }

    /// To servers that others run.
    pub(crate) fn outside(config: &Config) -> Result<Self, Failure> {
        let outside = &config.outside;
        let named = |dsn: Option<&Secret<String>>| -> Result<Where, Failure> {
            Ok(Where::Outside { dsn: present(dsn)?, authorities: outside.authorities.clone() })
        };
        Ok(Self::new(config, named(outside.data_run.as_ref())?, named(outside.keyring_run.as_ref())?))
    }

    fn new(config: &Config, data: Where, keyring: Where) -> Self {
        Self {
            data,
            keyring,
            folder: config.top.folder.clone(),
            root_key: config.keys.root_key.clone(),
            origin: config.web.origin.to_string(),
            data_connections_max: config.pools.data_connections_max.size(),
            keyring_connections_max: config.pools.keyring_connections_max.size(),
            wait_seconds_max: config.pools.wait_seconds_max.get().into(),
        }
    }

    /// Where it is, without the pools: what a single command needs.
    pub(crate) fn for_one_command(mut self) -> Self {
        (self.data_connections_max, self.keyring_connections_max) = (4, 2);
        self
    }

    /// Reads the root key file, after every check of it.
    pub(crate) fn root_key(&self) -> Result<RootKeyFile, Failure> {
        root_key(&self.root_key, &self.folder)
    }

    /// The key by which this installation signs, made at the first start: beside the root key.
    pub(crate) fn signer(&self) -> Result<Signer, Failure> {
        let path = SigningKeyFile::beside(&self.root_key);
        let name = self.origin.split_once("://").map_or(self.origin.as_str(), |(_, host)| host);
        let file = SigningKeyFile::ensure(&path, name, &entropy())?;
        Signer::new(&file.name, &file.seed).map_err(|error| Failure::said(error.to_string()))
    }

    /// The keyring alone: for turning keys.
    pub(crate) fn keyring(&self, root_key: Arc<RootKeyFile>) -> Result<Keyring, Failure> {
        let pool = self.pool(self.keyring_connections_max);
        let settings = KeyringSettings { pool, ..KeyringSettings::default() };
        Ok(Keyring::new(&self.keyring.address(), root_key, clock(), entropy(), settings)?)
    }

    /// The store.
    pub(crate) fn open(&self) -> Result<Store, Failure> {
        let keyring = self.keyring(Arc::new(self.root_key()?))?;
        let pool = self.pool(self.data_connections_max);
        Ok(Store::open(StoreSettings { data: self.data.address(), pool, keyring, clock: clock(), entropy: entropy() })?)
    }

    fn pool(&self, connections_max: usize) -> PoolSettings {
        PoolSettings { connections_max, wait_max: Duration::from_secs(self.wait_seconds_max) }
    }
}

impl Where {
    fn address(&self) -> ServerAddress {
        match self {
            Self::Managed(socket) => ServerAddress::Socket {
                folder: socket.folder.clone(),
                port: socket.port,
                database: DATABASE.to_owned(),
                role: RUN_ROLE.to_owned(),
            },
            Self::Outside { dsn, authorities } => {
                let tls = authorities.clone().map_or(TlsMode::SystemRoots, TlsMode::Roots);
                ServerAddress::Dsn { text: dsn.clone(), tls }
            }
        }
    }
}

/// Reads a root key file, after every check of it.
pub(crate) fn root_key(path: &Path, folder: &Path) -> Result<RootKeyFile, Failure> {
    match RootKeyFile::open(path, Some(folder), &entropy()) {
        Ok(file) => Ok(file),
        Err(error @ RootKeyError::Missing { .. }) => {
            Err(Failure::said(format!("{error}. For a new installation make one: vouchsafe keys create --config FILE")))
        }
        Err(error) => Err(error.into()),
    }
}

/// Servers that others run, as the roles that own the databases: data, keyring.
pub(crate) fn outside_owners(config: &Config) -> Result<(ServerAddress, ServerAddress), Failure> {
    let outside = &config.outside;
    let address = |dsn: Option<&Secret<String>>| -> Result<ServerAddress, Failure> {
        Ok(Where::Outside { dsn: present(dsn)?, authorities: outside.authorities.clone() }.address())
    };
    Ok((address(outside.data_owner.as_ref())?, address(outside.keyring_owner.as_ref())?))
}

/// The check of the settings has seen to it that it is there.
fn present(dsn: Option<&Secret<String>>) -> Result<Secret<String>, Failure> {
    dsn.cloned().ok_or_else(|| Failure::said("[outside] must name all four servers"))
}

/// The machine's clock.
pub(crate) fn clock() -> Clock {
    Clock::from(SystemClock)
}

/// The machine's randomness.
pub(crate) fn entropy() -> Entropy {
    Entropy::from(SystemEntropy)
}
