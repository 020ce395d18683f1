//! An HTTP/1 connection: every request on it is judged, whatever came before.
//!
//! **Invariant:** the URL judged is the URL sent; what is refused is refused before anything
//! leaves; nothing that a client sends behind a refused CONNECT or upgrade is ever passed on.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::io::AsyncWriteExt;

use crate::audit::{Seen as Sight, Visibility};
use crate::model::{Host, HostError, Scheme, Url, UrlError};
use crate::policy::{Destination, Shown};
use crate::proxy::body::Payload;
use crate::proxy::connection;
use crate::proxy::forward::{Origins, Switched};
use crate::proxy::gate::{Admission, Gate, Question};
use crate::proxy::guard::{Guard, Waits};
use crate::proxy::parting;
use crate::proxy::refuse::{self, About, Failure};
use crate::proxy::sniff::Prefixed;
use crate::wire::http_head::HeadFault;

/// How requests on this connection name their URL.
#[derive(Clone, Debug)]
pub(super) enum Mode {
    /// To a proxy: absolute-form and CONNECT.
    Proxy,
    /// To an origin at this port, redirected here: the `Host` field names it.
    Origin {
        /// The port the client dialled.
        port: u16,
    },
    /// Inside a CONNECT tunnel to this host, which the `Host` field must agree with.
    Inside {
        /// What CONNECT said.
        host: Host,
        /// What CONNECT said.
        port: u16,
    },
}

/// What one connection's requests share.
pub(super) struct Session {
    pub(super) gate: Arc<Gate>,
    pub(super) origins: Origins,
    mode: Mode,
    address: IpAddr,
    busy: Arc<AtomicBool>,
    /// Whether a request was HTTP/1.0, to which an answer of unknown length ends with the connection.
    unframed: AtomicBool,
    next: Mutex<Option<Next>>,
}

/// What becomes of the connection once hyper is done with it.
enum Next {
    /// CONNECT was answered with 200.
    Inside(Question),
    /// An upgrade was answered with 101.
    Switched(Box<Switched>),
}

/// Serves requests until the client is done, a request is at fault, or the protocol changes.
pub(super) async fn serve(
    connection: Prefixed,
    mode: Mode,
    address: IpAddr,
    gate: &Arc<Gate>,
) -> io::Result<()> {
    let waits = Waits { head: gate.bounds.head, idle: gate.bounds.idle, head_bytes: gate.bounds.head_bytes };
    let guard = Guard::new(connection, waits);
    let session = Arc::new(Session {
        gate: Arc::clone(gate),
        origins: Origins::default(),
        mode,
        address,
        busy: guard.busy(),
        unframed: AtomicBool::new(false),
        next: Mutex::new(None),
    });
    let answering = Arc::clone(&session);
    let service = service_fn(move |request| {
        let session = Arc::clone(&answering);
        Box::pin(async move { Ok::<_, Infallible>(session.answer(request).await) })
    });
    let mut conn = http1::Builder::new().half_close(true).serve_connection(TokioIo::new(guard), service);
    let served = {
        let mut stopping = std::pin::pin!(gate.stop.cancelled());
        let mut told = false;
        loop {
            tokio::select! {
                // Not `poll_without_shutdown`, which may end before the last bytes are flushed; the
                // guard keeps the socket open beyond hyper's shutdown.
                served = &mut conn => break served,
                () = &mut stopping, if !told => {
                    told = true;
                    std::pin::Pin::new(&mut conn).graceful_shutdown();
                }
                // The time to drain is over: what is under way is dropped, and closed in the record.
                () = gate.cut.cancelled() => return Ok(()),
            }
        }
    };
    let guard = conn.into_parts().io.into_inner();
    if let Some(fault) = guard.fault_in_head() {
        return answer_fault(guard.into_inner(), fault, gate).await;
    }
    if let Err(fault) = served {
        if session.unframed.load(Ordering::Relaxed) {
            // The end of such an answer is the end of the connection: only a reset tells a
            // broken one from a whole one.
            let _ = SockRef::from(&guard.into_inner().stream).set_linger(Some(Duration::ZERO));
        }
        return Err(io::Error::other(fault));
    }
    let next = session.next.lock().unwrap_or_else(PoisonError::into_inner).take();
    match next {
        Some(Next::Inside(question)) => connection::inside(guard.into_inner(), question, gate).await,
        Some(Next::Switched(switched)) => switched.run(guard.into_inner(), gate).await,
        None => parting::part(guard.into_inner().stream).await,
    }
}

/// Answers a head that hyper was not shown, and closes.
async fn answer_fault(connection: Prefixed, fault: HeadFault, gate: &Gate) -> io::Result<()> {
    gate.metrics.connection_refused("bad_request");
    let page = refuse::failed(Failure::BadRequest(fault.status, fault.reason), &gate.site);
    let (head, body) = page.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let mut text =
        format!("HTTP/1.1 {}\r\nConnection: close\r\nContent-Length: {}\r\n", head.status, body.len());
    for (name, value) in &head.headers {
        text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap_or_default()));
    }
    text.push_str("\r\n");
    let mut stream = connection.stream;
    stream.write_all(text.as_bytes()).await?;
    stream.write_all(&body).await?;
    parting::part(stream).await
}

impl Session {
    async fn answer(self: Arc<Session>, request: Request<Incoming>) -> Response<Payload> {
        self.busy.store(true, Ordering::Relaxed);
        if request.version() == Version::HTTP_10 {
            self.unframed.store(true, Ordering::Relaxed);
        }
        let response = if request.method() == Method::CONNECT {
            self.connect(&request).await
        } else {
            self.request(request).await
        };
        match response {
            Ok(response) => response,
            Err(failure) => closing(refuse::failed(failure, &self.gate.site).map(Payload::page)),
        }
    }

    /// The client has been answered in full and may be silent for a while, but not for ever.
    pub(super) fn answered(&self) {
        self.busy.store(false, Ordering::Relaxed);
    }

    async fn connect(&self, request: &Request<Incoming>) -> Result<Response<Payload>, Failure> {
        let authority = request.uri().authority().ok_or(Failure::NotASite)?;
        let host = Host::parse(authority.host()).map_err(|fault| bad_host(&fault))?;
        let port = authority.port_u16().unwrap_or(0);
        let destination = Destination { host: Some(host), port, url: None };
        let question = Question { address: self.address, destination, shown: Shown::ConnectTarget };
        if !self.gate.lets_through(&question) {
            let sight = Sight {
                visibility: Visibility::Host,
                scheme: Some(Scheme::Https),
                method: Some("CONNECT".into()),
                ..Sight::default()
            };
            return match self.gate.admit(&question, sight).await {
                Ok(Admission::Blocked(refusal)) => {
                    let site = question.destination.host.as_ref().map(ToString::to_string);
                    Ok(self.blocked(&refusal, site.as_deref(), request.headers()))
                }
                // It has become allowed in this very moment: the client may ask again.
                Ok(Admission::Passed(_) | Admission::Nowhere) => Err(Failure::Unreachable),
                Err(_) => Err(self.unrecorded()),
            };
        }
        self.go_on_with(Next::Inside(question));
        Ok(Response::new(Payload::empty()))
    }

    async fn request(self: &Arc<Session>, request: Request<Incoming>) -> Result<Response<Payload>, Failure> {
        let url = self.url(&request)?;
        let destination =
            Destination { host: Some(url.host().clone()), port: url.port(), url: Some(url.clone()) };
        let question = Question { address: self.address, destination, shown: Shown::Request };
        let sight = Sight {
            visibility: Visibility::Url,
            method: Some(request.method().to_string()),
            ..Sight::default()
        };
        match self.gate.admit(&question, sight).await {
            Ok(Admission::Passed(passage)) => self.forward(request, url, question, passage).await,
            Ok(Admission::Blocked(refusal)) => {
                let site = url.host().to_string();
                Ok(self.blocked(&refusal, Some(&site), request.headers()))
            }
            Ok(Admission::Nowhere) => Err(Failure::Unreachable),
            Err(_) => Err(self.unrecorded()),
        }
    }

    /// The URL that a request is for. The guard has seen to it that target and `Host` agree.
    fn url(&self, request: &Request<Incoming>) -> Result<Url, Failure> {
        let target = request.uri();
        let absolute = target.scheme().is_some();
        let field = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        let path = target.path_and_query().map_or("/", |path| path.as_str());
        let url = match (&self.mode, absolute, field) {
            (_, true, _) => Url::parse(&target.to_string()),
            (Mode::Proxy, false, _) | (_, false, None) => return Err(Failure::NotASite),
            (Mode::Origin { port } | Mode::Inside { port, .. }, false, Some(host)) => {
                let port = if names_port(host) { String::new() } else { format!(":{port}") };
                Url::parse(&format!("http://{host}{port}{path}"))
            }
        };
        let url = url.map_err(|fault| bad_url(&fault))?;
        let agrees = match &self.mode {
            Mode::Proxy => true,
            Mode::Origin { port } => url.port() == *port,
            Mode::Inside { host, port } => url.host() == host && url.port() == *port,
        };
        if url.scheme() != Scheme::Http {
            return Err(Failure::BadRequest(400, "https pages are asked for with CONNECT"));
        }
        if agrees {
            Ok(url)
        } else {
            Err(Failure::BadRequest(400, "the request and the connection disagree"))
        }
    }

    fn blocked(
        &self,
        refusal: &crate::proxy::gate::Refusal,
        site: Option<&str>,
        asked: &HeaderMap,
    ) -> Response<Payload> {
        let about = About {
            school: &self.gate.site,
            notice: self.gate.notice,
            site,
            sequence: refusal.receipt.sequence,
        };
        let response = refuse::blocked(&refusal.reason, &about, asked).map(Payload::page);
        closing(response)
    }

    fn unrecorded(&self) -> Failure {
        self.gate.metrics.connection_refused("not_recorded");
        Failure::CannotRecord
    }

    pub(super) fn switch(&self, switched: Switched) {
        self.go_on_with(Next::Switched(Box::new(switched)));
    }

    fn go_on_with(&self, next: Next) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(next);
    }
}

/// A refusal ends the connection: whatever the client sent behind it goes nowhere.
fn closing(mut response: Response<Payload>) -> Response<Payload> {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Whether a `Host` field names a port; where it does not, the one that was dialled is meant.
fn names_port(host: &str) -> bool {
    host.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
}

fn bad_host(_: &HostError) -> Failure {
    Failure::BadRequest(400, "the address is not one that a browser would send")
}

fn bad_url(fault: &UrlError) -> Failure {
    match fault {
        UrlError::TooLong => {
            Failure::BadRequest(StatusCode::URI_TOO_LONG.as_u16(), "the address is too long")
        }
        UrlError::Scheme => Failure::BadRequest(400, "only http and https are carried"),
        UrlError::Host(_) | UrlError::Port | UrlError::Text => {
            Failure::BadRequest(400, "the address is not one that a browser would send")
        }
    }
}

impl Payload {
    pub(super) fn empty() -> Payload {
        Payload::new(Empty::<Bytes>::new().map_err(|never| match never {}))
    }

    fn page(body: http_body_util::Full<Bytes>) -> Payload {
        Payload::new(body.map_err(|never| match never {}))
    }
}
