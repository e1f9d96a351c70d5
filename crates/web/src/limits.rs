//! A limit on everything that somebody outside can make large, slow or many.

use std::time::Duration;

use practice::exchange::uploads::UploadLimits;

/// The limits of the web server.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Requests being answered at one time; one more is told to come back.
    pub requests_max: usize,
    /// Open connections; one more is closed.
    pub connections_max: usize,
    /// Open connections from one network address. Many people can sit behind one.
    pub connections_per_address_max: usize,
    /// How long a request may take, from its headers to its answer.
    pub request_time_max: Duration,
    /// How long the headers of a request may take to arrive, and a connection may be idle.
    pub header_time_max: Duration,
    /// How long a TLS handshake may take.
    pub handshake_time_max: Duration,
    /// How long files that somebody sends may take to arrive.
    pub upload_time_max: Duration,
    /// How long their next bytes may take.
    pub upload_idle_max: Duration,
    /// How much may be sent to be brought in.
    pub uploads: UploadLimits,
    /// How long the answers under way may take when the program stops.
    pub shutdown_time_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_max: 256,
            connections_max: 2_000,
            connections_per_address_max: 500,
            request_time_max: Duration::from_secs(30),
            header_time_max: Duration::from_secs(10),
            handshake_time_max: Duration::from_secs(10),
            upload_time_max: Duration::from_mins(30),
            upload_idle_max: Duration::from_secs(30),
            uploads: UploadLimits::default(),
            shutdown_time_max: Duration::from_secs(20),
        }
    }
}

/// What a form may hold unless its route says otherwise.
pub const FORM_BYTES_MAX: usize = 64 * 1024;

/// The most that is read (and thrown away) of a body that is too large, so that the browser gets to
/// see the answer instead of a broken connection.
pub const DRAIN_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Fields in one form. Nobody types more; a table of a thousand columns has one for each.
pub const FIELDS_MAX: usize = 1_100;

/// What the form of a table's columns may hold.
pub const COLUMNS_BYTES_MAX: usize = 256 * 1024;

/// What one form of files may hold: as much as a practice may have here, and what stands between the files. Each
/// file has a limit of its own.
pub const UPLOAD_BYTES_MAX: usize = 1025 * 1024 * 1024;

/// How much the body of a route may hold. Set by the route's registration.
#[derive(Debug, Clone, Copy)]
pub struct BodyMax(pub usize);

/// Seconds after which whoever was turned away for lack of room may try again.
pub const RETRY_SECONDS: u32 = 5;
