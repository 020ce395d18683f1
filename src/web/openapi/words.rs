//! The words of the product as schemas: what has a fixed set of values, and times.
//!
//! **Invariant:** a set of values comes from the type that it describes.

use std::borrow::Cow;

use serde_json::json;
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::audit::Format;
use crate::audit::around::Reached;
use crate::control::AskState;
use crate::control::alerts::{About, AlertState, By};
use crate::control::changes::{ChangeState, Due, Op, SchoolList, What};
use crate::control::reports::Kind;
use crate::model::{Role, Severity, Theme};
use crate::policy::{Action, Effect, Ending, Reduced, Rung, State, SuspensionState};
use crate::web::events::Form;

/// Makes a schema of its own of a set of words.
macro_rules! word {
    ($(#[$doc:meta])* $name:ident, $title:literal, $values:expr) => {
        $(#[$doc])*
        pub(in crate::web) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new().schema_type(Type::String).enum_values(Some($values)).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                $title.into()
            }
        }
    };
}

word! {
    /// What a member of staff may do.
    RoleWord, "Role", Role::ALL.map(Role::as_str)
}
word! {
    /// Where a temporary unblock stands.
    UnblockState, "UnblockState", State::ALL.map(State::as_str)
}
word! {
    /// How a temporary unblock came to its end.
    EndingWord, "UnblockEnding", [Ending::Expired, Ending::Revoked, Ending::Lapsed].map(Ending::as_str)
}
word! {
    /// What a temporary unblock ends with.
    UntilWord, "UnblockUntil", ["lesson"]
}
word! {
    /// Where what a pupil asked for stands.
    AskStateWord, "AskState", AskState::ALL.map(AskState::as_str)
}
word! {
    /// Where a change stands.
    ChangeStateWord, "ChangeState", ChangeState::ALL.map(ChangeState::as_str)
}
word! {
    /// What a change is about.
    ChangeKindWord, "ChangeKind", What::KINDS
}
word! {
    /// Where an emergency block stands.
    BlockState, "BlockState", BlockState::ALL
}
word! {
    /// Where a suspension stands.
    SuspensionStateWord, "SuspensionState", SuspensionState::ALL.map(SuspensionState::as_str)
}
word! {
    /// What a suspension leaves.
    ReducedWord, "Reduced", Reduced::ALL.map(Reduced::as_str)
}
word! {
    /// What a change does to decisions.
    EffectWord, "Effect", Effect::ALL.map(Effect::as_str)
}
word! {
    /// Whether somebody should have looked.
    DueWord, "Due", Due::ALL.map(Due::as_str)
}
word! {
    /// What a change does to its list.
    OpWord, "ChangeOp", [Op::Add, Op::Remove].map(Op::as_str)
}
word! {
    /// A list of the school's own.
    SchoolListWord, "SchoolList", SchoolList::ALL.map(SchoolList::id)
}
word! {
    /// A step of the decision; the explanation of any address names every one.
    RungWord, "Rung", Rung::ALL.map(Rung::as_str)
}
word! {
    /// How an address was reached.
    ReachedWord, "Reached", Reached::ALL.map(Reached::as_str)
}
word! {
    /// How events are answered: each as it is, or collapsed to page views.
    ViewWord, "View", Form::ALL.map(Form::as_str)
}
word! {
    /// What an access came to.
    ActionWord, "Action", ACTIONS.map(Action::as_str)
}
word! {
    /// What a step of the decision said: an action, or that it had nothing to say.
    SaidWord, "RungSaid", ACTIONS.map(Action::as_str).into_iter().chain(["pass"])
}
word! {
    /// How much of a request the gateway sees.
    VisibilityWord, "Visibility", ["url", "host"]
}
word! {
    /// How much an unblock opens, or an emergency block shuts.
    ReachWord, "Reach", ["url", "host", "category"]
}
word! {
    /// Who acted: a member of staff, whoever may write to the machine's files, or the gateway.
    ActorWord, "ActorKind", ["staff", "local", "system"]
}
word! {
    /// How events are written to be taken away.
    FormatWord, "ExportFormat", Format::ALL.map(Format::as_str)
}
word! {
    /// How it went.
    OutcomeWord, "Outcome", ["success", "failure"]
}
word! {
    /// What an alert is about.
    ThemeWord, "AlertTheme", Theme::ALL.map(Theme::as_str)
}
word! {
    /// How much an alert presses.
    SeverityWord, "AlertSeverity", Severity::ALL.map(Severity::as_str)
}
word! {
    /// Where an alert stands.
    AlertStateWord, "AlertState", AlertState::ALL.map(AlertState::as_str)
}
word! {
    /// Whom an alert is about, as far as it says who is told.
    AboutWord, "AlertAbout", About::ALL.map(About::as_str)
}
word! {
    /// What a suppression of alerts goes by: a whole search, a host, a category.
    SuppressedByWord, "SuppressedBy", By::ALL.map(By::as_str)
}
word! {
    /// What kind of report.
    ReportKind, "ReportKind", Kind::ALL.map(Kind::as_str)
}
word! {
    /// In which form a report comes.
    ReportFormat, "ReportFormat", ["json", "html", "csv"]
}
word! {
    /// How a person is known.
    PersonKind, "PersonKind", ["user", "device", "client"]
}

impl BlockState {
    /// Both.
    pub(in crate::web) const ALL: [&str; 2] = ["in_force", "lifted"];
}

const ACTIONS: [Action; 3] = [Action::Allow, Action::Alert, Action::Block];

/// A moment.
pub(in crate::web) struct Moment;

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let text = text.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
        text.description(Some("RFC 3339, in UTC.")).examples([json!("2026-11-24T09:14:03.123Z")]).into()
    }
}

impl ToSchema for Moment {
    fn name() -> Cow<'static, str> {
        "Time".into()
    }
}

/// An event of the audit trail: the names of the Elastic Common Schema, ours below `schoolgate`.
pub(in crate::web) struct Event;

impl PartialSchema for Event {
    fn schema() -> RefOr<Schema> {
        let part = || ObjectBuilder::new().schema_type(Type::Object);
        let text = "An event of the audit trail: the names of the Elastic Common Schema 8.17, and what it lacks \
                    below `schoolgate`. Further members may come.";
        let event = part().description(Some(text)).property("@timestamp", Moment::schema());
        let event = ["event", "observer", "user", "schoolgate"]
            .into_iter()
            .fold(event, |event, name| event.property(name, part()));
        ["@timestamp", "event", "schoolgate"]
            .into_iter()
            .fold(event, ObjectBuilder::required)
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .examples([example()])
            .into()
    }
}

impl ToSchema for Event {
    fn name() -> Cow<'static, str> {
        "Event".into()
    }
}

fn example() -> serde_json::Value {
    json!({
        "@timestamp": "2026-11-24T09:14:03.123Z",
        "event": {
            "sequence": 88121, "kind": "event", "dataset": "schoolgate.access", "action": "block",
            "outcome": "success", "reason": "games is blocked for Key Stage 2",
        },
        "source": { "ip": "10.1.2.33" },
        "host": { "name": "CB-2-017" },
        "user": { "name": "y5.042", "group": { "name": "ks2" } },
        "url": { "scheme": "https", "domain": "www.games.example", "path": null, "full": null },
        "rule": { "id": "category:games", "name": "Games", "ruleset": "ut1/games@2026-08-17", "version": "17" },
        "schoolgate": { "rung": "category", "visibility": "host", "mode": "block" },
    })
}
