//! One proof: its suite, its options and its value.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::Plan;
use super::json_ld::excerpt;
use super::rdf::{self, Quad, Term};
use super::rdfc::Hash;
use crate::json;
use crate::model::jwk::{Algorithm, Curve};
use crate::model::report::{Outcome, Reason};
use crate::verify::jose::{AlgorithmError, JwsAlgorithm};
use crate::verify::public_key::IssuerPublicKey;

const ASSERTION: &str = "assertionMethod";
const SECURITY: &str = "https://w3id.org/security#";

/// The longest `proofValue` or `jws`, in octets: that of an RSA key of 8192 bits and a header.
const MAX_LENGTH: usize = 4096;

/// How a proof is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suite {
    EcdsaRdfc2019,
    EcdsaJcs2019,
    EddsaRdfc2022,
    EddsaJcs2022,
    Ed25519Signature2020,
    JsonWebSignature2020,
}

impl Suite {
    fn of(proof: &Map<String, Value>) -> Result<Self, ProofError> {
        let Some(Value::String(name)) = proof.get("type") else {
            return Err(ProofError::Invalid("a proof has no type".to_owned()));
        };
        match name.as_str() {
            "Ed25519Signature2020" => Ok(Self::Ed25519Signature2020),
            "JsonWebSignature2020" => Ok(Self::JsonWebSignature2020),
            "DataIntegrityProof" => match proof.get("cryptosuite").and_then(Value::as_str) {
                Some("ecdsa-rdfc-2019") => Ok(Self::EcdsaRdfc2019),
                Some("ecdsa-jcs-2019") => Ok(Self::EcdsaJcs2019),
                Some("eddsa-rdfc-2022") => Ok(Self::EddsaRdfc2022),
                Some("eddsa-jcs-2022") => Ok(Self::EddsaJcs2022),
                Some(other) => Err(ProofError::Unsupported(excerpt(other))),
                None => Err(ProofError::Invalid("a proof names no cryptosuite".to_owned())),
            },
            other => Err(ProofError::Unsupported(excerpt(other))),
        }
    }

    /// The name by which issuers announce it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::EcdsaRdfc2019 => "ecdsa-rdfc-2019",
            Self::EcdsaJcs2019 => "ecdsa-jcs-2019",
            Self::EddsaRdfc2022 => "eddsa-rdfc-2022",
            Self::EddsaJcs2022 => "eddsa-jcs-2022",
            Self::Ed25519Signature2020 => "Ed25519Signature2020",
            Self::JsonWebSignature2020 => "JsonWebSignature2020",
        }
    }

    fn proof_type(self) -> &'static str {
        match self {
            Self::Ed25519Signature2020 | Self::JsonWebSignature2020 => self.as_str(),
            _ => "DataIntegrityProof",
        }
    }

    /// Whether it signs JSON, not RDF.
    pub(super) fn is_jcs(self) -> bool {
        matches!(self, Self::EcdsaJcs2019 | Self::EddsaJcs2022)
    }

    /// The algorithm, where it is always the same.
    pub(super) fn algorithm(self) -> Option<JwsAlgorithm> {
        match self {
            Self::EddsaRdfc2022 | Self::EddsaJcs2022 | Self::Ed25519Signature2020 => {
                Some(JwsAlgorithm::Curve(Algorithm::EdDsa))
            }
            Self::EcdsaRdfc2019 | Self::EcdsaJcs2019 | Self::JsonWebSignature2020 => None,
        }
    }
}

/// Why a proof does not count.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProofError {
    /// Its suite is not known here.
    #[error("the proof's suite {0} is not supported")]
    Unsupported(String),
    /// It does not hold.
    #[error("{0}")]
    Invalid(String),
    /// The document or the proof says something that is not known here.
    #[error("{0}")]
    NotUnderstood(String),
    /// There is no key to check it with.
    #[error("the key of a proof was not found")]
    NoKey,
}

impl ProofError {
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Unsupported(_) | Self::NotUnderstood(_) => Outcome::Unknown(Reason::Unsupported),
            Self::Invalid(_) => Outcome::Failed,
            Self::NoKey => Outcome::Unknown(Reason::DependsOnFailed),
        }
    }
}

fn invalid(why: &str) -> ProofError {
    ProofError::Invalid(why.to_owned())
}

/// A proof whose members have their shapes. Nothing of it has been checked.
#[derive(Debug)]
pub(super) struct Proof<'a> {
    pub(super) value: &'a Map<String, Value>,
    pub(super) suite: Suite,
    /// `verificationMethod`.
    pub(super) method: &'a str,
    /// The ids of the proofs that it builds on.
    pub(super) previous: Vec<&'a str>,
}

impl<'a> Proof<'a> {
    pub(super) fn parse(value: &'a Value) -> Result<Self, ProofError> {
        let value = value.as_object().ok_or_else(|| invalid("a proof is no object"))?;
        let suite = Suite::of(value)?;
        match value.get("proofPurpose") {
            Some(Value::String(purpose)) if purpose == ASSERTION => {}
            Some(Value::String(_)) => return Err(invalid("a proof is made for another purpose than assertions")),
            _ => return Err(invalid("a proof does not say what it is for (`proofPurpose`)")),
        }
        let Some(Value::String(method)) = value.get("verificationMethod") else {
            return Err(invalid("a proof does not name its key (`verificationMethod`)"));
        };
        let previous = match value.get("previousProof") {
            None => Vec::new(),
            Some(Value::String(id)) => vec![id.as_str()],
            Some(Value::Array(ids)) => {
                let ids: Option<Vec<&str>> = ids.iter().map(Value::as_str).collect();
                ids.ok_or_else(|| invalid("`previousProof` holds something else than ids"))?
            }
            Some(_) => return Err(invalid("`previousProof` is no id")),
        };
        Ok(Self { value, suite, method, previous })
    }

    /// The signature in it.
    pub(super) fn signature(&self) -> Result<Signature, ProofError> {
        if self.suite == Suite::JsonWebSignature2020 {
            return self.detached_jws();
        }
        let text = self.value.get("proofValue").and_then(Value::as_str).filter(|text| text.len() <= MAX_LENGTH);
        let encoded = text.and_then(|text| text.strip_prefix('z'));
        let octets = encoded.and_then(|encoded| bs58::decode(encoded).into_vec().ok());
        let octets = octets.ok_or_else(|| invalid("a proof's value is missing or not base58btc"))?;
        Ok(Signature { octets, jws: None })
    }

    /// A JWS without its payload, which is not encoded (RFC 7797).
    fn detached_jws(&self) -> Result<Signature, ProofError> {
        let text = self.value.get("jws").and_then(Value::as_str).filter(|text| text.len() <= MAX_LENGTH);
        let text = text.ok_or_else(|| invalid("a proof has no `jws`"))?;
        let malformed = || invalid("a proof's `jws` is no detached JWS");
        let (encoded, signature) = text.split_once("..").ok_or_else(malformed)?;
        let header = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| malformed())?;
        let header = json::parse_object(&header).map_err(|_| malformed())?;
        let octets = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed())?;
        let only_b64 = header.get("crit").and_then(Value::as_array).is_some_and(|crit| crit.as_slice() == ["b64"]);
        if header.get("b64") != Some(&Value::Bool(false)) || !only_b64 {
            return Err(invalid("a proof's `jws` does not say that its payload is not encoded (`b64`, `crit`)"));
        }
        let name = header.get("alg").and_then(Value::as_str).ok_or_else(malformed)?;
        let algorithm = JwsAlgorithm::parse(name).map_err(|error| match error {
            AlgorithmError::Refused(why) => invalid(why),
            AlgorithmError::Unsupported(_) => ProofError::NotUnderstood(error.to_string()),
        })?;
        Ok(Signature { octets, jws: Some((encoded.to_owned(), algorithm)) })
    }

    /// The algorithm of a key, if the suite uses such keys.
    pub(super) fn algorithm_of(&self, signature: &Signature, key: &IssuerPublicKey) -> Option<JwsAlgorithm> {
        if let Some((_, algorithm)) = &signature.jws {
            return key.fits(*algorithm).then_some(*algorithm);
        }
        let IssuerPublicKey::Curve(key) = key else { return None };
        let fits = match self.suite {
            Suite::EcdsaRdfc2019 | Suite::EcdsaJcs2019 => matches!(key.curve(), Curve::P256 | Curve::P384),
            _ => key.curve() == Curve::Ed25519,
        };
        fits.then(|| JwsAlgorithm::Curve(key.algorithm()))
    }

    /// The hashes that go with a key, the right ones first.
    ///
    /// Two things are done in more than one way, and each way is a faithful form of the same statements: some name
    /// nodes by SHA-256 whatever the key, and some write language tags in small letters, as JSON-LD allows.
    pub(super) fn plans(&self, key: &IssuerPublicKey) -> Vec<Plan> {
        let ecdsa = matches!(self.suite, Suite::EcdsaRdfc2019 | Suite::EcdsaJcs2019);
        let p384 = matches!(key, IssuerPublicKey::Curve(key) if key.curve() == Curve::P384);
        let hash = if ecdsa && p384 { Hash::Sha384 } else { Hash::Sha256 };
        let right = Plan { hash, names: hash, small_languages: false };
        if self.suite.is_jcs() {
            return vec![right];
        }
        let small = Plan { small_languages: true, ..right };
        if hash == Hash::Sha256 {
            return vec![right, small];
        }
        vec![right, Plan { names: Hash::Sha256, ..right }, small, Plan { names: Hash::Sha256, ..small }]
    }

    /// The proof without its value, as it was when it was signed.
    pub(super) fn options(&self, document: &Map<String, Value>) -> Map<String, Value> {
        let mut options = self.value.clone();
        options.remove(if self.suite == Suite::JsonWebSignature2020 { "jws" } else { "proofValue" });
        if let Some(context) = document.get("@context").filter(|_| !self.suite.is_jcs()) {
            options.insert("@context".to_owned(), context.clone());
        }
        options
    }

    /// The document as a JCS suite signed it: contexts that were added behind those of the proof are left out
    /// (`vc-di-eddsa` section 3.3.2).
    pub(super) fn document_for_jcs(&self, document: &Map<String, Value>) -> Result<Map<String, Value>, ProofError> {
        let mut document = document.clone();
        if let Some(signed) = self.value.get("@context") {
            let list = |value: &Value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            let present = document.get("@context").map(list).unwrap_or_default();
            if !present.starts_with(&list(signed)) {
                return Err(invalid("the contexts of a proof are not those of the credential"));
            }
            document.insert("@context".to_owned(), signed.clone());
        }
        Ok(document)
    }

    /// Whether its statements say what its members say: contexts can give members another meaning.
    pub(super) fn holds_in(&self, quads: &[Quad]) -> Result<(), ProofError> {
        let says = |predicate: &str, object: &dyn Fn(&Term) -> bool| {
            let mut objects = quads.iter().filter(|quad| *quad.predicate == *predicate).map(|quad| &quad.object);
            objects.next().is_some_and(object) && objects.next().is_none()
        };
        let iri = |expected: String| move |term: &Term| matches!(term, Term::Iri(iri) if **iri == *expected);
        let security = |name: &str| format!("{SECURITY}{name}");
        let holds = says(rdf::TYPE, &iri(security(self.suite.proof_type())))
            && says(&security("proofPurpose"), &iri(security(ASSERTION)))
            && says(&security("verificationMethod"), &iri(self.method.to_owned()))
            && (self.suite.proof_type() != "DataIntegrityProof"
                || says(
                    &security("cryptosuite"),
                    &|term| matches!(term, Term::Literal(literal) if literal.text == self.suite.as_str()),
                ))
            // Its end is read by its name.
            && (self.value.contains_key("expires")
                || quads.iter().all(|quad| *quad.predicate != *security("expiration")));
        if holds { Ok(()) } else { Err(invalid("the contexts give the proof's members another meaning")) }
    }
}

/// A signature, and what was signed around the hashes.
pub(super) struct Signature {
    pub(super) octets: Vec<u8>,
    /// The header and algorithm, if it is a detached JWS.
    jws: Option<(String, JwsAlgorithm)>,
}

impl Signature {
    /// What is signed.
    pub(super) fn message(&self, hashes: &[u8]) -> Vec<u8> {
        match &self.jws {
            None => hashes.to_vec(),
            Some((header, _)) => [header.as_bytes(), b".", hashes].concat(),
        }
    }
}
