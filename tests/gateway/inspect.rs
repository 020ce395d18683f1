//! Decryption: what the URL level makes possible, and what it must not do.

mod alpn;
mod answers;
mod attribution;
mod basics;
mod bodies;
mod browsers;
mod connections;
mod exempt;
mod floods;
mod handshakes;
mod identity;
mod minting;
mod origins;
mod pseudo_fields;
mod record;
mod rejected;
mod smuggling;
mod statutory;
mod stopping;

use crate::harness::{Builder, Gateway, POLICY};

/// The usual gateway with pupils inspected where a rule needs the URL, and staff never.
fn inspected() -> Builder {
    Gateway::new().policy(&POLICY.replace("[groups.pupils]\n", "[groups.pupils]\ninspect = \"surgical\"\n"))
}

/// The usual gateway with pupils and staff inspected, whatever the rules need.
fn always() -> Builder {
    Gateway::new().policy(&always_policy())
}

fn always_policy() -> String {
    let always =
        |policy: String, group: &str| policy.replace(group, &format!("{group}inspect = \"always\"\n"));
    always(always(POLICY.to_owned(), "[groups.pupils]\n"), "[groups.staff]\n")
}
