//! One collector: connects, sends, falls back, catches up.

use std::collections::VecDeque;
use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, WriteHalf};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::audit::{Act, Actor, Entry, Follower, Pseudonyms, Recorder};
use crate::settings::{Syslog, SyslogNames};
use crate::shipping::cursor::Cursor;
use crate::shipping::frame::Framer;
use crate::shipping::link::{Dialler, Link};
use crate::telemetry::Metrics;

/// For how long a connection must have stood since something was written before that counts as sent;
/// more than [`crate::shipping::link::UNACKNOWLEDGED`].
pub(super) const KEEP: Duration = Duration::from_secs(20);
/// How many lines are read at once.
const BATCH: usize = 256;
/// How long is waited before a collector is tried again: at first, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// How long a connection must stand before the collector counts as back.
const SETTLED: Duration = Duration::from_secs(2);
/// How often places and lags are kept up.
const TICK: Duration = Duration::from_secs(1);
/// How long sending the rest may take at a stop, and how long the collector may take to say that it
/// has read it.
const GRACE: Duration = Duration::from_secs(2);

/// A collector and how far it has come.
pub(super) struct Sink {
    dialler: Dialler,
    cursor: Cursor,
    name: String,
    framer: Framer,
    recorder: Recorder,
    metrics: Metrics,
    /// Since it is away: said once.
    away: bool,
}

/// What is on its way.
struct Sending {
    follower: Option<Follower>,
    /// The last line that was written.
    last: u64,
    /// When what was written, up to which line.
    written: VecDeque<(Instant, u64)>,
    began: Instant,
    /// When the place was last looked after.
    kept: Instant,
}

impl Sink {
    pub(super) fn new(
        dialler: Dialler,
        cursor: Cursor,
        collector: Syslog,
        recorder: Recorder,
        metrics: Metrics,
        (gateway, pseudonyms): (&str, &Pseudonyms),
    ) -> Sink {
        let framer = Framer::new(gateway, collector.datasets);
        let framer = match collector.names {
            SyslogNames::Full => framer,
            SyslogNames::Pseudonyms => framer.under(pseudonyms.clone()),
        };
        Sink { dialler, cursor, name: collector.name, framer, recorder, metrics, away: false }
    }

    /// Sends until `stop`.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut pause = PAUSE.0;
        loop {
            let dialled = tokio::select! {
                () = stop.cancelled() => return,
                dialled = self.dialler.dial() => dialled,
            };
            let fault = match dialled {
                Err(fault) => fault,
                Ok(link) => {
                    let began = Instant::now();
                    let Err(fault) = self.ship(link, &stop).await else { return };
                    if began.elapsed() >= SETTLED {
                        pause = PAUSE.0;
                    }
                    fault
                }
            };
            self.lost(&fault).await;
            let until = Instant::now() + pause;
            pause = (pause * 2).min(PAUSE.1);
            while Instant::now() < until {
                self.lag(self.cursor.sequence());
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep_until(until.min(Instant::now() + TICK)) => {}
                }
            }
        }
    }

    /// Sends over one connection until it breaks, or all is sent at the stop.
    async fn ship(&mut self, link: Link, stop: &CancellationToken) -> io::Result<()> {
        let (reader, mut writer) = tokio::io::split(link);
        let mut gone = pin!(gone(reader));
        let mut sending = Sending::behind(self.recorder.follow(self.cursor.sequence()));
        while !stop.is_cancelled() {
            self.settle(&sending).await;
            self.keep(&mut sending).await;
            self.lag(sending.last);
            let frames = sending.read(&self.framer).await?;
            let sent = async {
                match frames {
                    Some(frames) => write(&mut writer, &frames).await,
                    None => {
                        sending.wait().await;
                        Ok(())
                    }
                }
            };
            tokio::select! {
                sent = sent => sent?,
                fault = gone.as_mut() => return Err(fault.unwrap_or_else(closed)),
                // In the middle of a frame: whatever followed on this connection would be taken for
                // the rest of it, and its lines for sent.
                () = grace(stop) => return Ok(()),
            }
            sending.sent();
        }
        // What is left is sent, and once the other side has read that to its end it closes too.
        let rest = async {
            while let Some(frames) = sending.read(&self.framer).await? {
                write(&mut writer, &frames).await?;
                sending.sent();
            }
            writer.shutdown().await
        };
        let all_sent = matches!(tokio::time::timeout(GRACE, rest).await, Ok(Ok(())));
        if all_sent && matches!(tokio::time::timeout(GRACE, gone).await, Ok(None)) {
            self.advance(sending.last).await;
        }
        Ok(())
    }

    /// The collector is back, once its connection has stood for a while.
    async fn settle(&mut self, sending: &Sending) {
        if !self.away || sending.began.elapsed() < SETTLED {
            return;
        }
        self.away = false;
        tracing::info!(sink = self.name, "a collector of syslog is back");
        let act = Act::new(Actor::System, "syslog.resumed").with("after", self.cursor.sequence());
        self.record(act).await;
    }

    async fn lost(&mut self, fault: &io::Error) {
        self.lag(self.cursor.sequence());
        if self.away {
            return;
        }
        self.away = true;
        tracing::warn!(sink = self.name, kind = ?fault.kind(), "a collector of syslog can't be sent to; trying again");
        let act = Act::new(Actor::System, "syslog.lost").with("after", self.cursor.sequence());
        self.record(act.with("fault", fault.to_string())).await;
    }

    async fn record(&self, act: Act) {
        if let Err(fault) = self.recorder.record(Entry::System(act.with("sink", self.name.as_str()))).await {
            tracing::warn!(%fault, "could not record how a collector of syslog stands");
        }
    }

    /// Moves the place on behind what has been on its way for long enough.
    async fn keep(&mut self, sending: &mut Sending) {
        if let Some(sequence) = sending.arrived() {
            self.advance(sequence).await;
        }
    }

    async fn advance(&mut self, sequence: u64) {
        let mut cursor = self.cursor.clone();
        let kept = tokio::task::spawn_blocking(move || {
            let kept = cursor.advance(sequence);
            (cursor, kept)
        });
        match kept.await {
            Ok((cursor, Ok(()))) => self.cursor = cursor,
            // It goes on from memory; after a restart some is sent twice.
            Ok((cursor, Err(fault))) => {
                self.cursor = cursor;
                tracing::warn!(sink = self.name, %fault, "a collector's place could not be kept");
            }
            Err(fault) => tracing::error!(%fault, "a collector's place could not be kept"),
        }
    }

    fn lag(&self, sent: u64) {
        let head = self.recorder.head().sequence;
        self.metrics.syslog_lag_events(&self.name, head.saturating_sub(sent));
    }
}

impl Sending {
    fn behind(follower: Follower) -> Sending {
        let (last, began) = (follower.last(), Instant::now());
        Sending { follower: Some(follower), last, written: VecDeque::new(), began, kept: began }
    }

    /// The next lines as frames; none when there are none yet.
    async fn read(&mut self, framer: &Framer) -> io::Result<Option<Vec<u8>>> {
        let Some(mut follower) = self.follower.take() else { return Err(closed()) };
        let read = tokio::task::spawn_blocking(move || {
            let lines = follower.read(BATCH);
            (follower, lines)
        });
        let (follower, lines) = read.await.map_err(io::Error::other)?;
        self.follower = Some(follower);
        let lines = lines?;
        let mut frames = Vec::with_capacity(BATCH * 2048);
        lines.iter().for_each(|line| framer.put(&line.line, &mut frames));
        Ok((!lines.is_empty()).then_some(frames))
    }

    /// What was read is written.
    fn sent(&mut self) {
        let Some(last) = self.follower.as_ref().map(Follower::last) else { return };
        if last > self.last {
            self.last = last;
            self.written.push_back((Instant::now(), last));
        }
    }

    /// Waits for more to send, or until places and lags are to be kept up.
    async fn wait(&mut self) {
        let Some(follower) = &mut self.follower else { return };
        let more = async {
            // A trail that is closed has no more, and neither has one that can't be read right now.
            if follower.is_behind() || !follower.more().await {
                std::future::pending::<()>().await;
            }
        };
        // Nothing came within a tick, which is as good.
        let _ = tokio::time::timeout(TICK, more).await;
    }

    /// Up to which line all has been on its way for long enough; asked once a tick.
    fn arrived(&mut self) -> Option<u64> {
        if self.kept.elapsed() < TICK {
            return None;
        }
        self.kept = Instant::now();
        let mut arrived = None;
        while let Some((when, last)) = self.written.front().copied()
            && when.elapsed() >= KEEP
        {
            arrived = Some(last);
            self.written.pop_front();
        }
        arrived
    }
}

async fn write(writer: &mut WriteHalf<Link>, frames: &[u8]) -> io::Result<()> {
    writer.write_all(frames).await?;
    writer.flush().await
}

/// Reads what a collector has no business to say, until it closes: orderly, or with an error.
async fn gone(mut reader: impl AsyncRead + Unpin) -> Option<io::Error> {
    let mut said = [0; 1024];
    loop {
        match reader.read(&mut said).await {
            Ok(0) => return None,
            Ok(_) => {}
            Err(fault) => return Some(fault),
        }
    }
}

/// Until the time is over that is left for sending after the stop.
async fn grace(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(GRACE).await;
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the collector closed the connection")
}
