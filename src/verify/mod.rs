//! Is a credential genuine? Finds issuers' keys and checks signatures; what is checked of which
//! format stands in [`crate::format`].

pub(crate) mod cose;
pub(crate) mod cose_key;
#[cfg(feature = "ldp-vc")]
pub(crate) mod data_integrity;
pub(crate) mod did;
pub(crate) mod issuer_key;
pub(crate) mod jose;
pub(crate) mod mdoc;
pub(crate) mod public_key;
pub(crate) mod sd_jwt;
pub(crate) mod signed_metadata;
pub(crate) mod status;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod x509;

use async_trait::async_trait;
use serde_json::Value;
use url::Url;

use crate::model::ids::IssuerId;
use crate::model::jwk::Jwk;
use crate::model::metadata::CredentialKind;
use crate::model::profile::Profile;
use crate::model::report::VerificationPolicy;
use crate::model::time::Timestamp;

/// What a credential is held against.
pub(crate) struct VerifyContext<'a> {
    /// The credential issuer that was asked; none when a credential is checked outside a session.
    pub(crate) credential_issuer: Option<&'a IssuerId>,
    /// The keys in that issuer's metadata (`jwks`), if it publishes any there.
    pub(crate) issuer_jwks: Option<&'a Value>,
    /// The type that was asked for; none when there is nothing to compare with.
    pub(crate) kind: Option<&'a CredentialKind>,
    /// The JSON-LD contexts that the issuer announces for the type; empty when there is nothing to compare with.
    pub(crate) asked_contexts: &'a [String],
    /// The keys that proofs were sent for; empty when none was asked.
    pub(crate) holder_keys: &'a [Jwk],
    /// The checks that matter: what is off is not fetched.
    pub(crate) policy: &'a VerificationPolicy,
    /// The rules that it is held to.
    pub(crate) profile: Profile,
    /// Whether an SD-JWT VC may name its type in `type` instead of `vct`.
    pub(crate) takes_type: bool,
    /// Now.
    pub(crate) now: Timestamp,
    /// How many seconds clocks may differ.
    pub(crate) skew: i64,
    /// The certificates that the app trusts issuers by; empty if it named none.
    pub(crate) trust: &'a x509::TrustAnchors,
    /// The issuers that the app trusts by their identifiers; empty if it named none.
    pub(crate) trusted_issuers: &'a [String],
    /// The JSON-LD contexts that there are.
    #[cfg(feature = "ldp-vc")]
    pub(crate) contexts: &'a data_integrity::Contexts,
    /// For documents that hold keys, and status lists.
    pub(crate) documents: &'a dyn DocumentSource,
    /// The status lists that are known.
    pub(crate) status_lists: &'a status::StatusLists,
}

/// Gets public JSON documents: DID documents, issuers' key sets.
///
/// The implementation keeps to the network limits and remembers what it got for a while.
#[async_trait]
pub(crate) trait DocumentSource: Send + Sync {
    /// The JSON document at an address.
    async fn get(&self, url: &Url) -> Result<Value, DocumentError>;

    /// What an address gives, fetched anew each time: who asks remembers it as long as it is good for.
    async fn fetch(&self, url: &Url, want: Wanted) -> Result<Fetched, DocumentError>;

    /// The document of a DID whose method only the app knows; `None` if nobody knows it.
    async fn resolve_did(&self, did: &str) -> Option<Result<Value, DocumentError>>;
}

/// What is asked of an address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// The `Accept` header.
    pub(crate) accept: &'static str,
    /// The longest answer, in octets.
    pub(crate) max_bytes: usize,
}

/// What an address gave.
#[derive(Clone, Debug)]
pub(crate) struct Fetched {
    /// The media type that the server says, in lower case and without parameters.
    pub(crate) content_type: Option<String>,
    /// For how many seconds it may be used without asking again, by the server's word; 300 without one.
    pub(crate) max_age: i64,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// When it came.
    pub(crate) at: Timestamp,
}

/// A document that could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DocumentError {
    /// It may be there another time: no answer, or a server's failure.
    #[error("{0}")]
    Unreachable(String),
    /// The answer is final: not there, forbidden, or no JSON.
    #[error("{0}")]
    Unusable(String),
}
