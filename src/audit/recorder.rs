//! The handle through which the gateway records, and what it answers.

mod owed;
mod record;

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use crate::audit::answer::Waiting;
use crate::audit::chain::Head;
use crate::audit::disk::{Disk, forcer, nudge, recovered};
use crate::audit::event::{Act, Actor};
use crate::audit::follow::{Follower, Reach};
use crate::audit::json::Json;
use crate::audit::keeper::Keeper;
use crate::audit::key::Signer;
use crate::audit::ledger::{Found, Ledger};
use crate::audit::notary::{Covered, Notary, SealError};
use crate::audit::repair::Repair;
use crate::audit::reserve::{self, Reserve};
use crate::audit::store::Store;
use crate::audit::writer::{Job, Keeping, Scribe, Told};
use crate::model::Timestamp;
use crate::telemetry::Metrics;

/// How many events may wait for the writer before those who record wait too.
const QUEUE: usize = 8192;

/// Who observes, for every event: `observer.name` and `observer.version`.
#[derive(Clone, Debug)]
pub struct Observer {
    /// The gateway's name, as in its settings.
    pub name: String,
    /// The product's version.
    pub version: String,
}

/// Records events. Clones share one writer.
#[derive(Clone)]
pub struct Recorder {
    dir: Arc<Path>,
    queue: mpsc::Sender<Job>,
    reach: watch::Receiver<Reach>,
    pub(super) covered: watch::Receiver<Covered>,
    told: Told,
    metrics: Option<Metrics>,
}

/// The writer behind the recorders.
#[derive(Debug)]
pub struct Writer {
    thread: JoinHandle<()>,
    stop: mpsc::OwnedPermit<Job>,
    keeper: Option<Keeper>,
}

/// That an event is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// `event.sequence`
    pub sequence: u64,
    /// `event.id`
    pub id: Uuid,
}

/// Why the trail can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process writes to it.
    #[error("another process writes to the audit trail: stop the gateway that runs on this state folder")]
    InUse,
    /// Its folder, or its last segment, can't be read or repaired.
    #[error("the audit trail can't be read or repaired: {0}")]
    Unreadable(#[source] io::Error),
    /// The writer's thread can't be started.
    #[error("the audit writer can't be started: {0}")]
    Thread(#[source] io::Error),
    /// The observer's name can't be rendered.
    #[error("the observer can't be written as JSON: {0}")]
    Observer(#[from] serde_json::Error),
}

/// Why an event is not recorded. What it is about must not happen.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RecordError {
    /// It could not be written, or not be forced to disk.
    #[error("the audit record could not be written: {0}")]
    Unwritten(Arc<io::Error>),
    /// It makes a line of more than 1 MiB.
    #[error("the event is too long to be recorded")]
    TooLong,
    /// It has no JSON form.
    #[error("the event can't be written as JSON: {0}")]
    Unrenderable(Arc<serde_json::Error>),
    /// The disk took too long.
    #[error("the audit record was not written in time")]
    Late,
    /// The writer has finished.
    #[error("the audit trail is closed")]
    Closed,
}

impl Recorder {
    /// Opens the trail under `dir`, sets aside what a crash left half-written, and starts the
    /// writer. Without a signer, as in tests, there are no
    /// checkpoints, and closed segments stay plain.
    ///
    /// # Errors
    /// [`OpenError`] when the trail is in use or can't be read. A disk that can't be written is
    /// no error here: the recorder starts stuck.
    pub fn open(
        dir: &Path,
        observer: Observer,
        signer: Option<Signer>,
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<(Recorder, Writer), OpenError> {
        let signed = signer.is_some();
        let (recorder, writer) = Recorder::open_with(dir, observer, signer, now, Disk::default())?;
        let keeper = signed
            .then(|| Keeper::start(dir, recorder.reach.clone()))
            .transpose()
            .map_err(OpenError::Thread)?;
        Ok((recorder, Writer { keeper, ..writer }))
    }

    /// As [`Recorder::open`], with a disk that is used otherwise.
    pub(super) fn open_with(
        dir: &Path,
        observer: Observer,
        signer: Option<Signer>,
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
        disk: Disk,
    ) -> Result<(Recorder, Writer), OpenError> {
        let lock = lock(dir)?;
        let gateway = observer.name.clone();
        let observer = observer.render()?;
        let mut tail = recovered(dir, now()).map_err(OpenError::Unreadable)?;
        let mut notes: Vec<Act> = tail.repairs.iter().map(repaired).collect();
        notes.extend(signer.as_ref().map(signing));
        let (covering, covered) = watch::channel(Covered::NONE);
        let found = match &signer {
            Some(_) => Found::read(dir, tail.segment.as_ref(), tail.head).map_err(OpenError::Unreadable)?,
            None => Found::NONE,
        };
        if signer.is_some()
            && found.open.is_none()
            && let Some((segment, _)) = tail.segment.take()
        {
            // What can't be signed is not gone on with.
            notes.push(disturbed(&segment.path));
        }
        let (queue, jobs) = mpsc::channel(QUEUE);
        let idle = (disk.every, nudge(&queue));
        let notary = signer.map(|signer| Notary::start(&gateway, signer, covering, idle)).transpose();
        let ledger = Ledger::new(notary.map_err(OpenError::Thread)?, found, now(), disk.every);
        let open = tail.segment.clone().map(|(segment, length)| (Arc::new(segment), length));
        let (reach, watched) = watch::channel(Reach { head: tail.head, open });
        let told = Told {
            stuck: Arc::default(),
            given_up: Arc::default(),
            waiting: Waiting::default(),
            now: Arc::new(now),
        };
        let stop = queue.clone().try_reserve_owned().map_err(|_| OpenError::InUse)?;
        let forcer = forcer(disk.force, &told, &queue).map_err(OpenError::Thread)?;
        let keeping = Keeping {
            store: Store::new(dir, disk.full, tail.segment, disk.pen, forcer),
            reserve: Reserve::open(dir, disk.reserve),
            ledger,
        };
        let scribe = Scribe::new(keeping, observer, jobs, reach, &told, notes);
        let thread = std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || {
                scribe.run();
                // Said aloud: a child that was being forked just now shares the open file.
                if let Err(error) = lock.unlock() {
                    tracing::warn!(%error, "the audit trail stays locked until the process ends");
                }
            })
            .map_err(OpenError::Thread)?;
        let dir = dir.into();
        let recorder = Recorder { dir, queue, reach: watched, covered, told, metrics: None };
        Ok((recorder, Writer { thread, stop, keeper: None }))
    }

    /// The folder of the trail.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The same recorder, counting what it records.
    #[must_use]
    pub fn counted(self, metrics: Metrics) -> Recorder {
        Recorder { metrics: Some(metrics), ..self }
    }

    /// Has a checkpoint written over all that is recorded so far, and waits until it is on disk.
    /// Answers the last line that is covered.
    ///
    /// # Errors
    /// [`SealError`]: there is none, now.
    pub async fn seal(&self) -> Result<u64, SealError> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Job::Seal { answer }).await.map_err(|_| SealError::Closed)?;
        answered.await.map_err(|_| SealError::Closed)?
    }

    /// How far the trail is covered by checkpoints that this process wrote.
    #[must_use]
    pub fn covered(&self) -> Covered {
        *self.covered.borrow()
    }

    /// The end of the chain as written so far.
    #[must_use]
    pub fn head(&self) -> Head {
        self.reach.borrow().head
    }

    /// Whether the last attempt to write failed, or nobody writes any more: not ready, and every access
    /// is refused.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        self.told.stuck.load(Ordering::Relaxed) || self.queue.is_closed()
    }

    /// How long the oldest event has waited of those that do not count yet.
    #[must_use]
    pub fn lag(&self) -> Duration {
        self.told.waiting.longest()
    }

    /// What is free on the disk of the trail, in bytes; `None` where the system does not say.
    #[must_use]
    pub fn free_bytes(&self) -> Option<u64> {
        reserve::free(&self.dir).ok()
    }

    /// The trail in its order, from the line after this sequence on, as it grows.
    #[must_use]
    pub fn follow(&self, after: u64) -> Follower {
        Follower::new(&self.dir, after, self.reach.clone())
    }
}

impl Writer {
    /// Writes what is queued, forces it to disk and ends the writer; recorders answer
    /// [`RecordError::Closed`] from then on. Blocks the calling thread.
    pub fn finish(self) {
        if let Some(keeper) = self.keeper {
            keeper.finish();
        }
        let _ = self.stop.send(Job::Stop);
        if self.thread.join().is_err() {
            tracing::error!("the audit writer had panicked");
        }
    }
}

impl Observer {
    fn render(&self) -> Result<Json, serde_json::Error> {
        #[derive(Serialize)]
        struct Rendered<'a> {
            r#type: &'static str,
            product: &'static str,
            version: &'a str,
            name: &'a str,
        }
        let (name, version) = (&self.name, &self.version);
        Json::object(&Rendered { r#type: "proxy", product: "schoolgate", version, name })
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").field("head", &self.head()).field("stuck", &self.is_stuck()).finish()
    }
}

impl From<serde_json::Error> for RecordError {
    fn from(error: serde_json::Error) -> RecordError {
        RecordError::Unrenderable(Arc::new(error))
    }
}

/// A sortable id that carries the event's own time.
pub(super) fn id_at(time: Timestamp) -> Uuid {
    let millis = u64::try_from(time.as_millis()).unwrap_or(0);
    let nanos = u32::try_from(millis % 1000).unwrap_or(0) * 1_000_000;
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, millis / 1000, nanos))
}

pub(super) fn lock(dir: &Path) -> Result<File, OpenError> {
    DirBuilder::new().recursive(true).mode(0o750).create(dir).map_err(OpenError::Unreadable)?;
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o640).open(dir.join("lock"));
    let file = file.map_err(OpenError::Unreadable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse),
        Err(TryLockError::Error(error)) => Err(OpenError::Unreadable(error)),
    }
}

fn signing(signer: &Signer) -> Act {
    Act::new(Actor::System, "audit.signing")
        .with("key", signer.key().id())
        .with("fingerprint", signer.key().fingerprint())
}

/// A segment is not as it was left.
pub(super) fn disturbed(segment: &Path) -> Act {
    Act::new(Actor::System, "audit.disturbed").with("segment", segment.display().to_string())
}

fn repaired(repair: &Repair) -> Act {
    Act::new(Actor::System, "audit.repaired")
        .with("segment", repair.segment.display().to_string())
        .with("kept", repair.kept.display().to_string())
        .with("bytes", repair.bytes)
        .with("lines", repair.lines)
}
