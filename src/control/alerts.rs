//! Safeguarding alerts: raised from the trail, told to whoever is to know, answered by staff.
//!
//! **Invariant:** an alert on staff is the headteacher's alone, one on a headteacher the named
//! governor's alone, and nobody's own is theirs: neither list, number nor count tells of it. What is
//! told outside the gateway names nobody.

use jiff::tz::TimeZone;
use tokio::sync::Notify;

use crate::audit::Act;
use crate::control::Sources;
use crate::control::journal::Put;
use crate::control::mail::Notice;
use crate::control::staff::Staff;
use crate::model::{Role, Timestamp};
use crate::settings::{Alerts, MailAddress, Smtp};

mod alert;
mod answer;
mod escalate;
mod kept;
mod precision;
mod rules;
mod sighting;
mod suppress;
mod watch;

pub use alert::{About, AlertState, KeptAlert};
pub use answer::{Answer, Answered};
pub use kept::AlertStep;
pub use precision::Precision;
pub use sighting::Person;
pub use suppress::{By, KeptSuppression, SUPPRESSORS, SuppressionRequest};

/// Who sees any alert at all.
pub const ALERTED: [Role; 3] = [Role::Dsl, Role::Headteacher, Role::Governor];

/// What alerts go by, and whoever waits for something to send.
pub(super) struct Alerting {
    pub(super) settings: Alerts,
    pub(super) smtp: Option<Smtp>,
    pub(super) zone: TimeZone,
    pub(super) extra_roots: Vec<std::path::PathBuf>,
    /// One for mail, one for webhooks.
    pub(super) wakes: [Notify; 2],
}

impl Alerting {
    pub(super) fn new(sources: &Sources) -> Alerting {
        Alerting {
            settings: sources.alerts.clone(),
            smtp: sources.smtp.clone(),
            zone: sources.zone.clone(),
            extra_roots: sources.extra_roots.clone(),
            wakes: [Notify::new(), Notify::new()],
        }
    }

    /// Somebody has put something on its way.
    pub(super) fn wake(&self) {
        self.wakes.iter().for_each(Notify::notify_one);
    }

    /// What goes out about an alert, and to whom.
    fn notices(&self, alert: &KeptAlert, action: &'static str, now: Timestamp) -> Vec<Put> {
        let recipients = match alert.about {
            About::Pupil if alert.escalated > 0 => {
                [&*self.settings.dsl, &*self.settings.headteacher].concat()
            }
            About::Pupil => self.settings.dsl.clone(),
            About::Staff => self.settings.headteacher.clone(),
            About::Headteacher => self.settings.governor.clone(),
        };
        let notice = Notice { alert, action, now, link: self.settings.link.as_ref(), zone: &self.zone };
        let mail = recipients.iter().filter(|_| self.smtp.is_some()).map(|recipient| notice.mail(recipient));
        let hooks = self.settings.webhooks.iter().filter(|_| alert.about == About::Pupil);
        mail.chain(hooks.map(|hook| notice.webhook(hook))).collect()
    }

    /// Whether somebody is told of pupils alone: of the others, not even a number may be said.
    pub(super) fn is_told_of_pupils_alone(&self, recipient: &str) -> bool {
        let is_among = |all: &[MailAddress]| all.iter().any(|one| one.as_str() == recipient);
        let of_pupils = is_among(&self.settings.dsl)
            || self.settings.webhooks.iter().any(|hook| hook.url.to_string() == recipient);
        of_pupils && !is_among(&self.settings.headteacher) && !is_among(&self.settings.governor)
    }

    /// Whether `staff` may see alerts on such people, this one included.
    pub(super) fn is_seen_by(&self, alert: &KeptAlert, staff: &Staff) -> bool {
        let own =
            matches!(&alert.person, Person::User(name) if name.eq_ignore_ascii_case(staff.name.as_str()));
        !own && self.is_routed_to(alert.about, staff)
    }

    fn is_routed_to(&self, about: About, staff: &Staff) -> bool {
        let is_named = self.settings.governor_account.as_ref() == Some(&staff.name);
        match about {
            About::Pupil => staff.is_any(&[Role::Dsl, Role::Headteacher]),
            About::Staff => staff.is_any(&[Role::Headteacher]),
            About::Headteacher => {
                is_named && staff.is_any(&[Role::Governor]) && !staff.is_any(&[Role::Headteacher])
            }
        }
    }
}

impl KeptAlert {
    /// An act on it, without whom it is about: who may see acts may not see that.
    fn described(&self, act: Act) -> Act {
        act.with("alert_id", self.id.to_string())
            .with("theme", self.theme.as_str())
            .with("severity", self.severity.as_str())
            .with("state", self.state.as_str())
            .with("rule", self.rule.as_str())
            .with("count", self.count)
            .with("routed", self.about.as_str())
    }
}

#[cfg(test)]
impl crate::control::Control {
    /// Every alert, whoever may see it.
    pub(crate) async fn alerts_of_every_kind(&self) -> Vec<KeptAlert> {
        self.journal.lock().await.store.alerts().unwrap()
    }
}
