//! The UT1 tree (also squidGuard's and Shalla's): one folder a category.
//!
//! **Invariant:** a category whose publisher calls it white is never taken for a block list.
//!
//! Layout: `blacklists/CATEGORY/{domains,urls,expressions,usage}`, `blacklists/global_usage`,
//! and symbolic links for second names; a `domains.diff` changes the file beside it. See
//! <https://dsi.ut-capitole.fr/blacklists/index_en.php>.

mod diff;

use std::borrow::Cow;
use std::collections::BTreeMap;

pub use diff::{DiffNote, DiffProblem};

use crate::lists::Reading;
use crate::lists::archive::{ArchiveFile, Unpacked};

/// The licence of the lists, with the attribution it asks for.
pub const LICENCE: &str = "CC BY-SA 4.0, Université Toulouse Capitole, Fabrice Prigent";

/// One category.
#[derive(Clone, Debug)]
pub struct Category<'a> {
    /// The folder's name, e.g. `games` (Shalla has deeper ones: `hobby/games-online`).
    pub name: String,
    /// What a person would call it; the folder's name where the publisher says nothing.
    pub title: String,
    /// What it holds, in a sentence; may be empty.
    pub description: String,
    /// What the publisher means it for.
    pub kind: Kind,
    /// Other names: links to the folder.
    pub aliases: Vec<String>,
    /// The `domains` file; `None` if there is none or it is empty.
    pub domains: Option<ListFile<'a>>,
    /// The `urls` file; `None` if there is none or it is empty.
    pub urls: Option<ListFile<'a>>,
    /// The `expressions` file; `None` if there is none or it is empty.
    pub expressions: Option<ListFile<'a>>,
    /// How many expressions of `very_restrictive_expression` are left out: one of them matches
    /// words such as `adult` and `gay` anywhere in an address.
    pub left_out: usize,
}

/// One file of a category, with its changes.
#[derive(Clone, Debug)]
pub struct ListFile<'a> {
    /// The path in the tree.
    pub path: &'a str,
    /// The lines. Those that a `.diff` took out are blank, so that the others keep their
    /// numbers; those that it added stand at the end.
    pub bytes: Cow<'a, [u8]>,
    /// What of the `.diff` had nothing to change.
    pub notes: Vec<DiffNote>,
}

/// What a publisher means a category for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Sites to be blocked.
    Black,
    /// Sites to be allowed.
    White,
    /// Either, as the school likes (banks, cooking).
    Either,
}

impl Kind {
    /// How its entries are read: allow lists may name public suffixes such as `gov.uk`.
    #[must_use]
    pub fn reading(self) -> Reading {
        match self {
            Kind::Black | Kind::Either => Reading::Block,
            Kind::White => Reading::Allow,
        }
    }
}

/// What `global_usage` says about one category.
#[derive(Default)]
struct Stanza {
    white: bool,
    title: String,
    description: String,
}

/// The categories of an unpacked tree, by name.
#[must_use]
pub fn categories(tree: &Unpacked) -> Vec<Category<'_>> {
    let stanzas = tree.files.iter().find(|file| leaf(&file.path) == "global_usage").map(stanzas);
    let stanzas = stanzas.unwrap_or_default();
    let root = root(tree);
    let mut folders: BTreeMap<&str, Vec<&ArchiveFile>> = BTreeMap::new();
    for file in &tree.files {
        if let Some((folder, _)) = below(root, &file.path).and_then(|path| path.rsplit_once('/')) {
            folders.entry(folder).or_default().push(file);
        }
    }
    folders.iter().map(|(name, files)| category(tree, root, name, files, stanzas.get(*name))).collect()
}

fn category<'a>(
    tree: &Unpacked,
    root: &str,
    name: &str,
    files: &[&'a ArchiveFile],
    stanza: Option<&Stanza>,
) -> Category<'a> {
    let named = |wanted: &str| files.iter().copied().find(|file| leaf(&file.path) == wanted);
    let listed = |wanted: &str| changed(named(wanted), named(&format!("{wanted}.diff")));
    let target = |alias: &str| below(root, alias).map(str::to_owned);
    Category {
        name: name.to_owned(),
        title: stanza.map(|s| s.title.clone()).filter(|title| !title.is_empty()).unwrap_or(name.to_owned()),
        description: stanza.map(|s| s.description.clone()).unwrap_or_default(),
        kind: kind(named("usage"), stanza),
        aliases: (tree.aliases.iter())
            .filter(|alias| below(root, &alias.target) == Some(name))
            .filter_map(|alias| target(&alias.name))
            .collect(),
        domains: listed("domains"),
        urls: listed("urls"),
        expressions: listed("expressions"),
        left_out: named("very_restrictive_expression").map_or(0, |file| lines(&file.bytes).count()),
    }
}

/// A file with its changes; `None` if nothing is left of it.
fn changed<'a>(base: Option<&'a ArchiveFile>, diff: Option<&'a ArchiveFile>) -> Option<ListFile<'a>> {
    let file = match (base, diff) {
        (Some(base), None) => ListFile { path: &base.path, bytes: Cow::Borrowed(&base.bytes), notes: vec![] },
        (base, Some(diff)) => {
            let before = base.map_or(&[][..], |base| &base.bytes);
            let (bytes, notes) = diff::applied(before, diff);
            let path = base.map_or(diff.path.trim_end_matches(".diff"), |base| &base.path);
            ListFile { path, bytes: Cow::Owned(bytes), notes }
        }
        (None, None) => return None,
    };
    (file.lines() > 0).then_some(file)
}

impl ListFile<'_> {
    /// How many lines are neither blank nor a comment.
    #[must_use]
    pub fn lines(&self) -> usize {
        lines(&self.bytes).count()
    }
}

/// `usage` says `black`, `white` or both; `global_usage` decides where it says nothing.
fn kind(usage: Option<&ArchiveFile>, stanza: Option<&Stanza>) -> Kind {
    let says = |word: &str| usage.is_some_and(|file| lines(&file.bytes).any(|line| line == word));
    match (says("black"), says("white")) {
        (true, true) => Kind::Either,
        (true, false) => Kind::Black,
        (false, true) => Kind::White,
        (false, false) if stanza.is_some_and(|stanza| stanza.white) => Kind::White,
        (false, false) => Kind::Black,
    }
}

fn stanzas(file: &ArchiveFile) -> BTreeMap<String, Stanza> {
    let mut stanzas = BTreeMap::new();
    let mut name = String::new();
    for line in lines(&file.bytes) {
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        if key.trim() == "NAME" {
            value.clone_into(&mut name);
        }
        let stanza: &mut Stanza = stanzas.entry(name.clone()).or_default();
        match key.trim() {
            "DEFAULT_TYPE" => stanza.white = value == "white",
            "NAME EN" => value.clone_into(&mut stanza.title),
            "DESC EN" => value.clone_into(&mut stanza.description),
            _ => {}
        }
    }
    stanzas
}

/// The lines that are neither blank nor a comment.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &str> {
    let text = bytes.split(|&byte| byte == b'\n').map(|line| std::str::from_utf8(line).unwrap_or("?"));
    text.map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The folder that holds the categories: where `global_usage` is, else the one they all share.
fn root(tree: &Unpacked) -> &str {
    let marked = tree.files.iter().find(|file| leaf(&file.path) == "global_usage");
    let folder = |path: &'_ str| path.split_once('/').map_or("", |(first, _)| first).len();
    match (marked, tree.files.first()) {
        (Some(file), _) => file.path.strip_suffix("global_usage").unwrap_or_default().trim_end_matches('/'),
        (None, Some(first)) => {
            let shared = &first.path[..folder(&first.path)];
            let deep = |file: &ArchiveFile| {
                below(shared, &file.path).is_some_and(|path| path.contains('/'))
                    || leaf(&file.path) == "README"
            };
            if tree.files.iter().all(deep) { shared } else { "" }
        }
        (None, None) => "",
    }
}

fn below<'p>(root: &str, path: &'p str) -> Option<&'p str> {
    if root.is_empty() { Some(path) } else { path.strip_prefix(root)?.strip_prefix('/') }
}

fn leaf(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}
