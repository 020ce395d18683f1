//! The log as it grows: server-sent events, one a line of the trail.
//!
//! **Invariant:** a stream shows what `/events` would show, to whom it would show it, for as long as
//! it would; its beginning and its end are recorded; who does not read is not waited for by anybody.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use utoipa::IntoParams;

use crate::audit::{Act, Actor, Entry, Filter, Follower, Order, Record, pick};
use crate::web::Shared;
use crate::web::auth::Credential;
use crate::web::crowd::{Bounds, Crowd, Place};
use crate::web::events::mask::Mask;
use crate::web::events::{Inquiries, Reader, Sight, Ward, read, told_about};
use crate::web::problem::Problem;
use crate::web::query::Query;

mod begin;
mod told;

use begin::{From, from};
use told::{Told, frame};

/// Streams at one time, of one person and of all.
const PLACES: Bounds = Bounds { each: 4, all: 16 };
/// How often a reader hears something, and is looked at again, when nothing happens.
const BEAT: Duration = Duration::from_secs(15);
/// How long a reader may take to take what there is.
const STALL: Duration = Duration::from_secs(60);
/// How long a stream lasts: less than a connection may. Its reader goes on where it ended.
const LIFE: Duration = Duration::from_secs(9 * 60);
/// How many lines are read at once.
const BATCH: usize = 64;
/// How long it rests where the head is ahead of what can be read, while a segment is being made.
const PAUSE: Duration = Duration::from_millis(10);
/// How long streams are given to record their end at a stop.
const GRACE: Duration = Duration::from_secs(3);
/// How long a reader has to take the word that its stream ends.
const FAREWELL: Duration = Duration::from_secs(1);

/// What may stand behind `?`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "a description; `Query` reads by its names")]
pub(in crate::web) struct Streamed {
    /// A person; for whom names are pseudonyms, a pseudonym.
    user: Option<String>,
    /// A filtering group.
    group: Option<String>,
    /// A device; for whom names are pseudonyms, a pseudonym.
    device: Option<String>,
    /// A client's address; for whom names are pseudonyms, a pseudonym.
    client: Option<String>,
    /// A host, its subdomains included.
    host: Option<String>,
    /// A category that decided, or that matched besides.
    #[param(max_length = 100)]
    category: Option<String>,
    /// `event.action`: `allow`, `alert`, `block`, or what staff did.
    #[param(max_length = 100)]
    action: Option<String>,
    /// The rung that decided.
    #[param(max_length = 100)]
    rung: Option<String>,
    /// Words that all stand in what was searched for, or was being typed, in either case.
    #[param(max_length = 100)]
    search: Option<String>,
    /// A temporary unblock.
    unblock: Option<uuid::Uuid>,
    /// Which kind of event: `access`, `close`, `change`, `unblock`, `read`, `auth`, `selftest`,
    /// `system`.
    #[param(max_length = 100)]
    dataset: Option<String>,
    /// Go on behind this sequence; `Last-Event-ID` stands above it.
    #[param(minimum = 0)]
    after: Option<u64>,
    /// Begin with so many lines of the trail from before now.
    #[param(minimum = 0, maximum = 1000)]
    last: Option<u64>,
    /// What you look at it for: needed with names, and recorded.
    #[param(min_length = 10, max_length = 1000)]
    reason: Option<String>,
}

/// Where a reader goes on.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "a description; it is read from the fields")]
pub(in crate::web) struct Resumed {
    /// The `id` of the last event that came: a browser sends it by itself.
    #[param(rename = "Last-Event-ID", minimum = 0)]
    last_event_id: Option<u64>,
}

/// The streams that are open.
#[derive(Debug)]
pub(in crate::web) struct Streams {
    crowd: Arc<Crowd<String>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// Why a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// Its reader went away.
    Reader,
    /// Its reader took nothing for a minute.
    Stalled,
    /// The account, its role or its sign-in is no more what it was.
    Access,
    /// It lasted as long as one may.
    Time,
    /// The gateway stops.
    Stop,
    /// The trail or the store could not be read.
    Fault,
}

/// One stream.
struct Stream {
    shared: Shared,
    actor: Actor,
    client: Option<std::net::IpAddr>,
    credential: Option<Credential>,
    sight: Sight,
    inquiries: Inquiries,
    /// Whom it is about, where that is no pupil.
    routed: Option<String>,
    mask: Mask,
    filter: Filter,
    out: mpsc::Sender<Bytes>,
    began: u64,
    /// The last line that was read, whether or not it was asked for.
    last: u64,
    sent: u64,
    _place: Place<String>,
}

impl Streams {
    /// None yet.
    pub(in crate::web) fn new() -> Streams {
        Streams { crowd: Crowd::new(PLACES), tasks: TaskTracker::new(), stop: CancellationToken::new() }
    }

    /// Ends every stream, and waits until that is recorded.
    pub(in crate::web) async fn end(&self) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(GRACE, self.tasks.wait()).await.is_err() {
            tracing::warn!("streams of the log were cut off at the stop, and their ends not recorded");
        }
    }
}

/// Begins a stream for a reader, and records that.
pub(in crate::web) async fn stream(
    shared: &Shared,
    (uri, headers): (&Uri, &HeaderMap),
    reader: Reader,
    credential: Option<Credential>,
) -> Result<Response, Problem> {
    let query = Query::read::<Streamed>(uri)?;
    let (ward, inquiries) = (Ward::of(&reader.inquiries, shared).await?, reader.inquiries.clone());
    let (filter, mask) = read(&query, &reader.sight, ward)?;
    let (actor, client) = (reader.actor.clone(), reader.client);
    let asked_from = from(shared, &query, headers)?;
    let place = shared.streams.crowd.admit(whose(&actor)).ok_or_else(too_many)?;
    let (act, sight) = reader.search("events.stream", &query, shared).await?;
    let act = match asked_from {
        // Also where it stands in the head of the request.
        From::Behind(sequence) => act.with("after", sequence),
        From::Last(_) | From::Now => act,
    };
    let routed = act.details.get("routed").and_then(Value::as_str).map(ToOwned::to_owned);
    let began = shared.control.record(Entry::Read(act)).await?;
    let after = match asked_from {
        From::Behind(sequence) => sequence,
        From::Last(count) => began.saturating_sub(count + 1),
        From::Now => began,
    };
    let (out, frames) = mpsc::channel(1);
    let stream = Stream {
        shared: shared.clone(),
        actor,
        client,
        credential,
        sight,
        inquiries,
        routed,
        mask,
        filter: Filter { order: Order::OldestFirst, closes: crate::audit::Closes::Apart, ..filter },
        out,
        began,
        last: after,
        sent: 0,
        _place: place,
    };
    let stop = shared.streams.stop.clone();
    shared.streams.tasks.spawn(stream.run(stop));
    let frames = futures_util::stream::unfold(frames, |mut frames| async {
        let frame = frames.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(frame), frames))
    });
    Ok(([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(frames.fuse())).into_response())
}

impl Stream {
    async fn run(mut self, stop: CancellationToken) {
        let ended = tokio::select! {
            () = stop.cancelled() => Ended::Stop,
            () = tokio::time::sleep(LIFE) => Ended::Time,
            ended = self.deliver() => ended,
        };
        let told = frame("end", None, &json!({ "reason": ended.as_str() }).to_string());
        // Whoever is gone, or takes nothing, is not told; others may be taking what was before.
        let _ = tokio::time::timeout(FAREWELL, self.out.send(told.into())).await;
        let act = Act::new(self.actor, "events.stream_ended")
            .with("stream", self.began)
            .with("sent", self.sent)
            .with("last", self.last)
            .with("ended_by", ended.as_str());
        let act = told_about(Act { client: self.client, ..act }, self.routed.as_deref());
        if let Err(fault) = self.shared.recorder.record(Entry::Read(act)).await {
            tracing::error!(%fault, "could not record the end of a stream of the log");
        }
    }

    /// Sends what there is and what comes, until something ends it.
    async fn deliver(&mut self) -> Ended {
        let start = frame("start", None, &json!({ "audit_seq": self.began }).to_string());
        let mut follower = self.shared.recorder.follow(self.last);
        let mut told = Told { text: start, events: 0 };
        let mut has_caught_up = false;
        loop {
            if let Err(ended) = self.send(told).await {
                return ended;
            }
            told = loop {
                let before = self.last;
                let (read, next) = match self.next(follower).await {
                    Ok(next) => next,
                    Err(ended) => return ended,
                };
                follower = read;
                if next.events > 0 {
                    break next;
                }
                if follower.is_behind() {
                    // Where little is asked for, nothing is sent that would tell of its reader's leaving.
                    let pause = if self.last == before { PAUSE } else { Duration::ZERO };
                    match rested(&self.out, pause).await {
                        Ok(()) => continue,
                        Err(ended) => return ended,
                    }
                }
                if !std::mem::replace(&mut has_caught_up, true) {
                    break Told::beat();
                }
                tokio::select! {
                    more = follower.more() => if !more { return Ended::Stop },
                    () = self.out.closed() => return Ended::Reader,
                    () = tokio::time::sleep(BEAT) => break Told::beat(),
                }
            };
        }
    }

    /// Hands over once the reader has taken what was before, and may still see it.
    async fn send(&mut self, told: Told) -> Result<(), Ended> {
        let room = tokio::time::timeout(STALL, self.out.reserve()).await;
        let room = room.map_err(|_| Ended::Stalled)?.map_err(|_| Ended::Reader)?;
        if !self.may_see().await? {
            return Err(Ended::Access);
        }
        room.send(told.text.into());
        self.sent += told.events;
        Ok(())
    }

    /// Whether whoever reads would still be shown the same by a new request.
    async fn may_see(&self) -> Result<bool, Ended> {
        let Some(credential) = &self.credential else { return Ok(true) };
        let fault = |_| Ended::Fault;
        let Some(staff) = credential.staff(&self.shared).await.map_err(fault)? else { return Ok(false) };
        // Who is told of more, or of less, asks anew.
        if Inquiries::of(&staff) != self.inquiries {
            return Ok(false);
        }
        let sight = Sight::of(&staff, &self.shared).await.map_err(fault)?;
        Ok(match (&self.sight, sight) {
            (Sight::Names, Some(Sight::Names)) | (Sight::Pseudonyms(_), Some(Sight::Pseudonyms(_))) => true,
            (_, None) | (Sight::Names, Some(Sight::Pseudonyms(_))) => false,
            // Who may see more asks anew, and says what for.
            (Sight::Pseudonyms(_), Some(Sight::Names)) => false,
        })
    }

    /// The next lines of the trail.
    async fn next(&mut self, mut follower: Follower) -> Result<(Follower, Told), Ended> {
        let read = tokio::task::spawn_blocking(move || {
            let lines = follower.read(BATCH);
            (follower, lines)
        });
        let (follower, lines) = read.await.map_err(|_| Ended::Fault)?;
        self.last = follower.last();
        let failed = |fault: &dyn std::error::Error| {
            tracing::error!(%fault, "a stream of the log could not read on");
            Ended::Fault
        };
        let lines = lines.map_err(|fault| failed(&fault))?;
        let mut told = Told::default();
        for record in pick(&self.filter, &lines).map_err(|fault| failed(&fault))? {
            if let Some((sequence, data)) = self.shown(record) {
                told.text.push_str(&frame("event", Some(sequence), &data));
                told.events += 1;
            }
        }
        Ok((follower, told))
    }

    /// The event as its reader may see it: the line itself, where nothing of it is kept back.
    fn shown(&self, record: Record) -> Option<(u64, String)> {
        let Record { sequence, event, line } = record;
        let whole = event.clone();
        let seen = self.mask.seen(event)?;
        Some((sequence, if seen == whole { line } else { seen.to_string() }))
    }
}

impl Ended {
    fn as_str(self) -> &'static str {
        match self {
            Ended::Reader => "reader",
            Ended::Stalled => "stalled",
            Ended::Access => "access",
            Ended::Time => "time",
            Ended::Stop => "stop",
            Ended::Fault => "fault",
        }
    }
}

/// Rests for a while, unless the reader has left.
async fn rested(out: &mpsc::Sender<Bytes>, pause: Duration) -> Result<(), Ended> {
    tokio::select! {
        biased;
        () = out.closed() => Err(Ended::Reader),
        () = tokio::time::sleep(pause) => Ok(()),
    }
}

/// Whose streams count together.
fn whose(actor: &Actor) -> String {
    match actor {
        Actor::Staff(name) => format!("staff {name}"),
        Actor::Local => "local".to_owned(),
        Actor::System => "system".to_owned(),
    }
}

fn too_many() -> Problem {
    let detail = format!("a person may have {} streams open, and all together {}", PLACES.each, PLACES.all);
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", detail).with("retry_after", 30)
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_finds_nothing_rests_and_notices_that_its_reader_left() {
        let (out, frames) = mpsc::channel(1);
        let began = Instant::now();
        assert_eq!(rested(&out, PAUSE).await, Ok(()));
        assert!(began.elapsed() >= PAUSE);
        drop(frames);
        assert_eq!(rested(&out, Duration::ZERO).await, Err(Ended::Reader));
    }
}
