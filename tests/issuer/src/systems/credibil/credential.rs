//! credibil's credential and deferred endpoints.

use std::io::Write as _;

use axum::response::Response;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::{Map, Value, json};

use super::{Credibil, Known, Refusal, failed, refusal};
use crate::encoding::{b64, b64_json, random_bytes, random_text, sha256_b64};
use crate::faults::Fault;
use crate::issuer::Issuer;
use crate::jwt;
use crate::keys::PublicKey;
use crate::systems::family::{Proof, bearer, json_body, proof, random, rejected};
use crate::systems::{Asked, answer, noted};

pub(super) fn credential(credibil: &Credibil, issuer: &Issuer, asked: &Asked) -> Response {
    let (token, body) = match bearer(asked).and_then(|token| Ok((token, json_body(asked)?))) {
        Ok(read) => read,
        Err(response) => return *response,
    };
    if issuer.faults.strikes(Fault::InvalidToken) {
        return failed(refusal("access_denied", "invalid access token"));
    }
    issue(credibil, issuer, token, &body).0
}

pub(super) fn deferred(credibil: &Credibil, issuer: &Issuer, asked: &Asked) -> Response {
    let (token, body) = match bearer(asked).and_then(|token| Ok((token, json_body(asked)?))) {
        Ok(read) => read,
        Err(response) => return *response,
    };
    let Some(id) = body["transaction_id"].as_str() else {
        let text = "Failed to deserialize the JSON body into the target type: missing field `transaction_id`";
        return rejected(422, text);
    };
    let Some(request) = credibil.book().deferred.get(id).cloned() else {
        return failed(refusal("invalid_transaction_id", "deferred state not found"));
    };
    let (response, put_off) = issue(credibil, issuer, token, &request);
    if put_off {
        // The interval is where the words should be.
        let pending = json!({"error": "issuance_pending", "error_description": 5});
        return noted(answer(400, &pending), "issuance_pending", "");
    }
    if response.status() == http::StatusCode::OK {
        credibil.book().deferred.remove(id);
    }
    response
}

/// The answer, and whether it puts the credential off.
fn issue(credibil: &Credibil, issuer: &Issuer, access: &str, body: &Value) -> (Response, bool) {
    // The framework reads one of the two, and stumbles over anything else.
    let named = ["credential_identifier", "credential_configuration_id"]
        .into_iter()
        .find_map(|name| Some((name == "credential_identifier", body[name].as_str()?)));
    let Some((by_identifier, name)) = named else {
        let reason = "no variant of enum RequestBy found in flattened data";
        return (rejected(422, &format!("Failed to deserialize the JSON body into the target type: {reason}")), false);
    };
    let checked = choose(credibil, access, by_identifier, name);
    let known = match checked {
        Ok(known) => known,
        Err(refusal) => return (failed(refusal), false),
    };
    // Data are looked for before anything is proven.
    if let Some(waits) = issuer.options.deferred_waits {
        let mut book = credibil.book();
        if let Some(token) = book.tokens.get_mut(access)
            && token.pending <= waits
        {
            token.pending += 1;
            let id = random();
            book.deferred.insert(id.clone(), body.clone());
            return (answer(200, &json!({"transaction_id": id})), true);
        }
    }
    match prove(credibil, issuer, access, body) {
        Err(refusal) => (failed(refusal), false),
        Ok(holders) => {
            let credentials: Vec<Value> =
                holders.iter().map(|holder| json!({"credential": make(credibil, issuer, known, holder)})).collect();
            let notification_id = random();
            credibil.book().notifications.push(notification_id.clone());
            (answer(200, &json!({"credentials": credentials, "notification_id": notification_id})), false)
        }
    }
}

fn choose(credibil: &Credibil, access: &str, by_identifier: bool, name: &str) -> Result<&'static Known, Refusal> {
    let book = credibil.book();
    let token = book.tokens.get(access).ok_or_else(|| refusal("access_denied", "invalid access token"))?;
    let fits = |known: &&&'static Known| name == if by_identifier { known.dataset } else { known.id };
    let Some(known) = token.configurations.iter().find(fits) else {
        return Err(refusal("invalid_credential_request", "unauthorized credential requested"));
    };
    if !by_identifier {
        let reason = "requesting credentials by `credential_configuration_id` is unsupported";
        return Err(refusal("invalid_credential_request", reason));
    }
    Ok(known)
}

/// The keys of all proofs, which share a nonce.
fn prove(credibil: &Credibil, issuer: &Issuer, access: &str, body: &Value) -> Result<Vec<Proof>, Refusal> {
    let bad = |reason: &str| refusal("invalid_proof", reason);
    let ended = credibil.book().tokens.get(access).is_none_or(|token| token.expires <= issuer.now());
    if ended {
        return Err(refusal("invalid_credential_request", "token state expired"));
    }
    let texts: Vec<&str> = match (&body["proof"], &body["proofs"]) {
        (single, _) if single["proof_type"] == "jwt" => single["jwt"].as_str().into_iter().collect(),
        (_, several) => several["jwt"].as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
    };
    if texts.is_empty() {
        return Err(bad("proof not set"));
    }
    let mut nonces = Vec::new();
    let mut holders = Vec::new();
    for text in texts {
        let proof = proof(text).map_err(|reason| bad(&reason))?;
        let typ = proof.jwt.header.get("typ").and_then(Value::as_str).unwrap_or_default();
        // The library has a spelling of its own, which no other wallet sends.
        let right = typ == "oid4vci-proof+jwt" || typ == "openid4vci-proof+jwt" && !credibil.as_is;
        if !right {
            return Err(bad("invalid proof type"));
        }
        let claim = |name: &str| proof.jwt.claims.get(name);
        if claim("aud").and_then(Value::as_str) != Some(&issuer.id) || !claim("iat").is_some_and(Value::is_i64) {
            return Err(bad("invalid proof issuer"));
        }
        let nonce = claim("nonce").and_then(Value::as_str);
        nonces.push(nonce.ok_or_else(|| bad("proof JWT nonce claim is missing"))?.to_owned());
        holders.push(proof);
    }
    nonces.dedup();
    let mut book = credibil.book();
    for nonce in nonces {
        // An unknown nonce is an error of the store.
        if !book.nonces.remove(&nonce) {
            return Err(refusal("server_error", "proof nonce claim: no matching item in state store"));
        }
    }
    Ok(holders)
}

fn claims() -> Map<String, Value> {
    let claims = json!({
        "given_name": "Erika",
        "family_name": "Mustermann",
        "email": "erika@example.com",
        "address": {"street_address": "Heidestraße 17", "locality": "Köln"},
    });
    claims.as_object().cloned().unwrap_or_default()
}

fn make(credibil: &Credibil, issuer: &Issuer, known: &Known, holder: &Proof) -> String {
    let id = &issuer.id;
    let stranger = credibil.identity.key.another();
    let key = if issuer.faults.strikes(Fault::BadSignature) { &stranger } else { &credibil.identity.key };
    let status = json!({"status_list": {"idx": 0, "uri": format!("{id}/statuslists/1")}});
    let wrong = issuer.faults.strikes(Fault::WrongKey);
    let (did, bound) = if wrong {
        (stranger.public().did_key(), stranger.public().to_jwk())
    } else {
        let multikey = holder.did.trim_start_matches("did:key:");
        let key = PublicKey::from_did_url(&format!("{}#{multikey}", holder.did)).map(|key| key.to_jwk());
        (holder.did.clone(), key.unwrap_or_default())
    };
    if known.format == "dc+sd-jwt" {
        let disclosures: Vec<String> =
            claims().iter().map(|(name, value)| b64_json(&json!([random_text(), name, value]))).collect();
        let payload = json!({
            "_sd": disclosures.iter().map(|disclosure| sha256_b64(disclosure)).collect::<Vec<_>>(),
            "_sd_alg": "sha-256",
            "vct": known.id,
            "iss": id,
            "iat": issuer.now(),
            "sub": did,
            "cnf": {"jwk": bound},
            "status": status,
        });
        let header = json!({"alg": "EdDSA", "typ": "dc+sd-jwt", "kid": credibil.identity.kid()});
        let credential = format!("{}~{}", jwt::sign(key, &header, &payload), disclosures.join("~"));
        // The library leaves out the last tilde, so that a disclosure stands where a key binding would.
        return if credibil.as_is { credential } else { format!("{credential}~") };
    }
    let contexts = if credibil.as_is { json!([]) } else { json!(["https://www.w3.org/2018/credentials/v1"]) };
    let credential_id = format!("{id}/credentials/{}", b64(random_bytes::<12>()));
    let mut subject = claims();
    subject.insert("id".to_owned(), json!(did));
    let payload = json!({
        "sub": did,
        "iss": id,
        "iat": issuer.now(),
        "jti": credential_id,
        "vc": {
            "@context": contexts,
            "id": credential_id,
            "type": ["VerifiableCredential", "EmployeeIDCredential"],
            "issuer": id,
            "credentialSubject": subject,
            "validFrom": null,
            "credentialStatus": {
                "id": status["status_list"]["uri"],
                "type": "tokenStatusListEntry",
                "status_list": status["status_list"],
            },
        },
    });
    jwt::sign(key, &json!({"alg": "EdDSA", "typ": "jwt", "kid": credibil.identity.kid()}), &payload)
}

/// A status list of one byte, signed like credentials.
pub(super) fn status_list(credibil: &Credibil, issuer: &Issuer) -> String {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    let bytes = [u8::from(credibil.as_is)];
    let list = encoder.write_all(&bytes).and_then(|()| encoder.finish()).expect("memory takes all");
    let claims = json!({
        "sub": format!("{}/statuslists/1", issuer.id),
        "iat": issuer.now(),
        "status_list": {"bits": 1, "lst": b64(list)},
    });
    let header = json!({"alg": "EdDSA", "typ": "statuslist+jwt", "kid": credibil.identity.kid()});
    jwt::sign(&credibil.identity.key, &header, &claims)
}
