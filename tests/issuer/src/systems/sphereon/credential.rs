//! Sphereon's credential endpoint.

use axum::response::Response;
use serde_json::{Value, json};

use super::{LIFETIME, Sphereon};
use crate::catalogue::Configuration;
use crate::faults::Fault;
use crate::formats::{self, Mistakes};
use crate::issuer::Issuer;
use crate::jwt::Jwt;
use crate::keys::PublicKey;
use crate::proof::Holder;
use crate::subjects::subject_claims;
use crate::systems::{Asked, answer, noted, refused};
use crate::wishes::Wishes;

/// Seconds that a proof may be younger than its nonce.
const WINDOW: i64 = 180;

pub(super) fn credential(sphereon: &Sphereon, issuer: &Issuer, asked: &Asked) -> Response {
    let token = asked.credentials("bearer").and_then(|token| sphereon.book().tokens.get(token).cloned());
    let token = token.filter(|(_, expires)| *expires > issuer.now() && !issuer.faults.strikes(Fault::InvalidToken));
    let Some((code, _)) = token else {
        return noted(answer(400, &json!({"error": "invalid_token"})), "invalid_token", "");
    };
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
    match issue(sphereon, issuer, &code, &body) {
        Ok(answered) => answer(200, &answered),
        // Whatever goes wrong is an internal error with the code of a bad request.
        Err(reason) => refused(500, "invalid_request", &reason),
    }
}

fn issue(sphereon: &Sphereon, issuer: &Issuer, code: &str, body: &Value) -> Result<Value, String> {
    let configuration = choose(sphereon, issuer, code, body)?;
    let (holder, nonce) = prove(sphereon, issuer, body)?;
    let mistakes = Mistakes::draw(issuer);
    let subject = subject_claims(configuration.kind);
    let credential = formats::make(issuer, configuration, subject, Some(&holder), &Wishes::default(), &mistakes);
    let fresh = sphereon.new_nonce(issuer);
    let mut book = sphereon.book();
    book.nonces.remove(&nonce);
    let notification_id = book.sessions.get(code).map(|session| session.notification_id.clone());
    let mut answered = json!({"c_nonce": fresh, "c_nonce_expires_in": LIFETIME, "notification_id": notification_id});
    if sphereon.is_old() {
        answered["credential"] = credential;
    } else {
        answered["credentials"] = json!([{"credential": credential}]);
    }
    Ok(answered)
}

/// What is asked for: in the old release by format, in the new one by an id. Neither is held against the
/// offer.
fn choose<'a>(sphereon: &Sphereon, issuer: &'a Issuer, code: &str, body: &Value) -> Result<&'a Configuration, String> {
    let known = sphereon.configurations(issuer);
    let by_id = |id: &str| known.iter().find(|known| known.id == id).copied();
    let offered = || {
        let id = sphereon.book().sessions.get(code).map(|session| session.configuration.clone());
        id.and_then(|id| by_id(&id)).ok_or_else(|| "Credential Offer missing".to_owned())
    };
    if body["credential_identifier"].is_string() {
        return offered();
    }
    if sphereon.is_old() {
        let Some(format) = body["format"].as_str() else {
            let reason = "credential request should either have a credential_identifier or format and type";
            return Err(reason.to_owned());
        };
        return known.iter().find(|known| known.format.id() == format).copied().ok_or_else(|| "invalid_request".into());
    }
    let Some(id) = body["credential_configuration_id"].as_str() else {
        let reason = "credential request should have either credential_identifier or credential_configuration_id";
        return Err(reason.to_owned());
    };
    by_id(id).ok_or_else(|| format!("credential configuration {id} is not supported"))
}

/// The key of the proof, and its nonce.
fn prove(sphereon: &Sphereon, issuer: &Issuer, body: &Value) -> Result<(Holder, String), String> {
    let single = body["proof"]["jwt"].as_str();
    // Of several proofs the first one counts.
    let plural = body["proofs"]["jwt"][0].as_str().filter(|_| !sphereon.is_old());
    let Some(text) = single.or(plural) else {
        return Err("Proof of possession is required. No proof value present in credential request".to_owned());
    };
    let jwt = Jwt::parse(text)?;
    let holder = holder(&jwt)?;
    jwt.verify(&holder.key).map_err(|_| "signature verification failed".to_owned())?;
    let claim = |name: &str| jwt.claims.get(name);
    let Some(nonce) = claim("nonce").and_then(Value::as_str).filter(|nonce| !nonce.is_empty()) else {
        return Err("No nonce was found in the Proof of Possession".to_owned());
    };
    let created = sphereon.book().nonces.get(nonce).copied();
    let Some(created) = created else {
        return Err(format!("issuer state or pre-authorized key not found ({nonce})"));
    };
    if jwt.header.get("typ").and_then(Value::as_str) != Some("openid4vci-proof+jwt") {
        return Err("Typ must be \"openid4vci-proof+jwt\"".to_owned());
    }
    // An array is another thing than the text in it.
    if claim("aud").and_then(Value::as_str) != Some(&issuer.id) {
        return Err("aud must be the URL of the credential issuer".to_owned());
    }
    let iat = claim("iat").and_then(Value::as_f64).filter(|iat| *iat != 0.0);
    let latest = f64::from(u32::try_from(created + WINDOW).expect("before 2106"));
    if iat.is_none_or(|iat| iat > latest) {
        return Err("iat must be the time at which the proof was issued".to_owned());
    }
    Ok((holder, nonce.to_owned()))
}

fn holder(jwt: &Jwt) -> Result<Holder, String> {
    let kid = jwt.header.get("kid").and_then(Value::as_str);
    let jwk = jwt.header.get("jwk");
    if jwt.header.contains_key("x5c") {
        return Err(if kid.is_some() || jwk.is_some() {
            "Only one must be present: x5c should not present when kid and/or jwk is already present"
        } else {
            "certificates are not known to whoever runs this"
        }
        .to_owned());
    }
    match (jwk, kid) {
        (Some(jwk), _) => Ok(Holder::of(PublicKey::from_jwk(jwk)?)),
        (None, Some(kid)) => Ok(Holder { key: PublicKey::from_did_url(kid)?, kid: Some(kid.to_owned()) }),
        (None, None) => Err("A DID value needs to be returned when kid is present".to_owned()),
    }
}
