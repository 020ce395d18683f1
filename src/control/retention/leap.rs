//! Whether the time can be trusted with a removal: a clock that leapt ahead would forget everything.
//!
//! **Invariant:** the gateway removes nothing by itself on a day that it did not come to by living
//! through those before.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::OptionalExtension;

use crate::control::store::{Store, StoreError};
use crate::control::{Control, ControlError};
use crate::model::Timestamp;

/// How far the time may have moved on since it was last looked at: a gateway may be off for a week.
const LEAP: Duration = Duration::from_secs(7 * 24 * 3600);
/// How far the gateway's time may be ahead of the wall clock.
const AHEAD: Duration = Duration::from_secs(24 * 3600);

impl Control {
    /// When retention last trusted the time; `now`, when it never did.
    ///
    /// # Errors
    /// What the store says.
    pub async fn last_retention(self: &Arc<Self>, now: Timestamp) -> Result<Timestamp, ControlError> {
        Ok(self.on_store(Store::last_retention).await?.unwrap_or(now))
    }

    /// Whether the time has come from `last` to `now` as it should; where not, there is an alarm.
    #[must_use]
    pub fn trusts_time(&self, last: Timestamp, now: Timestamp) -> bool {
        let leap = leap(last, now, self.clock.ahead_of_wall());
        self.health.leapt(leap);
        leap.is_none()
    }
}

impl Store {
    fn last_retention(&self) -> Result<Option<Timestamp>, StoreError> {
        let last =
            self.connection.query_row("SELECT value FROM counters WHERE name = 'retention'", [], |row| {
                row.get(0).map(Timestamp::from_millis)
            });
        Ok(last.optional()?)
    }

    /// Keeps until when the time is trusted.
    pub(super) fn note_retention(&self, now: Timestamp) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO counters (name, value) VALUES ('retention', ?1)
             ON CONFLICT (name) DO UPDATE SET value = ?1",
            [now.as_millis()],
        )?;
        Ok(())
    }
}

/// How far the time has leapt, if it has.
fn leap(last: Timestamp, now: Timestamp, ahead: Duration) -> Option<Duration> {
    let since = now.since(last);
    if since > LEAP { Some(since) } else { (ahead > AHEAD).then_some(ahead) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leap_is_told_from_days_that_were_lived_through() {
        let day = Duration::from_secs(24 * 3600);
        let last: Timestamp = "2026-11-24T09:00:00Z".parse().unwrap();
        for (since, ahead, leapt) in [
            (day, Duration::ZERO, None),
            (day * 7, day, None),
            (day * 8, Duration::ZERO, Some(day * 8)),
            (day * 3650, Duration::ZERO, Some(day * 3650)),
            (day, day * 400, Some(day * 400)),
        ] {
            assert_eq!(leap(last, last.plus(since), ahead), leapt, "{since:?} {ahead:?}");
        }
        assert_eq!(leap(last, last.minus(day * 30), Duration::ZERO), None);
    }
}
