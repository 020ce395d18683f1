//! The decision.

mod verdict;

pub use verdict::{Action, Destination, Evidence, OnConnect, OnRequest, Permit, Reason, Rule, Rung, Verdict};
