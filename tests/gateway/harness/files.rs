//! Files that an origin hands out: what they say they are, and what they are.

use std::io::Write;

/// What every program says of itself.
const SAYING: &[u8] = b"This program cannot be run in DOS mode.";

/// A program for Windows as it begins: `MZ`, where its own header is, and that header.
fn program() -> Vec<u8> {
    let mut bytes = vec![0; 0x100];
    bytes[..2].copy_from_slice(b"MZ");
    bytes[0x3c] = 0x80;
    bytes[0x40..0x40 + SAYING.len()].copy_from_slice(SAYING);
    bytes[0x80..0x84].copy_from_slice(b"PE\0\0");
    bytes
}

/// The whole answer for a file.
pub(super) fn reply(name: &str) -> Vec<u8> {
    match name {
        "program" => whole("application/octet-stream", "", &program()),
        "program-as-picture.png" => whole("image/png", "", &program()),
        "program-in-pieces" => in_pieces(&program()),
        "program-gzipped" => whole("text/plain", "Content-Encoding: gzip\r\n", &gzipped(&program())),
        "film.mp4" => whole("video/mp4", "", b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom and so on"),
        _ => whole("text/html", "", b"<!doctype html><p>This page is a page.</p>"),
    }
}

fn whole(kind: &str, field: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{field}Content-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// A byte a chunk.
fn in_pieces(body: &[u8]) -> Vec<u8> {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    let pieces = body.iter().flat_map(|byte| [b'1', b'\r', b'\n', *byte, b'\r', b'\n']);
    head.into_iter().chain(pieces).chain(*b"0\r\n\r\n").collect()
}

fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(body).unwrap();
    packed.finish().unwrap()
}
