//! What is remembered of an issuer, so that the second issuance needs no detour.

use serde::{Deserialize, Serialize};

use super::form::RequestForm;
use super::{Push, WellKnown};

/// What worked with an issuer the last time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Remembered {
    /// Where its metadata was.
    pub(crate) well_known: WellKnown,
    /// Which form of a credential request it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<RequestForm>,
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
