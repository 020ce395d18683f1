//! What a change of policy does, held against the decision function.

mod asks;
mod dice;
mod examples;
mod properties;
mod weigh;
mod written;

use super::*;

fn written_of(text: &str) -> Written {
    Written::read(&Document::new("policy.toml", text.to_owned())).unwrap()
}

fn shipped() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config/policy.toml")).unwrap()
}
