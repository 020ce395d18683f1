//! Hosts and URLs against the conformance tests that browsers are held to.

mod idna;
mod urls;
