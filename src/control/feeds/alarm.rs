//! What is wrong with lists, since when, and when it was mended.

use serde::{Deserialize, Serialize};

use crate::control::feeds::memory::Memory;
use crate::control::feeds::schedule;
use crate::control::lists::Standing;
use crate::lists::statutory::TakenFrom;
use crate::model::Timestamp;
use crate::settings::Source;

/// Something that is wrong with a list, although filtering goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// The list or source: `statutory/iwf`, `ut1`.
    pub list: String,
    /// What is wrong; never a line of the list.
    pub problem: String,
    /// Since when.
    pub since: Timestamp,
}

/// What is other than before.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Changed {
    pub(super) alarms: Vec<Alarm>,
    pub(super) raised: Vec<Alarm>,
    /// The lists of which nothing is wrong any more.
    pub(super) mended: Vec<String>,
}

/// All that is wrong now: list and problem.
pub(super) fn problems(
    sources: &[Source],
    memory: &Memory,
    standing: &[Standing],
    now: Timestamp,
) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for own in standing {
        found.extend(own.problem.clone().map(|problem| (own.id(), problem)));
        let looked = looked(own, memory);
        // A list that is made up for tests grows no older.
        if !own.synthetic && looked.is_some_and(|looked| schedule::is_overdue(looked, now)) {
            found.push((own.id(), "it was not refreshed for more than 24 hours".to_owned()));
        }
    }
    for source in sources {
        let Some(seen) = memory.seen(source) else { continue };
        found.extend(seen.problem.clone().map(|problem| (source.id(), problem)));
        if seen.waiting {
            let problem = "what was fetched is not in force: reading the lists anew failed";
            found.push((source.id(), problem.to_owned()));
        }
    }
    found
}

/// When a statutory list was last looked at with success: its source, else its file.
pub(super) fn looked(own: &Standing, memory: &Memory) -> Option<Timestamp> {
    let source = match own.from {
        TakenFrom::Source => memory.sources.get(&own.id()).and_then(|seen| seen.looked),
        TakenFrom::Slot => None,
    };
    source.max(own.taken)
}

/// What has come and what has gone.
pub(super) fn reconcile(before: &[Alarm], problems: Vec<(String, String)>, now: Timestamp) -> Changed {
    let mut changed = Changed { alarms: Vec::new(), raised: Vec::new(), mended: Vec::new() };
    for (list, problem) in problems {
        let known = before.iter().find(|alarm| alarm.list == list && alarm.problem == problem);
        let alarm = known.cloned().unwrap_or(Alarm { list, problem, since: now });
        if known.is_none() {
            changed.raised.push(alarm.clone());
        }
        changed.alarms.push(alarm);
    }
    for alarm in before {
        let is_on = changed.alarms.iter().any(|other| other.list == alarm.list);
        if !is_on && !changed.mended.contains(&alarm.list) {
            changed.mended.push(alarm.list.clone());
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn problem(list: &str, problem: &str) -> (String, String) {
        (list.to_owned(), problem.to_owned())
    }

    #[test]
    fn an_alarm_keeps_its_beginning_and_is_told_once() {
        let first = reconcile(&[], vec![problem("a", "x"), problem("b", "y")], at(1));
        assert_eq!((first.raised.len(), first.mended.len()), (2, 0));
        let second = reconcile(&first.alarms, vec![problem("a", "x"), problem("b", "z")], at(2));
        assert_eq!(second.alarms[0].since, at(1));
        assert_eq!(second.raised, [Alarm { list: "b".into(), problem: "z".into(), since: at(2) }]);
        assert!(second.mended.is_empty(), "another problem is no mending");
        let third = reconcile(&second.alarms, vec![problem("b", "z")], at(3));
        assert_eq!((third.mended, third.raised), (vec!["a".to_owned()], Vec::new()));
        let fourth = reconcile(&third.alarms, Vec::new(), at(4));
        assert_eq!((fourth.mended, fourth.alarms), (vec!["b".to_owned()], Vec::new()));
    }

    #[test]
    fn statutory_lists_grow_old_by_the_clock_and_test_lists_do_not() {
        let day = 24 * 3600 * 1000;
        let own =
            |synthetic, from, taken: Option<i64>| Standing::for_test("iwf", from, synthetic, taken.map(at));
        let cases = [
            (own(false, TakenFrom::Slot, Some(0)), None, day, 0),
            (own(false, TakenFrom::Slot, Some(0)), None, day + 1, 1),
            (own(true, TakenFrom::Slot, Some(0)), None, day + 1, 0),
            (own(false, TakenFrom::Slot, None), None, day + 1, 0),
            (own(false, TakenFrom::Source, Some(0)), Some(5), day + 5, 0),
            (own(false, TakenFrom::Source, Some(0)), Some(5), day + 6, 1),
            (own(false, TakenFrom::Source, Some(0)), None, day + 1, 1),
            // What a source of that name once did makes no file younger.
            (own(false, TakenFrom::Slot, Some(0)), Some(5), day + 2, 1),
        ];
        for (own, looked, now, expected) in cases {
            let mut memory = Memory::default();
            memory.sources.entry("statutory/iwf".to_owned()).or_default().looked = looked.map(at);
            let found = problems(&[], &memory, std::slice::from_ref(&own), at(now));
            assert_eq!(found.len(), expected, "{own:?} {now}");
        }
    }
}
