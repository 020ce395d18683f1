//! Change control: proposed, looked at, decided on.

use axum::extract::State;
use axum::http::Uri;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::audit::Entry;
use crate::control::changes::{
    CHANGE_READERS, ChangeDecision, ChangeRequest, ChangeState, Verdict, Wanted as What, What as About,
};
use crate::document::Plain;
use crate::model::Role;
use crate::policy::Effect;
use crate::web::Shared;
use crate::web::auth::Caller;
use crate::web::body::{Answer, Sent};
use crate::web::openapi::words::{
    ChangeKindWord, ChangeStateWord, EffectWord, Moment, OpWord, SchoolListWord,
};
use crate::web::page::{Page, Paged};
use crate::web::path::Id;
use crate::web::policy::{self, Weighing};
use crate::web::precondition::Precondition;
use crate::web::problem::Problem;
use crate::web::query::Query;

mod shown;

pub(in crate::web) use shown::{Change, Proposed, Reloaded, RiskAssessment, Said};

/// Most changes of a page.
const MOST: usize = 500;

/// Who proposes changes of the policy and of the school's lists.
const PROPOSERS: [Role; 1] = [Role::FilteringManager];

/// Who may ask what would come of one: whoever writes the text, too.
const WEIGHERS: [Role; 2] = [Role::FilteringManager, Role::Technician];

/// A change that is proposed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Proposal {
    /// What is to change.
    change: Proposable,
    /// Why.
    #[schema(min_length = 15, max_length = 1000)]
    reason: String,
    /// What was thought through; needed where a category is opened.
    #[serde(default)]
    risk: Option<RiskAssessment>,
    /// Who answers for it; you, when absent.
    #[serde(default)]
    owner: Option<String>,
    /// The day on which it is looked at again; a year from now, when absent.
    #[serde(default)]
    #[schema(format = Date)]
    review_on: Option<String>,
}

/// What is to change.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Proposable {
    /// The whole policy text.
    Policy {
        /// The text, as TOML.
        text: String,
    },
    /// One key of the policy.
    Set {
        /// The dotted key: `groups.ks2.categories.games`.
        key: String,
        /// What it is set to; null takes the key away.
        #[schema(value_type = Option<serde_json::Value>)]
        value: Option<Plain>,
    },
    /// An entry of one of the school's lists.
    Entry {
        /// The list.
        #[schema(value_type = SchoolListWord)]
        list: crate::control::changes::SchoolList,
        /// Put on it, or taken off.
        #[schema(value_type = OpWord)]
        op: crate::control::changes::Op,
        /// The host, page or network.
        entry: String,
    },
    /// The policy text of an earlier version.
    Rollback {
        /// Its number.
        version: u64,
    },
}

impl TryFrom<Proposal> for ChangeRequest {
    type Error = Problem;

    fn try_from(sent: Proposal) -> Result<ChangeRequest, Problem> {
        let change = match sent.change {
            Proposable::Policy { text } => What::Policy { text },
            Proposable::Set { key, value } => What::Set { key, value },
            Proposable::Entry { list, op, entry } => What::Entry { list, op, entry },
            Proposable::Rollback { version } => What::Rollback { version },
        };
        let owner = sent.owner.map(|owner| owner.parse()).transpose();
        let owner =
            owner.map_err(|fault: crate::model::WordError| Problem::invalid("owner", fault.to_string()))?;
        let risk = sent.risk.map(Into::into);
        Ok(ChangeRequest { change, reason: sent.reason, risk, owner, review_on: sent.review_on })
    }
}

/// What may stand behind `?`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "a description; `Query` reads by its names")]
pub(super) struct Wanted {
    /// Only those that stand there.
    #[param(inline)]
    state: Option<ChangeStateWord>,
    /// Only what does that.
    #[param(inline)]
    effect: Option<EffectWord>,
    /// Only what is about that.
    #[param(inline)]
    kind: Option<ChangeKindWord>,
    /// Only what this member of staff proposed; or `local`, or `system`.
    proposer: Option<String>,
    /// Proposed at this moment or later.
    #[param(inline)]
    from: Option<Moment>,
    /// Proposed before this moment.
    #[param(inline)]
    to: Option<Moment>,
}

/// Changes
///
/// The newest first: what waits, what came in force at once, and what became of the rest; each in a plain
/// sentence.
#[utoipa::path(get, path = "/changes", operation_id = "list_changes", tag = "changes", params(Paged<Wanted>),
    responses((status = 200, description = "A page of changes", body = Page<Change>,
        headers(("Link", description = "The next page (RFC 8288)")))))]
pub(super) async fn all(
    State(shared): State<Shared>,
    caller: Caller,
    uri: Uri,
) -> Result<Answer<Page<Change>>, Problem> {
    caller.must_hold(&CHANGE_READERS, &shared, "changes.read", Entry::Read).await?;
    let query = Query::read::<Paged<Wanted>>(&uri)?;
    let state = query.one_of("state", &ChangeState::ALL, ChangeState::as_str)?;
    let effect = query.one_of("effect", &Effect::ALL, Effect::as_str)?;
    let kind = query.one_of("kind", &About::KINDS, |kind| kind)?;
    let (proposer, (from, to)) = (query.text("proposer"), query.span()?);
    let mut changes = shared.control.changes(state).await?;
    changes.retain(|change| {
        effect.is_none_or(|effect| change.effect == effect)
            && kind.is_none_or(|kind| change.what.kind() == kind)
            && proposer.is_none_or(|name| change.proposer.name().unwrap_or(change.proposer.as_str()) == name)
            && from.is_none_or(|from| change.proposed_at >= from)
            && to.is_none_or(|to| change.proposed_at < to)
    });
    Page::of(changes, &query, MOST, |change| change.id, Change::from)
}

/// One change
#[utoipa::path(get, path = "/changes/{id}", operation_id = "get_change", tag = "changes", params(Id),
    responses((status = 200, description = "The change", body = Change)))]
pub(super) async fn one(
    State(shared): State<Shared>,
    caller: Caller,
    Id(id): Id,
) -> Result<Answer<Change>, Problem> {
    caller.must_hold(&CHANGE_READERS, &shared, "changes.read", Entry::Read).await?;
    Ok(Answer::ok(shared.control.change(id).await?.into()))
}

/// Propose a change
///
/// A policy text, one key of it, an entry of a school list, or an earlier version. What opens nothing
/// is in force at once; the rest waits for a second person. With `If-Match` it is taken only for the
/// version of the policy that it was written for. `?dry_run=true` says what would come of it: nothing is
/// changed, and a technician may ask too.
#[utoipa::path(post, path = "/changes", operation_id = "propose_change", tag = "changes",
    params(Weighing, Precondition), request_body = Proposal,
    responses((status = 201, description = "What came of it", body = Proposed),
        (status = 200, description = "What would come of it", body = Proposed)))]
pub(super) async fn propose(
    State(shared): State<Shared>,
    caller: Caller,
    precondition: Precondition,
    uri: Uri,
    Sent(proposal): Sent<Proposal>,
) -> Result<Answer<Proposed>, Problem> {
    if Query::read::<Weighing>(&uri)?.flag("dry_run")? {
        caller.must_hold(&WEIGHERS, &shared, "change.proposed", Entry::Change).await?;
        return policy::weighed(&shared, Some(&caller), proposal.try_into()?, precondition).await;
    }
    caller.must_hold(&PROPOSERS, &shared, "change.proposed", Entry::Change).await?;
    let fits = move |version| precondition.holds(version).is_ok();
    let done = shared.control.propose(&caller.actor(), proposal.try_into()?, fits, caller.client).await?;
    Ok(Answer::created(done.into()))
}

/// Put a change in force
///
/// Never by the member of staff who proposed it or had it read. It takes a comment, and holds at once. 409
/// `stale`: the policy has moved on, so that it must be proposed anew.
#[utoipa::path(post, path = "/changes/{id}/approve", operation_id = "approve_change", tag = "changes",
    params(Id), request_body = Said,
    responses((status = 200, description = "The change, approved", body = Change)))]
pub(super) async fn approve(
    State(shared): State<Shared>,
    caller: Caller,
    Id(id): Id,
    Sent(said): Sent<Said>,
) -> Result<Answer<Change>, Problem> {
    decide(&shared, &caller, id, ChangeDecision::Approve, said).await
}

/// Turn a change down
///
/// It never was in force, and will not be while the file says so.
#[utoipa::path(post, path = "/changes/{id}/refuse", operation_id = "refuse_change", tag = "changes",
    params(Id), request_body = Said,
    responses((status = 200, description = "The change, refused", body = Change)))]
pub(super) async fn refuse(
    State(shared): State<Shared>,
    caller: Caller,
    Id(id): Id,
    Sent(said): Sent<Said>,
) -> Result<Answer<Change>, Problem> {
    decide(&shared, &caller, id, ChangeDecision::Refuse, said).await
}

async fn decide(
    shared: &Shared,
    caller: &Caller,
    id: Uuid,
    decision: ChangeDecision,
    said: Said,
) -> Result<Answer<Change>, Problem> {
    let verdict = Verdict { decision, comment: said.comment, risk: said.risk.map(Into::into) };
    let decided = shared.control.decide_change(&caller.staff, id, verdict, caller.client).await?;
    Ok(Answer::ok(Change::recorded(decided)))
}
