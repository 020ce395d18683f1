//! What time it is.
//!
//! **Invariant:** time never goes back and never stands still: an unblock ends when it should,
//! although somebody sets the clock back, and audit events are in the order of their times.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::model::Timestamp;

/// A clock; clones tell the same time.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Reckoning>);

#[derive(Debug)]
struct Reckoning {
    source: Source,
    /// What the time was, in milliseconds, when the steady clock read zero: the latest that the
    /// wall clock ever said.
    origin: AtomicI64,
}

#[derive(Debug)]
enum Source {
    System { started: Instant },
    Manual { wall: AtomicI64 },
}

impl Clock {
    /// The system's clock: the wall clock, or where that is behind, what has passed since it was
    /// furthest on.
    #[must_use]
    pub fn system() -> Clock {
        Clock::starting_at_least(Timestamp::from_millis(0))
    }

    /// The system's clock, which is nowhere before `earliest`: the time of the last event that
    /// was recorded.
    #[must_use]
    pub fn starting_at_least(earliest: Timestamp) -> Clock {
        Clock::reckoned(Source::System { started: Instant::now() }, earliest)
    }

    /// A clock for tests, at 2026-11-24T09:00:00Z until it is set. Setting it back is the test of
    /// somebody setting the wall clock back.
    #[must_use]
    pub fn manual() -> Clock {
        let morning = Timestamp::from_millis(1_795_510_800_000);
        Clock::reckoned(Source::Manual { wall: AtomicI64::new(morning.as_millis()) }, morning)
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let (wall, steady) = self.0.source.read();
        let origin = wall.saturating_sub(steady);
        let latest = self.0.origin.fetch_max(origin, Ordering::Relaxed).max(origin);
        Timestamp::from_millis(latest.saturating_add(steady))
    }

    /// How far the wall clock is behind this one: more than moments means that somebody set it
    /// back, or that it was once wrong; a person should be told.
    #[must_use]
    pub fn ahead_of_wall(&self) -> Duration {
        let (wall, _) = self.0.source.read();
        self.now().since(Timestamp::from_millis(wall))
    }

    /// Sets the wall of a manual clock; the system's can't be set.
    pub fn set(&self, wall: Timestamp) {
        match &self.0.source {
            Source::Manual { wall: hand } => hand.store(wall.as_millis(), Ordering::Relaxed),
            Source::System { .. } => {}
        }
    }

    /// Moves a manual clock on from the time that it tells; the system's can't be moved.
    pub fn advance(&self, span: Duration) {
        self.set(self.now().plus(span));
    }

    fn reckoned(source: Source, earliest: Timestamp) -> Clock {
        Clock(Arc::new(Reckoning { source, origin: AtomicI64::new(earliest.as_millis()) }))
    }
}

impl Source {
    /// What the wall clock says, and what the steady clock has counted, in milliseconds.
    fn read(&self) -> (i64, i64) {
        match self {
            Source::System { started } => {
                let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                (millis(wall), millis(started.elapsed()))
            }
            Source::Manual { wall } => (wall.load(Ordering::Relaxed), 0),
        }
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_the_clock_back_does_not_turn_time_back() {
        let clock = Clock::manual();
        let nine = clock.now();
        assert_eq!(nine.to_string(), "2026-11-24T09:00:00.000Z");
        clock.advance(Duration::from_secs(60));
        let later = clock.now();
        assert_eq!(later.since(nine), Duration::from_secs(60));
        clock.set(nine);
        assert_eq!(clock.clone().now(), later);
        assert_eq!(clock.ahead_of_wall(), Duration::from_secs(60));
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.now().since(nine), Duration::from_secs(61));
    }

    #[test]
    fn time_goes_on_from_the_last_event_though_the_wall_is_behind() {
        let future = Timestamp::from_millis(millis(
            SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(3600),
        ));
        let clock = Clock::starting_at_least(future);
        let first = clock.now();
        assert!(first >= future && first.since(future) < Duration::from_secs(600));
        std::thread::sleep(Duration::from_millis(5));
        assert!(clock.now().since(first) >= Duration::from_millis(4), "it doesn't stand still");
    }

    #[test]
    fn the_system_clock_tells_the_wall_time() {
        let wall = millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap());
        let told = Clock::system().now().as_millis();
        assert!((wall..wall + 60_000).contains(&told));
    }
}
