//! `cargo +nightly fuzz run terms`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| schoolgate_fuzz::terms(bytes));
