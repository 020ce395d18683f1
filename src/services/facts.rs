//! The facts of `services.toml`, typed.
//!
//! **Invariant:** the text is compiled in and read once; that it reads without a fault is a test,
//! and a row that would not is left out.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::LazyLock;

use super::hosts::Hosts;
use super::path::PathPattern;
use super::search::SearchKind;
use crate::document::{Document, Faults, Table};
use crate::model::Host;

/// Everything known of services.
pub(super) static FACTS: LazyLock<Facts> = LazyLock::new(|| Facts::read(&mut Faults::new()));

const TEXT: &str = include_str!("services.toml");

/// Every table of the text; the indexes of `Hosts` are rows of the list beside it.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) searches: Rows<SearchRow>,
    pub(super) safe: Rows<SafeRow>,
    pub(super) connects: Rows<ConnectRow>,
    pub(super) headers: Rows<HeaderRow>,
    pub(super) dns_json: Rows<Vec<PathPattern>>,
}

/// Rows found by host.
#[derive(Debug)]
pub(super) struct Rows<R> {
    pub(super) rows: Vec<R>,
    pub(super) hosts: Hosts,
}

/// A kind of search of an engine.
#[derive(Debug)]
pub(super) struct SearchRow {
    pub(super) engine: String,
    pub(super) kind: SearchKind,
    pub(super) paths: Vec<PathPattern>,
    pub(super) parameters: Vec<String>,
    pub(super) body: QueryBody,
}

/// What holds the query of a POST request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueryBody {
    /// The address alone.
    None,
    /// A form's field.
    Form,
    /// A field of a JSON object.
    Json,
}

/// How an engine is held to its safe search on some of its pages.
#[derive(Debug)]
pub(super) struct SafeRow {
    pub(super) paths: Vec<PathPattern>,
    /// `safe=active`
    pub(super) set: Vec<String>,
    /// Names of fields that the visitor may not bring: those set, and others.
    pub(super) strip: Vec<String>,
    pub(super) cookies: Vec<(String, String)>,
}

/// A host dialled in the stead of others.
#[derive(Debug)]
pub(super) struct ConnectRow {
    pub(super) when: When,
    pub(super) to: Host,
}

/// What must be enforced for a connect row to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    SafeSearch,
    YoutubeStrict,
    YoutubeModerate,
}

/// Headers that confine a service.
#[derive(Debug)]
pub(super) struct HeaderRow {
    pub(super) service: Service,
    pub(super) names: Vec<String>,
}

/// A service that headers confine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Youtube,
    Google,
    Microsoft,
    MicrosoftConsumer,
    Slack,
    Dropbox,
}

impl<R> Default for Rows<R> {
    fn default() -> Rows<R> {
        Rows { rows: Vec::new(), hosts: Hosts::default() }
    }
}

impl<R> Rows<R> {
    /// The rows that name a host, in the order of the text.
    pub(super) fn of(&self, host: &Host) -> impl Iterator<Item = &R> {
        self.hosts.rows(host).into_iter().filter_map(|row| self.rows.get(row))
    }
}

impl Facts {
    /// Reads the text that is compiled in.
    pub(super) fn read(faults: &mut Faults) -> Facts {
        let document = Document::new("services.toml", TEXT.to_owned());
        let Some(mut root) = document.root(faults) else { return Facts::default() };
        let suffixes = suffixes(&mut root, faults);
        let facts = Facts {
            searches: rows(&mut root, "search", &suffixes, search_row, faults),
            safe: rows(&mut root, "safe_search", &suffixes, safe_row, faults),
            connects: rows(&mut root, "connect", &suffixes, connect_row, faults),
            headers: rows(&mut root, "header", &suffixes, header_row, faults),
            dns_json: rows(
                &mut root,
                "dns_json",
                &suffixes,
                |table, faults| Some(paths(table, faults)),
                faults,
            ),
        };
        root.finish(faults);
        facts
    }
}

fn suffixes(root: &mut Table<'_>, faults: &mut Faults) -> BTreeMap<String, Vec<String>> {
    let Some(mut table) = root.table("suffixes") else { return BTreeMap::new() };
    let sets = table.keys().into_iter().map(|key| {
        let set = texts(&mut table, &key.value, faults);
        (key.value, set)
    });
    let sets = sets.collect();
    table.finish(faults);
    sets
}

fn rows<R>(
    root: &mut Table<'_>,
    key: &str,
    suffixes: &BTreeMap<String, Vec<String>>,
    read: impl Fn(&mut Table<'_>, &mut Faults) -> Option<R>,
    faults: &mut Faults,
) -> Rows<R> {
    let mut found = Rows::default();
    for mut table in root.array_of_tables(key) {
        for pattern in table.require_list::<String>("hosts", faults).unwrap_or_default() {
            if let Err(problem) = found.hosts.add(&pattern.value, suffixes, found.rows.len()) {
                faults.push(pattern.at.fault(problem));
            }
        }
        // Read by people; a row without them is a fault all the same.
        table.require::<String>("source", faults);
        table.require::<String>("noted", faults);
        match read(&mut table, faults) {
            Some(row) => found.rows.push(row),
            None => faults.push(table.header().fault("this row can't be used")),
        }
        table.finish(faults);
    }
    found
}

fn search_row(table: &mut Table<'_>, faults: &mut Faults) -> Option<SearchRow> {
    Some(SearchRow {
        engine: table.require("engine", faults)?,
        kind: table.take_parsed("kind", faults).unwrap_or(SearchKind::Search),
        paths: paths(table, faults),
        parameters: texts(table, "parameters", faults),
        body: table.take_parsed("body", faults).unwrap_or(QueryBody::None),
    })
}

fn safe_row(table: &mut Table<'_>, faults: &mut Faults) -> Option<SafeRow> {
    table.require::<String>("service", faults)?;
    let set = texts(table, "set", faults);
    let names = set.iter().filter_map(|field| field.split_once('=')).map(|(name, _)| name.to_owned());
    let strip = names.chain(texts(table, "remove", faults)).collect();
    let mut cookies = Vec::new();
    for mut cookie in table.array_of_tables("cookies") {
        cookies.extend(cookie.require("name", faults).zip(cookie.require("value", faults)));
        cookie.finish(faults);
    }
    Some(SafeRow { paths: paths(table, faults), set, strip, cookies })
}

fn connect_row(table: &mut Table<'_>, faults: &mut Faults) -> Option<ConnectRow> {
    let to: String = table.require("to", faults)?;
    Some(ConnectRow { when: table.require_parsed("when", faults)?, to: Host::parse(&to).ok()? })
}

fn header_row(table: &mut Table<'_>, faults: &mut Faults) -> Option<HeaderRow> {
    let service = table.require_parsed("service", faults)?;
    Some(HeaderRow { service, names: texts(table, "names", faults) })
}

fn paths(table: &mut Table<'_>, faults: &mut Faults) -> Vec<PathPattern> {
    texts(table, "paths", faults).iter().map(|path| PathPattern::read(path)).collect()
}

fn texts(table: &mut Table<'_>, key: &str, faults: &mut Faults) -> Vec<String> {
    let texts = table.take_list::<String>(key, faults).unwrap_or_default();
    texts.into_iter().map(|text| text.value).collect()
}

impl FromStr for SearchKind {
    type Err = String;

    fn from_str(text: &str) -> Result<SearchKind, String> {
        match text {
            "search" => Ok(SearchKind::Search),
            "suggestion" => Ok(SearchKind::Suggestion),
            _ => Err(format!("“{text}” is no kind of search")),
        }
    }
}

impl FromStr for QueryBody {
    type Err = String;

    fn from_str(text: &str) -> Result<QueryBody, String> {
        match text {
            "form" => Ok(QueryBody::Form),
            "json" => Ok(QueryBody::Json),
            _ => Err(format!("“{text}” is no body that holds a query")),
        }
    }
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<When, String> {
        match text {
            "safe_search" => Ok(When::SafeSearch),
            "youtube_strict" => Ok(When::YoutubeStrict),
            "youtube_moderate" => Ok(When::YoutubeModerate),
            _ => Err(format!("“{text}” is nothing that a group enforces")),
        }
    }
}

impl FromStr for Service {
    type Err = String;

    fn from_str(text: &str) -> Result<Service, String> {
        match text {
            "youtube" => Ok(Service::Youtube),
            "google" => Ok(Service::Google),
            "microsoft" => Ok(Service::Microsoft),
            "microsoft_consumer" => Ok(Service::MicrosoftConsumer),
            "slack" => Ok(Service::Slack),
            "dropbox" => Ok(Service::Dropbox),
            _ => Err(format!("“{text}” is no service that headers confine")),
        }
    }
}
