//! Lists and the categories they make up: what a group's actions come to, list by list.
//!
//! A site is on several lists at once, and every rung takes the strictest, or any, of what they
//! say. So it is enough that no single list says less than it did.

use std::collections::BTreeMap;

use crate::policy::Unblock;
use crate::policy::draft::{CategoryAction, CategoryDraft, GroupDraft, Programs, Treatment, Unblockable};
use crate::policy::effect::group::stands;
use crate::policy::effect::{Standing, level};
use crate::policy::unblock::Target;

/// The category of a list, before and after.
pub(super) struct Listed<'d> {
    pub(super) was: Option<&'d CategoryDraft>,
    pub(super) is: Option<&'d CategoryDraft>,
}

/// Every list that a category names, before or after.
pub(super) fn lists<'d>(before: &'d [CategoryDraft], after: &'d [CategoryDraft]) -> Vec<Listed<'d>> {
    let (before, after) = (by_list(before), by_list(after));
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    names.map(|name| Listed { was: before.get(name).copied(), is: after.get(name).copied() }).collect()
}

fn by_list(categories: &[CategoryDraft]) -> BTreeMap<&str, &CategoryDraft> {
    let mut by_list = BTreeMap::new();
    for category in categories {
        // Without `..`: a field that is new must be thought of here.
        let CategoryDraft { id: _, name: _, unblockable: _, programs: _, sources, optional_sources } =
            category;
        let lists = sources.iter().chain(optional_sources);
        by_list.extend(lists.map(|list| (list.as_str(), category)));
    }
    by_list
}

/// Whether an unblock could lift what none could before.
pub(super) fn unlocks(before: &[CategoryDraft], after: &[CategoryDraft], lists: &[Listed<'_>]) -> bool {
    let locked = |category: &CategoryDraft| category.unblockable == Unblockable::Locked;
    let same = |was: &CategoryDraft| after.iter().find(|is| is.id == was.id);
    before.iter().any(|was| locked(was) && same(was).is_some_and(|is| !locked(is)))
        || lists.iter().any(|list| list.was.is_some_and(locked) && !list.is.is_some_and(locked))
}

/// Whether a list may leave something more open to a client that was judged as one group and is
/// judged as another.
pub(super) fn opens(
    (was, is): (&GroupDraft, &GroupDraft),
    list: &Listed<'_>,
    standing: Standing<'_>,
) -> bool {
    let before = list.was.and_then(|category| was.categories.get(&category.id));
    let after = list.is.and_then(|category| is.categories.get(&category.id));
    let says_less = match (list.was, list.is) {
        (None, None) => false,
        // Its sites were of no category, and are now of one.
        (None, Some(_)) => level(after) < was.uncategorised,
        (Some(_), _) => level(after) < level(before),
    };
    let by_name = Some(&CategoryAction::Allow);
    let garden = was.default == Treatment::Block && is.default == Treatment::Block;
    let approves = (garden || standing.keeps_to_approved()) && after == by_name && before != by_name;
    // What a band does at its hour, it does to all of a category.
    let banded = |group: &GroupDraft, category: Option<&CategoryDraft>| {
        let names = |category: &CategoryDraft| {
            group.timetable.iter().any(|band| band.categories.contains_key(&category.id))
        };
        category.is_some_and(names)
    };
    let moved = list.was.map(|category| &category.id) != list.is.map(|category| &category.id);
    let by_hour = moved && (banded(was, list.was) || banded(is, list.is));
    let trusts = |category: Option<&CategoryDraft>, action| {
        action == by_name && category.is_some_and(|category| category.programs == Programs::Trusted)
    };
    let judges_files = was.file_kinds.values().any(|action| *action != CategoryAction::Allow);
    let frees_files = judges_files && trusts(list.is, after) && !trusts(list.was, before);
    says_less || approves || frees_files || by_hour || is_lifted(list, (before, after), is, standing.unblocks)
}

/// Whether a list comes to be blocked by a category that stands unblocked: the unblock then opens
/// also what garden, protocol, files or the school's own list had held.
fn is_lifted(
    list: &Listed<'_>,
    (before, after): (Option<&CategoryAction>, Option<&CategoryAction>),
    group: &GroupDraft,
    unblocks: &[Unblock],
) -> bool {
    let blocks = Some(&CategoryAction::Block);
    let Some(category) = list.is.filter(|_| after == blocks) else { return false };
    let blocked_so = before == blocks && list.was.is_some_and(|was| was.id == category.id);
    category.unblockable == Unblockable::Yes
        && !blocked_so
        && unblocks.iter().filter(stands).any(|unblock| {
            let audience = &unblock.audience;
            let single = !audience.users.is_empty() || !audience.devices.is_empty();
            let covers = single || audience.groups.iter().any(|name| group.is_within(name));
            covers && unblock.targets().any(|target| *target == Target::Category(category.id.clone()))
        })
}
