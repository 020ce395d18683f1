//! Reads the index of one day: where the lines are that may be meant.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, ToSql, params};

use crate::audit::index::day::{CHUNK, IndexError, VERSION};
use crate::audit::index::sought::Sought;
use crate::audit::index::{Named, seal};
use crate::audit::query::{Filter, Order};

/// Up to how many entries are counted to find the rarest of what is asked.
const COUNTED: u64 = 4096;

/// The index of a day, open for reading.
#[derive(Debug)]
pub(in crate::audit) struct DayReader {
    connection: Connection,
    reached: u64,
}

/// Where a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::audit) struct Spot {
    pub(in crate::audit) sequence: u64,
    /// Where it starts in its plain segment.
    pub(in crate::audit) offset: u64,
}

/// A question to one day's index, going on from answer to answer.
#[derive(Debug)]
pub(in crate::audit) struct Search {
    sought: Sought,
    way: Way,
    order: Order,
    /// Sequences that were not looked at yet, both included.
    low: u64,
    high: u64,
}

/// What is gone through.
#[derive(Clone, Copy, Debug)]
enum Way {
    Chunks,
    Who,
    Target,
    Category,
    Term,
    Unblock,
}

impl DayReader {
    /// `None` where it is not of this form, or has nothing yet.
    pub(super) fn open(folder: &Path) -> Result<Option<DayReader>, IndexError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(seal::file(folder), flags)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "mmap_size", 1_i64 << 30)?;
        let version: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version != VERSION {
            return Ok(None);
        }
        let reached = connection.query_row("SELECT seq FROM reached", [], |row| row.get(0)).optional()?;
        Ok(reached.map(|reached| DayReader { connection, reached }))
    }

    /// The last line that is indexed.
    pub(in crate::audit) fn reached(&self) -> u64 {
        self.reached
    }

    /// Where the last indexed event is, ends of accesses not counted.
    pub(in crate::audit) fn last(&self) -> Result<Option<Spot>, IndexError> {
        let text = "SELECT seq, at FROM event WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1";
        Ok(self.connection.query_row(text, [self.reached], spot).optional()?)
    }

    /// The first name of this kind that is meant.
    pub(super) fn name(&self, of: Named, is: &dyn Fn(&str) -> bool) -> Result<Option<String>, IndexError> {
        let mut query = self.connection.prepare_cached(match of {
            Named::User => "SELECT DISTINCT user FROM who WHERE user IS NOT NULL",
            Named::Device => "SELECT DISTINCT device FROM who WHERE device IS NOT NULL",
            Named::Client => "SELECT DISTINCT client FROM who WHERE client IS NOT NULL",
        })?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let name = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            if is(name) {
                return Ok(Some(name.to_owned()));
            }
        }
        Ok(None)
    }

    /// Where the line is that ends an access.
    pub(in crate::audit) fn close(&self, access: u64) -> Result<Option<Spot>, IndexError> {
        let mut query = self.connection.prepare_cached("SELECT seq, at FROM close WHERE access = ?1")?;
        Ok(query.query_row([access], spot).optional()?)
    }

    /// Asks for what a filter means; `None` where the day has nothing of it.
    pub(in crate::audit) fn search(&self, filter: &Filter) -> Result<Option<Search>, IndexError> {
        let Some(sought) = Sought::of(filter, &self.connection)? else { return Ok(None) };
        let (mut low, mut high) = (filter.after.map_or(0, |after| after.saturating_add(1)), self.reached);
        if let Some(before) = filter.before {
            high = high.min(before.saturating_sub(1));
        }
        if let Some(from) = &filter.from {
            let text = "SELECT max(id) FROM chunk WHERE time <= ?1";
            low = low.max(self.chunk(text, &from.to_string())?.map_or(0, |chunk| chunk * CHUNK));
        }
        if let Some(to) = &filter.to {
            let text = "SELECT min(id) FROM chunk WHERE time >= ?1";
            high = high.min(self.chunk(text, &to.to_string())?.map_or(u64::MAX, |chunk| (chunk + 1) * CHUNK));
        }
        if low > high {
            return Ok(None);
        }
        let way = self.way(&sought, low, high)?;
        Ok(Some(Search { sought, way, order: filter.order, low, high }))
    }

    /// The next spots, at most about `most`; none when there are no more.
    pub(in crate::audit) fn next(&self, search: &mut Search, most: usize) -> Result<Vec<Spot>, IndexError> {
        let found = match search.way {
            Way::Chunks => self.walk(search, most)?,
            Way::Who | Way::Target | Way::Category | Way::Term | Way::Unblock => self.merge(search, most)?,
        };
        let last = found.last().filter(|_| found.len() >= most);
        match (search.order, last) {
            (Order::NewestFirst, Some(last)) => search.high = last.saturating_sub(1),
            (Order::OldestFirst, Some(last)) => search.low = last + 1,
            (Order::NewestFirst | Order::OldestFirst, None) => (search.low, search.high) = (1, 0),
        }
        let mut query = self.connection.prepare_cached("SELECT seq, at FROM event WHERE seq = ?1")?;
        Ok(found.into_iter().map(|seq| query.query_row([seq], spot)).collect::<Result<_, _>>()?)
    }

    fn chunk(&self, text: &str, time: &str) -> rusqlite::Result<Option<u64>> {
        self.connection.query_row(text, [time], |row| row.get(0))
    }

    /// What is rarest of what is asked for.
    fn way(&self, sought: &Sought, low: u64, high: u64) -> rusqlite::Result<Way> {
        if sought.unblock.is_some() {
            return Ok(Way::Unblock);
        }
        if sought.terms.is_some() {
            return Ok(Way::Term);
        }
        let mut rarest = (u64::MAX, Way::Chunks);
        for way in [Way::Who, Way::Target, Way::Category] {
            let keys = sought.keys(way);
            if keys.is_empty() {
                continue;
            }
            let mut count = 0;
            let mut query = self.connection.prepare_cached(way.count())?;
            for key in keys {
                let most = COUNTED.saturating_sub(count);
                count += query.query_row(params![key, low, high, most], |row| row.get::<_, u64>(0))?;
                if count >= COUNTED {
                    break;
                }
            }
            if count < rarest.0 {
                rarest = (count, way);
            }
        }
        Ok(rarest.1)
    }

    /// The first in order of all keys together.
    fn merge(&self, search: &Search, most: usize) -> rusqlite::Result<Vec<u64>> {
        let Search { sought, way, order, .. } = search;
        let (mut low, mut high) = (search.low, search.high);
        let mut query = self.connection.prepare_cached(&way.select(*order))?;
        let mut found: Vec<u64> = Vec::new();
        for key in sought.keys(*way) {
            let mut rows = query.query(params![key, low, high])?;
            let mut of_key = 0;
            while of_key < most
                && let Some(row) = rows.next()?
            {
                if self.fits(sought, *way, row)? {
                    found.push(row.get(0)?);
                    of_key += 1;
                }
            }
            sort(&mut found, *order);
            if found.len() >= most {
                found.truncate(most);
                match (order, found.last()) {
                    (Order::NewestFirst, Some(last)) => low = *last,
                    (Order::OldestFirst, Some(last)) => high = *last,
                    (Order::NewestFirst | Order::OldestFirst, None) => {}
                }
            }
        }
        Ok(found)
    }

    fn walk(&self, search: &Search, most: usize) -> rusqlite::Result<Vec<u64>> {
        let Search { sought, order, low, high, .. } = search;
        let (bits, direction) = (sought.bits(), direction(*order));
        let text = format!(
            "SELECT id FROM chunk WHERE id BETWEEN ?1 AND ?2 AND aspects & ?3 ORDER BY id {direction}"
        );
        let mut chunks = self.connection.prepare_cached(&text)?;
        let mut chunks = chunks.query(params![low / CHUNK, high / CHUNK, bits])?;
        let text = format!(
            "SELECT seq, aspect, who, target FROM event WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq {direction}"
        );
        let mut events = self.connection.prepare_cached(&text)?;
        let mut found = Vec::new();
        while let Some(chunk) = chunks.next()? {
            let first = chunk.get::<_, u64>(0)? * CHUNK;
            let mut rows = events.query(params![first.max(*low), (first + CHUNK - 1).min(*high)])?;
            while let Some(row) = rows.next()? {
                if found.len() >= most {
                    return Ok(found);
                }
                if sought.fits(row.get(1)?, row.get(2)?, row.get(3)?) {
                    found.push(row.get(0)?);
                }
            }
        }
        Ok(found)
    }

    fn fits(&self, sought: &Sought, way: Way, row: &Row<'_>) -> rusqlite::Result<bool> {
        if !sought.fits(row.get(1)?, row.get(2)?, row.get(3)?) {
            return Ok(false);
        }
        match (sought.category, way) {
            (Some(category), Way::Who | Way::Target) => {
                let text = "SELECT 1 FROM by_category WHERE category = ?1 AND seq = ?2";
                self.connection.prepare_cached(text)?.exists(params![category, row.get::<_, u64>(0)?])
            }
            (Some(_) | None, _) => Ok(true),
        }
    }
}

impl Sought {
    fn keys(&self, way: Way) -> Vec<&dyn ToSql> {
        fn all(ids: &Option<Vec<i64>>) -> Vec<&dyn ToSql> {
            ids.iter().flatten().map(|id| id as &dyn ToSql).collect()
        }
        match way {
            Way::Chunks => Vec::new(),
            Way::Who => all(&self.whos),
            Way::Target => all(&self.targets),
            Way::Category => self.category.iter().map(|id| id as &dyn ToSql).collect(),
            Way::Term => all(&self.terms),
            Way::Unblock => self.unblock.iter().map(|id| id as &dyn ToSql).collect(),
        }
    }
}

impl Way {
    fn count(self) -> &'static str {
        match self {
            Way::Who => {
                "SELECT count(*) FROM (SELECT 1 FROM by_who WHERE who = ?1 AND seq BETWEEN ?2 AND ?3 LIMIT ?4)"
            }
            Way::Target => {
                "SELECT count(*) FROM
                 (SELECT 1 FROM by_target WHERE target = ?1 AND seq BETWEEN ?2 AND ?3 LIMIT ?4)"
            }
            Way::Category | Way::Chunks | Way::Term | Way::Unblock => {
                "SELECT count(*) FROM
                 (SELECT 1 FROM by_category WHERE category = ?1 AND seq BETWEEN ?2 AND ?3 LIMIT ?4)"
            }
        }
    }

    fn select(self, order: Order) -> String {
        let (table, key) = match self {
            Way::Who => ("by_who", "who"),
            Way::Target => ("by_target", "target"),
            Way::Category | Way::Chunks => ("by_category", "category"),
            Way::Term => ("by_term", "term"),
            Way::Unblock => ("by_unblock", "unblock"),
        };
        let direction = direction(order);
        match self {
            Way::Who | Way::Target => format!(
                "SELECT seq, aspect, who, target FROM {table}
                 WHERE {key} = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq {direction}"
            ),
            Way::Category | Way::Chunks | Way::Term | Way::Unblock => format!(
                "SELECT own.seq, event.aspect, event.who, event.target
                 FROM {table} AS own CROSS JOIN event ON event.seq = own.seq
                 WHERE own.{key} = ?1 AND own.seq BETWEEN ?2 AND ?3 ORDER BY own.seq {direction}"
            ),
        }
    }
}

fn direction(order: Order) -> &'static str {
    match order {
        Order::NewestFirst => "DESC",
        Order::OldestFirst => "ASC",
    }
}

/// In order, each once: a line may have two of the terms asked for.
fn sort(found: &mut Vec<u64>, order: Order) {
    match order {
        Order::NewestFirst => found.sort_unstable_by(|a, b| b.cmp(a)),
        Order::OldestFirst => found.sort_unstable(),
    }
    found.dedup();
}

fn spot(row: &Row<'_>) -> rusqlite::Result<Spot> {
    Ok(Spot { sequence: row.get(0)?, offset: row.get(1)? })
}
