//! The end that is owed to an access whose asker does not wait for its record to the end.
//!
//! **Invariant:** the line of an access that policy let through is never left without an end
//! because whoever asked for it was gone when the line was written: it ends with no bytes.

use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::audit::answer::Told;
use crate::audit::event::{ClosedBy, Closing};
use crate::audit::recorder::{Receipt, RecordError, Recorder};

/// The answer to a record, awaited; dropped before it came, it is awaited elsewhere, to be closed.
pub(super) struct Owed<'r> {
    recorder: &'r Recorder,
    id: Uuid,
    since: Instant,
    answered: Option<Answered>,
}

type Answered = oneshot::Receiver<Told>;

impl Owed<'_> {
    pub(super) fn new(recorder: &Recorder, id: Uuid, answered: Answered) -> Owed<'_> {
        Owed { recorder, id, since: Instant::now(), answered: Some(answered) }
    }

    /// The sequence of the line.
    pub(super) async fn awaited(mut self) -> Result<u64, RecordError> {
        let Some(answered) = self.answered.as_mut() else { return Err(RecordError::Closed) };
        let told = answered.await;
        self.answered = None;
        told.map_err(|_| RecordError::Closed)?
    }
}

impl Drop for Owed<'_> {
    fn drop(&mut self) {
        let Some(answered) = self.answered.take() else { return };
        let Ok(runtime) = Handle::try_current() else { return };
        let (recorder, id, since) = (self.recorder.clone(), self.id, self.since);
        runtime.spawn(async move {
            if let Ok(Ok(sequence)) = answered.await {
                recorder.close(Receipt { sequence, id }, nothing_passed(since.elapsed()));
            }
        });
    }
}

fn nothing_passed(duration: Duration) -> Closing {
    Closing { bytes_up: 0, bytes_down: 0, duration, closed_by: ClosedBy::Gateway }
}
