//! Why the program ends without having done what it was asked to. Said to the person who typed the
//! command: what is so, and what to do.

use std::process::ExitCode;

use crate::config::Wrong;

/// A reason to end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The file of settings is wrong.
    #[error("{0}")]
    Settings(#[from] Wrong),
    /// Anything else, in words.
    #[error("{0}")]
    Said(String),
    /// A managed server.
    #[error(transparent)]
    Cluster(#[from] cluster::ClusterError),
    /// The schema.
    #[error(transparent)]
    Migrate(#[from] store::MigrateError),
    /// An address of a server.
    #[error(transparent)]
    Connect(#[from] store::ConnectError),
    /// The doors.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// The root key.
    #[error(transparent)]
    RootKey(#[from] keeper::RootKeyError),
    /// The part that runs under another account has said why itself.
    #[error("")]
    SaidElsewhere,
}

impl Failure {
    /// Words of our own.
    pub(crate) fn said(words: impl Into<String>) -> Self {
        Self::Said(words.into())
    }

    /// A file or folder that could not be used.
    pub(crate) fn io(doing: &str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let what = format!("{doing} {}", path.display());
        move |error| Self::Said(format!("{what}: {error}"))
    }

    /// 2 for settings that must be written otherwise, 1 for everything else.
    pub(crate) fn exit_code(&self) -> ExitCode {
        if matches!(self, Self::Settings(_)) { ExitCode::from(2) } else { ExitCode::FAILURE }
    }
}
