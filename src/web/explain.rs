//! Says what would happen to a request, and what every rung has to say on it.
//!
//! **Invariant:** it asks the policy in force as the gateway would, with no more in view than
//! the gateway has; of a statutory answer it says the list and the entry's id, and nothing else.

use std::net::{IpAddr, Ipv4Addr};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::model::{Attribution, GroupName, Host, Scheme, Subject, Timestamp, Url, UserName};
use crate::policy::{Asked, Content, Destination, Evidence, Inspect, Policy, Rung, Shown, Step};
use crate::services;
use crate::web::Shared;
use crate::web::problem::Problem;

/// `{url, group?, user?, client?, at?}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    url: String,
    group: Option<GroupName>,
    user: Option<UserName>,
    client: Option<IpAddr>,
    at: Option<Timestamp>,
}

/// Explains the decision on `url` for `subject` at `now`, as the API and the command line show it.
#[must_use]
pub fn explain(policy: &Policy, subject: &Subject, url: &Url, now: Timestamp) -> Value {
    let inspected = is_inspected(policy, subject, url.host());
    let (destination, shown) = if inspected { as_read(url) } else { as_seen(url) };
    let content = destination.url.as_ref().map(Content::of_url);
    let visibility = if destination.url.is_some() { "url" } else { "host" };
    let content = content.as_ref().unwrap_or(Content::NONE);
    let asked = Asked { subject, destination: &destination, shown, content };
    let explained = policy.explain(&asked, now);
    let (verdict, reason) = (&explained.verdict, &explained.verdict.reason);
    let statutory = reason.rung == Rung::Statutory;
    let told = explained.rungs.iter().filter(|(rung, _)| !statutory || *rung == Rung::Statutory);
    json!({
        "url": (!statutory).then(|| url.to_string()),
        "visibility": (!statutory).then_some(visibility),
        "action": verdict.action.as_str(),
        "rung": reason.rung.as_str(),
        "reason": reason.text,
        "rule": reason.rule.id,
        "rule_name": reason.rule.name,
        "category": reason.rule.category,
        "list": reason.evidence.as_ref().map(|evidence| list(evidence, reason.rung)),
        "categories": if statutory { &[][..] } else { &reason.categories[..] },
        "unblock_id": reason.unblock,
        "rungs": told.map(|(rung, step)| step_of(*rung, step)).collect::<Vec<_>>(),
        "group": verdict.group.as_str(),
        "generation": verdict.generation,
        "until": verdict.until,
    })
}

/// Answers a question about the policy in force.
pub(super) async fn answer(shared: &Shared, question: Question) -> Result<Value, Problem> {
    let url = Url::parse_typed(&question.url)
        .map_err(|fault| Problem::invalid("url", format!("the URL can't be judged: {fault}")))?;
    let policy = shared.control.live().snapshot();
    let mut subject = match question.client {
        Some(client) => shared.control.attribute(client).await,
        None => Subject::unknown(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
    };
    if let Some(group) = question.group {
        if !policy.draft().groups.iter().any(|known| known.id == group) {
            return Err(Problem::invalid("group", format!("there is no group “{group}”")));
        }
        subject = Subject { group: Some(group), attribution: Attribution::Subnet, ..subject };
    }
    subject.user = question.user.or(subject.user);
    let at = question.at.unwrap_or_else(|| shared.control.now());
    Ok(explain(&policy, &subject, &url, at))
}

/// Whether connections to a host are decrypted for a subject's group.
fn is_inspected(policy: &Policy, subject: &Subject, host: &Host) -> bool {
    let group = policy.group_of(subject);
    let inspect = policy.draft().groups.iter().find(|known| known.id == *group).map(|known| known.inspect);
    match inspect {
        Some(Inspect::Always) => true,
        Some(Inspect::Surgical) => {
            policy.enforce(subject).needs_url(host)
                || (policy.watches_searches(group) && services::is_search_host(host))
        }
        Some(Inspect::Never) | None => false,
    }
}

/// A request whose URL can be read.
fn as_read(url: &Url) -> (Destination, Shown) {
    (Destination { host: Some(url.host().clone()), port: url.port(), url: Some(url.clone()) }, Shown::Request)
}

/// What the gateway sees of a request for `url` without decryption: all of it in plain HTTP, the name in TLS.
fn as_seen(url: &Url) -> (Destination, Shown) {
    let seen = match url.scheme() {
        Scheme::Http => Some(url.clone()),
        Scheme::Https => None,
    };
    let shown = match (url.scheme(), url.host()) {
        (Scheme::Http, _) => Shown::Request,
        (Scheme::Https, Host::Name(_)) => Shown::TlsName,
        // RFC 6066 section 3: an address is no server name.
        (Scheme::Https, Host::Address(_)) => Shown::TlsNoName,
    };
    (Destination { host: Some(url.host().clone()), port: url.port(), url: seen }, shown)
}

fn list(evidence: &Evidence, rung: Rung) -> Value {
    let Evidence { list, version, file, line, entry } = evidence;
    if rung == Rung::Statutory {
        return json!({ "id": list, "version": version, "entry": entry });
    }
    json!({ "id": list, "version": version, "file": file, "line": line })
}

fn step_of(rung: Rung, step: &Step) -> Value {
    match step {
        Step::Answer(action, reason) => json!({
            "rung": rung.as_str(), "answer": action.as_str(), "rule": reason.rule.id, "text": reason.text,
        }),
        Step::Pass(text) => json!({ "rung": rung.as_str(), "answer": "pass", "text": text }),
    }
}
