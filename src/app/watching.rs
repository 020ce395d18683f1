//! The threads that look for alerts and deliver them: each waits for a disk or a server, and nothing
//! else waits with it.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::control::{Channel, Control};

/// How long they are given at a stop; what they were sending is sent at the next start.
const GRACE: Duration = Duration::from_secs(2);

/// The threads.
pub(super) struct Watching(Vec<JoinHandle<()>>);

impl Watching {
    /// Starts them, on the runtime that this is called in.
    pub(super) fn begin(control: &Arc<Control>, stop: &CancellationToken) -> Watching {
        let watch = {
            let (control, stop) = (Arc::clone(control), stop.clone());
            thread("alerts", move |runtime| runtime.block_on(control.watch_for_alerts(stop)))
        };
        let channels = [Channel::Mail, Channel::Webhook].map(|channel| {
            let (control, stop) = (Arc::clone(control), stop.clone());
            thread(channel.as_str(), move |runtime| runtime.block_on(control.deliver(channel, stop)))
        });
        Watching(std::iter::once(watch).chain(channels).flatten().collect())
    }

    /// Waits until they are done, or long enough.
    pub(super) async fn end(self) {
        let done = async {
            while self.0.iter().any(|thread| !thread.is_finished()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(GRACE, done).await.is_err() {
            tracing::info!("a server takes its time over a message: it is sent again at the next start");
        }
    }
}

fn thread(name: &str, run: impl FnOnce(Handle) + Send + 'static) -> Option<JoinHandle<()>> {
    let runtime = Handle::current();
    let made = std::thread::Builder::new().name(name.to_owned()).spawn(move || run(runtime));
    made.inspect_err(|fault| tracing::error!(%fault, name, "no thread: no alert is told")).ok()
}
