//! Names that a new version of a list must not newly block unseen: help lines, the school's own
//! domains, and what teaching hangs on.
//!
//! **Invariant:** it opens and blocks nothing; it says which entries hit which name, and whoever
//! takes a list in decides what comes of that.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use crate::control::lists::reading::{self, line_faults};
use crate::control::lists::{LIFELINE, Places};
use crate::document::Faults;
use crate::lists::{
    Asked, Entry, Format, Index, IndexBuilder, Item, Origin, OriginId, ReadOptions, Reading, Scope, UrlEntry,
    parse,
};
use crate::model::{Host, Name, Url};

/// What stands in for the folder `protected`, where there is none.
const EDUCATION: &[u8] = include_bytes!("../../../blocklists/protected/education.txt");
/// What the browser puts before many names, and people do not write.
const WWW: &str = "www.";

/// Why a name is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProtectedKind {
    /// It is a help line. Whatever lies below it is protected too.
    HelpLine,
    /// It is the school's own. Whatever lies below it is protected too.
    Own,
    /// Teaching hangs on it.
    Education,
}

/// A name that is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectedName {
    /// The host or page.
    pub name: String,
    /// Why.
    pub kind: ProtectedKind,
    host: Host,
    page: Option<(UrlEntry, Url)>,
}

/// An entry of a list that would block a protected name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ProtectedHit {
    /// The list: `ut1/games`.
    pub list: String,
    /// The file in it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The entry in its normal form.
    pub entry: String,
    /// The protected name.
    pub name: String,
    /// Why it is protected.
    pub kind: ProtectedKind,
}

/// All protected names, quick to hold millions of entries against.
pub struct Protected {
    names: Vec<ProtectedName>,
    /// The hosts themselves, and with `www` before them.
    same: HashMap<Box<str>, usize>,
    /// The domains above them.
    above: HashMap<Box<str>, usize>,
    /// Help lines and the school's own, with all that lies below; the line is the place in `names`.
    trees: Index,
    key: [u8; 16],
}

impl Protected {
    /// The help lines, the school's `own` domains, and the lists of the folder `protected`.
    ///
    /// # Errors
    /// Every line of those that can't be used.
    pub fn of(places: &Places, own: &[Name], key: [u8; 16]) -> Result<Protected, Faults> {
        let mut names = help_lines();
        let own_hosts = own.iter().map(|name| Host::Name(name.clone()));
        names.extend(own_hosts.map(|host| ProtectedName::host(host, ProtectedKind::Own)));
        names.extend(education(places)?);
        Ok(Protected::new(names, key))
    }

    /// The help lines alone.
    #[must_use]
    pub fn help_lines(key: [u8; 16]) -> Protected {
        Protected::new(help_lines(), key)
    }

    /// The protected names.
    #[must_use]
    pub fn names(&self) -> &[ProtectedName] {
        &self.names
    }

    /// The name that an entry hits: it is that host or page or something above it; or, of a help
    /// line and of the school's own, something below it.
    #[must_use]
    pub fn hits(&self, entry: &Entry) -> Option<&ProtectedName> {
        self.within(entry).or_else(|| self.covered_by(entry))
    }

    /// The help line, or domain of the school's own, that an entry is a part of.
    #[must_use]
    pub fn within(&self, entry: &Entry) -> Option<&ProtectedName> {
        let host = match entry {
            Entry::Host { host, .. } => &Host::Name(host.clone()),
            Entry::Url(page) => page.host(),
            Entry::Network(_) | Entry::Pattern(_) => return None,
        };
        let found = self.trees.find(&Asked { host, url: None }, Reading::Allow);
        found.first().and_then(|found| self.names.get(usize::try_from(self.trees.line(found)).ok()?))
    }

    /// Every entry of an index that covers a protected name, by the index's own rules: exceptions
    /// and patterns count. `blocks` says which files are of block lists.
    #[must_use]
    pub fn covered_in(&self, index: &Index, blocks: &dyn Fn(OriginId) -> bool) -> BTreeSet<ProtectedHit> {
        let mut hits = BTreeSet::new();
        for name in &self.names {
            let url = name.page.as_ref().map(|(_, url)| url);
            for found in index.find(&Asked { host: &name.host, url }, Reading::Block) {
                if blocks(found.origin) {
                    let origin = index.origin(found.origin);
                    hits.insert(ProtectedHit {
                        list: origin.list.to_string(),
                        file: origin.file.to_string(),
                        line: index.line(&found),
                        entry: index.entry_text(&found),
                        name: name.name.clone(),
                        kind: name.kind,
                    });
                }
            }
        }
        hits
    }

    fn new(names: Vec<ProtectedName>, key: [u8; 16]) -> Protected {
        let (mut same, mut above) = (HashMap::new(), HashMap::new());
        let mut trees = IndexBuilder::new(key);
        let origin = trees.add_origin(Origin { list: "".into(), version: "".into(), file: "".into() });
        for (place, name) in names.iter().enumerate() {
            let Host::Name(host) = &name.host else { continue };
            let bare = host.as_str().strip_prefix(WWW).unwrap_or(host.as_str());
            for spelling in [host.as_str().to_owned(), bare.to_owned(), format!("{WWW}{bare}")] {
                same.entry(spelling.into()).or_insert(place);
            }
            for parent in host.suffixes().skip(1) {
                above.entry(Box::from(parent)).or_insert(place);
            }
            if matches!(name.kind, ProtectedKind::HelpLine | ProtectedKind::Own) {
                let entry = Entry::Host { host: host.clone(), scope: Scope::Subtree };
                trees.add(origin, Item::listed(u32::try_from(place).unwrap_or(u32::MAX), entry));
            }
        }
        Protected { names, same, above, trees: trees.build(), key }
    }

    fn covered_by(&self, entry: &Entry) -> Option<&ProtectedName> {
        let place = match entry {
            Entry::Host { host, scope } => {
                let same = || self.same.get(host.as_str());
                let above = || self.above.get(host.as_str());
                match scope {
                    Scope::Exact => same(),
                    Scope::Subtree => same().or_else(above),
                    Scope::Children => above(),
                }
            }
            Entry::Url(page) => return self.names.iter().find(|name| name.is_page_below(page)),
            Entry::Network(_) => None,
            Entry::Pattern(_) => return self.matched_by(entry),
        };
        place.and_then(|place| self.names.get(*place))
    }

    /// What a pattern matches only an index can tell.
    fn matched_by(&self, entry: &Entry) -> Option<&ProtectedName> {
        let mut builder = IndexBuilder::new(self.key);
        let origin = builder.add_origin(Origin { list: "".into(), version: "".into(), file: "".into() });
        builder.add(origin, Item::listed(1, entry.clone()));
        let hit = self.covered_in(&builder.build(), &|_| true).pop_first()?;
        self.names.iter().find(|name| name.name == hit.name)
    }
}

impl ProtectedName {
    fn host(host: Host, kind: ProtectedKind) -> ProtectedName {
        ProtectedName { name: host.to_string(), kind, host, page: None }
    }

    fn of(entry: Entry, kind: ProtectedKind) -> Option<ProtectedName> {
        let name = entry.to_string();
        match entry {
            Entry::Host { host, .. } => Some(ProtectedName::host(Host::Name(host), kind)),
            Entry::Url(page) => {
                let url = Url::parse_typed(&name).ok()?;
                Some(ProtectedName { name, kind, host: page.host().clone(), page: Some((page, url)) })
            }
            Entry::Network(_) | Entry::Pattern(_) => None,
        }
    }

    /// Whether this is that page, or one below it.
    fn is_page_below(&self, listed: &UrlEntry) -> bool {
        let Some((page, _)) = &self.page else { return false };
        let bare = |page: &UrlEntry| page.host().to_string().trim_start_matches(WWW).to_owned();
        let rest = page.path().strip_prefix(listed.path());
        let is_below = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        is_below
            && bare(page) == bare(listed)
            && listed.parameters().iter().all(|one| page.parameters().contains(one))
    }
}

/// The help lines that are compiled into the program.
fn help_lines() -> Vec<ProtectedName> {
    let items = parse::read(&ReadOptions::of(Reading::Allow), Format::Domains, LIFELINE).items;
    items.into_iter().filter_map(|item| ProtectedName::of(item.entry, ProtectedKind::HelpLine)).collect()
}

/// The lists of the folder, or the one that is compiled in where there is no such folder.
fn education(places: &Places) -> Result<Vec<ProtectedName>, Faults> {
    let folder = places.lists.join("protected");
    let (mut items, mut faults) = (Vec::new(), Faults::new());
    if !folder.exists() {
        items = parse::read(&ReadOptions::of(Reading::Allow), Format::Domains, EDUCATION).items;
    }
    let files = if folder.exists() { reading::text_files(&folder) } else { Ok(Vec::new()) };
    for (_, path) in files.map_err(|fault| faults.push(fault)).unwrap_or_default() {
        match reading::bytes(&path) {
            Ok(bytes) => {
                let mut parsed = parse::read(&ReadOptions::of(Reading::Allow), Format::Domains, &bytes);
                items.append(&mut parsed.items);
                faults.extend(line_faults(&path, &bytes, &parsed));
            }
            Err(fault) => faults.push(fault),
        }
    }
    let named = |item: Item| ProtectedName::of(item.entry, ProtectedKind::Education);
    faults.or(items.into_iter().filter_map(named).collect())
}
