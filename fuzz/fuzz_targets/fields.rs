//! Calls the oracle with what libFuzzer makes up.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| seawall_fuzz::fields::check(input));
