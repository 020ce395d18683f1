//! What is done about the sources: looks are recorded, what is new comes in force, alarms are
//! raised and lifted.

use super::*;
use crate::audit::Recorder;
use crate::control::Control;
use crate::control::store::Store;
use crate::model::counted;
use crate::telemetry::Metrics;

/// What the alarm of lists and policy that are as they last were in force is called.
const STOOD_IN: &str = "lists";

impl Control {
    /// Whether it is time to look at a source.
    #[must_use]
    pub fn has_source_due(&self) -> bool {
        self.feeds.has_due(self.clock.now())
    }

    /// Looks at sources and puts in force what is new. To be awaited on a thread of its own: it
    /// takes as long as the sources' servers do.
    ///
    /// # Errors
    /// When no source has the name that is asked for, or it can't be recorded. What becomes of
    /// each source is in the answer.
    pub async fn fetch(&self, asked: &Asked, actor: &Actor) -> Result<Vec<Looked>, ControlError> {
        let _one = self.feeds.running.lock().await;
        let mut rows = Vec::new();
        for source in self.feeds.chosen(&asked.which, self.clock.now())? {
            let (keys, sizes) = self.journal.lock().await.index_keys()?;
            let looked = self.feeds.look(&source, (&keys, &sizes), &asked.accept_shrink, self.clock.now());
            told(&self.recorder, Some(&self.metrics), &looked, actor).await?;
            self.journal.lock().await.accept_sizes(&looked.accepted(&asked.accept_shrink))?;
            let is_statutory = looked.statutory;
            rows.push(looked);
            if is_statutory {
                // At once: the next source's server may take its time.
                self.put_statutory_in_force(&rows).await;
            }
        }
        if !self.feeds.waiting().is_empty() {
            self.put_in_force(&rows).await;
        }
        self.watch().await?;
        Ok(rows)
    }

    /// How sources and statutory lists stand.
    pub async fn feeds(&self) -> View {
        let standing = self.journal.lock().await.standing();
        self.feeds.view(&standing, self.clock.now())
    }

    /// Keeps ages and alarms up with the clock; gives the alarms.
    ///
    /// # Errors
    /// When an alarm can't be recorded; it is tried again.
    pub async fn watch(&self) -> Result<Vec<Alarm>, ControlError> {
        let now = self.clock.now();
        // Held to the end, so that nobody else tells of the same alarm meanwhile.
        let journal = self.journal.lock().await;
        let (memory, standing) = (self.feeds.memory().clone(), journal.standing());
        let mut problems = alarm::problems(&self.feeds.sources, &memory, &standing, now);
        problems.extend(journal.stood_in().iter().map(|problem| (STOOD_IN.to_owned(), problem.clone())));
        let changed = alarm::reconcile(&memory.alarms, problems, now);
        journal.tell_ages(&self.feeds.view(&standing, now), now);
        for alarm in &changed.raised {
            tell_alarm(&self.recorder, alarm).await?;
        }
        for list in &changed.mended {
            tracing::info!(list, "the list is in order again");
            let act = Act::new(Actor::System, "list.mended").with("list", list.as_str());
            self.record(Entry::System(act)).await?;
        }
        if memory.alarms != changed.alarms {
            self.feeds.memory().alarms.clone_from(&changed.alarms);
            self.feeds.save();
        }
        Ok(changed.alarms)
    }

    /// Puts what was fetched in force: statutory lists by themselves, so that no fault in policy or
    /// other lists keeps them out.
    async fn put_in_force(&self, rows: &[Looked]) {
        self.put_statutory_in_force(rows).await;
        let mut lists = self.feeds.waiting();
        lists.retain(|id| !id.starts_with("statutory/"));
        if !lists.is_empty() {
            let reason = reason(&lists, rows);
            let done = self.reload(Actor::System, Some(&reason), &|_, _, _| {}).await;
            self.note(&lists, done.map(|_| ()));
        }
    }

    async fn put_statutory_in_force(&self, rows: &[Looked]) {
        let mut statutory = self.feeds.waiting();
        statutory.retain(|id| id.starts_with("statutory/"));
        if !statutory.is_empty() {
            let done = self.refresh_statutory(&reason(&statutory, rows)).await;
            self.note(&statutory, done);
        }
    }

    fn note(&self, sources: &[String], done: Result<(), StartError>) {
        if let Err(fault) = &done {
            let (faults, sources) = (fault.summary().len(), sources.join(", "));
            tracing::error!(faults, sources, "what was fetched is not in force: the last good lists stay");
        }
        self.feeds.note_waiting(sources, done.is_err());
    }
}

impl Looked {
    /// The new sizes of those lists that may shrink.
    fn accepted(&self, accept: &BTreeSet<String>) -> Sizes {
        let mut sizes = self.sizes.clone();
        sizes.retain(|id, _| accept.contains(id));
        sizes
    }
}

/// Looks at sources where no gateway runs: what is new is in force at the next start.
///
/// # Errors
/// As [`Control::fetch`], and what the store says.
pub async fn fetch_once(
    sources: &Sources,
    shared: &Shared,
    asked: &Asked,
    actor: &Actor,
) -> Result<Vec<Looked>, ControlError> {
    let feeds = Feeds::open(sources);
    let store = Store::open(&sources.store_file)?;
    let mut rows = Vec::new();
    for source in feeds.chosen(&asked.which, shared.clock.now())? {
        let (keys, mut sizes) = (Keys::of(&store)?, store.list_sizes()?);
        let looked = feeds.look(&source, (&keys, &sizes), &asked.accept_shrink, shared.clock.now());
        told(&shared.recorder, None, &looked, actor).await?;
        sizes.extend(looked.accepted(&asked.accept_shrink));
        store.keep_list_sizes(&sizes)?;
        rows.push(looked);
    }
    Ok(rows)
}

/// Looks at those statutory sources of which nothing is held: without them nothing can start.
pub(in crate::control) async fn fetch_first(
    feeds: &Feeds,
    sources: &Sources,
    shared: &Shared,
) -> Result<(), StartError> {
    for source in feeds.never_taken() {
        let now = shared.clock.now();
        let reason = if feeds.is_due(&source, now) {
            let store = Store::open(&sources.store_file)?;
            let (keys, sizes) = (Keys::of(&store)?, store.list_sizes()?);
            drop(store);
            let looked = feeds.look(&source, (&keys, &sizes), &BTreeSet::new(), now);
            told(&shared.recorder, Some(&shared.metrics), &looked, &Actor::System).await?;
            looked.reason
        } else {
            // Restarted at once again and again, it does not ask at once again and again.
            feeds.memory().seen(&source).and_then(|seen| seen.problem.clone())
        };
        if let Some(reason) = reason {
            return Err(ControlError::NotFetched(source.id(), reason).into());
        }
        feeds.note_waiting(&[source.id()], false);
    }
    Ok(())
}

/// Counts a look, and records it unless it found nothing new.
async fn told(
    recorder: &Recorder,
    metrics: Option<&Metrics>,
    looked: &Looked,
    actor: &Actor,
) -> Result<(), ControlError> {
    if let Some(metrics) = metrics {
        metrics.list_looked_at(&looked.source, looked.outcome);
    }
    let act = match &looked.reason {
        None if looked.entries.is_none() => return Ok(()),
        None => {
            tracing::info!(
                source = looked.source,
                entries = looked.entries,
                "a new version of lists was taken"
            );
            Act::new(actor.clone(), "list.refreshed").with("entries", looked.entries)
        }
        Some(reason) => {
            if looked.statutory {
                tracing::error!(source = looked.source, reason, "nothing new is in force of this source");
            } else {
                tracing::warn!(source = looked.source, reason, "nothing new is in force of this source");
            }
            let act = Act::new(actor.clone(), "list.refused").with("outcome", looked.outcome);
            Act { reason: Some(reason.clone()), outcome: Went::Failure, ..act }
        }
    };
    recorder.record(Entry::System(act.with("source", looked.source.as_str()))).await?;
    Ok(())
}

async fn tell_alarm(recorder: &Recorder, alarm: &Alarm) -> Result<(), ControlError> {
    let Alarm { list, problem, .. } = alarm;
    if list.starts_with("statutory/") {
        tracing::error!(
            list,
            problem,
            "alarm: a statutory list is not in order; the last good one is in force"
        );
    } else {
        tracing::warn!(list, problem, "alarm: lists are not in order; what was in force before is");
    }
    let act = Act::new(Actor::System, "list.alarm").with("list", list.as_str());
    let act = Act { reason: Some(problem.clone()), outcome: Went::Failure, ..act };
    recorder.record(Entry::System(act)).await?;
    Ok(())
}

/// Why lists are read anew.
fn reason(sources: &[String], rows: &[Looked]) -> String {
    let entries = |id: &String| rows.iter().find(|row| row.source == *id).and_then(|row| row.entries);
    let each = |id: &String| match entries(id) {
        Some(entries) => format!("{id} ({})", counted(entries, "entry")),
        None => id.clone(),
    };
    format!("fetched: {}", sources.iter().map(each).collect::<Vec<_>>().join(", "))
}
