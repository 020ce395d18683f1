//! The compiled form of an index: one file of sections, hot ones first.
//!
//! **Invariant:** a file that was cut off, changed or written by another version is told from one
//! that is whole: the head names its version, and the last 32 bytes are the BLAKE3 of all before.
//!
//! ```text
//! "SGLISTS\n"  version  number of sections  (offset, length) of each   little-endian u64
//! the sections, each from a multiple of 64 bytes                       hot, then cold
//! BLAKE3 of everything above                                           32 bytes
//! ```

use std::io::{self, Read, Write};

use bytes::Bytes;

const MAGIC: &[u8; 8] = b"SGLISTS\n";
/// Goes up whenever a section, a cell or a hash changes its meaning.
const VERSION: u64 = 1;
const ALIGN: usize = 64;
const DIGEST: usize = 32;

/// What the sections hold, in the order of the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    /// Small things, as JSON: key, origins, lists, counts, patterns.
    About,
    /// Which files list a name, and how.
    Groups,
    GroupStarts,
    /// Names: see `table`.
    NameFilter,
    NameBuckets,
    NameFingerprints,
    NamePayloads,
    /// Pages: see `table`.
    PageFilter,
    PageBuckets,
    PageFingerprints,
    PagePayloads,
    PagePostings,
    Networks,
    /// From here on cold: read only where a match is to be shown or must be sure.
    NameStarts,
    NameTexts,
    PageStarts,
    PageTexts,
    WrittenStarts,
    WrittenTexts,
}

/// How many sections there are.
const SECTIONS: usize = Section::WrittenTexts as usize + 1;
const HEAD: usize = 8 + 8 + 8 + SECTIONS * 16;

/// A compiled index: its sections, in memory or mapped.
#[derive(Clone, Default)]
pub struct Compiled {
    sections: [Bytes; SECTIONS],
}

/// Why bytes are no compiled index of this version.
#[derive(Debug, thiserror::Error)]
pub enum NotCompiled {
    /// Something else altogether, or of another version.
    #[error("it was written by another version of the program, or is something else")]
    Foreign,
    /// Its digest does not fit: damaged or cut off.
    #[error("it is damaged")]
    Damaged,
    /// It can't be read.
    #[error("it can't be read: {0}")]
    Unreadable(#[from] io::Error),
}

impl Compiled {
    pub(super) fn section(&self, section: Section) -> Bytes {
        self.sections[section as usize].clone()
    }

    pub(super) fn put(&mut self, section: Section, bytes: Vec<u8>) {
        self.sections[section as usize] = bytes.into();
    }

    /// The bytes that every look-up may touch; the others are only read to show a match.
    #[must_use]
    pub fn hot_bytes(&self) -> usize {
        self.sections[..Section::NameStarts as usize].iter().map(Bytes::len).sum()
    }

    /// All bytes of the sections.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sections.iter().map(Bytes::len).sum()
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes the file.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut out = Digesting { out, digest: blake3::Hasher::new() };
        let mut at = aligned(HEAD);
        let mut head = Vec::with_capacity(HEAD);
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&VERSION.to_le_bytes());
        head.extend_from_slice(&word(SECTIONS));
        for section in &self.sections {
            head.extend_from_slice(&word(at));
            head.extend_from_slice(&word(section.len()));
            at = aligned(at + section.len());
        }
        out.padded(&head)?;
        for section in &self.sections {
            out.padded(section)?;
        }
        let digest = out.digest.finalize();
        out.out.write_all(digest.as_bytes())
    }

    /// Reads a file to its end and holds it against its digest.
    ///
    /// # Errors
    /// [`NotCompiled`].
    pub fn verify(file: &mut impl Read) -> Result<(), NotCompiled> {
        let mut digest = blake3::Hasher::new();
        let mut buffer = vec![0; 1 << 20];
        // The last bytes read are held back: they may be the digest.
        let mut held = 0;
        loop {
            let read = file.read(&mut buffer[held..])?;
            let filled = held + read;
            if read == 0 {
                let fits = filled == DIGEST && digest.finalize() == blake3::Hash::from_bytes(tail(&buffer));
                return if fits { Ok(()) } else { Err(NotCompiled::Damaged) };
            }
            let past = filled.saturating_sub(DIGEST);
            digest.update(&buffer[..past]);
            buffer.copy_within(past..filled, 0);
            held = filled - past;
        }
    }

    /// The sections of a file that [`Compiled::verify`] found whole.
    ///
    /// # Errors
    /// [`NotCompiled`] if the head is not one of this version.
    pub fn open(file: &Bytes) -> Result<Compiled, NotCompiled> {
        let head = file.get(..HEAD).ok_or(NotCompiled::Foreign)?;
        let words: Vec<usize> = head[8..].chunks_exact(8).map(number).collect();
        if &head[..8] != MAGIC || words[0] != number(&VERSION.to_le_bytes()) || words[1] != SECTIONS {
            return Err(NotCompiled::Foreign);
        }
        let mut compiled = Compiled::default();
        for (section, place) in compiled.sections.iter_mut().zip(words[2..].chunks_exact(2)) {
            let end = place[0].checked_add(place[1]).filter(|end| *end <= file.len());
            *section = file.slice(place[0]..end.ok_or(NotCompiled::Damaged)?);
        }
        Ok(compiled)
    }
}

impl std::fmt::Debug for Compiled {
    /// Sizes only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiled").field("bytes", &self.len()).finish_non_exhaustive()
    }
}

struct Digesting<'w, W> {
    out: &'w mut W,
    digest: blake3::Hasher,
}

impl<W: Write> Digesting<'_, W> {
    /// The bytes, and zeros up to where the next section may start.
    fn padded(&mut self, bytes: &[u8]) -> io::Result<()> {
        let zeros = [0; ALIGN];
        for part in [bytes, &zeros[..aligned(bytes.len()) - bytes.len()]] {
            self.digest.update(part);
            self.out.write_all(part)?;
        }
        Ok(())
    }
}

fn aligned(at: usize) -> usize {
    at.next_multiple_of(ALIGN)
}

fn word(number: usize) -> [u8; 8] {
    (number as u64).to_le_bytes()
}

fn number(word: &[u8]) -> usize {
    let word = word.try_into().map(u64::from_le_bytes).unwrap_or(u64::MAX);
    usize::try_from(word).unwrap_or(usize::MAX)
}

fn tail(buffer: &[u8]) -> [u8; DIGEST] {
    let mut digest = [0; DIGEST];
    digest.copy_from_slice(&buffer[..DIGEST]);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Compiled, Vec<u8>) {
        let mut compiled = Compiled::default();
        compiled.put(Section::About, b"{}".to_vec());
        compiled.put(Section::NameTexts, vec![7; 1000]);
        let mut file = Vec::new();
        compiled.write(&mut file).unwrap();
        (compiled, file)
    }

    #[test]
    fn what_is_written_is_read() {
        let (compiled, file) = sample();
        Compiled::verify(&mut &file[..]).unwrap();
        let read = Compiled::open(&file.into()).unwrap();
        assert_eq!(read.sections, compiled.sections);
        assert_eq!((read.hot_bytes(), read.len()), (2, 1002));
    }

    #[test]
    fn every_cut_and_every_flipped_byte_is_found() {
        let (_, file) = sample();
        for end in 0..file.len() {
            assert!(Compiled::verify(&mut &file[..end]).is_err(), "cut at {end}");
        }
        for at in 0..file.len() {
            let mut other = file.clone();
            other[at] ^= 1;
            assert!(Compiled::verify(&mut &other[..]).is_err(), "flipped at {at}");
        }
        assert!(matches!(Compiled::open(&Bytes::from_static(b"SGLISTS\n")), Err(NotCompiled::Foreign)));
    }

    #[test]
    fn another_version_is_foreign() {
        let (_, mut file) = sample();
        file[8] += 1;
        assert!(matches!(Compiled::open(&file.into()), Err(NotCompiled::Foreign)));
    }
}
