#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| billfold::fuzzing::ldp_vc(octets));
