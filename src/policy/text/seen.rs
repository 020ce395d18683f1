//! The keys of a group that need more than the host: safe search, tenants, searches, files.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::content::FileKind;
use crate::document::{Faults, Spanned, Table};
use crate::policy::draft::CategoryAction;
use crate::services::{Consumer, Enforce, Microsoft, Restrict, SafeSearch, Slack, Tenants};

/// As written, before a group inherits.
#[derive(Default)]
pub(super) struct Seen {
    safe_search: Option<SafeSearch>,
    youtube: Option<Restrict>,
    tenants: Option<Tenants>,
    search_terms: BTreeMap<String, CategoryAction>,
    file_kinds: BTreeMap<FileKind, CategoryAction>,
}

/// What a group has in force, its ancestors' included.
pub(super) struct InForce {
    pub(super) enforce: Enforce,
    pub(super) search_terms: BTreeMap<String, CategoryAction>,
    pub(super) file_kinds: BTreeMap<FileKind, CategoryAction>,
}

impl Seen {
    pub(super) fn read(table: &mut Table<'_>, held: &dyn Fn(&str) -> bool, faults: &mut Faults) -> Seen {
        Seen {
            safe_search: table.take_parsed("safe_search", faults).map(|Safe(safe)| safe),
            youtube: table.take_parsed("youtube", faults).map(|Youtube(restrict)| restrict),
            tenants: table.table("tenants").map(|tenants| read_tenants(tenants, faults)),
            search_terms: search_terms(table, held, faults),
            file_kinds: file_kinds(table, faults),
        }
    }

    /// From a group and those that it inherits from, nearest first.
    pub(super) fn inherited<'s>(line: impl DoubleEndedIterator<Item = &'s Seen> + Clone) -> InForce {
        let (mut search_terms, mut file_kinds) = (BTreeMap::new(), BTreeMap::new());
        for seen in line.clone().rev() {
            search_terms.extend(seen.search_terms.clone());
            file_kinds.extend(&seen.file_kinds);
        }
        let enforce = Enforce {
            safe_search: line.clone().find_map(|seen| seen.safe_search).unwrap_or_default(),
            youtube: line.clone().find_map(|seen| seen.youtube).unwrap_or_default(),
            tenants: line.clone().find_map(|seen| seen.tenants.clone()).unwrap_or_default(),
        };
        InForce { enforce, search_terms, file_kinds }
    }
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
                fault.help(format!("write blocklists/terms/{}.txt, or name one that exists", list.value)),
            );
        }
        actions.insert(list.value, action.value);
    }
    lists.finish(faults);
    actions
}

fn file_kinds(table: &mut Table<'_>, faults: &mut Faults) -> BTreeMap<FileKind, CategoryAction> {
    let Some(mut kinds) = table.table("file_kinds") else { return BTreeMap::new() };
    let mut actions = BTreeMap::new();
    for (kind, action) in kinds.entries_parsed(faults) {
        match FileKind::ALL.into_iter().find(|known| known.as_str() == kind.value) {
            Some(known) => {
                actions.insert(known, action.value);
            }
            None => {
                let fault = kind.at.fault(format!("there is no kind of file “{}”", kind.value));
                faults.push(fault.help("write executable, archive, audio or video"));
            }
        }
    }
    kinds.finish(faults);
    actions
}

fn read_tenants(mut table: Table<'_>, faults: &mut Faults) -> Tenants {
    let google = values(&mut table, "google", faults).unwrap_or_default();
    let at = table.at("microsoft");
    let microsoft = values(&mut table, "microsoft", faults);
    let directory: Option<Spanned<String>> = table.take("microsoft_directory", faults);
    let microsoft = match (microsoft, directory) {
        (Some(tenants), Some(directory)) if is_guid(&directory.value) => {
            Some(Microsoft { tenants, directory: directory.value })
        }
        (_, Some(directory)) if !is_guid(&directory.value) => {
            let help = "write the directory (tenant) ID that Entra shows, as 8-4-4-4-12 hexadecimal digits";
            faults.push(directory.at.fault("this is no directory ID").help(help));
            None
        }
        (Some(_), None) => {
            let fault = at.map(|at| at.fault("tenants of Microsoft need `microsoft_directory` beside them"));
            fault.into_iter().for_each(|fault| faults.push(fault));
            None
        }
        (None, _) | (Some(_), Some(_)) => None,
    };
    let consumer: Option<Personal> = table.take_parsed("microsoft_consumer", faults);
    let workspaces = values(&mut table, "slack", faults);
    let requester: Option<String> = table.take("slack_requester", faults);
    let slack = workspaces.zip(requester).map(|(workspaces, requester)| Slack { workspaces, requester });
    let dropbox = values(&mut table, "dropbox", faults).unwrap_or_default();
    table.finish(faults);
    let microsoft_consumer = consumer.map_or_else(Consumer::default, |Personal(consumer)| consumer);
    Tenants { google, microsoft, microsoft_consumer, slack, dropbox }
}

/// Words that go into a header field as they are.
fn values(table: &mut Table<'_>, key: &str, faults: &mut Faults) -> Option<Vec<String>> {
    let written: Vec<Spanned<String>> = table.take_list(key, faults)?;
    for value in &written {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte);
        if value.value.is_empty() || !value.value.bytes().all(plain) {
            let fault = value.at.fault(format!("“{}” can't stand in a header field", value.value));
            faults.push(fault.help("write letters, digits, dots and hyphens alone"));
        }
    }
    Some(written.into_iter().map(|value| value.value).collect())
}

fn is_guid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

struct Safe(SafeSearch);
struct Youtube(Restrict);
struct Personal(Consumer);

impl FromStr for Safe {
    type Err = String;

    fn from_str(text: &str) -> Result<Safe, String> {
        match text {
            "enforce" => Ok(Safe(SafeSearch::Enforce)),
            "off" => Ok(Safe(SafeSearch::Off)),
            _ => Err(format!("“{text}” is no safe search: write “enforce” or “off”")),
        }
    }
}

impl FromStr for Youtube {
    type Err = String;

    fn from_str(text: &str) -> Result<Youtube, String> {
        match text {
            "strict" => Ok(Youtube(Restrict::Strict)),
            "moderate" => Ok(Youtube(Restrict::Moderate)),
            "off" => Ok(Youtube(Restrict::Off)),
            _ => Err(format!("“{text}” is no restriction: write “strict”, “moderate” or “off”")),
        }
    }
}

impl FromStr for Personal {
    type Err = String;

    fn from_str(text: &str) -> Result<Personal, String> {
        match text {
            "block" => Ok(Personal(Consumer::Block)),
            "allow" => Ok(Personal(Consumer::Allow)),
            _ => Err(format!("“{text}” is no treatment: write “allow” or “block”")),
        }
    }
}
