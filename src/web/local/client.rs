//! Asks the running gateway on this machine.

use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::body::Incoming;
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
    let (stream, request) = asked(socket, (method, path), bearer, body).await?;
    tokio::time::timeout(PATIENCE, exchange(stream, request)).await.map_err(|_| CallError::TooSlow)?
}

/// Asks for something long, and hands it to `take` piece by piece until that has enough; the body of
/// an answer that says no is answered as [`call`] does.
///
/// # Errors
/// As [`call`]; and when a piece can't be taken.
pub async fn pour(
    socket: &Path,
    to: (&str, &str),
    bearer: Option<&str>,
    body: Option<Value>,
    mut take: impl FnMut(&[u8]) -> io::Result<ControlFlow<()>>,
) -> Result<(u16, Value), CallError> {
    let broken = |fault: hyper::Error| CallError::BrokenOff(fault.to_string());
    let (stream, request) = asked(socket, to, bearer, body).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(turned_away)?;
    let status = answer.status().as_u16();
    if status >= 400 {
        return Ok((status, read(answer.into_body()).await?));
    }
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame.map_err(broken)?.into_data() else { continue };
        let taken = take(&piece).map_err(|fault| CallError::BrokenOff(fault.to_string()))?;
        if taken.is_break() {
            break;
        }
    }
    connection.abort();
    Ok((status, Value::Null))
}

/// A connection, and what is asked over it.
async fn asked(
    socket: &Path,
    (method, path): (&str, &str),
    bearer: Option<&str>,
    body: Option<Value>,
) -> Result<(UnixStream, Request<Full<Bytes>>), CallError> {
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
    Ok((stream, request))
}

async fn exchange(stream: UnixStream, request: Request<Full<Bytes>>) -> Result<(u16, Value), CallError> {
    let broken = |fault: hyper::Error| CallError::BrokenOff(fault.to_string());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let asked = async {
        let answer = sender.send_request(request).await.map_err(turned_away)?;
        let status = answer.status().as_u16();
        Ok((status, read(answer.into_body()).await?))
    };
    tokio::pin!(asked);
    tokio::select! {
        answer = &mut asked => answer,
        // The connection ends once all is read; what was read is still to be handed over.
        _ = connection => asked.await,
    }
}

/// A body as JSON; an empty one is null.
async fn read(body: Incoming) -> Result<Value, CallError> {
    let body = Limited::new(body, MAX_ANSWER).collect().await;
    let body = body.map_err(|fault| CallError::BrokenOff(fault.to_string()))?.to_bytes();
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&body).map_err(|fault| CallError::BrokenOff(fault.to_string()))
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
