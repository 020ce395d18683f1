//! Names that stand for people, devices and addresses, and events with them in the place of theirs.
//!
//! **Invariant:** a pseudonym says nothing of a name to anybody without this gateway's key; and in an
//! event that is masked nothing is left by which a guess at a name could be checked.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::audit::json;

/// What of an event says where a statutory match went; the trail does not hold it either.
const WHERE: [&str; 7] = [
    "/destination/domain",
    "/destination/ip",
    "/url/domain",
    "/url/path",
    "/url/full",
    "/tls/client/server_name",
    "/error/message",
];
/// Where an event names a person, a device or a client, and what kind of name that is.
const NAMED: [(&str, &str); 9] = [
    ("/host/name", "device"),
    ("/source/ip", "client"),
    ("/source/mac", "client"),
    ("/schoolgate/details/user", "user"),
    ("/schoolgate/details/users", "user"),
    ("/schoolgate/details/device", "device"),
    ("/schoolgate/details/devices", "device"),
    ("/schoolgate/details/client", "client"),
    ("/schoolgate/details/clients", "client"),
];
/// Whose lines a legal hold keeps: `details.kind` says what kind of name that is.
const HELD: &str = "/schoolgate/details/of";
/// What staff wrote in their own words, and may name a child; what those who see pseudonyms typed as
/// names; which alert somebody looked at, and whether a look was at staff: of a headteacher's pseudonym
/// that would say whose it is.
const WORDS: [&str; 10] = [
    "/schoolgate/details/routed",
    "/schoolgate/details/asked_user",
    "/schoolgate/details/asked_device",
    "/schoolgate/details/asked_client",
    "/schoolgate/details/alert_id",
    "/event/reason",
    "/schoolgate/details/why",
    "/schoolgate/details/justification",
    "/schoolgate/details/lesson",
    "/schoolgate/details/comment",
];
/// The changes that an act is about, and what of each staff wrote in their own words.
const CHANGES: &str = "/schoolgate/details/changes";
const WORDS_OF_A_CHANGE: [&str; 3] = ["/why", "/risk", "/remark"];
/// Where a look has the names that were asked for.
const TYPED: [&str; 3] =
    ["/schoolgate/details/user", "/schoolgate/details/device", "/schoolgate/details/client"];
/// What else a look has that is about one person.
const ABOUT: [&str; 2] = ["/schoolgate/details/sequence", "/schoolgate/details/page"];
/// Whom a look may be about that everybody is told of who reads pseudonyms.
const OPEN: [&str; 2] = ["pupil", "nobody"];

/// Makes the names that stand for people, devices and addresses; the same for as long as the
/// gateway keeps its store.
#[derive(Clone)]
pub struct Pseudonyms([u8; 32]);

impl Pseudonyms {
    /// Those of a gateway's key.
    #[must_use]
    pub fn of_key(key: [u8; 32]) -> Pseudonyms {
        Pseudonyms(key)
    }

    /// What stands for `name`, which is a `kind` (`user`, `device`, `client`): `user-3f0c…`.
    #[must_use]
    pub fn of(&self, kind: &str, name: &str) -> String {
        let hash = Sha256::new().chain_update(self.0).chain_update(kind).chain_update([0]);
        let hash = hash.chain_update(name).finalize();
        hash.iter().take(8).fold(format!("{kind}-"), |text, byte| format!("{text}{byte:02x}"))
    }

    /// Puts pseudonyms in the place of an event's names, and takes away what a guess could be checked
    /// against: all of a line but the name is known to the reader, and its hash would tell.
    pub fn mask(&self, event: &mut Value) {
        if event["schoolgate"]["actor"] != "staff" {
            self.rename(event, "/user/name", "user");
        }
        if event["event"]["dataset"] != "schoolgate.access" {
            without_words(event);
        }
        for (place, kind) in NAMED {
            self.rename(event, place, kind);
        }
        if let Some(kind) = held(event) {
            self.rename(event, HELD, kind);
        }
        if let Some(own) = event.get_mut("schoolgate").and_then(Value::as_object_mut) {
            own.remove("prev");
            own.remove("hash");
        }
    }

    /// A line of the trail for a reader who is told what technicians are, whoever they are: nothing of
    /// alerts, of looks at staff, or of what somebody typed as a name. None where nothing of it is.
    #[must_use]
    pub fn line(&self, line: &str) -> Option<String> {
        let mut event: Value = serde_json::from_str(line).ok()?;
        match event["event"]["dataset"].as_str() {
            Some("schoolgate.alert") => return None,
            Some("schoolgate.read") if is_kept_back(&event) => return None,
            Some("schoolgate.read") => without_typed(&mut event),
            Some(_) | None => {}
        }
        without_where(&mut event);
        self.mask(&mut event);
        json::text(&event).ok()
    }

    fn rename(&self, event: &mut Value, place: &str, kind: &str) {
        match event.pointer_mut(place) {
            Some(Value::String(name)) => *name = self.of(kind, name),
            Some(Value::Array(names)) => {
                for name in names {
                    *name = name.as_str().map_or(Value::Null, |name| self.of(kind, name).into());
                }
            }
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {}
        }
    }
}

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pseudonyms")
    }
}

/// Takes away where a statutory match went.
pub fn without_where(event: &mut Value) {
    if event["schoolgate"]["rung"] == "statutory" {
        WHERE.iter().for_each(|place| clear(event, place));
    }
}

/// Takes away the names that somebody asked for: a guess beside its pseudonym would say whose that is.
pub fn without_typed(event: &mut Value) {
    TYPED.iter().for_each(|place| clear(event, place));
}

/// Takes away what staff wrote, and what of a look says more than it may.
fn without_words(event: &mut Value) {
    WORDS.iter().for_each(|place| clear(event, place));
    let changes = event.pointer_mut(CHANGES).and_then(Value::as_array_mut);
    for change in changes.into_iter().flatten() {
        WORDS_OF_A_CHANGE.iter().for_each(|place| clear(change, place));
    }
}

/// Whether a look is at staff, at alerts on them, or at nobody knows whom.
fn is_kept_back(event: &Value) -> bool {
    let is_said = |place: &&str| event.pointer(place).is_some_and(|value| !value.is_null());
    match event["schoolgate"]["details"]["routed"].as_str() {
        Some(routed) => !OPEN.contains(&routed),
        // Recorded before it was said whom a look is about; or it is about nobody.
        None => {
            let action = event["event"]["action"].as_str().unwrap_or_default();
            action.starts_with("alert") || TYPED.iter().chain(&ABOUT).any(is_said)
        }
    }
}

/// What kind of name a hold is on, in an act on one.
fn held(event: &Value) -> Option<&'static str> {
    let is_hold = event["event"]["action"].as_str().is_some_and(|action| action.starts_with("hold."));
    let kind = event["schoolgate"]["details"]["kind"].as_str().filter(|_| is_hold)?;
    // Whatever else it may be one day, it is no name that is shown.
    Some(["user", "device", "client"].into_iter().find(|known| *known == kind).unwrap_or("held"))
}

fn clear(event: &mut Value, place: &str) {
    if let Some(value) = event.pointer_mut(place) {
        *value = Value::Null;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pseudonym_is_stable_keyed_and_of_its_kind() {
        let (one, other) = (Pseudonyms([1; 32]), Pseudonyms([2; 32]));
        let name = one.of("user", "y5.042");
        assert_eq!(name, one.of("user", "y5.042"));
        assert_eq!(name.len(), "user-".len() + 16);
        assert_ne!(name, other.of("user", "y5.042"));
        assert_ne!(name[5..], one.of("device", "y5.042")[7..]);
        assert_eq!(format!("{one:?}"), "Pseudonyms");
    }

    fn act(dataset: &str, action: &str, details: Value) -> Value {
        json!({
            "event": { "dataset": format!("schoolgate.{dataset}"), "action": action, "reason": "about y5.042" },
            "user": { "name": "a.teacher" }, "source": { "ip": "10.1.2.3" },
            "schoolgate": { "actor": "staff", "details": details, "prev": "p", "hash": "h" },
        })
    }

    #[test]
    fn a_line_names_nobody_whatever_it_is_about() {
        let pseudonyms = Pseudonyms([7; 32]);
        let access = json!({
            "event": { "dataset": "schoolgate.access" }, "user": { "name": "y5.042" },
            "host": { "name": "CB-2-017" }, "source": { "ip": "10.1.2.3", "mac": "02:00:00:00:00:01" },
            "schoolgate": { "actor": "client", "search": "volcano", "prev": "p", "hash": "h" },
        });
        for event in [
            access,
            act("change", "suspension.imposed", json!({ "users": ["y5.042"], "devices": ["CB-2-017"] })),
            act("change", "suspension.imposed", json!({ "why": "y5.042 hit CB-2-017's owner" })),
            act(
                "change",
                "change.proposed",
                json!({ "changes": [
                    { "entry": "chess.example", "why": "for y5.042", "remark": "y5.042 asked" },
                    { "why": null, "risk": { "benefit": "y5.042 plays", "risk": "none", "mitigation": "-" } },
                ]}),
            ),
            act(
                "change",
                "policy.reloaded",
                json!({ "changes": ["school allow list: added chess.example"] }),
            ),
            act("change", "hold.placed", json!({ "kind": "user", "of": "y5.042", "placed_by": "dsl" })),
            act("change", "hold.lifted", json!({ "kind": "device", "of": "CB-2-017" })),
            act("unblock", "ask.made", json!({ "justification": "y5.042 wants it" })),
            act("unblock", "unblock.approved", json!({ "users": ["y5.042"], "comment": "for y5.042" })),
            act("read", "events.read", json!({ "routed": "pupil", "user": "y5.042", "host": "a.example" })),
        ] {
            let line = pseudonyms.line(&event.to_string()).unwrap();
            for name in ["y5.042", "CB-2-017", "10.1.2.3", "02:00", "\"h\"", "\"p\""] {
                assert!(!line.contains(name), "{name}: {line}");
            }
        }
        let held = act("change", "hold.placed", json!({ "kind": "user", "of": "y5.042" }));
        assert!(pseudonyms.line(&held.to_string()).unwrap().contains(&pseudonyms.of("user", "y5.042")));
    }

    #[test]
    fn of_alerts_and_of_looks_at_staff_there_is_no_line() {
        let pseudonyms = Pseudonyms([7; 32]);
        for (dataset, action, details, is_told) in [
            ("alert", "alert.raised", json!({ "routed": "pupil" }), false),
            ("read", "events.read", json!({ "routed": "pupil", "user": "y5.042" }), true),
            ("read", "events.read", json!({ "routed": "nobody" }), true),
            ("read", "events.read", json!({ "routed": "staff", "user": "b.teacher" }), false),
            ("read", "events.read", json!({ "routed": "unknown" }), false),
            ("read", "events.read", json!({ "user": "b.teacher" }), false),
            ("read", "events.around", json!({ "sequence": 7 }), false),
            ("read", "alerts.read", json!({}), false),
            ("read", "alert.read", json!({ "routed": "headteacher" }), false),
            ("read", "reports.read", json!({ "kind": "daily" }), true),
        ] {
            let event = act(dataset, action, details);
            assert_eq!(pseudonyms.line(&event.to_string()).is_some(), is_told, "{event}");
        }
        assert_eq!(pseudonyms.line("no event"), None);
    }

    #[test]
    fn what_breaks_a_line_stays_escaped() {
        let event =
            r#"{"event":{"dataset":"schoolgate.access"},"schoolgate":{"search":"a\u2028\u202e\u0000é"}}"#;
        let line = Pseudonyms([7; 32]).line(event).unwrap();
        assert!(line.contains(r"a\u2028\u202e\u0000é"), "{line}");
    }

    #[test]
    fn a_statutory_match_says_nowhere_where_it_went() {
        let event = json!({
            "event": { "dataset": "schoolgate.access" }, "url": { "domain": "listed.example" },
            "schoolgate": { "rung": "statutory" },
        });
        assert!(!Pseudonyms([7; 32]).line(&event.to_string()).unwrap().contains("listed.example"));
    }
}
