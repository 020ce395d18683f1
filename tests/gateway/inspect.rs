//! Decryption: what the URL level makes possible, and what it must not do.

mod basics;

use crate::harness::{Builder, Gateway, POLICY};

/// The usual gateway with pupils inspected where a rule needs the URL, and staff never.
fn inspected() -> Builder {
    Gateway::new().policy(&POLICY.replace("[groups.pupils]\n", "[groups.pupils]\ninspect = \"surgical\"\n"))
}
