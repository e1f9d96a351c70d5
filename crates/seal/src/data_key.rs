//! Data keys, and the envelope that each sealed field is stored as.

use std::fmt;

use kernel::{DataKeyId, Entropy};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::cipher::{self, KeyBytes, OVERHEAD};
use crate::{IndexKey, Place, SealError, mac, padding};

const FORMAT: u8 = 1;
pub(crate) const AES_256_GCM: u8 = 1;
/// `format | algorithm | key id`
const HEADER_LENGTH: usize = 2 + 16;
/// What [`DataKey::index_key`] separates its derivation by.
const INDEX_SALT: &[u8] = b"vouchsafe blind index 1";

/// The most bytes one sealed value may hold: 64 MiB. Larger files are sealed in parts.
pub const PLAINTEXT_LENGTH_MAX: usize = 64 * 1024 * 1024;

/// A key that seals fields: AES-256-GCM. The key of a patient is the unit of erasure.
///
/// Its bytes are wiped when it is dropped, and leave it only wrapped by a [`Kek`](crate::Kek).
pub struct DataKey {
    id: DataKeyId,
    bytes: KeyBytes,
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKey({})", self.id)
    }
}

impl DataKey {
    /// A new random key.
    #[must_use]
    pub fn generate(id: DataKeyId, entropy: &Entropy) -> Self {
        let mut bytes = KeyBytes::default();
        entropy.fill(bytes.as_mut_slice());
        Self { id, bytes }
    }

    pub(crate) const fn from_bytes(id: DataKeyId, bytes: KeyBytes) -> Self {
        Self { id, bytes }
    }

    pub(crate) const fn bytes(&self) -> &KeyBytes {
        &self.bytes
    }

    /// Which key of the keyring this is.
    #[must_use]
    pub const fn id(&self) -> DataKeyId {
        self.id
    }

    /// Seals `plaintext` for `place`; the envelope shows no more of its length than its bucket.
    ///
    /// Fails with [`SealError::TooLarge`] above [`PLAINTEXT_LENGTH_MAX`].
    pub fn seal(&self, place: &Place, plaintext: &[u8], entropy: &Entropy) -> Result<Vec<u8>, SealError> {
        if plaintext.len() > PLAINTEXT_LENGTH_MAX {
            return Err(SealError::TooLarge);
        }
        let padded = padding::pad(plaintext)?;
        let mut envelope = Vec::with_capacity(HEADER_LENGTH + OVERHEAD + padded.len());
        envelope.extend_from_slice(&header(self.id));
        cipher::append_encrypted(
            &mut envelope,
            &self.bytes,
            entropy.bytes(),
            &authenticated(place, self.id),
            padded.as_slice(),
        )?;
        Ok(envelope)
    }

    /// Opens an envelope that was sealed under this key for this very place.
    pub fn open(&self, place: &Place, envelope: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (id, sealed) = split(envelope)?;
        if id != self.id {
            return Err(SealError::WrongKey);
        }
        padding::unpad(cipher::decrypt(&self.bytes, &authenticated(place, id), sealed)?)
    }

    /// The key of a blind index, derived from this key by HKDF-SHA256. Different labels give keys
    /// that say nothing about one another.
    ///
    /// The same bytes are AES key and HKDF input; HMAC under a fixed salt separates the two uses.
    pub fn index_key(&self, label: &str) -> Result<IndexKey, SealError> {
        mac::derived_mac_key(self.bytes.as_slice(), INDEX_SALT, label.as_bytes()).map(IndexKey::new)
    }
}

/// Which data key an envelope was sealed under.
pub fn envelope_key_id(envelope: &[u8]) -> Result<DataKeyId, SealError> {
    split(envelope).map(|(id, _)| id)
}

fn header(id: DataKeyId) -> [u8; HEADER_LENGTH] {
    let mut out = [0; HEADER_LENGTH];
    for (to, from) in out.iter_mut().zip([FORMAT, AES_256_GCM].iter().chain(id.uuid().as_bytes())) {
        *to = *from;
    }
    out
}

/// The key id, and what follows the header.
fn split(envelope: &[u8]) -> Result<(DataKeyId, &[u8]), SealError> {
    let ([format, algorithm], rest) = envelope.split_first_chunk().ok_or(SealError::Malformed)?;
    let (id, sealed) = rest.split_first_chunk::<16>().ok_or(SealError::Malformed)?;
    if (*format, *algorithm) != (FORMAT, AES_256_GCM) || sealed.len() < OVERHEAD {
        return Err(SealError::Malformed);
    }
    Ok((DataKeyId::from_uuid(Uuid::from_bytes(*id)), sealed))
}

/// What is authenticated beside the ciphertext: format, algorithm, place, key id.
fn authenticated(place: &Place, id: DataKeyId) -> Vec<u8> {
    let mut out = vec![FORMAT, AES_256_GCM];
    place.authenticate(&mut out);
    out.extend_from_slice(id.uuid().as_bytes());
    out
}

#[cfg(test)]
mod tests;
