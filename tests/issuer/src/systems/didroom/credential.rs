//! `DIDroom`'s credential endpoint.

use axum::response::Response;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{Didroom, LDP_VC, SD_JWT, ldp_configuration, plain, stopped};
use crate::encoding::{b64_json, random_text, sha256_b64};
use crate::faults::Fault;
use crate::formats::{date, ldp};
use crate::issuer::Issuer;
use crate::jwt::{self, Jwt};
use crate::keys::PublicKey;
use crate::systems::{Asked, answer};

/// Seconds that a credential is valid.
const VALIDITY: i64 = 365 * 24 * 3600;

pub(super) fn credential(didroom: &Didroom, issuer: &Issuer, asked: &Asked) -> Response {
    if !asked.is_post() {
        return plain(405, "Method Not Allowed");
    }
    // To the letter: a charset behind it is another type.
    if asked.header("content-type") != Some("application/json") {
        return plain(415, "Unsupported Media Type");
    }
    let body: Value = match serde_json::from_slice(&asked.body) {
        Ok(body) => body,
        Err(error) => return stopped(500, &error.to_string()),
    };
    if let Some(name) = missing(&body, asked) {
        return plain(422, &format!("REQUIRED must have required property '{name}'"));
    }
    match issue(didroom, issuer, asked, &body) {
        Ok(credential) => answer(200, &json!({"credentials": [{"credential": credential}]})),
        Err(reason) => stopped(500, &reason),
    }
}

/// What the schema misses.
fn missing(body: &Value, asked: &Asked) -> Option<&'static str> {
    let texts = ["format", "credential_configuration_id"].into_iter().find(|name| !body[*name].is_string());
    let proof = ["jwt", "proof_type"].into_iter().find(|name| !body["proof"][*name].is_string());
    let header = asked.header("authorization").is_none().then_some("authorization");
    texts.or_else(|| proof.map(|_| "proof")).or(header)
}

fn issue(didroom: &Didroom, issuer: &Issuer, asked: &Asked, body: &Value) -> Result<Value, String> {
    // The script looks for this word, spelled like this.
    let header = asked.header("authorization").unwrap_or_default();
    let token = header.strip_prefix("bearer").ok_or("Prefix not found in authorization: bearer")?;
    let token = token.get(1..).unwrap_or_default();
    let proof = Jwt::parse(body["proof"]["jwt"].as_str().unwrap_or_default())?;
    let jwk = proof.header.get("jwk").ok_or("The jwk is not found in the header of jwt")?;
    proof.verify(&PublicKey::from_jwk(jwk)?)?;
    let nonce = proof.claims.get("nonce").and_then(Value::as_str).ok_or("Cannot find nonce")?;
    let book = didroom.book();
    let ends = book.nonces.get(nonce).ok_or("no such file: credential_issuer/nonces")?;
    let (_, expires) = book.tokens.get(token).ok_or("Given token is not valid")?;
    if *expires <= issuer.now() || issuer.faults.strikes(Fault::InvalidToken) {
        return Err("Given access token is expired".to_owned());
    }
    if *ends <= issuer.now() {
        return Err("timestamp is not less than nonce_expiry".to_owned());
    }
    // What the token was got for is handed to the code of the credential, which need not compare it. Nor is
    // `format` looked at.
    match body["credential_configuration_id"].as_str() {
        Some(SD_JWT) => sd_jwt(didroom, issuer, &proof, jwk),
        Some(LDP_VC) => Ok(ldp_vc(didroom, issuer)),
        _ => Err("no step of the chain was executed".to_owned()),
    }
}

fn claims() -> Map<String, Value> {
    Map::from_iter([("given_name".to_owned(), json!("Erika")), ("family_name".to_owned(), json!("Mustermann"))])
}

/// An SD-JWT with a `type` and without `vct`, in which every claim is hidden.
fn sd_jwt(didroom: &Didroom, issuer: &Issuer, proof: &Jwt, jwk: &Value) -> Result<Value, String> {
    let subject = proof.claims.get("iss").ok_or("Cannot find iss")?;
    let disclosures: Vec<String> =
        claims().iter().map(|(name, value)| b64_json(&json!([random_text(), name, value]))).collect();
    let stranger = didroom.issuer.key.another();
    let bound = if issuer.faults.strikes(Fault::WrongKey) { stranger.public().to_jwk() } else { jwk.clone() };
    let now = issuer.now();
    let payload = json!({
        "_sd": disclosures.iter().map(|disclosure| sha256_b64(disclosure)).collect::<Vec<_>>(),
        "_sd_alg": "sha-256",
        "cnf": {"jwk": bound},
        "exp": now + VALIDITY,
        "iat": now,
        "iss": issuer.id,
        "nbf": now,
        "sub": subject,
        "type": SD_JWT,
    });
    let key = if issuer.faults.strikes(Fault::BadSignature) { &stranger } else { &didroom.issuer.key };
    let jwt = jwt::sign(key, &json!({"alg": "ES256", "typ": "dc+sd-jwt"}), &payload);
    Ok(json!(format!("{jwt}~{}~", disclosures.join("~"))))
}

/// A credential with a Data Integrity proof, bound to nobody.
fn ldp_vc(didroom: &Didroom, issuer: &Issuer) -> Value {
    let configuration = ldp_configuration(issuer);
    let contexts = ldp::contexts(configuration);
    let now = issuer.now();
    let mut document = json!({
        "@context": contexts,
        "type": ["VerifiableCredential", configuration.kind.type_name()],
        "issuer": issuer.id,
        "credentialSubject": claims(),
        "validUntil": date(now + VALIDITY),
    });
    let mut proof = json!({
        "@context": contexts,
        "proofPurpose": "assertionMethod",
        "cryptosuite": "ecdsa-rdfc-2019",
        "type": "DataIntegrityProof",
        "verificationMethod": didroom.issuer.kid(),
        "created": date(now),
    });
    let hashes = [&proof, &document].map(|value| Sha256::digest(ldp::canonical(value, false)).to_vec());
    let stranger = didroom.issuer.key.another();
    let key = if issuer.faults.strikes(Fault::BadSignature) { &stranger } else { &didroom.issuer.key };
    let signature = key.sign(&hashes.concat());
    if let Some(proof) = proof.as_object_mut() {
        proof.remove("@context");
        proof.insert("proofValue".to_owned(), json!(format!("z{}", bs58::encode(signature).into_string())));
    }
    document["proof"] = proof;
    document
}
