//! Why bytes are not a leaf, or a leaf cannot be written.

use kernel::ErrorKind;

/// Why a leaf could not be written or read. Carries no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// The first byte names a version that this program does not know.
    #[error("the leaf is of an unknown version")]
    UnknownVersion,
    /// The bytes end too early, go on too long, or break a rule of the specification.
    #[error("the bytes are not a leaf")]
    Malformed,
    /// A text, or a list, is longer than the specification allows.
    #[error("a text or list is longer than a leaf may hold")]
    TooLarge,
}

impl LeafError {
    /// What a caller can do about it.
    #[must_use]
    pub const fn kind(self) -> ErrorKind {
        match self {
            Self::UnknownVersion | Self::Malformed => ErrorKind::Damaged,
            Self::TooLarge => ErrorKind::TooLarge,
        }
    }
}
