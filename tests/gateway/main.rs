//! The whole gateway on loopback: real sockets, real TLS, real lists, the real record.
//!
//! Clients differ by their address within 127.0.0.0/8, as they differ by subnet in a school.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod harness;

mod alerts;
mod asks;
mod changes;
mod content;
mod decisions;
mod delivery;
mod embedded;
mod evasion;
mod feeds;
mod hold;
mod inspect;
mod limits;
mod names;
mod netns;
mod policy_changes;
mod process;
mod reach;
mod record;
mod reload;
mod requests;
mod restrictions;
mod smuggling;
mod statutory;
mod syslog;
