//! The life of the service: start, signals, watchdog, stop.

use std::fmt::Arguments;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::{self, Running};
use crate::audit::Actor;
use crate::control::StartError;
use crate::control::feeds::inspection_sentence;
use crate::control::lists::Progress;
use crate::model::counted;
use crate::settings::{Loosening, Settings};

/// Runs a gateway until it is told to stop. `config` is where its settings came from, for the
/// commands that it suggests.
///
/// # Errors
/// What kept it from starting or from stopping in order.
pub async fn serve(settings: &Settings, config: &Path) -> Result<()> {
    // Before anything else: until there is a listener, a signal ends the process on the spot.
    let signals = Signals::listen()?;
    let bar = bar();
    let running = app::start(settings, &watching(&bar)).await;
    bar.finish_and_clear();
    let running = running?;
    print_welcome(settings, &running);
    print_statutory(&running).await;
    print_school_lists(settings, &running).await;
    print_first_link(settings, &running).await;
    print_trials(config, &running);
    tell(&[NotifyState::Ready]);
    until_stopped(&running, signals).await;
    tell(&[NotifyState::Stopping]);
    tracing::info!("stopping: taking no new connections, finishing what is open");
    running.stop(settings.limits.drain).await
}

/// What this process may be told.
struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Signals> {
        let listen = |kind| signal(kind).context("can't listen for signals");
        Ok(Signals {
            hangup: listen(SignalKind::hangup())?,
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }
}

/// Reloads on SIGHUP, feeds the watchdog, comes back on SIGTERM or SIGINT.
async fn until_stopped(running: &Running, mut signals: Signals) {
    let mut heart =
        tokio::time::interval(sd_notify::watchdog_enabled().map_or(Duration::from_secs(10), |span| span / 3));
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => return,
            _ = signals.interrupt.recv() => return,
            _ = signals.hangup.recv() => reload(running).await,
            _ = heart.tick() => if running.is_alive() { tell(&[NotifyState::Watchdog]) },
        }
    }
}

/// Reads policy and lists again, away from the threads that carry traffic.
async fn reload(running: &Running) {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        tell(&[NotifyState::Reloading, now]);
    }
    let control = Arc::clone(&running.control);
    let handle = tokio::runtime::Handle::current();
    let reloaded = tokio::task::spawn_blocking(move || {
        handle.block_on(control.reload(Actor::System, Some("SIGHUP"), &|_, _, _| {}))
    });
    match reloaded.await {
        Ok(Ok(recorded)) => {
            let (changes, held) = (recorded.value.changes.len(), recorded.value.held.len());
            tracing::info!(changes, held, "policy and lists reloaded");
        }
        Ok(Err(StartError::Faults(faults))) => {
            tracing::error!(faults = faults.len(), "nothing changed: the last good policy stays in force");
            complain(format_args!("{faults}"));
        }
        Ok(Err(fault @ StartError::Control(_))) => {
            tracing::error!(%fault, "nothing changed: the last good policy stays in force");
        }
        Err(_) => {
            tracing::error!("the reload was ended by a fault of this program; the last good policy stays")
        }
    }
    tell(&[NotifyState::Ready]);
}

/// Tells systemd, where there is one to tell.
fn tell(state: &[NotifyState<'_>]) {
    if let Err(fault) = sd_notify::notify(state) {
        tracing::warn!(%fault, "could not tell the service manager");
    }
}

/// Says it on stdout. Whoever read that may be gone: a gateway does not end with its terminal.
fn say(line: Arguments<'_>) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// As [`say`], on stderr.
fn complain(lines: Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{lines}");
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} lists  {msg}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn watching(bar: &ProgressBar) -> Box<Progress<'_>> {
    Box::new(|list, done, of| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
        bar.set_message(list.to_owned());
    })
}

/// What listens where.
fn print_welcome(settings: &Settings, running: &Running) {
    say(format_args!("{} · schoolgate {}", settings.site.name, env!("CARGO_PKG_VERSION")));
    for (door, address) in &running.doors {
        say(format_args!("  {:<17} {address}", door.as_str().replace('_', " ")));
    }
    for address in &running.admin {
        say(format_args!("  {:<17} {}://{address}/api/v1", "API", scheme(*address)));
    }
    for address in &running.metrics {
        say(format_args!("  {:<17} http://{address}/metrics", "metrics, health"));
    }
    if settings.statutory.unlicensed {
        say(format_args!(
            "\n  NO STATUTORY LIST: this box holds no IWF or CTIRU list. Put no pupils behind it."
        ));
    }
    if !settings.upstream.ports.is_empty() {
        say(format_args!(
            "\n  TEST SETTING: upstream.ports sends connections to other ports than asked for."
        ));
    }
}

/// How the statutory lists stand: how old they are, what they can't do, what is wrong.
async fn print_statutory(running: &Running) {
    let (policy, view) = (running.control.live().snapshot(), running.control.feeds().await);
    let now = running.control.now();
    say(format_args!(""));
    for list in policy.statutory().lists() {
        let looked = view.looked.get(&format!("statutory/{}", list.name));
        let hours = looked.map_or(0, |looked| now.since(*looked).as_secs() / 3600);
        let entries = counted(list.entries, "entry");
        say(format_args!("  statutory/{:<7} {entries}, looked at {hours} h ago", list.name));
    }
    if let Some(sentence) = inspection_sentence(policy.statutory(), Some(policy.draft())) {
        say(format_args!("  NOT ENFORCED: {sentence}."));
    }
    for alarm in &view.alarms {
        say(format_args!("  ALARM {}: {} (since {})", alarm.list, alarm.problem, alarm.since));
    }
}

/// Three things to try.
fn print_trials(config: &Path, running: &Running) {
    let explicit = running.doors.iter().find(|(door, _)| *door == crate::proxy::Door::Explicit);
    if let Some((_, address)) = explicit {
        say(format_args!("\nTry"));
        say(format_args!("  a page that passes     curl -x http://{address} http://example.com/"));
        say(format_args!(
            "  one that is blocked    curl -x http://{address} http://blocked.schoolgate.test/"
        ));
        let authority = running.authority().display();
        say(format_args!(
            "  the same inside TLS    curl -x http://{address} --cacert {authority} https://blocked.schoolgate.test/"
        ));
        let program = std::env::args().next().unwrap_or_else(|| "schoolgate".to_owned());
        let explain = format!("{program} --config {} explain", config.display());
        say(format_args!(
            "  how to see why         {explain} http://blocked.schoolgate.test/ --client 127.0.0.1"
        ));
    }
}

/// What a reader of the start must know of the school's own lists.
async fn print_school_lists(settings: &Settings, running: &Running) {
    if settings.lists.loosening == Loosening::AtOnce {
        say(format_args!(
            "\n  LOOSENING AT ONCE: edits of the school's lists that open something need nobody's yes."
        ));
    }
    match running.control.changes_pending().await {
        Ok(0) => {}
        Ok(count) => {
            say(format_args!(
                "\n  HELD: {} to be approved: schoolgate changes list --state pending",
                counted(count, "change")
            ));
        }
        Err(fault) => tracing::error!(%fault, "can't tell which changes are held"),
    }
    match running.control.reviews_overdue().await {
        Ok(0) => {}
        Ok(count) => say(format_args!(
            "\n  OVERDUE: {count} entries or changes should have been looked at again: schoolgate policy reviews --overdue"
        )),
        Err(fault) => tracing::error!(%fault, "can't tell which reviews are overdue"),
    }
}

/// Where somebody sets up the first account, while there is none.
async fn print_first_link(settings: &Settings, running: &Running) {
    match running.control.first_link().await {
        Ok(None) => {}
        Ok(Some(link)) => {
            say(format_args!(
                "\n  NOBODY HAS AN ACCOUNT: set up the first here, once, until {}",
                link.expires_at
            ));
            let mut all: Vec<app::Reached> =
                running.admin.iter().map(|address| app::reached(settings, address)).collect();
            all.dedup();
            for reached in &all {
                say(format_args!("    {}/setup/{}", reached.base, link.token));
            }
            if let Some(caution) = all.iter().find_map(app::Reached::caution) {
                say(format_args!("    ({caution})"));
            }
        }
        Err(fault) => tracing::error!(%fault, "can't make the link for the first account"),
    }
}

fn scheme(address: std::net::SocketAddr) -> &'static str {
    if address.ip().is_loopback() { "http" } else { "https" }
}
