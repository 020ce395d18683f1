//! The digests that go out by themselves.
//!
//! **Invariant:** each goes out once a day, whoever restarts the gateway; of alerts on pupils alone,
//! since it goes to those who look after them.

use serde_json::json;

use crate::audit::{Act, Actor, Entry};
use crate::control::alerts::{About, KeptAlert};
use crate::control::journal::{Mutation, Put, Table};
use crate::control::mail;
use crate::control::reports::days::{self, Kind};
use crate::control::staff::Staff;
use crate::control::{Control, ControlError};

impl Control {
    /// Sends the digests that are due. Reads the trail: call it where that holds up nothing else.
    ///
    /// # Errors
    /// What the store or the trail says; it is tried again.
    pub async fn send_digests(&self) -> Result<(), ControlError> {
        for kind in self.due_digests().await? {
            let report = self
                .report_on(kind, self.report_days(kind, None)?, &self.index, |alert| {
                    alert.about == About::Pupil
                })
                .await?;
            let letter = report.letter();
            let mut journal = self.journal.lock().await;
            let now = self.clock.now();
            let name = self.digest_name(kind);
            let mut puts =
                vec![Put::new(Table::Digests, [("name", json!(name)), ("at", json!(now.as_millis()))])];
            puts.extend(
                self.alerting.settings.dsl.iter().map(|recipient| mail::letter(recipient, &letter, now)),
            );
            let act = Act::new(Actor::System, "report.sent").with("kind", kind.as_str());
            let act = act.with("span", report.span.as_str());
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
        Ok(!self.due_digests().await?.is_empty())
    }

    async fn due_digests(&self) -> Result<Vec<Kind>, ControlError> {
        let settings = &self.alerting.settings;
        let Some(at) = settings.digest_at else { return Ok(Vec::new()) };
        let (is_time, is_monday) = days::is_due(self.clock.now(), self.zone(), at);
        if !is_time || self.alerting.smtp.is_none() || settings.dsl.is_empty() {
            return Ok(Vec::new());
        }
        let sent = self.journal.lock().await.store.digests()?;
        let kinds = [Some(Kind::Daily), is_monday.then_some(Kind::Weekly)].into_iter().flatten();
        Ok(kinds.filter(|kind| !sent.contains(&self.digest_name(*kind))).collect())
    }

    fn digest_name(&self, kind: Kind) -> String {
        format!("{} {}", kind.as_str(), days::today(self.clock.now(), self.zone()))
    }

    pub(super) fn zone(&self) -> &jiff::tz::TimeZone {
        &self.alerting.zone
    }

    /// Whether somebody sees an alert in a report; governors none but by number.
    pub(super) fn sees(&self, alert: &KeptAlert, staff: &Staff) -> bool {
        self.alerting.is_seen_by(alert, staff)
    }
}
