//! `cargo +nightly fuzz run statutory`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| schoolgate_fuzz::statutory(bytes));
