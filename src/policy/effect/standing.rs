//! What staff have laid over a policy, and what a change of the policy may take from under it.

use crate::policy::effect::category::Listed;
use crate::policy::suspension::Reduced;
use crate::policy::unblock::Target;
use crate::policy::{EmergencyBlock, Suspension, Unblock};

/// What stands while a policy is changed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standing<'a> {
    /// The unblocks that are not over; only approved ones count.
    pub unblocks: &'a [Unblock],
    /// The suspensions that are not over.
    pub suspensions: &'a [Suspension],
    /// The emergency blocks in force.
    pub blocks: &'a [EmergencyBlock],
}

impl<'a> From<&'a [Unblock]> for Standing<'a> {
    fn from(unblocks: &'a [Unblock]) -> Standing<'a> {
        Standing { unblocks, ..Standing::default() }
    }
}

impl<'a> From<&'a Vec<Unblock>> for Standing<'a> {
    fn from(unblocks: &'a Vec<Unblock>) -> Standing<'a> {
        unblocks.as_slice().into()
    }
}

impl<'a, const N: usize> From<&'a [Unblock; N]> for Standing<'a> {
    fn from(unblocks: &'a [Unblock; N]) -> Standing<'a> {
        unblocks.as_slice().into()
    }
}

impl Standing<'_> {
    /// Whether somebody is kept to the sites that their group allows by name.
    pub(super) fn keeps_to_approved(&self) -> bool {
        self.suspensions.iter().any(|suspension| suspension.to == Reduced::Approved)
    }

    /// Whether a list leaves a category that is shut for everybody, or joins one that a suspended
    /// pupil may still see.
    pub(super) fn loses(&self, list: &Listed<'_>) -> bool {
        let (was, is) = (list.was.map(|category| &category.id), list.is.map(|category| &category.id));
        let names = |target: &Target, id: Option<&String>| matches!((target, id), (Target::Category(named), Some(id)) if named == id);
        let moved = was != is;
        moved
            && (self.blocks.iter().any(|block| names(&block.target, was))
                || self
                    .suspensions
                    .iter()
                    .flat_map(|suspension| &suspension.exceptions)
                    .any(|exception| names(exception, is)))
    }
}
