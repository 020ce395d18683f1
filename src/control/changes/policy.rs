//! A policy text held against the policy of record: what of it is in force, and what is held.
//!
//! **Invariant:** the text in force opens nothing that was not open before, but for what was
//! approved, or what the settings let through; and it always reads without a fault.

use crate::audit::Actor;
use crate::control::changes::{Change, ChangeState, What};
use crate::control::journal::Put;
use crate::document::{Document, Faults};
use crate::model::Timestamp;
use crate::policy::{self, Draft, Edit, Effect, Held, NotWeighed, Standing, Written};
use crate::settings::Loosening;

/// What is written with a change that the settings let through.
pub(super) const LET_THROUGH: &str = "the settings say that what opens something is in force at once";
/// How faults name the text in force where it is not the file.
const OF_RECORD: &str = "policy of record";

/// The policy of record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::control) struct Record {
    /// Its number.
    pub(in crate::control) version: u64,
    /// The text in force.
    pub(in crate::control) policy: String,
    /// The policy file as it was last read: what is new in it is an edit.
    pub(in crate::control) file: String,
}

/// What a policy text comes to.
pub(in crate::control) struct PolicyProposal {
    /// The text that is to be in force.
    pub(in crate::control) text: String,
    /// The same, read.
    pub(in crate::control) draft: Draft,
    /// The file as it was read.
    pub(in crate::control) file: String,
    /// What is new: held, in force at once, or let through.
    pub(in crate::control) new: Vec<Change>,
    /// What was held and is withdrawn, since another edit took its place.
    pub(in crate::control) withdrawn: Vec<Change>,
    /// What is in force other than before, a sentence each.
    pub(in crate::control) sentences: Vec<String>,
}

/// What an edit is weighed by.
pub(in crate::control) struct Scales<'a> {
    /// Whether a list of that id is held.
    pub(in crate::control) held: &'a dyn Fn(&str) -> bool,
    /// What staff have laid over the policy.
    pub(in crate::control) standing: Standing<'a>,
    /// What becomes of what opens something.
    pub(in crate::control) loosening: Loosening,
    /// The changes of the policy that wait.
    pub(in crate::control) pending: Vec<Change>,
    /// Who proposes it, when, and why.
    pub(in crate::control) said: (&'a Actor, Timestamp, Option<&'a str>),
}

impl PolicyProposal {
    /// The first text of all: taken as it is.
    pub(in crate::control) fn first(
        file: &Document,
        held: &dyn Fn(&str) -> bool,
    ) -> Result<PolicyProposal, Faults> {
        let draft = policy::read_text(file, held)?;
        let text = file.text().to_owned();
        let sentences = vec!["the first policy".to_owned()];
        Ok(PolicyProposal { file: text.clone(), text, draft, new: vec![], withdrawn: vec![], sentences })
    }

    /// What was edited in the policy file since it was last read, weighed.
    pub(in crate::control) fn of_file(
        record: &Record,
        file: &Document,
        scales: &Scales<'_>,
    ) -> Result<PolicyProposal, Faults> {
        if file.text() == record.file {
            return PolicyProposal::standing(record, file, scales.held);
        }
        policy::read_text(file, scales.held)?;
        let in_force = Written::read(&Document::new(OF_RECORD, record.policy.clone()))?;
        let (last, now) =
            (Written::read(&Document::new(OF_RECORD, record.file.clone()))?, Written::read(file)?);
        let edits = last.edits_to(&now);
        let proposed = merged(&in_force, &rebased(&edits, &scales.pending), file)?;
        let proposal = PolicyProposal::weigh((&in_force, &record.policy), &proposed, &edits, scales)?;
        let text = if proposal.written()? == now { file.text().to_owned() } else { proposal.text.clone() };
        Ok(PolicyProposal { text, file: file.text().to_owned(), ..proposal })
    }

    /// What would be in force were `proposed` the policy, and what of it is held.
    pub(in crate::control) fn of_text(
        record: &Record,
        proposed: &Written,
        scales: &Scales<'_>,
    ) -> Result<PolicyProposal, Faults> {
        let in_force = Written::read(&Document::new(OF_RECORD, record.policy.clone()))?;
        let edits = in_force.edits_to(proposed);
        let proposal = PolicyProposal::weigh((&in_force, &record.policy), proposed, &edits, scales)?;
        let unchanged = proposal.written()? == in_force;
        let text = if unchanged { record.policy.clone() } else { proposal.text.clone() };
        Ok(PolicyProposal { text, file: record.file.clone(), ..proposal })
    }

    /// The text in force with edits that were approved.
    pub(in crate::control) fn approved(
        record: &Record,
        edits: &[Edit],
        held: &dyn Fn(&str) -> bool,
    ) -> Result<PolicyProposal, NotApproved> {
        let in_force = Written::read(&Document::new(OF_RECORD, record.policy.clone()))?;
        let mut text = in_force.clone();
        for edit in edits {
            text = text.with(edit).map_err(|stale| NotApproved::Stale(stale.0))?;
        }
        let sentences = edits.iter().map(ToString::to_string).collect();
        let text = text.render_over(&record.policy);
        let draft = policy::read_text(&Document::new(OF_RECORD, text.clone()), held)?;
        let (file, new, withdrawn) = (record.file.clone(), vec![], vec![]);
        Ok(PolicyProposal { text, draft, file, new, withdrawn, sentences })
    }

    /// The rows of the changes.
    pub(in crate::control) fn puts(&self) -> impl Iterator<Item = Put> {
        self.new.iter().chain(&self.withdrawn).map(Change::put)
    }

    /// The policy of record as it stands.
    pub(in crate::control) fn standing(
        record: &Record,
        file: &Document,
        held: &dyn Fn(&str) -> bool,
    ) -> Result<PolicyProposal, Faults> {
        let of_record = Document::new(OF_RECORD, record.policy.clone());
        let same = file.text() == record.policy;
        let draft = policy::read_text(if same { file } else { &of_record }, held)?;
        let (text, file) = (record.policy.clone(), record.file.clone());
        Ok(PolicyProposal { text, draft, file, new: vec![], withdrawn: vec![], sentences: vec![] })
    }

    fn weigh(
        (in_force, as_it_stands): (&Written, &str),
        proposed: &Written,
        edits: &[Edit],
        scales: &Scales<'_>,
    ) -> Result<PolicyProposal, Faults> {
        let passed = |_: &Edit| scales.loosening == Loosening::AtOnce;
        // What a list holds says nothing of what an edit opens; the text that comes of it is read
        // with the lists that there are.
        let weighed = policy::weigh(in_force, proposed, &passed, &|_| true, scales.standing);
        let weighed = weighed.map_err(|fault| match fault {
            NotWeighed::InForce(faults) | NotWeighed::Proposed(faults) => faults,
        })?;
        let text = weighed.in_force.render_over(as_it_stands);
        let draft = policy::read_text(&Document::new(OF_RECORD, text.clone()), scales.held)?;
        let taken = weighed.taken.iter().map(|(edit, effect)| scales.taken(edit, *effect));
        let held = together(weighed.held).into_iter().map(|edits| scales.held(edits));
        let new = taken.chain(held).collect();
        let sentences = weighed.taken.iter().map(|(edit, _)| edit.to_string()).collect();
        let withdrawn = scales.withdrawn(edits);
        Ok(PolicyProposal { text, draft, file: String::new(), new, withdrawn, sentences })
    }

    fn written(&self) -> Result<Written, Faults> {
        Written::read(&Document::new(OF_RECORD, self.text.clone()))
    }
}

/// Why edits that were approved are not in force.
#[derive(Debug, thiserror::Error)]
pub(in crate::control) enum NotApproved {
    /// The policy was changed since: the key.
    #[error("{0} is not what it was when this was proposed")]
    Stale(String),
    /// What would come of it has faults.
    #[error("{0}")]
    Faulty(#[from] Faults),
}

impl Scales<'_> {
    fn change(&self, edits: Vec<Edit>, effect: Effect) -> Change {
        let (proposer, now, reason) = self.said;
        let change = Change::proposed(What::Policy { edits }, effect, proposer, now);
        Change { reason: reason.map(ToOwned::to_owned), ..change }
    }

    fn held(&self, edits: Vec<Edit>) -> Change {
        self.change(edits, Effect::Loosens)
    }

    fn taken(&self, edit: &Edit, effect: Effect) -> Change {
        let change = Change { stands: false, ..self.change(vec![edit.clone()], effect) };
        let decided_at = Some(self.said.1);
        match effect {
            Effect::None | Effect::Tightens => Change { state: ChangeState::AtOnce, decided_at, ..change },
            Effect::Loosens => {
                let comment = Some(LET_THROUGH.to_owned());
                Change { state: ChangeState::Approved, decided_at, comment, ..change }
            }
        }
    }

    /// What waits for leave to change a key that was edited anew.
    fn withdrawn(&self, edits: &[Edit]) -> Vec<Change> {
        let again = |change: &&Change| {
            change.edits().iter().any(|waits| edits.iter().any(|edit| touch(&edit.key, &waits.key)))
        };
        let withdraw = |change: &Change| Change {
            state: ChangeState::Withdrawn,
            stands: false,
            decided_at: Some(self.said.1),
            ..change.clone()
        };
        self.pending.iter().filter(again).map(withdraw).collect()
    }
}

/// What was edited in the file, held against what is in force: where the file said something that
/// still waits, the edit is one of what stood there before.
fn rebased(edits: &[Edit], pending: &[Change]) -> Vec<Edit> {
    let waiting: Vec<&Edit> = pending.iter().filter(|change| change.stands).flat_map(Change::edits).collect();
    let rebase = |edit: &Edit| {
        let waits = waiting.iter().find(|waits| waits.key == edit.key && waits.after == edit.before);
        let before = waits.map_or_else(|| edit.before.clone(), |waits| waits.before.clone());
        Edit { before, ..edit.clone() }
    };
    edits.iter().map(rebase).filter(|edit| edit.before != edit.after).collect()
}

/// What was edited in the file, made in the policy of record.
fn merged(in_force: &Written, edits: &[Edit], file: &Document) -> Result<Written, Faults> {
    let (mut text, mut faults) = (in_force.clone(), Faults::new());
    for edit in edits {
        let back = Edit { key: edit.key.clone(), before: edit.after.clone(), after: edit.before.clone() };
        match text.with(edit) {
            Ok(next) => text = next,
            // It is so already.
            Err(_) if text.with(&back).is_ok() => {}
            Err(stale) => {
                let problem = format!("{} was changed since this file was written, and not in it", stale.0);
                let help = "write `schoolgate policy export` over the file, and make the edit there";
                faults.push(file.fault(problem).help(help));
            }
        }
    }
    faults.or(text)
}

/// Whether one key is the other, or lies in it.
fn touch(one: &str, other: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    within(one, other) || within(other, one)
}

/// Edits that only make sense together, put together.
fn together(held: Vec<Held>) -> Vec<Vec<Edit>> {
    let mut parts: Vec<(Vec<String>, Vec<Edit>)> = Vec::new();
    for Held { edit, needs } in held {
        let mut keys = needs;
        keys.push(edit.key.clone());
        let mut edits = vec![edit];
        parts.retain(|(other_keys, other_edits)| {
            let apart = !other_keys.iter().any(|key| keys.contains(key));
            if !apart {
                keys.extend(other_keys.iter().cloned());
                edits.extend(other_edits.iter().cloned());
            }
            apart
        });
        parts.push((keys, edits));
    }
    parts.into_iter().map(|(_, edits)| edits).collect()
}
