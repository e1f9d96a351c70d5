//! A stored value that nobody has read yet.

use std::fmt;
use std::marker::PhantomData;

use kernel::{DataKeyId, Entropy};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::{DataKey, Place, SealError, envelope_key_id};

/// A value of type `T` as it is stored: sealed JSON, and the place it belongs to.
///
/// There is no way to the value but [`Sealed::open`] with the key. It is deliberately not
/// `Serialize` (a sealed value must not slip into an answer or a log), and its `Debug` shows the
/// column's name only.
pub struct Sealed<T> {
    place: Place,
    envelope: Vec<u8>,
    value: PhantomData<fn() -> T>,
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Self::from_stored(self.place, self.envelope.clone())
    }
}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({}.{})", self.place.table, self.place.column)
    }
}

impl<T> Sealed<T> {
    /// An envelope read from the database, with the place it was read at. Nothing is checked until
    /// it is opened.
    #[must_use]
    pub const fn from_stored(place: Place, envelope: Vec<u8>) -> Self {
        Self { place, envelope, value: PhantomData }
    }

    /// Which data key opens it.
    pub fn key_id(&self) -> Result<DataKeyId, SealError> {
        envelope_key_id(&self.envelope)
    }

    /// The bytes to store.
    #[must_use]
    pub fn envelope(&self) -> &[u8] {
        &self.envelope
    }

    /// Where it belongs.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }
}

impl<T: Serialize + DeserializeOwned> Sealed<T> {
    /// Seals `value` for `place`.
    pub fn seal(value: &T, place: Place, key: &DataKey, entropy: &Entropy) -> Result<Self, SealError> {
        let json = Zeroizing::new(serde_json::to_vec(value).map_err(|_| SealError::Failed)?);
        Ok(Self::from_stored(place, key.seal(&place, &json, entropy)?))
    }

    /// The value. Fails with [`SealError::Malformed`] if what is inside is not a `T`.
    pub fn open(&self, key: &DataKey) -> Result<T, SealError> {
        let json = key.open(&self.place, &self.envelope)?;
        serde_json::from_slice(&json).map_err(|_| SealError::Malformed)
    }
}

#[cfg(test)]
mod tests;
