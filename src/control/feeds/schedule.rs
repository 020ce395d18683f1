//! When a source is looked at next, and what is too old: functions of the time alone.

use std::time::Duration;

use crate::model::Timestamp;

/// A statutory list is looked at twice a day; one that was not for this long raises an alarm.
pub const STATUTORY_MAX_AGE: Duration = Duration::from_secs(24 * 3600);
/// How long after the first failure it is tried again; each further one doubles it.
const RETRY: Duration = Duration::from_secs(5 * 60);

/// When a source that was looked at `at` is to be looked at next, after so many failures in a row.
///
/// `spread` is any number that differs from box to box and from time to time: by it, up to a
/// tenth of the wait is left out, so that a thousand schools don't ask in the same second.
#[must_use]
pub fn next_look(at: Timestamp, every: Duration, failures: u32, spread: u64) -> Timestamp {
    let wait = match failures.checked_sub(1) {
        None => every,
        Some(doublings) => RETRY.saturating_mul(1 << doublings.min(16)).min(every),
    };
    let left_out = u32::try_from(spread % 1000).unwrap_or_default();
    at.plus(wait - wait / 10 * left_out / 1000)
}

/// Whether a statutory list that was last looked at then is too old.
#[must_use]
pub fn is_overdue(looked: Timestamp, now: Timestamp) -> bool {
    now.since(looked) > STATUTORY_MAX_AGE
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3600;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(0).plus(Duration::from_secs(seconds))
    }

    #[test]
    fn the_next_look_comes_in_time_and_after_failures_sooner_and_then_later() {
        let cases = [
            // every, failures, spread, wait in seconds
            (24 * HOUR, 0, 0, 24 * HOUR),
            (24 * HOUR, 0, 1000, 24 * HOUR),
            (24 * HOUR, 0, 500, 24 * HOUR * 95 / 100),
            (6 * HOUR, 0, 999, 19_442),
            (24 * HOUR, 1, 0, 300),
            (24 * HOUR, 2, 0, 600),
            (24 * HOUR, 3, 0, 1200),
            (24 * HOUR, 9, 0, 76_800),
            (24 * HOUR, 10, 0, 24 * HOUR),
            (6 * HOUR, 20, 0, 6 * HOUR),
            (6 * HOUR, u32::MAX, 0, 6 * HOUR),
            (300, 1, 0, 300),
        ];
        for (every, failures, spread, wait) in cases {
            let next = next_look(at(100), Duration::from_secs(every), failures, spread);
            let case = (every, failures, spread);
            assert_eq!(next.since(at(100)).as_secs(), wait, "{case:?}");
        }
    }

    #[test]
    fn no_spread_makes_it_late() {
        for spread in (0..5000).chain([u64::MAX]) {
            let wait = next_look(at(0), Duration::from_secs(HOUR), 0, spread).since(at(0));
            assert!(
                wait <= Duration::from_secs(HOUR) && wait > Duration::from_secs(HOUR * 9 / 10),
                "{spread}"
            );
        }
    }

    #[test]
    fn a_day_is_the_most() {
        let cases = [
            (0, 0, false),
            (0, 24 * HOUR, false),
            (0, 24 * HOUR + 1, true),
            (HOUR, 25 * HOUR, false),
            // A clock that was set back makes nothing old.
            (HOUR, 0, false),
        ];
        for (looked, now, overdue) in cases {
            assert_eq!(is_overdue(at(looked), at(now)), overdue, "{looked} {now}");
        }
    }
}
