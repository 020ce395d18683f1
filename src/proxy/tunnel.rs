//! A connection that shows no more than a name: decided, recorded, then passed on or refused.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::audit::{ClosedBy, Seen as Sight};
use crate::policy::Seal;
use crate::proxy::gate::{Admission, Gate, Open, Passage, Unrecorded};
use crate::proxy::inspect::{self, Sealed};
use crate::proxy::line::Line;
use crate::proxy::parting;
use crate::proxy::question::{Circumstances, Question};
use crate::proxy::refuse;
use crate::proxy::relay;
use crate::proxy::sniff::Prefixed;
use crate::proxy::splice::{self, EndedBy, Traffic, Tunnel};
use crate::telemetry::{Direction, TurnedAway};
use crate::wire::alert::{ACCESS_DENIED, INTERNAL_ERROR};

/// Carries a TLS connection as far as policy lets it: untouched, or decrypted and judged request
/// by request; a refusal is explained inside TLS where that may be opened.
pub(super) async fn carry(sealed: Sealed<'_>, gate: &Arc<Gate>) -> io::Result<()> {
    let judged = gate.judge(&sealed.question, Circumstances::default()).await;
    if judged.is_refused() && judged.seal == Seal::Opened {
        return inspect::explain(sealed, judged, gate).await;
    }
    match gate.enter(&sealed.question, judged, sealed.sight.clone()).await {
        Ok(Admission::Passed(passage)) if passage.seal == Seal::Opened => {
            inspect::open(sealed, passage, gate).await
        }
        admission => act(sealed.connection, &sealed.question, admission, Some(ACCESS_DENIED), gate).await,
    }
}

/// Carries what is not TLS, or what hides its name, as far as policy lets it; refused with `alert`,
/// or with none where the client does not speak TLS.
pub(super) async fn carry_or(
    connection: Prefixed,
    question: Question,
    sight: Sight,
    alert: Option<u8>,
    gate: &Arc<Gate>,
) -> io::Result<()> {
    let admission = gate.admit(&question, sight).await;
    act(connection, &question, admission, alert, gate).await
}

async fn act(
    connection: Prefixed,
    question: &Question,
    admission: Result<Admission, Unrecorded>,
    alert: Option<u8>,
    gate: &Arc<Gate>,
) -> io::Result<()> {
    let broken = alert.map(|_| INTERNAL_ERROR);
    match admission {
        Ok(Admission::Passed(passage)) => pass(connection, question, passage, broken, gate).await,
        Ok(Admission::Blocked(_)) => refuse(connection, alert).await,
        Ok(Admission::Nowhere) => refuse(connection, broken).await,
        Err(fault) => {
            gate.metrics.turned_away(TurnedAway::NotRecorded);
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
    hold(Ends::Bare(ends), question, passage.open, gate).await;
    Ok(())
}

/// The two ends of what is passed on.
pub(super) enum Ends {
    /// Sockets.
    Bare(Tunnel),
    /// At least one is inside TLS that this gateway ends.
    Decrypted {
        /// The client's connection.
        client: Prefixed<Line>,
        /// The origin's connection.
        origin: Prefixed<Line>,
    },
}

impl Ends {
    /// Of a client and an origin, with what was read from each and not yet passed on.
    pub(super) fn of(client: Prefixed<Line>, origin: Prefixed<Line>) -> Ends {
        match (client, origin) {
            (
                Prefixed { stream: Line::Plain(client), read: from_client },
                Prefixed { stream: Line::Plain(origin), read: from_origin },
            ) => Ends::Bare(Tunnel { client, from_client, origin, from_origin }),
            (client, origin) => Ends::Decrypted { client, origin },
        }
    }

    fn peer(&self) -> Option<IpAddr> {
        let origin = match self {
            Ends::Bare(tunnel) => &tunnel.origin,
            Ends::Decrypted { origin, .. } => origin.stream.socket(),
        };
        origin.peer_addr().ok().map(|peer| peer.ip().to_canonical())
    }

    async fn run(self, traffic: &Traffic, idle: Duration) -> EndedBy {
        match self {
            Ends::Bare(tunnel) => splice::run(tunnel, traffic, idle).await,
            Ends::Decrypted { client, origin } => relay::run(client, origin, traffic, idle).await,
        }
    }
}

/// Passes bytes for as long as policy allows, and closes the record at the end.
pub(super) async fn hold(ends: Ends, question: &Question, open: Open, gate: &Gate) {
    let traffic = Traffic::default();
    let peer = ends.peer();
    let mut open = open;
    open.note(0, 0, ClosedBy::Gateway);
    let closed_by = tokio::select! {
        ended = ends.run(&traffic, gate.bounds.idle) => match ended {
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
