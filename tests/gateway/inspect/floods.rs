//! Hostile HTTP/2: whoever floods is ended or held back, and nobody else notices.

use std::time::{Duration, Instant};

use super::*;
use crate::harness::{
    BOTH, Browser, CONTINUATION, DATA, END_HEADERS, Frames, HEADERS, Outcome, PATIENCE, PING, Poured,
    Program, RST_STREAM, SETTINGS, Site, WINDOW_UPDATE, block, fetch, frame, proper, request, within,
};

const SITE: &str = "h2.example";
/// REFUSED_STREAM, FLOW_CONTROL_ERROR (RFC 9113 section 7).
const REFUSED: u32 = 7;
const FLOW_CONTROL: u32 = 3;
/// How long another client may wait for a page while somebody floods.
const RESPONSIVE: Duration = Duration::from_secs(10);
/// What a flood may leave behind, in bytes: buffers that the allocator keeps.
const LEFT: u64 = 96 << 20;
/// Hostile connections at a time.
const HOSTILE: usize = 3;

/// The program under test and what it used before the flood.
struct Target {
    site: Site,
    program: Program,
    memory: u64,
    descriptors: usize,
}

impl Target {
    async fn start() -> Target {
        let site = always().setting("LIMITS__IDLE_SECONDS", "2").site().await;
        let program = site.serve().await;
        let mut target = Target { site, program, memory: 0, descriptors: 0 };
        for group in ["ks2", "staff"] {
            assert_eq!(target.browser(group).visit(SITE, &BOTH).await.get("/").await.status, 200);
        }
        target.quiet().await;
        (target.memory, target.descriptors) = (target.memory_now(), target.descriptors_now());
        target
    }

    fn browser(&self, group: &str) -> Browser {
        self.site.managed(&self.program, group)
    }

    fn memory_now(&self) -> u64 {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.program.id())).unwrap();
        statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
    }

    fn descriptors_now(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.program.id())).unwrap().count()
    }

    async fn metric(&self, name: &str) -> f64 {
        let text = fetch(self.program.at("metrics"), "/metrics", None).await;
        let lines = text.lines().filter(|line| line.starts_with(&format!("schoolgate_{name}")));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }

    /// Waits until no client is connected.
    async fn quiet(&self) {
        let deadline = Instant::now() + PATIENCE;
        while self.metric("connections_open").await > 0.0 {
            assert!(Instant::now() < deadline, "connections stay open");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Floods on several connections at once while a neighbour asks for pages; then nothing of it
    /// is left.
    async fn survives<F: Future<Output = ()>>(&self, flood: impl Fn(Frames) -> F) {
        let hostile = self.browser("ks2");
        let floods = (0..HOSTILE).map(|_| async { flood(Frames::open(&hostile, SITE).await).await });
        let mut floods = std::pin::pin!(futures_util::future::join_all(floods));
        let neighbour = self.browser("staff");
        let mut most = 0;
        let asking = async {
            loop {
                let asked = Instant::now();
                assert_eq!(neighbour.visit(SITE, &BOTH).await.get("/").await.status, 200);
                assert!(asked.elapsed() < RESPONSIVE, "{:?}", asked.elapsed());
                most = most.max(self.memory_now());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            _ = &mut floods => {}
            () = asking => {}
        }
        assert!(most < self.memory + LEFT, "{} MiB while it flooded", (most - self.memory) >> 20);
        self.quiet().await;
        let (memory, descriptors) = (self.memory_now(), self.descriptors_now());
        assert!(memory < self.memory + LEFT, "{} MiB left", memory.saturating_sub(self.memory) >> 20);
        assert!(descriptors <= self.descriptors + 2, "{} then {descriptors}", self.descriptors);
        assert_eq!(self.metric("panics_total").await, 0.0);
        assert_eq!(neighbour.visit(SITE, &BOTH).await.get("/").await.status, 200);
    }
}

/// Streams that are opened and reset at once (CVE-2023-44487): ten thousand of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_rapid_reset_ends_the_connection() {
    let target = Target::start().await;
    let before = target.site.origin.heads().len();
    target
        .survives(async |mut frames| {
            let reset = |stream: u32| {
                let opened = request(stream, &proper(SITE, "/silent"));
                [opened, frame(RST_STREAM, 0, stream, &8u32.to_be_bytes())].concat()
            };
            for batch in 0..100u32 {
                let streams = (0..100).map(|at| (batch * 100 + at) * 2 + 1);
                if frames.pour(streams.flat_map(reset).collect::<Vec<_>>()).await != Poured::Taken {
                    break;
                }
            }
            frames.end().await;
        })
        .await;
    let reached = target.site.origin.heads().len() - before;
    assert!(reached < HOSTILE * 5_000, "{reached} of {} reached the origin", HOSTILE * 10_000);
}

/// A head that goes on in CONTINUATION frames for ever (CVE-2024-27983 and its like).
#[tokio::test(flavor = "multi_thread")]
async fn a_head_without_end_ends_the_connection() {
    Target::start()
        .await
        .survives(async |mut frames| {
            frames.say(frame(HEADERS, 0, 1, &block(&proper(SITE, "/")))).await;
            let more = frame(CONTINUATION, 0, 1, &block(&[("x-more", &"x".repeat(8_000))]));
            let mut poured = 0;
            while frames.pour(&more).await == Poured::Taken {
                poured += more.len();
                assert!(poured < 32 << 20, "it takes a head of any length");
            }
            frames.end().await;
        })
        .await;
}

/// CONTINUATION frames with nothing in them.
#[tokio::test(flavor = "multi_thread")]
async fn empty_continuations_end_the_connection() {
    Target::start()
        .await
        .survives(async |mut frames| {
            frames.say(frame(HEADERS, 0, 1, &block(&proper(SITE, "/")))).await;
            let more = frame(CONTINUATION, 0, 1, b"").repeat(1_000);
            let mut poured = 0;
            while frames.pour(&more).await == Poured::Taken {
                poured += 1_000;
                assert!(poured < 1_000_000, "it takes any number of them");
            }
            frames.end().await;
        })
        .await;
}

/// A body of empty frames, which no window bounds (CVE-2019-9518).
#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_empty_frames_ends_the_connection() {
    Target::start()
        .await
        .survives(async |mut frames| {
            let mut fields = proper(SITE, "/body");
            fields[0].1 = "POST";
            frames.say(frame(HEADERS, END_HEADERS, 1, &block(&fields))).await;
            let nothing = frame(DATA, 0, 1, b"").repeat(1_000);
            let mut poured = 0;
            while frames.pour(&nothing).await == Poured::Taken {
                poured += 1_000;
                assert!(poured < 1_000_000, "it takes any number of them");
            }
            frames.end().await;
        })
        .await;
}

/// Settings and pings that each ask for an answer which is never read (CVE-2019-9512, -9515).
#[tokio::test(flavor = "multi_thread")]
async fn settings_and_pings_are_answered_no_faster_than_they_are_read() {
    for one in [frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]), frame(PING, 0, 0, b"pingpong")] {
        let many = one.repeat(2_000);
        Target::start()
            .await
            .survives(async |mut frames| {
                let mut poured = 0;
                while poured < 300_000 && frames.pour(&many).await == Poured::Taken {
                    poured += 2_000;
                }
                // Answers that nobody reads are held back; what is read ends with the connection.
                frames.end().await;
            })
            .await;
    }
}

/// Windows that overflow are faults of flow control (RFC 9113 section 6.9.1).
#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_overflows_is_a_fault() {
    let most = 0x7fff_ffff_u32.to_be_bytes();
    let target = Target::start().await;
    let browser = target.browser("ks2");
    let mut frames = Frames::open(&browser, SITE).await;
    frames.say(frame(WINDOW_UPDATE, 0, 0, &most).repeat(2)).await;
    assert_eq!(frames.outcome(1).await, Outcome::Away(FLOW_CONTROL));
    let mut frames = Frames::open(&browser, SITE).await;
    let mut fields = proper(SITE, "/body");
    fields[0].1 = "POST";
    let open = frame(HEADERS, END_HEADERS, 1, &block(&fields));
    frames.say([open, frame(WINDOW_UPDATE, 0, 1, &most).repeat(2)].concat()).await;
    let outcome = frames.outcome(1).await;
    assert!([Outcome::Reset(FLOW_CONTROL), Outcome::Away(FLOW_CONTROL)].contains(&outcome), "{outcome:?}");
    let mut frames = Frames::open(&browser, SITE).await;
    frames.say(frame(WINDOW_UPDATE, 0, 0, &0u32.to_be_bytes())).await;
    assert!(matches!(frames.outcome(1).await, Outcome::Away(_)));
    drop(frames);
    target.survives(async |_| {}).await;
}

/// Invariant 21: a head beyond the bound is refused, and its connection or another goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_head_beyond_the_bound_is_refused() {
    let gateway = always().setting("LIMITS__HEADER_BYTES", "16384").start().await;
    let browser = gateway.managed("ks2");
    for (count, length) in [(4, 8_000), (1, 30_000), (3_000, 10)] {
        let mut frames = Frames::open(&browser, SITE).await;
        let value = "x".repeat(length);
        let mut fields = proper(SITE, "/beyond").to_vec();
        fields.extend((0..count).map(|_| ("x-more", value.as_str())));
        let bytes = block(&fields);
        let (last, first) =
            bytes.chunks(16_000).collect::<Vec<_>>().split_last().map(|(l, f)| (*l, f.to_vec())).unwrap();
        let mut message = Vec::new();
        for (at, piece) in first.iter().enumerate() {
            let kind = if at == 0 { HEADERS } else { CONTINUATION };
            message.extend(frame(kind, u8::from(at == 0), 1, piece));
        }
        message.extend(frame(CONTINUATION, END_HEADERS, 1, last));
        frames.say(message).await;
        let outcome = frames.outcome(1).await;
        assert!(!matches!(outcome, Outcome::Status(200..400)), "{count} of {length}: {outcome:?}");
    }
    let mut visit = browser.visit("h1only.example", &["h2"]).await;
    let long = "x".repeat(8_000);
    assert_eq!(visit.ask("GET", "/", &[("x-long", &long)], "").await.unwrap().status, 200);
    assert!(!gateway.origin.heads().concat().contains("/beyond"));
    gateway.stop().await;
}

/// Invariant 21: of a thousand streams at once most are refused, and what is open is served.
#[tokio::test(flavor = "multi_thread")]
async fn streams_beyond_the_limit_are_refused() {
    Target::start()
        .await
        .survives(async |mut frames| {
            let open = |stream: u32| request(stream * 2 + 1, &proper(SITE, "/silent"));
            frames.pour((0..1_000).flat_map(open).collect::<Vec<_>>()).await;
            let mut refused = 0;
            while refused < 20 {
                let Some(heard) = within(frames.next()).await else { return };
                match heard.kind {
                    RST_STREAM => {
                        assert_eq!(heard.outcome(), Outcome::Reset(REFUSED));
                        refused += 1;
                    }
                    HEADERS => panic!("{heard:?}: nothing is answered here"),
                    _ => {}
                }
            }
        })
        .await;
}

/// A client that opens all windows, asks for much and reads nothing is let go.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_reads_is_let_go() {
    Target::start()
        .await
        .survives(async |mut frames| {
            let most = 0x7fff_ffff_u32.to_be_bytes();
            let windows = [
                frame(SETTINGS, 0, 0, &[&[0, 4][..], &most].concat()),
                frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0, 0, 0]),
            ];
            frames.say(windows.concat()).await;
            frames
                .say((0..50).flat_map(|at| request(at * 2 + 1, &proper(SITE, "/large"))).collect::<Vec<_>>())
                .await;
            // Idle, then grace, and some more: it is let go although it is still there.
            tokio::time::sleep(Duration::from_secs(12)).await;
            let mut heard = 0;
            while let Some(frame) = within(frames.next()).await {
                heard += frame.payload.len();
            }
            // 500 MiB were asked for; what came is what the two sockets hold (`tcp_wmem`, `tcp_rmem`).
            assert!(heard < 64 << 20, "{heard} bytes were kept for it");
        })
        .await;
}

/// Invariant 20: a connection that says nothing, half a head, or nothing but pings, ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_on_which_nothing_moves_ends() {
    let gateway = always().setting("LIMITS__IDLE_SECONDS", "1").start().await;
    let browser = gateway.managed("ks2");
    let half = frame(HEADERS, 0, 1, &block(&proper(SITE, "/"))[..10]);
    let begun = frame(
        HEADERS,
        END_HEADERS,
        1,
        &block(&[(":method", "POST"), (":scheme", "https"), (":authority", SITE), (":path", "/body")]),
    );
    let waits = [Vec::new(), half, begun, vec![0, 0, 5]].map(|bytes| {
        let browser = &browser;
        async move {
            // The gateway's own time begins no earlier.
            let since = Instant::now();
            let mut frames = Frames::open(browser, SITE).await;
            frames.say(&bytes).await;
            within(frames.end()).await;
            assert!(since.elapsed() > Duration::from_millis(700), "{bytes:?}");
        }
    });
    let pings = async {
        let mut frames = Frames::open(&browser, SITE).await;
        let ping = frame(PING, 0, 0, b"pingpong");
        let since = Instant::now();
        while frames.pour(&ping).await == Poured::Taken {
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert!(since.elapsed() < PATIENCE, "pings keep it");
        }
    };
    tokio::join!(futures_util::future::join_all(waits), pings);
    gateway.eventually("no open connection", |gateway| gateway.metric("connections_open") == 0).await;
    gateway.stop().await;
}
