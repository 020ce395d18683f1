//! Asks the running gateway on this machine.

use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

/// How long an answer may take: a reload reads every list.
const PATIENCE: Duration = Duration::from_secs(300);
/// The longest answer, in bytes.
const MAX_ANSWER: usize = 64 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No gateway runs on this state folder.
    #[error("the gateway is not running")]
    NotRunning,
    /// The socket is not the caller's to use.
    #[error("only root and the gateway's own user may use its socket")]
    NotAllowed,
    /// The connection failed.
    #[error("the gateway's socket: {0}")]
    Socket(#[source] io::Error),
    /// What came back is no answer, or none came.
    #[error("the gateway broke off: {0}")]
    BrokenOff(String),
    /// What was asked can't be sent.
    #[error("the request can't be sent: {0}")]
    Request(#[from] hyper::http::Error),
    /// No answer in time.
    #[error("the gateway did not answer within five minutes")]
    TooSlow,
}

/// Asks the gateway that serves `socket`, and answers status and body; an empty body is null.
///
/// # Errors
/// [`CallError::NotRunning`] when there is no listener, so that the caller may do without.
pub async fn call(
    socket: &Path,
    method: &str,
    path: &str,
    bearer: Option<&str>,
    body: Option<Value>,
) -> Result<(u16, Value), CallError> {
    let stream = UnixStream::connect(socket).await.map_err(unconnected)?;
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, "localhost");
    if let Some(token) = bearer {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    if body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
    let request = request.body(Full::new(body))?;
    tokio::time::timeout(PATIENCE, exchange(stream, request)).await.map_err(|_| CallError::TooSlow)?
}

async fn exchange(stream: UnixStream, request: Request<Full<Bytes>>) -> Result<(u16, Value), CallError> {
    let broken = |fault: hyper::Error| CallError::BrokenOff(fault.to_string());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let asked = async {
        let answer = sender.send_request(request).await.map_err(turned_away)?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
        let body = body.map_err(|fault| CallError::BrokenOff(fault.to_string()))?.to_bytes();
        if body.is_empty() {
            return Ok((status, Value::Null));
        }
        let body = serde_json::from_slice(&body).map_err(|fault| CallError::BrokenOff(fault.to_string()))?;
        Ok((status, body))
    };
    tokio::pin!(asked);
    tokio::select! {
        answer = &mut asked => answer,
        // The connection ends once all is read; what was read is still to be handed over.
        _ = connection => asked.await,
    }
}

fn unconnected(fault: io::Error) -> CallError {
    let kind = fault.kind();
    if matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) {
        return CallError::NotRunning;
    }
    if kind == io::ErrorKind::PermissionDenied {
        return CallError::NotAllowed;
    }
    CallError::Socket(fault)
}

/// The gateway closes at once on whoever it does not hear.
fn turned_away(fault: hyper::Error) -> CallError {
    if fault.is_incomplete_message() || fault.is_canceled() || fault.is_closed() {
        return CallError::NotAllowed;
    }
    CallError::BrokenOff(fault.to_string())
}
