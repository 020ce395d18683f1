//! An access: who asked for what, what came of it and why.

use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;

use crate::audit::event::close::{ClosedBy, nanos};
use crate::audit::event::{EventPart, Grade};
use crate::audit::json::{Json, capped};
use crate::model::{Host, Scheme, Subject, Url};
use crate::policy::{Action, Destination, Evidence, Reason, Rung, Verdict};

/// The longest host name that is recorded (RFC 1035 section 2.3.4), in characters.
const MAX_HOST: usize = 253;
/// The longest URL, and path, in characters.
const MAX_URL: usize = 2048;
/// The longest text of a rule, a reason or an error, in characters.
const MAX_TEXT: usize = 1024;
/// The longest word of a protocol, in characters.
const MAX_TOKEN: usize = 64;
/// Most further categories.
const MAX_CATEGORIES: usize = 64;

/// How much of the access the gateway could see; `schoolgate.visibility`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Visibility {
    /// The URL: inspected, or plain HTTP.
    Url,
    /// The host, from a TLS name or a CONNECT target.
    Host,
    /// Nothing but an address.
    #[default]
    None,
}

/// What was done with a connection that passed; `schoolgate.mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Handling {
    /// It was carried as it was.
    #[default]
    Carried,
    /// It was decrypted: every request inside has a record of its own.
    Inspected,
}

/// What else was seen of an access when it was decided.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// How much could be seen.
    pub visibility: Visibility,
    /// What was done with it.
    pub handling: Handling,
    /// The scheme, where no URL says it.
    pub scheme: Option<Scheme>,
    /// The request's method.
    pub method: Option<String>,
    /// The words of a search, where the request was one.
    pub search: Option<String>,
    /// The words so far of somebody who was still typing a search.
    pub suggestion: Option<String>,
    /// The page that the browser says led here (`Referer`).
    pub referrer: Option<String>,
    /// What the browser says it fetches this for (`Sec-Fetch-*`).
    pub fetch: Option<Fetch>,
    /// The TLS server name as the client sent it.
    pub server_name: Option<String>,
    /// The application protocol as the client offered it: `h2`, `http/1.1`.
    pub alpn: Option<String>,
    /// The address dialled, or that the client dialled.
    pub destination_ip: Option<IpAddr>,
    /// The client's port.
    pub client_port: Option<u16>,
    /// How long the decision took.
    pub duration: Option<Duration>,
    /// What went wrong, where something did. No host, no URL.
    pub error: Option<String>,
}

/// What the browser says it fetches a resource for (W3C Fetch Metadata); `schoolgate.fetch`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Fetch {
    /// `Sec-Fetch-Site`: `none` where the person typed the address or opened a bookmark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// `Sec-Fetch-Mode`: `navigate` for a page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// `Sec-Fetch-Dest`: `document` for a page, `iframe`, `image`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dest: Option<String>,
    /// `Sec-Fetch-User`: `?1` where a click or a key press led here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// An access as it will be recorded.
#[derive(Clone, Debug)]
pub struct Access {
    pub(super) event: EventPart,
    rest: Box<Rest>,
    grade: Grade,
}

#[derive(Clone, Debug, Serialize)]
struct Rest {
    source: Source,
    host: Named,
    user: User,
    destination: Target,
    url: Address,
    http: Http,
    tls: Tls,
    rule: RulePart,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Message>,
    schoolgate: Own,
}

#[derive(Clone, Debug, Serialize)]
struct Source {
    ip: IpAddr,
    mac: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
}

#[derive(Clone, Debug, Serialize)]
struct Named {
    name: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct User {
    name: Option<String>,
    group: Named,
}

#[derive(Clone, Debug, Serialize)]
struct Target {
    domain: Option<String>,
    ip: Option<IpAddr>,
    port: u16,
}

#[derive(Clone, Debug, Serialize)]
struct Address {
    scheme: Option<&'static str>,
    domain: Option<String>,
    path: Option<String>,
    full: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct Http {
    request: Request,
}

#[derive(Clone, Debug, Serialize)]
struct Request {
    method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    referrer: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct Tls {
    client: Client,
    next_protocol: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct Client {
    server_name: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct RulePart {
    id: String,
    name: String,
    category: Option<String>,
    ruleset: Option<String>,
    version: String,
}

#[derive(Clone, Debug, Serialize)]
struct Message {
    message: String,
}

#[derive(Clone, Debug, Serialize)]
struct ListPart {
    file: Option<String>,
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct Own {
    rung: &'static str,
    attribution: &'static str,
    visibility: &'static str,
    mode: &'static str,
    list: Option<ListPart>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    categories: Vec<String>,
    unblock_id: Option<uuid::Uuid>,
    search: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fetch: Option<Fetch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<bool>,
    bytes_up: Option<u64>,
    bytes_down: Option<u64>,
    closed_by: Option<&'static str>,
}

/// What may be said of where an access went.
#[derive(Default)]
struct Shown<'a> {
    destination: Option<&'a Destination>,
    server_name: Option<&'a str>,
    ip: Option<IpAddr>,
    error: Option<&'a str>,
    search: Option<&'a str>,
    suggestion: Option<&'a str>,
    referrer: Option<&'a str>,
}

impl Access {
    /// Makes the event of an access from the decision on it. Of a statutory match it keeps the
    /// list's name and the entry's id, and nothing that says where it went.
    #[must_use]
    pub fn new<A>(subject: &Subject, destination: &Destination, verdict: &Verdict<A>, seen: &Seen) -> Access {
        let shown = Shown::of(destination, &verdict.reason, seen);
        let mut cut = false;
        let blocked = verdict.action == Action::Block;
        let event = EventPart {
            kind: "event",
            dataset: "schoolgate.access",
            category: &["web", "network"],
            r#type: if blocked { &["access", "denied"] } else { &["access", "allowed"] },
            action: verdict.action.as_str(),
            outcome: if seen.error.is_some() { "failure" } else { "success" },
            reason: Some(capped(&verdict.reason.text, MAX_TEXT, &mut cut)),
            duration: seen.duration.map(nanos),
        };
        let mut rest = Rest {
            source: Source { ip: subject.address.to_canonical(), mac: None, port: seen.client_port },
            host: Named { name: subject.device.as_ref().map(ToString::to_string) },
            user: User {
                name: subject.user.as_ref().map(ToString::to_string),
                group: Named { name: Some(verdict.group.to_string()) },
            },
            destination: shown.target(destination.port, &mut cut),
            url: shown.address(seen.scheme, &mut cut),
            http: Http {
                request: Request {
                    method: token(seen.method.as_deref(), &mut cut),
                    referrer: shown.referrer.map(|referrer| capped(referrer, MAX_URL, &mut cut)),
                },
            },
            tls: Tls {
                client: Client {
                    server_name: shown.server_name.map(|name| capped(name, MAX_HOST, &mut cut)),
                },
                next_protocol: token(seen.alpn.as_deref(), &mut cut),
            },
            rule: rule(&verdict.reason, verdict.generation, &mut cut),
            error: shown.error.map(|text| Message { message: capped(text, MAX_TEXT, &mut cut) }),
            schoolgate: own(subject, &verdict.reason, verdict.action, seen),
        };
        rest.schoolgate.search = shown.search.map(|words| capped(words, MAX_TEXT, &mut cut));
        rest.schoolgate.suggestion = shown.suggestion.map(|words| capped(words, MAX_TEXT, &mut cut));
        rest.schoolgate.fetch = seen.fetch.as_ref().map(|fetch| fetch.capped(&mut cut));
        rest.schoolgate.truncated = cut.then_some(true);
        let durable = blocked || verdict.reason.unblock.is_some() || verdict.reason.rung == Rung::Unblock;
        let rest = Box::new(rest);
        Access { event, rest, grade: if durable { Grade::Durable } else { Grade::Accepted } }
    }

    pub(super) fn grade(&self) -> Grade {
        self.grade
    }

    pub(super) fn render(&self) -> Result<(Json, Json), serde_json::Error> {
        Ok((Json::object(&self.event)?, Json::object(&self.rest)?))
    }
}

impl<'a> Shown<'a> {
    /// **The mask:** IWF terms and the DfE standard forbid an entry's text in any record.
    fn of(destination: &'a Destination, reason: &Reason, seen: &'a Seen) -> Shown<'a> {
        if reason.rung == Rung::Statutory {
            return Shown::default();
        }
        Shown {
            destination: Some(destination),
            server_name: seen.server_name.as_deref(),
            ip: seen.destination_ip.or_else(|| destination.host.as_ref().and_then(Host::address)),
            error: seen.error.as_deref(),
            search: seen.search.as_deref(),
            suggestion: seen.suggestion.as_deref(),
            referrer: seen.referrer.as_deref(),
        }
    }

    fn target(&self, port: u16, cut: &mut bool) -> Target {
        let name = self.destination.and_then(|destination| destination.host.as_ref()).and_then(Host::name);
        let domain = name.map(|name| capped(name.as_str(), MAX_HOST, cut));
        Target { domain, ip: self.ip.map(|ip| ip.to_canonical()), port }
    }

    fn address(&self, scheme: Option<Scheme>, cut: &mut bool) -> Address {
        let url = self.destination.and_then(|destination| destination.url.as_ref());
        let host =
            url.map(Url::host).or_else(|| self.destination.and_then(|destination| destination.host.as_ref()));
        Address {
            scheme: url.map(Url::scheme).or(scheme).map(Scheme::as_str),
            domain: host.map(|host| capped(&host.to_string(), MAX_HOST, cut)),
            path: url.map(|url| capped(url.path(), MAX_URL, cut)),
            full: url.map(|url| capped(&url.to_string(), MAX_URL, cut)),
        }
    }
}

impl Fetch {
    fn capped(&self, cut: &mut bool) -> Fetch {
        let mut word = |text: &Option<String>| token(text.as_deref(), cut);
        Fetch {
            site: word(&self.site),
            mode: word(&self.mode),
            dest: word(&self.dest),
            user: word(&self.user),
        }
    }
}

impl Visibility {
    /// As written in the audit event and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Visibility::Url => "url",
            Visibility::Host => "host",
            Visibility::None => "none",
        }
    }
}

fn rule(reason: &Reason, generation: u64, cut: &mut bool) -> RulePart {
    RulePart {
        id: capped(&reason.rule.id, MAX_TEXT, cut),
        name: capped(&reason.rule.name, MAX_TEXT, cut),
        category: reason.rule.category.as_deref().map(|category| capped(category, MAX_TEXT, cut)),
        ruleset: reason.evidence.as_ref().map(|evidence| capped(&evidence.ruleset(), MAX_TEXT, cut)),
        version: generation.to_string(),
    }
}

fn own(subject: &Subject, reason: &Reason, action: Action, seen: &Seen) -> Own {
    let blocked = action == Action::Block;
    let statutory = reason.rung == Rung::Statutory;
    let categories = if statutory { &[][..] } else { &reason.categories };
    Own {
        rung: reason.rung.as_str(),
        attribution: subject.attribution.as_str(),
        visibility: seen.visibility.as_str(),
        mode: match seen.handling {
            Handling::Inspected => "inspect",
            Handling::Carried => action.as_str(),
        },
        list: reason.evidence.as_ref().map(|evidence| list(evidence, statutory)),
        categories: categories.iter().take(MAX_CATEGORIES).cloned().collect(),
        unblock_id: reason.unblock,
        search: None,
        suggestion: None,
        fetch: None,
        truncated: None,
        bytes_up: blocked.then_some(0),
        bytes_down: blocked.then_some(0),
        closed_by: blocked.then_some(ClosedBy::Gateway.as_str()),
    }
}

fn list(evidence: &Evidence, statutory: bool) -> ListPart {
    if statutory {
        return ListPart { file: None, line: None, entry: evidence.entry.clone() };
    }
    ListPart { file: Some(evidence.file.clone()), line: Some(evidence.line), entry: evidence.entry.clone() }
}

fn token(text: Option<&str>, cut: &mut bool) -> Option<String> {
    text.map(|text| capped(text, MAX_TOKEN, cut))
}
