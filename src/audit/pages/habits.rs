//! Which hosts serve parts of others' pages, by their names and by when they are asked for.

use std::collections::HashMap;

use crate::audit::pages::BURST;
use crate::audit::pages::visit::{Aim, Visit};
use crate::model::Timestamp;

/// Labels of hosts, and beginnings of them followed by a digit or a dash, that serve parts.
const PARTS: [&str; 34] = [
    "ads",
    "analytics",
    "api",
    "apis",
    "asset",
    "assets",
    "beacon",
    "cdn",
    "cdns",
    "code",
    "collector",
    "connect",
    "content",
    "css",
    "events",
    "font",
    "fonts",
    "image",
    "images",
    "img",
    "imgs",
    "js",
    "media",
    "metrics",
    "pixel",
    "res",
    "script",
    "scripts",
    "static",
    "stats",
    "tag",
    "tags",
    "thumbs",
    "track",
];
/// Labels of hosts that devices ask by themselves.
const SERVICES: [&str; 16] = [
    "captive",
    "connectivity",
    "crl",
    "ctldl",
    "delivery",
    "mesu",
    "mtalk",
    "ntp",
    "ocsp",
    "push",
    "safebrowsing",
    "swscan",
    "telemetry",
    "update",
    "updates",
    "windowsupdate",
];
/// What in a label says as much, wherever it stands.
const WITHIN: [&str; 14] = [
    "adservice",
    "analytics",
    "autofill",
    "cdn",
    "clouddownload",
    "connectivitycheck",
    "doubleclick",
    "gstatic",
    "insights",
    "tagmanager",
    "telemetry",
    "typekit",
    "update",
    "usercontent",
];
/// How often a host must have been asked for before its habits count.
const ENOUGH: u32 = 8;

/// What was learned of hosts.
pub(super) struct Habits<'a> {
    hosts: HashMap<&'a str, Habit>,
}

/// How a host is asked for.
#[derive(Clone, Copy, Default)]
struct Habit {
    /// How often.
    all: u32,
    /// How often in another host's burst.
    following: u32,
    /// How often another host came in its burst.
    followed: u32,
}

impl<'a> Habits<'a> {
    /// Learns from when people's visits followed each other.
    pub(super) fn of(visits: &'a [Visit]) -> Habits<'a> {
        let mut hosts: HashMap<&str, Habit> = HashMap::new();
        let mut last: HashMap<&str, (Timestamp, &str)> = HashMap::new();
        for visit in visits.iter().filter(|visit| !visit.is_act && !visit.is_blocked) {
            let Some(host) = visit.host.as_deref() else { continue };
            let before = last.insert(&visit.person, (visit.time, host));
            let before = before.filter(|(time, other)| *other != host && visit.time.since(*time) <= BURST);
            if let Some((_, other)) = before {
                hosts.entry(other).or_default().followed += 1;
            }
            let habit = hosts.entry(host).or_default();
            habit.all += 1;
            habit.following += u32::from(before.is_some());
        }
        Habits { hosts }
    }

    /// Whether a visit is a page or a part, as far as can be told.
    pub(super) fn aim(&self, visit: &Visit) -> Aim {
        match (visit.aim, &visit.host) {
            (Aim::Page, _) => Aim::Page,
            (Aim::Part, _) => Aim::Part,
            (Aim::Unknown, Some(host)) if serves_parts(host) || self.is_part(host) => Aim::Part,
            (Aim::Unknown, _) => Aim::Unknown,
        }
    }

    /// Nearly always in others' bursts; or seldom with a burst of its own, as when a device asks by
    /// itself, which is seldom for a site's own name.
    fn is_part(&self, host: &str) -> bool {
        self.hosts.get(host).is_some_and(|habit| {
            let follows = habit.following * 10 >= habit.all * 9;
            let is_alone = habit.followed * 4 <= habit.all && !is_own_name(host);
            habit.all >= ENOUGH && (follows || is_alone)
        })
    }
}

/// Whether it is the name that a site has for people: `maths.example`, `www.maths.example`.
fn is_own_name(host: &str) -> bool {
    let registrable = psl::domain_str(host).unwrap_or(host);
    let below = host.strip_suffix(registrable).unwrap_or_default();
    below.is_empty() || below == "www."
}

/// Whether the host's name says that it serves parts, or devices.
fn serves_parts(host: &str) -> bool {
    let (labels, registrable) = match psl::domain_str(host) {
        // The name of the site itself counts only in the `WITHIN` words.
        Some(registrable) => (host.strip_suffix(registrable).unwrap_or_default(), registrable),
        None => (host, ""),
    };
    let named = |label: &str| {
        let stem = label.split(|c: char| c == '-' || c.is_ascii_digit()).next().unwrap_or(label);
        PARTS.contains(&stem) || SERVICES.contains(&stem)
    };
    labels.split('.').filter(|label| !label.is_empty()).any(named)
        || WITHIN.iter().any(|word| labels.contains(word) || registrable.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_serves_parts() {
        for host in [
            "cdn.school.county.sch.uk",
            "static2.maths.example",
            "img-eu.news.example",
            "www.shop-analytics.example",
            "ocsp.authority.example",
            "a.cdnhouse.example",
        ] {
            assert!(serves_parts(host), "{host}");
        }
        for host in
            ["school.county.sch.uk", "www.media.example", "images.example", "maths.example", "10.1.2.3"]
        {
            assert!(!serves_parts(host), "{host}");
        }
    }
}
