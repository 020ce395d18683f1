//! What staff may ask for: the widest cap of all the roles that somebody holds.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::Role;
use crate::policy::draft::Cap;
use crate::policy::unblock::{LessonName, Pupils, UnblockRules};

type Caps = BTreeMap<Role, Cap>;

/// Whether somebody, whatever roles they hold, may ask for more or with less approval. To shorten
/// one role's cap can do that too: another of the holder's roles, which needs no approval, is then
/// the widest.
pub(super) fn widen(before: &Caps, after: &Caps) -> bool {
    let roles: BTreeSet<Role> = before.keys().chain(after.keys()).copied().collect();
    let mut holders: Vec<Vec<Role>> = vec![Vec::new()];
    for role in roles {
        let with: Vec<Vec<Role>> = holders.iter().map(|held| [&held[..], &[role]].concat()).collect();
        holders.extend(with);
    }
    holders.iter().any(|held| match (widest(before, held), widest(after, held)) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(was), Some(is)) => {
            let Cap { longest, approval } = is;
            *longest > was.longest || *approval < was.approval
        }
    })
}

/// Whether requests are asked for less: another set of rules is taken to be one that does. How long
/// one waits for an answer opens nothing.
pub(super) fn relax(before: &UnblockRules, after: &UnblockRules) -> bool {
    let UnblockRules { lesson, unanswered: _, pupils, rules } = after;
    *rules != before.rules
        || (before.lesson, *lesson) == (LessonName::Needed, LessonName::Optional)
        || (before.pupils, *pupils) == (Pupils::MayNot, Pupils::MayAsk)
}

fn widest<'c>(caps: &'c Caps, held: &[Role]) -> Option<&'c Cap> {
    held.iter().filter_map(|role| caps.get(role)).max_by_key(|cap| (cap.longest, Reverse(cap.approval)))
}
