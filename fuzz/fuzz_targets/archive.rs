//! `cargo +nightly fuzz run archive`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| schoolgate_fuzz::archive(bytes));
