//! The keyring: practice keys from the key service, data keys from the keyring cluster.
//!
//! Invariant: the key service is never called inside a data transaction. [`Keyring::ready`] runs
//! before one is opened and learns every live version of the practice's key; a version is used for
//! wrapping only after every node has had time to learn it (rotate.rs).
//!
//! Held unwrapped: practice keys, for minutes, bounded in number, wiped when dropped. A transaction keeps
//! the practice keys that it entered with to its end ([`PracticeKeys`]), whatever the keyring lets go
//! meanwhile. Held wrapped (ciphertext): data keys that were used lately, for the same minutes, so that a
//! key erased elsewhere is forgotten here too, and a small stock of data keys that cover nothing yet.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool_postgres::Pool;
use jiff::{SignedDuration, Timestamp};
use kernel::{Clock, DataKeyId, Entropy, PracticeId};
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, UnitWeighter};
use seal::{DataKey, Kek, KekContext, KeyService, WRAPPED_LENGTH};
use uuid::Uuid;

use crate::grouped::{Grouped, Waiting};
use crate::row::Opener;
use crate::trip::{Trip, ends};
use crate::{ConnectError, PoolSettings, ServerAddress, StoreError, Survey};

/// Limits of the keyring's caches.
#[derive(Debug, Clone, Copy)]
pub struct KeyringSettings {
    /// How long a practice key is held unwrapped before the key service is asked again.
    pub unwrapped_max: Duration,
    /// How often a node looks for new versions of a practice's key. Rotation waits twice this long.
    pub refresh_every: Duration,
    /// At most this many practices' keys are held unwrapped.
    pub practices_max: usize,
    /// At most this many wrapped data keys are cached.
    pub wrapped_max: usize,
    /// How many unused data keys are made at a time.
    pub stock_batch: usize,
    /// Connections to the keyring cluster.
    pub pool: PoolSettings,
}

impl Default for KeyringSettings {
    fn default() -> Self {
        Self {
            unwrapped_max: Duration::from_mins(5),
            refresh_every: Duration::from_secs(5),
            practices_max: 4096,
            wrapped_max: 200_000,
            stock_batch: 32,
            pool: PoolSettings { connections_max: 8, ..PoolSettings::default() },
        }
    }
}

/// The keyring cluster and the key service, behind one door.
pub struct Keyring {
    pub(crate) pool: Pool,
    pub(crate) service: Arc<dyn KeyService>,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) settings: KeyringSettings,
    held: Mutex<Cupboard>,
    wrapped: WrappedKeys,
    fetched: Grouped<Asking, Vec<Found>>,
    stock: Mutex<HashMap<PracticeId, Vec<Unused>>>,
}

/// Whether more than `limit` has passed. A clock that was set back counts as too long.
fn older(now: Timestamp, then: Timestamp, limit: Duration) -> bool {
    let age = now.duration_since(then);
    age < SignedDuration::ZERO || age > SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX)
}

/// A data key as the keyring cluster has it.
type Wrapped = [u8; WRAPPED_LENGTH];

/// Those that were used lately, and when each was read.
type WrappedKeys = Cache<(PracticeId, Uuid), (Timestamp, Wrapped)>;

/// One that covers nothing yet.
type Unused = (DataKeyId, Wrapped);

/// One that was found: its id, the version of the practice's key that it is wrapped under, and itself.
type Found = (Uuid, i32, Wrapped);

/// Data keys of a practice that somebody waits for.
struct Asking {
    practice: PracticeId,
    ids: Vec<Uuid>,
}

/// Of more keys than this nobody else is made to wait for the reading.
const ASKED_TOGETHER_MAX: usize = 50;

/// Of the wrapped keys that made room, how many are kept in mind, to tell what is asked for again and again from what
/// is asked for once: a part of those held. A place for one costs as much as a key.
const REMEMBERED_PART: f64 = 0.1;

const FIND_DATA_KEYS: &str =
    "select id, kek_version, wrapped, practice_id from data_key where practice_id = $1 and id = any($2)";

/// Of several practices, each looked for with its own set (V2 of the keyring).
const FIND_OF_PRACTICES: &str = "select key_id, version, wrapped_key, of_practice from data_keys($1, $2, $3)";

/// A practice's key, all live versions, unwrapped.
pub(crate) struct PracticeKeys {
    pub(crate) practice: PracticeId,
    versions: BTreeMap<i32, Arc<Kek>>,
    current: i32,
}

/// The practice keys that are held for whoever enters next.
#[derive(Default)]
struct Cupboard {
    held: HashMap<PracticeId, Held>,
    /// Counts askings; a clock could not tell which of two at the same moment was the later.
    asked: u64,
}

#[derive(Clone)]
struct Held {
    keys: Arc<PracticeKeys>,
    looked_at: Timestamp,
    unwrapped_at: Timestamp,
    /// The number of the latest asking.
    asked: u64,
}

impl Cupboard {
    fn ask(&mut self, practice: PracticeId) -> Option<Held> {
        self.asked += 1;
        let held = self.held.get_mut(&practice)?;
        held.asked = self.asked;
        Some(held.clone())
    }

    /// Puts one in. What nobody has asked for longest makes room.
    fn put(&mut self, held: Held, places_max: usize) {
        let practice = held.keys.practice;
        self.held.remove(&practice);
        while self.held.len() >= places_max.max(1) {
            let Some(oldest) = self.held.iter().min_by_key(|(_, held)| held.asked).map(|(id, _)| *id) else { break };
            self.held.remove(&oldest);
        }
        self.asked += 1;
        self.held.insert(practice, Held { asked: self.asked, ..held });
    }
}

impl Keyring {
    /// Opens the keyring. Nothing is read yet. Must be called within a Tokio runtime.
    pub fn new(
        address: &ServerAddress,
        service: Arc<dyn KeyService>,
        clock: Clock,
        entropy: Entropy,
        settings: KeyringSettings,
    ) -> Result<Self, ConnectError> {
        let pool = crate::pool::pool(address, settings.pool)?;
        let away = "the keyring answers no more questions at the moment";
        let fetching = pool.clone();
        Ok(Self {
            fetched: Grouped::start(away, move |group| fetch_group(fetching.clone(), group)),
            pool,
            service,
            clock,
            entropy,
            settings,
            held: Mutex::default(),
            wrapped: wrapped_keys(settings.wrapped_max)?,
            stock: Mutex::default(),
        })
    }

    fn held(&self) -> MutexGuard<'_, Cupboard> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every live version of the practice's key, for one transaction. Called before that is opened, never
    /// within it.
    pub(crate) async fn ready(&self, practice: PracticeId) -> Result<Arc<PracticeKeys>, StoreError> {
        let now = self.clock.now();
        let known = self.held().ask(practice);
        let reusable = known.filter(|held| !older(now, held.unwrapped_at, self.settings.unwrapped_max));
        if let Some(held) = reusable.as_ref().filter(|held| !older(now, held.looked_at, self.settings.refresh_every)) {
            return Ok(Arc::clone(&held.keys));
        }
        let rows = self.live_versions(practice).await?;
        let mut versions = BTreeMap::new();
        let mut current = None;
        for (version, state, wrapped) in rows {
            if state == "current" {
                current = Some(version);
            }
            let kek = match reusable.as_ref().and_then(|held| held.keys.versions.get(&version)) {
                Some(kek) => Arc::clone(kek),
                None => Arc::new(self.service.unwrap(&KekContext { practice, version }, &wrapped).await?),
            };
            versions.insert(version, kek);
        }
        let current = current.ok_or_else(|| no_key(practice))?;
        let keys = Arc::new(PracticeKeys { practice, versions, current });
        let unwrapped_at = reusable.map_or(now, |held| held.unwrapped_at);
        self.wipe_expired();
        let held = Held { keys: Arc::clone(&keys), looked_at: now, unwrapped_at, asked: 0 };
        self.held().put(held, self.settings.practices_max);
        Ok(keys)
    }

    /// What [`Keyring::ready`] has learnt, if it is still held: for a transaction that goes on into another
    /// practice and may not ask the key service.
    pub(crate) fn at_hand(&self, practice: PracticeId) -> Option<Arc<PracticeKeys>> {
        self.held().ask(practice).map(|held| held.keys)
    }

    /// Drops the unwrapped keys whose time is over. One that was made known just before, for a
    /// transaction to step into, has a minute more.
    pub(crate) fn wipe_expired(&self) {
        let now = self.clock.now();
        let limit = self.settings.unwrapped_max.saturating_add(Duration::from_mins(1));
        self.held().held.retain(|_, held| !older(now, held.unwrapped_at, limit));
    }

    async fn live_versions(&self, practice: PracticeId) -> Result<Vec<(i32, String, Vec<u8>)>, StoreError> {
        let tx = self.begin(practice).await?;
        let rows = tx
            .only(
                "select version, state, wrapped from kek where practice_id = $1 order by version",
                &[&practice.uuid()],
            )
            .await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))).collect()
    }

    /// A keyring transaction with the practice set.
    pub(crate) async fn begin(&self, practice: PracticeId) -> Result<Trip, StoreError> {
        Trip::begin(&self.pool, practice).await
    }

    /// A version of the practice's key. One that was made after the transaction entered may have become
    /// known through another.
    fn kek(&self, keys: &PracticeKeys, version: i32) -> Option<Arc<Kek>> {
        if let Some(kek) = keys.versions.get(&version) {
            return Some(Arc::clone(kek));
        }
        self.held().held.get(&keys.practice)?.keys.versions.get(&version).map(Arc::clone)
    }

    /// The version to wrap under: the newest known, so that a long transaction does not go on with one
    /// that is being retired.
    fn current_kek(&self, keys: &PracticeKeys) -> Option<(i32, Arc<Kek>)> {
        let version = self.held().held.get(&keys.practice).map_or(keys.current, |held| held.keys.current);
        Some((version, self.kek(keys, version)?))
    }

    fn unwrap(&self, keys: &PracticeKeys, id: Uuid, wrapped: &[u8]) -> Result<DataKey, StoreError> {
        let missing = || StoreError::NoKey { kind: "data", id };
        let version = seal::wrapped_kek_version(wrapped).map_err(|_| missing())?;
        let kek = self.kek(keys, version).ok_or_else(missing)?;
        kek.unwrap(DataKeyId::from_uuid(id), wrapped).map_err(|_| missing())
    }

    /// The keys that a survey names. A key that is not there (erased, damaged) is left out: its rows
    /// read as damaged, the others open. A key under a version of the practice's key that this node has
    /// not learnt yet is neither: then all is to be tried again.
    pub(crate) async fn opener(&self, held: &PracticeKeys, survey: &Survey) -> Result<Opener, StoreError> {
        let practice = held.practice;
        let now = self.clock.now();
        let mut keys = HashMap::with_capacity(survey.keys.len());
        let mut wanted: Vec<Uuid> = Vec::new();
        for id in &survey.keys {
            let cached = self.wrapped.get(&(practice, *id));
            let fresh = cached.filter(|(then, _)| !older(now, *then, self.settings.unwrapped_max));
            match fresh.and_then(|(_, wrapped)| self.unwrap(held, *id, &wrapped).ok()) {
                Some(key) => {
                    keys.insert(*id, key);
                }
                None => wanted.push(*id),
            }
        }
        for (id, version, wrapped) in self.fetch(practice, wanted).await? {
            if self.kek(held, version).is_none() {
                return Err(StoreError::Away("the practice's key was turned and is not known here yet".into()));
            }
            match self.unwrap(held, id, &wrapped) {
                Ok(key) => {
                    self.wrapped.insert((practice, id), (now, wrapped));
                    keys.insert(id, key);
                }
                Err(error) => tracing::error!(practice = %practice, key = %id, %error, "a data key does not open"),
            }
        }
        Ok(Opener { practice, keys })
    }

    /// Data keys out of the keyring cluster, as far as they are there.
    async fn fetch(&self, practice: PracticeId, ids: Vec<Uuid>) -> Result<Vec<Found>, StoreError> {
        match ids.len() {
            0 => Ok(Vec::new()),
            1..=ASKED_TOGETHER_MAX => self.fetched.ask(Asking { practice, ids }).await,
            _ => Ok(read_keys(&self.pool, &BTreeMap::from([(practice, ids)])).await?.into_values().collect()),
        }
    }

    /// One data key, or an error that names it.
    pub(crate) async fn data_key(&self, held: &PracticeKeys, id: Uuid) -> Result<DataKey, StoreError> {
        let mut survey = Survey::default();
        survey.keys.insert(id);
        self.opener(held, &survey).await?.keys.remove(&id).ok_or(StoreError::NoKey { kind: "data", id })
    }

    /// The id of a new data key that is already durable in the keyring: it becomes the id of what it covers, which will
    /// be sealed next, so that the key is at hand.
    pub(crate) async fn fresh(&self, held: &PracticeKeys) -> Result<DataKeyId, StoreError> {
        let practice = held.practice;
        let in_stock = || self.stock.lock().unwrap_or_else(PoisonError::into_inner);
        let stocked = in_stock().entry(practice).or_default().pop();
        let (id, wrapped) = if let Some(unused) = stocked {
            unused
        } else {
            let mut made = self.make(held, self.settings.stock_batch.max(1), None).await?;
            let one = made.pop().ok_or(StoreError::NoKey { kind: "data", id: practice.uuid() })?;
            in_stock().entry(practice).or_default().append(&mut made);
            one
        };
        self.wrapped.insert((practice, id.uuid()), (self.clock.now(), wrapped));
        Ok(id)
    }

    /// Makes the practice's own data key, once.
    pub(crate) async fn make_practice_key(&self, held: &PracticeKeys) -> Result<(), StoreError> {
        let id = held.practice.uuid();
        match self.data_key(held, id).await {
            Err(StoreError::NoKey { .. }) => match self.make(held, 1, Some(id)).await {
                // Somebody else made it at the same moment; theirs it is.
                Err(StoreError::Constraint { .. }) => self.data_key(held, id).await.map(|_| ()),
                made => made.map(|_| ()),
            },
            other => other.map(|_| ()),
        }
    }

    async fn make(&self, held: &PracticeKeys, count: usize, id: Option<Uuid>) -> Result<Vec<Unused>, StoreError> {
        let practice = held.practice;
        let (version, kek) = self.current_kek(held).ok_or_else(|| no_key(practice))?;
        let now = self.clock.now();
        let keys: Vec<DataKey> = (0..count)
            .map(|_| {
                let id = id.map_or_else(|| DataKeyId::new(now, &self.entropy), DataKeyId::from_uuid);
                DataKey::generate(id, &self.entropy)
            })
            .collect();
        let ids: Vec<Uuid> = keys.iter().map(|key| key.id().uuid()).collect();
        let wrapped: Vec<Wrapped> = keys
            .iter()
            .map(|key| kek.wrap(key, &self.entropy).ok()?.try_into().ok())
            .map(|wrapped| wrapped.ok_or_else(|| no_key(practice)))
            .collect::<Result<_, _>>()?;
        let stored: Vec<&[u8]> = wrapped.iter().map(Wrapped::as_slice).collect();
        let tx = self.begin(practice).await?;
        tx.only(
            "insert into data_key (practice_id, id, kek_version, wrapped) \
                 select $1, id, $2, wrapped from unnest($3::uuid[], $4::bytea[]) as made (id, wrapped)",
            &[&practice.uuid(), &version, &ids, &stored],
        )
        .await?;
        Ok(keys.iter().map(DataKey::id).zip(wrapped).collect())
    }

    /// Makes the first version of a practice's key, once; then the practice's own data key.
    pub(crate) async fn found(&self, practice: PracticeId) -> Result<(), StoreError> {
        if self.live_versions(practice).await?.is_empty() {
            let kek = Kek::generate(practice, 1, &self.entropy);
            let wrapped = self.service.wrap(&KekContext { practice, version: 1 }, &kek).await?;
            let tx = self.begin(practice).await?;
            tx.execute(
                "insert into kek (practice_id, version, wrapped, state, created_at) \
                     values ($1, 1, $2, 'current', $3) on conflict do nothing",
                &[&practice.uuid(), &wrapped, &self.clock.now()],
            )
            .await?;
            tx.commit().await?;
        }
        let held = self.ready(practice).await?;
        self.make_practice_key(&held).await
    }

    /// Forgets what is cached of a practice: after a rotation in this process.
    pub(crate) fn forget(&self, practice: PracticeId) {
        self.held().held.remove(&practice);
    }
}

/// The cache of wrapped data keys.
fn wrapped_keys(most: usize) -> Result<WrappedKeys, ConnectError> {
    let options = OptionsBuilder::new()
        .estimated_items_capacity(most)
        .weight_capacity(most as u64)
        .ghost_allocation(REMEMBERED_PART)
        .build()
        .map_err(|error| ConnectError::Pool(format!("no cache of {most} keys: {error:?}")))?;
    Ok(Cache::with_options(options, UnitWeighter, DefaultHashBuilder::default(), DefaultLifecycle::default()))
}

/// Reads the keys that a group waits for, each with its own practice set.
async fn fetch_group(pool: Pool, group: Vec<Waiting<Asking, Vec<Found>>>) {
    let mut wanted: BTreeMap<PracticeId, Vec<Uuid>> = BTreeMap::new();
    for (asking, _) in &group {
        wanted.entry(asking.practice).or_default().extend(&asking.ids);
    }
    let read = read_keys(&pool, &wanted).await;
    if let Err(error) = &read {
        tracing::warn!(%error, "data keys could not be read");
    }
    for (Asking { practice, ids }, tell) in group {
        let answer = match &read {
            Ok(found) => Ok(ids.iter().filter_map(|id| found.get(&(practice, *id)).copied()).collect()),
            Err(_) => Err(StoreError::Away("the keyring cannot be read at the moment".into())),
        };
        // One who has gone away is no failure.
        let _ = tell.send(answer);
    }
}

/// Data keys of several practices, in one trip; each by its practice and id.
async fn read_keys(
    pool: &Pool,
    wanted: &BTreeMap<PracticeId, Vec<Uuid>>,
) -> Result<HashMap<(PracticeId, Uuid), Found>, StoreError> {
    let Some((first, ids)) = wanted.first_key_value() else { return Ok(HashMap::new()) };
    let trip = Trip::begin(pool, *first).await?;
    let rows = if wanted.len() == 1 {
        trip.only(FIND_DATA_KEYS, &[&first.uuid(), ids]).await?
    } else {
        let practices: Vec<Uuid> = wanted.keys().map(|practice| practice.uuid()).collect();
        let ends: Vec<i32> = ends(wanted.values().map(Vec::len));
        let ids: Vec<Uuid> = wanted.values().flatten().copied().collect();
        trip.only(FIND_OF_PRACTICES, &[&practices, &ends, &ids]).await?
    };
    let mut found = HashMap::with_capacity(rows.len());
    for row in &rows {
        let practice = PracticeId::from_uuid(row.try_get(3)?);
        let (id, version, wrapped): (Uuid, i32, &[u8]) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        if let Ok(wrapped) = wrapped.try_into() {
            found.insert((practice, id), (id, version, wrapped));
        } else {
            tracing::error!(%practice, key = %id, "a data key does not open: it has another length");
        }
    }
    Ok(found)
}

fn no_key(practice: PracticeId) -> StoreError {
    StoreError::NoKey { kind: "practice", id: practice.uuid() }
}
