//! What the audit trail is told of changes of the school's lists.

use serde_json::{Value, json};

use crate::audit::{Act, Actor};
use crate::control::changes::{Change, ChangeState};
use crate::control::journal::Prepared;
use crate::settings::Loosening;

/// The most changes of one act: a line of the trail has a length that it may not pass.
const AN_ACT: usize = 20;
/// Why it is held.
const WHY: &str = "it opens something, and the settings ask for a second person";

/// Adds to the act of a start or a reload what becomes of edits that open something.
pub(in crate::control) fn held_or_at_once(act: Act, prepared: &Prepared, (lists, policy): Rules) -> Act {
    act.with("loosening", lists.as_str())
        .with("policy_loosening", policy.as_str())
        .with("held", prepared.held().len())
}

/// What becomes of what opens something, in the school's lists and in the policy.
pub(in crate::control) type Rules = (Loosening, Loosening);

/// An act for every few changes that are held anew, taken back or let through by the settings.
pub(in crate::control) fn acts<'c>(actor: &Actor, changes: impl Iterator<Item = &'c Change>) -> Vec<Act> {
    // What a person decided has an act of its own; what opened nothing is told with the version.
    let by_itself = |change: &&Change| change.state == ChangeState::Withdrawn || change.decided_by.is_none();
    let changes: Vec<&Change> = changes.filter(by_itself).collect();
    let in_state = |state: ChangeState| -> Vec<&Change> {
        changes.iter().filter(|change| change.state == state).copied().collect()
    };
    let held = told(actor, "change.held", &in_state(ChangeState::Pending));
    let held = held.into_iter().map(|act| act.with("why", WHY));
    let withdrawn = told(actor, "change.withdrawn", &in_state(ChangeState::Withdrawn));
    let passed = told(actor, "change.at_once", &in_state(ChangeState::Approved));
    held.chain(withdrawn).chain(passed).collect()
}

/// What somebody proposed, and what they thereby took back.
pub(super) fn proposed(proposer: &Actor, new: &[Change], withdrawn: &[Change]) -> Act {
    let with_state = |change: &Change| {
        let mut details = details(change);
        details["state"] = change.state.as_str().into();
        details
    };
    let act = Act::new(proposer.clone(), "change.proposed")
        .with("changes", new.iter().map(with_state).collect::<Vec<Value>>())
        .with("withdrawn", withdrawn.iter().map(|change| change.id.to_string()).collect::<Vec<_>>());
    Act { reason: new.first().and_then(|change| change.reason.clone()), ..act }
}

/// One change, as the trail names it.
pub(super) fn details(change: &Change) -> Value {
    let mut details = json!({
        "change_id": change.id,
        "effect": change.effect.as_str(),
        "why": change.reason,
        "risk": change.risk,
        "owner": change.owner,
        "review_on": change.review_on,
        "proposer_kind": change.proposer.as_str(),
        "proposer": change.proposer.name(),
        "proposed_at": change.proposed_at,
    });
    // Its own members beside them: `list`, `op`, `entry`, … or `edits` with before and after.
    if let (Value::Object(details), Ok(Value::Object(what))) =
        (&mut details, serde_json::to_value(&change.what))
    {
        details.extend(what);
    }
    details
}

fn told(actor: &Actor, action: &'static str, changes: &[&Change]) -> Vec<Act> {
    let some = |changes: &[&Change]| {
        let changes: Vec<Value> = changes.iter().map(|change| details(change)).collect();
        Act::new(actor.clone(), action).with("changes", changes)
    };
    changes.chunks(AN_ACT).map(some).collect()
}
