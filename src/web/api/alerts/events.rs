//! The events of an alert, as the trail has them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

use crate::audit::{Filter, Index, Order, QueryError};
use crate::control::alerts::Person;

/// The accesses of these numbers, the newest first; those that the trail holds no more are left out.
pub(super) fn of(index: &Index, person: &Person, sequences: &[u64]) -> Result<Vec<Value>, QueryError> {
    let mut wanted: BTreeSet<u64> = sequences.iter().copied().collect();
    let (Some(first), Some(last)) = (wanted.first().copied(), wanted.last().copied()) else {
        return Ok(Vec::new());
    };
    let mut filter = Filter {
        dataset: Some("schoolgate.access".to_owned()),
        after: Some(first.saturating_sub(1)),
        before: Some(last.saturating_add(1)),
        order: Order::NewestFirst,
        ..Filter::default()
    };
    match person {
        Person::User(name) => filter.user = Some(name.clone()),
        Person::Device(name) => filter.device = Some(name.clone()),
        Person::Client(address) => filter.client = address.parse::<IpAddr>().ok(),
    }
    let mut found = Vec::new();
    index.scan(&filter, |record| {
        if wanted.remove(&record.sequence) {
            found.push(record.event);
        }
        !wanted.is_empty()
    })?;
    Ok(found)
}
