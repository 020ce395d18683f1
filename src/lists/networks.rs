//! Addresses: is this address, or a network around it, listed?
//!
//! **Invariant:** the networks are truncated and sorted; one binary search for each prefix length
//! that occurs.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::lists::origin::Place;
use crate::lists::{Match, OriginId, Specificity};

/// Where a network is listed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Posting {
    network: IpNet,
    origin: OriginId,
    line: u32,
}

/// Networks to be indexed.
#[derive(Default)]
pub(super) struct NetworksDraft {
    rows: Vec<Posting>,
}

/// Listed networks, immutable.
pub(super) struct Networks {
    rows: Box<[Posting]>,
    lengths_v4: Box<[u8]>,
    lengths_v6: Box<[u8]>,
}

impl NetworksDraft {
    pub(super) fn add(&mut self, origin: OriginId, line: u32, network: IpNet) {
        self.rows.push(Posting { network: canonical(network), origin, line });
    }

    pub(super) fn build(mut self) -> Networks {
        self.rows.sort_unstable();
        self.rows.dedup_by(|b, a| (a.network, a.origin) == (b.network, b.origin));
        let lengths = |v4: bool| {
            let mut lengths: Vec<u8> = (self.rows.iter())
                .filter(|row| row.network.addr().is_ipv4() == v4)
                .map(|row| row.network.prefix_len())
                .collect();
            lengths.sort_unstable();
            lengths.dedup();
            lengths.into()
        };
        Networks { lengths_v4: lengths(true), lengths_v6: lengths(false), rows: self.rows.into() }
    }
}

impl Networks {
    /// Appends a match for every network that holds `address`.
    pub(super) fn find(&self, address: IpAddr, matches: &mut Vec<Match>) {
        let address = address.to_canonical();
        let lengths = if address.is_ipv4() { &self.lengths_v4 } else { &self.lengths_v6 };
        for &length in lengths {
            let Ok(network) = IpNet::new(address, length) else { continue };
            let network = network.trunc();
            let first = self.rows.partition_point(|row| row.network < network);
            let found = self.rows[first..].iter().take_while(|row| row.network == network);
            for (number, row) in (first..).zip(found) {
                matches.push(Match {
                    origin: row.origin,
                    line: row.line,
                    specificity: Specificity::of_host(usize::from(length), true),
                    place: Place::Network(u32::try_from(number).unwrap_or(u32::MAX)),
                });
            }
        }
    }

    /// The entry as it could stand in a list: one address bare, else address and length.
    pub(super) fn text(&self, number: u32) -> String {
        let Some(row) = self.rows.get(number as usize) else { return String::new() };
        let network = row.network;
        if network.prefix_len() == network.max_prefix_len() {
            network.addr().to_string()
        } else {
            network.to_string()
        }
    }

    pub(super) fn origins(&self) -> impl Iterator<Item = OriginId> {
        self.rows.iter().map(|row| row.origin)
    }
}

/// Truncated, and IPv4-mapped IPv6 as IPv4, as hosts are.
fn canonical(network: IpNet) -> IpNet {
    let network = network.trunc();
    match (network.addr().to_canonical(), network.prefix_len().checked_sub(96)) {
        (IpAddr::V4(address), Some(length)) if network.addr().is_ipv6() => {
            IpNet::new(IpAddr::V4(address), length).unwrap_or(network)
        }
        _ => network,
    }
}
