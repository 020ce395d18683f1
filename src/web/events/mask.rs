//! An event as its reader may see it.

use serde_json::Value;

use crate::audit::index::Named;
use crate::audit::{Filter, Index, without_typed, without_where};
use crate::web::events::Sight;
use crate::web::events::inquiry::Ward;

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
        without_where(&mut event);
        if let Sight::Pseudonyms(pseudonyms) = &self.sight {
            // A guess beside its pseudonym would say whose that is.
            if self.ward.may_be_a_guess(&event) {
                without_typed(&mut event);
            }
            pseudonyms.mask(&mut event);
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
