//! A wallet provider for tests: it vouches for whatever it is asked to.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::certs::{Authority, Chain};
use crate::clock::Clock;
use crate::jwt;

/// Seconds that an attestation is valid.
const LIFETIME: i64 = 3600;
/// Who the attester says it is.
const NAME: &str = "https://attester.example";
/// The `typ` of a client attestation.
pub(crate) const CLIENT_ATTESTATION: &str = "oauth-client-attestation+jwt";

/// A wallet provider with a certificate chain of its own. Signer and intermediate travel in
/// `x5c`, the root does not. It goes by the clock of its issuer.
#[derive(Clone)]
pub struct Attester {
    chain: Chain,
    trust_pem: String,
    clock: Arc<Clock>,
    /// Version of the draft for client attestations.
    version: u8,
    /// `typ` of key attestations.
    key_attestation_typ: &'static str,
}

/// What a key attestation (`OpenID4VCI` appendix D) shall say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeyAttestationSpec {
    /// Public JWKs for `attested_keys`, in order.
    pub keys: Vec<Value>,
    /// `nonce`, if there is one.
    pub nonce: Option<String>,
    /// `key_storage`; left out when empty.
    pub key_storage: Vec<String>,
    /// `user_authentication`; left out when empty.
    pub user_authentication: Vec<String>,
}

impl Attester {
    /// An attester; where there is no name for key attestations, it makes those of 1.0.
    pub(crate) fn new(clock: Arc<Clock>, version: u8, key_attestation_typ: Option<&'static str>) -> Self {
        let authority = Authority::new("Test Attester");
        let key_attestation_typ = key_attestation_typ.unwrap_or("key-attestation+jwt");
        Self { chain: authority.signer(NAME), trust_pem: authority.root_pem, clock, version, key_attestation_typ }
    }

    /// The root behind `x5c`, in PEM.
    pub fn trust_pem(&self) -> &str {
        &self.trust_pem
    }

    /// A client attestation (`OpenID4VCI` appendix E) that is good for an hour: it says that the
    /// public `key` (a JWK) is held by a genuine wallet that goes by `client_id`.
    pub fn client_attestation(&self, client_id: &str, key: &Value) -> String {
        self.client_attestation_for(client_id, key, LIFETIME)
    }

    /// The same, good for some seconds; with none or less it has expired.
    pub fn client_attestation_for(&self, client_id: &str, key: &Value, seconds: i64) -> String {
        let now = self.clock.now();
        let mut claims = json!({"sub": client_id, "iat": now, "exp": now + seconds, "cnf": {"jwk": key}});
        if self.version < 8 {
            claims["iss"] = json!(NAME);
        }
        self.sign(&json!({"typ": CLIENT_ATTESTATION}), &claims)
    }

    /// A key attestation that is good for an hour.
    pub fn key_attestation(&self, spec: &KeyAttestationSpec) -> String {
        let now = self.clock.now();
        let mut claims = json!({
            "iss": NAME,
            "iat": now,
            "exp": now + LIFETIME,
            "attested_keys": spec.keys,
        });
        if let Some(nonce) = &spec.nonce {
            claims["nonce"] = json!(nonce);
        }
        for (name, levels) in [("key_storage", &spec.key_storage), ("user_authentication", &spec.user_authentication)] {
            if !levels.is_empty() {
                claims[name] = json!(levels);
            }
        }
        self.sign(&json!({"typ": self.key_attestation_typ}), &claims)
    }

    /// A JWT that says just this. The header gets `alg` and `x5c` unless it has them; a member
    /// that is null is left out.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let mut whole = Map::new();
        whole.insert("alg".into(), json!(self.chain.key.public().alg()));
        whole.insert("x5c".into(), json!(self.chain.x5c()));
        for (name, value) in header.as_object().into_iter().flatten() {
            whole.insert(name.clone(), value.clone());
        }
        whole.retain(|_, value| !value.is_null());
        jwt::sign(&self.chain.key, &Value::Object(whole), claims)
    }
}

impl fmt::Debug for Attester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attester").finish_non_exhaustive()
    }
}
