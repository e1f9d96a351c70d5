//! One transaction on one connection. Dropped before its end it rolls back, and a connection that
//! may point to a server gone or read-only is thrown away.

use std::sync::atomic::{AtomicBool, Ordering};

use deadpool_postgres::{Object, Pool};
use futures_util::future::{join4, try_join};
use kernel::PracticeId;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::StoreError;
use crate::error::is_outage;
use crate::pool::discard;

pub(crate) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Sets the practice for the rest of the transaction.
const SCOPE: &str = "select set_config('app.practice', $1::uuid::text, true)";

const ALONE: &str = "select pg_advisory_xact_lock($1)";

pub(crate) struct Trip {
    client: Option<Object>,
    broken: AtomicBool,
    failed: AtomicBool,
}

impl Trip {
    /// Opens a transaction with the practice set; both go out in one round trip.
    pub(crate) async fn begin(pool: &Pool, practice: PracticeId) -> Result<Self, StoreError> {
        let trip =
            Self { client: Some(pool.get().await?), broken: AtomicBool::new(false), failed: AtomicBool::new(false) };
        let client = trip.client()?;
        let scope = trip.noting(client.prepare_cached(SCOPE).await)?;
        let practice = practice.uuid();
        let params: Params<'_> = &[&practice];
        trip.noting(try_join(client.batch_execute("begin"), client.execute(&scope, params)).await)?;
        Ok(trip)
    }

    /// A look at one practice, in one round trip: begin, practice, one statement that reads, end. For what
    /// every request begins with.
    pub(crate) async fn glance(
        pool: &Pool,
        practice: PracticeId,
        text: &str,
        params: Params<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        let trip =
            Self { client: Some(pool.get().await?), broken: AtomicBool::new(false), failed: AtomicBool::new(false) };
        let client = trip.client()?;
        let scope = trip.noting(client.prepare_cached(SCOPE).await)?;
        let statement = trip.noting(client.prepare_cached(text).await)?;
        let practice = practice.uuid();
        let scope_params: Params<'_> = &[&practice];
        // All four are on their way before the first answer is read; what fails makes those after it fail
        // too, and the last ends the transaction in any case.
        let (begun, scoped, rows, ended) = join4(
            client.batch_execute("begin read only"),
            client.execute(&scope, scope_params),
            client.query(&statement, params),
            client.batch_execute("commit"),
        )
        .await;
        trip.noting(begun)?;
        trip.noting(scoped)?;
        let rows = trip.noting(rows)?;
        trip.noting(ended)?;
        trip.over();
        Ok(rows)
    }

    /// Gives the connection back: its transaction has ended.
    fn over(mut self) {
        drop(self.client.take());
    }

    fn client(&self) -> Result<&Object, StoreError> {
        self.client.as_ref().ok_or(StoreError::Statement { code: "used after its end".to_owned() })
    }

    fn noting<T>(&self, result: Result<T, tokio_postgres::Error>) -> Result<T, StoreError> {
        result.map_err(|error| {
            self.failed.store(true, Ordering::Relaxed);
            if error.is_closed() || error.code().is_none_or(is_outage) {
                self.broken.store(true, Ordering::Relaxed);
            }
            error.into()
        })
    }

    /// Waits until no other transaction holds the same key; lets go at the end. Two requests that are
    /// the same one sent twice come one after the other, and the second finds the answer of the first.
    pub(crate) async fn alone(&self, key: Uuid) -> Result<(), StoreError> {
        let (_, random) = key.as_u64_pair();
        self.execute(ALONE, &[&random.cast_signed()]).await.map(|_| ())
    }

    /// Points the rest of the transaction at another practice.
    pub(crate) async fn scope(&self, practice: PracticeId) -> Result<(), StoreError> {
        self.execute(SCOPE, &[&practice.uuid()]).await.map(|_| ())
    }

    pub(crate) async fn query(&self, text: &str, params: Params<'_>) -> Result<Vec<Row>, StoreError> {
        let client = self.client()?;
        let statement = self.noting(client.prepare_cached(text).await)?;
        self.noting(client.query(&statement, params).await)
    }

    pub(crate) async fn execute(&self, text: &str, params: Params<'_>) -> Result<u64, StoreError> {
        let client = self.client()?;
        let statement = self.noting(client.prepare_cached(text).await)?;
        self.noting(client.execute(&statement, params).await)
    }

    pub(crate) async fn batch(&self, text: &'static str) -> Result<(), StoreError> {
        self.noting(self.client()?.batch_execute(text).await)
    }

    /// Commits. PostgreSQL answers COMMIT after a failed statement with a rollback and no error, so
    /// that a caller who overlooked the failure would take nothing for something: refused here.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(StoreError::Statement { code: "25P02".to_owned() });
        }
        let done = self.batch("commit").await;
        if done.is_ok()
            && let Some(client) = self.client.take()
        {
            drop(client);
        }
        done
    }
}

impl Drop for Trip {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        if self.broken.load(Ordering::Relaxed) {
            return discard(client);
        }
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    if client.batch_execute("rollback").await.is_err() {
                        discard(client);
                    }
                });
            }
            Err(_) => discard(client),
        }
    }
}
