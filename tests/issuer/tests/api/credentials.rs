//! What is inside the credentials, checked without the issuer's own code.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use billfold_test_issuer::{Options, Running, TestIssuer};
use ed25519_dalek::Verifier as _;
use p256::pkcs8::DecodePublicKey as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

use crate::client::*;

/// Checks the JWS signature with a JWK.
fn verifies(jwt: &str, jwk: &Value) -> bool {
    let jwt = jwt.split('~').next().expect("a first part");
    let (input, signature) = jwt.rsplit_once('.').expect("three parts");
    let signature = unb64(signature);
    let bytes = |name: &str| unb64(jwk[name].as_str().expect("a member"));
    let point = || [vec![4], bytes("x"), bytes("y")].concat();
    match jwk["crv"].as_str() {
        Some("P-256") => {
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point()).expect("a point");
            let signature = p256::ecdsa::Signature::from_slice(&signature).expect("R and S");
            key.verify(input.as_bytes(), &signature).is_ok()
        }
        Some("P-384") => {
            let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(&point()).expect("a point");
            let signature = p384::ecdsa::Signature::from_slice(&signature).expect("R and S");
            key.verify(input.as_bytes(), &signature).is_ok()
        }
        Some("Ed25519") => {
            let key = bytes("x").try_into().expect("32 bytes");
            let key = ed25519_dalek::VerifyingKey::from_bytes(&key).expect("a key");
            key.verify(input.as_bytes(), &ed25519_dalek::Signature::from_slice(&signature).expect("64 bytes")).is_ok()
        }
        other => panic!("curve {other:?}"),
    }
}

fn signed_by(child: &Certificate, parent: &Certificate) -> bool {
    let key = parent.tbs_certificate().subject_public_key_info().to_der().expect("DER");
    let key = p256::ecdsa::VerifyingKey::from_public_key_der(&key).expect("P-256");
    let signature = p256::ecdsa::DerSignature::from_bytes(child.signature().raw_bytes()).expect("DER");
    child.tbs_certificate().issuer() == parent.tbs_certificate().subject()
        && key.verify(&child.tbs_certificate().to_der().expect("DER"), &signature).is_ok()
}

/// The root behind `x5c`, which comes first.
pub(crate) fn root(issuer: &Running) -> Certificate {
    let roots = Certificate::load_pem_chain(issuer.trust_pem().as_bytes()).expect("PEM");
    roots.into_iter().next().expect("one at least")
}

/// Whether the chain in the header leads to the issuer's root and its key made the signature.
pub(crate) fn chain_holds(issuer: &Running, jwt: &str) -> bool {
    let (header, _) = decode(jwt);
    let chain: Vec<Certificate> = header["x5c"]
        .as_array()
        .expect("x5c")
        .iter()
        .map(|entry| STANDARD.decode(entry.as_str().expect("text")).expect("base64"))
        .map(|der| Certificate::from_der(&der).expect("a certificate"))
        .chain([root(issuer)])
        .collect();
    let key = chain[0].tbs_certificate().subject_public_key_info().to_der().expect("DER");
    let key = p256::ecdsa::VerifyingKey::from_public_key_der(&key).expect("P-256");
    let (input, signature) = jwt.split('~').next().expect("a JWT").rsplit_once('.').expect("three parts");
    let signature = p256::ecdsa::Signature::from_slice(&unb64(signature));
    let links = chain.windows(2).all(|pair| signed_by(&pair[0], &pair[1]));
    links && signature.is_ok_and(|signature| key.verify(input.as_bytes(), &signature).is_ok())
}

/// Digests that no disclosure of the credential has, and disclosures that no digest has.
pub(crate) fn unmatched(credential: &str) -> (usize, usize) {
    let (_, claims) = decode(credential);
    let mut digests = Vec::new();
    collect(&claims, &mut digests);
    let parts: Vec<&str> = credential.split('~').collect();
    assert_eq!(parts.last(), Some(&""), "an SD-JWT without key binding ends in ~");
    let disclosed: Vec<String> = parts[1..parts.len() - 1].iter().map(|part| b64(Sha256::digest(part))).collect();
    (
        digests.iter().filter(|digest| !disclosed.contains(digest)).count(),
        disclosed.iter().filter(|digest| !digests.contains(digest)).count(),
    )
}

fn collect(value: &Value, digests: &mut Vec<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect(value, digests)),
        Value::Object(members) => {
            for (name, value) in members {
                match (name.as_str(), value) {
                    ("_sd", Value::Array(values)) => {
                        digests.extend(values.iter().map(|value| value.as_str().expect("text").to_owned()));
                    }
                    ("...", Value::String(digest)) => digests.push(digest.clone()),
                    _ => collect(value, digests),
                }
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn sd_jwt_vc() {
    let issuer = TestIssuer::start(Options::default()).await.expect("started");
    let credential = credential(&issuer, "UniversityDegree_dc_sd_jwt").await;
    assert!(chain_holds(&issuer, &credential));
    let (header, claims) = decode(&credential);
    assert_eq!((&header["typ"], &header["alg"]), (&json!("dc+sd-jwt"), &json!("ES256")));
    assert_eq!(claims["iss"], issuer.issuer());
    assert_eq!(claims["vct"], format!("{}/vct/university-degree", issuer.issuer()));
    assert_eq!(claims["cnf"], json!({"jwk": Key::new(7).jwk()}));
    assert_eq!(claims["_sd_alg"], "sha-256");
    let time = |name: &str| claims[name].as_u64().expect("a whole number");
    assert!(time("nbf") <= now() && now() < time("exp") && time("iat") <= now());
    // One digest is a decoy.
    assert_eq!(unmatched(&credential), (1, 0));
    assert_eq!(credential.split('~').count(), 8);
    assert_eq!(claims["degree"]["name"], "Bachelor of Science");
    assert!(claims.get("given_name").is_none());
    assert!(claims["nationalities"][0]["..."].is_string());

    let types = get(claims["vct"].as_str().expect("a URL")).await.json();
    assert_eq!(types["vct"], claims["vct"]);
}

#[tokio::test]
async fn jwt_vc() {
    let issuer = TestIssuer::start(Options::default()).await.expect("started");
    let credential = credential(&issuer, "UniversityDegree_jwt_vc_json").await;
    assert!(chain_holds(&issuer, &credential));
    let (header, claims) = decode(&credential);
    assert_eq!(header["typ"], "JWT");
    assert_eq!(claims["iss"], issuer.issuer());
    assert_eq!(claims["cnf"], json!({"jwk": Key::new(7).jwk()}));
    assert!(claims.get("sub").is_none());
    assert_eq!(claims["vc"]["type"], json!(["VerifiableCredential", "UniversityDegreeCredential"]));
    assert_eq!(claims["vc"]["credentialSubject"]["given_name"], "Erika");
    assert!(claims["jti"].as_str().expect("jti").starts_with("urn:uuid:"));
}

#[tokio::test]
async fn jwt_vc_bound_to_a_did() {
    let issuer = TestIssuer::start(Options::default()).await.expect("started");
    let id = "UniversityDegree_jwt_vc_json";
    let token = token_for(&issuer, &[id]).await;
    let mut proof = Proof::new(&issuer, Some(&nonce(&issuer).await));
    let did = format!("did:jwk:{}", b64(proof.key.jwk().to_string()));
    proof.header = json!({"typ": "openid4vci-proof+jwt", "alg": "ES256", "kid": format!("{did}#0")});
    let body = json!({"credential_configuration_id": id, "proofs": {"jwt": [proof.jwt()]}});
    let answer = request_credential(&issuer, &token, &body).await.json();
    let (_, claims) = decode(answer["credentials"][0]["credential"].as_str().expect("text"));
    assert_eq!(claims["sub"], did);
    assert_eq!(claims["vc"]["credentialSubject"]["id"], did);
    assert!(claims.get("cnf").is_none());
}

#[tokio::test]
async fn an_unbound_credential_takes_no_proof() {
    let issuer = TestIssuer::start(Options::default()).await.expect("started");
    let id = "UniversityDegree_jwt_vc_json_unbound";
    let token = token_for(&issuer, &[id]).await;
    let answer = request_credential(&issuer, &token, &json!({"credential_configuration_id": id})).await.json();
    let (_, claims) = decode(answer["credentials"][0]["credential"].as_str().expect("text"));
    assert!(claims.get("cnf").is_none() && claims.get("sub").is_none());
}

#[tokio::test]
async fn keys_are_found_in_each_way() {
    for path in ["", "/tenant"] {
        for jwks_by_uri in [false, true] {
            let options = Options { path: path.into(), jwks_by_uri, ..Options::default() };
            let issuer = TestIssuer::start(options).await.expect("started");
            for format in ["dc_sd_jwt", "jwt_vc_json"] {
                keys_are_found(&issuer, format, path).await;
            }
        }
    }
}

async fn keys_are_found(issuer: &Running, format: &str, path: &str) {
    let one = async |way: &str| {
        let credential = credential(issuer, &format!("StudentCard_{format}_by_{way}")).await;
        let (header, claims) = decode(&credential);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (credential, text(&claims["iss"]), text(&header["kid"]))
    };
    let (credential, ..) = one("x5c").await;
    assert!(chain_holds(issuer, &credential));

    let (credential, iss, kid) = one("jwt_vc_issuer").await;
    assert_eq!(iss, issuer.issuer());
    let metadata = get(&format!("{}/.well-known/jwt-vc-issuer{path}", issuer.base())).await.json();
    assert_eq!(metadata["issuer"], iss);
    let jwks = match metadata["jwks_uri"].as_str() {
        Some(uri) => get(uri).await.json(),
        None => metadata["jwks"].clone(),
    };
    let keys = jwks["keys"].as_array().expect("keys");
    let key = keys.iter().find(|key| key["kid"] == kid).expect("the named key");
    assert!(verifies(&credential, key));

    let (credential, iss, kid) = one("did_jwk").await;
    assert_eq!(kid, format!("{iss}#0"));
    let jwk = unb64(iss.strip_prefix("did:jwk:").expect("did:jwk"));
    assert!(verifies(&credential, &serde_json::from_slice(&jwk).expect("a JWK")));

    let (credential, iss, kid) = one("did_key").await;
    let multibase = iss.strip_prefix("did:key:").expect("did:key");
    assert_eq!(kid, format!("{iss}#{multibase}"));
    let bytes = bs58::decode(&multibase[1..]).into_vec().expect("base58");
    assert_eq!(bytes[..2], [0xed, 0x01]);
    assert!(verifies(&credential, &json!({"crv": "Ed25519", "x": b64(&bytes[2..])})));

    let (credential, iss, kid) = one("did_web").await;
    let place = iss.strip_prefix("did:web:").expect("did:web").replace(':', "/").replace("%3A", ":");
    let document = if path.is_empty() { "/.well-known/did.json" } else { "/did.json" };
    let document = get(&format!("http://{place}{document}")).await.json();
    assert_eq!(document["id"], iss);
    assert_eq!(document["verificationMethod"][0]["id"], kid);
    assert!(verifies(&credential, &document["verificationMethod"][0]["publicKeyJwk"]));
}
