//! Bringing the schema up to date, as the role that owns it. The program itself runs as another role
//! that owns nothing.

use crate::pool::connect_once;
use crate::{ServerAddress, StoreError};

mod data {
    refinery::embed_migrations!("../../migrations/data");
}

mod keyring {
    refinery::embed_migrations!("../../migrations/keyring");
}

/// What a migration did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// The migrations applied now, by name.
    pub applied: Vec<String>,
    /// The server's version, as PostgreSQL numbers it.
    pub server_version_num: u32,
}

/// A server or schema that this version cannot use.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The server is too old, or of an unknown major.
    #[error(transparent)]
    Version(#[from] cluster::VersionRefused),
    /// A migration failed.
    #[error("the schema could not be brought up to date: {0}")]
    Migration(String),
    /// The server could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Brings the data cluster's schema up to date.
pub async fn migrate_data(owner: &ServerAddress) -> Result<Migrated, MigrateError> {
    migrate(owner, data::migrations::runner()).await
}

/// Brings the keyring cluster's schema up to date.
pub async fn migrate_keyring(owner: &ServerAddress) -> Result<Migrated, MigrateError> {
    migrate(owner, keyring::migrations::runner()).await
}

async fn migrate(owner: &ServerAddress, runner: refinery::Runner) -> Result<Migrated, MigrateError> {
    let mut client = connect_once(owner).await?;
    let row = client.query_one("select current_setting('server_version_num')", &[]).await.map_err(StoreError::from)?;
    let text: &str = row.try_get(0).map_err(StoreError::from)?;
    let server_version_num: u32 = text.parse().map_err(|_| StoreError::Unreadable { what: "server_version_num" })?;
    cluster::check_server_version_num(server_version_num)?;
    // A migration of a large table may take what it takes; waiting for a lock still has its limit.
    client.batch_execute("set statement_timeout = 0").await.map_err(StoreError::from)?;
    let report = runner.run_async(&mut client).await.map_err(|e| MigrateError::Migration(e.to_string()))?;
    let applied = report.applied_migrations().iter().map(ToString::to_string).collect();
    Ok(Migrated { applied, server_version_num })
}
