//! What the requests of one client connection share, and how each of them is answered.
//!
//! **Invariant:** every request is judged, whatever came before; what is refused is refused before
//! anything leaves; nothing that a client sends behind a refused CONNECT or upgrade is ever passed
//! on.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, Version};

use crate::audit::{Seen as Sight, Visibility};
use crate::ca::OriginFault;
use crate::model::{Scheme, Url};
use crate::policy::{Destination, Reason, Seal, Shown};
use crate::proxy::ask::{self, Denied, Offer};
use crate::proxy::asked::{self, Mode, Wanted};
use crate::proxy::body::{Payload, Uploaded, Whole};
use crate::proxy::content;
use crate::proxy::context;
use crate::proxy::forward::{Errand, Forwarded, Switched};
use crate::proxy::gate::{Admission, Gate, Refusal};
use crate::proxy::origins::{Origins, Security};
use crate::proxy::question::{Circumstances, Question};
use crate::proxy::refuse::{self, About, Failure, Wants};
use crate::services::SearchKind;
use crate::telemetry::TurnedAway;

/// What one connection's requests share.
pub(super) struct Session {
    pub(super) gate: Arc<Gate>,
    pub(super) origins: Origins,
    mode: Mode,
    address: IpAddr,
    /// What is known of every request before it comes.
    sight: Sight,
    security: Security,
    /// What the origin did wrong in TLS, where this session is there to say so.
    fault: Option<OriginFault>,
    under_way: Arc<AtomicUsize>,
    moved: Arc<AtomicU64>,
    recorded: Arc<AtomicBool>,
    /// Whether a request was HTTP/1.0, to which an answer of unknown length ends with the connection.
    pub(super) unframed: AtomicBool,
    next: Mutex<Option<Next>>,
}

/// What becomes of the connection once hyper is done with it.
pub(super) enum Next {
    /// CONNECT was answered with 200.
    Inside(Question),
    /// An upgrade was answered with 101.
    Switched(Box<Switched>),
}

/// A request that is being answered, for as long as this lives.
pub(super) struct UnderWay(Arc<AtomicUsize>);

impl Session {
    /// Requests in the clear.
    pub(super) fn new(gate: &Arc<Gate>, mode: Mode, address: IpAddr) -> Session {
        let sight = Sight { visibility: Visibility::Url, ..Sight::default() };
        Session {
            gate: Arc::clone(gate),
            origins: Origins::default(),
            mode,
            address,
            sight,
            security: Security::Plain,
            fault: None,
            under_way: Arc::default(),
            moved: Arc::default(),
            recorded: Arc::default(),
            unframed: AtomicBool::new(false),
            next: Mutex::new(None),
        }
    }

    /// The same for requests inside TLS that this gateway ends; origins are reached as `security`
    /// says, and a `fault` of theirs is what every request is answered with.
    pub(super) fn decrypted(self, sight: Sight, security: Security, fault: Option<OriginFault>) -> Session {
        let sight = Sight { visibility: Visibility::Url, ..sight };
        Session { sight, security, fault, ..self }
    }

    /// Answers one request.
    pub(super) async fn answer(self: Arc<Session>, request: Request<Incoming>) -> Response<Payload> {
        let under_way = UnderWay::begin(&self.under_way);
        self.moved.fetch_add(1, Ordering::Relaxed);
        let (version, wants) = (request.version(), Wants::of(request.headers()));
        if version == Version::HTTP_10 {
            self.unframed.store(true, Ordering::Relaxed);
        }
        let answered = if request.method() == Method::CONNECT && !self.is_inspected() {
            self.connect(&request, wants).await
        } else {
            self.request(request, wants, under_way).await
        };
        let response = match answered {
            Ok(Answered::Passed(response)) => return response,
            Ok(Answered::Refused(response)) => response,
            Err(failure) => refuse::failed(failure, &self.gate.site, wants).map(Payload::page),
        };
        if version == Version::HTTP_2 { response } else { closing(response) }
    }

    /// How many requests are being answered.
    pub(super) fn under_way(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.under_way)
    }

    /// Counts up with everything that moves on this connection.
    pub(super) fn moved(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.moved)
    }

    /// Whether any request of it stands in the record.
    pub(super) fn recorded(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.recorded)
    }

    /// Whether it is inside TLS that this gateway ends.
    pub(super) fn is_inspected(&self) -> bool {
        matches!(self.mode, Mode::Inspected { .. })
    }

    /// The client's address.
    pub(super) fn address(&self) -> IpAddr {
        self.address
    }

    /// How its origins are reached.
    pub(super) fn security(&self) -> Security {
        self.security
    }

    /// What becomes of the connection behind the last answer.
    pub(super) fn take_next(&self) -> Option<Next> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn switch(&self, switched: Switched) {
        self.go_on_with(Next::Switched(Box::new(switched)));
    }

    fn go_on_with(&self, next: Next) {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(next);
    }

    /// A refused CONNECT is answered here, unless the client can be shown why inside TLS.
    async fn connect(&self, request: &Request<Incoming>, wants: Wants) -> Result<Answered, Failure> {
        let (host, port) = asked::target(request.uri().authority())?;
        let destination = Destination { host: Some(host), port, url: None };
        let question = Question::new(self.address, destination, Shown::ConnectTarget);
        let (verdict, seal) = self.gate.glance(&question);
        if verdict.answer.is_none() && seal == Seal::Kept {
            let sight = Sight {
                visibility: Visibility::Host,
                scheme: Some(Scheme::Https),
                method: Some("CONNECT".into()),
                ..Sight::default()
            };
            return match self.gate.admit(&question, sight).await {
                Ok(Admission::Blocked(refusal)) => Ok(self.blocked(&refusal, &question, wants)),
                // It has become allowed in this very moment: the client may ask again.
                Ok(Admission::Passed(_) | Admission::Nowhere) => Err(Failure::Unreachable),
                Err(_) => Err(self.unrecorded()),
            };
        }
        self.go_on_with(Next::Inside(question));
        Ok(Answered::Passed(Response::new(Payload::empty())))
    }

    async fn request(
        self: &Arc<Session>,
        mut request: Request<Incoming>,
        wants: Wants,
        under_way: UnderWay,
    ) -> Result<Answered, Failure> {
        let (url, shown) = match (self.mode.wanted(&request)?, &self.mode) {
            (Wanted::Elsewhere(url), Mode::Inspected { host, .. }) => {
                (url, Shown::RequestElsewhere(host.clone()))
            }
            (Wanted::Url(url) | Wanted::Elsewhere(url), _) => (url, Shown::Request),
        };
        if ask::is_ask(&request, &url) {
            let page = ask::answer(request, self.address, &self.gate).await;
            return Ok(Answered::Refused(page.map(Payload::page)));
        }
        let (content, held) =
            content::of_request(&mut request, &url, &self.gate).await.map_err(|fault| fault.of_request())?;
        let question = Question { address: self.address, destination: destination(&url), shown, content };
        let sight = self.seen(&request, &question);
        let judged = self.gate.judge(&question, self.circumstances(&url).await).await;
        let admitted = self.gate.enter(&question, judged, sight.clone()).await;
        self.recorded.store(true, Ordering::Relaxed);
        let passage = match admitted {
            Ok(Admission::Passed(passage)) => passage,
            Ok(Admission::Blocked(refusal)) => {
                return self.refused(&refusal, &question, wants);
            }
            Ok(Admission::Nowhere) => return Err(Failure::Unreachable),
            Err(_) => return Err(self.unrecorded()),
        };
        let (up, waits) = (Arc::default(), self.gate.bounds.idle);
        let request = request
            .map(|body| Uploaded::new(Whole::new(held.frames, body), Arc::clone(&up), self.moved(), waits));
        let asked_again = question.clone();
        let errand = Errand { request, url, question, passage, up, under_way, sight: sight.clone() };
        match self.forward(errand).await {
            Ok(Forwarded::Answer(response)) => Ok(Answered::Passed(response)),
            Ok(Forwarded::Refused(refusal)) => Ok(self.blocked(&refusal, &asked_again, wants)),
            Err(Failure::Origin(fault)) => Err(self.blamed(fault, &asked_again, sight).await),
            Err(failure) => Err(failure),
        }
    }

    /// What is to be recorded of a request besides what was decided on it.
    fn seen(&self, request: &Request<Incoming>, question: &Question) -> Sight {
        let words = |kind| {
            let search = question.content.search.as_ref().filter(|search| search.kind == kind);
            search.map(|search| search.query.clone())
        };
        Sight {
            method: Some(request.method().to_string()),
            search: words(SearchKind::Search),
            suggestion: words(SearchKind::Suggestion),
            referrer: context::referrer(request.headers(), &self.gate.live.snapshot()),
            fetch: context::fetch(request.headers()),
            ..self.sight.clone()
        }
    }

    async fn circumstances(&self, url: &Url) -> Circumstances {
        let peer = if self.is_inspected() { self.origins.peer(url.host(), url.port()).await } else { None };
        Circumstances { peer, fault: self.fault.map(reason) }
    }

    /// Records that an origin's fault kept a permitted request from being answered.
    async fn blamed(&self, fault: OriginFault, question: &Question, sight: Sight) -> Failure {
        let circumstances = Circumstances { peer: None, fault: Some(reason(fault)) };
        let judged = self.gate.judge(question, circumstances).await;
        match self.gate.enter(question, judged, sight).await {
            Ok(_) => Failure::Origin(fault),
            Err(_) => self.unrecorded(),
        }
    }

    fn refused(&self, refusal: &Refusal, question: &Question, wants: Wants) -> Result<Answered, Failure> {
        match (self.fault, &question.shown) {
            (Some(fault), _) if refusal.reason.is_fault_of_origin() => Err(Failure::Origin(fault)),
            (_, Shown::RequestElsewhere(_)) => Err(Failure::Misdirected),
            (_, _) => Ok(self.blocked(refusal, question, wants)),
        }
    }

    fn blocked(&self, refusal: &Refusal, question: &Question, wants: Wants) -> Answered {
        let site = question.destination.host.as_ref().map(ToString::to_string);
        let about = About {
            school: &self.gate.site,
            notice: self.gate.notice,
            site: site.as_deref(),
            sequence: refusal.receipt.sequence,
            offer: self.offer(refusal, question, wants),
        };
        Answered::Refused(refuse::blocked(&refusal.reason, &about, wants).map(Payload::page))
    }

    /// What the page of a refusal offers to a pupil: only where there is a page, and its form can
    /// come back.
    fn offer(&self, refusal: &Refusal, question: &Question, wants: Wants) -> Offer {
        match (&question.destination.host, &question.destination.url) {
            (Some(host), Some(url)) if wants == Wants::Page => {
                let (client, reason) = (self.address, &refusal.reason);
                self.gate.asking.offer(&Denied { client, group: &refusal.group, host, url, reason })
            }
            (_, _) => Offer::Nothing,
        }
    }

    fn unrecorded(&self) -> Failure {
        self.gate.metrics.turned_away(TurnedAway::NotRecorded);
        Failure::CannotRecord
    }
}

/// What a request came to.
enum Answered {
    /// It passed: the connection goes on.
    Passed(Response<Payload>),
    /// It did not.
    Refused(Response<Payload>),
}

impl UnderWay {
    fn begin(count: &Arc<AtomicUsize>) -> UnderWay {
        count.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(count))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where a URL leads.
fn destination(url: &Url) -> Destination {
    Destination { host: Some(url.host().clone()), port: url.port(), url: Some(url.clone()) }
}

fn reason(fault: OriginFault) -> Reason {
    Reason::fault_of_origin(fault.as_str(), fault.words().0)
}

/// A refusal ends the connection: whatever the client sent behind it goes nowhere.
fn closing(mut response: Response<Payload>) -> Response<Payload> {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

impl Payload {
    pub(super) fn empty() -> Payload {
        Payload::new(Empty::<Bytes>::new().map_err(|never| match never {}))
    }

    fn page(body: http_body_util::Full<Bytes>) -> Payload {
        Payload::new(body.map_err(|never| match never {}))
    }
}
