//! W3C credentials with a Data Integrity proof (`ldp_vc`), and the contexts of these credentials.

use oxjsonld::{JsonLdParser, JsonLdRemoteDocument};
use oxrdf::Dataset;
use oxrdf::dataset::{CanonicalizationAlgorithm, CanonicalizationHashAlgorithm};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256, Sha384};

use super::{Order, date, jose, turn_bit, uuid};
use crate::catalogue::{Configuration, Flavor};
use crate::encoding::{b64, b64_json};
use crate::faults::{Fault, Spoil};
use crate::keys::{Curve, PrivateKey};
use crate::options::IssuerKey;
use crate::raw;

const VERSION_1: &str = "https://www.w3.org/2018/credentials/v1";
const VERSION_2: &str = "https://www.w3.org/ns/credentials/v2";
const ED25519_2020: &str = "https://w3id.org/security/suites/ed25519-2020/v1";
const JWS_2020: &str = "https://w3id.org/security/suites/jws-2020/v1";
/// A context that nobody knows, and that nobody may look for.
const UNHEARD_OF: &str = "https://contexts.billfold.example/unheard-of/v1";
/// Where this issuer's own terms lead.
const TERMS: &str = "https://issuer.billfold.example/terms#";
const STATUS_TERMS: &str = "https://www.w3.org/ns/credentials/status#";

/// Every context that this issuer signs under.
const CONTEXTS: [(&str, &[u8]); 4] = [
    (VERSION_1, include_bytes!("../../contexts/credentials-v1.jsonld")),
    (VERSION_2, include_bytes!("../../contexts/credentials-v2.jsonld")),
    (ED25519_2020, include_bytes!("../../contexts/ed25519-2020-v1.jsonld")),
    (JWS_2020, include_bytes!("../../contexts/jws-2020-v1.jsonld")),
];

/// How a proof is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suite {
    EcdsaP256,
    EcdsaP384,
    Eddsa,
    Ed25519Signature2020,
    JsonWebSignature2020,
}

impl Suite {
    pub(crate) const ALL: [Self; 5] =
        [Self::EcdsaP256, Self::EcdsaP384, Self::Eddsa, Self::Ed25519Signature2020, Self::JsonWebSignature2020];

    /// Its name in configuration ids.
    pub(crate) fn slug(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ecdsa_p256",
            Self::EcdsaP384 => "ecdsa_p384",
            Self::Eddsa => "eddsa",
            Self::Ed25519Signature2020 => "ed25519_2020",
            Self::JsonWebSignature2020 => "jws_2020",
        }
    }

    /// Its name in metadata and proofs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::EcdsaP256 | Self::EcdsaP384 => "ecdsa-rdfc-2019",
            Self::Eddsa => "eddsa-rdfc-2022",
            Self::Ed25519Signature2020 => "Ed25519Signature2020",
            Self::JsonWebSignature2020 => "JsonWebSignature2020",
        }
    }

    /// The curve of its key, which has a `did:key` of its own.
    pub(crate) fn curve(self) -> Curve {
        match self {
            Self::EcdsaP256 => Curve::P256,
            Self::EcdsaP384 | Self::JsonWebSignature2020 => Curve::P384,
            Self::Eddsa | Self::Ed25519Signature2020 => Curve::Ed25519,
        }
    }

    /// How its key is found.
    pub(crate) fn issuer_key(self) -> IssuerKey {
        if self == Self::JsonWebSignature2020 { IssuerKey::DidWeb } else { IssuerKey::DidKey }
    }

    /// Whether the proof is a `DataIntegrityProof`, under version 2 of the data model here.
    fn is_data_integrity(self) -> bool {
        matches!(self, Self::EcdsaP256 | Self::EcdsaP384 | Self::Eddsa)
    }
}

/// The contexts of a configuration's credentials.
pub(crate) fn contexts(configuration: &Configuration) -> Value {
    match configuration.flavor {
        Flavor::Suite(suite) if suite.is_data_integrity() => json!([VERSION_2, own_terms(true)]),
        Flavor::Suite(Suite::Ed25519Signature2020) => json!([VERSION_1, ED25519_2020, own_terms(false)]),
        Flavor::Suite(_) => json!([VERSION_1, JWS_2020, own_terms(false)]),
        Flavor::Plain | Flavor::Version2 => json!([VERSION_1, own_terms(false)]),
    }
}

/// What the claims and types mean, as far as the first context does not say it.
fn own_terms(version_2: bool) -> Value {
    let mut terms = Map::new();
    let plain = [
        "UniversityDegreeCredential",
        "SomethingElseCredential",
        "BachelorDegree",
        "given_name",
        "family_name",
        "degree",
        "address",
        "street_address",
        "locality",
        "country",
        "nationalities",
        "portrait",
        "remarks",
    ];
    for name in plain {
        terms.insert(name.into(), json!(format!("{TERMS}{name}")));
    }
    for name in ["birthdate", "date"] {
        let date = "http://www.w3.org/2001/XMLSchema#date";
        terms.insert(name.into(), json!({"@id": format!("{TERMS}{name}"), "@type": date}));
    }
    if !version_2 {
        terms.insert("name".into(), json!("https://schema.org/name"));
        for name in ["BitstringStatusListEntry", "statusPurpose", "statusListIndex"] {
            terms.insert(name.into(), json!(format!("{STATUS_TERMS}{name}")));
        }
        let list = json!({"@id": format!("{STATUS_TERMS}statusListCredential"), "@type": "@id"});
        terms.insert("statusListCredential".into(), list);
    }
    Value::Object(terms)
}

pub(super) fn make(order: &Order<'_>, mut subject: Map<String, Value>) -> Value {
    let Order { issuer, configuration, times, signer, mistakes, .. } = order;
    let spoils = |spoil| mistakes.spoils(spoil);
    let Flavor::Suite(suite) = configuration.flavor else { unreachable!("each configuration has a suite") };
    order.add_odd_claims(&mut subject);
    if let Some(did) = order.holder.and_then(|holder| holder.did()) {
        subject.insert("id".into(), json!(did));
    }
    if spoils(Spoil::UndefinedTerm) {
        subject.insert("nickname".into(), json!("Ricky"));
    }
    let (from, until) =
        if suite.is_data_integrity() { ("validFrom", "validUntil") } else { ("issuanceDate", "expirationDate") };
    let mut credential = json!({
        "@context": contexts(configuration),
        "id": format!("urn:uuid:{}", uuid()),
        "type": ["VerifiableCredential", order.type_name()],
        "issuer": signer.iss,
        "credentialSubject": subject,
        from: date(times.from),
        until: date(times.until),
    });
    if let Some(place) = &order.status {
        credential["credentialStatus"] = place.entries(issuer);
    }
    let proof = prove(order, suite, &credential);
    if !spoils(Spoil::MissingProof) {
        credential["proof"] = proof;
    }
    spoil_after(order, &mut credential);
    credential
}

/// What is changed when the proof is there.
fn spoil_after(order: &Order<'_>, credential: &mut Value) {
    let spoils = |spoil| order.mistakes.spoils(spoil);
    if spoils(Spoil::ChangedPayload) {
        credential["credentialSubject"]["given_name"] = json!("Mallory");
    }
    if spoils(Spoil::DeepClaim) {
        credential["credentialSubject"]["remarks"] = raw::deep();
    }
    if spoils(Spoil::UnknownContext)
        && let Some(contexts) = credential["@context"].as_array_mut()
    {
        contexts.push(json!(UNHEARD_OF));
    }
    if spoils(Spoil::DuplicateMember)
        && let Some(object) = credential.as_object_mut()
    {
        raw::repeat(object, "issuer");
    }
}

fn prove(order: &Order<'_>, suite: Suite, credential: &Value) -> Value {
    let Order { times, signer, mistakes, .. } = order;
    let purpose = if mistakes.spoils(Spoil::WrongPurpose) { "authentication" } else { "assertionMethod" };
    let mut proof = json!({
        "created": date(times.issued),
        "verificationMethod": signer.kid,
        "proofPurpose": purpose,
    });
    let swapped = mistakes.spoils(Spoil::AlgSwapped);
    if suite.is_data_integrity() {
        let other = if suite == Suite::Eddsa { Suite::EcdsaP256 } else { Suite::Eddsa };
        proof["type"] = json!("DataIntegrityProof");
        proof["cryptosuite"] = json!(if swapped { other.name() } else { suite.name() });
    } else {
        proof["type"] = json!(suite.name());
    }
    let mut options = proof.clone();
    options["@context"] = credential["@context"].clone();
    let sha384 = suite == Suite::EcdsaP384;
    let [options, document] = [&options, credential].map(|value| canonical(value, sha384));
    let hash = |text: &str| if sha384 { Sha384::digest(text).to_vec() } else { Sha256::digest(text).to_vec() };
    let message = [hash(&options), hash(&document)].concat();
    let foreign = signer.key.another();
    let key = if mistakes.has(Fault::BadSignature) { &foreign } else { &signer.key };
    let turn = |mut signature: Vec<u8>| {
        if mistakes.spoils(Spoil::SignatureBit) {
            turn_bit(&mut signature);
        }
        signature
    };
    let unsigned = mistakes.has(Fault::AlgNone);
    if suite == Suite::JsonWebSignature2020 {
        let right = signer.key.public().alg();
        let alg = if swapped { jose::another_alg(right) } else { right };
        proof["jws"] = json!(detached(if unsigned { "none" } else { alg }, &message, key, unsigned, turn));
    } else if unsigned {
        // A proof in which nothing is signed.
    } else {
        if swapped && suite == Suite::Ed25519Signature2020 {
            proof["type"] = json!("JsonWebSignature2020");
        }
        proof["proofValue"] = json!(format!("z{}", bs58::encode(turn(key.sign(&message))).into_string()));
    }
    proof
}

/// A JWS without its payload, which is not in base64 either (RFC 7797).
fn detached(alg: &str, message: &[u8], key: &PrivateKey, unsigned: bool, turn: impl Fn(Vec<u8>) -> Vec<u8>) -> String {
    let header = b64_json(&json!({"alg": alg, "b64": false, "crit": ["b64"]}));
    let signature = if unsigned { Vec::new() } else { turn(key.sign(&[header.as_bytes(), b".", message].concat())) };
    format!("{header}..{}", b64(signature))
}

/// The canonical N-Quads of a document (RDFC-1.0).
pub(crate) fn canonical(document: &Value, sha384: bool) -> String {
    let text = document.to_string();
    let parser = JsonLdParser::new().for_slice(&text).with_load_document_callback(|url, _| {
        let known = CONTEXTS.iter().find(|(name, _)| *name == url);
        let (_, document) = known.ok_or_else(|| format!("{url} is not a context of this issuer"))?;
        Ok(JsonLdRemoteDocument { document: document.to_vec(), document_url: url.to_owned() })
    });
    let mut dataset: Dataset = parser.collect::<Result<_, _>>().expect("this issuer's own documents are JSON-LD");
    let hash_algorithm =
        if sha384 { CanonicalizationHashAlgorithm::Sha384 } else { CanonicalizationHashAlgorithm::Sha256 };
    dataset.canonicalize(CanonicalizationAlgorithm::Rdfc10 { hash_algorithm });
    let mut lines: Vec<String> = dataset.iter().map(|quad| format!("{quad} .\n")).collect();
    lines.sort();
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: impl AsRef<[u8]>) -> String {
        bytes.as_ref().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
    }

    #[test]
    fn a_known_document_has_its_known_hash() {
        // Proof options of the P-256 example of vc-di-ecdsa, whose text gives this hash.
        let method = "did:key:zDnaepBuvsQ8cpsWrVKw8fbpGpvPeNSjVPTWoq6cRqaYzBKVP";
        let options = json!({
            "@context": [VERSION_2],
            "type": "DataIntegrityProof",
            "cryptosuite": "ecdsa-rdfc-2019",
            "created": "2023-02-24T23:36:38Z",
            "verificationMethod": format!("{method}#{}", method.trim_start_matches("did:key:")),
            "proofPurpose": "assertionMethod",
        });
        let expected = "3a8a522f689025727fb9d1f0fa99a618da023e8494ac74f51015d009d35abc2e";
        assert_eq!(hex(Sha256::digest(canonical(&options, false))), expected);
    }
}
