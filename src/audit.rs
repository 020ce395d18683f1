//! The audit trail: what happened, durably, before it happens.
//!
//! **Invariant:** a line once acknowledged is never changed; every line is chained to the one
//! before it, so that an edit, deletion, insertion or reordering can be named, and a
//! truncation too, given one older head.
//!
//! # The trail on disk
//!
//! `<state>/audit/<YYYY-MM-DD>/<first sequence, 12 digits>.jsonl`: one JSON object a line, in
//! the names of the Elastic Common Schema; what ECS lacks stands under `schoolgate`. A segment
//! ends with its day (UTC, by the events' own time) and at 64 MiB, and is compressed then
//! (`.jsonl.zst`, in frames of whole lines). `event.sequence` counts from 1 without gaps over all segments, and `@timestamp` never goes back.
//!
//! # The chain
//!
//! Every line ends in `,"prev":"<64 hex digits>","hash":"<64 hex digits>"}}`. `hash` is the
//! SHA-256 of the line's bytes before `,"hash":"` (its last occurrence: 76 bytes before the
//! line's end); `prev` is the `hash` of the line before it, over segments and days, and 64
//! zeros in the first line of all. `docs/AUDIT.md` says enough to write a verifier from.
//!
//! # Checkpoints
//!
//! Every minute, and at every segment's end, a line in the day's `checkpoints.jsonl` holds the
//! root of the Merkle tree over the segment's lines, signed with the gateway's key: [`prove`]
//! shows a line to be under it without the others.
//!
//! # Retention
//!
//! What is past its time is taken out of compressed segments; one line with the chain's ends and
//! the tree's subtrees stands for each run, so that all else still verifies: [`retain`].
//!
//! # Accesses
//!
//! An access is one `schoolgate.access` line, recorded before bytes flow. When it ends, a
//! `schoolgate.close` line with the same `event.id` carries what was not known before: bytes,
//! duration and who closed. [`query()`] joins the two.

mod answer;
pub mod around;
mod chain;
mod checkpoint;
mod disk;
mod event;
mod export;
mod follow;
mod force;
pub mod index;
mod json;
mod keeper;
mod key;
mod ledger;
mod line;
mod merkle;
mod notary;
mod packed;
pub mod pages;
mod proof;
mod pseudonyms;
mod query;
mod recorder;
mod removed;
mod repair;
mod reserve;
mod retention;
mod segment;
mod store;
mod trouble;
mod verify;
mod writer;

#[cfg(test)]
mod tests;

pub use chain::{Anchor, AnchorError, Head, LineHash};
pub use checkpoint::Checkpoint;
pub use event::{Access, Act, Actor, ClosedBy, Closing, Entry, Fetch, Handling, Outcome, Seen, Visibility};
pub use export::{
    Checked, ExportError, Exported, Exporting, Format, Names, Part, Rows, Tampered, check_export, export,
    unreckoned,
};
pub use follow::{Follower, Written};
pub use index::{Index, Indexer};
pub use key::{Key, KeyError, Signer};
pub use notary::{Covered, SealError};
pub use proof::{Proof, ProveError, Prover, Unproven, prove};
pub use pseudonyms::{Pseudonyms, without_typed, without_where};
pub use query::{Closes, Filter, Halt, Order, Page, QueryError, Record, Unknown, pick, query, scan};
pub use recorder::{Observer, OpenError, Receipt, RecordError, Recorder, Writer};
pub use retention::{Due, Held, RetentionError, Terms, due, retain};
pub use verify::{Fault, FaultKind, Options, Report, verify};
