//! Time is a parameter. Only this file may ask the machine what time it is.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// Where the present moment comes from. Cheap to clone; every clone reads the same clock.
#[derive(Clone)]
pub struct Clock(Arc<dyn ReadClock>);

impl Clock {
    /// The present moment, UTC, to the microsecond (PostgreSQL's own resolution, so that a value
    /// written and read back is equal).
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let now = self.0.read();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

trait ReadClock: Send + Sync {
    fn read(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl ReadClock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn read(&self) -> Timestamp {
        Timestamp::now()
    }
}

impl From<SystemClock> for Clock {
    fn from(clock: SystemClock) -> Self {
        Self(Arc::new(clock))
    }
}

/// A clock that stands still until it is moved: for tests, and for replaying history.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<Mutex<Timestamp>>);

impl ManualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(start)))
    }

    /// Moves the clock forward (or back, with a negative duration).
    pub fn advance(&self, by: SignedDuration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.saturating_add(by).unwrap_or(*now);
    }
}

impl ReadClock for ManualClock {
    fn read(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<ManualClock> for Clock {
    fn from(clock: ManualClock) -> Self {
        Self(Arc::new(clock))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_it_is_moved() {
        let manual = ManualClock::new(Timestamp::UNIX_EPOCH);
        let clock = Clock::from(manual.clone());
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
        manual.advance(SignedDuration::from_mins(5));
        assert_eq!(clock.now().as_second(), 300);
    }
}
