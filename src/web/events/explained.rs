//! One decision of the log: as it was made, and what the policy in force says of the same.
//!
//! **Invariant:** the look is recorded before it is answered; of a statutory match nothing is said
//! but the list and the entry's id, then and now; and nobody learns who is suspended now who may not
//! suspend.

use std::net::{IpAddr, Ipv4Addr};

use axum::http::Uri;
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::audit::{Entry, Filter, Index, QueryError};
use crate::model::{Attribution, Subject, Url};
use crate::policy::{Policy, Rung};
use crate::web::Shared;
use crate::web::events::mask::Mask;
use crate::web::events::{Reader, SeenEvent, Ward, about_event};
use crate::web::explain::{Explanation, ListEntry, Suspensions, explain};
use crate::web::openapi::words::{ActionWord, Moment, RungWord};
use crate::web::problem::Problem;
use crate::web::query::Query;

/// What may stand behind `?`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "a description; `Query` reads by its names")]
pub(in crate::web) struct Looking {
    /// What you look at it for: needed with names, and recorded.
    #[param(min_length = 10, max_length = 1000)]
    reason: Option<String>,
}

/// A decision, then and now.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct Explained {
    /// The event as it is recorded, with names or pseudonyms.
    event: SeenEvent,
    /// The decision as it was made.
    decision: Decision,
    /// What the policy in force says of the same host and group; null for a statutory match, where
    /// the host was not known, and where the group is no more. As if nobody were suspended for whoever
    /// may not suspend: see `suspensions_left_out`.
    pub(in crate::web) now: Option<Explanation>,
    /// The record of the look.
    audit_seq: u64,
}

/// A decision as it was made.
#[derive(Serialize, ToSchema)]
struct Decision {
    /// When.
    #[schema(value_type = Moment)]
    time: String,
    /// What it came to.
    #[schema(value_type = ActionWord)]
    action: String,
    /// The rung that answered.
    #[schema(value_type = RungWord)]
    rung: String,
    /// Why, for people.
    reason: String,
    /// The rule's id.
    rule: String,
    /// The rule in people's words.
    rule_name: String,
    /// The category, where the rule was one.
    category: Option<String>,
    /// The list entry that the rule rested on, where there was one.
    list: Option<ListEntry>,
    /// The temporary unblock that opened it.
    unblock_id: Option<String>,
    /// The group that was judged.
    group: Option<String>,
    /// The version of the policy that decided.
    generation: Option<u64>,
}

/// Answers how event `sequence` was decided, and records that it was asked.
pub(in crate::web) async fn explained(
    shared: &Shared,
    sequence: u64,
    uri: &Uri,
    (reader, suspensions): (Reader, Suspensions),
) -> Result<Explained, Problem> {
    let query = Query::read::<Looking>(uri)?;
    let ward = Ward::of(&reader.inquiries, shared).await?;
    let (act, sight) = reader.act("events.explain", &query)?;
    let act = act.with("sequence", sequence).with("routed", about_event(shared, sequence).await);
    let audit_seq = shared.control.record(Entry::Read(act)).await?;
    let event = shared.look_up(move |index| one(index, sequence)).await??.ok_or_else(Problem::not_found)?;
    let policy = suspensions.seen(shared.control.live().snapshot())?;
    let now = subject(&event, &policy).map(|(subject, url)| {
        let now = explain(&policy, &subject, &url, shared.control.now());
        Explanation { suspensions_left_out: suspensions == Suspensions::LeftOut, ..now }
    });
    let decision = Decision::of(&event);
    let event = Mask::new(sight, ward).seen(event).ok_or_else(Problem::not_found)?;
    Ok(Explained { event: SeenEvent(event), decision, now, audit_seq })
}

/// The access of that number, with how it ended.
pub(super) fn one(index: &Index, sequence: u64) -> Result<Option<Value>, QueryError> {
    let filter = Filter {
        dataset: Some("schoolgate.access".to_owned()),
        after: Some(sequence.saturating_sub(1)),
        before: Some(sequence.saturating_add(1)),
        limit: 1,
        ..Filter::default()
    };
    let page = index.query(&filter)?;
    Ok(page.records.into_iter().find(|record| record.sequence == sequence).map(|record| record.event))
}

/// How an access was decided, as far as it may be shown.
pub(super) fn decision(event: &Value) -> Option<Value> {
    if event["event"]["dataset"] != "schoolgate.access" {
        return None;
    }
    serde_json::to_value(Decision::of(event)).ok()
}

/// Whom and what the same question is about today.
fn subject(event: &Value, policy: &Policy) -> Option<(Subject, Url)> {
    let text = |place: &str| event.pointer(place).and_then(Value::as_str);
    if text("/schoolgate/rung") == Some(Rung::Statutory.as_str()) {
        return None;
    }
    let group = text("/user/group/name")?.parse().ok()?;
    policy.draft().groups.iter().find(|known| known.id == group)?;
    let host = || match (text("/url/scheme").unwrap_or("https"), text("/url/domain")?) {
        (scheme, host) if host.contains(':') => Some(format!("{scheme}://[{host}]/")),
        (scheme, host) => Some(format!("{scheme}://{host}/")),
    };
    let url = text("/url/full").map(ToOwned::to_owned).or_else(host)?;
    let address = text("/source/ip").and_then(|ip| ip.parse().ok());
    let named = Subject {
        user: text("/user/name").and_then(|name| name.parse().ok()),
        device: text("/host/name").and_then(|name| name.parse().ok()),
        group: Some(group),
        attribution: Attribution::Subnet,
        ..Subject::unknown(address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
    };
    Some((named, Url::parse_typed(&url).ok()?))
}

impl Decision {
    fn of(event: &Value) -> Decision {
        let maybe = |place: &str| event.pointer(place).and_then(Value::as_str).map(ToOwned::to_owned);
        let text = |place: &str| maybe(place).unwrap_or_default();
        let list = maybe("/rule/ruleset").map(|ruleset| {
            let (id, version) = ruleset.rsplit_once('@').unwrap_or((&ruleset, ""));
            ListEntry {
                id: id.to_owned(),
                version: version.to_owned(),
                file: maybe("/schoolgate/list/file"),
                line: event
                    .pointer("/schoolgate/list/line")
                    .and_then(Value::as_u64)
                    .and_then(|line| line.try_into().ok()),
                entry: maybe("/schoolgate/list/entry"),
            }
        });
        Decision {
            time: text("/@timestamp"),
            action: text("/event/action"),
            rung: text("/schoolgate/rung"),
            reason: text("/event/reason"),
            rule: text("/rule/id"),
            rule_name: text("/rule/name"),
            category: maybe("/rule/category"),
            list,
            unblock_id: maybe("/schoolgate/unblock_id"),
            group: maybe("/user/group/name"),
            generation: maybe("/rule/version").and_then(|version| version.parse().ok()),
        }
    }
}
