//! The school's calendar: terms, holidays, lessons, and weekly hours by the clock on the wall.
//!
//! **Invariant:** hours are the wall clock's. Where the clocks go back, what the clock shows twice
//! holds twice; where they go forward, what it never shows never holds.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use crate::model::Timestamp;
use crate::policy::draft::Draft;

const MINUTE: u32 = 60_000;
/// A day of the wall clock, in milliseconds.
const DAY: u32 = 24 * 60 * MINUTE;
const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// When it is term and when each lesson is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    /// The terms. A school that names none is in term always, but for its holidays.
    pub terms: Vec<Period>,
    /// The holidays; an inset day is one of a single day. One outside every term changes nothing.
    pub holidays: Vec<Period>,
    /// The lessons of a week in term.
    pub lessons: Vec<Lesson>,
}

/// Some days in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its name for people: `Autumn`.
    pub name: String,
    /// Its first day.
    pub from: Date,
    /// Its last day, which belongs to it.
    pub to: Date,
}

/// A lesson of the week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lesson {
    /// Its id: `p1`.
    pub id: String,
    /// Its name for people: `Period 1`.
    pub name: String,
    /// When it is.
    pub hours: Hours,
}

/// Hours of some days of the week, by the clock on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    days: Days,
    from: ClockTime,
    to: ClockTime,
}

/// Days of the week; the days on which something starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Days(u8);

/// A day of the week, as `mon`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day(Weekday);

/// A time of day in minutes, from 00:00 to 24:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClockTime(u16);

/// What the clock on the wall shows at one moment.
#[derive(Clone, Copy)]
pub(super) struct Wall {
    date: Date,
    /// Milliseconds since it showed 00:00.
    time: u32,
}

/// The days in term: the days at which it begins and ends, in turn.
#[derive(Default)]
pub(super) struct TermDays(Vec<Date>);

impl Calendar {
    pub(super) fn term_days(&self) -> TermDays {
        let mut spans: Vec<(Date, Date)> = self.terms.iter().map(Period::span).collect();
        if self.terms.is_empty() {
            spans.push((Date::MIN, Date::MAX));
        }
        spans.sort_unstable();
        for (from, after) in self.holidays.iter().map(Period::span) {
            let around = |span: (Date, Date)| [(span.0, span.1.min(from)), (span.0.max(after), span.1)];
            spans = spans.into_iter().flat_map(around).filter(|(first, after)| first < after).collect();
        }
        TermDays(spans.into_iter().flat_map(|(first, after)| [first, after]).collect())
    }
}

impl Period {
    /// The first day, and the first that is no longer part of it.
    fn span(&self) -> (Date, Date) {
        (self.from, self.to.tomorrow().unwrap_or(Date::MAX))
    }
}

impl TermDays {
    pub(super) fn contain(&self, date: Date) -> bool {
        self.0.partition_point(|edge| *edge <= date) % 2 == 1
    }
}

impl Draft {
    /// The lesson that `now` lies in, and when it ends: in term alone. Of several at once, the one
    /// that ends first.
    #[must_use]
    pub fn lesson_end(&self, now: Timestamp, zone: &TimeZone) -> Option<(&Lesson, Timestamp)> {
        let (wall, term) = (Wall::at(now, zone), self.calendar.term_days());
        let running = self.calendar.lessons.iter().filter_map(|lesson| {
            let end = lesson.hours.running(wall, |date| term.contain(date))?;
            Some((lesson, wall.reached(end, now, zone)))
        });
        running.min_by_key(|(_, end)| *end)
    }
}

impl Hours {
    /// The hours from `from` up to `to` on each of `days`; over midnight where `to` is the earlier.
    ///
    /// # Errors
    /// A sentence, where that would be no time at all or every moment.
    pub fn new(days: Days, from: ClockTime, to: ClockTime) -> Result<Hours, String> {
        if days == Days::default() {
            return Err("no day is named, so it would never be".to_owned());
        }
        let round = from.0 == 24 * 60 && to.0 == 0;
        if from == to || round {
            return Err(format!("it starts and ends at {from}: a whole day is from 00:00 to 24:00"));
        }
        Ok(Hours { days, from, to })
    }

    /// Whether they end on the day after the one that they start on.
    #[must_use]
    pub fn pass_midnight(self) -> bool {
        self.to < self.from
    }

    /// When these hours end, as a time of today that may lie beyond 24:00, if they are running. They
    /// belong to the day that they start on; `counts` says which days count.
    pub(super) fn running(self, wall: Wall, counts: impl Fn(Date) -> bool) -> Option<u32> {
        let mut edges = self.spans(wall, &counts);
        edges.find(|(from, to)| *from <= wall.time && wall.time < *to).map(|(_, to)| to)
    }

    /// The next time of today at which these hours begin or end.
    pub(super) fn next_edge(self, wall: Wall, counts: impl Fn(Date) -> bool) -> Option<u32> {
        self.spans(wall, &counts).flat_map(|(from, to)| [from, to]).filter(|edge| *edge > wall.time).min()
    }

    /// From when to when they are today: what began yesterday, and what begins today.
    fn spans(self, wall: Wall, counts: &impl Fn(Date) -> bool) -> impl Iterator<Item = (u32, u32)> {
        let (from, to) = (self.from.millis(), self.to.millis());
        let on = |date: Date| self.days.contain(date.weekday()) && counts(date);
        let since_yesterday = self.pass_midnight() && wall.date.yesterday().is_ok_and(on);
        let end = if self.pass_midnight() { to + DAY } else { to };
        let today = on(wall.date).then_some((from, end));
        since_yesterday.then_some((0, to)).into_iter().chain(today)
    }
}

impl Days {
    /// With one more day.
    #[must_use]
    pub fn with(self, Day(day): Day) -> Days {
        Days(self.0 | bit(day))
    }

    fn contain(self, day: Weekday) -> bool {
        self.0 & bit(day) != 0
    }
}

impl ClockTime {
    fn millis(self) -> u32 {
        u32::from(self.0) * MINUTE
    }
}

impl Wall {
    /// The end of this clock's day.
    pub(super) const MIDNIGHT: u32 = DAY;

    pub(super) fn at(now: Timestamp, zone: &TimeZone) -> Wall {
        let shown = zone.to_datetime(moment(now));
        let time = shown.time();
        let unsigned = |part: i16| u32::from(part.unsigned_abs());
        let minutes = unsigned(time.hour().into()) * 60 + unsigned(time.minute().into());
        let seconds = minutes * 60 + unsigned(time.second().into());
        Wall { date: shown.date(), time: seconds * 1000 + unsigned(time.millisecond()) }
    }

    /// The moment at which this clock will show `time` of its day, or at which it is put forward or
    /// back, whichever is first: then it must be read again.
    pub(super) fn reached(self, time: u32, now: Timestamp, zone: &TimeZone) -> Timestamp {
        let steady = now.plus(std::time::Duration::from_millis(u64::from(time.saturating_sub(self.time))));
        let here = moment(now);
        if zone.to_offset(here) == zone.to_offset(moment(steady)) {
            return steady;
        }
        let change = zone.following(here).next();
        change
            .map_or(steady, |change| steady.min(Timestamp::from_millis(change.timestamp().as_millisecond())))
    }
}

fn moment(now: Timestamp) -> jiff::Timestamp {
    let (first, last) = (jiff::Timestamp::MIN, jiff::Timestamp::MAX);
    let within = now.as_millis().clamp(first.as_millisecond(), last.as_millisecond());
    jiff::Timestamp::from_millisecond(within).unwrap_or(last)
}

fn bit(day: Weekday) -> u8 {
    1 << day.to_monday_zero_offset()
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Day, String> {
        DAYS.into_iter().find(|(name, _)| *name == text).map(|(_, day)| Day(day)).ok_or_else(|| {
            format!("“{text}” is no day: the days are {}", DAYS.map(|(name, _)| name).join(", "))
        })
    }
}

impl FromStr for ClockTime {
    type Err = String;

    fn from_str(text: &str) -> Result<ClockTime, String> {
        let read = |text: &str| {
            let (hour, minute) = text.split_once(':')?;
            let plain = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            let (hour, minute): (u16, u16) = match plain(hour) && plain(minute) {
                true => (hour.parse().ok()?, minute.parse().ok()?),
                false => return None,
            };
            (minute < 60 && hour * 60 + minute <= 24 * 60).then_some(ClockTime(hour * 60 + minute))
        };
        read(text).ok_or_else(|| format!("“{text}” is no time of day: write it as “09:00”, up to “24:00”"))
    }
}

impl fmt::Display for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl fmt::Display for Hours {
    /// `mon, fri 09:00 to 15:30`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days: Vec<&str> =
            DAYS.into_iter().filter(|(_, day)| self.days.contain(*day)).map(|(name, _)| name).collect();
        write!(f, "{} {} to {}", days.join(", "), self.from, self.to)
    }
}
