//! Which hosts' clients reject the school's authority: candidates for the no-inspect list.
//!
//! **Invariant:** a host is counted with its devices and no name of any; nothing is exempted by
//! being counted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use axum::http::Uri;
use serde_json::{Value, json};

use crate::audit::{Act, Actor, Entry, Filter, Order, QueryError, scan};
use crate::policy::REJECTED_BY_CLIENT;
use crate::web::Shared;
use crate::web::problem::Problem;
use crate::web::query::Query;

/// How far back is looked unless it is said, in days.
const DAYS: u64 = 7;
/// The furthest.
const MOST_DAYS: u64 = 366;

/// What was seen of one host.
#[derive(Default)]
struct Rejections {
    connections: u64,
    devices: BTreeSet<String>,
    how: BTreeSet<String>,
    last: String,
}

/// Answers the candidates of the last days, the one with the most devices first, and records
/// that it was asked.
pub(super) async fn candidates(
    shared: &Shared,
    uri: &Uri,
    actor: Actor,
    client: Option<std::net::IpAddr>,
) -> Result<Value, Problem> {
    let query = Query::read(uri, &["days"])?;
    let days = query.parsed::<u64>("days")?.unwrap_or(DAYS);
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(Problem::invalid("days", format!("write a number from 1 to {MOST_DAYS}")));
    }
    let act = Act::new(actor, "inspection.read").with("days", days);
    let audit_seq = shared.control.record(Entry::Read(Act { client, ..act })).await?;
    let from = shared.control.now().minus(Duration::from_secs(days * 24 * 3600));
    let filter = Filter {
        from: Some(from),
        dataset: Some("schoolgate.access".to_owned()),
        text: Some(REJECTED_BY_CLIENT.to_owned()),
        order: Order::OldestFirst,
        ..Filter::default()
    };
    let counted = shared.search(move |dir| count(dir, &filter)).await??;
    let mut hosts: Vec<(String, Rejections)> = counted.into_iter().collect();
    hosts.sort_by_key(|(_, seen)| std::cmp::Reverse((seen.devices.len(), seen.connections)));
    let items: Vec<Value> = hosts.iter().map(|(host, seen)| item(host, seen)).collect();
    Ok(json!({ "items": items, "next": null, "days": days, "audit_seq": audit_seq }))
}

fn count(dir: &Path, filter: &Filter) -> Result<BTreeMap<String, Rejections>, QueryError> {
    let mut hosts: BTreeMap<String, Rejections> = BTreeMap::new();
    scan(dir, filter, |record| {
        let text = |path: &str| record.event.pointer(path).and_then(Value::as_str).map(ToOwned::to_owned);
        if text("/rule/id").as_deref() == Some(REJECTED_BY_CLIENT)
            && let Some(host) = text("/url/domain")
        {
            let seen = hosts.entry(host).or_default();
            seen.connections += 1;
            seen.devices.extend(text("/host/name").or_else(|| text("/source/ip")));
            seen.how.extend(text("/error/message"));
            seen.last = text("/@timestamp").unwrap_or_default();
        }
        true
    })?;
    Ok(hosts)
}

fn item(host: &str, seen: &Rejections) -> Value {
    json!({
        "host": host, "devices": seen.devices.len(), "connections": seen.connections,
        "how": seen.how, "last_at": seen.last,
    })
}
