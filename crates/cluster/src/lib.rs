//! The managed PostgreSQL: finds the server's programs, makes a folder of data, runs the server as
//! a child that cannot outlive us, restarts it after a crash, and stops it cleanly.
//!
//! Invariants that the rest of the house relies on:
//! - One folder, one server: our own lock is held from before the first look at the data until the
//!   server has gone, and every process that still works in the folder has ended before a start.
//! - No process is ever signalled that was not first seen to be PostgreSQL working in our folder,
//!   and signals go through a pidfd, so that a number given to another process is never hit.
//! - The server listens on a Unix socket only, and admits exactly the pairs of operating-system
//!   account and role that [`Settings::admit`] lists.
//! - No value of a statement reaches the server's log (see `conf.rs`).

mod binaries;
mod bootstrap;
mod conf;
mod error;
mod folder;
mod initdb;
mod leftovers;
mod os_user;
mod process;
mod running;
mod settings;
mod supervisor;
mod version;

pub use binaries::{Binaries, find_binaries, find_binaries_for};
pub use bootstrap::create_database;
pub use error::ClusterError;
pub use os_user::{OsUser, ensure_os_user, find_os_user};
pub use running::{Address, Exit, Running, Stopped, start};
pub use settings::{Admit, Settings, Tuning};
pub use supervisor::{State, Supervisor};
pub use version::{SUPPORTED_MAJORS, Version, VersionRefused, check_server_version_num, minimum_minor};
