//! One look at one source: is there something new, is it what it should be, take it in.
//!
//! **Invariant:** nothing is taken in before its checksum and signature hold; a statutory list is
//! never on disk in clear; whatever goes wrong leaves the last good version where it is.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use minisign_verify::{PublicKey, Signature};
use sha2::{Digest, Sha256};

use crate::control::feeds::memory::Seen;
use crate::control::feeds::web::{Answer, Known, Web};
use crate::control::feeds::{Fault, Outcome};
use crate::control::lists::{
    self, Effect, ImportError, ImportOptions, Keys, MAX_REJECTED_PERCENT, Places, Sizes, take_fetched,
};
use crate::lists::NotAList;
use crate::lists::parse::detect;
use crate::lists::{Reading, Scoping, Suffixes};
use crate::model::{Timestamp, Url};
use crate::settings::{Delivers, Place, Source, Sum, digest};

/// What a look needs besides the source.
pub(super) struct Setting<'s> {
    pub(super) places: &'s Places,
    pub(super) keys: &'s Keys,
    pub(super) sizes: &'s Sizes,
    pub(super) extra_roots: &'s [PathBuf],
    /// Where a fetched file lies while it is taken in.
    pub(super) staging: &'s Path,
    pub(super) accept_shrink: &'s BTreeSet<String>,
    pub(super) now: Timestamp,
}

/// What a look found.
pub(super) struct Found {
    pub(super) outcome: Outcome,
    /// What the server called it, where it was taken or is the same.
    pub(super) known: Known,
    /// A digest of it; none of a statutory list.
    pub(super) content: Option<String>,
    /// How large the lists are that it brought.
    pub(super) sizes: Sizes,
}

/// What a source has.
enum Got {
    Unchanged(Known),
    File(Vec<u8>, Known),
    Folder(PathBuf, String),
}

/// Looks; `seen` is what was seen the last time, if that still says something.
pub(super) fn look(source: &Source, seen: Option<&Seen>, setting: &Setting<'_>) -> Found {
    let seen = seen.filter(|_| is_held(source, setting.places));
    let held = is_held(source, setting.places);
    look_through(source, seen, setting).unwrap_or_else(|fault| Found {
        outcome: if held { fault.into() } else { fault.of_the_first().into() },
        known: Known::default(),
        content: None,
        sizes: Sizes::new(),
    })
}

fn look_through(source: &Source, seen: Option<&Seen>, setting: &Setting<'_>) -> Result<Found, Fault> {
    let before = seen.and_then(|seen| seen.content.clone());
    let same =
        |known| Found { outcome: Outcome::Unchanged, known, content: before.clone(), sizes: Sizes::new() };
    match got(source, seen, setting)? {
        Got::Unchanged(known) => Ok(same(known)),
        Got::Folder(_, content) if before.as_deref() == Some(&*content) => Ok(same(Known::default())),
        Got::Folder(path, content) => {
            let sizes = import(source, &path, setting)?;
            let known = Known::default();
            Ok(Found { outcome: Outcome::Refreshed, known, content: Some(content), sizes })
        }
        Got::File(bytes, known) => match &source.what {
            Delivers::Statutory => {
                let taken = take_fetched(
                    (setting.places, setting.keys, setting.sizes),
                    &source.name,
                    &bytes,
                    setting.accept_shrink,
                    setting.now,
                );
                let Some(entries) = taken.map_err(Fault::Refused)? else { return Ok(same(known)) };
                let sizes = Sizes::from([(source.id(), entries)]);
                Ok(Found { outcome: Outcome::Refreshed, known, content: None, sizes })
            }
            Delivers::Lists { .. } => {
                let content = blake3::hash(&bytes).to_hex().to_string();
                if before.as_deref() == Some(&*content) {
                    return Ok(same(known));
                }
                let staged = Staged::write(setting.staging, source, &bytes, &known)?;
                let sizes = import(source, &staged.file, setting)?;
                Ok(Found { outcome: Outcome::Refreshed, known, content: Some(content), sizes })
            }
        },
    }
}

/// Whether something of it is held, so that "nothing new" is an answer.
fn is_held(source: &Source, places: &Places) -> bool {
    match source.what {
        Delivers::Statutory => places.kept.join(&source.name).exists(),
        Delivers::Lists { .. } => places.imported.join(&source.name).exists(),
    }
}

fn got(source: &Source, seen: Option<&Seen>, setting: &Setting<'_>) -> Result<Got, Fault> {
    match &source.place {
        Place::Path(path) if path.is_dir() => folder(source, path),
        Place::Path(path) => {
            let unreadable = |fault: std::io::Error| {
                Fault::Failed(format!("{} can't be read: {}", path.display(), fault.kind()))
            };
            let mut bytes = Vec::new();
            let file = File::open(path).map_err(unreadable)?;
            file.take(source.max_bytes + 1).read_to_end(&mut bytes).map_err(unreadable)?;
            if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > source.max_bytes {
                return Err(Fault::Refused(format!("it is larger than max_bytes, {}", source.max_bytes)));
            }
            let web = Web::new(setting.extra_roots, source.timeout)?;
            check(source, &bytes, &web, &|| {
                let path = PathBuf::from(format!("{}.minisig", path.display()));
                fs::read_to_string(path)
                    .map_err(|fault| Fault::Failed(format!("the signature can't be read: {}", fault.kind())))
            })?;
            Ok(Got::File(bytes, Known::default()))
        }
        Place::Web(url) => {
            let known =
                seen.map(|seen| Known { etag: seen.etag.clone(), last_modified: seen.last_modified.clone() });
            let known = known.unwrap_or_default();
            let web = Web::new(setting.extra_roots, source.timeout)?;
            match web.get(url, &known, source.max_bytes)? {
                Answer::NotModified => Ok(Got::Unchanged(known)),
                Answer::File(bytes, known) => {
                    check(source, &bytes, &web, &|| web.text(&beside(url)?, "the signature"))?;
                    Ok(Got::File(bytes, known))
                }
            }
        }
    }
}

/// A folder has no checksum; what it holds is told by a digest of all of it.
fn folder(source: &Source, path: &Path) -> Result<Got, Fault> {
    if source.sum.is_some() || source.minisign_key.is_some() {
        return Err(Fault::Refused("a folder has neither checksum nor signature: name a file".to_owned()));
    }
    if source.what == Delivers::Statutory {
        return Err(Fault::Refused("a statutory list is one file, not a folder".to_owned()));
    }
    let mut all = blake3::Hasher::new();
    let mut waiting = vec![path.to_owned()];
    let unreadable =
        |fault: std::io::Error| Fault::Failed(format!("the folder can't be read: {}", fault.kind()));
    while let Some(next) = waiting.pop() {
        if next.is_dir() && !next.is_symlink() {
            let entries: Result<Vec<PathBuf>, _> = fs::read_dir(&next)
                .map_err(unreadable)?
                .map(|entry| entry.map(|entry| entry.path()))
                .collect();
            let mut entries = entries.map_err(unreadable)?;
            entries.sort();
            waiting.extend(entries);
        } else if next.is_file() {
            all.update(next.as_os_str().as_encoded_bytes()).update(&[0]);
            all.update_reader(File::open(&next).map_err(unreadable)?).map_err(unreadable)?;
        }
    }
    Ok(Got::Folder(path.to_owned(), all.finalize().to_hex().to_string()))
}

/// Refuses what is no list, and what is not what was published.
fn check(
    source: &Source,
    bytes: &[u8],
    web: &Web,
    signature: &dyn Fn() -> Result<String, Fault>,
) -> Result<(), Fault> {
    match detect(&file_name(source), bytes) {
        // What is in it is for the import to say.
        Err(NotAList::Archive) if source.what != Delivers::Statutory => {}
        Err(why) => return Err(Fault::Refused(why.to_string())),
        Ok(_) => {}
    }
    let wanted = match &source.sum {
        None => None,
        Some(Sum::Pinned(sum)) => Some(*sum),
        Some(Sum::Published(url)) => {
            let text = web.text(url, "the published checksum")?;
            let found = published(&text, &file_name(source));
            Some(found.ok_or_else(|| Fault::Refused("the published checksums don't name it".to_owned()))?)
        }
    };
    if wanted.is_some_and(|wanted| *Sha256::digest(bytes) != wanted) {
        return Err(Fault::Refused("its SHA-256 is not the one that it must have".to_owned()));
    }
    match &source.minisign_key {
        Some(key) => verify(key, bytes, &signature()?),
        None => Ok(()),
    }
}

fn verify(key: &PublicKey, bytes: &[u8], signature: &str) -> Result<(), Fault> {
    let signature = Signature::decode(signature)
        .map_err(|_| Fault::Refused("its signature is not one of minisign".to_owned()))?;
    // Old signatures are over the file itself, new ones over its hash; both are sound.
    key.verify(bytes, &signature, true)
        .map_err(|_| Fault::Refused("its signature does not hold under minisign_key".to_owned()))
}

/// The sum of a file in a text as `sha256sum` writes it: `SUM  name`, or the sum alone.
fn published(text: &str, file: &str) -> Option<[u8; 32]> {
    let mut alone = None;
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    for line in &lines {
        let (sum, name) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let name = name.trim_start().trim_start_matches('*');
        if !name.is_empty() && name.rsplit('/').next() == Some(file) {
            return digest(sum);
        }
        if name.is_empty() && lines.len() == 1 {
            alone = digest(sum);
        }
    }
    alone
}

fn import(source: &Source, path: &Path, setting: &Setting<'_>) -> Result<Sizes, Fault> {
    let Delivers::Lists { category, format, accept_protected } = &source.what else {
        return Ok(Sizes::new());
    };
    let options = ImportOptions {
        category: category.clone(),
        format: *format,
        reading: Reading::Block,
        scoping: Scoping::ByFormat,
        suffixes: Suffixes::Refused,
        name: Some(source.name.clone()),
        licence: source.licence.clone(),
        max_rejected_percent: MAX_REJECTED_PERCENT,
        effect: Effect::Write,
        accept_shrink: setting.accept_shrink.clone(),
        accept_protected: accept_protected.iter().cloned().collect(),
        used: None,
        now: setting.now,
    };
    let report = lists::import(path, &options, setting.places, setting.keys.index, &|_, _, _| {});
    let report = report.map_err(|fault| match fault {
        ImportError::NoCategory => {
            Fault::Refused("it is a single list: the source needs a `category`".to_owned())
        }
        ImportError::OwnCategories => {
            Fault::Refused("it is a tree of lists, which has its own categories and format".to_owned())
        }
        ImportError::Unreadable { .. } | ImportError::Unwritable { .. } | ImportError::Busy => {
            Fault::Failed(fault.to_string())
        }
        ImportError::Archive(_)
        | ImportError::NotAList { .. }
        | ImportError::NoEntry(_)
        | ImportError::Name(_)
        | ImportError::Shrunk(_)
        | ImportError::Rejected { .. }
        | ImportError::Protected(_)
        | ImportError::ProtectedNames(_)
        | ImportError::NoTree(_)
        | ImportError::Twice(_)
        | ImportError::Includes(_)
        | ImportError::Before(_) => Fault::Refused(fault.to_string()),
    })?;
    let mut sizes = Sizes::new();
    for row in report.files {
        *sizes.entry(row.list).or_default() += row.kept;
    }
    Ok(sizes)
}

/// A fetched file while it is taken in; gone when this is dropped.
struct Staged {
    file: PathBuf,
}

impl Staged {
    fn write(staging: &Path, source: &Source, bytes: &[u8], known: &Known) -> Result<Staged, Fault> {
        let unwritable =
            |fault: std::io::Error| Fault::Failed(format!("the file can't be kept: {}", fault.kind()));
        let folder = staging.join(&source.name);
        // What a look that was cut off left behind.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(unwritable)?;
        let staged = Staged { file: folder.join(file_name(source)) };
        let mut file = File::create_new(&staged.file).map_err(unwritable)?;
        file.write_all(bytes).map_err(unwritable)?;
        // A list without a date of its own has that of its file.
        if let Some(published) = known.last_modified.as_deref().and_then(http_date) {
            file.set_modified(published).map_err(unwritable)?;
        }
        Ok(staged)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // If it can't be removed now, the next look removes it.
        let _ = self.file.parent().map(fs::remove_dir_all);
    }
}

fn http_date(text: &str) -> Option<SystemTime> {
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_second();
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(at).ok()?))
}

/// What the file is called where it comes from; some formats go by it.
fn file_name(source: &Source) -> String {
    let name = match &source.place {
        Place::Web(url) => url.path().rsplit('/').next().unwrap_or_default().to_owned(),
        Place::Path(path) => path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned(),
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let fits = !name.is_empty() && name.len() <= 64 && !name.starts_with('.') && name.bytes().all(allowed);
    if fits { name } else { "list".to_owned() }
}

/// Where the signature of a file is: at the same place with `.minisig` behind its path.
fn beside(url: &Url) -> Result<Url, Fault> {
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let text = format!("{}://{}{}.minisig{query}", url.scheme().as_str(), url.authority(), url.path());
    Url::parse(&text).map_err(|_| Fault::Failed("its signature has no address".to_owned()))
}
