//! The request cases of llhttp (MIT): what it refuses in strict mode is refused here too.

use base64_lite::decode;
use serde::Deserialize;

use super::*;
use crate::wire::chunked::Chunked;
use crate::wire::test_data::beside_the_project;

#[derive(Deserialize)]
struct Case {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    raw_b64: String,
    error: Option<String>,
}

/// What llhttp refuses and this reader does not, with the reason.
const NOT_OURS: [(&str, &str); 4] = [
    (
        "Data after `Connection: close`",
        "of the connection, not the head: the proxy reads no further after `close`",
    ),
    ("Pause on CONNECT/Upgrade", "no refusal: llhttp hands the rest to somebody else"),
    (
        "Expected space after method",
        "llhttp knows a list of methods; RFC 9110 section 9.1 lets any token be one",
    ),
    ("Invalid method for HTTP/x.x request", "the same, for a method of RTSP"),
];

/// Whether this reader refuses a request, its head or its chunked body.
///
/// The cases lost the empty line at their end, so that it is put back; those without a Host are
/// given one, so that it isn't for this that they are refused.
fn refuses(raw: &[u8]) -> bool {
    let mut raw = raw.to_vec();
    if !raw.to_ascii_lowercase().windows(6).any(|bytes| bytes == b"\nhost:")
        && let Some(end) = raw.windows(2).position(|bytes| bytes == b"\r\n")
    {
        raw.splice(end..end, *b"\r\nHost: a.example");
    }
    raw.extend(b"\r\n\r\n");
    match scan(&raw, MAX_HEAD) {
        Scan::Refused(_) => true,
        Scan::Incomplete => false,
        Scan::Done(head) => {
            matches!(head.body, Body::Chunked) && Chunked::new().advance(&raw[head.len..]).is_err()
        }
    }
}

#[test]
fn a_dozen_of_its_refusals() {
    let cases: [&[u8]; 16] = [
        b"PUT /url HTTP/1.1\r\nConnection: keep\ralive\r\n",
        b"PUT /url HTTP/1.1\r\nConnection : upgrade\r\nContent-Length: 4\r\nUpgrade: ws\r\n\r\nabcdefgh",
        b"PUT /url HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: identity\r\n",
        b"PUT /url HTTP/1.1\r\nContent\rLength: 003\r\n\r\nabc",
        b"PUT /url HTTP/1.1\r\nContent-Length: 3\r\n\rabc",
        b"POST / HTTP/1.1\r\nHost: localhost:5000\r\nx:x\nTransfer-Encoding: chunked\r\n\r\n1\r\nA\r\n0",
        b"GET / HTTP/1.1\r\nConnection: close\r\nHost: a\r\n\rZGET /evil: HTTP/1.1\r\nHost: a",
        b"POST / HTTP/1.1\r\nHost: localhost:5000\r\nx:\rTransfer-Encoding: chunked\r\n\r\n1\r\nA\r\n0",
        b"GET / HTTP/1.1\r\nname\r\n : value\r\n",
        b"POST /hello HTTP/1.1\r\nHost: localhost\r\nFoo: bar\r\n Content-Length: 38\r\n\r\nGET /bye HTTP/1.1\r\n",
        b"POST / HTTP/1.1\r\nHost: foo\r\nContent-Length: 10\r\nTransfer-Encoding:\r\nTransfer-Encoding:\r\n\r\n2\r\nAA\r\n0",
        b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked \r\n\r\n5\r\r;ABCD\r\n34\r\nE\r\n0\r\n\r\nGET / HTTP/1.1",
        b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked \r\n\r\n5\r\nABCDE0",
        b"PUT /url HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\na \r\n0123456789\r\n0\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-encoding: chunked\r\n\r\n2;\r\naa\r\n0\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a=\"abc\";b=\"def; ghi\r\nhello\r\n6;c\r\n world\r\n0",
    ];
    for case in cases {
        assert!(refuses(case), "{}", case.escape_ascii());
    }
}

#[test]
fn all_of_its_refusals() {
    let Some(file) = beside_the_project("http/llhttp-cases.jsonl") else { return };
    let text = std::fs::read_to_string(file).unwrap();
    let mut checked = 0;
    for case in text.lines().map(|line| serde_json::from_str::<Case>(line).unwrap()) {
        let Some(error) = case.error.filter(|_| case.kind == "request") else { continue };
        if NOT_OURS.iter().any(|(known, _)| *known == error) {
            continue;
        }
        assert!(refuses(&decode(&case.raw_b64)), "{}: {error}", case.name);
        checked += 1;
    }
    assert!(checked >= 50, "{checked}");
}

/// Base64 as it stands in the file, padding and all.
mod base64_lite {
    pub(super) fn decode(text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let (mut bits, mut held) = (0_u32, 0);
        for symbol in text.bytes().filter(|symbol| *symbol != b'=') {
            let value = match symbol {
                b'A'..=b'Z' => symbol - b'A',
                b'a'..=b'z' => symbol - b'a' + 26,
                b'0'..=b'9' => symbol - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                other => panic!("{other} is not base64"),
            };
            (bits, held) = ((bits << 6 | u32::from(value)) & 0xff_ffff, held + 6);
            if held >= 8 {
                held -= 8;
                bytes.push((bits >> held & 0xff) as u8);
            }
        }
        bytes
    }
}
