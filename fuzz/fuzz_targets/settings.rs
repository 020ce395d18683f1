//! `cargo +nightly fuzz run settings`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| schoolgate_fuzz::settings(bytes));
