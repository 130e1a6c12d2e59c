//! Whole issuances over real HTTP, against an issuer that shares no code with billfold.

mod answers;
mod attester;
mod authorization_code;
mod client_auth;
mod crash;
mod deferred;
mod dpop;
mod encryption;
mod endpoints;
mod formats;
mod haip;
mod hostile;
mod key_attestations;
mod meddling;
mod messages;
mod metadata;
mod notify;
mod offer;
mod pre_authorized;
mod proofs;
mod refresh;
mod remembered;
mod requests;
mod signing;
mod storm;
mod world;
