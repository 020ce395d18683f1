//! What a change of policy does, whatever it looks like: whether any decision could come out more
//! open than before.
//!
//! **Invariant:** nothing that opens a single decision is ever called tightening: for no client,
//! site, port, content or unblock that stands. What is not surely tightening is loosening.

use std::collections::BTreeMap;

use crate::policy::draft::{CategoryAction, Draft};

mod caps;
mod category;
mod enforce;
mod group;
mod pairs;
mod standing;
mod timetable;

pub use standing::Standing;

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// No decision is other than before: a name, an order, a key that says what held anyway.
    None,
    /// Some decision may be stricter, and none is more open.
    Tightens,
    /// Some decision may be more open.
    Loosens,
}

/// What it does to put `after` in force in place of `before`, while all of `standing` is laid over
/// them. An unblock of a category opens whatever that category alone blocks, so that to block one
/// more category can open a site that something else had held.
#[must_use]
pub fn effect<'s>(before: &Draft, after: &Draft, standing: impl Into<Standing<'s>>) -> Effect {
    let standing = standing.into();
    if loosens(before, after, standing) {
        Effect::Loosens
    } else if loosens(after, before, standing) {
        Effect::Tightens
    } else {
        Effect::None
    }
}

impl Effect {
    /// Every effect.
    pub const ALL: [Effect; 3] = [Effect::None, Effect::Tightens, Effect::Loosens];

    /// As written in the API and the audit event.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Effect::None => "none",
            Effect::Tightens => "tightens",
            Effect::Loosens => "loosens",
        }
    }
}

fn loosens(before: &Draft, after: &Draft, standing: Standing<'_>) -> bool {
    let Draft { groups, categories, caps, calendar, unblocks: rules } = after;
    let lists = category::lists(&before.categories, categories);
    let Some(pairs) = pairs::judged_as(before, after) else { return before != after };
    caps::widen(&before.caps, caps)
        || caps::relax(&before.unblocks, rules)
        || timetable::moves(&before.calendar, calendar, groups)
        || category::unlocks(&before.categories, categories, &lists)
        || lists.iter().any(|list| standing.loses(list))
        || pairs.into_iter().any(|(was, is)| group::opens(was, is, &lists, standing))
}

/// What a key does that is set to this, or to nothing.
fn level(action: Option<&CategoryAction>) -> CategoryAction {
    action.copied().unwrap_or(CategoryAction::Allow)
}

/// Whether rules for what is inside, by kind of file or by list of terms, let more pass or tell of
/// less. The strictest that matches counts; a refusal holds nothing on a site that an unblock or
/// the school's own list opened, whereas an alert is told there too.
fn content_opens<K: Ord>(was: &BTreeMap<K, CategoryAction>, is: &BTreeMap<K, CategoryAction>) -> bool {
    let told = was.values().any(|action| *action == CategoryAction::Alert);
    was.keys().chain(is.keys()).any(|key| match (level(was.get(key)), level(is.get(key))) {
        (CategoryAction::Block, is) => is != CategoryAction::Block,
        (CategoryAction::Alert, is) => is != CategoryAction::Alert,
        // It would outdo the alert of another kind or list that matches beside it.
        (CategoryAction::Allow, CategoryAction::Block) => told,
        (CategoryAction::Allow, CategoryAction::Allow | CategoryAction::Alert) => false,
    })
}
