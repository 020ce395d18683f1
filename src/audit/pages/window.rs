//! A page of page views out of the trail, the newest first.

use serde_json::Value;

use crate::audit::index::Index;
use crate::audit::pages::{SPAN, Visit, holding, shown};
use crate::audit::query::{Filter, Order, QueryError};
use crate::model::Timestamp;

/// How many events are read at least, for each view that is asked for.
const EACH: usize = 8;
/// Most events that are read for one answer.
const MOST: usize = 6000;
/// Most events that are read besides on either side, so that views are whole.
const BESIDE: usize = 2000;

/// Some views, and where to go on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Views {
    /// The leading events, the newest first, each with a member `page`.
    pub leads: Vec<Value>,
    /// [`Filter::before`] of the next page; `None` when there are no more.
    pub next: Option<u64>,
}

impl Index {
    /// The page views that the events which match make, a page of them, the newest first.
    ///
    /// # Errors
    /// [`QueryError`] when the trail can't be read.
    pub fn views(&self, filter: &Filter) -> Result<Views, QueryError> {
        let limit = filter.limit.max(1);
        let mut wanted = (limit * EACH).min(MOST);
        loop {
            let mut older = self.some(filter, Order::NewestFirst, wanted)?;
            let is_end = older.len() < wanted;
            let Some(last) = older.last().and_then(Visit::of) else { return Ok(Views::default()) };
            // What comes before these may have led to them, and what comes after may belong to them.
            let before = Filter {
                before: Some(last.sequence),
                from: later(filter.from, last.time.minus(SPAN)),
                ..filter.clone()
            };
            let earlier = self.some(&before, Order::NewestFirst, BESIDE)?;
            let mut edges = Edges { first: edge(&earlier), last: None };
            older.extend(earlier);
            older.reverse();
            let newest = older.last().and_then(Visit::of);
            let until = newest.as_ref().map(|newest| newest.time.plus(SPAN));
            let after = Filter {
                after: newest.map(|newest| newest.sequence),
                before: None,
                to: sooner(filter.to, until),
                ..filter.clone()
            };
            let further = self.some(&after, Order::OldestFirst, BESIDE)?;
            edges.last = edge(&further);
            older.extend(further);
            let end = filter.before.unwrap_or(u64::MAX);
            let mut leads: Vec<(u64, Value)> =
                shown(older).into_iter().map(|lead| (number(&lead), lead)).collect();
            leads.retain(|(number, _)| (last.sequence..end).contains(number));
            leads.reverse();
            if leads.len() < limit && !is_end && wanted < MOST {
                wanted = MOST.min(wanted * 4);
                continue;
            }
            let has_more = leads.len() > limit || !is_end;
            leads.truncate(limit);
            let next = leads.last().map_or(last.sequence, |(number, _)| *number);
            let leads = leads.into_iter().map(|(_, lead)| edges.told(lead)).collect();
            return Ok(Views { leads, next: has_more.then_some(next) });
        }
    }

    /// The events of the view that holds the event of this sequence, in order; none where there is no
    /// such event.
    ///
    /// # Errors
    /// As [`Index::views`].
    pub fn view(&self, sequence: u64) -> Result<Vec<Value>, QueryError> {
        let Some(event) = self.one(sequence)? else { return Ok(Vec::new()) };
        let Some(visit) = Visit::of(&event) else { return Ok(vec![event]) };
        let Some(whose) = whose(&event) else { return Ok(vec![event]) };
        let before = Filter { from: Some(visit.time.minus(SPAN)), before: Some(sequence), ..whose.clone() };
        let after = Filter { to: Some(visit.time.plus(SPAN)), after: Some(sequence), ..whose };
        let mut events = self.some(&before, Order::NewestFirst, BESIDE)?;
        events.reverse();
        events.push(event);
        events.extend(self.some(&after, Order::OldestFirst, BESIDE)?);
        Ok(holding(events, sequence))
    }

    /// The event of this sequence, with how it ended.
    ///
    /// # Errors
    /// As [`Index::views`].
    pub fn one(&self, sequence: u64) -> Result<Option<Value>, QueryError> {
        let (after, before) = (Some(sequence.saturating_sub(1)), Some(sequence.saturating_add(1)));
        let page = self.query(&Filter { after, before, limit: 1, ..Filter::default() })?;
        Ok(page.records.into_iter().map(|record| record.event).next())
    }

    /// At most so many events that match.
    pub(in crate::audit) fn some(
        &self,
        filter: &Filter,
        order: Order,
        most: usize,
    ) -> Result<Vec<Value>, QueryError> {
        let page = self.query(&Filter { order, limit: most, ..filter.clone() })?;
        Ok(page.records.into_iter().map(|record| record.event).collect())
    }
}

/// What the same person did: by the user's name, else the device's, else the address; `None` where the
/// event names none of them, since a filter that asks for nobody would find everybody.
pub(in crate::audit) fn whose(event: &Value) -> Option<Filter> {
    let text = |path: &str| event.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let (user, device) = (text("/user/name"), text("/host/name"));
    let client = text("/source/ip").and_then(|ip| ip.parse().ok());
    match (user, device, client) {
        (Some(user), _, _) => Some(Filter { user: Some(user), ..Filter::default() }),
        (None, Some(device), _) => Some(Filter { device: Some(device), ..Filter::default() }),
        (None, None, Some(client)) => Some(Filter { client: Some(client), ..Filter::default() }),
        (None, None, None) => None,
    }
}

/// Where reading broke off before all was read that may belong to a view: where many people are looked
/// at together, views are of those events that stand near.
struct Edges {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Edges {
    /// The view with whether it may have more events than it says.
    fn told(&self, mut lead: Value) -> Value {
        let time = Visit::of(&lead).map(|visit| visit.time);
        let near = |edge: Option<Timestamp>| {
            time.zip(edge).is_some_and(|(time, edge)| time.since(edge).max(edge.since(time)) < SPAN)
        };
        lead["page"]["partial"] = (near(self.first) || near(self.last)).into();
        lead
    }
}

/// When the last of these events was, where there are as many as are read at most.
fn edge(events: &[Value]) -> Option<Timestamp> {
    let last = events.get(BESIDE - 1)?;
    Visit::of(last).map(|visit| visit.time)
}

fn number(event: &Value) -> u64 {
    event.pointer("/event/sequence").and_then(Value::as_u64).unwrap_or(0)
}

fn later(asked: Option<Timestamp>, other: Timestamp) -> Option<Timestamp> {
    Some(asked.map_or(other, |asked| asked.max(other)))
}

fn sooner(asked: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (asked, other) {
        (Some(asked), Some(other)) => Some(asked.min(other)),
        (asked, other) => asked.or(other),
    }
}
