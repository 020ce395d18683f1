//! A connection on which a client says several things and hears each answer by itself.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::browser::{Answer, parse, within};

/// A connection with what has come and was not yet heard.
pub(crate) struct Talk<S = TcpStream> {
    pub(crate) stream: S,
    heard: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    pub(crate) fn new(stream: S) -> Talk<S> {
        Talk { stream, heard: Vec::new() }
    }

    /// Sends bytes as they are. That the other side is gone shows in what it answers.
    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = within(self.stream.write_all(bytes.as_ref())).await;
        let _ = within(self.stream.flush()).await;
    }

    /// The next whole answer to GET; `None` when the connection ends first.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        self.answer_to("GET").await
    }

    /// The next whole answer to a method.
    pub(crate) async fn answer_to(&mut self, method: &str) -> Option<Answer> {
        loop {
            if let Some(end) = whole(&self.heard, method) {
                let bytes: Vec<u8> = self.heard.drain(..end).collect();
                return Some(parse(&bytes));
            }
            let before = self.heard.len();
            let read = within(self.stream.read_buf(&mut self.heard)).await;
            if read.unwrap_or(0) == 0 {
                assert_eq!(before, 0, "the connection ended in {:?}", String::from_utf8_lossy(&self.heard));
                return None;
            }
        }
    }

    /// GET on this connection, and its answer.
    pub(crate) async fn get(&mut self, url: &str) -> Option<Answer> {
        let host = url.split('/').nth(2).unwrap();
        self.say(format!("GET {url} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        self.answer().await
    }

    /// Whatever comes first.
    pub(crate) async fn first(&mut self) -> Vec<u8> {
        let _ = within(self.stream.read_buf(&mut self.heard)).await;
        std::mem::take(&mut self.heard)
    }

    /// As many bytes as are waited for.
    pub(crate) async fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.heard.len() < count {
            assert!(within(self.stream.read_buf(&mut self.heard)).await.unwrap_or(0) > 0, "ended early");
        }
        self.heard.drain(..count).collect()
    }

    /// Everything until the end, and how it ended.
    pub(crate) async fn rest(mut self) -> (Vec<u8>, std::io::Result<()>) {
        let ended = within(self.stream.read_to_end(&mut self.heard)).await;
        (self.heard, ended.map(|_| ()))
    }
}

/// Where the first answer ends, if it is there in whole.
fn whole(bytes: &[u8], method: &str) -> Option<usize> {
    let head = bytes.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let status = text.split(' ').nth(1).unwrap_or_default();
    if method == "HEAD"
        || method == "CONNECT" && status == "200"
        || ["100", "101", "204", "304"].contains(&status)
    {
        return Some(head);
    }
    if text.contains("\r\ntransfer-encoding: chunked") {
        return dechunk(&bytes[head..]).map(|(_, end)| head + end);
    }
    let length =
        text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok())?;
    (bytes.len() >= head + length).then_some(head + length)
}

/// A chunked body without trailers: the body and where it ends, once it is whole.
pub(super) fn dechunk(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let line = bytes[at..].windows(2).position(|bytes| bytes == b"\r\n")?;
        let size = std::str::from_utf8(&bytes[at..at + line]).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?, 16).ok()?;
        let data = at + line + 2;
        body.extend_from_slice(bytes.get(data..data + size)?);
        at = data + size + 2;
        bytes.get(at - 2..at)?;
        if size == 0 {
            return Some((body, at));
        }
    }
}
