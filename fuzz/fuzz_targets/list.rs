//! `cargo +nightly fuzz run list`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| schoolgate_fuzz::list(bytes));
