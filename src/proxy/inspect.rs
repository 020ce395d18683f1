//! A TLS connection that is decrypted: the origin is called and verified first, then the client
//! is answered in the origin's name, and every request inside is judged.
//!
//! **Invariant:** no byte of an origin that could not be verified reaches a client; a client that
//! does not take the leaf is not let past because of it.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hyper::Version;
use rustls::ServerConfig;
use rustls::pki_types::ServerName;
use rustls::server::{ClientHello as Hello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use crate::audit::{ClosedBy, Seen as Sight};
use crate::ca::{self, Minter, Offer, OriginFault};
use crate::model::Host;
use crate::policy::Reason;
use crate::proxy::asked::Mode;
use crate::proxy::gate::{Gate, Judged, Passage};
use crate::proxy::http;
use crate::proxy::http2;
use crate::proxy::line::Line;
use crate::proxy::origins::{Origin, Security};
use crate::proxy::parting;
use crate::proxy::question::{Circumstances, Question};
use crate::proxy::refuse::{self, Failure};
use crate::proxy::session::Session;
use crate::proxy::sniff::Prefixed;
use crate::telemetry::TurnedAway;
use crate::wire::alert::INTERNAL_ERROR;
use crate::wire::client_hello::ClientHello;

/// What decrypts.
pub struct Inspection {
    /// Signs leaves.
    pub minter: Minter,
    /// Verifies origins.
    pub origins: ca::Origins,
    answers: ServerConfig,
}

/// A client's connection that is to be decrypted.
pub(super) struct Sealed<'a> {
    pub(super) connection: Prefixed,
    pub(super) hello: &'a ClientHello,
    pub(super) question: Question,
    pub(super) sight: Sight,
}

/// A leaf for one connection.
#[derive(Debug)]
struct Leaf(Arc<CertifiedKey>);

impl ResolvesServerCert for Leaf {
    fn resolve(&self, _: Hello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

impl Inspection {
    /// From the school's authority and the roots that origins are verified by.
    ///
    /// # Errors
    /// When the provider of cryptography can't do what it must.
    pub fn new(minter: Minter, origins: ca::Origins) -> Result<Inspection, rustls::Error> {
        let nobody: Arc<dyn ResolvesServerCert> = Arc::new(rustls::server::ResolvesServerCertUsingSni::new());
        let mut answers = ServerConfig::builder().with_no_client_auth().with_cert_resolver(nobody);
        answers.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new()?;
        Ok(Inspection { minter, origins, answers })
    }

    /// How one client is answered.
    fn answering(&self, leaf: Arc<CertifiedKey>, spoken: Version) -> Arc<ServerConfig> {
        let mut config = self.answers.clone();
        config.cert_resolver = Arc::new(Leaf(leaf));
        let protocol = if spoken == Version::HTTP_2 { &b"h2"[..] } else { b"http/1.1" };
        config.alpn_protocols = vec![protocol.to_vec()];
        Arc::new(config)
    }
}

/// Decrypts a connection that may pass.
pub(super) async fn open(sealed: Sealed<'_>, passage: Passage, gate: &Arc<Gate>) -> io::Result<()> {
    let offer = offer(&sealed.hello.alpn);
    let dialled = Origin::dial(gate, &passage.permit, &passage.addresses, Security::Tls(offer)).await;
    let spoken = match &dialled {
        Ok(origin) if speaks(sealed.hello, origin.version()) => origin.version(),
        Ok(_) | Err(_) => preferred(sealed.hello),
    };
    let fault = match &dialled {
        Err(Failure::Origin(fault)) => Some(*fault),
        // What else went wrong is tried again when the first request comes, and told then.
        Ok(_) | Err(_) => None,
    };
    let mut open = passage.open;
    open.note(0, 0, ClosedBy::Error);
    let (question, sight) = (sealed.question.clone(), sealed.sight.clone());
    let session = session(&sealed, offer, spoken, fault, gate);
    if let Ok(origin) = dialled {
        session.origins.keep(origin).await;
    }
    match shaken(sealed, spoken, gate).await {
        Ok(line) => {
            open.note(0, 0, ClosedBy::Client);
            converse(line, session, spoken).await
        }
        Err(unshaken) => unshaken.recorded(&question, sight, gate).await,
    }
}

/// Decrypts a connection that is refused, so that its client can be told why. Where no request
/// comes, the refusal is recorded as it was judged.
pub(super) async fn explain(sealed: Sealed<'_>, judged: Judged, gate: &Arc<Gate>) -> io::Result<()> {
    let spoken = preferred(sealed.hello);
    let (question, sight) = (sealed.question.clone(), sealed.sight.clone());
    let session = session(&sealed, offer(&sealed.hello.alpn), spoken, None, gate);
    let recorded = session.recorded();
    let served = match shaken(sealed, spoken, gate).await {
        Ok(line) => converse(line, session, spoken).await,
        Err(_) => Ok(()),
    };
    if !recorded.load(Ordering::Relaxed) && gate.enter(&question, judged, sight).await.is_err() {
        gate.metrics.turned_away(TurnedAway::NotRecorded);
    }
    served
}

/// A name as TLS has it.
pub(super) fn server_name(host: &Host) -> Option<ServerName<'static>> {
    match host {
        Host::Name(name) => ServerName::try_from(name.as_str().to_owned()).ok(),
        Host::Address(address) => Some(ServerName::IpAddress((*address).into())),
    }
}

fn session(
    sealed: &Sealed<'_>,
    offer: Offer,
    spoken: Version,
    fault: Option<OriginFault>,
    gate: &Arc<Gate>,
) -> Session {
    let destination = &sealed.question.destination;
    let host = destination.host.clone().unwrap_or_else(|| Host::from(IpAddr::from([0, 0, 0, 0])));
    let mode = Mode::Inspected { host, port: destination.port };
    let alpn = Some(if spoken == Version::HTTP_2 { "h2".to_owned() } else { "http/1.1".to_owned() });
    let sight = Sight { alpn, ..sealed.sight.clone() };
    Session::new(gate, mode, sealed.question.address).decrypted(sight, Security::Tls(offer), fault)
}

async fn converse(line: Line, session: Session, spoken: Version) -> io::Result<()> {
    if spoken == Version::HTTP_2 {
        http2::converse(line, session).await
    } else {
        http::converse(Prefixed { stream: line, read: Vec::new() }, session).await
    }
}

/// A client that could not be answered in the origin's name.
enum Unshaken {
    /// It did not take the leaf, or broke off.
    Rejected(&'static str),
    /// No leaf could be made, or it was too slow.
    Other,
}

impl Unshaken {
    /// Records that a client rejects the school's authority: a candidate for the no-inspect list.
    async fn recorded(self, question: &Question, sight: Sight, gate: &Arc<Gate>) -> io::Result<()> {
        let Unshaken::Rejected(how) = self else { return Ok(()) };
        gate.metrics.leaf_rejected();
        let fault = Some(Reason::rejected_by_client());
        let judged = gate.judge(question, Circumstances { peer: None, fault }).await;
        let sight = Sight { error: Some(how.to_owned()), ..sight };
        if gate.enter(question, judged, sight).await.is_err() {
            gate.metrics.turned_away(TurnedAway::NotRecorded);
        }
        Ok(())
    }
}

/// Shakes hands with the client in the origin's name.
async fn shaken(sealed: Sealed<'_>, spoken: Version, gate: &Arc<Gate>) -> Result<Line, Unshaken> {
    let Some(host) = &sealed.question.destination.host else { return Err(Unshaken::Other) };
    let leaf = match gate.inspection.minter.leaf(host, gate.clock.now()).await {
        Ok(leaf) => leaf,
        Err(fault) => {
            tracing::error!(%fault, "no leaf could be made, so a connection was refused");
            refuse::tls(sealed.connection.stream, INTERNAL_ERROR).await;
            return Err(Unshaken::Other);
        }
    };
    let acceptor = TlsAcceptor::from(gate.inspection.answering(leaf, spoken));
    let handshake = acceptor.accept(sealed.connection).into_fallible();
    match tokio::time::timeout(gate.bounds.hello, handshake).await {
        Ok(Ok(stream)) => Ok(Line::Client(Box::new(stream))),
        Ok(Err((fault, connection))) => {
            // An alert of ours is on its way; the client is given the time to read it.
            let _ = parting::part(connection.stream).await;
            Err(rejection(&fault))
        }
        Err(_) => Err(Unshaken::Other),
    }
}

/// What a failed handshake says of the client.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the other faults all mean that nothing was said of the leaf"
)]
fn rejection(fault: &io::Error) -> Unshaken {
    use rustls::AlertDescription as Alert;
    let inner = fault.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::AlertReceived(alert)) => Unshaken::Rejected(match alert {
            Alert::UnknownCA => "unknown_ca",
            Alert::BadCertificate => "bad_certificate",
            Alert::CertificateUnknown => "certificate_unknown",
            Alert::CertificateExpired => "certificate_expired",
            Alert::UnsupportedCertificate => "unsupported_certificate",
            _ => "handshake_refused",
        }),
        Some(_) => Unshaken::Other,
        None => Unshaken::Rejected("closed_after_certificate"),
    }
}

/// What the origin is offered of what the client offers.
fn offer(alpn: &[Box<[u8]>]) -> Offer {
    let offers = |protocol: &[u8]| alpn.iter().any(|offered| **offered == *protocol);
    match (offers(b"h2"), offers(b"http/1.1")) {
        (true, _) => Offer::Both,
        (false, true) => Offer::Http1,
        (false, false) => Offer::Nothing,
    }
}

/// Whether a client can speak what was chosen; one that offers nothing speaks HTTP/1.1.
fn speaks(hello: &ClientHello, version: Version) -> bool {
    let protocol = if version == Version::HTTP_2 { &b"h2"[..] } else { b"http/1.1" };
    let silent = hello.alpn.is_empty() && version != Version::HTTP_2;
    silent || hello.alpn.iter().any(|offered| **offered == *protocol)
}

/// What a client is answered with where no origin has chosen.
fn preferred(hello: &ClientHello) -> Version {
    if speaks(hello, Version::HTTP_11) { Version::HTTP_11 } else { Version::HTTP_2 }
}
