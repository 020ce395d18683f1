//! The digests that go out by themselves.
//!
//! **Invariant:** each goes out once, whoever restarts the gateway; one that was missed goes out late, once,
//! and says of which days it is; of alerts on pupils alone, since it goes to those who look after them.

use jiff::civil::Date;

use crate::audit::{Act, Actor, Entry};
use crate::control::alerts::{About, KeptAlert};
use crate::control::journal::Mutation;
use crate::control::mail;
use crate::control::reports::days::{self, Days, Kind};
use crate::control::reports::kept::digest_put;
use crate::control::reports::shapes::Report;
use crate::control::staff::Staff;
use crate::control::{Control, ControlError};

/// A digest that is to go out.
struct Owed {
    kind: Kind,
    days: Days,
    today: Date,
}

impl Control {
    /// Sends the digests that are due. Reads the trail: call it where that holds up nothing else.
    ///
    /// # Errors
    /// What the store or the trail says; it is tried again.
    pub async fn send_digests(&self) -> Result<(), ControlError> {
        for owed in self.owed_digests().await? {
            let (kind, days) = (owed.kind, self.report_days(owed.kind, Some(owed.days))?);
            let report = self.report_on(kind, days, &self.index, |alert| alert.about == About::Pupil).await?;
            let letter = Report { span: owed.span(), ..report }.letter();
            let mut journal = self.journal.lock().await;
            let now = self.clock.now();
            let mut puts = vec![digest_put(kind, days.to, now)];
            puts.extend(
                self.alerting.settings.dsl.iter().map(|recipient| mail::letter(recipient, &letter, now)),
            );
            let act = Act::new(Actor::System, "report.sent").with("kind", kind.as_str());
            let act = act.with("span", days.in_words());
            self.keep(&mut journal, Entry::System, act, Mutation::new(now, puts)).await?;
            self.alerting.wake();
        }
        Ok(())
    }

    /// Whether a digest is due.
    ///
    /// # Errors
    /// What the store says.
    pub async fn has_digest_due(&self) -> Result<bool, ControlError> {
        Ok(!self.owed_digests().await?.is_empty())
    }

    /// What is due and did not go out. A gateway that never sent any owes those from its first look on.
    async fn owed_digests(&self) -> Result<Vec<Owed>, ControlError> {
        let settings = &self.alerting.settings;
        let Some(at) = settings.digest_at else { return Ok(Vec::new()) };
        if self.alerting.smtp.is_none() || settings.dsl.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.clock.now();
        let today = days::today(now, self.zone());
        let store = &self.journal.lock().await.store;
        let mut owed = Vec::new();
        for kind in Kind::ALL {
            let Some(due) = days::due(kind, now, self.zone(), at) else { continue };
            match store.last_digest(kind, today)? {
                None => store.put(&digest_put(kind, due, now))?,
                Some(last) => {
                    owed.extend(days::owed(kind, due, last).map(|days| Owed { kind, days, today }));
                }
            }
        }
        Ok(owed)
    }

    pub(super) fn zone(&self) -> &jiff::tz::TimeZone {
        &self.alerting.zone
    }

    /// Whether somebody sees an alert in a report; governors none but by number.
    pub(super) fn sees(&self, alert: &KeptAlert, staff: &Staff) -> bool {
        self.alerting.is_seen_by(alert, staff)
    }
}

impl Owed {
    /// Its days for people, and whether it is other than usual.
    fn span(&self) -> String {
        let Days { from: _, to } = self.days;
        let days = self.days.in_words();
        let usual = match self.kind {
            Kind::Daily | Kind::Termly => 1,
            Kind::Weekly => 7,
        };
        match (to < self.today, self.days.count() > usual) {
            (true, _) => format!("{days}; late: it was due on {}", Days::of(to).in_words()),
            (false, true) => format!("{days}; with days for which none went out"),
            (false, false) => days,
        }
    }
}
