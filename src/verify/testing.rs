//! What the tests of verification share: keys, certificates, documents, a context, vectors.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Mutex;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use serde_json::{Value, json};
use url::Url;

use super::status::StatusLists;
use super::x509::TrustAnchors;
use super::{DocumentError, DocumentSource, Fetched, VerifyContext, Wanted};
use crate::model::ids::IssuerId;
use crate::model::jwk::{Algorithm, Curve, Jwk};
use crate::model::metadata::CredentialKind;
use crate::model::profile::Profile;
use crate::model::report::{Check, CheckKind, Outcome, VerificationPolicy};
use crate::model::time::Timestamp;

/// The moment at which these tests take place: 2026-01-01T00:00:00Z.
pub(crate) const NOW: i64 = 1_767_225_600;

/// A key pair.
pub(crate) struct TestKey {
    algorithm: Algorithm,
    pkcs8: Vec<u8>,
    k256: Option<k256::ecdsa::SigningKey>,
}

impl TestKey {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let random = SystemRandom::new();
        let pkcs8 = match algorithm {
            Algorithm::Es256 => {
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap().as_ref().to_vec()
            }
            Algorithm::Es384 => {
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random).unwrap().as_ref().to_vec()
            }
            Algorithm::EdDsa => Ed25519KeyPair::generate_pkcs8(&random).unwrap().as_ref().to_vec(),
            Algorithm::Es256k => {
                let mut secret = [0_u8; 32];
                loop {
                    getrandom::fill(&mut secret).unwrap();
                    if let Ok(key) = k256::ecdsa::SigningKey::from_slice(&secret) {
                        return Self { algorithm, pkcs8: Vec::new(), k256: Some(key) };
                    }
                }
            }
        };
        Self { algorithm, pkcs8, k256: None }
    }

    pub(crate) fn jwk(&self) -> Jwk {
        let point = |curve, point: &[u8]| Jwk::from_point(curve, point).unwrap();
        match self.algorithm {
            Algorithm::Es256 => point(Curve::P256, self.ecdsa().public_key().as_ref()),
            Algorithm::Es384 => point(Curve::P384, self.ecdsa().public_key().as_ref()),
            Algorithm::EdDsa => point(Curve::Ed25519, self.ed25519().public_key().as_ref()),
            Algorithm::Es256k => {
                let key = self.k256.as_ref().unwrap().verifying_key();
                point(Curve::Secp256k1, key.to_sec1_point(false).as_bytes())
            }
        }
    }

    /// The public key as an issuer publishes it.
    pub(crate) fn published(&self, kid: &str) -> Value {
        let mut value = self.jwk().to_value();
        value["kid"] = json!(kid);
        value["use"] = json!("sig");
        value["alg"] = json!(self.algorithm.as_str());
        value
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self.algorithm {
            Algorithm::Es256 | Algorithm::Es384 => {
                self.ecdsa().sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
            }
            Algorithm::EdDsa => self.ed25519().sign(message).as_ref().to_vec(),
            Algorithm::Es256k => {
                use k256::ecdsa::signature::Signer as _;
                let signature: k256::ecdsa::Signature = self.k256.as_ref().unwrap().sign(message);
                signature.to_bytes().to_vec()
            }
        }
    }

    /// A compact JWS; `alg` is added to the header if it has none.
    pub(crate) fn jws(&self, header: &Value, payload: &Value) -> String {
        let mut header = header.clone();
        if header.get("alg").is_none() {
            header["alg"] = json!(self.algorithm.as_str());
        }
        self.jws_of_texts(&header.to_string(), &payload.to_string())
    }

    /// A compact JWS of a header and a payload as they are.
    pub(crate) fn jws_of_texts(&self, header: &str, payload: &str) -> String {
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = self.sign(input.as_bytes());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn ecdsa(&self) -> EcdsaKeyPair {
        let method = match self.algorithm {
            Algorithm::Es384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
            _ => &ECDSA_P256_SHA256_FIXED_SIGNING,
        };
        EcdsaKeyPair::from_pkcs8(method, &self.pkcs8, &SystemRandom::new()).unwrap()
    }

    fn ed25519(&self) -> Ed25519KeyPair {
        Ed25519KeyPair::from_pkcs8(&self.pkcs8).unwrap()
    }

    fn rcgen(&self) -> KeyPair {
        KeyPair::try_from(self.pkcs8.as_slice()).unwrap()
    }
}

/// What a test certificate says.
pub(crate) struct Certified<'a> {
    pub(crate) common_name: &'a str,
    pub(crate) names: Vec<SanType>,
    pub(crate) days: (i64, i64),
    pub(crate) authority: bool,
    pub(crate) usage: Vec<KeyUsagePurpose>,
    pub(crate) country: Option<&'a str>,
    pub(crate) purposes: Vec<ExtendedKeyUsagePurpose>,
    pub(crate) path_length: Option<u8>,
    /// An extension that nobody knows, and whether it is critical.
    pub(crate) unknown_extension: Option<bool>,
}

impl Default for Certified<'_> {
    fn default() -> Self {
        Self {
            common_name: "Signer",
            names: Vec::new(),
            days: (-10, 10),
            authority: false,
            usage: vec![KeyUsagePurpose::DigitalSignature],
            country: None,
            purposes: Vec::new(),
            path_length: None,
            unknown_extension: None,
        }
    }
}

impl Certified<'_> {
    pub(crate) fn authority(common_name: &str) -> Certified<'_> {
        Certified {
            common_name,
            authority: true,
            usage: vec![KeyUsagePurpose::KeyCertSign],
            days: (-100, 100),
            ..Certified::default()
        }
    }

    /// An authority for signers of mdocs (ISO/IEC 18013-5 table B.1).
    pub(crate) fn iaca(common_name: &str) -> Certified<'_> {
        let usage = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Certified { country: Some("UT"), path_length: Some(0), usage, ..Certified::authority(common_name) }
    }

    /// A signer of mdocs (ISO/IEC 18013-5 table B.3).
    pub(crate) fn document_signer(common_name: &str) -> Certified<'_> {
        let purposes = vec![ExtendedKeyUsagePurpose::Other(vec![1, 0, 18013, 5, 1, 2])];
        Certified { common_name, country: Some("UT"), purposes, ..Certified::default() }
    }

    pub(crate) fn for_host(host: &str) -> Self {
        Self { names: vec![SanType::DnsName(host.try_into().unwrap())], ..Self::default() }
    }

    fn params(&self) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, self.common_name);
        params.subject_alt_names.clone_from(&self.names);
        let day = |days: i64| {
            let now = rcgen::date_time_ymd(2026, 1, 1);
            let distance = std::time::Duration::from_secs(days.unsigned_abs() * 86_400);
            if days < 0 { now - distance } else { now + distance }
        };
        params.not_before = day(self.days.0);
        params.not_after = day(self.days.1);
        params.is_ca = match (self.authority, self.path_length) {
            (false, _) => IsCa::NoCa,
            (true, None) => IsCa::Ca(BasicConstraints::Unconstrained),
            (true, Some(length)) => IsCa::Ca(BasicConstraints::Constrained(length)),
        };
        if let Some(country) = self.country {
            params.distinguished_name.push(DnType::CountryName, country);
        }
        params.extended_key_usages.clone_from(&self.purposes);
        if let Some(critical) = self.unknown_extension {
            let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
            extension.set_criticality(critical);
            params.custom_extensions.push(extension);
        }
        params.key_usages.clone_from(&self.usage);
        params
    }

    pub(crate) fn self_signed(&self, key: &TestKey) -> Vec<u8> {
        self.params().self_signed(&key.rcgen()).unwrap().der().to_vec()
    }

    pub(crate) fn signed_by(&self, key: &TestKey, issuer: &Certified<'_>, issuer_key: &TestKey) -> Vec<u8> {
        let issuer = Issuer::new(issuer.params(), issuer_key.rcgen());
        self.params().signed_by(&key.rcgen(), &issuer).unwrap().der().to_vec()
    }
}

pub(crate) fn x5c(certificates: &[&[u8]]) -> Value {
    certificates.iter().map(|certificate| json!(STANDARD.encode(certificate))).collect()
}

pub(crate) fn anchors(certificates: &[&[u8]]) -> TrustAnchors {
    TrustAnchors::from_pem(pem(certificates).as_bytes()).unwrap()
}

pub(crate) fn pem(certificates: &[&[u8]]) -> String {
    let one =
        |der: &&[u8]| format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(der));
    certificates.iter().map(one).collect()
}

/// Documents by address; every other address is not there.
#[derive(Default)]
pub(crate) struct Documents {
    json: HashMap<String, Result<Value, DocumentError>>,
    bodies: HashMap<String, Result<Fetched, DocumentError>>,
    dids: HashMap<String, Result<Value, DocumentError>>,
    asked: Mutex<Vec<String>>,
}

impl Clone for Documents {
    /// The same documents, not asked for yet.
    fn clone(&self) -> Self {
        let Self { json, bodies, dids, asked: _ } = self;
        Self { json: json.clone(), bodies: bodies.clone(), dids: dids.clone(), asked: Mutex::default() }
    }
}

impl Documents {
    pub(crate) fn with(mut self, url: &str, document: Value) -> Self {
        self.json.insert(url.to_owned(), Ok(document));
        self
    }

    /// An address that gives octets of a media type.
    pub(crate) fn with_body(mut self, url: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let at = Timestamp::from_seconds(NOW);
        let fetched = Fetched { content_type: Some(content_type.to_owned()), max_age: 300, body: body.into(), at };
        self.bodies.insert(url.to_owned(), Ok(fetched));
        self
    }

    /// The same address, whose answer is good for so long.
    pub(crate) fn with_max_age(mut self, url: &str, seconds: i64) -> Self {
        if let Some(Ok(fetched)) = self.bodies.get_mut(url) {
            fetched.max_age = seconds;
        }
        self
    }

    /// A DID whose method only the app knows.
    pub(crate) fn with_did(mut self, did: &str, document: Result<Value, DocumentError>) -> Self {
        self.dids.insert(did.to_owned(), document);
        self
    }

    pub(crate) fn down(mut self, url: &str) -> Self {
        let down = DocumentError::Unreachable("no answer".to_owned());
        self.json.insert(url.to_owned(), Err(down.clone()));
        self.bodies.insert(url.to_owned(), Err(down));
        self
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl DocumentSource for Documents {
    async fn get(&self, url: &Url) -> Result<Value, DocumentError> {
        self.asked.lock().unwrap().push(url.to_string());
        let none = || Err(DocumentError::Unusable("404".to_owned()));
        self.json.get(url.as_str()).cloned().unwrap_or_else(none)
    }

    async fn fetch(&self, url: &Url, want: Wanted) -> Result<Fetched, DocumentError> {
        self.asked.lock().unwrap().push(url.to_string());
        let none = || Err(DocumentError::Unusable("404".to_owned()));
        let fetched = self.bodies.get(url.as_str()).cloned().unwrap_or_else(none)?;
        if fetched.body.len() > want.max_bytes {
            return Err(DocumentError::Unusable("the answer is over the size limit".to_owned()));
        }
        Ok(fetched)
    }

    async fn resolve_did(&self, did: &str) -> Option<Result<Value, DocumentError>> {
        let found = self.dids.get(did).cloned()?;
        self.asked.lock().unwrap().push(did.to_owned());
        Some(found)
    }
}

/// Everything that a credential is held against, owned.
pub(crate) struct World {
    pub(crate) credential_issuer: Option<IssuerId>,
    pub(crate) issuer_jwks: Option<Value>,
    pub(crate) kind: Option<CredentialKind>,
    pub(crate) asked_contexts: Vec<String>,
    pub(crate) holder_keys: Vec<Jwk>,
    pub(crate) policy: VerificationPolicy,
    pub(crate) profile: Profile,
    pub(crate) takes_type: bool,
    pub(crate) now: i64,
    pub(crate) trust: TrustAnchors,
    pub(crate) trusted_issuers: Vec<String>,
    #[cfg(feature = "ldp-vc")]
    pub(crate) contexts: super::data_integrity::Contexts,
    pub(crate) documents: Documents,
    pub(crate) status_lists: StatusLists,
}

impl Default for World {
    fn default() -> Self {
        Self {
            credential_issuer: None,
            issuer_jwks: None,
            kind: None,
            asked_contexts: Vec::new(),
            holder_keys: Vec::new(),
            policy: VerificationPolicy::default(),
            profile: Profile::Base,
            takes_type: false,
            now: NOW,
            trust: TrustAnchors::default(),
            trusted_issuers: Vec::new(),
            #[cfg(feature = "ldp-vc")]
            contexts: super::data_integrity::Contexts::default(),
            documents: Documents::default(),
            status_lists: StatusLists::default(),
        }
    }
}

impl World {
    pub(crate) fn context(&self) -> VerifyContext<'_> {
        VerifyContext {
            credential_issuer: self.credential_issuer.as_ref(),
            issuer_jwks: self.issuer_jwks.as_ref(),
            kind: self.kind.as_ref(),
            asked_contexts: &self.asked_contexts,
            holder_keys: &self.holder_keys,
            policy: &self.policy,
            profile: self.profile,
            takes_type: self.takes_type,
            now: Timestamp::from_seconds(self.now),
            skew: 60,
            trust: &self.trust,
            trusted_issuers: &self.trusted_issuers,
            #[cfg(feature = "ldp-vc")]
            contexts: &self.contexts,
            documents: &self.documents,
            status_lists: &self.status_lists,
        }
    }
}

/// CBOR, written by another library than what reads it.
pub(crate) fn to_cbor(value: &ciborium::Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

/// The outcome of one kind of check.
pub(crate) fn outcome(checks: &[Check], kind: CheckKind) -> Outcome {
    let mut of_kind = checks.iter().filter(|check| check.kind == kind);
    let check = of_kind.next().unwrap_or_else(|| panic!("no check of {kind}"));
    assert!(of_kind.next().is_none(), "two checks of {kind}");
    check.outcome
}

/// A folder of foreign test vectors, under `vectors` in the folder that `BILLFOLD_VECTORS` names or
/// in `../shared` beside the checkout. Without it the test has nothing to look at, which is fine at
/// home but not in CI.
pub(crate) fn vectors(folder: &str) -> Option<PathBuf> {
    foreign("vectors", folder)
}

/// The same, of the specification's own examples.
pub(crate) fn spec_vectors(folder: &str) -> Option<PathBuf> {
    foreign("spec/vectors", folder)
}

/// What was recorded of deployed issuers, a file a run.
pub(crate) fn recordings() -> Option<PathBuf> {
    foreign("research/interop", "transcripts")
}

fn foreign(collection: &str, folder: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let root = std::env::var_os("BILLFOLD_VECTORS").map_or_else(beside, PathBuf::from);
    let path = root.join(collection).join(folder);
    if path.is_dir() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "no test vectors in {}: set BILLFOLD_VECTORS", path.display());
    // Past the test runner, which keeps what tests print to itself when they pass.
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let notice = format!("skipped: {test}: no test vectors in {} (set BILLFOLD_VECTORS)\n", path.display());
    std::io::stderr().write_all(notice.as_bytes()).expect("standard error takes it");
    None
}

/// The JSON files of a folder of vectors, in order of their names.
pub(crate) fn vector_files(folder: &std::path::Path) -> Vec<(String, Value)> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths.iter().map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), read_vector(path))).collect()
}

/// A JSON file of vectors.
pub(crate) fn read_vector(path: &std::path::Path) -> Value {
    let text = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
