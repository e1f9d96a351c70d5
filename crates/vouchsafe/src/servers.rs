//! The two managed PostgreSQL servers, ready to be used: started, with their databases and the schema
//! of this version. And the schema of servers that others run.

use std::path::Path;

use cluster::{Address, ClusterError, Settings, Stopped, Supervisor, Tuning, create_database};
use store::{MigrateError, Migrated, ServerAddress};

use crate::accounts::{Accounts, OWNER_ROLE, RUN_ROLE};
use crate::config::{Config, Whole};
use crate::doors::{self, DATABASE};
use crate::failure::Failure;
use crate::machine;
use crate::place::{Place, Socket, Sockets};
use crate::terminal::step;

/// Both servers, watched.
#[derive(Debug)]
pub(crate) struct Servers {
    data: Supervisor,
    keyring: Supervisor,
    origin: String,
}

const DATA: &str = "data";
const KEYRING: &str = "keyring";

impl Servers {
    /// Starts both, at the same time, and makes them ready. What is started when something fails is
    /// stopped again.
    pub(crate) async fn start(config: &Config, place: &Place, accounts: &Accounts) -> Result<Self, Failure> {
        let postgresql = &config.postgresql;
        let settings = |name, run_as, shared_buffers_mib| Settings {
            folder: place.server(name),
            name,
            binaries: postgresql.binaries.clone(),
            run_as,
            admit: accounts.admitted(),
            tuning: Tuning { connections_max: postgresql.connections_max.small(), shared_buffers_mib },
        };
        let data_buffers = postgresql.data_buffers_mib.map_or_else(machine::for_data_buffers, Whole::get);
        let keyring_buffers =
            postgresql.keyring_buffers_mib.map_or_else(|| machine::for_keyring_buffers(data_buffers), Whole::get);
        let data = settings(DATA, accounts.data(), data_buffers);
        let keyring = settings(KEYRING, accounts.keyring(), keyring_buffers);
        step("starting PostgreSQL: one server for the data, one for the keyring");
        let (data, keyring) = tokio::join!(begin(data, DATA), begin(keyring, KEYRING));
        match (data, keyring) {
            (Ok(data), Ok(keyring)) => {
                let servers = Self { data, keyring, origin: config.web.origin.to_string() };
                place.note(&servers.reached())?;
                Ok(servers)
            }
            (Err(error), Ok(other)) | (Ok(other), Err(error)) => {
                // The first failure is the one to tell.
                let _ = other.stop().await;
                Err(error)
            }
            (Err(error), Err(_)) => Err(error),
        }
    }

    /// Where they are reached.
    pub(crate) fn reached(&self) -> Sockets {
        let socket = |address: &Address| Socket { folder: address.socket_dir.clone(), port: address.port };
        let (data, keyring) = (socket(self.data.address()), socket(self.keyring.address()));
        Sockets { data, keyring, origin: self.origin.clone() }
    }

    /// Stops both, at the same time.
    pub(crate) async fn stop(self) -> Result<(), ClusterError> {
        let (data, keyring) = tokio::join!(self.data.stop(), self.keyring.stop());
        for (name, stopped) in [(DATA, data?), (KEYRING, keyring?)] {
            if stopped == Stopped::Unclean {
                tracing::warn!(server = name, "PostgreSQL did not stop cleanly; the next start recovers");
            }
        }
        Ok(())
    }
}

async fn begin(settings: Settings, name: &'static str) -> Result<Supervisor, Failure> {
    let supervisor = Supervisor::start(settings, |said| step(&format!("{name}: {said}"))).await?;
    match ready(supervisor.address(), name).await {
        Ok(()) => Ok(supervisor),
        Err(error) => {
            let _ = supervisor.stop().await;
            Err(error)
        }
    }
}

/// The database, its roles and the schema.
async fn ready(address: &Address, name: &str) -> Result<(), Failure> {
    create_database(address, DATABASE, OWNER_ROLE, &[RUN_ROLE]).await?;
    let owner = ServerAddress::Socket {
        folder: address.socket_dir.clone(),
        port: address.port,
        database: DATABASE.to_owned(),
        role: OWNER_ROLE.to_owned(),
    };
    let migrated =
        if name == DATA { store::migrate_data(&owner).await? } else { store::migrate_keyring(&owner).await? };
    tell(name, &migrated);
    Ok(())
}

/// Brings the schema of servers that others run up to date.
pub(crate) async fn migrate_outside(config: &Config) -> Result<(), Failure> {
    let (data, keyring) = doors::outside_owners(config)?;
    let explain = |name: &str| {
        let setting = format!("outside.{name}_owner");
        move |error: MigrateError| Failure::said(format!("{setting}: {}", whole(&error)))
    };
    tell(DATA, &store::migrate_data(&data).await.map_err(explain(DATA))?);
    tell(KEYRING, &store::migrate_keyring(&keyring).await.map_err(explain(KEYRING))?);
    Ok(())
}

fn tell(name: &str, migrated: &Migrated) {
    match migrated.applied.len() {
        0 => {}
        1 => step(&format!("{name}: the schema was brought up to date (one migration)")),
        many => step(&format!("{name}: the schema was brought up to date ({many} migrations)")),
    }
    tracing::info!(server = name, version = migrated.server_version_num, applied = migrated.applied.len(), "schema");
}

/// An error with its causes.
pub(crate) fn whole(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Whether a folder can hold the managed servers when they run under other accounts.
pub(crate) fn reaches(accounts: &Accounts, folder: &Path) -> Result<(), Failure> {
    let Some(account) = accounts.data() else { return Ok(()) };
    let passed = crate::accounts::as_account(&account).args(["test", "-x"]).arg(folder).status();
    if passed.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err(Failure::said(format!(
        "PostgreSQL refuses to run as root, and its account {} cannot reach {}: each folder on the way must let others \
         pass. Either open the one that does not (`namei -l {}` shows it; chmod o+x opens it), or name a folder \
         elsewhere, such as /srv/vouchsafe",
        account.name,
        folder.display(),
        folder.display()
    )))
}
