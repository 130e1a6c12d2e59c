//! vercre's credential and deferred endpoints.

use axum::response::Response;
use serde_json::{Value, json};

use super::token::{ACCESS, NONCE};
use super::{Book, DATASET, LICENCE, SCOPE, Vercre, failed};
use crate::faults::Fault;
use crate::issuer::Issuer;
use crate::jwt;
use crate::systems::family::{bearer, json_body, proof, random, rejected};
use crate::systems::{Asked, answer, noted};

pub(super) fn credential(vercre: &Vercre, issuer: &Issuer, asked: &Asked) -> Response {
    let (token, body) = match bearer(asked).and_then(|token| Ok((token, json_body(asked)?))) {
        Ok(read) => read,
        Err(response) => return *response,
    };
    if issuer.faults.strikes(Fault::InvalidToken) {
        return failed("access_denied", "invalid access token");
    }
    issue(vercre, issuer, &mut vercre.book(), token, &body)
}

pub(super) fn deferred(vercre: &Vercre, issuer: &Issuer, asked: &Asked) -> Response {
    let (token, body) = match bearer(asked).and_then(|token| Ok((token, json_body(asked)?))) {
        Ok(read) => read,
        Err(response) => return *response,
    };
    let Some(id) = body["transaction_id"].as_str() else {
        return rejected(
            422,
            "Failed to deserialize the JSON body into the target type: missing field `transaction_id`",
        );
    };
    let mut book = vercre.book();
    // Asking ends the transaction: if the data are still pending there is a new one that nobody is told of.
    let Some(request) = book.deferred.remove(id) else {
        return failed("invalid_transaction_id", "deferred state not found");
    };
    let before = book.deferred.len();
    let response = issue(vercre, issuer, &mut book, token, &request);
    if book.deferred.len() > before {
        return noted(answer(500, &json!({"error": "issuance_pending", "interval": 5})), "issuance_pending", "");
    }
    response
}

/// What was asked for.
enum Wanted {
    Employee,
    Licence,
}

/// Issues a credential, or puts it off.
fn issue(vercre: &Vercre, issuer: &Issuer, book: &mut Book, access: &str, body: &Value) -> Response {
    // The framework reads an identifier or a format, and stumbles over anything else.
    let identifier = body["credential_identifier"].as_str();
    if identifier.is_none() && !is_format(body) {
        let reason = "data did not match any variant of untagged enum CredentialIssuance";
        return rejected(422, &format!("Failed to deserialize the JSON body into the target type: {reason}"));
    }
    let Some(token) = book.tokens.get(access) else {
        return failed("access_denied", "invalid access token");
    };
    let wanted = match (identifier, body["format"].as_str()) {
        (Some(DATASET), _) => Wanted::Employee,
        (Some(_), _) => return failed("invalid_credential_request", "unauthorized credential requested"),
        (None, Some("jwt_vc_json"))
            if body["credential_definition"]["type"] == json!(["VerifiableCredential", SCOPE]) =>
        {
            Wanted::Employee
        }
        (None, Some("mso_mdoc")) if body["doctype"] == LICENCE => Wanted::Licence,
        _ => {
            let reason = "invalid credential format: Credential Configuration not found";
            return failed("unsupported_credential_format", reason);
        }
    };
    if matches!(wanted, Wanted::Licence) {
        // No token is good for it.
        return failed("invalid_credential_request", "unauthorized credential requested");
    }
    if token.expires <= issuer.now() {
        return failed("invalid_credential_request", "token state expired");
    }
    if token.nonce_expires <= issuer.now() {
        return failed("access_denied", "c_nonce has expired");
    }
    let nonce = token.nonce.clone();
    let did = match proofs(body).and_then(|proofs| check(&proofs, &nonce)) {
        Ok(did) => did,
        Err(hint) => return bad_proof(issuer, book, access, &hint),
    };
    // Pending data are pending at the first look, and as often after that as was wished.
    if let Some(waits) = issuer.options.deferred_waits
        && let Some(token) = book.tokens.get_mut(access)
        && token.pending <= waits
    {
        token.pending += 1;
        let id = random();
        book.deferred.insert(id.clone(), body.clone());
        return answer(200, &json!({"transaction_id": id}));
    }
    let credential = make(vercre, issuer, &did);
    let nonce = renew(issuer, book, access);
    let notification_id = random();
    answer(
        200,
        &json!({
            "credential": credential,
            "c_nonce": nonce,
            "c_nonce_expires_in": NONCE,
            "notification_id": notification_id,
        }),
    )
}

/// Whether the request is one by format, as the library reads it.
fn is_format(body: &Value) -> bool {
    match body["format"].as_str() {
        Some("jwt_vc_json" | "ldp-vc" | "jwt_vc_json-ld") => body["credential_definition"].is_object(),
        Some("mso_mdoc") => body["doctype"].is_string(),
        Some("vc+sd-jwt") => body["vct"].is_string(),
        _ => false,
    }
}

/// The proofs of a request: one, or several.
fn proofs(body: &Value) -> Result<Vec<String>, String> {
    let proof = &body["proof"];
    if let (Some("jwt"), Some(jwt)) = (proof["proof_type"].as_str(), proof["jwt"].as_str()) {
        return Ok(vec![jwt.to_owned()]);
    }
    let several = body["proofs"]["jwt"]
        .as_array()
        .map(|proofs| proofs.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>());
    several.ok_or_else(|| "proof not set".to_owned())
}

/// The holder's DID, which is that of the last proof.
fn check(proofs: &[String], nonce: &str) -> Result<String, String> {
    let mut did = String::new();
    for text in proofs {
        let proof = proof(text)?;
        if proof.jwt.header.get("typ").and_then(Value::as_str) != Some("openid4vci-proof+jwt") {
            return Err("Proof JWT 'typ' is not Proof".to_owned());
        }
        // These have to be there to be read, and are not looked at.
        if !proof.jwt.claims.get("aud").is_some_and(Value::is_string)
            || !proof.jwt.claims.get("iat").is_some_and(Value::is_i64)
        {
            return Err("issue decoding JWT: missing field `aud` or `iat`".to_owned());
        }
        if proof.jwt.claims.get("nonce").and_then(Value::as_str) != Some(nonce) {
            return Err("Proof JWT nonce claim is invalid".to_owned());
        }
        did = proof.did;
    }
    Ok(did)
}

/// A new nonce for the token.
fn renew(issuer: &Issuer, book: &mut Book, access: &str) -> String {
    let nonce = random();
    if let Some(token) = book.tokens.get_mut(access) {
        token.nonce.clone_from(&nonce);
        token.nonce_expires = issuer.now() + NONCE;
        token.expires = issuer.now() + ACCESS;
    }
    nonce
}

fn bad_proof(issuer: &Issuer, book: &mut Book, access: &str, hint: &str) -> Response {
    let nonce = renew(issuer, book, access);
    let body = json!({
        "error": "invalid_proof",
        "error_description": hint,
        "c_nonce": nonce,
        "c_nonce_expires_in": NONCE,
    });
    noted(answer(500, &body), "invalid_proof", hint)
}

fn make(vercre: &Vercre, issuer: &Issuer, did: &str) -> String {
    let id = &issuer.id;
    let stranger = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";
    let holder = if issuer.faults.strikes(Fault::WrongKey) { stranger } else { did };
    let name = json!({"@value": "Employee ID", "@language": "en-NZ"});
    let claims = json!({
        "sub": holder,
        "nbf": null,
        "iss": id,
        "iat": issuer.now(),
        "jti": format!("{id}/credentials/{SCOPE}"),
        "vc": {
            "@context": ["https://www.w3.org/2018/credentials/v1", format!("{id}/credentials/v1")],
            "id": format!("{id}/credentials/{SCOPE}"),
            "type": ["VerifiableCredential", SCOPE],
            "name": name,
            "issuer": id,
            "credentialSubject": {
                "id": holder,
                "given_name": "Erika",
                "family_name": "Mustermann",
                "email": "erika@example.com",
                "address": {"street_address": "Heidestraße 17", "locality": "Köln"},
            },
            "validFrom": null,
        },
    });
    let stranger = vercre.identity.key.another();
    let key = if issuer.faults.strikes(Fault::BadSignature) { &stranger } else { &vercre.identity.key };
    jwt::sign(key, &json!({"alg": "EdDSA", "typ": "jwt", "kid": vercre.identity.kid()}), &claims)
}
