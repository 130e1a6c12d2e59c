//! The one model: what an issuer said, in the specification's terms, whatever dialect it said it in.
//!
//! A value of these types is already legal: the readers in `dialect` refuse what is not.

pub(crate) mod claim_path;
pub mod credential;
pub mod display;
pub mod format;
pub mod ids;
pub mod jwk;
pub mod key_attestation;
pub mod metadata;
pub mod offer;
pub(crate) mod policies;
pub mod profile;
pub mod report;
pub mod secret;
pub mod status;
pub mod time;
pub mod token;
pub mod type_metadata;
