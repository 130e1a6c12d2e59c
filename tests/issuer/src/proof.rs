//! Checking key proofs (`jwt`), strictly.

use serde_json::{Map, Value};
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

use crate::catalogue::{Configuration, PROOF_ALGS};
use crate::encoding::{unb64, unb64_standard};
use crate::issuer::Issuer;
use crate::keys::PublicKey;
use crate::refusal::Refusal;

/// Seconds that `iat` may be off.
const IAT_WINDOW: u64 = 300;

/// A key whose possession was shown.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    pub(crate) key: PublicKey,
    /// The DID URL it was named by.
    pub(crate) kid: Option<String>,
}

/// What a proof proves, and the nonce it did it with.
#[derive(Debug)]
pub(crate) struct Proven {
    pub(crate) holder: Holder,
    pub(crate) nonce: Option<String>,
}

/// Checks one proof; its nonce is left to the caller.
pub(crate) fn check(
    issuer: &Issuer,
    configuration: &Configuration,
    client_id: Option<&str>,
    jwt: &str,
) -> Result<Proven, Refusal> {
    examine(issuer, configuration, client_id, jwt).map_err(|reason| Refusal::new("invalid_proof", reason))
}

fn examine(
    issuer: &Issuer,
    configuration: &Configuration,
    client_id: Option<&str>,
    jwt: &str,
) -> Result<Proven, String> {
    let parts: Vec<&str> = jwt.split('.').collect();
    let [header_text, claims_text, signature] = parts[..] else {
        return Err("The proof is not a compact JWS".to_owned());
    };
    let header = object(header_text).ok_or("The proof's header is not JSON in base64url")?;
    let claims = object(claims_text).ok_or("The proof's claims are not JSON in base64url")?;
    let signature = unb64(signature).ok_or("The proof's signature is not base64url")?;

    let text = |name: &str| header.get(name).and_then(Value::as_str);
    if text("typ") != Some("openid4vci-proof+jwt") {
        return Err("The proof's typ is not openid4vci-proof+jwt".to_owned());
    }
    let alg = text("alg").ok_or("The proof has no alg")?;
    if !PROOF_ALGS.contains(&alg) {
        return Err(format!("The proof's alg {alg} is not one of {}", PROOF_ALGS.join(", ")));
    }
    if let Some(name) = ["crit", "key_attestation", "trust_chain"].iter().find(|name| header.contains_key(**name)) {
        return Err(format!("The proof's header member {name} is not supported here"));
    }
    let holder = holder(configuration, &header)?;
    if holder.key.alg() != alg {
        return Err(format!("The proof's alg is {alg}, but its key is for {}", holder.key.alg()));
    }
    let nonce = check_claims(issuer, client_id, &claims)?;
    let input = format!("{header_text}.{claims_text}");
    if !holder.key.verifies(input.as_bytes(), &signature) {
        return Err("The proof's signature does not verify with the key in its header".to_owned());
    }
    Ok(Proven { holder, nonce })
}

fn object(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&unb64(text)?).ok()
}

fn holder(configuration: &Configuration, header: &Map<String, Value>) -> Result<Holder, String> {
    let takes_jwk = configuration.binding.contains(&"jwk");
    let only_one = "The proof's header has to hold exactly one of kid, jwk and x5c";
    match (header.get("kid"), header.get("jwk"), header.get("x5c")) {
        (Some(kid), None, None) => {
            let kid = kid.as_str().ok_or("The proof's kid is not a string")?;
            let method = kid.splitn(3, ':').take(2).collect::<Vec<_>>().join(":");
            if !configuration.binding.contains(&method.as_str()) {
                return Err(format!("The proof's kid is not a DID URL of {}", configuration.binding.join(", ")));
            }
            let key = PublicKey::from_did_url(kid).map_err(|reason| format!("The proof's kid: {reason}"))?;
            Ok(Holder { key, kid: Some(kid.to_owned()) })
        }
        (None, Some(_), None) | (None, None, Some(_)) if !takes_jwk => {
            Err("This credential is bound to a DID, so the proof's header needs a kid".to_owned())
        }
        (None, Some(jwk), None) => {
            let key = PublicKey::from_jwk(jwk).map_err(|reason| format!("The proof's jwk: {reason}"))?;
            Ok(Holder { key, kid: None })
        }
        (None, None, Some(chain)) => {
            let key = certified(chain).map_err(|reason| format!("The proof's x5c: {reason}"))?;
            Ok(Holder { key, kid: None })
        }
        _ => Err(only_one.to_owned()),
    }
}

fn certified(chain: &Value) -> Result<PublicKey, String> {
    let first = chain
        .as_array()
        .and_then(|chain| chain.first())
        .and_then(Value::as_str)
        .ok_or("it is not a filled array of strings")?;
    let der = unb64_standard(first).ok_or("it is not base64")?;
    let certificate = Certificate::from_der(&der).map_err(|_| "its first entry is no certificate".to_owned())?;
    let spki = certificate
        .tbs_certificate()
        .subject_public_key_info()
        .to_der()
        .map_err(|_| "its key cannot be read".to_owned())?;
    PublicKey::from_spki(&spki)
}

fn check_claims(
    issuer: &Issuer,
    client_id: Option<&str>,
    claims: &Map<String, Value>,
) -> Result<Option<String>, String> {
    match claims.get("aud") {
        Some(Value::String(aud)) if *aud == issuer.id => {}
        Some(Value::String(_)) => {
            return Err("The proof's aud is not the credential issuer identifier".to_owned());
        }
        Some(_) => return Err("The proof's aud is not a string".to_owned()),
        None => return Err("The proof has no aud".to_owned()),
    }
    let iat = claims.get("iat").ok_or("The proof has no iat")?;
    let iat = iat.as_i64().ok_or("The proof's iat is not a whole number")?;
    if iat.abs_diff(issuer.now()) > IAT_WINDOW {
        return Err("The proof's iat is more than 300 seconds off".to_owned());
    }
    match (claims.get("iss"), client_id) {
        (None, _) => {}
        (Some(_), None) => {
            return Err("The access token is anonymous, so the proof must not have an iss".to_owned());
        }
        (Some(iss), Some(client)) if iss.as_str() == Some(client) => {}
        (Some(_), Some(_)) => return Err("The proof's iss is not the client_id".to_owned()),
    }
    match (claims.get("nonce"), issuer.options.nonce_endpoint) {
        (Some(Value::String(nonce)), true) => Ok(Some(nonce.clone())),
        (Some(_), true) => Err("The proof's nonce is not a string".to_owned()),
        (None, true) => Err("The proof has no nonce, but there is a nonce endpoint".to_owned()),
        (Some(_), false) => Err("The proof has a nonce, but none was ever given".to_owned()),
        (None, false) => Ok(None),
    }
}
