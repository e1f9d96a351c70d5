//! Fills an installation as it would be filled by people: practices are founded, somebody who treats
//! patients signs in at each, and the patients come in by the ordinary import of FHIR NDJSON.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use identity::Identity;
use identity::clients::{DAYS_USUAL, NewClient, ProvesBy};
use identity::founding::{NewPerson, NewPractice};
use identity::password::{Hasher, Password};
use identity::second::Proof;
use kernel::{Clock, Entropy, IdempotencyKey, PracticeId, Source, SystemClock, SystemEntropy};
use practice::exchange::{ImportSettings, import_folder};
use serde::{Deserialize, Serialize};
use store::{Keyring, KeyringSettings, PoolSettings, Role, Roles, ServerAddress, Store, StoreSettings};
use uuid::Uuid;

use crate::work::{Said, say};
use crate::{Outcome, patients};

/// Patients in one run of the import.
const CHUNK: usize = 10_000;
/// Practices that are filled at the same time.
const AT_ONCE: usize = 3;
/// What the program that is measured may do.
const SCOPES: &str = "system/Patient.crs";
const PASSWORD: &str = "seven patient otters at the mill";

/// Where a server is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Socket {
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
}

impl Socket {
    fn address(&self) -> ServerAddress {
        ServerAddress::Socket {
            folder: self.folder.clone(),
            port: self.port,
            database: "vouchsafe".to_owned(),
            role: "vouchsafe_run".to_owned(),
        }
    }

    /// A connection of its own, as the role that owns nothing.
    pub(crate) async fn connect(&self, role: &str) -> Outcome<tokio_postgres::Client> {
        let mut config = tokio_postgres::Config::new();
        config.host_path(&self.folder).port(self.port).dbname("vouchsafe").user(role);
        #[allow(clippy::disallowed_methods, reason = "the floor is what the same statements cost without the doors")]
        let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }
}

/// What is to be filled, and with how much.
#[derive(Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) data: Socket,
    pub(crate) keyring: Socket,
    pub(crate) root_key: PathBuf,
    pub(crate) origin: String,
    pub(crate) patients: usize,
    pub(crate) practices: usize,
}

/// A practice that is filled.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Filled {
    pub(crate) id: Uuid,
    /// Its name in addresses.
    pub(crate) slug: String,
    /// The session of somebody who treats patients there.
    pub(crate) cookie: String,
    /// The key of a program that was let in there.
    pub(crate) key: String,
    pub(crate) person: Uuid,
    pub(crate) patients: Vec<Uuid>,
    /// The numbers of its patients: from, and up to.
    pub(crate) from: usize,
    pub(crate) until: usize,
}

/// An installation that is filled.
#[derive(Serialize, Deserialize)]
pub(crate) struct Loaded {
    pub(crate) practices: Vec<Filled>,
    /// Seconds that the imports took, together.
    pub(crate) import_s: f64,
    /// Resources that they brought in.
    pub(crate) resources: u64,
}

impl Load {
    fn store(&self) -> Outcome<Store> {
        let (clock, entropy) = (Clock::from(SystemClock), Entropy::from(SystemEntropy));
        let service = keeper::RootKeyFile::open(&self.root_key, None, &entropy)?;
        let pool = PoolSettings { connections_max: 8, wait_max: Duration::from_secs(30) };
        let settings =
            KeyringSettings { pool: PoolSettings { connections_max: 4, ..pool }, ..KeyringSettings::default() };
        let keyring = self.keyring.address();
        let keyring = Keyring::new(&keyring, Arc::new(service), clock.clone(), entropy.clone(), settings)?;
        Ok(Store::open(StoreSettings { data: self.data.address(), pool, keyring, clock, entropy })?)
    }

    pub(crate) async fn perform(self) -> Outcome<Loaded> {
        let store = self.store()?;
        let hasher = Hasher::new(store.entropy().clone())?;
        let identity = Identity::new(store, hasher, &self.origin, Duration::ZERO);
        let practices = (0..self.practices).map(|number| self.people(&identity, number));
        let mut practices: Vec<Filled> = stream::iter(practices).buffered(AT_ONCE).try_collect().await?;
        say(&Said::<()>::Progress(format!(
            "{} practices are founded and somebody has signed in at each",
            practices.len()
        )))?;
        let began = Instant::now();
        let imports = practices.iter().map(|practice| import(identity.store(), practice));
        let mut imports = stream::iter(imports).buffer_unordered(AT_ONCE);
        let (mut resources, mut told) = (0, Instant::now());
        while let Some(done) = imports.next().await {
            resources += done?;
            if told.elapsed() > Duration::from_secs(10) {
                told = Instant::now();
                say(&Said::<()>::Progress(format!("{resources} resources are in")))?;
            }
        }
        drop(imports);
        let took_s = began.elapsed().as_secs_f64();
        let client = self.data.connect("vouchsafe_run").await?;
        for practice in &mut practices {
            let scope = "select set_config('app.practice', $1::uuid::text, false)";
            client.execute(scope, &[&practice.id]).await?;
            let rows =
                client.query("select id from patient where practice_id = $1 order by id", &[&practice.id]).await?;
            practice.patients = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        }
        Ok(Loaded { practices, import_s: took_s, resources })
    }

    /// Founds a practice, and signs somebody in there.
    async fn people(&self, identity: &Identity, number: usize) -> Outcome<Filled> {
        let slug = format!("bench-{number}");
        let practice = identity
            .found_practice(&NewPractice {
                slug: slug.clone(),
                name: format!("Bench {number}"),
                time_zone: "Africa/Johannesburg".to_owned(),
                country: "ZA".to_owned(),
            })
            .await?;
        let new = NewPerson {
            email: format!("person-{number}@example.org"),
            name: format!("Thandi {}", patients::family(number * 4)),
            roles: Roles::of([Role::Practitioner, Role::Administrator]),
            password: Password::typed(PASSWORD),
        };
        let founded = identity.found_person_with(practice, &new).await?;
        let secrets = founded.secrets.ok_or("a person of the measurement was there already")?;
        let store = identity.store();
        let key = || IdempotencyKey::new(store.clock().now(), store.entropy());
        let half = identity.begin(&new.email, &new.password, &Source::Host, key()).await?;
        let code = secrets.totp.code_at(store.clock().now());
        let entered = identity.finish(half.token.expose(), Proof::Totp(&code), &Source::Host, None, key()).await?;
        let me = identity.me(entered.token.expose(), Source::Host).await?.ok_or("a session ended")?;
        let actor = identity.actor(&me)?;
        let program = NewClient {
            name: "What measures".to_owned(),
            scopes: SCOPES.parse().map_err(|_| "no scopes")?,
            days: DAYS_USUAL,
            proves_by: ProvesBy::Key,
        };
        let program = identity.make_client(&actor, &program, key()).await?.key.ok_or("a connection without a key")?;
        let (each, more) = (self.patients / self.practices, self.patients % self.practices);
        let from = number * each + number.min(more);
        Ok(Filled {
            id: practice.uuid(),
            slug,
            cookie: entered.token.expose().clone(),
            key: program.expose().clone(),
            person: founded.person.uuid(),
            patients: Vec::new(),
            from,
            until: from + each + usize::from(number < more),
        })
    }
}

/// Brings the patients of a practice in. Gives the number of resources.
async fn import(store: &Store, practice: &Filled) -> Outcome<u64> {
    let settings = ImportSettings { source: "bench".to_owned(), dry_run: false, named: Vec::new() };
    let mut resources = 0;
    for from in (practice.from..practice.until).step_by(CHUNK) {
        let folder = tempfile::tempdir()?;
        let until = (from + CHUNK).min(practice.until);
        patients::write(folder.path(), from..until)?;
        let id = PracticeId::from_uuid(practice.id);
        let report = import_folder(store, id, folder.path(), &settings, &mut |_| ()).await?;
        if report.total().reject > 0 {
            return Err(format!("the import refused some of what was made for it:\n{report}").into());
        }
        resources += 4 * u64::try_from(until - from).unwrap_or(0);
    }
    Ok(resources)
}
