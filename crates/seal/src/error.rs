//! Why something did not open. No variant carries a value, a key or a part of either.

use kernel::ErrorKind;

/// Why something could not be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The bytes do not have the shape of a sealed value, or what was inside is not what the
    /// reader expected.
    #[error("the sealed bytes are malformed")]
    Malformed,
    /// Sealed under another key, or under another version of it, than the one given.
    #[error("sealed under another key than the one given")]
    WrongKey,
    /// The right key, but the bytes were changed or belong to another place.
    #[error("the sealed bytes do not open: changed, or moved from another place")]
    DoesNotOpen,
    /// More bytes than one sealed value may hold ([`PLAINTEXT_LENGTH_MAX`](crate::PLAINTEXT_LENGTH_MAX)).
    #[error("too large to seal as one value")]
    TooLarge,
    /// The value could not be written as JSON, or the cryptographic library refused to work.
    #[error("sealing failed")]
    Failed,
}

impl SealError {
    /// What a caller can do about it.
    #[must_use]
    pub const fn kind(self) -> ErrorKind {
        match self {
            Self::Malformed | Self::WrongKey | Self::DoesNotOpen => ErrorKind::Damaged,
            Self::TooLarge => ErrorKind::TooLarge,
            Self::Failed => ErrorKind::Internal,
        }
    }
}
