//! The days of the school's clock that a report is about.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};

use crate::model::Timestamp;

/// What kind of report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Of a day, for those who look after pupils.
    Daily,
    /// Of a week.
    Weekly,
    /// Of a term, for governors: nobody can be told from it.
    Termly,
}

/// Days from the first up to, not including, the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    /// The first.
    pub from: Date,
    /// The first that is no longer part of it.
    pub to: Date,
}

/// The longest span of a report, in days.
pub const MOST_DAYS: i32 = 400;

impl Kind {
    /// All.
    pub const ALL: [Kind; 3] = [Kind::Daily, Kind::Weekly, Kind::Termly];

    /// As written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Daily => "daily",
            Kind::Weekly => "weekly",
            Kind::Termly => "termly",
        }
    }

    /// The days that such a report is of, when nobody says which: those that are over.
    #[must_use]
    pub fn usual(self, now: Timestamp, zone: &TimeZone) -> Days {
        let today = local(now, zone).date();
        match self {
            Kind::Daily => Days { from: today.saturating_sub(1.day()), to: today },
            Kind::Weekly => {
                let since_monday = i64::from(today.weekday().to_monday_zero_offset());
                let monday = today.saturating_sub(since_monday.days());
                Days { from: monday.saturating_sub(7.days()), to: monday }
            }
            Kind::Termly => {
                let to = today.first_of_month();
                Days { from: to.saturating_sub(3.months()), to }
            }
        }
    }
}

impl Days {
    /// One after the other.
    pub(super) fn each(self) -> impl Iterator<Item = Date> {
        self.from.series(1.day()).take_while(move |day| *day < self.to)
    }

    /// How many.
    #[must_use]
    pub fn count(self) -> i32 {
        self.from.until(self.to).map_or(0, |span| span.get_days())
    }

    /// Whether they are whole months.
    pub(super) fn are_months(self) -> bool {
        self.from.day() == 1 && self.to.day() == 1
    }

    /// When the first begins and the last has ended.
    #[must_use]
    pub fn span(self, zone: &TimeZone) -> (Timestamp, Timestamp) {
        (begin(self.from, zone), begin(self.to, zone))
    }

    /// For people.
    #[must_use]
    pub fn in_words(self) -> String {
        let last = self.to.saturating_sub(1.day());
        let day = |day: Date| day.strftime("%a %-d %b %Y").to_string();
        if last <= self.from { day(self.from) } else { format!("{} to {}", day(self.from), day(last)) }
    }
}

/// When a day begins: not always at midnight where clocks change then.
pub(super) fn begin(day: Date, zone: &TimeZone) -> Timestamp {
    let begun = day.to_zoned(zone.clone()).map(|day| day.timestamp().as_millisecond());
    Timestamp::from_millis(begun.unwrap_or(i64::MAX))
}

/// The day that it is.
pub(super) fn today(now: Timestamp, zone: &TimeZone) -> Date {
    local(now, zone).date()
}

/// Whether the digests of today are due, by the clock on the wall; and whether it is Monday.
pub(super) fn is_due(now: Timestamp, zone: &TimeZone, at: jiff::civil::Time) -> (bool, bool) {
    let now = local(now, zone);
    (now.time() >= at, now.date().weekday() == Weekday::Monday)
}

fn local(now: Timestamp, zone: &TimeZone) -> Zoned {
    let now = jiff::Timestamp::from_millisecond(now.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    now.to_zoned(zone.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn days_are_those_of_the_wall_also_when_clocks_change() {
        let zone = TimeZone::get("Europe/London").unwrap();
        // Clocks went forward at 01:00 UTC on 29 March 2026, and go back on 25 October.
        for (day, hours) in [("2026-03-28", 24), ("2026-03-29", 23), ("2026-10-25", 25)] {
            let from: Date = day.parse().unwrap();
            let (begins, ends) = Days { from, to: from.tomorrow().unwrap() }.span(&zone);
            assert_eq!(ends.since(begins).as_secs(), hours * 3600, "{day}");
        }
        assert_eq!(begin("2026-07-01".parse().unwrap(), &zone), at("2026-06-30T23:00:00Z"));
    }

    #[test]
    fn the_usual_days_are_over() {
        let zone = TimeZone::get("Europe/London").unwrap();
        // 23:30 UTC on Sunday is Monday in summer.
        let now = at("2026-07-05T23:30:00Z");
        let shown = |kind: Kind| kind.usual(now, &zone).in_words();
        assert_eq!(shown(Kind::Daily), "Sun 5 Jul 2026");
        assert_eq!(shown(Kind::Weekly), "Mon 29 Jun 2026 to Sun 5 Jul 2026");
        assert_eq!(shown(Kind::Termly), "Wed 1 Apr 2026 to Tue 30 Jun 2026");
        let seven = jiff::civil::time(7, 30, 0, 0);
        assert_eq!(is_due(at("2026-07-06T06:29:00Z"), &zone, seven), (false, true));
        assert_eq!(is_due(at("2026-07-06T06:30:00Z"), &zone, seven), (true, true));
        assert_eq!(is_due(at("2026-12-01T07:29:00Z"), &zone, seven), (false, false));
    }
}
