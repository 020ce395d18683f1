//! How long 64 MiB take through a tunnel: ours, and tokio's own as the measure to hold it to.
#![allow(clippy::unwrap_used, reason = "a bench ends by panicking")]

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use schoolgate::proxy::splice::{self, Traffic, Tunnel};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

const BYTES: usize = 64 << 20;
const CHUNK: usize = 256 << 10;

/// What passes the bytes on.
#[derive(Clone, Copy)]
enum Relay {
    Ours,
    Tokio,
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (near, far) =
        tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), async { listener.accept().await });
    let (near, far) = (near.unwrap(), far.unwrap().0);
    near.set_nodelay(true).unwrap();
    far.set_nodelay(true).unwrap();
    (near, far)
}

/// One download, from the first byte sent to the last byte read.
async fn download(relay: Relay) -> Duration {
    let (mut browser, client) = pair().await;
    let (origin, mut server) = pair().await;
    let passing = tokio::spawn(pass(relay, client, origin));
    let began = Instant::now();
    let sending = tokio::spawn(async move {
        let chunk = vec![b'x'; CHUNK];
        for _ in 0..BYTES / CHUNK {
            server.write_all(&chunk).await.unwrap();
        }
        server.shutdown().await.unwrap();
        server
    });
    let mut buffer = vec![0; CHUNK];
    let mut left = BYTES;
    while left > 0 {
        let read = browser.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the tunnel ended early");
        left -= read;
    }
    let took = began.elapsed();
    drop(browser);
    sending.await.unwrap();
    passing.await.unwrap();
    took
}

async fn pass(relay: Relay, mut client: TcpStream, mut origin: TcpStream) {
    match relay {
        Relay::Ours => {
            let ends = Tunnel { client, from_client: Vec::new(), origin, from_origin: Vec::new() };
            splice::run(ends, &Traffic::default(), Duration::from_secs(60)).await;
        }
        // The browser may be gone before the last word: that is its right.
        Relay::Tokio => drop(tokio::io::copy_bidirectional(&mut client, &mut origin).await),
    }
}

fn relays(c: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut group = c.benchmark_group("relay/64 MiB");
    group.sample_size(10).throughput(Throughput::Bytes(BYTES as u64));
    for (name, relay) in [("splice", Relay::Ours), ("tokio copy_bidirectional", Relay::Tokio)] {
        group.bench_function(name, |b| {
            b.iter_custom(|times| (0..times).map(|_| runtime.block_on(download(relay))).sum::<Duration>());
        });
    }
    group.finish();
}

criterion_group!(benches, relays);
criterion_main!(benches);
