//! An ask of a pupil, in the store and in the record.

use std::net::IpAddr;

use serde_json::json;
use uuid::Uuid;

use crate::audit::{Act, Actor};
use crate::control::asks::Ticket;
use crate::control::journal::{Put, Table};
use crate::control::staff::Staff;
use crate::control::store::{Cells, Store, StoreError};
use crate::model::{GroupName, StaffName, Timestamp};
use crate::policy::Target;

const COLUMNS: &str = "id, client, filter_group, target, category, words, asked_at, lapses_at, decided, \
                       decided_by, comment, unblock";

/// What a pupil asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PupilAsk {
    /// Its id.
    pub id: Uuid,
    /// The address that asked.
    pub client: IpAddr,
    /// The group that was refused.
    pub group: GroupName,
    /// What was refused.
    pub target: Target,
    /// The category that refused it, by id.
    pub category: Option<String>,
    /// What the pupil wrote.
    pub words: String,
    /// When.
    pub asked_at: Timestamp,
    /// When it lapses if nobody answers.
    pub lapses_at: Timestamp,
    /// What staff made of it.
    pub decided: AskDecided,
    /// Who did.
    pub decided_by: Option<StaffName>,
    /// What they said.
    pub comment: Option<String>,
    /// The unblock that it became.
    pub unblock: Option<Uuid>,
}

/// What staff made of an ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskDecided {
    /// Nothing yet.
    Awaited,
    /// A request of their own.
    Taken,
    /// They said no.
    Refused,
    /// Nothing in time.
    Lapsed,
}

/// Where an ask stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskState {
    /// Somebody is to answer.
    Waiting,
    /// A member of staff made it a request of their own.
    Taken,
    /// Somebody said no.
    Refused,
    /// Nobody answered in time.
    Lapsed,
}

impl AskDecided {
    const ALL: [AskDecided; 4] =
        [AskDecided::Awaited, AskDecided::Taken, AskDecided::Refused, AskDecided::Lapsed];

    fn as_str(self) -> &'static str {
        match self {
            AskDecided::Awaited => "awaited",
            AskDecided::Taken => "taken",
            AskDecided::Refused => "refused",
            AskDecided::Lapsed => "lapsed",
        }
    }
}

impl AskState {
    /// Every state, in the order of a life.
    pub const ALL: [AskState; 4] = [AskState::Waiting, AskState::Taken, AskState::Refused, AskState::Lapsed];

    /// As written in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            AskState::Waiting => "waiting",
            AskState::Taken => "taken",
            AskState::Refused => "refused",
            AskState::Lapsed => "lapsed",
        }
    }
}

impl PupilAsk {
    pub(super) fn new(ticket: Ticket, words: String, now: Timestamp, lapses_at: Timestamp) -> PupilAsk {
        PupilAsk {
            id: Uuid::now_v7(),
            client: ticket.client,
            group: ticket.group,
            target: ticket.target,
            category: ticket.category,
            words,
            asked_at: now,
            lapses_at,
            decided: AskDecided::Awaited,
            decided_by: None,
            comment: None,
            unblock: None,
        }
    }

    /// Where it stands at `now`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> AskState {
        match self.decided {
            AskDecided::Taken => AskState::Taken,
            AskDecided::Refused => AskState::Refused,
            AskDecided::Lapsed => AskState::Lapsed,
            AskDecided::Awaited if now >= self.lapses_at => AskState::Lapsed,
            AskDecided::Awaited => AskState::Waiting,
        }
    }

    pub(super) fn decided(
        self,
        decided: AskDecided,
        by: &Staff,
        comment: Option<&str>,
        unblock: Option<Uuid>,
    ) -> PupilAsk {
        let comment = comment.map(ToOwned::to_owned);
        PupilAsk { decided, decided_by: Some(by.name.clone()), comment, unblock, ..self }
    }

    /// A step of it, for the record.
    pub(super) fn told(&self, actor: Actor, action: &'static str) -> Act {
        Act::new(actor, action)
            .with("ask_id", self.id.to_string())
            .with("target", self.target.to_string())
            .with("category", self.category.clone())
            .with("groups", vec![self.group.to_string()])
            .with("justification", self.words.as_str())
    }

    pub(super) fn put(&self) -> Put {
        Put::new(
            Table::Asks,
            [
                ("id", json!(self.id)),
                ("client", json!(self.client)),
                ("filter_group", json!(self.group)),
                ("target", json!(self.target.to_string())),
                ("category", json!(self.category)),
                ("words", json!(self.words)),
                ("asked_at", json!(self.asked_at)),
                ("lapses_at", json!(self.lapses_at)),
                ("decided", json!(self.decided.as_str())),
                ("decided_by", json!(self.decided_by)),
                ("comment", json!(self.comment)),
                ("unblock", json!(self.unblock)),
            ],
        )
    }
}

impl Store {
    /// One ask.
    pub(super) fn ask(&self, id: Uuid) -> Result<Option<PupilAsk>, StoreError> {
        self.row(&format!("SELECT {COLUMNS} FROM asks WHERE id = ?1"), [id.to_string()], read)
    }

    /// The oldest asks that nobody has answered, and whose time is over.
    pub(super) fn asks_past(&self, now: Timestamp, most: usize) -> Result<Vec<PupilAsk>, StoreError> {
        let query = format!(
            "SELECT {COLUMNS} FROM asks WHERE decided = 'awaited' AND lapses_at <= ?1
             ORDER BY lapses_at LIMIT {most}"
        );
        self.rows(&query, [now.to_string()], read)
    }

    /// The newest asks, back to `since`.
    pub(super) fn asks_since(&self, since: Timestamp, most: usize) -> Result<Vec<PupilAsk>, StoreError> {
        let query = format!("SELECT {COLUMNS} FROM asks WHERE asked_at >= ?1 ORDER BY id DESC LIMIT {most}");
        self.rows(&query, [since.to_string()], read)
    }
}

fn read(cells: Cells<'_>) -> Result<PupilAsk, StoreError> {
    Ok(PupilAsk {
        id: cells.id(0)?,
        client: cells.parsed(1, "address")?,
        group: cells.parsed(2, "group")?,
        target: cells.target(3)?,
        category: cells.cell(4)?,
        words: cells.text(5)?,
        asked_at: cells.time(6)?,
        lapses_at: cells.time(7)?,
        decided: cells.word(8, (&AskDecided::ALL, AskDecided::as_str), "decision")?,
        decided_by: cells.name_if(9)?,
        comment: cells.cell(10)?,
        unblock: cells.parsed_if(11, "id")?,
    })
}
