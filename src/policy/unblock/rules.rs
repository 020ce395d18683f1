//! Who may ask for which temporary unblock, and who must approve it.
//!
//! **Invariant:** a role whose own cap does not reach as far as what is asked for waives nobody's
//! approval; and a locked category is out of reach of every rule.

use std::time::Duration;

use crate::model::{GroupName, Role};
use crate::policy::draft::{Approval, Cap, Draft, Unblockable};
use crate::policy::unblock::Audience;

/// Who may approve, refuse or revoke where no rule says otherwise: the roles that answer for
/// filtering.
pub const DECIDERS: [Role; 3] = [Role::FilteringManager, Role::Dsl, Role::Headteacher];
/// Who approves where the rules of several categories name no role in common.
const LAST_RESORT: Role = Role::Headteacher;
/// How long a request waits for an answer where the policy says nothing.
const UNANSWERED: Duration = Duration::from_secs(24 * 3600);

/// What a school asks of temporary unblocks, besides the caps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnblockRules {
    /// Whether a request must name its lesson.
    pub lesson: LessonName,
    /// How long a request waits for an answer before it lapses.
    pub unanswered: Duration,
    /// Whether pupils may ask for a site.
    pub pupils: Pupils,
    /// The rules in the order written; the first that fits decides.
    pub rules: Vec<UnblockRule>,
}

/// Whether a request must name its lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LessonName {
    /// It must.
    Needed,
    /// It may.
    Optional,
}

/// Whether pupils may ask for a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pupils {
    /// They may, and staff decide.
    MayAsk,
    /// They may not.
    MayNot,
}

/// A rule of who approves what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnblockRule {
    /// What the target is of; `None`: anything.
    pub categories: Option<Vec<Kind>>,
    /// Who asks; `None`: anybody who may.
    pub asked_by: Option<Vec<Role>>,
    /// The longest window that it is for; `None`: up to the cap.
    pub within: Option<Duration>,
    /// For whom.
    pub groups: RuleGroups,
    /// Who may approve; empty: nobody needs to.
    pub approved_by: Vec<Role>,
}

/// What a target is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A category that blocks it, by id.
    Category(String),
    /// No category blocks it.
    Uncategorised,
}

/// For whom a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleGroups {
    /// For anybody.
    Any,
    /// For groups that the asker teaches, and no single people or devices.
    Own,
}

/// What somebody asks for, as the rules read it.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The asker's roles.
    pub roles: &'a [Role],
    /// The groups that the asker teaches.
    pub teaches: &'a [GroupName],
    /// The categories that block the target, by id; none for a target that no category blocks.
    pub categories: &'a [String],
    /// For whom.
    pub audience: &'a Audience,
    /// For how long.
    pub length: Duration,
}

/// Who must agree to an unblock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nobody: the asker's word is enough.
    Nobody,
    /// One person of any of these roles, and not the asker.
    Approval(Vec<Role>),
}

/// Why an unblock can't be asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// No role held may ask.
    #[error("your role may not ask for an unblock")]
    Role,
    /// Longer than any role held may ask for; the longest.
    #[error("your role may ask for {} hours at most", .0.as_secs() / 3600)]
    TooLong(Duration),
    /// A category that no unblock can lift, by id.
    #[error("the category “{0}” is locked: no unblock can lift it")]
    Locked(String),
}

impl Default for UnblockRules {
    fn default() -> UnblockRules {
        UnblockRules {
            lesson: LessonName::Optional,
            unanswered: UNANSWERED,
            pupils: Pupils::MayNot,
            rules: Vec::new(),
        }
    }
}

impl Draft {
    /// The longest window that any of `roles` may ask for.
    ///
    /// # Errors
    /// [`NotAllowed::Role`] when none may ask.
    pub fn longest(&self, roles: &[Role]) -> Result<Duration, NotAllowed> {
        let held = roles.iter().filter_map(|role| self.caps.get(role));
        held.map(|cap| cap.longest).max().ok_or(NotAllowed::Role)
    }

    /// Who must agree to what is asked for.
    ///
    /// # Errors
    /// [`NotAllowed`] says why it can't be asked for at all.
    pub fn needs(&self, wish: &Wish<'_>) -> Result<Needs, NotAllowed> {
        let longest = self.longest(wish.roles)?;
        if wish.length > longest {
            return Err(NotAllowed::TooLong(longest));
        }
        if let Some(locked) = wish.categories.iter().find(|id| self.is_locked(id)) {
            return Err(NotAllowed::Locked(locked.clone()));
        }
        let kinds: Vec<Kind> = match wish.categories {
            [] => vec![Kind::Uncategorised],
            ids => ids.iter().cloned().map(Kind::Category).collect(),
        };
        let approvers = kinds.iter().map(|kind| self.approvers(kind, wish));
        Ok(common(approvers.filter(|roles| !roles.is_empty())))
    }

    /// Who may approve as far as one kind goes; nobody, where nobody needs to.
    fn approvers(&self, kind: &Kind, wish: &Wish<'_>) -> Vec<Role> {
        let reaching: Vec<(Role, Cap)> = wish
            .roles
            .iter()
            .filter_map(|role| Some((*role, *self.caps.get(role)?)))
            .filter(|(_, cap)| cap.longest >= wish.length)
            .collect();
        let asks = |role: &Role| reaching.iter().any(|(held, _)| held == role);
        let rule = self.unblocks.rules.iter().find(|rule| {
            rule.categories.as_ref().is_none_or(|kinds| kinds.contains(kind))
                && rule.asked_by.as_ref().is_none_or(|roles| roles.iter().any(asks))
                && rule.within.is_none_or(|longest| wish.length <= longest)
                && (rule.groups == RuleGroups::Any || self.are_own(wish))
        });
        match rule {
            Some(rule) => rule.approved_by.clone(),
            None if reaching.iter().any(|(_, cap)| cap.approval == Approval::NotNeeded) => Vec::new(),
            None => DECIDERS.to_vec(),
        }
    }

    /// Whether all that is asked for is for groups that the asker teaches, or that belong to those.
    fn are_own(&self, wish: &Wish<'_>) -> bool {
        let Audience { groups, users, devices } = wish.audience;
        let taught = |name: &GroupName| {
            let group = self.groups.iter().find(|group| group.id == *name);
            group.is_some_and(|group| wish.teaches.iter().any(|taught| group.is_within(taught)))
        };
        users.is_empty() && devices.is_empty() && !groups.is_empty() && groups.iter().all(taught)
    }

    /// Whether no unblock can lift a category; one that does not exist can't be lifted either.
    pub(in crate::policy) fn is_locked(&self, id: &str) -> bool {
        let category = self.categories.iter().find(|category| category.id == id);
        category.is_none_or(|category| category.unblockable == Unblockable::Locked)
    }
}

/// The roles that all agree on.
fn common(mut approvers: impl Iterator<Item = Vec<Role>>) -> Needs {
    let Some(mut roles) = approvers.next() else { return Needs::Nobody };
    for others in approvers {
        roles.retain(|role| others.contains(role));
    }
    if roles.is_empty() {
        roles.push(LAST_RESORT);
    }
    roles.sort_unstable();
    roles.dedup();
    Needs::Approval(roles)
}
