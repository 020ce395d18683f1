//! Page views as they are answered: the leading event, with what belongs to it told beside.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::{Value, json};

use crate::audit::pages::{View, Visit, collapse};

/// How many hosts of a view are named.
const HOSTS: usize = 12;

/// Collapses events, which are in the order of the trail, to views: for each its leading event with a
/// member `page`, in the order of the leads. Events without number or time stand alone.
#[must_use]
pub fn shown(events: Vec<Value>) -> Vec<Value> {
    let (visits, mut events): (Vec<Visit>, Vec<Value>) =
        events.into_iter().filter_map(|event| Some((Visit::of(&event)?, event))).unzip();
    let views = collapse(&visits);
    views.into_iter().map(|view| lead(&view, &visits, events[view.lead].take())).collect()
}

/// The events of the view that holds the event of this sequence, in order.
#[must_use]
pub fn holding(events: Vec<Value>, sequence: u64) -> Vec<Value> {
    let (visits, mut events): (Vec<Visit>, Vec<Value>) =
        events.into_iter().filter_map(|event| Some((Visit::of(&event)?, event))).unzip();
    let views = collapse(&visits);
    let found = views.into_iter().find(|view| view.events.iter().any(|at| visits[*at].sequence == sequence));
    found.into_iter().flat_map(|view| view.events).map(|at| events[at].take()).collect()
}

/// The event that leads a view, with the view told in its member `page`.
pub(in crate::audit) fn lead(view: &View, visits: &[Visit], mut lead: Value) -> Value {
    let all = || view.events.iter().map(|at| &visits[*at]);
    let hosts: BTreeSet<&str> = all().filter_map(|visit| visit.host.as_deref()).collect();
    lead["page"] = json!({
        "sequence": visits[view.lead].sequence,
        "events": view.events.len(),
        "records": ranges(all().map(|visit| visit.sequence)),
        "hosts": hosts.iter().take(HOSTS).collect::<Vec<_>>(),
        "further_hosts": hosts.len().saturating_sub(HOSTS),
        "blocked": all().filter(|visit| visit.is_blocked).count(),
        "background": view.background,
        "until": all().next_back().map(|visit| visit.time.to_string()),
        "bytes_down": all().map(|visit| visit.bytes_down).sum::<u64>(),
    });
    lead
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
