//! A database of the test's own on the shared servers, for tests that take the walls down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering::Relaxed};

use kernel::{Clock, ManualClock, PracticeId};
use seal::{BoxFuture, Kek, KekContext, KeyServiceError, cipher};
use store::{KeyService, Keyring, KeyringSettings, PoolSettings, Store, StoreSettings};
use testkit::{DATA, KEYRING, Servers};
use tokio_postgres::Client;

use super::{entropy, uuid};

pub struct Scratch {
    pub servers: Servers,
}

impl Scratch {
    /// A migrated data cluster and keyring that nobody else uses.
    pub async fn make() -> Self {
        let mut servers = testkit::servers().await.clone();
        let name = format!("scratch_{}", uuid().simple());
        for cluster in [DATA, KEYRING] {
            let admin = servers.superuser(cluster).await;
            admin.batch_execute(&format!("create database {name} owner vouchsafe_owner")).await.unwrap();
        }
        servers.database = name;
        for cluster in [DATA, KEYRING] {
            let inside = servers.superuser(cluster).await;
            inside.batch_execute("alter schema public owner to vouchsafe_owner").await.unwrap();
        }
        store::migrate_data(&servers.address(DATA, "vouchsafe_owner")).await.unwrap();
        store::migrate_keyring(&servers.address(KEYRING, "vouchsafe_owner")).await.unwrap();
        Self { servers }
    }

    pub async fn superuser(&self) -> Client {
        self.servers.superuser(DATA).await
    }

    /// The running role, past the store's doors.
    pub async fn running_role(&self) -> Client {
        self.servers.as_role(DATA, "vouchsafe_run").await
    }

    pub async fn keyring_superuser(&self) -> Client {
        self.servers.superuser(KEYRING).await
    }

    /// A house of its own on this database.
    pub async fn store(&self) -> Store {
        self.node(KeyringSettings::default(), Arc::new(TestService::default()), &manual()).await
    }

    /// A keyring as one node holds it.
    pub fn keyring(&self, settings: KeyringSettings, service: Arc<dyn KeyService>, clock: &ManualClock) -> Keyring {
        let settings = KeyringSettings { pool: small_pool(), ..settings };
        let address = self.servers.address(KEYRING, "vouchsafe_run");
        Keyring::new(&address, service, clock.clone().into(), entropy(), settings).unwrap()
    }

    /// One node of the house.
    pub async fn node(&self, settings: KeyringSettings, service: Arc<dyn KeyService>, clock: &ManualClock) -> Store {
        let keyring = self.keyring(settings, service, clock);
        let data = self.servers.address(DATA, "vouchsafe_run");
        let clock = Clock::from(clock.clone());
        let store =
            Store::open(StoreSettings { data, pool: small_pool(), keyring, clock, entropy: entropy() }).unwrap();
        store.found_keys(PracticeId::HOUSE).await.unwrap();
        store
    }

    pub async fn drop(self) {
        let shared = testkit::servers().await;
        for cluster in [DATA, KEYRING] {
            let admin = shared.superuser(cluster).await;
            admin.batch_execute(&format!("drop database {} with (force)", self.servers.database)).await.unwrap();
        }
    }
}

/// A key service in memory: one root key, counted calls, a switch for "not reachable".
#[derive(Default)]
pub struct TestService {
    pub unwrapped: AtomicUsize,
    pub wrapped: AtomicUsize,
    pub away: AtomicBool,
    /// Which root key wraps now; all of them unwrap.
    pub epoch: AtomicU8,
}

impl TestService {
    fn root(epoch: u8) -> seal::cipher::KeyBytes {
        let mut root = seal::cipher::KeyBytes::default();
        root.iter_mut().for_each(|byte| *byte = epoch.wrapping_add(7));
        root
    }

    fn about(context: &KekContext) -> Vec<u8> {
        [context.practice.uuid().as_bytes().as_slice(), &context.version.to_be_bytes()].concat()
    }

    fn there(&self) -> Result<(), KeyServiceError> {
        if self.away.load(Relaxed) { Err(KeyServiceError::Unavailable) } else { Ok(()) }
    }
}

impl KeyService for TestService {
    fn wrap<'a>(&'a self, context: &'a KekContext, kek: &'a Kek) -> BoxFuture<'a, Result<Vec<u8>, KeyServiceError>> {
        Box::pin(async move {
            self.there()?;
            self.wrapped.fetch_add(1, Relaxed);
            let epoch = self.epoch.load(Relaxed);
            let sealed =
                cipher::encrypt(&Self::root(epoch), &Self::about(context), kek.expose_bytes().as_slice(), &entropy());
            Ok([&[epoch], sealed.unwrap().as_slice()].concat())
        })
    }

    fn unwrap<'a>(&'a self, context: &'a KekContext, wrapped: &'a [u8]) -> BoxFuture<'a, Result<Kek, KeyServiceError>> {
        Box::pin(async move {
            self.there()?;
            self.unwrapped.fetch_add(1, Relaxed);
            let root = Self::root(wrapped[0]);
            let plain = cipher::decrypt(&root, &Self::about(context), &wrapped[1..]);
            let plain = plain.map_err(|_| KeyServiceError::DoesNotOpen)?;
            let mut bytes = cipher::KeyBytes::default();
            bytes.iter_mut().zip(plain.iter()).for_each(|(to, from)| *to = *from);
            Ok(Kek::from_bytes(*context, bytes))
        })
    }

    fn describe(&self) -> String {
        "a key service of the tests".to_owned()
    }
}

pub fn manual() -> ManualClock {
    ManualClock::new(testkit::START)
}

pub fn small_pool() -> PoolSettings {
    PoolSettings { connections_max: 6, ..PoolSettings::default() }
}
