//! Whole issuances over real HTTP, against an issuer that shares no code with billfold.

mod authorization_code;
mod crash;
mod deferred;
mod endpoints;
mod formats;
mod hostile;
mod meddling;
mod metadata;
mod notify;
mod offer;
mod pre_authorized;
mod remembered;
mod requests;
mod signing;
mod world;
