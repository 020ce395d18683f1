//! How the sources and the statutory lists stand, for people and programs.

use serde::Serialize;

use super::*;
use crate::policy::Draft;

/// A source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceStatus {
    /// `ut1`, `statutory/iwf`
    pub source: String,
    /// Where it is, without what follows a `?`.
    pub place: String,
    /// When it was last looked at with success.
    pub looked: Option<Timestamp>,
    /// When it last brought something new.
    pub changed: Option<Timestamp>,
    /// When it is looked at next; `None`: at once.
    pub next_look: Option<Timestamp>,
    /// What is wrong, until it is mended.
    pub problem: Option<String>,
    /// The licence of its lists.
    pub licence: String,
    /// Who must be named where they are shown.
    pub attribution: String,
}

/// How everything stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct View {
    /// Every source of the settings.
    pub sources: Vec<SourceStatus>,
    /// What is wrong.
    pub alarms: Vec<Alarm>,
    /// When each statutory list was last looked at with success, by its id.
    pub looked: BTreeMap<String, Timestamp>,
}

impl View {
    /// The source that a list comes from.
    #[must_use]
    pub fn source_of(&self, list: &str) -> Option<&SourceStatus> {
        self.sources.iter().find(|own| {
            own.source == list || list.strip_prefix(&*own.source).is_some_and(|rest| rest.starts_with('/'))
        })
    }

    /// What is wrong with a list or its source, in one sentence.
    #[must_use]
    pub fn alarm_of(&self, list: &str) -> Option<String> {
        let source = self.source_of(list).map(|source| &*source.source);
        let own = self.alarms.iter().filter(|alarm| alarm.list == list || Some(&*alarm.list) == source);
        let told: Vec<&str> = own.map(|alarm| &*alarm.problem).collect();
        if told.is_empty() { None } else { Some(told.join("; ")) }
    }
}

/// How everything stands by what is on disk, for commands that run beside the gateway.
#[must_use]
pub fn view(sources: &Sources, standing: &[Standing], now: Timestamp) -> View {
    Feeds::open(sources).view(standing, now)
}

/// For whom single pages of statutory lists can't be told apart over https; nothing where only
/// hosts are listed, or where every group of `draft` is inspected.
#[must_use]
pub fn inspection_sentence(statutory: &Statutory, draft: Option<&Draft>) -> Option<String> {
    let (hosts, pages) = match statutory.paged_hosts() {
        0 => return None,
        1 => ("1 host".to_owned(), "that host's"),
        more => (format!("{more} hosts"), "those hosts'"),
    };
    let groups = draft.map(|draft| draft.never_inspected().map(ToString::to_string).collect::<Vec<_>>());
    let whose = match groups {
        Some(groups) if groups.is_empty() => return None,
        Some(groups) => format!("for {}, which the policy never inspects", groups.join(", ")),
        None => "for groups that the policy never inspects".to_owned(),
    };
    Some(format!(
        "single pages of {hosts} are listed: over http they are refused for everybody; over https {pages} \
         pages can't be told apart {whose}, so there they are not enforced"
    ))
}

impl Feeds {
    pub(in crate::control) fn view(&self, standing: &[Standing], now: Timestamp) -> View {
        let memory = self.memory().clone();
        let problems = alarm::problems(&self.sources, &memory, standing, now);
        let looked = standing.iter().filter_map(|own| Some((own.id(), alarm::looked(own, &memory)?)));
        View {
            sources: self.sources.iter().map(|source| status(source, memory.seen(source))).collect(),
            alarms: alarm::reconcile(&memory.alarms, problems, now).alarms,
            looked: looked.collect(),
        }
    }
}

fn status(source: &Source, seen: Option<&Seen>) -> SourceStatus {
    let place = match &source.place {
        Place::Web(url) => format!("{}://{}{}", url.scheme().as_str(), url.authority(), url.path()),
        Place::Path(path) => path.display().to_string(),
    };
    SourceStatus {
        source: source.id(),
        place,
        looked: seen.and_then(|seen| seen.looked),
        changed: seen.and_then(|seen| seen.changed),
        next_look: seen.and_then(|seen| seen.next),
        problem: seen.and_then(|seen| seen.problem.clone()),
        licence: source.licence.clone(),
        attribution: source.attribution.clone(),
    }
}
