//! The policy of record: what is in force, what was, and how a new one comes to be.
//!
//! **Invariant:** a policy is built whole before it is published; one with a fault is never
//! published, and the last good one stays. Every policy that was in force is kept.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::{OptionalExtension, params};

use crate::audit::Actor;
use crate::control::lists::{self, Held, Keys, Loaded, Places, Progress, Standing};
use crate::control::store::{Store, StoreError};
use crate::control::{ControlError, Shared};
use crate::document::{Document, Fault, Faults};
use crate::identity::{Directory, Subnets};
use crate::model::Timestamp;
use crate::policy::{self, Draft, Live, Parts, Policy, Publisher, Reach, State, Unblock, put_in_force};
use crate::settings::Source;
use crate::telemetry::Metrics;

mod statutory;

/// Where policy and lists come from.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The policy text.
    pub policy_file: PathBuf,
    /// The store.
    pub store_file: PathBuf,
    /// The folders of the lists.
    pub places: Places,
    /// Whether this box may run without a licensed statutory list.
    pub unlicensed: Unlicensed,
    /// The addresses within reach.
    pub reach: Arc<Reach>,
    /// Where lists are fetched from.
    pub feeds: Vec<Source>,
    /// Further authorities that their servers may be signed by.
    pub extra_roots: Vec<PathBuf>,
}

impl Sources {
    /// The same, for the gateway itself: what it compiles is kept.
    #[must_use]
    pub fn keeping(mut self) -> Sources {
        self.places.compiled = self.places.compiled.written();
        self
    }
}

/// Whether a box may run without a statutory list under licence; audited and shown everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlicensed {
    /// It may: a demonstration.
    Accepted,
    /// It may not.
    Refused,
}

/// Why policy and lists can't be put in force.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Every fault of the policy text and the lists.
    #[error("{0}")]
    Faults(Faults),
    /// What the store or the trail says.
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// A policy, read and sound, not yet in force.
pub(super) struct Prepared {
    draft: Arc<Draft>,
    loaded: Loaded,
    policy_text: String,
    changes: Vec<String>,
}

/// The policy in force and what it was made of.
pub(super) struct Journal {
    pub(super) store: Store,
    sources: Sources,
    publisher: Publisher,
    parts: Parts,
    keys: Keys,
    /// How each statutory list stands.
    standing: Vec<Standing>,
    /// When each other list was taken, or its file last changed.
    taken: BTreeMap<String, Timestamp>,
    pub(super) directory: Directory,
    metrics: Metrics,
}

impl StartError {
    /// The faults on one line each, without the text around them: for the record.
    #[must_use]
    pub fn summary(&self) -> Vec<String> {
        match self {
            StartError::Faults(faults) => faults
                .iter()
                .take(20)
                .map(|fault| format!("{}:{}:{}: {}", fault.file, fault.line, fault.column, fault.problem))
                .collect(),
            StartError::Control(fault) => vec![fault.to_string()],
        }
    }
}

impl From<StoreError> for StartError {
    fn from(fault: StoreError) -> StartError {
        StartError::Control(fault.into())
    }
}

impl Prepared {
    /// Groups, categories and caps.
    pub(super) fn draft(&self) -> &Draft {
        &self.draft
    }

    /// What is other than before, a sentence each.
    pub(super) fn changes(&self) -> &[String] {
        &self.changes
    }

    /// What a person should know of the lists.
    pub(super) fn told(&self) -> &[String] {
        &self.loaded.told
    }
}

/// Reads policy and lists and says what is wrong with them, for `schoolgate check`.
///
/// # Errors
/// Every fault found.
pub fn check(sources: &Sources, progress: &Progress<'_>) -> Result<(Draft, Loaded), StartError> {
    let keys = lists::keys_in_force(&sources.store_file)?;
    let sizes = lists::statutory_sizes(&sources.store_file)?;
    let (draft, loaded, _) = read(sources, &keys, &sizes, progress).map_err(StartError::Faults)?;
    Ok((draft, loaded))
}

/// Compiles a policy outside the gateway, with the store's unblocks where there is a store.
///
/// # Errors
/// Every fault found, or what the store says.
pub fn compile_once(sources: &Sources, progress: &Progress<'_>) -> Result<Policy, StartError> {
    let (draft, loaded) = check(sources, progress)?;
    let unblocks = match sources.store_file.exists() {
        true => open_unblocks(&Store::open(&sources.store_file)?)?,
        false => Arc::default(),
    };
    let parts = parts(Arc::new(draft), &loaded, &sources.reach, unblocks);
    Policy::compile(parts, 0).map_err(|_| ControlError::Policy.into())
}

/// The subnets of a policy's groups.
#[must_use]
pub fn subnets(draft: &Draft) -> Subnets {
    let groups = draft.groups.iter();
    Subnets::new(groups.flat_map(|group| group.subnets.iter().map(|net| (*net, group.id.clone()))))
}

impl Journal {
    pub(super) fn start(
        sources: Sources,
        shared: &Shared,
        progress: &Progress<'_>,
    ) -> Result<(Journal, Live, Vec<String>, Vec<String>), StartError> {
        let store = Store::open(&sources.store_file)?;
        let keys = Keys::of(&store)?;
        let (draft, loaded, policy_text) =
            read(&sources, &keys, &store.list_sizes()?, progress).map_err(StartError::Faults)?;
        let changes = changes(&store, &draft, &policy_text, &loaded)?;
        let unblocks = open_unblocks(&store)?;
        let parts = parts(Arc::new(draft), &loaded, &sources.reach, unblocks);
        let generation = store.next_generation()?;
        let first = Policy::compile(parts.clone(), generation).map_err(|_| ControlError::Policy)?;
        let (publisher, live) = put_in_force(first);
        let (directory, metrics) = (shared.directory.clone(), shared.metrics.clone());
        let (standing, taken) = (Vec::new(), BTreeMap::new());
        let mut journal =
            Journal { store, sources, publisher, parts, keys, standing, taken, directory, metrics };
        journal.enter(
            generation,
            &Entry {
                at: shared.clock.now(),
                actor: "system",
                reason: "start",
                changes: &changes,
                policy_text: &policy_text,
                loaded: &loaded,
            },
        )?;
        journal.settle(&loaded, shared.clock.now())?;
        Ok((journal, live, changes, loaded.told))
    }

    /// Reads everything anew; nothing is changed yet.
    pub(super) fn prepare(&self, progress: &Progress<'_>) -> Result<Prepared, StartError> {
        let sizes = self.store.list_sizes()?;
        let (draft, loaded, policy_text) =
            read(&self.sources, &self.keys, &sizes, progress).map_err(StartError::Faults)?;
        let changes = changes(&self.store, &draft, &policy_text, &loaded)?;
        Ok(Prepared { draft: Arc::new(draft), loaded, policy_text, changes })
    }

    /// Puts a prepared policy in force and keeps it.
    pub(super) fn put_in_force(
        &mut self,
        prepared: Prepared,
        actor: &Actor,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), StartError> {
        let Prepared { draft, loaded, policy_text, changes } = prepared;
        let actor = match actor {
            Actor::Staff(name) => name.as_str(),
            Actor::Local => "local",
            Actor::System => "system",
        };
        let generation = self.store.next_generation()?;
        self.enter(
            generation,
            &Entry { at: now, actor, reason, changes: &changes, policy_text: &policy_text, loaded: &loaded },
        )?;
        self.parts = parts(draft, &loaded, &self.sources.reach, open_unblocks(&self.store)?);
        self.settle(&loaded, now)?;
        let policy = Policy::compile(self.parts.clone(), generation).map_err(|_| ControlError::Policy)?;
        self.metrics.policy_generation(generation);
        self.publisher.publish(policy);
        Ok(())
    }

    /// Publishes the policy in force with the unblocks as the store now has them.
    pub(super) fn publish_unblocks(&mut self) -> Result<(), ControlError> {
        self.parts.unblocks = open_unblocks(&self.store)?;
        let generation = self.store.next_generation()?;
        let policy = Policy::compile(self.parts.clone(), generation).map_err(|_| ControlError::Policy)?;
        self.metrics.policy_generation(generation);
        self.publisher.publish(policy);
        Ok(())
    }

    /// How many unblocks are in force.
    pub(super) fn active(&self, now: Timestamp) -> usize {
        self.parts.unblocks.iter().filter(|unblock| unblock.state(now) == State::Active).count()
    }

    /// Lets the rest of the gateway know what has come in force.
    fn settle(&mut self, loaded: &Loaded, now: Timestamp) -> Result<(), StoreError> {
        self.directory.publish(subnets(&self.parts.draft));
        self.standing =
            lists::keep(&self.sources.places, &self.keys, (&loaded.standing, &loaded.retired), now);
        self.taken = lists::taken(loaded, &self.sources.places);
        self.metrics.forget_lists();
        let sizes = loaded.sizes();
        for (id, entries) in &sizes {
            self.metrics.list_entries(id, *entries);
        }
        self.store.keep_list_sizes(&sizes)
    }

    fn enter(&self, generation: u64, entry: &Entry<'_>) -> Result<(), StoreError> {
        let changes = serde_json::Value::from(entry.changes.to_vec()).to_string();
        self.store.connection.execute(
            "INSERT INTO journal (version, at, actor, reason, changes, policy, allow_list, block_list)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                i64::try_from(generation).map_err(|_| StoreError::Unreadable("counter"))?,
                entry.at.to_string(),
                entry.actor,
                entry.reason,
                changes,
                entry.policy_text,
                entry.loaded.allow_text,
                entry.loaded.block_text,
            ],
        )?;
        Ok(())
    }
}

/// What is written down of a policy that comes in force.
struct Entry<'a> {
    at: Timestamp,
    actor: &'a str,
    reason: &'a str,
    changes: &'a [String],
    policy_text: &'a str,
    loaded: &'a Loaded,
}

fn read(
    sources: &Sources,
    keys: &Keys,
    sizes: &lists::Sizes,
    progress: &Progress<'_>,
) -> Result<(Draft, Loaded, String), Faults> {
    let file = sources.policy_file.display().to_string();
    let text = std::fs::read_to_string(&sources.policy_file);
    let loaded = lists::load(&sources.places, keys, sizes, progress);
    let held = |id: &str| loaded.as_ref().is_ok_and(|loaded| loaded.catalogue.list(id).is_some());
    // While the lists themselves are at fault, no list that the policy names is missed besides.
    let held: &dyn Fn(&str) -> bool = if loaded.is_ok() { &held } else { &|_| true };
    let draft = match &text {
        Ok(text) => policy::read_text(&Document::new(&file, text.clone()), held),
        Err(fault) => {
            let mut faults = Faults::new();
            faults.push(Fault::of_file(&file, format!("the policy can't be read: {fault}")));
            Err(faults)
        }
    };
    let mut faults = Faults::new();
    let draft = draft.map_err(|more| faults.extend(more)).ok();
    let loaded = loaded.map_err(|more| faults.extend(more)).ok();
    if loaded.as_ref().is_some_and(|loaded| loaded.held != Held::Licensed) {
        faults.extend(no_statutory_list(sources).into_iter().flatten());
    }
    match (draft, loaded, text) {
        (Some(draft), Some(loaded), Ok(text)) => faults.or((draft, loaded, text)),
        _ => Err(faults),
    }
}

/// The fault of a box that holds no statutory list under licence, unless it may.
fn no_statutory_list(sources: &Sources) -> Option<Faults> {
    if sources.unlicensed == Unlicensed::Accepted {
        return None;
    }
    let fault = Fault::of_file(&sources.places.statutory.display().to_string(), "no statutory list is held");
    let help = "put the list that your licence gives you there, or set statutory.unlicensed = true";
    let mut faults = Faults::new();
    faults.push(fault.help(help));
    Some(faults)
}

fn parts(draft: Arc<Draft>, loaded: &Loaded, reach: &Arc<Reach>, unblocks: Arc<[Unblock]>) -> Parts {
    Parts {
        draft,
        catalogue: Arc::clone(&loaded.catalogue),
        school_allow: Arc::clone(&loaded.school_allow),
        school_block: Arc::clone(&loaded.school_block),
        statutory: Arc::clone(&loaded.statutory),
        lifeline: Arc::clone(&loaded.lifeline),
        reach: Arc::clone(reach),
        unblocks,
    }
}

fn open_unblocks(store: &Store) -> Result<Arc<[Unblock]>, StoreError> {
    Ok(store.open_unblocks()?.into_iter().map(|kept| kept.unblock).collect())
}

/// What is other than in the last policy of the journal.
fn changes(store: &Store, draft: &Draft, text: &str, loaded: &Loaded) -> Result<Vec<String>, StoreError> {
    let last: Option<(String, String, String)> = store
        .connection
        .query_row(
            "SELECT policy, allow_list, block_list FROM journal ORDER BY version DESC LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()?;
    let Some((policy_before, allow_before, block_before)) = last else {
        return Ok(vec!["the first policy".to_owned()]);
    };
    let mut changes = Vec::new();
    if policy_before != text {
        match policy::read_text(&Document::new("before", policy_before), &|_| true) {
            Ok(before) => changes.extend(draft.changes_since(&before)),
            Err(_) => changes.push("the policy text, from one that this version can't read".to_owned()),
        }
    }
    changes.extend(sizes_changed(&store.list_sizes()?, &loaded.sizes()));
    changes.extend(lines_changed("school allow list", &allow_before, &loaded.allow_text));
    changes.extend(lines_changed("school block list", &block_before, &loaded.block_text));
    Ok(changes)
}

/// Which lists came, went or are of another size.
fn sizes_changed(before: &lists::Sizes, after: &lists::Sizes) -> Vec<String> {
    let came = after.iter().filter_map(|(list, entries)| match before.get(list) {
        None => Some(format!("list {list}: added, {entries} entries")),
        Some(old) if old != entries => Some(format!("list {list}: had {old} entries, has {entries}")),
        Some(_) => None,
    });
    let went = before.keys().filter(|list| !after.contains_key(*list));
    came.chain(went.map(|list| format!("list {list}: gone"))).collect()
}

fn lines_changed(list: &str, before: &str, after: &str) -> Vec<String> {
    use std::collections::BTreeSet;
    let entries = |text: &'_ str| -> BTreeSet<String> {
        text.lines()
            .map(|line| line.split('#').next().unwrap_or_default().trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect()
    };
    let (before, after) = (entries(before), entries(after));
    let added = after.difference(&before).map(|entry| format!("{list}: added {entry}"));
    let removed = before.difference(&after).map(|entry| format!("{list}: removed {entry}"));
    added.chain(removed).take(200).collect()
}
