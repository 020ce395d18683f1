//! Diagnostics on stderr and the numbers of `/metrics`; the only place with metric names.
//!
//! **Invariant:** no label names a person, an address, a device or a host: rule and group at
//! most.

mod labels;
mod maker;

use std::io::{self, IsTerminal};
use std::time::Duration;

use prometheus::{
    Gauge, GaugeVec, Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry, TextEncoder,
};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use maker::Maker;

pub use labels::{Direction, TurnedAway};

/// The variable that says which diagnostics are shown: `debug`, `schoolgate::proxy=trace`, …
pub const LOG_VARIABLE: &str = "SCHOOLGATE_LOG";

/// What is shown unless the variable says otherwise: this program's own words alone, since other
/// parts' words might hold the names of sites.
const OWN_WORDS: &str = "schoolgate=info";

/// A decision takes microseconds; what takes longer than 10 ms is a fault.
const DECISION_SECONDS: [f64; 11] = [1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 1e-3, 1e-2, 1e-1];

/// Why diagnostics or metrics can't start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `SCHOOLGATE_LOG` is no filter.
    #[error("SCHOOLGATE_LOG is no filter such as info or schoolgate=debug")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Diagnostics were started before, in this process.
    #[error("diagnostics are already running")]
    Started(#[from] tracing_subscriber::util::TryInitError),
    /// Two metrics of one name.
    #[error("a metric can't be registered")]
    Metric(#[from] prometheus::Error),
}

/// The numbers of this gateway; clones count into the same.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    decisions: IntCounterVec,
    decision: Histogram,
    open: IntGauge,
    connections: IntCounterVec,
    refused: IntCounterVec,
    bytes_up: IntCounter,
    bytes_down: IntCounter,
    visibility: IntCounterVec,
    list_entries: IntGaugeVec,
    list_age: GaugeVec,
    list_alarm: IntGaugeVec,
    list_looks: IntCounterVec,
    generation: IntGauge,
    audit_events: IntCounterVec,
    audit_ends_lost: IntCounter,
    audit_lag: Gauge,
    audit_checkpoint_age: Gauge,
    audit_free: IntGauge,
    clock_ahead: Gauge,
    audit_index_lag: IntGauge,
    unblocks: IntGauge,
    selftest_age: Gauge,
    panics: IntCounter,
    leaves_rejected: IntCounter,
    break_glass: IntCounter,
    reviews_overdue: IntGauge,
    syslog_lag: IntGaugeVec,
    alerts: IntCounterVec,
    alerts_undelivered: IntGauge,
}

/// A connection that is open for as long as this lives.
#[derive(Debug)]
#[must_use = "the connection counts as open for as long as this is held"]
pub struct OpenConnection(IntGauge);

/// Starts diagnostics: to stderr, this program's own from `info` on unless [`LOG_VARIABLE`] says
/// otherwise, coloured
/// on a terminal unless `NO_COLOR` is set.
///
/// # Errors
/// [`TelemetryError`] when the variable is no filter, or diagnostics run already.
pub fn start_diagnostics() -> Result<(), TelemetryError> {
    use tracing_subscriber::util::SubscriberInitExt;

    let asked = std::env::var(LOG_VARIABLE).unwrap_or_else(|_| OWN_WORDS.to_owned());
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::OFF.into()).parse(asked)?;
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal() && !plain)
        // It would tell of a stderr that is closed on stderr, and panic.
        .log_internal_errors(false)
        .finish()
        .try_init()?;
    Ok(())
}

impl Metrics {
    /// All metrics, at zero.
    ///
    /// # Errors
    /// [`TelemetryError::Metric`] when two have one name, which a test rules out.
    #[expect(clippy::too_many_lines, reason = "a metric is a line or two, and they are many")]
    pub fn new() -> Result<Metrics, TelemetryError> {
        let registry = Registry::new_custom(Some("schoolgate".to_owned()), None)?;
        let make = Maker(&registry);
        let bytes = make.counters("bytes_total", "Bytes carried.", &["direction"])?;
        let build = make.gauges("build_info", "Always 1; the version is a label.", &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let metrics = Metrics {
            decisions: make.counters("decisions_total", "Decisions made.", &["action", "rung", "group"])?,
            decision: make.histogram("decision_seconds", "Time to decide.", &DECISION_SECONDS)?,
            open: make.gauge("connections_open", "Client connections now open.")?,
            connections: make.counters("connections_total", "Client connections taken.", &["listener"])?,
            refused: make.counters(
                "refused_connections_total",
                "Connections and requests turned away, and not by policy.",
                &["why"],
            )?,
            bytes_up: bytes.with_label_values(&["up"]),
            bytes_down: bytes.with_label_values(&["down"]),
            visibility: make.counters(
                "visibility_total",
                "Accesses by what could be seen of them.",
                &["visibility", "group"],
            )?,
            list_entries: make.gauges("list_entries", "Entries of a list in force.", &["list"])?,
            list_age: make.seconds_of(
                "list_age_seconds",
                "Time since a list was last looked at with success.",
                &["list"],
            )?,
            list_alarm: make.gauges("list_alarm", "1 while a list or source is not in order.", &["list"])?,
            list_looks: make.counters(
                "list_refresh_total",
                "Looks at the sources of lists.",
                &["source", "outcome"],
            )?,
            generation: make.gauge("policy_generation", "Version of the policy in force.")?,
            audit_events: make.counters(
                "audit_events_total",
                "Audit events that count: on disk, or of accesses that pass, in the kernel.",
                &["kind"],
            )?,
            audit_ends_lost: make.counter(
                "audit_ends_lost_total",
                "Ends of accesses that did not come as far as the writer.",
            )?,
            audit_lag: make
                .seconds("audit_lag_seconds", "Age of the oldest event that does not count yet.")?,
            audit_free: make.gauge("audit_free_bytes", "Room on the disk of the audit trail.")?,
            clock_ahead: make
                .seconds("clock_ahead_seconds", "How far the gateway's time is ahead of the wall clock.")?,
            audit_checkpoint_age: make.seconds(
                "audit_checkpoint_age_seconds",
                "How long audit events have been written since the last checkpoint.",
            )?,
            audit_index_lag: make
                .gauge("audit_index_lag_events", "Audit events that are not in the index yet.")?,
            unblocks: make.gauge("unblocks_active", "Temporary unblocks in force.")?,
            selftest_age: make.seconds(
                "selftest_age_seconds",
                "Time since the last self-test; NaN before there was one.",
            )?,
            panics: make.counter("panics_total", "Tasks that ended in a panic.")?,
            leaves_rejected: make.counter(
                "inspection_rejected_total",
                "Connections whose client did not trust the school's authority.",
            )?,
            break_glass: make.counter("break_glass_total", "Openings of the sealed code.")?,
            reviews_overdue: make.gauge(
                "reviews_overdue",
                "Entries and loosenings that somebody should have looked at again.",
            )?,
            syslog_lag: make.gauges(
                "syslog_lag_events",
                "Lines of the trail that a collector was not sent yet.",
                &["sink"],
            )?,
            alerts: make.counters(
                "alerts_total",
                "Safeguarding alerts on pupils that were told.",
                &["theme", "severity"],
            )?,
            alerts_undelivered: make.gauge(
                "alerts_undelivered",
                "Messages to those who look after pupils that wait to be delivered.",
            )?,
            registry,
        };
        metrics.selftest_age.set(f64::NAN);
        Ok(metrics)
    }

    /// A decision: what it came to, by which rung, for which group.
    pub fn decided(&self, action: &str, rung: &str, group: &str) {
        self.decisions.with_label_values(&[action, rung, group]).inc();
    }

    /// How long a decision took.
    pub fn decision_took(&self, span: Duration) {
        self.decision.observe(span.as_secs_f64());
    }

    /// A client connection on a listener: `explicit`, `transparent_http`, `transparent_tls`.
    pub fn connection_opened(&self, listener: &str) -> OpenConnection {
        self.connections.with_label_values(&[listener]).inc();
        self.open.inc();
        OpenConnection(self.open.clone())
    }

    /// A connection or a request was turned away, and not by policy.
    pub fn turned_away(&self, why: TurnedAway) {
        self.refused.with_label_values(&[why.as_str()]).inc();
    }

    /// A client that did not take a leaf of the school's authority.
    pub fn leaf_rejected(&self) {
        self.leaves_rejected.inc();
    }

    /// The sealed code was opened.
    pub fn break_glass_opened(&self) {
        self.break_glass.inc();
    }

    /// Bytes carried.
    pub fn bytes(&self, direction: Direction, count: u64) {
        match direction {
            Direction::Up => self.bytes_up.inc_by(count),
            Direction::Down => self.bytes_down.inc_by(count),
        }
    }

    /// What could be seen of an access, `url`, `host` or `none`, for which group.
    pub fn visibility(&self, visibility: &str, group: &str) {
        self.visibility.with_label_values(&[visibility, group]).inc();
    }

    /// Forgets all lists: those in force are told anew.
    pub fn forget_lists(&self) {
        self.list_entries.reset();
        self.list_age.reset();
        self.list_alarm.reset();
    }

    /// How many entries a list has.
    pub fn list_entries(&self, list: &str, entries: usize) {
        self.list_entries.with_label_values(&[list]).set(whole(entries));
    }

    /// How long ago a list was last looked at with success.
    pub fn list_age_seconds(&self, list: &str, age: Duration) {
        self.list_age.with_label_values(&[list]).set(age.as_secs_f64());
    }

    /// A list or source is not in order.
    pub fn list_alarms(&self, list: &str) {
        self.list_alarm.with_label_values(&[list]).set(1);
    }

    /// How many lines of the trail a collector was not sent yet.
    pub fn syslog_lag_events(&self, sink: &str, lines: u64) {
        self.syslog_lag.with_label_values(&[sink]).set(whole(lines));
    }

    /// A list or source is in order.
    pub fn list_is_in_order(&self, list: &str) {
        self.list_alarm.with_label_values(&[list]).set(0);
    }

    /// A source was looked at: `refreshed`, `unchanged`, `refused`, `failed`.
    pub fn list_looked_at(&self, source: &str, outcome: &str) {
        self.list_looks.with_label_values(&[source, outcome]).inc();
    }

    /// The version of the policy in force.
    pub fn policy_generation(&self, generation: u64) {
        self.generation.set(whole(generation));
    }

    /// Audit events that count, by kind: `access`, `change`, …
    pub fn audit_events(&self, kind: &str, count: u64) {
        self.audit_events.with_label_values(&[kind]).inc_by(count);
    }

    /// The end of an access did not come as far as the writer of the trail.
    pub fn audit_end_lost(&self) {
        self.audit_ends_lost.inc();
    }

    /// How long the oldest event has waited that does not count yet.
    pub fn audit_lag_seconds(&self, lag: Duration) {
        self.audit_lag.set(lag.as_secs_f64());
    }

    /// How long after the last checkpoint the last audit event was written; over two minutes,
    /// checkpoints can't be written.
    pub fn audit_checkpoint_age_seconds(&self, age: Duration) {
        self.audit_checkpoint_age.set(age.as_secs_f64());
    }

    /// What is free on the disk of the audit trail.
    pub fn audit_free_bytes(&self, bytes: u64) {
        self.audit_free.set(whole(bytes));
    }

    /// How far the gateway's time is ahead of the wall clock.
    pub fn clock_ahead_seconds(&self, ahead: Duration) {
        self.clock_ahead.set(ahead.as_secs_f64());
    }

    /// How many audit events are not in the index yet.
    pub fn audit_index_lag(&self, events: u64) {
        self.audit_index_lag.set(whole(events));
    }

    /// How many temporary unblocks are in force.
    pub fn unblocks_active(&self, count: usize) {
        self.unblocks.set(whole(count));
    }

    /// How many entries and loosenings somebody should have looked at again by now.
    pub fn reviews_overdue(&self, count: usize) {
        self.reviews_overdue.set(whole(count));
    }

    /// An alert on a pupil was raised, or there is more to say of it: of which theme, how grave.
    pub fn alert_told(&self, theme: &str, severity: &str) {
        self.alerts.with_label_values(&[theme, severity]).inc();
    }

    /// How many messages to those who look after pupils wait to be delivered.
    pub fn alerts_undelivered(&self, count: usize) {
        self.alerts_undelivered.set(whole(count));
    }

    /// How long ago the last self-test was.
    pub fn selftest_age_seconds(&self, age: Duration) {
        self.selftest_age.set(age.as_secs_f64());
    }

    /// A task ended in a panic.
    pub fn panicked(&self) {
        self.panics.inc();
    }

    /// All metrics in Prometheus' text format 0.0.4.
    ///
    /// # Errors
    /// [`TelemetryError::Metric`] when a metric can't be written as text.
    pub fn render(&self) -> Result<String, TelemetryError> {
        Ok(TextEncoder::new().encode_to_string(&self.registry.gather())?)
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn whole<N: TryInto<i64>>(count: N) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
