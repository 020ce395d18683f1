//! A policy as people write it, typed: groups, categories, caps. Compiling it with the lists in
//! force makes a [`super::Policy`].

use std::collections::BTreeMap;
use std::time::Duration;

use ipnet::IpNet;

use crate::content::FileKind;
use crate::model::{GroupName, Host, Role};
use crate::policy::calendar::Calendar;
use crate::policy::timetable::Band;
use crate::policy::unblock::UnblockRules;
use crate::services::Enforce;

/// All of `policy.toml`, read and found sound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The groups in the order written, inheritance already applied.
    pub groups: Vec<GroupDraft>,
    /// The categories in the order written; an earlier one wins among equals.
    pub categories: Vec<CategoryDraft>,
    /// Terms, holidays and lessons.
    pub calendar: Calendar,
    /// What each role may ask for; a role without a cap may not ask.
    pub caps: BTreeMap<Role, Cap>,
    /// What a request must say, and who approves what.
    pub unblocks: UnblockRules,
}

/// A filtering group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDraft {
    /// Its id: `ks2`.
    pub id: GroupName,
    /// Its name for people: `Key Stage 2`.
    pub name: String,
    /// The groups it inherits from, nearest first.
    pub ancestors: Vec<GroupName>,
    /// The client networks that belong to it.
    pub subnets: Vec<IpNet>,
    /// What happens where no rule answers.
    pub default: Treatment,
    /// What happens to a host that no category knows.
    pub uncategorised: CategoryAction,
    /// What happens to a connection that shows no name.
    pub unclassified: Treatment,
    /// What is decrypted.
    pub inspect: Inspect,
    /// Hosts that this school has inspected besides, with all below them.
    pub inspect_hosts: Vec<Host>,
    /// The destination ports that CONNECT and absolute-form may name.
    pub ports: Vec<u16>,
    /// The action per category id; a category not named here passes.
    pub categories: BTreeMap<String, CategoryAction>,
    /// The bands of the week in which it is otherwise, by id; its ancestors' included.
    pub timetable: Vec<Band>,
    /// What is enforced at search engines, video sites and sign-ins.
    pub enforce: Enforce,
    /// The action per term list; a list not named here passes.
    pub search_terms: BTreeMap<String, CategoryAction>,
    /// The action per kind of file; a kind not named here passes.
    pub file_kinds: BTreeMap<FileKind, CategoryAction>,
}

/// A category of sites.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CategoryDraft {
    /// Its id: `games`.
    pub id: String,
    /// Its name for people: `Games`.
    pub name: String,
    /// Whether a temporary unblock can lift it.
    pub unblockable: Unblockable,
    /// Whether files from its sites are judged by their kind.
    pub programs: Programs,
    /// The lists that make it up: `ut1/games`. Each must be held.
    pub sources: Vec<String>,
    /// Lists that are used once they have been imported.
    pub optional_sources: Vec<String>,
}

/// Pass or refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Passes.
    Allow,
    /// Is refused.
    Block,
}

/// What is to be decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inspect {
    /// Nothing.
    Never,
    /// What a rule needs the URL of.
    Surgical,
    /// Everything but what is exempt.
    Always,
}

/// What a group does with a category; the strictest of several wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CategoryAction {
    /// Passes.
    Allow,
    /// Passes and is pointed out to the safeguarding lead.
    Alert,
    /// Is refused.
    Block,
}

/// Whether files from the sites of a category are judged by their kind, where a group allows the
/// category by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Programs {
    /// They are not: devices update themselves from there.
    Trusted,
    /// They are.
    Judged,
}

/// Whether a temporary unblock can lift a category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unblockable {
    /// It can.
    Yes,
    /// It is locked.
    Locked,
}

/// What one role may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cap {
    /// The longest window.
    pub longest: Duration,
    /// Whether a second person must approve.
    pub approval: Approval,
}

/// Whether a second person must approve an unblock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Approval {
    /// In force at once; recorded.
    NotNeeded,
    /// In force once somebody else with the right role approves.
    Needed,
}

impl Draft {
    /// The groups that are never decrypted: of https a rule sees no more than the host there.
    pub fn never_inspected(&self) -> impl Iterator<Item = &GroupName> {
        self.groups.iter().filter(|group| group.inspect == Inspect::Never).map(|group| &group.id)
    }

    /// The group that holds for clients nobody knows: a walled garden before all others, then
    /// the one that blocks most categories, then the first written.
    #[must_use]
    pub fn strictest(&self) -> Option<&GroupDraft> {
        self.groups.iter().rev().max_by_key(|group| group.strictness())
    }
}

impl CategoryAction {
    /// As written in the policy text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            CategoryAction::Allow => "allow",
            CategoryAction::Alert => "alert",
            CategoryAction::Block => "block",
        }
    }
}

impl GroupDraft {
    fn strictness(&self) -> (bool, bool, bool, usize) {
        let blocked = self.categories.values().filter(|action| **action == CategoryAction::Block).count();
        (
            self.default == Treatment::Block,
            self.unclassified == Treatment::Block,
            self.uncategorised == CategoryAction::Block,
            blocked,
        )
    }

    /// Whether `name` is this group or one that it inherits from.
    #[must_use]
    pub fn is_within(&self, name: &GroupName) -> bool {
        self.id == *name || self.ancestors.contains(name)
    }
}
