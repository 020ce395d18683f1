//! Which addresses a client may be taken to.
//!
//! **Invariant:** the gateway itself, loopback, link-local and private addresses can't be
//! reached unless the technician names their network; a name that resolves there is no way in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

/// The addresses that are within reach.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Networks that may be reached although they are private (`upstream.allow_private`).
    pub allow_private: Vec<IpNet>,
    /// Where this gateway listens: never within reach, whatever is allowed.
    pub own: Vec<SocketAddr>,
}

/// Why an address is out of reach; the id of the protocol rule that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfReach {
    /// One of the gateway's own listeners.
    OwnPort,
    /// Loopback, unspecified or the like: this host.
    ThisHost,
    /// A private, shared or link-local network.
    Private,
    /// Multicast, broadcast, documentation, reserved.
    Reserved,
}

impl OutOfReach {
    /// The rule's id behind `protocol:`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            OutOfReach::OwnPort => "own_port",
            OutOfReach::ThisHost => "this_host",
            OutOfReach::Private => "private_address",
            OutOfReach::Reserved => "reserved_address",
        }
    }

    /// In people's words.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            OutOfReach::OwnPort | OutOfReach::ThisHost => "the address is this gateway's own",
            OutOfReach::Private => "the address belongs to a private network",
            OutOfReach::Reserved => "the address is not one of the internet",
        }
    }
}

impl Reach {
    /// Whether `address` and `port` are out of reach, and why.
    #[must_use]
    pub fn refuses(&self, address: IpAddr, port: u16) -> Option<OutOfReach> {
        let address = embedded_v4(address.to_canonical());
        if self.is_own(address, port) {
            return Some(OutOfReach::OwnPort);
        }
        if self.allow_private.iter().any(|network| network.contains(&address)) {
            return None;
        }
        match address {
            IpAddr::V4(address) => refuses_v4(address),
            IpAddr::V6(address) => refuses_v6(address),
        }
    }

    fn is_own(&self, address: IpAddr, port: u16) -> bool {
        self.own.iter().any(|own| {
            let ip = own.ip().to_canonical();
            let same_host = ip == address || (ip.is_unspecified() && is_this_host(address));
            own.port() == port && (same_host || (ip.is_loopback() && is_this_host(address)))
        })
    }
}

fn is_this_host(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified()
}

/// The IPv4 address inside a NAT64 (RFC 6052) or 6to4 (RFC 3056) one: a way round otherwise.
fn embedded_v4(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let octets = v6.octets();
    let inner = |at: usize| Ipv4Addr::new(octets[at], octets[at + 1], octets[at + 2], octets[at + 3]);
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => IpAddr::V4(inner(12)),
        [0x2002, ..] => IpAddr::V4(inner(2)),
        [0, 0, 0, 0, 0, 0, high, _] if high != 0 => IpAddr::V4(inner(12)),
        _ => address,
    }
}

fn refuses_v4(address: Ipv4Addr) -> Option<OutOfReach> {
    let octets = address.octets();
    if address.is_loopback() || octets[0] == 0 {
        Some(OutOfReach::ThisHost)
    } else if address.is_private() || address.is_link_local() || in_v4(octets, [100, 64], 0xc0) {
        Some(OutOfReach::Private)
    } else if octets[0] >= 224
        || address.is_documentation()
        || octets[..3] == [192, 0, 0]
        || octets[..3] == [192, 88, 99]
        || in_v4(octets, [198, 18], 0xfe)
    {
        Some(OutOfReach::Reserved)
    } else {
        None
    }
}

fn in_v4(octets: [u8; 4], start: [u8; 2], mask: u8) -> bool {
    octets[0] == start[0] && octets[1] & mask == start[1]
}

fn refuses_v6(address: Ipv6Addr) -> Option<OutOfReach> {
    let first = address.segments()[0];
    if address.is_loopback() || address.is_unspecified() {
        Some(OutOfReach::ThisHost)
    } else if first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80 || first & 0xffc0 == 0xfec0 {
        Some(OutOfReach::Private)
    } else if first & 0xff00 == 0xff00 || address.segments()[..2] == [0x2001, 0xdb8] || first < 0x0100 {
        Some(OutOfReach::Reserved)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_internet_is_within_reach() {
        let reach = Reach::default();
        let cases = [
            ("8.8.8.8", None),
            ("2a00:1450::1", None),
            ("100.128.0.1", None),
            ("127.0.0.1", Some(OutOfReach::ThisHost)),
            ("127.9.9.9", Some(OutOfReach::ThisHost)),
            ("0.0.0.0", Some(OutOfReach::ThisHost)),
            ("0.1.2.3", Some(OutOfReach::ThisHost)),
            ("::", Some(OutOfReach::ThisHost)),
            ("::1", Some(OutOfReach::ThisHost)),
            ("::ffff:127.0.0.1", Some(OutOfReach::ThisHost)),
            ("::127.0.0.1", Some(OutOfReach::ThisHost)),
            ("64:ff9b::7f00:1", Some(OutOfReach::ThisHost)),
            ("2002:7f00:1::", Some(OutOfReach::ThisHost)),
            ("10.0.0.1", Some(OutOfReach::Private)),
            ("172.31.0.1", Some(OutOfReach::Private)),
            ("192.168.1.1", Some(OutOfReach::Private)),
            ("169.254.169.254", Some(OutOfReach::Private)),
            ("100.64.0.1", Some(OutOfReach::Private)),
            ("fd00::1", Some(OutOfReach::Private)),
            ("fe80::1", Some(OutOfReach::Private)),
            ("224.0.0.1", Some(OutOfReach::Reserved)),
            ("255.255.255.255", Some(OutOfReach::Reserved)),
            ("192.0.2.1", Some(OutOfReach::Reserved)),
            ("198.19.0.1", Some(OutOfReach::Reserved)),
            ("ff02::1", Some(OutOfReach::Reserved)),
            ("2001:db8::1", Some(OutOfReach::Reserved)),
        ];
        for (address, answer) in cases {
            assert_eq!(reach.refuses(address.parse().unwrap(), 80), answer, "{address}");
        }
    }

    #[test]
    fn own_ports_stay_out_of_reach_whatever_is_allowed() {
        let reach = Reach {
            allow_private: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
            own: vec!["127.0.0.1:8080".parse().unwrap(), "0.0.0.0:3128".parse().unwrap()],
        };
        let refused = |address: &str, port| reach.refuses(address.parse().unwrap(), port);
        assert_eq!(refused("127.0.0.1", 9999), None);
        assert_eq!(refused("127.0.0.1", 8080), Some(OutOfReach::OwnPort));
        assert_eq!(refused("127.0.0.2", 3128), Some(OutOfReach::OwnPort));
        assert_eq!(refused("::1", 3128), Some(OutOfReach::OwnPort));
        assert_eq!(refused("::ffff:127.0.0.1", 8080), Some(OutOfReach::OwnPort));
        assert_eq!(refused("0.0.0.0", 8080), Some(OutOfReach::OwnPort));
    }
}
