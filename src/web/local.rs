//! The local socket: how the commands on this machine reach the running gateway.
//!
//! **Invariant:** only root and the user who owns the state folder are heard, whatever the
//! socket's mode says: the kernel says who is at the other end.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum::middleware::map_response;
use futures_util::FutureExt;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::web::auth::Peer;
use crate::web::serve::converse;
use crate::web::{Shared, api, guarded, problem};

mod client;
mod routes;
mod staff;

pub use client::{CallError, call, pour};

/// The socket's name in the state folder.
pub const SOCKET: &str = "schoolgate.sock";
/// Connections at one time.
const PLACES: usize = 64;
/// How long the loop rests after the system refused it a descriptor.
const BREATH: Duration = Duration::from_millis(50);
/// How long requests under way are given at a stop.
const GRACE: Duration = Duration::from_secs(5);

/// A bound local socket; the file goes when this is dropped.
#[derive(Debug)]
pub struct LocalSocket {
    listener: UnixListener,
    path: PathBuf,
    owner: u32,
}

impl LocalSocket {
    /// Binds `<state>/schoolgate.sock`, mode 0600, in the place of one that nobody serves.
    ///
    /// # Errors
    /// What the system says; `AddrInUse` when a gateway serves it.
    pub fn bind(state_dir: &Path) -> io::Result<LocalSocket> {
        let (path, owner) = (state_dir.join(SOCKET), fs::metadata(state_dir)?.uid());
        match std::os::unix::net::UnixStream::connect(&path) {
            Ok(_) => return Err(io::ErrorKind::AddrInUse.into()),
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => {}
            Err(_) => fs::remove_file(&path)?,
        }
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        Ok(LocalSocket { listener, path, owner })
    }

    /// Serves the API and the routes of this machine alone until `stop`.
    pub async fn serve(self, shared: &Shared, stop: CancellationToken) {
        let (router, tasks) = (router(shared), TaskTracker::new());
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) if tasks.len() < PLACES && is_heard(&stream, self.owner) => {
                    tasks.spawn(converse_guarded(stream, router.clone(), stop.clone()));
                }
                Ok(_) => {}
                Err(fault) => {
                    tracing::warn!(%fault, "could not accept a local connection");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
        tasks.close();
        if tokio::time::timeout(GRACE, tasks.wait()).await.is_err() {
            tracing::warn!("local requests under way were cut off at the stop");
        }
    }
}

impl Drop for LocalSocket {
    fn drop(&mut self) {
        // Not there any more, or not ours to remove: either way there is nothing left to do.
        let _ = fs::remove_file(&self.path);
    }
}

fn router(shared: &Shared) -> Router {
    Router::new()
        .nest("/api/v1", api::router(shared))
        .nest("/local", routes::router(shared))
        .fallback(problem::no_such_path)
        .layer(map_response(guarded))
}

fn is_heard(stream: &UnixStream, owner: u32) -> bool {
    match stream.peer_cred() {
        Ok(peer) if may_speak(peer.uid(), owner) => true,
        Ok(peer) => {
            tracing::warn!(
                uid = peer.uid(),
                "a local user who may not use the gateway's socket was turned away"
            );
            false
        }
        Err(_) => false,
    }
}

fn may_speak(uid: u32, owner: u32) -> bool {
    uid == 0 || uid == owner
}

async fn converse_guarded(stream: UnixStream, router: Router, stop: CancellationToken) {
    match AssertUnwindSafe(converse(stream, router, Peer(None), &stop)).catch_unwind().await {
        Ok(Ok(())) => {}
        Ok(Err(fault)) => tracing::debug!(%fault, "a local connection ended early"),
        Err(_) => tracing::error!("a local connection was ended by a fault of this program"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_the_owner_are_heard_and_nobody_else() {
        assert!(may_speak(0, 998) && may_speak(998, 998));
        assert!(!may_speak(1000, 998) && !may_speak(65534, 0));
    }
}
