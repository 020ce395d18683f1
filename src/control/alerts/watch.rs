//! Reads the trail on and raises alerts.
//!
//! **Invariant:** how far it has read is kept together with the last of what it found there, and an alert
//! takes in no event twice: a sudden end neither loses an event nor counts it twice.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::audit::{Act, Actor, Entry, Follower, Written};
use crate::control::alerts::alert::{About, KeptAlert, Met};
use crate::control::alerts::kept::{AlertStep, cursor_put, try_put};
use crate::control::alerts::rules::{self, Finding, Themes};
use crate::control::alerts::sighting::Sighting;
use crate::control::journal::{Journal, Mutation, Put};
use crate::control::staff::Staff;
use crate::control::store::{Store, StoreError};
use crate::control::{Control, ControlError};
use crate::model::{Host, Role, Timestamp, Url};
use crate::policy::{Policy, categories_of};
use uuid::Uuid;

/// What this reader of the trail is called.
const NAME: &str = "alerts";
/// Most lines that are looked at before others may have the journal.
const BATCH: usize = 512;
/// How many lines may be read twice after a sudden end, where nothing was found in them.
const UNKEPT: u64 = 20_000;
/// How long it waits after a fault.
const PAUSE: Duration = Duration::from_secs(1);

/// What one event comes to.
#[derive(Default)]
struct Weighed {
    puts: Vec<Put>,
    /// Alerts of which there is more to say than one more event, the gravest first.
    told: Vec<(KeptAlert, Met)>,
}

impl Control {
    /// Reads the trail as it grows and raises alerts, until `stop`. Blocks its thread now and then.
    pub async fn watch_for_alerts(&self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let failed = match self.alert_follower().await {
                Ok(mut follower) => self.follow(&mut follower, &stop).await,
                Err(fault) => Err(fault),
            };
            let Err(fault) = failed else { return };
            tracing::error!(%fault, "could not look for alerts in the trail; trying again");
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    /// Looks at all that the trail holds by now.
    ///
    /// # Errors
    /// What the store or the trail says.
    #[cfg(test)]
    pub(crate) async fn look_for_alerts(&self) -> Result<(), ControlError> {
        let mut follower = self.alert_follower().await?;
        while follower.is_behind() {
            if !self.look_on(&mut follower).await? {
                break;
            }
        }
        Ok(())
    }

    /// Marks where alerts begin, at the first start: the trail from before then raises none.
    pub(in crate::control) async fn begin_alerts(&self) -> Result<(), ControlError> {
        self.alert_follower().await.map(drop)
    }

    /// Where to go on.
    async fn alert_follower(&self) -> Result<Follower, ControlError> {
        let journal = self.journal.lock().await;
        let head = self.recorder.head().sequence;
        let after = match journal.store.cursor(NAME)? {
            Some(cursor) if cursor <= head => cursor,
            Some(_) | None => {
                journal.store.put(&cursor_put(NAME, head))?;
                head
            }
        };
        Ok(self.recorder.follow(after))
    }

    async fn follow(&self, follower: &mut Follower, stop: &CancellationToken) -> Result<(), ControlError> {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                more = follower.more() => if !more && !follower.is_behind() { return Ok(()) },
            }
            if !self.look_on(follower).await? {
                // The head is ahead of what can be read for a moment, where a segment is being made.
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }

    /// Looks at the next lines; whether there were any.
    async fn look_on(&self, follower: &mut Follower) -> Result<bool, ControlError> {
        let lines = follower.read(BATCH).map_err(|fault| StoreError::System(fault.to_string()))?;
        let Some(last) = lines.last().map(|line| line.sequence) else { return Ok(false) };
        let seen: Vec<Sighting> = lines.iter().filter_map(|line: &Written| Sighting::read(line)).collect();
        let policy = self.live.snapshot();
        let found: Vec<(Sighting, Vec<Finding>)> = seen
            .into_iter()
            .map(|sighting| {
                let sighting = categorised(sighting, &policy);
                let findings = self.findings(&sighting, &policy);
                (sighting, findings)
            })
            .filter(|(_, findings)| !findings.is_empty())
            .collect();
        if !found.is_empty() {
            self.take(found, last).await?;
        } else if last % UNKEPT < BATCH as u64 {
            self.journal.lock().await.store.put(&cursor_put(NAME, last))?;
        }
        Ok(true)
    }

    fn findings(&self, sighting: &Sighting, policy: &Policy) -> Vec<Finding> {
        let matches = sighting.words().map(|words| policy.terms().find(words)).unwrap_or_default();
        let lists: Vec<&str> =
            matches.iter().filter_map(|found| Some(policy.terms().list(*found)?.name.as_str())).collect();
        rules::findings(sighting, &lists, &Themes(&self.alerting.settings.categories))
    }

    /// Takes in what was found in the lines up to `last`.
    async fn take(&self, found: Vec<(Sighting, Vec<Finding>)>, last: u64) -> Result<(), ControlError> {
        let mut journal = self.journal.lock().await;
        let taken = self.take_each(&mut journal, found, last).await;
        if taken.is_err() {
            journal.store.forget_batch();
        }
        taken
    }

    async fn take_each(
        &self,
        journal: &mut Journal,
        found: Vec<(Sighting, Vec<Finding>)>,
        last: u64,
    ) -> Result<(), ControlError> {
        let now = self.clock.now();
        let staff = journal.store.staff()?;
        for (sighting, findings) in found {
            journal.store.begin_batch()?;
            let Weighed { puts, mut told } = self.weigh(&journal.store, &sighting, findings, &staff, now)?;
            let Some(last) = told.pop() else {
                puts.iter().try_for_each(|put| journal.store.put(put))?;
                continue;
            };
            journal.store.settle_batch(sighting.sequence - 1)?;
            for told in told {
                self.tell(journal, told, Vec::new(), now).await?;
            }
            let puts = [puts, vec![cursor_put(NAME, sighting.sequence)]].concat();
            self.tell(journal, last, puts, now).await?;
        }
        journal.store.begin_batch()?;
        journal.store.forget_tries(now)?;
        Ok(journal.store.settle_batch(last)?)
    }

    /// What one event comes to.
    fn weigh(
        &self,
        store: &Store,
        sighting: &Sighting,
        findings: Vec<Finding>,
        staff: &[Staff],
        now: Timestamp,
    ) -> Result<Weighed, ControlError> {
        let mut weighed = Weighed::default();
        let (suppressions, about) = (
            store.suppressions_in_force(now)?,
            self.about(sighting.user(), sighting.group.as_deref(), staff),
        );
        let mut left = Vec::new();
        for finding in findings {
            match suppressions.iter().find(|one| one.covers(sighting, &finding, about)) {
                Some(one) => {
                    let counted = super::KeptSuppression { hits: one.hits + 1, ..one.clone() };
                    weighed.puts.push(counted.put());
                }
                None => left.push(finding),
            }
        }
        let mut themes = BTreeSet::new();
        // The gravest comes first: of a theme, the others say nothing more.
        for finding in left.into_iter().filter(|finding| themes.insert(finding.theme)) {
            self.meet(store, (sighting, finding, about), now, &mut weighed)?;
        }
        Ok(weighed)
    }

    /// What one finding makes of the alert of its person and theme.
    fn meet(
        &self,
        store: &Store,
        (sighting, mut finding, about): (&Sighting, Finding, About),
        now: Timestamp,
        weighed: &mut Weighed,
    ) -> Result<(), ControlError> {
        if rules::is_try(sighting) {
            let attempt = try_put(sighting, finding.theme);
            // At once: it counts itself.
            store.put(&attempt)?;
            let tries = store.tries(&sighting.person, finding.theme, sighting.at)?;
            finding.severity = rules::after(finding.severity, tries, self.alerting.settings.tries);
            weighed.puts.push(attempt);
        }
        let last = store.last_alert(&sighting.person, finding.theme, about)?;
        if last.as_ref().is_some_and(|last| last.last_seq == sighting.sequence) {
            // Taken in before a sudden end.
            return Ok(());
        }
        let (mut alert, met) =
            KeptAlert::meet(last, (sighting, &finding, about), self.alerting.settings.reopen, now);
        match met {
            Met::Joined => weighed.puts.extend([alert.put(), alert.event_put()]),
            Met::Raised | Met::Risen | Met::Again | Met::Reopened => {
                alert.told_at = alert.is_told().then_some(now);
                weighed.told.push((alert, met));
            }
        }
        Ok(())
    }

    /// Whom the log means by a user and a group.
    ///
    /// # Errors
    /// What the store says.
    pub async fn whose(&self, user: Option<&str>, group: Option<&str>) -> Result<About, ControlError> {
        let staff = self.staff().await?;
        Ok(self.about(user, group, &staff))
    }

    /// Who it is about, by the accounts and by the group; names of staff and of users differ in capitals
    /// where directories do.
    fn about(&self, user: Option<&str>, group: Option<&str>, staff: &[Staff]) -> About {
        let is = |member: &&Staff| user.is_some_and(|user| user.eq_ignore_ascii_case(member.name.as_str()));
        let account = staff.iter().find(is);
        let groups = &self.alerting.settings.staff_groups;
        let in_group = groups.iter().any(|staff| group == Some(staff.as_str()));
        match account {
            Some(member) if member.is_any(&[Role::Headteacher]) => About::Headteacher,
            Some(_) => About::Staff,
            None if in_group => About::Staff,
            None => About::Pupil,
        }
    }

    /// Records what there is to say of an alert, and puts it on its way to whoever is to know.
    async fn tell(
        &self,
        journal: &mut Journal,
        (alert, met): (KeptAlert, Met),
        mut puts: Vec<Put>,
        now: Timestamp,
    ) -> Result<(), ControlError> {
        let Some(action) = met.action() else { return Ok(()) };
        let step = AlertStep {
            id: Uuid::now_v7(),
            alert: alert.id,
            action: action.to_owned(),
            by: None,
            at: now,
            words: None,
        };
        puts.extend([alert.put(), alert.event_put(), step.put()]);
        if alert.is_told() {
            puts.extend(self.alerting.notices(&alert, action, now));
        }
        let act = alert.described(Act::new(Actor::System, action)).with("sequence", alert.last_seq);
        self.keep(journal, Entry::Alert, act, Mutation::new(now, puts)).await?;
        // Who reads metrics may not know how many there are on staff.
        if alert.about == About::Pupil {
            self.metrics.alert_told(alert.theme.as_str(), alert.severity.as_str());
        }
        self.alerting.wake();
        Ok(())
    }
}

/// With every category of its site: a group that does nothing about one has none in its record.
fn categorised(mut sighting: Sighting, policy: &Policy) -> Sighting {
    let Some(host) = sighting.host.as_deref().and_then(|host| Host::parse(host).ok()) else {
        return sighting;
    };
    let url = sighting.url.as_deref().and_then(|url| Url::parse(url).ok());
    for category in categories_of(policy, &host, url.as_ref()) {
        if !sighting.categories.iter().any(|known| known == category) {
            sighting.categories.push(category.to_owned());
        }
    }
    sighting
}

impl Store {
    /// Begins a transaction, unless one is under way.
    fn begin_batch(&self) -> Result<(), StoreError> {
        if self.connection.is_autocommit() {
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
        }
        Ok(())
    }

    /// Ends it: all up to this sequence is taken in.
    fn settle_batch(&self, sequence: u64) -> Result<(), StoreError> {
        self.put(&cursor_put(NAME, sequence))?;
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    fn forget_batch(&self) {
        if !self.connection.is_autocommit() {
            // A store that can't even roll back says so at the next act.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}
