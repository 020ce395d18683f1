//! The composition root: builds every part, owns the tasks, and knows the order of stopping.
//!
//! **Invariant:** no connection is taken before a policy is in force and the record is open;
//! and the record is the last thing that closes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::audit::{Act, Actor, Entry, Indexer, Recorder, Writer};
use crate::ca::{Authority, Minter, Origins, Public};
use crate::clock::Clock;
use crate::control::lists::{Exempt, Kept, Places, Progress};
use crate::control::{Control, Shared, Sources, Unlicensed};
use crate::identity::Directory;
use crate::policy::Reach;
use crate::proxy::{self, Bounds, Crowd, Door, Gate, Inspection, Upstream, Ways};
use crate::settings::Settings;
use crate::shipping::Shipping;
use crate::telemetry::Metrics;

mod admin;
mod asking;
mod authority;
mod by_itself;
mod reached;
mod retention;
mod service;
mod started;
mod trail;
mod watching;

pub use by_itself::{fetch_by_itself, record_by_itself};
pub use reached::{Reached, reached};
pub use retention::{past_its_time, remove_by_itself};
pub use service::serve;

use trail::{open_trail, ship};

/// What every page says of a box without a statutory list under licence.
const UNLICENSED: &str =
    "This filter is on trial: it holds no IWF or police list, and must not be used with pupils.";

/// A gateway that runs.
pub struct Running {
    /// Where clients come in.
    pub doors: Vec<(Door, SocketAddr)>,
    /// Where the API answers.
    pub admin: Vec<SocketAddr>,
    /// Where metrics and health answer.
    pub metrics: Vec<SocketAddr>,
    /// The administration half.
    pub control: Arc<Control>,
    /// The audit trail.
    pub recorder: Recorder,
    gate: Arc<Gate>,
    tasks: TaskTracker,
    admin_thread: admin::AdminThread,
    shipping: Shipping,
    writer: Writer,
    indexer: Indexer,
}

/// The doors and listeners, bound and not yet served.
struct Bound {
    doors: Vec<(Door, TcpListener)>,
    admin: Vec<TcpListener>,
    metrics: Vec<TcpListener>,
}

/// The record, open, and what goes with it.
struct Record {
    recorder: Recorder,
    writer: Writer,
    clock: Clock,
    metrics: Metrics,
}

/// Where policy and lists come from, by the settings.
#[must_use]
pub fn sources(settings: &Settings, reach: Reach) -> Sources {
    Sources {
        policy_file: settings.policy.file.clone(),
        store_file: settings.state.dir.join("state.db"),
        places: Places {
            lists: settings.lists.dir.clone(),
            imported: settings.state.dir.join("lists"),
            statutory: settings.statutory.dir.clone(),
            compiled: Kept::Read(settings.state.dir.join("compiled")),
            kept: settings.state.dir.join("statutory"),
            fetched: settings.statutory.sources.iter().map(|source| source.name.clone()).collect(),
            own: settings.site.domains.clone(),
            exempt: exempt(settings),
            max_shrink_percent: settings.lists.max_shrink_percent,
        },
        loosening: settings.lists.loosening,
        policy_loosening: settings.policy.loosening,
        unlicensed: if settings.statutory.unlicensed { Unlicensed::Accepted } else { Unlicensed::Refused },
        reach: Arc::new(reach),
        // Statutory lists first: nothing else is to keep them waiting.
        feeds: settings.statutory.sources.iter().chain(&settings.lists.sources).cloned().collect(),
        extra_roots: settings.upstream.extra_roots.clone(),
        zone: settings.site.timezone.clone(),
        alerts: settings.alerts.clone(),
        smtp: settings.smtp.clone(),
    }
}

/// The hosts that are not decrypted: by the school's list, and by what its authority can't sign.
fn exempt(settings: &Settings) -> Exempt {
    let authority = Public::open(&settings.inspect, &settings.state.dir);
    let never = authority.map_or_else(|_| settings.inspect.never.clone(), |public| public.excluded);
    Exempt { file: settings.inspect.no_inspect.clone(), never }
}

/// The folder of the audit trail.
#[must_use]
pub fn audit_dir(settings: &Settings) -> PathBuf {
    settings.state.dir.join("audit")
}

/// The local socket.
#[must_use]
pub fn local_socket(settings: &Settings) -> PathBuf {
    settings.state.dir.join(crate::web::local::SOCKET)
}

/// Starts a gateway: all of it, or an error and nothing but the record of it.
///
/// # Errors
/// Whatever keeps it from serving: a port that is taken, a fault in policy or lists, a trail
/// that can't be opened.
pub async fn start(settings: &Settings, progress: &Progress<'_>) -> Result<Running> {
    make_state_dir(settings)?;
    let bound = bind(settings)?;
    let metrics = Metrics::new()?;
    let (recorder, writer, clock) = open_trail(settings)?;
    let recorder = recorder.counted(metrics.clone());
    let kept = Record { recorder: recorder.clone(), writer, clock, metrics };
    match begin(settings, (bound, kept), progress).await {
        Ok(running) => Ok(running),
        Err(fault) => {
            // Whoever reads the record later must not take a try for a start.
            started::failed(&recorder, &fault).await;
            Err(fault)
        }
    }
}

/// The rest of a start, once the record is open.
async fn begin(
    settings: &Settings,
    (bound, kept): (Bound, Record),
    progress: &Progress<'_>,
) -> Result<Running> {
    let reach = Reach { allow_private: settings.upstream.allow_private.clone(), own: bound.addresses() };
    let own_ports = reach.own.iter().map(SocketAddr::port).collect();
    let Record { recorder, writer, clock, metrics } = kept;
    let began = recorder.head().sequence;
    let (index, indexer) =
        Indexer::start(&recorder, Some(metrics.clone())).context("can't start the index")?;
    let authority = authority::open(settings, &recorder, clock.now()).await?;
    let public = authority.public().clone();
    let inspection = inspection(settings, authority)?;
    let shared = Shared {
        recorder: recorder.clone(),
        index: index.clone(),
        clock: clock.clone(),
        metrics: metrics.clone(),
        directory: Directory::default(),
    };
    let control =
        Arc::new(Control::start(sources(settings, reach).keeping(), shared.clone(), progress).await?);
    started::stands(settings, &recorder, &clock, &public).await?;
    let stop = CancellationToken::new();
    let gate = Arc::new(gate(settings, shared, &control, (inspection, own_ports), &stop)?);
    let pseudonyms = control.pseudonyms().await?;
    let (admin, metrics_at) = (local_addresses(&bound.admin), local_addresses(&bound.metrics));
    let doors = bound.at()?;
    // What runs by itself comes last: nothing of it may be left behind a start that failed.
    let shipping = ship(settings, &recorder, &metrics, (pseudonyms, began))?;
    let admin_thread = admin::spawn(admin::Parts {
        settings,
        admin: bound.admin,
        metrics_at: bound.metrics,
        control: Arc::clone(&control),
        recorder: recorder.clone(),
        index: index.clone(),
        metrics,
        authority: public,
    })?;
    retention::begin(settings, &control, &recorder, &index, &stop);
    let tasks = TaskTracker::new();
    for (door, listener) in bound.doors {
        tokio::spawn(proxy::accept(listener, door, Arc::clone(&gate), tasks.clone(), stop.clone()));
    }
    Ok(Running {
        doors,
        admin,
        metrics: metrics_at,
        control,
        recorder,
        gate,
        tasks,
        admin_thread,
        shipping,
        writer,
        indexer,
    })
}

impl Running {
    /// The numbers of this gateway.
    #[must_use]
    pub fn counters(&self) -> &Metrics {
        &self.gate.metrics
    }

    /// How many leaves were signed for inspected hosts since the start.
    #[must_use]
    pub fn leaves_minted(&self) -> u64 {
        self.gate.inspection.minter.minted()
    }

    /// Where the certificate of the school's authority is, for devices to trust.
    #[must_use]
    pub fn authority(&self) -> &std::path::Path {
        &self.gate.inspection.minter.public().file
    }

    /// Whether the heart beats: a real decision is made. A record that can't be kept is no reason to
    /// end the process: it refuses what it must, and goes on by itself once there is room.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.gate.decides()
    }

    /// Stops in order: not ready, no new connections, drain, the API, the record.
    ///
    /// # Errors
    /// When the writer of the record could not be joined.
    pub async fn stop(self, drain: Duration) -> Result<()> {
        self.admin_thread.draining();
        self.gate.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(drain, self.tasks.wait()).await.is_err() {
            tracing::info!(left = self.tasks.len(), "the time to drain is over: ending what is left");
            self.gate.cut.cancel();
            let _ = tokio::time::timeout(Duration::from_secs(2), self.tasks.wait()).await;
        }
        self.admin_thread.stop().await?;
        let stopped = Entry::System(Act::new(Actor::System, "gateway.stopped"));
        if let Err(fault) = self.recorder.record(stopped).await {
            tracing::error!(%fault, "could not record the stop");
        }
        let (shipping, writer, indexer) = (self.shipping, self.writer, self.indexer);
        let finish = move || {
            shipping.finish();
            writer.finish();
            indexer.finish();
        };
        tokio::task::spawn_blocking(finish).await.context("the audit writer")
    }
}

impl Bound {
    fn at(&self) -> std::io::Result<Vec<(Door, SocketAddr)>> {
        self.doors.iter().map(|(door, listener)| Ok((*door, listener.local_addr()?))).collect()
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        let doors = self.doors.iter().map(|(_, listener)| listener);
        let all = doors.chain(&self.admin).chain(&self.metrics);
        all.filter_map(|listener| listener.local_addr().ok()).collect()
    }
}

fn make_state_dir(settings: &Settings) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let dir = &settings.state.dir;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("can't make the state folder {}", dir.display()))
}

fn bind(settings: &Settings) -> Result<Bound> {
    let listen = &settings.listen;
    let open = |door: Door, addresses: &[SocketAddr]| -> Result<Vec<TcpListener>> {
        addresses.iter().map(|address| Ok(proxy::bind(door, *address)?)).collect()
    };
    let mut doors = Vec::new();
    for (door, addresses) in [
        (Door::Explicit, &listen.explicit),
        (Door::TransparentHttp, &listen.transparent_http),
        (Door::TransparentTls, &listen.transparent_tls),
    ] {
        doors.extend(open(door, addresses)?.into_iter().map(|listener| (door, listener)));
    }
    Ok(Bound {
        doors,
        admin: open(Door::Explicit, &listen.admin)?,
        metrics: open(Door::Explicit, &listen.metrics)?,
    })
}

/// What every connection goes through.
fn gate(
    settings: &Settings,
    shared: Shared,
    control: &Arc<Control>,
    (inspection, own_ports): (Inspection, Vec<u16>),
    stop: &CancellationToken,
) -> Result<Gate> {
    let Shared { recorder, index: _, clock, metrics, directory } = shared;
    Ok(Gate {
        live: control.live(),
        directory,
        recorder,
        clock,
        metrics,
        upstream: Upstream::new(ways(settings, own_ports))?,
        inspection,
        bounds: bounds(settings),
        site: settings.site.name.clone(),
        notice: settings.statutory.unlicensed.then_some(UNLICENSED),
        asking: Arc::new(asking::ToControl(Arc::clone(control))),
        stop: stop.clone(),
        cut: CancellationToken::new(),
        crowd: Crowd::new(settings.limits.connections, settings.limits.per_client),
    })
}

/// What decrypts: leaves of the school's authority, and the roots that origins are verified by.
fn inspection(settings: &Settings, authority: Authority) -> Result<Inspection> {
    let origins = Origins::new(&settings.upstream.extra_roots)?;
    Ok(Inspection::new(Minter::new(authority)?, origins)?)
}

fn ways(settings: &Settings, own_ports: Vec<u16>) -> Ways {
    Ways {
        servers: settings.resolver.servers.clone(),
        hosts: settings.resolver.hosts.clone(),
        ports: settings.upstream.ports.clone(),
        own_ports,
        connect_timeout: settings.upstream.connect_timeout,
    }
}

fn bounds(settings: &Settings) -> Bounds {
    let limits = &settings.limits;
    Bounds { head_bytes: limits.header_bytes, hello: limits.hello, head: limits.head, idle: limits.idle }
}

fn local_addresses(listeners: &[TcpListener]) -> Vec<SocketAddr> {
    listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
}
