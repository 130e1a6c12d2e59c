//! The key proofs of a credential request: which types are taken, how many, and for which keys.

use serde_json::{Map, Value, json};

use crate::catalogue::Configuration;
use crate::credential::malformed;
use crate::data_integrity;
use crate::dialect::ProofMember;
use crate::issuer::Issuer;
use crate::key_attestation;
use crate::proof::{self, Holder, Proven};
use crate::refusal::Refusal;

/// What the proofs of a request show.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    /// The keys; none for a credential that is bound to no key.
    pub(crate) holders: Vec<Holder>,
    /// The nonces in the proofs, which are still to be used up.
    pub(crate) nonces: Vec<String>,
    /// Whether there could have been several.
    pub(crate) plural: bool,
    /// Type and number.
    sent: Option<(String, usize)>,
}

impl Shown {
    /// What the log says of proofs that were taken.
    pub(crate) fn describe(&self) -> Option<Value> {
        let (kind, count) = self.sent.as_ref()?;
        Some(json!({"type": kind, "count": count, "keys": self.holders.len()}))
    }
}

fn wrong(reason: impl AsRef<str>) -> Refusal {
    Refusal::new("invalid_proof", reason)
}

/// Reads the proofs of a request.
pub(crate) fn read(
    issuer: &Issuer,
    configuration: &Configuration,
    client_id: Option<&str>,
    request: &Map<String, Value>,
) -> Result<Shown, Refusal> {
    let member = issuer.dialect.proofs;
    let (one, several) = match (request.get("proof"), request.get("proofs")) {
        (Some(_), Some(_)) if member == ProofMember::Either => {
            return Err(wrong("proof and proofs exclude each other"));
        }
        (one, several) => {
            (one.filter(|_| member != ProofMember::Proofs), several.filter(|_| member != ProofMember::Proof))
        }
    };
    if one.is_none() && several.is_none() {
        let name = if member == ProofMember::Proofs { "proofs" } else { "proof" };
        return if configuration.is_bound() {
            Err(wrong(format!("{name} is missing, this credential is bound to a key")))
        } else {
            Ok(Shown::default())
        };
    }
    if !configuration.is_bound() {
        return Err(malformed("This configuration is bound to no key, so proofs have no place"));
    }
    let (kind, values) = match (one, several) {
        (Some(one), _) => single(one)?,
        (None, several) => plural(issuer, several.expect("one of both is there"))?,
    };
    if !configuration.proof_types(&issuer.options, &issuer.dialect).contains_key(&kind) {
        return Err(wrong(format!("The proof type {kind} is not supported")));
    }
    if values.is_empty() {
        return Err(malformed(format!("proofs.{kind} is not a filled array")));
    }
    let limit = issuer.options.batch_size.max(1);
    if values.len() > limit {
        return Err(malformed(format!("There are more than {limit} proofs")));
    }
    let (holders, nonces) = match kind.as_str() {
        "jwt" => read_jwts(issuer, configuration, client_id, &values)?,
        "attestation" => read_attestation(issuer, &values)?,
        _ => read_presentations(issuer, configuration, &values)?,
    };
    Ok(Shown { holders, nonces, plural: several.is_some(), sent: Some((kind, values.len())) })
}

/// `proof`: its type, and the member that goes by that name.
fn single(proof: &Value) -> Result<(String, Vec<Value>), Refusal> {
    let proof = proof.as_object().ok_or_else(|| malformed("proof is not an object"))?;
    let kind = proof.get("proof_type").and_then(Value::as_str).ok_or_else(|| wrong("proof has no proof_type"))?;
    let value = proof.get(kind).ok_or_else(|| wrong(format!("proof has no {kind}")))?;
    match proof.keys().find(|name| *name != "proof_type" && *name != kind) {
        Some(name) => Err(wrong(format!("The member {name} of proof is not known"))),
        None => Ok((kind.to_owned(), vec![value.clone()])),
    }
}

/// `proofs`: its only member.
fn plural(issuer: &Issuer, proofs: &Value) -> Result<(String, Vec<Value>), Refusal> {
    if issuer.dialect.proofs == ProofMember::Either && issuer.options.batch_size < 2 {
        return Err(malformed("The metadata has no batch_credential_issuance, so proofs has no place"));
    }
    let proofs = proofs.as_object().ok_or_else(|| malformed("proofs is not an object"))?;
    let mut members = proofs.iter();
    let (Some((kind, values)), None) = (members.next(), members.next()) else {
        return Err(malformed("proofs has to have exactly one member"));
    };
    let values = values.as_array().ok_or_else(|| malformed(format!("proofs.{kind} is not a filled array")))?;
    Ok((kind.clone(), values.clone()))
}

type Read = (Vec<Holder>, Vec<String>);

fn read_jwts(
    issuer: &Issuer,
    configuration: &Configuration,
    client_id: Option<&str>,
    values: &[Value],
) -> Result<Read, Refusal> {
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

fn read_presentations(issuer: &Issuer, configuration: &Configuration, values: &[Value]) -> Result<Read, Refusal> {
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

fn read_attestation(issuer: &Issuer, values: &[Value]) -> Result<Read, Refusal> {
    let [value] = values else {
        return Err(malformed("proofs.attestation is not an array of exactly one"));
    };
    let jwt = value.as_str().ok_or_else(|| malformed("The key attestation is not a string"))?;
    let attested = key_attestation::check(issuer, jwt, false)
        .map_err(|reason| Refusal::new("invalid_proof", format!("The key attestation: {reason}")))?;
    Ok((attested.keys.into_iter().map(Holder::of).collect(), attested.nonce.into_iter().collect()))
}
