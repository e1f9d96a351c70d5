//! What can go wrong at the doors. No message carries a value: ids and kinds only.

use kernel::{ErrorKind, PatientId};
use seal::KeyServiceError;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

/// A failure at the doors.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such thing in this practice.
    #[error("there is no such record")]
    Missing,
    /// The policies do not allow it. The refusal is recorded.
    #[error("not allowed: {action}")]
    Refused {
        /// The action that was asked for.
        action: &'static str,
    },
    /// The session has ended, or the membership has.
    #[error("signed out")]
    SignedOut,
    /// The practice lets nobody in who has not shown a passkey in this session.
    #[error("the practice wants a passkey")]
    PasskeyWanted,
    /// The record was merged into another, which stands for the person now.
    #[error("merged into another record")]
    Merged {
        /// The one that stands.
        into: PatientId,
    },
    /// Somebody else changed the row first.
    #[error("changed by somebody else")]
    Conflict,
    /// Whoever works on this has lost the claim to it: somebody else does, or nobody is to.
    #[error("the work was taken over")]
    Overtaken,
    /// The idempotency key was used for something else.
    #[error("this form was sent before with other content")]
    KeyReused,
    /// A rule of the database was broken; the constraint names it.
    #[error("refused by {constraint}")]
    Constraint {
        /// The constraint's name in the schema.
        constraint: String,
    },
    /// Stored bytes did not open.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// A key is not there: erased, or not yet known to this node.
    #[error("no key for {kind} {id}")]
    NoKey {
        /// What the key covers.
        kind: &'static str,
        /// Its id.
        id: Uuid,
    },
    /// The key service did not answer, or refused.
    #[error("key service: {0}")]
    KeyService(#[from] KeyServiceError),
    /// The database is away, restarting or full.
    #[error("the database is not reachable")]
    Away(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A statement failed in a way that is a fault of the program.
    #[error("statement failed (SQLSTATE {code})")]
    Statement {
        /// The SQLSTATE.
        code: String,
    },
    /// Stored data has a shape that this version does not know.
    #[error("unreadable {what}")]
    Unreadable {
        /// Which column or value.
        what: &'static str,
    },
}

/// Stored bytes that did not open: damaged, or moved from where they belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{table} {id} is damaged")]
pub struct Damaged {
    /// The table.
    pub table: &'static str,
    /// The row.
    pub id: Uuid,
}

impl StoreError {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Missing => ErrorKind::Missing,
            Self::Refused { .. } | Self::PasskeyWanted => ErrorKind::Forbidden,
            Self::SignedOut => ErrorKind::SignedOut,
            Self::Merged { .. } | Self::Conflict | Self::Overtaken | Self::KeyReused | Self::Constraint { .. } => {
                ErrorKind::Conflict
            }
            Self::Damaged(_) | Self::NoKey { .. } => ErrorKind::Damaged,
            Self::KeyService(_) | Self::Away(_) => ErrorKind::Busy,
            Self::Statement { .. } | Self::Unreadable { .. } => ErrorKind::Internal,
        }
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        if let Some(db) = error.as_db_error() {
            let code = db.code();
            if let (true, Some(constraint)) = (is_rule(code), db.constraint()) {
                return Self::Constraint { constraint: constraint.to_owned() };
            }
            if is_outage(code) || is_moment(code) {
                return Self::Away(Box::new(Outage(code.code().to_owned())));
            }
            // The server's own words can quote values; only the code goes on.
            return Self::Statement { code: code.code().to_owned() };
        }
        if error.is_closed() || error.code().is_none() {
            return Self::Away(Box::new(Outage(if error.is_closed() { "closed" } else { "connection" }.to_owned())));
        }
        Self::Statement { code: "client".to_owned() }
    }
}

/// The database went away in the middle of something, or could not do it in time.
#[derive(Debug, thiserror::Error)]
#[error("not answered ({0})")]
struct Outage(String);

fn is_rule(code: &SqlState) -> bool {
    *code == SqlState::UNIQUE_VIOLATION
        || *code == SqlState::EXCLUSION_VIOLATION
        || *code == SqlState::FOREIGN_KEY_VIOLATION
        || *code == SqlState::CHECK_VIOLATION
}

/// Codes after which a connection is of no more use, or the server is for a while: read-only after a
/// failover (25006), shutting down or crashed (57P0x), connection exceptions (08xxx), too many (53300).
pub(crate) fn is_outage(code: &SqlState) -> bool {
    let text = code.code();
    text == "25006" || text.starts_with("57P0") || text.starts_with("08") || text == "53300"
}

/// Codes that say "not now" of this statement and nothing of the connection: waited too long for a lock
/// or for an answer (55P03, 57014), a deadlock (40P01), a serialisation failure (40001).
fn is_moment(code: &SqlState) -> bool {
    matches!(code.code(), "55P03" | "57014" | "40P01" | "40001")
}

impl From<deadpool_postgres::PoolError> for StoreError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        Self::Away(Box::new(error))
    }
}
