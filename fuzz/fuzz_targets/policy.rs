//! `cargo +nightly fuzz run policy`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| schoolgate_fuzz::policy(bytes));
