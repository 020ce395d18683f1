//! What staff do with changes of the school's lists: look, approve, refuse.
//!
//! **Invariant:** a decision is recorded on disk before it is kept and in force.

use std::net::IpAddr;

use uuid::Uuid;

use crate::audit::{Act, Actor, Entry, Outcome};
use crate::control::changes::proposal::{Proposal, Word};
use crate::control::changes::record::{self, details};
use crate::control::changes::{Change, ChangeState};
use crate::control::journal::Mutation;
use crate::control::requests::DECIDERS;
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
    /// What of the school's lists is not in force until somebody approves.
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

impl Control {
    /// The changes of the school's lists, newest first.
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
    /// When there is no such change, it was decided before, or `staff` may not.
    pub async fn decide_change(
        &self,
        staff: &Staff,
        id: Uuid,
        decision: ChangeDecision,
        comment: Option<&str>,
        client: Option<IpAddr>,
    ) -> Result<Recorded<Change>, ControlError> {
        let mut journal = self.journal.lock().await;
        let now = self.clock.now();
        let change = journal.store.change(id)?.ok_or(ControlError::NotFound)?;
        let actor = Actor::Staff(staff.name.clone());
        let act = Act::new(actor.clone(), decision.action()).with("changes", vec![details(&change)]);
        let act = Act { client, ..act };
        if let Err(fault) = may_decide(staff, &change) {
            let act = act.with("refused", fault.code());
            self.record(Entry::Change(Act { outcome: Outcome::Failure, ..act })).await?;
            return Err(fault);
        }
        let change = decision.on(change, staff, comment, now)?;
        let act = Act { reason: change.comment.clone(), ..act };
        let proposal = match decision {
            ChangeDecision::Approve => Some(journal.weigh_school(&Word::Approved(&change), now)?),
            ChangeDecision::Refuse => None,
        };
        let told = proposal.as_ref().map(Proposal::changes).unwrap_or_default();
        let act = act.with("in_force", told);
        let Some(proposal) = proposal else {
            let mutation = Mutation::new(now, vec![change.put()]);
            let audit_seq = self.keep(&mut journal, Entry::Change, act, mutation).await?;
            return Ok(Recorded { value: change, audit_seq });
        };
        let generation = journal.store.next_generation()?;
        let reason = change.comment.as_deref().unwrap_or_default();
        let mutation = journal.entered_school(&proposal, generation, (now, &actor, reason))?;
        let audit_seq = self.keep(&mut journal, Entry::Change, act, mutation).await?;
        for act in record::acts(&actor, &proposal) {
            self.record(Entry::Change(act)).await?;
        }
        journal.put_school_in_force(&proposal, generation)?;
        Ok(Recorded { value: change, audit_seq })
    }
}

impl ChangeDecision {
    fn action(self) -> &'static str {
        match self {
            ChangeDecision::Approve => "change.approved",
            ChangeDecision::Refuse => "change.refused",
        }
    }

    fn on(
        self,
        change: Change,
        staff: &Staff,
        comment: Option<&str>,
        now: Timestamp,
    ) -> Result<Change, ControlError> {
        if change.state != ChangeState::Pending {
            return Err(ControlError::Decided(change.state));
        }
        let comment = read_comment(comment)?;
        let (state, stands) = match self {
            ChangeDecision::Approve if comment.is_none() => {
                let text = "say why it may be opened: an approval needs a comment";
                return Err(ControlError::Invalid("comment", text.to_owned()));
            }
            ChangeDecision::Approve => (ChangeState::Approved, false),
            // The file still says so: it is not asked for anew at every reload.
            ChangeDecision::Refuse => (ChangeState::Refused, true),
        };
        let decided_by = Some(staff.name.clone());
        Ok(Change { state, stands, decided_by, decided_at: Some(now), comment, ..change })
    }
}

fn may_decide(staff: &Staff, change: &Change) -> Result<(), ControlError> {
    if !staff.is_any(&DECIDERS) {
        return Err(ControlError::Forbidden(
            "deciding on a change takes a filtering manager, DSL or headteacher",
        ));
    }
    match &change.proposer {
        Actor::Staff(name) if *name == staff.name => Err(ControlError::FourEyes),
        Actor::Staff(_) | Actor::Local | Actor::System => Ok(()),
    }
}

fn read_comment(text: Option<&str>) -> Result<Option<String>, ControlError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.chars().count() > MAX_COMMENT || text.chars().any(|c| c.is_control() && c != '\n') {
        let text = "the comment is longer than 1,000 characters or holds control characters";
        return Err(ControlError::Invalid("comment", text.to_owned()));
    }
    Ok(Some(text.to_owned()))
}
