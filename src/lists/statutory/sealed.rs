//! The last good form of a statutory list, as bytes that can be kept: hashes and no text.
//!
//! **Invariant:** what is opened is what this gateway sealed, bit for bit: a keyed BLAKE3 over
//! all of it is checked before anything is read; a file of another key, another version or with
//! one bit other is told as such and gives nothing.

use crate::lists::statutory::StatutoryList;
use crate::lists::statutory::hashed::{HashedEntry, HashedHost, HashedList, Level};
use crate::lists::statutory::hashes::{Hash, Hasher, Quick};
use crate::model::Timestamp;

/// What every sealed list begins with; for whoever looks at the file.
const MAGIC: &[u8] = b"schoolgate statutory list, hashed\n";
/// The form below; a list of another form is read anew from its file or source.
const FORM: u32 = 1;
const MAC: usize = 32;

/// A hashed list, and how it was taken.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// The list.
    pub list: HashedList,
    /// When it was taken.
    pub taken: Timestamp,
    /// Where it came from.
    pub from: TakenFrom,
    /// Whether it is there to be tried out and does not count as held.
    pub synthetic: bool,
    /// What it was taken from.
    pub content: Content,
}

/// Where a statutory list came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakenFrom {
    /// A file in the slot.
    Slot,
    /// A source that is looked at again and again.
    Source,
}

/// A file as it was when it was taken: a keyed digest of its bytes, and when it was last written.
/// It says nothing about them to anybody without the key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Content {
    digest: [u8; 32],
    written: Timestamp,
}

/// Why a sealed list can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealFault {
    /// It is no sealed list.
    #[error("it is not a hashed statutory list")]
    Foreign,
    /// Another version of this program made it.
    #[error("it was made by another version of this program")]
    OtherForm,
    /// Another gateway made it.
    #[error("it was made under another gateway's key")]
    OtherKey,
    /// It is not as it was made.
    #[error("it is damaged")]
    Damaged,
}

impl Content {
    /// The digest of these bytes under the gateway's key.
    #[must_use]
    pub fn of(key: [u8; 32], bytes: &[u8], written: Timestamp) -> Content {
        let key = blake3::derive_key("schoolgate 2026 statutory file digest", &key);
        Content { digest: *blake3::keyed_hash(&key, bytes).as_bytes(), written }
    }

    /// The start of the digest, to stand for a version where the list names none.
    #[must_use]
    pub fn version(&self) -> String {
        self.digest[..6].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// When the file was last written.
    #[must_use]
    pub fn written(&self) -> Timestamp {
        self.written
    }
}

impl Sealed {
    /// As bytes under the gateway's key.
    #[must_use]
    pub fn seal(&self, key: [u8; 32]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(FORM.to_le_bytes());
        bytes.extend(Hasher::new(key).id().bytes());
        self.put_head(&mut bytes);
        put_count(&mut bytes, self.list.entries.len());
        for entry in &self.list.entries {
            bytes.extend(entry.hash.bytes());
            bytes.extend(entry.quick.bytes());
            bytes.extend(entry.id.to_le_bytes());
            bytes.push(match entry.level {
                Level::Host => 0,
                Level::Page => 1,
            });
            put_count(&mut bytes, entry.parameters.len());
            bytes.extend(entry.parameters.iter().flat_map(|hash| hash.bytes()));
        }
        put_count(&mut bytes, self.list.hosts.len());
        for host in &self.list.hosts {
            bytes.extend(host.hash.bytes());
            bytes.extend(host.quick.bytes());
        }
        let mac = mac(key, &bytes);
        bytes.extend(mac.as_bytes());
        bytes
    }

    /// Opens what [`Sealed::seal`] made under the same key.
    ///
    /// # Errors
    /// [`SealFault`]: none of it is to be used.
    pub fn open(key: [u8; 32], bytes: &[u8]) -> Result<Sealed, SealFault> {
        let mut all = Cursor(bytes);
        if all.take(MAGIC.len()) != Some(MAGIC) {
            return Err(SealFault::Foreign);
        }
        let form = all.u32().ok_or(SealFault::Damaged)?;
        if form != FORM {
            return Err(SealFault::OtherForm);
        }
        let own = Hasher::new(key).id();
        if all.take(8).ok_or(SealFault::Damaged)? != own.bytes() {
            return Err(SealFault::OtherKey);
        }
        let body = bytes.len().checked_sub(MAC).ok_or(SealFault::Damaged)?;
        let (body, end) = bytes.split_at(body);
        // BLAKE3's own comparison, which takes the same time wherever they differ.
        if mac(key, body) != blake3::Hash::from_slice(end).map_err(|_| SealFault::Damaged)? {
            return Err(SealFault::Damaged);
        }
        all.0 = body.get(MAGIC.len() + 4 + 8..).ok_or(SealFault::Damaged)?;
        let mut sealed = all.head(own).ok_or(SealFault::Damaged)?;
        all.hashes(&mut sealed.list).ok_or(SealFault::Damaged)?;
        if all.0.is_empty() { Ok(sealed) } else { Err(SealFault::Damaged) }
    }

    fn put_head(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.taken.as_millis().to_le_bytes());
        bytes.push(match self.from {
            TakenFrom::Slot => 0,
            TakenFrom::Source => 1,
        });
        bytes.push(u8::from(self.synthetic));
        bytes.extend(self.content.digest);
        bytes.extend(self.content.written.as_millis().to_le_bytes());
        let about = &self.list.about;
        for text in [&about.name, &about.version] {
            put_count(bytes, text.len());
            bytes.extend(text.as_bytes());
        }
        for count in [about.entries, about.pages, about.rejected, self.list.deepest] {
            put_count(bytes, count);
        }
    }
}

impl std::fmt::Debug for Content {
    /// When it was written.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Content").field("written", &self.written).finish_non_exhaustive()
    }
}

/// What is left to read.
struct Cursor<'b>(&'b [u8]);

impl<'b> Cursor<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn count(&mut self) -> Option<usize> {
        usize::try_from(self.u32()?).ok()
    }

    fn time(&mut self) -> Option<Timestamp> {
        self.array().map(i64::from_le_bytes).map(Timestamp::from_millis)
    }

    fn text(&mut self) -> Option<Box<str>> {
        let length = self.count()?;
        std::str::from_utf8(self.take(length)?).ok().map(Into::into)
    }

    fn hash(&mut self) -> Option<Hash> {
        self.array().map(Hash::from_bytes)
    }

    fn quick(&mut self) -> Option<Quick> {
        self.array().map(Quick::from_bytes)
    }

    fn head(&mut self, key: super::hashes::KeyId) -> Option<Sealed> {
        let taken = self.time()?;
        let from = match self.array()? {
            [0] => TakenFrom::Slot,
            [1] => TakenFrom::Source,
            _ => return None,
        };
        let synthetic = self.array()? == [1];
        let content = Content { digest: self.array()?, written: self.time()? };
        let (name, version) = (self.text()?, self.text()?);
        let (entries, pages, rejected) = (self.count()?, self.count()?, self.count()?);
        let about = StatutoryList { name, version, entries, pages, rejected };
        let deepest = self.count()?;
        let list = HashedList { key, about, entries: Vec::new(), hosts: Vec::new(), deepest };
        Some(Sealed { list, taken, from, synthetic, content })
    }

    fn hashes(&mut self, list: &mut HashedList) -> Option<()> {
        for _ in 0..self.count()? {
            let (hash, quick, id) = (self.hash()?, self.quick()?, u64::from_le_bytes(self.array()?));
            let level = match self.array()? {
                [0] => Level::Host,
                [1] => Level::Page,
                _ => return None,
            };
            let parameters = (0..self.count()?).map(|_| self.hash()).collect::<Option<_>>()?;
            list.entries.push(HashedEntry { hash, quick, id, level, parameters });
        }
        for _ in 0..self.count()? {
            list.hosts.push(HashedHost { hash: self.hash()?, quick: self.quick()? });
        }
        Some(())
    }
}

fn put_count(bytes: &mut Vec<u8>, count: usize) {
    let count = u32::try_from(count).expect("a list of at most 1 GiB has fewer entries");
    bytes.extend(count.to_le_bytes());
}

fn mac(key: [u8; 32], bytes: &[u8]) -> blake3::Hash {
    let key = blake3::derive_key("schoolgate 2026 statutory sealed list", &key);
    blake3::keyed_hash(&key, bytes)
}

#[cfg(test)]
mod tests;
