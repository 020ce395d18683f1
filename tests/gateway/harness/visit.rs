//! A client that speaks HTTP/1.1 or HTTP/2 inside TLS, as was agreed there.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::header::HeaderMap;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::browser::{Answer, Browser, within};

/// What browsers offer.
pub(crate) const BOTH: [&str; 2] = ["h2", "http/1.1"];

/// A connection to a site.
pub(crate) struct Visit {
    /// The site, as requests name it.
    pub(crate) site: String,
    /// The protocol that TLS agreed on.
    pub(crate) protocol: Option<String>,
    /// The certificate that the site showed.
    pub(crate) leaf: CertificateDer<'static>,
    sender: Sender,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) fields: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Browser {
    /// CONNECT, TLS with this offer of protocols, HTTP inside.
    pub(crate) async fn visit(&self, site: &str, offer: &[&str]) -> Visit {
        self.try_visit(site, offer).await.unwrap_or_else(|answer| panic!("{site} {offer:?}: {answer:?}"))
    }

    /// As `visit`; what came instead. A TLS failure is status 0 with the fault as its body.
    pub(crate) async fn try_visit(&self, site: &str, offer: &[&str]) -> Result<Visit, Answer> {
        let tunnel = self.connect(&format!("{site}:443")).await?;
        Ok(Visit::begin(self.secure(tunnel, site, offer).await?, site).await)
    }

    /// As `visit`, at a door that clients are redirected to.
    pub(crate) async fn visit_direct(&self, site: &str, offer: &[&str]) -> Visit {
        let line = self.connection().await;
        let secure = self.secure(line, site, offer).await;
        Visit::begin(secure.unwrap_or_else(|answer| panic!("{site} {offer:?}: {answer:?}")), site).await
    }

    /// TLS for a site with this offer of protocols.
    pub(crate) async fn secure(
        &self,
        line: TcpStream,
        site: &str,
        offer: &[&str],
    ) -> Result<TlsStream<TcpStream>, Answer> {
        let connector = TlsConnector::from(Arc::new(self.trusting(offer)));
        let name = ServerName::try_from(site.to_owned()).unwrap();
        let shaken = within(connector.connect(name, line)).await;
        shaken.map_err(|fault| Answer { status: 0, head: String::new(), body: fault.to_string() })
    }
}

impl Visit {
    async fn begin(stream: TlsStream<TcpStream>, site: &str) -> Visit {
        let tls = stream.get_ref().1;
        let leaf = tls.peer_certificates().unwrap()[0].clone().into_owned();
        let protocol = tls.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
        let io = TokioIo::new(stream);
        let sender = if protocol.as_deref() == Some("h2") {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder.initial_stream_window_size(1 << 20).initial_connection_window_size(1 << 20);
            let (sender, connection) = within(builder.handshake(io)).await.unwrap();
            tokio::spawn(connection);
            Sender::Http2(sender)
        } else {
            let (sender, connection) = within(http1::handshake(io)).await.unwrap();
            tokio::spawn(connection);
            Sender::Http1(sender)
        };
        Visit { site: site.to_owned(), protocol, leaf, sender }
    }

    /// A second user of the same connection, over HTTP/2.
    pub(crate) fn beside(&self) -> Visit {
        let Sender::Http2(sender) = &self.sender else { panic!("only HTTP/2 carries two at a time") };
        Visit {
            site: self.site.clone(),
            protocol: self.protocol.clone(),
            leaf: self.leaf.clone(),
            sender: Sender::Http2(sender.clone()),
        }
    }

    /// GET and the whole answer.
    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.ask("GET", path, &[], Bytes::new()).await.unwrap_or_else(|fault| panic!("{path}: {fault}"))
    }

    /// A request and the whole answer to it, or how it failed.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Page, String> {
        let mut response = self.open(method, path, fields, body).await?;
        let (status, fields) = (response.status().as_u16(), std::mem::take(response.headers_mut()));
        let body = within(response.into_body().collect()).await.map_err(|fault| format!("{fault:?}"))?;
        let trailers = body.trailers().cloned();
        Ok(Page { status, fields, body: body.to_bytes(), trailers })
    }

    /// A request and the head of its answer.
    pub(crate) async fn open(
        &mut self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Response<Incoming>, String> {
        let mut request = Request::builder().method(method);
        request = match &self.sender {
            Sender::Http1(_) => request.uri(path).header("host", &self.site),
            Sender::Http2(_) => request.uri(format!("https://{}{path}", self.site)),
        };
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        let sent = async {
            match &mut self.sender {
                Sender::Http1(sender) => {
                    sender.ready().await?;
                    sender.send_request(request).await
                }
                Sender::Http2(sender) => {
                    sender.ready().await?;
                    sender.send_request(request).await
                }
            }
        };
        within(sent).await.map_err(|fault| format!("{fault:?}"))
    }
}

impl Page {
    /// A field's values, joined.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let values: Vec<&str> =
            self.fields.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
