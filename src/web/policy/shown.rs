//! The policy of record and its reviews as the API shows them.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::control::{self, changes};
use crate::model::{StaffName, Timestamp};
use crate::policy::{Edit, Effect};
use crate::web::openapi::words::{DueWord, EffectWord, Moment, OpWord, SchoolListWord};

/// A version of the policy of record.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct PolicyOfRecord {
    /// Its number; also the `ETag`.
    version: u64,
    /// When it came in force.
    #[schema(value_type = Moment)]
    at: Timestamp,
    /// Who had it come in force: a name, `local` or `system`.
    actor: String,
    /// Why.
    reason: String,
    /// The text, as TOML.
    text: String,
    /// How many changes wait for somebody, now.
    pending: usize,
    /// Whether the policy file, as it is now, says something else than this text.
    file_differs: bool,
}

/// A version in the history.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct PolicyVersion {
    /// Its number; the numbers have gaps.
    version: u64,
    /// When it came in force.
    #[schema(value_type = Moment)]
    at: Timestamp,
    /// Who had it come in force: a name, `local` or `system`.
    actor: String,
    /// Why.
    reason: String,
    /// What was other than before, each in one sentence.
    changes: Vec<String>,
}

/// What lies between two versions.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct Difference {
    /// The version before.
    from: u64,
    /// The version after.
    to: u64,
    /// What the edits do as a whole; null where a text can't be read any more.
    #[schema(value_type = Option<EffectWord>)]
    effect: Option<&'static str>,
    /// The edits of the policy.
    edits: Vec<WeighedEdit>,
    /// The entries of the school's lists that came and went.
    entries: Vec<ListedEntry>,
}

/// A key of the policy that is set otherwise in two versions.
#[derive(Serialize, ToSchema)]
struct WeighedEdit {
    /// The dotted key: `groups.ks2.categories.games`.
    key: String,
    /// What it was set to; null when it was not.
    before: Value,
    /// What it is set to; null when it is not.
    after: Value,
    /// The same as a sentence.
    sentence: String,
    /// What it does by itself; null where it makes no sense by itself.
    #[schema(value_type = Option<EffectWord>)]
    effect: Option<&'static str>,
}

/// An entry that came or went.
#[derive(Serialize, ToSchema)]
struct ListedEntry {
    /// The list.
    #[schema(value_type = SchoolListWord)]
    list: &'static str,
    /// Whether it came or went.
    #[schema(value_type = OpWord)]
    op: &'static str,
    /// The entry in its normal form.
    entry: String,
    /// What that does.
    #[schema(value_type = EffectWord)]
    effect: &'static str,
}

/// Something that is looked at again.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct Review {
    /// What it is.
    sentence: String,
    /// The list, of an entry.
    #[schema(value_type = Option<SchoolListWord>)]
    list: Option<&'static str>,
    /// The entry in its normal form.
    entry: Option<String>,
    /// Who answers for it.
    #[schema(value_type = Option<String>)]
    owner: Option<StaffName>,
    /// The day on which it is looked at again: `2027-07-01`.
    review_on: Option<String>,
    /// Whether somebody should have looked.
    #[schema(value_type = DueWord)]
    due: &'static str,
    /// Since when it is in force.
    #[schema(value_type = Option<Moment>)]
    since: Option<Timestamp>,
    /// The change by which it is; without one, the day stands in the file.
    change: Option<Uuid>,
}

impl From<control::PolicyOfRecord> for PolicyOfRecord {
    fn from(policy: control::PolicyOfRecord) -> PolicyOfRecord {
        let control::PolicyVersion { version, at, actor, reason, changes: _ } = policy.version;
        let control::PolicyOfRecord { text, pending, file_differs, .. } = policy;
        PolicyOfRecord { version, at, actor, reason, text, pending, file_differs }
    }
}

impl From<control::PolicyVersion> for PolicyVersion {
    fn from(version: control::PolicyVersion) -> PolicyVersion {
        let control::PolicyVersion { version, at, actor, reason, changes } = version;
        PolicyVersion { version, at, actor, reason, changes }
    }
}

impl Difference {
    /// What lies between two versions of these numbers.
    pub(super) fn new((from, to): (u64, u64), difference: control::PolicyDifference) -> Difference {
        let entry = |change: changes::EntryChange| ListedEntry {
            list: change.list.id(),
            op: change.op.as_str(),
            effect: change.effect().as_str(),
            entry: change.entry,
        };
        Difference {
            from,
            to,
            effect: difference.effect.map(Effect::as_str),
            edits: difference.edits.into_iter().map(WeighedEdit::from).collect(),
            entries: difference.entries.into_iter().map(entry).collect(),
        }
    }
}

impl From<(Edit, Option<Effect>)> for WeighedEdit {
    fn from((edit, effect): (Edit, Option<Effect>)) -> WeighedEdit {
        let value = |value| serde_json::to_value(value).unwrap_or_default();
        WeighedEdit {
            sentence: changes::in_words(&edit),
            before: value(&edit.before),
            after: value(&edit.after),
            key: edit.key,
            effect: effect.map(Effect::as_str),
        }
    }
}

impl From<changes::Review> for Review {
    fn from(review: changes::Review) -> Review {
        let (list, entry) = review.entry.unzip();
        Review {
            sentence: review.sentence,
            list: list.map(changes::SchoolList::id),
            entry,
            owner: review.owner,
            review_on: review.review_on,
            due: review.due.as_str(),
            since: review.since,
            change: review.change,
        }
    }
}
