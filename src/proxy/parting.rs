//! Takes leave of a client in such a way that it can read the last thing it was told.
//!
//! **Invariant:** what still arrives is thrown away unread by anybody, for a bounded time and
//! up to a bounded count.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// How long a client may take to see the end.
const LINGER: Duration = Duration::from_secs(2);
/// Most bytes that are thrown away meanwhile.
const MOST: usize = 8 << 20;

/// Says that no more will come, and waits until the client has seen it. To close with bytes
/// unread would reset the connection, and the answer on its way with it (RFC 9112 section 9.6).
pub(super) async fn part(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    stream.shutdown().await?;
    let drained = async {
        let mut waste = vec![0; 16 * 1024];
        let mut left = MOST;
        while let Ok(count @ 1..) = stream.read(&mut waste).await {
            left = left.saturating_sub(count);
            if left == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(LINGER, drained).await;
    Ok(())
}
