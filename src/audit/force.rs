//! Forces what was written to disk, in a thread of its own: a slow disk holds up those who need
//! the disk, and nobody who needs only the kernel.
//!
//! **Invariant:** a segment for which forcing failed once is never said to be on disk again: what
//! the kernel kept of it is not known, and a second call would not tell.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use crate::audit::answer::Answer;
use crate::audit::recorder::RecordError;

/// Who waits for the segment, and not for one event of it.
const NO_EVENT: u64 = 0;

/// What forces a file to disk.
pub(super) type Force = dyn Fn(&File) -> io::Result<()> + Send;

/// A segment that is or was open, and the way to have it on disk. The thread ends once all of them
/// are gone.
#[derive(Clone, Debug)]
pub(super) struct Handle {
    /// Tells it from every other segment of this run.
    pub(super) number: u64,
    /// The file.
    pub(super) file: Arc<File>,
    requests: Sender<Request>,
}

/// The thread and the way to it.
#[derive(Debug)]
pub(super) struct Forcer {
    requests: Sender<Request>,
    lost: Arc<Mutex<Option<Lost>>>,
    thread: JoinHandle<()>,
}

/// What could not be forced since it was last asked.
#[derive(Debug)]
pub(super) struct Lost {
    /// Which segment.
    pub(super) number: u64,
    /// How many events were refused for it.
    pub(super) events: u64,
    /// Why.
    pub(super) error: Arc<io::Error>,
}

#[derive(Debug)]
struct Request {
    number: u64,
    file: Arc<File>,
    waiting: Vec<(u64, Answer)>,
}

impl Forcer {
    /// Starts the thread; `alarm` is called at a failure, before anybody is told.
    pub(super) fn start(force: Box<Force>, alarm: impl Fn() + Send + 'static) -> io::Result<Forcer> {
        let (requests, asked) = channel();
        let lost = Arc::new(Mutex::new(None));
        let disk = Disk { force, alarm: Box::new(alarm), lost: Arc::clone(&lost), failed: HashSet::new() };
        let thread = Builder::new().name("audit-disk".to_owned()).spawn(move || disk.run(&asked))?;
        Ok(Forcer { requests, lost, thread })
    }

    /// The way for a segment; `number` tells it from every other one of this run.
    pub(super) fn handle(&self, number: u64, file: File) -> Handle {
        Handle { number, file: Arc::new(file), requests: self.requests.clone() }
    }

    /// What failed since the last call.
    pub(super) fn lost(&self) -> Option<Lost> {
        held(&self.lost).take()
    }

    /// Waits until all that was asked for is answered.
    pub(super) fn finish(self) {
        drop(self.requests);
        if self.thread.join().is_err() {
            tracing::error!("the thread that forces the audit trail to disk had panicked");
        }
    }
}

impl Handle {
    /// Answers each event once the disk has the segment.
    pub(super) fn force(&self, waiting: Vec<(u64, Answer)>) {
        // Fails only where the thread is gone: the answers are dropped, which is a refusal.
        let _ = self.requests.send(Request { number: self.number, file: Arc::clone(&self.file), waiting });
    }

    /// Waits until the disk has the segment.
    pub(super) fn force_now(&self) -> io::Result<()> {
        let (answer, answered) = Answer::channel(None);
        self.force(vec![(NO_EVENT, answer)]);
        match answered.blocking_recv() {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(io::Error::other(error)),
            Err(_) => Err(io::Error::other("the thread that forces the audit trail to disk is gone")),
        }
    }
}

/// The thread's own.
struct Disk {
    force: Box<Force>,
    alarm: Box<dyn Fn() + Send>,
    lost: Arc<Mutex<Option<Lost>>>,
    failed: HashSet<u64>,
}

impl Disk {
    /// One call to the disk for all that came in meanwhile.
    fn run(mut self, asked: &Receiver<Request>) {
        while let Ok(first) = asked.recv() {
            let mut requests = vec![first];
            requests.extend(asked.try_iter());
            while let Some(first) = requests.first() {
                let (number, file) = (first.number, Arc::clone(&first.file));
                let (same, others) = requests.into_iter().partition(|other| other.number == number);
                requests = others;
                self.answer(number, &file, same);
            }
        }
    }

    /// Forces one segment, and tells all who wait for it.
    fn answer(&mut self, number: u64, file: &File, requests: Vec<Request>) {
        let error = self.forced(number, file).err().map(Arc::new);
        let waiting: Vec<_> = requests.into_iter().flat_map(|request| request.waiting).collect();
        if let Some(error) = &error {
            self.failed.insert(number);
            let mut lost = held(&self.lost);
            let before = lost.as_ref().map_or(0, |lost| lost.events);
            let refused = waiting.iter().filter(|(sequence, _)| *sequence != NO_EVENT).count() as u64;
            let events = before + refused;
            *lost = Some(Lost { number, events, error: Arc::clone(error) });
            drop(lost);
            (self.alarm)();
        }
        for (sequence, answer) in waiting {
            let told =
                error.as_ref().map_or(Ok(sequence), |error| Err(RecordError::Unwritten(Arc::clone(error))));
            answer.send(told);
        }
    }

    fn forced(&self, number: u64, file: &File) -> io::Result<()> {
        if self.failed.contains(&number) {
            return Err(io::Error::other("an earlier part of this segment could not be forced to disk"));
        }
        (self.force)(file)
    }
}

fn held(lost: &Mutex<Option<Lost>>) -> MutexGuard<'_, Option<Lost>> {
    lost.lock().unwrap_or_else(PoisonError::into_inner)
}
