//! `cargo +nightly fuzz run chunked`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| schoolgate_fuzz::chunked(bytes));
