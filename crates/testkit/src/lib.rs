//! For tests: a running house on real PostgreSQL, and people who act in it.
//!
//! All tests share one pair of clusters (started by whichever test comes first, kept in the
//! machine's temporary folder, stopped by `cargo xtask test`), and each test founds practices of its
//! own: so every parallel run is a test of isolation.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::missing_panics_doc,
    reason = "test support: a failure here is a failed test, and it owns the servers it connects to"
)]

#[cfg(feature = "people")]
mod device;
mod house;
#[cfg(feature = "people")]
mod people;
mod servers;

#[cfg(feature = "people")]
pub use device::Device;
pub use house::{House, START};
#[cfg(feature = "people")]
pub use people::{LogLine, PASSWORD, Person, SignedInPerson};
pub use servers::{DATA, KEYRING, Servers, servers};
