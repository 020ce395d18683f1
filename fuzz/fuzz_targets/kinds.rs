//! `cargo +nightly fuzz run kinds`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| schoolgate_fuzz::kinds(bytes));
