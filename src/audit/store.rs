//! The segment being written: whole batches go on its end, or nothing does.
//!
//! **Invariant:** after a failed write the segment ends with a whole line, or is never written
//! again; a segment that somebody else touched is left as it was found.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::audit::force::{Answer, Forcer, Handle, Lost};
use crate::audit::recorder::RecordError;
use crate::audit::segment::Segment;
use crate::model::Timestamp;

/// Where segments are written.
#[derive(Debug)]
pub(super) struct Store {
    dir: PathBuf,
    /// At which length a segment ends.
    full: u64,
    open: Option<Open>,
    /// How many segments were opened.
    opened: u64,
    forcer: Forcer,
    /// Segments that were found moved, cut or written to by somebody else.
    disturbed: Vec<PathBuf>,
}

#[derive(Debug)]
struct Open {
    segment: Segment,
    handle: Handle,
    /// The length up to the last whole line.
    length: u64,
}

impl Store {
    /// Goes on with `last`, where that can be done.
    pub(super) fn new(dir: &Path, full: u64, last: Option<(Segment, u64)>, forcer: Forcer) -> Store {
        let resumed = last.and_then(|(segment, length)| {
            let file = OpenOptions::new().append(true).open(&segment.path).ok()?;
            Some(Open { segment, handle: forcer.handle(0, file), length })
        });
        Store { dir: dir.to_owned(), full, open: resumed, opened: 0, forcer, disturbed: Vec::new() }
    }

    /// Puts whole lines, the first of which has this time and sequence, on the end.
    pub(super) fn append(&mut self, time: Timestamp, first: u64, lines: &[u8]) -> io::Result<()> {
        let day = time.day();
        let mut open = match self.open.take() {
            Some(open) if self.goes_on(&open, &day) => open,
            Some(open) => {
                open.handle.force_now()?;
                self.create(&day, first, time)?
            }
            None => self.create(&day, first, time)?,
        };
        let written = (&*open.handle.file).write_all(lines);
        match &written {
            Ok(()) => open.length += lines.len() as u64,
            Err(_) => open.handle.file.set_len(open.length)?,
        }
        self.open = Some(open);
        written
    }

    /// Answers each of these once the disk has it; where the segment that they stand in was left,
    /// that they are not there is what they hear.
    pub(super) fn force(&self, waiting: Vec<(u64, Answer)>) {
        match &self.open {
            Some(open) => open.handle.force(waiting),
            None => refuse(waiting),
        }
    }

    /// Waits until the disk has what was written.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        let Some(open) = &self.open else { return Ok(()) };
        open.handle.force_now()
    }

    /// What could not be forced to disk since the last call; its segment is left: what the kernel
    /// kept of it is not known.
    pub(super) fn lost(&mut self) -> Option<Lost> {
        let lost = self.forcer.lost()?;
        self.open.take_if(|open| open.handle.number == lost.number);
        Some(lost)
    }

    /// Forces all to disk, and ends.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let forced = self.sync();
        self.open = None;
        self.forcer.finish();
        forced
    }

    /// The segment being written, and the way to have it on disk.
    pub(super) fn open(&self) -> Option<(&Segment, &Handle)> {
        self.open.as_ref().map(|open| (&open.segment, &open.handle))
    }

    /// Segments found disturbed since the last call.
    pub(super) fn disturbed(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.disturbed)
    }

    fn goes_on(&mut self, open: &Open, day: &str) -> bool {
        let untouched = open.is_untouched();
        if !untouched {
            self.disturbed.push(open.segment.path.clone());
        }
        untouched && open.segment.day == day && open.length < self.full
    }

    fn create(&mut self, day: &str, first: u64, time: Timestamp) -> io::Result<Open> {
        let segment = Segment::new(&self.dir, day, first);
        let folder = self.dir.join(day);
        DirBuilder::new().recursive(true).mode(0o750).create(&folder)?;
        let create = || OpenOptions::new().append(true).create_new(true).mode(0o640).open(&segment.path);
        let file = match create() {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::rename(&segment.path, segment.beside(&format!(".torn-{}", time.as_millis())))?;
                create()?
            }
            created => created?,
        };
        File::open(&folder)?.sync_all()?;
        File::open(&self.dir)?.sync_all()?;
        self.opened += 1;
        let handle = self.forcer.handle(self.opened, file);
        Ok(Open { segment, handle, length: 0 })
    }
}

fn refuse(waiting: Vec<(u64, Answer)>) {
    let error = Arc::new(io::Error::other("the segment could not be written to any more"));
    for (_, answer) in waiting {
        let _ = answer.send(Err(RecordError::Unwritten(Arc::clone(&error))));
    }
}

impl Open {
    /// Whether the path still leads to this file, and nobody else wrote to it.
    fn is_untouched(&self) -> bool {
        let (Ok(path), Ok(file)) = (fs::metadata(&self.segment.path), self.handle.file.metadata()) else {
            return false;
        };
        path.dev() == file.dev() && path.ino() == file.ino() && file.len() == self.length
    }
}
