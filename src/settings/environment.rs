//! `SCHOOLGATE__SECTION__KEY`: settings from the environment, each a small document of its own.

use config::{Environment, Map, Source};

use crate::document::{Document, Fault, Faults};

const PREFIX: &str = "SCHOOLGATE";
const SEPARATOR: &str = "__";

/// The path of keys and the value of each variable that overrides a setting, by name.
pub(super) fn overrides(
    env: impl Iterator<Item = (String, String)>,
    faults: &mut Faults,
) -> Vec<(Vec<String>, Document)> {
    let names: Map<String, String> = env.collect();
    let source = Environment::with_prefix(PREFIX).separator(SEPARATOR).source(Some(names.clone()));
    let found = source.collect().unwrap_or_else(|fault| {
        faults.push(Fault::of_file("the environment", fault.to_string()));
        Map::new()
    });
    let mut overrides = Vec::new();
    for (path, value) in found {
        let keys: Vec<String> = path.split('.').map(str::to_owned).collect();
        match value.into_string() {
            Ok(text) => overrides.push((keys, Document::new(&variable(&names, &path), text))),
            Err(fault) => faults.push(Fault::of_file(&variable(&names, &path), fault.to_string())),
        }
    }
    overrides.sort_by(|(a, _), (b, _)| a.cmp(b));
    overrides
}

/// The variable's name as the environment has it.
fn variable(names: &Map<String, String>, path: &str) -> String {
    let lower = format!("{PREFIX}{SEPARATOR}{}", path.replace('.', SEPARATOR)).to_lowercase();
    names.keys().find(|name| name.to_lowercase() == lower).cloned().unwrap_or(lower)
}
