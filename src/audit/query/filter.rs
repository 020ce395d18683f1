//! What is asked for, and whether a line is it.

use std::net::IpAddr;

use serde_json::Value;
use uuid::Uuid;

use crate::audit::json::text;
use crate::audit::line::Place;
use crate::audit::query::{Halt, Record};
use crate::audit::segment::{Piece, Segment};
use crate::model::{Host, Name, Timestamp};

/// Which way to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// From the end of the trail.
    #[default]
    NewestFirst,
    /// From its start.
    OldestFirst,
}

/// What to do with the lines that end an access.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Closes {
    /// Put what they say into their access; answer none on its own.
    #[default]
    Joined,
    /// Answer them as the lines they are.
    Apart,
}

/// What to look for; what is `None` is not asked. Words are those of the events.
#[derive(Clone, Debug)]
pub struct Filter {
    /// At this moment or later.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub to: Option<Timestamp>,
    /// `user.name`
    pub user: Option<String>,
    /// `user.group.name`
    pub group: Option<String>,
    /// `host.name`: the client's device.
    pub device: Option<String>,
    /// The host asked for, its subdomains included.
    pub host: Option<Host>,
    /// The category that decided, or a further one that matched.
    pub category: Option<String>,
    /// `event.action`
    pub action: Option<String>,
    /// `schoolgate.rung`
    pub rung: Option<String>,
    /// The temporary unblock that opened it, or that it is a step of (`details.unblock_id`).
    pub unblock: Option<Uuid>,
    /// `event.dataset`: `schoolgate.access`, …
    pub dataset: Option<String>,
    /// `source.ip`
    pub client: Option<IpAddr>,
    /// Words that all stand in what was searched for, or was being typed, in either case.
    pub search: Option<String>,
    /// Text that stands somewhere in the line, letter for letter.
    pub text: Option<String>,
    /// Below this sequence.
    pub before: Option<u64>,
    /// Above this sequence.
    pub after: Option<u64>,
    /// Which way to read.
    pub order: Order,
    /// Whether ends are joined to their accesses.
    pub closes: Closes,
    /// Most events of a page; at least one.
    pub limit: usize,
}

/// A filter made ready.
pub(super) struct Matcher<'a> {
    filter: &'a Filter,
    halt: &'a Halt,
    from: Option<String>,
    to: Option<String>,
    /// Every line that matches holds each of these.
    needles: Vec<String>,
    host: Option<(String, Option<&'a Name>)>,
    client: Option<String>,
    words: Vec<String>,
}

/// What a line is to a filter.
pub(super) enum Judged {
    /// It matches.
    Match(Box<Record>),
    /// It does not.
    Pass,
    /// Neither it nor any further one does.
    Beyond,
}

impl Default for Filter {
    fn default() -> Filter {
        Filter {
            from: None,
            to: None,
            user: None,
            group: None,
            device: None,
            host: None,
            category: None,
            action: None,
            rung: None,
            unblock: None,
            dataset: None,
            client: None,
            search: None,
            text: None,
            before: None,
            after: None,
            order: Order::default(),
            closes: Closes::default(),
            limit: 100,
        }
    }
}

impl Filter {
    /// The words of a search that is asked for, in lower case.
    pub(in crate::audit) fn search_words(&self) -> Vec<String> {
        let words = self.search.iter().flat_map(|words| words.split_whitespace());
        words.map(str::to_lowercase).collect()
    }

    /// Whether a line that ends an access may match: the index has those only beside their
    /// accesses, so that they are looked for in the trail itself.
    pub(super) fn may_match_ends(&self) -> bool {
        let any_or = |asked: &Option<String>, own: &str| asked.as_deref().is_none_or(|asked| asked == own);
        let shown = self.closes == Closes::Apart || self.dataset.is_some();
        let of_accesses = [&self.user, &self.group, &self.device, &self.category, &self.rung];
        shown
            && any_or(&self.dataset, "schoolgate.close")
            && any_or(&self.action, "close")
            && of_accesses.iter().all(|asked| asked.is_none())
            && (self.host.is_none() && self.client.is_none() && self.unblock.is_none())
            && self.search_words().is_empty()
    }

    /// Made ready, to be broken off by `halt`.
    pub(super) fn matcher<'a>(&'a self, halt: &'a Halt) -> Result<Matcher<'a>, serde_json::Error> {
        let mut needles = Vec::new();
        for (name, value) in [
            ("name", &self.user),
            ("name", &self.group),
            ("name", &self.device),
            ("action", &self.action),
            ("rung", &self.rung),
        ] {
            if let Some(value) = value {
                needles.push(format!("\"{name}\":{}", text(value)?));
            }
        }
        if let Some(category) = &self.category {
            needles.push(text(category)?);
        }
        if let Some(unblock) = &self.unblock {
            needles.push(format!("\"unblock_id\":{}", text(unblock)?));
        }
        let host = self.host.as_ref().map(|host| (host.to_string(), host.name()));
        if let Some((written, _)) = &host {
            needles.push(format!("{written}\""));
        }
        let client = self.client.map(|client| client.to_canonical().to_string());
        if let Some(client) = &client {
            needles.push(format!("\"ip\":\"{client}\""));
        }
        if let Some(words) = &self.text {
            let quoted = text(words)?;
            needles.push(quoted[1..quoted.len() - 1].to_owned());
        }
        let from = self.from.map(|from| from.to_string());
        let to = self.to.map(|to| to.to_string());
        Ok(Matcher { filter: self, halt, from, to, needles, host, client, words: self.search_words() })
    }
}

impl Matcher<'_> {
    /// The segments that may hold a match, in the order asked for.
    pub(super) fn segments(&self, mut segments: Vec<Segment>) -> Vec<Segment> {
        let after = self.filter.after.unwrap_or(0);
        let before = self.filter.before.unwrap_or(u64::MAX);
        // All but the last segment that starts at or below the first sequence asked for.
        let skip = segments.partition_point(|segment| segment.first <= after.saturating_add(1));
        segments.drain(..skip.saturating_sub(1));
        segments.retain(|segment| {
            let day = segment.day.as_str();
            segment.first < before
                && self.from.as_deref().is_none_or(|from| day >= &from[..day.len()])
                && self.to.as_deref().is_none_or(|to| day <= &to[..day.len()])
        });
        if self.filter.order == Order::NewestFirst {
            segments.reverse();
        }
        segments
    }

    pub(super) fn judge(&self, piece: Piece<'_>) -> Judged {
        if self.halt.is_called() {
            return Judged::Beyond;
        }
        let Some(place) = Place::read(piece.bytes).filter(|_| piece.complete) else { return Judged::Pass };
        let early = self.from.as_deref().is_some_and(|from| place.time < from)
            || self.filter.after.is_some_and(|after| place.sequence <= after);
        let late = self.to.as_deref().is_some_and(|to| place.time >= to)
            || self.filter.before.is_some_and(|before| place.sequence >= before);
        match self.filter.order {
            Order::NewestFirst if early => return Judged::Beyond,
            Order::OldestFirst if late => return Judged::Beyond,
            Order::NewestFirst | Order::OldestFirst if early || late => return Judged::Pass,
            Order::NewestFirst | Order::OldestFirst => {}
        }
        if !self.halt.admits() {
            return Judged::Beyond;
        }
        if !self.is_dataset(place.dataset) {
            return Judged::Pass;
        }
        let Ok(line) = std::str::from_utf8(piece.bytes) else { return Judged::Pass };
        if !self.needles.iter().all(|needle| line.contains(needle.as_str())) {
            return Judged::Pass;
        }
        match serde_json::from_str(line) {
            Ok(event) if self.holds(&event) => {
                let line = line.to_owned();
                Judged::Match(Box::new(Record { sequence: place.sequence, event, line }))
            }
            Ok(_) | Err(_) => Judged::Pass,
        }
    }

    fn is_dataset(&self, dataset: &str) -> bool {
        match &self.filter.dataset {
            Some(asked) => asked == dataset,
            None => self.filter.closes == Closes::Apart || dataset != "schoolgate.close",
        }
    }

    /// Whether the event is what is asked for; the needles have ruled most lines out.
    fn holds(&self, event: &Value) -> bool {
        let is = |asked: &Option<String>, found: &Value| asked.as_ref().is_none_or(|asked| found == asked);
        let own = &event["schoolgate"];
        is(&self.filter.user, &event["user"]["name"])
            && is(&self.filter.group, &event["user"]["group"]["name"])
            && is(&self.filter.device, &event["host"]["name"])
            && is(&self.filter.action, &event["event"]["action"])
            && is(&self.filter.rung, &own["rung"])
            && is(&self.client, &event["source"]["ip"])
            && self.filter.unblock.is_none_or(|id| is_unblock(own, &id.to_string()))
            && self.filter.category.as_deref().is_none_or(|asked| is_category(event, asked))
            && self.is_search(own)
            && self.is_host(event)
    }

    fn is_search(&self, own: &Value) -> bool {
        let has = |field: &Value| {
            let found = field.as_str().map(str::to_lowercase);
            found.is_some_and(|found| self.words.iter().all(|word| found.contains(word.as_str())))
        };
        self.words.is_empty() || has(&own["search"]) || has(&own["suggestion"])
    }

    fn is_host(&self, event: &Value) -> bool {
        let Some((written, name)) = &self.host else { return true };
        let found =
            [&event["url"]["domain"], &event["destination"]["ip"]].into_iter().filter_map(Value::as_str);
        found.into_iter().any(|found| {
            let below = || found.strip_suffix(written.as_str()).is_some_and(|rest| rest.ends_with('.'));
            found == written || (name.is_some() && below())
        })
    }
}

/// An access that it opened, or a step of its own.
fn is_unblock(own: &Value, id: &str) -> bool {
    own["unblock_id"] == id || own["details"]["unblock_id"] == id
}

fn is_category(event: &Value, asked: &str) -> bool {
    let further = event["schoolgate"]["categories"].as_array();
    event["rule"]["category"] == asked || further.is_some_and(|all| all.iter().any(|one| one == asked))
}
