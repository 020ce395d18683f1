//! Writes the index of one day.
//!
//! **Invariant:** it follows from the lines alone; what a reader sees of it is whole up to
//! `reached`, since a batch is one transaction.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::hash::Hash;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use rusqlite::{Connection, OptionalExtension, Row, ToSql, Transaction, params};

use crate::audit::follow::Written;
use crate::audit::index::fields::{Aspect, Fields, Target, Who};
use crate::audit::index::seal;

/// The form of the tables; an index of another one is made anew.
pub(super) const VERSION: u32 = 1;
/// How many sequences a chunk has.
pub(super) const CHUNK: u64 = 1024;
/// The aspect from which on all share a bit.
const RARE: i64 = 62;

/// Why an index could not be written or read.
#[derive(Debug, thiserror::Error)]
pub(in crate::audit) enum IndexError {
    /// What SQLite says.
    #[error("the index: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// What the system says.
    #[error("the index: {0}")]
    Io(#[from] io::Error),
}

/// The index of a day, open for writing.
#[derive(Debug)]
pub(super) struct DayWriter {
    folder: PathBuf,
    file: PathBuf,
    connection: Connection,
    texts: Texts,
    reached: u64,
}

/// The numbers of the texts so far.
#[derive(Debug, Default)]
struct Texts {
    whos: HashMap<Who, i64>,
    targets: HashMap<Target, i64>,
    aspects: HashMap<Aspect, i64>,
    categories: HashMap<String, i64>,
    terms: HashMap<String, i64>,
}

/// Which aspects a chunk has so far.
#[derive(Clone, Debug)]
struct Chunk {
    id: u64,
    time: String,
    aspects: i64,
}

impl DayWriter {
    /// A new index in the place of what is there; readers may look on.
    pub(super) fn create(folder: &Path) -> Result<DayWriter, IndexError> {
        seal::discard(folder)?;
        let connection = create(&seal::file(folder))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        DayWriter::over(folder, seal::file(folder), connection)
    }

    /// A new index beside the one that is there, until it is [sealed](DayWriter::seal).
    pub(super) fn beside(folder: &Path) -> Result<DayWriter, IndexError> {
        let file = folder.join("index.db.new");
        match fs::remove_file(&file) {
            Err(fault) if fault.kind() != io::ErrorKind::NotFound => return Err(fault.into()),
            Ok(()) | Err(_) => {}
        }
        let connection = create(&file)?;
        connection.pragma_update(None, "journal_mode", "OFF")?;
        DayWriter::over(folder, file, connection)
    }

    /// Goes on with an index whose digest was right; it has none from here on. `None` where it is
    /// of another form.
    pub(super) fn resume(folder: &Path) -> Result<Option<DayWriter>, IndexError> {
        seal::take(folder)?;
        let connection = Connection::open(seal::file(folder))?;
        let version: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version != VERSION {
            return Ok(None);
        }
        connection.pragma_update(None, "journal_mode", "WAL")?;
        DayWriter::over(folder, seal::file(folder), connection).map(Some)
    }

    fn over(folder: &Path, file: PathBuf, connection: Connection) -> Result<DayWriter, IndexError> {
        connection.busy_timeout(Duration::from_secs(10))?;
        // All of it can be made again from the trail.
        connection.pragma_update(None, "synchronous", "OFF")?;
        connection.pragma_update(None, "cache_size", -131_072)?;
        connection.pragma_update(None, "wal_autocheckpoint", 16_384)?;
        connection.set_prepared_statement_cache_capacity(32);
        let texts = Texts::read(&connection)?;
        let reached = connection.query_row("SELECT seq FROM reached", [], |row| row.get(0)).optional()?;
        Ok(DayWriter { folder: folder.to_owned(), file, connection, texts, reached: reached.unwrap_or(0) })
    }

    /// The last line that is indexed; 0 before the first.
    pub(super) fn reached(&self) -> u64 {
        self.reached
    }

    /// Takes lines of this day into the index, all or none.
    pub(super) fn add(&mut self, lines: &[Written]) -> Result<(), IndexError> {
        let Some(last) = lines.last() else { return Ok(()) };
        let transaction = self.connection.transaction()?;
        let mut chunk: Option<Chunk> = None;
        for line in lines {
            let Some(fields) = Fields::read(&line.line) else { continue };
            let aspect = match fields.ends() {
                Some(access) => {
                    close(&transaction, access, line)?;
                    None
                }
                None => Some(self.texts.event(&transaction, line, &fields)?),
            };
            let id = line.sequence / CHUNK;
            if let Some(done) = chunk.take_if(|chunk| chunk.id != id) {
                done.keep(&transaction)?;
            }
            let chunk = chunk.get_or_insert(Chunk { id, time: fields.time, aspects: 0 });
            chunk.aspects |= aspect.map_or(0, bit);
        }
        if let Some(chunk) = chunk {
            chunk.keep(&transaction)?;
        }
        transaction.execute("REPLACE INTO reached (id, seq) VALUES (0, ?1)", [last.sequence])?;
        transaction.commit()?;
        self.reached = last.sequence;
        Ok(())
    }

    /// Ends the writing: the index is one file, in its place, with its digest beside it.
    pub(super) fn seal(self) -> Result<(), IndexError> {
        let DayWriter { folder, file, connection, .. } = self;
        connection.pragma_update(None, "journal_mode", "DELETE")?;
        connection.close().map_err(|(_, fault)| fault)?;
        let place = seal::file(&folder);
        if file != place {
            fs::OpenOptions::new().write(true).open(&file)?.sync_all()?;
            seal::make_room(&folder)?;
            fs::rename(&file, &place)?;
        }
        Ok(seal::put(&folder)?)
    }
}

impl Texts {
    fn read(connection: &Connection) -> Result<Texts, rusqlite::Error> {
        let mut texts = Texts::default();
        fill(connection, "SELECT id, user, device, client FROM who", &mut texts.whos, three)?;
        fill(connection, "SELECT id, host, ip FROM target", &mut texts.targets, |row| {
            Ok([row.get(1)?, row.get(2)?])
        })?;
        fill(
            connection,
            "SELECT id, dataset, action, rung, groups FROM aspect",
            &mut texts.aspects,
            |row| Ok([row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]),
        )?;
        fill(connection, "SELECT id, name FROM category", &mut texts.categories, |row| row.get(1))?;
        fill(connection, "SELECT id, words FROM term", &mut texts.terms, |row| row.get(1))?;
        Ok(texts)
    }

    /// Takes in an event; answers its aspect.
    fn event(&mut self, to: &Transaction<'_>, line: &Written, fields: &Fields) -> rusqlite::Result<i64> {
        let seq = line.sequence;
        let aspect = number(&mut self.aspects, fields.aspect(), |id, [dataset, action, rung, group]| {
            insert(
                to,
                "INSERT INTO aspect VALUES (?1, ?2, ?3, ?4, ?5)",
                params![id, dataset, action, rung, group],
            )
        })?;
        let who = Some(fields.who()).filter(|who| who.iter().any(Option::is_some));
        let who = who.map(|who| {
            number(&mut self.whos, who, |id, [user, device, client]| {
                insert(to, "INSERT INTO who VALUES (?1, ?2, ?3, ?4)", params![id, user, device, client])
            })
        });
        let target = Some(fields.target()).filter(|target| target.iter().any(Option::is_some));
        let target = target.map(|target| {
            number(&mut self.targets, target, |id, [host, ip]| {
                insert(to, "INSERT INTO target VALUES (?1, ?2, ?3)", params![id, host, ip])
            })
        });
        let (who, target) = (who.transpose()?, target.transpose()?);
        let row = params![seq, line.offset, aspect, who, target];
        insert(to, "INSERT INTO event VALUES (?1, ?2, ?3, ?4, ?5)", row)?;
        if who.is_some() {
            insert(to, "INSERT INTO by_who VALUES (?1, ?2, ?3, ?4)", params![who, seq, aspect, target])?;
        }
        if target.is_some() {
            insert(to, "INSERT INTO by_target VALUES (?1, ?2, ?3, ?4)", params![target, seq, aspect, who])?;
        }
        for category in fields.categories() {
            let category = number(&mut self.categories, category.to_owned(), |id, name| {
                insert(to, "INSERT INTO category VALUES (?1, ?2)", params![id, name])
            })?;
            insert(to, "INSERT OR IGNORE INTO by_category VALUES (?1, ?2)", params![category, seq])?;
        }
        for term in fields.terms() {
            let term = number(&mut self.terms, term, |id, words| {
                insert(to, "INSERT INTO term VALUES (?1, ?2)", params![id, words])
            })?;
            insert(to, "INSERT OR IGNORE INTO by_term VALUES (?1, ?2)", params![term, seq])?;
        }
        for unblock in fields.unblocks() {
            let id = unblock.as_bytes().as_slice();
            insert(to, "INSERT OR IGNORE INTO by_unblock VALUES (?1, ?2)", params![id, seq])?;
        }
        Ok(aspect)
    }
}

impl Chunk {
    fn keep(&self, to: &Transaction<'_>) -> rusqlite::Result<()> {
        insert(
            to,
            "INSERT INTO chunk VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET aspects = aspects | excluded.aspects",
            params![self.id, self.time, self.aspects],
        )
    }
}

/// The bit of an aspect in a chunk.
pub(super) fn bit(aspect: i64) -> i64 {
    1 << aspect.min(RARE)
}

fn create(file: &Path) -> Result<Connection, IndexError> {
    OpenOptions::new().write(true).create_new(true).mode(0o640).open(file)?;
    let connection = Connection::open(file)?;
    connection.pragma_update(None, "user_version", VERSION)?;
    connection.execute_batch(include_str!("schema.sql"))?;
    Ok(connection)
}

fn close(to: &Transaction<'_>, access: u64, line: &Written) -> rusqlite::Result<()> {
    let row = params![access, line.sequence, line.offset];
    insert(to, "INSERT OR IGNORE INTO close VALUES (?1, ?2, ?3)", row)
}

/// The number of a text, a new one where it has none.
fn number<K: Hash + Eq>(
    known: &mut HashMap<K, i64>,
    key: K,
    keep: impl FnOnce(i64, &K) -> rusqlite::Result<()>,
) -> rusqlite::Result<i64> {
    if let Some(id) = known.get(&key) {
        return Ok(*id);
    }
    let id = i64::try_from(known.len()).unwrap_or(i64::MAX);
    keep(id, &key)?;
    known.insert(key, id);
    Ok(id)
}

fn insert(to: &Transaction<'_>, text: &str, row: &[&dyn ToSql]) -> rusqlite::Result<()> {
    to.prepare_cached(text)?.execute(row).map(drop)
}

fn three(row: &Row<'_>) -> rusqlite::Result<Who> {
    Ok([row.get(1)?, row.get(2)?, row.get(3)?])
}

fn fill<K: Hash + Eq>(
    connection: &Connection,
    text: &str,
    into: &mut HashMap<K, i64>,
    key: impl Fn(&Row<'_>) -> rusqlite::Result<K>,
) -> rusqlite::Result<()> {
    let mut query = connection.prepare(text)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        into.insert(key(row)?, row.get(0)?);
    }
    Ok(())
}
