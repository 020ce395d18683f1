//! `cargo +nightly fuzz run opening`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| schoolgate_fuzz::opening(bytes));
