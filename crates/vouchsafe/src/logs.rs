//! The log: ids and kinds, never a value. Our own rooms write at the level that is set; libraries only
//! what failed, because some of them would write statements with their parameters.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, LogLevel};
use crate::failure::Failure;

/// How to log.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Logging {
    pub(crate) level: LogLevel,
    pub(crate) format: LogFormat,
}

const ROOMS: [&str; 9] = ["vouchsafe", "web", "keeper", "practice", "identity", "store", "cluster", "seal", "ledger"];

/// Begins to log, to `file` or to standard error.
pub(crate) fn begin(logging: Logging, file: Option<File>) {
    let level = match logging.level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
    };
    let rooms = ROOMS.map(|room| format!(",{room}={level}")).concat();
    let filter = EnvFilter::new(format!("warn,tokio_postgres=error{rooms}"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
    // A subscriber is there already only in tests; theirs is kept.
    let _ = match (logging.format, file) {
        (LogFormat::Text, None) => builder.with_writer(std::io::stderr).try_init(),
        (LogFormat::Json, None) => builder.json().with_writer(std::io::stderr).try_init(),
        (LogFormat::Text, Some(file)) => builder.with_writer(std::sync::Mutex::new(file)).try_init(),
        (LogFormat::Json, Some(file)) => builder.json().with_writer(std::sync::Mutex::new(file)).try_init(),
    };
}

/// Opens a file to log into; what is there is kept.
pub(crate) fn open(path: &Path) -> Result<File, Failure> {
    let open = OpenOptions::new().create(true).append(true).mode(0o640).open(path);
    open.map_err(Failure::io("cannot open the log", path))
}
