//! The outer key store: a file, a key management service, a hardware module.

use std::pin::Pin;

use kernel::ErrorKind;

use crate::{Kek, KekContext};

/// A future that may be sent between threads, as an object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why a key service did not wrap or unwrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyServiceError {
    /// The bytes are not a wrapped key of this service.
    #[error("the wrapped key is malformed, or another key service wrapped it")]
    Malformed,
    /// Wrapped for another practice or version, or changed since.
    #[error("the wrapped key does not open for this practice and version")]
    DoesNotOpen,
    /// The root key that wrapped it is no longer (or not yet) here.
    #[error("the root key of epoch {epoch} is not in the key service")]
    RootKeyGone {
        /// The epoch of the missing root key.
        epoch: u32,
    },
    /// The service cannot be reached, or failed; trying again may help.
    #[error("the key service is not available")]
    Unavailable,
}

impl KeyServiceError {
    /// What a caller can do about it.
    #[must_use]
    pub const fn kind(self) -> ErrorKind {
        match self {
            Self::Malformed | Self::DoesNotOpen | Self::RootKeyGone { .. } => ErrorKind::Damaged,
            Self::Unavailable => ErrorKind::Busy,
        }
    }
}

/// The outer key store. It wraps keys of practices and nothing else, and must bind what it wraps
/// to the context: a wrapped key given back with another context does not unwrap.
///
/// Never call it inside a database transaction: it may be a network away.
pub trait KeyService: Send + Sync {
    /// Wraps `kek` for `context`.
    fn wrap<'a>(&'a self, context: &'a KekContext, kek: &'a Kek) -> BoxFuture<'a, Result<Vec<u8>, KeyServiceError>>;

    /// Unwraps what [`KeyService::wrap`] made for the same context.
    fn unwrap<'a>(&'a self, context: &'a KekContext, wrapped: &'a [u8]) -> BoxFuture<'a, Result<Kek, KeyServiceError>>;

    /// What this service is, in words for the operator. No key, no secret.
    fn describe(&self) -> String;
}
