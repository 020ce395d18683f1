//! Both school lists as they were read, weighed against those in force, with the changes that
//! come of it.
//!
//! **Invariant:** what stands in the journal is what is in force; a change that is held stands in
//! the store under one id for as long as its edit does.

use std::sync::Arc;

use uuid::Uuid;

use crate::audit::Actor;
use crate::clock::Clock;
use crate::control::changes::difference::entries_changed;
use crate::control::changes::weigh::{Passed, Stated, Weighed};
use crate::control::changes::{Change, ChangeState, SchoolList};
use crate::control::journal::{Put, Sources};
use crate::control::lists::{Loaded, school_in_force};
use crate::control::store::{Store, StoreError};
use crate::lists::Catalogue;
use crate::model::Timestamp;
use crate::settings::Loosening;

/// The two texts: of the files as they were last read, or of what is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::control) struct School {
    pub(super) allow: String,
    pub(super) block: String,
}

/// What is to be in force of both lists, and what is held.
pub(in crate::control) struct Proposal {
    sides: [Side; 2],
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

    pub(super) fn text(&self, list: SchoolList) -> &str {
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
        let before = store.school_in_force()?;
        let mut standing = store.standing_changes()?;
        let sides = SchoolList::ALL.map(|list| {
            let (before, file) = (before.as_ref().map(|before| before.text(list)), files.text(list));
            let weighed = match before {
                Some(before) => list.weigh(before, file, &word.passes(list)),
                None => Weighed::whole(file),
            };
            Side { list, before: before.map(ToOwned::to_owned), weighed }
        });
        let mut proposal = Proposal { sides, new: Vec::new(), settled: Vec::new(), held: Vec::new() };
        for side in &mut proposal.sides {
            for held in &mut side.weighed.held {
                let is_it = |known: &Change| known.list == side.list && known.entry == held.entry;
                let change = match standing.iter().position(is_it) {
                    Some(at) => standing.remove(at),
                    None => {
                        let change = word.proposed(side.list, held, now);
                        proposal.new.push(change.clone());
                        change
                    }
                };
                (held.line, held.remark) = (change.line, change.remark.clone());
                proposal.held.push(change);
            }
        }
        proposal.settled = standing.into_iter().map(|change| word.settled(change, files, now)).collect();
        Ok(proposal)
    }

    /// Held for the first time.
    pub(in crate::control) fn newly_held(&self) -> &[Change] {
        &self.new
    }

    /// All that is held.
    pub(in crate::control) fn held(&self) -> &[Change] {
        &self.held
    }

    /// No longer held.
    pub(in crate::control) fn settled(&self) -> &[Change] {
        &self.settled
    }

    /// Which entries come in force and which are no longer, a sentence each.
    pub(in crate::control) fn changes(&self) -> Vec<String> {
        let each = |side: &Side| {
            let after = side.weighed.in_force(side.list);
            side.before.as_ref().map(|before| entries_changed(side.list, before, &after)).unwrap_or_default()
        };
        self.sides.iter().flat_map(each).collect()
    }

    /// What the journal keeps of a list.
    pub(in crate::control) fn in_force(&self, list: SchoolList) -> String {
        self.side(list).weighed.in_force(list)
    }

    /// A list as it is to be asked.
    pub(in crate::control) fn catalogue(&self, list: SchoolList, key: [u8; 16]) -> Arc<Catalogue> {
        let weighed = &self.side(list).weighed;
        let held: Vec<(u32, &str)> = match list {
            SchoolList::Allow => Vec::new(),
            SchoolList::Block => weighed.held.iter().map(|held| (held.line, held.entry.as_str())).collect(),
        };
        Arc::new(school_in_force(list.reading(), key, &weighed.text, &held))
    }

    /// Puts the lists that are to be in force in the place of the files' own.
    pub(in crate::control) fn apply(&self, loaded: &mut Loaded, key: [u8; 16]) {
        if !self.held.is_empty() {
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
            Word::Approved(change) if change.list == list => Passed::One(change.entry.clone()),
            Word::Approved(_) => Passed::Nothing,
        }
    }

    fn proposed(&self, list: SchoolList, held: &Stated, now: Timestamp) -> Change {
        let proposer = match self {
            Word::Read { proposer, .. } => (*proposer).clone(),
            Word::Approved(change) => change.proposer.clone(),
        };
        Change {
            id: Uuid::now_v7(),
            list,
            op: list.held_op(),
            entry: held.entry.clone(),
            line: held.line,
            remark: held.remark.clone(),
            proposed_at: now,
            proposer,
            state: ChangeState::Pending,
            stands: true,
            decided_by: None,
            decided_at: None,
            comment: None,
        }
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

/// What waits for approval, for commands that look at the files without serving; the lists are
/// put as they would be in force.
///
/// # Errors
/// What the store says.
pub fn waiting(sources: &Sources, loaded: &mut Loaded) -> Result<Vec<Change>, StoreError> {
    if !sources.store_file.exists() {
        return Ok(Vec::new());
    }
    let store = Store::open(&sources.store_file)?;
    let now = Clock::system().now();
    let proposal = Proposal::of(&store, loaded, sources.loosening, &Actor::Local, now)?;
    proposal.apply(loaded, [0; 16]);
    Ok(proposal.held)
}
