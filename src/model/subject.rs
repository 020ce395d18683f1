//! Who asks: the client's address and what is known about the person and the device behind it.

use std::net::IpAddr;

use crate::model::staff::word;

word! {
    /// A filtering group, as policy names it: `ks2`.
    GroupName
}
word! {
    /// A pupil's or guest's sign-in name.
    UserName
}
word! {
    /// A device's name.
    DeviceName
}

/// How it is known who asks, most certain first; recorded with every event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribution {
    /// The client's address lies in a subnet that policy gives to a group.
    Subnet,
    /// Nothing is known: the strictest group holds.
    Unknown,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The client's address, IPv4-mapped IPv6 folded to IPv4.
    pub address: IpAddr,
    /// The group, when one is known; policy takes its strictest group for none.
    pub group: Option<GroupName>,
    /// The person, when known.
    pub user: Option<UserName>,
    /// The device, when known.
    pub device: Option<DeviceName>,
    /// How group and person are known.
    pub attribution: Attribution,
}

impl Attribution {
    /// As written in the audit event.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Attribution::Subnet => "subnet",
            Attribution::Unknown => "unknown",
        }
    }
}

impl Subject {
    /// A client of whom only the address is known.
    #[must_use]
    pub fn unknown(address: IpAddr) -> Subject {
        let address = address.to_canonical();
        Subject { address, group: None, user: None, device: None, attribution: Attribution::Unknown }
    }
}
