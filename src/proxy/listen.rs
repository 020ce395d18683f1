//! The doors: sockets, and who comes through them.
//!
//! **Invariant:** a listener outlives every fault of one connection: what can't be accepted or
//! served is counted, and the loop goes on.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::proxy::connection;
use crate::proxy::gate::Gate;
use crate::telemetry::{Metrics, TurnedAway};

/// How long the loop rests after the system refused it a descriptor.
const BREATH: Duration = Duration::from_millis(50);
/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;

/// Which way a client came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Door {
    /// The client knows of the proxy: absolute-form and CONNECT.
    Explicit,
    /// Redirected HTTP: the client believes it speaks with the origin.
    TransparentHttp,
    /// Redirected TLS.
    TransparentTls,
}

/// A client that came through a door.
pub struct Client {
    /// The connection.
    pub(super) stream: TcpStream,
    /// Its address.
    pub(super) address: IpAddr,
    /// The door.
    pub(super) door: Door,
    /// Where the client believes it is connected to, where it was redirected.
    pub(super) original: Option<SocketAddr>,
}

impl Door {
    /// As metrics and messages name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Door::Explicit => "explicit",
            Door::TransparentHttp => "transparent_http",
            Door::TransparentTls => "transparent_tls",
        }
    }
}

/// Opens a door. A transparent one is made fit for TPROXY where the process may.
///
/// # Errors
/// What the system says, with the address in the message.
pub fn bind(door: Door, address: SocketAddr) -> io::Result<TcpListener> {
    let named =
        |fault: io::Error| io::Error::new(fault.kind(), format!("can't listen on {address}: {fault}"));
    let socket =
        Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP)).map_err(named)?;
    socket.set_reuse_address(true).map_err(named)?;
    socket.set_nonblocking(true).map_err(named)?;
    if address.is_ipv6() {
        socket.set_only_v6(false).map_err(named)?;
    }
    if door != Door::Explicit {
        allow_tproxy(&socket, address);
    }
    socket.bind(&address.into()).map_err(named)?;
    socket.listen(BACKLOG).map_err(named)?;
    TcpListener::from_std(socket.into()).map_err(named)
}

/// Needs `CAP_NET_ADMIN`; without it REDIRECT works and TPROXY does not, which is said once.
fn allow_tproxy(socket: &Socket, address: SocketAddr) {
    let v4 = socket.set_ip_transparent_v4(true);
    let allowed = if address.is_ipv6() { socket.set_ip_transparent_v6(true).and(v4) } else { v4 };
    if allowed.is_err() {
        tracing::warn!(%address, "no leave for TPROXY (CAP_NET_ADMIN): only REDIRECT will work here");
    }
}

/// Accepts until told to stop; each connection is a task of its own in `tasks`.
pub async fn accept(
    listener: TcpListener,
    door: Door,
    gate: Arc<Gate>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let Some(place) = gate.crowd.admit(peer.ip().to_canonical()) else {
                    gate.metrics.turned_away(TurnedAway::TooMany);
                    continue;
                };
                tasks.spawn(guarded(stream, peer, door, Arc::clone(&gate), place));
            }
            Err(fault) => {
                gate.metrics.turned_away(TurnedAway::NotAccepted);
                tracing::warn!(door = door.as_str(), %fault, "could not accept a connection");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

/// Serves one connection in its place.
async fn guarded(stream: TcpStream, peer: SocketAddr, door: Door, gate: Arc<Gate>, place: Place) {
    let _open = gate.metrics.connection_opened(door.as_str());
    let served = async {
        let client = arrive(stream, peer, door)?;
        connection::serve(client, &gate).await
    };
    confined(door, &gate.metrics, served).await;
    drop(place);
}

/// Waits for a connection's end. A panic ends that connection alone, and is counted.
async fn confined(door: Door, metrics: &Metrics, served: impl Future<Output = io::Result<()>>) {
    match AssertUnwindSafe(served).catch_unwind().await {
        Ok(Ok(())) => {}
        Ok(Err(fault)) => tracing::debug!(door = door.as_str(), %fault, "a connection ended early"),
        Err(_) => {
            metrics.panicked();
            tracing::error!(door = door.as_str(), "a connection was ended by a fault of this program");
        }
    }
}

fn arrive(stream: TcpStream, peer: SocketAddr, door: Door) -> io::Result<Client> {
    stream.set_nodelay(true)?;
    let original = match door {
        Door::Explicit => None,
        Door::TransparentHttp | Door::TransparentTls => Some(original_destination(&stream, peer)?),
    };
    Ok(Client { stream, address: peer.ip().to_canonical(), door, original })
}

/// REDIRECT leaves the destination in conntrack; TPROXY leaves it as the local address.
fn original_destination(stream: &TcpStream, peer: SocketAddr) -> io::Result<SocketAddr> {
    let local = stream.local_addr()?;
    let socket = SockRef::from(stream);
    let redirected =
        if peer.ip().to_canonical().is_ipv4() { socket.original_dst_v4() } else { socket.original_dst_v6() };
    let original = redirected.ok().and_then(|address| address.as_socket()).unwrap_or(local);
    Ok(SocketAddr::new(original.ip().to_canonical(), original.port()))
}

/// How many are inside, in all and per client.
pub struct Crowd {
    all: Arc<Semaphore>,
    per_client: usize,
    inside: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A place inside; given back when dropped.
pub(super) struct Place {
    address: IpAddr,
    inside: Arc<Mutex<HashMap<IpAddr, usize>>>,
    _permit: OwnedSemaphorePermit,
}

impl Crowd {
    /// Nobody yet, and room for so many.
    #[must_use]
    pub fn new(all: usize, per_client: usize) -> Crowd {
        Crowd { all: Arc::new(Semaphore::new(all)), per_client, inside: Arc::default() }
    }

    fn admit(&self, address: IpAddr) -> Option<Place> {
        let permit = Arc::clone(&self.all).try_acquire_owned().ok()?;
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let count = inside.entry(address).or_insert(0);
        if *count >= self.per_client {
            return None;
        }
        *count += 1;
        Some(Place { address, inside: Arc::clone(&self.inside), _permit: permit })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = inside.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                inside.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Invariant 22: a panic is confined to its connection and counted.
    #[tokio::test]
    async fn a_panic_ends_one_connection_and_is_counted() {
        let metrics = Metrics::new().unwrap();
        confined(Door::Explicit, &metrics, async { panic!("on purpose") }).await;
        confined(Door::Explicit, &metrics, async { Ok(()) }).await;
        let page = metrics.render().unwrap();
        assert!(page.contains("schoolgate_panics_total 1"), "{page}");
    }

    #[test]
    fn a_place_is_given_back_when_its_connection_ends() {
        let crowd = Crowd::new(3, 2);
        let (first, second) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let held = [crowd.admit(first), crowd.admit(first)];
        assert!(held.iter().all(Option::is_some) && crowd.admit(first).is_none(), "two a client");
        let other = crowd.admit(second);
        assert!(other.is_some() && crowd.admit(second).is_none(), "three in all");
        drop(held);
        assert!(crowd.admit(first).is_some(), "given back");
    }
}
