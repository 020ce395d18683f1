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

/// A message that waits for its recipient.
pub(in crate::control) struct Waiting {
    recipient: String,
    is_pressing: bool,
    since: Timestamp,
    /// When it was tried last.
    tried: Timestamp,
    /// What became of that.
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
        now.plus(back_off(self.attempts))
    }
}

/// How long the next attempt waits behind one that so many came before.
fn back_off(attempts: u32) -> Duration {
    let step = usize::try_from(attempts).unwrap_or(usize::MAX).min(BACK_OFF.len() - 1);
    Duration::from_secs(BACK_OFF[step])
}

impl Store {
    /// What is due, a danger first; and last what is for somebody to whom nothing could be delivered, for
    /// which others would wait.
    pub(super) fn due(
        &self,
        channel: Channel,
        now: Timestamp,
        most: u32,
    ) -> Result<Vec<Outgoing>, StoreError> {
        let mut query = self.connection.prepare_cached(
            "SELECT id, recipient, payload, pressing, made_at, attempts FROM outbox AS own
             WHERE channel = ?1 AND sent_at IS NULL AND due_at <= ?2
             ORDER BY pressing DESC,
                 EXISTS (SELECT 1 FROM outbox WHERE channel = ?1 AND sent_at IS NULL AND attempts > 0
                         AND recipient = own.recipient),
                 due_at, id LIMIT ?3",
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
            "SELECT recipient, pressing, made_at, due_at, attempts, fault FROM outbox
             WHERE sent_at IS NULL AND made_at < ?1",
        )?;
        let rows = query.query_map([at.as_millis()], waiting)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Control {
    /// How many messages wait for those who are told of pupils alone.
    pub(in crate::control) fn waiting_on_pupils(&self, waiting: &[Waiting]) -> usize {
        waiting.iter().filter(|one| self.alerting.is_told_of_pupils_alone(&one.recipient)).count()
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
        let all = store.waiting_since(late)?;
        let is_on_pupils =
            |one: &&Waiting| one.is_pressing && self.alerting.is_told_of_pupils_alone(&one.recipient);
        let on_pupils: Vec<&Waiting> = all.iter().filter(is_on_pupils).collect();
        let (waited, told) = match (on_pupils.len(), all.is_empty()) {
            (0, true) => return Ok(None),
            (0, false) => ("delivery is stuck: messages have".to_owned(), all.iter().collect()),
            (1, _) => ("1 message of a danger alert has".to_owned(), on_pupils.clone()),
            (count, _) => (format!("{count} messages of danger alerts have"), on_pupils.clone()),
        };
        let fault = last_fault(&told).map(|fault| format!(": {fault}")).unwrap_or_default();
        let problem = format!("{waited} waited for more than a minute{fault}");
        // When a message on staff was made is nobody's business either.
        let since = on_pupils.iter().map(|one| one.since).min().unwrap_or(late);
        Ok(Some(Alarm { list: "alerts".to_owned(), problem, since }))
    }
}

/// What became of the last attempt that was made at any of them.
fn last_fault<'a>(waiting: &[&'a Waiting]) -> Option<&'a str> {
    let tried = waiting.iter().filter(|one| one.fault.is_some());
    tried.max_by_key(|one| one.tried).and_then(|one| one.fault.as_deref())
}

fn waiting(row: &Row<'_>) -> rusqlite::Result<Waiting> {
    let (due, attempts): (i64, u32) = (row.get(3)?, row.get(4)?);
    Ok(Waiting {
        recipient: row.get(0)?,
        is_pressing: row.get(1)?,
        since: Timestamp::from_millis(row.get(2)?),
        tried: Timestamp::from_millis(due).minus(back_off(attempts.saturating_sub(1))),
        fault: row.get(5)?,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A bug: it was the greatest by the alphabet, of any recipient.
    #[test]
    fn the_last_attempt_is_told_of() {
        let of = |tried: i64, fault: Option<&str>| Waiting {
            recipient: "dsl@school.county.sch.uk".to_owned(),
            is_pressing: true,
            since: Timestamp::from_millis(0),
            tried: Timestamp::from_millis(tried),
            fault: fault.map(ToOwned::to_owned),
        };
        let all = [of(2, Some("z")), of(3, Some("a")), of(1, Some("m")), of(4, None)];
        assert_eq!(last_fault(&all.iter().collect::<Vec<_>>()), Some("a"));
        assert_eq!(last_fault(&[]), None);
        assert_eq!([0, 5, 6, u32::MAX].map(|attempts| back_off(attempts).as_secs()), [2, 600, 600, 600]);
    }
}
