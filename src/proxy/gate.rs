//! What every connection shares, and the way from a question to a recorded answer.
//!
//! **Invariant:** an access is recorded before a byte of it leaves; what can't be recorded is
//! refused.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::audit::{Access, ClosedBy, Closing, Entry, Handling, Receipt, Recorder, Seen, Visibility};
use crate::clock::Clock;
use crate::identity::Directory;
use crate::model::{GroupName, Host, Subject, Url};
use crate::policy::{
    Action, Asked, Destination, Live, OnConnect, OnRequest, Permit, Policy, Reason, Renewed, Rung, Seal,
    Shown, Verdict,
};
use crate::proxy::ask::Asking;
use crate::proxy::inspect::Inspection;
use crate::proxy::listen::Crowd;
use crate::proxy::question::{Circumstances, Files, Question, Rules};
use crate::proxy::upstream::{NameError, Upstream};
use crate::telemetry::Metrics;

/// How long a record may take before the answer is no.
const RECORDED_WITHIN: Duration = Duration::from_secs(5);

/// An access could not be recorded, or not in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the access could not be recorded")]
pub(super) struct Unrecorded;

/// What every connection shares.
pub struct Gate {
    /// The policy in force.
    pub live: Live,
    /// Who is where.
    pub directory: Directory,
    /// The audit trail.
    pub recorder: Recorder,
    /// What time it is.
    pub clock: Clock,
    /// The counters.
    pub metrics: Metrics,
    /// The way out.
    pub upstream: Upstream,
    /// What decrypts.
    pub inspection: Inspection,
    /// Waits and bounds.
    pub bounds: Bounds,
    /// The school's name, for its pages.
    pub site: String,
    /// What must be said on every page.
    pub notice: Option<&'static str>,
    /// What takes what pupils ask for.
    pub asking: Arc<dyn Asking>,
    /// Told when the gateway is to stop: idle connections end, others finish what they do.
    pub stop: CancellationToken,
    /// Told when the time to drain is over: tunnels end too.
    pub cut: CancellationToken,
    /// How many are inside.
    pub crowd: Crowd,
}

/// Waits and bounds; the settings say them.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The longest request head, in bytes.
    pub head_bytes: usize,
    /// For a whole ClientHello.
    pub hello: Duration,
    /// For a whole request head.
    pub head: Duration,
    /// For anything to move in a tunnel or a body.
    pub idle: Duration,
}

/// What a question came to, recorded.
pub(super) enum Admission {
    /// It may pass.
    Passed(Passage),
    /// It may not.
    Blocked(Refusal),
    /// It might, but its name came to no address. Closed in the record already.
    Nowhere,
}

/// Leave to pass, with where to.
pub(super) struct Passage {
    pub(super) permit: Permit,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) open: Open,
    pub(super) seal: Seal,
}

/// A decision that is not yet recorded.
pub(super) struct Judged {
    subject: Subject,
    verdict: Verdict<Option<Permit>>,
    addresses: Result<Vec<IpAddr>, NameError>,
    /// Whether what is inside may be decrypted.
    pub(super) seal: Seal,
    started: Instant,
}

/// A refusal, for the page that explains it.
pub(super) struct Refusal {
    /// The group that was judged.
    pub(super) group: GroupName,
    pub(super) reason: Reason,
    pub(super) receipt: Receipt,
}

/// An access that is recorded and not yet closed. Closed when dropped, whatever happens.
pub(super) struct Open {
    receipt: Option<Receipt>,
    recorder: Recorder,
    since: Instant,
    closing: (u64, u64, ClosedBy),
}

impl Gate {
    /// Judges and records, in this order.
    ///
    /// # Errors
    /// [`Unrecorded`] when the answer can't be recorded: then it must be no.
    pub(super) async fn admit(&self, question: &Question, seen: Seen) -> Result<Admission, Unrecorded> {
        let judged = self.judge(question, Circumstances::default()).await;
        self.enter(question, judged, seen).await
    }

    /// Decides, resolves and judges the addresses; nothing is recorded yet.
    pub(super) async fn judge(&self, question: &Question, circumstances: Circumstances) -> Judged {
        let started = Instant::now();
        let policy = self.live.snapshot();
        let subject = self.directory.attribute(question.address);
        let (mut verdict, seal) = self.decide(&policy, &question.asked(&subject));
        self.metrics.decision_took(started.elapsed());
        let mut addresses = Ok(Vec::new());
        let mut refusal = circumstances.fault;
        if let Some(permit) = verdict.answer.as_ref().filter(|_| refusal.is_none()) {
            addresses = match circumstances.peer {
                Some(peer) => Ok(vec![peer]),
                None => {
                    let instead = policy.enforce(&subject).connect_as(permit.host());
                    self.upstream.resolve(instead.as_ref().unwrap_or(permit.host())).await
                }
            };
            if let Ok(found) = &addresses {
                match policy.confine(permit, found) {
                    Ok(within) => addresses = Ok(within),
                    Err(reason) => refusal = Some(*reason),
                }
            }
        }
        if let Some(reason) = refusal.filter(|_| verdict.answer.is_some()) {
            verdict = Verdict { answer: None, action: Action::Block, reason, ..verdict };
        }
        Judged { subject, verdict, addresses, seal, started }
    }

    /// Records what was judged.
    ///
    /// # Errors
    /// As [`Gate::admit`].
    pub(super) async fn enter(
        &self,
        question: &Question,
        judged: Judged,
        mut seen: Seen,
    ) -> Result<Admission, Unrecorded> {
        let Judged { subject, verdict, addresses, seal, started } = judged;
        seen.duration = Some(started.elapsed());
        seen.destination_ip = addresses.as_ref().ok().and_then(|within| within.first().copied());
        if seal == Seal::Opened && verdict.answer.is_some() {
            seen.handling = Handling::Inspected;
        }
        seen.error = seen.error.or(addresses.as_ref().err().map(ToString::to_string));
        let receipt = self.record(&subject, &question.destination, &verdict, seen).await?;
        let Some(permit) = verdict.answer else {
            return Ok(Admission::Blocked(Refusal { group: verdict.group, reason: verdict.reason, receipt }));
        };
        let open = Open::new(receipt, self.recorder.clone());
        Ok(match addresses {
            Ok(addresses) => Admission::Passed(Passage { permit, addresses, open, seal }),
            Err(_) => {
                open.end(0, 0, ClosedBy::Error);
                Admission::Nowhere
            }
        })
    }

    /// Makes a real decision, for whoever must know that decisions are still made.
    #[must_use]
    pub fn decides(&self) -> bool {
        let destination =
            Destination { host: Host::parse("blocked.schoolgate.test").ok(), port: 443, url: None };
        let question = Question::new([127, 0, 0, 1].into(), destination, Shown::TlsName);
        self.glance(&question).0.generation > 0
    }

    /// What the decision would be now; nothing is recorded.
    pub(super) fn glance(&self, question: &Question) -> (Verdict<Option<Permit>>, Seal) {
        let subject = self.directory.attribute(question.address);
        self.decide(&self.live.snapshot(), &question.asked(&subject))
    }

    /// Whether the answer would be yes now; nothing is recorded.
    pub(super) fn lets_through(&self, question: &Question) -> bool {
        self.glance(question).0.answer.is_some()
    }

    /// What is done to requests for a URL, and to their answers.
    pub(super) fn rules_for(&self, address: IpAddr, url: &Url) -> Rules {
        let (policy, subject) = (self.live.snapshot(), self.directory.attribute(address));
        let files = if policy.watches_files(&subject) { Files::Watched } else { Files::Any };
        Rules { rewrite: policy.enforce(&subject).rewrite(url), files }
    }

    /// Waits until an access that passed to `peer` would no longer be let through.
    pub(super) async fn until_refused(&self, question: &Question, peer: Option<IpAddr>) {
        let mut live = self.live.clone();
        loop {
            let (verdict, _) = self.glance(question);
            let reached = verdict.answer.as_ref().is_some_and(|permit| {
                peer.is_none_or(|peer| self.live.snapshot().confine(permit, &[peer]).is_ok())
            });
            if !reached {
                return;
            }
            // A window that opens or closes is looked for every second at the latest, so that a
            // clock set forward is noticed as soon as a new policy is.
            let edge = verdict.until.map(|until| until.since(self.clock.now()).min(Duration::from_secs(1)));
            tokio::select! {
                renewed = live.changed() => if renewed == Renewed::Never { std::future::pending::<()>().await },
                () = rest(edge) => {}
            }
        }
    }

    fn decide(&self, policy: &Policy, asked: &Asked<'_>) -> (Verdict<Option<Permit>>, Seal) {
        let now = self.clock.now();
        let mut seal = Seal::Kept;
        let verdict = match asked.shown {
            Shown::Request | Shown::RequestElsewhere(_) => {
                policy.on_request(asked, now).map(|answer| match answer {
                    OnRequest::Block => None,
                    OnRequest::Forward(permit) => Some(permit),
                })
            }
            Shown::ConnectTarget
            | Shown::TlsName
            | Shown::TlsOtherName(_)
            | Shown::TlsNoName
            | Shown::OtherProtocol(_) => policy.on_connect(asked, now).map(|answer| match answer {
                OnConnect::Block(telling) => {
                    seal = telling;
                    None
                }
                OnConnect::Inspect(permit) => {
                    seal = Seal::Opened;
                    Some(permit)
                }
                OnConnect::Splice(permit) => Some(permit),
            }),
        };
        (verdict, seal)
    }

    async fn record(
        &self,
        subject: &Subject,
        destination: &Destination,
        verdict: &Verdict<Option<Permit>>,
        seen: Seen,
    ) -> Result<Receipt, Unrecorded> {
        let group = verdict.group.as_str();
        self.metrics.decided(verdict.action.as_str(), verdict.reason.rung.as_str(), group);
        self.metrics.visibility(visibility(seen.visibility), group);
        let access = Access::new(subject, destination, verdict, &seen);
        let recorded = self.recorder.record_within(Entry::Access(access), RECORDED_WITHIN).await;
        recorded.map_err(|_| Unrecorded)
    }
}

async fn rest(edge: Option<Duration>) {
    match edge {
        Some(span) => tokio::time::sleep(span).await,
        None => std::future::pending().await,
    }
}

fn visibility(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Url => "url",
        Visibility::Host => "host",
        Visibility::None => "none",
    }
}

impl Judged {
    /// Whether it was the kind of file that decided.
    pub(super) fn is_of_file(&self) -> bool {
        self.verdict.reason.rung == Rung::FileKind
    }

    /// Whether the answer is no.
    pub(super) fn is_refused(&self) -> bool {
        self.verdict.answer.is_none()
    }
}

impl Open {
    fn new(receipt: Receipt, recorder: Recorder) -> Open {
        Open { receipt: Some(receipt), recorder, since: Instant::now(), closing: (0, 0, ClosedBy::Gateway) }
    }

    /// Ends the access in the record.
    pub(super) fn end(mut self, bytes_up: u64, bytes_down: u64, closed_by: ClosedBy) {
        self.note(bytes_up, bytes_down, closed_by);
    }

    /// What to say of its end should it be dropped from here on.
    pub(super) fn note(&mut self, bytes_up: u64, bytes_down: u64, closed_by: ClosedBy) {
        self.closing = (bytes_up, bytes_down, closed_by);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let Some(receipt) = self.receipt.take() else { return };
        let (bytes_up, bytes_down, closed_by) = self.closing;
        let closing = Closing { bytes_up, bytes_down, duration: self.since.elapsed(), closed_by };
        self.recorder.close(receipt, closing);
    }
}
