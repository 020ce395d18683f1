//! Lists that are fetched: what is new comes in force, what is wrong changes nothing and is told.

mod category;
mod start;
mod statutory;

use schoolgate::audit::Actor;
use schoolgate::control::feeds::{Asked, Looked, Which};

use crate::harness::{Builder, Gateway, POLICY, Publisher};

/// A policy whose games are of a fetched list too.
fn policy() -> String {
    let own = "sources = [\"seed/games\"]\n";
    POLICY.replace(own, &format!("{own}optional_sources = [\"feed/bad\"]\n"))
}

/// A list of so many hosts, `h0.example` and on.
fn hosts(count: usize) -> String {
    (0..count).map(|number| format!("h{number}.example\n")).collect()
}

impl Builder {
    /// With these sources of category lists.
    fn lists(self, sources: &str) -> Builder {
        self.policy(&policy()).setting("LISTS__SOURCE", &format!("[{sources}]"))
    }

    /// With these sources of statutory lists.
    fn statutory(self, sources: &str) -> Builder {
        self.setting("STATUTORY__SOURCE", &format!("[{sources}]"))
    }
}

impl Gateway {
    /// Looks at a source now.
    async fn look(&self, name: &str) -> Looked {
        let (control, runtime) = (self.running.control.clone(), tokio::runtime::Handle::current());
        let asked = Asked { which: Which::One(name.to_owned()), ..Asked::default() };
        let look = move || runtime.block_on(control.fetch(&asked, &Actor::Local));
        let looked = tokio::task::spawn_blocking(look).await.unwrap().unwrap();
        looked.into_iter().next().unwrap()
    }

    /// Waits until the gateway itself has looked at its sources for the first time.
    async fn has_looked(&self) {
        self.eventually("what was fetched is in force", |gateway| {
            gateway.running.control.live().snapshot().catalogue().list("feed/bad").is_some()
        })
        .await;
    }

    /// The alarms as `/readyz` tells them.
    async fn alarms(&self) -> Vec<String> {
        let view = self.running.control.feeds().await;
        view.alarms.iter().map(|alarm| format!("{}: {}", alarm.list, alarm.problem)).collect()
    }

    /// A line of `/metrics`.
    fn number(&self, line: &str) -> String {
        let text = self.running.counters().render().unwrap();
        let found = text.lines().find_map(|found| found.strip_prefix(&format!("schoolgate_{line} ")));
        found.unwrap_or_else(|| panic!("{line} is not in\n{text}")).to_owned()
    }

    /// The actions of `.system` events about lists, with their reasons.
    fn list_events(&self) -> Vec<(String, String)> {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let events = self.events("schoolgate.system");
        let events = events.iter().map(|record| &record.event["event"]);
        let events = events.map(|event| (text(&event["action"]), text(&event["reason"])));
        events.filter(|(action, _)| action.starts_with("list.")).collect()
    }
}
