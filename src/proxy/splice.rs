//! Passes bytes between a client and an origin, untouched, both ways.
//!
//! **Invariant:** every byte counted was passed; a tunnel at rest holds no buffer; the end of
//! one direction does not cut the other short.

use std::cell::RefCell;
use std::io;
use std::net::Shutdown;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// Bytes moved per wake-up at the most; what a socket buffer commonly holds.
const CHUNK: usize = 64 * 1024;

thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; CHUNK].into_boxed_slice());
}

/// The two ends of a tunnel, with what was read from each and not yet passed on.
pub struct Tunnel {
    /// The client's connection.
    pub client: TcpStream,
    /// What the client has sent so far.
    pub from_client: Vec<u8>,
    /// The origin's connection.
    pub origin: TcpStream,
    /// What the origin has sent so far.
    pub from_origin: Vec<u8>,
}

/// How many bytes went which way; readable while the tunnel runs.
#[derive(Debug, Default)]
pub struct Traffic {
    pub(super) up: AtomicU64,
    pub(super) down: AtomicU64,
}

/// Who ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// The client closed first.
    Client,
    /// The origin closed first.
    Origin,
    /// Nothing moved for too long.
    Idle,
    /// A connection broke.
    Error,
}

impl Traffic {
    /// Bytes from the client.
    #[must_use]
    pub fn up(&self) -> u64 {
        self.up.load(Ordering::Relaxed)
    }

    /// Bytes to the client.
    #[must_use]
    pub fn down(&self) -> u64 {
        self.down.load(Ordering::Relaxed)
    }
}

/// Passes bytes until both ends are done, one breaks, or nothing moves for `idle`.
pub async fn run(mut tunnel: Tunnel, traffic: &Traffic, idle: Duration) -> EndedBy {
    if begin(&mut tunnel, traffic).await.is_err() {
        return EndedBy::Error;
    }
    let (client, origin) = (&tunnel.client, &tunnel.origin);
    let up = pump(client, origin, &traffic.up);
    let down = pump(origin, client, &traffic.down);
    both(up, down, traffic, idle).await
}

/// Waits for the ends of both directions, for one to break, or until nothing moves for `idle`.
pub(super) async fn both(
    up: impl Future<Output = io::Result<()>>,
    down: impl Future<Output = io::Result<()>>,
    traffic: &Traffic,
    idle: Duration,
) -> EndedBy {
    tokio::pin!(up, down);
    let mut ended = None;
    let mut watch = Watch::new(idle);
    let (mut up_done, mut down_done) = (false, false);
    loop {
        tokio::select! {
            result = &mut up, if !up_done => {
                up_done = true;
                if let Err(fault) = result { return broken(&fault, ended.unwrap_or(EndedBy::Client)) }
                ended.get_or_insert(EndedBy::Client);
            }
            result = &mut down, if !down_done => {
                down_done = true;
                if let Err(fault) = result { return broken(&fault, ended.unwrap_or(EndedBy::Origin)) }
                ended.get_or_insert(EndedBy::Origin);
            }
            () = watch.passed() => {
                if watch.is_still(traffic.up() + traffic.down()) { return EndedBy::Idle }
            }
        }
        if up_done && down_done {
            return ended.unwrap_or(EndedBy::Error);
        }
    }
}

/// Who ended what broke. Many leave TLS without taking leave (RFC 8446 section 6.1): that is an
/// end by whoever was read from; the other side is told of it as it came, without leave.
fn broken(fault: &io::Error, by: EndedBy) -> EndedBy {
    if fault.kind() == io::ErrorKind::UnexpectedEof { by } else { EndedBy::Error }
}

async fn begin(tunnel: &mut Tunnel, traffic: &Traffic) -> io::Result<()> {
    tunnel.origin.write_all(&tunnel.from_client).await?;
    traffic.up.fetch_add(tunnel.from_client.len() as u64, Ordering::Relaxed);
    tunnel.client.write_all(&tunnel.from_origin).await?;
    traffic.down.fetch_add(tunnel.from_origin.len() as u64, Ordering::Relaxed);
    (tunnel.from_client, tunnel.from_origin) = (Vec::new(), Vec::new());
    Ok(())
}

/// One direction, until its end; then tells the other side that no more will come.
async fn pump(from: &TcpStream, to: &TcpStream, count: &AtomicU64) -> io::Result<()> {
    loop {
        from.readable().await?;
        match pass(from, to, count) {
            Ok(Passed::All) => {}
            Ok(Passed::Some(rest)) => finish(to, &rest, count).await?,
            Ok(Passed::End) => {
                // The other side may be gone already; then there is nobody to tell.
                let _ = SockRef::from(to).shutdown(Shutdown::Write);
                return Ok(());
            }
            Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => {}
            Err(fault) => return Err(fault),
        }
    }
}

enum Passed {
    All,
    Some(Vec<u8>),
    End,
}

fn pass(from: &TcpStream, to: &TcpStream, count: &AtomicU64) -> io::Result<Passed> {
    BUFFER.with_borrow_mut(|buffer| {
        let read = from.try_read(buffer)?;
        if read == 0 {
            return Ok(Passed::End);
        }
        let written = match to.try_write(&buffer[..read]) {
            Ok(written) => written,
            Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => 0,
            Err(fault) => return Err(fault),
        };
        count.fetch_add(written as u64, Ordering::Relaxed);
        Ok(if written == read { Passed::All } else { Passed::Some(buffer[written..read].to_vec()) })
    })
}

async fn finish(to: &TcpStream, mut rest: &[u8], count: &AtomicU64) -> io::Result<()> {
    while !rest.is_empty() {
        to.writable().await?;
        match to.try_write(rest) {
            Ok(written) => {
                count.fetch_add(written as u64, Ordering::Relaxed);
                rest = &rest[written..];
            }
            Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(())
}

/// Notices when nothing has moved for a whole span.
struct Watch {
    idle: Duration,
    deadline: Instant,
    moved: u64,
}

impl Watch {
    fn new(idle: Duration) -> Watch {
        Watch { idle, deadline: Instant::now() + idle, moved: 0 }
    }

    async fn passed(&self) {
        tokio::time::sleep_until(self.deadline).await;
    }

    fn is_still(&mut self, moved: u64) -> bool {
        let still = moved == self.moved;
        self.moved = moved;
        self.deadline = Instant::now() + self.idle;
        still
    }
}
