//! Which group a client was judged as, and which it is judged as now.

use ipnet::IpNet;

use crate::policy::draft::{Draft, GroupDraft};

/// A group of before, and the one that holds in its place.
pub(super) type Pair<'d> = (&'d GroupDraft, &'d GroupDraft);

/// Every pair that some client can meet: those of unknown clients, those that a group's own name
/// leads to, and one for every network that the subnets of before and after cut out. `None` where
/// there is no group at all.
pub(super) fn judged_as<'d>(before: &'d Draft, after: &'d Draft) -> Option<Vec<Pair<'d>>> {
    let unknown = (before.strictest()?, after.strictest()?);
    let named = before.groups.iter().map(|was| {
        let same = after.groups.iter().find(|is| is.id == was.id);
        (was, same.unwrap_or(unknown.1))
    });
    let networks =
        [before, after].into_iter().flat_map(|draft| &draft.groups).flat_map(|group| &group.subnets);
    let at = networks.map(|network| {
        (holder(before, network).unwrap_or(unknown.0), holder(after, network).unwrap_or(unknown.1))
    });
    let mut pairs: Vec<Pair<'d>> = [unknown].into_iter().chain(named).chain(at).collect();
    pairs.sort_by_key(|(was, is)| (&was.id, &is.id));
    pairs.dedup_by_key(|(was, is)| (&was.id, &is.id));
    Some(pairs)
}

/// The group whose subnet holds all of a network; of several the longest prefix wins, as for a
/// client's address.
fn holder<'d>(draft: &'d Draft, network: &IpNet) -> Option<&'d GroupDraft> {
    let subnets =
        draft.groups.iter().flat_map(|group| group.subnets.iter().map(move |subnet| (subnet, group)));
    subnets
        .filter(|(subnet, _)| subnet.contains(network))
        .max_by_key(|(subnet, _)| subnet.prefix_len())
        .map(|(_, group)| group)
}
