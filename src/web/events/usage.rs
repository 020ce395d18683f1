//! What a temporary unblock was used for: by whom, how often, for which hosts.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::audit::Entry;
use crate::control::{Kept, Others, Used};
use crate::web::Shared;
use crate::web::events::{Reader, Sight};
use crate::web::openapi::words::Moment;
use crate::web::problem::Problem;
use crate::web::query::Query;

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
    /// Bytes of those accesses that have ended, both ways.
    bytes: u64,
    /// How many people used it, as far as people are known.
    distinct_users: usize,
    /// How many devices.
    distinct_devices: usize,
    /// How many addresses.
    distinct_clients: usize,
    /// Where they went; 500 hosts at most.
    hosts: Vec<UsedHost>,
    /// Whose they were; 500 at most.
    clients: Vec<UsedBy>,
    /// What else the same clients fetched meanwhile.
    others: UsedBesides,
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

/// What else was fetched.
#[derive(Serialize, ToSchema)]
struct UsedBesides {
    /// How many other hosts.
    hosts: usize,
    /// How many accesses to them passed.
    accesses: u64,
    /// The 20 that were fetched most.
    top: Vec<UsedHost>,
    /// Whether the trail was too long to be read to the end of the unblock.
    cut: bool,
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
    let (kept, now) = (kept.clone(), shared.control.now());
    let used = shared.look_up(move |index| Used::read(index, &kept, now)).await??;
    let [distinct_users, distinct_devices, distinct_clients] = used.distinct;
    Ok(Usage {
        unblock_id: id,
        accesses: used.accesses,
        first_at: used.first,
        last_at: used.last,
        bytes: used.bytes,
        distinct_users,
        distinct_devices,
        distinct_clients,
        hosts: counted(used.hosts),
        clients: used.by.into_iter().map(|(who, accesses)| UsedBy::new(who, accesses, &sight)).collect(),
        others: UsedBesides::new(used.others),
        audit_seq,
    })
}

fn counted(hosts: BTreeMap<String, u64>) -> Vec<UsedHost> {
    hosts.into_iter().map(|(host, accesses)| UsedHost { host, accesses }).collect()
}

impl UsedBesides {
    fn new(others: Others) -> UsedBesides {
        let top = others.top.into_iter().map(|(host, accesses)| UsedHost { host, accesses }).collect();
        UsedBesides { hosts: others.hosts, accesses: others.accesses, top, cut: others.cut }
    }
}

impl UsedBy {
    fn new(who: [String; 4], accesses: u64, sight: &Sight) -> UsedBy {
        let [user, device, client, group] = who.map(|name| (!name.is_empty()).then_some(name));
        let seen = |kind: &str, name: Option<String>| match sight {
            Sight::Names => name,
            Sight::Pseudonyms(pseudonyms) => name.map(|name| pseudonyms.of(kind, &name)),
        };
        UsedBy {
            user: seen("user", user),
            device: seen("device", device),
            client: seen("client", client),
            group,
            accesses,
        }
    }
}
