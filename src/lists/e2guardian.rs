//! The lists of e2guardian and `DansGuardian`: a folder in which a file's name says what it is
//! for.
//!
//! **Invariant:** an include never leaves the folder, and a file is read once a list, so that
//! what comes out is bounded by what is there.

mod include;
mod names;

use std::collections::BTreeMap;

pub use include::{IncludeFault, IncludeProblem};
pub use names::{Kind, NotUsable, Rule, kind};

use crate::lists::Reading;
use crate::lists::archive::{ArchiveFile, Unpacked};
use crate::lists::parse::Format;
use include::Files;

/// What a folder holds.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    /// The lists of sites and pages, by path.
    pub lists: Vec<SiteList>,
    /// The files that can't be used, and why.
    pub not_usable: Vec<(String, NotUsable)>,
    /// The includes that lead nowhere.
    pub faults: Vec<IncludeFault>,
}

/// One list of sites or pages.
#[derive(Clone, Debug)]
pub struct SiteList {
    /// The path in the tree.
    pub path: String,
    /// The path below the folder of all lists: `bannedsitelist`, `group1/bannedsitelist`.
    pub name: String,
    /// The category that the file names last, else the file's name.
    pub title: String,
    /// How it is written.
    pub format: Format,
    /// What e2guardian does with it.
    pub rule: Rule,
    /// The lines, with those of included files in the place of the include.
    pub bytes: Vec<u8>,
}

impl SiteList {
    /// What it is meant for.
    #[must_use]
    pub fn reading(&self) -> Reading {
        match self.rule {
            Rule::Banned => Reading::Block,
            Rule::Exception | Rule::SemiException | Rule::Grey => Reading::Allow,
        }
    }
}

/// Whether the tree looks like a folder of such lists.
#[must_use]
pub fn is_folder(tree: &Unpacked) -> bool {
    tree.files.iter().any(|file| matches!(names::listed(leaf(&file.path)), Some((Kind::Lists(_), _))))
}

/// The lists of a folder.
#[must_use]
pub fn folder(tree: &Unpacked) -> Folder {
    let files = Files::of(tree);
    let mut found = Folder::default();
    let mut paths: BTreeMap<&str, &ArchiveFile> = BTreeMap::new();
    paths.extend(tree.files.iter().map(|file| (&*file.path, file)));
    for file in paths.into_values() {
        match names::listed(leaf(&file.path)) {
            Some((Kind::Lists(format), rule)) => {
                let bytes = files.resolved(file, &mut found.faults);
                let title = title(&file.bytes).unwrap_or_else(|| leaf(&file.path).to_owned());
                let (path, name) = (file.path.clone(), String::new());
                found.lists.push(SiteList { path, name, title, format, rule, bytes });
            }
            Some((Kind::NotUsable(why), _)) => found.not_usable.push((file.path.clone(), why)),
            None => {}
        }
    }
    let shared = shared_folder(&found.lists).to_owned();
    for list in &mut found.lists {
        list.name = list.path[shared.len()..].to_owned();
    }
    found
}

/// The last `#listcategory: "Name"` of the file itself; included files have their own.
fn title(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let named = text.lines().filter_map(|line| line.trim_start().strip_prefix("#listcategory:"));
    let mut names = named.map(|name| name.trim().trim_matches('"').trim());
    names.rfind(|name| !name.is_empty()).map(str::to_owned)
}

/// The folder that all lists share, with its last slash; empty for none.
fn shared_folder(lists: &[SiteList]) -> &str {
    let folder = |path: &'_ str| path.rfind('/').map_or(0, |at| at + 1);
    let Some(first) = lists.first() else { return "" };
    let mut shared = &first.path[..folder(&first.path)];
    while !lists.iter().all(|list| list.path.starts_with(shared)) {
        shared = &shared[..folder(shared.trim_end_matches('/'))];
    }
    shared
}

fn leaf(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}
