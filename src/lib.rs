//! **schoolgate** is a filtering gateway for schools: it decides, it records, and it can be
//! asked why.
//!
//! # The map
//!
//! Data flows one way. A packet comes in at [`proxy`], is attributed to somebody by
//! [`identity`], read by [`wire`], decided by [`policy`] against [`lists`], recorded by
//! [`audit`], and only then acted on. A member of staff's act runs the other way, as straight:
//! [`web`] or [`cli`] to [`control`], which records it and publishes a new policy.
//!
//! | layer | module | is |
//! |---|---|---|
//! | 0 | [`model`] | the domain's words, one normal form each |
//! | 1 | [`wire`], [`lists`], [`document`], [`services`], [`content`] | pure readers and indexes: bytes or text in, facts out |
//! | 2 | [`policy`] | the decision: no sockets, files, threads, clocks or logs |
//! | 3 | [`clock`], [`mapped`], [`whole`], [`settings`], [`telemetry`], [`identity`], [`ca`], [`audit`] | edges, one concern each |
//! | 4 | [`proxy`], [`control`], [`shipping`] | the two halves of the product, and the trail on its way to the school's collectors; none names another |
//! | 5 | [`web`] | the outside: API, health, metrics |
//! | 6 | [`app`], [`cli`] | the composition root and the commands |
//!
//! `tests/layering.rs` holds the table of who may name whom. Start reading at
//! `proxy::connection::serve`, which tells the product's story.
#![deny(unsafe_code)]

pub mod app;
pub mod audit;
pub mod ca;
pub mod cli;
pub mod clock;
pub mod content;
pub mod control;
pub mod document;
pub mod identity;
pub mod lists;
pub mod mapped;
pub mod model;
pub mod policy;
pub mod proxy;
pub mod services;
pub mod settings;
pub mod shipping;
pub mod telemetry;
pub mod web;
pub mod whole;
pub mod wire;
