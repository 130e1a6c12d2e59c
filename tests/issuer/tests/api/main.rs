//! Drives the issuer over real HTTP with a client written for these tests.

mod answers;
mod authorization;
mod claims;
mod client;
mod client_auth;
mod codes;
mod credentials;
mod deferred;
mod didroom;
mod dpop;
mod drafts;
mod encryption;
mod faults;
mod flows;
mod identus;
mod key_attestations;
mod presentations;
mod profiles;
mod program;
mod refresh;
mod refusals;
mod setups;
mod signed_metadata;
mod sphereon;
mod vercre;
