//! The keys of times: the school's calendar, and the bands of a group's timetable.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::document::{Faults, Span, Spanned, Table};
use crate::policy::calendar::{Calendar, ClockTime, Day, Days, Hours, Lesson, Period};
use crate::policy::timetable::{Band, Internet, When};

use super::{Known, actions};

/// Reads `[calendar]`.
pub(super) fn read_calendar(root: &mut Table<'_>, faults: &mut Faults) -> Calendar {
    let Some(mut table) = root.table("calendar") else { return Calendar::default() };
    let terms = periods(&mut table, "terms", faults);
    check_overlaps(&terms, faults);
    let holidays = periods(&mut table, "holidays", faults);
    let mut lessons = Vec::new();
    for (id, mut lesson) in table.tables("lessons") {
        let name = lesson.take("name", faults).unwrap_or_else(|| id.value.clone());
        if let Some(hours) = hours(&mut lesson, faults) {
            if hours.pass_midnight() {
                let fault = id.at.fault("the lesson ends before it starts");
                faults.push(fault.help("a lesson ends on the day that it starts on"));
            }
            lessons.push(Lesson { id: id.value, name, hours });
        }
        lesson.finish(faults);
    }
    table.finish(faults);
    let dates = |periods: Vec<(Period, Span)>| periods.into_iter().map(|(period, _)| period).collect();
    Calendar { terms: dates(terms), holidays: dates(holidays), lessons }
}

/// Reads the bands below `[groups.NAME.timetable]`, by their ids.
pub(super) fn read_timetable(
    group: &mut Table<'_>,
    (known, _): Known<'_>,
    faults: &mut Faults,
) -> BTreeMap<String, Band> {
    let mut bands = BTreeMap::new();
    for (id, mut table) in group.tables("timetable") {
        let before = faults.len();
        let hours = hours(&mut table, faults);
        let when = table.take_parsed("when", faults).unwrap_or(When::Always);
        let internet = table.take_parsed("internet", faults);
        let categories = actions(&mut table, known, faults);
        if internet.is_none() && categories.is_empty() && faults.len() == before {
            let fault = id.at.fault(format!("the band “{}” changes nothing", id.value));
            faults.push(fault.help("write internet = \"block\", or actions of categories"));
        }
        table.finish(faults);
        if let Some(hours) = hours {
            let internet = internet.unwrap_or(Internet::AsUsual);
            bands.insert(id.value.clone(), Band { id: id.value, hours, when, internet, categories });
        }
    }
    bands
}

/// Days in a row, with where they are written. A holiday outside every term is no fault: a school
/// copies the council's whole list, the summer included, and out of term it changes nothing.
fn periods(table: &mut Table<'_>, key: &str, faults: &mut Faults) -> Vec<(Period, Span)> {
    let mut periods = Vec::new();
    for mut period in table.array_of_tables(key) {
        let name: Option<String> = period.require("name", faults);
        let at = period.at("to").unwrap_or_else(|| period.header().clone());
        let from: Option<Date> = date(&mut period, "from", faults);
        let to: Option<Date> = date(&mut period, "to", faults);
        period.finish(faults);
        let (Some(name), Some(from), Some(to)) = (name, from, to) else { continue };
        if to < from {
            let fault = at.fault(format!("“{name}” ends before it starts: {to} is before {from}"));
            faults.push(fault.help("both days belong to it; a single day starts and ends on itself"));
            continue;
        }
        periods.push((Period { name, from, to }, at));
    }
    periods
}

fn date(table: &mut Table<'_>, key: &str, faults: &mut Faults) -> Option<Date> {
    let text: Spanned<String> = table.require(key, faults)?;
    // A date that is more than a date (a time, a zone) is a slip too.
    let date = text.value.parse().ok().filter(|date: &Date| date.to_string() == text.value);
    if date.is_none() {
        let fault = text.at.fault(format!("“{}” is no date", text.value));
        faults.push(fault.help("write it as “2026-09-02”"));
    }
    date
}

fn check_overlaps(terms: &[(Period, Span)], faults: &mut Faults) {
    for (number, (term, at)) in terms.iter().enumerate() {
        let clash = terms[..number].iter().find(|(other, _)| term.from <= other.to && other.from <= term.to);
        if let Some((other, _)) = clash {
            faults.push(at.fault(format!("“{}” overlaps “{}”, another term", term.name, other.name)));
        }
    }
}

fn hours(table: &mut Table<'_>, faults: &mut Faults) -> Option<Hours> {
    let (at, before) = (table.at("from").unwrap_or_else(|| table.header().clone()), faults.len());
    let days: Option<Vec<Spanned<Day>>> = table.require_parsed_list("days", faults);
    let from: Option<ClockTime> = table.require_parsed("from", faults);
    let to: Option<ClockTime> = table.require_parsed("to", faults);
    if faults.len() > before {
        return None;
    }
    let days = days?.iter().fold(Days::default(), |days, day| days.with(day.value));
    Hours::new(days, from?, to?).map_err(|problem| faults.push(at.fault(problem))).ok()
}
