//! One transaction on one connection. Dropped before its end it rolls back, and a connection that
//! may point to a server gone or read-only is thrown away.
//!
//! A round trip costs more than most statements: two processes wake up for it. So what opens a
//! transaction waits for its first statement and goes out ahead of it, statements that do not need each
//! other's answers go out together ([`Trip::all`]), and COMMIT goes out with the last ones
//! ([`Trip::last`]). PostgreSQL answers them in order and refuses whatever follows one that failed,
//! COMMIT too, so nothing of a transaction stays that any statement of it failed in.
//!
//! The event of a change goes out ahead of what waits for the end ([`Trip::last_behind`]): what comes behind its event
//! owes none (V15), and has not to be asked for it at the end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use deadpool_postgres::{Object, Pool};
use futures_util::future::{join, join_all, try_join, try_join_all};
use kernel::PracticeId;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};
use uuid::Uuid;

use crate::StoreError;
use crate::error::is_outage;
use crate::pool::discard;

pub(crate) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A statement and its parameters.
pub(crate) type Asked<'a> = (&'a str, Params<'a>);

/// Points the rest of the transaction at another practice, among statements that go out together.
pub(crate) const SCOPE: &str = "select set_config('app.practice', $1::uuid::text, true)";

/// Waits until no other transaction holds the same key; the first parameter is the key.
pub(crate) const ALONE: &str = "select pg_advisory_xact_lock($1)";

/// The parameter of [`ALONE`].
pub(crate) fn alone_key(key: Uuid) -> i64 {
    key.as_u64_pair().1.cast_signed()
}

/// Where lists of these lengths end, laid one behind the other: PostgreSQL knows no list of lists of different lengths.
pub(crate) fn ends(lengths: impl Iterator<Item = usize>) -> Vec<i32> {
    lengths
        .scan(0_usize, |end, length| {
            *end += length;
            Some(i32::try_from(*end).unwrap_or(i32::MAX))
        })
        .collect()
}

/// Whether a statement has a condition that falls away for some of its values. One plan for all of them could not use
/// the index that serves such a condition, so it is planned for the values at hand; every other statement is planned
/// once for a connection (`pool.rs`).
fn varies(text: &str) -> bool {
    text.contains(" is null or ")
}

/// A statement that nobody waits for, with what is given to it.
struct Later {
    text: String,
    params: Owned,
}

/// Parameters that wait.
pub(crate) type Owned = Vec<Box<dyn ToSql + Send + Sync>>;

/// What has been asked of the transaction and not been sent yet.
#[derive(Debug, Clone, Copy, Default)]
struct Ahead {
    begin: bool,
    read_only: bool,
    scope: Option<PracticeId>,
    /// For the rest of the transaction, statements are planned for their values.
    planned_anew: bool,
}

impl Ahead {
    /// As one message. A practice's id has no character that could end the text.
    fn text(self) -> Option<String> {
        let begin = match (self.begin, self.read_only) {
            (true, true) => Some("begin read only".to_owned()),
            (true, false) => Some("begin".to_owned()),
            (false, true) => Some("set transaction read only".to_owned()),
            (false, false) => None,
        };
        let scope = self.scope.map(|practice| format!("set local app.practice = '{}'", practice.uuid()));
        let planned = self.planned_anew.then(|| "set local plan_cache_mode = auto".to_owned());
        let texts: Vec<String> = begin.into_iter().chain(scope).chain(planned).collect();
        (!texts.is_empty()).then(|| texts.join("; "))
    }
}

pub(crate) struct Trip {
    client: Option<Object>,
    ahead: Mutex<Ahead>,
    later: Mutex<Vec<Later>>,
    planned_anew: AtomicBool,
    broken: AtomicBool,
    failed: AtomicBool,
    /// Whether it came to its end, and all of it was done.
    ended: bool,
}

impl Trip {
    /// A transaction with the practice set. It is opened with its first statement.
    pub(crate) async fn begin(pool: &Pool, practice: PracticeId) -> Result<Self, StoreError> {
        Ok(Self {
            client: Some(pool.get().await?),
            ahead: Mutex::new(Ahead { begin: true, scope: Some(practice), ..Ahead::default() }),
            later: Mutex::default(),
            planned_anew: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            ended: false,
        })
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

    fn ahead(&self) -> std::sync::MutexGuard<'_, Ahead> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A change whose answer nobody waits for: it goes out ahead of the next statement, at the latest with COMMIT. If it
    /// fails, that statement does.
    pub(crate) fn later(&self, text: &str, params: Owned) {
        let later = Later { text: text.to_owned(), params };
        self.later.lock().unwrap_or_else(PoisonError::into_inner).push(later);
    }

    /// Whether what is to go out later goes into another practice on its way.
    fn goes_elsewhere(&self) -> bool {
        self.later.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|one| one.text == SCOPE)
    }

    /// What was to go out later, ready to be sent.
    async fn late(&self, client: &Object) -> Result<Vec<(Statement, Owned)>, StoreError> {
        let later = std::mem::take(&mut *self.later.lock().unwrap_or_else(PoisonError::into_inner));
        try_join_all(later.into_iter().map(async |one| Ok((self.prepared(client, &one.text).await?, one.params)))).await
    }

    /// Sends what waits to go first, and what was to go later. To be asked first among what is sent together: whoever
    /// asks takes it.
    async fn go_ahead(&self, client: &Object, late: &[(Statement, Owned)]) -> Result<(), tokio_postgres::Error> {
        // Each is waited for, also behind one that failed.
        let (opened, done) = join(self.open(client), send_late(client, late)).await;
        opened?;
        done
    }

    /// Sends what waits to go first.
    async fn open(&self, client: &Object) -> Result<(), tokio_postgres::Error> {
        let text = std::mem::take(&mut *self.ahead()).text();
        match text {
            Some(text) => client.batch_execute(&text).await,
            None => Ok(()),
        }
    }

    async fn prepared(&self, client: &Object, text: &str) -> Result<Statement, StoreError> {
        if varies(text) && !self.planned_anew.swap(true, Ordering::Relaxed) {
            self.ahead().planned_anew = true;
        }
        self.noting(client.prepare_cached(text).await)
    }

    /// Points the rest of the transaction at another practice.
    pub(crate) fn scope(&self, practice: PracticeId) {
        if self.later.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            self.ahead().scope = Some(practice);
        } else {
            // Behind what is to be written where it points now.
            self.later(SCOPE, vec![Box::new(practice.uuid())]);
        }
    }

    /// From its next statement on, the transaction changes nothing.
    pub(crate) fn read_only(&self) {
        self.ahead().read_only = true;
    }

    pub(crate) async fn query(&self, text: &str, params: Params<'_>) -> Result<Vec<Row>, StoreError> {
        let client = self.client()?;
        let (late, statement) = (self.late(client).await?, self.prepared(client, text).await?);
        self.noting(try_join(self.go_ahead(client, &late), client.query(&statement, params)).await)
            .map(|((), rows)| rows)
    }

    pub(crate) async fn execute(&self, text: &str, params: Params<'_>) -> Result<u64, StoreError> {
        let client = self.client()?;
        let (late, statement) = (self.late(client).await?, self.prepared(client, text).await?);
        let sent = try_join(self.go_ahead(client, &late), client.execute(&statement, params)).await;
        self.noting(sent).map(|((), count)| count)
    }

    /// Several statements in one trip, done in this order. A statement that must not run before another
    /// has run is safe behind it here, as it would not be in futures that are merely joined: one of those
    /// may still have to be prepared.
    pub(crate) async fn all(&self, asked: &[Asked<'_>]) -> Result<Vec<Vec<Row>>, StoreError> {
        let client = self.client()?;
        let late = self.late(client).await?;
        if asked.is_empty() && late.is_empty() {
            return Ok(Vec::new());
        }
        let statements = try_join_all(asked.iter().map(|(text, _)| self.prepared(client, text))).await?;
        let rows = asked.iter().zip(&statements).map(|((_, params), statement)| client.query(statement, params));
        self.noting(try_join(self.go_ahead(client, &late), try_join_all(rows)).await).map(|((), rows)| rows)
    }

    /// The last statements and the commit, in one trip. The first that failed is named by its place.
    pub(crate) async fn last(self, asked: &[Asked<'_>]) -> Result<Vec<Vec<Row>>, (usize, StoreError)> {
        self.last_behind(&[], asked).await
    }

    /// As [`Trip::last`], with statements that go out ahead of what was to go later, unless that goes into another
    /// practice on its way. Places are counted from the first of them.
    pub(crate) async fn last_behind(
        mut self,
        first: &[Asked<'_>],
        asked: &[Asked<'_>],
    ) -> Result<Vec<Vec<Row>>, (usize, StoreError)> {
        self.end_behind(first, asked).await
    }

    /// As [`Trip::last`], where the transaction is handed on: nothing can be asked of it any more.
    pub(crate) async fn end(&mut self, asked: &[Asked<'_>]) -> Result<Vec<Vec<Row>>, (usize, StoreError)> {
        self.end_behind(&[], asked).await
    }

    async fn end_behind(
        &mut self,
        first: &[Asked<'_>],
        asked: &[Asked<'_>],
    ) -> Result<Vec<Vec<Row>>, (usize, StoreError)> {
        let done = self.send_last(first, asked).await;
        self.ended = done.is_ok();
        // Whether it was committed or rolled back, it is over: the connection is as it was before.
        if !self.broken.load(Ordering::Relaxed)
            && let Some(client) = self.client.take_if(|_| !matches!(done, Err((UNSENT, _))))
        {
            drop(client);
        }
        done
    }

    async fn send_last(&self, first: &[Asked<'_>], asked: &[Asked<'_>]) -> Result<Vec<Vec<Row>>, (usize, StoreError)> {
        let unsent = |error| (UNSENT, error);
        if self.failed.load(Ordering::Relaxed) {
            return Err((UNSENT, StoreError::Statement { code: "25P02".to_owned() }));
        }
        let client = self.client().map_err(unsent)?;
        let before_late = if self.goes_elsewhere() { 0 } else { first.len() };
        let late = self.late(client).await.map_err(unsent)?;
        let all = first.iter().chain(asked);
        let statements =
            try_join_all(all.clone().map(|(text, _)| self.prepared(client, text))).await.map_err(unsent)?;
        if statements.is_empty() && late.is_empty() {
            let ahead = std::mem::take(&mut *self.ahead());
            if ahead.begin {
                // Nothing was ever done in it.
                return Ok(Vec::new());
            }
        }
        let mut ahead: Vec<_> =
            all.zip(&statements).map(|((_, params), statement)| client.query(statement, params)).collect();
        let last = ahead.split_off(before_late);
        // Each is waited for, also behind one that failed: the connection is given back when all is said.
        let rest = join(send_late(client, &late), join(join_all(last), client.batch_execute("commit")));
        let (opened, (ahead, (late, (last, committed)))) = join(self.open(client), join(join_all(ahead), rest)).await;
        self.noting(opened).map_err(|error| (AHEAD, error))?;
        let mut done = Vec::with_capacity(statements.len());
        for rows in ahead {
            done.push(self.noting(rows).map_err(|error| (done.len(), error))?);
        }
        self.noting(late).map_err(|error| (AHEAD, error))?;
        for rows in last {
            done.push(self.noting(rows).map_err(|error| (done.len(), error))?);
        }
        self.noting(committed).map_err(|error| (statements.len(), error))?;
        Ok(done)
    }

    /// One statement, alone in its transaction, in one trip.
    pub(crate) async fn only(self, text: &str, params: Params<'_>) -> Result<Vec<Row>, StoreError> {
        let done = self.last(&[(text, params)]).await.map_err(|(_, error)| error)?;
        Ok(done.into_iter().next().unwrap_or_default())
    }

    /// Commits. PostgreSQL answers COMMIT after a failed statement with a rollback and no error, so
    /// that a caller who overlooked the failure would take nothing for something: refused here.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        if self.ended {
            return Ok(());
        }
        self.last(&[]).await.map(drop).map_err(|(_, error)| error)
    }
}

/// Sends what was to go out later. Each is waited for, also behind one that failed.
async fn send_late(client: &Object, late: &[(Statement, Owned)]) -> Result<(), tokio_postgres::Error> {
    let params: Vec<Vec<&(dyn ToSql + Sync)>> =
        late.iter().map(|(_, params)| params.iter().map(|one| &**one as &(dyn ToSql + Sync)).collect()).collect();
    let sent = late.iter().zip(&params).map(|((statement, _), params)| client.execute(statement, params));
    join_all(sent).await.into_iter().try_for_each(|one| one.map(drop))
}

/// The place of a failure before anything was sent.
const UNSENT: usize = usize::MAX;
/// Of one in what went out ahead.
const AHEAD: usize = usize::MAX - 1;

impl Drop for Trip {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        if self.broken.load(Ordering::Relaxed) {
            return discard(client);
        }
        if self.ahead().begin {
            // It was never opened.
            return drop(client);
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
