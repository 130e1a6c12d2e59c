#![doc = include_str!("../README.md")]
mod authorizations;
mod backup;
mod builder;
mod cache;
mod card;
mod cbor;
mod changes;
mod channel;
mod credentials;
mod dialect;
mod documents;
pub mod error;
mod format;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod inflate;
mod issuance;
mod json;
mod metadata_cache;
pub mod model;
mod outbox;
pub mod platform;
mod protocol;
#[cfg(feature = "qr")]
pub mod qr;
#[cfg(test)]
mod recorded_tests;
mod session;
mod setup;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod transcript;
mod type_metadata;
#[cfg(test)]
mod vectors_tests;
mod verifier;
mod verify;
mod wallet;
mod wire;

pub use backup::Imported;
pub use builder::WalletBuilder;
pub use card::{Card, CardClaim, CardImage, CardState, ClaimValue, Color, ImageType};
pub use changes::{Changes, CredentialChange};
pub use credentials::{CredentialQuery, Page, TakenInstance};
pub use dialect::explain::{Conclusion, DialectReport};
pub use dialect::{Dialects, Tolerance};
pub use error::{Advice, Error, ErrorCode, ErrorKind, IssuerError, Operation, RequestOutcome, Result};
pub use issuance::{
    AcceptOptions, CodeHint, CredentialTerms, Failure, Issuance, OfferSummary, OfferedCredential, ProofTerms, Step,
    Terms,
};
pub use model::credential::{Credential, HolderKey, Instance};
pub use model::display::PathStep;
pub use model::format::Format;
pub use model::ids::{ClientId, ConfigurationId, CredentialId, IssuerId, KeyHandle, SessionId};
pub use model::jwk::{Algorithm, Jwk};
pub use model::offer::{GrantType, InputMode, TxCode};
pub use model::profile::Profile;
pub use model::report::{Check, CheckKind, Outcome, Reason, Report, Requirement, Verdict, VerificationPolicy};
pub use model::status::{StatusEntry, StatusFound, StatusReference, StatusValue};
pub use model::time::Timestamp;
pub use model::type_metadata::{
    CredentialMetadata, SelectiveDisclosure, SvgTemplate, TypeClaim, TypeMetadata, TypeMetadataUse,
};
pub use outbox::{Flushed, Notified};
pub use protocol::authorization::{RequestBy, RequestedClaim};
pub use protocol::client_auth::{AttestationVersion, ClientAuthentication};
pub use protocol::encryption::Encryption;
pub use protocol::metadata::SignedMetadata;
pub use protocol::notification::NotificationEvent;
pub use protocol::offer::OfferLink;
pub use protocol::proof::Binding;
pub use transcript::{Exchange, Transcript};
pub use verifier::{Verification, Verifier};
pub use wallet::{PendingIssuance, Wallet};
