//! Segments on disk: their names, their order, and reading them from either end.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::audit::line::MAX_LINE;
use crate::audit::packed::Unpacker;
use crate::model::Timestamp;

/// How much is read at once.
const BLOCK: usize = 256 * 1024;
const PLAIN: &str = ".jsonl";
const PACKED: &str = ".jsonl.zst";

/// One file of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// The folder's name: `2026-11-24`.
    pub(super) day: String,
    /// The first line's sequence, as the file's name has it.
    pub(super) first: u64,
    /// Where it is, plain or compressed.
    pub(super) path: PathBuf,
}

/// What stands between two line ends.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    /// Where it starts in the file.
    pub(super) offset: u64,
    /// Its bytes, without the line end.
    pub(super) bytes: &'a [u8],
    /// Whether a line end follows.
    pub(super) complete: bool,
}

/// Reads a segment's pieces from its end to its start.
#[derive(Debug)]
pub(super) struct Backward {
    blocks: Blocks,
    /// Where `buffer` starts in the file.
    start: u64,
    buffer: Vec<u8>,
    /// What of `buffer` has not been answered yet.
    left: usize,
}

/// Reads a segment's pieces from its start to its end.
#[derive(Debug)]
pub(super) struct Forward {
    reader: Source,
    offset: u64,
    buffer: Vec<u8>,
}

#[derive(Debug)]
enum Blocks {
    Plain(File),
    Packed(Box<Unpacker>),
}

#[derive(Debug)]
enum Source {
    Plain(BufReader<File>),
    Packed(Box<Unpacker>),
}

impl Segment {
    /// The segment of this day that starts with this sequence.
    pub(super) fn new(dir: &Path, day: &str, first: u64) -> Segment {
        let path = dir.join(day).join(format!("{first:012}.jsonl"));
        Segment { day: day.to_owned(), first, path }
    }

    /// The names of the folders of days, in their order.
    pub(super) fn days(dir: &Path) -> io::Result<Vec<String>> {
        let mut days: Vec<String> = names(dir)?.into_iter().filter(|name| is_day(name)).collect();
        days.sort_unstable();
        Ok(days)
    }

    /// Every segment in the order in which they were written.
    pub(super) fn list(dir: &Path) -> io::Result<Vec<Segment>> {
        let mut segments = Vec::new();
        for day in Segment::days(dir)? {
            let folder = dir.join(&day);
            let of = |name: &String| {
                first_of(name).map(|first| Segment { day: day.clone(), first, path: folder.join(name) })
            };
            segments.extend(names(&folder)?.iter().filter_map(of));
        }
        segments.sort_by(|a, b| a.order().cmp(&b.order()).then_with(|| a.path.cmp(&b.path)));
        // The plain one sorts first, and counts: the other may not be whole yet.
        segments.dedup_by(|later, earlier| later.order() == earlier.order());
        Ok(segments)
    }

    /// Whether it was written after the other.
    pub(super) fn is_after(&self, other: &Segment) -> bool {
        self.order() > other.order()
    }

    /// Whether it is the same one, in whichever form.
    pub(super) fn is(&self, other: &Segment) -> bool {
        self.order() == other.order()
    }

    fn order(&self) -> (&str, u64) {
        (&self.day, self.first)
    }

    /// Whether it is compressed.
    pub(super) fn is_packed(&self) -> bool {
        is_packed(&self.path)
    }

    /// Where its compressed form is, or comes to be.
    pub(super) fn packed(&self) -> PathBuf {
        packed(&self.path)
    }

    /// Where bytes that are cut from it are kept: a name that nothing has yet.
    pub(super) fn torn(&self, now: Timestamp) -> PathBuf {
        let name = |millis: i64| {
            let mut path = self.path.clone().into_os_string();
            path.push(format!(".torn-{millis}"));
            PathBuf::from(path)
        };
        // Time stands still in the record while the clock is behind it.
        let free = |path: &PathBuf| fs::symlink_metadata(path).is_err();
        (now.as_millis()..).map(name).find(free).unwrap_or_else(|| name(i64::MAX))
    }
}

impl Backward {
    pub(super) fn open(path: &Path) -> io::Result<Backward> {
        let (blocks, start) = match Source::open(path)? {
            Source::Plain(reader) => {
                let file = reader.into_inner();
                let length = file.metadata()?.len();
                (Blocks::Plain(file), length)
            }
            Source::Packed(unpacker) => {
                let length = unpacker.length();
                (Blocks::Packed(unpacker), length)
            }
        };
        Ok(Backward { blocks, start, buffer: Vec::new(), left: 0 })
    }

    /// The piece before the last one answered.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        if self.left == 0 && !self.fill()? {
            return Ok(None);
        }
        let complete = self.buffer[self.left - 1] == b'\n';
        let from = loop {
            let end = self.left - usize::from(complete);
            if let Some(newline) = self.buffer[..end].iter().rposition(|byte| *byte == b'\n') {
                break newline + 1;
            }
            if !self.fill()? {
                break 0;
            }
        };
        let end = self.left - usize::from(complete);
        self.left = from;
        Ok(Some(Piece { offset: self.start + from as u64, bytes: &self.buffer[from..end], complete }))
    }

    /// Puts more of the file before what is left; false at its start.
    fn fill(&mut self) -> io::Result<bool> {
        let most = BLOCK.max(self.left) as u64;
        let Some((from, mut block)) = self.blocks.before(self.start, most)? else { return Ok(false) };
        block.extend_from_slice(&self.buffer[..self.left]);
        self.left = block.len();
        self.buffer = block;
        self.start = from;
        Ok(true)
    }
}

impl Blocks {
    /// What stands before a byte, and where it starts; `None` at the start.
    fn before(&mut self, end: u64, most: u64) -> io::Result<Option<(u64, Vec<u8>)>> {
        match self {
            Blocks::Plain(_) if end == 0 => Ok(None),
            Blocks::Plain(file) => {
                let size = end.min(most);
                let mut block = vec![0; usize::try_from(size).map_err(io::Error::other)?];
                file.read_exact_at(&mut block, end - size)?;
                Ok(Some((end - size, block)))
            }
            Blocks::Packed(unpacker) => unpacker.before(end),
        }
    }
}

impl Source {
    /// Opens a segment in the form that it has now: it may be compressed at any moment.
    fn open(path: &Path) -> io::Result<Source> {
        if is_packed(path) {
            return Unpacker::open(path).map(|unpacker| Source::Packed(Box::new(unpacker)));
        }
        match File::open(path) {
            Ok(file) => Ok(Source::Plain(BufReader::with_capacity(BLOCK, file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match Unpacker::open(&packed(path)) {
                Ok(unpacker) => Ok(Source::Packed(Box::new(unpacker))),
                Err(packed) if packed.kind() == io::ErrorKind::NotFound => Err(error),
                Err(packed) => Err(packed),
            },
            Err(error) => Err(error),
        }
    }
}

impl Read for Source {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Source::Plain(reader) => reader.read(out),
            Source::Packed(unpacker) => unpacker.read(out),
        }
    }
}

impl BufRead for Source {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Source::Plain(reader) => reader.fill_buf(),
            Source::Packed(unpacker) => unpacker.fill_buf(),
        }
    }

    fn consume(&mut self, amount: usize) {
        match self {
            Source::Plain(reader) => reader.consume(amount),
            Source::Packed(unpacker) => unpacker.consume(amount),
        }
    }
}

impl Forward {
    pub(super) fn open(path: &Path) -> io::Result<Forward> {
        let reader = Source::open(path)?;
        Ok(Forward { reader, offset: 0, buffer: Vec::with_capacity(4096) })
    }

    /// From the line that starts at `offset`, in bytes of lines, on.
    pub(super) fn open_at(path: &Path, offset: u64) -> io::Result<Forward> {
        let mut reader = Forward::open(path)?;
        reader.seek(offset)?;
        Ok(reader)
    }

    /// Goes on at the line that starts at `offset`, in bytes of lines.
    pub(super) fn seek(&mut self, offset: u64) -> io::Result<()> {
        match &mut self.reader {
            Source::Plain(reader) => reader.seek(SeekFrom::Start(offset)).map(drop)?,
            Source::Packed(unpacker) => unpacker.seek(offset)?,
        }
        self.offset = offset;
        Ok(())
    }

    /// How many bytes of lines there are now.
    pub(super) fn length(&self) -> io::Result<u64> {
        match &self.reader {
            Source::Plain(reader) => Ok(reader.get_ref().metadata()?.len()),
            Source::Packed(unpacker) => Ok(unpacker.length()),
        }
    }

    /// Whether some of the segment was passed over so far because it is damaged.
    pub(super) fn is_damaged(&self) -> bool {
        match &self.reader {
            Source::Plain(_) => false,
            Source::Packed(unpacker) => unpacker.is_damaged(),
        }
    }

    /// The next piece. Of one longer than any line may be, only the start is kept.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        self.buffer.clear();
        if let Source::Packed(unpacker) = &mut self.reader {
            // What was passed over because it is damaged counts too.
            self.offset = unpacker.position()?;
        }
        let limit = MAX_LINE as u64 + 1;
        let mut read = self.reader.by_ref().take(limit).read_until(b'\n', &mut self.buffer)? as u64;
        if read == 0 {
            return Ok(None);
        }
        let mut complete = self.buffer.last() == Some(&b'\n');
        if complete {
            self.buffer.pop();
        } else if read == limit {
            let rest = self.reader.skip_until(b'\n')? as u64;
            complete = rest > 0;
            read += rest;
        }
        let offset = self.offset;
        self.offset += read;
        Ok(Some(Piece { offset, bytes: &self.buffer, complete }))
    }
}

fn names(dir: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let name = |entry: io::Result<fs::DirEntry>| entry.map(|entry| entry.file_name().into_string().ok());
    entries.filter_map(|entry| name(entry).transpose()).collect()
}

fn is_day(name: &str) -> bool {
    let shape =
        |(at, byte): (usize, u8)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() };
    name.len() == 10 && name.bytes().enumerate().all(shape)
}

fn is_packed(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(PACKED.as_bytes())
}

fn packed(path: &Path) -> PathBuf {
    if is_packed(path) { path.to_owned() } else { path.with_extension("jsonl.zst") }
}

fn first_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(PLAIN).or_else(|| name.strip_suffix(PACKED))?;
    let first = digits.parse().ok()?;
    (format!("{first:012}") == digits).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_reading_see_the_same_pieces() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let long = "x".repeat(BLOCK);
        for text in ["", "\n", "a", "a\n", "a\n\nb", &format!("{long}\nb\n{long}{long}\n\n{long}")] {
            fs::write(&path, text).unwrap();
            let (mut forward, mut backward) = (Vec::new(), Vec::new());
            let mut reader = Forward::open(&path).unwrap();
            while let Some(piece) = reader.next().unwrap() {
                forward.push((piece.offset, piece.bytes.to_vec(), piece.complete));
            }
            let mut reader = Backward::open(&path).unwrap();
            while let Some(piece) = reader.next().unwrap() {
                backward.insert(0, (piece.offset, piece.bytes.to_vec(), piece.complete));
            }
            assert!(forward == backward, "{} bytes", text.len());
        }
    }

    #[test]
    fn only_segments_are_listed_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let day = |name: &str| dir.path().join(name);
        for name in ["2026-11-25", "2026-11-24", "2026-1-1", "index"] {
            fs::create_dir(day(name)).unwrap();
            for file in ["000000000010.jsonl", "000000000002.jsonl", "000000000002.jsonl.torn-1", "2.jsonl"] {
                fs::write(day(name).join(file), "").unwrap();
            }
        }
        let found = Segment::list(dir.path()).unwrap();
        let found: Vec<_> = found.iter().map(|segment| (segment.day.as_str(), segment.first)).collect();
        assert_eq!(found, [("2026-11-24", 2), ("2026-11-24", 10), ("2026-11-25", 2), ("2026-11-25", 10)]);
    }
}
