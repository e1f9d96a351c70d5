//! What can go wrong, each said so that an operator knows what to do next.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::version::{Version, VersionRefused};

/// Why a managed PostgreSQL could not be found, made, started or stopped. No variant carries a value
/// of the database.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No folder with a usable PostgreSQL.
    #[error(
        "no usable PostgreSQL server was found.\n{found}\nInstall one (on Debian or Ubuntu: apt-get install postgresql), or set the folder that holds postgres, initdb and pg_ctl"
    )]
    NoBinaries {
        /// One line for each place that was looked at and held something.
        found: String,
    },
    /// The folder that a setting names is not usable.
    #[error("the PostgreSQL folder set to {folder} cannot be used: {why}")]
    BinariesUnusable {
        /// The setting.
        folder: PathBuf,
        /// What is wrong there, and what to do.
        why: String,
    },
    /// The server's own version is refused.
    #[error(transparent)]
    Version(#[from] VersionRefused),
    /// The data was made by another major.
    #[error(
        "{folder} holds data of PostgreSQL {data}, but the programs in {programs} are PostgreSQL {found}; install PostgreSQL {data} again, or move the data over with pg_upgrade (docs/runbooks/postgres.md)"
    )]
    OtherMajor {
        /// The folder of data.
        folder: PathBuf,
        /// The major that `PG_VERSION` names.
        data: u32,
        /// Where the programs are.
        programs: PathBuf,
        /// Their version.
        found: Version,
    },
    /// Somebody else holds our lock.
    #[error("{folder} is in use by {holder}; one folder serves one program at a time")]
    Held {
        /// The cluster's folder.
        folder: PathBuf,
        /// Who holds it, such as "process 812 (vouchsafe)".
        holder: String,
    },
    /// The folder has something in it that we did not make.
    #[error("{folder} is not one of ours: {why}. Name an empty or new folder")]
    NotOurs {
        /// The folder.
        folder: PathBuf,
        /// What was seen.
        why: String,
    },
    /// The account that PostgreSQL is to run as, or one to be admitted, does not fit.
    #[error("{0}")]
    Account(String),
    /// A setting that cannot be written into the server's configuration.
    #[error("{0}")]
    Setting(String),
    /// The socket's path does not fit, and no short folder could be had.
    #[error(
        "the path of the socket in {folder} has {bytes} bytes, and {most} is the most that Linux takes; {why}. Name a shorter folder"
    )]
    SocketPath {
        /// The folder that is too long.
        folder: PathBuf,
        /// The length of the whole path.
        bytes: usize,
        /// The limit.
        most: usize,
        /// Why a short folder could not be used instead.
        why: String,
    },
    /// A process in the folder that we may not judge, so do not touch.
    #[error(
        "process {pid} may be a PostgreSQL that still works in {folder}, and this program {why}; end it (kill -INT {pid}) when you are sure, then start again"
    )]
    Unsure {
        /// Its number.
        pid: u32,
        /// The folder of data.
        folder: PathBuf,
        /// Why nothing was done.
        why: String,
    },
    /// A survivor that did not end.
    #[error("process {pid} of an earlier run still works in {folder} and did not end when told to")]
    Survivor {
        /// Its number.
        pid: u32,
        /// The folder of data.
        folder: PathBuf,
    },
    /// A program of PostgreSQL ended with an error.
    #[error("{program} ended with {status}{words}")]
    Failed {
        /// Which.
        program: &'static str,
        /// How it ended.
        status: String,
        /// Its own last words, on lines of their own; empty when it said nothing.
        words: String,
    },
    /// The server runs and answers nothing.
    #[error("PostgreSQL did not answer within {} s; its log is in {log}", waited.as_secs())]
    Silent {
        /// How long it was waited for.
        waited: Duration,
        /// The folder of the log.
        log: PathBuf,
    },
    /// The server answered, and did not let us in.
    #[error("PostgreSQL runs and refuses its own superuser: {0}")]
    Refused(String),
    /// The server did not end within the limits of a stop.
    #[error("PostgreSQL (process {0}) did not end when told to; it still runs")]
    WontStop(u32),
    /// A statement of ours failed.
    #[error("{what}: {why}")]
    Statement {
        /// What we were doing.
        what: String,
        /// The server's code and words.
        why: String,
    },
    /// A file or folder.
    #[error("{what} {path}: {source}")]
    Io {
        /// What was tried, such as "cannot write".
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl ClusterError {
    /// For `map_err`: an I/O error with the place it happened at.
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }

    /// For `map_err`: a failed statement of ours. The server's message is kept (it is about names
    /// of roles and databases, never about data), its detail is not.
    pub(crate) fn statement(what: impl Into<String>) -> impl FnOnce(tokio_postgres::Error) -> Self {
        move |error| Self::Statement { what: what.into(), why: say(&error) }
    }
}

/// Code and primary message of a database error; for any other, its causes.
pub(crate) fn say(error: &tokio_postgres::Error) -> String {
    if let Some(db) = error.as_db_error() {
        return format!("{} ({})", db.message(), db.code().code());
    }
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
