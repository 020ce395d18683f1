//! The segment being written: whole batches go on its end, or nothing does.
//!
//! **Invariant:** after a failed write the segment ends where its last line ends that stands, before
//! anything else is written to it; one that can't be cut there is told of and never written again.
//! A segment that somebody else touched is left as it was found.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::audit::answer::Answer;
use crate::audit::disk::Pen;
use crate::audit::force::{Forcer, Handle, Lost};
use crate::audit::recorder::RecordError;
use crate::audit::segment::Segment;
use crate::model::Timestamp;

/// Where segments are written.
#[derive(Debug)]
pub(super) struct Store {
    dir: PathBuf,
    /// At which length a segment ends.
    full: u64,
    pen: Pen,
    open: Option<Open>,
    /// How many segments were opened.
    opened: u64,
    forcer: Forcer,
    /// Segments that were found moved, cut or written to by somebody else, or that could not be cut.
    disturbed: Vec<PathBuf>,
}

#[derive(Debug)]
struct Open {
    segment: Arc<Segment>,
    handle: Handle,
    /// The length up to the last line that stands.
    length: u64,
    end: End,
}

/// What follows the last line that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Nothing.
    Clean,
    /// Part of what was refused: it could not be cut off so far.
    Ragged,
}

impl Store {
    /// Goes on with `last`, where that can be done.
    pub(super) fn new(
        dir: &Path,
        full: u64,
        last: Option<(Segment, u64)>,
        pen: Pen,
        forcer: Forcer,
    ) -> Store {
        let resumed = last.and_then(|(segment, length)| {
            let file = OpenOptions::new().append(true).open(&segment.path).ok()?;
            let handle = forcer.handle(0, file);
            Some(Open { segment: Arc::new(segment), handle, length, end: End::Clean })
        });
        Store { dir: dir.to_owned(), full, pen, open: resumed, opened: 0, forcer, disturbed: Vec::new() }
    }

    /// Puts whole lines, the first of which has this time and sequence, on the end.
    pub(super) fn append(&mut self, time: Timestamp, first: u64, lines: &[u8]) -> io::Result<()> {
        let day = time.day();
        let mut open = match self.mended(time)? {
            Some(open) if self.goes_on(&open, &day) => open,
            Some(open) => {
                open.handle.force_now()?;
                self.create(&day, first, time)?
            }
            None => self.create(&day, first, time)?,
        };
        let written = (self.pen.write)(&open.handle.file, lines);
        match &written {
            Ok(()) => open.length += lines.len() as u64,
            Err(_) => open.cut(&self.pen),
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
        if let Some(mut open) = self.open.take().filter(|open| open.end == End::Ragged) {
            open.cut(&self.pen);
        }
        self.forcer.finish();
        forced
    }

    /// The segment being written, and the way to have it on disk.
    pub(super) fn open(&self) -> Option<(&Segment, &Handle)> {
        self.open.as_ref().map(|open| (&*open.segment, &open.handle))
    }

    /// The segment being written, and the length up to its last line that stands.
    pub(super) fn reach(&self) -> Option<(Arc<Segment>, u64)> {
        self.open.as_ref().map(|open| (Arc::clone(&open.segment), open.length))
    }

    /// Segments found disturbed since the last call.
    pub(super) fn disturbed(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.disturbed)
    }

    /// The open segment, with what was refused cut from its end. One that could not be cut a second
    /// time is left; if nothing stands in it, it is moved aside, lest it be read as part of the trail.
    fn mended(&mut self, time: Timestamp) -> io::Result<Option<Open>> {
        let Some(mut open) = self.open.take() else { return Ok(None) };
        if open.end == End::Clean {
            return Ok(Some(open));
        }
        open.cut(&self.pen);
        if open.end == End::Clean {
            return Ok(Some(open));
        }
        if open.length > 0 {
            self.disturbed.push(open.segment.path.clone());
            open.handle.force_now()?;
        } else if let Err(fault) = move_aside(&open.segment, time) {
            tracing::error!(%fault, "a segment in which nothing stands can't be moved aside");
            self.disturbed.push(open.segment.path.clone());
        }
        Ok(None)
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
                fs::rename(&segment.path, segment.torn(time))?;
                create()?
            }
            created => created?,
        };
        File::open(&folder)?.sync_all()?;
        File::open(&self.dir)?.sync_all()?;
        self.opened += 1;
        let handle = self.forcer.handle(self.opened, file);
        Ok(Open { segment: Arc::new(segment), handle, length: 0, end: End::Clean })
    }
}

fn move_aside(segment: &Segment, time: Timestamp) -> io::Result<()> {
    fs::rename(&segment.path, segment.torn(time))?;
    segment.path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn refuse(waiting: Vec<(u64, Answer)>) {
    let error = Arc::new(io::Error::other("the segment could not be written to any more"));
    for (_, answer) in waiting {
        answer.send(Err(RecordError::Unwritten(Arc::clone(&error))));
    }
}

impl Open {
    /// Cuts off what does not stand.
    fn cut(&mut self, pen: &Pen) {
        self.end = match (pen.cut)(&self.handle.file, self.length) {
            Ok(()) => End::Clean,
            Err(fault) => {
                tracing::error!(%fault, "what was refused can't be cut from the end of the audit trail");
                End::Ragged
            }
        };
    }

    /// Whether the path still leads to this file, and nobody else wrote to it.
    fn is_untouched(&self) -> bool {
        let (Ok(path), Ok(file)) = (fs::metadata(&self.segment.path), self.handle.file.metadata()) else {
            return false;
        };
        path.dev() == file.dev() && path.ino() == file.ino() && file.len() == self.length
    }
}
