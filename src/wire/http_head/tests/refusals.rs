//! One table of what is refused, with the status of each.

use super::*;

fn status_of(head: &str) -> u16 {
    match scan(head.as_bytes(), MAX_HEAD) {
        Scan::Refused(fault) => fault.status,
        Scan::Done(_) => 200,
        Scan::Incomplete => 100,
    }
}

fn refused(status: u16, heads: &[&str]) {
    for head in heads {
        assert_eq!(status_of(head), status, "{head:?}");
        assert_eq!(in_bytes(head.as_bytes(), MAX_HEAD), scan(head.as_bytes(), MAX_HEAD), "{head:?}");
    }
}

/// Each field block after a right request line and Host.
fn refused_fields(status: u16, blocks: &[&str]) {
    for block in blocks {
        refused(status, &[&format!("POST / HTTP/1.1\r\nHost: a.example\r\n{block}\r\n\r\n")]);
    }
}

#[test]
fn request_lines() {
    refused(
        400,
        &[
            "GET /\r\n",
            "GET / \r\n\r\n",
            "GET\r\n\r\n",
            "GET  / HTTP/1.1\r\n\r\n",
            "GET /  HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1 \r\n\r\n",
            " GET / HTTP/1.1\r\n\r\n",
            "GET\t/ HTTP/1.1\r\n\r\n",
            "GET /a b HTTP/1.1\r\n\r\n",
            "GET / http/1.1\r\n\r\n",
            "GET / HTTP/1.10\r\n\r\n",
            "GET / HTTP/11\r\n\r\n",
            "GET / HTTP/1.\r\n\r\n",
            "GET / ICE/1.0\r\n\r\n",
            "G@T / HTTP/1.1\r\n\r\n",
            "G\u{e9}T / HTTP/1.1\r\n\r\n",
            "AVERYLONGWORDTHATISNOMETHODATALLXX / HTTP/1.1\r\n\r\n",
            "\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "\nGET / HTTP/1.1\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ],
    );
    refused(
        505,
        &[
            "GET / HTTP/2.0\r\n\r\n",
            "GET / HTTP/1.2\r\n\r\n",
            "GET / HTTP/0.9\r\n\r\n",
            "GET / HTTP/5.6\r\n\r\n",
        ],
    );
}

#[test]
fn line_ends_and_controls() {
    refused(
        400,
        &[
            "GET / HTTP/1.1\nHost: a.example\r\n\r\n",
            "GET / HTTP/1.1\rHost: a.example\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a.example\n\r\n",
            "GET / HTTP/1.1\r\nHost: a.example\r\n\n",
            "GET / HTTP/1.1\r\nHost: a.example\r\n\rX",
            "GET / HTTP/1.1\r\nHost: a.example\r\r\n\r\n",
            "GET /\0 HTTP/1.1\r\nHost: a.example\r\n\r\n",
            "GET /\u{7f} HTTP/1.1\r\nHost: a.example\r\n\r\n",
            "GET / HTTP/1.1\r\n Host: a.example\r\n\r\n",
        ],
    );
    refused_fields(
        400,
        &[
            "X: a\0b",
            "X: a\u{b}b",
            "X: \u{c}",
            "X: a\u{1b}[31m",
            "X: a\u{7f}",
            "X: a\rY: b",
            "X: a\nY: b",
            "X: a\r\n b",
            "X: a\r\n\tb",
            "X : a",
            "X\t: a",
            ": a",
            "X",
            "X y: a",
            "X(): a",
            "\u{fc}: a",
        ],
    );
}

#[test]
fn framing() {
    refused_fields(
        400,
        &[
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 5",
            "Content-Length: 5\r\nContent-Length: 6",
            "Content-Length: 5\r\nContent-Length: 5",
            "Content-Length: 5, 5",
            "Content-Length: 5,6",
            "Content-Length: +5",
            "Content-Length: -5",
            "Content-Length: 0x5",
            "Content-Length: 5 5",
            "Content-Length: 5.0",
            "Content-Length:",
            "Content-Length: \u{b2}",
            "Content-Length: 18446744073709551616",
            "Content-Length : 5",
            "Content_Length: 5",
            "content_length: 5",
            "Transfer_Encoding: chunked",
            "TRANSFER_ENCODING: chunked",
            "Proxy_Connection: close",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
            "Transfer-Encoding:",
            "Transfer-Encoding\t: chunked",
            "Transfer-Encoding: \u{b}chunked",
            "Transfer-Encoding:\r\n chunked",
            "Connection: Content-Length",
            "Connection: close, transfer-encoding",
            "Connection: host",
            "Connection: a b",
            "Connection: \"close\"",
        ],
    );
    refused_fields(
        501,
        &[
            "Transfer-Encoding: identity",
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding: chunked, identity",
            "Transfer-Encoding: chunked, chunked",
            "Transfer-Encoding: chunked;q=1",
            "Transfer-Encoding: \"chunked\"",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding: chunkedchunked",
            "Transfer-Encoding: chunk\u{fc}",
            "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
        ],
    );
    refused(400, &["POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"]);
}

#[test]
fn hosts() {
    refused(
        400,
        &[
            "GET / HTTP/1.1\r\n\r\n",
            "GET http://a.example/ HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a.example\r\nhost: b.example\r\n\r\n",
            "GET / HTTP/1.0\r\nHost: a.example\r\nHost: b.example\r\n\r\n",
        ],
    );
    for host in [
        "",
        ":80",
        "a.example, b.example",
        "a.example b.example",
        "u@a.example",
        "a.example/",
        "a.example?x",
        "http://a.example",
        "a.example:",
        "a.example:0",
        "a.example:65536",
        "a.example:+80",
        "a.example:80:80",
        "a.example:8o",
        "a..example",
        "a%2eexample",
        "m\u{fc}nchen.example",
        "[::1",
        "::1",
        "[::1]x",
        "[::1%25eth0]",
        "[192.0.2.5]",
        "256.256.256.256",
        "a.example:000080",
        "a\\b",
        "a]b:80",
    ] {
        refused(400, &[&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")]);
    }
}

#[test]
fn targets() {
    for target in [
        "*",
        "a.example",
        "a.example/x",
        "a.example:80",
        "/#top",
        "/\u{e9}",
        "?q",
        "http:/a.example/",
        "http:a.example",
        "http://",
        "http:///a.example/",
        "ftp://a.example/",
        "file:///etc/passwd",
        "http://u@a.example/",
        "http://u:p@a.example/",
        "http://b.example@a.example/",
        "http://a.example\\@b.example/",
        "http://a.example:/",
        "http://a.example:0/",
        "http://a.example#",
        "http://b.example/",
        "http://a.example:81/",
        "http://a.example.b.example/",
        "http://[::1]/",
        "http://a%2eexample/",
    ] {
        refused(400, &[&format!("GET {target} HTTP/1.1\r\nHost: a.example:80\r\n\r\n")]);
    }
    refused(400, &["GET https://a.example/ HTTP/1.1\r\nHost: a.example:80\r\n\r\n"]);
    refused(400, &["connect a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n"]);
}

#[test]
fn connect_and_upgrade() {
    for target in [
        "a.example",
        "a.example:",
        "a.example:0",
        "a.example:65536",
        "a.example:x",
        "a.example:+443",
        ":443",
        "/",
        "*",
        "http://a.example:443/",
        "a.example:443/",
        "a.example:443?x",
        "u@a.example:443",
        "[::1]",
        "[::1]443",
        "::1:443",
        "m\u{fc}nchen.example:443",
        "b.example:443",
        "a.example:443#x",
    ] {
        refused(400, &[&format!("CONNECT {target} HTTP/1.1\r\nHost: a.example\r\n\r\n")]);
    }
    refused(
        400,
        &[
            "CONNECT a.example:443 HTTP/1.1\r\n\r\n",
            "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:80\r\n\r\n",
            "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\n",
            "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n",
            "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        ],
    );
    refused_fields(
        400,
        &[
            "Upgrade: h2c",
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: H2C\r\nHTTP2-Settings: AAMAAABk",
            "Upgrade: websocket, h2c",
            "Upgrade: HTTP/2.0",
            "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 4",
            "Connection: upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked",
        ],
    );
}

#[test]
fn near_misses_of_the_tables_pass() {
    let heads = [
        "GET / HTTP/1.1\r\nHost: a.example:65535\r\n\r\n",
        "GET /?u=http://b.example@c HTTP/1.1\r\nHost: a.example\r\nX_Forwarded: content_length\r\n\r\n",
        "GET /*%23 HTTP/1.1\r\nHost: a.example\r\nX-Content-Length: 5\r\nTE: trailers\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.example\r\nUpgrade-Insecure-Requests: 1\r\nX: h2c\r\n\r\n",
    ];
    for head in heads {
        assert_eq!(status_of(head), 200, "{head:?}");
    }
}
