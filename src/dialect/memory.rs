//! What is remembered of an issuer, so that the second issuance needs no detour.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use serde::{Deserialize, Serialize};

use super::form::RequestForm;
use super::{Push, WellKnown};
use crate::model::ids::IssuerId;

/// What worked with an issuer the last time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Remembered {
    /// Where its metadata was.
    pub(crate) well_known: WellKnown,
    /// Which server gave the token, if it was not the issuer itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<IssuerId>,
    /// At which of the places that server's metadata was.
    pub(crate) server_place: u8,
    /// Which form of a credential request it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<RequestForm>,
    /// Whether it wants proofs that its metadata does not speak of.
    pub(crate) assume_proof: bool,
    /// Whether its server takes pushed requests.
    pub(crate) push: Push,
}

impl Remembered {
    /// For the store.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("it has only text keys")
    }

    /// From the store; what can't be read is forgotten.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }
}

/// The name in the store's drawer for what can be found out again. It does not tell which issuer.
pub(crate) fn name(issuer: &IssuerId) -> String {
    let hash = digest::digest(&digest::SHA256, issuer.as_str().as_bytes());
    format!("dialect-{}", URL_SAFE_NO_PAD.encode(hash))
}
