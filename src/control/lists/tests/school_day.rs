//! A whole school day over UT1 as a technician imports it, with the project's own policy.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::*;
use crate::control::{Sources, Unlicensed, check};
use crate::lists::tests::{data, gunzipped};
use crate::lists::{Asked as Wanted, Catalogue};
use crate::model::{Attribution, GroupName, Host, Scheme, Subject, Timestamp, Url};
use crate::policy::{Action, Asked, Content, Destination, Draft, Parts, Policy, Reach, Shown};
use crate::settings::Loosening;

/// Copies of `redirector` that the trace leaves out.
const LEFT_OUT: [&str; 2] = ["strict_redirector", "strong_redirector"];

/// UT1 imported into a folder of its own, read with the project's lists and policy.
fn school() -> Option<(Draft, Loaded)> {
    let packed = data("ut1/blacklists.tar.gz")?;
    let folder = TempDir::new().unwrap();
    let archive = folder.path().join("blacklists.tar.gz");
    std::fs::write(&archive, packed).unwrap();
    let places = Places {
        lists: project().join("blocklists"),
        imported: folder.path().join("imported"),
        statutory: project().join("blocklists/statutory"),
        compiled: Kept::Written(folder.path().join("compiled")),
        kept: folder.path().join("kept"),
        fetched: Vec::new(),
        own: Vec::new(),
        exempt: Exempt::default(),
        max_shrink_percent: 20,
    };
    let report = import(&archive, &import::options(), &places, [1; 16], &|_, _, _| {}).unwrap();
    let touched: BTreeSet<&str> = report.protected.iter().map(|hit| &*hit.entry).collect();
    assert!(touched.contains("missingpeople.org.uk"), "{touched:?}");
    let sources = Sources {
        policy_file: project().join("config/policy.toml"),
        store_file: folder.path().join("none.db"),
        places,
        loosening: Loosening::Held,
        policy_loosening: Loosening::Held,
        unlicensed: Unlicensed::Accepted,
        reach: Arc::default(),
        feeds: Vec::new(),
        extra_roots: Vec::new(),
        zone: jiff::tz::TimeZone::UTC,
        alerts: crate::settings::Alerts::default(),
        smtp: None,
    };
    Some(check(&sources, &|_, _, _| {}).unwrap_or_else(|faults| panic!("{faults}")))
}

/// The UT1 categories that cover a host, and whether one does so by a twin alone: the list has
/// `www.example.org`, and the name asked for is `example.org`.
fn categories(catalogue: &Catalogue, host: &Host) -> BTreeMap<String, bool> {
    let index = catalogue.index();
    let mut found = BTreeMap::new();
    for hit in index.find(&Wanted { host, url: None }, Reading::Block) {
        let list = &index.origin(hit.origin).list;
        let Some(name) = list.strip_prefix("ut1/").filter(|name| !LEFT_OUT.contains(name)) else { continue };
        let by_twin = index.entry_text(&hit).starts_with('=');
        let only_twin = found.entry(name.to_owned()).or_insert(true);
        *only_twin &= by_twin;
    }
    found
}

#[test]
fn every_request_of_the_day_is_found_in_the_lists_that_it_is_in() {
    let Some(day) = data("school-day.jsonl.gz") else { return };
    let Some((_, loaded)) = school() else { return };
    let day = String::from_utf8(gunzipped(&day)).unwrap();
    let (mut rows, mut listed, mut twins, mut wrong) = (0, 0, BTreeSet::new(), BTreeSet::new());
    for row in day.lines() {
        let row: serde_json::Value = serde_json::from_str(row).unwrap();
        let name = row["host"].as_str().unwrap();
        let host = Host::parse(name).unwrap();
        let told = row["cats"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str);
        let told: BTreeSet<String> = told.filter(|name| *name != "adult_list").map(str::to_owned).collect();
        let found = categories(&loaded.catalogue, &host);
        rows += 1;
        listed += usize::from(!told.is_empty());
        let by_name = |name: &str| found.contains_key(name);
        for missing in told.iter().filter(|name| !by_name(name)) {
            wrong.insert(format!("{name} is not found in {missing}"));
        }
        for (category, only_twin) in found.iter().filter(|(category, _)| !told.contains(*category)) {
            let kind = if *only_twin { &mut twins } else { &mut wrong };
            kind.insert(format!("{name} is found in {category}"));
        }
    }
    eprintln!("{rows} requests, {listed} of them listed; more by a www twin: {twins:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!((rows, listed > 64_000), (200_000, true));
}

#[test]
fn what_lessons_need_passes_and_help_is_never_blocked() {
    let Some(sites) = data("education-sites.csv") else { return };
    let Some((draft, loaded)) = school() else { return };
    let groups: Vec<GroupName> = draft.groups.iter().map(|group| group.id.clone()).collect();
    let policy = compiled(draft, &loaded);
    let (mut asked, mut refused) = (0, BTreeSet::new());
    for row in String::from_utf8(sites).unwrap().lines().skip(1) {
        let [host, path, topic, stages, must] = row.split(',').collect::<Vec<_>>()[..] else {
            panic!("{row}")
        };
        if must != "1" {
            continue;
        }
        for group in groups.iter().filter(|group| topic == "safeguarding" || is_meant(stages, group)) {
            asked += 1;
            if let Some(why) = refusal(&policy, group, host, path) {
                refused.insert(format!("{group}: {host}{path} ({topic}; {stages}): {why}"));
            }
        }
    }
    eprintln!("{asked} questions, {} refused", refused.len());
    assert!(refused.is_empty(), "{refused:#?}");
}

/// Whether a site for these key stages is one that a group's lessons need.
fn is_meant(stages: &str, group: &GroupName) -> bool {
    let named = |wanted: &[&str]| stages.split(' ').any(|stage| stage == "all" || wanted.contains(&stage));
    match group.as_str() {
        "eyfs_ks1" => named(&["EYFS", "KS1"]),
        // The seed lists promise every one of them to the juniors, the staff's own included.
        "ks2" => true,
        "staff" => named(&["staff"]),
        _ => named(&[]),
    }
}

fn compiled(draft: Draft, loaded: &Loaded) -> Policy {
    let parts = Parts {
        draft: Arc::new(draft),
        catalogue: Arc::clone(&loaded.catalogue),
        school_allow: Arc::clone(&loaded.school_allow),
        school_block: Arc::clone(&loaded.school_block),
        statutory: Arc::clone(&loaded.statutory),
        lifeline: Arc::clone(&loaded.lifeline),
        no_inspect: Arc::clone(&loaded.no_inspect),
        terms: Arc::clone(&loaded.terms),
        reach: Arc::new(Reach::default()),
        unblocks: Arc::default(),
        suspensions: Arc::default(),
        blocks: Arc::default(),
        zone: jiff::tz::TimeZone::UTC,
    };
    Policy::compile(parts, 1).unwrap()
}

/// Why a page is refused to a group, if it is.
fn refusal(policy: &Policy, group: &GroupName, host: &str, path: &str) -> Option<String> {
    let subject = Subject {
        group: Some(group.clone()),
        attribution: Attribution::Subnet,
        ..Subject::unknown(IpAddr::from([10, 1, 2, 3]))
    };
    let url = Url::parse(&format!("{}://{host}{path}", Scheme::Https.as_str())).unwrap();
    let destination = Destination { host: Some(url.host().clone()), port: 443, url: Some(url) };
    let asked = Asked {
        subject: &subject,
        destination: &destination,
        shown: Shown::Request,
        content: Content::unseen(),
    };
    let verdict = policy.on_request(&asked, Timestamp::from_millis(1_795_510_800_000));
    (verdict.action == Action::Block).then(|| verdict.reason.text.clone())
}
