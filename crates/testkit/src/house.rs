//! A house for one test: a store of its own clock on the shared servers.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kernel::{Clock, Entropy, ManualClock, PracticeId, Source, SystemEntropy};
use store::{Keyring, KeyringSettings, PoolSettings, Store, StoreSettings};

use crate::servers::{DATA, KEYRING, servers};

/// The moment at which every test begins.
pub const START: Timestamp = Timestamp::constant(1_795_338_000, 0);

/// A house for one test.
pub struct House {
    /// The doors.
    pub store: Store,
    /// Time stands still until a test moves it.
    pub clock: ManualClock,
    /// Where this test's people come from: a network of its own, because guesses are counted by network
    /// and all tests share one database.
    pub source: Source,
}

impl House {
    /// Opens the doors on the shared servers.
    pub async fn open() -> Self {
        let servers = servers().await;
        let manual = ManualClock::new(START);
        let clock = Clock::from(manual.clone());
        let entropy = Entropy::from(SystemEntropy);
        let service = keeper::RootKeyFile::open(&servers.root_key(), None, &entropy).expect("the tests' root key");
        let pool = PoolSettings { connections_max: 4, ..PoolSettings::default() };
        let settings = KeyringSettings { pool, ..KeyringSettings::default() };
        let address = servers.address(KEYRING, "vouchsafe_run");
        let keyring =
            Keyring::new(&address, Arc::new(service), clock.clone(), entropy.clone(), settings).expect("the keyring");
        let data = servers.address(DATA, "vouchsafe_run");
        let store = Store::open(StoreSettings { data, pool, keyring, clock, entropy }).expect("the store");
        store.found_keys(PracticeId::HOUSE).await.expect("the house's keys");
        let mut address = store.entropy().bytes::<16>();
        address[0] = 0xfd;
        Self { store, clock: manual, source: Source::network(std::net::Ipv6Addr::from(address).into()) }
    }

    /// Lets time pass.
    pub fn wait(&self, time: SignedDuration) {
        self.clock.advance(time);
    }
}
