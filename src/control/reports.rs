//! Reports: digests for those who look after pupils, a termly pack for governors.
//!
//! **Invariant:** a governor's report names nobody and shows no number by which somebody could be told;
//! a digest names nobody either; days are those of the school's clock.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::audit::{Index, QueryError};
use crate::control::alerts::{About, KeptAlert};
use crate::control::reports::count::Counts;
use crate::control::staff::Staff;
use crate::control::store::StoreError;
use crate::control::{Control, ControlError};
use crate::model::{Role, Timestamp, counted};

mod count;
mod days;
mod digest;
mod kept;
mod made;
mod shapes;
mod small;

pub use days::{Days, Kind, MOST_DAYS};
pub use shapes::{Report, Section};

/// Who reads the daily and the weekly report.
pub const DIGEST_READERS: [Role; 2] = [Role::Dsl, Role::Headteacher];
/// Who reads the termly report.
pub const TERMLY_READERS: [Role; 3] = [Role::Governor, Role::Headteacher, Role::Dsl];

/// All that a report is made of.
struct Material {
    kind: Kind,
    days: Days,
    now: Timestamp,
    counts: Counts,
    /// Those of the span, as far as whoever reads it may see them.
    alerts: Vec<KeptAlert>,
    /// Those that are open, whenever they began.
    open: Vec<KeptAlert>,
    /// The lists: what, and how it stands.
    lists: Vec<[String; 2]>,
    /// Changes that wait for somebody.
    waiting: usize,
    /// Messages to those who are told of pupils alone.
    undelivered: usize,
    is_stuck: bool,
    head: u64,
    /// The names of groups, by what they are called in policy.
    groups: BTreeMap<String, String>,
}

impl Control {
    /// The days of a report: those that are asked for, or the usual ones.
    ///
    /// # Errors
    /// When they make no such report.
    pub fn report_days(&self, kind: Kind, days: Option<Days>) -> Result<Days, ControlError> {
        let now = self.clock.now();
        let days = days.unwrap_or_else(|| kind.usual(now, self.zone()));
        check(kind, days, days::today(now, self.zone()))?;
        Ok(days)
    }

    /// A report of such days as `staff` may read it; the trail is read through `index`, which breaks it
    /// off when whoever asked is gone.
    ///
    /// # Errors
    /// When the store or the trail can't be read.
    pub async fn report_of(
        &self,
        kind: Kind,
        days: Days,
        staff: &Staff,
        index: &Index,
    ) -> Result<Report, ControlError> {
        self.report_on(kind, days, index, |alert| match kind {
            Kind::Daily | Kind::Weekly => self.sees(alert, staff),
            // The same for all who read it: of staff, somebody could be told.
            Kind::Termly => alert.about == About::Pupil,
        })
        .await
    }

    async fn report_on(
        &self,
        kind: Kind,
        days: Days,
        index: &Index,
        sees: impl Fn(&KeptAlert) -> bool,
    ) -> Result<Report, ControlError> {
        let now = self.clock.now();
        let counts = self.counts(days, now, index).await?;
        let (from, to) = days.span(self.zone());
        let (alerts, undelivered) = {
            let store = &self.journal.lock().await.store;
            (store.alerts()?, self.waiting_on_pupils(&store.waiting()?))
        };
        let mut alerts: Vec<KeptAlert> = alerts.into_iter().filter(sees).collect();
        let open = alerts.iter().filter(|alert| alert.closed_at.is_none()).cloned().collect();
        alerts.retain(|alert| from <= alert.first_at && alert.first_at < to);
        let groups = self.live.snapshot();
        let groups = groups.draft().groups.iter().map(|group| (group.id.to_string(), group.name.clone()));
        let material = Material {
            groups: groups.collect(),
            kind,
            days,
            now,
            counts,
            alerts,
            open,
            lists: self.list_rows(now).await,
            waiting: self.changes_pending().await?,
            undelivered,
            is_stuck: self.recorder.is_stuck(),
            head: self.recorder.head().sequence,
        };
        let pseudonyms = self.pseudonyms().await?;
        Ok(material.report(&pseudonyms, (self.zone(), self.alerting.settings.escalate)))
    }

    /// The numbers of these days; those of days that are over are counted once.
    async fn counts(&self, days: Days, now: Timestamp, index: &Index) -> Result<Counts, ControlError> {
        let today = days::today(now, self.zone());
        let began = began(index).await?.map(|at| days::today(at, self.zone()));
        // A clock that was ahead when the trail began says nothing of the days since it was put right.
        let began = began.map(|began| if began <= today { began } else { days.from });
        let mut all = Counts::default();
        for day in days.each().take_while(|day| *day <= today) {
            let is_over = day < today;
            let kept = if is_over { self.journal.lock().await.store.day_counts(day)? } else { None };
            let counts = match kept {
                Some(counts) => counts,
                // Nothing of such a day is on record: neither read nor kept.
                None if began.is_none_or(|began| day < began) => continue,
                None => {
                    let next = day.tomorrow().unwrap_or(day);
                    let span = Days { from: day, to: next }.span(self.zone());
                    let counts = read(index, span).await?;
                    if is_over {
                        self.journal.lock().await.store.keep_day_counts(day, &counts)?;
                    }
                    counts
                }
            };
            all = all.and(counts);
        }
        Ok(all)
    }

    async fn list_rows(&self, now: Timestamp) -> Vec<[String; 2]> {
        let view = self.feeds().await;
        let age = |looked: Timestamp| match now.since(looked).as_secs() / 3600 {
            0 => "looked at within the last hour".to_owned(),
            hours => format!("looked at {} ago", counted(hours, "hour")),
        };
        let statutory = view.looked.iter().map(|(list, looked)| [list.clone(), age(*looked)]);
        let sources = view.sources.iter().filter(|source| !view.looked.contains_key(&source.source));
        let sources = sources.map(|source| {
            let stands = source.looked.map_or_else(|| "never looked at with success".to_owned(), age);
            [source.source.clone(), stands]
        });
        let mut rows: Vec<[String; 2]> = statutory.chain(sources).collect();
        rows.extend(
            view.alarms.iter().map(|alarm| [alarm.list.clone(), format!("ALARM: {}", alarm.problem)]),
        );
        rows
    }
}

async fn read(index: &Index, span: (Timestamp, Timestamp)) -> Result<Counts, ControlError> {
    of_trail(index, move |index| Counts::read(index, span)).await
}

/// When the trail begins; none while nothing is in it.
async fn began(index: &Index) -> Result<Option<Timestamp>, ControlError> {
    of_trail(index, count::began).await
}

async fn of_trail<T: Send + 'static>(
    index: &Index,
    read: impl FnOnce(&Index) -> Result<T, QueryError> + Send + 'static,
) -> Result<T, ControlError> {
    let index = index.clone();
    let read = tokio::task::spawn_blocking(move || read(&index)).await;
    Ok(read.map_err(|fault| StoreError::System(fault.to_string()))??)
}

fn check(kind: Kind, days: Days, today: Date) -> Result<(), ControlError> {
    let invalid = |text: String| Err(ControlError::Invalid("to", text));
    if !(1..=MOST_DAYS).contains(&days.count()) {
        return invalid(format!("such a report is of 1 to {MOST_DAYS} days"));
    }
    match kind {
        Kind::Daily | Kind::Weekly if days.to.yesterday().is_ok_and(|last| last > today) => {
            invalid("these days are yet to come: `to` is today at the latest".to_owned())
        }
        Kind::Daily | Kind::Weekly => Ok(()),
        Kind::Termly if days.are_months() && days.to <= today => Ok(()),
        // Two reports that differ by a few days would date what few people did.
        Kind::Termly => invalid(
            "such a report is of whole months that are over: `from` is the first day of one, `to` the last"
                .to_owned(),
        ),
    }
}
