//! What the crate asks its users for: metadata, people and their data, state, keys.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, anyhow};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use chrono::{DateTime, Utc};
use credibil_vc::did;
use credibil_vc::issuer::provider::{
    Algorithm, Client, Dataset, DidResolver, Document, Issuer, Metadata, Result, Server, Signer, StateStore, Status,
    Subject,
};
use ed25519_dalek::{Signer as _, SigningKey};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The reader whose data are there at once, and the one whose data come late.
const READER: &str = "reader";
const LATE_READER: &str = "late-reader";
/// The name of the key in the JWT VC issuer metadata.
const KEY: &str = "signer";

#[derive(Clone)]
pub struct Provider(Arc<Inner>);

struct Inner {
    base: String,
    key: SigningKey,
    issuer: Issuer,
    server: Server,
    client: Client,
    state: Mutex<HashMap<String, Vec<u8>>>,
    /// Whether the late reader's data were asked for before.
    late: Mutex<bool>,
}

impl Provider {
    pub fn new(base: String, redirect_uri: &str) -> anyhow::Result<Self> {
        let mut secret = [0; 32];
        std::fs::File::open("/dev/urandom")?.read_exact(&mut secret)?;
        let proofs = json!({ "jwt": { "proof_signing_alg_values_supported": ["ES256K", "EdDSA"] } });
        let named = |name: &str| json!({ "display": [{ "name": name, "locale": "en-NZ" }] });
        let issuer = json!({
            "credential_issuer": base,
            "credential_endpoint": format!("{base}/credential"),
            "deferred_credential_endpoint": format!("{base}/deferred_credential"),
            "notification_endpoint": format!("{base}/notification"),
            "display": { "name": "Harbour library", "locale": "en-NZ" },
            "credential_configurations_supported": {
                "StaffBadge_JWT": {
                    "format": "jwt_vc_json",
                    "scope": "StaffBadge",
                    "cryptographic_binding_methods_supported": ["did:key"],
                    "credential_signing_alg_values_supported": ["EdDSA"],
                    "proof_types_supported": proofs,
                    "display": [{ "name": "Staff badge", "locale": "en-NZ" }],
                    "credential_definition": {
                        "type": ["VerifiableCredential", "StaffBadge"],
                        "credentialSubject": {
                            "given_name": named("Given name"),
                            "family_name": named("Family name"),
                            "address": { "street_address": named("Street"), "locality": named("Place") },
                        },
                    },
                },
            },
        });
        // Relative, as in the crate's own sample data.
        let server = json!({
            "issuer": base,
            "authorization_endpoint": "/auth",
            "token_endpoint": "/token",
            "scopes_supported": ["openid", "credential"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "urn:ietf:params:oauth:grant-type:pre-authorized_code"],
            "code_challenge_methods_supported": ["S256"],
            "pre-authorized_grant_anonymous_access_supported": true,
        });
        let client = json!({
            "client_id": "billfold",
            "redirect_uris": [redirect_uri],
            "grant_types": ["authorization_code", "urn:ietf:params:oauth:grant-type:pre-authorized_code"],
            "response_types": ["code"],
            "scope": "openid credential",
        });
        Ok(Self(Arc::new(Inner {
            key: SigningKey::from_bytes(&secret),
            issuer: serde_json::from_value(issuer).context("issuer")?,
            server: serde_json::from_value(server).context("server")?,
            client: serde_json::from_value(client).context("client")?,
            state: Mutex::default(),
            late: Mutex::default(),
            base,
        })))
    }

    pub fn base(&self) -> &str {
        &self.0.base
    }

    pub fn jwks(&self) -> Value {
        let x = Base64UrlUnpadded::encode_string(self.0.key.verifying_key().as_bytes());
        json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": KEY, "alg": "EdDSA", "use": "sig" }] })
    }
}

impl credibil_vc::issuer::provider::Provider for Provider {}

impl Metadata for Provider {
    async fn client(&self, client_id: &str) -> Result<Client> {
        let client = &self.0.client;
        (client.oauth.client_id == client_id).then(|| client.clone()).ok_or_else(|| anyhow!("no such client"))
    }

    async fn issuer(&self, issuer_id: &str) -> Result<Issuer> {
        (self.0.base == issuer_id).then(|| self.0.issuer.clone()).ok_or_else(|| anyhow!("no such issuer"))
    }

    async fn server(&self, server_id: &str, _: Option<&str>) -> Result<Server> {
        (self.0.base == server_id).then(|| self.0.server.clone()).ok_or_else(|| anyhow!("no such server"))
    }

    async fn register(&self, _: &Client) -> Result<Client> {
        Err(anyhow!("clients are registered by hand"))
    }
}

impl Subject for Provider {
    async fn authorize(&self, subject: &str, configuration: &str) -> Result<Vec<String>> {
        if ![READER, LATE_READER].contains(&subject) || configuration != "StaffBadge_JWT" {
            return Err(anyhow!("nobody knows {subject} or {configuration}"));
        }
        Ok(vec![format!("BadgeOf-{subject}")])
    }

    async fn dataset(&self, subject: &str, _: &str) -> Result<Dataset> {
        let claims = json!({
            "given_name": "Test",
            "family_name": "Reader",
            "address": { "street_address": "1 Harbour Street", "locality": "Harbour" },
        });
        let mut late = self.0.late.lock().map_err(|_| anyhow!("poisoned"))?;
        let pending = subject == LATE_READER && !std::mem::replace(&mut *late, true);
        let claims = claims.as_object().cloned().unwrap_or_default();
        Ok(Dataset { claims, pending })
    }
}

impl StateStore for Provider {
    async fn put(&self, key: &str, state: impl Serialize + Send, _: DateTime<Utc>) -> Result<()> {
        let state = serde_json::to_vec(&state)?;
        self.0.state.lock().map_err(|_| anyhow!("poisoned"))?.insert(key.to_owned(), state);
        Ok(())
    }

    async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<T> {
        let state = self.0.state.lock().map_err(|_| anyhow!("poisoned"))?;
        Ok(serde_json::from_slice(state.get(key).ok_or_else(|| anyhow!("no state"))?)?)
    }

    async fn purge(&self, key: &str) -> Result<()> {
        self.0.state.lock().map_err(|_| anyhow!("poisoned"))?.remove(key);
        Ok(())
    }
}

impl DidResolver for Provider {
    // The crate resolves did:key itself and asks for the rest, of which there is none here.
    async fn resolve(&self, url: &str) -> anyhow::Result<Document> {
        let resolved = did::DidKey::resolve(url.split('#').next().unwrap_or_default())?;
        resolved.document.ok_or_else(|| anyhow!("no document"))
    }
}

impl Signer for Provider {
    async fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        Ok(self.0.key.sign(message).to_bytes().to_vec())
    }

    async fn verifying_key(&self) -> Result<Vec<u8>> {
        Ok(self.0.key.verifying_key().as_bytes().to_vec())
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }

    async fn verification_method(&self) -> Result<String> {
        Ok(KEY.to_owned())
    }
}

impl Status for Provider {}
