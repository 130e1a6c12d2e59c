//! Wallet-side (holder) SDK for OpenID for Verifiable Credential Issuance.

pub mod error;
pub(crate) mod format;
pub mod model;
pub mod platform;
mod transcript;
pub(crate) mod verify;

pub use error::{Advice, Error, ErrorCode, ErrorKind, IssuerError, Operation, RequestOutcome, Result};
pub use transcript::{Exchange, Transcript};
