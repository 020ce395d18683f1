//! A change asked for through the API or a command: a policy text, one key, an entry of a school
//! list, or an earlier version.
//!
//! **Invariant:** what is asked for takes the same road as an edit of a file: what opens nothing is
//! in force at once, the rest waits; nothing is changed when any of it is at fault.

use std::net::IpAddr;

use crate::audit::{Act, Actor, Entry, Outcome};
use crate::control::changes::policy::LET_THROUGH;
use crate::control::changes::record::proposed;
use crate::control::changes::review::review_day;
use crate::control::changes::{
    Change, ChangeState, EntryChange, Op, PolicyProposal, Risk, School, SchoolList, What as About, weigh,
};
use crate::control::journal::{Journal, Mutation, Put};
use crate::control::{Control, ControlError, Recorded};
use crate::document::{Document, Plain};
use crate::model::{Justification, StaffName, Timestamp};
use crate::policy::{Edit, Effect, Target, Written};
use crate::settings::Loosening;

/// A change that is asked for.
#[derive(Clone, Debug)]
pub struct ChangeRequest {
    /// What is to change.
    pub change: What,
    /// Why.
    pub reason: String,
    /// What was thought through; needed where a category is opened.
    pub risk: Option<Risk>,
    /// Who answers for it; the proposer, when absent.
    pub owner: Option<StaffName>,
    /// The day on which it is looked at again; a year from now, when absent.
    pub review_on: Option<String>,
}

/// What is to change.
#[derive(Clone, Debug)]
pub enum What {
    /// The whole policy text.
    Policy {
        /// The text.
        text: String,
    },
    /// One key of the policy.
    Set {
        /// The dotted key: `groups.ks2.categories.games`.
        key: String,
        /// What it is set to; null takes the key away.
        value: Option<Plain>,
    },
    /// An entry of one of the school's lists.
    Entry {
        /// The list.
        list: SchoolList,
        /// Put on it, or taken off.
        op: Op,
        /// The host, page or network.
        entry: String,
    },
    /// The policy text of an earlier version.
    Rollback {
        /// Its number.
        version: u64,
    },
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Proposed {
    /// Each part: in force at once, or pending.
    pub changes: Vec<Change>,
    /// What waited before, and is taken back: what was proposed now stands in its place.
    pub withdrawn: Vec<Change>,
    /// The version of the policy of record now in force.
    pub version: u64,
}

/// What is to be put in force, and the rows that say so.
struct Prepared {
    new: Vec<Change>,
    withdrawn: Vec<Change>,
    policy: Option<PolicyProposal>,
    added: Option<School>,
}

impl Control {
    /// Proposes a change in the name of `proposer`. `fits` says whether it was written for a version
    /// of the policy of record.
    ///
    /// # Errors
    /// What keeps it from being proposed; then nothing is changed.
    pub async fn propose(
        &self,
        proposer: &Actor,
        request: ChangeRequest,
        fits: impl Fn(u64) -> bool,
        client: Option<IpAddr>,
    ) -> Result<Recorded<Proposed>, ControlError> {
        let mut journal = self.journal.lock().await;
        let now = self.clock.now();
        let version = journal.record_version()?;
        if !fits(version) {
            return Err(ControlError::Changed(version));
        }
        let prepared = match prepare(&journal, proposer, request, now).and_then(Prepared::assessed) {
            Ok(prepared) => prepared,
            Err(fault) => return Err(self.not_proposed(proposer, client, fault).await),
        };
        let act = Act { client, ..proposed(proposer, &prepared.new, &prepared.withdrawn) };
        let reason = act.reason.clone().unwrap_or_default();
        let generation = journal.store.next_generation()?;
        let changed = prepared.new.iter().any(|change| change.state != ChangeState::Pending);
        let rows = prepared.new.iter().chain(&prepared.withdrawn).map(Change::put);
        let mut puts: Vec<Put> = rows.collect();
        if changed {
            let sentences: Vec<String> = prepared.in_force().map(ToString::to_string).collect();
            let texts = (prepared.policy.as_ref(), prepared.added.as_ref());
            puts.push(journal.version(generation, (now, proposer, &reason), &sentences, texts)?);
        }
        let audit_seq = self.keep(&mut journal, Entry::Change, act, Mutation::new(now, puts)).await?;
        if changed {
            journal.put_changed_in_force(prepared.policy, prepared.added, generation)?;
        }
        let version = journal.record_version()?;
        let (changes, withdrawn) = (prepared.new, prepared.withdrawn);
        Ok(Recorded { value: Proposed { changes, withdrawn, version }, audit_seq })
    }

    /// What would come of a change, were it proposed. Nothing is changed, and nothing recorded but a
    /// try at what nobody may open.
    ///
    /// # Errors
    /// As [`Control::propose`]; but a risk assessment may be missing also where it is in force at once.
    pub async fn weigh_change(
        &self,
        proposer: &Actor,
        request: ChangeRequest,
        fits: impl Fn(u64) -> bool,
        client: Option<IpAddr>,
    ) -> Result<Proposed, ControlError> {
        let journal = self.journal.lock().await;
        let version = journal.record_version()?;
        if !fits(version) {
            return Err(ControlError::Changed(version));
        }
        match prepare(&journal, proposer, request, self.clock.now()) {
            Ok(Prepared { new: changes, withdrawn, .. }) => Ok(Proposed { changes, withdrawn, version }),
            Err(fault) => Err(self.not_proposed(proposer, client, fault).await),
        }
    }

    /// Why a change is not proposed; a try at what nobody may open is recorded.
    async fn not_proposed(
        &self,
        proposer: &Actor,
        client: Option<IpAddr>,
        fault: ControlError,
    ) -> ControlError {
        if !matches!(fault, ControlError::Statutory | ControlError::Locked) {
            return fault;
        }
        let act = Act::new(proposer.clone(), "change.proposed").with("refused", fault.code());
        let recorded = self.record(Entry::Change(Act { outcome: Outcome::Failure, client, ..act })).await;
        recorded.err().unwrap_or(fault)
    }
}

impl Prepared {
    /// The same, if what opens a category at once says what was thought through. Where it waits, that may
    /// come with the approval.
    fn assessed(self) -> Result<Prepared, ControlError> {
        let is_missing = |change: &&Change| change.needs_risk() && change.risk.is_none();
        let missing = self.in_force().find(is_missing).map(|change| {
            format!(
                "{change}: this opens a category at once, so say what it is good for, what can go wrong, and what is done about that"
            )
        });
        match missing {
            None => Ok(self),
            Some(text) => Err(ControlError::Invalid("risk", text)),
        }
    }

    fn in_force(&self) -> impl Iterator<Item = &Change> {
        self.new.iter().filter(|change| change.state != ChangeState::Pending)
    }
}

fn prepare(
    journal: &Journal,
    proposer: &Actor,
    request: ChangeRequest,
    now: Timestamp,
) -> Result<Prepared, ControlError> {
    let reason = Justification::parse(&request.reason)
        .map_err(|fault| ControlError::Invalid("reason", fault.to_string()))?;
    let mut prepared = match &request.change {
        What::Entry { list, op, entry } => {
            let change = EntryChange { list: *list, op: *op, entry: entry.clone(), line: None, remark: None };
            of_entry(journal, proposer, change, now)?
        }
        What::Policy { text } => of_document(journal, proposer, &Document::new("policy", text.clone()), now)?,
        What::Set { key, value } => of_text(journal, proposer, &set(journal, key, value.as_ref())?, now)?,
        What::Rollback { version } => {
            let text = journal.store.policy_text(*version)?.ok_or(ControlError::NotFound)?;
            of_document(journal, proposer, &Document::new(&format!("version {version}"), text), now)?
        }
    };
    if prepared.new.is_empty() {
        return Err(ControlError::Invalid("change", "this is so already: there is nothing to change".into()));
    }
    let risk = request.risk.map(Risk::sound).transpose()?;
    let review_on = review_day(request.review_on, now)?;
    if let Some(owner) = &request.owner
        && journal.store.staff_named(owner)?.is_none()
    {
        return Err(ControlError::Invalid("owner", format!("there is no account “{owner}”")));
    }
    let owner = request.owner.or_else(|| match proposer {
        Actor::Staff(name) => Some(name.clone()),
        Actor::Local | Actor::System => None,
    });
    for change in &mut prepared.new {
        change.reason = Some(reason.to_string());
        (change.risk, change.owner) = (risk.clone(), owner.clone());
        change.review_on = Some(review_on.clone());
    }
    Ok(prepared)
}

/// A text that somebody wrote: what is faulty is told where it stands there.
fn of_document(
    journal: &Journal,
    proposer: &Actor,
    document: &Document,
    now: Timestamp,
) -> Result<Prepared, ControlError> {
    journal.read_policy(document).map_err(ControlError::Faulty)?;
    of_text(journal, proposer, &Written::read(document).map_err(ControlError::Faulty)?, now)
}

fn of_text(
    journal: &Journal,
    proposer: &Actor,
    proposed: &Written,
    now: Timestamp,
) -> Result<Prepared, ControlError> {
    let mut policy = journal.weigh_policy(proposed, (proposer, now, None))?;
    for change in &mut policy.new {
        // No file says so: nothing is read again that could take it back.
        change.stands = false;
    }
    let (new, withdrawn) = (policy.new.clone(), policy.withdrawn.clone());
    Ok(Prepared { new, withdrawn, policy: Some(policy), added: None })
}

/// The policy of record with one key set otherwise.
fn set(journal: &Journal, key: &str, value: Option<&Plain>) -> Result<Written, ControlError> {
    let (_, in_force) = journal.policy_of_record()?;
    let edit = Edit { key: key.to_owned(), before: in_force.value(key), after: value.cloned() };
    let invalid = |_| ControlError::Invalid("key", format!("“{key}” is no key of the policy"));
    in_force.with(&edit).map_err(invalid)
}

fn of_entry(
    journal: &Journal,
    proposer: &Actor,
    change: EntryChange,
    now: Timestamp,
) -> Result<Prepared, ControlError> {
    let invalid = |text: String| ControlError::Invalid("entry", text);
    let entry = match &*weigh::entries(&change.entry).into_iter().collect::<Vec<_>>() {
        [entry] if !change.entry.contains(['\n', '\r', '#']) => entry.clone(),
        _ => return Err(invalid(format!("“{}” is not one host, page or network", change.entry))),
    };
    let change = EntryChange { entry, ..change };
    let (in_files, added) = journal.school()?;
    let (file, listed) =
        (weigh::entries(in_files.text(change.list)), weigh::entries(added.text(change.list)));
    match change.op {
        Op::Add if file.contains(&change.entry) || listed.contains(&change.entry) => {
            return Err(invalid("it is on the list already".to_owned()));
        }
        Op::Remove if file.contains(&change.entry) => {
            return Err(invalid(format!("it stands in the file of {}: take it out there", change.list.id())));
        }
        Op::Remove if !listed.contains(&change.entry) => {
            return Err(invalid("it is not on the list".to_owned()));
        }
        Op::Add | Op::Remove => {}
    }
    if (change.list, change.op) == (SchoolList::Allow, Op::Add) && is_statutory(journal, &change.entry) {
        return Err(ControlError::Statutory);
    }
    let effect = change.effect();
    let passes = effect != Effect::Loosens || journal.loosening() == Loosening::AtOnce;
    let added = passes.then(|| added.with(&change));
    let proposed = Change::proposed(About::Entry(change), effect, proposer, now);
    let proposed = Change { stands: false, ..proposed };
    let proposed = match (passes, effect) {
        (false, _) => proposed,
        (true, Effect::Loosens) => Change {
            state: ChangeState::Approved,
            decided_at: Some(now),
            comment: Some(LET_THROUGH.to_owned()),
            ..proposed
        },
        (true, Effect::None | Effect::Tightens) => {
            Change { state: ChangeState::AtOnce, decided_at: Some(now), ..proposed }
        }
    };
    Ok(Prepared { new: vec![proposed], withdrawn: Vec::new(), policy: None, added })
}

fn is_statutory(journal: &Journal, entry: &str) -> bool {
    match Target::parse(entry.trim_start_matches(['=', '*', '.'])) {
        Ok(Target::Url(url)) => journal.is_statutory(url.host(), Some(&url)),
        Ok(Target::Host(host)) => journal.is_statutory(&host, None),
        Ok(Target::Category(_)) | Err(_) => false,
    }
}

impl School {
    /// These texts with one entry put on its list, or taken off.
    pub(super) fn with(&self, change: &EntryChange) -> School {
        let mut changed = self.clone();
        let text = match change.list {
            SchoolList::Allow => &mut changed.allow,
            SchoolList::Block => &mut changed.block,
        };
        match change.op {
            Op::Add => *text = format!("{text}{}\n", change.entry),
            Op::Remove => {
                let kept = text.lines().filter(|line| *line != change.entry);
                *text = kept.map(|line| format!("{line}\n")).collect();
            }
        }
        changed
    }
}
