//! What the benches measure on: credentials as a real issuer gives them, and what their signatures cost alone.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use billfold::platform::memory::MemoryStore;
use billfold::platform::software_keys::SoftwareKeys;
use billfold::{Credential, CredentialId, Step, Wallet};
use billfold_test_issuer::{Grant, OfferSpec, Options, TestIssuer};
use ring::digest::{SHA256, digest};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

/// A credential of a format, received from the test issuer over HTTP, and the issuer's anchors.
pub async fn received(format: &str) -> (Credential, String) {
    let issuer = TestIssuer::start(Options::default()).await.expect("the issuer starts");
    let mut builder = Wallet::builder("billfold-benches")
        .keys(SoftwareKeys::new())
        .store(MemoryStore::new())
        .allow_loopback_http(true);
    // Its issuer is a did:key, for which no certificate vouches.
    if format != "ldp_vc" {
        builder = builder.trust_anchors(issuer.trust_pem());
    }
    let wallet = builder.build().expect("the wallet is set up");
    let offer = issuer.make_offer(&OfferSpec::new(Grant::PreAuthorized, format)).expect("the offer is made");
    let issuance = wallet.open_offer(&offer.link).await.expect("the offer opens");
    let Step::Done { credentials, failures } = issuance.accept().await.expect("it is issued") else {
        panic!("it is issued at once")
    };
    let credential = wallet.credential(credentials.first().expect("one")).await.expect("it is stored");
    assert!(failures.is_empty() && credential.report.verdict.is_usable(), "{:?}", credential.report);
    (credential, issuer.trust_pem().to_owned())
}

/// A signature with P-256, taken out of its credential: what a verifier can't do without.
pub struct Bare {
    key: Vec<u8>,
    message: Vec<u8>,
    signature: Vec<u8>,
    digested: Vec<Vec<u8>>,
}

impl Bare {
    /// Of a JWT or SD-JWT signed by ES256 with the key of its first certificate.
    pub fn of_jws(text: &str) -> Self {
        let (jws, disclosures) = text.split_once('~').unwrap_or((text, ""));
        let (message, signature) = jws.rsplit_once('.').expect("a JWS");
        let header = message.split('.').next().expect("a header");
        let header = URL_SAFE_NO_PAD.decode(header).expect("base64url");
        let header: Value = serde_json::from_slice(&header).expect("JSON");
        let certificate = header["x5c"][0].as_str().expect("a certificate");
        Self {
            key: point(&STANDARD.decode(certificate).expect("base64")),
            message: message.as_bytes().to_vec(),
            signature: URL_SAFE_NO_PAD.decode(signature).expect("base64url"),
            digested: disclosures.split('~').filter(|it| !it.is_empty()).map(|it| it.as_bytes().to_vec()).collect(),
        }
    }

    /// Of an mdoc signed by ES256 with the key of its first certificate, as base64url.
    pub fn of_mdoc(text: &str) -> Self {
        use ciborium::Value as Cbor;
        let octets = URL_SAFE_NO_PAD.decode(text).expect("base64url");
        let issued: Cbor = ciborium::from_reader(octets.as_slice()).expect("CBOR");
        let member = |map: &Cbor, name: &str| {
            let entries = map.as_map().expect("a map").iter();
            entries
                .clone()
                .find(|(key, _)| key.as_text() == Some(name))
                .map(|(_, value)| value.clone())
                .expect("a member")
        };
        let encode = |value: &Cbor| {
            let mut octets = Vec::new();
            ciborium::into_writer(value, &mut octets).expect("CBOR");
            octets
        };
        let parts = member(&issued, "issuerAuth").into_array().expect("a COSE_Sign1");
        let chain = parts[1].as_map().expect("a header")[0].1.clone();
        let certificate = match chain {
            Cbor::Bytes(certificate) => certificate,
            other => other.into_array().expect("certificates")[0].clone().into_bytes().expect("a certificate"),
        };
        let signed = [Cbor::Text("Signature1".to_owned()), parts[0].clone(), Cbor::Bytes(Vec::new()), parts[2].clone()];
        let spaces = member(&issued, "nameSpaces").into_map().expect("name spaces");
        let elements = spaces.iter().flat_map(|(_, elements)| elements.as_array().expect("elements").iter());
        Self {
            key: point(&certificate),
            message: encode(&Cbor::Array(signed.to_vec())),
            signature: parts[3].as_bytes().expect("a signature").clone(),
            digested: elements.map(encode).collect(),
        }
    }

    /// Of a Data Integrity proof: a signature over two digests, which are taken of canonical forms of the kind
    /// and size that a small credential has. Getting to those forms is not in it.
    pub fn of_two_digests() -> Self {
        use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
        let random = ring::rand::SystemRandom::new();
        let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pair.as_ref(), &random).expect("a key");
        let message = vec![7; 64];
        let signature = pair.sign(&random, &message).expect("it signs").as_ref().to_vec();
        Self {
            key: pair.public_key().as_ref().to_vec(),
            message,
            signature,
            digested: vec![vec![b'<'; 600], vec![b'<'; 1200]],
        }
    }

    /// The key, as a JWK.
    pub fn jwk(&self) -> Value {
        let (x, y) = self.key[1..].split_at(32);
        json!({ "kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y) })
    }

    /// Does it: one signature, and a digest of each disclosure or element.
    pub fn verify(&self) {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.key)
            .verify(&self.message, &self.signature)
            .expect("the signature holds");
        for octets in &self.digested {
            std::hint::black_box(digest(&SHA256, octets));
        }
    }
}

fn point(certificate: &[u8]) -> Vec<u8> {
    let certificate = Certificate::from_der(certificate).expect("a certificate");
    let info = certificate.tbs_certificate().subject_public_key_info();
    let encoded = info.to_der().expect("DER");
    encoded[encoded.len() - 65..].to_vec()
}

/// Stored credentials like the given one, each with another id, as a store keeps them.
pub fn records(like: &Credential, count: usize) -> Vec<(String, Vec<u8>)> {
    let mut value = serde_json::to_value(like).expect("JSON");
    (0..count)
        .map(|_| {
            let id = CredentialId::random().to_string();
            value["id"] = json!(id);
            (id, serde_json::to_vec(&value).expect("JSON"))
        })
        .collect()
}

/// A credential with so many claims, each described in two languages.
pub fn with_claims(like: &Credential, count: usize) -> Credential {
    let mut value = serde_json::to_value(like).expect("JSON");
    let claims = (0..count).map(|number| (format!("claim_{number:02}"), json!(format!("value {number}"))));
    value["claims"] = Value::Object(claims.collect());
    value["claim_descriptions"] = (0..count)
        .map(|number| {
            let display = json!([
                { "name": format!("Claim {number}"), "locale": "en" }, { "name": format!("Angabe {number}"), "locale": "de" }
            ]);
            json!({ "path": [format!("claim_{number:02}")], "mandatory": false, "display": display })
        })
        .collect();
    serde_json::from_value(value).expect("a credential")
}

/// A runtime for what waits.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime")
}

/// A wallet over a store.
pub fn wallet(store: impl billfold::platform::store::CredentialStore + 'static) -> Wallet {
    Wallet::builder("billfold-benches")
        .keys(Arc::new(SoftwareKeys::new()))
        .store(store)
        .build()
        .expect("the wallet is set up")
}
