//! What staff decide on from the command line: what there is, and a decision with its comment.
//!
//! **Invariant:** a decision is made in the name of a token's owner; without one there is none.

use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::gateway::Gateway;
use crate::cli::said::Id;
use crate::web::escaped;

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

/// Decides: `act` is the word of the API for it.
pub(super) fn decide(
    gateway: &Gateway,
    path: &str,
    (id, act): (Id, &str),
    said: Value,
) -> anyhow::Result<Value> {
    gateway.post(&format!("{path}/{id}/{act}"), Some(sent(said)))
}

/// What is said, as it is sent: without what is null.
pub(super) fn sent(said: Value) -> Value {
    match said {
        Value::Object(said) => said.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Value::Object(Map::new())
        }
    }
}

/// The record of what was done, to stand behind it.
pub(super) fn recorded(answer: &Value) -> String {
    answer["audit_seq"].as_u64().map(|record| format!(" (record {record})")).unwrap_or_default()
}

/// The texts of an array, put together.
pub(super) fn joined(items: &Value, between: &str) -> String {
    let items: Vec<&str> = items.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    items.join(between)
}
