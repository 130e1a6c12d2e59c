//! What Kotlin and Swift see of billfold, the wallet-side SDK for credential issuance.
//!
//! This crate wraps `billfold` and converts; it decides nothing. The hand-written packages
//! `dev.billfold` and `Billfold` stand between it and an app.
//!
//! Everything that waits runs on a runtime of this library, not in the caller's future: when a
//! coroutine is cancelled, its future is dropped, and a step that has spent a code must not be
//! dropped with it. The step goes on; [`Wallet::resume`] shows where it got to.

// Arguments cross the border as copies: there is nothing to borrow from.
#![allow(clippy::needless_pass_by_value)]
// An error crosses the border by value, with all that is known about it.
#![allow(clippy::result_large_err)]

mod card;
mod changes;
mod credential;
mod dialect;
mod error;
mod foreign;
mod issuance;
mod log;
mod provider;
mod qr;
mod query;
mod records;
mod report;
mod resolver;
mod runtime;
mod store;
mod verifier;
mod wallet;

pub use card::{Card, CardClaim, CardImage, CardState, ClaimValue, Color, ImageType};
pub use changes::{Changes, CredentialChange};
pub use credential::{Credential, CredentialCopy, CredentialType, PathStep, StatusFound, StatusValue};
pub use dialect::{Conclusion, DialectReport, Dialects, Tolerance};
pub use error::{Advice, ErrorDetails, RequestOutcome, WalletError};
pub use foreign::{
    HolderKey, HolderKeys, HttpHeader, HttpLimits, HttpRequest, HttpResponse, HttpTransport, KeyError, KeyErrorKind,
    KeyPurpose, SecretError, SecretStore, SignRequest, TransportError, TransportErrorKind,
};
pub use issuance::Issuance;
pub use log::{LogLevel, LogSink, set_log_sink};
pub use provider::{
    ClientAssertionKey, ClientAssertionRequest, ClientAttestationRequest, KeyAttestationRequest, KeyToAttest,
    ProviderCapabilities, ProviderError, ProviderErrorKind, WalletProvider,
};
pub use qr::{draw_qr_png, draw_qr_svg, read_qr_png};
pub use query::{CredentialPage, CredentialQuery, ImportedBackup, KeyChanged, TakenCopy};
pub use records::{
    AcceptOptions, Algorithm, AttestationVersion, Binding, CodeHint, Display, Encryption, Failure, GrantType,
    InputMode, Logo, OfferSummary, OfferedCredential, PendingIssuance, Profile, RequestBy, RequestedClaim,
    SignedMetadata, Step, StoreLocation, TxCode, TypeMetadataUse, WalletConfig,
};
pub use report::{Check, CheckKind, CheckOutcome, PolicyRule, Reason, Report, Requirement, Verdict};
pub use resolver::{DidResolver, DidResolverError, DidResolverErrorKind};
pub use store::{
    CredentialStore, StoreChange, StoreError, StoreErrorKind, StoreExpectation, StoreFactory, StoreRecord, StoreTable,
    check_store,
};
pub use verifier::{Verification, VerifyOptions, verify};
pub use wallet::{Wallet, version};

uniffi::setup_scaffolding!("billfold_ffi");
