//! Which hosts' clients reject the school's authority: candidates for the no-inspect list.
//!
//! **Invariant:** a host is counted with its devices and no name of any; nothing is exempted by
//! being counted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::http::Uri;
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::audit::{Act, Actor, Entry, Filter, Index, Order, QueryError};
use crate::policy::REJECTED_BY_CLIENT;
use crate::web::Shared;
use crate::web::openapi::words::Moment;
use crate::web::problem::Problem;
use crate::web::query::Query;

/// How far back is looked unless it is said, in days.
const DAYS: u64 = 7;
/// The furthest.
const MOST_DAYS: u64 = 366;

/// What may stand behind `?`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "a description; `Query` reads by its names")]
pub(super) struct Days {
    /// How far back is looked.
    #[param(minimum = 1, maximum = 366, default = 7)]
    days: Option<u64>,
}

/// Hosts that may have to go uninspected.
#[derive(Serialize, ToSchema)]
pub(super) struct Candidates {
    /// The one with the most devices first.
    items: Vec<Candidate>,
    /// There is one page.
    next: Option<String>,
    /// How far back was looked.
    days: u64,
    /// The record of the look.
    audit_seq: u64,
}

/// A host whose clients rejected the school's authority.
#[derive(Serialize, ToSchema)]
struct Candidate {
    /// The host.
    host: String,
    /// On how many devices.
    devices: usize,
    /// On how many connections.
    connections: u64,
    /// What the clients said.
    how: BTreeSet<String>,
    /// When it was last so.
    #[schema(value_type = Moment)]
    last_at: String,
}

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
) -> Result<Candidates, Problem> {
    let query = Query::read::<Days>(uri)?;
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
    let counted = shared.look_up(move |index| count(index, &filter)).await??;
    let mut hosts: Vec<(String, Rejections)> = counted.into_iter().collect();
    hosts.sort_by_key(|(_, seen)| std::cmp::Reverse((seen.devices.len(), seen.connections)));
    let items = hosts.into_iter().map(|(host, seen)| Candidate::new(host, seen)).collect();
    Ok(Candidates { items, next: None, days, audit_seq })
}

fn count(index: &Index, filter: &Filter) -> Result<BTreeMap<String, Rejections>, QueryError> {
    let mut hosts: BTreeMap<String, Rejections> = BTreeMap::new();
    index.scan(filter, |record| {
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

impl Candidate {
    fn new(host: String, seen: Rejections) -> Candidate {
        let Rejections { connections, devices, how, last } = seen;
        Candidate { host, devices: devices.len(), connections, how, last_at: last }
    }
}
