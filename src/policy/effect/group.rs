//! One group in the place of another, field by field.

use crate::model::Host;
use crate::policy::Unblock;
use crate::policy::draft::{GroupDraft, Treatment};
use crate::policy::effect::category::{self, Listed};
use crate::policy::effect::{Standing, content_opens, enforce, timetable};
use crate::policy::unblock::Decided;

/// Whether some client that was judged as `was` may find something more open when it is judged as
/// `is`.
pub(super) fn opens(was: &GroupDraft, is: &GroupDraft, lists: &[Listed<'_>], standing: Standing<'_>) -> bool {
    // Without `..`: a field that is new must be thought of here.
    let GroupDraft {
        id,
        name: _,
        ancestors,
        subnets: _,
        default,
        uncategorised,
        unclassified,
        inspect,
        inspect_hosts,
        ports,
        categories: _,
        enforce,
        search_terms,
        file_kinds,
        timetable: _,
    } = is;
    // Unblocks for a group are for all that inherit from it.
    let is_heir = *id == was.id && !is_within(ancestors, &was.ancestors);
    is_heir
        || standing.unblocks.iter().filter(stands).any(|unblock| reaches(unblock, is) && !reaches(unblock, was))
        || lets(was.default, *default)
        || *uncategorised < was.uncategorised
        || lets(was.unclassified, *unclassified)
        // Decrypting less hides what rules would have seen; decrypting more is a matter of privacy.
        || *inspect != was.inspect
        || !are_same(inspect_hosts, &was.inspect_hosts)
        || !is_within(ports, &was.ports)
        || enforce::opens(&was.enforce, enforce)
        || content_opens(&was.search_terms, search_terms)
        // Search engines are decrypted for as long as any list of terms is named.
        || (search_terms.is_empty() && !was.search_terms.is_empty())
        || content_opens(&was.file_kinds, file_kinds)
        || timetable::opens(was, is)
        || lists.iter().any(|list| category::opens((was, is), list, standing))
}

/// Whether an unblock is in force, or will be without anybody's doing.
pub(super) fn stands(unblock: &&Unblock) -> bool {
    match unblock.decided {
        Decided::Approved => true,
        Decided::Awaited | Decided::Refused | Decided::Revoked => false,
    }
}

/// Whether an unblock is for all of a group.
fn reaches(unblock: &Unblock, group: &GroupDraft) -> bool {
    unblock.audience.groups.iter().any(|name| group.is_within(name))
}

fn lets(was: Treatment, is: Treatment) -> bool {
    was == Treatment::Block && is == Treatment::Allow
}

fn are_same(one: &[Host], other: &[Host]) -> bool {
    is_within(one, other) && is_within(other, one)
}

/// Whether all of `part` is in `whole`.
pub(super) fn is_within<T: PartialEq>(part: &[T], whole: &[T]) -> bool {
    part.iter().all(|item| whole.contains(item))
}
