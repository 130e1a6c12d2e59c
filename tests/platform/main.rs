//! The platform's parts, each from outside: stores, secrets, keys, transport.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod did_resolver;
mod keyring;
mod keys;
mod memory;
mod sealed;
mod secrets;
mod speed;
mod sqlite;
mod sqlite_damage;
mod sqlite_key;
mod transport;
