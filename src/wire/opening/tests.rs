//! Tests of the first bytes of a connection.

use proptest::prelude::*;

use super::*;
use crate::wire::test_data::hellos;

fn named(bytes: &[u8]) -> &'static str {
    match scan(bytes) {
        Scan::Incomplete => "incomplete",
        Scan::Refused(_) => "refused",
        Scan::Done(Opening::Tls(_)) => "tls",
        Scan::Done(Opening::Http) => "http",
        Scan::Done(Opening::Other(protocol)) => protocol.as_str(),
    }
}

#[test]
fn every_opening_is_told_by_few_bytes() {
    let cases: [(&[u8], &str, usize); 30] = [
        (b"GET / HTTP/1.1\r\n", "http", 4),
        (b"\r\nGET / HTTP/1.1\r\n", "http", 6),
        (b"CONNECT a.example:443 HTTP/1.1\r\n", "http", 8),
        (b"M-SEARCH * HTTP/1.1\r\n", "http", 9),
        (b"PRINT / HTTP/1.1\r\n", "http", 6),
        (b"PRI /x HTTP/1.1\r\n", "http", 5),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http2-preface", 14),
        (b"SSH-2.0-OpenSSH_9.2p1 Debian", "ssh", 4),
        (b"\x80\x2e\x01\x00\x02\x00\x15", "sslv2", 4),
        (b"\x80\x67\x01\x03\x01\x00\x4e", "sslv2", 4),
        (b"\x00\x0e\x38\x01\x02\x03\x04", "openvpn", 3),
        (b"\x01\x20\x50\x01\x02\x03\x04", "openvpn", 3),
        (b"\x13BitTorrent protocol\0\0", "bittorrent", 20),
        (b"\x13BitTorrent  ", "unknown", 13),
        (b"\x05\x01\x00", "socks", 2),
        (b"\x04\x01\x00\x50", "socks", 2),
        (b"\x03\x00\x00\x13\x0e\xe0\x00", "rdp", 6),
        (b"\x03\x00\x00\x13\x0e\xd0\x00", "unknown", 6),
        (b"\0\0\0\0\0\0\0\0", "unknown", 3),
        (b"\x16\x02\x01", "unknown", 2),
        (b"\x17\x03\x03\x00\x05", "refused", 2),
        (b"\x14\x03\x03\x00\x01\x01", "refused", 2),
        (b"\x17\x01", "unknown", 2),
        (b"\x16\x03\x01\x00\x00", "refused", 5),
        (b"\r\n\r\nGET / HTTP/1.1", "unknown", 3),
        (b"\nGET / HTTP/1.1", "unknown", 1),
        (b" GET / HTTP/1.1", "unknown", 1),
        (b"GET\t/ HTTP/1.1", "unknown", 4),
        (b"HELLO\r\n", "unknown", 6),
        (b"AVERYLONGWORDTHATISNOMETHODATALLXX /", "unknown", 33),
    ];
    for (bytes, name, decided_at) in cases {
        for end in 0..=bytes.len() {
            let wanted = if end < decided_at { "incomplete" } else { name };
            assert_eq!(named(&bytes[..end]), wanted, "{} at {end}", bytes.escape_ascii());
        }
    }
}

#[test]
fn a_hello_opens_tls_when_it_is_whole() {
    for (_, bytes) in hellos() {
        assert_eq!(scan(&bytes), client_hello::scan(&bytes).map(Opening::Tls));
        for end in 0..bytes.len() {
            assert_eq!(scan(&bytes[..end]), Scan::Incomplete);
        }
    }
}

proptest! {
    #[test]
    fn an_answer_once_given_stays(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let whole = scan(&bytes);
        let first = (0..=bytes.len()).map(|end| scan(&bytes[..end])).find(|answer| *answer != Scan::Incomplete);
        prop_assert_eq!(first.unwrap_or(Scan::Incomplete), whole);
    }
}
