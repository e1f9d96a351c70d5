//! Attempts, counted in the database by the rules of [`crate::throttle`].

use jiff::Timestamp;
use kernel::{PersonId, Source};
use store::{StoreError, Throttled, Tx, Writes};

use crate::throttle::{Count, Network, Rule, TooEarly};

/// Too many attempts: when the next may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Too many attempts: try again in {}", spoken(*.seconds))]
pub struct Wait {
    /// When the next attempt may be made.
    pub until: Timestamp,
    /// The same as whole seconds from now: the `Retry-After` of the answer.
    pub seconds: u64,
}

fn spoken(seconds: u64) -> String {
    match seconds {
        1 => "a second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

impl Wait {
    fn told(early: TooEarly, now: Timestamp) -> Self {
        Self { until: early.until, seconds: early.seconds(now) }
    }
}

/// What a rule counts by.
pub(crate) fn network(source: &Source) -> String {
    match source {
        Source::Network(address) => Network::of(*address).to_string(),
        Source::Host => "host".to_owned(),
    }
}

pub(crate) fn account(person: PersonId) -> String {
    person.to_string()
}

fn count(throttled: Throttled) -> Count {
    Count { failures: throttled.failures, last_at: throttled.last_at }
}

fn kept(count: Count) -> Throttled {
    Throttled { failures: count.failures, last_at: count.last_at }
}

/// Counts one more attempt, to be kept by the commit. The count stays locked until then.
pub(crate) async fn attempt<A: Writes>(tx: &Tx<A>, rule: Rule, subject: &str) -> Result<Result<(), Wait>, StoreError> {
    let before = tx.attempts(rule.code(), subject).await?.map(count);
    match rule.attempt(before, tx.at()) {
        Err(early) => Ok(Err(Wait::told(early, tx.at()))),
        Ok(next) => tx.keep_attempts(rule.code(), subject, Some(kept(next))).await.map(Ok),
    }
}

/// Gives attempts back after a success; gives how many there had been.
pub(crate) async fn give_back<A: Writes>(
    tx: &Tx<A>,
    rule: Rule,
    subject: &str,
    attempts: u32,
) -> Result<u32, StoreError> {
    let before = tx.attempts(rule.code(), subject).await?.map(count);
    let left = rule.give_back(before, attempts, tx.at()).map(kept);
    tx.keep_attempts(rule.code(), subject, left).await?;
    Ok(before.map_or(0, |count| count.failures))
}
