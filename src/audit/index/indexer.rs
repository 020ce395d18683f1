//! The one writer of the index: follows the trail, and makes anew what of older days is missing.
//!
//! **Invariant:** nobody waits for it. What it has not done yet is scanned.

use std::io;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::audit::follow::{Follower, Written};
use crate::audit::index::day::{DayWriter, IndexError};
use crate::audit::index::rebuild::Rebuild;
use crate::audit::index::seal::{self, Seal};
use crate::audit::index::{Index, Standing, days};
use crate::audit::recorder::Recorder;
use crate::audit::segment::Segment;
use crate::telemetry::Metrics;

/// Most lines of one transaction.
const BATCH: usize = 8192;
/// How long lines gather before they are taken in: few at a time cost more than many.
const GATHER: Duration = Duration::from_millis(500);
/// How long it catches up at the end; what is left is done after the next start.
const GRACE: Duration = Duration::from_secs(2);
/// How long it waits after a fault.
const PAUSE: Duration = Duration::from_secs(30);

/// The thread that writes the index.
#[derive(Debug)]
pub struct Indexer {
    thread: JoinHandle<()>,
    stop: CancellationToken,
}

/// What the thread works on.
struct Work {
    index: Index,
    reached: watch::Sender<u64>,
    follower: Follower,
    today: Option<Today>,
    /// Days that may be without an index, the newest last.
    older: Vec<String>,
    rebuild: Option<Rebuild>,
    /// Days whose index could not be made, which is not tried again before the next start.
    given_up: Vec<String>,
    /// Days whose index led astray and is made anew; one that does so again is given up.
    anew: Vec<String>,
    metrics: Option<Metrics>,
    gather: Duration,
    /// Not before then is anything written again.
    paused: Option<Instant>,
}

/// The day that is being written.
struct Today {
    day: String,
    writer: DayWriter,
}

impl Indexer {
    /// Starts to index what `recorder` writes, from where the index ends.
    ///
    /// # Errors
    /// When the trail can't be listed, or the thread can't be started.
    pub fn start(recorder: &Recorder, metrics: Option<Metrics>) -> io::Result<(Index, Indexer)> {
        Indexer::start_with(recorder, metrics, GATHER)
    }

    /// As [`Indexer::start`], with lines that gather for that long.
    pub(in crate::audit) fn start_with(
        recorder: &Recorder,
        metrics: Option<Metrics>,
        gather: Duration,
    ) -> io::Result<(Index, Indexer)> {
        let (reached, watched) = watch::channel(0);
        let index = Index { reached: watched, ..Index::of(recorder.dir()) };
        let mut older = days(recorder.dir())?;
        let last = older.pop();
        let work = Work {
            index: index.clone(),
            reached,
            follower: recorder.follow(0),
            today: None,
            older,
            rebuild: None,
            given_up: Vec::new(),
            anew: Vec::new(),
            metrics,
            gather,
            paused: None,
        };
        // Nobody may read it as finished while it is about to be written.
        if let Some(last) = &last {
            index.set(last, Standing::Unsound);
        }
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let run = move || work.run(last, &runtime, &stopped);
        let thread = std::thread::Builder::new().name("index".to_owned()).spawn(run)?;
        Ok((index, Indexer { thread, stop }))
    }

    /// Takes in what is left, as far as that is quickly done, finishes the index of the day and ends.
    /// The writer of the trail has ended before. Blocks the calling thread.
    pub fn finish(self) {
        self.stop.cancel();
        if self.thread.join().is_err() {
            tracing::error!("the indexer had panicked; the trail is not touched by that");
        }
    }
}

impl Work {
    fn run(mut self, last: Option<String>, runtime: &Runtime, stop: &CancellationToken) {
        if let Some(last) = last {
            self.open(&last);
        }
        let mut until = None;
        loop {
            let end = *until.get_or_insert_with(|| Instant::now() + GRACE);
            if !stop.is_cancelled() {
                until = None;
            } else if self.paused.is_some() || !self.follower.is_behind() || Instant::now() >= end {
                break;
            }
            if self.paused.is_some_and(|paused| Instant::now() < paused) {
                runtime.block_on(rest(PAUSE, stop));
                continue;
            }
            self.paused = None;
            if self.follower.is_behind() {
                let taken = self.take_some();
                if taken < BATCH && !stop.is_cancelled() {
                    runtime.block_on(rest(self.gather, stop));
                }
            } else if !self.work_on_older() {
                let goes_on = runtime.block_on(async {
                    tokio::select! {
                        () = stop.cancelled() => true,
                        goes_on = self.follower.more() => goes_on,
                        () = self.index.found.notified() => true,
                        () = tokio::time::sleep(PAUSE) => true,
                    }
                });
                if !goes_on {
                    break;
                }
                self.look_again();
            }
        }
        self.seal();
    }

    /// Opens the index of the last day: goes on with it where it is whole, or begins again.
    fn open(&mut self, day: &str) {
        let opened = self.resume(day).and_then(|resumed| resumed.map_or_else(|| self.begin(day), Ok));
        match opened {
            Ok(writer) => {
                self.follower = self.follower.again(writer.reached().max(self.first(day).saturating_sub(1)));
                self.index.set(day, Standing::Growing);
                self.tell(writer.reached());
                self.today = Some(Today { day: day.to_owned(), writer });
            }
            Err(fault) => self.fail(day, &fault),
        }
    }

    fn resume(&self, day: &str) -> Result<Option<DayWriter>, IndexError> {
        let folder = self.index.dir().join(day);
        if seal::look(&folder)? != Seal::Right {
            return Ok(None);
        }
        let fits = |writer: &DayWriter| {
            writer.reached() + 1 >= self.first(day) && writer.reached() <= self.follower.head()
        };
        Ok(DayWriter::resume(&folder)?.filter(fits))
    }

    fn begin(&self, day: &str) -> Result<DayWriter, IndexError> {
        DayWriter::create(&self.index.dir().join(day))
    }

    /// The first sequence of a day.
    fn first(&self, day: &str) -> u64 {
        let segments = Segment::list(self.index.dir()).unwrap_or_default();
        segments.iter().find(|segment| segment.day == day).map_or(1, |segment| segment.first)
    }

    /// Takes in the next lines; answers how many.
    fn take_some(&mut self) -> usize {
        let lines = match self.follower.read(BATCH) {
            Ok(lines) => lines,
            Err(fault) => {
                tracing::error!(%fault, "the trail can't be followed for the index; trying again");
                self.paused = Some(Instant::now() + PAUSE);
                return BATCH;
            }
        };
        for of_day in lines.chunk_by(|a, b| a.segment.day == b.segment.day) {
            let day = of_day[0].segment.day.clone();
            if let Err(fault) = self.add(&day, of_day) {
                self.fail(&day, &fault);
                return BATCH;
            }
        }
        self.tell(self.follower.last());
        lines.len()
    }

    fn add(&mut self, day: &str, lines: &[Written]) -> Result<(), IndexError> {
        if self.today.as_ref().is_none_or(|today| today.day != day) {
            self.seal();
            self.today = Some(Today { day: day.to_owned(), writer: self.begin(day)? });
            self.index.set(day, Standing::Growing);
        }
        match &mut self.today {
            Some(today) => today.writer.add(lines),
            None => Ok(()),
        }
    }

    /// The day's index is not written any more; after a while it is begun again.
    fn fail(&mut self, day: &str, fault: &IndexError) {
        tracing::error!(%fault, "the index can't be written: the trail itself is searched, which is slower");
        self.index.set(day, Standing::Unsound);
        self.today = None;
        self.follower = self.follower.again(self.first(day).saturating_sub(1));
        self.paused = Some(Instant::now() + PAUSE);
    }

    /// Finishes the day's index.
    fn seal(&mut self) {
        let Some(Today { day, writer }) = self.today.take() else { return };
        let finished = writer.seal().and_then(|()| match self.index.finished(&day) {
            true => Ok(true),
            false => Ok(seal::take(&self.index.dir().join(&day)).map(|()| false)?),
        });
        match finished {
            Ok(true) => return,
            Ok(false) => {}
            Err(fault) => {
                tracing::error!(%fault, "a day's index could not be finished; it is made anew");
                self.index.set(&day, Standing::Unsound);
            }
        }
        if !self.given_up.contains(&day) {
            self.older.push(day);
        }
    }

    /// One step of making older days' indexes anew; false when there is nothing to do.
    fn work_on_older(&mut self) -> bool {
        if self.rebuild.as_ref().is_some_and(|rebuild| self.is_live(rebuild.day())) {
            self.rebuild = None;
        }
        let Some(mut rebuild) = self.rebuild.take() else { return self.next_older() };
        let day = rebuild.day().to_owned();
        match rebuild.step() {
            Ok(Some(_)) => self.rebuild = Some(rebuild),
            Ok(None) => match rebuild.finish() {
                Ok(()) => self.index.set(&day, Standing::Sound),
                Err(fault) => self.give_up(day, &fault),
            },
            Err(fault) => self.give_up(day, &fault),
        }
        true
    }

    fn next_older(&mut self) -> bool {
        let Some(day) = self.older.pop() else { return false };
        if !self.is_live(&day) && self.index.is_wanting(&day) {
            match Rebuild::start(self.index.dir(), &day, &self.follower) {
                Ok(rebuild) => self.rebuild = Some(rebuild),
                Err(fault) => self.give_up(day, &fault),
            }
        }
        true
    }

    fn give_up(&mut self, day: String, fault: &IndexError) {
        tracing::error!(day, %fault, "a day's index could not be made anew: the trail itself is searched");
        self.given_up.push(day);
    }

    /// Indexes that led a question astray meanwhile are made anew, once.
    fn look_again(&mut self) {
        let mut unsound = self.index.unsound();
        unsound.retain(|day| !self.given_up.contains(day));
        for day in unsound {
            let is_today = self.today.as_ref().is_some_and(|today| today.day == day);
            if !is_today && self.is_live(&day) {
                continue;
            }
            if self.anew.contains(&day) {
                tracing::error!(day, "a day's index leads astray again: the trail itself is searched");
                self.given_up.push(day);
                continue;
            }
            self.anew.push(day.clone());
            if is_today {
                self.today = None;
                self.follower = self.follower.again(self.first(&day).saturating_sub(1));
            } else {
                self.older.push(day);
            }
        }
    }

    /// Whether a day is the one that is written, or follows it: its lines bring its index along.
    fn is_live(&self, day: &str) -> bool {
        let last = || days(self.index.dir()).unwrap_or_default().pop();
        let live = self.today.as_ref().map(|today| today.day.clone()).or_else(last);
        live.is_none_or(|live| day >= live.as_str())
    }

    fn tell(&self, reached: u64) {
        self.reached.send_replace(reached);
        if let Some(metrics) = &self.metrics {
            metrics.audit_index_lag(self.follower.head().saturating_sub(self.follower.last()));
        }
    }
}

/// Waits, but not for longer than the gateway runs.
async fn rest(span: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(span) => {}
    }
}
