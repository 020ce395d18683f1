//! What happened around a moment: what the person did before and after, how they came there, and who
//! else was there.

mod chain;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::audit::index::Index;
use crate::audit::pages::{Visit, whose};
use crate::audit::query::{Filter, Order, QueryError};
use crate::model::Host;

pub use chain::{Reached, Step, told, trace};

/// Most events of the person on either side: half an hour of pages with all their parts.
const MOST: usize = 4000;
/// Most events on either side that are read to find who else was there.
const LOOKED: usize = 2500;

/// An event and what was around it.
#[derive(Clone, Debug)]
pub struct Around {
    /// The event.
    pub event: Value,
    /// What the same person did within the span, the event itself included, in order; nothing where the
    /// event is nobody's, as what the gateway does by itself.
    pub person: Vec<Value>,
    /// Whether the person did more within the span than is here.
    pub is_cut: bool,
    /// The first event of everybody else who asked for the same host within the span, and how often
    /// they did.
    pub others: Vec<(Value, u64)>,
    /// Whether more was asked of that host within the span than was read: the nearest on either side.
    pub others_cut: bool,
    /// How the event was reached, back to where that began; nothing of what is no access.
    pub chain: Vec<Step>,
}

/// Events on either side of one.
#[derive(Debug, Default)]
struct Beside {
    /// In order, the one itself included.
    events: Vec<Value>,
    /// Where among them it stands.
    at: usize,
    /// Whether there are more.
    is_cut: bool,
}

impl Index {
    /// What was around the event of this sequence, within `span` on either side; `None` where there is
    /// no such event.
    ///
    /// # Errors
    /// [`QueryError`] when the trail can't be read.
    pub fn around(&self, sequence: u64, span: Duration) -> Result<Option<Around>, QueryError> {
        let Some(event) = self.one(sequence)? else { return Ok(None) };
        let Some(visit) = Visit::of(&event) else { return Ok(None) };
        let (from, to) = (Some(visit.time.minus(span)), Some(visit.time.plus(span)));
        let person = match whose(&event) {
            Some(whose) => self.beside(&event, sequence, &Filter { from, to, ..whose }, MOST)?,
            None => Beside::default(),
        };
        let host = visit.host.as_deref().and_then(|host| Host::parse(host).ok());
        let there = match host {
            Some(host) => {
                let there = Filter { from, to, host: Some(host), ..Filter::default() };
                self.beside(&event, sequence, &there, LOOKED)?
            }
            None => Beside::default(),
        };
        let others = others_of(there.events, &visit);
        let Beside { events: person, at, is_cut } = person;
        let chain = if visit.is_act || person.is_empty() { Vec::new() } else { trace(&person, at) };
        Ok(Some(Around { event, person, is_cut, others, others_cut: there.is_cut, chain }))
    }

    /// What matches on either side of this event.
    fn beside(
        &self,
        event: &Value,
        sequence: u64,
        which: &Filter,
        most: usize,
    ) -> Result<Beside, QueryError> {
        let before = Filter { before: Some(sequence), ..which.clone() };
        let mut events = self.some(&before, Order::NewestFirst, most)?;
        events.reverse();
        let at = events.len();
        events.push(event.clone());
        let after = Filter { after: Some(sequence), ..which.clone() };
        events.extend(self.some(&after, Order::OldestFirst, most)?);
        let is_cut = at == most || events.len() - at > most;
        Ok(Beside { events, at, is_cut })
    }
}

/// Everybody else's first event and how many they have, those who were there first before the others.
fn others_of(events: Vec<Value>, visit: &Visit) -> Vec<(Value, u64)> {
    let (mut others, mut places): (Vec<(Value, u64)>, BTreeMap<String, usize>) = Default::default();
    for event in events {
        let Some(other) = Visit::of(&event) else { continue };
        // Below the host is not at the host.
        if other.person == visit.person || other.host != visit.host {
            continue;
        }
        match places.get(&other.person) {
            Some(at) => others[*at].1 += 1,
            None => {
                places.insert(other.person, others.len());
                others.push((event, 1));
            }
        }
    }
    others
}
