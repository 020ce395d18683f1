//! The metrics listener: is it alive, is it ready, and its numbers.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use crate::audit::Recorder;
use crate::control::feeds::Alarm;
use crate::telemetry::Metrics;
use crate::web::problem::Problem;
use crate::web::{guarded, problem};

/// What the gateway has come to; clones share one state. Fed by `app`.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    facts: Arc<AtomicU8>,
    alarms: Arc<Mutex<Vec<Alarm>>>,
}

/// Something that readiness hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A policy is in force and the doors are open.
    PolicyInForce,
    /// A statutory list under licence is held.
    StatutoryHeld,
    /// None is, and the settings say that this box may run so; shown everywhere.
    Unlicensed,
    /// The gateway is stopping; for good.
    Draining,
}

/// What the routes need.
#[derive(Clone)]
struct Sources {
    readiness: Readiness,
    metrics: Metrics,
    recorder: Recorder,
}

impl Readiness {
    /// Nothing is ready yet.
    #[must_use]
    pub fn new() -> Readiness {
        Readiness::default()
    }

    /// Notes what is so from now on; held and unlicensed rule each other out.
    pub fn note(&self, fact: Fact) {
        let gone = match fact {
            Fact::StatutoryHeld => Fact::Unlicensed.bit(),
            Fact::Unlicensed => Fact::StatutoryHeld.bit(),
            Fact::PolicyInForce | Fact::Draining => 0,
        };
        self.facts.fetch_and(!gone, Ordering::Relaxed);
        self.facts.fetch_or(fact.bit(), Ordering::Relaxed);
    }

    /// Notes what is wrong although traffic may come: lists whose last good versions are in force.
    pub fn degraded(&self, alarms: Vec<Alarm>) {
        *self.alarms.lock().unwrap_or_else(PoisonError::into_inner) = alarms;
    }

    /// Whether it has been noted, and not since ruled out.
    #[must_use]
    pub fn has(&self, fact: Fact) -> bool {
        self.facts.load(Ordering::Relaxed) & fact.bit() != 0
    }

    /// Why no traffic should be sent here; nothing, when it should.
    fn reasons(&self, recorder: &Recorder) -> Vec<&'static str> {
        let mut reasons = Vec::new();
        if !self.has(Fact::PolicyInForce) {
            reasons.push("no policy is in force yet");
        }
        if !self.has(Fact::StatutoryHeld) && !self.has(Fact::Unlicensed) {
            reasons.push("no statutory list is held");
        }
        if recorder.is_stuck() {
            reasons.push("the audit trail can't be written");
        }
        if self.has(Fact::Draining) {
            reasons.push("stopping");
        }
        reasons
    }
}

impl Fact {
    fn bit(self) -> u8 {
        match self {
            Fact::PolicyInForce => 1,
            Fact::StatutoryHeld => 2,
            Fact::Unlicensed => 4,
            Fact::Draining => 8,
        }
    }
}

/// `/metrics`, `/healthz`, `/readyz`.
pub fn router(readiness: Readiness, metrics: Metrics, recorder: Recorder) -> Router {
    Router::new()
        .route("/metrics", get(numbers))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(map_response(guarded))
        .with_state(Sources { readiness, metrics, recorder })
}

async fn numbers(State(sources): State<Sources>) -> Result<Response, Problem> {
    sources.metrics.audit_lag_seconds(sources.recorder.lag());
    let text = sources.metrics.render().map_err(|fault| Problem::internal("metrics", &fault))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

async fn alive() -> &'static str {
    "alive\n"
}

async fn ready(State(sources): State<Sources>) -> Response {
    let reasons = sources.readiness.reasons(&sources.recorder);
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let alarms = sources.readiness.alarms.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let body = json!({
        "ready": reasons.is_empty(),
        "degraded": !alarms.is_empty(),
        "alarms": alarms,
        "unlicensed": sources.readiness.has(Fact::Unlicensed),
        "reasons": reasons,
    });
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
