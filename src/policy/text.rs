//! `policy.toml` as text: read into a [`Draft`], every fault at its place.
//!
//! **Invariant:** a text with a fault makes no draft; an unknown key, group, category or list
//! is a fault, for a typing slip must never leave a gate open.

mod seen;
mod times;
mod unblock;

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use ipnet::IpNet;

use crate::document::{Document, Faults, Span, Spanned, Table};
use crate::model::{GroupName, Host};
use crate::policy::draft::{
    CategoryAction, CategoryDraft, Draft, GroupDraft, Inspect, Programs, Treatment, Unblockable,
};
use crate::policy::timetable::Band;

use seen::Seen;
use times::{read_calendar, read_timetable};
use unblock::read_unblock;

/// The ports a group may name when its text says none.
const WEB_PORTS: [u16; 2] = [80, 443];

/// Reads a policy text. `held` says whether a list of that id is held; a term list's is `terms/NAME`.
///
/// # Errors
/// Every fault found, each with its line and column.
pub fn read(document: &Document, held: &dyn Fn(&str) -> bool) -> Result<Draft, Faults> {
    let mut faults = Faults::new();
    let Some(mut root) = document.root(&mut faults) else { return Err(faults) };
    let categories = read_categories(&mut root, held, &mut faults);
    let known: BTreeSet<&str> = categories.iter().map(|category| category.id.as_str()).collect();
    let written: Vec<Written> = root
        .tables("groups")
        .into_iter()
        .map(|(id, table)| read_group(&id, table, (&known, held), &mut faults))
        .collect();
    if written.is_empty() {
        faults.push(document.fault("the policy names no group, so nobody could be judged"));
    }
    check_subnets(&written, &mut faults);
    let groups = inherit(&written, &mut faults);
    let (caps, unblocks) = read_unblock(&mut root, &categories, &mut faults);
    let calendar = read_calendar(&mut root, &mut faults);
    root.finish(&mut faults);
    faults.or(Draft { groups, categories, calendar, caps, unblocks })
}

/// The categories by id, and whether a list of an id is held.
type Known<'k> = (&'k BTreeSet<&'k str>, &'k dyn Fn(&str) -> bool);

/// A group as written, before it inherits.
struct Written {
    id: GroupName,
    at: Span,
    name: Option<String>,
    inherits: Option<(GroupName, Span)>,
    subnets: Vec<Spanned<IpNet>>,
    default: Option<Treatment>,
    uncategorised: Option<CategoryAction>,
    unclassified: Option<Treatment>,
    ports: Option<Vec<u16>>,
    categories: BTreeMap<String, CategoryAction>,
    inspect: Option<Inspect>,
    inspect_hosts: Option<Vec<Host>>,
    timetable: BTreeMap<String, Band>,
    seen: Seen,
}

fn read_group(
    id: &Spanned<String>,
    mut table: Table<'_>,
    (known, held): Known<'_>,
    faults: &mut Faults,
) -> Written {
    let written = Written {
        id: group_name(id, faults),
        at: id.at.clone(),
        name: table.take("name", faults),
        inherits: inherits(&mut table, faults),
        subnets: table.take_parsed_list("subnets", faults).unwrap_or_default(),
        default: table.take_parsed("default", faults),
        uncategorised: table.take_parsed("uncategorised", faults),
        unclassified: table.take_parsed("unclassified", faults),
        ports: ports(&mut table, faults),
        categories: actions(&mut table, known, faults),
        inspect: table.take_parsed("inspect", faults),
        inspect_hosts: hosts(&mut table, faults),
        timetable: read_timetable(&mut table, (known, held), faults),
        seen: Seen::read(&mut table, held, faults),
    };
    table.finish(faults);
    written
}

fn group_name(id: &Spanned<String>, faults: &mut Faults) -> GroupName {
    id.value.parse().unwrap_or_else(|fault: crate::model::WordError| {
        faults.push(id.at.fault(fault.to_string()));
        "unnamed".parse().unwrap_or_else(|_| unreachable!("a plain word is a name"))
    })
}

fn inherits(table: &mut Table<'_>, faults: &mut Faults) -> Option<(GroupName, Span)> {
    let at = table.at("inherits")?;
    Some((table.take_parsed("inherits", faults)?, at))
}

fn ports(table: &mut Table<'_>, faults: &mut Faults) -> Option<Vec<u16>> {
    let ports: Vec<Spanned<u16>> = table.take_list("ports", faults)?;
    for port in ports.iter().filter(|port| port.value == 0) {
        faults.push(port.at.fault("0 is no port").help("write a number from 1 to 65535"));
    }
    Some(ports.into_iter().map(|port| port.value).collect())
}

fn hosts(table: &mut Table<'_>, faults: &mut Faults) -> Option<Vec<Host>> {
    let written: Vec<Spanned<String>> = table.take_list("inspect_hosts", faults)?;
    let mut hosts = Vec::new();
    for host in written {
        match Host::parse(&host.value) {
            Ok(parsed) => hosts.push(parsed),
            Err(fault) => faults.push(host.at.fault(fault.to_string())),
        }
    }
    Some(hosts)
}

fn actions(
    table: &mut Table<'_>,
    known: &BTreeSet<&str>,
    faults: &mut Faults,
) -> BTreeMap<String, CategoryAction> {
    let Some(mut categories) = table.table("categories") else { return BTreeMap::new() };
    let mut actions = BTreeMap::new();
    for (category, action) in categories.entries_parsed(faults) {
        if !known.contains(category.value.as_str()) {
            let fault = category.at.fault(format!("there is no category “{}”", category.value));
            faults.push(fault.help(format!("add [categories.{}], or name one that exists", category.value)));
        }
        actions.insert(category.value, action.value);
    }
    categories.finish(faults);
    actions
}

fn check_subnets(groups: &[Written], faults: &mut Faults) {
    let mut seen: Vec<(&GroupName, &Spanned<IpNet>)> = Vec::new();
    for group in groups {
        for subnet in &group.subnets {
            if subnet.value != subnet.value.trunc() {
                let fault = subnet.at.fault(format!("{} has host bits set", subnet.value));
                faults.push(fault.help(format!("write {}", subnet.value.trunc())));
            }
            let overlaps = |other: &IpNet| other.contains(&subnet.value) || subnet.value.contains(other);
            let clash = seen.iter().find(|(owner, other)| **owner != group.id && overlaps(&other.value));
            if let Some((owner, other)) = clash {
                let problem = format!("{} overlaps {}, a subnet of {owner}", subnet.value, other.value);
                faults.push(subnet.at.fault(problem).help("a client can belong to one group: take one away"));
            }
            seen.push((&group.id, subnet));
        }
    }
}

fn inherit(written: &[Written], faults: &mut Faults) -> Vec<GroupDraft> {
    let mut groups = Vec::new();
    for group in written {
        let line = lineage(group, written, faults);
        let first = |pick: fn(&Written) -> Option<Treatment>| line.iter().find_map(|group| pick(group));
        let (mut categories, mut timetable) = (BTreeMap::new(), BTreeMap::new());
        for ancestor in line.iter().rev() {
            categories.extend(ancestor.categories.clone());
            timetable.extend(ancestor.timetable.clone());
        }
        let seen = Seen::inherited(line.iter().map(|group| &group.seen));
        groups.push(GroupDraft {
            id: group.id.clone(),
            name: group.name.clone().unwrap_or_else(|| group.id.to_string()),
            ancestors: line.iter().skip(1).map(|ancestor| ancestor.id.clone()).collect(),
            subnets: group.subnets.iter().map(|subnet| subnet.value.trunc()).collect(),
            default: first(|group| group.default).unwrap_or(Treatment::Block),
            unclassified: first(|group| group.unclassified).unwrap_or(Treatment::Block),
            inspect: line.iter().find_map(|group| group.inspect).unwrap_or(Inspect::Never),
            inspect_hosts: line.iter().find_map(|group| group.inspect_hosts.clone()).unwrap_or_default(),
            uncategorised: line.iter().find_map(|group| group.uncategorised).unwrap_or(CategoryAction::Allow),
            ports: line.iter().find_map(|group| group.ports.clone()).unwrap_or_else(|| WEB_PORTS.to_vec()),
            categories,
            timetable: timetable.into_values().collect(),
            enforce: seen.enforce,
            search_terms: seen.search_terms,
            file_kinds: seen.file_kinds,
        });
    }
    groups
}

/// The group and those that it inherits from, nearest first.
fn lineage<'w>(group: &'w Written, written: &'w [Written], faults: &mut Faults) -> Vec<&'w Written> {
    let mut line = vec![group];
    let mut last = group;
    while let Some((parent, at)) = &last.inherits {
        let Some(next) = written.iter().find(|other| other.id == *parent) else {
            faults.push(at.fault(format!("there is no group “{parent}”")));
            break;
        };
        if line.iter().any(|seen| seen.id == next.id) {
            faults.push(group.at.fault(format!("{} inherits from itself", group.id)));
            break;
        }
        line.push(next);
        last = next;
    }
    line
}

fn read_categories(
    root: &mut Table<'_>,
    held: &dyn Fn(&str) -> bool,
    faults: &mut Faults,
) -> Vec<CategoryDraft> {
    let mut categories = Vec::new();
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    for (id, mut table) in root.tables("categories") {
        let sources: Vec<Spanned<String>> = table.take_list("sources", faults).unwrap_or_default();
        let optional: Vec<Spanned<String>> = table.take_list("optional_sources", faults).unwrap_or_default();
        for source in sources.iter().filter(|source| !held(&source.value)) {
            let fault = source.at.fault(format!("the list “{}” is not held", source.value));
            faults.push(fault.help("import it with `schoolgate lists import`, or take it out"));
        }
        for source in sources.iter().chain(&optional) {
            if let Some(other) = taken.insert(source.value.clone(), id.value.clone()) {
                let problem = format!("the list “{}” already belongs to {other}", source.value);
                faults.push(source.at.fault(problem).help("a list can belong to one category"));
            }
        }
        let unblockable = match table.take("unblockable", faults) {
            Some(true) => Unblockable::Yes,
            Some(false) | None => Unblockable::Locked,
        };
        let programs = match table.take("programs", faults) {
            Some(true) => Programs::Trusted,
            Some(false) | None => Programs::Judged,
        };
        categories.push(CategoryDraft {
            name: table.take("name", faults).unwrap_or_else(|| id.value.clone()),
            id: id.value,
            unblockable,
            programs,
            sources: sources.into_iter().map(|source| source.value).collect(),
            optional_sources: optional.into_iter().map(|source| source.value).collect(),
        });
        table.finish(faults);
    }
    categories
}

impl FromStr for Inspect {
    type Err = String;

    fn from_str(text: &str) -> Result<Inspect, String> {
        match text {
            "never" => Ok(Inspect::Never),
            "surgical" => Ok(Inspect::Surgical),
            "always" => Ok(Inspect::Always),
            _ => Err(format!("“{text}” is no inspection: write “never”, “surgical” or “always”")),
        }
    }
}

impl FromStr for Treatment {
    type Err = String;

    fn from_str(text: &str) -> Result<Treatment, String> {
        match text {
            "allow" => Ok(Treatment::Allow),
            "block" => Ok(Treatment::Block),
            _ => Err(format!("“{text}” is no treatment: write “allow” or “block”")),
        }
    }
}

impl FromStr for CategoryAction {
    type Err = String;

    fn from_str(text: &str) -> Result<CategoryAction, String> {
        match text {
            "allow" => Ok(CategoryAction::Allow),
            "alert" => Ok(CategoryAction::Alert),
            "block" => Ok(CategoryAction::Block),
            _ => Err(format!("“{text}” is no action: write “allow”, “alert” or “block”")),
        }
    }
}
