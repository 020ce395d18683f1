//! What a request and its answer hold, as far as a rule asks: searches, DNS, kinds of files.
//!
//! **Invariant:** what is held back to be looked at is bounded, and is passed on unchanged.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Frame, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};

use tokio::time::Instant;

use crate::content::{self, FileKind};
use crate::model::Url;
use crate::policy::{Carries, Content};
use crate::proxy::body::BodyError;
use crate::proxy::gate::Gate;
use crate::services::{self, MAX_QUERY_BODY, Rewrite};

/// How long the start of an answer is held back for more of it to come: what trickles in after its
/// first bytes (a film that is live, messages as they happen) must not stand still.
const PATIENCE: Duration = Duration::from_secs(2);
/// The codings in which an answer can still be looked into (RFC 9110 section 8.4.1).
const READABLE: [&str; 3] = ["gzip", "x-gzip", "identity"];

/// The start of a body that was held back.
#[derive(Default)]
pub(super) struct Held {
    /// What came, in order, to be passed on first.
    pub(super) frames: VecDeque<Frame<Bytes>>,
    first: BytesMut,
}

impl Held {
    /// Reads on until `enough` says so of what came, or the body ends; once something came, for no
    /// longer than `patience`.
    async fn read(
        body: &mut Incoming,
        (idle, patience): (Duration, Duration),
        enough: impl Fn(&[u8]) -> bool,
    ) -> Result<Held, BodyError> {
        let mut held = Held::default();
        let mut until = Instant::now() + idle;
        while !enough(&held.first) {
            let frame = match tokio::time::timeout_at(until, body.frame()).await {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(_) if held.frames.is_empty() => return Err(BodyError::Idle),
                Err(_) => break,
            };
            if held.frames.is_empty() {
                until = Instant::now() + patience;
            }
            let frame = frame?;
            if let Some(data) = frame.data_ref() {
                held.first.extend_from_slice(data);
            }
            held.frames.push_back(frame);
        }
        Ok(held)
    }
}

/// What a request holds. A query in its body is looked for in the first bytes of it alone.
///
/// # Errors
/// When the body breaks off meanwhile.
pub(super) async fn of_request(
    request: &mut Request<Incoming>,
    url: &Url,
    gate: &Gate,
) -> Result<(Arc<Content>, Held), BodyError> {
    let method = request.method().clone();
    let mut held = Held::default();
    if services::wants_body(method.as_str(), url) {
        let idle = gate.bounds.idle;
        held = Held::read(request.body_mut(), (idle, idle), |first| first.len() >= MAX_QUERY_BODY).await?;
    }
    let (kind, accept) =
        (field(request.headers(), header::CONTENT_TYPE), field(request.headers(), header::ACCEPT));
    let body = (!held.first.is_empty()).then_some(&held.first[..]);
    let search = services::search(method.as_str(), url, kind, body);
    let carries = if services::is_doh(url, kind, accept) { Carries::Dns } else { Carries::Web };
    Ok((Arc::new(Content { search, file: Vec::new(), carries }), held))
}

/// The kinds of file that an answer is of.
///
/// # Errors
/// When the body breaks off meanwhile.
pub(super) async fn of_answer(
    response: &mut Response<Incoming>,
    url: &Url,
    gate: &Gate,
) -> Result<(Vec<FileKind>, Held), BodyError> {
    let mut held = Held::default();
    // A part from the middle does not begin as its file does.
    if response.status() != StatusCode::PARTIAL_CONTENT {
        held = Held::read(response.body_mut(), (gate.bounds.idle, PATIENCE), content::is_telling).await?;
    }
    let fields = response.headers();
    let name = url.path().rsplit('/').next().filter(|name| !name.is_empty());
    let (kind, disposition) =
        (field(fields, header::CONTENT_TYPE), field(fields, header::CONTENT_DISPOSITION));
    let first = if is_readable(fields) { &held.first[..] } else { &[] };
    Ok((content::kinds(name, kind, disposition, first), held))
}

/// Puts what a group has enforced into a request's fields.
pub(super) fn enforced(fields: &mut HeaderMap, rewrite: &Rewrite) {
    for name in &rewrite.remove {
        fields.remove(*name);
    }
    for (name, value) in &rewrite.set {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(*name), HeaderValue::from_str(value)) {
            fields.insert(name, value);
        }
    }
    if rewrite.cookies.is_empty() {
        return;
    }
    let written = field(fields, header::COOKIE).unwrap_or_default();
    let own = |cookie: &str| {
        let name = cookie.split('=').next().unwrap_or_default().trim();
        rewrite.cookies.iter().any(|(ours, _)| ours.eq_ignore_ascii_case(name))
    };
    let kept = written.split(';').map(str::trim).filter(|cookie| !cookie.is_empty() && !own(cookie));
    let ours = rewrite.cookies.iter().map(|(name, value)| format!("{name}={value}"));
    let cookies: Vec<String> = kept.map(ToOwned::to_owned).chain(ours).collect();
    if let Ok(cookies) = HeaderValue::from_str(&cookies.join("; ")) {
        fields.insert(header::COOKIE, cookies);
    }
}

/// Asks for an answer in a coding that can be looked into: of what the client takes, gzip.
pub(super) fn readably(fields: &mut HeaderMap) {
    let takes_gzip = field(fields, header::ACCEPT_ENCODING).is_some_and(|codings| {
        codings.split(',').any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
            let weight = weight.trim().trim_start_matches("q=").parse::<f32>().unwrap_or(0.0);
            name.trim().eq_ignore_ascii_case("gzip") && weight > 0.0
        })
    });
    let coding = if takes_gzip { "gzip" } else { "identity" };
    fields.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(coding));
}

fn is_readable(fields: &HeaderMap) -> bool {
    fields.get_all(header::CONTENT_ENCODING).iter().all(|coding| {
        coding
            .to_str()
            .is_ok_and(|coding| READABLE.iter().any(|known| known.eq_ignore_ascii_case(coding.trim())))
    })
}

fn field(fields: &HeaderMap, name: HeaderName) -> Option<&str> {
    fields.get(name).and_then(|value| value.to_str().ok())
}
