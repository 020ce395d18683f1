//! HTTP/2 by hand: frames as bytes, for what no library would send (RFC 9113, RFC 7541).

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::browser::{Browser, within};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// SETTINGS_HEADER_TABLE_SIZE 0: every answer says its status in full.
const NO_TABLE: [u8; 6] = [0, 1, 0, 0, 0, 0];

/// After so long in which nothing of a flood is taken, it is held back.
const HELD_BACK: Duration = Duration::from_secs(4);

/// A connection of frames.
pub(crate) struct Frames {
    pub(crate) stream: TlsStream<TcpStream>,
    heard: Vec<u8>,
}

/// One frame.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// What became of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was answered with this status.
    Status(u16),
    /// It was reset, for this reason.
    Reset(u32),
    /// The connection was ended, for this reason.
    Away(u32),
    /// The connection broke off.
    Closed,
}

/// What became of a flood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Poured {
    /// All of it was taken.
    Taken,
    /// No more of it is taken until its answers are.
    HeldBack,
    /// The connection was ended.
    Over,
}

impl Frames {
    /// CONNECT, TLS, and the opening of HTTP/2.
    pub(crate) async fn open(browser: &Browser, site: &str) -> Frames {
        let tunnel = browser.connect(&format!("{site}:443")).await.unwrap();
        let stream = browser.secure(tunnel, site, &["h2"]).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]), "{site}");
        let mut frames = Frames { stream, heard: Vec::new() };
        assert!(frames.say([PREFACE, &frame(SETTINGS, 0, 0, &NO_TABLE)].concat()).await);
        frames
    }

    /// Sends bytes as they are; false once the other side is gone.
    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        let said = async {
            self.stream.write_all(bytes.as_ref()).await?;
            self.stream.flush().await
        };
        within(said).await.is_ok()
    }

    /// The next frame; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(head) = self.heard.first_chunk::<9>() {
                let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
                let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
                let kind = head[3];
                if self.heard.len() >= 9 + length {
                    let payload = self.heard.drain(..9 + length).skip(9).collect();
                    return Some(Frame { kind, stream, payload });
                }
            }
            if within(self.stream.read_buf(&mut self.heard)).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// What becomes of a stream; frames of others are passed over.
    pub(crate) async fn outcome(&mut self, stream: u32) -> Outcome {
        while let Some(frame) = self.next().await {
            match frame.kind {
                HEADERS | RST_STREAM if frame.stream == stream => return frame.outcome(),
                GOAWAY => return frame.outcome(),
                _ => {}
            }
        }
        Outcome::Closed
    }

    /// Sends a request without a body and waits for what becomes of it.
    pub(crate) async fn ask(&mut self, stream: u32, fields: &[(&str, &str)]) -> Outcome {
        self.say(request(stream, fields)).await;
        self.outcome(stream).await
    }

    /// Sends as much as is taken. The end of the flood is that all was taken, that nothing more
    /// is for a while, or that the connection is over.
    pub(crate) async fn pour(&mut self, bytes: impl AsRef<[u8]>) -> Poured {
        let said = async {
            self.stream.write_all(bytes.as_ref()).await?;
            self.stream.flush().await
        };
        match tokio::time::timeout(HELD_BACK, said).await {
            Ok(Ok(())) => Poured::Taken,
            Ok(Err(_)) => Poured::Over,
            Err(_) => Poured::HeldBack,
        }
    }

    /// Waits for the end of the connection, whatever is said before.
    pub(crate) async fn end(&mut self) {
        while self.next().await.is_some() {}
    }
}

impl Frame {
    /// What it says became of its stream; only of frames that say so.
    pub(crate) fn outcome(&self) -> Outcome {
        match self.kind {
            HEADERS => Outcome::Status(status(&self.payload)),
            RST_STREAM => Outcome::Reset(number(&self.payload)),
            GOAWAY => Outcome::Away(number(&self.payload[4..])),
            kind => panic!("a frame of kind {kind} ends nothing"),
        }
    }
}

/// A frame as bytes.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A request without a body.
pub(crate) fn request(stream: u32, fields: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &block(fields))
}

/// A request for a page, as it should be.
pub(crate) fn proper<'a>(site: &'a str, path: &'a str) -> [(&'a str, &'a str); 4] {
    [(":method", "GET"), (":scheme", "https"), (":authority", site), (":path", path)]
}

/// Fields as literals that are never indexed, bytes as they are (RFC 7541 section 6.2.3).
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        bytes.push(0x10);
        for text in [name, value] {
            length(&mut bytes, text.len());
            bytes.extend_from_slice(text.as_bytes());
        }
    }
    bytes
}

/// An integer with a prefix of seven bits (RFC 7541 section 5.1).
fn length(bytes: &mut Vec<u8>, length: usize) {
    if length < 127 {
        return bytes.push(u8::try_from(length).unwrap());
    }
    bytes.push(127);
    let mut rest = length - 127;
    while rest >= 128 {
        bytes.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    bytes.push(u8::try_from(rest).unwrap());
}

/// The first field of an answer, which is its status (RFC 9113 section 8.3).
fn status(block: &[u8]) -> u16 {
    let mut block = block;
    while let [update, rest @ ..] = block
        && update & 0xe0 == 0x20
    {
        assert_ne!(update & 0x1f, 0x1f, "a table was asked for");
        block = rest;
    }
    let (kind, value) = block.split_first().unwrap();
    if kind & 0x80 != 0 {
        let known = [200, 204, 206, 304, 400, 404, 500];
        return known[usize::from(kind & 0x7f) - 8];
    }
    assert_eq!(kind & 0x0f, 8, "the status by its name of the fixed table");
    let (length, huffman) = (usize::from(value[0] & 0x7f), value[0] & 0x80 != 0);
    let text = &value[1..=length];
    if huffman { digits(text) } else { std::str::from_utf8(text).unwrap().parse().unwrap() }
}

/// Three digits as RFC 7541 appendix B codes them: 0 to 2 in five bits, the others in six.
fn digits(coded: &[u8]) -> u16 {
    let bits: Vec<u16> =
        coded.iter().flat_map(|byte| (0..8).map(move |at| u16::from(byte >> (7 - at) & 1))).collect();
    let take = |at: usize, count: usize| bits[at..at + count].iter().fold(0, |all, bit| all << 1 | bit);
    let (mut at, mut value) = (0, 0);
    for _ in 0..3 {
        let (digit, used) = if take(at, 5) < 3 { (take(at, 5), 5) } else { (take(at, 6) - 0x16, 6) };
        value = value * 10 + digit;
        at += used;
    }
    value
}

fn number(payload: &[u8]) -> u32 {
    u32::from_be_bytes(payload[..4].try_into().unwrap())
}
