//! The doors of the house. Everything that touches the database goes through here, and the way in
//! is a sequence that cannot be walked in another order:
//!
//! [`Actor`] (minted here, from a session, a job or a visit) → [`Store::enter`] → [`Threshold`]
//! (a transaction with the practice set; it can only fetch facts for a decision) →
//! [`Threshold::ask`] → [`Tx`] (typed by what was allowed) → [`Tx::record`] or [`Tx::commit`]: the
//! event is durable before any plaintext is out, or in the same commit as the change.
//!
//! A forgotten tenant, permission or audit entry is therefore a program that does not compile, or a
//! transaction that PostgreSQL refuses (`migrations/data/V1__walls.sql`).

mod action;
mod actor;
mod addresses;
mod admin;
mod audit;
mod carry;
mod committer;
mod error;
mod event;
mod grouped;
mod house;
mod import_keys;
mod keyring;
mod lookup;
mod outbox;
mod past;
mod policy;
mod pool;
mod rotate;
mod row;
mod sql;
mod threshold;
mod trip;
mod tx;
mod work;
mod write;

pub use action::{Action, HouseAction, Includes, Reads, Writes};
pub use actor::{Actor, ActorKind, ClientHash, IDLE_MAX, Job, SessionFacts, SessionHash, SignedIn};
pub use admin::{MigrateError, Migrated, migrate_data, migrate_keyring};
pub use audit::{
    AuditFilter, AuditLine, AuditPage, AuditRow, ChangeDetail, ChangeLine, Details, OTHER_READERS, ReadAudit,
    ReadPatientAudit,
};
pub use error::{Damaged, StoreError};
pub use event::{Event, Purpose};
pub use house::{HouseOnce, HouseTx};
pub use import_keys::{Follow, ImportTurn, Imported, ToRemember};
pub use keyring::{Keyring, KeyringSettings};
pub use lookup::{Sought, Throttled, TokenSet};
pub use outbox::{ATTEMPTS_MAX, Letter, OutboxId, OutboxRow, Outgoing, SendMail};
pub use past::{Past, STEPS_MAX, Was};
pub use policy::{
    FhirType, FhirTypes, Interaction, MATRIX_ROLES, NotScopes, Policy, PolicyError, ResourceKind, Role, Roles,
    SCOPES_TEXT_MAX, Scopes, UnknownRole,
};
pub use pool::{ConnectError, PoolSettings, ServerAddress, TlsMode};
pub use rotate::{RotationProgress, Turned, rewrap_under_root, rotate_practice};
pub use row::{Clear, FieldValue, KeyFor, Opener, Sealer, Sealers, StoredRow, Survey, Unseal, WholeRow};
pub use seal::{KeyService, Place, Sealed, Token, TokenKind};
pub use sql::Sql;
pub use threshold::{Arrival, Brought, Known, Once, Outcome, Resource, Store, StoreSettings, Threshold, Wanted};
pub use tx::{Examined, Tx};
pub use work::{Claim, Ended, Errand, Fault, LEASE, WORK_ATTEMPTS_MAX, WorkId, WorkKind, WorkState};
pub use write::{Tag, Versioned};

/// What the macros of this crate need by name.
#[doc(hidden)]
pub mod macro_support {
    pub use seal::{Place, Sealed};
    pub use serde_json;
    pub use tokio_postgres::Row;
    pub use tokio_postgres::types::ToSql;
    pub use uuid::Uuid;
}
