//! The policy of record and what is to be looked at again, as the API and the commands on this
//! machine see them.
//!
//! **Invariant:** nothing here changes anything.

use axum::http::{Uri, header};
use utoipa::IntoParams;

use crate::audit::Actor;
use crate::control::changes::ChangeRequest;
use crate::control::changes::Due;
use crate::web::Shared;
use crate::web::api::changes::Proposed;
use crate::web::auth::Caller;
use crate::web::body::Answer;
use crate::web::page::Page;
use crate::web::precondition::{self, Precondition};
use crate::web::problem::Problem;
use crate::web::query::Query;

mod shown;

pub(super) use shown::{Difference, PolicyOfRecord, PolicyVersion, Review};

/// Most versions, or reviews, of a page.
const MOST: usize = 500;

/// What may stand behind `?` of the history.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "a description; `Query` reads by its names")]
pub(super) struct Paging {
    /// How many items a page may have.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<u32>,
    /// What `next` of the page before said.
    cursor: Option<u64>,
}

/// Between which versions.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "a description; `Query` reads by its names")]
pub(super) struct Between {
    /// The one before.
    from: u64,
    /// The one after.
    to: u64,
}

/// Which reviews.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "a description; `Query` reads by its names")]
pub(super) struct Reviewable {
    /// `true`: only what somebody should have looked at.
    overdue: Option<bool>,
    /// How many items a page may have.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<u32>,
    /// What `next` of the page before said.
    cursor: Option<u64>,
}

/// What may stand behind `?` of a proposal.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "a description; `Query` reads by its names")]
pub(super) struct Weighing {
    /// `true`: say what would come of it, and change nothing.
    dry_run: Option<bool>,
}

/// A version of the policy of record, or the one in force.
pub(super) async fn version(
    shared: &Shared,
    version: Option<u64>,
) -> Result<Answer<PolicyOfRecord>, Problem> {
    let policy = shared.control.policy(version).await?;
    let tag = precondition::tag(policy.version.version);
    Ok(Answer::ok(PolicyOfRecord::from(policy)).with(header::ETAG, tag))
}

/// The versions, the newest first.
pub(super) async fn history(shared: &Shared, uri: &Uri) -> Result<Answer<Page<PolicyVersion>>, Problem> {
    let query = Query::read::<Paging>(uri)?;
    let before = query.parsed::<u64>("cursor")?;
    let versions = shared.control.policy_history(before, query.limit(MOST)?.saturating_add(1)).await?;
    Page::of(versions, &query, MOST, |version| version.version, PolicyVersion::from)
}

/// What lies between two versions.
pub(super) async fn difference(shared: &Shared, uri: &Uri) -> Result<Answer<Difference>, Problem> {
    let query = Query::read::<Between>(uri)?;
    let version = |name: &str| {
        let say = || Problem::invalid(name, "say between which versions: `?from=…&to=…`");
        query.parsed::<u64>(name)?.ok_or_else(say)
    };
    let (from, to) = (version("from")?, version("to")?);
    let difference = shared.control.policy_difference(from, to).await?;
    Ok(Answer::ok(Difference::new((from, to), difference)))
}

/// What is to be looked at again, the most urgent first.
pub(super) async fn reviews(shared: &Shared, uri: &Uri) -> Result<Answer<Page<Review>>, Problem> {
    let query = Query::read::<Reviewable>(uri)?;
    let overdue = query.flag("overdue")?;
    let (limit, skipped) = (query.limit(MOST)?, query.parsed::<usize>("cursor")?.unwrap_or_default());
    let mut reviews = shared.control.reviews().await?;
    reviews.retain(|review| !overdue || review.due == Due::Overdue);
    let next = skipped.saturating_add(limit);
    let next = (next < reviews.len()).then(|| next.to_string());
    let items = reviews.into_iter().skip(skipped).take(limit).map(Review::from).collect();
    Ok(Page::new(items, next).answer(&query))
}

/// What would come of a proposal.
pub(super) async fn weighed(
    shared: &Shared,
    caller: Option<&Caller>,
    request: ChangeRequest,
    precondition: Precondition,
) -> Result<Answer<Proposed>, Problem> {
    let fits = move |version| precondition.holds(version).is_ok();
    let (actor, client) = caller.map_or((Actor::Local, None), |caller| (caller.actor(), caller.client));
    let weighed = shared.control.weigh_change(&actor, request, fits, client).await?;
    Ok(Answer::ok(Proposed::weighed(weighed)))
}
