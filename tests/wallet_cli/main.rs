//! Black-box tests of the `wallet` command: a process like a script's, a store on disk, a real
//! issuer over HTTP, and nothing of billfold's insides.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, and says where")]

mod attester;
mod backup;
mod client_auth;
mod deferred;
mod dialects;
mod encrypt;
mod faults;
mod haip;
mod inspect;
mod issuer;
mod keep;
mod offers;
mod people;
mod quarantine;
mod receive;
mod refresh;
mod resume;
mod show;
mod sign_in;
mod support;
mod tx_code;
mod usage;
mod verify;
