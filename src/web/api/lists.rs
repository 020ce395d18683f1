//! The lists in force: what they are, what they say of a site, and reading them anew.

use axum::extract::State;
use axum::http::Uri;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::audit::Entry;
use crate::control::feeds::{View, inspection_sentence};
use crate::lists::{ListInfo, StatutoryList};
use crate::model::{Role, Url};
use crate::policy::{self, Draft, Policy};
use crate::web::Shared;
use crate::web::auth::Caller;
use crate::web::body::{Answer, Sent};
use crate::web::problem::Problem;
use crate::web::query::Query;

const KEEPERS: [Role; 2] = [Role::Technician, Role::FilteringManager];

/// `{reason?}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reload {
    reason: Option<String>,
}

/// `GET /lists`: of statutory lists no more than name, version, size, age and what is wrong.
pub(super) async fn all(State(shared): State<Shared>, caller: Caller) -> Result<Answer, Problem> {
    caller.must_hold(&KEEPERS, &shared, "lists.read", Entry::Read).await?;
    let policy = shared.control.live().snapshot();
    let (view, now) = (shared.control.feeds().await, shared.control.now());
    let catalogues = [policy.catalogue(), policy.school_allow(), policy.school_block()];
    let lists = catalogues.iter().flat_map(|catalogue| catalogue.lists());
    let items: Vec<Value> = lists.map(|list| item(list, &policy, &view)).collect();
    let age = |id: &str| view.looked.get(id).map(|looked| now.since(*looked).as_secs());
    let row = |list: &StatutoryList| {
        let id = format!("statutory/{}", list.name);
        json!({
            "name": list.name, "version": list.version, "entries": list.entries, "pages": list.pages,
            "looked": view.looked.get(&id), "age_seconds": age(&id), "alarm": view.alarm_of(&id),
        })
    };
    let statutory: Vec<Value> = policy.statutory().lists().iter().map(row).collect();
    Ok(Answer::ok(json!({
        "items": items, "next": null, "statutory": statutory, "generation": policy.generation(),
        "sources": view.sources, "alarms": view.alarms,
        "inspection": {
            "hosts": policy.statutory().paged_hosts(),
            "sentence": inspection_sentence(policy.statutory(), Some(policy.draft())),
        },
    })))
}

fn item(list: &ListInfo, policy: &Policy, view: &View) -> Value {
    let source = view.source_of(&list.id);
    let licence = source.map(|source| &*source.licence).filter(|licence| !licence.is_empty());
    json!({
        "id": list.id,
        "category": category_of(policy.draft(), &list.id),
        "title": list.title,
        "version": list.version,
        "entries": list.entries,
        "rejected": list.rejected,
        "licence": licence.unwrap_or(&list.licence),
        "attribution": source.map(|source| &source.attribution),
        "digest": list.digest,
        "source": source.map(|source| &source.source),
        "alarm": view.alarm_of(&list.id),
    })
}

/// `GET /lists/lookup?q=`: every entry that covers a host or URL. Statutory lists are not asked.
pub(super) async fn lookup(
    State(shared): State<Shared>,
    caller: Caller,
    uri: Uri,
) -> Result<Answer, Problem> {
    caller.must_hold(&KEEPERS, &shared, "lists.lookup", Entry::Read).await?;
    let query = Query::read(&uri, &["q"])?;
    let text = query.text("q").ok_or_else(|| Problem::invalid("q", "say which host or URL: `?q=`"))?;
    let url = Url::parse_typed(text)
        .map_err(|fault| Problem::invalid("q", format!("the URL can't be judged: {fault}")))?;
    let policy = shared.control.live().snapshot();
    Ok(Answer::ok(json!({ "query": text, "matches": matches(&policy, &url) })))
}

/// `POST /lists/reload`: reads policy and lists again.
pub(super) async fn reload(
    State(shared): State<Shared>,
    caller: Caller,
    Sent(Reload { reason }): Sent<Reload>,
) -> Result<Answer, Problem> {
    caller.must_hold(&KEEPERS, &shared, "policy.reloaded", Entry::Change).await?;
    Ok(Answer::ok(shared.reload(caller.actor(), reason).await?))
}

fn matches(policy: &Policy, url: &Url) -> Vec<Value> {
    policy::lookup(policy, url)
        .into_iter()
        .map(|found| {
            json!({
                "category": category_of(policy.draft(), &found.evidence.list),
                "list": found.evidence.list,
                "version": found.evidence.version,
                "file": found.evidence.file,
                "line": found.evidence.line,
                "entry": found.entry,
            })
        })
        .collect()
}

fn category_of<'d>(draft: &'d Draft, list: &str) -> Option<&'d str> {
    let lists = |sources: &[String]| sources.iter().any(|source| source == list);
    let found = draft
        .categories
        .iter()
        .find(|category| lists(&category.sources) || lists(&category.optional_sources));
    found.map(|category| category.id.as_str())
}
