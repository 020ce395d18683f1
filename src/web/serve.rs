//! The listeners of admin and metrics: HTTP/1.1, in TLS where there is a certificate for it.
//!
//! **Invariant:** every wait for a client ends, and one client's connections never fill the
//! listener; a panic ends one connection alone.

use std::io;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::web::auth::Peer;
use crate::web::certificate::Tls;
use crate::web::crowd::{Bounds, Crowd, Place};

/// Connections at one time, over all listeners of one [`serve`].
const PLACES: Bounds = Bounds { each: 64, all: 512 };
/// How long a client may take over a TLS handshake, and over a request's head; a connection may
/// lie idle for as long.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one connection may last.
const LIFE: Duration = Duration::from_secs(10 * 60);
/// The longest head of a request, in bytes; hyper may read as much again before it looks.
const MAX_HEAD: usize = 16 * 1024;
/// How long the loop rests after the system refused it a descriptor.
const BREATH: Duration = Duration::from_millis(50);
/// How long requests under way are given at a stop.
const GRACE: Duration = Duration::from_secs(5);

/// Serves `router` on every listener until `stop`, and then lets requests under way finish.
/// A listener on loopback goes without TLS unless `tls` is for everywhere.
pub async fn serve(listeners: Vec<TcpListener>, router: Router, tls: Option<Tls>, stop: CancellationToken) {
    let (crowd, tasks) = (Crowd::new(PLACES), TaskTracker::new());
    for listener in listeners {
        let door = Door { router: router.clone(), tls: of(&listener, tls.as_ref()), stop: stop.clone() };
        tasks.spawn(accept(listener, Arc::new(door), Arc::clone(&crowd), tasks.clone()));
    }
    stop.cancelled().await;
    tasks.close();
    if tokio::time::timeout(GRACE, tasks.wait()).await.is_err() {
        tracing::warn!("requests under way were cut off at the stop");
    }
}

/// What stands behind one listener.
struct Door {
    router: Router,
    tls: Option<Tls>,
    stop: CancellationToken,
}

fn of(listener: &TcpListener, tls: Option<&Tls>) -> Option<Tls> {
    let local = listener.local_addr().is_ok_and(|address| address.ip().to_canonical().is_loopback());
    tls.filter(|tls| !local || tls.is_everywhere()).cloned()
}

async fn accept(listener: TcpListener, door: Arc<Door>, crowd: Arc<Crowd<IpAddr>>, tasks: TaskTracker) {
    loop {
        let accepted = tokio::select! {
            () = door.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let client = peer.ip().to_canonical();
                if let Some(place) = crowd.admit(client) {
                    tasks.spawn(guarded(stream, client, Arc::clone(&door), place));
                }
            }
            Err(fault) => {
                tracing::warn!(%fault, "could not accept a connection of staff");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

async fn guarded(stream: TcpStream, client: IpAddr, door: Arc<Door>, place: Place<IpAddr>) {
    let served = AssertUnwindSafe(secured(stream, client, &door)).catch_unwind().await;
    match served {
        Ok(Ok(())) => {}
        Ok(Err(fault)) => tracing::debug!(%fault, "a connection of staff ended early"),
        Err(_) => tracing::error!("a connection of staff was ended by a fault of this program"),
    }
    drop(place);
}

async fn secured(stream: TcpStream, client: IpAddr, door: &Door) -> io::Result<()> {
    let (router, peer) = (door.router.clone(), Peer(Some(client)));
    match &door.tls {
        None => converse(stream, router, peer, &door.stop).await,
        Some(tls) => {
            let shaken = tokio::time::timeout(PATIENCE, tls.acceptor().accept(stream)).await;
            let stream = shaken.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
            converse(stream, router, peer, &door.stop).await
        }
    }
}

/// Serves the requests of one connection, one after the other.
pub(super) async fn converse<S>(
    stream: S,
    router: Router,
    peer: Peer,
    stop: &CancellationToken,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = tokio::time::sleep(LIFE) => return Err(io::ErrorKind::TimedOut.into()),
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    ended.map_err(io::Error::other)
}
