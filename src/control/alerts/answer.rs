//! What staff do about an alert: look, act, say what came of it, close it.
//!
//! **Invariant:** an alert moves on one step after the other, each with who, when and their words; and
//! whoever may not see it is told that there is none.

use std::net::IpAddr;

use uuid::Uuid;

use crate::audit::{Act, Actor, Entry};
use crate::control::alerts::alert::{AlertState, KeptAlert};
use crate::control::alerts::kept::AlertStep;
use crate::control::alerts::suppress::{KeptSuppression, SUPPRESSORS, SuppressionRequest};
use crate::control::journal::Mutation;
use crate::control::staff::Staff;
use crate::control::{Control, ControlError, Recorded};
use crate::model::{Severity, Timestamp};

/// Fewest characters of what is said of an action or an outcome.
const MIN_WORDS: usize = 5;
/// Most characters.
const MAX_WORDS: usize = 1000;

/// What somebody does about an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// They have looked.
    Seen,
    /// They do something: what.
    Action,
    /// It is known what came of it: what.
    Outcome,
    /// It is over.
    Close,
    /// There was nothing to it: why.
    FalsePositive,
}

/// An alert that was answered, and what raises no alert from now on because of it.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The alert as it stands now.
    pub alert: KeptAlert,
    /// What was suppressed with it.
    pub suppression: Option<KeptSuppression>,
}

impl Answer {
    /// All.
    pub const ALL: [Answer; 5] =
        [Answer::Seen, Answer::Action, Answer::Outcome, Answer::Close, Answer::FalsePositive];

    /// The action in the record.
    #[must_use]
    pub fn action(self) -> &'static str {
        match self {
            Answer::Seen => "alert.seen",
            Answer::Action => "alert.action",
            Answer::Outcome => "alert.outcome",
            Answer::Close => "alert.closed",
            Answer::FalsePositive => "alert.false_positive",
        }
    }

    /// Where an alert goes from where it stands.
    fn from(self, alert: &KeptAlert) -> Result<AlertState, ControlError> {
        use AlertState::{Action, Closed, New, Outcome, Seen};
        let conflict = |text: &str| Err(ControlError::Conflict("wrong_state", text.to_owned()));
        match (self, alert.state) {
            (_, Closed) => Err(ControlError::Conflict("over", "this alert is closed".to_owned())),
            (Answer::Seen, New) => Ok(Seen),
            (Answer::Seen, Seen | Action | Outcome) => conflict("somebody has looked at this alert already"),
            (Answer::Action, New | Seen | Action) => Ok(Action),
            (Answer::Action, Outcome) => conflict("what came of it is known: close it, or add to that"),
            (Answer::Outcome, Seen | Action | Outcome) => Ok(Outcome),
            (Answer::Outcome | Answer::Close, New) => conflict("look at it first, and say that you have"),
            (Answer::Close, Outcome) => Ok(Closed),
            (Answer::Close, Seen | Action) if alert.severity == Severity::Advisory => Ok(Closed),
            (Answer::Close, Seen | Action) => conflict("say first what came of it"),
            (Answer::FalsePositive, New | Seen | Action | Outcome) => Ok(Closed),
        }
    }

    /// What must be said, and is.
    fn words(self, words: Option<&str>) -> Result<Option<String>, ControlError> {
        let words = words.map(str::trim).filter(|words| !words.is_empty());
        let length = words.map_or(0, |words| words.chars().count());
        let needed = match self {
            Answer::Seen | Answer::Close => 0,
            Answer::Action | Answer::Outcome | Answer::FalsePositive => MIN_WORDS,
        };
        if length < needed {
            let text = format!("say it in {MIN_WORDS} characters or more");
            return Err(ControlError::Invalid("words", text));
        }
        if length > MAX_WORDS || words.is_some_and(|words| words.chars().any(char::is_control)) {
            let text = format!("longer than {MAX_WORDS} characters, or with control characters");
            return Err(ControlError::Invalid("words", text));
        }
        Ok(words.map(ToOwned::to_owned))
    }
}

impl Control {
    /// Moves an alert on. With a false positive may come what is to raise no alert for a while.
    ///
    /// # Errors
    /// When there is no such alert for `staff`, or it does not stand where that can be done.
    pub async fn answer_alert(
        &self,
        staff: &Staff,
        id: Uuid,
        (answer, words): (Answer, Option<&str>),
        suppress: Option<&SuppressionRequest>,
        client: Option<IpAddr>,
    ) -> Result<Recorded<Answered>, ControlError> {
        let mut journal = self.journal.lock().await;
        let now = self.clock.now();
        let staff = journal.store.acting(staff, now)?;
        let found = journal.store.alert(id)?.filter(|alert| self.alerting.is_seen_by(alert, &staff));
        let alert = found.ok_or(ControlError::NotFound)?;
        let words = answer.words(words)?;
        let state = answer.from(&alert)?;
        let suppression = match suppress {
            Some(request) => {
                let why = words.as_deref().unwrap_or_default();
                Some(self.suppression(request, (&alert, &staff, why), client, now).await?)
            }
            None => None,
        };
        let alert = alert.moved(answer, state, now);
        let by = Some(staff.name.clone());
        let action = answer.action();
        let step = AlertStep {
            id: Uuid::now_v7(),
            alert: id,
            action: action.to_owned(),
            by,
            at: now,
            words: words.clone(),
        };
        let act = alert.described(Act::new(Actor::Staff(staff.name), action));
        let act = match &suppression {
            Some(suppression) => act
                .with("suppression_id", suppression.id.to_string())
                .with("suppressed_by", suppression.by.as_str())
                .with("suppressed_until", suppression.ends_at.to_string())
                .with("suppressed_group", suppression.group.clone()),
            None => act,
        };
        let act = Act { reason: words, client, ..act };
        let mut puts = vec![alert.put(), step.put()];
        puts.extend(suppression.as_ref().map(KeptSuppression::put));
        let audit_seq = self.keep(&mut journal, Entry::Alert, act, Mutation::new(now, puts)).await?;
        Ok(Recorded { value: Answered { alert, suppression }, audit_seq })
    }

    /// What is to raise no alert; a refusal of what is never suppressed is recorded.
    async fn suppression(
        &self,
        request: &SuppressionRequest,
        (alert, staff, why): (&KeptAlert, &Staff, &str),
        client: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<KeptSuppression, ControlError> {
        if !staff.is_any(&SUPPRESSORS) {
            return Err(ControlError::Forbidden("your role may not suppress alerts"));
        }
        let policy = self.live.snapshot();
        let read = KeptSuppression::read(request, (alert.theme, alert.about), (staff, why), (&policy, now));
        if let Err(fault @ ControlError::Statutory) = read {
            let act = Act::new(Actor::Staff(staff.name.clone()), "alert.suppressed");
            let act = Act { client, ..alert.described(act) };
            return Err(self.refused(act, Entry::Alert, fault).await);
        }
        read
    }

    /// The alerts that `staff` may see, the newest first.
    ///
    /// # Errors
    /// What the store says.
    pub async fn alerts(&self, staff: &Staff) -> Result<Vec<KeptAlert>, ControlError> {
        let mut all = self.journal.lock().await.store.alerts()?;
        all.retain(|alert| self.alerting.is_seen_by(alert, staff));
        Ok(all)
    }

    /// One alert with what was done about it and the sequences of its last events, if `staff` may see it.
    ///
    /// # Errors
    /// [`ControlError::NotFound`]
    pub async fn alert(
        &self,
        staff: &Staff,
        id: Uuid,
        most: usize,
    ) -> Result<(KeptAlert, Vec<AlertStep>, Vec<u64>), ControlError> {
        let journal = self.journal.lock().await;
        let found = journal.store.alert(id)?.filter(|alert| self.alerting.is_seen_by(alert, staff));
        let alert = found.ok_or(ControlError::NotFound)?;
        Ok((alert, journal.store.alert_steps(id)?, journal.store.alert_events(id, most)?))
    }
}

impl KeptAlert {
    fn moved(self, answer: Answer, state: AlertState, now: Timestamp) -> KeptAlert {
        KeptAlert {
            state,
            seen_at: self.seen_at.or(Some(now)),
            closed_at: (state == AlertState::Closed).then_some(now),
            false_positive: answer == Answer::FalsePositive,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::alerts::alert::About;
    use crate::control::alerts::sighting::Person;
    use crate::model::Theme;

    fn alert(state: AlertState, severity: Severity) -> KeptAlert {
        let at = Timestamp::from_millis(0);
        KeptAlert {
            id: Uuid::nil(),
            theme: Theme::Drugs,
            severity,
            about: About::Pupil,
            person: Person::User("y5.042".to_owned()),
            group: None,
            state,
            false_positive: false,
            rule: String::new(),
            count: 1,
            first_at: at,
            last_at: at,
            last_seq: 1,
            told_at: None,
            escalated: 0,
            seen_at: None,
            closed_at: None,
        }
    }

    #[test]
    fn an_alert_moves_on_one_step_after_the_other() {
        // From new, seen, action, outcome, closed; of a caution, in the order of `Answer::ALL`.
        let rows = [
            (Answer::Seen, ["seen", "wrong_state", "wrong_state", "wrong_state", "over"]),
            (Answer::Action, ["action", "action", "action", "wrong_state", "over"]),
            (Answer::Outcome, ["wrong_state", "outcome", "outcome", "outcome", "over"]),
            (Answer::Close, ["wrong_state", "wrong_state", "wrong_state", "closed", "over"]),
            (Answer::FalsePositive, ["closed", "closed", "closed", "closed", "over"]),
        ];
        for (answer, expected) in rows {
            let told = AlertState::ALL.map(|state| match answer.from(&alert(state, Severity::Caution)) {
                Ok(state) => state.as_str(),
                Err(fault) => fault.code(),
            });
            assert_eq!(told, expected, "{answer:?}");
        }
        let advisory =
            |state| Answer::Close.from(&alert(state, Severity::Advisory)).map_err(|fault| fault.code());
        assert_eq!(advisory(AlertState::Seen), Ok(AlertState::Closed));
        assert_eq!(advisory(AlertState::New), Err("wrong_state"));
    }

    #[test]
    fn an_action_says_what_it_is() {
        let code = |fault: ControlError| fault.code();
        assert_eq!(Answer::Seen.words(None).map_err(code), Ok(None));
        assert_eq!(Answer::Action.words(Some(" ok ")).map_err(code), Err("invalid"));
        assert_eq!(
            Answer::Action.words(Some(" spoke with mum ")).map_err(code),
            Ok(Some("spoke with mum".to_owned()))
        );
        assert_eq!(Answer::Outcome.words(Some("a\u{1b}[31mb c d")).map_err(code), Err("invalid"));
        assert_eq!(Answer::Close.words(Some(&"x".repeat(1001))).map_err(code), Err("invalid"));
    }
}
