//! A group's timetable: bands of the week in which its internet is off, or some categories are
//! stricter or looser.
//!
//! **Invariant:** of two bands that run at once and contradict each other, the stricter holds.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::model::Timestamp;
use crate::policy::calendar::{Calendar, Hours, TermDays, Wall};
use crate::policy::draft::{CategoryAction, GroupDraft};
use crate::policy::ladder::Case;

/// A band of a group's timetable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// Its id: `lunch`.
    pub id: String,
    /// When it runs.
    pub hours: Hours,
    /// On which days of the year it starts.
    pub when: When,
    /// Whether there is internet at all.
    pub internet: Internet,
    /// The action per category id; another category keeps the group's own.
    pub categories: BTreeMap<String, CategoryAction>,
}

/// The days of the year on which a band starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// In term.
    Term,
    /// Out of term, and in the holidays inside one.
    Holiday,
    /// Both.
    Always,
}

/// Whether a band leaves any internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Internet {
    /// As the rest of the ladder decides.
    AsUsual,
    /// None, but for help lines, unblocks and the school's own allow list.
    Blocked,
}

/// The bands of a group that run at one moment.
#[derive(Clone, Default)]
pub(super) struct Running<'a> {
    pub(super) bands: Vec<&'a Band>,
    /// When that may change.
    pub(super) until: Option<Timestamp>,
}

/// The clock on the school's wall and the days in term, made ready for decisions.
pub(super) struct Clockwork {
    zone: TimeZone,
    term: TermDays,
}

impl Clockwork {
    pub(super) fn new(calendar: &Calendar, zone: TimeZone) -> Clockwork {
        Clockwork { zone, term: calendar.term_days() }
    }

    pub(super) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The bands of a group that run at `now`. A group without a timetable costs nothing.
    pub(super) fn running<'g>(&self, group: &'g GroupDraft, now: Timestamp) -> Running<'g> {
        if group.timetable.is_empty() {
            return Running::default();
        }
        let wall = Wall::at(now, &self.zone);
        let counts = |band: &Band, date: Date| match band.when {
            When::Always => true,
            When::Term => self.term.contain(date),
            When::Holiday => !self.term.contain(date),
        };
        let bands = group.timetable.iter();
        let running =
            bands.clone().filter(|band| band.hours.running(wall, |date| counts(band, date)).is_some());
        let edges = bands.clone().filter_map(|band| band.hours.next_edge(wall, |date| counts(band, date)));
        // Another day has other bands, so the day's end is asked about too.
        let next = edges.fold(Wall::MIDNIGHT, u32::min);
        Running { bands: running.collect(), until: Some(wall.reached(next, now, &self.zone)) }
    }
}

impl<'a> Case<'a> {
    /// The group's action for a category at this moment, and the band that makes it another than
    /// the group's own.
    pub(super) fn action_of(&self, category: &str) -> Option<(CategoryAction, Option<&'a Band>)> {
        let own = self.group.categories.get(category).copied();
        let banded =
            self.running.bands.iter().filter_map(|band| Some((*band.categories.get(category)?, *band)));
        match banded.reduce(|best, next| if next.0 > best.0 { next } else { best }) {
            Some((action, band)) => Some((action, Some(band).filter(|_| own != Some(action)))),
            None => own.map(|action| (action, None)),
        }
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<When, String> {
        match text {
            "term" => Ok(When::Term),
            "holiday" => Ok(When::Holiday),
            "always" => Ok(When::Always),
            _ => Err(format!("“{text}” is no part of the year: write “term”, “holiday” or “always”")),
        }
    }
}

impl FromStr for Internet {
    type Err = String;

    fn from_str(text: &str) -> Result<Internet, String> {
        match text {
            "block" => Ok(Internet::Blocked),
            _ => Err(format!(
                "“{text}” is not what a band does to the internet: write “block”, or leave it out"
            )),
        }
    }
}

impl fmt::Display for Band {
    /// `mon, fri 12:00 to 13:00 in term: games allow`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = match self.when {
            When::Term => "in term",
            When::Holiday => "in the holidays",
            When::Always => "all year",
        };
        write!(f, "{} {when}:", self.hours)?;
        if self.internet == Internet::Blocked {
            write!(f, " internet block")?;
        }
        for (category, action) in &self.categories {
            write!(f, " {category} {}", action.as_str())?;
        }
        Ok(())
    }
}
