//! Decisions as tables that a safeguarding lead can read: `tests/decisions/*.toml`, judged by
//! the policy and the lists that are shipped.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use schoolgate::control::lists::{Exempt, Kept, Places};
use schoolgate::control::{Sources, Unlicensed, compile_once};
use schoolgate::model::{Attribution, Scheme, Subject, Timestamp, Url};
use schoolgate::policy::{Action, Asked, Content, Destination, Policy, Reach, Shown};
use schoolgate::settings::Loosening;

#[test]
fn the_shipped_policy_decides_as_the_tables_say() {
    let policy = shipped();
    let (mut judged, mut faults) = (0, Vec::new());
    for file in tables() {
        for case in cases(&file) {
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
        let address = Subject::unknown([127, 0, 0, 1].into());
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
        let verdict = policy.on_connect(&asked, Timestamp::from_millis(1_795_424_400_000));
        let action = if verdict.action == Action::Alert { "allow" } else { verdict.action.as_str() };
        let right = action == self.verdict
            && self.rung.as_deref().is_none_or(|rung| verdict.reason.rung.as_str() == rung)
            && self.rule.as_deref().is_none_or(|rule| verdict.reason.rule.id == rule);
        (!right).then(|| format!("{}: {who} asks {text}: {action}, {:?}", self.what, verdict.reason))
    }
}

fn shipped() -> Policy {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = Sources {
        policy_file: root.join("config/policy.toml"),
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
    };
    compile_once(&sources, &|_, _, _| {}).unwrap_or_else(|faults| panic!("{faults}"))
}

fn tables() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/decisions");
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn cases(file: &Path) -> Vec<Case> {
    let table: toml::Table = std::fs::read_to_string(file).unwrap().parse().unwrap();
    let text = |case: &toml::Value, key: &str| case.get(key).map(|value| value.as_str().unwrap().to_owned());
    let texts = |case: &toml::Value, key: &str| -> Vec<String> {
        case[key].as_array().unwrap().iter().map(|value| value.as_str().unwrap().to_owned()).collect()
    };
    let cases = table["case"].as_array().unwrap().iter();
    cases
        .map(|case| Case {
            what: text(case, "what").unwrap(),
            who: texts(case, "who"),
            asks: texts(case, "asks"),
            shown: text(case, "shown"),
            verdict: text(case, "verdict").unwrap(),
            rung: text(case, "rung"),
            rule: text(case, "rule"),
        })
        .collect()
}
