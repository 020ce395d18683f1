//! One event, as far as page views go.

use serde_json::Value;

use crate::model::{Timestamp, Url};

/// What an event was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aim {
    /// A page that somebody opened.
    Page,
    /// A part of a page.
    Part,
    /// Nothing says so.
    Unknown,
}

/// One event, as far as page views go.
#[derive(Clone, Debug)]
pub struct Visit {
    /// `event.sequence`
    pub sequence: u64,
    /// When.
    pub time: Timestamp,
    /// Whose: the user's name, else the device's, else the address.
    pub person: String,
    /// The host asked for.
    pub host: Option<String>,
    /// Whether it was refused.
    pub is_blocked: bool,
    /// Bytes to the client, as far as known.
    pub bytes_down: u64,
    /// The host of the page that led here.
    pub(super) referrer: Option<String>,
    /// The registrable domain of the host.
    pub(super) site: Option<String>,
    /// What makes it stand out: views take in only what stands out for the same.
    pub(super) mark: Option<String>,
    /// No access of a client.
    pub is_act: bool,
    pub(super) aim: Aim,
}

impl Visit {
    /// Reads an event of the trail; `None` for what has no time or number.
    #[must_use]
    pub fn of(event: &Value) -> Option<Visit> {
        let text = |path: &str| event.pointer(path).and_then(Value::as_str);
        let person = [("user", "/user/name"), ("device", "/host/name"), ("client", "/source/ip")];
        let person = person.iter().find_map(|(kind, path)| Some(format!("{kind}:{}", text(path)?)));
        let host = text("/url/domain").or_else(|| text("/destination/ip")).map(str::to_owned);
        let site = host.as_deref().map(site);
        let is_act = text("/event/dataset") != Some("schoolgate.access");
        let is_blocked = !is_act && text("/event/action") == Some("block");
        let stands_out = text("/event/action").filter(|action| ["block", "alert"].contains(action));
        let place = stands_out.map(|action| format!("{action} {}", site.as_deref().unwrap_or_default()));
        let unblock = text("/schoolgate/unblock_id").map(|id| format!("unblock {id}"));
        let search = text("/schoolgate/search").map(|words| format!("search {words}"));
        let marks: Vec<String> = [place, unblock, search].into_iter().flatten().collect();
        Some(Visit {
            sequence: event.pointer("/event/sequence")?.as_u64()?,
            time: text("/@timestamp")?.parse().ok()?,
            person: person.unwrap_or_default(),
            is_blocked,
            bytes_down: event.pointer("/schoolgate/bytes_down").and_then(Value::as_u64).unwrap_or(0),
            referrer: text("/http/request/referrer").and_then(host_of),
            mark: (!marks.is_empty()).then(|| marks.join(" ")),
            is_act,
            aim: aim(text("/schoolgate/fetch/mode"), text("/schoolgate/fetch/dest")),
            host,
            site,
        })
    }
}

fn aim(mode: Option<&str>, dest: Option<&str>) -> Aim {
    match (mode, dest) {
        (Some("navigate"), Some("document")) => Aim::Page,
        (None, None) => Aim::Unknown,
        (Some(_), _) | (None, Some(_)) => Aim::Part,
    }
}

/// The registrable domain, or the host where it has none.
pub(super) fn site(host: &str) -> String {
    psl::domain_str(host).unwrap_or(host).to_owned()
}

/// The host of a URL as it was recorded.
pub(in crate::audit) fn host_of(url: &str) -> Option<String> {
    Url::parse(url).ok().map(|url| url.host().to_string())
}
