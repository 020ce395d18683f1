//! What waits to go out, in the store.

use std::time::Duration;

use rusqlite::{Row, params};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::control::feeds::Alarm;
use crate::control::journal::{Put, Table};
use crate::control::mail::{Channel, fresh_id};
use crate::control::store::{Store, StoreError};
use crate::control::{Control, ControlError};
use crate::model::{Severity, Timestamp};

/// How long something is tried for.
const AT_MOST: Duration = Duration::from_secs(3 * 86_400);
/// How long what was delivered is kept, so that it can be said when it was.
const KEPT: Duration = Duration::from_secs(30 * 86_400);
/// How long a message may wait before it is an alarm.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long after the first, second, … attempt the next one is, in seconds; then always the last.
const BACK_OFF: [u64; 6] = [2, 5, 15, 30, 120, 600];

/// What waits for one recipient, a danger or not.
pub(in crate::control) struct Waiting {
    recipient: String,
    is_pressing: bool,
    count: usize,
    /// Since when the first does.
    since: Timestamp,
    /// What became of the last attempt at one of them.
    fault: Option<String>,
}

/// Something that goes out.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outgoing {
    pub(super) id: Uuid,
    pub(super) channel: Channel,
    pub(super) recipient: String,
    pub(super) payload: Value,
    pub(super) pressing: bool,
    pub(super) made_at: Timestamp,
    pub(super) attempts: u32,
}

impl Outgoing {
    pub(super) fn new(channel: Channel, recipient: &str, payload: Value, now: Timestamp) -> Outgoing {
        let recipient = recipient.to_owned();
        Outgoing { id: fresh_id(), channel, recipient, payload, pressing: false, made_at: now, attempts: 0 }
    }

    pub(super) fn pressing(self, severity: Severity) -> Outgoing {
        Outgoing { pressing: severity == Severity::Danger, ..self }
    }

    /// Its row.
    pub(super) fn put(&self) -> Put {
        Put::new(
            Table::Outbox,
            [
                ("id", json!(self.id)),
                ("channel", json!(self.channel.as_str())),
                ("recipient", json!(self.recipient)),
                ("payload", json!(self.payload.to_string())),
                ("pressing", json!(self.pressing)),
                ("made_at", json!(self.made_at.as_millis())),
                ("due_at", json!(self.made_at.as_millis())),
                ("attempts", json!(self.attempts)),
            ],
        )
    }

    /// When it is tried again after an attempt at `now` came to nothing; none when it is given up.
    pub(super) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        Some(self.after(now)).filter(|at| *at < self.made_at.plus(AT_MOST))
    }

    /// When it would be tried again after an attempt at `now`.
    fn after(&self, now: Timestamp) -> Timestamp {
        let step = usize::try_from(self.attempts).unwrap_or(usize::MAX).min(BACK_OFF.len() - 1);
        now.plus(Duration::from_secs(BACK_OFF[step]))
    }
}

impl Store {
    /// What is due, a danger first.
    pub(super) fn due(
        &self,
        channel: Channel,
        now: Timestamp,
        most: u32,
    ) -> Result<Vec<Outgoing>, StoreError> {
        let mut query = self.connection.prepare_cached(
            "SELECT id, recipient, payload, pressing, made_at, attempts FROM outbox
             WHERE channel = ?1 AND sent_at IS NULL AND due_at <= ?2
             ORDER BY pressing DESC, due_at, id LIMIT ?3",
        )?;
        let rows = query
            .query_map(params![channel.as_str(), now.as_millis(), most], |row| Ok(read(row, channel)))?;
        rows.map(|row| row?).collect()
    }

    /// An attempt begins: whatever becomes of it, the next is not at once.
    pub(super) fn attempt(&self, outgoing: &Outgoing, now: Timestamp) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE outbox SET due_at = ?2, attempts = ?3 WHERE id = ?1",
            params![outgoing.id.to_string(), outgoing.after(now).as_millis(), outgoing.attempts + 1],
        )?;
        Ok(())
    }

    /// A server has taken it.
    pub(super) fn sent(&self, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE outbox SET sent_at = ?2, fault = NULL WHERE id = ?1",
            params![id.to_string(), now.as_millis()],
        )?;
        self.connection.execute("DELETE FROM outbox WHERE sent_at < ?1", [now.minus(KEPT).as_millis()])?;
        Ok(())
    }

    /// None has, and why; it is tried again, or given up.
    pub(super) fn put_off(&self, outgoing: &Outgoing, fault: &str, now: Timestamp) -> Result<(), StoreError> {
        let id = outgoing.id.to_string();
        match outgoing.next(now) {
            Some(due) => self.connection.execute(
                "UPDATE outbox SET due_at = ?2, attempts = ?3, fault = ?4 WHERE id = ?1",
                params![id, due.as_millis(), outgoing.attempts + 1, fault],
            )?,
            None => {
                tracing::error!(fault, "a message could not be delivered for three days: it is given up");
                self.connection.execute("DELETE FROM outbox WHERE id = ?1", [id])?
            }
        };
        Ok(())
    }

    /// What waits.
    pub(in crate::control) fn waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        self.waiting_since(Timestamp::from_millis(i64::MAX))
    }

    /// What has waited since before `at`.
    fn waiting_since(&self, at: Timestamp) -> Result<Vec<Waiting>, StoreError> {
        let mut query = self.connection.prepare_cached(
            "SELECT recipient, pressing, count(*), min(made_at), max(fault) FROM outbox
             WHERE sent_at IS NULL AND made_at < ?1 GROUP BY recipient, pressing",
        )?;
        let rows = query.query_map([at.as_millis()], |row| Ok(waiting(row)))?;
        rows.map(|row| row?).collect()
    }
}

impl Control {
    /// How many messages wait for those who are told of pupils alone.
    pub(in crate::control) fn waiting_on_pupils(&self, waiting: &[Waiting]) -> usize {
        let on_pupils = waiting.iter().filter(|one| self.alerting.is_told_of_pupils_alone(&one.recipient));
        on_pupils.map(|one| one.count).sum()
    }

    /// What is to be said of messages that wait to be delivered: of those on pupils how many and how
    /// grave, of any other that they do.
    ///
    /// # Errors
    /// What the store says.
    pub async fn delivery_alarm(&self) -> Result<Option<Alarm>, ControlError> {
        let store = &self.journal.lock().await.store;
        self.metrics.alerts_undelivered(self.waiting_on_pupils(&store.waiting()?));
        let late = self.clock.now().minus(PATIENCE);
        let waiting = store.waiting_since(late)?;
        let is_on_pupils =
            |one: &&Waiting| one.is_pressing && self.alerting.is_told_of_pupils_alone(&one.recipient);
        let (count, since) = waiting.iter().filter(is_on_pupils).fold((0, None), |(count, since), one| {
            (count + one.count, Some(since.map_or(one.since, |since: Timestamp| since.min(one.since))))
        });
        let waited = match (count, waiting.is_empty()) {
            (0, true) => return Ok(None),
            (0, false) => "delivery is stuck: messages have".to_owned(),
            (1, _) => "1 message of a danger alert has".to_owned(),
            (count, _) => format!("{count} messages of danger alerts have"),
        };
        let fault = waiting.iter().find_map(|one| one.fault.as_deref());
        let fault = fault.map(|fault| format!(": {fault}")).unwrap_or_default();
        let problem = format!("{waited} waited for more than a minute{fault}");
        // When a message on staff was made is nobody's business either.
        Ok(Some(Alarm { list: "alerts".to_owned(), problem, since: since.unwrap_or(late) }))
    }
}

fn counted(count: i64) -> Result<usize, StoreError> {
    usize::try_from(count).map_err(|_| StoreError::Unreadable("counter"))
}

fn waiting(row: &Row<'_>) -> Result<Waiting, StoreError> {
    Ok(Waiting {
        recipient: row.get(0)?,
        is_pressing: row.get(1)?,
        count: counted(row.get(2)?)?,
        since: Timestamp::from_millis(row.get(3)?),
        fault: row.get(4)?,
    })
}

fn read(row: &Row<'_>, channel: Channel) -> Result<Outgoing, StoreError> {
    let (id, payload): (String, String) = (row.get(0)?, row.get(2)?);
    Ok(Outgoing {
        id: id.parse().map_err(|_| StoreError::Unreadable("id"))?,
        channel,
        recipient: row.get(1)?,
        payload: serde_json::from_str(&payload).map_err(|_| StoreError::Unreadable("message"))?,
        pressing: row.get(3)?,
        made_at: Timestamp::from_millis(row.get(4)?),
        attempts: row.get(5)?,
    })
}

#[cfg(test)]
impl Control {
    /// Recipient and payload of all that waits, in the order in which it was made.
    pub(crate) async fn waiting_mail(&self) -> Vec<(String, Value)> {
        let store = &self.journal.lock().await.store;
        let mut due = store.due(Channel::Mail, self.clock.now(), 1000).unwrap();
        due.sort_by_key(|outgoing| outgoing.id);
        due.into_iter().map(|outgoing| (outgoing.recipient, outgoing.payload)).collect()
    }
}
