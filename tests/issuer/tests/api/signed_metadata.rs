//! Issuer metadata as a JWT.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use billfold_test_issuer::{Options, Running, SignedMetadata, TestIssuer};
use http::Method;
use p256::ecdsa::signature::Verifier as _;
use p256::pkcs8::DecodePublicKey as _;
use serde_json::{Value, json};
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

use crate::client::*;
use crate::credentials::chain_holds;

async fn start(signed_metadata: SignedMetadata) -> Running {
    TestIssuer::start(Options { signed_metadata, path: "/tenant".into(), ..Options::default() }).await.expect("started")
}

async fn fetch(issuer: &Running, accept: &str) -> Answer {
    let url = format!("{}/.well-known/openid-credential-issuer/tenant", issuer.base());
    send(Method::GET, &url, &[("accept", accept)], "").await
}

async fn signed(issuer: &Running) -> String {
    let answer = fetch(issuer, "application/jwt").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/jwt"));
    String::from_utf8(answer.body).expect("text")
}

#[tokio::test]
async fn who_prefers_it_gets_it() {
    for (mode, accept, expected) in [
        (SignedMetadata::Off, "application/jwt", "application/json"),
        (SignedMetadata::Offered, "application/json", "application/json"),
        (SignedMetadata::Offered, "*/*", "application/json"),
        (SignedMetadata::Offered, "application/jwt, application/json", "application/json"),
        (SignedMetadata::Offered, "application/jwt", "application/jwt"),
        (SignedMetadata::Offered, "application/json;q=0.9, application/jwt", "application/jwt"),
        (SignedMetadata::Offered, "application/jwt;q=0.1, application/json", "application/json"),
        (SignedMetadata::Only, "*/*", "application/jwt"),
        (SignedMetadata::Only, "application/jwt;q=0.1, application/json", "application/jwt"),
    ] {
        let answer = fetch(&start(mode).await, accept).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, expected), "{accept}");
        assert_eq!(answer.header("vary").is_empty(), mode == SignedMetadata::Off);
    }
    let issuer = start(SignedMetadata::Only).await;
    fetch(&issuer, "application/json").await.assert_not_acceptable();
}

impl Answer {
    fn assert_not_acceptable(&self) {
        assert_eq!((self.status, &self.json()["error"]), (406, &json!("not_acceptable")));
    }
}

#[tokio::test]
async fn it_says_what_the_json_says() {
    let issuer = start(SignedMetadata::Offered).await;
    let jwt = signed(&issuer).await;
    assert!(chain_holds(&issuer, &jwt));
    let (header, mut claims) = decode(&jwt);
    assert_eq!((&header["typ"], &header["alg"]), (&json!("openidvci-issuer-metadata+jwt"), &json!("ES256")));
    assert_eq!((&claims["sub"], &claims["iss"]), (&json!(issuer.issuer()), &json!(issuer.issuer())));
    let time = |name: &str| claims[name].as_u64().expect("a number");
    assert!(time("iat") <= now() && now() < time("exp"));
    let claims = claims.as_object_mut().expect("an object");
    for name in ["iss", "sub", "iat", "exp"] {
        claims.remove(name);
    }
    assert_eq!(json!(claims), fetch(&issuer, "application/json").await.json());
    assert_eq!(issuer.log().requests[0].seen["signed_metadata"], json!(true));
}

/// What is wrong with a signed document.
async fn findings(issuer: &Running) -> Vec<&'static str> {
    let jwt = signed(issuer).await;
    let plain = fetch(issuer, "application/json").await.json();
    let (header, claims) = decode(&jwt);
    let root = crate::credentials::root(issuer);
    let chain: Vec<Certificate> = header["x5c"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| STANDARD.decode(entry.as_str().expect("text")).expect("base64"))
        .map(|der| Certificate::from_der(&der).expect("a certificate"))
        .collect();
    let self_signed =
        chain.first().is_some_and(|leaf| leaf.tbs_certificate().issuer() == leaf.tbs_certificate().subject());
    let checks = [
        ("typ", header["typ"] == "openidvci-issuer-metadata+jwt"),
        ("alg", header["alg"] == "ES256"),
        ("x5c", !chain.is_empty()),
        ("self-signed", !self_signed),
        ("anchor", !chain.contains(&root)),
        ("trusted", !chain.is_empty() && chain_leads_to(&chain, &root)),
        ("signature", chain.first().is_none_or(|leaf| verifies(leaf, &jwt))),
        ("sub", claims["sub"] == issuer.issuer()),
        ("iat", claims["iat"].is_u64()),
        ("exp", claims["exp"].as_u64().expect("a number") > now()),
        ("endpoint", claims["credential_endpoint"] == plain["credential_endpoint"]),
    ];
    checks.into_iter().filter(|(_, right)| !right).map(|(name, _)| name).collect()
}

fn key_of(certificate: &Certificate) -> p256::ecdsa::VerifyingKey {
    let spki = certificate.tbs_certificate().subject_public_key_info().to_der().expect("DER");
    p256::ecdsa::VerifyingKey::from_public_key_der(&spki).expect("P-256")
}

fn chain_leads_to(chain: &[Certificate], root: &Certificate) -> bool {
    let signature = |certificate: &Certificate| {
        p256::ecdsa::DerSignature::from_bytes(certificate.signature().raw_bytes()).expect("a signature")
    };
    let parents = chain[1..].iter().chain([root]);
    chain.iter().zip(parents).all(|(child, parent)| {
        key_of(parent).verify(&child.tbs_certificate().to_der().expect("DER"), &signature(child)).is_ok()
    })
}

fn verifies(leaf: &Certificate, jwt: &str) -> bool {
    let (input, signature) = jwt.rsplit_once('.').expect("three parts");
    p256::ecdsa::Signature::from_slice(&unb64(signature))
        .is_ok_and(|signature| key_of(leaf).verify(input.as_bytes(), &signature).is_ok())
}

#[tokio::test]
async fn faults() {
    let issuer = start(SignedMetadata::Offered).await;
    for (fault, wrong) in [
        ("wrong-typ", &["typ"][..]),
        ("wrong-sub", &["sub"]),
        ("expired", &["exp"]),
        ("no-iat", &["iat"]),
        ("alg-none", &["alg", "signature"]),
        ("hs256", &["alg", "signature"]),
        ("untrusted", &["trusted"]),
        ("bad-signature", &["signature"]),
        ("with-anchor", &["anchor"]),
        ("self-signed", &["self-signed", "trusted"]),
        ("no-x5c", &["x5c", "trusted"]),
        ("differs", &["endpoint"]),
    ] {
        issuer.set_fault(&format!("signed-metadata-{fault}")).expect("a known name");
        assert_eq!(findings(&issuer).await, wrong, "{fault}");
        issuer.clear_faults();
        assert!(findings(&issuer).await.is_empty(), "{fault} is off");
    }
}

#[tokio::test]
async fn the_other_form() {
    let issuer = start(SignedMetadata::Offered).await;
    issuer.set_fault("unsigned-answer").expect("a known name");
    let answer = fetch(&issuer, "application/jwt").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.json()["credential_issuer"], issuer.issuer());
    issuer.clear_faults();
    issuer.set_fault("unasked-signed-metadata").expect("a known name");
    let answer = fetch(&issuer, "application/json").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/jwt"));
    let claims: Value = decode(std::str::from_utf8(&answer.body).expect("text")).1;
    assert_eq!(claims["credential_issuer"], issuer.issuer());
}
