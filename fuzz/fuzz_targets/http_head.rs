//! `cargo +nightly fuzz run http_head`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| schoolgate_fuzz::http_head(bytes));
