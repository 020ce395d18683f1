//! Decisions as tables that a safeguarding lead can read: `tests/decisions/*.toml`, judged by
//! the policy and the lists that are shipped.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use schoolgate::control::lists::{Exempt, Kept, Places};
use schoolgate::control::{Sources, Unlicensed, compile_once};
use schoolgate::model::{Attribution, Justification, Scheme, Subject, Timestamp, Url, UserName, Window};
use schoolgate::policy::{
    Action, Asked, Content, Destination, EmergencyBlock, Parts, Policy, Reach, Shown, Suspension, Target,
};
use schoolgate::settings::Loosening;
use uuid::Uuid;

#[test]
fn the_shipped_policy_decides_as_the_tables_say() {
    let (mut judged, mut faults) = (0, Vec::new());
    for file in tables() {
        let table: toml::Table = std::fs::read_to_string(file).unwrap().parse().unwrap();
        let policy = policy(&table);
        for case in cases(&table) {
            for (who, url) in case.questions() {
                judged += 1;
                faults.extend(case.judge(&policy, who, url));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(judged > 50, "the tables are where this test looks: {judged}");
}

struct Case {
    what: String,
    who: Vec<String>,
    user: Option<UserName>,
    at: Timestamp,
    asks: Vec<String>,
    shown: Option<String>,
    verdict: String,
    rung: Option<String>,
    rule: Option<String>,
}

impl Case {
    fn questions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.who.iter().flat_map(|who| self.asks.iter().map(|url| (who.as_str(), url.as_str())))
    }

    fn judge(&self, policy: &Policy, who: &str, text: &str) -> Option<String> {
        let url = Url::parse(text).unwrap();
        let plain = url.scheme() == Scheme::Http;
        let shown = match self.shown.as_deref() {
            None if plain => Shown::Request,
            None => Shown::TlsName,
            Some("url") => Shown::Request,
            Some("no_name") => Shown::TlsNoName,
            Some("not_web") => Shown::OtherProtocol("ssh"),
            Some(other) => panic!("{other} is no way to show"),
        };
        let address = Subject { user: self.user.clone(), ..Subject::unknown([127, 0, 0, 1].into()) };
        let subject = match who {
            "nobody knows" => address,
            group => {
                Subject { group: Some(group.parse().unwrap()), attribution: Attribution::Subnet, ..address }
            }
        };
        let seen = (plain || shown == Shown::Request).then(|| url.clone());
        let content = seen.as_ref().map(Content::of_url).unwrap_or_default();
        let destination = Destination { host: Some(url.host().clone()), port: url.port(), url: seen };
        let asked = Asked { subject: &subject, destination: &destination, shown, content: &content };
        let verdict = policy.on_connect(&asked, self.at);
        let action = if verdict.action == Action::Alert { "allow" } else { verdict.action.as_str() };
        let right = action == self.verdict
            && self.rung.as_deref().is_none_or(|rung| verdict.reason.rung.as_str() == rung)
            && self.rule.as_deref().is_none_or(|rule| verdict.reason.rule.id == rule);
        (!right).then(|| format!("{}: {who} asks {text}: {action}, {:?}", self.what, verdict.reason))
    }
}

/// The shipped policy with what a table adds to its text, its suspensions and its emergency blocks.
fn policy(table: &toml::Table) -> Policy {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(root.join("config/policy.toml")).unwrap();
    let added = table.get("policy").map(|text| text.as_str().unwrap()).unwrap_or_default();
    let file = folder.path().join("policy.toml");
    std::fs::write(&file, text + added).unwrap();
    let list = |key: &str| table.get(key).and_then(|list| list.as_array()).cloned().unwrap_or_default();
    let parts = Parts {
        suspensions: list("suspension").iter().map(suspension).collect(),
        blocks: list("emergency_block").iter().map(emergency_block).collect(),
        zone: zone(),
        ..compiled(file).parts()
    };
    Policy::compile(parts, 1).unwrap()
}

fn suspension(written: &toml::Value) -> Suspension {
    let window = Window::new(moment(&written["from"]), moment(&written["until"])).unwrap();
    Suspension {
        id: Uuid::nil(),
        users: texts(written, "users").iter().map(|user| user.parse().unwrap()).collect(),
        devices: Vec::new(),
        to: written["to"].as_str().unwrap().parse().unwrap(),
        exceptions: texts(written, "exceptions").iter().map(|text| Target::parse(text).unwrap()).collect(),
        window,
        reason: reason(),
        by: "h.teacher".parse().unwrap(),
        lifted: None,
    }
}

fn emergency_block(written: &toml::Value) -> EmergencyBlock {
    EmergencyBlock {
        id: Uuid::nil(),
        target: Target::parse(written["target"].as_str().unwrap()).unwrap(),
        reason: reason(),
        by: "d.lead".parse().unwrap(),
        at: Timestamp::from_millis(0),
    }
}

fn reason() -> Justification {
    Justification::parse("agreed with the headteacher that morning").unwrap()
}

/// A time as the clock on the school's wall shows it.
fn moment(written: &toml::Value) -> Timestamp {
    let shown: jiff::civil::DateTime = written.as_str().unwrap().parse().unwrap();
    Timestamp::from_millis(shown.to_zoned(zone()).unwrap().timestamp().as_millisecond())
}

fn zone() -> TimeZone {
    TimeZone::get("Europe/London").unwrap()
}

fn compiled(policy_file: PathBuf) -> Policy {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = Sources {
        policy_file,
        store_file: root.join("there-is-no-store-here"),
        places: Places {
            lists: root.join("blocklists"),
            imported: root.join("nothing-is-imported-here"),
            statutory: root.join("blocklists/statutory"),
            compiled: Kept::Read(root.join("nothing-is-compiled-here")),
            kept: root.join("nothing-is-kept-here"),
            fetched: Vec::new(),
            own: Vec::new(),
            exempt: Exempt::default(),
            max_shrink_percent: 20,
        },
        loosening: Loosening::Held,
        policy_loosening: Loosening::Held,
        unlicensed: Unlicensed::Accepted,
        reach: Arc::new(Reach::default()),
        feeds: Vec::new(),
        extra_roots: Vec::new(),
        zone: zone(),
        alerts: schoolgate::settings::Alerts::default(),
        smtp: None,
    };
    compile_once(&sources, &|_, _, _| {}).unwrap_or_else(|faults| panic!("{faults}"))
}

fn tables() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/decisions");
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn cases(table: &toml::Table) -> Vec<Case> {
    let text = |case: &toml::Value, key: &str| case.get(key).map(|value| value.as_str().unwrap().to_owned());
    let cases = table["case"].as_array().unwrap().iter();
    cases
        .map(|case| Case {
            what: text(case, "what").unwrap(),
            who: texts(case, "who"),
            user: text(case, "user").map(|user| user.parse().unwrap()),
            at: case.get("at").map_or(Timestamp::from_millis(1_795_424_400_000), moment),
            asks: texts(case, "asks"),
            shown: text(case, "shown"),
            verdict: text(case, "verdict").unwrap(),
            rung: text(case, "rung"),
            rule: text(case, "rule"),
        })
        .collect()
}

fn texts(value: &toml::Value, key: &str) -> Vec<String> {
    value[key].as_array().unwrap().iter().map(|value| value.as_str().unwrap().to_owned()).collect()
}
