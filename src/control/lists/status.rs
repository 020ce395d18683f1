//! What lists are held, how large and how old.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::Serialize;

use crate::control::feeds::View;
use crate::control::lists::{Held, Loaded, Places, source};
use crate::document::Faults;
use crate::lists::Catalogue;
use crate::model::Timestamp;

/// One list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Its id: `ut1/games`.
    pub id: String,
    /// What a person would call it.
    pub title: String,
    /// Its version.
    pub version: String,
    /// How many entries it has.
    pub entries: usize,
    /// How many of its lines were not taken.
    pub rejected: usize,
    /// When this version was taken, or its file last changed; of a statutory list that never was
    /// in force, nothing.
    pub since: Option<Timestamp>,
    /// When it was last looked at with success: its source, else as `since`.
    pub looked: Option<Timestamp>,
    /// How long ago that is, in seconds.
    pub age_seconds: Option<u64>,
    /// The source of the settings that it comes from.
    pub source: Option<String>,
    /// When that is looked at next.
    pub next_look: Option<Timestamp>,
    /// What is wrong, although filtering goes on.
    pub alarm: Option<String>,
    /// Its licence; empty if unknown.
    pub licence: String,
    /// What kind of list it is.
    pub kind: Kind,
}

/// What kind of list it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A category's.
    Category,
    /// The school's own.
    School,
    /// Terms in what is searched for.
    Terms,
    /// Statutory.
    Statutory,
    /// Statutory in form, made up for tests: it does not count.
    Synthetic,
}

/// A row for every list.
#[must_use]
pub fn status(loaded: &Loaded, places: &Places, view: &View, now: Timestamp) -> Vec<Status> {
    let mut rows = held(loaded, places);
    for row in &mut rows {
        let source = view.source_of(&row.id);
        row.looked =
            source.and_then(|source| source.looked).or(view.looked.get(&row.id).copied()).or(row.since);
        row.age_seconds = row.looked.map(|looked| now.since(looked).as_secs());
        row.source = source.map(|source| source.source.clone());
        row.next_look = source.and_then(|source| source.next_look);
        row.alarm = view.alarm_of(&row.id);
        if let Some(licence) = source.map(|source| &source.licence).filter(|licence| !licence.is_empty()) {
            row.licence.clone_from(licence);
        }
    }
    rows
}

/// When each list that is not statutory was taken, or its file last changed.
pub(in crate::control) fn taken(loaded: &Loaded, places: &Places) -> BTreeMap<String, Timestamp> {
    let rows = held(loaded, places).into_iter();
    let others = rows.filter(|row| !matches!(row.kind, Kind::Statutory | Kind::Synthetic));
    others.filter_map(|row| Some((row.id, row.since?))).collect()
}

fn held(loaded: &Loaded, places: &Places) -> Vec<Status> {
    let sources = source::sources(&places.imported, &mut Faults::new());
    let imported_at = |id: &str| {
        let (name, list) = id.split_once('/')?;
        let (_, source) = sources.iter().find(|(_, source)| source.name == name)?;
        source.lists.get(list).map(|list| list.imported_at)
    };
    let mut rows = of(&loaded.catalogue, Kind::Category);
    for row in &mut rows {
        row.since =
            imported_at(&row.id).or_else(|| changed(&file(&places.lists, "seed/", "categories", &row.id)?));
    }
    for (catalogue, name) in [(&loaded.school_allow, "allow.txt"), (&loaded.school_block, "block.txt")] {
        let since = changed(&places.lists.join("school").join(name));
        rows.extend(of(catalogue, Kind::School).into_iter().map(|row| Status { since, ..row }));
    }
    rows.extend(terms(loaded, places));
    rows.extend(statutory(loaded));
    rows
}

fn of(catalogue: &Catalogue, kind: Kind) -> Vec<Status> {
    let row = |list: &crate::lists::ListInfo| Status {
        id: list.id.to_string(),
        title: list.title.to_string(),
        version: list.version.to_string(),
        entries: list.entries,
        rejected: list.rejected,
        since: None,
        looked: None,
        age_seconds: None,
        source: None,
        next_look: None,
        alarm: None,
        licence: list.licence.to_string(),
        kind,
    };
    catalogue.lists().iter().map(row).collect()
}

fn terms(loaded: &Loaded, places: &Places) -> Vec<Status> {
    let row = |list: &crate::content::TermList| Status {
        id: format!("terms/{}", list.name),
        title: list.name.clone(),
        version: list.version.clone(),
        entries: list.terms,
        rejected: 0,
        since: changed(&places.lists.join(&list.file)),
        looked: None,
        age_seconds: None,
        source: None,
        next_look: None,
        alarm: None,
        licence: String::new(),
        kind: Kind::Terms,
    };
    loaded.terms.lists().iter().map(row).collect()
}

fn statutory(loaded: &Loaded) -> Vec<Status> {
    let standing = |name: &str| loaded.standing.iter().find(|own| own.name == name);
    let row = |list: &crate::lists::StatutoryList| Status {
        id: format!("statutory/{}", list.name),
        title: list.name.to_string(),
        version: list.version.to_string(),
        entries: list.entries,
        rejected: list.rejected,
        since: standing(&list.name).and_then(|own| own.taken),
        looked: None,
        age_seconds: None,
        source: None,
        next_look: None,
        alarm: None,
        licence: String::new(),
        kind: match standing(&list.name).is_some_and(|own| own.synthetic) {
            true => Kind::Synthetic,
            false => Kind::Statutory,
        },
    };
    loaded.statutory.lists().iter().map(row).collect()
}

fn file(lists: &Path, source: &str, folder: &str, id: &str) -> Option<PathBuf> {
    Some(lists.join(folder).join(format!("{}.txt", id.strip_prefix(source)?)))
}

fn changed(path: &Path) -> Option<Timestamp> {
    let changed = std::fs::metadata(path).ok()?.modified().ok()?;
    let millis = changed.duration_since(UNIX_EPOCH).ok()?.as_millis();
    Some(Timestamp::from_millis(i64::try_from(millis).ok()?))
}

impl Held {
    /// A sentence for people.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Held::Licensed => "a statutory list is held",
            Held::SyntheticOnly => {
                "only the synthetic test list is held: it does not count as a statutory list"
            }
            Held::Nothing => "no statutory list is held",
        }
    }
}
