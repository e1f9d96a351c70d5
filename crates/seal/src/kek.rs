//! The key of a practice: it wraps data keys, and is itself wrapped by a key service.

use std::fmt;

use kernel::{DataKeyId, Entropy, PracticeId};

use crate::cipher::{self, KEY_LENGTH, KeyBytes, OVERHEAD};
use crate::data_key::AES_256_GCM;
use crate::{DataKey, SealError};

const FORMAT: u8 = 2;
/// Bytes of a wrapped data key: `format | algorithm | kek version | nonce | wrapped key | tag`.
pub const WRAPPED_LENGTH: usize = 2 + 4 + OVERHEAD + KEY_LENGTH;

/// Which key of which practice: what a key service binds a wrapped [`Kek`] to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KekContext {
    /// The practice whose key it is.
    pub practice: PracticeId,
    /// Which of its keys.
    pub version: i32,
}

/// A key-encryption key of a practice, in one version. Its bytes are wiped when it is dropped.
pub struct Kek {
    context: KekContext,
    bytes: KeyBytes,
}

impl fmt::Debug for Kek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kek({}, version {})", self.context.practice, self.context.version)
    }
}

impl Kek {
    /// A new random key.
    #[must_use]
    pub fn generate(practice: PracticeId, version: i32, entropy: &Entropy) -> Self {
        let mut bytes = KeyBytes::default();
        entropy.fill(bytes.as_mut_slice());
        Self { context: KekContext { practice, version }, bytes }
    }

    /// The key that these bytes are. For implementations of [`KeyService`](crate::KeyService)
    /// alone, when they unwrap.
    #[must_use]
    pub const fn from_bytes(context: KekContext, bytes: KeyBytes) -> Self {
        Self { context, bytes }
    }

    /// The bare bytes. For implementations of [`KeyService`](crate::KeyService) alone, when they
    /// wrap; nothing else has a reason to see them.
    #[must_use]
    pub const fn expose_bytes(&self) -> &KeyBytes {
        &self.bytes
    }

    /// Whose key this is, and which.
    #[must_use]
    pub const fn context(&self) -> KekContext {
        self.context
    }

    /// Wraps a data key. What comes out names this key's version and opens only for the same
    /// practice, version and data key id.
    pub fn wrap(&self, key: &DataKey, entropy: &Entropy) -> Result<Vec<u8>, SealError> {
        let mut wrapped = Vec::with_capacity(WRAPPED_LENGTH);
        wrapped.extend_from_slice(&[FORMAT, AES_256_GCM]);
        wrapped.extend_from_slice(&self.context.version.to_be_bytes());
        cipher::append_encrypted(
            &mut wrapped,
            &self.bytes,
            entropy.bytes(),
            &self.authenticated(key.id()),
            key.bytes().as_slice(),
        )?;
        Ok(wrapped)
    }

    /// Unwraps the data key `id`. Fails with [`SealError::WrongKey`] if another version of the
    /// practice's key wrapped it: ask [`wrapped_kek_version`] first.
    pub fn unwrap(&self, id: DataKeyId, wrapped: &[u8]) -> Result<DataKey, SealError> {
        let (version, sealed) = split(wrapped)?;
        if version != self.context.version {
            return Err(SealError::WrongKey);
        }
        let plain = cipher::decrypt(&self.bytes, &self.authenticated(id), sealed)?;
        let mut bytes = KeyBytes::default();
        // `split` has checked the length, so the two are equally long.
        bytes.iter_mut().zip(plain.iter()).for_each(|(to, from)| *to = *from);
        Ok(DataKey::from_bytes(id, bytes))
    }

    /// What is authenticated beside a wrapped key: format, algorithm, practice, version, key id.
    fn authenticated(&self, id: DataKeyId) -> Vec<u8> {
        let mut out = vec![FORMAT, AES_256_GCM];
        out.extend_from_slice(self.context.practice.uuid().as_bytes());
        out.extend_from_slice(&self.context.version.to_be_bytes());
        out.extend_from_slice(id.uuid().as_bytes());
        out
    }
}

/// Which version of its practice's key a data key was wrapped by.
pub fn wrapped_kek_version(wrapped: &[u8]) -> Result<i32, SealError> {
    split(wrapped).map(|(version, _)| version)
}

/// The version, and what follows it.
fn split(wrapped: &[u8]) -> Result<(i32, &[u8]), SealError> {
    let ([format, algorithm], rest) = wrapped.split_first_chunk().ok_or(SealError::Malformed)?;
    let (version, sealed) = rest.split_first_chunk::<4>().ok_or(SealError::Malformed)?;
    if (*format, *algorithm, wrapped.len()) != (FORMAT, AES_256_GCM, WRAPPED_LENGTH) {
        return Err(SealError::Malformed);
    }
    Ok((i32::from_be_bytes(*version), sealed))
}

#[cfg(test)]
mod tests;
