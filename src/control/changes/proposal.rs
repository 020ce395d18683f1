//! Both school lists as they were read, weighed against those in force, with the changes that
//! come of it.
//!
//! **Invariant:** what stands in the journal is what is in force; a change that is held stands in
//! the store under one id for as long as its edit does.

use std::sync::Arc;

use crate::audit::Actor;
use crate::control::changes::difference::entries_changed;
use crate::control::changes::review::said;
use crate::control::changes::weigh::{Passed, Stated, Weighed};
use crate::control::changes::{Change, ChangeState, EntryChange, SchoolList, What};
use crate::control::journal::Put;
use crate::control::lists::{Loaded, school_in_force};
use crate::control::store::{Store, StoreError};
use crate::lists::Catalogue;
use crate::model::Timestamp;
use crate::policy::Effect;
use crate::settings::Loosening;

/// The two texts: of the files as they were last read, of what of them is in force, or of what
/// staff put on the lists besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::control) struct School {
    pub(in crate::control) allow: String,
    pub(in crate::control) block: String,
}

/// What is to be in force of both lists, and what is held.
pub(in crate::control) struct Proposal {
    sides: [Side; 2],
    /// What staff put on the lists besides the files.
    added: School,
    /// Held for the first time.
    new: Vec<Change>,
    /// No longer held: withdrawn, let through or decided.
    settled: Vec<Change>,
    /// All that is held, new or not.
    held: Vec<Change>,
}

/// One list.
struct Side {
    list: SchoolList,
    before: Option<String>,
    weighed: Weighed,
}

/// What lets changes through, and in whose name the rest is proposed.
pub(in crate::control) enum Word<'a> {
    /// The files were read.
    Read { loosening: Loosening, proposer: &'a Actor },
    /// A change was approved.
    Approved(&'a Change),
}

impl School {
    /// The texts of the files.
    pub(in crate::control) fn of(loaded: &Loaded) -> School {
        School { allow: loaded.allow_text.clone(), block: loaded.block_text.clone() }
    }

    pub(in crate::control) fn text(&self, list: SchoolList) -> &str {
        match list {
            SchoolList::Allow => &self.allow,
            SchoolList::Block => &self.block,
        }
    }
}

impl Proposal {
    /// Weighs the files that were just read.
    pub(in crate::control) fn of(
        store: &Store,
        loaded: &Loaded,
        loosening: Loosening,
        proposer: &Actor,
        now: Timestamp,
    ) -> Result<Proposal, StoreError> {
        Proposal::weigh(store, &School::of(loaded), &Word::Read { loosening, proposer }, now)
    }

    pub(in crate::control) fn weigh(
        store: &Store,
        files: &School,
        word: &Word<'_>,
        now: Timestamp,
    ) -> Result<Proposal, StoreError> {
        let (before, added) = (store.school_in_force()?, store.school_added()?);
        let mut standing = store.standing_changes()?;
        standing.retain(|change| change.entry().is_some());
        let sides = SchoolList::ALL.map(|list| {
            let (before, file) = (before.as_ref().map(|before| before.text(list)), files.text(list));
            let weighed = match before {
                // What staff have put on the list already opens nothing when it comes into the file.
                Some(before) if list == SchoolList::Allow => {
                    let before = format!("{before}\n{}", added.text(list));
                    list.weigh(&before, file, &word.passes(list))
                }
                Some(before) => list.weigh(before, file, &word.passes(list)),
                None => Weighed::whole(file),
            };
            Side { list, before: before.map(ToOwned::to_owned), weighed }
        });
        let mut proposal = Proposal { sides, added, new: Vec::new(), settled: Vec::new(), held: Vec::new() };
        for side in &mut proposal.sides {
            for held in &mut side.weighed.held {
                let is_it = |known: &Change| {
                    known.entry().is_some_and(|known| known.list == side.list && known.entry == held.entry)
                };
                let change = match standing.iter().position(is_it) {
                    Some(at) => standing.remove(at),
                    None => {
                        let change = word.proposed(side.list, held, now);
                        proposal.new.push(change.clone());
                        change
                    }
                };
                if let Some(EntryChange { line: Some(line), remark, .. }) = change.entry() {
                    (held.line, held.remark) = (*line, remark.clone());
                }
                proposal.held.push(change);
            }
        }
        proposal.settled = standing.into_iter().map(|change| word.settled(change, files, now)).collect();
        Ok(proposal)
    }

    /// What is held for the first time, and what is held no longer.
    pub(in crate::control) fn decided(&self) -> impl Iterator<Item = &Change> {
        self.new.iter().chain(&self.settled)
    }

    /// All that is held.
    pub(in crate::control) fn held(&self) -> &[Change] {
        &self.held
    }

    /// Which entries come in force and which are no longer, a sentence each.
    pub(in crate::control) fn changes(&self) -> Vec<String> {
        let each = |side: &Side| {
            let after = side.weighed.in_force(side.list);
            side.before.as_ref().map(|before| entries_changed(side.list, before, &after)).unwrap_or_default()
        };
        self.sides.iter().flat_map(each).collect()
    }

    /// What staff put on the lists besides the files.
    pub(in crate::control) fn added(&self) -> &School {
        &self.added
    }

    /// The same with other entries of staff.
    pub(in crate::control) fn with_added(self, added: School) -> Proposal {
        Proposal { added, ..self }
    }

    /// What of the files is in force.
    pub(in crate::control) fn files_in_force(&self) -> School {
        let text = |list| self.side(list).weighed.in_force(list);
        School { allow: text(SchoolList::Allow), block: text(SchoolList::Block) }
    }

    /// A list as it is to be asked.
    pub(in crate::control) fn catalogue(&self, list: SchoolList, key: [u8; 16]) -> Arc<Catalogue> {
        let weighed = &self.side(list).weighed;
        let held: Vec<(u32, &str)> = match list {
            SchoolList::Allow => Vec::new(),
            SchoolList::Block => weighed.held.iter().map(|held| (held.line, held.entry.as_str())).collect(),
        };
        Arc::new(school_in_force(list.reading(), key, &weighed.text, (&held, self.added.text(list))))
    }

    /// Puts the lists that are to be in force in the place of the files' own.
    pub(in crate::control) fn apply(&self, loaded: &mut Loaded, key: [u8; 16]) {
        if !self.held.is_empty() || self.added != School::default() {
            loaded.school_allow = self.catalogue(SchoolList::Allow, key);
            loaded.school_block = self.catalogue(SchoolList::Block, key);
        }
    }

    /// The rows of the changes, new and settled.
    pub(in crate::control) fn puts(&self) -> impl Iterator<Item = Put> {
        self.new.iter().chain(&self.settled).map(Change::put)
    }

    fn side(&self, list: SchoolList) -> &Side {
        match list {
            SchoolList::Allow => &self.sides[0],
            SchoolList::Block => &self.sides[1],
        }
    }
}

impl Word<'_> {
    fn passes(&self, list: SchoolList) -> Passed {
        match self {
            Word::Read { loosening: Loosening::AtOnce, .. } => Passed::Everything,
            Word::Read { loosening: Loosening::Held, .. } => Passed::Nothing,
            Word::Approved(change) => match change.entry() {
                Some(entry) if entry.list == list => Passed::One(entry.entry.clone()),
                Some(_) | None => Passed::Nothing,
            },
        }
    }

    fn proposed(&self, list: SchoolList, held: &Stated, now: Timestamp) -> Change {
        let proposer = match self {
            Word::Read { proposer, .. } => proposer,
            Word::Approved(change) => &change.proposer,
        };
        let what = EntryChange {
            list,
            op: list.held_op(),
            entry: held.entry.clone(),
            line: Some(held.line),
            remark: held.remark.clone(),
        };
        let change = Change::proposed(What::Entry(what), Effect::Loosens, proposer, now);
        let (owner, review_on) = said(held.remark.as_deref());
        Change { reason: held.remark.clone(), owner, review_on, ..change }
    }

    /// A change that is held no longer, and why.
    fn settled(&self, change: Change, files: &School, now: Timestamp) -> Change {
        let change = Change { stands: false, ..change };
        match self {
            Word::Approved(approved) if approved.id == change.id => {
                Change { stands: false, ..(*approved).clone() }
            }
            Word::Read { loosening: Loosening::AtOnce, .. } if change.is_made_in(files) => Change {
                state: ChangeState::Approved,
                decided_at: Some(now),
                comment: Some("the settings say lists.loosening = \"at_once\"".to_owned()),
                ..change
            },
            Word::Read { .. } | Word::Approved(_) if change.state == ChangeState::Refused => change,
            Word::Read { proposer, .. } => {
                let decided_by = match proposer {
                    Actor::Staff(name) => Some(name.clone()),
                    Actor::Local | Actor::System => None,
                };
                Change { state: ChangeState::Withdrawn, decided_by, decided_at: Some(now), ..change }
            }
            Word::Approved(_) => Change { state: ChangeState::Withdrawn, decided_at: Some(now), ..change },
        }
    }
}
