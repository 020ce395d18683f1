//! An event as its reader may see it.

use serde_json::Value;

use crate::audit::index::Named;
use crate::audit::{Filter, Index};
use crate::control::Pseudonyms;
use crate::web::events::Sight;
use crate::web::events::inquiry::Ward;

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
/// What staff wrote in their own words, and may name a child; what those who see pseudonyms typed as
/// names; which alert somebody looked at, and whether a look was at staff: of a headteacher's pseudonym
/// that would say whose it is.
const WORDS: [&str; 9] = [
    "/schoolgate/details/routed",
    "/schoolgate/details/asked_user",
    "/schoolgate/details/asked_device",
    "/schoolgate/details/asked_client",
    "/schoolgate/details/alert_id",
    "/event/reason",
    "/schoolgate/details/justification",
    "/schoolgate/details/lesson",
    "/schoolgate/details/comment",
];

/// Where a look has the names that were asked for.
const TYPED: [&str; 3] =
    ["/schoolgate/details/user", "/schoolgate/details/device", "/schoolgate/details/client"];

/// Which names are shown, and which pseudonyms alone are asked for.
#[derive(Debug)]
pub(super) struct Mask {
    sight: Sight,
    ward: Ward,
    asked: [(&'static str, Option<String>); 3],
}

impl Mask {
    /// Everything, with the names of `sight`.
    pub(super) fn new(sight: Sight, ward: Ward) -> Mask {
        Mask { sight, ward, asked: [("/user/name", None), ("/host/name", None), ("/source/ip", None)] }
    }

    /// Nothing but the events of these pseudonyms.
    pub(super) fn only(&mut self, user: Option<String>, device: Option<String>, client: Option<String>) {
        for (asked, value) in self.asked.iter_mut().zip([user, device, client]) {
            asked.1 = value;
        }
    }

    /// Has the index say whose the pseudonyms are that are asked for, so that not every line has to
    /// be read; what is answered is judged by the pseudonym all the same.
    pub(super) fn narrow(&self, index: &Index, filter: &mut Filter) {
        let Sight::Pseudonyms(pseudonyms) = &self.sight else { return };
        let whose = |at: usize, of: Named, kind: &str| {
            let asked = self.asked[at].1.as_deref()?;
            index.name(of, &|name| pseudonyms.of(kind, name) == asked)
        };
        filter.user = whose(0, Named::User, "user");
        filter.device = whose(1, Named::Device, "device");
        filter.client = whose(2, Named::Client, "client").and_then(|client| client.parse().ok());
    }

    /// The event as it may be seen, if it is asked for.
    pub(super) fn seen(&self, mut event: Value) -> Option<Value> {
        if is_of_an_alert(&event) || self.ward.keeps_back(&event) {
            return None;
        }
        if event["schoolgate"]["rung"] == "statutory" {
            WHERE.iter().for_each(|place| clear(&mut event, place));
        }
        if let Sight::Pseudonyms(pseudonyms) = &self.sight {
            // A guess beside its pseudonym would say whose that is.
            if self.ward.may_be_a_guess(&event) {
                TYPED.iter().for_each(|place| clear(&mut event, place));
            }
            mask(&mut event, pseudonyms);
        }
        let is = |(place, value): &(&str, Option<String>)| {
            let found = event.pointer(place).and_then(Value::as_str);
            value.as_deref().is_none_or(|value| found == Some(value))
        };
        self.asked.iter().all(is).then_some(event)
    }
}

/// Acts on alerts are told by `/alerts` alone, which knows who may see which; that somebody looked at
/// some is told of alerts on pupils, and that somebody was not let.
fn is_of_an_alert(event: &Value) -> bool {
    let action = event["event"]["action"].as_str().unwrap_or_default();
    match event["event"]["dataset"].as_str() {
        Some("schoolgate.alert") => true,
        Some("schoolgate.read") if action == "alert.read" || action == "alerts.read" => {
            event["event"]["outcome"] != "failure" && event["schoolgate"]["details"]["routed"] != "pupil"
        }
        _ => false,
    }
}

/// Puts pseudonyms in the place of names, and takes away what a guess could be checked against:
/// all of a line but the name is known to the reader, and its hash would tell.
fn mask(event: &mut Value, pseudonyms: &Pseudonyms) {
    let staff = event["schoolgate"]["actor"] == "staff";
    if !staff {
        rename(event, "/user/name", "user", pseudonyms);
    }
    if event["event"]["dataset"] != "schoolgate.access" {
        WORDS.iter().for_each(|place| clear(event, place));
    }
    for (place, kind) in NAMED {
        rename(event, place, kind, pseudonyms);
    }
    if let Some(own) = event.get_mut("schoolgate").and_then(Value::as_object_mut) {
        own.remove("prev");
        own.remove("hash");
    }
}

fn rename(event: &mut Value, place: &str, kind: &str, pseudonyms: &Pseudonyms) {
    match event.pointer_mut(place) {
        Some(Value::String(name)) => *name = pseudonyms.of(kind, name),
        Some(Value::Array(names)) => {
            for name in names {
                *name = name.as_str().map_or(Value::Null, |name| pseudonyms.of(kind, name).into());
            }
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {}
    }
}

fn clear(event: &mut Value, place: &str) {
    if let Some(value) = event.pointer_mut(place) {
        *value = Value::Null;
    }
}
