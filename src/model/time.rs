//! Moments and windows. Time is an argument everywhere below the edges: nothing here asks what
//! time it is.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A moment, to the millisecond, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A span with a start and an end; the end is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    starts_at: Timestamp,
    ends_at: Timestamp,
}

/// Why a text or a pair of moments makes no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not RFC 3339, or outside the years that can be written.
    #[error("the time is not in RFC 3339 form, such as 2026-11-24T09:00:00Z")]
    Text,
    /// Behind the last moment that can be written.
    #[error("the time lies too far ahead: the last is 9999-12-30T22:00:00Z")]
    Far,
    /// A window that ends before, or as, it starts.
    #[error("the end is not after the start")]
    Empty,
}

impl Timestamp {
    /// From milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Timestamp {
        Timestamp(millis)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// This moment and a span more.
    #[must_use]
    pub fn plus(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This moment and a span less.
    #[must_use]
    pub fn minus(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long from `earlier` until this moment; zero when it is not later.
    #[must_use]
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The day in UTC, as `2026-11-24`: the name of an audit folder.
    #[must_use]
    pub fn day(self) -> String {
        let mut text = self.to_string();
        text.truncate(10);
        text
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Timestamp, TimeError> {
        let is_moment = || text.trim_end_matches(['Z', 'z']).parse::<jiff::civil::DateTime>().is_ok();
        let is_far = || text.starts_with("9999-12-3") && is_moment();
        let wrong = |_| if is_far() { TimeError::Far } else { TimeError::Text };
        let parsed: jiff::Timestamp = text.parse().map_err(wrong)?;
        Ok(Timestamp(parsed.as_millisecond()))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with milliseconds: `2026-11-24T09:14:03.123Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clamped =
            self.0.clamp(jiff::Timestamp::MIN.as_millisecond(), jiff::Timestamp::MAX.as_millisecond());
        match jiff::Timestamp::from_millisecond(clamped) {
            Ok(moment) => write!(f, "{moment:.3}"),
            Err(_) => f.write_str("unknown"),
        }
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Window {
    /// A window from `starts_at` up to, not including, `ends_at`.
    ///
    /// # Errors
    /// [`TimeError::Empty`] when it would hold no moment.
    pub fn new(starts_at: Timestamp, ends_at: Timestamp) -> Result<Window, TimeError> {
        if ends_at <= starts_at {
            return Err(TimeError::Empty);
        }
        Ok(Window { starts_at, ends_at })
    }

    /// The first moment inside.
    #[must_use]
    pub fn starts_at(self) -> Timestamp {
        self.starts_at
    }

    /// The first moment no longer inside.
    #[must_use]
    pub fn ends_at(self) -> Timestamp {
        self.ends_at
    }

    /// How long it is.
    #[must_use]
    pub fn length(self) -> Duration {
        self.ends_at.since(self.starts_at)
    }

    /// Whether `now` is inside.
    #[must_use]
    pub fn contains(self, now: Timestamp) -> bool {
        self.starts_at <= now && now < self.ends_at
    }

    /// The next moment after `now` at which this window opens or closes.
    #[must_use]
    pub fn next_change(self, now: Timestamp) -> Option<Timestamp> {
        [self.starts_at, self.ends_at].into_iter().find(|edge| *edge > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_moment_is_written_in_utc_to_the_millisecond() {
        assert_eq!(at("2026-11-24T10:14:03.1234+01:00").to_string(), "2026-11-24T09:14:03.123Z");
        assert_eq!(at("2026-11-24T09:00:00Z").day(), "2026-11-24");
        assert_eq!("yesterday".parse::<Timestamp>(), Err(TimeError::Text));
        assert_eq!("9999-12-31T23:59:59Z".parse::<Timestamp>(), Err(TimeError::Far));
        assert_eq!("9999-12-31T23:59:61".parse::<Timestamp>(), Err(TimeError::Text));
    }

    #[test]
    fn a_window_opens_at_its_start_and_is_shut_at_its_end() {
        let (nine, ten) = (at("2026-11-24T09:00:00Z"), at("2026-11-24T10:00:00Z"));
        let window = Window::new(nine, ten).unwrap();
        let before = at("2026-11-24T08:59:59.999Z");
        assert!(window.contains(nine) && !window.contains(ten) && !window.contains(before));
        assert_eq!(window.next_change(before), Some(nine));
        assert_eq!(window.next_change(nine), Some(ten));
        assert_eq!(window.next_change(ten), None);
        assert_eq!(Window::new(ten, ten), Err(TimeError::Empty));
    }
}
