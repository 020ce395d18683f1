//! An alert as it is shown, and what is said of one.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::control::alerts::{
    AlertStep, By, KeptAlert, KeptSuppression, Precision as Counted, SuppressionRequest,
};
use crate::model::{StaffName, Timestamp};
use crate::web::openapi::words::{
    AboutWord, AlertStateWord, Event, Moment, PersonKind, SeverityWord, SuppressedByWord, ThemeWord,
};

/// What is said of a step.
#[derive(Deserialize, ToSchema)]
#[schema(as = AlertWords)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    /// What is done, or came of it; needed there, 5 characters or more. May name a child: only those
    /// who may see the alert read it.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub(super) words: Option<String>,
}

/// Why there was nothing to an alert, and what is to raise none for a while.
#[derive(Deserialize, ToSchema)]
#[schema(as = AlertDismissal)]
#[serde(deny_unknown_fields)]
pub(super) struct Dismissal {
    /// Why; 15 characters or more where something is suppressed.
    #[schema(min_length = 5, max_length = 1000)]
    pub(super) words: String,
    /// What is to raise no alert of this theme for a while.
    #[serde(default)]
    pub(super) suppress: Option<Suppress>,
}

/// What is to raise no alert for a while.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Suppress {
    /// What it goes by.
    #[schema(value_type = SuppressedByWord)]
    by: By,
    /// The whole search, the host, or the category.
    #[schema(max_length = 253)]
    value: String,
    /// For this group alone; for everybody, when absent.
    #[serde(default)]
    group: Option<String>,
    /// For how many days.
    #[schema(minimum = 1, maximum = 90)]
    days: u32,
}

/// An alert. Whom it is about, its steps and events come with one alert alone.
#[derive(Serialize, ToSchema)]
pub(super) struct Alert {
    /// UUIDv7.
    id: Uuid,
    /// What it is about.
    #[schema(value_type = ThemeWord)]
    theme: &'static str,
    /// How much it presses.
    #[schema(value_type = SeverityWord)]
    severity: &'static str,
    /// Whom it is about, as far as it says who is told.
    #[schema(value_type = AboutWord)]
    about: &'static str,
    /// Where it stands.
    #[schema(value_type = AlertStateWord)]
    state: &'static str,
    /// Whether there was nothing to it.
    false_positive: bool,
    /// What raised it last: `category:adult`, `search_term:suicide`, `statutory`.
    rule: String,
    /// The filtering group.
    group: Option<String>,
    /// How many events it holds.
    count: u64,
    /// When it began.
    #[schema(value_type = Moment)]
    first_at: Timestamp,
    /// When its last event was.
    #[schema(value_type = Moment)]
    last_at: Timestamp,
    /// When somebody was last told.
    #[schema(value_type = Option<Moment>)]
    told_at: Option<Timestamp>,
    /// How often it went unanswered, so that more people were told.
    escalated: u8,
    /// When somebody looked first.
    #[schema(value_type = Option<Moment>)]
    seen_at: Option<Timestamp>,
    /// When it was closed.
    #[schema(value_type = Option<Moment>)]
    closed_at: Option<Timestamp>,
    /// Whom it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<Person>,
    /// What was done about it, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<Vec<Step>>,
    /// Its events, the newest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Event>>)]
    events: Option<Vec<Value>>,
    /// What was suppressed, in the answer to that.
    #[serde(skip_serializing_if = "Option::is_none")]
    suppression: Option<Uuid>,
    /// The record of the look, or of what was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_seq: Option<u64>,
}

/// Somebody.
#[derive(Serialize, ToSchema)]
#[schema(as = AlertPerson)]
pub(super) struct Person {
    /// How they are known.
    #[schema(value_type = PersonKind)]
    kind: &'static str,
    /// The user's or device's name, or the address.
    name: String,
}

/// What was done about an alert.
#[derive(Serialize, ToSchema)]
#[schema(as = AlertStep)]
pub(super) struct Step {
    /// `alert.raised`, `alert.seen`, …
    action: String,
    /// Who; nobody, where it was the gateway.
    #[schema(value_type = Option<String>)]
    by: Option<StaffName>,
    /// When.
    #[schema(value_type = Moment)]
    at: Timestamp,
    /// In their words.
    words: Option<String>,
}

/// What raises no alert for a while.
#[derive(Serialize, ToSchema)]
#[schema(as = AlertSuppression)]
pub(super) struct Suppression {
    /// UUIDv7.
    id: Uuid,
    /// Alerts of which theme.
    #[schema(value_type = ThemeWord)]
    theme: &'static str,
    /// On whom.
    #[schema(value_type = AboutWord)]
    about: &'static str,
    /// What it goes by.
    #[schema(value_type = SuppressedByWord)]
    by: &'static str,
    /// The whole search, the host, or the category.
    value: String,
    /// The group that it is for; everybody, when null.
    group: Option<String>,
    /// Why.
    reason: String,
    /// Who made it.
    #[schema(value_type = String)]
    made_by: StaffName,
    /// When.
    #[schema(value_type = Moment)]
    made_at: Timestamp,
    /// When it ends by itself.
    #[schema(value_type = Moment)]
    ends_at: Timestamp,
    /// Who ended it early.
    #[schema(value_type = Option<String>)]
    ended_by: Option<StaffName>,
    /// Whether it is in force.
    in_force: bool,
    /// How many events raised nothing because of it.
    hits: u64,
    /// The record of what was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_seq: Option<u64>,
}

/// How often alerts were right.
#[derive(Serialize, ToSchema)]
pub(super) struct Precisions {
    /// By theme.
    pub(super) items: Vec<Precision>,
    /// The record of the look.
    pub(super) audit_seq: u64,
}

/// How often alerts of a theme were right.
#[derive(Serialize, ToSchema)]
#[schema(as = AlertPrecision)]
pub(super) struct Precision {
    /// Of which theme.
    #[schema(value_type = ThemeWord)]
    theme: &'static str,
    /// Closed, with something to them.
    right: u64,
    /// Closed, with nothing to them.
    wrong: u64,
    /// Not closed.
    open: u64,
    /// The share of those closed that had something to them; null before one was closed.
    precision: Option<f64>,
}

impl Suppress {
    pub(super) fn request(self) -> SuppressionRequest {
        SuppressionRequest { by: self.by, value: self.value, group: self.group, days: self.days }
    }
}

impl Alert {
    /// An alert without whom it is about.
    pub(super) fn unnamed(kept: KeptAlert) -> Alert {
        Alert {
            id: kept.id,
            theme: kept.theme.as_str(),
            severity: kept.severity.as_str(),
            about: kept.about.as_str(),
            state: kept.state.as_str(),
            false_positive: kept.false_positive,
            rule: kept.rule,
            group: kept.group,
            count: kept.count,
            first_at: kept.first_at,
            last_at: kept.last_at,
            told_at: kept.told_at,
            escalated: kept.escalated,
            seen_at: kept.seen_at,
            closed_at: kept.closed_at,
            person: None,
            steps: None,
            events: None,
            suppression: None,
            audit_seq: None,
        }
    }

    /// The whole of an alert.
    pub(super) fn named(kept: KeptAlert, steps: Vec<AlertStep>, events: Vec<Value>) -> Alert {
        let person = Person { kind: kept.person.kind(), name: kept.person.name().to_owned() };
        let step =
            |step: AlertStep| Step { action: step.action, by: step.by, at: step.at, words: step.words };
        Alert {
            person: Some(person),
            steps: Some(steps.into_iter().map(step).collect()),
            events: Some(events),
            ..Alert::unnamed(kept)
        }
    }

    /// The same, with what was suppressed.
    pub(super) fn suppressing(self, suppression: Option<KeptSuppression>) -> Alert {
        Alert { suppression: suppression.map(|suppression| suppression.id), ..self }
    }

    /// The same, with its record.
    pub(super) fn recorded(self, audit_seq: u64) -> Alert {
        Alert { audit_seq: Some(audit_seq), ..self }
    }
}

impl Suppression {
    /// A suppression as it stands at `now`.
    pub(super) fn new(kept: KeptSuppression, now: Timestamp) -> Suppression {
        Suppression {
            id: kept.id,
            theme: kept.theme.as_str(),
            about: kept.about.as_str(),
            by: kept.by.as_str(),
            in_force: kept.is_in_force(now),
            value: kept.value,
            group: kept.group,
            reason: kept.reason,
            made_by: kept.made_by,
            made_at: kept.made_at,
            ends_at: kept.ends_at,
            ended_by: kept.ended.map(|(by, _)| by),
            hits: kept.hits,
            audit_seq: None,
        }
    }

    /// The same, with its record.
    pub(super) fn recorded(self, audit_seq: u64) -> Suppression {
        Suppression { audit_seq: Some(audit_seq), ..self }
    }
}

impl Precision {
    pub(super) fn new(counted: Counted) -> Precision {
        Precision {
            theme: counted.theme.as_str(),
            right: counted.right,
            wrong: counted.wrong,
            open: counted.open,
            precision: counted.share(),
        }
    }
}
