//! Temporary unblocks in the store.

use std::time::Duration;

use rusqlite::params_from_iter;
use serde_json::json;
use uuid::Uuid;

use crate::control::journal::{Put, Table};
use crate::control::requests::is_same_reason;
use crate::control::store::{Cells, Store, StoreError, one_of};
use crate::model::{Role, StaffName, Timestamp, Window};
use crate::policy::{Audience, DECIDERS, Decided, State, Target, Unblock};

mod dependencies;
mod report;
mod suggestions;
mod usage;

pub use dependencies::{Dependency, Look, Whom};
pub use suggestions::{REVIEWERS, Suggested, Suggestion};
pub use usage::{Others, Used, User};

/// An unblock with the history of it that policy does not need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What policy reads.
    pub unblock: Unblock,
    /// Who decided, once somebody has.
    pub decided_by: Option<StaffName>,
    /// What they said.
    pub comment: Option<String>,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// The last state that the audit trail was told.
    pub announced: State,
    /// When it ended, if it was open before.
    pub ended_at: Option<Timestamp>,
    /// Whether the same person gave the same reason for something else in the 30 days before.
    pub repeated_reason: bool,
    /// Whether the trail has the report of what it was used for.
    pub report: Report,
}

/// The report that closes an unblock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// It is not over, or nothing was ever open.
    NotDue,
    /// It was open and is over; nobody has counted yet.
    Due,
    /// It is in the trail.
    Made,
}

/// How far back a reason that was given before is looked for.
const REPEATS: Duration = Duration::from_secs(30 * 24 * 3600);

const COLUMNS: &str = "id, target, audience, starts_at, ends_at, reason, lesson, requester, decided, decided_by, \
                       comment, announced, asked_at, rules";
const DECIDED: [Decided; 4] = [Decided::Awaited, Decided::Approved, Decided::Refused, Decided::Revoked];

/// Each with the index for it: by itself, the store would rather go through every unblock that is over.
const OPEN: &str = "SELECT {} FROM unblocks INDEXED BY unblocks_open
                    WHERE announced NOT IN ('ended', 'refused') ORDER BY id";
const UNREPORTED: &str = "SELECT {} FROM unblocks INDEXED BY unblocks_unreported
                          WHERE announced = 'ended' AND json_extract(rules, '$.report') = 'due'
                          ORDER BY ends_at";
const ASKED_SINCE: &str =
    "SELECT {} FROM unblocks INDEXED BY unblocks_by_time WHERE asked_at >= ?1 ORDER BY id DESC";
const ASKED_BY: &str =
    "SELECT {} FROM unblocks INDEXED BY unblocks_by_time WHERE asked_at >= ?1 AND requester = ?2";

impl Kept {
    /// The same, as `unblock` stands at `now`. What was open and is over is to be reported.
    pub(super) fn moved_to(self, unblock: Unblock, now: Timestamp) -> Kept {
        let announced = unblock.state(now);
        let was_open = self.unblock.decided == Decided::Approved && self.unblock.window.starts_at() < now;
        let over = announced == State::Ended && was_open;
        if over && self.report == Report::NotDue {
            let ended_at = Some(now.min(unblock.window.ends_at()));
            return Kept { unblock, announced, ended_at, report: Report::Due, ..self };
        }
        Kept { unblock, announced, ..self }
    }

    /// The same, with its report made.
    pub(super) fn reported(self) -> Kept {
        Kept { report: Report::Made, ..self }
    }

    /// Its row.
    pub(super) fn put(&self) -> Put {
        let unblock = &self.unblock;
        let audience = json!({
            "groups": unblock.audience.groups, "users": unblock.audience.users, "devices": unblock.audience.devices,
        });
        let also: Vec<String> = unblock.also.iter().map(ToString::to_string).collect();
        let rules = json!({
            "approvers": unblock.approvers, "answer_by": unblock.answer_by, "also": also,
            "repeated_reason": self.repeated_reason, "report": self.report.as_str(),
            "ended_at": self.ended_at,
        });
        Put::new(
            Table::Unblocks,
            [
                ("id", json!(unblock.id)),
                ("target", json!(unblock.target.to_string())),
                ("audience", json!(audience.to_string())),
                ("starts_at", json!(unblock.window.starts_at())),
                ("ends_at", json!(unblock.window.ends_at())),
                ("reason", json!(unblock.justification)),
                ("lesson", json!(unblock.lesson)),
                ("requester", json!(unblock.requester)),
                ("decided", json!(unblock.decided.as_str())),
                ("decided_by", json!(self.decided_by)),
                ("comment", json!(self.comment)),
                ("announced", json!(self.announced.as_str())),
                ("asked_at", json!(self.asked_at)),
                ("rules", json!(rules.to_string())),
            ],
        )
    }
}

impl Report {
    const ALL: [Report; 3] = [Report::NotDue, Report::Due, Report::Made];

    fn as_str(self) -> &'static str {
        match self {
            Report::NotDue => "not_due",
            Report::Due => "due",
            Report::Made => "made",
        }
    }
}

impl Store {
    /// One unblock.
    pub(super) fn unblock(&self, id: Uuid) -> Result<Option<Kept>, StoreError> {
        self.row(&format!("SELECT {COLUMNS} FROM unblocks WHERE id = ?1"), [id.to_string()], read)
    }

    /// All, the newest first.
    pub(super) fn unblocks(&self) -> Result<Vec<Kept>, StoreError> {
        self.select("SELECT {} FROM unblocks ORDER BY id DESC", &[])
    }

    /// Those that are not over, as far as the audit trail knows.
    pub(super) fn open_unblocks(&self) -> Result<Vec<Kept>, StoreError> {
        self.select(OPEN, &[])
    }

    /// Those that are over and whose report is to be made, the first to end first.
    pub(super) fn unreported(&self) -> Result<Vec<Kept>, StoreError> {
        self.select(UNREPORTED, &[])
    }

    /// Whether whoever asks for `unblock` gave its reason for something else not long ago.
    pub(super) fn is_repeated(&self, unblock: &Unblock, now: Timestamp) -> Result<bool, StoreError> {
        let since = now.minus(REPEATS);
        let before = self.select(ASKED_BY, &[&since.to_string(), unblock.requester.as_str()])?;
        Ok(before.iter().any(|kept| {
            kept.unblock.target != unblock.target
                && is_same_reason(&kept.unblock.justification, &unblock.justification)
        }))
    }

    /// Those that were asked for at `since` or later.
    pub(super) fn asked_since(&self, since: Timestamp) -> Result<Vec<Kept>, StoreError> {
        self.select(ASKED_SINCE, &[&since.to_string()])
    }

    fn select(&self, query: &str, values: &[&str]) -> Result<Vec<Kept>, StoreError> {
        self.rows(&query.replace("{}", COLUMNS), params_from_iter(values), read)
    }
}

fn read(cells: Cells<'_>) -> Result<Kept, StoreError> {
    let rules = rules(&cells.text(13)?)?;
    let also = rules.also.iter().map(|text| Target::parse(text)).collect::<Result<_, _>>();
    let (starts_at, ends_at) = (cells.time(3)?, cells.time(4)?);
    let unblock = Unblock {
        id: cells.id(0)?,
        target: cells.target(1)?,
        also: also.map_err(|_| StoreError::Unreadable("target"))?,
        audience: audience(&cells.text(2)?)?,
        window: Window::new(starts_at, ends_at).map_err(|_| StoreError::Unreadable("window"))?,
        justification: cells.reason(5)?,
        lesson: cells.cell(6)?,
        requester: cells.name(7)?,
        approvers: rules.approvers.unwrap_or_else(|| DECIDERS.to_vec()),
        answer_by: rules.answer_by.unwrap_or(ends_at),
        decided: cells.word(8, (&DECIDED, Decided::as_str), "decision")?,
    };
    let report = rules.report.and_then(|text| one_of(&Report::ALL, Report::as_str, &text));
    Ok(Kept {
        unblock,
        decided_by: cells.name_if(9)?,
        comment: cells.cell(10)?,
        announced: cells.word(11, (&State::ALL, State::as_str), "state")?,
        asked_at: cells.time(12)?,
        ended_at: rules.ended_at,
        repeated_reason: rules.repeated_reason,
        report: report.unwrap_or(Report::Made),
    })
}

fn audience(text: &str) -> Result<Audience, StoreError> {
    #[derive(serde::Deserialize)]
    struct Stored {
        groups: Vec<crate::model::GroupName>,
        users: Vec<crate::model::UserName>,
        devices: Vec<crate::model::DeviceName>,
    }
    let Stored { groups, users, devices } =
        serde_json::from_str(text).map_err(|_| StoreError::Unreadable("audience"))?;
    Ok(Audience { groups, users, devices })
}

/// What stands in `rules`. A row without approvers is of before there were rules; one without a
/// report is of before there were reports.
#[derive(serde::Deserialize)]
struct Rules {
    approvers: Option<Vec<Role>>,
    answer_by: Option<Timestamp>,
    #[serde(default)]
    also: Vec<String>,
    #[serde(default)]
    repeated_reason: bool,
    report: Option<String>,
    ended_at: Option<Timestamp>,
}

fn rules(text: &str) -> Result<Rules, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Unreadable("rule"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of before there were rules: who answers for filtering may approve it, until its end.
    #[test]
    fn an_older_row_reads_with_the_rules_of_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state.db")).unwrap();
        let id = Uuid::now_v7();
        store
            .connection
            .execute_batch(&format!(
                "INSERT INTO staff (name, roles, added_at) VALUES ('m.jones', 'teacher', '2026-11-24T08:00:00Z');
                 INSERT INTO unblocks (id, target, audience, starts_at, ends_at, reason, requester, decided,
                                       announced, asked_at)
                 VALUES ('{id}', 'games.example', '{{\"groups\":[\"ks2\"],\"users\":[],\"devices\":[]}}',
                         '2026-11-24T09:00:00Z', '2026-11-24T10:00:00Z', 'chess club tournament practice',
                         'm.jones', 'awaited', 'pending', '2026-11-24T08:30:00Z');"
            ))
            .unwrap();
        let old = store.unblock(id).unwrap().unwrap();
        assert_eq!(old.unblock.approvers, DECIDERS);
        assert_eq!(old.unblock.answer_by, old.unblock.window.ends_at());

        let asked_at = old.asked_at;
        let unblock =
            Unblock { approvers: vec![Role::Headteacher], answer_by: asked_at, ..old.unblock.clone() };
        let kept = Kept { unblock, ..old };
        store.put(&kept.put()).unwrap();
        assert_eq!(store.unblock(id).unwrap(), Some(kept));
    }

    /// What is asked at every step of the clock looks at what it is for and at nothing else.
    #[test]
    fn what_is_over_and_long_ago_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state.db")).unwrap();
        let rows = [
            ("2026-09-01", "a.khan", "ended", "made"),
            ("2026-11-02", "a.khan", "ended", "due"),
            ("2026-11-01", "m.jones", "ended", "due"),
            ("2026-11-03", "m.jones", "refused", "not_due"),
            ("2026-11-04", "m.jones", "active", "due"),
        ];
        let mut text =
            "INSERT INTO staff (name, roles, added_at) VALUES ('a.khan', '', ''), ('m.jones', '', '');"
                .to_owned();
        for (day, requester, announced, report) in rows {
            text += &format!(
                "INSERT INTO unblocks (id, target, audience, starts_at, ends_at, reason, requester, decided,
                                       announced, asked_at, rules)
                 VALUES ('{}', 'games.example', '{{\"groups\":[\"ks2\"],\"users\":[],\"devices\":[]}}',
                         '{day}T09:00:00.000Z', '{day}T10:00:00.000Z', 'chess club tournament practice',
                         '{requester}', 'approved', '{announced}', '{day}T08:00:00.000Z',
                         '{{\"report\":\"{report}\"}}');",
                Uuid::now_v7()
            );
        }
        store.connection.execute_batch(&text).unwrap();
        let days = |kept: Vec<Kept>| -> Vec<String> { kept.iter().map(|kept| kept.asked_at.day()).collect() };
        assert_eq!(days(store.unreported().unwrap()), ["2026-11-01", "2026-11-02"]);
        assert_eq!(days(store.open_unblocks().unwrap()), ["2026-11-04"]);
        let since = "2026-11-02T08:00:00Z".parse().unwrap();
        assert_eq!(days(store.asked_since(since).unwrap()), ["2026-11-04", "2026-11-03", "2026-11-02"]);
        for (query, values) in [(OPEN, 0), (UNREPORTED, 0), (ASKED_SINCE, 1), (ASKED_BY, 2)] {
            let query = format!("EXPLAIN QUERY PLAN {}", query.replace("{}", COLUMNS));
            let mut plan = store.connection.prepare(&query).unwrap();
            let values = params_from_iter(std::iter::repeat_n("2026", values));
            let step: String = plan.query_row(values, |row| row.get(3)).unwrap();
            assert!(step.contains("USING INDEX unblocks_"), "{query}: {step}");
        }
    }
}
