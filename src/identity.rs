//! Who asks: from a client's address to a [`Subject`], by a look-up that never waits.
//!
//! **Invariant:** nothing that a client sends changes who it is taken for; an address that no
//! subnet covers is attributed to nobody, and policy then takes its strictest group.

use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use ipnet::IpNet;

use crate::model::{Attribution, GroupName, Subject};

/// The subnets of the groups, widest prefix last.
#[derive(Clone, Debug, Default)]
pub struct Subnets(Vec<(IpNet, GroupName)>);

/// The directory of who is where; clones share one content.
#[derive(Clone, Default)]
pub struct Directory(Arc<RwLock<Arc<Subnets>>>);

impl Subnets {
    /// From networks and the groups they belong to; the longest prefix wins.
    pub fn new(networks: impl IntoIterator<Item = (IpNet, GroupName)>) -> Subnets {
        let mut networks: Vec<_> = networks.into_iter().collect();
        networks.sort_by_key(|(network, _)| std::cmp::Reverse(network.prefix_len()));
        Subnets(networks)
    }

    fn group(&self, address: IpAddr) -> Option<&GroupName> {
        self.0.iter().find(|(network, _)| network.contains(&address)).map(|(_, group)| group)
    }
}

impl Directory {
    /// Replaces the subnets for every look-up from now on.
    pub fn publish(&self, subnets: Subnets) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(subnets);
    }

    /// Who is at `address`, IPv4-mapped IPv6 taken as IPv4.
    #[must_use]
    pub fn attribute(&self, address: IpAddr) -> Subject {
        let subnets = Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner));
        let subject = Subject::unknown(address);
        match subnets.group(subject.address) {
            Some(group) => {
                Subject { group: Some(group.clone()), attribution: Attribution::Subnet, ..subject }
            }
            None => subject,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_says_which_group() {
        let directory = Directory::default();
        let network = |text: &str, group: &str| (text.parse().unwrap(), group.parse().unwrap());
        directory.publish(Subnets::new([
            network("10.0.0.0/8", "guests"),
            network("10.1.0.0/16", "ks2"),
            network("10.1.2.0/24", "staff"),
            network("2001:db8:1::/48", "ks2"),
        ]));
        let cases = [
            ("10.9.9.9", Some("guests")),
            ("10.1.9.9", Some("ks2")),
            ("10.1.2.3", Some("staff")),
            ("::ffff:10.1.2.3", Some("staff")),
            ("2001:db8:1::7", Some("ks2")),
            ("2001:db8:2::7", None),
            ("192.168.0.1", None),
        ];
        for (address, group) in cases {
            let subject = directory.attribute(address.parse().unwrap());
            assert_eq!(subject.group.as_ref().map(GroupName::as_str), group, "{address}");
        }
    }
}
