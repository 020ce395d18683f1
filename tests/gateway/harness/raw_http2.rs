//! Origins that speak HTTP/2 as no library does: what they answer is in their name.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS, block, frame,
};

/// The opening of a client, before its frames.
const PREFACE: usize = 24;

/// Answers every request with what the first label of the site's name asks for.
pub(super) async fn serve(mut stream: TlsStream<TcpStream>, name: &str) {
    let kind = name.split('.').next().unwrap_or_default();
    let _ = stream.write_all(&frame(SETTINGS, 0, 0, b"")).await;
    let mut heard = Vec::new();
    let mut begun = false;
    loop {
        if stream.read_buf(&mut heard).await.unwrap_or(0) == 0 {
            return;
        }
        if !begun && heard.len() >= PREFACE {
            heard.drain(..PREFACE);
            begun = true;
        }
        while let Some((asked, end)) = first(&heard).filter(|_| begun) {
            heard.drain(..end);
            let Some(id) = asked else { continue };
            if stream.write_all(&answer(kind, id)).await.is_err() || stream.flush().await.is_err() {
                return;
            }
        }
    }
}

/// The first frame, if it is there in whole: the stream that it opens, and where it ends.
fn first(heard: &[u8]) -> Option<(Option<u32>, usize)> {
    let head = heard.first_chunk::<9>()?;
    let end = 9 + (usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]));
    let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    (heard.len() >= end).then_some(((head[3] == HEADERS).then_some(id), end))
}

fn answer(kind: &str, id: u32) -> Vec<u8> {
    let head = |fields: &[(&str, &str)]| frame(HEADERS, END_HEADERS, id, &block(fields));
    let ok = |more: &[(&str, &str)]| head(&[&[(":status", "200")], more].concat());
    let evil = frame(DATA, END_STREAM, id, b"evil");
    match kind {
        "good" => [ok(&[]), frame(DATA, END_STREAM, id, b"good")].concat(),
        "break-in-value" => [ok(&[("x-a", "b\r\nset-cookie: evil=1")]), evil].concat(),
        "nul-in-value" => [ok(&[("x-a", "b\0evil")]), evil].concat(),
        "break-in-name" => [ok(&[("x-a: b\r\nx-evil", "c")]), evil].concat(),
        "upper-case" => [ok(&[("X-Evil", "1")]), evil].concat(),
        "transfer-encoding" => [ok(&[("transfer-encoding", "chunked")]), evil].concat(),
        "no-status" => [head(&[("x-a", "b")]), evil].concat(),
        "two-statuses" => [ok(&[(":status", "404")]), evil].concat(),
        "odd-status" => [head(&[(":status", "2oo")]), evil].concat(),
        "too-short" => [ok(&[("content-length", "100")]), evil].concat(),
        "too-long" => [ok(&[("content-length", "1")]), evil].concat(),
        "two-lengths" => [ok(&[("content-length", "4"), ("content-length", "5")]), evil].concat(),
        "switching" => [head(&[(":status", "101")]), evil].concat(),
        "body-first" => [frame(DATA, 0, id, b"evil"), ok(&[])].concat(),
        "reset" => [ok(&[]), frame(DATA, 0, id, b"evil"), frame(RST_STREAM, 0, id, &[0, 0, 0, 2])].concat(),
        "reset-at-once" => frame(RST_STREAM, 0, id, &[0, 0, 0, 8]),
        "away" => [frame(DATA, 0, id, b""), frame(GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 2])].concat(),
        "pushed" => [frame(5, END_HEADERS, id, &[&[0, 0, 0, 2][..], &block(&[])].concat()), evil].concat(),
        "other-stream" => frame(HEADERS, END_HEADERS | END_STREAM, id + 100, &block(&[(":status", "200")])),
        "long-head" => {
            let more = block(&[("x-more", &"x".repeat(16_000))]);
            let begin = frame(HEADERS, 0, id, &block(&[(":status", "200")]));
            [begin, frame(CONTINUATION, 0, id, &more).repeat(200), frame(CONTINUATION, END_HEADERS, id, b"")]
                .concat()
        }
        "settings" => [frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 9]).repeat(20_000), evil].concat(),
        "pings" => [frame(PING, 0, 0, b"pingpong").repeat(20_000), evil].concat(),
        "nonsense" => b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil".to_vec(),
        kind => panic!("no such answer: {kind}"),
    }
}
