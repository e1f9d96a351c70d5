//! The kinds of failure that anything outside a room needs to tell apart.

/// What a caller can do about a failure. Every error of every room maps to one of these, and the
/// web maps each to one status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request makes no sense as it stands; sending it again will not help.
    Invalid,
    /// Nobody is signed in, or the session has ended.
    SignedOut,
    /// The person is known and may not do this.
    Forbidden,
    /// There is no such thing, or none that this practice may know of.
    Missing,
    /// Somebody else changed it first, or it exists already.
    Conflict,
    /// More was sent than is accepted.
    TooLarge,
    /// Too many attempts, or no capacity: try again later.
    Busy,
    /// Stored bytes did not open: damaged or moved.
    Damaged,
    /// The house itself failed.
    Internal,
}
