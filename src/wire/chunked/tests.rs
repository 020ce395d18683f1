//! Tests of the chunked reader: a table, every cut, and a naive reader beside it.

use proptest::prelude::*;

use super::*;

/// Where the body ends, read in the given pieces; `None` while it has not.
fn end_of<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<usize>, HeadFault> {
    let mut chunked = Chunked::new();
    let mut read = 0;
    for piece in pieces {
        let progress = chunked.advance(piece)?;
        read += progress.consumed;
        if progress.done {
            return Ok(Some(read));
        }
        assert_eq!(progress.consumed, piece.len());
    }
    Ok(None)
}

#[test]
fn a_body_ends_where_it_says_however_it_is_cut() {
    let bodies: [&[u8]; 9] = [
        b"0\r\n\r\n",
        b"5\r\nhello\r\n0\r\n\r\n",
        b"A\r\n0123456789\r\n009\r\n\r\n\r\n0\r\n\r\n\r\n000\r\n\r\n",
        b"5;a;b=c;d=\"e;\\\"\\\\\t\xfc\";f\r\nhello\r\n0;x\r\n\r\n",
        b"0\r\nVary: *\r\nX-Digest: a\tb\r\n\r\n",
        b"0000000000000001\r\nx\r\n0\r\n\r\n",
        b"5\r\n0\r\n\r\n\r\n0\r\n\r\n",
        b"1\r\n\r\r\n1\r\n\n\r\n0\r\n\r\n",
        b"0\r\nX:\r\n\r\n",
    ];
    for body in bodies {
        let next = [body, b"GET /next HTTP/1.1\r\n"].concat();
        let shown = body.escape_ascii();
        assert_eq!(end_of([&next[..]]), Ok(Some(body.len())), "{shown}");
        assert_eq!(end_of(next.chunks(1)), Ok(Some(body.len())), "{shown}");
        for cut in 0..body.len() {
            assert_eq!(end_of([&body[..cut]]), Ok(None), "{shown} at {cut}");
            assert_eq!(end_of([&next[..cut], &next[cut..]]), Ok(Some(body.len())), "{shown} at {cut}");
        }
    }
}

#[test]
fn what_has_two_readings_is_refused_and_stays_so() {
    let bodies: [&[u8]; 32] = [
        b"\r\n",
        b" 5\r\n",
        b"+5\r\n",
        b"-1\r\n",
        b"0x5\r\n",
        b"g\r\n",
        b";a\r\n",
        b"5 \r\n",
        b"5\t\r\n",
        b"5\n",
        b"5\r5",
        b"5\r\r\n",
        b"10000000000000000\r\n",
        b"00000000000000001\r\n",
        b"5;\r\n",
        b"5;=a\r\n",
        b"5;a=\r\n",
        b"5;a b\r\n",
        b"5;a\n",
        b"5;a\0\r\n",
        b"5;a=\"b\r\n",
        b"5;a=\"b\"c\r\n",
        b"5;a=\"\\\r\n",
        b"5\r\nhello0\r\n",
        b"5\r\nhello\n0\r\n",
        b"5\r\nhello\r0\r\n",
        b"0\r\nX : y\r\n",
        b"0\r\nX: y\r\n z\r\n",
        b"0\r\nContent-Length: 5\r\n",
        b"0\r\ntransfer_encoding: chunked\r\n",
        b"0\r\nX: a\nY: b\r\n",
        b"0\r\n\rX",
    ];
    for body in bodies {
        let shown = body.escape_ascii();
        let fault = end_of([body]).expect_err("refused");
        assert_eq!(fault.status, 400, "{shown}");
        assert_eq!(end_of(body.chunks(1)), Err(fault), "{shown}");
        let mut chunked = Chunked::new();
        let _ = chunked.advance(body);
        assert_eq!(chunked.advance(b"0\r\n\r\n"), Err(fault), "{shown}");
    }
}

#[test]
fn extensions_and_trailers_are_bounded() {
    let extended = |count: usize| "1;a=b\r\nx\r\n".repeat(count);
    assert_eq!(end_of([extended(1024).as_bytes()]), Ok(None));
    assert_eq!(end_of([extended(1025).as_bytes()]).map_err(|fault| fault.status), Err(400));
    let trailers = |count: usize| format!("0\r\n{}", "X: y\r\n".repeat(count));
    assert_eq!(end_of([trailers(3_000).as_bytes()]), Ok(None));
    assert_eq!(end_of([trailers(4_000).as_bytes()]).map_err(|fault| fault.status), Err(431));
}

#[test]
fn no_bytes_are_no_progress() {
    let mut chunked = Chunked::new();
    assert_eq!(chunked.advance(b""), Ok(Progress { consumed: 0, done: false }));
    chunked.advance(b"0\r\n\r\n").unwrap();
    assert_eq!(chunked.advance(b""), Ok(Progress { consumed: 0, done: true }));
    assert_eq!(chunked.advance(b"GET"), Ok(Progress { consumed: 0, done: true }));
}

/// Reads a whole body without extensions or trailers by cutting at line ends.
fn naive(body: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let line = body[at..].windows(2).position(|bytes| bytes == b"\r\n")?;
        let digits = std::str::from_utf8(&body[at..at + line]).ok()?;
        if digits.is_empty() || digits.len() > 16 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let size = usize::from_str_radix(digits, 16).ok()?;
        at += line + 2;
        let end = at.checked_add(size)?;
        if body.get(end..end.checked_add(2)?)? != b"\r\n" {
            return None;
        }
        at = end + 2;
        if size == 0 {
            return Some(at);
        }
    }
}

proptest! {
    #[test]
    fn a_naive_reader_finds_the_same_end(
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..6),
        change in proptest::option::of((any::<prop::sample::Index>(), prop::sample::select(&b"\r\n0123456789abcdefgG "[..]))),
        step in 1..50_usize,
    ) {
        let mut body = Vec::new();
        for chunk in &chunks {
            body.extend(format!("{:x}\r\n", chunk.len()).bytes());
            body.extend(chunk);
            body.extend(b"\r\n");
        }
        body.extend(b"0\r\n\r\n");
        if let Some((at, byte)) = change {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let ours = end_of(body.chunks(step));
        prop_assert_eq!(&ours, &end_of([&body[..]]));
        prop_assert_eq!(ours.ok().flatten(), naive(&body));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100), start in "[0-9a-f;=\r\n\"]{0,8}") {
        let whole = [start.as_bytes(), &bytes].concat();
        prop_assert_eq!(end_of(whole.chunks(1)), end_of([&whole[..]]));
    }
}
