//! A connection that shows no more than a name: decided, recorded, then passed on or refused.

use std::io;
use std::sync::Arc;

use crate::audit::{ClosedBy, Seen as Sight};
use crate::proxy::gate::{Admission, Gate, Open, Passage, Question};
use crate::proxy::parting;
use crate::proxy::refuse;
use crate::proxy::sniff::Prefixed;
use crate::proxy::splice::{self, EndedBy, Traffic, Tunnel};
use crate::telemetry::Direction;
use crate::wire::alert;

/// TLS alert `internal_error`: not the client's doing, not policy's.
const INTERNAL_ERROR: u8 = 80;

/// Carries a TLS connection as far as policy lets it.
pub(super) async fn carry(
    connection: Prefixed,
    question: Question,
    sight: Sight,
    gate: &Arc<Gate>,
) -> io::Result<()> {
    carry_or(connection, question, sight, Some(alert::ACCESS_DENIED), gate).await
}

/// As [`carry`], refusing with another alert, or with none where the client does not speak TLS.
pub(super) async fn carry_or(
    connection: Prefixed,
    question: Question,
    sight: Sight,
    alert: Option<u8>,
    gate: &Arc<Gate>,
) -> io::Result<()> {
    let broken = alert.map(|_| INTERNAL_ERROR);
    match gate.admit(&question, sight).await {
        Ok(Admission::Passed(passage)) => pass(connection, &question, passage, broken, gate).await,
        Ok(Admission::Blocked(_)) => refuse(connection, alert).await,
        Ok(Admission::Nowhere) => refuse(connection, broken).await,
        Err(fault) => {
            gate.metrics.connection_refused("not_recorded");
            tracing::error!(%fault, "refused a connection that could not be recorded");
            refuse(connection, broken).await
        }
    }
}

async fn pass(
    connection: Prefixed,
    question: &Question,
    passage: Passage,
    broken: Option<u8>,
    gate: &Arc<Gate>,
) -> io::Result<()> {
    let origin = match gate.upstream.dial(&passage.permit, &passage.addresses).await {
        Ok(origin) => origin,
        Err(_) => {
            passage.open.end(0, 0, ClosedBy::Error);
            return refuse(connection, broken).await;
        }
    };
    let ends =
        Tunnel { client: connection.stream, from_client: connection.read, origin, from_origin: Vec::new() };
    hold(ends, question, passage.open, gate).await;
    Ok(())
}

/// Passes bytes for as long as policy allows, and closes the record at the end.
pub(super) async fn hold(ends: Tunnel, question: &Question, open: Open, gate: &Gate) {
    let traffic = Traffic::default();
    let peer = ends.origin.peer_addr().ok().map(|peer| peer.ip().to_canonical());
    let mut open = open;
    open.note(0, 0, ClosedBy::Gateway);
    let closed_by = tokio::select! {
        ended = splice::run(ends, &traffic, gate.bounds.idle) => match ended {
            EndedBy::Client => ClosedBy::Client,
            EndedBy::Origin => ClosedBy::Origin,
            EndedBy::Idle => ClosedBy::Gateway,
            EndedBy::Error => ClosedBy::Error,
        },
        () = gate.until_refused(question, peer) => ClosedBy::Policy,
        () = gate.cut.cancelled() => ClosedBy::Gateway,
    };
    gate.metrics.bytes(Direction::Up, traffic.up());
    gate.metrics.bytes(Direction::Down, traffic.down());
    open.end(traffic.up(), traffic.down(), closed_by);
}

async fn refuse(connection: Prefixed, alert: Option<u8>) -> io::Result<()> {
    match alert {
        Some(description) => {
            refuse::tls(connection.stream, description).await;
            Ok(())
        }
        // No alert to give: a plain end.
        None => parting::part(connection.stream).await,
    }
}
