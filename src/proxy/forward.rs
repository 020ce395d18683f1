//! Sends a judged request on, made anew from its parts, and brings the answer back.
//!
//! **Invariant:** what leaves is written from parsed parts, with one `Host` that is the judged
//! URL's; hop-by-hop fields stay (RFC 9110 section 7.6.1); a connection to an origin belongs
//! to one client connection, so that answers never cross.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode, Uri, Version};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use crate::audit::ClosedBy;
use crate::model::{Host, Url};
use crate::proxy::body::{BodyError, Downloaded, Payload, Uploaded};
use crate::proxy::gate::{Gate, Open, Passage, Question};
use crate::proxy::http::Session;
use crate::proxy::refuse::Failure;
use crate::proxy::sniff::Prefixed;
use crate::proxy::splice::Tunnel;
use crate::proxy::tunnel;

/// How long an origin may take to begin its answer, once it has been sent the request.
const FIRST_BYTE: Duration = Duration::from_secs(60);
/// Connections to origins that one client connection keeps.
const KEPT: usize = 4;
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

/// The connections to origins that one client connection keeps.
#[derive(Default)]
pub(super) struct Origins(Mutex<Vec<Origin>>);

struct Origin {
    host: Host,
    port: u16,
    peer: IpAddr,
    sender: SendRequest<Uploaded>,
}

/// An upgrade that the origin granted.
pub(super) struct Switched {
    origin: OnUpgrade,
    question: Question,
    open: Open,
}

impl Session {
    /// Sends a permitted request and returns the origin's answer.
    pub(super) async fn forward(
        self: &Arc<Session>,
        request: Request<Incoming>,
        url: Url,
        question: Question,
        passage: Passage,
    ) -> Result<Response<Payload>, Failure> {
        let held_back = request.headers().contains_key(header::UPGRADE);
        let wants = upgrade(request.headers());
        let up = Arc::new(AtomicU64::new(0));
        let (parts, body) = request.into_parts();
        let body = Uploaded::new(body, Arc::clone(&up), self.gate.bounds.idle);
        let request = anew(parts, &url, wants.as_ref(), body);
        let mut open = passage.open;
        open.note(0, 0, ClosedBy::Error);
        let origin = self.origin(&passage.permit, &passage.addresses).await?;
        let peer = origin.peer;
        let uploaded = Arc::clone(&up);
        let exchange = self.origins.exchange(origin, request, self, &passage.permit, &passage.addresses);
        let response = tokio::select! {
            response = exchange => response?,
            () = overdue(&uploaded) => return Err(Failure::TooSlow),
            () = self.gate.until_refused(&question, Some(peer)) => {
                open.note(0, 0, ClosedBy::Policy);
                return Err(Failure::Unreachable);
            }
        };
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return self.switched(response, wants, question, open);
        }
        Ok(self.relay(response, question, peer, open, up, held_back))
    }

    /// A kept connection to the permitted place, if its address is still one of those judged;
    /// else a new one.
    async fn origin(&self, permit: &crate::policy::Permit, addresses: &[IpAddr]) -> Result<Origin, Failure> {
        let mut kept = self.origins.0.lock().await;
        kept.retain(|origin| !origin.sender.is_closed());
        let fits = |origin: &Origin| {
            origin.host == *permit.host()
                && origin.port == permit.port()
                && addresses.contains(&origin.peer)
                && origin.sender.is_ready()
        };
        if let Some(at) = kept.iter().position(fits) {
            return Ok(kept.swap_remove(at));
        }
        drop(kept);
        self.dial(permit, addresses).await
    }

    async fn dial(&self, permit: &crate::policy::Permit, addresses: &[IpAddr]) -> Result<Origin, Failure> {
        use crate::proxy::upstream::DialError;
        let stream = self.gate.upstream.dial(permit, addresses).await.map_err(|fault| match fault {
            DialError::TimedOut => Failure::TooSlow,
            DialError::Own | DialError::Refused(_) => Failure::Unreachable,
        })?;
        let peer = stream.peer_addr().map_err(|_| Failure::Unreachable)?.ip().to_canonical();
        let handshake = http1::Builder::new().max_headers(200).handshake(TokioIo::new(stream));
        let (sender, connection) = handshake.await.map_err(|_| Failure::BadAnswer)?;
        // Its faults come back through the sender; the task ends with either side.
        tokio::spawn(connection.with_upgrades());
        Ok(Origin { host: permit.host().clone(), port: permit.port(), peer, sender })
    }

    fn relay(
        self: &Arc<Session>,
        response: Response<Incoming>,
        question: Question,
        peer: IpAddr,
        open: Open,
        up: Arc<AtomicU64>,
        held_back: bool,
    ) -> Response<Payload> {
        let (mut parts, body) = response.into_parts();
        strip(&mut parts.headers);
        parts.headers.append(header::VIA, VIA);
        parts.version = Version::HTTP_11;
        if held_back {
            // The upgrade was not granted: what the client sent behind it goes nowhere.
            parts.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let gate = Arc::clone(&self.gate);
        let refused = async move { gate.until_refused(&question, Some(peer)).await };
        let body = Downloaded::new(body, Arc::clone(self), open, up, refused);
        Response::from_parts(parts, Payload::new(body))
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
        parts.headers.append(header::VIA, VIA);
        self.switch(Switched { origin, question, open });
        Ok(Response::from_parts(parts, Payload::empty()))
    }
}

impl Origins {
    /// Sends on `origin`; once more on a new connection when a kept one had closed meanwhile
    /// and nothing of the request was sent.
    async fn exchange(
        &self,
        mut origin: Origin,
        request: Request<Uploaded>,
        session: &Session,
        permit: &crate::policy::Permit,
        addresses: &[IpAddr],
    ) -> Result<Response<Incoming>, Failure> {
        let mut sent = origin.sender.try_send_request(request).await;
        if let Err(fault) = &mut sent
            && let Some(request) = fault.take_message()
        {
            origin = session.dial(permit, addresses).await?;
            sent = origin.sender.try_send_request(request).await;
        }
        let response = sent.map_err(|fault| failure(fault.error()))?;
        let mut kept = self.0.lock().await;
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push(origin);
        Ok(response)
    }
}

impl Switched {
    /// Passes bytes both ways once both sides have switched.
    pub(super) async fn run(self, client: Prefixed, gate: &Gate) -> std::io::Result<()> {
        let upgraded = self.origin.await.map_err(std::io::Error::other)?;
        let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() else {
            return Err(std::io::Error::other("an upgraded connection of another kind"));
        };
        let ends = Tunnel {
            client: client.stream,
            from_client: client.read,
            origin: parts.io.into_inner(),
            from_origin: parts.read_buf.to_vec(),
        };
        tunnel::hold(ends, &self.question, self.open, gate).await;
        Ok(())
    }
}

/// The request as it leaves: origin-form target, the judged URL's `Host`, fields of the end to
/// end only.
fn anew(
    parts: hyper::http::request::Parts,
    url: &Url,
    wants: Option<&HeaderValue>,
    body: Uploaded,
) -> Request<Uploaded> {
    let mut request = Request::new(body);
    *request.method_mut() = parts.method;
    *request.uri_mut() = url.target().parse().unwrap_or_else(|_| Uri::from_static("/"));
    *request.version_mut() = Version::HTTP_11;
    let mut fields = parts.headers;
    strip(&mut fields);
    fields.remove(header::EXPECT);
    fields.remove("proxy-connection");
    if let Ok(host) = HeaderValue::from_str(&url.authority()) {
        fields.insert(header::HOST, host);
    }
    fields.append(header::VIA, VIA);
    if let Some(protocol) = wants {
        fields.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        fields.insert(header::UPGRADE, protocol.clone());
    }
    *request.headers_mut() = fields;
    request
}

/// The protocol that a request asks to switch to; the guard lets no other than one through.
fn upgrade(fields: &HeaderMap) -> Option<HeaderValue> {
    fields
        .get(header::UPGRADE)
        .filter(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
        .cloned()
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
        Some(BodyError::Broken(_) | BodyError::Cut) => {
            Failure::BadRequest(400, "the body of the request could not be read")
        }
        Some(BodyError::Idle) => Failure::BadRequest(408, "the body of the request took too long"),
        None if fault.is_timeout() => Failure::TooSlow,
        None => Failure::BadAnswer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
