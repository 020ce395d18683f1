//! Alerts in the store.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};
use serde_json::json;
use uuid::Uuid;

use crate::control::alerts::alert::{About, AlertState, KeptAlert};
use crate::control::alerts::sighting::{Person, Sighting};
use crate::control::journal::{Put, Table};
use crate::control::store::{Cells, Store, StoreError};
use crate::model::{StaffName, Theme, Timestamp};

const ALERT: &str = "id, theme, severity, about, person, filter_group, state, false_positive, rule, count, \
                     first_at, last_at, last_seq, told_at, escalated, seen_at, closed_at";
/// Most events of an alert that are kept one by one, the newest; older ones are counted.
const MOST_EVENTS: u64 = 1000;
/// How long a blocked try counts.
pub(super) const TRIES: Duration = Duration::from_secs(600);

/// What somebody, or the clock, did about an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertStep {
    /// UUIDv7.
    pub id: Uuid,
    /// Which alert.
    pub alert: Uuid,
    /// `alert.seen`, …
    pub action: String,
    /// Who; none, when it was the gateway.
    pub by: Option<StaffName>,
    /// When.
    pub at: Timestamp,
    /// In their words.
    pub words: Option<String>,
}

impl KeptAlert {
    /// Its row.
    pub(in crate::control) fn put(&self) -> Put {
        let millis = |at: Option<Timestamp>| json!(at.map(Timestamp::as_millis));
        Put::new(
            Table::Alerts,
            [
                ("id", json!(self.id)),
                ("theme", json!(self.theme)),
                ("severity", json!(self.severity)),
                ("about", json!(self.about)),
                ("person", json!(self.person.key())),
                ("filter_group", json!(self.group)),
                ("state", json!(self.state)),
                ("false_positive", json!(self.false_positive)),
                ("rule", json!(self.rule)),
                ("count", json!(self.count)),
                ("first_at", json!(self.first_at.as_millis())),
                ("last_at", json!(self.last_at.as_millis())),
                ("last_seq", json!(self.last_seq)),
                ("told_at", millis(self.told_at)),
                ("escalated", json!(self.escalated)),
                ("seen_at", millis(self.seen_at)),
                ("closed_at", millis(self.closed_at)),
            ],
        )
    }

    /// The row of its last event, in the place of the oldest where it holds so many.
    pub(super) fn event_put(&self) -> Put {
        let (alert, place) = (self.id, self.count % MOST_EVENTS);
        Put::new(
            Table::AlertEvents,
            [
                ("id", json!(format!("{alert}/{place}"))),
                ("alert", json!(alert)),
                ("sequence", json!(self.last_seq)),
            ],
        )
    }
}

impl AlertStep {
    /// Its row.
    pub(super) fn put(&self) -> Put {
        Put::new(
            Table::AlertSteps,
            [
                ("id", json!(self.id)),
                ("alert", json!(self.alert)),
                ("action", json!(self.action)),
                ("by", json!(self.by)),
                ("at", json!(self.at.as_millis())),
                ("words", json!(self.words)),
            ],
        )
    }
}

/// The row of a blocked try: of one host, one a minute.
pub(super) fn try_put(sighting: &Sighting, theme: Theme) -> Put {
    let person = sighting.person.key();
    let host = sighting.host.as_deref().unwrap_or_default();
    let minute = sighting.at.as_millis().div_euclid(60_000);
    Put::new(
        Table::AlertTries,
        [
            ("id", json!(format!("{person} {theme} {host} {minute}"))),
            ("person", json!(person)),
            ("theme", json!(theme)),
            ("at", json!(sighting.at.as_millis())),
        ],
    )
}

/// How far a reader of the trail has read.
pub(in crate::control) fn cursor_put(name: &str, sequence: u64) -> Put {
    Put::new(Table::Cursors, [("name", json!(name)), ("value", json!(sequence))])
}

impl Store {
    /// How far a reader of the trail has read; none before it began.
    pub(in crate::control) fn cursor(&self, name: &str) -> Result<Option<u64>, StoreError> {
        let found: Option<i64> = self
            .connection
            .prepare_cached("SELECT value FROM cursors WHERE name = ?1")?
            .query_row([name], |row| row.get(0))
            .optional()?;
        found.map(|value| u64::try_from(value).map_err(|_| StoreError::Unreadable("cursor"))).transpose()
    }

    /// One alert.
    pub(in crate::control) fn alert(&self, id: Uuid) -> Result<Option<KeptAlert>, StoreError> {
        Ok(self.alerts_where("id = ?1", &id.to_string())?.pop())
    }

    /// All alerts, the newest first.
    pub(in crate::control) fn alerts(&self) -> Result<Vec<KeptAlert>, StoreError> {
        self.alerts_where("?1 = ?1", "")
    }

    /// The alerts that nobody has looked at.
    pub(super) fn new_alerts(&self) -> Result<Vec<KeptAlert>, StoreError> {
        self.alerts_where("state = ?1", AlertState::New.as_str())
    }

    /// The last alert of a person and theme that is told to the same people: the one that is open, or
    /// was closed last. A device may be a pupil's now and was a teacher's before.
    pub(super) fn last_alert(
        &self,
        person: &Person,
        theme: Theme,
        about: About,
    ) -> Result<Option<KeptAlert>, StoreError> {
        let query = format!(
            "SELECT {ALERT} FROM alerts WHERE person = ?1 AND theme = ?2 AND about = ?3
             ORDER BY closed_at IS NOT NULL, closed_at DESC LIMIT 1"
        );
        self.row(&query, params![person.key(), theme.as_str(), about.as_str()], alert)
    }

    /// The sequences of an alert's last events, the newest first.
    pub(super) fn alert_events(&self, id: Uuid, most: usize) -> Result<Vec<u64>, StoreError> {
        let query = "SELECT sequence FROM alert_events WHERE alert = ?1 ORDER BY sequence DESC LIMIT ?2";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.rows(query, params![id.to_string(), most], |cells| cells.count(0))
    }

    /// What was done about an alert, in order.
    pub(super) fn alert_steps(&self, id: Uuid) -> Result<Vec<AlertStep>, StoreError> {
        let query = "SELECT id, alert, action, by, at, words FROM alert_steps WHERE alert = ?1 ORDER BY id";
        self.rows(query, [id.to_string()], step)
    }

    /// How many blocked tries of a theme somebody made in the ten minutes up to `at`.
    pub(super) fn tries(&self, person: &Person, theme: Theme, at: Timestamp) -> Result<u32, StoreError> {
        let mut query = self.connection.prepare_cached(
            "SELECT count(*) FROM alert_tries WHERE person = ?1 AND theme = ?2 AND at > ?3 AND at <= ?4",
        )?;
        let (from, to) = (at.minus(TRIES).as_millis(), at.as_millis());
        Ok(query.query_row(params![person.key(), theme.as_str(), from, to], |row| row.get(0))?)
    }

    /// Lets go of tries that no longer count.
    pub(super) fn forget_tries(&self, at: Timestamp) -> Result<(), StoreError> {
        let mut query = self.connection.prepare_cached("DELETE FROM alert_tries WHERE at <= ?1")?;
        query.execute([at.minus(TRIES).as_millis()])?;
        Ok(())
    }

    fn alerts_where(&self, condition: &str, value: &str) -> Result<Vec<KeptAlert>, StoreError> {
        self.rows(&format!("SELECT {ALERT} FROM alerts WHERE {condition} ORDER BY id DESC"), [value], alert)
    }
}

fn alert(cells: Cells<'_>) -> Result<KeptAlert, StoreError> {
    Ok(KeptAlert {
        id: cells.id(0)?,
        theme: cells.parsed(1, "theme")?,
        severity: cells.parsed(2, "severity")?,
        about: cells.word(3, (&About::ALL, About::as_str), "word")?,
        person: Person::of_key(&cells.text(4)?).ok_or(StoreError::Unreadable("person"))?,
        group: cells.cell(5)?,
        state: cells.word(6, (&AlertState::ALL, AlertState::as_str), "word")?,
        false_positive: cells.cell(7)?,
        rule: cells.text(8)?,
        count: cells.count(9)?,
        first_at: cells.moment(10)?,
        last_at: cells.moment(11)?,
        last_seq: cells.count(12)?,
        told_at: cells.moment_if(13)?,
        escalated: cells.cell(14)?,
        seen_at: cells.moment_if(15)?,
        closed_at: cells.moment_if(16)?,
    })
}

fn step(cells: Cells<'_>) -> Result<AlertStep, StoreError> {
    Ok(AlertStep {
        id: cells.id(0)?,
        alert: cells.id(1)?,
        action: cells.text(2)?,
        by: cells.name_if(3)?,
        at: cells.moment(4)?,
        words: cells.cell(5)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Severity;

    /// A device in staff's hands in the morning, in a pupil's in the afternoon.
    #[test]
    fn an_open_alert_on_staff_takes_in_nothing_of_a_pupil_on_the_same_device() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state.db")).unwrap();
        let at = Timestamp::from_millis(0);
        let on_staff = KeptAlert {
            id: Uuid::now_v7(),
            theme: Theme::SelfHarm,
            severity: Severity::Danger,
            about: About::Staff,
            person: Person::Device("CB-2-017".to_owned()),
            group: None,
            state: AlertState::New,
            false_positive: false,
            rule: "search_term:suicide".to_owned(),
            count: 1,
            first_at: at,
            last_at: at,
            last_seq: 1,
            told_at: Some(at),
            escalated: 0,
            seen_at: None,
            closed_at: None,
        };
        store.put(&on_staff.put()).unwrap();
        let last = |about| store.last_alert(&on_staff.person, Theme::SelfHarm, about).unwrap();
        assert_eq!(last(About::Pupil), None, "theirs is another, and their lead is told");
        assert_eq!(last(About::Staff).as_ref(), Some(&on_staff));
    }
}
