//! An HTTP/1 connection: every request on it is judged, whatever came before.
//!
//! **Invariant:** the URL judged is the URL sent; what is refused is refused before anything
//! leaves; nothing that a client sends behind a refused CONNECT or upgrade is ever passed on.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::io::AsyncWriteExt;

use crate::proxy::asked::Mode;
use crate::proxy::connection;
use crate::proxy::gate::Gate;
use crate::proxy::guard::{Guard, Waits};
use crate::proxy::line::Line;
use crate::proxy::parting;
use crate::proxy::refuse::{self, Failure, Wants};
use crate::proxy::session::{Next, Session};
use crate::proxy::sniff::Prefixed;
use crate::telemetry::TurnedAway;
use crate::wire::http_head::HeadFault;

/// Serves requests until the client is done, a request is at fault, or the protocol changes.
pub(super) async fn serve(
    connection: Prefixed,
    mode: Mode,
    address: IpAddr,
    gate: &Arc<Gate>,
) -> io::Result<()> {
    let connection = Prefixed { stream: Line::Plain(connection.stream), read: connection.read };
    converse(connection, Session::new(gate, mode, address)).await
}

/// As [`serve`], on any line, for a session that was made beforehand.
pub(super) async fn converse(connection: Prefixed<Line>, session: Session) -> io::Result<()> {
    let gate = Arc::clone(&session.gate);
    let waits = Waits { head: gate.bounds.head, idle: gate.bounds.idle, head_bytes: gate.bounds.head_bytes };
    let guard = Guard::new(connection, waits, session.under_way());
    let session = Arc::new(session);
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
        return answer_fault(guard.into_inner(), fault, &gate).await;
    }
    if let Err(fault) = served {
        if session.unframed.load(Ordering::Relaxed) {
            // The end of such an answer is the end of the connection: only a reset tells a
            // broken one from a whole one.
            let line = guard.into_inner().stream;
            let _ = SockRef::from(line.socket()).set_linger(Some(Duration::ZERO));
        }
        return Err(io::Error::other(fault));
    }
    match (session.take_next(), guard.into_inner()) {
        (Some(Next::Inside(question)), Prefixed { stream: Line::Plain(stream), read }) => {
            Box::pin(connection::inside(Prefixed { stream, read }, question, &gate)).await
        }
        (Some(Next::Switched(switched)), connection) => switched.run(connection, &gate).await,
        (Some(Next::Inside(_)) | None, connection) => parting::part(connection.stream).await,
    }
}

/// Answers a head that hyper was not shown, and closes.
async fn answer_fault(connection: Prefixed<Line>, fault: HeadFault, gate: &Gate) -> io::Result<()> {
    gate.metrics.turned_away(TurnedAway::BadRequest);
    let page = refuse::failed(Failure::BadRequest(fault.status, fault.reason), &gate.site, Wants::Page);
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
