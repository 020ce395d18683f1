//! What unblocks, exceptions of suspensions and emergency blocks name, as indexes.

use uuid::Uuid;

use crate::lists::{Index, IndexBuilder, Item, Origin};
use crate::model::Host;
use crate::policy::unblock::Target;

/// Targets as an index of their own; origin N is the rule at place N. A category has no entry.
pub(super) fn index<'t, T>(kind: &str, rules: impl Iterator<Item = (Uuid, T)>) -> Index
where
    T: IntoIterator<Item = &'t Target>,
{
    let mut builder = IndexBuilder::new([0; 16]);
    for (id, targets) in rules {
        let version = id.to_string().into();
        let origin = builder.add_origin(Origin { list: kind.into(), version, file: "".into() });
        for entry in targets.into_iter().filter_map(Target::entry) {
            builder.add(origin, Item::listed(0, entry));
        }
    }
    builder.build()
}

/// Whether a target names pages of this host, so that the host alone can't tell what is meant.
pub(super) fn has_pages_of(target: &Target, host: &Host) -> bool {
    index("page", std::iter::once((Uuid::nil(), [target]))).has_url_entries(host)
}
