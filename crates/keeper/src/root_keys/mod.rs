//! Root keys in a file: the key service of an installation that has no other.
//!
//! The file holds one key per epoch. The newest wraps; older ones still unwrap until everything
//! has been wrapped anew and they are dropped. `docs/spec/envelope.md` specifies the file and what
//! it wraps.
//!
//! Another process may turn the epoch while this one runs, so the file is read again before every
//! wrapping, and whenever a wrapped key names an epoch that is not in memory. Both are rare (a new
//! practice, a turn of the epoch) and the file is a few lines long, so it is read where it is
//! needed, without a thread of its own.

mod error;
mod file;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use kernel::Entropy;
use seal::cipher::{self, KEY_LENGTH, KeyBytes, OVERHEAD};
use seal::{BoxFuture, Kek, KekContext, KeyService, KeyServiceError, SealError};

pub use error::RootKeyError;
pub(crate) use file::{checked_folder, open_checked, write_new_text};

const FORMAT: u8 = 3;
const AES_256_GCM: u8 = 1;
/// `format | algorithm | epoch | nonce | wrapped key | tag`
const WRAPPED_LENGTH: usize = 2 + 4 + OVERHEAD + KEY_LENGTH;

/// Root keys by epoch.
type RootKeys = BTreeMap<u32, KeyBytes>;

/// A file of root keys, checked and read.
pub struct RootKeyFile {
    path: PathBuf,
    forbidden_folder: Option<PathBuf>,
    entropy: Entropy,
    keys: RwLock<RootKeys>,
}

impl fmt::Debug for RootKeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKeyFile({})", self.path.display())
    }
}

impl RootKeyFile {
    /// Makes a file with one new root key, epoch 1, that nobody but this user can read. Refuses to
    /// touch a file that is there already, and a folder in which others could put another file in
    /// its place.
    pub fn create(path: &Path, entropy: &Entropy) -> Result<(), RootKeyError> {
        file::create(path, &RootKeys::from([(1, new_key(entropy))]))
    }

    /// Reads the file. Refused if others could read or replace it, if it is a symbolic link, not
    /// this user's, malformed, or inside `forbidden_folder` (the data folder: whoever takes the
    /// data must not take its keys along).
    pub fn open(path: &Path, forbidden_folder: Option<&Path>, entropy: &Entropy) -> Result<Self, RootKeyError> {
        let keys = file::read(path, forbidden_folder)?;
        Ok(Self {
            path: path.to_owned(),
            forbidden_folder: forbidden_folder.map(Path::to_owned),
            entropy: entropy.clone(),
            keys: RwLock::new(keys),
        })
    }

    /// Adds a new root key and gives its epoch. From now on it wraps; what older epochs wrapped
    /// still unwraps.
    pub fn add_epoch(&self) -> Result<u32, RootKeyError> {
        self.change(|keys| {
            let newest = keys.keys().next_back().copied().unwrap_or(0);
            let epoch = newest.checked_add(1).ok_or_else(|| RootKeyError::malformed(&self.path, 0))?;
            keys.insert(epoch, new_key(&self.entropy));
            Ok(epoch)
        })
    }

    /// Destroys the root keys of the epochs before `epoch`. What they wrapped, in this database or
    /// in any backup, never opens again: first wrap every practice's key anew, and make sure with
    /// [`RootKeyFile::epoch_of`] that none is left. The newest key cannot be dropped.
    pub fn drop_epochs_before(&self, epoch: u32) -> Result<(), RootKeyError> {
        self.change(|keys| {
            let kept = keys.split_off(&epoch);
            if kept.is_empty() {
                return Err(RootKeyError::WouldDropAll { path: self.path.clone(), epoch });
            }
            *keys = kept;
            Ok(())
        })
    }

    /// The epochs that are in the file, oldest first, as last read.
    #[must_use]
    pub fn epochs(&self) -> Vec<u32> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    /// Which epoch's root key wrapped this.
    pub fn epoch_of(wrapped: &[u8]) -> Result<u32, KeyServiceError> {
        split(wrapped).map(|(epoch, _)| epoch)
    }

    /// Changes the file as one step, against the file as it is now and not as it was last read: no
    /// other process can lose a key by changing it at the same time.
    fn change<T>(&self, change: impl FnOnce(&mut RootKeys) -> Result<T, RootKeyError>) -> Result<T, RootKeyError> {
        let _lock = file::lock_folder(&self.path)?;
        let mut keys = file::read(&self.path, self.forbidden_folder.as_deref())?;
        let outcome = change(&mut keys)?;
        file::replace(&self.path, &keys)?;
        self.remember(keys);
        Ok(outcome)
    }

    fn remember(&self, keys: RootKeys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    fn read_again(&self) -> Result<(), KeyServiceError> {
        let keys =
            file::read(&self.path, self.forbidden_folder.as_deref()).map_err(|_| KeyServiceError::Unavailable)?;
        self.remember(keys);
        Ok(())
    }

    fn key(&self, epoch: u32) -> Option<KeyBytes> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(&epoch).cloned()
    }

    fn wrap_now(&self, context: &KekContext, kek: &Kek) -> Result<Vec<u8>, KeyServiceError> {
        self.read_again()?;
        let newest = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let (epoch, root) = newest.last_key_value().ok_or(KeyServiceError::Unavailable)?;
        let sealed =
            cipher::encrypt(root, &authenticated(context, *epoch), kek.expose_bytes().as_slice(), &self.entropy)
                .map_err(|_| KeyServiceError::Unavailable)?;
        Ok([&[FORMAT, AES_256_GCM], &epoch.to_be_bytes()[..], &sealed].concat())
    }

    fn unwrap_now(&self, context: &KekContext, wrapped: &[u8]) -> Result<Kek, KeyServiceError> {
        let (epoch, sealed) = split(wrapped)?;
        if self.key(epoch).is_none() {
            self.read_again()?;
        }
        let root = self.key(epoch).ok_or(KeyServiceError::RootKeyGone { epoch })?;
        let plain = cipher::decrypt(&root, &authenticated(context, epoch), sealed).map_err(|error| match error {
            SealError::Failed => KeyServiceError::Unavailable,
            _ => KeyServiceError::DoesNotOpen,
        })?;
        let mut bytes = KeyBytes::default();
        // `split` has checked the length, so the two are equally long.
        bytes.iter_mut().zip(plain.iter()).for_each(|(to, from)| *to = *from);
        Ok(Kek::from_bytes(*context, bytes))
    }
}

impl KeyService for RootKeyFile {
    fn wrap<'a>(&'a self, context: &'a KekContext, kek: &'a Kek) -> BoxFuture<'a, Result<Vec<u8>, KeyServiceError>> {
        Box::pin(async move { self.wrap_now(context, kek) })
    }

    fn unwrap<'a>(&'a self, context: &'a KekContext, wrapped: &'a [u8]) -> BoxFuture<'a, Result<Kek, KeyServiceError>> {
        Box::pin(async move { self.unwrap_now(context, wrapped) })
    }

    fn describe(&self) -> String {
        let epochs = self.epochs();
        let newest = epochs.last().copied().unwrap_or(0);
        format!("root keys in the file {}, newest epoch {newest}, {} kept", self.path.display(), epochs.len())
    }
}

fn new_key(entropy: &Entropy) -> KeyBytes {
    let mut bytes = KeyBytes::default();
    entropy.fill(bytes.as_mut_slice());
    bytes
}

/// What is authenticated beside a wrapped KEK: format, algorithm, practice, KEK version, epoch.
fn authenticated(context: &KekContext, epoch: u32) -> Vec<u8> {
    let mut out = vec![FORMAT, AES_256_GCM];
    out.extend_from_slice(context.practice.uuid().as_bytes());
    out.extend_from_slice(&context.version.to_be_bytes());
    out.extend_from_slice(&epoch.to_be_bytes());
    out
}

/// The epoch, and what follows it.
fn split(wrapped: &[u8]) -> Result<(u32, &[u8]), KeyServiceError> {
    let ([format, algorithm], rest) = wrapped.split_first_chunk().ok_or(KeyServiceError::Malformed)?;
    let (epoch, sealed) = rest.split_first_chunk::<4>().ok_or(KeyServiceError::Malformed)?;
    if (*format, *algorithm, wrapped.len()) != (FORMAT, AES_256_GCM, WRAPPED_LENGTH) {
        return Err(KeyServiceError::Malformed);
    }
    Ok((u32::from_be_bytes(*epoch), sealed))
}

#[cfg(test)]
mod tests;
