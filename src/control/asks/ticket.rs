//! A ticket: what was refused to whom, signed by this gateway, so that nobody can ask for what was
//! never blocked or in another's name.
//!
//! **Invariant:** a ticket holds for one address and not for long.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{GroupName, Timestamp};
use crate::policy::Target;

/// How long a ticket holds.
const HOLDS: Duration = Duration::from_secs(30 * 60);
/// The longest address of a page that is signed, in bytes; of a longer one, its host is.
const MAX_TARGET: usize = 1024;
/// The longest ticket that is looked at.
const MAX_SEALED: usize = 8192;

/// What was refused, as the block page knows it.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'a> {
    /// The client's address.
    pub client: IpAddr,
    /// The group that was judged.
    pub group: &'a GroupName,
    /// The page, where it is known.
    pub url: Option<&'a str>,
    /// The host.
    pub host: &'a str,
    /// The category that refused it, by id.
    pub category: Option<&'a str>,
}

/// A ticket that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The client's address.
    pub client: IpAddr,
    /// The group that was judged.
    pub group: GroupName,
    /// What was refused.
    pub target: Target,
    /// The category that refused it, by id.
    pub category: Option<String>,
}

/// Why a ticket does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// It is none of this gateway's.
    #[error("this is no ticket of ours")]
    Forged,
    /// It was made for another address.
    #[error("this ticket is another device's")]
    Elsewhere,
    /// It is too old.
    #[error("this ticket is too old")]
    Old,
}

#[derive(Serialize, Deserialize)]
struct Written {
    client: IpAddr,
    group: GroupName,
    target: String,
    category: Option<String>,
    at: Timestamp,
}

/// Signs what was refused.
pub(super) fn seal(key: &[u8; 32], refused: &Refused<'_>, now: Timestamp) -> String {
    let target = refused.url.filter(|url| url.len() <= MAX_TARGET).unwrap_or(refused.host);
    let written = Written {
        client: refused.client.to_canonical(),
        group: refused.group.clone(),
        target: target.to_owned(),
        category: refused.category.map(ToOwned::to_owned),
        at: now,
    };
    // Names, texts and a time: there is nothing in it that has no JSON form.
    let text = serde_json::to_string(&written).unwrap_or_default();
    format!("{}.{}", hex(text.as_bytes()), blake3::keyed_hash(key, text.as_bytes()).to_hex())
}

/// Opens what `client` sends back.
pub(super) fn open(
    key: &[u8; 32],
    sealed: &str,
    client: IpAddr,
    now: Timestamp,
) -> Result<Ticket, TicketError> {
    let (text, seal) = Some(sealed)
        .filter(|sealed| sealed.len() <= MAX_SEALED)
        .and_then(|sealed| sealed.split_once('.'))
        .ok_or(TicketError::Forged)?;
    let text = unhex(text).ok_or(TicketError::Forged)?;
    let seal = blake3::Hash::from_hex(seal).map_err(|_| TicketError::Forged)?;
    // Compared in constant time, as the crate says of its hashes.
    if blake3::keyed_hash(key, &text) != seal {
        return Err(TicketError::Forged);
    }
    let written: Written = serde_json::from_slice(&text).map_err(|_| TicketError::Forged)?;
    if written.client != client.to_canonical() {
        return Err(TicketError::Elsewhere);
    }
    if now.since(written.at) > HOLDS {
        return Err(TicketError::Old);
    }
    let target = Target::parse(&written.target).map_err(|_| TicketError::Forged)?;
    Ok(Ticket { client: written.client, group: written.group, target, category: written.category })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |text, byte| format!("{text}{byte:02x}"))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let pairs = digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_for_one_address_for_a_while_and_can_t_be_written_by_hand() {
        let (key, client, other) = ([7; 32], IpAddr::from([10, 1, 2, 3]), IpAddr::from([10, 1, 2, 4]));
        let now: Timestamp = "2026-11-24T09:00:00Z".parse().unwrap();
        let group = "ks2".parse().unwrap();
        let refused =
            |url| Refused { client, group: &group, url, host: "games.example", category: Some("games") };
        let sealed = seal(&key, &refused(Some("https://games.example/chess?a=1")), now);
        let ticket = open(&key, &sealed, client, now.plus(HOLDS)).unwrap();
        assert_eq!(ticket.target.to_string(), "https://games.example/chess?a=1");
        assert_eq!((ticket.group.as_str(), ticket.category.as_deref()), ("ks2", Some("games")));
        assert_eq!(open(&key, &sealed, other, now), Err(TicketError::Elsewhere));
        let late = now.plus(HOLDS).plus(Duration::from_millis(1));
        assert_eq!(open(&key, &sealed, client, late), Err(TicketError::Old));
        assert_eq!(open(&[8; 32], &sealed, client, now), Err(TicketError::Forged));
        for at in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            let forged = String::from_utf8(bytes).unwrap();
            assert_eq!(open(&key, &forged, client, now), Err(TicketError::Forged), "at {at}");
        }
        for text in ["", ".", "zz.00", "é.é", &"0".repeat(20_000)] {
            assert_eq!(open(&key, text, client, now), Err(TicketError::Forged), "{text:.20}");
        }
        let long = format!("https://games.example/{}", "x".repeat(2000));
        let ticket = open(&key, &seal(&key, &refused(Some(&long)), now), client, now).unwrap();
        assert_eq!(ticket.target.to_string(), "games.example");
    }
}
