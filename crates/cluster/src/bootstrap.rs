//! The first database of a new cluster: its roles, and nothing for anybody else.

use tokio_postgres::{Client, NoTls};

use crate::conf::check_role;
use crate::error::ClusterError;
use crate::running::Address;

/// Two starts at once (or two tests) must not make the same role; held until the session ends.
const BOOTSTRAP_LOCK: &str = "select pg_advisory_lock(hashtext('vouchsafe cluster bootstrap'))";

/// What every role of the house is not, whatever somebody may have made of it.
const PLAIN: &str = "login nosuperuser nobypassrls nocreatedb nocreaterole noreplication inherit";

/// Makes the roles and the database that are missing and sets what is there right: `owner_role` owns
/// the database and its `public` schema, each of `run_roles` may connect and use the schema, and
/// nobody else may even connect. Changes nothing when run again. Needs the superuser's account.
pub async fn create_database(
    address: &Address,
    name: &str,
    owner_role: &str,
    run_roles: &[&str],
) -> Result<(), ClusterError> {
    for checked in [name, owner_role].iter().chain(run_roles) {
        check_role(checked)?;
    }
    let house = Superuser::connect(address, "postgres").await?;
    house.run("taking turns", BOOTSTRAP_LOCK).await?;
    for role in std::iter::once(&owner_role).chain(run_roles) {
        let verb = if house.has("pg_roles", "rolname", role).await? { "alter" } else { "create" };
        house.run(format!("{verb} role {role}"), &format!("{verb} role {role} with {PLAIN}")).await?;
    }
    if house.has("pg_database", "datname", name).await? {
        house.run(format!("own {name}"), &format!("alter database {name} owner to {owner_role}")).await?;
    } else {
        let make = format!("create database {name} owner {owner_role} template template0");
        house.run(format!("create database {name}"), &make).await?;
    }
    for database in [name, "postgres", "template1"] {
        house.run(format!("close {database}"), &format!("revoke all on database {database} from public")).await?;
    }
    let inside = Superuser::connect(address, name).await?;
    let schema = format!("alter schema public owner to {owner_role}; revoke all on schema public from public");
    inside.run(format!("close the schema of {name}"), &schema).await?;
    for role in run_roles {
        let grant = format!("grant connect on database {name} to {role}; grant usage on schema public to {role}");
        inside.run(format!("admit {role} to {name}"), &grant).await?;
    }
    Ok(())
}

struct Superuser(Client);

impl Superuser {
    #[expect(clippy::disallowed_methods, reason = "makes roles and a database, before there is a store")]
    async fn connect(address: &Address, database: &str) -> Result<Self, ClusterError> {
        let config = address.config(database, &address.superuser);
        let (client, connection) =
            config.connect(NoTls).await.map_err(ClusterError::statement(format!("cannot connect to {database}")))?;
        // It ends when the client is dropped.
        tokio::spawn(connection);
        Ok(Self(client))
    }

    /// Every name in `sql` has passed [`check_role`].
    async fn run(&self, what: impl Into<String>, sql: &str) -> Result<(), ClusterError> {
        self.0.batch_execute(sql).await.map_err(ClusterError::statement(what))
    }

    async fn has(&self, table: &str, column: &str, name: &str) -> Result<bool, ClusterError> {
        let sql = format!("select 1 from {table} where {column} = $1::text");
        let found = self.0.query_opt(&sql, &[&name]).await;
        Ok(found.map_err(ClusterError::statement(format!("looking for {name}")))?.is_some())
    }
}
