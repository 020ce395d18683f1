//! `cargo +nightly fuzz run services`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| schoolgate_fuzz::services(bytes));
