//! Recording one event: into the queue, and until it counts.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;

use crate::audit::answer::Answer;
use crate::audit::event::{Closing, Entry, closed};
use crate::audit::line::Draft;
use crate::audit::notary::Covered;
use crate::audit::recorder::owed::Owed;
use crate::audit::recorder::{Receipt, RecordError, Recorder, id_at};
use crate::audit::writer::Job;

impl Recorder {
    /// Records an event and waits until it counts: an access that passes, when the kernel has
    /// it; a block, an unblocked access or an act of staff, when the disk has it.
    ///
    /// # Errors
    /// [`RecordError`]: it is not recorded, and must not happen.
    pub async fn record(&self, entry: Entry) -> Result<Receipt, RecordError> {
        self.put(entry, None).await
    }

    /// As [`Recorder::record`], and no later than after `limit`. Of an access that would have passed
    /// there is no line then, or one that ends with no bytes.
    ///
    /// # Errors
    /// As [`Recorder::record`].
    pub async fn record_within(&self, entry: Entry, limit: Duration) -> Result<Receipt, RecordError> {
        self.put(entry, Some(Instant::now() + limit)).await
    }

    /// Records the end of an access. Never waits, so that it can be called where an access is
    /// dropped: with the queue full, a task waits in its place, or where there are no tasks the thread.
    pub fn close(&self, receipt: Receipt, closing: Closing) {
        let drafted = closed(receipt.sequence, closing)
            .ok()
            .and_then(|(event, rest)| Draft::new((self.told.now)(), receipt.id, event, rest));
        let Some(draft) = drafted else { return self.end_lost() };
        match self.queue.try_send(Job::Close { draft }) {
            Ok(()) => {}
            Err(TrySendError::Full(job)) => self.close_later(job),
            // The queue is shut only once the writer has finished; a drain ends before that.
            Err(TrySendError::Closed(_)) => self.end_lost(),
        }
    }
}

impl Recorder {
    fn close_later(&self, job: Job) {
        let recorder = self.clone();
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move {
                if recorder.queue.send(job).await.is_err() {
                    recorder.end_lost();
                }
            })),
            Err(_) if self.queue.blocking_send(job).is_err() => self.end_lost(),
            Err(_) => {}
        }
    }

    fn end_lost(&self) {
        if let Some(metrics) = &self.metrics {
            metrics.audit_end_lost();
        }
    }

    async fn put(&self, entry: Entry, until: Option<Instant>) -> Result<Receipt, RecordError> {
        let time = (self.told.now)();
        let id = id_at(time);
        let (grade, kind, passes) = (entry.grade(), entry.kind(), entry.passes());
        let (event, rest) = entry.render()?;
        let draft = Draft::new(time, id, event, rest).ok_or(RecordError::TooLong)?;
        let (answer, answered) = Answer::channel(Some(self.told.waiting.place()));
        let room = in_time(until, self.queue.reserve()).await.inspect_err(|_| {
            self.told.given_up.fetch_add(1, Ordering::Relaxed);
        })?;
        // What is refused anyway is worth a line, however late.
        let job = Job::Record { draft, grade, until: until.filter(|_| passes), answer };
        room.map_err(|_| RecordError::Closed)?.send(job);
        let sequence = if passes {
            in_time(until, Owed::new(self, id, answered).awaited()).await?
        } else {
            in_time(until, answered).await?.map_err(|_| RecordError::Closed)?
        }?;
        if let Some(metrics) = &self.metrics {
            metrics.audit_events(kind, 1);
            metrics.audit_checkpoint_age_seconds(self.checkpoint_age());
        }
        Ok(Receipt { sequence, id })
    }

    /// How long after the last checkpoint the last line was written: no more than a minute, unless
    /// checkpoints can't be written.
    fn checkpoint_age(&self) -> Duration {
        let (head, covered) = (self.head(), self.covered());
        if head.sequence <= covered.sequence || covered == Covered::NONE {
            return Duration::ZERO;
        }
        head.time.since(covered.time)
    }
}

/// What comes of it, unless its time is over before.
async fn in_time<T>(until: Option<Instant>, what: impl Future<Output = T>) -> Result<T, RecordError> {
    match until {
        Some(until) => tokio::time::timeout_at(until.into(), what).await.map_err(|_| RecordError::Late),
        None => Ok(what.await),
    }
}
