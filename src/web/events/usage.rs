//! What a temporary unblock was used for: by whom, how often, for which hosts.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::audit::{Entry, Filter, Order, QueryError, scan};
use crate::control::Kept;
use crate::web::Shared;
use crate::web::events::mask::Mask;
use crate::web::events::{Reader, Sight};
use crate::web::openapi::words::Moment;
use crate::web::problem::Problem;
use crate::web::query::Query;

/// Most hosts, and clients, that are listed.
const LISTED: usize = 500;

/// What an unblock was used for.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct Usage {
    /// The unblock.
    unblock_id: Uuid,
    /// How many accesses it opened.
    accesses: u64,
    /// The first.
    #[schema(value_type = Option<Moment>)]
    first_at: Option<String>,
    /// The last.
    #[schema(value_type = Option<Moment>)]
    last_at: Option<String>,
    /// Where they went; 500 hosts at most.
    hosts: Vec<UsedHost>,
    /// Whose they were; 500 at most.
    clients: Vec<UsedBy>,
    /// The record of the look.
    audit_seq: u64,
}

/// A host, counted.
#[derive(Serialize, ToSchema)]
struct UsedHost {
    /// The host.
    host: String,
    /// How many accesses.
    accesses: u64,
}

/// Who used it, counted; names or pseudonyms.
#[derive(Serialize, ToSchema)]
struct UsedBy {
    /// The person.
    user: Option<String>,
    /// The device.
    device: Option<String>,
    /// The address.
    client: Option<String>,
    /// The group.
    group: Option<String>,
    /// How many accesses.
    accesses: u64,
}

/// The accesses of an unblock, counted.
#[derive(Default)]
struct Tally {
    accesses: u64,
    first: Option<String>,
    last: Option<String>,
    hosts: BTreeMap<String, u64>,
    clients: BTreeMap<[String; 4], u64>,
}

/// Answers who used an unblock and for what, and records that it was asked.
pub(in crate::web) async fn usage(
    shared: &Shared,
    kept: &Kept,
    reader: Reader,
    query: &Query,
) -> Result<Usage, Problem> {
    let id = kept.unblock.id;
    let (act, sight) = reader.act("unblock.usage_read", query)?;
    let audit_seq = shared.control.record(Entry::Read(act.with("unblock_id", id.to_string()))).await?;
    let filter = Filter {
        unblock: Some(id),
        dataset: Some("schoolgate.access".to_owned()),
        from: Some(kept.asked_at),
        order: Order::OldestFirst,
        ..Filter::default()
    };
    let tally = shared.search(move |dir| count(dir, &filter, sight)).await??;
    Ok(Usage {
        unblock_id: id,
        accesses: tally.accesses,
        first_at: tally.first,
        last_at: tally.last,
        hosts: tally.hosts.into_iter().map(|(host, accesses)| UsedHost { host, accesses }).collect(),
        clients: tally.clients.into_iter().map(|(who, accesses)| UsedBy::new(who, accesses)).collect(),
        audit_seq,
    })
}

fn count(dir: &Path, filter: &Filter, sight: Sight) -> Result<Tally, QueryError> {
    let mask = Mask::new(sight);
    let mut tally = Tally::default();
    scan(dir, filter, |record| {
        if let Some(event) = mask.seen(record.event) {
            tally.add(&event);
        }
        true
    })?;
    Ok(tally)
}

impl Tally {
    fn add(&mut self, event: &Value) {
        self.accesses += 1;
        self.last = event["@timestamp"].as_str().map(ToOwned::to_owned);
        if self.first.is_none() {
            self.first.clone_from(&self.last);
        }
        let text = |place: &str| event.pointer(place).and_then(Value::as_str).unwrap_or_default().to_owned();
        bump(&mut self.hosts, text("/url/domain"));
        let who = ["/user/name", "/host/name", "/source/ip", "/user/group/name"].map(text);
        bump(&mut self.clients, who);
    }
}

/// Counts one more; of those past the limit only the ones already listed.
fn bump<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K) {
    if counts.len() < LISTED || counts.contains_key(&key) {
        *counts.entry(key).or_default() += 1;
    }
}

impl UsedBy {
    fn new(who: [String; 4], accesses: u64) -> UsedBy {
        let [user, device, client, group] = who.map(|name| (!name.is_empty()).then_some(name));
        UsedBy { user, device, client, group, accesses }
    }
}
