//! Addresses: is this address, or a network around it, listed?
//!
//! **Invariant:** the networks are truncated and sorted; one binary search for each prefix length
//! that occurs.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;
use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::lists::column::Column;
use crate::lists::origin::Place;
use crate::lists::sections::{Compiled, Section};
use crate::lists::{Effect, Match, OriginId, Specificity};

/// Where a network is listed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Posting {
    place: Key,
    origin: OriginId,
    effect: Effect,
    line: u32,
}

/// A network as it is sorted: IPv4 in its mapped form, so that both kinds lie in one order.
type Key = ([u8; 16], u8);

/// A posting as it is kept.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Held {
    address: [u8; 16],
    /// Of the mapped form: an IPv4 /24 is /120.
    length: u8,
    effect: u8,
    origin: U16,
    line: U32,
}

/// Networks to be indexed.
#[derive(Default)]
pub(super) struct NetworksDraft {
    rows: Vec<Posting>,
}

/// Listed networks, immutable.
pub(super) struct Networks {
    rows: Column<Held>,
    /// The prefix lengths that occur, of the mapped form.
    lengths: Box<[u8]>,
}

impl NetworksDraft {
    pub(super) fn add(&mut self, origin: OriginId, line: u32, network: IpNet, effect: Effect) {
        self.rows.push(Posting { place: key(network), origin, effect, line });
    }

    pub(super) fn build(mut self, compiled: &mut Compiled, counts: &mut [usize]) {
        self.rows.sort_unstable();
        let same = |a: &Posting, b: &Posting| (a.place, a.origin, a.effect) == (b.place, b.origin, b.effect);
        self.rows.dedup_by(|later, first| same(later, first));
        for row in &self.rows {
            counts[row.origin.index()] += 1;
        }
        let held: Vec<Held> = self.rows.iter().map(Held::of).collect();
        compiled.put(Section::Networks, Column::bytes_of(&held));
    }
}

impl Held {
    fn of(posting: &Posting) -> Held {
        Held {
            address: posting.place.0,
            length: posting.place.1,
            effect: posting.effect as u8,
            origin: U16::new(posting.origin.0),
            line: U32::new(posting.line),
        }
    }

    fn key(&self) -> Key {
        (self.address, self.length)
    }
}

impl Networks {
    pub(super) fn open(compiled: &Compiled) -> Networks {
        let rows = Column::<Held>::of(compiled.section(Section::Networks));
        let mut lengths: Vec<u8> = rows.cells().iter().map(|row| row.length).collect();
        lengths.sort_unstable();
        lengths.dedup();
        Networks { rows, lengths: lengths.into() }
    }

    /// Appends a match for every network that holds `address`.
    pub(super) fn find(&self, address: IpAddr, matches: &mut Vec<Match>) {
        let (mapped, rows) = (mapped(address), self.rows.cells());
        let v4 = address.to_canonical().is_ipv4();
        // A network of IPv6 holds no IPv4 address, though its mapped form lies inside.
        for &length in self.lengths.iter().filter(|length| !v4 || **length >= 96) {
            let wanted = (truncated(mapped, length), length);
            let first = rows.partition_point(|row| row.key() < wanted);
            let found = rows[first..].iter().take_while(|row| row.key() == wanted);
            for (number, row) in (first..).zip(found) {
                let bits = if v4 { length.saturating_sub(96) } else { length };
                matches.push(Match {
                    origin: OriginId(row.origin.get()),
                    effect: Effect::of(row.effect),
                    specificity: Specificity::of_host(usize::from(bits), true),
                    place: Place::Network(u32::try_from(number).unwrap_or(u32::MAX)),
                });
            }
        }
    }

    /// The entry as it could stand in a list: one address bare, else address and length.
    pub(super) fn text(&self, number: u32) -> String {
        let Some(row) = self.rows.cells().get(number as usize) else { return String::new() };
        let address = Ipv6Addr::from(row.address).to_canonical();
        match (address, row.length) {
            (address, 128) => address.to_string(),
            (address @ IpAddr::V4(_), length) => format!("{address}/{}", length.saturating_sub(96)),
            (address @ IpAddr::V6(_), length) => format!("{address}/{length}"),
        }
    }

    /// The line of the entry.
    pub(super) fn line(&self, number: u32) -> u32 {
        self.rows.cells().get(number as usize).map_or(0, |row| row.line.get())
    }
}

fn key(network: IpNet) -> Key {
    let length = match network {
        IpNet::V4(network) => network.prefix_len() + 96,
        IpNet::V6(network) => network.prefix_len(),
    };
    (truncated(mapped(network.addr()), length), length)
}

fn mapped(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

fn truncated(address: Ipv6Addr, length: u8) -> [u8; 16] {
    let kept = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
    (address.to_bits() & kept).to_be_bytes()
}
