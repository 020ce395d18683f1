//! What a policy holds, for those who show it or make another from it.

use std::sync::Arc;

use crate::content::Terms;
use crate::lists::{Asked as Wanted, Catalogue, Statutory};
use crate::model::{GroupName, Subject, Timestamp, Url};
use crate::policy::calendar::Lesson;
use crate::policy::carried;
use crate::policy::draft::{CategoryAction, Draft};
use crate::policy::{EmergencyBlock, Parts, Policy, Pupils, Reason, Rung, Suspension, Unblock};
use crate::services::Enforce;

impl Policy {
    /// What this policy is made of, to make another that is other in some of it.
    #[must_use]
    pub fn parts(&self) -> Parts {
        Parts {
            draft: Arc::clone(&self.draft),
            catalogue: Arc::clone(&self.catalogue),
            school_allow: Arc::clone(&self.school_allow),
            school_block: Arc::clone(&self.school_block),
            statutory: Arc::clone(&self.statutory),
            lifeline: Arc::clone(&self.lifeline),
            no_inspect: Arc::clone(&self.no_inspect),
            terms: Arc::clone(&self.terms),
            reach: Arc::clone(&self.reach),
            unblocks: Arc::clone(&self.unblocks),
            suspensions: Arc::clone(&self.suspensions),
            blocks: Arc::clone(&self.blocks),
            zone: self.clockwork.zone().clone(),
        }
    }

    /// The version of this policy.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Groups, categories and caps.
    #[must_use]
    pub fn draft(&self) -> &Draft {
        &self.draft
    }

    /// The category lists in force.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The school's allow list.
    #[must_use]
    pub fn school_allow(&self) -> &Catalogue {
        &self.school_allow
    }

    /// The school's block list.
    #[must_use]
    pub fn school_block(&self) -> &Catalogue {
        &self.school_block
    }

    /// The statutory lists: names, versions and sizes, never an entry.
    #[must_use]
    pub fn statutory(&self) -> &Statutory {
        &self.statutory
    }

    /// Whether a statutory list holds this address, or one inside it: then it may stand in no record.
    #[must_use]
    pub fn is_statutory(&self, url: &Url) -> bool {
        let inside = carried::targets_of(url);
        let wanted = std::iter::once(Wanted { host: url.host(), url: Some(url) });
        wanted
            .chain(inside.found.iter().map(carried::wanted))
            .any(|asked| self.statutory.find(&asked).is_some())
    }

    /// The lesson that a moment lies in, and when it ends, by the clock on the school's wall.
    #[must_use]
    pub fn lesson_end(&self, at: Timestamp) -> Option<(&Lesson, Timestamp)> {
        self.draft.lesson_end(at, self.clockwork.zone())
    }

    /// Whether a pupil may ask for what was refused for this reason: where pupils may ask at all, and
    /// an unblock could open it.
    #[must_use]
    pub fn may_be_asked_for(&self, reason: &Reason) -> bool {
        let openable = match reason.rung {
            Rung::Category | Rung::SchoolLists | Rung::WalledGarden | Rung::Default => true,
            Rung::Timetable => reason.rule.category.is_some(),
            Rung::Statutory
            | Rung::Lifeline
            | Rung::Suspended
            | Rung::EmergencyBlock
            | Rung::Unblock
            | Rung::Protocol
            | Rung::FileKind
            | Rung::SearchTerm => false,
        };
        let mut categories = reason.rule.category.iter().chain(&reason.categories);
        openable
            && self.draft.unblocks.pupils == Pupils::MayAsk
            && !categories.any(|id| self.draft.is_locked(id))
    }

    /// The unblocks that this policy holds.
    #[must_use]
    pub fn unblocks(&self) -> &[Unblock] {
        &self.unblocks
    }

    /// The suspensions that this policy holds.
    #[must_use]
    pub fn suspensions(&self) -> &[Suspension] {
        &self.suspensions
    }

    /// The emergency blocks that this policy holds.
    #[must_use]
    pub fn emergency_blocks(&self) -> &[EmergencyBlock] {
        &self.blocks
    }

    /// What is enforced at search engines, video sites and sign-ins for a subject.
    #[must_use]
    pub fn enforce(&self, subject: &Subject) -> &Enforce {
        &self.group(subject).enforce
    }

    /// Whether the kind of a file matters for a subject.
    #[must_use]
    pub fn watches_files(&self, subject: &Subject) -> bool {
        self.group(subject).file_kinds.values().any(|action| *action != CategoryAction::Allow)
    }

    /// The term lists.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The group that a subject is judged as: its own, or the strictest.
    #[must_use]
    pub fn group_of(&self, subject: &Subject) -> &GroupName {
        &self.group(subject).id
    }
}
