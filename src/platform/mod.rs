//! What billfold needs from the machine that it runs on: traits, and a default for each.

pub mod clock;
pub mod http;
pub mod keys;
pub mod secret;
pub mod store;
