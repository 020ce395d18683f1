//! Says what would happen to a request, and what every rung has to say on it.
//!
//! **Invariant:** it asks the policy in force as the gateway would, with no more in view than
//! the gateway has; of a statutory answer it says the list and the entry's id, and nothing else.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::control::SUSPENDERS;
use crate::model::{Attribution, GroupName, Host, Role, Scheme, Subject, Timestamp, Url, UserName};
use crate::policy::{
    Asked, Content, Destination, Evidence, OnConnect, Parts, Policy, Rung, Seal, Shown, Step,
};
use crate::web::Shared;
use crate::web::openapi::words::{ActionWord, Moment, RungWord, SaidWord, VisibilityWord};
use crate::web::problem::Problem;

/// What is asked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "url": "www.games.example/chess", "group": "ks2" })))]
pub(super) struct Question {
    /// A host, or a URL.
    #[schema(min_length = 1, max_length = 16384)]
    url: String,
    /// As which group; else the client's, else the strictest.
    #[schema(value_type = Option<String>, max_length = 64)]
    group: Option<GroupName>,
    /// As whom.
    #[schema(value_type = Option<String>, max_length = 64)]
    user: Option<UserName>,
    /// From which address.
    #[schema(value_type = Option<String>)]
    client: Option<IpAddr>,
    /// When; now, when absent.
    #[schema(value_type = Option<Moment>)]
    at: Option<Timestamp>,
}

/// A verdict, and what every rung had to say.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Explanation {
    /// The URL in its normal form; null for a statutory answer.
    pub url: Option<String>,
    /// How much the gateway sees of the request; null for a statutory answer.
    #[schema(value_type = Option<VisibilityWord>)]
    pub visibility: Option<&'static str>,
    /// What would happen.
    #[schema(value_type = ActionWord)]
    pub action: &'static str,
    /// The rung that answered.
    #[schema(value_type = RungWord)]
    pub rung: &'static str,
    /// Why, for people.
    pub reason: String,
    /// The rule's id: `category:games`, `school:block`, `protocol:no_sni`.
    pub rule: String,
    /// The rule in people's words.
    pub rule_name: String,
    /// The category, where the rule is one.
    pub category: Option<String>,
    /// The list entry that the rule rests on, where there is one.
    pub list: Option<ListEntry>,
    /// Further categories that matched.
    pub categories: Vec<String>,
    /// The temporary unblock that opened it.
    pub unblock_id: Option<Uuid>,
    /// What every rung said, in the order asked; of a statutory answer that rung alone.
    pub rungs: Vec<RungAnswer>,
    /// The group that was judged.
    #[schema(value_type = String)]
    pub group: GroupName,
    /// The version of the policy.
    pub generation: u64,
    /// The next moment at which time alone may change the answer.
    #[schema(value_type = Option<Moment>)]
    pub until: Option<Timestamp>,
    /// Whether it is judged as if nobody were suspended: whoever asks may not know who is.
    pub suspensions_left_out: bool,
    /// The record of a question about what a statutory list holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_seq: Option<u64>,
}

/// An entry of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ListEntry {
    /// The list's id.
    #[schema(example = "ut1/games")]
    pub id: String,
    /// Its version.
    pub version: String,
    /// The file within the list; not of a statutory one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1; not of a statutory one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The keyed id of a statutory entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
}

/// What one rung said.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RungAnswer {
    /// Which.
    #[schema(value_type = RungWord)]
    pub rung: &'static str,
    /// What; `pass` when it has nothing to say.
    #[schema(value_type = SaidWord)]
    pub answer: &'static str,
    /// By which rule, where it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Why.
    pub text: String,
}

/// Explains the decision on `url` for `subject` at `now`, as the API and the command line show it.
#[must_use]
pub fn explain(policy: &Policy, subject: &Subject, url: &Url, now: Timestamp) -> Explanation {
    let (destination, shown) = as_seen(policy, subject, url, now);
    let visibility = if destination.url.is_some() { "url" } else { "host" };
    let content = destination.url.as_ref().map(Content::of_url).unwrap_or_default();
    let asked = Asked { subject, destination: &destination, shown, content: &content };
    let explained = policy.explain(&asked, now);
    let verdict = explained.verdict;
    let reason = verdict.reason;
    let statutory = reason.rung == Rung::Statutory;
    let told = explained.rungs.iter().filter(|(rung, _)| !statutory || *rung == Rung::Statutory);
    Explanation {
        url: (!statutory).then(|| url.to_string()),
        visibility: (!statutory).then_some(visibility),
        action: verdict.action.as_str(),
        rung: reason.rung.as_str(),
        reason: reason.text,
        rule: reason.rule.id,
        rule_name: reason.rule.name,
        category: reason.rule.category,
        list: reason.evidence.map(|evidence| ListEntry::new(evidence, reason.rung)),
        categories: if statutory { Vec::new() } else { reason.categories },
        unblock_id: reason.unblock,
        rungs: told.map(|(rung, step)| RungAnswer::new(*rung, step)).collect(),
        group: verdict.group,
        generation: verdict.generation,
        until: verdict.until,
        suspensions_left_out: false,
        audit_seq: None,
    }
}

impl Explanation {
    /// The list and entry of a statutory answer.
    pub(super) fn statutory(&self) -> Option<serde_json::Value> {
        let list = self.list.as_ref().filter(|_| self.rung == Rung::Statutory.as_str())?;
        Some(serde_json::json!({ "id": list.id, "version": list.version, "entry": list.entry }))
    }
}

impl ListEntry {
    fn new(evidence: Evidence, rung: Rung) -> ListEntry {
        let Evidence { list: id, version, file, line, entry } = evidence;
        if rung == Rung::Statutory {
            return ListEntry { id, version, file: None, line: None, entry };
        }
        ListEntry { id, version, file: Some(file), line: Some(line), entry: None }
    }
}

impl RungAnswer {
    fn new(rung: Rung, step: &Step) -> RungAnswer {
        let rung = rung.as_str();
        match step {
            Step::Answer(action, reason) => {
                let rule = Some(reason.rule.id.clone());
                RungAnswer { rung, answer: action.as_str(), rule, text: reason.text.clone() }
            }
            Step::Pass(text) => RungAnswer { rung, answer: "pass", rule: None, text: (*text).to_string() },
        }
    }
}

/// What whoever asks may know of suspensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suspensions {
    /// Who is suspended.
    Told,
    /// Nothing: the answer is the one of a pupil who is not.
    LeftOut,
}

impl Suspensions {
    /// What these roles may know.
    pub(super) fn of(roles: &[Role]) -> Suspensions {
        match roles.iter().any(|role| SUSPENDERS.contains(role)) {
            true => Suspensions::Told,
            false => Suspensions::LeftOut,
        }
    }

    /// The policy as they see it.
    pub(super) fn seen(self, policy: Arc<Policy>) -> Result<Arc<Policy>, Problem> {
        match self {
            Suspensions::Told => Ok(policy),
            Suspensions::LeftOut => {
                let parts = Parts { suspensions: Arc::default(), ..policy.parts() };
                let without = Policy::compile(parts, policy.generation());
                Ok(Arc::new(without.map_err(|fault| Problem::internal("policy", &fault))?))
            }
        }
    }
}

/// Answers a question about the policy in force.
pub(super) async fn answer(
    shared: &Shared,
    question: Question,
    suspensions: Suspensions,
) -> Result<Explanation, Problem> {
    let url = Url::parse_typed(&question.url)
        .map_err(|fault| Problem::invalid("url", format!("the URL can't be judged: {fault}")))?;
    let policy = suspensions.seen(shared.control.live().snapshot())?;
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
    let suspensions_left_out = suspensions == Suspensions::LeftOut;
    Ok(Explanation { suspensions_left_out, ..explain(&policy, &subject, &url, at) })
}

/// What the gateway sees of a request for `url`: all of it in plain HTTP and where it decrypts for
/// this subject, else the name in TLS.
fn as_seen(policy: &Policy, subject: &Subject, url: &Url, now: Timestamp) -> (Destination, Shown) {
    let name = match url.host() {
        Host::Name(_) => Shown::TlsName,
        // RFC 6066 section 3: an address is no server name.
        Host::Address(_) => Shown::TlsNoName,
    };
    let outside = Destination { host: Some(url.host().clone()), port: url.port(), url: None };
    let content = Content::unseen();
    let asked = Asked { subject, destination: &outside, shown: name.clone(), content };
    let opened = match url.scheme() {
        Scheme::Http => true,
        Scheme::Https => match policy.on_connect(&asked, now).answer {
            OnConnect::Inspect(_) | OnConnect::Block(Seal::Opened) => true,
            OnConnect::Splice(_) | OnConnect::Block(Seal::Kept) => false,
        },
    };
    match opened {
        true => (Destination { url: Some(url.clone()), ..outside }, Shown::Request),
        false => (outside, name),
    }
}
