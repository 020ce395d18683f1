//! The outside of the gateway: API, health and metrics, the local socket.
//!
//! **Invariant:** nothing here names the proxy, so that no fault of it can stop the filtering;
//! nothing but health, metrics, sign-in, the page that says what this is and the authority's
//! certificate answers without a token or session; and no malformed input makes a 5xx.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;

use crate::audit::{Actor, Index, Recorder};
use crate::ca::Public;
use crate::control::Control;
use crate::control::feeds::Asked;
use crate::web::api::changes::Reloaded;
use crate::web::ca::Handout;
use crate::web::events::{Streams, Takers};
use crate::web::idempotency::Repeats;
use crate::web::problem::Problem;

mod api;
mod asker;
mod auth;
mod body;
mod ca;
mod certificate;
mod cookie;
mod crowd;
mod events;
mod explain;
mod idempotency;
mod inspection;
pub mod local;
mod openapi;
mod page;
mod pages;
mod path;
mod policy;
mod precondition;
mod problem;
mod qr;
mod query;
mod said;
mod serve;
pub mod status;

#[cfg(test)]
mod tests;

/// What a listener answers.
pub use axum::Router as Routes;
pub use certificate::{CertificateError, Tls};
pub use explain::{Explanation, ListEntry, RungAnswer, explain};
pub use query::escaped;
pub use serve::serve;

/// Searches of the trail that may run at one time; further ones wait.
const SEARCHES: usize = 2;
/// Archives that may be written at one time; each may take as much disk again as the log that it is of.
const EXPORTS: usize = 1;
/// What a page may load: nothing but what stands in it.
const CONTENT_POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the outside needs of the gateway; clones share it.
#[derive(Clone)]
pub struct Shared {
    control: Arc<Control>,
    recorder: Recorder,
    audit_dir: Arc<Path>,
    index: Index,
    searches: Arc<Semaphore>,
    repeats: Arc<Repeats>,
    under_way: TaskTracker,
    handout: Arc<Handout>,
    school: Arc<str>,
    streams: Arc<Streams>,
    exports: Arc<Semaphore>,
    takers: Takers,
}

impl Shared {
    /// `index` is that of the trail that the recorder writes; `authority` is what devices are given
    /// to trust, in the name of `school`.
    #[must_use]
    pub fn new(
        control: Arc<Control>,
        recorder: Recorder,
        index: Index,
        authority: Public,
        school: &str,
    ) -> Shared {
        Shared {
            control,
            recorder,
            audit_dir: index.dir().into(),
            index,
            searches: Arc::new(Semaphore::new(SEARCHES)),
            repeats: Arc::default(),
            under_way: TaskTracker::new(),
            handout: Arc::new(Handout::new(authority, school)),
            school: school.into(),
            streams: Arc::new(Streams::new()),
            exports: Arc::new(Semaphore::new(EXPORTS)),
            takers: Takers::default(),
        }
    }

    /// Ends what would go on for as long as anybody listens: streams of the log.
    pub async fn end_streams(&self) {
        self.streams.end().await;
    }

    /// Breaks off searches and archives, which may read a whole term of the log.
    pub fn end_searches(&self) {
        self.index.halt().call();
    }

    /// Waits until what was begun is done, for whomever; until `by` at the most.
    pub async fn finish(&self, by: Instant) {
        self.under_way.close();
        if timeout_at(by, self.under_way.wait()).await.is_err() {
            tracing::warn!("acts under way were cut off at the stop");
        }
    }

    /// Reads policy and lists again, on a thread where that holds up no other request: health and
    /// metrics answer meanwhile.
    async fn reload(&self, actor: Actor, reason: Option<String>) -> Result<Reloaded, Problem> {
        let (control, runtime) = (Arc::clone(&self.control), Handle::current());
        let reload =
            move || runtime.block_on(async { control.reload(actor, reason.as_deref(), &|_, _, _| ()).await });
        let done = tokio::task::spawn_blocking(reload).await;
        let done = done.map_err(|fault| Problem::internal("reload", &fault))??;
        Ok(done.into())
    }

    /// Looks at the lists' sources, on a thread of its own: it may take minutes, and a stop of the
    /// gateway does not wait for it.
    async fn fetch(&self, asked: Asked, actor: Actor) -> Result<Value, Problem> {
        let (control, runtime) = (Arc::clone(&self.control), Handle::current());
        let (tell, told) = tokio::sync::oneshot::channel();
        let fetch = move || {
            // Whoever asked may be gone; what was fetched is in force all the same.
            let _ = tell.send(runtime.block_on(control.fetch(&asked, &actor)));
        };
        let thread = std::thread::Builder::new().name("lists".to_owned()).spawn(fetch);
        thread.map_err(|fault| Problem::internal("fetch", &fault))?;
        let rows = told.await.map_err(|fault| Problem::internal("fetch", &fault))??;
        Ok(serde_json::json!({ "items": rows }))
    }
}

/// Everything that the admin listener answers.
pub fn admin(shared: &Shared) -> Router {
    Router::new()
        .merge(ca::router(shared))
        .merge(pages::router(shared))
        .nest("/api/v1", api::router(shared))
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(map_response(guarded))
}

/// Nothing is cached, guessed at, framed or told to other sites.
async fn guarded(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // A page with forms says for itself what it may do.
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(CONTENT_POLICY));
    answer
}
