//! The connections to origins that one client connection keeps.
//!
//! **Invariant:** they belong to that client connection alone, so that answers never cross; one
//! is used again only for the host, the port and the security that it was made for, and only at
//! an address that was judged.

use std::net::IpAddr;

use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_rustls::TlsConnector;

use crate::ca::{Offer, OriginFault};
use crate::model::Host;
use crate::policy::Permit;
use crate::proxy::body::Uploaded;
use crate::proxy::gate::Gate;
use crate::proxy::inspect;
use crate::proxy::line::{Line, Objection};
use crate::proxy::refuse::Failure;
use crate::proxy::upstream::DialError;

/// Connections to origins that one client connection keeps.
const KEPT: usize = 4;
/// The most fields of an answer.
const MAX_FIELDS: usize = 200;
/// What an origin may send ahead on one stream, and on all of one connection, in bytes.
const WINDOWS: (u32, u32) = (512 * 1024, 1024 * 1024);
/// The longest head of an answer over HTTP/2, in bytes.
const MAX_HEAD: u32 = 64 * 1024;

/// How origins are reached by one client connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Security {
    /// Bare HTTP/1.1.
    Plain,
    /// TLS, verified, with this offer of protocols.
    Tls(Offer),
}

/// The connections that are kept.
#[derive(Default)]
pub(super) struct Origins(Mutex<Vec<Origin>>);

/// A connection to an origin, ready for a request.
pub(super) struct Origin {
    host: Host,
    port: u16,
    pub(super) peer: IpAddr,
    sender: Sender,
    objection: Objection,
}

enum Sender {
    Http1(http1::SendRequest<Uploaded>),
    Http2(http2::SendRequest<Uploaded>),
}

/// A request that was not sent, or the fault of one that was.
type NotSent = TrySendError<Request<Uploaded>>;

impl Origins {
    /// Keeps a connection that was made beforehand.
    pub(super) async fn keep(&self, origin: Origin) {
        let mut kept = self.0.lock().await;
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push(origin);
    }

    /// Where a kept connection to this place leads, if there is one that could take a request.
    pub(super) async fn peer(&self, host: &Host, port: u16) -> Option<IpAddr> {
        let kept = self.0.lock().await;
        let fits =
            |origin: &&Origin| origin.host == *host && origin.port == port && !origin.sender.is_closed();
        kept.iter().find(fits).map(|origin| origin.peer)
    }

    /// A kept connection to the permitted place, if its address is still one of those judged.
    /// One that carries many requests at a time stays kept.
    pub(super) async fn take(&self, permit: &Permit, addresses: &[IpAddr]) -> Option<Origin> {
        let mut kept = self.0.lock().await;
        kept.retain(|origin| !origin.sender.is_closed());
        let fits = |origin: &Origin| {
            origin.host == *permit.host()
                && origin.port == permit.port()
                && addresses.contains(&origin.peer)
                && origin.sender.is_ready()
        };
        let at = kept.iter().position(fits)?;
        match &kept[at].sender {
            Sender::Http1(_) => Some(kept.swap_remove(at)),
            Sender::Http2(sender) => Some(Origin {
                host: kept[at].host.clone(),
                port: kept[at].port,
                peer: kept[at].peer,
                sender: Sender::Http2(sender.clone()),
                objection: kept[at].objection.clone(),
            }),
        }
    }

    /// Gives a connection back after use.
    pub(super) async fn give_back(&self, origin: Origin) {
        match origin.sender {
            Sender::Http1(_) => self.keep(origin).await,
            Sender::Http2(_) if self.peer(&origin.host, origin.port).await.is_none() => {
                self.keep(origin).await
            }
            Sender::Http2(_) => {}
        }
    }
}

impl Origin {
    /// Dials a permitted place and shakes hands.
    ///
    /// # Errors
    /// What kept the origin from being reached, for the page that says so.
    pub(super) async fn dial(
        gate: &Gate,
        permit: &Permit,
        addresses: &[IpAddr],
        security: Security,
    ) -> Result<Origin, Failure> {
        match security {
            Security::Plain => {
                let (stream, peer) = connected(gate, permit, addresses).await?;
                Origin::greet(permit, peer, Line::Plain(stream), Version::HTTP_11).await
            }
            Security::Tls(offer) => {
                let (line, peer, version) = secured(gate, permit, addresses, offer).await?;
                Origin::greet(permit, peer, line, version).await
            }
        }
    }

    /// The protocol that is spoken with this origin.
    pub(super) fn version(&self) -> Version {
        match self.sender {
            Sender::Http1(_) => Version::HTTP_11,
            Sender::Http2(_) => Version::HTTP_2,
        }
    }

    /// Sends a request.
    pub(super) async fn send(&mut self, request: Request<Uploaded>) -> Result<Response<Incoming>, NotSent> {
        match &mut self.sender {
            Sender::Http1(sender) => sender.try_send_request(request).await,
            Sender::Http2(sender) => sender.try_send_request(request).await,
        }
    }

    /// What it objected to in TLS, if that is why it does not answer.
    pub(super) fn objection(&self) -> Option<Failure> {
        self.objection.get().map(Failure::Origin)
    }

    async fn greet(permit: &Permit, peer: IpAddr, line: Line, version: Version) -> Result<Origin, Failure> {
        let objection = line.objection();
        let broken = |_| objection.get().map_or(Failure::BadAnswer, Failure::Origin);
        let io = TokioIo::new(line);
        // Faults of a connection come back through its sender; its task ends with either side.
        let sender = if version == Version::HTTP_2 {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder
                .initial_stream_window_size(WINDOWS.0)
                .initial_connection_window_size(WINDOWS.1)
                .max_header_list_size(MAX_HEAD);
            let (sender, connection) = builder.handshake(io).await.map_err(broken)?;
            tokio::spawn(connection);
            Sender::Http2(sender)
        } else {
            let handshake = http1::Builder::new().max_headers(MAX_FIELDS).handshake(io);
            let (sender, connection) = handshake.await.map_err(broken)?;
            tokio::spawn(connection.with_upgrades());
            Sender::Http1(sender)
        };
        Ok(Origin { host: permit.host().clone(), port: permit.port(), peer, sender, objection })
    }
}

impl Sender {
    fn is_closed(&self) -> bool {
        match self {
            Sender::Http1(sender) => sender.is_closed(),
            Sender::Http2(sender) => sender.is_closed(),
        }
    }

    fn is_ready(&self) -> bool {
        match self {
            Sender::Http1(sender) => sender.is_ready(),
            Sender::Http2(sender) => sender.is_ready(),
        }
    }
}

async fn connected(
    gate: &Gate,
    permit: &Permit,
    addresses: &[IpAddr],
) -> Result<(TcpStream, IpAddr), Failure> {
    let stream = gate.upstream.dial(permit, addresses).await.map_err(|fault| match fault {
        DialError::TimedOut => Failure::TooSlow,
        DialError::Own | DialError::Refused(_) => Failure::Unreachable,
    })?;
    let peer = stream.peer_addr().map_err(|_| Failure::Unreachable)?.ip().to_canonical();
    Ok((stream, peer))
}

/// TLS to an origin. One that speaks nothing of what the client offered is asked once more for
/// what this gateway can speak in the client's stead.
async fn secured(
    gate: &Gate,
    permit: &Permit,
    addresses: &[IpAddr],
    offer: Offer,
) -> Result<(Line, IpAddr, Version), Failure> {
    match shaken(gate, permit, addresses, offer).await {
        Err(Failure::Origin(OriginFault::NoCommonProtocol)) if offer == Offer::Http1 => {
            shaken(gate, permit, addresses, Offer::Http2).await
        }
        shaken => shaken,
    }
}

async fn shaken(
    gate: &Gate,
    permit: &Permit,
    addresses: &[IpAddr],
    offer: Offer,
) -> Result<(Line, IpAddr, Version), Failure> {
    let (stream, peer) = connected(gate, permit, addresses).await?;
    let name = inspect::server_name(permit.host()).ok_or(Failure::Unreachable)?;
    let connector = TlsConnector::from(gate.inspection.origins.config(offer));
    let handshake = tokio::time::timeout(gate.upstream.patience(), connector.connect(name, stream)).await;
    let stream = handshake.map_err(|_| Failure::TooSlow)?.map_err(|fault| origin_fault(&fault))?;
    let version = match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Version::HTTP_2,
        Some(_) | None => Version::HTTP_11,
    };
    Ok((Line::Origin(Box::new(stream), Objection::default()), peer, version))
}

/// What an origin did wrong in TLS, where it was that.
fn origin_fault(fault: &std::io::Error) -> Failure {
    OriginFault::of_stream(fault).map_or(Failure::Unreachable, Failure::Origin)
}
