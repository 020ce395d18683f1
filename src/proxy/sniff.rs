//! Looks at what a connection opens with, without using it up.
//!
//! **Invariant:** the look is bounded in bytes and in time, whatever the segmentation; what was
//! read stays, byte for byte, for whoever acts on it.

use std::io;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::wire::Scan;
use crate::wire::client_hello::{HelloFault, MAX_HELLO};
use crate::wire::opening::{self, Opening};

/// A connection with the bytes that were read from it and not yet used.
pub(super) struct Prefixed {
    pub(super) stream: TcpStream,
    pub(super) read: Vec<u8>,
}

/// What a connection opened with.
pub(super) enum Seen {
    /// It can be told.
    Opening(Opening),
    /// A ClientHello that no browser would send.
    Malformed(HelloFault),
    /// It ended, or stayed silent, before enough was said.
    Unfinished(Unfinished),
}

/// How it stayed unfinished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfinished {
    /// The client closed.
    Closed,
    /// The deadline passed.
    TimedOut,
}

/// Reads until the opening is clear, within `deadline` in all.
///
/// # Errors
/// What the socket says.
pub(super) async fn opening(connection: &mut Prefixed, deadline: Duration) -> io::Result<Seen> {
    let look = async {
        loop {
            match opening::scan(&connection.read) {
                Scan::Done(opening) => return Ok(Seen::Opening(opening)),
                Scan::Refused(fault) => return Ok(Seen::Malformed(fault)),
                Scan::Incomplete if connection.read.len() >= MAX_HELLO => {
                    return Ok(Seen::Malformed(HelloFault::TooLong));
                }
                Scan::Incomplete => {}
            }
            if connection.stream.read_buf(&mut connection.read).await? == 0 {
                return Ok(Seen::Unfinished(Unfinished::Closed));
            }
        }
    };
    match tokio::time::timeout(deadline, look).await {
        Ok(seen) => seen,
        Err(_) => Ok(Seen::Unfinished(Unfinished::TimedOut)),
    }
}
