//! An HTTP/2 connection inside TLS that this gateway ends: every stream's request is judged.
//!
//! **Invariant:** what one connection may hold at a time is bounded (streams, fields, windows,
//! resets), and one on which nothing moves comes to an end.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

use crate::proxy::gate::Gate;
use crate::proxy::line::Line;
use crate::proxy::session::Session;

/// Requests of one connection at a time; what RFC 9113 section 6.5.2 recommends at least.
const STREAMS: u32 = 100;
/// What a client may send ahead on one stream, and on all of one connection, in bytes.
const WINDOWS: (u32, u32) = (256 * 1024, 1024 * 1024);
/// What is kept ready for a client that does not take it, per stream, in bytes.
const SEND_AHEAD: usize = 64 * 1024;
/// Streams that a client may have reset before they were looked at, and that may have been reset
/// for its faults, before the connection ends (CVE-2023-44487).
const RESETS: (usize, usize) = (20, 64);
/// How long a client that was told of the end may take to see it.
const GRACE: Duration = Duration::from_secs(5);

/// How long requests may take to notice that their connection is gone, and how often one looks.
const SETTLED: (Duration, Duration) = (Duration::from_secs(1), Duration::from_millis(10));

/// Serves requests until the client is done, or nothing moves for too long. Requests are tasks of
/// their own: they have closed their accesses in the record before this is over, so that none is
/// left open when a stop closes the record.
pub(super) async fn converse(line: Line, session: Session) -> io::Result<()> {
    let under_way = session.under_way();
    let served = serve(line, session).await;
    let settled = async {
        while under_way.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(SETTLED.1).await;
        }
    };
    let _ = tokio::time::timeout(SETTLED.0, settled).await;
    served
}

async fn serve(line: Line, session: Session) -> io::Result<()> {
    let gate = Arc::clone(&session.gate);
    let moved = session.moved();
    let session = Arc::new(session);
    let service = service_fn(move |request| {
        let session = Arc::clone(&session);
        async move { Ok::<_, Infallible>(session.answer(request).await) }
    });
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(WINDOWS.0)
        .initial_connection_window_size(WINDOWS.1)
        .max_send_buf_size(SEND_AHEAD)
        .max_header_list_size(u32::try_from(gate.bounds.head_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(RESETS.0)
        .max_local_error_reset_streams(RESETS.1);
    let mut conn = std::pin::pin!(builder.serve_connection(TokioIo::new(line), service));
    tokio::select! {
        served = conn.as_mut() => return served.map_err(io::Error::other),
        () = gate.stop.cancelled() => {}
        () = stillness(&moved, &gate) => {}
    }
    conn.as_mut().graceful_shutdown();
    tokio::select! {
        served = conn.as_mut() => served.map_err(io::Error::other),
        () = gate.cut.cancelled() => Ok(()),
        () = lingering(&moved, &gate) => Ok(()),
    }
}

/// Waits until nothing has moved for the whole of the idle time.
async fn stillness(moved: &AtomicU64, gate: &Gate) {
    let mut before = moved.load(Ordering::Relaxed);
    loop {
        tokio::time::sleep(gate.bounds.idle).await;
        let now = moved.load(Ordering::Relaxed);
        if now == before {
            return;
        }
        before = now;
    }
}

/// Waits until a connection that was told of its end should have ended: answers under way are
/// given the time that they take.
async fn lingering(moved: &AtomicU64, gate: &Gate) {
    tokio::time::sleep(GRACE).await;
    if !gate.stop.is_cancelled() {
        return;
    }
    stillness(moved, gate).await;
}
