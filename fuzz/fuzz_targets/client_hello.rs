//! `cargo +nightly fuzz run client_hello`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| schoolgate_fuzz::client_hello(bytes));
