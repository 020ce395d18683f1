//! The trail on its way out: every line to every collector of the school's, in its order.
//!
//! **Invariant:** a collector that is slow, away or hostile holds up nobody but itself: each has a
//! place of its own in the trail, which is kept on disk, and misses nothing for as long as the trail
//! holds it.
//!
//! Syslog over TCP or TLS has no acknowledgement: what this side has written may yet be lost on its
//! way. So a place moves on only behind what was written [`sink::KEEP`] ago on a connection that has
//! stood ever since; the kernel gives a connection up when what was sent is not acknowledged by the
//! other kernel for less than that. After every break everything behind that place is sent again, and
//! receivers tell doubles by `sequence`. What can be lost is what the collector's machine had taken in
//! for longer than that when it died, and had not kept. `docs/AUDIT.md` says so to its readers.

mod cursor;
mod frame;
mod link;
mod sink;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::audit::{Pseudonyms, Recorder};
use crate::settings::Syslog;
use crate::telemetry::Metrics;

use cursor::Cursor;
use link::Dialler;
use sink::Sink;

/// How long sending the rest may take at a stop, whatever it waits for; more than a collector is given.
const AT_MOST: Duration = Duration::from_secs(8);
/// How long is waited after that for what can't be broken off: a disk, or the system that looks for a
/// collector's address.
const LAST: Duration = Duration::from_secs(1);

/// What shipping needs.
pub struct Parts {
    /// The collectors.
    pub collectors: Vec<Syslog>,
    /// The trail.
    pub recorder: Recorder,
    /// Where the lags are shown.
    pub metrics: Metrics,
    /// Where places are kept.
    pub state_dir: PathBuf,
    /// This box, as `HOSTNAME`.
    pub gateway: String,
    /// What stands for people's names where a collector does not get them.
    pub pseudonyms: Pseudonyms,
    /// The line after which a collector begins that was never sent anything.
    pub began: u64,
}

/// The thread that ships.
#[derive(Debug)]
pub struct Shipping {
    thread: Option<JoinHandle<()>>,
    stop: DropGuard,
}

/// Why shipping can't start.
#[derive(Debug, thiserror::Error)]
pub enum ShippingError {
    /// A collector's authority can't be read, or is none.
    #[error("audit.syslog {name}: {}: {fault}", .file.display())]
    Authority {
        /// The collector.
        name: String,
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// TLS can't be set up.
    #[error("audit.syslog: {0}")]
    Tls(#[from] rustls::Error),
    /// A place can't be read.
    #[error("audit.syslog {name}: its place in {} can't be read: {fault}", .file.display())]
    Place {
        /// The collector.
        name: String,
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        fault: io::Error,
    },
    /// There is no thread for it.
    #[error("audit.syslog: no thread to send from: {0}")]
    Thread(#[from] io::Error),
}

impl Shipping {
    /// Starts to send, each collector from its own place on.
    ///
    /// # Errors
    /// [`ShippingError`]. A collector that can't be reached is no error: it is tried again.
    pub fn start(parts: Parts) -> Result<Shipping, ShippingError> {
        let stop = CancellationToken::new();
        if parts.collectors.is_empty() {
            return Ok(Shipping { thread: None, stop: stop.drop_guard() });
        }
        let mut sinks = Vec::new();
        for collector in parts.collectors {
            let head = parts.recorder.head().sequence;
            let cursor = Cursor::open(&parts.state_dir, &collector.name, parts.began, head)?;
            sinks.push(Sink::new(
                Dialler::new(&collector)?,
                cursor,
                collector,
                parts.recorder.clone(),
                parts.metrics.clone(),
                (&parts.gateway, &parts.pseudonyms),
            ));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let stopped = stop.clone();
        let thread = std::thread::Builder::new().name("syslog".to_owned());
        let thread = thread.spawn(move || run(runtime, sinks, &stopped))?;
        Ok(Shipping { thread: Some(thread), stop: stop.drop_guard() })
    }

    /// Sends what is left to those that can be reached, for a few seconds at most, and ends. Blocks.
    pub fn finish(self) {
        drop(self.stop);
        if self.thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("what sends to collectors had panicked");
        }
    }
}

/// Sends until all are done after `stop`, or for long enough. A runtime that is merely dropped waits
/// without limit for what its threads wait for.
fn run(runtime: Runtime, sinks: Vec<Sink>, stop: &CancellationToken) {
    let late = async {
        stop.cancelled().await;
        tokio::time::sleep(AT_MOST).await;
    };
    runtime.block_on(async {
        tokio::select! {
            () = send(sinks, stop) => {}
            () = late => tracing::warn!("sending to collectors did not end; what is left is sent at the next start"),
        }
    });
    runtime.shutdown_timeout(LAST);
}

async fn send(sinks: Vec<Sink>, stop: &CancellationToken) {
    let mut tasks = tokio::task::JoinSet::new();
    for sink in sinks {
        tasks.spawn(sink.run(stop.clone()));
    }
    while let Some(ended) = tasks.join_next().await {
        if let Err(fault) = ended {
            tracing::error!(%fault, "a collector is sent nothing any more until the next start");
        }
    }
}
