//! What a group's text says of searches, files and services.
//!
//! **Invariant:** what ends up in a header can't hold a comma or a control character: every value
//! is a domain, an id or one of a service's own words.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::content::FileKind;
use crate::document::{Faults, Spanned, Table};
use crate::model::Host;
use crate::policy::draft::{CategoryAction, Treatment};
use crate::services::{Consumer, Enforce, Microsoft, Restrict, SafeSearch, Slack, Tenants};

/// Google's words for accounts that belong to no domain.
const GOOGLE_WORDS: [&str; 2] = ["consumer_accounts", "gserviceaccounts.com"];

/// What may be signed in to, and the id that goes with it.
type Confined = (Vec<String>, String);

/// As written in one group, before it inherits.
#[derive(Default)]
pub(super) struct Enforced {
    safe_search: Option<SafeSearch>,
    youtube: Option<Restrict>,
    search_terms: BTreeMap<String, CategoryAction>,
    file_kinds: BTreeMap<FileKind, Treatment>,
    google: Option<Vec<String>>,
    microsoft: Option<Confined>,
    microsoft_consumer: Option<Consumer>,
    slack: Option<Confined>,
    dropbox: Option<Vec<String>>,
}

/// What a group and those that it inherits from come to.
pub(super) struct Inherited {
    pub(super) enforce: Enforce,
    pub(super) search_terms: BTreeMap<String, CategoryAction>,
    pub(super) file_kinds: BTreeMap<FileKind, Treatment>,
}

/// Reads the keys of one group.
pub(super) fn read(table: &mut Table<'_>, held: &dyn Fn(&str) -> bool, faults: &mut Faults) -> Enforced {
    let mut enforced = Enforced {
        safe_search: table.take_parsed("safe_search", faults),
        youtube: table.take_parsed("youtube", faults),
        search_terms: search_terms(table, held, faults),
        file_kinds: file_kinds(table, faults),
        ..Enforced::default()
    };
    if let Some(mut tenants) = table.table("tenants") {
        read_tenants(&mut tenants, &mut enforced, faults);
        tenants.finish(faults);
    }
    enforced
}

/// What a line of groups comes to, the nearest first: the nearest that says something of a key
/// decides it.
pub(super) fn inherit(line: &[&Enforced]) -> Inherited {
    let first = |pick: fn(&Enforced) -> Option<Vec<String>>| line.iter().find_map(|group| pick(group));
    let pair = |pick: fn(&Enforced) -> Option<&Confined>| {
        line.iter().find_map(|group| pick(group)).filter(|(tenants, _)| !tenants.is_empty()).cloned()
    };
    let tenants = Tenants {
        google: first(|group| group.google.clone()).unwrap_or_default(),
        microsoft: pair(|group| group.microsoft.as_ref())
            .map(|(tenants, directory)| Microsoft { tenants, directory }),
        microsoft_consumer: line.iter().find_map(|group| group.microsoft_consumer).unwrap_or_default(),
        slack: pair(|group| group.slack.as_ref())
            .map(|(workspaces, requester)| Slack { workspaces, requester }),
        dropbox: first(|group| group.dropbox.clone()).unwrap_or_default(),
    };
    let mut inherited = Inherited {
        enforce: Enforce {
            safe_search: line.iter().find_map(|group| group.safe_search).unwrap_or_default(),
            youtube: line.iter().find_map(|group| group.youtube).unwrap_or_default(),
            tenants,
        },
        search_terms: BTreeMap::new(),
        file_kinds: BTreeMap::new(),
    };
    for group in line.iter().rev() {
        inherited.search_terms.extend(group.search_terms.clone());
        inherited.file_kinds.extend(group.file_kinds.clone());
    }
    inherited
}

fn search_terms(
    table: &mut Table<'_>,
    held: &dyn Fn(&str) -> bool,
    faults: &mut Faults,
) -> BTreeMap<String, CategoryAction> {
    let Some(mut lists) = table.table("search_terms") else { return BTreeMap::new() };
    let mut actions = BTreeMap::new();
    for (list, action) in lists.entries_parsed(faults) {
        if !held(&format!("terms/{}", list.value)) {
            let fault = list.at.fault(format!("there is no term list “{}”", list.value));
            faults.push(
                fault.help(format!("add terms/{}.txt to the lists, or name one that is there", list.value)),
            );
        }
        actions.insert(list.value, action.value);
    }
    lists.finish(faults);
    actions
}

fn file_kinds(table: &mut Table<'_>, faults: &mut Faults) -> BTreeMap<FileKind, Treatment> {
    let Some(mut kinds) = table.table("file_kinds") else { return BTreeMap::new() };
    let mut treatments = BTreeMap::new();
    for kind in FileKind::ALL {
        treatments.extend(kinds.take_parsed(kind.as_str(), faults).map(|treatment| (kind, treatment)));
    }
    kinds.finish(faults);
    treatments
}

fn read_tenants(table: &mut Table<'_>, enforced: &mut Enforced, faults: &mut Faults) {
    enforced.google = texts(table, "google", "the domain of a Google Workspace", faults, |text| {
        GOOGLE_WORDS.contains(&text) || is_domain(text)
    });
    enforced.microsoft = with_id(
        table,
        ("microsoft", "the domain or id of a Microsoft tenant", is_tenant),
        ("microsoft_directory", "the id of the directory that sets the restriction", is_guid),
        faults,
    );
    enforced.microsoft_consumer = table.take_parsed("microsoft_consumer", faults);
    enforced.slack = with_id(
        table,
        ("slack", "the id of a Slack workspace (T0…) or organisation (E0…)", is_id),
        ("slack_requester", "the id of the workspace that sets the restriction", is_id),
        faults,
    );
    enforced.dropbox = texts(table, "dropbox", "the id of a Dropbox team", faults, is_id);
}

/// A key, what its values are, and whether a text is one.
type Key = (&'static str, &'static str, fn(&str) -> bool);

/// A list that means nothing without the id that goes with it.
fn with_id(
    table: &mut Table<'_>,
    (key, what, is_one): Key,
    (id_key, id_what, is_id): Key,
    faults: &mut Faults,
) -> Option<Confined> {
    let at = table.at(key);
    let list = texts(table, key, what, faults, is_one);
    let id_at = table.at(id_key);
    let id: Option<String> = table.take(id_key, faults);
    if let (Some(at), Some(id)) = (&id_at, &id)
        && !is_id(id)
    {
        faults.push(at.fault(format!("“{id}” is not {id_what}")));
    }
    match (list, id) {
        (Some(list), Some(id)) => Some((list, id)),
        (Some(list), None) if list.is_empty() || id_at.is_some() => Some((list, String::new())),
        (Some(_), None) => {
            let fault = at.map(|at| at.fault(format!("`{key}` needs `{id_key}` beside it")));
            faults.extend(fault.map(|fault| fault.help(format!("write {id_what}"))));
            None
        }
        (None, _) => {
            let fault = id_at.map(|at| at.fault(format!("`{id_key}` does nothing without `{key}`")));
            faults.extend(fault);
            None
        }
    }
}

fn texts(
    table: &mut Table<'_>,
    key: &str,
    what: &str,
    faults: &mut Faults,
    is_one: impl Fn(&str) -> bool,
) -> Option<Vec<String>> {
    let texts: Vec<Spanned<String>> = table.take_list(key, faults)?;
    for text in texts.iter().filter(|text| !is_one(&text.value)) {
        faults.push(text.at.fault(format!("“{}” is not {what}", text.value)));
    }
    Some(texts.into_iter().map(|text| text.value).collect())
}

fn is_domain(text: &str) -> bool {
    let name = Host::parse(text).ok().filter(|host| host.name().is_some());
    text.contains('.') && name.is_some_and(|name| name.to_string() == text)
}

fn is_tenant(text: &str) -> bool {
    is_domain(text) || is_guid(text)
}

fn is_guid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:".contains(&byte))
}

impl FromStr for SafeSearch {
    type Err = String;

    fn from_str(text: &str) -> Result<SafeSearch, String> {
        match text {
            "enforce" => Ok(SafeSearch::Enforce),
            "off" => Ok(SafeSearch::Off),
            _ => Err(format!("“{text}” is no safe search: write “enforce” or “off”")),
        }
    }
}

impl FromStr for Restrict {
    type Err = String;

    fn from_str(text: &str) -> Result<Restrict, String> {
        match text {
            "strict" => Ok(Restrict::Strict),
            "moderate" => Ok(Restrict::Moderate),
            "off" => Ok(Restrict::Off),
            _ => Err(format!("“{text}” is no restriction: write “strict”, “moderate” or “off”")),
        }
    }
}

impl FromStr for Consumer {
    type Err = String;

    fn from_str(text: &str) -> Result<Consumer, String> {
        match text {
            "allow" => Ok(Consumer::Allow),
            "block" => Ok(Consumer::Block),
            _ => Err(format!("“{text}” is no treatment: write “allow” or “block”")),
        }
    }
}
