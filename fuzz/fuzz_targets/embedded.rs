//! `cargo +nightly fuzz run embedded`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| schoolgate_fuzz::embedded(bytes));
