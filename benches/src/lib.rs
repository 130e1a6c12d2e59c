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
    let wallet = Wallet::builder("billfold-benches")
        .keys(SoftwareKeys::new())
        .store(MemoryStore::new())
        .trust_anchors(issuer.trust_pem())
        .allow_loopback_http(true)
        .build()
        .expect("the wallet is set up");
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

    /// Of any message, by the key of a certificate in DER, with all that has to be digested besides.
    pub fn new(certificate: &[u8], message: Vec<u8>, signature: Vec<u8>, digested: Vec<Vec<u8>>) -> Self {
        Self { key: point(certificate), message, signature, digested }
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
    info.to_der().expect("DER").split_off(info.to_der().expect("DER").len() - 65)
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
