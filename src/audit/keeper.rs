//! The keeper: compresses closed segments, in a thread of its own and in no hurry.
//!
//! **Invariant:** the plain file goes only once its compressed form was read back, held against
//! it and is on disk; while both are there the plain one counts.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::audit::follow::Reach;
use crate::audit::packed::{self, Unpacker};
use crate::audit::segment::Segment;
use crate::whole;

/// How often the keeper looks for segments that were closed.
const LOOK: Duration = Duration::from_secs(30);

/// The thread that compresses.
#[derive(Debug)]
pub(super) struct Keeper {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

/// How a piece of work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packed {
    /// The segment is compressed.
    Done,
    /// It is empty or no text of lines, and stays as it is.
    Left,
    /// The keeper was told to stop.
    Stopped,
}

impl Keeper {
    /// Starts the thread.
    pub(super) fn start(dir: &Path, reach: watch::Receiver<Reach>) -> io::Result<Keeper> {
        let dir = dir.to_owned();
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new().name("audit-keeper".to_owned()).spawn(move || {
            let mut left = Vec::new();
            let mut wait = Duration::ZERO;
            while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                wait = LOOK;
                let last = reach.borrow().head.sequence;
                if let Err(fault) = pack_closed(&dir, last, &mut left, &stopped) {
                    tracing::warn!(%fault, "a closed segment of the audit trail can't be compressed");
                }
            }
        })?;
        Ok(Keeper { stop, thread })
    }

    /// Ends the thread, between two frames.
    pub(super) fn finish(self) {
        drop(self.stop);
        if self.thread.join().is_err() {
            tracing::error!("the thread that compresses the audit trail had panicked");
        }
    }
}

/// Compresses every closed segment that is not in `left`; `last` is the trail's last sequence. One
/// that can't be compressed holds up no other: the first fault is told at the end.
pub(super) fn pack_closed(
    dir: &Path,
    last: u64,
    left: &mut Vec<PathBuf>,
    stop: &mpsc::Receiver<()>,
) -> io::Result<()> {
    let segments = Segment::list(dir)?;
    let mut fault = Ok(());
    for segment in closed(&segments, last).filter(|segment| !segment.is_packed()) {
        if left.contains(&segment.path) {
            continue;
        }
        match pack(segment, stop) {
            Ok(Packed::Done) => {}
            Ok(Packed::Left) => left.push(segment.path.clone()),
            Ok(Packed::Stopped) => break,
            Err(other) => fault = fault.and(Err(other)),
        }
    }
    fault
}

/// Those that end before the one that holds the trail's last line, which may be written to. By their
/// lines and not by the names of the days: a folder of a later day says nothing.
fn closed(segments: &[Segment], last: u64) -> impl Iterator<Item = &Segment> {
    let open = segments.iter().map(|segment| segment.first).filter(|first| *first <= last).max();
    segments.iter().filter(move |segment| open.is_some_and(|open| segment.first < open))
}

/// Compresses a segment that nobody writes to any more.
fn pack(segment: &Segment, stop: &mpsc::Receiver<()>) -> io::Result<Packed> {
    if fs::metadata(&segment.path)?.len() == 0 {
        return Ok(Packed::Left);
    }
    let to = segment.packed();
    let beside = to.with_extension("zst.new");
    let written = write(segment, &beside, stop).and_then(|written| match written {
        Packed::Done if same(&segment.path, &beside)? => Ok(Packed::Done),
        Packed::Done => Err(io::Error::new(io::ErrorKind::InvalidData, "it does not read back")),
        Packed::Left | Packed::Stopped => Ok(written),
    });
    match written {
        Ok(Packed::Done) => {}
        Ok(Packed::Left | Packed::Stopped) | Err(_) => {
            let _ = fs::remove_file(&beside);
            return written;
        }
    }
    whole::put(&beside, &to)?;
    fs::remove_file(&segment.path)?;
    File::open(to.parent().unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(Packed::Done)
}

fn write(segment: &Segment, to: &Path, stop: &mpsc::Receiver<()>) -> io::Result<Packed> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(to)?;
    let mut began = Instant::now();
    // Half of one processor at most: there are clients to serve.
    let rest = || match stop.recv_timeout(began.elapsed()) {
        Err(RecvTimeoutError::Timeout) => {
            began = Instant::now();
            Ok(())
        }
        Ok(()) | Err(RecvTimeoutError::Disconnected) => Err(io::ErrorKind::Interrupted.into()),
    };
    match packed::pack(File::open(&segment.path)?, &file, rest) {
        Ok(true) => file.sync_all().map(|()| Packed::Done),
        Ok(false) => Ok(Packed::Left),
        Err(fault) if fault.kind() == io::ErrorKind::Interrupted => Ok(Packed::Stopped),
        Err(fault) => Err(fault),
    }
}

/// Whether a compressed segment reads as the plain one.
fn same(plain: &Path, compressed: &Path) -> io::Result<bool> {
    let mut plain = File::open(plain)?;
    let mut unpacked = Unpacker::open(compressed)?;
    let (mut one, mut other) = (vec![0; packed::FRAME], vec![0; packed::FRAME]);
    loop {
        let read = fill(&mut plain, &mut one)?;
        if fill(&mut unpacked, &mut other)? != read || one[..read] != other[..read] {
            return Ok(false);
        }
        if read == 0 {
            return Ok(!unpacked.is_damaged() && packed::is_sealed(compressed)?);
        }
    }
}

/// Reads until the buffer is full or there is no more.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}
