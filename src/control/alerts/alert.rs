//! An alert: whom it is about, where it stands, and what one more event makes of it.
//!
//! **Invariant:** while one is open there is no other of its person and theme that is
//! told to the same people; a severity never falls;
//! and nobody is told twice of the same unless it grew graver, came back, or went unanswered.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::control::alerts::rules::Finding;
use crate::control::alerts::sighting::{Person, Sighting};
use crate::model::{Severity, Theme, Timestamp};

/// How often a danger that nobody looks at is escalated: often enough to be answered, not so often as to
/// be muted.
const ESCALATIONS: u8 = 4;
/// How long after it was told a danger is told again that somebody has looked at, or that was escalated
/// in vain, and that goes on.
const AGAIN: Duration = Duration::from_secs(3600);

/// Whom an alert is about, as far as it says who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// A pupil, a guest, or nobody knows: the safeguarding leads.
    Pupil,
    /// A member of staff: the headteacher.
    Staff,
    /// A headteacher: the governor who is named for that.
    Headteacher,
}

/// Where an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Nobody has looked.
    New,
    /// Somebody has.
    Seen,
    /// Something is being done.
    Action,
    /// It is known what came of it.
    Outcome,
    /// It is over.
    Closed,
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAlert {
    /// UUIDv7.
    pub id: Uuid,
    /// What it is about.
    pub theme: Theme,
    /// How much it presses.
    pub severity: Severity,
    /// Whom it is about, as far as it says who is told.
    pub about: About,
    /// Whom it is about.
    pub person: Person,
    /// Their filtering group, when it began.
    pub group: Option<String>,
    /// Where it stands.
    pub state: AlertState,
    /// Whether somebody found that there was nothing to it.
    pub false_positive: bool,
    /// What raised it last: `category:adult`, `search_term:suicide`, `statutory`.
    pub rule: String,
    /// How many events it holds.
    pub count: u64,
    /// When it began.
    pub first_at: Timestamp,
    /// When the last event of it was.
    pub last_at: Timestamp,
    /// `event.sequence` of that.
    pub last_seq: u64,
    /// When somebody was last told.
    pub told_at: Option<Timestamp>,
    /// How often it has been escalated since then.
    pub escalated: u8,
    /// When somebody looked at it first.
    pub seen_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
}

/// What an event makes of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    /// There was none.
    Raised,
    /// One more of what is known.
    Joined,
    /// It is graver than it was.
    Risen,
    /// A danger that somebody had looked at, or that nobody ever did, goes on.
    Again,
    /// It had been closed, not long ago.
    Reopened,
}

impl About {
    /// All.
    pub const ALL: [About; 3] = [About::Pupil, About::Staff, About::Headteacher];

    /// As written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            About::Pupil => "pupil",
            About::Staff => "staff",
            About::Headteacher => "headteacher",
        }
    }
}

impl AlertState {
    /// All, in their order.
    pub const ALL: [AlertState; 5] =
        [AlertState::New, AlertState::Seen, AlertState::Action, AlertState::Outcome, AlertState::Closed];

    /// As written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            AlertState::New => "new",
            AlertState::Seen => "seen",
            AlertState::Action => "action",
            AlertState::Outcome => "outcome",
            AlertState::Closed => "closed",
        }
    }
}

impl Met {
    /// The action in the record; none of what only joins.
    pub(super) fn action(self) -> Option<&'static str> {
        match self {
            Met::Raised => Some("alert.raised"),
            Met::Joined => None,
            Met::Risen => Some("alert.risen"),
            Met::Again => Some("alert.again"),
            Met::Reopened => Some("alert.reopened"),
        }
    }
}

impl KeptAlert {
    /// What a finding makes of the last alert of its person, theme and `about`, if there is one.
    pub(super) fn meet(
        last: Option<KeptAlert>,
        (sighting, finding, about): (&Sighting, &Finding, About),
        reopen: Duration,
        now: Timestamp,
    ) -> (KeptAlert, Met) {
        let Some(last) = last.filter(|last| last.is_within(reopen, now)) else {
            return (KeptAlert::raised((sighting, finding, about)), Met::Raised);
        };
        let met = last.met(finding.severity, now);
        let joined = KeptAlert {
            severity: last.severity.max(finding.severity),
            rule: if finding.severity < last.severity { last.rule } else { finding.rule.clone() },
            count: last.count + 1,
            last_at: last.last_at.max(sighting.at),
            last_seq: sighting.sequence,
            ..last
        };
        let alert = match met {
            Met::Joined | Met::Raised => joined,
            Met::Risen | Met::Again => {
                KeptAlert { state: AlertState::New, escalated: 0, seen_at: None, ..joined }
            }
            Met::Reopened => KeptAlert {
                state: AlertState::New,
                escalated: 0,
                seen_at: None,
                closed_at: None,
                false_positive: false,
                severity: finding.severity,
                rule: finding.rule.clone(),
                ..joined
            },
        };
        (alert, met)
    }

    /// Whether somebody is told of it at once.
    pub(super) fn is_told(&self) -> bool {
        self.severity >= Severity::Caution
    }

    /// When it is escalated next, unless somebody looks; none when that was done often enough.
    pub(super) fn escalates_at(&self, after: Duration) -> Option<Timestamp> {
        let unanswered = self.state == AlertState::New && self.severity == Severity::Danger;
        // After one span, two, four, eight.
        let spans = 1_u32 << self.escalated.min(ESCALATIONS);
        let told_at = self.told_at.filter(|_| unanswered && self.escalated < ESCALATIONS)?;
        Some(told_at.plus(after * spans))
    }

    fn raised((sighting, finding, about): (&Sighting, &Finding, About)) -> KeptAlert {
        KeptAlert {
            id: Uuid::now_v7(),
            theme: finding.theme,
            severity: finding.severity,
            about,
            person: sighting.person.clone(),
            group: sighting.group.clone(),
            state: AlertState::New,
            false_positive: false,
            rule: finding.rule.clone(),
            count: 1,
            first_at: sighting.at,
            last_at: sighting.at,
            last_seq: sighting.sequence,
            told_at: None,
            escalated: 0,
            seen_at: None,
            closed_at: None,
        }
    }

    fn is_within(&self, reopen: Duration, now: Timestamp) -> bool {
        self.closed_at.is_none_or(|closed| now < closed.plus(reopen))
    }

    fn met(&self, severity: Severity, now: Timestamp) -> Met {
        let is_quiet = self.state != AlertState::New || self.escalated >= ESCALATIONS;
        match self.state {
            AlertState::Closed => Met::Reopened,
            _ if severity > self.severity => Met::Risen,
            _ if severity == Severity::Danger && is_quiet && self.was_told_before(now, AGAIN) => Met::Again,
            AlertState::New | AlertState::Seen | AlertState::Action | AlertState::Outcome => Met::Joined,
        }
    }

    fn was_told_before(&self, now: Timestamp, span: Duration) -> bool {
        self.told_at.is_none_or(|told| told.plus(span) <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(minutes * 60_000)
    }

    fn met(last: Option<KeptAlert>, severity: Severity, minute: i64) -> (KeptAlert, Met) {
        let sighting = Sighting {
            sequence: minute.unsigned_abs() + 1,
            at: at(minute),
            person: Person::User("y5.042".to_owned()),
            group: None,
            host: None,
            url: None,
            blocked: true,
            rung: String::new(),
            rule: String::new(),
            categories: Vec::new(),
            search: None,
            suggestion: None,
            asked_for: true,
            inspected: false,
        };
        let finding = Finding { theme: Theme::SelfHarm, severity, rule: "search_term:suicide".to_owned() };
        let (alert, met) = KeptAlert::meet(last, (&sighting, &finding, About::Pupil), DAY, at(minute));
        let told_at = if met == Met::Joined { alert.told_at } else { Some(at(minute)) };
        (KeptAlert { told_at, ..alert }, met)
    }

    /// In this order: how grave, after how many minutes, what staff had made of it before, and what comes.
    #[test]
    fn an_event_joins_raises_or_opens_again() {
        use AlertState::{Action, Closed, New, Seen};
        use Severity::{Advisory, Caution, Danger};
        let rows = [
            (Caution, 0, None, Met::Raised, New),
            (Caution, 1, None, Met::Joined, New),
            (Advisory, 2, Some(Seen), Met::Joined, Seen),
            (Danger, 3, None, Met::Risen, New),
            (Danger, 4, None, Met::Joined, New),
            (Danger, 90, None, Met::Joined, New),
            (Danger, 91, Some(Action), Met::Again, New),
            (Danger, 92, Some(Action), Met::Joined, Action),
            (Caution, 200, None, Met::Joined, Action),
            (Advisory, 201, Some(Closed), Met::Reopened, New),
            (Advisory, 202, Some(Closed), Met::Reopened, New),
            (Advisory, 202 + 1440, Some(Closed), Met::Reopened, New),
        ];
        let mut last: Option<KeptAlert> = None;
        for (row, (severity, minute, answered, expected, state)) in rows.into_iter().enumerate() {
            if let (Some(alert), Some(answered)) = (&mut last, answered) {
                alert.state = answered;
                alert.closed_at = (answered == Closed).then(|| at(minute - 1));
            }
            let before = last.as_ref().map(|alert| (alert.id, alert.count));
            let (alert, met) = met(last, severity, minute);
            assert_eq!((met, alert.state), (expected, state), "row {row}");
            if let Some((id, count)) = before {
                assert_eq!((alert.id, alert.count), (id, count + 1), "row {row}");
            }
            last = Some(alert);
        }
        let mut over = last.unwrap();
        let id = over.id;
        over.state = Closed;
        over.closed_at = Some(at(0));
        let (alert, met) = met(Some(over), Danger, 1440);
        assert_eq!((met, alert.count), (Met::Raised, 1));
        assert_ne!(alert.id, id, "a day later it is another");
    }

    /// A bug: a danger that nobody had looked at in four escalations was never told again, whatever came.
    #[test]
    fn a_danger_that_was_escalated_in_vain_is_told_again_when_it_goes_on() {
        let (danger, _) = met(None, Severity::Danger, 0);
        for (escalated, minute, expected) in
            [(3, 500, Met::Joined), (4, 59, Met::Joined), (4, 60, Met::Again)]
        {
            let last = KeptAlert { escalated, ..danger.clone() };
            let (alert, met) = met(Some(last), Severity::Danger, minute);
            assert_eq!(met, expected, "{escalated} {minute}");
            let next = alert.escalates_at(Duration::from_secs(900)).is_some();
            assert_eq!(next, expected == Met::Again || escalated < 4, "{escalated} {minute}");
        }
    }

    /// A bug: what came later and was less grave stood as what had raised it.
    #[test]
    fn an_alert_keeps_what_made_it_as_grave_as_it_is() {
        let (alert, _) = met(None, Severity::Danger, 0);
        let last = KeptAlert { rule: "search_term:self-harm".to_owned(), ..alert };
        let (joined, _) = met(Some(last.clone()), Severity::Caution, 1);
        assert_eq!(joined.rule, "search_term:self-harm");
        let (joined, _) = met(Some(last), Severity::Danger, 1);
        assert_eq!(joined.rule, "search_term:suicide");
    }

    #[test]
    fn only_an_unseen_danger_escalates_four_times_and_later_each_time() {
        let span = Duration::from_secs(900);
        let (danger, _) = met(None, Severity::Danger, 0);
        let minutes: Vec<Option<i64>> = (0..6)
            .map(|escalated| KeptAlert { escalated, ..danger.clone() }.escalates_at(span))
            .map(|at| at.map(|at| at.as_millis() / 60_000))
            .collect();
        assert_eq!(minutes, [Some(15), Some(30), Some(60), Some(120), None, None]);
        assert_eq!(KeptAlert { state: AlertState::Seen, ..danger }.escalates_at(span), None);
        assert_eq!(met(None, Severity::Caution, 0).0.escalates_at(span), None);
    }
}
