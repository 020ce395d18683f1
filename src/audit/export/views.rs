//! Page views as rows: one for what somebody did, instead of one for every event of it.
//!
//! **Invariant:** every event is named in exactly one row, so that its line can be found and checked.

use std::collections::HashMap;
use std::fmt::Write;

use serde_json::Value;
use uuid::Uuid;

use crate::audit::pages::{View, Visit, collapse, lead};

/// The events of which views are to be made, in the order of the trail.
#[derive(Default)]
pub(super) struct Visits {
    visits: Vec<Visit>,
    /// `event.id`, by which ends are found.
    ids: Vec<Option<Uuid>>,
}

/// Views, by the sequences of the events that lead them.
pub(super) struct Views {
    visits: Vec<Visit>,
    views: HashMap<u64, View>,
}

impl Visits {
    /// Takes in an event as it may be shown.
    pub(super) fn add(&mut self, event: &Value, id: Option<Uuid>) {
        if let Some(visit) = Visit::of(event) {
            self.visits.push(visit);
            self.ids.push(id);
        }
    }

    /// Collapses them; `bytes` says how many an access brought, where it has ended.
    pub(super) fn collapse(self, bytes: impl Fn(Uuid) -> Option<u64>) -> Views {
        let Visits { mut visits, ids } = self;
        for (visit, id) in visits.iter_mut().zip(ids) {
            visit.bytes_down = id.and_then(&bytes).unwrap_or(visit.bytes_down);
        }
        let views = collapse(&visits).into_iter().map(|view| (visits[view.lead].sequence, view)).collect();
        Views { visits, views }
    }
}

impl Views {
    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.views.len() as u64
    }

    /// The view that this event leads, as a row; none where it is inside another's.
    pub(super) fn row(&self, sequence: u64, event: Value) -> Option<Value> {
        let Some(view) = self.views.get(&sequence) else {
            return Visit::of(&event).is_none().then_some(event);
        };
        let mut row = lead(view, &self.visits, event);
        row["page"]["records"] = ranges(view.events.iter().map(|at| self.visits[*at].sequence)).into();
        Some(row)
    }
}

/// Numbers that rise: `7, 9–12`.
fn ranges(numbers: impl Iterator<Item = u64>) -> String {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            Some(_) | None => runs.push((number, number)),
        }
    }
    let mut text = String::new();
    for (first, last) in runs {
        let comma = if text.is_empty() { "" } else { ", " };
        // Writing to a text can't fail.
        let _ = match first == last {
            true => write!(text, "{comma}{first}"),
            false => write!(text, "{comma}{first}–{last}"),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_a_row_are_told_as_one() {
        for (numbers, told) in [(&[][..], ""), (&[7], "7"), (&[7, 8], "7–8"), (&[1, 3, 4, 5, 9], "1, 3–5, 9")]
        {
            assert_eq!(ranges(numbers.iter().copied()), told);
        }
    }
}
