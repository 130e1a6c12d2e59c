//! The messages of OpenID4VCI and OAuth: each file builds one request and reads its answer.
//!
//! Nothing here sends anything, waits, or knows what time it is.

pub(crate) mod authorization;
pub(crate) mod client_auth;
pub(crate) mod credential;
pub(crate) mod dpop;
pub(crate) mod encryption;
pub(crate) mod haip;
pub(crate) mod jwe;
pub(crate) mod jwt;
pub(crate) mod key_attestation;
pub(crate) mod message;
pub(crate) mod metadata;
pub(crate) mod nonce;
pub(crate) mod notification;
pub(crate) mod offer;
pub(crate) mod proof;
pub(crate) mod token;
