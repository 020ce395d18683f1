//! Bodies on their way: counted, watched, and cut when policy says so.
//!
//! **Invariant:** a body that did not come whole ends in an error, so that no cut answer is
//! ever taken for a complete one (invariant 18); its access is closed in the record.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::audit::ClosedBy;
use crate::proxy::gate::Open;
use crate::proxy::refuse::Failure;
use crate::proxy::session::{Session, UnderWay};
use crate::telemetry::Direction;

/// Why a body ended before its time.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// The sender broke off.
    #[error("the body broke off: {0}")]
    Broken(#[from] hyper::Error),
    /// Nothing moved for too long.
    #[error("the body stood still for too long")]
    Idle,
    /// Policy no longer allows the access.
    #[error("policy no longer allows it")]
    Cut,
}

impl BodyError {
    /// What a client is answered whose request's body did not come whole.
    pub(super) fn of_request(&self) -> Failure {
        match self {
            BodyError::Broken(_) | BodyError::Cut => {
                Failure::BadRequest(400, "the body of the request could not be read")
            }
            BodyError::Idle => Failure::BadRequest(408, "the body of the request took too long"),
        }
    }
}

/// A body of an answer to a client: a page of ours, or an origin's.
pub(super) struct Payload(UnsyncBoxBody<Bytes, BodyError>);

/// A body of which the start may have been held back.
pub(super) struct Whole {
    held: VecDeque<Frame<Bytes>>,
    rest: Incoming,
}

/// A client's body on its way to the origin, counted.
pub(super) struct Uploaded {
    body: Whole,
    count: Arc<AtomicU64>,
    moved: Arc<AtomicU64>,
    idle: Idle,
}

/// An origin's body on its way to the client, with the access that it belongs to.
pub(super) struct Downloaded {
    body: Whole,
    session: Arc<Session>,
    moved: Arc<AtomicU64>,
    _under_way: UnderWay,
    open: Option<Open>,
    up: Arc<AtomicU64>,
    down: u64,
    closed_by: ClosedBy,
    idle: Idle,
    refused: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Notices that nothing moves.
struct Idle {
    span: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl Payload {
    pub(super) fn new(body: impl Body<Data = Bytes, Error = BodyError> + Send + 'static) -> Payload {
        Payload(body.boxed_unsync())
    }
}

impl Whole {
    /// What was held back, and what is still to come.
    pub(super) fn new(held: VecDeque<Frame<Bytes>>, rest: Incoming) -> Whole {
        Whole { held, rest }
    }
}

impl Uploaded {
    /// `count` is of its bytes, `moved` counts up with every part of it.
    pub(super) fn new(body: Whole, count: Arc<AtomicU64>, moved: Arc<AtomicU64>, idle: Duration) -> Uploaded {
        Uploaded { body, count, moved, idle: Idle::new(idle) }
    }
}

impl Downloaded {
    /// `refused` is done when policy no longer allows the access.
    pub(super) fn new(
        body: Whole,
        session: Arc<Session>,
        under_way: UnderWay,
        open: Open,
        up: Arc<AtomicU64>,
        refused: impl Future<Output = ()> + Send + 'static,
    ) -> Downloaded {
        let idle = Idle::new(session.gate.bounds.idle);
        let closed_by = if body.is_end_stream() { ClosedBy::Origin } else { ClosedBy::Client };
        Downloaded {
            body,
            moved: session.moved(),
            session,
            _under_way: under_way,
            open: Some(open),
            up,
            down: 0,
            closed_by,
            idle,
            refused: Box::pin(refused),
        }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl Body for Whole {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.held.pop_front() {
            Some(frame) => Poll::Ready(Some(Ok(frame))),
            None => Pin::new(&mut self.rest).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let held: u64 = self.held.iter().map(length).sum();
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + held);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + held);
        }
        hint
    }
}

impl Body for Uploaded {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let uploaded = &mut *self;
        match Pin::new(&mut uploaded.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                uploaded.idle.moved();
                uploaded.moved.fetch_add(1, Ordering::Relaxed);
                if let Some(Ok(frame)) = &frame {
                    uploaded.count.fetch_add(length(frame), Ordering::Relaxed);
                }
                Poll::Ready(frame.map(|frame| frame.map_err(BodyError::Broken)))
            }
            Poll::Pending => {
                ready!(uploaded.idle.poll(cx));
                Poll::Ready(Some(Err(BodyError::Idle)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Body for Downloaded {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let downloaded = &mut *self;
        if downloaded.refused.as_mut().poll(cx).is_ready() {
            downloaded.closed_by = ClosedBy::Policy;
            return Poll::Ready(Some(Err(BodyError::Cut)));
        }
        match Pin::new(&mut downloaded.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                downloaded.idle.moved();
                downloaded.moved.fetch_add(1, Ordering::Relaxed);
                downloaded.down += length(&frame);
                if downloaded.body.is_end_stream() {
                    downloaded.closed_by = ClosedBy::Origin;
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(fault))) => {
                downloaded.closed_by = ClosedBy::Error;
                Poll::Ready(Some(Err(BodyError::Broken(fault))))
            }
            Poll::Ready(None) => {
                downloaded.closed_by = ClosedBy::Origin;
                Poll::Ready(None)
            }
            Poll::Pending => {
                ready!(downloaded.idle.poll(cx));
                downloaded.closed_by = ClosedBy::Gateway;
                Poll::Ready(Some(Err(BodyError::Idle)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Downloaded {
    fn drop(&mut self) {
        let up = self.up.load(Ordering::Relaxed);
        self.session.gate.metrics.bytes(Direction::Up, up);
        self.session.gate.metrics.bytes(Direction::Down, self.down);
        let cut = self.closed_by == ClosedBy::Client && self.session.gate.cut.is_cancelled();
        let closed_by = if cut { ClosedBy::Gateway } else { self.closed_by };
        if let Some(open) = self.open.take() {
            open.end(up, self.down, closed_by);
        }
    }
}

impl Idle {
    fn new(span: Duration) -> Idle {
        Idle { span, sleep: Box::pin(tokio::time::sleep(span)) }
    }

    fn moved(&mut self) {
        let deadline = Instant::now() + self.span;
        self.sleep.as_mut().reset(deadline);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().poll(cx)
    }
}

fn length(frame: &Frame<Bytes>) -> u64 {
    frame.data_ref().map_or(0, |data| data.len() as u64)
}
