//! The supervisor against a real PostgreSQL, each test with a cluster of its own.
//!
//! As root the server runs as `nobody`; `as_an_ordinary_user` runs this binary again as `nobody`, so
//! that both ways are covered. Started by an ordinary user, the tests that need root return at once.
#![expect(clippy::disallowed_methods, reason = "the server is tested below the store")]

#[cfg(test)]
mod access;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod life;
#[cfg(test)]
mod refusals;
