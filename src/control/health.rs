//! How the machine is: its clock, the room on the disk of the record, and whether retention may go on.
//!
//! **Invariant:** what begins to be wrong, and what stops to be, is recorded once each.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::audit::{Act, Actor, Entry};
use crate::control::feeds::Alarm;
use crate::control::{Control, ControlError};

/// How far the gateway's time may be ahead of the wall clock before it is said.
const CLOCK: Duration = Duration::from_secs(60);
/// How much room the disk of the record should have, in bytes.
const ROOM: u64 = 1 << 30;

/// What was wrong when it was last looked at.
#[derive(Default)]
pub(super) struct Health {
    alarms: Mutex<Vec<Alarm>>,
    /// How far the time has leapt, which stops retention.
    leap: Mutex<Option<Duration>>,
}

/// Something that may be wrong with the machine.
struct Condition {
    /// What the alarm is of.
    name: &'static str,
    /// What the record says when it begins, and when it ends.
    actions: [&'static str; 2],
    /// What is wrong, where it is, and how much of it there is.
    found: Option<(String, u64)>,
}

impl Control {
    /// What is wrong with the machine; what is other than at the last look is recorded.
    ///
    /// # Errors
    /// When it can't be recorded; the next look tries again.
    pub async fn look_after_machine(&self) -> Result<Vec<Alarm>, ControlError> {
        let before = self.health.standing();
        let mut after = Vec::new();
        for condition in [self.clock_behind(), self.room_short(), self.retention_stopped()] {
            let stood = before.iter().find(|alarm| alarm.list == condition.name);
            let [begins, ends] = condition.actions;
            match (stood, condition.found) {
                (None, Some((problem, amount))) => {
                    self.record(told(begins, &problem, amount)).await?;
                    after.push(Alarm { list: condition.name.to_owned(), problem, since: self.now() });
                }
                (Some(stood), Some((problem, _))) => after.push(Alarm { problem, ..stood.clone() }),
                (Some(stood), None) => {
                    self.record(told(ends, &stood.problem, 0)).await?;
                }
                (None, None) => {}
            }
        }
        self.health.stands(after.clone());
        Ok(after)
    }

    fn clock_behind(&self) -> Condition {
        let ahead = self.clock.ahead_of_wall();
        self.metrics.clock_ahead_seconds(ahead);
        let problem = || {
            let seconds = ahead.as_secs();
            (format!("the machine's clock is {seconds} s behind the record: is the time right?"), seconds)
        };
        let found = (ahead > CLOCK).then(problem);
        Condition { name: "clock", actions: ["clock.behind", "clock.agrees"], found }
    }

    fn room_short(&self) -> Condition {
        let free = self.recorder.free_bytes().unwrap_or(u64::MAX);
        self.metrics.audit_free_bytes(free);
        let problem = || {
            let text = format!("{} MiB are left on the disk of the record: make room", free >> 20);
            (text, free)
        };
        let found = (free < ROOM).then(problem);
        Condition { name: "disk", actions: ["disk.short", "disk.enough"], found }
    }

    fn retention_stopped(&self) -> Condition {
        let found = self.health.leap().map(|leap| {
            let days = leap.as_secs() / (24 * 3600);
            let problem = format!(
                "the time has leapt by {days} days, so nothing past its time is removed: set the clock right, \
                 or, if it is right, stop the gateway and run schoolgate audit retention"
            );
            (problem, days)
        });
        Condition { name: "retention", actions: ["retention.stopped", "retention.resumed"], found }
    }
}

impl Health {
    fn standing(&self) -> Vec<Alarm> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn stands(&self, alarms: Vec<Alarm>) {
        *self.alarms.lock().unwrap_or_else(PoisonError::into_inner) = alarms;
    }

    /// How far the time has leapt, if it has.
    pub(super) fn leapt(&self, leap: Option<Duration>) {
        *self.leap.lock().unwrap_or_else(PoisonError::into_inner) = leap;
    }

    fn leap(&self) -> Option<Duration> {
        *self.leap.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn told(action: &'static str, problem: &str, amount: u64) -> Entry {
    tracing::warn!(action, problem, "the machine");
    let act = Act::new(Actor::System, action).with("problem", problem).with("amount", amount);
    Entry::System(act)
}
