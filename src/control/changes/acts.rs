//! What staff do with changes that wait: look, approve, refuse.
//!
//! **Invariant:** a decision is recorded on disk before it is kept and in force.

use std::net::IpAddr;

use uuid::Uuid;

use crate::audit::{Act, Actor, Entry};
use crate::control::changes::proposal::{Proposal, Word};
use crate::control::changes::record::{self, details};
use crate::control::changes::{Change, ChangeState, PolicyProposal, Risk, School, What, lift};
use crate::control::journal::{Journal, Mutation, Said};
use crate::control::requests::DECIDERS;
use crate::control::restrictions::KeptBlock;
use crate::control::staff::Staff;
use crate::control::{Control, ControlError, Recorded};
use crate::model::{Role, Timestamp};

/// The longest comment, in characters.
const MAX_COMMENT: usize = 1000;

/// Who may see what changes there are.
pub const CHANGE_READERS: [Role; 5] =
    [Role::Technician, Role::FilteringManager, Role::Dsl, Role::Headteacher, Role::Governor];

/// What a reload came to.
#[derive(Clone, Debug)]
pub struct Reloaded {
    /// What is in force other than before, a sentence each.
    pub changes: Vec<String>,
    /// What is not in force until somebody approves.
    pub held: Vec<Change>,
}

/// What somebody decides on a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeDecision {
    /// It comes in force.
    Approve,
    /// It does not.
    Refuse,
}

/// A decision, and what is said with it.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What is decided.
    pub decision: ChangeDecision,
    /// Why; an approval must say.
    pub comment: Option<String>,
    /// The risk assessment, where the proposal came without one and needs it.
    pub risk: Option<Risk>,
}

impl Control {
    /// The changes, newest first.
    ///
    /// # Errors
    /// What the store says.
    pub async fn changes(&self, state: Option<ChangeState>) -> Result<Vec<Change>, ControlError> {
        let mut changes = self.journal.lock().await.store.changes()?;
        changes.retain(|change| state.is_none_or(|state| change.state == state));
        Ok(changes)
    }

    /// One change.
    ///
    /// # Errors
    /// [`ControlError::NotFound`]
    pub async fn change(&self, id: Uuid) -> Result<Change, ControlError> {
        self.journal.lock().await.store.change(id)?.ok_or(ControlError::NotFound)
    }

    /// How many changes wait for somebody.
    ///
    /// # Errors
    /// What the store says.
    pub async fn changes_pending(&self) -> Result<usize, ControlError> {
        Ok(self.changes(Some(ChangeState::Pending)).await?.len())
    }

    /// Approves or refuses.
    ///
    /// # Errors
    /// When there is no such change, it was decided before, `staff` may not, or what would come of
    /// it is faulty or no longer fits.
    pub async fn decide_change(
        &self,
        staff: &Staff,
        id: Uuid,
        verdict: Verdict,
        client: Option<IpAddr>,
    ) -> Result<Recorded<Change>, ControlError> {
        let mut journal = self.journal.lock().await;
        let now = self.clock.now();
        let staff = &journal.store.acting(staff, now)?;
        let change = journal.store.change(id)?.ok_or(ControlError::NotFound)?;
        let actor = Actor::Staff(staff.name.clone());
        let act = Act::new(actor.clone(), verdict.decision.action());
        let act = Act { client, ..act };
        let hands = change.proposer.name().and_then(|name| name.parse().ok());
        let hands = hands.map(|name| journal.store.hands(&name)).transpose()?;
        let is_own = hands == Some(journal.store.hands(&staff.name)?);
        let whose = if is_own { Whose::Own } else { Whose::Other };
        if let Err(fault) = may_decide(staff, &change, whose) {
            let act = act.with("changes", vec![details(&change)]);
            return Err(self.refused(act, Entry::Change, fault).await);
        }
        let change = verdict.on(change, staff, now)?;
        let act = Act { reason: change.comment.clone(), ..act.with("changes", vec![details(&change)]) };
        let opened = Opened::by(&journal, &change, now)?;
        let generation = journal.store.next_generation()?;
        let reason = change.comment.as_deref().unwrap_or_default();
        let mutation = opened.mutation(&journal, &change, generation, (now, &actor, reason))?;
        let act = act.with("in_force", opened.sentences());
        let audit_seq = self.keep(&mut journal, Entry::Change, act, mutation).await?;
        let besides = match &opened {
            Opened::Files(proposal) => record::acts(&actor, proposal.decided()),
            Opened::Nothing | Opened::Entry(..) | Opened::Policy(_) | Opened::Block(..) => Vec::new(),
        };
        opened.put_in_force(&mut journal, generation)?;
        for act in besides {
            self.record(Entry::Change(act)).await?;
        }
        Ok(Recorded { value: change, audit_seq })
    }
}

/// In whose hands the proposer's account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// In those of whoever decides.
    Own,
    /// In somebody else's, or nobody's.
    Other,
}

/// What comes in force by a decision.
enum Opened {
    /// Nothing: it was refused.
    Nothing,
    /// The school's files as they stand, or the part of them that was approved.
    Files(Box<Proposal>),
    /// An entry that stands in no file.
    Entry(School, String),
    /// Edits of the policy.
    Policy(Box<PolicyProposal>),
    /// What an emergency block had shut, and what is said of it.
    Block(Box<KeptBlock>, String),
}

impl Opened {
    fn by(journal: &Journal, change: &Change, now: Timestamp) -> Result<Opened, ControlError> {
        if change.state != ChangeState::Approved {
            return Ok(Opened::Nothing);
        }
        match &change.what {
            What::Policy { edits } => Ok(Opened::Policy(Box::new(journal.approved(edits)?))),
            What::Entry(entry) if entry.line.is_none() => {
                Ok(Opened::Entry(journal.school()?.1.with(entry), entry.to_string()))
            }
            What::LiftBlock { block, .. } => {
                let lifted = lift::approved(journal, change, *block, now)?;
                Ok(Opened::Block(Box::new(lifted), change.to_string()))
            }
            What::Entry(_) => {
                Ok(Opened::Files(Box::new(journal.weigh_school(&Word::Approved(change), now)?)))
            }
        }
    }

    fn sentences(&self) -> Vec<String> {
        match self {
            Opened::Nothing => Vec::new(),
            Opened::Files(proposal) => proposal.changes(),
            Opened::Entry(_, sentence) | Opened::Block(_, sentence) => vec![sentence.clone()],
            Opened::Policy(policy) => policy.sentences.clone(),
        }
    }

    fn mutation(
        &self,
        journal: &Journal,
        change: &Change,
        generation: u64,
        said: Said<'_>,
    ) -> Result<Mutation, ControlError> {
        let texts = match self {
            Opened::Nothing => return Ok(Mutation::new(said.0, vec![change.put()])),
            Opened::Block(lifted, _) => return Ok(Mutation::new(said.0, vec![change.put(), lifted.put()])),
            Opened::Files(proposal) => return Ok(journal.entered_school(proposal, generation, said)?),
            Opened::Entry(added, _) => (None, Some(added)),
            Opened::Policy(policy) => (Some(&**policy), None),
        };
        let version = journal.version(generation, said, &self.sentences(), texts)?;
        Ok(Mutation::new(said.0, vec![change.put(), version]))
    }

    fn put_in_force(self, journal: &mut Journal, generation: u64) -> Result<(), ControlError> {
        match self {
            Opened::Nothing => Ok(()),
            Opened::Block(..) => journal.publish_laid(generation),
            Opened::Files(proposal) => journal.put_school_in_force(&proposal, generation),
            Opened::Entry(added, _) => journal.put_changed_in_force(None, Some(added), generation),
            Opened::Policy(policy) => journal.put_changed_in_force(Some(*policy), None, generation),
        }
    }
}

impl ChangeDecision {
    fn action(self) -> &'static str {
        match self {
            ChangeDecision::Approve => "change.approved",
            ChangeDecision::Refuse => "change.refused",
        }
    }
}

impl Verdict {
    fn on(self, change: Change, staff: &Staff, now: Timestamp) -> Result<Change, ControlError> {
        if change.state != ChangeState::Pending {
            return Err(ControlError::Decided(change.state));
        }
        let comment = read_comment(self.comment.as_deref())?;
        let (state, stands) = match self.decision {
            ChangeDecision::Approve if comment.is_none() => {
                let text = "say why it may be opened: an approval needs a comment";
                return Err(ControlError::Invalid("comment", text.to_owned()));
            }
            ChangeDecision::Approve => (ChangeState::Approved, false),
            // A file may still say so: it is not asked for anew at every reload.
            ChangeDecision::Refuse => (ChangeState::Refused, change.stands),
        };
        let risk = self.risk.map(Risk::sound).transpose()?.or_else(|| change.risk.clone());
        if state == ChangeState::Approved && change.needs_risk() && risk.is_none() {
            let text = "this opens a category: say what it is good for, what can go wrong, and what is done about that";
            return Err(ControlError::Invalid("risk", text.to_owned()));
        }
        let decided_by = Some(staff.name.clone());
        Ok(Change { state, stands, risk, decided_by, decided_at: Some(now), comment, ..change })
    }
}

fn may_decide(staff: &Staff, change: &Change, whose: Whose) -> Result<(), ControlError> {
    if !staff.is_any(&DECIDERS) {
        return Err(ControlError::Forbidden(
            "deciding on a change takes a filtering manager, DSL or headteacher",
        ));
    }
    // An edit of a file has no name to it, and technicians are who can make one; an account that counts
    // as somebody else's is in the hands of one who may.
    let edits_files = staff.is_any(&[Role::Technician]) || staff.counts_as.is_some();
    match &change.proposer {
        Actor::Staff(_) if whose == Whose::Own => Err(ControlError::FourEyes),
        Actor::Local | Actor::System if edits_files => Err(ControlError::FourEyes),
        // It came from a file, whoever had it read.
        Actor::Staff(_) if change.stands && edits_files => Err(ControlError::FourEyes),
        Actor::Staff(_) | Actor::Local | Actor::System => Ok(()),
    }
}

pub(super) fn read_comment(text: Option<&str>) -> Result<Option<String>, ControlError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.chars().count() > MAX_COMMENT || text.chars().any(|c| c.is_control() && c != '\n') {
        let text = "the comment is longer than 1,000 characters or holds control characters";
        return Err(ControlError::Invalid("comment", text.to_owned()));
    }
    Ok(Some(text.to_owned()))
}
