//! Reading the record of who went where: by whom it may be read, and with which names.
//!
//! **Invariant:** a read is recorded before it is answered; who sees pseudonyms can neither
//! search by a real name nor check a guess against a line's hash.

use std::sync::Arc;

use axum::http::Uri;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::audit::{Act, Actor, Entry, Filter, Index, QueryError};
use crate::control::{Pseudonyms, Staff};
use crate::model::{DeviceName, GroupName, Host, Role, UserName};
use crate::web::Shared;
use crate::web::asker;
use crate::web::body::Answer;
use crate::web::openapi::words::{Event, Moment, ViewWord};
use crate::web::page::Page;
use crate::web::problem::Problem;
use crate::web::query::Query;
use crate::web::said::Purpose;

mod around;
mod explained;
mod exports;
mod inquiry;
mod mask;
mod reads;
mod stream;
mod takers;
mod usage;

pub(super) use around::{AroundAnswer, AroundWanted, around};
pub(super) use explained::{Explained, Looking, explained};
pub(super) use exports::{EvidenceWish, ExportWish, evidence, export};
pub(super) use inquiry::Inquiries;
pub(super) use reads::{READS_READERS, Read, ReadsWanted, reads};
pub(super) use stream::{Resumed, Streamed, Streams, stream};
pub(super) use takers::Takers;
pub(super) use usage::{Usage, usage};

use inquiry::{Ward, about_event, about_search};
use mask::Mask;

/// Who reads the log with names.
pub(super) const NAMES: [Role; 2] = [Role::Dsl, Role::Headteacher];
/// Who reads it at all.
pub(super) const READERS: [Role; 3] = [Role::Dsl, Role::Headteacher, Role::Technician];
/// Most events of a page.
const MOST: usize = 1000;
/// The longest word that is looked for, in characters.
const MAX_WORD: usize = 100;
/// The longest pseudonym that is looked for, in characters: more than one has.
const MAX_PSEUDONYM: usize = 64;

/// What may stand behind `?`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "a description; `Query` reads by its names")]
pub(super) struct Wanted {
    /// At this moment or later.
    #[param(inline)]
    from: Option<Moment>,
    /// Before this moment.
    #[param(inline)]
    to: Option<Moment>,
    /// A person; for whom names are pseudonyms, a pseudonym.
    user: Option<String>,
    /// A filtering group.
    group: Option<String>,
    /// A device; for whom names are pseudonyms, a pseudonym.
    device: Option<String>,
    /// A client's address; for whom names are pseudonyms, a pseudonym.
    client: Option<String>,
    /// A host, its subdomains included.
    host: Option<String>,
    /// A category that decided, or that matched besides.
    #[param(max_length = 100)]
    category: Option<String>,
    /// `event.action`: `allow`, `alert`, `block`, or what staff did.
    #[param(max_length = 100)]
    action: Option<String>,
    /// The rung that decided.
    #[param(max_length = 100)]
    rung: Option<String>,
    /// Words that all stand in what was searched for, or was being typed, in either case.
    #[param(max_length = 100)]
    search: Option<String>,
    /// A temporary unblock.
    unblock: Option<uuid::Uuid>,
    /// Which kind of event: `access`, `change`, `unblock`, `read`, `auth`, `selftest`, `system`.
    #[param(max_length = 100)]
    dataset: Option<String>,
    /// As events, or collapsed to page views: the leading events, with what belongs to each told in a
    /// member `page`.
    #[param(inline)]
    view: Option<ViewWord>,
    /// Only the events of the page view that holds this one; nothing else is asked for then.
    #[param(minimum = 1)]
    page: Option<u64>,
    /// How many items a page may have.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// What `next` of the page before said.
    #[param(minimum = 0)]
    cursor: Option<u64>,
    /// What you look at it for: needed with names, and recorded.
    #[param(min_length = 10, max_length = 1000)]
    reason: Option<String>,
}

/// How events are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Each as it is.
    Events,
    /// Collapsed to what a person did.
    Pages,
}

/// Which names a reader sees.
#[derive(Clone, Debug)]
pub(super) enum Sight {
    /// People's own.
    Names,
    /// What stands for them.
    Pseudonyms(Pseudonyms),
}

/// An event as its reader may see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(value_type = Event)]
pub(super) struct SeenEvent(Value);

/// Who reads, from where, and which names they see.
pub(super) struct Reader {
    pub(super) actor: Actor,
    pub(super) client: Option<std::net::IpAddr>,
    pub(super) sight: Sight,
    pub(super) purpose: Purpose,
    /// Of whose inquiries about staff they are told.
    pub(super) inquiries: Inquiries,
}

impl Form {
    /// Both.
    pub(super) const ALL: [Form; 2] = [Form::Events, Form::Pages];

    /// What `?view=` says.
    fn of(query: &Query) -> Result<Form, Problem> {
        Ok(query.one_of("view", &Form::ALL, Form::as_str)?.unwrap_or(Form::Events))
    }

    /// As written in a query.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Form::Events => "events",
            Form::Pages => "pages",
        }
    }
}

impl Reader {
    /// The look as it is recorded; 422 where it must say what it is for and does not.
    fn act(self, action: &'static str, query: &Query) -> Result<(Act, Sight), Problem> {
        let reason = self.purpose.read(query)?;
        let act = Act { reason, client: self.client, ..Act::new(self.actor, action) };
        Ok((act, self.sight))
    }

    /// The same of a search: with what is asked for, and whom that is about where it is no pupil.
    async fn search(
        self,
        action: &'static str,
        query: &Query,
        shared: &Shared,
    ) -> Result<(Act, Sight), Problem> {
        let (act, sight) = self.act(action, query)?;
        let act = Act { details: asked(query, &sight), ..act };
        let routed = match query.parsed::<u64>("page")? {
            Some(sequence) => Some(about_event(shared, sequence).await),
            None => about_search(shared, query, &sight).await?,
        };
        Ok((told_about(act, routed), sight))
    }
}

impl Sight {
    /// Whether whoever sees so must say what for.
    pub(super) fn purpose(&self) -> Purpose {
        match self {
            Sight::Names => Purpose::Needed,
            Sight::Pseudonyms(_) => Purpose::Optional,
        }
    }

    /// What a member of staff sees, if they may look at all.
    pub(super) async fn of(staff: &Staff, shared: &Shared) -> Result<Option<Sight>, Problem> {
        if staff.is_any(&NAMES) {
            return Ok(Some(Sight::Names));
        }
        if staff.is_any(&READERS) {
            return Ok(Some(Sight::Pseudonyms(shared.control.pseudonyms().await?)));
        }
        Ok(None)
    }
}

/// Answers the events that the query of `uri` asks for, newest first, and records that.
pub(super) async fn find(
    shared: &Shared,
    uri: &Uri,
    reader: Reader,
) -> Result<Answer<Page<SeenEvent>>, Problem> {
    let query = Query::read::<Wanted>(uri)?;
    let ward = Ward::of(&reader.inquiries, shared).await?;
    let (mut filter, mask) = read(&query, &reader.sight, ward)?;
    let notes = unknown_today(shared, &filter);
    let (form, page) = (Form::of(&query)?, query.parsed::<u64>("page")?);
    let (act, _) = reader.search("events.read", &query, shared).await?;
    let audit_seq = shared.control.record(Entry::Read(act)).await?;
    filter.before = Some(filter.before.map_or(audit_seq, |cursor| cursor.min(audit_seq)));
    let found = shared.look_up(move |index| {
        mask.narrow(index, &mut filter);
        match (page, form) {
            (Some(page), _) => one_page(index, page, &mask),
            (None, Form::Pages) => gather(index, filter, &mask, views),
            (None, Form::Events) => gather(index, filter, &mask, events),
        }
    });
    let (items, next) = found.await??;
    let items = items.into_iter().map(SeenEvent).collect();
    let page = Page::new(items, next.map(|next| next.to_string()));
    Ok(page.noting(notes).recorded(audit_seq).answer(&query))
}

impl Shared {
    /// The index of the trail, for as long as whoever asked waits and the gateway does not stop.
    pub(super) fn reading(&self) -> Index {
        match asker::halt() {
            Some(halt) => self.index.heeding(halt),
            None => self.index.clone(),
        }
    }

    /// Runs a search of the trail through its index where it holds up nothing else, a few at a time.
    /// It is broken off once whoever asked is gone.
    pub(super) async fn look_up<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Index) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let index = self.reading();
        let turn = Arc::clone(&self.searches).acquire_owned().await;
        let turn = turn.map_err(|fault| Problem::internal("audit", &fault))?;
        let found = tokio::task::spawn_blocking(move || {
            // Whoever leaves breaks off the search; its turn lasts until then.
            let _turn = turn;
            look(&index)
        });
        let found = found.await;
        found.map_err(|fault| Problem::internal("audit", &fault))
    }
}

fn read(query: &Query, sight: &Sight, ward: Ward) -> Result<(Filter, Mask), Problem> {
    let text = |name: &str| query.text(name).map(ToOwned::to_owned);
    let within = |name: &str, most: usize| match text(name) {
        Some(word) if word.chars().count() > most => {
            Err(Problem::invalid(name, format!("`{name}` has {most} characters at most")))
        }
        word => Ok(word),
    };
    let word = |name: &str| within(name, MAX_WORD);
    let pseudonym = |name: &str| within(name, MAX_PSEUDONYM);
    let (mut filter, mut mask) = (Filter::default(), Mask::new(sight.clone(), ward));
    match sight {
        Sight::Names => {
            filter.user = query.parsed::<UserName>("user")?.map(|user| user.to_string());
            filter.device = query.parsed::<DeviceName>("device")?.map(|device| device.to_string());
            filter.client = query.parsed("client")?;
        }
        // A filter by name would say which pseudonym is whose.
        Sight::Pseudonyms(_) => {
            mask.only(pseudonym("user")?, pseudonym("device")?, pseudonym("client")?);
        }
    }
    (filter.from, filter.to) = query.span()?;
    filter.group = query.parsed::<GroupName>("group")?.map(|group| group.to_string());
    filter.host = host(query)?;
    filter.category = word("category")?;
    filter.action = word("action")?;
    filter.rung = word("rung")?;
    filter.search = word("search")?;
    filter.unblock = query.parsed("unblock")?;
    filter.dataset = word("dataset")?.map(|name| match name.starts_with("schoolgate.") {
        true => name,
        false => format!("schoolgate.{name}"),
    });
    filter.before = query.parsed("cursor")?;
    filter.limit = query.limit(MOST)?;
    filter.check().map_err(|unknown| Problem::invalid(unknown.field, unknown.said))?;
    Ok((filter, mask))
}

/// A group or category that there is not today: the log may hold it, or it may be mistyped.
fn unknown_today(shared: &Shared, filter: &Filter) -> Vec<String> {
    let policy = shared.control.live().snapshot();
    let draft = policy.draft();
    let note =
        |kind: &str, name: &str| format!("there is no {kind} “{name}” today; events may hold an older one");
    let group =
        filter.group.as_deref().filter(|name| draft.groups.iter().all(|group| group.id.as_str() != *name));
    let is_category = |name: &str| draft.categories.iter().any(|category| category.id == name);
    let category = filter.category.as_deref().filter(|name| !is_category(name));
    let groups = group.map(|name| note("group", name));
    groups.into_iter().chain(category.map(|name| note("category", name))).collect()
}

/// What is asked for, as it is recorded. What somebody typed who sees pseudonyms stands apart from
/// names: renamed as they are, it would tell the one who typed it which pseudonym is whose.
fn asked(query: &Query, sight: &Sight) -> Map<String, Value> {
    let apart = |(name, value): (String, Value)| match name.as_str() {
        "user" | "device" | "client" => (format!("asked_{name}"), value),
        _ => (name, value),
    };
    match sight {
        Sight::Names => query.asked(),
        Sight::Pseudonyms(_) => query.asked().into_iter().map(apart).collect(),
    }
}

/// The act with whom it is about, where that is to be said.
fn told_about(act: Act, routed: Option<&str>) -> Act {
    match routed {
        Some(routed) => act.with("routed", routed),
        None => act,
    }
}

fn host(query: &Query) -> Result<Option<Host>, Problem> {
    let read = |text| Host::parse(text).map_err(|fault| Problem::invalid("host", fault.to_string()));
    query.text("host").map(read).transpose()
}

/// What is found of a filter, the newest first, and where to go on.
type Found = (Vec<Value>, Option<u64>);

/// A page of events as they are.
fn events(index: &Index, filter: &Filter) -> Result<Found, QueryError> {
    let page = index.query(filter)?;
    Ok((page.records.into_iter().map(|record| record.event).collect(), page.next))
}

/// A page of page views.
fn views(index: &Index, filter: &Filter) -> Result<Found, QueryError> {
    let page = index.views(filter)?;
    Ok((page.leads, page.next))
}

/// The events of one page view.
fn one_page(index: &Index, sequence: u64, mask: &Mask) -> Result<Found, Problem> {
    let found = index.view(sequence)?;
    Ok((found.into_iter().filter_map(|event| mask.seen(event)).collect(), None))
}

/// A page of what `find` finds as its reader may see it, and where to go on: only where there is more
/// that they may see, so that nothing tells of what is kept back.
fn gather(
    index: &Index,
    mut filter: Filter,
    mask: &Mask,
    find: impl Fn(&Index, &Filter) -> Result<Found, QueryError>,
) -> Result<Found, Problem> {
    let (limit, mut items, mut last) = (filter.limit, Vec::new(), None);
    // One more says that there is more.
    filter.limit += 1;
    loop {
        let (found, next) = find(index, &filter)?;
        for event in found {
            let sequence = event.pointer("/event/sequence").and_then(Value::as_u64);
            let Some(event) = mask.seen(event) else { continue };
            if items.len() == limit {
                return Ok((items, last));
            }
            last = sequence;
            items.push(event);
        }
        match next {
            Some(next) => filter.before = Some(next),
            None => return Ok((items, None)),
        }
    }
}
