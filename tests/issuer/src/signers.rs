//! The keys that sign credentials, one for each way of finding a key.

use serde_json::{Value, json};

use crate::certs::{Authority, Chain, self_signed};
use crate::keys::PrivateKey;
use crate::options::IssuerKey;

/// Every signing key of one issuer.
pub(crate) struct Signers {
    chain: Chain,
    /// Trusted chain whose certificate names the other issuer.
    other_chain: Chain,
    /// The right name under a root that nobody knows.
    untrusted_chain: Chain,
    metadata_key: PrivateKey,
    did_key: PrivateKey,
    did_jwk: PrivateKey,
    did_web: PrivateKey,
    did_web_id: String,
    /// What signs the metadata.
    pub(crate) metadata: MetadataSigners,
    /// The trusted root, in PEM.
    pub(crate) trust_pem: String,
}

/// The right signer of issuer metadata, and wrong ones.
pub(crate) struct MetadataSigners {
    pub(crate) right: Chain,
    pub(crate) untrusted: Chain,
    pub(crate) self_signed: Chain,
    /// The trusted root as an entry of `x5c`, where it has no place.
    pub(crate) root: String,
}

/// How one credential is to be signed.
pub(crate) struct Signer<'a> {
    pub(crate) key: &'a PrivateKey,
    pub(crate) iss: String,
    /// `kid`, if the key is found by name.
    pub(crate) kid: Option<String>,
    /// `x5c`, if it is found by certificate.
    pub(crate) x5c: Option<&'a [String]>,
}

impl Signers {
    pub(crate) fn new(origin: &str, path: &str) -> Self {
        let id = format!("{origin}{path}");
        let authority = Authority::new("Test Issuer");
        let did_web_id =
            format!("did:web:{}{}", origin.trim_start_matches("http://").replace(':', "%3A"), path.replace('/', ":"));
        Self {
            chain: authority.signer(&id),
            other_chain: authority.signer(&format!("{origin}/other-issuer")),
            untrusted_chain: Authority::new("Unknown").signer(&id),
            metadata_key: PrivateKey::p256(),
            did_key: PrivateKey::ed25519(),
            did_jwk: PrivateKey::p256(),
            did_web: PrivateKey::p384(),
            did_web_id,
            metadata: MetadataSigners {
                right: authority.signer(&id),
                untrusted: Authority::new("Unknown").signer(&id),
                self_signed: self_signed(&id),
                root: authority.root_entry,
            },
            trust_pem: authority.root_pem,
        }
    }

    /// The signer for a way of finding the key; `other` is the name of another issuer to claim.
    pub(crate) fn pick(&self, way: IssuerKey, issuer: &str, other: Option<&str>, untrusted: bool) -> Signer<'_> {
        let named = |key, iss: &str, kid: String| Signer {
            key,
            iss: other.unwrap_or(iss).to_owned(),
            kid: Some(kid),
            x5c: None,
        };
        match way {
            IssuerKey::X5c => {
                let chain = match (untrusted, other) {
                    (true, _) => &self.untrusted_chain,
                    (false, Some(_)) => &self.other_chain,
                    (false, None) => &self.chain,
                };
                Signer { key: &chain.key, iss: other.unwrap_or(issuer).to_owned(), kid: None, x5c: Some(&chain.x5c) }
            }
            IssuerKey::JwtVcIssuerMetadata => {
                named(&self.metadata_key, issuer, self.metadata_key.public().thumbprint())
            }
            IssuerKey::DidKey => {
                let did = self.did_key.public().did_key();
                let kid = format!("{did}#{}", did.trim_start_matches("did:key:"));
                named(&self.did_key, &did, kid)
            }
            IssuerKey::DidJwk => {
                let did = self.did_jwk.public().did_jwk();
                named(&self.did_jwk, &did, format!("{did}#0"))
            }
            IssuerKey::DidWeb => named(&self.did_web, &self.did_web_id, format!("{}#key-1", self.did_web_id)),
        }
    }

    /// The key set behind JWT VC issuer metadata. The right key comes last, so that a wallet
    /// that takes the first one is found out.
    pub(crate) fn jwks(&self) -> Value {
        let keys: Vec<Value> = [&self.did_jwk, &self.metadata_key]
            .map(|key| {
                let public = key.public();
                let mut jwk = public.to_jwk();
                jwk["kid"] = json!(public.thumbprint());
                jwk["use"] = json!("sig");
                jwk["alg"] = json!(public.alg());
                jwk
            })
            .to_vec();
        json!({"keys": keys})
    }

    /// The document of the issuer's `did:web`.
    pub(crate) fn did_document(&self) -> Value {
        let id = &self.did_web_id;
        let method = format!("{id}#key-1");
        json!({
            "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1"],
            "id": id,
            "verificationMethod": [{
                "id": method,
                "type": "JsonWebKey2020",
                "controller": id,
                "publicKeyJwk": self.did_web.public().to_jwk(),
            }],
            "assertionMethod": [method],
        })
    }
}
