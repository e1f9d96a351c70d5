//! What every handler can reach.

use std::sync::Arc;

use identity::Identity;
use ipnet::IpNet;
use kernel::{Clock, Entropy};
use store::{Policy, PolicyError, Store};
use tokio::sync::Semaphore;

use crate::{Limits, Origin};

/// What the web server is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where people reach the installation: in links, and as the only sender of forms.
    pub origin: Origin,
    /// Proxies whose `X-Forwarded-For` is believed. Empty: whoever is connected is the source.
    pub trusted_proxies: Vec<IpNet>,
    /// Limits.
    pub limits: Limits,
}

/// What every handler can reach. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The doors.
    pub store: Store,
    /// The porch.
    pub identity: Identity,
    /// The policies, for what a page offers; the doors ask them again, and decide.
    pub policy: Arc<Policy>,
    /// What the web server was told.
    pub settings: Arc<Settings>,
    /// One permit for each request that may be answered at one time.
    pub(crate) room: Arc<Semaphore>,
}

impl AppState {
    /// The state of a web server on this porch and its doors.
    pub fn new(identity: Identity, settings: Settings) -> Result<Self, PolicyError> {
        let room = Arc::new(Semaphore::new(settings.limits.requests_max));
        let (store, policy) = (identity.store().clone(), Arc::new(Policy::load()?));
        Ok(Self { store, identity, policy, settings: Arc::new(settings), room })
    }

    /// The installation's own origin.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.settings.origin
    }

    /// Time.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        self.store.clock()
    }

    /// Randomness.
    #[must_use]
    pub fn entropy(&self) -> &Entropy {
        self.store.entropy()
    }
}
