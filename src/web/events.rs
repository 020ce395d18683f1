//! Reading the record of who went where: by whom it may be read, and with which names.
//!
//! **Invariant:** a read is recorded before it is answered; who sees pseudonyms can neither
//! search by a real name nor check a guess against a line's hash.

use std::path::Path;

use axum::http::Uri;
use serde_json::{Value, json};

use crate::audit::{Act, Actor, Entry, Filter, Record, query};
use crate::control::{Pseudonyms, Staff};
use crate::model::{DeviceName, GroupName, Host, Role, Timestamp, UserName};
use crate::web::Shared;
use crate::web::problem::Problem;
use crate::web::query::Query;

mod mask;
mod usage;

pub(super) use usage::usage;

use mask::Mask;

/// Who reads the log with names.
const NAMES: [Role; 2] = [Role::Dsl, Role::Headteacher];
/// Who reads it at all.
pub(super) const READERS: [Role; 3] = [Role::Dsl, Role::Headteacher, Role::Technician];
/// Most events of a page.
const MOST: usize = 1000;
/// What may stand behind `?`.
const KNOWN: [&str; 15] = [
    "from", "to", "user", "group", "device", "client", "host", "category", "action", "rung", "unblock",
    "dataset", "limit", "cursor", "reason",
];

/// Which names a reader sees.
#[derive(Clone, Debug)]
pub(super) enum Sight {
    /// People's own.
    Names,
    /// What stands for them.
    Pseudonyms(Pseudonyms),
}

/// Who reads, from where, and which names they see.
pub(super) struct Reader {
    pub(super) actor: Actor,
    pub(super) client: Option<std::net::IpAddr>,
    pub(super) sight: Sight,
}

impl Sight {
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
pub(super) async fn find(shared: &Shared, uri: &Uri, reader: Reader) -> Result<Value, Problem> {
    let query = Query::read(uri, &KNOWN)?;
    let (mut filter, mask) = read(&query, &reader.sight)?;
    let act = Act { details: query.asked(), ..Act::new(reader.actor, "events.read") };
    let act = Act { reason: query.text("reason").map(ToOwned::to_owned), client: reader.client, ..act };
    let audit_seq = shared.control.record(Entry::Read(act)).await?;
    filter.before = Some(filter.before.map_or(audit_seq, |cursor| cursor.min(audit_seq)));
    let (items, next) = shared.search(move |dir| gather(dir, filter, &mask)).await??;
    Ok(json!({ "items": items, "next": next.map(|next| next.to_string()), "audit_seq": audit_seq }))
}

impl Shared {
    /// Runs a search of the trail where it holds up nothing else, a few at a time.
    pub(super) async fn search<T: Send + 'static>(
        &self,
        search: impl FnOnce(&Path) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let _turn = self.searches.acquire().await.map_err(|fault| Problem::internal("audit", &fault))?;
        let dir = self.audit_dir.clone();
        let found = tokio::task::spawn_blocking(move || search(&dir)).await;
        found.map_err(|fault| Problem::internal("audit", &fault))
    }
}

fn read(query: &Query, sight: &Sight) -> Result<(Filter, Mask), Problem> {
    let text = |name: &str| query.text(name).map(ToOwned::to_owned);
    let (mut filter, mut mask) = (Filter::default(), Mask::new(sight.clone()));
    match sight {
        Sight::Names => {
            filter.user = query.parsed::<UserName>("user")?.map(|user| user.to_string());
            filter.device = query.parsed::<DeviceName>("device")?.map(|device| device.to_string());
            filter.client = query.parsed("client")?;
        }
        // A filter by name would say which pseudonym is whose.
        Sight::Pseudonyms(_) => mask.only(text("user"), text("device"), text("client")),
    }
    filter.from = query.parsed::<Timestamp>("from")?;
    filter.to = query.parsed::<Timestamp>("to")?;
    filter.group = query.parsed::<GroupName>("group")?.map(|group| group.to_string());
    filter.host = host(query)?;
    filter.category = text("category");
    filter.action = text("action");
    filter.rung = text("rung");
    filter.unblock = query.parsed("unblock")?;
    filter.dataset = query.text("dataset").map(|name| match name.starts_with("schoolgate.") {
        true => name.to_owned(),
        false => format!("schoolgate.{name}"),
    });
    filter.before = query.parsed("cursor")?;
    filter.limit = query.limit(MOST)?;
    Ok((filter, mask))
}

fn host(query: &Query) -> Result<Option<Host>, Problem> {
    let read = |text| Host::parse(text).map_err(|fault| Problem::invalid("host", fault.to_string()));
    query.text("host").map(read).transpose()
}

/// A page of events as their reader may see them, and where to go on.
fn gather(dir: &Path, mut filter: Filter, mask: &Mask) -> Result<(Vec<Value>, Option<u64>), Problem> {
    let mut items = Vec::new();
    loop {
        let page = query(dir, &filter)?;
        let last = page.records.last().map(|record| record.sequence);
        for Record { sequence, event, line: _ } in page.records {
            let Some(event) = mask.seen(event) else { continue };
            items.push(event);
            if items.len() == filter.limit {
                let more = page.next.is_some() || last != Some(sequence);
                return Ok((items, more.then_some(sequence)));
            }
        }
        match page.next {
            Some(next) => filter.before = Some(next),
            None => return Ok((items, None)),
        }
    }
}
