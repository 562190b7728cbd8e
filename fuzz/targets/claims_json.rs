#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| prolong_fuzz::run("claims_json", input));
