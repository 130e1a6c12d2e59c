//! Key attestations (OpenID4VCI appendix D): what the wallet provider gave is held against what was asked
//! for, before an issuer sees it. A nonce is spent by showing it.

use serde_json::{Map, Value};

use crate::error::{Error, ErrorCode, Operation};
use crate::json;
use crate::model::credential::HolderKey;
use crate::model::jwk::Jwk;
use crate::model::profile::Profile;
use crate::model::time::Timestamp;
use crate::platform::provider::KeyAttestationRequest;
use crate::protocol::jwt;
use crate::verify::jose::{AlgorithmError, Jws};
use crate::verify::x509::Chain;

/// What an attestation is held against, beside the request that it answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) profile: Profile,
    pub(crate) now: Timestamp,
    /// Seconds that clocks may differ.
    pub(crate) skew: i64,
}

/// Refuses an attestation that is not what was asked for, or that no issuer could take.
pub(crate) fn check(attestation: &str, asked: &KeyAttestationRequest, rules: Rules) -> Result<(), Error> {
    examine(attestation, asked, rules).map_err(|problem| {
        Error::new(ErrorCode::AttestationUnusable, format!("the key attestation can't be used: {problem}"))
            .at(Operation::Proof)
    })
}

fn examine(attestation: &str, asked: &KeyAttestationRequest, rules: Rules) -> Result<(), String> {
    let jws = Jws::parse(attestation).map_err(|error| error.to_string())?;
    if jws.header_text("typ") != Some("key-attestation+jwt") {
        return Err("its `typ` is not `key-attestation+jwt`".to_owned());
    }
    check_algorithm(&jws, &asked.signing_algorithms)?;
    check_signer(&jws, asked, rules.profile)?;
    let claims = json::parse_object(&jws.payload).map_err(|_| "its payload is no JSON object".to_owned())?;
    check_time(&claims, asked.inside_jwt_proof, rules)?;
    check_keys(claims.get("attested_keys"), &asked.keys)?;
    check_level(&claims, "key_storage", &asked.key_storage)?;
    check_level(&claims, "user_authentication", &asked.user_authentication)?;
    match (claims.get("nonce"), &asked.nonce) {
        (None, None) => Ok(()),
        (Some(Value::String(nonce)), Some(wanted)) if nonce == wanted => Ok(()),
        (Some(_), None) => Err("it has a `nonce`, and none was given".to_owned()),
        _ => Err("its `nonce` is not the one that was given".to_owned()),
    }
}

/// An asymmetric algorithm, and one that the issuer lists. It may be one that this wallet cannot check.
fn check_algorithm(jws: &Jws<'_>, listed: &[String]) -> Result<(), String> {
    if let Err(error @ AlgorithmError::Refused(_)) = jws.algorithm() {
        return Err(error.to_string());
    }
    match jws.header_text("alg") {
        Some(name) if listed.iter().any(|listed| listed == name) => Ok(()),
        _ => Err(format!("its algorithm is none of {}", listed.join(", "))),
    }
}

/// There is a way to the signer's key, and where the key came along, the signature is by it.
fn check_signer(jws: &Jws<'_>, asked: &KeyAttestationRequest, profile: Profile) -> Result<(), String> {
    let has = |name: &str| jws.header.contains_key(name);
    if let Some(statements) = jws.header.get("trust_chain") {
        if jws.header_text("kid").is_none() {
            return Err("it has a `trust_chain` and no `kid`".to_owned());
        }
        let statements = statements.as_array().filter(|statements| !statements.is_empty());
        for statement in statements.ok_or("its `trust_chain` is no filled array")? {
            let statement = statement.as_str().and_then(|text| Jws::parse(text).ok());
            check_algorithm(&statement.ok_or("its `trust_chain` holds no JWTs")?, &asked.signing_algorithms)
                .map_err(|problem| format!("in its `trust_chain`: {problem}"))?;
        }
    }
    let Some(x5c) = jws.header.get("x5c") else {
        return if profile.is_haip() {
            Err("it has no `x5c`, which HAIP asks for".to_owned())
        } else if has("trust_chain") || jws.header_text("kid").is_some() {
            Ok(())
        } else {
            Err("nothing in it names the signer's key (`x5c`, `kid`, `trust_chain`)".to_owned())
        };
    };
    let chain = Chain::from_header(x5c).map_err(|error| error.to_string())?;
    if profile.is_haip() && chain.has_self_signed() {
        return Err("its `x5c` holds a self-signed certificate, which HAIP forbids".to_owned());
    }
    // An algorithm that is not known here is for the issuer to check.
    match (chain.leaf_key(), jws.algorithm()) {
        (Ok(key), Ok(algorithm)) => key
            .verify(algorithm, jws.signing_input.as_bytes(), &jws.signature)
            .map_err(|error| format!("by its certificate, {error}")),
        _ => Ok(()),
    }
}

fn check_time(claims: &Map<String, Value>, inside_jwt_proof: bool, rules: Rules) -> Result<(), String> {
    let Rules { now, skew, .. } = rules;
    let time = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => jwt::numeric_date(value).map(Some).ok_or_else(|| format!("its `{name}` is no number")),
    };
    match time("iat")? {
        None => return Err("it has no `iat`".to_owned()),
        Some(issued) if issued > now + skew => return Err("its `iat` is in the future".to_owned()),
        Some(_) => {}
    }
    match time("exp")? {
        None if inside_jwt_proof => Err("it has no `exp`, which it needs inside a `jwt` proof".to_owned()),
        Some(ends) if ends <= now => Err("it has expired".to_owned()),
        _ => Ok(()),
    }
}

/// Our keys, all of them and no others; their order is the provider's.
fn check_keys(attested: Option<&Value>, ours: &[HolderKey]) -> Result<(), String> {
    let attested = attested.and_then(Value::as_array).ok_or("its `attested_keys` is no array")?;
    let mut keys = Vec::with_capacity(attested.len());
    for value in attested {
        keys.push(Jwk::from_value(value).map_err(|error| format!("in its `attested_keys`: {error}"))?);
    }
    let all = ours.iter().all(|key| keys.contains(&key.public_jwk));
    if all && keys.len() == ours.len() {
        Ok(())
    } else {
        Err("its `attested_keys` are not the keys that it was asked for".to_owned())
    }
}

/// One of the levels that the issuer accepts. What is there has to have the right form in any case.
fn check_level(claims: &Map<String, Value>, name: &str, accepted: &[String]) -> Result<(), String> {
    let levels = match claims.get(name) {
        None => Vec::new(),
        Some(value) => {
            let texts =
                value.as_array().and_then(|values| values.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
            texts.filter(|texts| !texts.is_empty()).ok_or_else(|| format!("its `{name}` is no filled list of texts"))?
        }
    };
    if accepted.is_empty() || accepted.iter().any(|level| levels.contains(&level.as_str())) {
        return Ok(());
    }
    Err(format!("its `{name}` has none of {}", accepted.join(", ")))
}

#[cfg(test)]
#[path = "key_attestation_tests.rs"]
mod tests;
