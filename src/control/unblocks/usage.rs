//! What an unblock was used for: counted from lines of the trail that its index finds.
//!
//! **Invariant:** nothing is held while the trail is read, and of what else was fetched no more than
//! the window and [`MOST_READ`] lines of it are judged. A day without an index is read once, however
//! many clients there are.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;

use crate::audit::{Filter, Index, Order, QueryError};
use crate::control::unblocks::Kept;
use crate::model::Timestamp;

/// Most hosts, and clients, that are listed.
const LISTED: usize = 500;
/// Most of the other hosts that are named.
const TOP: usize = 20;
/// Most people, devices, addresses and other hosts that are told apart.
const DISTINCT: usize = 20_000;
/// Most lines that are judged for what else was fetched.
const MOST_READ: u64 = 500_000;
/// Up to how many clients are looked for one by one.
const FEW: usize = 200;

/// Who used it: person, device, address, group; empty where one is not known.
pub type User = [String; 4];

/// What an unblock was used for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// How many accesses it opened.
    pub accesses: u64,
    /// The first, as in the trail.
    pub first: Option<String>,
    /// The last.
    pub last: Option<String>,
    /// Bytes of those accesses that have ended, both ways.
    pub bytes: u64,
    /// Where they went; [`LISTED`] at most.
    pub hosts: BTreeMap<String, u64>,
    /// Whose they were; [`LISTED`] at most.
    pub by: BTreeMap<User, u64>,
    /// How many people, devices and addresses.
    pub distinct: [usize; 3],
    /// What else the same clients fetched meanwhile.
    pub others: Others,
}

/// What else was fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Others {
    /// How many other hosts.
    pub hosts: usize,
    /// How many accesses to them passed.
    pub accesses: u64,
    /// The hosts that were fetched most, the most first.
    pub top: Vec<(String, u64)>,
    /// Whether the trail was too long to be read to the window's end.
    pub cut: bool,
}

/// What is found on the way.
#[derive(Default)]
struct Tally {
    used: Used,
    names: [BTreeSet<String>; 3],
    others: BTreeMap<String, u64>,
}

impl Used {
    /// Reads what `kept` was used for, up to `now`: by its index the accesses that it opened with how
    /// they ended, and what the same clients fetched besides. Nothing is counted from the index
    /// alone: it knows neither bytes nor what passed, and a line that it names is judged as it stands.
    ///
    /// # Errors
    /// When the trail can't be read.
    pub fn read(index: &Index, kept: &Kept, now: Timestamp) -> Result<Used, QueryError> {
        let mut tally = Tally::default();
        let window = kept.unblock.window;
        let (from, to) = (kept.asked_at, kept.ended_at.unwrap_or(now.min(window.ends_at())));
        let opened = Filter {
            unblock: Some(kept.unblock.id),
            dataset: Some("schoolgate.access".to_owned()),
            from: Some(from),
            ..Filter::default()
        };
        index.ended(&opened, |record| tally.opened(&record.event))?;
        let around = Filter {
            from: Some(from.max(window.starts_at())),
            // Its last moment belongs to it.
            to: Some(to.plus(Duration::from_millis(1))),
            dataset: Some("schoolgate.access".to_owned()),
            order: Order::OldestFirst,
            ..Filter::default()
        };
        let bounded = index.heeding(index.halt().after(MOST_READ));
        match tally.meanwhile(&bounded, &around, &kept.unblock.id.to_string()) {
            Err(QueryError::Halted) if !index.halt().is_called() => tally.used.others.cut = true,
            read => read?,
        }
        Ok(tally.done())
    }
}

impl Tally {
    fn opened(&mut self, event: &Value) {
        let used = &mut self.used;
        used.accesses += 1;
        used.last = event["@timestamp"].as_str().map(ToOwned::to_owned);
        if used.first.is_none() {
            used.first.clone_from(&used.last);
        }
        let text = |place: &str| event.pointer(place).and_then(Value::as_str).unwrap_or_default().to_owned();
        bump(&mut used.hosts, text("/url/domain"), LISTED);
        let who = ["/user/name", "/host/name", "/source/ip", "/user/group/name"].map(text);
        for (names, name) in self.names.iter_mut().zip(&who) {
            if !name.is_empty() && names.len() < DISTINCT {
                names.insert(name.clone());
            }
        }
        bump(&mut used.by, who, LISTED);
        let bytes = |name: &str| event["schoolgate"][name].as_u64().unwrap_or_default();
        let used = &mut self.used;
        used.bytes = used.bytes.saturating_add(bytes("bytes_up")).saturating_add(bytes("bytes_down"));
    }

    /// Reads what the clients fetched in the window: one after the other, or everybody's at once where
    /// they are many or an index is wanting.
    fn meanwhile(&mut self, index: &Index, around: &Filter, unblock: &str) -> Result<(), QueryError> {
        let clients: Vec<IpAddr> = self.names[2].iter().filter_map(|client| client.parse().ok()).collect();
        if clients.len() <= FEW && self.one_by_one(index, around, &clients, unblock)? {
            return Ok(());
        }
        self.others.clear();
        self.used.others = Others::default();
        self.scan(index, around, unblock)
    }

    /// False where a day has no index, or lost it on the way: each client would read that day from its
    /// first line.
    fn one_by_one(
        &mut self,
        index: &Index,
        around: &Filter,
        clients: &[IpAddr],
        unblock: &str,
    ) -> Result<bool, QueryError> {
        for client in clients {
            if !index.leads(around)? {
                return Ok(false);
            }
            self.scan(index, &Filter { client: Some(*client), ..around.clone() }, unblock)?;
        }
        Ok(true)
    }

    fn scan(&mut self, index: &Index, filter: &Filter, unblock: &str) -> Result<(), QueryError> {
        index.scan(filter, |record| {
            self.other(&record.event, unblock);
            true
        })?;
        Ok(())
    }

    fn other(&mut self, event: &Value, unblock: &str) {
        let client = event["source"]["ip"].as_str().unwrap_or_default();
        let passed = event["event"]["action"] != "block" && event["schoolgate"]["unblock_id"] != unblock;
        let Some(host) = event["url"]["domain"].as_str().filter(|_| passed && self.names[2].contains(client))
        else {
            return;
        };
        self.used.others.accesses += 1;
        bump(&mut self.others, host.to_owned(), DISTINCT);
    }

    fn done(self) -> Used {
        let mut top: Vec<(String, u64)> = self.others.into_iter().collect();
        let hosts = top.len();
        top.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        top.truncate(TOP);
        let others = Others { hosts, top, ..self.used.others };
        Used { distinct: self.names.map(|names| names.len()), others, ..self.used }
    }
}

/// Counts one more; of those past the limit only the ones already there.
fn bump<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K, limit: usize) {
    if counts.len() < limit || counts.contains_key(&key) {
        *counts.entry(key).or_default() += 1;
    }
}
