//! The one writer: takes what is queued, chains it, writes it in one go, and only then answers.
//!
//! **Invariant:** nobody is told that an event is recorded before the kernel, or for the
//! durable grade the disk, has it; and what could not be recorded is counted in the trail
//! itself as soon as it can be written again.

use std::iter::Peekable;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::vec::IntoIter;
use std::{io, thread};

use tokio::sync::{mpsc, watch};

use crate::audit::answer::{Answer, Waiting};
use crate::audit::chain::Head;
use crate::audit::event::{Act, Actor, Entry, Grade};
use crate::audit::follow::Reach;
use crate::audit::json::Json;
use crate::audit::ledger::Ledger;
use crate::audit::line::Draft;
use crate::audit::notary;
use crate::audit::recorder::{self, RecordError, id_at};
use crate::audit::reserve::Reserve;
use crate::audit::store::Store;
use crate::audit::trouble::Trouble;
use crate::model::Timestamp;

/// Most events of one batch.
const BATCH: usize = 1024;
/// Most bytes of one write, but for the line that passes it.
const WRITE: usize = 4 << 20;
/// How often a stuck writer looks for events, and how often it tries to write without one.
const GLANCE: Duration = Duration::from_millis(10);
const PROBE: Duration = Duration::from_secs(1);

/// What the writer is asked to do.
#[derive(Debug)]
pub(super) enum Job {
    /// Write an event and answer its sequence once it counts; past its time, refuse it.
    Record { draft: Draft, grade: Grade, until: Option<Instant>, answer: Answer },
    /// Write the end of an access; nobody waits.
    Close { draft: Draft },
    /// See to what the disk did not take, and to what is to be signed.
    Look,
    /// Have a checkpoint written over all that came before.
    Seal { answer: notary::Answer },
    /// Write what is queued, and end.
    Stop,
}

/// What the writer shares with the recorders.
#[derive(Clone)]
pub(super) struct Told {
    /// Whether the last attempt to write failed.
    pub(super) stuck: Arc<AtomicBool>,
    /// How many events were given up before there was room for them in the queue.
    pub(super) given_up: Arc<AtomicU64>,
    /// Who waits.
    pub(super) waiting: Waiting,
    /// What time it is.
    pub(super) now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

/// What the writer keeps the trail with.
pub(super) struct Keeping {
    /// The segments.
    pub(super) store: Store,
    /// Room on their disk.
    pub(super) reserve: Reserve,
    /// What is signed of them.
    pub(super) ledger: Ledger,
}

/// The writer's state.
pub(super) struct Scribe {
    store: Store,
    reserve: Reserve,
    ledger: Ledger,
    observer: Json,
    jobs: mpsc::Receiver<Job>,
    /// Who waits for a checkpoint.
    sealing: Vec<notary::Answer>,
    batch: Vec<Job>,
    reach: watch::Sender<Reach>,
    told: Told,
    /// The writer's own events, to be written before anything else.
    notes: Vec<Act>,
    /// What was refused since the last good write.
    trouble: Option<Trouble>,
    buffer: Vec<u8>,
}

/// A job that has its line.
struct Stamped {
    head: Head,
    waiting: Option<(Grade, Answer)>,
}

impl Scribe {
    pub(super) fn new(
        Keeping { store, reserve, ledger }: Keeping,
        observer: Json,
        jobs: mpsc::Receiver<Job>,
        reach: watch::Sender<Reach>,
        told: &Told,
        notes: Vec<Act>,
    ) -> Scribe {
        Scribe {
            store,
            reserve,
            ledger,
            observer,
            jobs,
            sealing: Vec::new(),
            batch: Vec::with_capacity(BATCH),
            reach,
            told: told.clone(),
            notes,
            trouble: None,
            buffer: Vec::new(),
        }
    }

    /// Writes until every recorder is gone or [`Job::Stop`] came, then forces all to disk.
    pub(super) fn run(mut self) {
        if self.reserve.is_given() {
            self.trouble(&full());
        }
        // A failure is kept in `trouble` and tried again.
        let _ = self.write_notes();
        while self.gather() {
            self.write_batch();
        }
        // The last checkpoint is written to disk through the store.
        self.ledger.finish((self.told.now)());
        if let Some(trouble) = &self.trouble {
            let Trouble { refused, closes_lost, unforced, .. } = trouble;
            tracing::error!(
                refused,
                closes_lost,
                unforced,
                "the audit trail ends without saying what it lost"
            );
        }
        if let Err(error) = self.store.finish() {
            tracing::error!(%error, "the audit trail could not be forced to disk at its end");
        }
    }

    /// Waits for jobs; a stuck writer also wakes to try again. False at the end.
    fn gather(&mut self) -> bool {
        if self.trouble.is_none() {
            return self.jobs.blocking_recv_many(&mut self.batch, BATCH) > 0;
        }
        let until = Instant::now() + PROBE;
        loop {
            match self.jobs.try_recv() {
                Ok(job) => self.batch.push(job),
                Err(_) if !self.batch.is_empty() => return true,
                Err(mpsc::error::TryRecvError::Disconnected) => return false,
                Err(mpsc::error::TryRecvError::Empty) if Instant::now() >= until => return true,
                Err(mpsc::error::TryRecvError::Empty) => thread::sleep(GLANCE),
            }
            if self.batch.len() >= BATCH {
                return true;
            }
        }
    }

    fn write_batch(&mut self) {
        self.look();
        let mut jobs = self.admitted().into_iter().peekable();
        loop {
            let noted = self.write_notes();
            let run = self.stamp(&mut jobs);
            if run.is_empty() {
                break;
            }
            match noted.and_then(|()| self.append(&run)) {
                Ok(()) => self.accept(run),
                Err(error) => self.refuse(run, error),
            }
        }
        let disturbed = self.store.disturbed();
        if !disturbed.is_empty() {
            self.notes.extend(disturbed.iter().map(|path| recorder::disturbed(path)));
            let _ = self.write_notes();
        }
        let sealing = std::mem::take(&mut self.sealing);
        if !sealing.is_empty() {
            self.ledger.seal(sealing, (self.told.now)());
        }
    }

    /// Sees to what the disk did not take, and what did not come as far as the writer.
    fn look(&mut self) {
        if let Some(lost) = self.store.lost() {
            self.trouble(&lost.error).unforced += lost.events;
        }
        let given_up = self.told.given_up.swap(0, Ordering::Relaxed);
        if given_up > 0 {
            self.trouble(&late()).refused += given_up;
        }
    }

    /// What may be written: nothing whose time is over; and of a full disk's kept room, blocks and
    /// ends have the first three quarters, and what staff do has all.
    fn admitted(&mut self) -> Vec<Job> {
        let batch = std::mem::take(&mut self.batch);
        let (now, given, low) = (Instant::now(), self.reserve.is_given(), self.reserve.is_low());
        let mut admitted = Vec::with_capacity(batch.len());
        for job in batch {
            match job {
                Job::Record { until: Some(until), answer, .. } if until <= now => {
                    self.trouble(&late()).refused += 1;
                    answer.send(Err(RecordError::Late));
                }
                Job::Record { grade, answer, .. }
                    if given && (grade == Grade::Accepted || (low && grade == Grade::Durable)) =>
                {
                    let error = full();
                    self.trouble(&error).refused += 1;
                    answer.send(Err(RecordError::Unwritten(Arc::new(error))));
                }
                Job::Close { .. } if low => self.trouble(&full()).closes_lost += 1,
                Job::Record { .. } | Job::Close { .. } | Job::Seal { .. } | Job::Look | Job::Stop => {
                    admitted.push(job);
                }
            }
        }
        admitted
    }

    /// Writes the writer's own events and forces them to disk: with the last of them the
    /// trail says what it could not hold.
    fn write_notes(&mut self) -> io::Result<()> {
        let over = self.trouble.is_some() && self.reserve.restore();
        let mut acts = self.notes.clone();
        acts.extend(self.trouble.as_ref().filter(|_| over).map(Trouble::act));
        if acts.is_empty() {
            return Ok(());
        }
        let mut jobs =
            acts.into_iter().filter_map(|act| self.note(act)).collect::<Vec<_>>().into_iter().peekable();
        let run = self.stamp(&mut jobs);
        let written = self.append(&run).and_then(|()| {
            self.accept(run);
            self.store.sync()
        });
        match &written {
            Ok(()) => {
                self.notes.clear();
                if over {
                    self.trouble = None;
                    self.told.stuck.store(false, Ordering::Relaxed);
                }
            }
            Err(error) => {
                self.trouble(error);
            }
        }
        written
    }

    fn note(&self, act: Act) -> Option<Job> {
        let time = (self.told.now)();
        let (event, rest) = Entry::System(act).render().ok()?;
        Draft::new(time, id_at(time), event, rest).map(|draft| Job::Close { draft })
    }

    /// Makes lines of the jobs up to the end of the day, or of what is written at once.
    fn stamp(&mut self, jobs: &mut Peekable<IntoIter<Job>>) -> Vec<Stamped> {
        self.buffer.clear();
        let mut head = self.reach.borrow().head;
        let mut run = Vec::with_capacity(jobs.len());
        while self.buffer.len() < WRITE {
            let same_day = |job: &Job| match job {
                Job::Record { draft, .. } | Job::Close { draft } => {
                    run.is_empty() || day(draft.time.max(head.time)) == day(head.time)
                }
                Job::Seal { .. } | Job::Look | Job::Stop => true,
            };
            let (draft, waiting) = match jobs.next_if(same_day) {
                Some(Job::Record { draft, grade, answer, until: _ }) => (draft, Some((grade, answer))),
                Some(Job::Close { draft }) => (draft, None),
                Some(Job::Look) => {
                    self.ledger.look((self.told.now)());
                    continue;
                }
                Some(Job::Seal { answer }) => {
                    self.sealing.push(answer);
                    continue;
                }
                Some(Job::Stop) => {
                    self.jobs.close();
                    continue;
                }
                None => break,
            };
            head = draft.write(head, &self.observer, &mut self.buffer);
            run.push(Stamped { head, waiting });
        }
        run
    }

    /// Puts the run on disk; where that is full, in the room that was kept.
    fn append(&mut self, run: &[Stamped]) -> io::Result<()> {
        let [first, ..] = run else { return Ok(()) };
        let (time, sequence) = (first.head.time, first.head.sequence);
        match self.store.append(time, sequence, &self.buffer) {
            Err(error) if is_full(&error) && self.reserve.give()? => {
                self.trouble(&error);
                self.notes
                    .push(Act::new(Actor::System, "audit.reserve_opened").with("error", error.to_string()));
                self.store.append(time, sequence, &self.buffer)
            }
            written => written,
        }
    }

    /// The kernel has the run: moves the head, answers whom that is enough, and has the segment that
    /// it stands in forced for the others.
    fn accept(&mut self, run: Vec<Stamped>) {
        if let Some(last) = run.last() {
            self.reach.send_replace(Reach { head: last.head, open: self.store.reach() });
        }
        self.ledger.took(self.store.open(), run.iter().map(|stamped| stamped.head), (self.told.now)());
        let mut unforced = Vec::new();
        for Stamped { head, waiting, .. } in run {
            match waiting {
                Some((Grade::Durable | Grade::Vital, answer)) => unforced.push((head.sequence, answer)),
                Some((Grade::Accepted, answer)) => answer.send(Ok(head.sequence)),
                None => {}
            }
        }
        if !unforced.is_empty() {
            self.store.force(unforced);
        }
    }

    fn refuse(&mut self, run: Vec<Stamped>, error: io::Error) {
        let waiting = run.iter().filter(|stamped| stamped.waiting.is_some()).count() as u64;
        let closes = run.len() as u64 - waiting;
        let trouble = self.trouble(&error);
        trouble.refused += waiting;
        trouble.closes_lost += closes;
        let error = RecordError::Unwritten(Arc::new(error));
        for (_, answer) in run.into_iter().filter_map(|stamped| stamped.waiting) {
            answer.send(Err(error.clone()));
        }
    }

    fn trouble(&mut self, error: &io::Error) -> &mut Trouble {
        self.told.stuck.store(true, Ordering::Relaxed);
        let now = &self.told.now;
        self.trouble.get_or_insert_with(|| {
            tracing::error!(%error, "the audit trail can't be written: accesses are refused");
            Trouble::new(now(), error.to_string())
        })
    }
}

fn full() -> io::Error {
    io::Error::new(
        io::ErrorKind::StorageFull,
        "the disk is full: what is left is kept for blocks and changes",
    )
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the disk took too long")
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn day(time: Timestamp) -> i64 {
    time.as_millis().div_euclid(86_400_000)
}
