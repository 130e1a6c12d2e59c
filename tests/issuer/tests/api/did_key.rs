//! A holder with an Ed25519 `did:key`, as vercre and credibil know it.

use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};

use crate::client::*;

/// A holder with a did:key.
pub(crate) struct Holder {
    key: SigningKey,
    pub(crate) did: String,
}

impl Holder {
    pub(crate) fn new(seed: u8) -> Self {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let bytes = [&[0xed, 0x01], key.verifying_key().as_bytes().as_slice()].concat();
        Self { key, did: format!("did:key:z{}", bs58::encode(bytes).into_string()) }
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let input = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        format!("{input}.{}", b64(self.key.sign(input.as_bytes()).to_bytes()))
    }

    pub(crate) fn header(&self) -> Value {
        let kid = format!("{}#{}", self.did, self.did.trim_start_matches("did:key:"));
        json!({"alg": "EdDSA", "typ": "openid4vci-proof+jwt", "kid": kid})
    }

    /// A proof for an issuer that compares `aud`, or for one that does not.
    pub(crate) fn proof_for(&self, aud: &str, nonce: &str) -> Value {
        let claims = json!({"aud": aud, "iat": now(), "nonce": nonce});
        json!({"proof_type": "jwt", "jwt": self.sign(&self.header(), &claims)})
    }

    pub(crate) fn proof(&self, nonce: &str) -> Value {
        self.proof_for("x", nonce)
    }
}
