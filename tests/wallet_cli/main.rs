//! Black-box tests of the `wallet` command: a process like a script's, a store on disk, a real
//! issuer over HTTP, and nothing of billfold's insides.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, and says where")]

mod deferred;
mod faults;
mod issuer;
mod keep;
mod offers;
mod people;
mod quarantine;
mod receive;
mod resume;
mod sign_in;
mod support;
mod tx_code;
mod usage;
