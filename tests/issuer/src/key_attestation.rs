//! Checking key attestations (`OpenID4VCI` appendix D) and what the metadata asks of them.

use serde_json::{Value, json};

use crate::chain;
use crate::issuer::Issuer;
use crate::jwt::Jwt;
use crate::keys::PublicKey;
use crate::options::{KeyAttestation, Options};

/// Algorithms that an attestation may be signed with.
pub(crate) const ALGS: [&str; 1] = ["ES256"];
/// The levels of which one is needed, where levels are asked for.
const LEVELS: [&str; 2] = ["iso_18045_high", "iso_18045_moderate"];
/// The claims that hold levels.
const LEVEL_CLAIMS: [&str; 2] = ["key_storage", "user_authentication"];
/// Seconds that `iat` may be ahead.
const AHEAD: i64 = 300;

/// The metadata's `key_attestations_required`, if they are.
pub(crate) fn required(options: &Options) -> Option<Value> {
    match options.key_attestation {
        KeyAttestation::Off => None,
        KeyAttestation::Required => Some(json!({})),
        KeyAttestation::RequiredLevels => Some(json!({LEVEL_CLAIMS[0]: LEVELS, LEVEL_CLAIMS[1]: LEVELS})),
    }
}

/// What an attestation vouches for.
#[derive(Debug)]
pub(crate) struct Attested {
    pub(crate) keys: Vec<PublicKey>,
    pub(crate) nonce: Option<String>,
}

/// Checks an attestation; its nonce is left to the caller.
pub(crate) fn check(issuer: &Issuer, text: &str, inside_jwt_proof: bool) -> Result<Attested, String> {
    let jwt = Jwt::parse(text)?;
    jwt.check_header(Some(issuer.dialect.key_attestation_typ.ok_or("there are none here")?), &ALGS)?;
    if let Some(name) = ["kid", "jwk", "trust_chain"].iter().find(|name| jwt.header.contains_key(**name)) {
        return Err(format!("its key is found by x5c here, not by {name}"));
    }
    let x5c = jwt.header.get("x5c").ok_or("it has no x5c")?;
    let now = issuer.now();
    let key = chain::check(x5c, &issuer.attester_roots, now).map_err(|reason| format!("its x5c: {reason}"))?;
    jwt.verify(&key)?;
    if jwt.time("iat")? > now + AHEAD {
        return Err("its iat is in the future".to_owned());
    }
    match jwt.claims.contains_key("exp") {
        true if jwt.time("exp")? <= now => return Err("it has expired".to_owned()),
        false if inside_jwt_proof => return Err("it has no exp, which it needs in a jwt proof".to_owned()),
        _ => {}
    }
    for name in LEVEL_CLAIMS {
        check_levels(issuer, name, jwt.claims.get(name))?;
    }
    let nonce = match (jwt.claims.contains_key("nonce"), issuer.wants_nonces()) {
        (_, true) => Some(jwt.text("nonce")?.to_owned()),
        (true, false) => return Err("it has a nonce, but none was ever given".to_owned()),
        (false, false) => None,
    };
    Ok(Attested { keys: read_keys(issuer, jwt.claims.get("attested_keys"))?, nonce })
}

fn check_levels(issuer: &Issuer, name: &str, levels: Option<&Value>) -> Result<(), String> {
    let Some(levels) = levels else {
        return if issuer.options.key_attestation == KeyAttestation::RequiredLevels {
            Err(format!("it has no {name}"))
        } else {
            Ok(())
        };
    };
    let levels = levels
        .as_array()
        .filter(|levels| !levels.is_empty() && levels.iter().all(Value::is_string))
        .ok_or_else(|| format!("its {name} is not a filled array of strings"))?;
    let good = levels.iter().any(|level| LEVELS.iter().any(|known| level == known));
    if good || issuer.options.key_attestation != KeyAttestation::RequiredLevels {
        Ok(())
    } else {
        Err(format!("its {name} holds none of {}", LEVELS.join(", ")))
    }
}

fn read_keys(issuer: &Issuer, keys: Option<&Value>) -> Result<Vec<PublicKey>, String> {
    let values = keys.and_then(Value::as_array).filter(|keys| !keys.is_empty());
    let values = values.ok_or("its attested_keys is not a filled array")?;
    let limit = issuer.options.batch_size.max(1);
    if values.len() > limit {
        return Err(format!("it attests more than {limit} keys"));
    }
    let mut keys: Vec<PublicKey> = Vec::new();
    for value in values {
        let key = PublicKey::from_jwk(value).map_err(|reason| format!("an attested key: {reason}"))?;
        if keys.contains(&key) {
            return Err("it attests a key twice".to_owned());
        }
        keys.push(key);
    }
    Ok(keys)
}
