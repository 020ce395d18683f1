//! Tests of the hello reader: real captures, every prefix, other cuts, faults, a second reader.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;
use crate::wire::test_data::{Expected, all_hellos, hello, hellos};

/// A hello with these extensions, in one record.
fn with_extensions(extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut list = Vec::new();
    for (kind, data) in extensions {
        list.extend(kind.to_be_bytes());
        list.extend(vector16(data));
    }
    in_records(&message(&[&fixed_fields()[..], &vector16(&list)].concat()), 16_384)
}

/// Version 3.3, random, no session, one cipher suite, no compression.
fn fixed_fields() -> Vec<u8> {
    [&[3, 3][..], &[7; 32], &[0], &[0, 2, 0x13, 0x01], &[1, 0]].concat()
}

fn vector16(data: &[u8]) -> Vec<u8> {
    [&u16::try_from(data.len()).unwrap().to_be_bytes()[..], data].concat()
}

fn message(body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[1][..], &size[1..], body].concat()
}

fn in_records(message: &[u8], size: usize) -> Vec<u8> {
    message.chunks(size).flat_map(|part| [&[22, 3, 1][..], &vector16(part)].concat()).collect()
}

fn message_of(records: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    let mut rest = records;
    while !rest.is_empty() {
        let size = usize::from(u16::from_be_bytes([rest[3], rest[4]]));
        message.extend(&rest[5..5 + size]);
        rest = &rest[5 + size..];
    }
    message
}

fn named(names: &[(u8, &[u8])]) -> Vec<u8> {
    let list: Vec<u8> =
        names.iter().flat_map(|(kind, name)| [&[*kind][..], &vector16(name)].concat()).collect();
    vector16(&list)
}

fn read_whole(bytes: &[u8]) -> ClientHello {
    match scan(bytes) {
        Scan::Done(hello) => hello,
        Scan::Incomplete => panic!("incomplete"),
        Scan::Refused(fault) => panic!("{fault:?}"),
    }
}

fn check(expected: &Expected, bytes: &[u8]) {
    let file = &expected.file;
    let hello = read_whole(bytes);
    let server_name = match &expected.expected_sni {
        None => ServerName::Absent,
        Some(sni) => ServerName::Host(Host::parse(sni).unwrap()),
    };
    assert_eq!(hello.server_name, server_name, "{file}");
    if let ServerName::Host(host) = &hello.server_name {
        assert_eq!(host.name().map(|name| name.as_str()), expected.expected_host.as_deref(), "{file}");
    }
    assert_eq!(
        hello.alpn,
        expected.alpn.iter().map(|p| p.as_bytes().into()).collect::<Vec<Box<[u8]>>>(),
        "{file}"
    );
    assert_eq!(hello.ech, expected.ech != "none", "{file}");
    assert_eq!(hello.len, expected.size, "{file}");
    let versions: Vec<u16> = expected
        .supported_versions
        .iter()
        .filter_map(|version| u16::from_str_radix(version.strip_prefix("0x")?, 16).ok())
        .collect();
    if versions.is_empty() {
        assert!(matches!(hello.versions[..], [0x0301..=0x0303]), "{file}");
    } else {
        assert_eq!(hello.versions, versions, "{file}");
    }
}

#[test]
fn captured_hellos_say_what_their_manifest_says() {
    for (expected, bytes) in hellos() {
        check(&expected, &bytes);
    }
}

#[test]
fn the_large_set_says_what_its_manifest_says() {
    let Some(all) = all_hellos() else { return };
    assert_eq!(all.len(), 51);
    for (expected, bytes) in all {
        check(&expected, &bytes);
        every_prefix_waits(&bytes);
        check_against_rustls(&expected.file, &bytes);
    }
}

fn every_prefix_waits(bytes: &[u8]) {
    for end in 0..bytes.len() {
        assert_eq!(scan(&bytes[..end]), Scan::Incomplete, "{end} bytes");
    }
}

#[test]
fn every_prefix_of_a_hello_waits_and_what_follows_changes_nothing() {
    for (_, mut bytes) in hellos() {
        every_prefix_waits(&bytes);
        let hello = read_whole(&bytes);
        for more in [&b"\x16\x03\x01"[..], b"\x17\x03\x03\x00\x05hello", b"\0"] {
            bytes.extend(more);
            assert_eq!(read_whole(&bytes), hello);
        }
    }
}

#[test]
fn records_of_any_size_make_the_same_hello() {
    for (expected, bytes) in hellos() {
        for size in [1, 2, 3, 5, 64, 700] {
            let cut = in_records(&message_of(&bytes), size);
            let whole = ClientHello { len: cut.len(), ..read_whole(&bytes) };
            assert_eq!(read_whole(&cut), whole, "{} in records of {size}", expected.file);
            if size < 3 {
                every_prefix_waits(&cut);
            }
        }
    }
}

/// TLS 1.0 without `signature_algorithms`: rustls speaks TLS 1.2 and later.
const BEYOND_RUSTLS: [&str; 1] = ["openssl-tls10.bin"];

/// The second reader: what rustls takes as name (lower case, by its own rules) and protocols.
fn check_against_rustls(file: &str, bytes: &[u8]) {
    let mut acceptor = rustls::server::Acceptor::default();
    let mut wire = Cursor::new(bytes);
    while usize::try_from(wire.position()).unwrap() < bytes.len() {
        acceptor.read_tls(&mut wire).unwrap();
    }
    if BEYOND_RUSTLS.contains(&file) {
        assert!(acceptor.accept().is_err(), "{file}");
        return;
    }
    let Ok(Some(accepted)) = acceptor.accept() else { panic!("{file}: rustls refuses") };
    let theirs = accepted.client_hello();
    let ours = read_whole(bytes);
    let their_name = theirs.server_name().map(|name| Host::parse(name).unwrap());
    match &ours.server_name {
        // rustls takes no address as a name and says there was none.
        ServerName::Absent | ServerName::Host(Host::Address(_)) => assert_eq!(their_name, None, "{file}"),
        ServerName::Host(host @ Host::Name(_)) => assert_eq!(their_name.as_ref(), Some(host), "{file}"),
    }
    let their_protocols: Vec<Box<[u8]>> = theirs.alpn().into_iter().flatten().map(Into::into).collect();
    assert_eq!(ours.alpn, their_protocols, "{file}");
}

#[test]
fn rustls_reads_the_same_name_and_protocols() {
    for (expected, bytes) in hellos() {
        check_against_rustls(&expected.file, &bytes);
        check_against_rustls(&expected.file, &in_records(&message_of(&bytes), 100));
    }
}

#[test]
fn a_server_name_is_one_host_or_a_fault() {
    let host = |text: &str| Ok(ServerName::Host(Host::parse(text).unwrap()));
    let long = format!("{}.example", "x".repeat(64));
    type Names<'a> = &'a [(u8, &'a [u8])];
    let cases: [(Names, Result<ServerName, HelloFault>); 17] = [
        (&[(0, b"www.example.org")], host("www.example.org")),
        (&[(0, b"WWW.Example.ORG.")], host("www.example.org")),
        (&[(0, b"r4---sn-aigl6nek.googlevideo.example")], host("r4---sn-aigl6nek.googlevideo.example")),
        (&[(0, b"_weird_host.example.org")], host("_weird_host.example.org")),
        (&[(0, b"xn--mnchen-3ya.example")], host("xn--mnchen-3ya.example")),
        (&[(0, b"203.0.113.7")], host("203.0.113.7")),
        (&[(0, b"0xcb007107")], host("203.0.113.7")),
        (&[(0, b"2001:db8::1")], host("2001:db8::1")),
        (&[], Err(HelloFault::Malformed("a length over the end"))),
        (&[(0, b"")], Err(HelloFault::BadName)),
        (&[(0, b"ok.example\0.blocked.example")], Err(HelloFault::BadName)),
        (&[(0, "münchen.example".as_bytes())], Err(HelloFault::BadName)),
        (&[(0, b"ok.example:443")], Err(HelloFault::BadName)),
        (&[(0, long.as_bytes())], Err(HelloFault::BadName)),
        (&[(1, b"www.example.org")], Err(HelloFault::BadName)),
        (&[(0, b"ok.example"), (0, b"blocked.example")], Err(HelloFault::TwoNames)),
        (&[(0, b"ok.example"), (1, b"blocked.example")], Err(HelloFault::TwoNames)),
    ];
    for (names, judged) in cases {
        let bytes = with_extensions(&[(0, named(names))]);
        let answer = match scan(&bytes) {
            Scan::Done(hello) => Ok(hello.server_name),
            Scan::Refused(fault) => Err(fault),
            Scan::Incomplete => panic!("incomplete"),
        };
        assert_eq!(answer, judged, "{names:?}");
        every_prefix_waits(&bytes);
    }
}

#[test]
fn a_hello_without_extensions_is_read() {
    let hello = read_whole(&in_records(&message(&fixed_fields()), 100));
    assert_eq!((hello.server_name, hello.versions), (ServerName::Absent, vec![0x0303]));
}

#[test]
fn faults_are_named_at_the_first_byte_that_shows_them() {
    let name = || (0, named(&[(0, b"a.example")]));
    let whole = with_extensions(&[name()]);
    let with = |at: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        bytes
    };
    let mut many: Vec<(u16, Vec<u8>)> = (100..228).map(|kind| (kind, Vec::new())).collect();
    assert!(matches!(scan(&with_extensions(&many)), Scan::Done(_)));
    many.push((99, Vec::new()));
    let one_more = in_records(&[&message_of(&whole)[..], &[0]].concat(), 16_384);
    let malformed = HelloFault::Malformed;
    let cases = [
        (with(0, 0x17), 1, HelloFault::NotTls),
        (with(0, 0x14), 1, HelloFault::NotTls),
        (with(0, 0x80), 1, HelloFault::NotTls),
        (with(1, 2), 2, HelloFault::NotTls),
        (vec![22, 3, 1, 0, 0], 5, malformed("an empty handshake record")),
        (vec![22, 3, 1, 0x41, 0x01], 5, malformed("a record over 16 KiB")),
        (with(5, 2), 6, malformed("the first handshake message is no ClientHello")),
        (with(6, 1), 9, HelloFault::TooLong),
        (with(8, 1), 9, malformed("bytes after the hello in its record")),
        (one_more, 9, malformed("bytes after the hello in its record")),
        (with_extensions(&[name(), name()]), usize::MAX, HelloFault::TwoNames),
        (with_extensions(&[(35, vec![]), (35, vec![])]), usize::MAX, malformed("an extension twice")),
        (with_extensions(&[(16, vec![0, 0])]), usize::MAX, malformed("an empty protocol name")),
        (with_extensions(&[(16, vec![0, 1, 0])]), usize::MAX, malformed("an empty protocol name")),
        (with_extensions(&[(43, vec![0])]), usize::MAX, malformed("no supported version")),
        (with_extensions(&[(43, vec![3, 3, 4, 3])]), usize::MAX, malformed("a length over the end")),
        (with_extensions(&[(43, vec![2, 3, 4, 9])]), usize::MAX, malformed("bytes left over in the hello")),
        (with_extensions(&many), usize::MAX, malformed("more than 128 extensions")),
    ];
    for (bytes, shown_at, fault) in cases {
        let shown_at = shown_at.min(bytes.len());
        assert_eq!(scan(&bytes[..shown_at]), Scan::Refused(fault));
        assert_eq!(scan(&bytes), Scan::Refused(fault));
        every_prefix_waits(&bytes[..shown_at]);
    }
    let mut interrupted = in_records(&message_of(&whole), 10);
    interrupted[15] = 0x15;
    assert_eq!(scan(&interrupted), Scan::Refused(HelloFault::NotTls));
}

#[test]
fn the_cap_counts_record_headers() {
    // In 1-byte records a hello takes six times its bytes.
    let padding = |size: usize| with_extensions(&[(0, named(&[(0, b"a.example")])), (21, vec![0; size])]);
    let fits = in_records(&message_of(&padding(10_700)), 1);
    assert!(fits.len() < MAX_HELLO);
    assert_eq!(read_whole(&fits).len, fits.len());
    let over = in_records(&message_of(&padding(10_900)), 1);
    assert!(over.len() > MAX_HELLO);
    assert_eq!(scan(&over), Scan::Refused(HelloFault::TooLong));
    assert!(matches!(scan(&padding(60_000)), Scan::Done(_)));
    assert_eq!(scan(&padding(65_480)), Scan::Refused(HelloFault::TooLong));
}

#[test]
fn a_fault_has_the_alert_of_its_kind() {
    let alerts = [
        HelloFault::NotTls,
        HelloFault::TwoNames,
        HelloFault::BadName,
        HelloFault::TooLong,
        HelloFault::Malformed(""),
    ];
    assert_eq!(alerts.map(HelloFault::alert), [10, 47, 47, 50, 50]);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = scan(&bytes);
        let _ = scan(&in_records(&message(&bytes), 300));
    }

    #[test]
    fn a_mutated_hello_is_answered_the_same_however_it_comes(
        which in 0..3_usize,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        step in 1..900_usize,
    ) {
        let mut bytes = hello(["chromium156-bbc-1", "openssl-split-records-512", "curl-tls12max"][which]);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let whole = scan(&bytes);
        let ends = (step..bytes.len()).step_by(step).chain([bytes.len()]);
        let in_pieces = ends.map(|end| scan(&bytes[..end])).find(|answer| *answer != Scan::Incomplete);
        prop_assert_eq!(in_pieces.unwrap_or(Scan::Incomplete), whole);
    }
}
