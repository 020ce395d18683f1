//! How long the readers of first bytes take: hellos with rustls beside, and a request head.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rustls::server::Acceptor;
use schoolgate::wire::{Scan, client_hello, http_head};

const CHROMIUM: &[u8] = include_bytes!("../tests/fixtures/clienthello/chromium156-bbc-1.bin");
const FIREFOX: &[u8] = include_bytes!("../tests/fixtures/clienthello/firefox153-gmail-1.bin");
const SPLIT: &[u8] = include_bytes!("../tests/fixtures/clienthello/openssl-split-records-512.bin");

/// What a browser sends to a proxy.
const HEAD: &[u8] = b"GET http://www.example.org/search?q=photosynthesis+for+year+8&hl=en HTTP/1.1\r\n\
    Host: www.example.org\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
    Accept-Language: en-GB,en;q=0.9,cy;q=0.8\r\n\
    Accept-Encoding: gzip, deflate\r\n\
    Referer: http://www.example.org/\r\n\
    Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; seen=1\r\n\
    Proxy-Connection: keep-alive\r\n\
    Upgrade-Insecure-Requests: 1\r\n\r\n";

fn hellos(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hello");
    for (name, bytes) in [("chromium", CHROMIUM), ("firefox", FIREFOX), ("three records", SPLIT)] {
        assert!(matches!(client_hello::scan(bytes), Scan::Done(_)), "{name}");
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("{name}/ours"), |bencher| {
            bencher.iter(|| client_hello::scan(black_box(bytes)));
        });
        group.bench_function(format!("{name}/rustls"), |bencher| {
            bencher.iter(|| {
                let mut acceptor = Acceptor::default();
                acceptor.read_tls(&mut black_box(bytes)).expect("bytes in memory");
                acceptor.accept().is_ok()
            });
        });
    }
    group.finish();
}

fn heads(criterion: &mut Criterion) {
    assert!(matches!(http_head::scan(HEAD, http_head::MAX_HEAD), Scan::Done(_)));
    let mut group = criterion.benchmark_group("head");
    group.throughput(Throughput::Elements(1));
    group.bench_function("browser to proxy", |bencher| {
        bencher.iter(|| http_head::scan(black_box(HEAD), http_head::MAX_HEAD));
    });
    group.finish();
}

criterion_group!(benches, hellos, heads);
criterion_main!(benches);
