//! The notary: signs what the writer says of a segment, in a thread of its own.
//!
//! **Invariant:** a checkpoint is written only after its lines are on disk, by the same account as
//! those who wait for them; one that can't be written holds up no event, is told of and tried again.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use crate::audit::checkpoint::Statement;
use crate::audit::key::Signer;
use crate::model::Timestamp;

/// How long after a failure the next attempt is made.
const RETRY: Duration = Duration::from_secs(2);

pub(super) type Answer = oneshot::Sender<Result<u64, SealError>>;

/// How far the trail is covered by checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Covered {
    /// The last line that is covered; 0 when none is yet.
    pub sequence: u64,
    /// When its checkpoint was signed.
    pub time: Timestamp,
}

/// Why there is no checkpoint over the last line. It may come later.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SealError {
    /// It could not be written.
    #[error("the checkpoint could not be written: {0}")]
    Unwritten(Arc<io::Error>),
    /// The trail has no line, or was opened without a key.
    #[error("there is nothing that could be signed")]
    Nothing,
    /// The writer has finished.
    #[error("the audit trail is closed")]
    Closed,
}

/// The thread that signs.
#[derive(Debug)]
pub(super) struct Notary {
    asked: mpsc::Sender<Asked>,
    thread: JoinHandle<()>,
}

/// What the thread is asked.
#[derive(Debug)]
struct Asked {
    statement: Statement,
    answers: Vec<Answer>,
}

/// The thread's state.
struct Desk {
    gateway: String,
    signer: Signer,
    asked: mpsc::Receiver<Asked>,
    covered: watch::Sender<Covered>,
    /// How long it waits to be asked before it has the writer look whether there is something to sign.
    every: Duration,
    nudge: Box<dyn Fn() + Send>,
    /// What is not written yet: the last word for each segment.
    pending: Vec<Statement>,
    last: Option<Statement>,
    failing: bool,
}

impl Covered {
    pub(super) const NONE: Covered = Covered { sequence: 0, time: Timestamp::from_millis(0) };
}

impl Notary {
    /// Starts the thread; it calls `nudge` where nothing was asked of it for `every`.
    pub(super) fn start(
        gateway: &str,
        signer: Signer,
        covered: watch::Sender<Covered>,
        (every, nudge): (Duration, impl Fn() + Send + 'static),
    ) -> io::Result<Notary> {
        let (ask, asked) = mpsc::channel();
        let gateway = gateway.to_owned();
        let desk = Desk {
            gateway,
            signer,
            asked,
            covered,
            every,
            nudge: Box::new(nudge),
            pending: Vec::new(),
            last: None,
            failing: false,
        };
        let thread = thread::Builder::new().name("audit-notary".to_owned()).spawn(move || desk.run())?;
        Ok(Notary { asked: ask, thread })
    }

    /// Asks for a checkpoint, and has all who wait for it told.
    pub(super) fn sign(&self, statement: Statement, answers: Vec<Answer>) {
        // The thread ends after this handle only; if it panicked, who waits is told by the drop.
        let _ = self.asked.send(Asked { statement, answers });
    }

    /// Waits until all that was asked for is written, or could not be.
    pub(super) fn finish(self) {
        drop(self.asked);
        if self.thread.join().is_err() {
            tracing::error!("the thread that signs the audit trail had panicked");
        }
    }
}

impl Desk {
    fn run(mut self) {
        loop {
            let wait = if self.pending.is_empty() { self.every } else { RETRY };
            match self.asked.recv_timeout(wait) {
                Ok(Asked { statement, answers }) => {
                    self.take(statement);
                    let written = self.write_pending();
                    for answer in answers {
                        drop(answer.send(written.clone()));
                    }
                }
                Err(RecvTimeoutError::Timeout) if self.pending.is_empty() => (self.nudge)(),
                Err(RecvTimeoutError::Timeout) => drop(self.write_pending()),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if !self.pending.is_empty() && self.write_pending().is_err() {
            tracing::error!("the last lines of the audit trail have no checkpoint");
        }
    }

    fn take(&mut self, statement: Statement) {
        let said = |before: &Statement| before.segment == statement.segment && before.size == statement.size;
        if self.last.as_ref().is_some_and(said) {
            return;
        }
        self.pending.retain(|before| before.segment != statement.segment);
        self.pending.push(statement);
    }

    fn write_pending(&mut self) -> Result<u64, SealError> {
        let mut unforced = None;
        while let Some(statement) = self.pending.first() {
            if let Err(fault) = forced(statement).and_then(|()| has_folder(statement)) {
                // What the disk has of this segment is not known, and is not asked again: a start
                // reads what there is.
                tracing::error!(%fault, "a segment of the audit trail is not on disk: it gets no checkpoint");
                self.pending.remove(0);
                unforced = Some(SealError::Unwritten(Arc::new(fault)));
                continue;
            }
            if let Err(fault) = self.write(statement) {
                if !self.failing {
                    tracing::warn!(%fault, "no checkpoint of the audit trail can be written");
                }
                self.failing = true;
                return Err(SealError::Unwritten(Arc::new(fault)));
            }
            let statement = self.pending.remove(0);
            let (sequence, time) = (statement.head.sequence, statement.time);
            self.covered.send_replace(Covered { sequence, time });
            self.last = Some(statement);
        }
        if std::mem::take(&mut self.failing) {
            tracing::info!("checkpoints of the audit trail can be written again");
        }
        unforced.map_or(Ok(self.covered.borrow().sequence), Err)
    }

    fn write(&self, statement: &Statement) -> io::Result<()> {
        append(&statement.file(), &statement.sign(&self.gateway, &self.signer)?)
    }
}

/// Has the lines on disk: through the writer's own account of it, or where an earlier process wrote
/// them, by asking.
fn forced(statement: &Statement) -> io::Result<()> {
    if let Some(handle) = &statement.handle {
        return handle.force_now();
    }
    match File::open(&statement.segment.path) {
        Ok(segment) => segment.sync_data(),
        // Somebody took it away: all the more reason to keep what is known of it.
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(fault) => Err(fault),
    }
}

/// Somebody may have taken the day away, and with it the lines that would be covered.
fn has_folder(statement: &Statement) -> io::Result<()> {
    match statement.file().parent().is_some_and(Path::exists) {
        true => Ok(()),
        false => Err(io::Error::new(io::ErrorKind::NotFound, "the folder of the day is gone")),
    }
}

/// Puts a line on the end of a file, whole and on disk, or leaves the file as it was.
fn append(path: &Path, line: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o640).open(path)?;
    let whole = whole_lines(&mut file)?;
    let written = file.write_all(line.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        file.set_len(whole)?;
        return written;
    }
    match path.parent() {
        Some(folder) if whole == 0 => File::open(folder)?.sync_all(),
        Some(_) | None => Ok(()),
    }
}

/// The length of a file's whole lines; half of one that a crash left behind is cut off.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let from = length.saturating_sub(4096);
    let mut end = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.read_to_end(&mut end)?;
    let whole = end.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at as u64 + 1) + from;
    if whole == from && from > 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the checkpoints end in no line"));
    }
    if whole < length {
        file.set_len(whole)?;
    }
    Ok(whole)
}
