//! An origin of the tests over HTTP/2.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{HeaderMap, HeaderValue};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::origin::{Seen, held};
use super::told::told;

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Answers requests until the client is done.
pub(super) async fn serve(stream: TlsStream<TcpStream>, seen: Arc<Seen>) {
    let service = service_fn(move |request| {
        let seen = Arc::clone(&seen);
        async move { Ok::<_, Infallible>(answer(request, &seen).await) }
    });
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(1 << 20).initial_connection_window_size(1 << 20);
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, seen: &Seen) -> Response<Body> {
    let head = written(&request);
    seen.head(&head);
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let Ok(body) = request.into_body().collect().await else { return response(400, &[], Bytes::new()) };
    let body = body.to_bytes();
    match path.split('?').next().unwrap_or("/") {
        "/trailers" => {
            let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), HeaderValue::from_static("5"))]);
            let body = Full::new(Bytes::from_static(b"hello")).map_err(|never| match never {});
            Response::new(body.with_trailers(async { Some(Ok(trailers)) }).boxed_unsync())
        }
        "/truncated" => {
            let frames = futures_util::stream::unfold(false, async |told| {
                if told {
                    // A reset at once would overtake the beginning.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    return Some((Err(io::Error::other("broken")), true));
                }
                Some((Ok(Frame::data(Bytes::from_static(b"only this"))), true))
            });
            let mut response = Response::new(BodyExt::boxed_unsync(StreamBody::new(frames)));
            response.headers_mut().insert("content-length", HeaderValue::from_static("100"));
            response
        }
        "/stream" => {
            let drops = futures_util::stream::unfold((), async |()| {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some((Ok(Frame::data(Bytes::from_static(b"drop by drop "))), ()))
            });
            Response::new(BodyExt::boxed_unsync(StreamBody::new(drops)))
        }
        "/silent" => std::future::pending().await,
        "/held" => {
            held(seen).await;
            whole(&path, &head, &body)
        }
        _ => whole(&path, &head, &body),
    }
}

fn whole(path: &str, head: &str, body: &[u8]) -> Response<Body> {
    let mut told = told(path, head, body);
    if head.starts_with("HEAD ") {
        told.fields.push(("content-length", told.body.len().to_string()));
        told.body.clear();
    }
    response(told.status, &told.fields, told.body.into())
}

fn response(status: u16, fields: &[(&'static str, String)], body: Bytes) -> Response<Body> {
    let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::builder().status(status);
    for (name, value) in fields {
        response = response.header(*name, value);
    }
    response.body(body).unwrap()
}

/// A request's head as HTTP/1 would write it.
fn written(request: &Request<Incoming>) -> String {
    let (uri, scheme) = (request.uri(), request.uri().scheme_str().unwrap_or_default());
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    let mut head =
        format!("{} {path} HTTP/2\r\n:scheme: {scheme}\r\n:authority: {authority}\r\n", request.method());
    for (name, value) in request.headers() {
        head.push_str(&format!("{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes())));
    }
    head + "\r\n"
}
