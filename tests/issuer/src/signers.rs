//! The keys that sign credentials, one for each way of finding a key.

use serde_json::{Value, json};

use crate::catalogue::{Configuration, Flavor, Format, curve_of};
use crate::certs::{Authority, Chain, Flaw, Iaca, self_signed};
use crate::formats::ldp::Suite;
use crate::keys::{Curve, PrivateKey};
use crate::options::IssuerKey;

/// Every signing key of one issuer.
pub(crate) struct Signers {
    origin: String,
    id: String,
    signer: Option<Curve>,
    authority: Authority,
    iaca: Iaca,
    chain: Chain,
    mdoc_chain: Chain,
    metadata_key: PrivateKey,
    did_key: PrivateKey,
    did_jwk: PrivateKey,
    did_web: PrivateKey,
    did_web_id: String,
    /// A `did:key` for each cryptosuite.
    suites: Vec<(Suite, PrivateKey)>,
    /// What signs the metadata.
    pub(crate) metadata: MetadataSigners,
    /// The trusted roots, in PEM: of `x5c` first, then of mdocs.
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

/// What is wrong about how a credential leads to its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The chain leads to a root that nobody knows.
    Untrusted,
    /// There is no chain.
    Missing,
    Flawed(Flaw),
}

/// How one credential is to be signed.
pub(crate) struct Signer {
    pub(crate) key: PrivateKey,
    pub(crate) iss: String,
    /// `kid`, if the key is found by name.
    pub(crate) kid: Option<String>,
    /// Certificates, if it is found by them.
    pub(crate) certificates: Option<Vec<Vec<u8>>>,
}

impl Signers {
    pub(crate) fn new(origin: &str, path: &str, signer: Option<Curve>) -> Self {
        let id = format!("{origin}{path}");
        let curve = |way| curve_of(way, signer);
        let authority = Authority::on(curve(IssuerKey::X5c), "Test Issuer");
        // Metadata is signed with ES256 whatever signs credentials.
        let p256 = (curve(IssuerKey::X5c) != Curve::P256).then(|| Authority::new("Test Issuer Metadata"));
        let of_metadata = p256.as_ref().unwrap_or(&authority);
        let iaca = Iaca::on(curve(IssuerKey::X5c), "Test", &id);
        let did_web_id =
            format!("did:web:{}{}", origin.trim_start_matches("http://").replace(':', "%3A"), path.replace('/', ":"));
        let mut trust_pem = format!("{}{}", authority.root_pem, iaca.root_pem);
        trust_pem.push_str(p256.as_ref().map_or("", |p256| &p256.root_pem));
        Self {
            chain: authority.signer(&id),
            mdoc_chain: iaca.signer(&id, None),
            metadata_key: PrivateKey::on(curve(IssuerKey::JwtVcIssuerMetadata)),
            did_key: PrivateKey::on(curve(IssuerKey::DidKey)),
            did_jwk: PrivateKey::on(curve(IssuerKey::DidJwk)),
            did_web: PrivateKey::on(curve(IssuerKey::DidWeb)),
            did_web_id,
            suites: Suite::ALL.map(|suite| (suite, PrivateKey::on(suite.curve()))).to_vec(),
            metadata: MetadataSigners {
                right: of_metadata.signer(&id),
                untrusted: Authority::new("Unknown").signer(&id),
                self_signed: self_signed(&id),
                root: of_metadata.root_entry(),
            },
            trust_pem,
            authority,
            iaca,
            origin: origin.to_owned(),
            id,
            signer,
        }
    }

    /// The signer of a configuration's credentials; with `other` it claims to be another issuer.
    pub(crate) fn pick(&self, configuration: &Configuration, other: bool, trouble: Option<Trouble>) -> Signer {
        let other_id = other.then(|| self.other_id());
        if let Flavor::Suite(suite) = configuration.flavor {
            return self.of_suite(suite, other);
        }
        let named = |key: &PrivateKey, iss: &str, kid: String| Signer {
            key: key.clone(),
            iss: other_id.clone().unwrap_or_else(|| iss.to_owned()),
            kid: Some(kid),
            certificates: None,
        };
        match configuration.issuer_key {
            IssuerKey::X5c => {
                let iss = other_id.unwrap_or_else(|| self.id.clone());
                let chain = if configuration.format == Format::Mdoc {
                    self.mdoc_chain(&iss, other, trouble)
                } else {
                    self.chain(&iss, other, trouble)
                };
                let certificates = (trouble != Some(Trouble::Missing)).then_some(chain.certificates);
                Signer { key: chain.key, iss, kid: None, certificates }
            }
            IssuerKey::JwtVcIssuerMetadata => {
                named(&self.metadata_key, &self.id, self.metadata_key.public().thumbprint())
            }
            IssuerKey::DidKey => {
                let (did, kid) = did_key(&self.did_key);
                named(&self.did_key, &did, kid)
            }
            IssuerKey::DidJwk => {
                let did = self.did_jwk.public().did_jwk();
                named(&self.did_jwk, &did, format!("{did}#0"))
            }
            IssuerKey::DidWeb => named(&self.did_web, &self.did_web_id, format!("{}#key-1", self.did_web_id)),
        }
    }

    /// The issuer identifier that `wrong-credential-issuer` puts into credentials.
    pub(crate) fn other_id(&self) -> String {
        format!("{}/other-issuer", self.origin)
    }

    fn chain(&self, iss: &str, other: bool, trouble: Option<Trouble>) -> Chain {
        match trouble {
            Some(Trouble::Untrusted) => Authority::on(curve_of(IssuerKey::X5c, self.signer), "Unknown").signer(iss),
            Some(Trouble::Flawed(flaw)) => self.authority.flawed_signer(iss, Some(flaw)),
            _ if other => self.authority.signer(iss),
            _ => self.chain.clone(),
        }
    }

    fn mdoc_chain(&self, iss: &str, other: bool, trouble: Option<Trouble>) -> Chain {
        match trouble {
            Some(Trouble::Untrusted) => {
                Iaca::on(curve_of(IssuerKey::X5c, self.signer), "Unknown", &self.id).signer(iss, None)
            }
            Some(Trouble::Flawed(flaw)) => self.iaca.signer(iss, Some(flaw)),
            _ if other => self.iaca.signer(iss, None),
            _ => self.mdoc_chain.clone(),
        }
    }

    fn of_suite(&self, suite: Suite, other: bool) -> Signer {
        if suite.issuer_key() == IssuerKey::DidWeb {
            let iss = if other { format!("{}:other-issuer", self.did_web_id) } else { self.did_web_id.clone() };
            let kid = format!("{}#key-1", self.did_web_id);
            return Signer { key: self.did_web.clone(), iss, kid: Some(kid), certificates: None };
        }
        let key = self.suites.iter().find(|(known, _)| *known == suite).map(|(_, key)| key).expect("one for each");
        let (did, kid) = did_key(key);
        let iss = if other { self.other_id() } else { did };
        Signer { key: key.clone(), iss, kid: Some(kid), certificates: None }
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

fn did_key(key: &PrivateKey) -> (String, String) {
    let did = key.public().did_key();
    let kid = format!("{did}#{}", did.trim_start_matches("did:key:"));
    (did, kid)
}
