//! The smuggling corpus: messages that two readers take in two ways never leave in one.

use crate::harness::Gateway;

pub(crate) const SMUGGLED: &str = "GET http://maths.example/smuggled HTTP/1.1\r\nHost: maths.example\r\n\r\n";

/// Heads at fault, as the lines between request line and end; and the answer.
pub(crate) const HEADS: [(&str, u16); 45] = [
    ("Host: maths.example\r\nContent-Length: 6\r\nTransfer-Encoding: chunked", 400),
    ("Host: maths.example\r\nTransfer-Encoding: chunked\r\nContent-Length: 6", 400),
    ("Host: maths.example\r\nContent-Length: 5\r\nContent-Length: 6", 400),
    ("Host: maths.example\r\nContent-Length: 5\r\nContent-Length: 5", 400),
    ("Host: maths.example\r\nContent-Length: 5, 5", 400),
    ("Host: maths.example\r\nContent-Length: 5,6", 400),
    ("Host: maths.example\r\nContent-Length: +5", 400),
    ("Host: maths.example\r\nContent-Length: -5", 400),
    ("Host: maths.example\r\nContent-Length: 0x5", 400),
    ("Host: maths.example\r\nContent-Length: 5 6", 400),
    ("Host: maths.example\r\nContent-Length:", 400),
    ("Host: maths.example\r\nContent-Length: 99999999999999999999", 400),
    ("Host: maths.example\r\nContent-Length: 5\u{b}", 400),
    ("Host: maths.example\r\nContent_Length: 5", 400),
    ("Host: maths.example\r\nTransfer_Encoding: chunked", 400),
    ("Host: maths.example\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400),
    ("Host: maths.example\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity", 400),
    ("Host: maths.example\r\nTransfer-Encoding: identity", 501),
    ("Host: maths.example\r\nTransfer-Encoding: xchunked", 501),
    ("Host: maths.example\r\nTransfer-Encoding: chunked, identity", 501),
    ("Host: maths.example\r\nTransfer-Encoding: gzip, chunked", 501),
    ("Host: maths.example\r\nTransfer-Encoding: \"chunked\"", 501),
    ("Host: maths.example\r\nTransfer-Encoding: chunked;q=1", 501),
    ("Host: maths.example\r\nTransfer-Encoding:", 400),
    ("Host: maths.example\r\nTransfer-Encoding:\u{b}chunked", 400),
    ("Host: maths.example\r\nTransfer-Encoding\u{b}: chunked", 400),
    ("Host: maths.example\r\nTransfer-Encoding : chunked", 400),
    ("Host: maths.example\r\nTransfer-Encoding\r\n : chunked", 400),
    ("Host: maths.example\r\n Transfer-Encoding: chunked", 400),
    ("Host: maths.example\r\nX: y\r\n\tTransfer-Encoding: chunked", 400),
    ("Host: maths.example\r\nTransfer-Encoding:\r\n chunked", 400),
    ("Host: maths.example\r\nX: y\nTransfer-Encoding: chunked", 400),
    ("Host: maths.example\r\nX: y\rTransfer-Encoding: chunked", 400),
    ("Host: maths.example\r\nX: y\0Transfer-Encoding: chunked", 400),
    ("Host: maths.example\r\nX: y\n\nGET /smuggled HTTP/1.1", 400),
    ("Host: maths.example\r\nHost: maths.example", 400),
    ("Host: maths.example\r\nHost: games.example", 400),
    ("Host: maths.example\r\nHost : games.example", 400),
    (" Host: maths.example", 400),
    ("X-Not-Host: maths.example", 400),
    ("Host: maths.example\r\nno colon", 400),
    ("Host: maths.example\r\n: no name", 400),
    ("Host: maths.example\r\nX Y: z", 400),
    ("Host: maths.example\r\nConnection: Content-Length\r\nContent-Length: 5", 400),
    ("Host: maths.example\r\nConnection: Host", 400),
];

/// No answer: what opens like this is not HTTP, and is not spoken to in HTTP.
pub(crate) const NOT_HTTP: u16 = 0;

/// Request lines at fault.
pub(crate) const LINES: [(&str, u16); 14] = [
    ("POST http://maths.example/ HTTP/1.1 HTTP/1.1", 400),
    ("POST  http://maths.example/ HTTP/1.1", 400),
    ("POST\thttp://maths.example/\tHTTP/1.1", NOT_HTTP),
    ("POST http://maths.example/ http/1.1", 400),
    ("POST http://maths.example/ HTTP/1.2", 505),
    ("POST http://maths.example/ HTTP/2.0", 505),
    ("POST http://maths.example/ HTTP/0.9", 505),
    ("POST http://maths.example/ HTTP/11", 400),
    ("POST http://maths.example/", 400),
    ("POST http://maths.example/\u{1} HTTP/1.1", 400),
    ("POST http://maths.example/\u{e9} HTTP/1.1", 400),
    ("POST http://maths.example/\u{7f} HTTP/1.1", 400),
    ("P(ST http://maths.example/ HTTP/1.1", NOT_HTTP),
    ("POST http://maths.example/ HTTP/1.1\rX", 400),
];

/// Chunked bodies at fault.
pub(crate) const CHUNKS: [&str; 18] = [
    "5\r\nhelloX\r\n0\r\n\r\n",
    "5\r\nhello0\r\n\r\n",
    "5\nhello\n0\n\n",
    "5\r\nhello\n0\r\n\r\n",
    "05x\r\nhello\r\n0\r\n\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    "+5\r\nhello\r\n0\r\n\r\n",
    "-1\r\nhello\r\n0\r\n\r\n",
    " 5\r\nhello\r\n0\r\n\r\n",
    "5 \r\nhello\r\n0\r\n\r\n",
    "\r\n5\r\nhello\r\n0\r\n\r\n",
    "00000000000000005\r\nhello\r\n0\r\n\r\n",
    "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n",
    "5;\nx\r\nhello\r\n0\r\n\r\n",
    "5;\"x\r\nhello\r\n0\r\n\r\n",
    "5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
    "5\r\nhello\r\n0\r\nX: y\nZ: z\r\n\r\n",
    "5\r\nhello\r\n0\r\n Host: games.example\r\n\r\n",
];

/// Invariant 16: a head that could be read in two ways is answered once, with 400 and its like,
/// and nothing of it or behind it reaches the origin.
#[tokio::test(flavor = "multi_thread")]
async fn an_ambiguous_head_never_leaves() {
    let gateway = Gateway::new().start().await;
    let heads = HEADS.iter().map(|(fields, status)| {
        (format!("POST http://maths.example/ HTTP/1.1\r\n{fields}\r\n\r\n0\r\n\r\n"), *status)
    });
    let lines =
        LINES.iter().map(|(line, status)| (format!("{line}\r\nHost: maths.example\r\n\r\n"), *status));
    let old = "POST http://maths.example/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned();
    for (message, status) in heads.chain(lines).chain([(old, 400)]) {
        let mut talk = gateway.browser("ks2").talk().await;
        talk.say(format!("{message}{SMUGGLED}")).await;
        let answer = talk.answer().await;
        assert_eq!(answer.map_or(NOT_HTTP, |answer| answer.status), status, "{message:?}");
        assert!(talk.answer().await.is_none(), "{message:?}: a second answer");
        assert_eq!(gateway.origin.heads(), Vec::<String>::new(), "{message:?}");
    }
    gateway.stop().await;
}

/// Invariants 16 and 17: a chunked body at fault ends its request with one 400, and nothing
/// behind it is taken for a request.
#[tokio::test(flavor = "multi_thread")]
async fn an_ambiguous_body_ends_its_request_and_the_connection() {
    let gateway = Gateway::new().start().await;
    for (at, chunks) in CHUNKS.into_iter().enumerate() {
        let mut talk = gateway.browser("ks2").talk().await;
        let head =
            "POST http://maths.example/body HTTP/1.1\r\nHost: maths.example\r\nTransfer-Encoding: chunked";
        talk.say(format!("{head}\r\n\r\n{chunks}{SMUGGLED}")).await;
        let answer = talk.answer().await;
        assert_eq!(answer.map(|answer| answer.status), Some(400), "{chunks:?}");
        assert!(talk.answer().await.is_none(), "{chunks:?}: a second answer");
        let heads = gateway.origin.heads();
        assert!(heads.len() <= at + 1 && !heads.concat().contains("smuggled"), "{chunks:?}: {heads:?}");
    }
    gateway.stop().await;
}

/// Invariant 9, the other side: what only looks odd is one request and passes as one.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_one_reading_passes() {
    let gateway = Gateway::new().start().await;
    for (at, message) in [
        "POST http://maths.example/body HTTP/1.1\r\nHost: maths.example\r\ntransfer-encoding: CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "POST http://maths.example/body HTTP/1.1\r\nHost: maths.example\r\nContent-Length:\t5 \r\n\r\nhello",
        "POST http://maths.example/body HTTP/1.1\r\nHost: maths.example\r\nContent-Length: 0005\r\n\r\nhello",
        "POST http://maths.example/body HTTP/1.1\r\nHost: maths.example\r\nTransfer-Encoding: chunked\r\n\r\n00005;a=b;c\r\nhello\r\n000\r\nX-T: y\r\n\r\n",
        "POST http://maths.example/body HTTP/1.0\r\nHost: maths.example\r\nContent-Length: 5\r\n\r\nhello",
    ]
    .into_iter()
    .enumerate()
    {
        let mut talk = gateway.browser("ks2").talk().await;
        talk.say(message).await;
        let answer = talk.answer().await.unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, "hello"), "{message:?}: {answer:?}");
        assert_eq!(gateway.origin.heads().len(), at + 1, "{message:?}");
    }
    gateway.stop().await;
}
