//! The `proofs` of a credential request: which types are taken, how many, and for which keys.

use serde_json::{Value, json};

use crate::catalogue::Configuration;
use crate::credential::malformed;
use crate::data_integrity;
use crate::issuer::Issuer;
use crate::key_attestation;
use crate::proof::{self, Holder, Proven};
use crate::refusal::Refusal;

/// The keys that a request's `proofs` are for; none for a credential that is bound to no key.
pub(crate) fn read(
    issuer: &Issuer,
    configuration: &Configuration,
    client_id: Option<&str>,
    proofs: Option<&Value>,
) -> Result<Vec<Holder>, Refusal> {
    let Some(proofs) = proofs else {
        return if configuration.is_bound() {
            Err(Refusal::new("invalid_proof", "proofs is missing, this credential is bound to a key"))
        } else {
            Ok(Vec::new())
        };
    };
    if !configuration.is_bound() {
        return Err(malformed("This configuration has no proof_types_supported, so proofs has no place"));
    }
    let proofs = proofs.as_object().ok_or_else(|| malformed("proofs is not an object"))?;
    let mut members = proofs.iter();
    let (Some((kind, values)), None) = (members.next(), members.next()) else {
        return Err(malformed("proofs has to have exactly one member"));
    };
    if !configuration.proof_types(&issuer.options).contains_key(kind) {
        return Err(Refusal::new("invalid_proof", format!("The proof type {kind} is not supported")));
    }
    let values = values
        .as_array()
        .filter(|values| !values.is_empty())
        .ok_or_else(|| malformed(format!("proofs.{kind} is not a filled array")))?;
    let limit = issuer.options.batch_size.max(1);
    if values.len() > limit {
        return Err(malformed(format!("There are more than {limit} proofs")));
    }
    let (holders, nonces) = match kind.as_str() {
        "jwt" => read_jwts(issuer, configuration, client_id, values)?,
        "di_vp" => read_presentations(issuer, configuration, values)?,
        _ => read_attestation(issuer, values)?,
    };
    spend(issuer, &nonces)?;
    Ok(holders)
}

/// What the log says of proofs that were taken.
pub(crate) fn describe(proofs: Option<&Value>, holders: &[Holder]) -> Option<Value> {
    let (kind, values) = proofs?.as_object()?.iter().next()?;
    Some(json!({"type": kind, "count": values.as_array().map(Vec::len), "keys": holders.len()}))
}

type Shown = (Vec<Holder>, Vec<String>);

fn read_jwts(
    issuer: &Issuer,
    configuration: &Configuration,
    client_id: Option<&str>,
    values: &[Value],
) -> Result<Shown, Refusal> {
    let mut holders: Vec<Holder> = Vec::new();
    let mut nonces = Vec::new();
    for value in values {
        let jwt = value.as_str().ok_or_else(|| malformed("A proof is not a string"))?;
        let Proven { holder, nonce, attested } = proof::check(issuer, configuration, client_id, jwt)?;
        nonces.extend(nonce);
        let Some(attested) = attested else {
            if holders.iter().any(|known| known.key == holder.key) {
                return Err(Refusal::new("invalid_proof", "Two proofs are for the same key"));
            }
            holders.push(holder);
            continue;
        };
        if values.len() > 1 {
            let message = "One proof is enough for all keys of a key attestation, and one has to do";
            return Err(Refusal::new("invalid_proof", message));
        }
        nonces.extend(attested.nonce);
        holders = attested.keys.into_iter().map(Holder::of).collect();
    }
    Ok((holders, nonces))
}

fn read_presentations(issuer: &Issuer, configuration: &Configuration, values: &[Value]) -> Result<Shown, Refusal> {
    let mut holders: Vec<Holder> = Vec::new();
    let mut nonces = Vec::new();
    for value in values {
        let presented = data_integrity::check(issuer, configuration, value)
            .map_err(|reason| Refusal::new("invalid_proof", format!("The presentation: {reason}")))?;
        if holders.iter().any(|known| known.key == presented.holder.key) {
            return Err(Refusal::new("invalid_proof", "Two presentations are for the same key"));
        }
        holders.push(presented.holder);
        nonces.extend(presented.nonce);
    }
    Ok((holders, nonces))
}

fn read_attestation(issuer: &Issuer, values: &[Value]) -> Result<Shown, Refusal> {
    let [value] = values else {
        return Err(malformed("proofs.attestation is not an array of exactly one"));
    };
    let jwt = value.as_str().ok_or_else(|| malformed("The key attestation is not a string"))?;
    let attested = key_attestation::check(issuer, jwt, false)
        .map_err(|reason| Refusal::new("invalid_proof", format!("The key attestation: {reason}")))?;
    Ok((attested.keys.into_iter().map(Holder::of).collect(), attested.nonce.into_iter().collect()))
}

/// Uses up the nonces of a request; several proofs of one request may share one.
fn spend(issuer: &Issuer, nonces: &[String]) -> Result<(), Refusal> {
    let now = issuer.now();
    let mut book = issuer.book();
    if nonces.iter().any(|nonce| book.nonces.get(nonce).is_none_or(|expires| *expires <= now)) {
        return Err(Refusal::new("invalid_nonce", "The nonce is unknown, was used before or has expired"));
    }
    for nonce in nonces {
        book.nonces.remove(nonce);
    }
    Ok(())
}
