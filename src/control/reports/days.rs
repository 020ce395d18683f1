//! The days of the school's clock that a report is about.

use jiff::civil::{Date, Time};
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
                let monday = monday(today);
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
    /// One day alone.
    pub(super) fn of(day: Date) -> Days {
        Days { from: day, to: day.saturating_add(1.day()) }
    }

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

/// The day on which such a digest was due last, by the clock on the wall: today, once it is time. None of
/// a kind that goes out to nobody by itself.
pub(super) fn due(kind: Kind, now: Timestamp, zone: &TimeZone, at: Time) -> Option<Date> {
    let now = local(now, zone);
    let today = now.date();
    let day = if now.time() >= at { today } else { today.saturating_sub(1.day()) };
    match kind {
        Kind::Daily => Some(day),
        Kind::Weekly => Some(monday(day)),
        Kind::Termly => None,
    }
}

/// The days that the digest due on `due` is of, where the one before was due on `last`: all that it did
/// not take in, as far back as is still of use. None where there is nothing to send.
pub(super) fn owed(kind: Kind, due: Date, last: Date) -> Option<Days> {
    let furthest = match kind {
        Kind::Daily => 7,
        Kind::Weekly => 56,
        Kind::Termly => return None,
    };
    (last < due).then(|| Days { from: last.max(due.saturating_sub(furthest.days())), to: due })
}

/// The last Monday up to a day.
fn monday(day: Date) -> Date {
    day.saturating_sub(i64::from(day.weekday().to_monday_zero_offset()).days())
}

fn local(now: Timestamp, zone: &TimeZone) -> Zoned {
    let now = jiff::Timestamp::from_millisecond(now.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    now.to_zoned(zone.clone())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
    }

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn a_digest_is_due_by_the_clock_on_the_wall() {
        let zone = TimeZone::get("Europe/London").unwrap();
        for (now, time, daily, weekly) in [
            // Monday, in summer.
            ("2026-07-06T06:29:59Z", "07:30", "2026-07-05", "2026-06-29"),
            ("2026-07-06T06:30:00Z", "07:30", "2026-07-06", "2026-07-06"),
            ("2026-07-11T22:59:00Z", "07:30", "2026-07-11", "2026-07-06"),
            ("2026-12-01T07:29:00Z", "07:30", "2026-11-30", "2026-11-30"),
            // 01:30 is no time of this day: it comes with 02:00.
            ("2026-03-29T00:59:59Z", "01:30", "2026-03-28", "2026-03-23"),
            ("2026-03-29T01:00:00Z", "01:30", "2026-03-29", "2026-03-23"),
        ] {
            let time = time.parse().unwrap();
            let due = |kind| due(kind, at(now), &zone, time).unwrap();
            assert_eq!((due(Kind::Daily), due(Kind::Weekly)), (day(daily), day(weekly)), "{now}");
        }
        assert_eq!(due(Kind::Termly, at("2026-07-06T06:30:00Z"), &zone, Time::midnight()), None);
    }

    #[test]
    fn what_was_missed_is_owed_once() {
        for (kind, last, due, owed) in [
            (Kind::Daily, "2026-07-05", "2026-07-06", "Sun 5 Jul 2026"),
            (Kind::Daily, "2026-07-03", "2026-07-07", "Fri 3 Jul 2026 to Mon 6 Jul 2026"),
            (Kind::Daily, "2026-01-01", "2026-07-07", "Tue 30 Jun 2026 to Mon 6 Jul 2026"),
            (Kind::Weekly, "2026-06-29", "2026-07-06", "Mon 29 Jun 2026 to Sun 5 Jul 2026"),
            (Kind::Weekly, "2026-06-22", "2026-07-06", "Mon 22 Jun 2026 to Sun 5 Jul 2026"),
            (Kind::Weekly, "2020-01-06", "2026-07-06", "Mon 11 May 2026 to Sun 5 Jul 2026"),
        ] {
            let found = super::owed(kind, day(due), day(last)).unwrap();
            assert_eq!(found.in_words(), owed);
            assert_eq!(super::owed(kind, day(due), day(due)), None, "nothing twice");
        }
    }

    /// Every day is in exactly one digest, whenever the gateway runs; also where clocks change, or a clock
    /// steps back for a while.
    #[test]
    fn no_day_is_left_out_and_none_told_twice() {
        let (zone, half_past_one) = (TimeZone::get("Europe/London").unwrap(), jiff::civil::time(1, 30, 0, 0));
        for kind in [Kind::Daily, Kind::Weekly] {
            let begun = at("2026-03-20T12:00:00Z");
            let (mut last, mut told) = (due(kind, begun, &zone, half_past_one).unwrap(), Vec::new());
            let first = last;
            for hours in 0..24 * 60 {
                let stepped = if (500..510).contains(&hours) { 30 } else { 0 };
                let is_down = (100..200).contains(&hours) || hours % 50 > 30;
                let now = begun.plus(Duration::from_secs(3600 * (hours - stepped)));
                let due = due(kind, now, &zone, half_past_one).unwrap();
                if let Some(days) = owed(kind, due, last).filter(|_| !is_down) {
                    told.extend(days.each());
                    last = due;
                }
            }
            let expected: Vec<Date> = Days { from: first, to: last }.each().collect();
            assert_eq!(told, expected);
            assert!(told.len() > 45, "{}", told.len());
        }
    }
}
