//! A list, a source and what is wrong with them, as they are shown.

use serde::Serialize;
use utoipa::ToSchema;

use crate::control::feeds::{self, SourceStatus, View};
use crate::lists;
use crate::model::Timestamp;
use crate::web::openapi::words::Moment;

/// A list of a category, or of the school's own.
#[derive(Serialize, ToSchema)]
pub(super) struct List {
    /// Its id.
    #[schema(example = "ut1/games")]
    id: String,
    /// The category that it belongs to.
    category: Option<String>,
    /// What a person would call it.
    title: String,
    /// The version as its publisher names it.
    version: String,
    /// How many entries it has.
    entries: usize,
    /// How many lines were not taken.
    rejected: usize,
    /// Its licence.
    licence: String,
    /// Who must be named where it is shown.
    attribution: Option<String>,
    /// BLAKE3 of its files.
    digest: String,
    /// The source that it comes from.
    source: Option<String>,
    /// What is wrong with it.
    alarm: Option<String>,
}

/// A statutory list: never an entry of it.
#[derive(Serialize, ToSchema)]
pub(super) struct StatutoryList {
    /// Its name.
    name: String,
    /// The version as its publisher names it.
    version: String,
    /// How many entries it has.
    entries: usize,
    /// How many of them are single pages.
    pages: usize,
    /// When it was last looked at with success.
    #[schema(value_type = Option<Moment>)]
    looked: Option<Timestamp>,
    /// How long ago that was.
    age_seconds: Option<u64>,
    /// What is wrong with it.
    alarm: Option<String>,
}

/// Where lists are fetched from.
#[derive(Serialize, ToSchema)]
pub(super) struct Source {
    /// Its name.
    #[schema(example = "ut1")]
    source: String,
    /// Where it is, without what follows a `?`.
    place: String,
    /// When it was last looked at with success.
    #[schema(value_type = Option<Moment>)]
    looked: Option<Timestamp>,
    /// When it last brought something new.
    #[schema(value_type = Option<Moment>)]
    changed: Option<Timestamp>,
    /// When it is looked at next; null: at once.
    #[schema(value_type = Option<Moment>)]
    next_look: Option<Timestamp>,
    /// What is wrong, until it is mended.
    problem: Option<String>,
    /// The licence of its lists.
    licence: String,
    /// Who must be named where they are shown.
    attribution: String,
}

/// Something that is wrong with a list, although filtering goes on.
#[derive(Serialize, ToSchema)]
pub(super) struct Alarm {
    /// The list or source.
    #[schema(example = "statutory/iwf")]
    list: String,
    /// What is wrong; never a line of the list.
    problem: String,
    /// Since when.
    #[schema(value_type = Moment)]
    since: Timestamp,
}

impl List {
    /// A list with what its source says of it.
    pub(super) fn new(list: &lists::ListInfo, category: Option<String>, view: &View) -> List {
        let source = view.source_of(&list.id);
        let licence = source.map(|source| &*source.licence).filter(|licence| !licence.is_empty());
        List {
            id: list.id.to_string(),
            category,
            title: list.title.to_string(),
            version: list.version.to_string(),
            entries: list.entries,
            rejected: list.rejected,
            licence: licence.unwrap_or(&list.licence).to_owned(),
            attribution: source.map(|source| source.attribution.clone()),
            digest: list.digest.to_string(),
            source: source.map(|source| source.source.clone()),
            alarm: view.alarm_of(&list.id),
        }
    }
}

impl StatutoryList {
    /// A statutory list as it stands at `now`.
    pub(super) fn new(list: &lists::StatutoryList, view: &View, now: Timestamp) -> StatutoryList {
        let id = format!("statutory/{}", list.name);
        let looked = view.looked.get(&id).copied();
        StatutoryList {
            name: list.name.to_string(),
            version: list.version.to_string(),
            entries: list.entries,
            pages: list.pages,
            looked,
            age_seconds: looked.map(|looked| now.since(looked).as_secs()),
            alarm: view.alarm_of(&id),
        }
    }
}

impl From<SourceStatus> for Source {
    fn from(status: SourceStatus) -> Source {
        let SourceStatus { source, place, looked, changed, next_look, problem, licence, attribution } =
            status;
        Source { source, place, looked, changed, next_look, problem, licence, attribution }
    }
}

impl From<feeds::Alarm> for Alarm {
    fn from(alarm: feeds::Alarm) -> Alarm {
        let feeds::Alarm { list, problem, since } = alarm;
        Alarm { list, problem, since }
    }
}
