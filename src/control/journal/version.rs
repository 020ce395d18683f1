//! One version of the policy of record, as the journal keeps it.
//!
//! **Invariant:** every version can be shown whole; texts are kept once for as long as nothing in them
//! is other.

use rusqlite::OptionalExtension;
use serde_json::{Value, json};

use crate::audit::Actor;
use crate::control::changes::School;
use crate::control::journal::{Put, Table};
use crate::control::store::{Store, StoreError};
use crate::model::Timestamp;

/// When, who and why.
pub(in crate::control) type Said<'a> = (Timestamp, &'a Actor, &'a str);

/// One version of the policy of record.
pub(super) struct Version<'a> {
    pub(super) generation: u64,
    /// A sentence each.
    pub(super) changes: &'a [String],
    /// The text in force.
    pub(super) policy: &'a str,
    /// The policy file as it was last read.
    pub(super) file: &'a str,
    /// What of the school's files is in force.
    pub(super) files: &'a School,
    /// What staff put on the lists besides.
    pub(super) added: &'a School,
}

impl Version<'_> {
    /// Its row. Where no text is other than the version before has it, that one's stand for its own.
    pub(super) fn put(&self, store: &Store, (at, actor, reason): Said<'_>) -> Result<Put, StoreError> {
        let same_as = self.same_as(store)?;
        let text = |text: &str| json!(if same_as.is_some() { "" } else { text });
        Ok(Put::new(
            Table::Policies,
            [
                ("version", json!(self.generation)),
                ("at", json!(at)),
                ("actor", json!(actor.name().unwrap_or(actor.as_str()))),
                ("reason", json!(reason)),
                ("changes", json!(Value::from(self.changes.to_vec()).to_string())),
                ("same_as", json!(same_as)),
                ("policy", text(self.policy)),
                ("file", text(self.file)),
                ("allow_list", text(&self.files.allow)),
                ("block_list", text(&self.files.block)),
                ("allow_added", text(&self.added.allow)),
                ("block_added", text(&self.added.block)),
            ],
        ))
    }

    /// The version that has the same texts, if the one before this does.
    fn same_as(&self, store: &Store) -> Result<Option<i64>, StoreError> {
        let query = "SELECT texts_of FROM versions WHERE version = (SELECT max(version) FROM policies)
                     AND policy = ?1 AND file = ?2 AND allow_list = ?3 AND block_list = ?4
                     AND allow_added = ?5 AND block_added = ?6";
        let School { allow, block } = self.files;
        let texts = [self.policy, self.file, allow, block, &self.added.allow, &self.added.block];
        Ok(store.connection.query_row(query, texts, |row| row.get(0)).optional()?)
    }
}
