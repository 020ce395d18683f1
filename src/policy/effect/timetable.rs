//! Timetables: what another set of bands, or another calendar, may open.

use crate::policy::calendar::Calendar;
use crate::policy::draft::GroupDraft;
use crate::policy::timetable::{Band, Internet, When};

/// Whether bands in the place of others may open something. To add hours without internet opens
/// nothing; what a band does to categories hangs on what else runs at that hour, so that any other
/// change is taken to open something.
pub(super) fn opens(was: &GroupDraft, is: &GroupDraft) -> bool {
    let adds_nothing_open = |band: &&Band| band.internet == Internet::Blocked && band.categories.is_empty();
    let (before, after) = (&was.timetable, &is.timetable);
    !before.iter().all(|band| after.contains(band))
        || !after.iter().filter(|band| !before.contains(band)).all(|band| adds_nothing_open(&band))
}

/// Whether other terms or holidays may open something: they move every band that minds them.
pub(super) fn moves(before: &Calendar, after: &Calendar, groups: &[GroupDraft]) -> bool {
    let Calendar { terms, holidays, lessons: _ } = after;
    let minds = |band: &Band| match band.when {
        When::Term | When::Holiday => true,
        When::Always => false,
    };
    (*terms != before.terms || *holidays != before.holidays)
        && groups.iter().flat_map(|group| &group.timetable).any(minds)
}
