//! `schoolgate explain`: the verdict on a URL and what every rung said, by the running gateway's
//! policy, or, when none runs, by the one on disk.

use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};

use crate::cli::gateway::{Gateway, text};
use crate::cli::output;
use crate::clock::Clock;
use crate::control::compile_once;
use crate::model::{Attribution, GroupName, Subject, Timestamp, Url, UserName};
use crate::settings::Settings;
use crate::web;

/// What to explain.
#[derive(Args)]
pub(super) struct Explain {
    /// The URL or host; without a scheme it is taken as https.
    url: String,
    /// As this filtering group.
    #[arg(long)]
    group: Option<GroupName>,
    /// As this person.
    #[arg(long)]
    user: Option<UserName>,
    /// As the client at this address.
    #[arg(long)]
    client: Option<IpAddr>,
    /// At this moment (RFC 3339).
    #[arg(long)]
    at: Option<Timestamp>,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let body = json!({
            "url": self.url, "group": self.group, "user": self.user, "client": self.client, "at": self.at,
        });
        let answer = match Gateway::of(settings, None).post_if_running("/local/explain", body)? {
            Some(answer) => answer,
            None => self.offline(settings)?,
        };
        if self.json {
            out!("{answer}");
        } else {
            self.print(&answer);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn offline(&self, settings: &Settings) -> anyhow::Result<Value> {
        let policy = compile_once(&super::sources(settings), &|_, _, _| {})?;
        if let Some(group) = &self.group {
            let known = policy.draft().groups.iter().any(|known| known.id == *group);
            anyhow::ensure!(known, "there is no group “{group}”");
        }
        let url = Url::parse_typed(&self.url).with_context(|| format!("“{}” can't be judged", self.url))?;
        let unknown = Subject::unknown(self.client.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
        let directory = crate::identity::Directory::default();
        directory.publish(crate::control::subnets(policy.draft()));
        let found = self.client.map_or(unknown, |client| directory.attribute(client));
        let subject = match &self.group {
            Some(group) => Subject { group: Some(group.clone()), attribution: Attribution::Subnet, ..found },
            None => found,
        };
        let subject = Subject { user: self.user.clone(), ..subject };
        let at = self.at.unwrap_or_else(|| Clock::system().now());
        let mut answer = serde_json::to_value(web::explain(&policy, &subject, &url, at))?;
        // Versions are the running gateway's; what the files say has none.
        answer["generation"] = Value::Null;
        Ok(answer)
    }

    fn print(&self, answer: &Value) {
        out!("{}  {}", text(answer, "action").to_uppercase(), self.url);
        let (reason, group) = (text(answer, "reason"), text(answer, "group"));
        match answer["generation"].as_u64() {
            Some(version) => out!("{reason} (group {group}, policy version {version})"),
            None => out!("{reason} (group {group}, by the files as they are: no gateway runs)"),
        }
        match answer["visibility"].as_str() {
            Some("url") => out!("the page is seen: plain HTTP, or decrypted for this group"),
            Some(_) => out!("only the host is seen: nothing is decrypted there for this group"),
            None => {}
        }
        let list = &answer["list"];
        if list.is_object() {
            let at = match list["entry"].as_str() {
                Some(entry) => format!("entry {entry}"),
                None => format!("{}:{}", text(list, "file"), list["line"]),
            };
            out!("list {}@{}, {at}", text(list, "id"), text(list, "version"));
        }
        let mut table = output::table();
        table.set_header(["rung", "said", "because"]);
        let decided = (text(answer, "rung"), text(answer, "reason"));
        for rung in answer["rungs"].as_array().into_iter().flatten() {
            let said = (text(rung, "rung"), text(rung, "text"));
            let mark = if said == decided { format!("→ {}", said.0) } else { said.0 };
            table.add_row([mark, text(rung, "answer"), text(rung, "text")]);
        }
        out!("{table}");
    }
}
