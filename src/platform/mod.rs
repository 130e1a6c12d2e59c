//! What billfold needs from the machine that it runs on: traits, and a default for each.

pub mod address;
pub mod clock;
pub mod http;
pub mod keys;
pub mod memory;
#[cfg(feature = "reqwest")]
pub mod reqwest;
pub mod secret;
pub mod software_keys;
pub mod store;
#[cfg(feature = "testing")]
pub mod store_suite;

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
