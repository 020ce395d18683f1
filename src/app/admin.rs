//! The administration thread: API, local socket, metrics and health on a runtime of their own,
//! so that they answer when the data plane is saturated.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::app::watching::Watching;
use crate::audit::{Actor, Index, QueryError, Recorder};
use crate::ca::Public;
use crate::control::feeds::{Alarm, Asked};
use crate::control::{Control, ControlError};
use crate::settings::Settings;
use crate::telemetry::Metrics;
use crate::web::local::LocalSocket;
use crate::web::status::{self, Fact, Readiness};
use crate::web::{self, Shared, Tls};

/// How often it is looked for unblocks that began or ended by the clock, and for other ages.
const SWEEP: Duration = Duration::from_secs(1);

/// How long searches and archives under way are given at a stop before they are broken off.
const SEARCHES: Duration = Duration::from_secs(2);
/// How long acts under way are given at a stop, as the connections are that they are done for.
const ACTS: Duration = Duration::from_secs(5);
/// How long is waited at the end for what can't be broken off: it waits for a disk.
const LAST: Duration = Duration::from_secs(1);

/// The thread, and how to end it.
pub(super) struct AdminThread {
    thread: JoinHandle<()>,
    readiness: Readiness,
    stop: CancellationToken,
}

/// What the thread needs.
pub(super) struct Parts<'a> {
    pub(super) settings: &'a Settings,
    pub(super) admin: Vec<TcpListener>,
    pub(super) metrics_at: Vec<TcpListener>,
    pub(super) control: Arc<Control>,
    pub(super) recorder: Recorder,
    pub(super) index: Index,
    pub(super) metrics: Metrics,
    pub(super) authority: Public,
}

/// Listeners on their way from one runtime to another.
struct Doors {
    admin: Vec<std::net::TcpListener>,
    metrics: Vec<std::net::TcpListener>,
    local: LocalSocket,
    tls: Option<Tls>,
}

/// Starts it; it is ready when this returns.
pub(super) fn spawn(parts: Parts<'_>) -> Result<AdminThread> {
    let stop = CancellationToken::new();
    let readiness = Readiness::new();
    readiness.note(if parts.settings.statutory.unlicensed { Fact::Unlicensed } else { Fact::StatutoryHeld });
    readiness.note(Fact::PolicyInForce);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = {
        let _inside = runtime.enter();
        LocalSocket::bind(&parts.settings.state.dir).context("can't open the local socket")?
    };
    let doors = Doors {
        admin: to_std(parts.admin)?,
        metrics: to_std(parts.metrics_at)?,
        local,
        tls: Tls::for_admin(parts.settings, parts.control.now())?,
    };
    let shared = Shared::new(
        Arc::clone(&parts.control),
        parts.recorder.clone(),
        parts.index,
        parts.authority,
        &parts.settings.site.name,
    );
    let routes = status::router(readiness.clone(), parts.metrics, parts.recorder);
    let (stopped, told) = (stop.clone(), readiness.clone());
    let thread = std::thread::Builder::new().name("admin".to_owned()).spawn(move || {
        runtime.block_on(async move {
            if let Err(fault) = serve(doors, shared, routes, Lists::new(parts.control, told), stopped).await {
                tracing::error!(%fault, "the API does not answer; filtering goes on");
            }
        });
        // Merely dropped, it would wait without limit for whoever still reads the trail.
        runtime.shutdown_timeout(LAST);
    });
    Ok(AdminThread { thread: thread.context("can't start the admin thread")?, readiness, stop })
}

impl AdminThread {
    /// Not ready from here on.
    pub(super) fn draining(&self) {
        self.readiness.note(Fact::Draining);
    }

    /// Ends the thread once requests under way are done.
    pub(super) async fn stop(self) -> Result<()> {
        self.stop.cancel();
        let thread = self.thread;
        let joined = tokio::task::spawn_blocking(move || thread.join()).await?;
        joined.map_err(|_| anyhow::anyhow!("the admin thread had panicked"))
    }
}

async fn serve(
    doors: Doors,
    shared: Shared,
    routes: web::Routes,
    lists: Lists,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let admin = web::serve(from_std(doors.admin)?, web::admin(&shared), doors.tls, stop.clone());
    let metrics = web::serve(from_std(doors.metrics)?, routes, None, stop.clone());
    let local = doors.local.serve(&shared, stop.clone());
    let watching = Watching::begin(&lists.control, &stop);
    let streams = async {
        stop.cancelled().await;
        shared.end_streams().await;
    };
    let last = async {
        stop.cancelled().await;
        Instant::now() + ACTS
    };
    let served = async { tokio::join!(admin, metrics, local, streams, sweep(lists, stop.clone()), last).5 };
    let by = tokio::select! {
        by = served => by,
        by = end_searches(&shared, &stop) => by,
    };
    shared.end_searches();
    // An act outlives the connection of whoever left.
    shared.finish(by).await;
    watching.end().await;
    Ok(())
}

/// Breaks off searches and archives that go on for too long after the stop; never returns.
async fn end_searches(shared: &Shared, stop: &CancellationToken) -> Instant {
    stop.cancelled().await;
    tokio::time::sleep(SEARCHES).await;
    shared.end_searches();
    std::future::pending().await
}

/// Keeps the record and the gauges up with the clock.
async fn sweep(mut lists: Lists, stop: CancellationToken) {
    let mut reviews = Reviews::default();
    let mut ticks = tokio::time::interval(SWEEP);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Err(fault) = lists.control.sweep().await {
            tracing::error!(%fault, "could not record what the clock did to unblocks; trying again");
        }
        if let Err(fault) = lists.control.sweep_suspensions().await {
            tracing::error!(%fault, "could not record what the clock did to suspensions; trying again");
        }
        if let Err(fault) = lists.control.sweep_alerts().await {
            tracing::error!(%fault, "could not escalate an alert that nobody answers; trying again");
        }
        lists.report().await;
        lists.tick().await;
        reviews.tick(&lists.control).await;
    }
}

/// Reviews, counted once a day.
#[derive(Default)]
struct Reviews {
    counted: String,
}

impl Reviews {
    async fn tick(&mut self, control: &Control) {
        let today = control.now().day();
        if self.counted == today {
            return;
        }
        self.counted = today;
        if let Err(fault) = control.reviews_overdue().await {
            tracing::error!(%fault, "can't tell which reviews are overdue");
        }
    }
}

/// The lists as the clock moves on: their ages, their alarms, their sources.
struct Lists {
    control: Arc<Control>,
    readiness: Readiness,
    /// The thread that looks at sources: it waits for servers, and nothing else may wait with it.
    looking: Option<JoinHandle<()>>,
    /// The thread that reports on unblocks that are over: it reads the trail.
    reporting: Option<JoinHandle<()>>,
}

impl Lists {
    fn new(control: Arc<Control>, readiness: Readiness) -> Lists {
        Lists { control, readiness, looking: None, reporting: None }
    }

    /// Reports on unblocks that are over and sends digests, on a thread where that holds up nothing else.
    async fn report(&mut self) {
        if self.reporting.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        match (self.control.has_report_due().await, self.control.has_digest_due().await) {
            (Ok(false), Ok(false)) => return,
            (Ok(_), Ok(_)) => {}
            (Err(fault), _) | (_, Err(fault)) => {
                return tracing::error!(%fault, "can't tell which reports are due");
            }
        }
        let (control, runtime) = (Arc::clone(&self.control), Handle::current());
        let report = move || {
            match runtime.block_on(control.report_ended()) {
                // The next start goes on with it.
                Ok(_) | Err(ControlError::Trail(QueryError::Halted)) => {}
                Err(fault) => {
                    tracing::error!(%fault, "could not report on an unblock that is over; trying again");
                }
            }
            match runtime.block_on(control.send_digests()) {
                Ok(()) | Err(ControlError::Trail(QueryError::Halted)) => {}
                Err(fault) => tracing::error!(%fault, "could not send a digest; trying again"),
            }
        };
        match std::thread::Builder::new().name("reports".to_owned()).spawn(report) {
            Ok(thread) => self.reporting = Some(thread),
            Err(fault) => tracing::error!(%fault, "no thread to report on unblocks; trying again"),
        }
    }

    async fn tick(&mut self) {
        // The lists last: what is recorded of them is said in the same breath.
        let others = others(&self.control).await;
        match self.control.watch().await {
            Ok(alarms) => self.readiness.degraded([alarms, others].concat()),
            Err(fault) => tracing::error!(%fault, "could not record an alarm of the lists; trying again"),
        }
        let is_looking = self.looking.as_ref().is_some_and(|thread| !thread.is_finished());
        if is_looking || !self.control.has_source_due() {
            return;
        }
        let (control, runtime) = (Arc::clone(&self.control), Handle::current());
        let look = move || {
            let asked = Asked::default();
            if let Err(fault) = runtime.block_on(control.fetch(&asked, &Actor::System)) {
                tracing::error!(%fault, "could not look at the lists' sources; trying again");
            }
        };
        match std::thread::Builder::new().name("lists".to_owned()).spawn(look) {
            Ok(thread) => self.looking = Some(thread),
            Err(fault) => tracing::error!(%fault, "no thread to look at the lists' sources; trying again"),
        }
    }
}

/// What is to be said of the sealed code, what is wrong with the machine, and what waits to be told.
async fn others(control: &Control) -> Vec<Alarm> {
    let mut alarms = Vec::new();
    match control.seal_alarm().await {
        Ok(alarm) => alarms.extend(alarm),
        Err(fault) => tracing::error!(%fault, "can't tell whether the sealed code was opened"),
    }
    match control.look_after_machine().await {
        Ok(found) => alarms.extend(found),
        Err(fault) => {
            tracing::error!(%fault, "could not record what is wrong with the machine; trying again")
        }
    }
    match control.delivery_alarm().await {
        Ok(alarm) => alarms.extend(alarm),
        Err(fault) => tracing::error!(%fault, "can't tell whether alerts wait to be delivered"),
    }
    alarms
}

fn to_std(listeners: Vec<TcpListener>) -> std::io::Result<Vec<std::net::TcpListener>> {
    listeners.into_iter().map(TcpListener::into_std).collect()
}

fn from_std(listeners: Vec<std::net::TcpListener>) -> std::io::Result<Vec<TcpListener>> {
    listeners.into_iter().map(TcpListener::from_std).collect()
}
