//! One connection, from door to end: the product's story.
//!
//! **Invariant:** nothing is passed on that was not told apart first; what can't be told apart
//! is put to policy as such, and recorded.

use std::io;
use std::sync::Arc;

use crate::audit::{Seen as Sight, Visibility};
use crate::model::{Host, Scheme};
use crate::policy::{Destination, Shown};
use crate::proxy::asked::Mode;
use crate::proxy::gate::Gate;
use crate::proxy::http;
use crate::proxy::inspect::Sealed;
use crate::proxy::listen::{Client, Door};
use crate::proxy::question::Question;
use crate::proxy::sniff::{self, Prefixed, Seen};
use crate::proxy::tunnel;
use crate::wire::client_hello::{ClientHello, ServerName};
use crate::wire::opening::Opening;

/// Serves a client that came through a door.
///
/// # Errors
/// What the client's socket says.
pub(super) async fn serve(client: Client, gate: &Arc<Gate>) -> io::Result<()> {
    let mut connection = Prefixed { stream: client.stream, read: Vec::new() };
    let seen = sniff::opening(&mut connection, gate.bounds.hello).await?;
    let (address, original) = (client.address, client.original);
    match (client.door, seen, original) {
        (_, Seen::Unfinished(_), _) if connection.read.is_empty() => Ok(()),
        (Door::Explicit, Seen::Opening(Opening::Http), _) => {
            http::serve(connection, Mode::Proxy, address, gate).await
        }
        (Door::TransparentHttp, Seen::Opening(Opening::Http), Some(original)) => {
            http::serve(connection, Mode::Origin { port: original.port() }, address, gate).await
        }
        (Door::TransparentTls, Seen::Opening(Opening::Tls(hello)), Some(original)) => {
            let at = Host::from(original.ip());
            let (question, sight) = of_hello(address, &hello, at, original.port());
            tunnel::carry(Sealed { connection, hello: &hello, question, sight }, gate).await
        }
        (Door::TransparentTls, Seen::Opening(Opening::Http), Some(original))
            if gate.lets_through(&plain(address, Some(Host::from(original.ip())), original.port())) =>
        {
            http::serve(connection, Mode::Origin { port: original.port() }, address, gate).await
        }
        (_, seen, original) => {
            let host = original.map(|original| Host::from(original.ip()));
            let port = original.map_or(0, |original| original.port());
            let destination = Destination { host, port, url: None };
            let question = Question::new(address, destination, Shown::OtherProtocol(name_of(&seen)));
            let alert = alert_for(&seen);
            tunnel::carry_or(connection, question, Sight::default(), alert, gate).await
        }
    }
}

/// Goes on with a connection after CONNECT was answered: what is inside is looked at too, and
/// must agree with what CONNECT said.
pub(super) async fn inside(mut connection: Prefixed, said: Question, gate: &Arc<Gate>) -> io::Result<()> {
    let seen = sniff::opening(&mut connection, gate.bounds.hello).await?;
    let (Some(host), port) = (said.destination.host.clone(), said.destination.port) else { return Ok(()) };
    match seen {
        Seen::Opening(Opening::Tls(hello)) => {
            let (inner, sight) = of_hello(said.address, &hello, host.clone(), port);
            let shown = match (&inner.shown, inner.destination.host) {
                (Shown::TlsName, Some(name)) if name != host => Shown::TlsOtherName(name),
                (shown, _) => shown.clone(),
            };
            let question = Question { shown, ..said };
            let sight = Sight { visibility: Visibility::Host, ..sight };
            tunnel::carry(Sealed { connection, hello: &hello, question, sight }, gate).await
        }
        Seen::Opening(Opening::Http)
            if port != Scheme::Https.default_port()
                || gate.lets_through(&plain(said.address, Some(host.clone()), port)) =>
        {
            http::serve(connection, Mode::Inside { host, port }, said.address, gate).await
        }
        seen @ (Seen::Opening(Opening::Http | Opening::Other(_))
        | Seen::Malformed(_)
        | Seen::Unfinished(_)) => {
            let alert = alert_for(&seen);
            let question = Question { shown: Shown::OtherProtocol(name_of(&seen)), ..said };
            let sight = Sight { visibility: Visibility::Host, ..Sight::default() };
            tunnel::carry_or(connection, question, sight, alert, gate).await
        }
    }
}

/// What a ClientHello asks for; `at` is where it goes when it names nothing.
fn of_hello(address: std::net::IpAddr, hello: &ClientHello, at: Host, port: u16) -> (Question, Sight) {
    let (host, shown, visibility) = match &hello.server_name {
        ServerName::Host(name @ Host::Name(_)) => (name.clone(), Shown::TlsName, Visibility::Host),
        ServerName::Host(Host::Address(_)) | ServerName::Absent => (at, Shown::TlsNoName, Visibility::None),
    };
    let sight = Sight {
        visibility,
        scheme: Some(Scheme::Https),
        server_name: host.name().filter(|_| shown == Shown::TlsName).map(ToString::to_string),
        alpn: hello.alpn.first().map(|protocol| String::from_utf8_lossy(protocol).into_owned()),
        ..Sight::default()
    };
    let destination = Destination { host: Some(host), port, url: None };
    (Question::new(address, destination, shown), sight)
}

/// HTTP where TLS belongs. Who may speak it there has every request judged all the same.
fn plain(address: std::net::IpAddr, host: Option<Host>, port: u16) -> Question {
    let shown = Shown::OtherProtocol(name_of(&Seen::Opening(Opening::Http)));
    Question::new(address, Destination { host, port, url: None }, shown)
}

fn name_of(seen: &Seen) -> &'static str {
    match seen {
        Seen::Opening(Opening::Tls(_)) => "TLS",
        Seen::Opening(Opening::Http) => "HTTP",
        Seen::Opening(Opening::Other(protocol)) => protocol.as_str(),
        Seen::Malformed(_) => "malformed TLS",
        Seen::Unfinished(sniff::Unfinished::Closed) => "an unfinished opening",
        Seen::Unfinished(sniff::Unfinished::TimedOut) => "silence",
    }
}

fn alert_for(seen: &Seen) -> Option<u8> {
    match seen {
        Seen::Opening(Opening::Tls(_)) => Some(crate::wire::alert::ACCESS_DENIED),
        Seen::Malformed(fault) => Some(fault.alert()),
        Seen::Opening(Opening::Http | Opening::Other(_)) | Seen::Unfinished(_) => None,
    }
}
