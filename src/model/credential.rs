//! Credentials as the wallet keeps them.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::claim_path::{self, ClaimModel};
use super::display::{ClaimDescription, Display, PathStep};
use super::format::Format;
use super::ids::{
    AuthorizationId, ConfigurationId, CredentialId, CredentialIdentifier, IssuerId, KeyHandle, NotificationId,
    TransactionId,
};
use super::jwk::Jwk;
use super::metadata::CredentialKind;
use super::profile::Profile;
use super::report::Report;
use super::status::{StatusFound, StatusReference};
use super::time::Timestamp;
use super::type_metadata::{CredentialMetadata, TypeMetadata};
use crate::outbox::Contact;

/// What a credential endpoint answers (OpenID4VCI section 8.3).
#[derive(Clone, Serialize, Deserialize)]
pub enum CredentialResponse {
    /// The credentials, raw as received: text or an object, by format.
    Issued {
        /// One value a credential.
        credentials: Vec<Value>,
        /// For telling the issuer how it went.
        notification_id: Option<NotificationId>,
        /// How to show them, in the place of what the issuer's metadata says; of OpenID4VCI 1.1.
        credential_metadata: Option<CredentialMetadata>,
    },
    /// Not ready yet.
    Deferred {
        /// What to quote when asking again.
        transaction_id: TransactionId,
        /// Seconds to wait before asking again.
        interval: u64,
    },
}

/// A stored credential: one dataset, in one or more copies.
///
/// `Debug` shows neither claims nor the raw credential.
#[derive(Clone, Serialize, Deserialize)]
pub struct Credential {
    /// Its name in the wallet.
    pub id: CredentialId,
    /// Who issued it.
    pub credential_issuer: IssuerId,
    /// As what it was asked for.
    pub credential_configuration_id: ConfigurationId,
    /// Its format.
    pub format: Format,
    /// Its type, as it was asked for.
    pub kind: CredentialKind,
    /// The addresses of the JSON-LD contexts that it was to have, in formats with JSON-LD.
    #[serde(default)]
    pub contexts: Vec<String>,
    /// When it was received.
    pub issued_at: Timestamp,
    /// When it begins to be valid, if it says so.
    #[serde(default)]
    pub valid_from: Option<Timestamp>,
    /// When it stops being valid, if it says so.
    pub expires_at: Option<Timestamp>,
    /// Where its status is kept, if it says so; with several copies, that of the first.
    #[serde(default)]
    pub status: Option<StatusReference>,
    /// What was found there last.
    #[serde(default)]
    pub status_found: Option<StatusFound>,
    /// The copies, each bound to a key of its own. Never empty.
    pub instances: Vec<Instance>,
    /// What was checked before it was stored. With several copies, the worst one's report.
    pub report: Report,
    /// The claims with disclosures put in place, for showing; `null` if they could not be read.
    pub claims: Value,
    /// Where the claims are that its holder can withhold when showing it.
    #[serde(default)]
    pub disclosable: Vec<Vec<PathStep>>,
    /// Whether it is kept aside: received, but not to be used (see [`Report`]).
    pub quarantined: bool,
    /// The issuer's names and logos, as they were at issuance.
    pub issuer_display: Vec<Display>,
    /// The credential's names and colours, as they were at issuance.
    pub display: Vec<Display>,
    /// Labels of its claims, in the order in which to show them.
    pub claim_descriptions: Vec<ClaimDescription>,
    /// What the publisher of its type says about it.
    #[serde(default)]
    pub type_metadata: Option<TypeMetadata>,
    /// What came along with it, in the place of the issuer's names, colours and labels.
    #[serde(default)]
    pub response_metadata: Option<CredentialMetadata>,
    /// The signing keys in the issuer's metadata, as they were at issuance.
    pub issuer_jwks: Option<Value>,
    /// The dataset it is, where the token response named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) identifier: Option<CredentialIdentifier>,
    /// The rules that it was asked for by.
    #[serde(default)]
    pub(crate) profile: Profile,
    /// What it can be renewed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) authorization: Option<AuthorizationId>,
    /// How the issuer can be told what became of it; none if it does not want to hear.
    pub(crate) contact: Option<Contact>,
}

impl Credential {
    /// Whether none of its copies can be shown, because their keys are not on this device
    /// (see [`Instance::missing_key`]).
    pub fn is_without_key(&self) -> bool {
        !self.instances.is_empty() && self.instances.iter().all(|copy| copy.missing_key.is_some())
    }
}

/// One copy of a credential. `Debug` does not show it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Instance {
    /// The credential exactly as received.
    pub raw: Value,
    /// The key it is bound to, if it is bound and the key is on this device.
    pub key: Option<HolderKey>,
    /// The public half of the key that it is bound to, if the key is not on this device: the credential came out of
    /// a backup. It can be looked at, and [renewed](crate::Wallet::refresh), and not be shown to anybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_key: Option<Jwk>,
    /// How often it was handed out for use.
    #[serde(default)]
    pub uses: u32,
    /// When it was handed out last.
    #[serde(default)]
    pub last_used_at: Option<Timestamp>,
}

impl fmt::Debug for CredentialResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issued { credentials, .. } => write!(f, "Issued({})", credentials.len()),
            Self::Deferred { interval, .. } => write!(f, "Deferred({interval} s)"),
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("id", &self.id)
            .field("credential_issuer", &self.credential_issuer)
            .field("credential_configuration_id", &self.credential_configuration_id)
            .field("format", &self.format)
            .field("instances", &self.instances.len())
            .field("report", &self.report)
            .field("quarantined", &self.quarantined)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Credential {
    /// What a claims path leads to (OpenID4VCI appendix C): nothing, one claim, or several if it goes through
    /// all elements of a list. In an mdoc it begins with a namespace and an element.
    pub fn claims_at(&self, path: &[PathStep]) -> Vec<&Value> {
        let model = match self.kind {
            CredentialKind::Doctype(_) => ClaimModel::Mdoc,
            _ => ClaimModel::Json,
        };
        let selected = claim_path::select(&self.claims, path, model).unwrap_or_default();
        selected.into_iter().map(|(_, value)| value).collect()
    }
}

impl Instance {
    /// A copy that was not used yet.
    pub(crate) fn new(raw: Value, key: Option<HolderKey>) -> Self {
        Self { raw, key, missing_key: None, uses: 0, last_used_at: None }
    }

    /// The credential as text: what was received when that was text, else its JSON.
    pub fn to_text(&self) -> String {
        match &self.raw {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

/// A holder key: its name in the key store and its public half.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolderKey {
    /// Its name in the key store.
    pub handle: KeyHandle,
    /// The public key.
    pub public_jwk: Jwk,
    /// Certificates for it, if the platform has some: DER, the key's own first. Needed only where
    /// proofs name their key by certificate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<Vec<u8>>,
}

impl HolderKey {
    /// A key without certificates.
    pub fn new(handle: impl Into<KeyHandle>, public_jwk: Jwk) -> Self {
        Self { handle: handle.into(), public_jwk, certificates: Vec::new() }
    }
}
