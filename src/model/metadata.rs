//! Issuer and authorization server metadata (OpenID4VCI section 12, RFC 8414).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::display::{ClaimDescription, Display};
use super::format::Format;
use super::ids::{ConfigurationId, IssuerId};
use super::jwk::Jwk;
use super::key_attestation::{self, KeyAttestationsRequired};

/// What a credential issuer says about itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IssuerMetadata {
    /// The identifier, equal to the one that the document was fetched for.
    pub credential_issuer: IssuerId,
    /// The servers that give tokens for this issuer. Empty: the issuer itself.
    pub authorization_servers: Vec<IssuerId>,
    /// Where credentials are requested.
    pub credential_endpoint: Url,
    /// Where nonces come from. Present: every proof carries one.
    pub nonce_endpoint: Option<Url>,
    /// Where deferred credentials are picked up.
    pub deferred_credential_endpoint: Option<Url>,
    /// Where the issuer hears how it went.
    pub notification_endpoint: Option<Url>,
    /// How many keys one request may carry; 1 when the issuer says nothing.
    pub batch_size: u32,
    /// How credential requests can be encrypted, or have to be.
    #[serde(rename = "request_encryption_required", with = "stored_encryption")]
    pub credential_request_encryption: Option<CredentialRequestEncryption>,
    /// How credential answers can be encrypted, or have to be.
    #[serde(rename = "response_encryption_required", with = "stored_encryption")]
    pub credential_response_encryption: Option<CredentialResponseEncryption>,
    /// The issuer's names and logos.
    pub display: Vec<Display>,
    /// What can be requested, in the order of the ids.
    pub credential_configurations_supported: BTreeMap<ConfigurationId, CredentialConfiguration>,
    /// Configurations that could not be read, with the reason. They can't be requested; the
    /// others can.
    pub unreadable: BTreeMap<ConfigurationId, String>,
    /// The signing keys that the issuer publishes in its metadata, if any (`jwks`).
    pub jwks: Option<Value>,
}

impl IssuerMetadata {
    /// The server that gives tokens when nothing else was said: the first one listed, or the
    /// issuer itself.
    pub fn default_authorization_server(&self) -> &IssuerId {
        self.authorization_servers.first().unwrap_or(&self.credential_issuer)
    }
}

/// How an issuer takes encrypted credential requests (`credential_request_encryption`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialRequestEncryption {
    /// The keys to encrypt to that this library can use.
    pub jwks: Vec<EncryptionKey>,
    /// Why each of the others can't be used; empty when there are none.
    pub unusable: Vec<String>,
    /// How the content may be encrypted.
    pub enc_values_supported: Vec<String>,
    /// How it may be compressed. Empty: not at all.
    pub zip_values_supported: Vec<String>,
    /// Whether a plain request is refused.
    pub encryption_required: bool,
}

/// A public key that messages are encrypted to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncryptionKey {
    /// Its name, unique among the issuer's keys.
    pub kid: String,
    /// The algorithm that it is for.
    pub alg: String,
    /// The key itself.
    pub jwk: Jwk,
}

/// How an issuer encrypts credential answers (`credential_response_encryption`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialResponseEncryption {
    /// The algorithms that the wallet's key may be for.
    pub alg_values_supported: Vec<String>,
    /// How the content may be encrypted.
    pub enc_values_supported: Vec<String>,
    /// How it may be compressed. Empty: not at all.
    pub zip_values_supported: Vec<String>,
    /// Whether an answer has to be asked for encrypted.
    pub encryption_required: bool,
}

/// Stored sessions had a flag here once, whether encryption is required: `false` is still what none looks
/// like, and of `true` nothing more is known.
mod stored_encryption {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{CredentialRequestEncryption, CredentialResponseEncryption};

    pub(super) trait Required: Sized {
        fn required() -> Self;
    }

    impl Required for CredentialRequestEncryption {
        fn required() -> Self {
            Self { encryption_required: true, ..Self::default() }
        }
    }

    impl Required for CredentialResponseEncryption {
        fn required() -> Self {
            Self { encryption_required: true, ..Self::default() }
        }
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored<T> {
        Flag(bool),
        Whole(T),
    }

    #[expect(clippy::ref_option, reason = "serde asks for it")]
    pub(super) fn serialize<T: Serialize, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            None => false.serialize(serializer),
            Some(whole) => whole.serialize(serializer),
        }
    }

    pub(super) fn deserialize<'de, T: Required + Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        Ok(match Stored::deserialize(deserializer)? {
            Stored::Flag(required) => required.then(T::required),
            Stored::Whole(whole) => Some(whole),
        })
    }
}

/// One entry of `credential_configurations_supported`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CredentialConfiguration {
    /// The format.
    pub format: Format,
    /// What the format adds: the type of the credential.
    pub kind: CredentialKind,
    /// The addresses of the JSON-LD contexts that such credentials are to have (`credential_definition.@context`),
    /// in formats with JSON-LD.
    #[serde(default)]
    pub contexts: Vec<String>,
    /// The OAuth scope that asks for it. Absent: only `authorization_details` can.
    pub scope: Option<String>,
    /// How the credential can be bound to a key; empty means it is not bound.
    pub cryptographic_binding_methods_supported: Vec<String>,
    /// What proves possession of the key, by proof type. Empty: no proof is sent.
    pub proof_types_supported: BTreeMap<String, ProofType>,
    /// Names, colours and pictures.
    pub display: Vec<Display>,
    /// Labels of the claims, in the order in which to show them. None where the issuer's descriptions
    /// repeat or contradict each other (OpenID4VCI appendix B.3).
    pub claims: Vec<ClaimDescription>,
    /// How the issuer signs such credentials, as far as it says so; for information only.
    #[serde(default)]
    pub credential_signing_alg_values_supported: Vec<SigningAlgorithm>,
}

/// The type of a credential, as each format says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CredentialKind {
    /// `vct` of an SD-JWT VC.
    Vct(String),
    /// `credential_definition.type` of a W3C credential.
    Types(Vec<String>),
    /// `doctype` of an ISO mdoc.
    Doctype(String),
    /// A format that this version does not know.
    Unknown,
}

/// An algorithm by which an issuer signs. Each format has names of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SigningAlgorithm {
    /// A COSE algorithm (`mso_mdoc`). Several numbers may mean the same: `-7` and `-9` are both ES256.
    Cose(i64),
    /// A JOSE algorithm, or the name of a Data Integrity suite.
    Name(String),
}

/// One entry of `proof_types_supported`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofType {
    /// Algorithms that the issuer accepts for this proof.
    pub proof_signing_alg_values_supported: Vec<String>,
    /// What a key attestation has to say. None: none is asked for.
    #[serde(with = "key_attestation::stored")]
    pub key_attestations_required: Option<KeyAttestationsRequired>,
}

/// What an authorization server says about itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuthorizationServerMetadata {
    /// The identifier, equal to the one that the document was fetched for.
    pub issuer: IssuerId,
    /// Where the user signs in. Absent on servers that only know the pre-authorized grant.
    pub authorization_endpoint: Option<Url>,
    /// Where tokens come from.
    pub token_endpoint: Url,
    /// Where authorization requests can be pushed (RFC 9126).
    pub pushed_authorization_request_endpoint: Option<Url>,
    /// Whether they have to be.
    pub require_pushed_authorization_requests: bool,
    /// The grants; the default of RFC 8414 when the server lists none.
    pub grant_types_supported: Vec<String>,
    /// The types that `authorization_details` may have here (RFC 9396).
    pub authorization_details_types_supported: Option<Vec<String>>,
    /// Whether a redirect without `iss` has to be refused (RFC 9207).
    pub authorization_response_iss_parameter_supported: bool,
    /// Whether the pre-authorized grant works without a client id.
    pub pre_authorized_grant_anonymous_access_supported: bool,
    /// How clients authenticate at the token endpoint, if the server says so.
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// Algorithms of keys that tokens can be bound to; none if the server does not say that it binds
    /// tokens (RFC 9449).
    #[serde(default)]
    pub dpop_signing_alg_values_supported: Option<Vec<String>>,
    /// Algorithms of keys that client attestations may name, if the server says so.
    #[serde(default)]
    pub client_attestation_pop_signing_alg_values_supported: Option<Vec<String>>,
    /// Where challenges for client attestations come from.
    #[serde(default)]
    pub challenge_endpoint: Option<Url>,
}
