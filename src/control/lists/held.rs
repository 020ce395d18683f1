//! The statutory lists: read, hashed and forgotten; the last good form stays when a new one fails.
//!
//! **Invariant:** no line of these files leaves this module, in a fault or otherwise: a fault
//! names the file and the line's number, and says what is wrong. A list that was in force once
//! stays in force until a sound one takes its place, or a person says that it is meant to go.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::control::lists::reading::{self, file_fault};
use crate::control::lists::{Held, Keys, Places, Sizes};
use crate::document::{Fault, Faults};
use crate::lists::statutory::{Content, TakenFrom};
use crate::lists::{HashedList, Sealed, Statutory, StatutoryBuilder};
use crate::model::Timestamp;

mod kept;
mod take;

use kept::Kept;
use take::{Taken, guard, sentence, take};

/// What is said of a list whose file is gone.
const MISSING: &str = "its file is missing";

/// How one statutory list stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub from: TakenFrom,
    /// Whether it is there to be tried out and does not count as held.
    pub synthetic: bool,
    /// When what is in force was taken; `None` until it first is in force.
    pub taken: Option<Timestamp>,
    /// What is wrong, while the last good form is in force.
    pub problem: Option<String>,
    /// What is to be kept once it is in force.
    fresh: Option<Box<Sealed>>,
}

/// All statutory lists.
pub(in crate::control) struct Read {
    pub(in crate::control) statutory: Statutory,
    pub(in crate::control) held: Held,
    pub(in crate::control) standing: Vec<Standing>,
    /// Lists that a person has let go.
    pub(in crate::control) retired: Vec<String>,
    /// What a person should know of the last good forms.
    pub(in crate::control) told: Vec<String>,
}

/// What becomes of one list.
enum Found {
    /// It is in force.
    InForce(HashedList, Standing),
    /// Nothing of it is.
    Nothing,
}

/// The lists that there are or should be: by name, and the file in the slot if there is one.
pub(super) fn names(places: &Places, faults: &mut Faults) -> BTreeMap<String, Option<PathBuf>> {
    let kept = kept::names(&places.kept);
    let slot = reading::text_files(&places.statutory).unwrap_or_else(|fault| {
        // Where something else holds, each list that is missed says so itself.
        if kept.is_empty() && places.fetched.is_empty() {
            faults.push(fault);
        }
        Vec::new()
    });
    let others = kept.into_iter().chain(places.fetched.iter().cloned());
    let mut names: BTreeMap<String, Option<PathBuf>> = others.map(|name| (name, None)).collect();
    names.extend(slot.into_iter().map(|(name, path)| (name, Some(path))));
    names
}

/// Reads them all.
pub(super) fn read(
    names: &BTreeMap<String, Option<PathBuf>>,
    (places, keys, sizes): (&Places, &Keys, &Sizes),
    done: &dyn Fn(&str),
    faults: &mut Faults,
) -> Read {
    let mut builder = StatutoryBuilder::new(keys.statutory);
    let mut reader = Reader { places, keys, sizes, faults, retired: Vec::new(), told: Vec::new() };
    let (mut held, mut standing) = (Held::Nothing, Vec::new());
    for (name, slot) in names {
        if let Found::InForce(list, own) = reader.one(name, slot.as_deref()) {
            builder.add_hashed(list);
            held = held.and(if own.synthetic { Held::SyntheticOnly } else { Held::Licensed });
            standing.push(own);
        }
        done(&format!("statutory/{name}"));
    }
    let (retired, told) = (reader.retired, reader.told);
    Read { statutory: builder.build(), held, standing, retired, told }
}

/// Takes a fetched list, to be kept and put in force by the next reading; gives how many entries
/// it has, or `None` where it is what is held already.
///
/// # Errors
/// What is wrong, without a line's text; what was kept stays.
pub(in crate::control) fn take_fetched(
    (places, keys, sizes): (&Places, &Keys, &Sizes),
    name: &str,
    bytes: &[u8],
    accept: &BTreeSet<String>,
    now: Timestamp,
) -> Result<Option<usize>, String> {
    let kept = kept::open(&places.kept, name, keys.statutory);
    // The same bytes are the same list, whenever they were written.
    let content = Content::of(keys.statutory, bytes, Timestamp::from_millis(0));
    if matches!(&kept, Kept::Sound(sealed) if sealed.content == content) {
        return Ok(None);
    }
    let taken = take(keys, name, Path::new(name), bytes, content).map_err(|faults| sentence(&faults))?;
    if !accept.contains(&id(name)) {
        guard(name, &taken, &kept, places, sizes).map_err(|fault| fault.problem)?;
    }
    let entries = taken.list.about().entries;
    let sealed = taken.sealed(TakenFrom::Source, now);
    kept::put(&places.kept, &sealed, keys.statutory)
        .map_err(|fault| format!("its hashed form can't be written: {fault}"))?;
    Ok(Some(entries))
}

/// Keeps what has come in force, and no longer what a person let go.
pub(in crate::control) fn keep(
    (places, keys): (&Places, &Keys),
    standing: &mut [Standing],
    retired: &[String],
    now: Timestamp,
) {
    for own in standing {
        let Some(mut sealed) = own.fresh.take() else { continue };
        sealed.taken = now;
        own.taken = Some(now);
        if let Err(fault) = kept::put(&places.kept, &sealed, keys.statutory) {
            own.problem = Some(format!("its last good form can't be written: {fault}"));
            own.fresh = Some(sealed);
        }
    }
    for name in retired {
        if let Err(fault) = kept::remove(&places.kept, name) {
            tracing::warn!(%fault, list = name, "the last good form of a list that is gone can't be removed");
        }
    }
}

/// How the lists in force stand now: a file that has gone since it was read is missed.
pub(in crate::control) fn standing_now(places: &Places, standing: &[Standing]) -> Vec<Standing> {
    let is_gone = |own: &Standing| own.from == TakenFrom::Slot && !is_in_slot(places, &own.id());
    let one = |own: &Standing| match own.problem {
        None if is_gone(own) => Standing { problem: Some(MISSING.to_owned()), ..own.clone() },
        None | Some(_) => own.clone(),
    };
    standing.iter().map(one).collect()
}

/// Whether a list that is called so lies in the slot.
#[must_use]
pub fn is_in_slot(places: &Places, id: &str) -> bool {
    id.strip_prefix("statutory/").is_some_and(|name| places.statutory.join(format!("{name}.txt")).is_file())
}

/// What a list is called in status, record and metrics.
pub(in crate::control) fn id(name: &str) -> String {
    format!("statutory/{name}")
}

struct Reader<'r> {
    places: &'r Places,
    keys: &'r Keys,
    sizes: &'r Sizes,
    faults: &'r mut Faults,
    retired: Vec<String>,
    told: Vec<String>,
}

impl Reader<'_> {
    fn one(&mut self, name: &str, slot: Option<&Path>) -> Found {
        let kept = kept::open(&self.places.kept, name, self.keys.statutory);
        match slot {
            Some(path) if self.is_fetched(name) => {
                let problem = format!("the list {name} is fetched from a [[statutory.source]] of that name");
                self.faults.push(file_fault(path, problem).help("take the file away, or rename the source"));
                Found::Nothing
            }
            Some(path) => self.in_slot(name, path, kept),
            None => self.without_file(name, kept),
        }
    }

    fn in_slot(&mut self, name: &str, path: &Path, kept: Kept) -> Found {
        match (self.fresh(name, path, &kept), kept) {
            (Ok(None), Kept::Sound(sealed)) => Found::in_force(*sealed, TakenFrom::Slot, None),
            (Ok(None), Kept::Absent | Kept::Unusable(_)) => Found::Nothing,
            (Ok(Some(taken)), kept) => {
                if let Kept::Unusable(why) = kept {
                    self.told.push(format!("the last good form of {} can't be used: {why}", id(name)));
                }
                let fresh = taken.sealed(TakenFrom::Slot, Timestamp::from_millis(0));
                let standing = Standing { taken: None, ..Standing::of(&fresh, None) };
                Found::InForce(fresh.list.clone(), Standing { fresh: Some(Box::new(fresh)), ..standing })
            }
            (Err(wrong), Kept::Sound(sealed)) => {
                Found::in_force(*sealed, TakenFrom::Slot, Some(sentence(&wrong)))
            }
            (Err(wrong), Kept::Unusable(why)) => {
                self.faults.extend(wrong);
                self.unusable(name, &why);
                Found::Nothing
            }
            (Err(wrong), Kept::Absent) => {
                self.faults.extend(wrong);
                Found::Nothing
            }
        }
    }

    fn without_file(&mut self, name: &str, kept: Kept) -> Found {
        let (fetched, was_in_force) = (self.is_fetched(name), self.sizes.contains_key(&id(name)));
        match kept {
            Kept::Sound(sealed) if fetched => Found::in_force(*sealed, TakenFrom::Source, None),
            Kept::Sound(sealed) if was_in_force => {
                let problem = match sealed.from {
                    TakenFrom::Slot => MISSING,
                    TakenFrom::Source => "its source is no longer in the settings",
                };
                let from = sealed.from;
                Found::in_force(*sealed, from, Some(problem.to_owned()))
            }
            Kept::Sound(_) => {
                self.told.push(format!("{} was let go by a person's word", id(name)));
                self.retired.push(name.to_owned());
                Found::Nothing
            }
            Kept::Unusable(why) if fetched || was_in_force => {
                self.unusable(name, &why);
                Found::Nothing
            }
            Kept::Unusable(why) => {
                self.told.push(format!("the last good form of {} can't be used: {why}", id(name)));
                Found::Nothing
            }
            Kept::Absent => {
                let fault = file_fault(&self.places.kept.join(name), "the list was never fetched");
                self.faults.push(fault.help(format!("`schoolgate lists fetch {}` says why", id(name))));
                Found::Nothing
            }
        }
    }

    /// What the file holds; `None` where that is what is kept already.
    fn fresh(&self, name: &str, path: &Path, kept: &Kept) -> Result<Option<Taken>, Faults> {
        let one = |fault: Fault| {
            let mut faults = Faults::new();
            faults.push(fault);
            faults
        };
        let bytes = reading::bytes(path).map_err(one)?;
        let content = Content::of(self.keys.statutory, &bytes, written(path));
        if matches!(kept, Kept::Sound(sealed) if sealed.content == content) {
            return Ok(None);
        }
        let taken = take(self.keys, name, path, &bytes, content)?;
        guard(name, &taken, kept, self.places, self.sizes).map_err(one)?;
        Ok(Some(taken))
    }

    fn is_fetched(&self, name: &str) -> bool {
        self.places.fetched.iter().any(|fetched| fetched == name)
    }

    fn unusable(&mut self, name: &str, why: &str) {
        let problem = format!("the last good form of {} can't be used: {why}", id(name));
        let help = "put a sound list in the slot, or fetch it: nothing is served without it";
        self.faults.push(file_fault(&self.places.kept.join(name), problem).help(help));
    }
}

impl Read {
    /// How many entries each list has.
    pub(in crate::control) fn sizes(&self) -> Sizes {
        self.statutory.lists().iter().map(|list| (id(&list.name), list.entries)).collect()
    }
}

impl Found {
    fn in_force(sealed: Sealed, from: TakenFrom, problem: Option<String>) -> Found {
        let standing = Standing { from, ..Standing::of(&sealed, problem) };
        Found::InForce(sealed.list, standing)
    }
}

impl Standing {
    fn of(sealed: &Sealed, problem: Option<String>) -> Standing {
        Standing {
            name: sealed.list.about().name.to_string(),
            from: sealed.from,
            synthetic: sealed.synthetic,
            taken: Some(sealed.taken),
            problem,
            fresh: None,
        }
    }

    /// One that is made up.
    #[cfg(test)]
    pub(in crate::control) fn for_test(
        name: &str,
        from: TakenFrom,
        synthetic: bool,
        taken: Option<Timestamp>,
    ) -> Standing {
        Standing { name: name.to_owned(), from, synthetic, taken, problem: None, fresh: None }
    }

    /// What it is called in status, record and metrics.
    #[must_use]
    pub fn id(&self) -> String {
        id(&self.name)
    }
}

impl Held {
    /// What two findings come to.
    fn and(self, other: Held) -> Held {
        match (self, other) {
            (Held::Licensed, _) | (_, Held::Licensed) => Held::Licensed,
            (Held::SyntheticOnly, _) | (_, Held::SyntheticOnly) => Held::SyntheticOnly,
            (Held::Nothing, Held::Nothing) => Held::Nothing,
        }
    }
}

fn written(path: &Path) -> Timestamp {
    let written = std::fs::metadata(path).and_then(|about| about.modified()).ok();
    let since = written.and_then(|written| written.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(0))
}
