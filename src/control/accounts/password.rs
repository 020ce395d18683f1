//! Passwords: which will do, and how they are kept.
//!
//! **Invariant:** a password is kept as argon2id alone; at most two are worked on at one time, so
//! that guessing can't take the box's memory; and a name that nobody has costs what a wrong
//! password does.
//!
//! What is asked of one: 12 to 128 characters, and that it is not what a guesser tries first. No
//! kinds of characters are asked for, and none is refused (NIST SP 800-63B-4; ASVS 5.0, 6.2).

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;

use crate::control::accounts::AccountError;

/// Fewest characters.
const SHORTEST: usize = 12;
/// Most characters.
const LONGEST: usize = 128;
/// How many are worked on at one time.
const AT_ONCE: usize = 2;
/// How many may wait for that; further ones are told to come back.
const WAITING: usize = 32;
/// Characters that must be left of a password without the words that everybody knows of its owner.
const OWN_LEFT: usize = 8;

static COMMON: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    include_str!("passwords.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
});

/// What hashing a password costs.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
}

/// Why a password will not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Under 12 characters.
    #[error("the password is too short: it takes 12 characters or more; three or four words do well")]
    TooShort,
    /// Over 128 characters.
    #[error("the password is longer than 128 characters")]
    TooLong,
    /// Of words that are tried first.
    #[error("this password is among the first that a guesser tries: take words that belong to nothing")]
    Common,
    /// A few characters over and over, or in a row.
    #[error("this password repeats itself, or runs along the keyboard: take three or four words")]
    Pattern,
    /// Of the person's own name or the school's.
    #[error("this password is made of your name, or of the school's: take other words")]
    Own,
}

/// Hashes passwords, and says whether they match.
pub(super) struct Hasher {
    cost: Cost,
    places: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

impl Cost {
    /// OWASP's: 19 MiB, two passes, one lane.
    pub const OWASP: Cost = Cost { memory: 19 * 1024, passes: 2 };
}

impl Hasher {
    pub(super) fn new(cost: Cost) -> Hasher {
        let queue = Arc::new(Semaphore::new(AT_ONCE + WAITING));
        Hasher { cost, places: Arc::new(Semaphore::new(AT_ONCE)), queue }
    }

    /// What is kept of a password.
    pub(super) async fn hash(&self, password: &str) -> Result<String, AccountError> {
        let (argon, text) = (self.argon()?, normal(password));
        self.work(move || hashed(&argon, &text)).await?
    }

    /// Whether it is the password of which `kept` was kept. As slow where there is none.
    pub(super) async fn matches(&self, password: &str, kept: Option<String>) -> Result<bool, AccountError> {
        let (argon, text) = (self.argon()?, normal(password));
        let matches = move || match kept {
            Some(kept) => {
                let kept = PasswordHash::new(&kept).map_err(|_| AccountError::Unhashed)?;
                Ok(argon.verify_password(text.as_bytes(), &kept).is_ok())
            }
            None => hashed(&argon, &text).map(|_| false),
        };
        self.work(matches).await?
    }

    fn argon(&self) -> Result<Argon2<'static>, AccountError> {
        let params = Params::new(self.cost.memory, self.cost.passes, 1, None);
        let params = params.map_err(|_| AccountError::Unhashed)?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }

    /// Off the threads that answer, and never many at once.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AccountError> {
        let _waiting = self.queue.try_acquire().map_err(|_| AccountError::Busy)?;
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| AccountError::Busy)?;
        let worked = tokio::task::spawn_blocking(move || {
            let worked = work();
            drop(place);
            worked
        });
        worked.await.map_err(|_| AccountError::Unhashed)
    }
}

/// Whether a password will do for `name` at `school`; if not, why, in words for the person.
pub(super) fn check(password: &str, name: &str, school: &str) -> Result<(), WeakPassword> {
    let text = normal(password);
    let length = text.chars().count();
    if length < SHORTEST {
        return Err(WeakPassword::TooShort);
    }
    if length > LONGEST {
        return Err(WeakPassword::TooLong);
    }
    if is_pattern(&text) {
        return Err(WeakPassword::Pattern);
    }
    let core = core(&text);
    // Phrases that everybody knows are one entry each, however long.
    if COMMON.contains(&*core) || pieces(&core, &COMMON).is_some_and(|pieces| pieces <= 2) {
        return Err(WeakPassword::Common);
    }
    let own: Vec<String> = [name, school, "schoolgate"].iter().flat_map(|text| own_words(text)).collect();
    let left = own.iter().fold(core.clone(), |left, word| left.replace(word, ""));
    if left.len() < core.len() && left.chars().count() < OWN_LEFT {
        return Err(WeakPassword::Own);
    }
    Ok(())
}

fn hashed(argon: &Argon2<'_>, text: &str) -> Result<String, AccountError> {
    let hash = argon.hash_password(text.as_bytes()).map_err(|_| AccountError::Unhashed)?;
    Ok(hash.to_string())
}

/// One spelling of what looks the same (NFC), however it was typed.
fn normal(password: &str) -> String {
    password.nfc().collect()
}

/// The letters of a password, as a guesser sees through it: small, digits and signs that stand for
/// letters read as such, what is added at the ends taken off.
fn core(text: &str) -> String {
    let small = text.to_lowercase();
    let word = small.trim_matches(|c: char| !c.is_alphabetic() && c != '@' && c != '$');
    let letters = word.chars().filter_map(|c| match c {
        '0' => Some('o'),
        '1' | '!' => Some('i'),
        '3' => Some('e'),
        '4' | '@' => Some('a'),
        '5' | '$' => Some('s'),
        '7' => Some('t'),
        letter if letter.is_alphabetic() => Some(letter),
        _ => None,
    });
    letters.collect()
}

/// The fewest of `words` that `text` is made of, if it is; nothing left counts as made of one.
fn pieces(text: &str, words: &HashSet<&'static str>) -> Option<usize> {
    let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let mut fewest: Vec<Option<usize>> = vec![None; ends.len()];
    fewest[0] = Some(usize::from(text.is_empty()));
    for to in 1..ends.len() {
        for from in to.saturating_sub(24)..to {
            let Some(before) = fewest[from] else { continue };
            if words.contains(&text[ends[from]..ends[to]]) {
                let count = before + 1;
                fewest[to] = Some(fewest[to].map_or(count, |known| known.min(count)));
            }
        }
    }
    fewest.last().copied().flatten()
}

/// Few different characters, one short piece over and over, or mostly runs.
fn is_pattern(text: &str) -> bool {
    const ROWS: [&str; 6] =
        ["qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "abcdefghijklmnopqrstuvwxyz", "qazwsxedcrfvtgb"];
    let letters: Vec<char> = text.to_lowercase().chars().collect();
    let different: HashSet<&char> = letters.iter().collect();
    let repeats = (1..=letters.len() / 2).any(|period| {
        period <= 6 && letters.iter().enumerate().all(|(at, letter)| *letter == letters[at % period])
    });
    let next = |row: &str, one: char, other: char| {
        let at = |c| row.chars().position(|letter| letter == c);
        at(one).zip(at(other)).is_some_and(|(one, other)| one.abs_diff(other) == 1)
    };
    let runs = letters
        .windows(2)
        .filter(|pair| pair[0] == pair[1] || ROWS.iter().any(|row| next(row, pair[0], pair[1])))
        .count();
    different.len() < 4 || repeats || runs * 4 >= (letters.len() - 1) * 3
}

/// The words of a name that are long enough to tell, the longest first.
fn own_words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphabetic()).map(str::to_lowercase);
    let mut words: Vec<String> = words.filter(|word| word.chars().count() >= 4).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_guessers_try_first_will_not_do_and_phrases_will() {
        use WeakPassword::{Common, Own, Pattern, TooLong, TooShort};
        let long = "x y".repeat(43);
        let rows: [(&str, Result<(), WeakPassword>); 23] = [
            ("correct hats", Ok(())),
            ("four words in rain", Ok(())),
            ("Tr0ub4dor&3xyzzy", Ok(())),
            ("ŵyddfa yn y glaw", Ok(())),
            ("короткие слова", Ok(())),
            ("elevenchars", Err(TooShort)),
            (&long, Err(TooLong)),
            ("Password1234!", Err(Common)),
            ("P@ssw0rd!!!!2026", Err(Common)),
            ("welcomefootball7", Err(Common)),
            ("123-456-789-000", Err(Common)),
            ("qwertyuiop12", Err(Pattern)),
            ("abcabcabcabc", Err(Pattern)),
            ("aaaaaaaaaaaaaaaa", Err(Pattern)),
            ("987654321098", Err(Pattern)),
            ("evansevans2026", Err(Own)),
            ("StExampleEvans1", Err(Own)),
            ("schoolgate-2026", Err(Common)),
            ("2026!!2027??2028", Err(Common)),
            ("correct horse battery staple", Err(Common)),
            ("C0rrect-Horse-Battery-Staple1!", Err(Common)),
            ("May the force be with you", Err(Common)),
            ("zebra evans lamp quilt", Ok(())),
        ];
        for (password, expected) in rows {
            assert_eq!(check(password, "j.evans", "St Example Primary"), expected, "{password}");
        }
    }

    #[test]
    fn the_list_holds_plain_small_words() {
        assert!(COMMON.len() > 300);
        assert!(COMMON.iter().all(|word| word.chars().all(|c| c.is_ascii_lowercase())));
    }

    #[tokio::test]
    async fn a_password_matches_however_its_accents_are_typed() {
        let hasher = Hasher::new(Cost { memory: 8, passes: 1 });
        let kept = hasher.hash("caf\u{e9} au lait, oui").await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{kept}");
        assert!(hasher.matches("cafe\u{301} au lait, oui", Some(kept.clone())).await.unwrap());
        assert!(!hasher.matches("cafe au lait, oui", Some(kept)).await.unwrap());
        assert!(!hasher.matches("anything at all", None).await.unwrap());
    }
}
