//! Sends a judged request on, made anew from its parts, and brings the answer back.
//!
//! **Invariant:** what leaves is written from parsed parts, with one `Host` that is the judged
//! URL's; hop-by-hop fields stay (RFC 9110 section 7.6.1); a connection to an origin belongs
//! to one client connection, so that answers never cross.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;

use crate::audit::{ClosedBy, Seen as Sight};
use crate::model::Url;
use crate::policy::Permit;
use crate::proxy::body::{BodyError, Downloaded, Payload, Uploaded, Whole};
use crate::proxy::content;
use crate::proxy::gate::{Gate, Open, Passage, Refusal};
use crate::proxy::line::Line;
use crate::proxy::origins::Origin;
use crate::proxy::question::{Files, Question, Rules};
use crate::proxy::refuse::Failure;
use crate::proxy::screen::{Arrived, Screened};
use crate::proxy::session::{Session, UnderWay};
use crate::proxy::sniff::Prefixed;
use crate::proxy::tunnel::{self, Ends};

/// How long an origin may take to begin its answer, once it has been sent the request.
const FIRST_BYTE: Duration = Duration::from_secs(60);
/// How this gateway names itself in `Via` (RFC 9110 section 7.6.3): no host name, no version.
const VIA: HeaderValue = HeaderValue::from_static("1.1 schoolgate");
/// Fields that end at this hop, besides those that `Connection` names.
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// An upgrade that the origin granted.
pub(super) struct Switched {
    origin: OnUpgrade,
    question: Question,
    open: Open,
}

/// A request that may pass, with all that is known of it.
pub(super) struct Errand {
    pub(super) request: Request<Uploaded>,
    pub(super) url: Url,
    pub(super) question: Question,
    pub(super) passage: Passage,
    pub(super) up: Arc<AtomicU64>,
    pub(super) under_way: UnderWay,
    pub(super) sight: Sight,
}

/// What became of an errand.
pub(super) enum Forwarded {
    /// The origin's answer.
    Answer(Response<Payload>),
    /// What the origin answered is not for this client.
    Refused(Refusal),
}

impl Session {
    /// Sends a permitted request, as changed by what the client's group has enforced, and returns
    /// the origin's answer, where its kind of file may pass too.
    pub(super) async fn forward(self: &Arc<Session>, errand: Errand) -> Result<Forwarded, Failure> {
        let Errand { request, url, question, passage, up, under_way, sight } = errand;
        let held_back = request.headers().contains_key(header::UPGRADE);
        let wants = upgrade(request.headers());
        let Passage { permit, addresses, mut open, .. } = passage;
        open.note(0, 0, ClosedBy::Error);
        let origin = self.origin(&permit, &addresses).await?;
        let peer = origin.peer;
        let rules = self.gate.rules_for(self.address(), &url);
        let request = self.anew(request, wants.as_ref(), &rules);
        let sent = rules.rewrite.url.as_ref().unwrap_or(&url);
        let exchange = self.exchange(origin, request, sent, &permit, &addresses);
        let response = tokio::select! {
            response = exchange => response?,
            () = overdue(&up) => return Err(Failure::TooSlow),
            () = self.gate.until_refused(&question, Some(peer)) => {
                open.note(0, 0, ClosedBy::Policy);
                return Err(Failure::Unreachable);
            }
        };
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return self.switched(response, wants, question, open).map(Forwarded::Answer);
        }
        let arrived = Arrived { response, held: VecDeque::new(), url, question, peer, open, sight };
        let arrived = match rules.files {
            Files::Watched => arrived.screened(&self.gate).await?,
            Files::Any => Screened::Passed(Box::new(arrived)),
        };
        Ok(match arrived {
            Screened::Passed(arrived) => Forwarded::Answer(self.relay(*arrived, up, under_way, held_back)),
            Screened::Refused(refusal) => Forwarded::Refused(*refusal),
        })
    }

    fn relay(
        self: &Arc<Session>,
        arrived: Arrived,
        up: Arc<AtomicU64>,
        under_way: UnderWay,
        held_back: bool,
    ) -> Response<Payload> {
        let Arrived { response, held, question, peer, open, .. } = arrived;
        let gate = Arc::clone(&self.gate);
        let refused = async move { gate.until_refused(&question, Some(peer)).await };
        let (parts, body) = response.into_parts();
        let body = Whole::new(held, body);
        let body = Downloaded::new(body, Arc::clone(self), under_way, open, up, refused);
        Response::from_parts(self.relayed(parts, held_back), Payload::new(body))
    }

    /// A kept connection to the permitted place, or a new one.
    async fn origin(&self, permit: &Permit, addresses: &[IpAddr]) -> Result<Origin, Failure> {
        match self.origins.take(permit, addresses).await {
            Some(origin) => Ok(origin),
            None => Origin::dial(&self.gate, permit, addresses, self.security()).await,
        }
    }

    /// Sends on `origin`; once more on a new connection when a kept one had closed meanwhile
    /// and nothing of the request was sent.
    async fn exchange(
        &self,
        mut origin: Origin,
        request: Request<Uploaded>,
        url: &Url,
        permit: &Permit,
        addresses: &[IpAddr],
    ) -> Result<Response<Incoming>, Failure> {
        let spoken = origin.version();
        let mut sent = origin.send(addressed(request, spoken, url)?).await;
        if let Err(fault) = &mut sent
            && let Some(request) = fault.take_message()
        {
            origin = Origin::dial(&self.gate, permit, addresses, self.security()).await?;
            let spoken = origin.version();
            sent = origin.send(addressed(request, spoken, url)?).await;
        }
        let response = sent.map_err(|fault| origin.objection().unwrap_or_else(|| failure(fault.error())))?;
        self.origins.give_back(origin).await;
        Ok(response)
    }

    /// The head of an answer as the client is given it.
    fn relayed(
        &self,
        mut parts: hyper::http::response::Parts,
        held_back: bool,
    ) -> hyper::http::response::Parts {
        strip(&mut parts.headers);
        // It would lead a browser round this gateway, by QUIC.
        parts.headers.remove(header::ALT_SVC);
        if !self.is_inspected() {
            parts.headers.append(header::VIA, VIA);
        }
        parts.version = Version::HTTP_11;
        if held_back {
            // The upgrade was not granted: what the client sent behind it goes nowhere.
            parts.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        parts
    }

    fn switched(
        &self,
        mut response: Response<Incoming>,
        wants: Option<HeaderValue>,
        question: Question,
        open: Open,
    ) -> Result<Response<Payload>, Failure> {
        // A 101 that nobody asked for would turn the rest of the connection into a tunnel.
        let wanted = wants.ok_or(Failure::BadAnswer)?;
        let origin = hyper::upgrade::on(&mut response);
        let (mut parts, _) = response.into_parts();
        strip(&mut parts.headers);
        parts.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        parts.headers.insert(header::UPGRADE, wanted);
        if !self.is_inspected() {
            parts.headers.append(header::VIA, VIA);
        }
        self.switch(Switched { origin, question, open });
        Ok(Response::from_parts(parts, Payload::empty()))
    }

    /// The request as it leaves, but for where to: fields of the end to end only.
    ///
    /// No `Via` inside TLS: the client asked an origin there and no proxy, and some origins send
    /// what names a proxy uncompressed.
    fn anew(
        &self,
        request: Request<Uploaded>,
        wants: Option<&HeaderValue>,
        rules: &Rules,
    ) -> Request<Uploaded> {
        let (parts, body) = request.into_parts();
        let mut request = Request::new(body);
        *request.method_mut() = parts.method;
        let mut fields = parts.headers;
        let trailers = parts.version == Version::HTTP_2 && wants_trailers(&fields);
        strip(&mut fields);
        fields.remove(header::EXPECT);
        fields.remove("proxy-connection");
        joined_cookies(&mut fields);
        content::enforced(&mut fields, &rules.rewrite);
        if rules.files == Files::Watched {
            content::readably(&mut fields);
        }
        if !self.is_inspected() {
            fields.append(header::VIA, VIA);
        }
        if trailers {
            fields.insert(header::TE, HeaderValue::from_static("trailers"));
        }
        if let Some(protocol) = wants {
            fields.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            fields.insert(header::UPGRADE, protocol.clone());
        }
        *request.headers_mut() = fields;
        request
    }
}

impl Switched {
    /// Passes bytes both ways once both sides have switched.
    pub(super) async fn run(self, client: Prefixed<Line>, gate: &Gate) -> std::io::Result<()> {
        let upgraded = self.origin.await.map_err(std::io::Error::other)?;
        let Ok(parts) = upgraded.downcast::<TokioIo<Line>>() else {
            return Err(std::io::Error::other("an upgraded connection of another kind"));
        };
        let origin = Prefixed { stream: parts.io.into_inner(), read: parts.read_buf.to_vec() };
        tunnel::hold(Ends::of(client, origin), &self.question, self.open, gate).await;
        Ok(())
    }
}

/// A request in the form of the protocol that the origin speaks, for the judged URL and no other.
/// Over HTTP/1.1 the target is in origin form beside one `Host`; over HTTP/2 the URL in full makes
/// the pseudo-fields, and there is no `Host` and no upgrade (RFC 9113 sections 8.2.2 and 8.3.1).
/// Nothing else is sent in the place of a URL that can't be written.
fn addressed<B>(mut request: Request<B>, spoken: Version, url: &Url) -> Result<Request<B>, Failure> {
    let unwritable = || Failure::BadRequest(400, "its address can't be written in a request");
    *request.version_mut() = spoken;
    let target = if spoken == Version::HTTP_2 { url.to_string() } else { url.target() };
    *request.uri_mut() = target.parse().map_err(|_| unwritable())?;
    let fields = request.headers_mut();
    if spoken == Version::HTTP_2 {
        for field in [header::HOST, header::CONNECTION, header::UPGRADE] {
            fields.remove(field);
        }
    } else {
        fields.remove(header::TE);
        let host = HeaderValue::from_str(&url.authority()).map_err(|_| unwritable())?;
        fields.insert(header::HOST, host);
    }
    Ok(request)
}

/// The protocol that a request asks to switch to; the guard lets no other than one through.
fn upgrade(fields: &HeaderMap) -> Option<HeaderValue> {
    fields
        .get(header::UPGRADE)
        .filter(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
        .cloned()
}

fn wants_trailers(fields: &HeaderMap) -> bool {
    fields.get(header::TE).is_some_and(|te| te.as_bytes().eq_ignore_ascii_case(b"trailers"))
}

/// Cookies that HTTP/2 sent as fields of their own are one field again (RFC 9113 section 8.2.3).
fn joined_cookies(fields: &mut HeaderMap) {
    let crumbs: Vec<&[u8]> = fields.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if crumbs.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..]))
    {
        fields.insert(header::COOKIE, joined);
    }
}

fn strip(fields: &mut HeaderMap) {
    let named: Vec<HeaderName> = fields
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        fields.remove(name);
    }
    fields.remove("keep-alive");
}

/// Waits until an origin should have begun to answer: a long upload is no silence.
async fn overdue(uploaded: &AtomicU64) {
    let mut sent = uploaded.load(Ordering::Relaxed);
    loop {
        tokio::time::sleep(FIRST_BYTE).await;
        let now = uploaded.load(Ordering::Relaxed);
        if now == sent {
            return;
        }
        sent = now;
    }
}

/// Whose fault it was that there is no answer: the client's when its body did not come whole.
fn failure(fault: &hyper::Error) -> Failure {
    let body = std::error::Error::source(fault).and_then(|cause| cause.downcast_ref::<BodyError>());
    match body {
        Some(body) => body.of_request(),
        None if fault.is_timeout() => Failure::TooSlow,
        None => Failure::BadAnswer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// A bug: what could not be written was asked for as `/`, on the site's own account.
        #[test]
        fn what_was_judged_is_what_is_asked_for(text in "https?://[a-z.\\[\\]:0-9%äß-]{1,30}(/\\PC{0,40})?") {
            let Ok(url) = Url::parse(&text) else { return Ok(()) };
            for (spoken, target) in [(Version::HTTP_11, url.target()), (Version::HTTP_2, url.to_string())] {
                let request = addressed(Request::new(()), spoken, &url);
                let Ok(request) = request else { return Err(TestCaseError::fail(format!("{url} is refused"))) };
                prop_assert_eq!(request.uri().to_string(), target);
                let host = request.headers().get(header::HOST).map(HeaderValue::as_bytes);
                let named = (spoken == Version::HTTP_11).then(|| url.authority().to_string());
                prop_assert_eq!(host, named.as_ref().map(|named| named.as_bytes()));
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_upload_that_moves_is_not_overdue() {
        let uploaded = AtomicU64::new(0);
        let moving = async {
            for _ in 0..10 {
                tokio::time::sleep(FIRST_BYTE / 2).await;
                uploaded.fetch_add(1, Ordering::Relaxed);
            }
        };
        let started = tokio::time::Instant::now();
        tokio::join!(overdue(&uploaded), moving);
        let waited = started.elapsed();
        assert!(waited >= FIRST_BYTE * 6 && waited <= FIRST_BYTE * 7, "{waited:?}");
    }
}
