//! What staff decide on from the command line: who they are, what there is, a decision with its
//! comment.
//!
//! **Invariant:** a decision is made in the name of a token's owner; without one there is none.

use clap::Args;
use comfy_table::Table;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::cli::gateway::Gateway;
use crate::settings::Settings;
use crate::web::escaped;

/// Who one is.
#[derive(Args, Default)]
pub(super) struct Token {
    /// The token of the one who looks, asks or decides (`schoolgate staff token NAME`).
    #[arg(long, global = true, env = "SCHOOLGATE_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// How a list is printed.
#[derive(Args)]
pub(super) struct Form {
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

/// What was thought through before a category is opened.
#[derive(Args)]
pub(super) struct RiskAssessment {
    /// What it is good for; with --risk and --mitigation.
    #[arg(long, requires_all = ["risk", "mitigation"])]
    benefit: Option<String>,
    /// What can go wrong.
    #[arg(long, requires_all = ["benefit", "mitigation"])]
    risk: Option<String>,
    /// What is done about that.
    #[arg(long, requires_all = ["benefit", "risk"])]
    mitigation: Option<String>,
}

impl Token {
    /// The gateway in the name of the token's owner.
    pub(super) fn gateway(&self, settings: &Settings) -> anyhow::Result<Gateway> {
        anyhow::ensure!(self.token.is_some(), "say who you are: --token, or SCHOOLGATE_TOKEN");
        Ok(Gateway::of(settings, self.token.clone()))
    }

    /// The gateway, and where it answers: whoever has a token by the API, whoever may use the
    /// machine's own socket by what it answers to them.
    pub(super) fn reading(&self, settings: &Settings) -> (Gateway, &'static str) {
        let root = if self.token.is_some() { "/api/v1" } else { "/local" };
        (Gateway::of(settings, self.token.clone()), root)
    }
}

impl Form {
    /// Prints what there is; `nothing`, when there is nothing.
    pub(super) fn print(&self, items: &[Value], table: fn(&[Value]) -> Table, nothing: &str) {
        if self.json {
            out!("{}", json!({ "items": items, "next": null }));
        } else if items.is_empty() {
            out!("{nothing}");
        } else {
            out!("{}", table(items));
        }
    }
}

impl RiskAssessment {
    /// As the API takes it; null when nothing is said.
    pub(super) fn value(&self) -> Value {
        if self.benefit.is_none() {
            return Value::Null;
        }
        json!({ "benefit": self.benefit, "risk": self.risk, "mitigation": self.mitigation })
    }
}

/// Every item of every page of `path` that a query finds.
pub(super) fn every(
    gateway: &Gateway,
    path: &str,
    query: &[(&str, Option<&str>)],
) -> anyhow::Result<Vec<Value>> {
    let said = query.iter().filter_map(|(name, value)| Some(format!("&{name}={}", escaped((*value)?))));
    let said: String = said.collect();
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let mut page = gateway.get(&format!("{path}?limit=500{said}{cursor}"))?;
        items.extend(page["items"].as_array_mut().map(std::mem::take).unwrap_or_default());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(items),
        }
    }
}

/// Decides: `act` is the word of the API for it. What is null of what is said is not sent.
pub(super) fn decide(
    gateway: &Gateway,
    path: &str,
    (id, act): (Uuid, &str),
    said: Value,
) -> anyhow::Result<Value> {
    let said: Map<String, Value> = match said {
        Value::Object(said) => said.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    };
    gateway.post(&format!("{path}/{id}/{act}"), Some(Value::Object(said)))
}

/// The texts of an array, put together.
pub(super) fn joined(items: &Value, between: &str) -> String {
    let items: Vec<&str> = items.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    items.join(between)
}
