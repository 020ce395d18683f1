//! Guessing passwords and codes: slowed, and never a way to lock somebody out for good.
//!
//! **Invariant:** a guess is counted on disk before it is looked at, so that neither a restart nor
//! many guesses at once are a way around; what is turned away is not counted, so that a wait ends.

use std::net::IpAddr;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use crate::control::accounts::secret;
use crate::control::store::{Store, StoreError};
use crate::model::{StaffName, Timestamp};

/// Of one account from one address: who mistypes has five tries.
const PAIR: Pace = Pace { free: 5, longest: Duration::from_secs(15 * 60) };
/// Of one account from anywhere: gentler, since this is what could keep its owner waiting.
const ACCOUNT: Pace = Pace { free: 20, longest: Duration::from_secs(60) };
/// From one address on any account: a school may stand behind one.
const ADDRESS: Pace = Pace { free: 30, longest: Duration::from_secs(15 * 60) };
/// Of the codes of one account's second factor, by whoever has its password: six digits fall to patience.
const CODES: Pace = Pace { free: 5, longest: Duration::from_secs(15 * 60) };
/// How long after the last one guesses are forgotten.
const MEMORY: Duration = Duration::from_secs(24 * 3600);
/// How long an address is known for a good sign-in.
const KNOWN: Duration = Duration::from_secs(30 * 24 * 3600);

/// How guesses are slowed: as many as are free, and then ever longer waits.
#[derive(Clone, Copy, Debug)]
struct Pace {
    free: u32,
    longest: Duration,
}

/// What counts against a guess: an account, as it was typed, and an address.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pair: [u8; 32],
    /// None for what is too long to be guessed by many together: there, a counter for everybody
    /// would only keep out whoever has the right one.
    account: Option<[u8; 32]>,
    address: [u8; 32],
}

/// Which codes are guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codes {
    /// Of the factor that counts, at a sign-in from there.
    Counting(Option<IpAddr>),
    /// Of a factor that is begun, in an open session.
    Begun,
}

/// Whether a guess may be made now.
pub(super) enum Turn {
    /// It may, and is counted.
    Go(Counted),
    /// Not before this has passed.
    Wait(Duration),
}

/// Where a guess was counted.
pub(super) struct Counted {
    keys: Vec<[u8; 32]>,
    pair: [u8; 32],
}

impl Watched {
    /// The same for a code that is nobody's, by its purpose.
    pub(super) fn of_code(purpose: &str, client: Option<IpAddr>) -> Watched {
        Watched { account: None, ..Watched::new(purpose, client) }
    }

    /// `account` is as it was typed.
    pub(super) fn new(account: &str, client: Option<IpAddr>) -> Watched {
        let address = client.map_or_else(|| "local".to_owned(), network);
        Watched {
            pair: secret::hash_for("guess pair", &format!("{account}\0{address}")),
            account: Some(secret::hash_for("guess account", account)),
            address: secret::hash_for("guess address", &address),
        }
    }

    fn counters(&self) -> Vec<([u8; 32], Pace)> {
        let account = self.account.map(|account| (account, ACCOUNT));
        [(self.pair, PAIR)].into_iter().chain(account).chain([(self.address, ADDRESS)]).collect()
    }
}

impl Pace {
    /// How long to wait still, after so many failures, the last so long ago.
    fn wait(self, failures: u32, since: Duration) -> Duration {
        let Some(over) = failures.checked_sub(self.free) else { return Duration::ZERO };
        let wait = Duration::from_secs(1_u64.checked_shl(over.min(32)).unwrap_or(u64::MAX));
        wait.min(self.longest).saturating_sub(since)
    }
}

impl Store {
    /// Counts a guess that is about to be made, or says how long it must wait. From an address
    /// with a good sign-in to that account, only what is wrong from there counts.
    pub(super) fn begin_guess(&mut self, watched: &Watched, now: Timestamp) -> Result<Turn, StoreError> {
        let transaction = self.connection.transaction()?;
        let (old, stale) = (now.minus(MEMORY).as_millis(), now.minus(KNOWN).as_millis());
        transaction.execute("DELETE FROM guesses WHERE last_at < ?1", [old])?;
        transaction.execute("DELETE FROM known_addresses WHERE seen_at < ?1", [stale])?;
        let known = is_known(&transaction, &watched.pair)?;
        let counters = watched.counters();
        let counters = if known { &counters[..1] } else { &counters[..] };
        let turn = counted(&transaction, counters, watched.pair, now)?;
        transaction.commit()?;
        Ok(turn)
    }

    /// Counts the guess of a code of `name`'s second factor, or says how long it must wait: from
    /// anywhere together, but for an address with a good sign-in to that account, which has waited
    /// for the password as it is.
    pub(super) fn begin_code(
        &mut self,
        name: &StaffName,
        codes: Codes,
        now: Timestamp,
    ) -> Result<Turn, StoreError> {
        let pair = match codes {
            Codes::Counting(client) => Watched::new(name.as_str(), client).pair,
            Codes::Begun => secret::hash_for("guess begun", name.as_str()),
        };
        let transaction = self.connection.transaction()?;
        let counters = match codes {
            Codes::Counting(_) if is_known(&transaction, &pair)? => Vec::new(),
            Codes::Counting(_) => vec![(secret::hash_for("guess code", name.as_str()), CODES)],
            Codes::Begun => vec![(pair, CODES)],
        };
        let turn = counted(&transaction, &counters, pair, now)?;
        transaction.commit()?;
        Ok(turn)
    }

    /// It was no guess after all: what was given was right.
    pub(super) fn take_guess_back(&self, counted: &Counted) -> Result<(), StoreError> {
        for key in &counted.keys {
            self.connection.execute(
                "UPDATE guesses SET failures = max(failures - 1, 0) WHERE key = ?1",
                [key.as_slice()],
            )?;
        }
        Ok(())
    }

    /// All of it was right: this account is known at this address, and has no guesses there.
    pub(super) fn was_no_guess(&self, counted: &Counted, now: Timestamp) -> Result<(), StoreError> {
        self.take_guess_back(counted)?;
        self.keep_known(&counted.pair, now)
    }

    /// Whoever has a link to an account is let in at once, and is known there: a way in that no
    /// stranger's guesses can hold up.
    pub(super) fn was_let_in(
        &self,
        name: &StaffName,
        client: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.keep_known(&Watched::new(name.as_str(), client).pair, now)
    }

    fn keep_known(&self, pair: &[u8; 32], now: Timestamp) -> Result<(), StoreError> {
        self.connection.execute("DELETE FROM guesses WHERE key = ?1", [pair.as_slice()])?;
        self.connection.execute(
            "INSERT OR REPLACE INTO known_addresses (key, seen_at) VALUES (?1, ?2)",
            params![pair.as_slice(), now.as_millis()],
        )?;
        Ok(())
    }
}

fn is_known(connection: &Connection, pair: &[u8; 32]) -> Result<bool, StoreError> {
    let known = "SELECT EXISTS (SELECT 1 FROM known_addresses WHERE key = ?1)";
    Ok(connection.query_row(known, [pair.as_slice()], |row| row.get(0))?)
}

/// Counts a guess everywhere, unless it must wait anywhere.
fn counted(
    connection: &Connection,
    counters: &[([u8; 32], Pace)],
    pair: [u8; 32],
    now: Timestamp,
) -> Result<Turn, StoreError> {
    let mut longest = Duration::ZERO;
    for (key, pace) in counters {
        let kept: Option<(u32, i64)> = connection
            .query_row("SELECT failures, last_at FROM guesses WHERE key = ?1", [key.as_slice()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let wait = kept.map(|(failures, last)| pace.wait(failures, now.since(Timestamp::from_millis(last))));
        longest = longest.max(wait.unwrap_or_default());
    }
    if longest > Duration::ZERO {
        return Ok(Turn::Wait(longest));
    }
    for (key, _) in counters {
        connection.execute(
            "INSERT INTO guesses (key, failures, last_at) VALUES (?1, 1, ?2)
             ON CONFLICT (key) DO UPDATE SET failures = failures + 1, last_at = excluded.last_at",
            params![key.as_slice(), now.as_millis()],
        )?;
    }
    Ok(Turn::Go(Counted { keys: counters.iter().map(|(key, _)| *key).collect(), pair }))
}

/// One address, or the network that one household of IPv6 has.
fn network(client: IpAddr) -> String {
    match client.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{:x?}", &address.segments()[..4]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_end() {
        let rows: [(u32, u64, u64); 9] = [
            (0, 0, 0),
            (4, 0, 0),
            (5, 0, 1),
            (6, 0, 2),
            (9, 0, 16),
            (9, 10, 6),
            (9, 16, 0),
            (14, 0, 512),
            (4_000_000_000, 0, 900),
        ];
        for (failures, since, wait) in rows {
            let told = PAIR.wait(failures, Duration::from_secs(since));
            assert_eq!(told, Duration::from_secs(wait), "{failures} failures, {since} s ago");
        }
    }

    #[test]
    fn a_household_is_one_address() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::3"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::3"), of("2001:db8:1:3::3"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
    }
}
