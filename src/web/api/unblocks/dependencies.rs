//! What a page needs from other hosts, for whoever is about to ask for it.

use std::net::IpAddr;

use axum::extract::State as Has;
use axum::http::Uri;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::audit::{Act, Entry};
use crate::control::{ControlError, Dependency, Whom};
use crate::model::GroupName;
use crate::web::Shared;
use crate::web::auth::Caller;
use crate::web::body::Answer;
use crate::web::problem::Problem;
use crate::web::query::Query;

/// What may stand behind `?`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "a description; `Query` reads by its names")]
pub(in crate::web) struct Asking {
    /// A page or a host.
    target: Option<String>,
    /// The group that it is for; or `client`.
    group: Option<String>,
    /// The address of the device that it was tried on: one's own, unless one decides on unblocks.
    client: Option<String>,
}

/// Hosts that were refused beside a page.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct Dependencies {
    /// What was refused most first; 50 at most.
    items: Vec<Needed>,
    /// There is one page.
    next: Option<String>,
    /// The record of the look.
    audit_seq: u64,
}

/// A host that was refused beside a page.
#[derive(Serialize, ToSchema)]
struct Needed {
    /// The host: what `also` of a request takes.
    host: String,
    /// How often it was refused.
    denied: u64,
    /// The categories that block it, by id.
    categories: Vec<String>,
    /// The same in people's words.
    category_names: Vec<String>,
    /// Whether no unblock can open it.
    locked: bool,
}

/// What a page needs
///
/// The hosts that were refused to the same devices within the last ten minutes, from 2 seconds
/// before to 30 seconds after the page was asked for. For one's own device, for groups that one
/// teaches, or for whoever decides on unblocks; no pupil is named. The look is recorded first.
#[utoipa::path(get, path = "/unblocks/dependencies", operation_id = "get_unblock_dependencies",
    tag = "unblocks", params(Asking),
    responses((status = 200, description = "What was refused beside it", body = Dependencies)))]
pub(in crate::web) async fn dependencies(
    Has(shared): Has<Shared>,
    caller: Caller,
    uri: Uri,
) -> Result<Answer<Dependencies>, Problem> {
    let query = Query::read::<Asking>(&uri)?;
    let target = query.text("target").ok_or_else(|| Problem::invalid("target", "name a page or a host"))?;
    let whom = match (query.parsed::<GroupName>("group")?, query.parsed::<IpAddr>("client")?) {
        (Some(group), None) => Whom::Group(group),
        (None, Some(client)) => Whom::Client(client),
        (None, None) | (Some(_), Some(_)) => {
            return Err(Problem::invalid("group", "say for whom: `group` or `client`, one of them"));
        }
    };
    let act = Act { client: caller.client, ..Act::new(caller.actor(), "unblock.dependencies_read") };
    let look = match shared.control.may_look(&caller.staff, target, whom, caller.client).await {
        Ok(look) => look,
        Err(fault @ (ControlError::Forbidden(_) | ControlError::Statutory)) => {
            return Err(shared.control.refused(act, Entry::Read, fault).await.into());
        }
        Err(fault) => return Err(fault.into()),
    };
    let act = query.asked().into_iter().fold(act, |act, (name, value)| act.with(&name, value));
    let audit_seq = shared.control.record(Entry::Read(act)).await?;
    let looking = look.clone();
    let found = shared.look_up(move |index| looking.read(index)).await??;
    let items = shared.control.dependencies(&look, found).into_iter().map(Needed::new).collect();
    Ok(Answer::ok(Dependencies { items, next: None, audit_seq }))
}

impl Needed {
    fn new(needed: Dependency) -> Needed {
        let Dependency { host, denied, categories, locked } = needed;
        let (categories, category_names) = categories.into_iter().unzip();
        Needed { host, denied, categories, category_names, locked }
    }
}
