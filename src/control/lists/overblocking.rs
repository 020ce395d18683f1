//! Which popular sites, and which that must stay open, a policy would block, for whom and by
//! which line.
//!
//! **Invariant:** the ladder itself decides, as it would on a connection that shows no more than
//! the site's name. What a statutory list refuses is left out altogether: a list of names held
//! against it would tell what is on it.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr};

use serde::Serialize;

use crate::control::lists::ranked::{MustOpen, RankedSite, Ranks};
use crate::model::{Attribution, GroupName, Host, Subject, Timestamp};
use crate::policy::{Action, Asked, Content, Destination, GroupDraft, Policy, Rung, Shown};

/// How many sites are judged between two words on how far it has come.
const STEP: usize = 1000;

/// What is to be judged.
#[derive(Clone, Copy, Debug)]
pub struct Sites<'a> {
    /// By popularity.
    pub ranked: &'a [RankedSite],
    /// What must stay open.
    pub must_open: &'a [MustOpen],
}

/// What is blocked for one group.
#[derive(Clone, Debug, Serialize)]
pub struct Overblocked {
    /// The group.
    pub group: GroupName,
    /// As people call it.
    pub name: String,
    /// The sites, the most popular first.
    pub sites: Vec<BlockedSite>,
}

/// A site that is blocked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlockedSite {
    /// Its rank, or that of the nearest domain above it.
    pub rank: Option<u64>,
    /// The site.
    pub site: String,
    /// The category that blocks it, or the rung where that is none of categories.
    pub category: String,
    /// The list.
    pub list: Option<String>,
    /// The file in it.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// Whether it must stay open for this group.
    pub must_open: bool,
}

/// Judges every site for every group; `groups` are those with subnets, or the one that is asked
/// about.
#[must_use]
pub fn overblocking(
    policy: &Policy,
    sites: Sites<'_>,
    groups: &[&GroupDraft],
    at: Timestamp,
    progress: &dyn Fn(usize, usize),
) -> Vec<Overblocked> {
    let ranks = Ranks::of(sites.ranked);
    let all = groups.len() * (sites.ranked.len() + sites.must_open.len());
    let mut done = 0;
    let mut step = || {
        done += 1;
        if done % STEP == 0 || done == all {
            progress(done, all);
        }
    };
    let each = |group: &&GroupDraft| {
        let mut wanted: HashMap<&Host, (Option<u64>, bool)> = HashMap::new();
        for site in sites.ranked {
            wanted.entry(&site.host).or_insert((Some(site.rank), false));
        }
        for site in sites.must_open.iter().filter(|site| site.is_for(group)) {
            let rank = ranks.rank(&site.host.to_string());
            wanted.entry(&site.host).or_insert((rank, true)).1 = true;
        }
        let judged = wanted.into_iter().filter_map(|(host, (rank, must_open))| {
            step();
            let blocked = judge(policy, group, host, at)?;
            Some(BlockedSite { rank, must_open, ..blocked })
        });
        let mut blocked: Vec<BlockedSite> = judged.collect();
        blocked.sort_by(|a, b| {
            (a.rank.unwrap_or(u64::MAX), &a.site).cmp(&(b.rank.unwrap_or(u64::MAX), &b.site))
        });
        Overblocked { group: group.id.clone(), name: group.name.clone(), sites: blocked }
    };
    let blocked = groups.iter().map(each).collect();
    progress(all, all);
    blocked
}

/// How many sites each category blocks for each group.
#[must_use]
pub fn matrix(blocked: &[Overblocked]) -> BTreeMap<String, BTreeMap<GroupName, usize>> {
    let mut matrix: BTreeMap<String, BTreeMap<GroupName, usize>> = BTreeMap::new();
    for group in blocked {
        for site in &group.sites {
            *matrix.entry(site.category.clone()).or_default().entry(group.group.clone()).or_default() += 1;
        }
    }
    matrix
}

impl MustOpen {
    /// Whether the file means this group: `KS1` means `eyfs_ks1`, whose words are `eyfs` and `ks1`.
    #[must_use]
    pub fn is_for(&self, group: &GroupDraft) -> bool {
        self.groups.is_empty() || self.groups.iter().any(|word| names(group, word))
    }
}

/// The words for groups, of a file, that mean no group of the policy.
#[must_use]
pub fn unknown_groups(sites: &[MustOpen], policy: &Policy) -> Vec<String> {
    let mut words: Vec<String> = sites.iter().flat_map(|site| site.groups.iter().cloned()).collect();
    words.sort_unstable();
    words.dedup();
    words.retain(|word| !policy.draft().groups.iter().any(|group| names(group, word)));
    words
}

fn names(group: &GroupDraft, word: &str) -> bool {
    let id = group.id.as_str().to_lowercase();
    id == word || id.split(|c: char| !c.is_alphanumeric()).any(|part| part == word)
}

fn judge(policy: &Policy, group: &GroupDraft, host: &Host, at: Timestamp) -> Option<BlockedSite> {
    let unknown = Subject::unknown(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let subject = Subject { group: Some(group.id.clone()), attribution: Attribution::Subnet, ..unknown };
    let destination = Destination { host: Some(host.clone()), port: 443, url: None };
    let asked =
        Asked { subject: &subject, destination: &destination, shown: Shown::TlsName, content: Content::NONE };
    let verdict = policy.on_connect(&asked, at);
    if verdict.action != Action::Block || verdict.reason.rung == Rung::Statutory {
        return None;
    }
    let (rung, evidence) = (verdict.reason.rung, verdict.reason.evidence);
    Some(BlockedSite {
        rank: None,
        site: host.to_string(),
        category: verdict.reason.rule.category.unwrap_or_else(|| rung.as_str().to_owned()),
        list: evidence.as_ref().map(|evidence| evidence.list.clone()),
        file: evidence.as_ref().map(|evidence| evidence.file.clone()),
        line: evidence.as_ref().map(|evidence| evidence.line),
        must_open: false,
    })
}
