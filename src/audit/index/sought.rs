//! What a filter is in the numbers of one day's index.
//!
//! **Invariant:** every event of the day that a filter matches is among what is sought; that the
//! rest is turned away is the filter's own part, which judges every line.

use rusqlite::{Connection, Params};

use crate::audit::index::day::bit;
use crate::audit::index::fields::reversed;
use crate::audit::query::Filter;

/// The numbers of what is asked for; `None` where it is not asked.
#[derive(Debug, Default)]
pub(super) struct Sought {
    pub(super) aspects: Option<Vec<i64>>,
    pub(super) whos: Option<Vec<i64>>,
    pub(super) targets: Option<Vec<i64>>,
    pub(super) category: Option<i64>,
    pub(super) terms: Option<Vec<i64>>,
    pub(super) unblock: Option<[u8; 16]>,
}

impl Sought {
    /// `None` where the day has nothing of the kind.
    pub(super) fn of(filter: &Filter, day: &Connection) -> rusqlite::Result<Option<Sought>> {
        let sought = Sought {
            aspects: aspects(filter, day)?,
            whos: whos(filter, day)?,
            targets: targets(filter, day)?,
            category: None,
            terms: terms(filter, day)?,
            unblock: filter.unblock.map(uuid::Uuid::into_bytes),
        };
        let lists = [&sought.aspects, &sought.whos, &sought.targets, &sought.terms];
        if lists.into_iter().flatten().any(Vec::is_empty) {
            return Ok(None);
        }
        let Some(category) = &filter.category else { return Ok(Some(sought)) };
        let found = numbers(day, "SELECT id FROM category WHERE name = ?1", [category])?;
        Ok(found.first().map(|id| Sought { category: Some(*id), ..sought }))
    }

    /// Whether an event is among what is sought, by what stands beside it.
    pub(super) fn fits(&self, aspect: i64, who: Option<i64>, target: Option<i64>) -> bool {
        let among = |all: &Option<Vec<i64>>, one: Option<i64>| {
            all.as_ref().is_none_or(|all| one.is_some_and(|one| all.binary_search(&one).is_ok()))
        };
        among(&self.aspects, Some(aspect)) && among(&self.whos, who) && among(&self.targets, target)
    }

    /// The chunks' bits, one of which is set where an aspect that is sought occurs.
    pub(super) fn bits(&self) -> i64 {
        let all = |aspects: &Vec<i64>| aspects.iter().fold(0, |bits, aspect| bits | bit(*aspect));
        self.aspects.as_ref().map_or(-1, all)
    }
}

fn aspects(filter: &Filter, day: &Connection) -> rusqlite::Result<Option<Vec<i64>>> {
    let asked = [&filter.dataset, &filter.action, &filter.rung, &filter.group];
    if asked.iter().all(|asked| asked.is_none()) {
        return Ok(None);
    }
    let text = "SELECT id FROM aspect WHERE (?1 IS NULL OR dataset = ?1) AND (?2 IS NULL OR action = ?2)
                AND (?3 IS NULL OR rung = ?3) AND (?4 IS NULL OR groups = ?4) ORDER BY id";
    numbers(day, text, asked).map(Some)
}

fn whos(filter: &Filter, day: &Connection) -> rusqlite::Result<Option<Vec<i64>>> {
    let client = filter.client.map(|client| client.to_canonical().to_string());
    // An index serves only what is asked with `=`, and one of these is enough.
    let narrow = match (&filter.user, &filter.device, &client) {
        (None, None, None) => return Ok(None),
        (Some(_), _, _) => "user = ?1",
        (None, Some(_), _) => "device = ?2",
        (None, None, Some(_)) => "client = ?3",
    };
    let text = format!(
        "SELECT id FROM who WHERE {narrow} AND (?1 IS NULL OR user = ?1) AND (?2 IS NULL OR device = ?2)
         AND (?3 IS NULL OR client = ?3) ORDER BY id"
    );
    numbers(day, &text, (&filter.user, &filter.device, client)).map(Some)
}

fn targets(filter: &Filter, day: &Connection) -> rusqlite::Result<Option<Vec<i64>>> {
    let Some(host) = &filter.host else { return Ok(None) };
    let written = host.to_string();
    let key = reversed(&written);
    let found = match host.name() {
        // `/` is what follows the dot behind the last label.
        Some(_) => {
            let beyond = format!("{}/", key.trim_end_matches('.'));
            let text = "SELECT id FROM target WHERE host >= ?1 AND host < ?2 ORDER BY id";
            numbers(day, text, [key, beyond])?
        }
        None => {
            let text =
                "SELECT id FROM target WHERE host = ?1 UNION SELECT id FROM target WHERE ip = ?2 ORDER BY id";
            numbers(day, text, [key, written])?
        }
    };
    Ok(Some(found))
}

fn terms(filter: &Filter, day: &Connection) -> rusqlite::Result<Option<Vec<i64>>> {
    let words = filter.search_words();
    let Some(longest) = words.iter().max_by_key(|word| word.len()) else { return Ok(None) };
    let mut query = day.prepare_cached("SELECT id, words FROM term WHERE instr(words, ?1) ORDER BY id")?;
    let mut rows = query.query([longest])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let term = row.get_ref(1)?.as_str()?;
        if words.iter().all(|word| term.contains(word.as_str())) {
            found.push(row.get(0)?);
        }
    }
    Ok(Some(found))
}

fn numbers(day: &Connection, text: &str, asked: impl Params) -> rusqlite::Result<Vec<i64>> {
    let mut query = day.prepare_cached(text)?;
    query.query_map(asked, |row| row.get(0))?.collect()
}
