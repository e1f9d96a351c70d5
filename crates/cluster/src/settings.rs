//! What a managed server is told.

use std::path::PathBuf;

use crate::os_user::OsUser;

/// One managed server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The cluster's folder, made when missing. Data, configuration, log and sockets live below it.
    pub folder: PathBuf,
    /// What this cluster is for: `data` or `keyring`. A folder made under one name is refused under
    /// another.
    pub name: &'static str,
    /// The folder of `postgres`, `initdb` and `pg_ctl`; `None` looks in the usual places.
    pub binaries: Option<PathBuf>,
    /// The account that the server runs as. Required when we are root, because PostgreSQL refuses to
    /// be; otherwise `None`, and the server runs as we do.
    pub run_as: Option<OsUser>,
    /// Who may connect, beside ourselves as superuser.
    pub admit: Vec<Admit>,
    /// Sizes.
    pub tuning: Tuning,
}

/// An account of the operating system that may connect as a role. The kernel vouches for the account
/// (`peer`); there are no passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admit {
    /// The account's name.
    pub os_user: String,
    /// The role's name.
    pub role: String,
}

/// Sizes of one server. The default suits a machine that also runs everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// Connections at most.
    pub connections_max: u16,
    /// Shared buffers in MiB.
    pub shared_buffers_mib: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { connections_max: 100, shared_buffers_mib: 128 }
    }
}
