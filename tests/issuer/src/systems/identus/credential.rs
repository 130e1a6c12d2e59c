//! The agent's credential endpoint.

use axum::response::Response;
use serde_json::{Map, Value, json};

use super::{Identus, pending, problem};
use crate::faults::Fault;
use crate::issuer::Issuer;
use crate::jwt::{self, Jwt};
use crate::keys::Curve;
use crate::keys::PrivateKey;
use crate::subjects::{Kind, subject_claims};
use crate::systems::prism::Prism;
use crate::systems::{Asked, answer, refused};

/// A request that the agent's JSON reader has no objection to.
struct Request {
    proof: Option<Proof>,
    identifier: Option<String>,
    definition: Option<Definition>,
}

enum Proof {
    Jwt(String),
    /// Known by name only.
    Other,
}

struct Definition {
    contexts: Vec<String>,
    types: Vec<String>,
}

/// Issues a credential. The checks stand in the agent's order: what is read later may use up a
/// session although the request fails.
pub(super) fn issue(identus: &Identus, issuer: &Issuer, asked: &Asked) -> Response {
    let request = match read(&asked.body) {
        Ok(Some(request)) => request,
        // Of a format that can be read and not issued. The status of this code was forgotten.
        Ok(None) => {
            let detail = "An unexpected error occurred when processing the request";
            return problem(500, "InternalServerError", "Internal Server Error", detail);
        }
        Err(reason) => {
            let detail = format!(
                "An error occurred when decoding the request body: path=['POST {}'], details=[Invalid value for: body ({reason})]",
                asked.path.trim_start_matches(super::AGENT)
            );
            return problem(400, "RequestBodyDecodingFailure", "Request Body Decoding Failure", &detail);
        }
    };
    let Some(token) = asked.credentials("bearer").filter(|token| !token.is_empty()) else {
        return refused(401, "invalid_token", "Bearer token is not provided");
    };
    let active = identus.book().keycloak.tokens.get(token).is_some_and(|expires| *expires > issuer.now());
    if !active || issuer.faults.strikes(Fault::InvalidToken) {
        return refused(401, "invalid_token", "The accessToken is invalid.");
    }
    let jwt = match request.proof {
        Some(Proof::Jwt(jwt)) => jwt,
        Some(Proof::Other) => {
            return problem(500, "InternalServerError", "Internal Server Error", "an implementation is missing");
        }
        None => return bad_proof("empty", "No proof provided"),
    };
    let (subject, nonce) = match verify(identus, &jwt) {
        Ok(proven) => proven,
        Err(reason) => return bad_proof(&jwt, &reason),
    };
    {
        let mut book = identus.book();
        let Some(session) = pending(&mut book.sessions, |session| session.nonce == nonce) else {
            return bad_proof(&jwt, "nonce is not associated to the issuance session");
        };
        session.subject = Some(subject.clone());
    }
    let Some(definition) = request.definition else {
        let reason = "Unsupported credential type. Error: No credential definition provided";
        return refused(400, "unsupported_credential_type", reason);
    };
    let credential = credential(identus, issuer, &subject, request.identifier, definition);
    answer(200, &json!({"credential": credential}))
}

fn bad_proof(jwt: &str, reason: &str) -> Response {
    refused(400, "invalid_proof", &format!("Invalid proof: {jwt}. Error: {reason}"))
}

/// Reads a request as the agent's JSON reader does: `format` tells the kinds apart, unknown members are
/// passed over, known ones have to be of the right type.
fn read(body: &[u8]) -> Result<Option<Request>, String> {
    let value: Value = serde_json::from_slice(body).map_err(|_| "malformed".to_owned())?;
    let object = value.as_object().ok_or("expected '{'")?;
    match object.get("format").and_then(Value::as_str) {
        None => return Err("missing hint 'format'".to_owned()),
        Some("jwt_vc_json") => {}
        Some("anoncreds") if object.get("anoncreds").is_some_and(Value::is_string) => return Ok(None),
        Some("anoncreds") => return Err(".anoncreds(missing)".to_owned()),
        Some(_) => return Err("invalid disambiguator in 'format'".to_owned()),
    }
    let definition = match present(object, "credential_definition") {
        None => None,
        Some(definition) => Some(read_definition(definition)?),
    };
    if let Some(encryption) = present(object, "credential_response_encryption") {
        for name in ["jwk", "alg", "enc"] {
            text(encryption, name).map_err(|reason| format!(".credential_response_encryption{reason}"))?;
        }
    }
    let proof = match present(object, "proof") {
        None => None,
        Some(proof) => Some(match proof["proof_type"].as_str() {
            None => return Err(".proof(missing hint 'proof_type')".to_owned()),
            Some("jwt") => Proof::Jwt(text(proof, "jwt").map_err(|reason| format!(".proof{reason}"))?),
            Some("cwt" | "ldp_vp") => Proof::Other,
            Some(_) => return Err(".proof(invalid disambiguator in 'proof_type')".to_owned()),
        }),
    };
    let identifier = match present(object, "credential_identifier") {
        None => None,
        Some(Value::String(identifier)) => Some(identifier.clone()),
        Some(_) => return Err(".credential_identifier(expected '\"')".to_owned()),
    };
    Ok(Some(Request { proof, identifier, definition }))
}

fn present<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

fn text(object: &Value, name: &str) -> Result<String, String> {
    object[name].as_str().map(str::to_owned).ok_or_else(|| format!(".{name}(missing)"))
}

fn read_definition(definition: &Value) -> Result<Definition, String> {
    let strings = |name: &str| -> Result<Option<Vec<String>>, String> {
        match definition.get(name).filter(|value| !value.is_null()) {
            None => Ok(None),
            Some(value) => serde_json::from_value(value.clone())
                .map(Some)
                .map_err(|_| format!(".credential_definition.{name}(expected '[')")),
        }
    };
    // Each described claim has to have its display.
    if let Some(subject) = definition.get("credentialSubject").filter(|subject| !subject.is_null()) {
        let claims = subject.as_object().ok_or(".credential_definition.credentialSubject(expected '{')")?;
        if let Some((name, _)) = claims.iter().find(|(_, claim)| !claim["display"].is_array()) {
            return Err(format!(".credential_definition.credentialSubject[{name}].display(missing)"));
        }
    }
    Ok(Definition {
        contexts: strings("@context")?.unwrap_or_default(),
        types: strings("type")?.ok_or(".credential_definition.type(missing)")?,
    })
}

/// The holder's DID and the nonce of a proof. Neither `typ`, `aud` nor `iat` is looked at.
fn verify(identus: &Identus, text: &str) -> Result<(String, String), String> {
    let jwt = Jwt::parse(text)?;
    if !jwt.header.get("alg").is_some_and(Value::is_string) {
        return Err("Algorithm not found in JWT header".to_owned());
    }
    let kid = jwt.header.get("kid").and_then(Value::as_str).filter(|kid| !kid.is_empty());
    let kid = kid.ok_or("Key ID not found in JWT header")?;
    let (did, _) = kid.split_once('#').ok_or_else(|| format!("Verification method not found for keyId: {kid}"))?;
    let resolved = if did == identus.did.short { Ok(identus.did.clone()) } else { Prism::parse(did) };
    let prism = resolved.map_err(|reason| format!("Failed to resolve DID: {reason}"))?;
    let key = prism.key(kid).ok_or_else(|| format!("Verification method not found for keyId: {kid}"))?;
    jwt.verify(key).map_err(|_| format!("Jwt[{text}] not singed by the key"))?;
    let nonce = jwt.claims.get("nonce").and_then(Value::as_str).filter(|nonce| !nonce.is_empty());
    Ok((did.to_owned(), nonce.ok_or("Nonce not found in JWT payload")?.to_owned()))
}

/// A credential of the types and contexts that the wallet asked for. It does not expire and names no key.
fn credential(
    identus: &Identus,
    issuer: &Issuer,
    subject: &str,
    identifier: Option<String>,
    definition: Definition,
) -> String {
    let mut contexts = vec!["https://www.w3.org/2018/credentials/v1".to_owned()];
    let mut types = vec!["VerifiableCredential".to_owned()];
    for (into, from) in [(&mut contexts, definition.contexts), (&mut types, definition.types)] {
        for value in from {
            if !into.contains(&value) {
                into.push(value);
            }
        }
    }
    let holder = if issuer.faults.strikes(Fault::WrongKey) { identus.did.long.as_str() } else { subject };
    let mut claims = subject_claims(Kind::Degree);
    claims.insert("id".into(), json!(holder));
    let iss = if identus.published { &identus.did.short } else { &identus.did.long };
    let mut payload = json!({
        "iss": iss,
        "sub": holder,
        "nbf": issuer.now(),
        "vc": {"@context": contexts, "type": types, "credentialSubject": claims, "issuer": iss},
    });
    if let Some(identifier) = identifier {
        payload["jti"] = json!(identifier);
    }
    let stranger = PrivateKey::on(Curve::Secp256k1);
    let key = if issuer.faults.strikes(Fault::BadSignature) { &stranger } else { &identus.key };
    jwt::sign(key, &json!({"typ": "JWT", "alg": "ES256K"}), &payload)
}
