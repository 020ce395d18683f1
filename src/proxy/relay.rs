//! Passes bytes between a client and an origin where TLS ends here: what an upgrade was granted to.
//!
//! **Invariant:** as in [`super::splice`]: every byte counted was passed, and the end of one
//! direction does not cut the other short.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::proxy::splice::{self, EndedBy, Traffic};

/// Bytes moved at a time; what a TLS record holds.
const CHUNK: usize = 16 * 1024;

/// Passes bytes until both ends are done, one breaks, or nothing moves for `idle`.
pub(super) async fn run<C, O>(client: C, origin: O, traffic: &Traffic, idle: Duration) -> EndedBy
where
    C: AsyncRead + AsyncWrite + Unpin,
    O: AsyncRead + AsyncWrite + Unpin,
{
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_origin, mut to_origin) = tokio::io::split(origin);
    let up = pump(&mut from_client, &mut to_origin, &traffic.up);
    let down = pump(&mut from_origin, &mut to_client, &traffic.down);
    splice::both(up, down, traffic, idle).await
}

async fn pump(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    count: &AtomicU64,
) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            // The other side may be gone already; then there is nobody to tell.
            let _ = to.shutdown().await;
            return Ok(());
        }
        to.write_all(&buffer[..read]).await?;
        to.flush().await?;
        count.fetch_add(read as u64, Ordering::Relaxed);
    }
}
