//! The lists in force: what they are, what they say of a site, and reading them anew.

use axum::extract::State;
use axum::http::Uri;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::audit::Entry;
use crate::control::feeds::{View, inspection_sentence};
use crate::model::{Role, Url};
use crate::policy::{self, Draft, Policy};
use crate::web::Shared;
use crate::web::api::changes::Reloaded;
use crate::web::auth::Caller;
use crate::web::body::{Answer, Sent};
use crate::web::problem::Problem;
use crate::web::query::Query;
use crate::web::said::bounded;

mod shown;

use shown::{Alarm, List, Source, StatutoryList};

const KEEPERS: [Role; 2] = [Role::Technician, Role::FilteringManager];

/// Why the lists are read again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReloadWish {
    /// Why, for the record.
    #[schema(max_length = 1000)]
    reason: Option<String>,
}

/// What may stand behind `?`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "a description; `Query` reads by its names")]
pub(super) struct LookedUp {
    /// A host or a URL.
    #[param(min_length = 1, max_length = 4096)]
    q: String,
}

/// The lists in force.
#[derive(Serialize, ToSchema)]
pub(super) struct Lists {
    /// Lists of categories, and the school's own.
    items: Vec<List>,
    /// There is one page.
    next: Option<String>,
    /// Statutory lists: name, version, size, age and what is wrong; never an entry.
    statutory: Vec<StatutoryList>,
    /// The version of the policy in force.
    generation: u64,
    /// Where lists are fetched from.
    sources: Vec<Source>,
    /// What is wrong with lists, although filtering goes on.
    alarms: Vec<Alarm>,
    /// Which statutory pages can't be enforced.
    inspection: Inspection,
}

/// What of the statutory lists takes decryption.
#[derive(Serialize, ToSchema)]
struct Inspection {
    /// Hosts of which single pages are listed.
    hosts: usize,
    /// What can't be enforced over https, where something can't.
    sentence: Option<String>,
}

/// What lists say of an address.
#[derive(Serialize, ToSchema)]
pub(super) struct Matches {
    /// What was asked.
    query: String,
    /// Every entry that covers it.
    matches: Vec<Match>,
}

/// An entry that covers an address.
#[derive(Serialize, ToSchema)]
struct Match {
    /// The category that the list belongs to.
    category: Option<String>,
    /// The list's id.
    list: String,
    /// Its version.
    version: String,
    /// The file within it.
    file: String,
    /// The line, from 1.
    line: u32,
    /// The entry.
    entry: String,
}

/// The lists in force
///
/// Of statutory lists no more than name, version, size, age and what is wrong.
#[utoipa::path(get, path = "/lists", operation_id = "get_lists", tag = "lists",
    responses((status = 200, description = "Every list", body = Lists)))]
pub(super) async fn all(State(shared): State<Shared>, caller: Caller) -> Result<Answer<Lists>, Problem> {
    caller.must_hold(&KEEPERS, &shared, "lists.read", Entry::Read).await?;
    let policy = shared.control.live().snapshot();
    let (view, now) = (shared.control.feeds().await, shared.control.now());
    let catalogues = [policy.catalogue(), policy.school_allow(), policy.school_block()];
    let lists = catalogues.iter().flat_map(|catalogue| catalogue.lists());
    let item = |list| List::new(list, category_of(policy.draft(), &list.id), &view);
    let statutory = policy.statutory().lists().iter().map(|list| StatutoryList::new(list, &view, now));
    let inspection = Inspection {
        hosts: policy.statutory().paged_hosts(),
        sentence: inspection_sentence(policy.statutory(), Some(policy.draft())),
    };
    let (items, statutory) = (lists.map(item).collect(), statutory.collect());
    let View { sources, alarms, looked: _ } = view;
    Ok(Answer::ok(Lists {
        items,
        next: None,
        statutory,
        generation: policy.generation(),
        sources: sources.into_iter().map(Source::from).collect(),
        alarms: alarms.into_iter().map(Alarm::from).collect(),
        inspection,
    }))
}

/// What lists say of an address
///
/// Every entry that covers a host or URL. Statutory lists are not asked.
#[utoipa::path(get, path = "/lists/lookup", operation_id = "look_up", tag = "lists", params(LookedUp),
    responses((status = 200, description = "What covers it", body = Matches)))]
pub(super) async fn lookup(
    State(shared): State<Shared>,
    caller: Caller,
    uri: Uri,
) -> Result<Answer<Matches>, Problem> {
    caller.must_hold(&KEEPERS, &shared, "lists.lookup", Entry::Read).await?;
    let query = Query::read::<LookedUp>(&uri)?;
    let text = query.text("q").ok_or_else(|| Problem::invalid("q", "say which host or URL: `?q=`"))?;
    let url = Url::parse_typed(text)
        .map_err(|fault| Problem::invalid("q", format!("the URL can't be judged: {fault}")))?;
    let policy = shared.control.live().snapshot();
    Ok(Answer::ok(Matches { query: text.to_owned(), matches: matches(&policy, &url) }))
}

/// Read policy and lists again
///
/// What tightens is in force at once; what opens something is held until a second person approves.
/// Faulty files change nothing: 422 `faulty` with every fault.
#[utoipa::path(post, path = "/lists/reload", operation_id = "reload_lists", tag = "lists",
    request_body = ReloadWish,
    responses((status = 200, description = "What is in force now, and what is held", body = Reloaded)))]
pub(super) async fn reload(
    State(shared): State<Shared>,
    caller: Caller,
    Sent(ReloadWish { reason }): Sent<ReloadWish>,
) -> Result<Answer<Reloaded>, Problem> {
    caller.must_hold(&KEEPERS, &shared, "policy.reloaded", Entry::Change).await?;
    let reason = bounded("reason", reason.as_deref())?.map(ToOwned::to_owned);
    Ok(Answer::ok(shared.reload(caller.actor(), reason).await?))
}

fn matches(policy: &Policy, url: &Url) -> Vec<Match> {
    policy::lookup(policy, url)
        .into_iter()
        .map(|found| Match {
            category: category_of(policy.draft(), &found.evidence.list),
            list: found.evidence.list,
            version: found.evidence.version,
            file: found.evidence.file,
            line: found.evidence.line,
            entry: found.entry,
        })
        .collect()
}

fn category_of(draft: &Draft, list: &str) -> Option<String> {
    let lists = |sources: &[String]| sources.iter().any(|source| source == list);
    let found = draft
        .categories
        .iter()
        .find(|category| lists(&category.sources) || lists(&category.optional_sources));
    found.map(|category| category.id.clone())
}
