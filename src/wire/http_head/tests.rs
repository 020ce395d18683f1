//! Tests of the head judge: what passes, what is refused, every cut, and the cases of llhttp.

mod llhttp;
mod refusals;

use proptest::prelude::*;

use super::*;

fn judged(head: &[u8]) -> Result<Head, HeadFault> {
    match scan(head, MAX_HEAD) {
        Scan::Done(head) => Ok(head),
        Scan::Refused(fault) => Err(fault),
        Scan::Incomplete => panic!("incomplete: {}", head.escape_ascii()),
    }
}

/// The answer to a head that comes byte by byte.
fn in_bytes(head: &[u8], max: usize) -> Scan<Head, HeadFault> {
    let answers = (0..=head.len()).map(|end| scan(&head[..end], max));
    answers.into_iter().find(|answer| *answer != Scan::Incomplete).unwrap_or(Scan::Incomplete)
}

const PLAIN: Head = Head { len: 0, body: Body::None, connect: false, upgrade: false, close: false };

#[test]
fn what_is_unambiguous_passes() {
    let length = |length| Head { body: Body::Length(length), ..PLAIN };
    let chunked = Head { body: Body::Chunked, ..PLAIN };
    let connect = Head { connect: true, ..PLAIN };
    let upgrade = Head { upgrade: true, ..PLAIN };
    let close = Head { close: true, ..PLAIN };
    let cases = [
        ("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", PLAIN),
        ("\r\nGET / HTTP/1.1\r\nHost: a.example\r\n\r\n", PLAIN),
        ("GET //x/../y?q=|{}^`\"\\[] HTTP/1.1\r\nhOST:a.example:8080  \r\n\r\n", PLAIN),
        (
            "GET / HTTP/1.1\r\nHost: 192.0.2.5\r\nX-Empty:\r\nX-Latin: D\u{fc}sseldorf\r\nX_ok: 1\r\n\r\n",
            PLAIN,
        ),
        ("GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\nCookie: a=1;\tb=2\r\n\r\n", PLAIN),
        ("GET http://A.example HTTP/1.1\r\nHost: a.example.\r\n\r\n", PLAIN),
        ("GET HTTP://a.example:80/x HTTP/1.1\r\nHost: a.example\r\n\r\n", PLAIN),
        ("GET http://a.example?q=1@b HTTP/1.1\r\nHost: a.example:80\r\n\r\n", PLAIN),
        ("GET https://a.example/ HTTP/1.1\r\nHost: a.example:443\r\n\r\n", PLAIN),
        ("GET http://[::ffff:192.0.2.5]/ HTTP/1.1\r\nHost: 3221225989\r\n\r\n", PLAIN),
        ("OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n", PLAIN),
        ("M-SEARCH / HTTP/1.1\r\nHost: a.example\r\n\r\n", PLAIN),
        ("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n", length(0)),
        ("POST / HTTP/1.1\r\nHost: a.example\r\ncontent-length:\t003 \r\n\r\n", length(3)),
        (
            "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 18446744073709551615\r\n\r\n",
            length(u64::MAX),
        ),
        ("POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: Chunked \r\n\r\n", chunked),
        ("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", connect),
        ("CONNECT a.example:443 HTTP/1.1\r\nHost: A.example\r\nContent-Length: 0\r\n\r\n", connect),
        ("CONNECT [2001:db8::1]:65535 HTTP/1.1\r\nHost: [2001:DB8::1]:65535\r\n\r\n", connect),
        ("CONNECT a_b.example:443 HTTP/1.0\r\n\r\n", Head { close: true, ..connect }),
        (
            "GET / HTTP/1.1\r\nHost: a.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n",
            upgrade,
        ),
        ("GET / HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\n\r\n", PLAIN),
        ("POST / HTTP/1.1\r\nHost: a.example\r\nUpgrade: TLS/1.0\r\nContent-Length: 3\r\n\r\n", length(3)),
        ("GET / HTTP/1.1\r\nHost: a.example\r\nConnection: te, ,CLOSE\r\n\r\n", close),
        ("GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close-not\r\nProxy-Connection: x\r\n\r\n", PLAIN),
        ("GET / HTTP/1.0\r\n\r\n", close),
        ("GET http://a.example/ HTTP/1.0\r\n\r\n", close),
        ("GET / HTTP/1.0\r\nHost: a.example\r\nConnection: Keep-Alive\r\n\r\n", PLAIN),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", close),
        ("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", close),
    ];
    for (head, facts) in cases {
        let facts = Ok(Head { len: head.len(), ..facts });
        assert_eq!(judged(head.as_bytes()), facts, "{head:?}");
        assert_eq!(judged(format!("{head}GET /next").as_bytes()), facts, "{head:?} and more");
        for end in 0..head.len() {
            assert_eq!(scan(&head.as_bytes()[..end], MAX_HEAD), Scan::Incomplete, "{head:?} at {end}");
        }
    }
}

fn head_of(size: usize) -> Vec<u8> {
    let start = "GET / HTTP/1.1\r\nHost: a.example\r\nX: ";
    format!("{start}{}\r\n\r\n", "x".repeat(size - start.len() - 4)).into_bytes()
}

#[test]
fn a_head_may_take_the_maximum_and_not_a_byte_more() {
    assert_eq!(judged(&head_of(MAX_HEAD)).unwrap().len, MAX_HEAD);
    assert_eq!(judged(&head_of(MAX_HEAD + 1)).unwrap_err().status, 431);
    assert_eq!(scan(&head_of(200)[..199], 200), Scan::Incomplete);
    assert!(matches!(scan(&head_of(201)[..200], 200), Scan::Refused(HeadFault { status: 431, .. })));
}

#[test]
fn a_target_may_take_16_kib_and_a_head_100_fields() {
    let target = |size: usize| format!("GET /{} HTTP/1.1\r\nHost: a.example\r\n\r\n", "x".repeat(size - 1));
    assert!(judged(target(16_384).as_bytes()).is_ok());
    assert_eq!(judged(target(16_385).as_bytes()).unwrap_err().status, 414);
    assert!(matches!(
        in_bytes(target(20_000).as_bytes(), MAX_HEAD),
        Scan::Refused(HeadFault { status: 414, .. })
    ));
    let fields =
        |count: usize| format!("GET / HTTP/1.1\r\nHost: a.example\r\n{}\r\n", "X: y\r\n".repeat(count - 1));
    assert!(judged(fields(100).as_bytes()).is_ok());
    assert_eq!(judged(fields(101).as_bytes()).unwrap_err().status, 431);
}

/// Pieces of heads, right and wrong, to be put together at random.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: [&str; 24] = [
        "GET ",
        "CONNECT ",
        "/ ",
        "http://a.example/ ",
        "a.example:443 ",
        "HTTP/1.1\r\n",
        "HTTP/1.0\r\n",
        "\r\n",
        "\r",
        "\n",
        "Host: a.example\r\n",
        "Content-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\n",
        " ",
        "\t",
        ":",
        "X: y\r\n",
        "Connection: upgrade\r\n",
        "Upgrade: websocket\r\n",
        "\0",
        "\u{ff}",
        "x",
        "PRI * HTTP/2.0\r\n",
        "_",
    ];
    let piece = prop::sample::select(&PIECES[..]);
    let start =
        prop::sample::select(&["", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a.example\r\n"][..]);
    (start, proptest::collection::vec(piece, 0..12))
        .prop_map(|(start, pieces)| [start.as_bytes(), pieces.concat().as_bytes()].concat())
}

proptest! {
    #[test]
    fn an_answer_does_not_depend_on_how_the_bytes_come(head in pieces(), max in 20..200_usize) {
        prop_assert_eq!(in_bytes(&head, MAX_HEAD), scan(&head, MAX_HEAD));
        prop_assert_eq!(in_bytes(&head, max), scan(&head, max));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(in_bytes(&bytes, 250), scan(&bytes, 250));
    }

    #[test]
    fn whatever_path_and_value_http_allows_pass(
        path in "[!-\"$-~]{0,40}",
        name in "[!#$%&'*+.^`|~0-9A-Za-z-]{1,20}",
        value in "[\t -~\u{80}-\u{2ff}]{0,40}",
    ) {
        let head = format!("GET /{path} HTTP/1.1\r\nHost: a.example\r\nX{name}: {value}\r\n\r\n");
        prop_assert_eq!(judged(head.as_bytes()), Ok(Head { len: head.len(), ..PLAIN }));
    }

    #[test]
    fn what_passes_has_the_framing_that_a_plain_search_finds(head in pieces()) {
        if let Scan::Done(judged) = scan(&head, MAX_HEAD) {
            let text = String::from_utf8(head[..judged.len].to_vec()).unwrap().to_ascii_lowercase();
            prop_assert!(text.ends_with("\r\n\r\n"));
            prop_assert!(text.matches("\nhost:").count() <= 1);
            let framed = (text.contains("\ncontent-length:"), text.contains("\ntransfer-encoding:"));
            let body = match judged.body {
                Body::None => (judged.connect && framed.0, false),
                Body::Length(_) => (true, false),
                Body::Chunked => (false, true),
            };
            prop_assert_eq!(framed, body);
        }
    }
}
