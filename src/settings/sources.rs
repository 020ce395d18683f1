//! `[[lists.source]]` and `[[statutory.source]]`: where lists come from, and what they must be.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use minisign_verify::PublicKey;

use super::sections::path;
use super::words::Length;
use crate::document::{Faults, Spanned, Table};
use crate::lists::ListFormat;
use crate::model::{Url, UrlError};

/// Names that mean something else among lists.
const RESERVED: [&str; 5] = ["seed", "school", "statutory", "lifeline", "unblock"];
const HOUR: Duration = Duration::from_secs(3600);
/// Statutory lists change twice a day.
const STATUTORY_AT_MOST: Duration = Duration::from_secs(12 * 3600);

/// One place that a list, or a tree of lists, comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What it is called; its lists are `name/…`.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// What it delivers.
    pub what: Delivers,
    /// How often it is looked at.
    pub every: Duration,
    /// The licence of its lists.
    pub licence: String,
    /// Who must be named where its lists are shown.
    pub attribution: String,
    /// The SHA-256 that it must have.
    pub sum: Option<Sum>,
    /// Whose signature must be at the same place with `.minisig` behind it.
    pub minisign_key: Option<PublicKey>,
    /// The largest file that is taken.
    pub max_bytes: u64,
    /// How long it may take in all.
    pub timeout: Duration,
}

/// Where a source is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the web.
    Web(Url),
    /// A file or folder of this machine.
    Path(PathBuf),
}

/// What a source delivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivers {
    /// Lists that categories are made of.
    Lists {
        /// The list that a single file becomes; a tree has its own.
        category: Option<String>,
        /// How the file is written, where that should not be guessed.
        format: Option<ListFormat>,
        /// Hosts that no list may cover, and this one may all the same.
        accept_protected: Vec<String>,
    },
    /// A statutory list.
    Statutory,
}

/// The SHA-256 that a file must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sum {
    /// This one: the file never changes.
    Pinned([u8; 32]),
    /// The one that is published here, beside the file's name or alone.
    Published(Url),
}

/// What the two kinds of source have of their own.
struct Usual {
    every: Duration,
    longest: Duration,
    max_bytes: u64,
    timeout: Duration,
}

impl Source {
    /// What it is called in commands, record and metrics: `ut1`, `statutory/iwf`.
    #[must_use]
    pub fn id(&self) -> String {
        match self.what {
            Delivers::Lists { .. } => self.name.clone(),
            Delivers::Statutory => format!("statutory/{}", self.name),
        }
    }

    /// Every `[[lists.source]]`.
    pub(super) fn read_lists(lists: &mut Table<'_>, base: &Path, faults: &mut Faults) -> Vec<Source> {
        let usual =
            Usual { every: 24 * HOUR, longest: 30 * 24 * HOUR, max_bytes: 128 << 20, timeout: HOUR / 6 };
        all(lists, faults, &mut |table, faults| {
            let what = Delivers::Lists {
                category: word(table, "category", faults),
                format: table.take_parsed("format", faults),
                accept_protected: texts(table, "accept_protected", faults),
            };
            read(table, what, &usual, base, faults)
        })
    }

    /// Every `[[statutory.source]]`.
    pub(super) fn read_statutory(statutory: &mut Table<'_>, base: &Path, faults: &mut Faults) -> Vec<Source> {
        let usual =
            Usual { every: 6 * HOUR, longest: STATUTORY_AT_MOST, max_bytes: 64 << 20, timeout: HOUR / 12 };
        all(statutory, faults, &mut |table, faults| read(table, Delivers::Statutory, &usual, base, faults))
    }
}

fn all(
    section: &mut Table<'_>,
    faults: &mut Faults,
    read: &mut dyn FnMut(&mut Table<'_>, &mut Faults) -> Option<Source>,
) -> Vec<Source> {
    let (mut sources, mut names) = (Vec::new(), BTreeSet::new());
    for mut table in section.array_of_tables("source") {
        let at = table.at("name");
        let source = read(&mut table, faults);
        table.finish(faults);
        let Some(source) = source else { continue };
        if let Some(at) = at.filter(|_| !names.insert(source.name.clone())) {
            faults.push(at.fault(format!("there is another source called {}", source.name)));
        }
        sources.push(source);
    }
    sources
}

fn read(
    table: &mut Table<'_>,
    what: Delivers,
    usual: &Usual,
    base: &Path,
    faults: &mut Faults,
) -> Option<Source> {
    let name = table.require("name", faults).and_then(|name| is_name(name, faults));
    let place = place(table, base, faults);
    let every = length(table, "every", HOUR / 12..=usual.longest, usual.every, faults);
    let timeout = length(table, "timeout", Duration::from_secs(1)..=HOUR, usual.timeout, faults);
    let licence = table.take("licence", faults).unwrap_or_default();
    let attribution = table.take("attribution", faults).unwrap_or_default();
    let max_bytes = table.take_within("max_bytes", 1024..=1 << 30, faults).unwrap_or(usual.max_bytes);
    let sum = sum(table, faults);
    let minisign_key = table.take_parsed("minisign_key", faults).map(|Key(key)| key);
    let (name, place) = (name?, place?);
    Some(Source { name, place, what, every, licence, attribution, sum, minisign_key, max_bytes, timeout })
}

fn place(table: &mut Table<'_>, base: &Path, faults: &mut Faults) -> Option<Place> {
    let (url_at, path_at) = (table.at("url"), table.at("path"));
    let url = table.take_parsed("url", faults).map(|Address(url)| Place::Web(url));
    let path = path(table, "path", base, faults).map(Place::Path);
    match (url_at, path_at) {
        (None, None) => {
            faults.push(table.header().fault("a source has a `url` or a `path`"));
            None
        }
        (Some(_), Some(at)) => {
            faults.push(at.fault("a source has a `url` or a `path`, not both"));
            None
        }
        (Some(_), None) | (None, Some(_)) => url.or(path),
    }
}

fn sum(table: &mut Table<'_>, faults: &mut Faults) -> Option<Sum> {
    let both = table.at("sha256").and(table.at("sha256_url"));
    let pinned = table.take_parsed("sha256", faults).map(|Digest(digest)| Sum::Pinned(digest));
    let published = table.take_parsed("sha256_url", faults).map(|Address(url)| Sum::Published(url));
    faults.extend(both.map(|at| at.fault("a source has a `sha256` or a `sha256_url`, not both")));
    pinned.or(published)
}

fn length(
    table: &mut Table<'_>,
    key: &str,
    range: std::ops::RangeInclusive<Duration>,
    usual: Duration,
    faults: &mut Faults,
) -> Duration {
    let at = table.at(key);
    let Some(Length(length)) = table.take_parsed(key, faults) else { return usual };
    if range.contains(&length) {
        return length;
    }
    let shown = |length: &Duration| match length.as_secs() {
        hours if hours % 3600 == 0 => format!("{}h", hours / 3600),
        minutes if minutes % 60 == 0 => format!("{}m", minutes / 60),
        seconds => format!("{seconds}s"),
    };
    let help = format!("write a time from {} to {}", shown(range.start()), shown(range.end()));
    faults.extend(at.map(|at| at.fault("out of range").help(help)));
    usual
}

fn is_name(name: Spanned<String>, faults: &mut Faults) -> Option<String> {
    if is_word(&name.value) && !RESERVED.contains(&&*name.value) && !name.value.ends_with(".previous") {
        return Some(name.value);
    }
    let problem = format!("a source can't be called {:?}", name.value);
    faults.push(name.at.fault(problem).help("letters, digits, - and _; not seed, school or statutory"));
    None
}

fn word(table: &mut Table<'_>, key: &str, faults: &mut Faults) -> Option<String> {
    let word: Spanned<String> = table.take(key, faults)?;
    if is_word(&word.value) {
        return Some(word.value);
    }
    faults.push(word.at.fault("not a category").help("letters, digits, - and _"));
    None
}

fn is_word(word: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !word.is_empty() && word.len() <= 64 && !word.starts_with('.') && word.bytes().all(allowed)
}

fn texts(table: &mut Table<'_>, key: &str, faults: &mut Faults) -> Vec<String> {
    let found: Option<Vec<Spanned<String>>> = table.take_list(key, faults);
    found.unwrap_or_default().into_iter().map(|text| text.value).collect()
}

/// A place on the web, without a password: it would stand in logs and on screens.
struct Address(Url);

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        let authority =
            text.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?']).next().unwrap_or(""));
        if authority.contains('@') {
            return Err("a name or password can't stand in a URL here".to_owned());
        }
        Url::parse(text).map(Address).map_err(|fault| match fault {
            UrlError::Scheme => {
                "only http and https addresses can be fetched; for a file write `path`".to_owned()
            }
            UrlError::TooLong | UrlError::Host(_) | UrlError::Port | UrlError::Text => {
                format!("{fault}; write https://lists.example.org/list.txt")
            }
        })
    }
}

/// A public key as `minisign` prints it.
struct Key(PublicKey);

impl FromStr for Key {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Key, Self::Err> {
        PublicKey::from_base64(text).map(Key).map_err(
            |_| "not a minisign public key: write the second line of minisign.pub, which begins with RW",
        )
    }
}

/// 64 hexadecimal digits.
struct Digest([u8; 32]);

impl FromStr for Digest {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Digest, Self::Err> {
        digest(text).map(Digest).ok_or("not a SHA-256: write its 64 hexadecimal digits")
    }
}

/// A SHA-256 as `sha256sum` prints it.
#[must_use]
pub fn digest(text: &str) -> Option<[u8; 32]> {
    let (mut digest, text) = ([0; 32], text.as_bytes());
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(text.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
    }
    Some(digest)
}
