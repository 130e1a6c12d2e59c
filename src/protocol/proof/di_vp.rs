//! Proofs of the type `di_vp` (OpenID4VCI appendix F.2): presentations that show nothing but their holder, with
//! a Data Integrity proof (W3C `vc-data-integrity`, `vc-di-ecdsa`, `vc-di-eddsa`).
//!
//! The presentation has one shape, written here: one node in RDF, and so is its proof. For that shape the
//! canonical form (RDFC-1.0) is its statements in order, so that they are written down at once, without JSON-LD
//! (`docs/adr/0008-presentations-without-json-ld.md`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha384};

use super::Binding;
use crate::error::{Error, ErrorCode, Operation};
use crate::model::ids::IssuerId;
use crate::model::jwk::{Algorithm, Jwk};
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use crate::verify::data_integrity::quoted;
use crate::verify::{did, jose};

/// Says what a presentation and its proof are.
const CONTEXT: &str = "https://www.w3.org/ns/credentials/v2";

/// How a presentation is brought into the form that is signed, and by what kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Cryptosuite {
    #[serde(rename = "ecdsa-rdfc-2019")]
    EcdsaRdfc2019,
    #[serde(rename = "eddsa-rdfc-2022")]
    EddsaRdfc2022,
    #[serde(rename = "ecdsa-jcs-2019")]
    EcdsaJcs2019,
    #[serde(rename = "eddsa-jcs-2022")]
    EddsaJcs2022,
}

impl Cryptosuite {
    /// The one that an issuer lists and keys of the algorithm sign for.
    pub(crate) fn listed(algorithm: Algorithm, listed: &[String]) -> Option<Self> {
        let suites: &[Self] = match algorithm {
            Algorithm::Es256 | Algorithm::Es384 => &[Self::EcdsaRdfc2019, Self::EcdsaJcs2019],
            Algorithm::EdDsa => &[Self::EddsaRdfc2022, Self::EddsaJcs2022],
            Algorithm::Es256k => &[],
        };
        suites.iter().copied().find(|suite| listed.iter().any(|name| name == suite.as_str()))
    }

    /// The name in `cryptosuite` and in metadata.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::EcdsaRdfc2019 => "ecdsa-rdfc-2019",
            Self::EddsaRdfc2022 => "eddsa-rdfc-2022",
            Self::EcdsaJcs2019 => "ecdsa-jcs-2019",
            Self::EddsaJcs2022 => "eddsa-jcs-2022",
        }
    }

    /// Whether what is signed are the octets of sorted JSON (RFC 8785), not those of RDF.
    fn is_jcs(self) -> bool {
        matches!(self, Self::EcdsaJcs2019 | Self::EddsaJcs2022)
    }
}

/// What a presentation says beside its holder.
pub(crate) struct PresentationClaims<'a> {
    /// The credential issuer, exactly as it names itself.
    pub(crate) domain: &'a IssuerId,
    /// The issuer's nonce, if it has a nonce endpoint.
    pub(crate) challenge: Option<&'a Secret>,
    /// Now.
    pub(crate) created: Timestamp,
}

/// A presentation whose proof has no value yet.
pub(crate) struct Unsigned {
    algorithm: Algorithm,
    document: BTreeMap<&'static str, Value>,
    proof: BTreeMap<&'static str, Value>,
    payload: Vec<u8>,
}

impl Unsigned {
    /// The presentation of a key that is bound by a DID.
    pub(crate) fn new(suite: Cryptosuite, binding: Binding, key: &Jwk, claims: &PresentationClaims<'_>) -> Self {
        let (holder, method) = match binding {
            Binding::DidJwk => (did::did_jwk(key), did::did_jwk_url(key)),
            _ => (did::did_key(key), did::did_key_url(key)),
        };
        let created = claims.created.to_string();
        let challenge = claims.challenge.map(Secret::expose);
        let domain = claims.domain.as_str();
        let mut proof = BTreeMap::from([
            ("type", json!("DataIntegrityProof")),
            ("cryptosuite", json!(suite.as_str())),
            ("created", json!(created)),
            ("verificationMethod", json!(method)),
            ("proofPurpose", json!("authentication")),
            ("domain", json!(domain)),
        ]);
        if let Some(challenge) = challenge {
            proof.insert("challenge", json!(challenge));
        }
        let document = BTreeMap::from([
            ("@context", json!([CONTEXT])),
            ("type", json!(["VerifiablePresentation"])),
            ("holder", json!(holder)),
        ]);
        let (proof_form, document_form) = if suite.is_jcs() {
            proof.insert("@context", json!([CONTEXT]));
            (jcs(&proof), jcs(&document))
        } else {
            (proof_statements(suite, &created, challenge, domain, &method), document_statements(&holder))
        };
        let payload = if key.algorithm() == Algorithm::Es384 {
            [Sha384::digest(proof_form).to_vec(), Sha384::digest(document_form).to_vec()].concat()
        } else {
            [Sha256::digest(proof_form).to_vec(), Sha256::digest(document_form).to_vec()].concat()
        };
        Self { algorithm: key.algorithm(), document, proof, payload }
    }

    /// What the key has to sign.
    pub(crate) fn payload(&self) -> Vec<u8> {
        self.payload.clone()
    }

    /// The presentation with its proof; what a platform gives as DER becomes raw here.
    pub(crate) fn signed(mut self, signature: &[u8]) -> Result<Value, Error> {
        let raw = jose::raw_signature(self.algorithm, signature).map_err(|error| {
            Error::new(ErrorCode::SigningFailed, "the key store gave something that is no signature")
                .at(Operation::Proof)
                .caused_by(error)
        })?;
        self.proof.insert("proofValue", json!(format!("z{}", bs58::encode(raw).into_string())));
        self.document.insert("proof", json!([self.proof]));
        Ok(json!(self.document))
    }
}

/// The canonical form of RFC 8785. There are no numbers in it, and names are ASCII.
fn jcs(object: &BTreeMap<&'static str, Value>) -> String {
    serde_json::to_string(object).expect("texts and lists of texts are JSON")
}

/// The canonical N-Quads of the presentation without its proof.
fn document_statements(holder: &str) -> String {
    statements(vec![
        (RDF_TYPE, iri("https://www.w3.org/2018/credentials#VerifiablePresentation")),
        ("https://www.w3.org/2018/credentials#holder", iri(holder)),
    ])
}

/// The canonical N-Quads of the proof without its value.
fn proof_statements(
    suite: Cryptosuite,
    created: &str,
    challenge: Option<&str>,
    domain: &str,
    verification_method: &str,
) -> String {
    let typed = |text: &str, kind: &str| format!("{}^^<{kind}>", quoted(text));
    let mut about = vec![
        ("http://purl.org/dc/terms/created", typed(created, "http://www.w3.org/2001/XMLSchema#dateTime")),
        (RDF_TYPE, iri("https://w3id.org/security#DataIntegrityProof")),
        ("https://w3id.org/security#cryptosuite", typed(suite.as_str(), "https://w3id.org/security#cryptosuiteString")),
        ("https://w3id.org/security#domain", quoted(domain)),
        ("https://w3id.org/security#proofPurpose", iri("https://w3id.org/security#authenticationMethod")),
        ("https://w3id.org/security#verificationMethod", iri(verification_method)),
    ];
    if let Some(challenge) = challenge {
        about.push(("https://w3id.org/security#challenge", quoted(challenge)));
    }
    statements(about)
}

const RDF_TYPE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";

/// What is said about the only node. No node has a name of its own here, so that it gets the first name that
/// RDFC-1.0 gives.
fn statements(about: Vec<(&str, String)>) -> String {
    let mut lines: Vec<_> =
        about.into_iter().map(|(predicate, object)| format!("_:c14n0 <{predicate}> {object} .\n")).collect();
    lines.sort();
    lines.concat()
}

fn iri(text: &str) -> String {
    format!("<{text}>")
}

#[cfg(test)]
#[path = "di_vp_tests.rs"]
mod tests;
