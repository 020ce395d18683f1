//! Stands between a client's socket and hyper: every request head is judged strictly before
//! hyper sees it, and a body is followed to its end so that the next head's start is known.
//!
//! **Invariant:** hyper is given whole, unambiguous heads only (RFC 9112; invariant 16), and
//! after CONNECT or an upgrade nothing, until it is known what the bytes are (invariant 17).

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::proxy::line::Line;
use crate::proxy::sniff::Prefixed;
use crate::wire::Scan;
use crate::wire::chunked::Chunked;
use crate::wire::http_head::{self, Body, Head, HeadFault};

/// Bytes asked of the socket at a time.
const CHUNK: usize = 16 * 1024;

/// A client's connection under guard.
pub(super) struct Guard {
    stream: Line,
    buffer: Vec<u8>,
    state: State,
    waits: Waits,
    deadline: Pin<Box<Sleep>>,
    /// Runs while the client takes none of what it is sent.
    stalled: Option<Pin<Box<Sleep>>>,
    fault_in_head: Option<HeadFault>,
    /// How many requests are being answered: while one is, the client may be silent.
    under_way: Arc<AtomicUsize>,
}

/// How long the guard waits for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waits {
    /// For a whole head, from its first byte.
    pub(super) head: Duration,
    /// For the first byte of a head, and between bytes of a body.
    pub(super) idle: Duration,
    /// The longest head, in bytes.
    pub(super) head_bytes: usize,
}

enum State {
    /// Waiting for a head; true once its first byte has come.
    Head { begun: bool },
    /// A judged head, of which so many bytes are still to be handed on, and what follows it.
    Passing(usize, After),
    /// In a body of known length, with so many bytes to go.
    Length(u64),
    /// In a chunked body.
    Chunked(Chunked),
    /// Behind CONNECT or an upgrade: nothing is handed on.
    Held,
    /// A fault was found, or the client closed: hyper sees the end.
    Over,
}

enum After {
    Head,
    Length(u64),
    Chunked,
    Held,
}

impl Guard {
    pub(super) fn new(connection: Prefixed<Line>, waits: Waits, under_way: Arc<AtomicUsize>) -> Guard {
        let begun = !connection.read.is_empty();
        let wait = if begun { waits.head } else { waits.idle };
        Guard {
            stream: connection.stream,
            buffer: connection.read,
            state: State::Head { begun },
            waits,
            deadline: Box::pin(tokio::time::sleep(wait)),
            stalled: None,
            fault_in_head: None,
            under_way,
        }
    }

    /// The fault in a head for which the guard ended the connection, if it did. Of a fault in a
    /// body hyper sees the end and answers: one request, one answer.
    pub(super) fn fault_in_head(&self) -> Option<HeadFault> {
        self.fault_in_head
    }

    /// The bare connection with what was read and not handed on.
    pub(super) fn into_inner(self) -> Prefixed<Line> {
        Prefixed { stream: self.stream, read: self.buffer }
    }

    fn end(&mut self, fault: HeadFault) {
        if matches!(self.state, State::Head { .. }) {
            self.fault_in_head = Some(fault);
        }
        self.state = State::Over;
    }

    fn wait(&mut self, span: Duration) {
        self.deadline.as_mut().reset(Instant::now() + span);
    }

    /// Ends a wait for a client that takes nothing for too long.
    fn unless_stalled<T>(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.stalled = None;
            return polled;
        }
        let idle = self.waits.idle;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client took none of its answer")))
    }

    /// Judges what is buffered; moves on when a whole head is there.
    fn judge(&mut self) {
        match http_head::scan(&self.buffer, self.waits.head_bytes) {
            Scan::Incomplete => {}
            Scan::Refused(fault) => self.end(fault),
            Scan::Done(head) => {
                self.wait(self.waits.idle);
                self.state = State::Passing(head.len, after(&head));
            }
        }
    }

    /// Hands on what the state allows; `None` when more must be read first.
    fn hand_on(&mut self, into: &mut ReadBuf<'_>) -> Option<()> {
        let room = into.remaining();
        let count = match &mut self.state {
            State::Over => return Some(()),
            State::Head { .. } | State::Held => return None,
            State::Passing(left, _) => room.min(*left),
            State::Length(left) => room.min(self.buffer.len()).min(usize::try_from(*left).unwrap_or(room)),
            State::Chunked(chunked) => {
                let end = room.min(self.buffer.len());
                match chunked.advance(&self.buffer[..end]) {
                    Ok(progress) => {
                        if progress.done {
                            self.state = State::Passing(progress.consumed, After::Head);
                            return self.hand_on(into);
                        }
                        progress.consumed
                    }
                    Err(fault) => {
                        self.end(fault);
                        return Some(());
                    }
                }
            }
        };
        if count == 0 {
            return None;
        }
        into.put_slice(&self.buffer[..count]);
        self.buffer.drain(..count);
        self.advance(count);
        Some(())
    }

    fn advance(&mut self, count: usize) {
        let state = std::mem::replace(&mut self.state, State::Over);
        self.state = match state {
            State::Passing(left, after) if left == count => match after {
                After::Head => State::Head { begun: !self.buffer.is_empty() },
                After::Length(0) => State::Head { begun: !self.buffer.is_empty() },
                After::Length(length) => State::Length(length),
                After::Chunked => State::Chunked(Chunked::new()),
                After::Held => State::Held,
            },
            State::Passing(left, after) => State::Passing(left - count, after),
            State::Length(left) if left == count as u64 => State::Head { begun: !self.buffer.is_empty() },
            State::Length(left) => State::Length(left - count as u64),
            other @ (State::Head { .. } | State::Chunked(_) | State::Held | State::Over) => other,
        };
        if let State::Head { begun } = self.state {
            self.wait(if begun { self.waits.head } else { self.waits.idle });
        }
    }

    /// Reads once more; `Ready(false)` at the end of what the client sends.
    fn fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let start = self.buffer.len();
        self.buffer.resize(start + CHUNK, 0);
        let mut into = ReadBuf::new(&mut self.buffer[start..]);
        let polled = Pin::new(&mut self.stream).poll_read(cx, &mut into);
        let count = into.filled().len();
        self.buffer.truncate(start + count);
        ready!(polled)?;
        if count > 0 {
            let first = matches!(self.state, State::Head { begun: false });
            match (&self.state, first) {
                (_, true) => {
                    self.state = State::Head { begun: true };
                    self.wait(self.waits.head);
                }
                (State::Head { .. }, false) => {}
                (
                    State::Passing(..) | State::Length(_) | State::Chunked(_) | State::Held | State::Over,
                    false,
                ) => {
                    self.wait(self.waits.idle);
                }
            }
        }
        Poll::Ready(Ok(count > 0))
    }

    fn timed_out(&mut self) {
        match self.state {
            State::Head { .. } if self.under_way.load(Ordering::Relaxed) > 0 => self.wait(self.waits.idle),
            State::Head { begun: true } => {
                self.end(HeadFault { status: 408, reason: "the request head took too long" })
            }
            State::Head { begun: false } | State::Over => self.state = State::Over,
            State::Passing(..) | State::Length(_) | State::Chunked(_) | State::Held => {
                self.end(HeadFault { status: 408, reason: "the request body took too long" });
            }
        }
    }
}

fn after(head: &Head) -> After {
    if head.connect || head.upgrade {
        return After::Held;
    }
    match head.body {
        Body::None => After::Head,
        Body::Length(length) => After::Length(length),
        Body::Chunked => After::Chunked,
    }
}

impl AsyncRead for Guard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let guard = &mut *self;
        loop {
            if matches!(guard.state, State::Head { .. }) && !guard.buffer.is_empty() {
                guard.judge();
            }
            if guard.hand_on(into).is_some() {
                return Poll::Ready(Ok(()));
            }
            if matches!(guard.state, State::Held) {
                return Poll::Pending;
            }
            match guard.fill(cx) {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false)) => {
                    guard.state = State::Over;
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Err(fault)) => return Poll::Ready(Err(fault)),
                Poll::Pending => {
                    ready!(guard.deadline.as_mut().poll(cx));
                    guard.timed_out();
                }
            }
        }
    }
}

impl AsyncWrite for Guard {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.unless_stalled(cx, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.unless_stalled(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Flushes and no more: the connection may go on as another protocol, or with an answer to
    /// a fault; whoever takes it back from hyper closes it.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}
