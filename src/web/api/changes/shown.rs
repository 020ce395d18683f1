//! A change as the API takes and shows it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::audit::Actor;
use crate::control::Recorded;
use crate::control::changes::{self, Risk};
use crate::model::{Role, StaffName, Timestamp};
use crate::policy::Edit;
use crate::web::openapi::words::{
    ActorWord, ChangeKindWord, ChangeStateWord, EffectWord, Moment, OpWord, RoleWord, SchoolListWord,
};

/// One change under change control.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct Change {
    /// UUIDv7.
    id: Uuid,
    /// What it is about: an entry of a school list, the policy, or an emergency block.
    #[schema(value_type = ChangeKindWord)]
    kind: &'static str,
    /// What it does.
    #[schema(value_type = EffectWord)]
    effect: &'static str,
    /// The same in plain English.
    sentence: String,
    /// Why it counts as opening something; null when it does not.
    why_it_loosens: Option<String>,
    /// The list, of an entry.
    #[schema(value_type = Option<SchoolListWord>)]
    list: Option<&'static str>,
    /// What it does to the list.
    #[schema(value_type = Option<OpWord>)]
    op: Option<&'static str>,
    /// The entry in its normal form.
    entry: Option<String>,
    /// The line of the file that it stood on when it was proposed; none when it never stood in one.
    line: Option<u32>,
    /// What the line says behind its `#`.
    remark: Option<String>,
    /// The edits of the policy; empty for all else.
    edits: Vec<PolicyEdit>,
    /// The emergency block that it lifts.
    block: Option<Uuid>,
    /// What that shuts.
    target: Option<String>,
    /// Why, in the proposer's words.
    reason: Option<String>,
    /// What was thought through, where a category is opened.
    risk: Option<RiskAssessment>,
    /// Who answers for it.
    #[schema(value_type = Option<String>)]
    owner: Option<StaffName>,
    /// The day on which somebody looks at it again.
    review_on: Option<String>,
    /// When the gateway first saw it.
    #[schema(value_type = Moment)]
    proposed_at: Timestamp,
    /// Who proposed it, or had the files read.
    proposer: Proposer,
    /// Where it stands.
    #[schema(value_type = ChangeStateWord)]
    state: &'static str,
    /// The roles of which one must approve it.
    #[schema(value_type = Vec<RoleWord>)]
    needs: &'static [Role],
    /// Whether whoever approves must say what was thought through, since nobody has.
    needs_risk: bool,
    /// Who decided; nobody where the settings did.
    #[schema(value_type = Option<String>)]
    decided_by: Option<StaffName>,
    /// When.
    #[schema(value_type = Option<Moment>)]
    decided_at: Option<Timestamp>,
    /// What they said.
    comment: Option<String>,
    /// The record of the decision, in the answer to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_seq: Option<u64>,
}

/// A key of the policy that is set, changed or taken away.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct PolicyEdit {
    /// The dotted key: `groups.ks2.categories.games`.
    key: String,
    /// What it was set to; null when it was not.
    before: Value,
    /// What it is set to; null when it is taken away.
    after: Value,
    /// The same as a sentence.
    sentence: String,
}

/// What was thought through before a category was opened.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct RiskAssessment {
    /// What it is good for.
    #[schema(max_length = 1000)]
    benefit: String,
    /// What can go wrong.
    #[schema(max_length = 1000)]
    risk: String,
    /// What is done about that.
    #[schema(max_length = 1000)]
    mitigation: String,
}

/// What is said with a decision.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Said {
    /// Why; an approval must say.
    #[schema(max_length = 1000)]
    pub(super) comment: Option<String>,
    /// The risk assessment, where the proposal came without one and needs it.
    #[serde(default)]
    pub(super) risk: Option<RiskAssessment>,
}

/// Who had the lists read.
#[derive(Serialize, ToSchema)]
struct Proposer {
    /// Which kind of actor.
    #[schema(value_type = ActorWord)]
    kind: &'static str,
    /// The member of staff, if it was one.
    name: Option<String>,
}

/// What a reload came to.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct Reloaded {
    /// What is in force other than before, each in one sentence.
    changes: Vec<String>,
    /// What is not in force until a second person approves it.
    held: Vec<Change>,
    /// The record of it.
    audit_seq: u64,
}

/// What came of a proposal.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct Proposed {
    /// Each part: in force at once, or pending.
    changes: Vec<Change>,
    /// What waited before, and is taken back: what is proposed now stands in its place.
    withdrawn: Vec<Change>,
    /// The version of the policy of record now in force.
    version: u64,
    /// The record of it; nothing is recorded where it was only weighed.
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_seq: Option<u64>,
}

impl Change {
    /// The same, in the answer to a decision.
    pub(in crate::web) fn recorded(done: Recorded<changes::Change>) -> Change {
        Change { audit_seq: Some(done.audit_seq), ..done.value.into() }
    }
}

impl Proposed {
    /// What would come of a proposal.
    pub(in crate::web) fn weighed(weighed: changes::Proposed) -> Proposed {
        let changes = weighed.changes.into_iter().map(Change::from).collect();
        let withdrawn = weighed.withdrawn.into_iter().map(Change::from).collect();
        Proposed { changes, withdrawn, version: weighed.version, audit_seq: None }
    }
}

impl From<changes::Change> for Change {
    fn from(change: changes::Change) -> Change {
        let needs = change.needs();
        let entry = change.entry().cloned();
        let target = match &change.what {
            changes::What::LiftBlock { target, .. } => Some(target.clone()),
            changes::What::Entry(_) | changes::What::Policy { .. } => None,
        };
        Change {
            id: change.id,
            kind: change.what.kind(),
            effect: change.effect.as_str(),
            sentence: change.sentence(),
            why_it_loosens: change.why_it_loosens(),
            needs_risk: !needs.is_empty() && change.needs_risk() && change.risk.is_none(),
            list: entry.as_ref().map(|entry| entry.list.id()),
            op: entry.as_ref().map(|entry| entry.op.as_str()),
            line: entry.as_ref().and_then(|entry| entry.line),
            remark: entry.as_ref().and_then(|entry| entry.remark.clone()),
            entry: entry.map(|entry| entry.entry),
            edits: change.edits().iter().map(PolicyEdit::from).collect(),
            block: change.block(),
            target,
            reason: change.reason,
            risk: change.risk.map(RiskAssessment::from),
            owner: change.owner,
            review_on: change.review_on,
            proposed_at: change.proposed_at,
            proposer: Proposer::from(&change.proposer),
            state: change.state.as_str(),
            needs,
            decided_by: change.decided_by,
            decided_at: change.decided_at,
            comment: change.comment,
            audit_seq: None,
        }
    }
}

impl From<&Actor> for Proposer {
    fn from(actor: &Actor) -> Proposer {
        Proposer { kind: actor.as_str(), name: actor.name().map(ToOwned::to_owned) }
    }
}

impl From<Recorded<changes::Reloaded>> for Reloaded {
    fn from(done: Recorded<changes::Reloaded>) -> Reloaded {
        let held = done.value.held.into_iter().map(Change::from).collect();
        Reloaded { changes: done.value.changes, held, audit_seq: done.audit_seq }
    }
}

impl From<Recorded<changes::Proposed>> for Proposed {
    fn from(done: Recorded<changes::Proposed>) -> Proposed {
        Proposed { audit_seq: Some(done.audit_seq), ..Proposed::weighed(done.value) }
    }
}

impl From<&Edit> for PolicyEdit {
    fn from(edit: &Edit) -> PolicyEdit {
        let value = |value| serde_json::to_value(value).unwrap_or_default();
        PolicyEdit {
            key: edit.key.clone(),
            before: value(&edit.before),
            after: value(&edit.after),
            sentence: changes::in_words(edit),
        }
    }
}

impl From<Risk> for RiskAssessment {
    fn from(Risk { benefit, risk, mitigation }: Risk) -> RiskAssessment {
        RiskAssessment { benefit, risk, mitigation }
    }
}

impl From<RiskAssessment> for Risk {
    fn from(RiskAssessment { benefit, risk, mitigation }: RiskAssessment) -> Risk {
        Risk { benefit, risk, mitigation }
    }
}
