//! Encrypted requests and answers, with a JWE of this file's own.

use std::io::{Read as _, Write as _};

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes128Gcm, Aes256Gcm, KeyInit as _, Nonce};
use billfold_test_issuer::{Encryption, Options, Running, TestIssuer};
use http::Method;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::{PublicKey, SecretKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::client::*;

const ID: &str = "UniversityDegree_dc_sd_jwt";

pub(crate) fn secret(seed: u8) -> SecretKey {
    SecretKey::from_slice(&[seed; 32]).expect("a scalar")
}

pub(crate) fn jwk(key: &PublicKey) -> Value {
    let point = key.to_sec1_point(false);
    json!({"kty": "EC", "crv": "P-256", "x": b64(&point.as_bytes()[1..33]), "y": b64(&point.as_bytes()[33..])})
}

fn public(jwk: &Value) -> PublicKey {
    let bytes = |name: &str| unb64(jwk[name].as_str().expect("text"));
    PublicKey::from_sec1_bytes(&[vec![4], bytes("x"), bytes("y")].concat()).expect("a point")
}

fn agree(own: &SecretKey, other: &PublicKey, header: &Value) -> Vec<u8> {
    let enc = header["enc"].as_str().expect("enc");
    let bits: u32 = if enc == "A128GCM" { 128 } else { 256 };
    let party = |name: &str| header[name].as_str().map(unb64).unwrap_or_default();
    let framed = |bytes: &[u8]| [&u32::try_from(bytes.len()).expect("short").to_be_bytes(), bytes].concat();
    let shared = p256::ecdh::diffie_hellman(own.to_nonzero_scalar(), other.as_affine());
    let input = [
        &[0, 0, 0, 1],
        &shared.raw_secret_bytes()[..],
        &framed(enc.as_bytes()),
        &framed(&party("apu")),
        &framed(&party("apv")),
        &bits.to_be_bytes(),
    ]
    .concat();
    Sha256::digest(input)[..bits as usize / 8].to_vec()
}

/// A JWE of `content`; `epk` and the rest are added to the header given.
fn seal(to: &PublicKey, mut header: Value, content: &[u8]) -> String {
    let own = secret(3);
    header["epk"] = jwk(&own.public_key());
    let content = if header.get("zip").is_some() {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(content).expect("written");
        encoder.finish().expect("written")
    } else {
        content.to_vec()
    };
    let protected = b64(header.to_string());
    let payload = Payload { msg: &content, aad: protected.as_bytes() };
    let key = agree(&own, to, &header);
    let iv = Nonce::from([5; 12]);
    let sealed = match key.len() {
        16 => Aes128Gcm::new_from_slice(&key).expect("16 bytes").encrypt(&iv, payload),
        _ => Aes256Gcm::new_from_slice(&key).expect("32 bytes").encrypt(&iv, payload),
    }
    .expect("encrypted");
    let (text, tag) = sealed.split_at(sealed.len() - 16);
    format!("{protected}..{}.{}.{}", b64([5; 12]), b64(text), b64(tag))
}

/// Header and content of a JWE, if it opens.
pub(crate) fn open(own: &SecretKey, message: &[u8]) -> Option<(Value, Value)> {
    let message = std::str::from_utf8(message).expect("text");
    let parts: Vec<&str> = message.split('.').collect();
    assert_eq!((parts.len(), parts[1]), (5, ""));
    let header: Value = serde_json::from_slice(&unb64(parts[0])).expect("JSON");
    assert_eq!(header["alg"], "ECDH-ES");
    let key = agree(own, &public(&header["epk"]), &header);
    let sealed = [unb64(parts[3]), unb64(parts[4])].concat();
    let payload = Payload { msg: &sealed, aad: parts[0].as_bytes() };
    let iv: [u8; 12] = unb64(parts[2]).try_into().expect("12 bytes");
    let iv = Nonce::from(iv);
    let content = match key.len() {
        16 => Aes128Gcm::new_from_slice(&key).expect("16 bytes").decrypt(&iv, payload),
        _ => Aes256Gcm::new_from_slice(&key).expect("32 bytes").decrypt(&iv, payload),
    }
    .ok()?;
    let mut inflated = Vec::new();
    if header.get("zip").is_some() {
        flate2::read::DeflateDecoder::new(&content[..]).read_to_end(&mut inflated).expect("DEFLATE");
    } else {
        inflated = content;
    }
    // Blanks behind the JSON are what a bomb is made of.
    Some((header, serde_json::from_slice(&inflated).expect("JSON")))
}

async fn start(encryption: Encryption) -> Running {
    let options = Options { encryption, encryption_zip: true, ..Options::default() };
    TestIssuer::start(options).await.expect("started")
}

async fn metadata(issuer: &Running) -> Value {
    get(&format!("{}/.well-known/openid-credential-issuer", issuer.base())).await.json()
}

/// The key for requests: the one that is for encryption.
async fn request_key(issuer: &Running) -> Value {
    let metadata = metadata(issuer).await;
    let keys = metadata["credential_request_encryption"]["jwks"]["keys"].as_array().expect("a key set");
    assert!(keys.iter().all(|key| key["kid"].is_string()));
    keys.iter().find(|key| key["use"] == "enc").expect("a key").clone()
}

fn header(key: &Value) -> Value {
    json!({"alg": "ECDH-ES", "enc": "A128GCM", "kid": key["kid"]})
}

/// Parameters for an answer to `secret(4)`.
fn parameters() -> Value {
    let mut jwk = jwk(&secret(4).public_key());
    jwk["alg"] = json!("ECDH-ES");
    jwk["kid"] = json!("wallet-key");
    json!({"jwk": jwk, "enc": "A256GCM"})
}

async fn body(issuer: &Running) -> Value {
    let proof = Proof::new(issuer, Some(&nonce(issuer).await));
    json!({"credential_configuration_id": ID, "proofs": {"jwt": [proof.jwt()]}})
}

async fn post(issuer: &Running, endpoint: &str, token: &str, message: String) -> Answer {
    let headers = [("content-type", "application/jwt"), ("authorization", &*format!("Bearer {token}"))];
    send(Method::POST, &format!("{}/{endpoint}", issuer.issuer()), &headers, message).await
}

/// An encrypted request for an encrypted answer.
async fn ask(issuer: &Running, parameters: Value) -> Answer {
    let token = token_for(issuer, &[ID]).await;
    let key = request_key(issuer).await;
    let mut body = body(issuer).await;
    body["credential_response_encryption"] = parameters;
    post(issuer, "credential", &token, seal(&public(&key), header(&key), body.to_string().as_bytes())).await
}

#[tokio::test]
async fn metadata_says_what_is_required() {
    for (encryption, request, response) in [
        (Encryption::Offered, false, false),
        (Encryption::RequestRequired, true, false),
        (Encryption::ResponseRequired, false, true),
        (Encryption::Required, true, true),
    ] {
        let metadata = metadata(&start(encryption).await).await;
        let (asked, answered) =
            (&metadata["credential_request_encryption"], &metadata["credential_response_encryption"]);
        assert_eq!(
            (&asked["encryption_required"], &answered["encryption_required"]),
            (&json!(request), &json!(response))
        );
        assert_eq!(answered["alg_values_supported"], json!(["ECDH-ES"]));
        for object in [asked, answered] {
            assert_eq!(object["enc_values_supported"], json!(["A128GCM", "A256GCM"]));
            assert_eq!(object["zip_values_supported"], json!(["DEF"]));
        }
    }
    let metadata = metadata(&TestIssuer::start(Options::default()).await.expect("started")).await;
    assert!(metadata.get("credential_request_encryption").is_none());
    assert!(metadata.get("credential_response_encryption").is_none());
}

#[tokio::test]
async fn both_ways() {
    let issuer = start(Encryption::Required).await;
    for (enc, zip) in [("A128GCM", false), ("A256GCM", false), ("A256GCM", true)] {
        let mut parameters = parameters();
        parameters["enc"] = json!(enc);
        if zip {
            parameters["zip"] = json!("DEF");
        }
        let answer = ask(&issuer, parameters).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/jwt"));
        assert_eq!(answer.header("cache-control"), "no-store");
        let (header, content) = open(&secret(4), &answer.body).expect("it opens");
        assert_eq!((&header["enc"], &header["kid"]), (&json!(enc), &json!("wallet-key")));
        assert_eq!(header.get("zip").is_some(), zip);
        assert!(content["credentials"][0]["credential"].is_string());
        let log = issuer.log();
        let entry = log.requests.last().expect("an entry");
        assert_eq!(
            (&entry.seen["answer_jwe"]["enc"], &entry.seen["request_jwe"]["enc"]),
            (&json!(enc), &json!("A128GCM"))
        );
    }
}

#[tokio::test]
async fn a_request_alone_may_be_encrypted() {
    let issuer = start(Encryption::RequestRequired).await;
    let token = token_for(&issuer, &[ID]).await;
    let key = request_key(&issuer).await;
    let body = body(&issuer).await.to_string();
    let mut header = header(&key);
    header["zip"] = json!("DEF");
    let answer = post(&issuer, "credential", &token, seal(&public(&key), header, body.as_bytes())).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert!(answer.json()["credentials"][0]["credential"].is_string());
}

#[tokio::test]
async fn plain_requests() {
    let code = "invalid_encryption_parameters";
    for (encryption, refused) in [
        (Encryption::Offered, false),
        (Encryption::RequestRequired, true),
        (Encryption::ResponseRequired, true),
        (Encryption::Required, true),
    ] {
        let issuer = start(encryption).await;
        let token = token_for(&issuer, &[ID]).await;
        let mut body = body(&issuer).await;
        let answer = request_credential(&issuer, &token, &body).await;
        if refused {
            answer.assert_refused("plain", 400, code);
        } else {
            assert_eq!(answer.status, 200);
        }
        body["credential_response_encryption"] = parameters();
        request_credential(&issuer, &token, &body).await.assert_refused("key in the open", 400, code);
    }
    let issuer = TestIssuer::start(Options::default()).await.expect("started");
    let token = token_for(&issuer, &[ID]).await;
    let message = seal(&secret(4).public_key(), header(&json!({"kid": "x"})), b"{}");
    post(&issuer, "credential", &token, message).await.assert_refused("not offered", 400, code);
}

type Change = fn(&mut Value);

#[tokio::test]
async fn bad_messages() {
    let options = Options { encryption: Encryption::Offered, ..Options::default() };
    let issuer = TestIssuer::start(options).await.expect("started");
    let token = token_for(&issuer, &[ID]).await;
    let key = request_key(&issuer).await;
    let code = "invalid_encryption_parameters";
    let cases: &[(&str, Change)] = &[
        ("no kid", |h| h["kid"] = Value::Null),
        ("another kid", |h| h["kid"] = json!("x")),
        ("another alg", |h| h["alg"] = json!("ECDH-ES+A128KW")),
        ("no alg", |h| h["alg"] = Value::Null),
        ("unlisted enc", |h| h["enc"] = json!("A128CBC-HS256")),
        ("unlisted zip", |h| h["zip"] = json!("DEF")),
        ("crit", |h| h["crit"] = json!(["x"])),
    ];
    for (case, change) in cases {
        let mut header = header(&key);
        change(&mut header);
        post(&issuer, "credential", &token, seal(&public(&key), header, b"{}")).await.assert_refused(case, 400, code);
    }
    let message = seal(&secret(9).public_key(), header(&key), b"{}");
    post(&issuer, "credential", &token, message).await.assert_refused("another key", 400, code);
    let message = seal(&public(&key), header(&key), b"{}");
    let five = message.replace("..", ".AAAA.");
    post(&issuer, "credential", &token, five).await.assert_refused("an encrypted key", 400, code);
    post(&issuer, "credential", &token, "a.b".into()).await.assert_refused("no JWE", 400, code);
    let malformed = "invalid_credential_request";
    post(&issuer, "credential", &token, message).await.assert_refused("nothing in it", 400, malformed);
    let message = seal(&public(&key), header(&key), b"[]");
    post(&issuer, "credential", &token, message).await.assert_refused("an array", 400, malformed);
}

#[tokio::test]
async fn bad_parameters() {
    let options = Options { encryption: Encryption::Required, ..Options::default() };
    let issuer = TestIssuer::start(options).await.expect("started");
    let code = "invalid_encryption_parameters";
    let cases: &[(&str, Change)] = &[
        ("not an object", |p| *p = json!("x")),
        ("no jwk", |p| p["jwk"] = Value::Null),
        ("no alg in the jwk", |p| p["jwk"]["alg"] = Value::Null),
        ("another alg in the jwk", |p| p["jwk"]["alg"] = json!("ECDH-ES+A256KW")),
        ("alg beside the jwk", |p| p["alg"] = json!("ECDH-ES")),
        ("private", |p| p["jwk"]["d"] = json!("AAAA")),
        ("off the curve", |p| p["jwk"]["y"] = p["jwk"]["x"].clone()),
        ("for signatures", |p| p["jwk"]["use"] = json!("sig")),
        ("kid a number", |p| p["jwk"]["kid"] = json!(1)),
        ("no enc", |p| p["enc"] = Value::Null),
        ("unlisted enc", |p| p["enc"] = json!("A192GCM")),
        ("unlisted zip", |p| p["zip"] = json!("DEF")),
    ];
    for (case, change) in cases {
        let mut parameters = parameters();
        change(&mut parameters);
        ask(&issuer, parameters).await.assert_refused(case, 400, code);
    }
    let token = token_for(&issuer, &[ID]).await;
    let key = request_key(&issuer).await;
    let message = seal(&public(&key), header(&key), body(&issuer).await.to_string().as_bytes());
    post(&issuer, "credential", &token, message).await.assert_refused("no parameters", 400, code);
    assert_eq!(ask(&issuer, parameters()).await.status, 200);
}

#[tokio::test]
async fn deferred_answers_need_the_parameters_again() {
    let options = Options { encryption: Encryption::Offered, deferred_waits: Some(1), ..Options::default() };
    let issuer = TestIssuer::start(options).await.expect("started");
    let token = token_for(&issuer, &[ID]).await;
    let key = request_key(&issuer).await;
    let mut body = body(&issuer).await;
    body["credential_response_encryption"] = parameters();
    let answer =
        post(&issuer, "credential", &token, seal(&public(&key), header(&key), body.to_string().as_bytes())).await;
    assert_eq!(answer.status, 202);
    let (_, content) = open(&secret(4), &answer.body).expect("it opens");
    let plain = json!({"transaction_id": content["transaction_id"]});
    let message = |body: &Value| seal(&public(&key), header(&key), body.to_string().as_bytes());
    let answer = post(&issuer, "deferred", &token, message(&plain)).await;
    assert_eq!((answer.status, answer.json()["interval"].clone()), (202, json!(1)));
    let mut again = plain.clone();
    again["credential_response_encryption"] = parameters();
    again["credential_response_encryption"]["jwk"] = {
        let mut other = jwk(&secret(6).public_key());
        other["alg"] = json!("ECDH-ES");
        other
    };
    let answer = post(&issuer, "deferred", &token, message(&again)).await;
    assert!(open(&secret(4), &answer.body).is_none());
    let (header, content) = open(&secret(6), &answer.body).expect("it opens with the newer key");
    assert!(header.get("kid").is_none() && content["credentials"][0]["credential"].is_string());
    // What is refused is refused in the open.
    post(&issuer, "deferred", &token, message(&again)).await.assert_refused("again", 400, "invalid_transaction_id");
}

#[tokio::test]
async fn faults() {
    let issuer = start(Encryption::Required).await;
    let with = async |fault: &str| {
        issuer.clear_faults();
        issuer.set_fault(fault).expect("a known name");
        let answer = ask(&issuer, parameters()).await;
        assert_eq!(answer.status, 200, "{fault}");
        answer
    };
    let answer = with("plain-answer").await;
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(answer.json()["credentials"][0]["credential"].is_string());
    assert!(open(&secret(4), &with("jwe-wrong-key").await.body).is_none());
    assert!(open(&secret(4), &with("jwe-tampered").await.body).is_none());
    let (header, _) = open(&secret(4), &with("jwe-wrong-enc").await.body).expect("it opens");
    assert_eq!(header["enc"], "A128GCM");
    let (header, _) = open(&secret(4), &with("jwe-no-kid").await.body).expect("it opens");
    assert!(header.get("kid").is_none());
    let (header, _) = open(&secret(4), &with("jwe-unasked-zip").await.body).expect("it opens");
    assert_eq!(header["zip"], "DEF");
    let answer = with("jwe-zip-bomb").await;
    assert!(answer.body.len() < 1 << 20);
    let (header, content) = open(&secret(4), &answer.body).expect("it opens");
    assert!(header["zip"] == "DEF" && content["credentials"][0]["credential"].is_string());

    issuer.clear_faults();
    issuer.set_fault("rotated-encryption-key").expect("a known name");
    let before = request_key(&issuer).await;
    ask(&issuer, parameters()).await.assert_refused("old key", 400, "invalid_encryption_parameters");
    assert_ne!(request_key(&issuer).await, before);
    assert_eq!(ask(&issuer, parameters()).await.status, 200);
}
