//! What the audit trail is told of changes of the school's lists.

use serde_json::{Value, json};

use crate::audit::{Act, Actor};
use crate::control::changes::{Change, ChangeState, Proposal};
use crate::settings::Loosening;

/// The most changes of one act: a line of the trail has a length that it may not pass.
const AN_ACT: usize = 20;
/// Why it is held.
const WHY: &str = "it opens something, and the settings ask for a second person";

/// Adds to the act of a start or a reload what becomes of edits that open something.
pub(in crate::control) fn held_or_at_once(act: Act, loosening: Loosening, proposal: &Proposal) -> Act {
    act.with("loosening", loosening.as_str()).with("held", proposal.held().len())
}

/// An act for every few changes that are held anew, taken back or let through by the settings.
pub(in crate::control) fn acts(actor: &Actor, proposal: &Proposal) -> Vec<Act> {
    let in_state = |state: ChangeState| -> Vec<&Change> {
        // What a person decided has an act of its own.
        let by_itself = |change: &&Change| state == ChangeState::Withdrawn || change.decided_by.is_none();
        proposal.settled().iter().filter(|change| change.state == state).filter(by_itself).collect()
    };
    let held = told(actor, "change.held", &proposal.newly_held().iter().collect::<Vec<_>>());
    let held = held.into_iter().map(|act| act.with("why", WHY));
    let withdrawn = told(actor, "change.withdrawn", &in_state(ChangeState::Withdrawn));
    let passed = told(actor, "change.at_once", &in_state(ChangeState::Approved));
    held.chain(withdrawn).chain(passed).collect()
}

/// One change, as the trail names it.
pub(super) fn details(change: &Change) -> Value {
    json!({
        "change_id": change.id,
        "list": change.list.id(),
        "op": change.op.as_str(),
        "entry": change.entry,
        "line": change.line,
        "remark": change.remark,
        "proposer_kind": change.proposer.as_str(),
        "proposer": change.proposer.name(),
        "proposed_at": change.proposed_at,
    })
}

fn told(actor: &Actor, action: &'static str, changes: &[&Change]) -> Vec<Act> {
    let some = |changes: &[&Change]| {
        let changes: Vec<Value> = changes.iter().map(|change| details(change)).collect();
        Act::new(actor.clone(), action).with("changes", changes)
    };
    changes.chunks(AN_ACT).map(some).collect()
}
