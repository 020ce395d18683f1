//! What whoever may write to the state folder may do without a token.

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::audit::{Actor, Entry};
use crate::control::feeds::{Asked, Which};
use crate::control::lists::Imported;
use crate::web::Shared;
use crate::web::api::changes::{Proposal, Proposed, Reloaded};
use crate::web::api::to_the_end;
use crate::web::body::{Answer, Sent};
use crate::web::events::{self, AroundAnswer, EvidenceWish, ExportWish, Inquiries, Reader, SeenEvent, Sight};
use crate::web::explain::{self, Explanation};
use crate::web::inspection::{self, Candidates};
use crate::web::local::staff;
use crate::web::page::Page;
use crate::web::path::{Sequence, Version};
use crate::web::policy::{self, Difference, PolicyOfRecord, PolicyVersion, Review, Weighing};
use crate::web::precondition::Precondition;
use crate::web::problem::{self, Problem};
use crate::web::query::Query;
use crate::web::said::{Purpose, bounded};

/// `{reason?}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reload {
    reason: Option<String>,
}

/// `{name?, accept_shrink?}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fetch {
    name: Option<String>,
    #[serde(default)]
    accept_shrink: BTreeSet<String>,
}

/// Every route of `/local`.
pub(super) fn router(shared: &Shared) -> Router {
    Router::new()
        .merge(staff::router())
        .route("/explain", post(answer))
        .route("/reload", post(reload))
        .route("/lists/fetch", post(fetch))
        .route("/lists/imported", post(imported))
        .route("/events", get(find))
        .route("/events/{seq}/around", get(around))
        .route("/events/stream", get(stream))
        .route("/exports", post(export))
        .route("/evidence", post(evidence))
        .route("/inspection/candidates", get(candidates))
        .route("/policy", get(policy_in_force))
        .route("/policy/{version}", get(policy_version))
        .route("/policy/history", get(policy_history))
        .route("/policy/diff", get(policy_difference))
        .route("/reviews", get(reviews))
        .route("/changes", post(weigh))
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(from_fn_with_state(shared.clone(), to_the_end))
        .with_state(shared.clone())
}

async fn answer(
    State(shared): State<Shared>,
    Sent(question): Sent<explain::Question>,
) -> Result<Answer<Explanation>, Problem> {
    Ok(Answer::ok(explain::answer(&shared, question, explain::Suspensions::Told).await?))
}

async fn reload(
    State(shared): State<Shared>,
    Sent(Reload { reason }): Sent<Reload>,
) -> Result<Answer<Reloaded>, Problem> {
    let reason = bounded("reason", reason.as_deref())?.map(ToOwned::to_owned);
    Ok(Answer::ok(shared.reload(Actor::Local, reason).await?))
}

async fn fetch(
    State(shared): State<Shared>,
    Sent(Fetch { name, accept_shrink }): Sent<Fetch>,
) -> Result<Answer<Value>, Problem> {
    let which = name.map_or(Which::All, Which::One);
    Ok(Answer::ok(shared.fetch(Asked { which, accept_shrink }, Actor::Local).await?))
}

/// Records what was imported by hand, or refused: the import itself is done by whoever tells of it.
async fn imported(
    State(shared): State<Shared>,
    Sent(told): Sent<Imported>,
) -> Result<Answer<Value>, Problem> {
    let audit_seq = shared.control.record(Entry::System(told.act())).await?;
    Ok(Answer::ok(json!({ "audit_seq": audit_seq })))
}

async fn find(State(shared): State<Shared>, uri: Uri) -> Result<Answer<Page<SeenEvent>>, Problem> {
    events::find(&shared, &uri, reader()).await
}

async fn around(
    State(shared): State<Shared>,
    Sequence(sequence): Sequence,
    uri: Uri,
) -> Result<Answer<AroundAnswer>, Problem> {
    Ok(Answer::ok(events::around(&shared, sequence, &uri, reader()).await?))
}

async fn stream(State(shared): State<Shared>, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    events::stream(&shared, (&uri, &headers), reader(), None).await
}

async fn export(State(shared): State<Shared>, Sent(wish): Sent<ExportWish>) -> Result<Response, Problem> {
    events::export(&shared, reader(), wish).await
}

async fn evidence(State(shared): State<Shared>, Sent(wish): Sent<EvidenceWish>) -> Result<Response, Problem> {
    events::evidence(&shared, reader(), wish).await
}

fn reader() -> Reader {
    let (sight, purpose) = (Sight::Names, Purpose::Needed);
    // Whoever is root here can read the trail itself.
    Reader { actor: Actor::Local, client: None, sight, purpose, inquiries: Inquiries::All }
}

async fn policy_in_force(State(shared): State<Shared>) -> Result<Answer<PolicyOfRecord>, Problem> {
    policy::version(&shared, None).await
}

async fn policy_version(
    State(shared): State<Shared>,
    Version(version): Version,
) -> Result<Answer<PolicyOfRecord>, Problem> {
    policy::version(&shared, Some(version)).await
}

async fn policy_history(
    State(shared): State<Shared>,
    uri: Uri,
) -> Result<Answer<Page<PolicyVersion>>, Problem> {
    policy::history(&shared, &uri).await
}

async fn policy_difference(State(shared): State<Shared>, uri: Uri) -> Result<Answer<Difference>, Problem> {
    policy::difference(&shared, &uri).await
}

async fn reviews(State(shared): State<Shared>, uri: Uri) -> Result<Answer<Page<Review>>, Problem> {
    policy::reviews(&shared, &uri).await
}

/// What would come of a proposal; to make one, somebody says who they are.
async fn weigh(
    State(shared): State<Shared>,
    uri: Uri,
    precondition: Precondition,
    Sent(proposal): Sent<Proposal>,
) -> Result<Answer<Proposed>, Problem> {
    if !Query::read::<Weighing>(&uri)?.flag("dry_run")? {
        return Err(Problem::unauthenticated());
    }
    policy::weighed(&shared, None, proposal.try_into()?, precondition).await
}

async fn candidates(State(shared): State<Shared>, uri: Uri) -> Result<Answer<Candidates>, Problem> {
    Ok(Answer::ok(inspection::candidates(&shared, &uri, Actor::Local, None).await?))
}
