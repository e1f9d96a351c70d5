//! The supervisor against a real PostgreSQL, each test with a cluster of its own.
//!
//! As root the server runs as `nobody`; `as_an_ordinary_user` runs this binary again as `nobody`, so
//! that both ways are covered. Started by an ordinary user, the tests that need root return at once.

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
