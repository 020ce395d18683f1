//! What a temporary unblock was used for: by whom, how often, for which hosts.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::audit::{Act, Entry, Filter, Order, QueryError, scan};
use crate::control::Kept;
use crate::web::Shared;
use crate::web::events::mask::Mask;
use crate::web::events::{Reader, Sight};
use crate::web::problem::Problem;

/// Most hosts, and clients, that are listed.
const LISTED: usize = 500;

/// The accesses of an unblock, counted.
#[derive(Default)]
struct Tally {
    accesses: u64,
    first: Value,
    last: Value,
    hosts: BTreeMap<String, u64>,
    clients: BTreeMap<[String; 4], u64>,
}

/// Answers who used an unblock and for what, and records that it was asked.
pub(crate) async fn usage(shared: &Shared, kept: &Kept, reader: Reader) -> Result<Value, Problem> {
    let id = kept.unblock.id;
    let act = Act::new(reader.actor, "unblock.usage_read").with("unblock_id", id.to_string());
    let audit_seq = shared.control.record(Entry::Read(Act { client: reader.client, ..act })).await?;
    let filter = Filter {
        unblock: Some(id),
        dataset: Some("schoolgate.access".to_owned()),
        from: Some(kept.asked_at),
        order: Order::OldestFirst,
        ..Filter::default()
    };
    let sight = reader.sight;
    let tally = shared.search(move |dir| count(dir, &filter, sight)).await??;
    Ok(json!({
        "unblock_id": id,
        "accesses": tally.accesses,
        "first_at": tally.first,
        "last_at": tally.last,
        "hosts": tally.hosts.iter().map(|(host, count)| json!({ "host": host, "accesses": count })).collect::<Vec<_>>(),
        "clients": tally.clients.iter().map(|(who, count)| client(who, *count)).collect::<Vec<_>>(),
        "audit_seq": audit_seq,
    }))
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
        self.last = event["@timestamp"].clone();
        if self.first.is_null() {
            self.first = self.last.clone();
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

fn client(who: &[String; 4], accesses: u64) -> Value {
    let [user, device, client, group] = who.each_ref().map(|name| (!name.is_empty()).then_some(name));
    json!({ "user": user, "device": device, "client": client, "group": group, "accesses": accesses })
}
