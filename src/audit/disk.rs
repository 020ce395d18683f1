//! How the trail uses its disk: how long segments are, how much room is kept, what forces them.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::audit::force::{Force, Forcer};
use crate::audit::repair::{Tail, recover};
use crate::audit::reserve;
use crate::audit::writer::{Job, Told};
use crate::model::Timestamp;

/// At which length a segment ends.
const SEGMENT: u64 = 64 << 20;
/// How much room is kept on the disk for blocks and changes: some fifty thousand of them.
const RESERVE: u64 = 64 << 20;
/// How long lines may be without a checkpoint.
const EVERY: Duration = Duration::from_secs(60);

/// How the disk is used.
pub(super) struct Disk {
    /// At which length a segment ends.
    pub(super) full: u64,
    /// How much room is kept for blocks and changes.
    pub(super) reserve: u64,
    /// What writes to a segment.
    pub(super) pen: Pen,
    /// What forces a file to disk.
    pub(super) force: Box<Force>,
    /// How long lines may be without a checkpoint.
    pub(super) every: Duration,
}

/// What puts lines on a segment's end, and what takes them back where only some of them went on it.
pub(super) struct Pen {
    /// Writes all of it.
    pub(super) write: Box<Put>,
    /// Cuts the file at this length.
    pub(super) cut: Box<Cut>,
}

type Put = dyn Fn(&File, &[u8]) -> io::Result<()> + Send;
type Cut = dyn Fn(&File, u64) -> io::Result<()> + Send;

impl Default for Disk {
    fn default() -> Disk {
        Disk {
            full: SEGMENT,
            reserve: RESERVE,
            pen: Pen::default(),
            force: Box::new(File::sync_data),
            every: EVERY,
        }
    }
}

impl Default for Pen {
    fn default() -> Pen {
        let write = |mut file: &File, lines: &[u8]| file.write_all(lines);
        Pen { write: Box::new(write), cut: Box::new(File::set_len) }
    }
}

impl std::fmt::Debug for Pen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pen")
    }
}

/// As [`recover`]; on a full disk in the room that is kept for what must be recorded.
pub(super) fn recovered(dir: &Path, now: Timestamp) -> io::Result<Tail> {
    match recover(dir, now) {
        Err(error) if error.kind() == io::ErrorKind::StorageFull => {
            reserve::abandon(dir)?;
            recover(dir, now)
        }
        recovered => recovered,
    }
}

/// The thread that forces segments to disk; the writer hears of it when that fails, unless it is
/// about to look anyway.
pub(super) fn forcer(force: Box<Force>, told: &Told, queue: &mpsc::Sender<Job>) -> io::Result<Forcer> {
    let (stuck, look) = (Arc::clone(&told.stuck), nudge(queue));
    Forcer::start(force, move || {
        stuck.store(true, Ordering::Relaxed);
        look();
    })
}

/// Has the writer look, unless it is about to do so anyway; it does not keep the writer from ending.
pub(super) fn nudge(queue: &mpsc::Sender<Job>) -> impl Fn() + Send + 'static {
    let queue = queue.downgrade();
    move || {
        if let Some(queue) = queue.upgrade() {
            let _ = queue.try_send(Job::Look);
        }
    }
}
