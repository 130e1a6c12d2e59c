//! Checking key proofs (`jwt`), strictly.

use serde_json::{Map, Value};
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

use crate::catalogue::{Configuration, PROOF_ALGS};
use crate::dialect::ProofKey;
use crate::encoding::unb64_standard;
use crate::issuer::Issuer;
use crate::jwt::Jwt;
use crate::key_attestation::{self, Attested};
use crate::keys::PublicKey;
use crate::options::KeyAttestation;
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

impl Holder {
    /// The holder of a key that goes by no name.
    pub(crate) fn of(key: PublicKey) -> Self {
        Self { key, kid: None }
    }
}

/// What a proof proves, and the nonce it did it with.
#[derive(Debug)]
pub(crate) struct Proven {
    pub(crate) holder: Holder,
    pub(crate) nonce: Option<String>,
    /// The key attestation it came with; the holder's key is one of its keys.
    pub(crate) attested: Option<Attested>,
}

/// Checks one proof; its nonces are left to the caller.
pub(crate) fn check(
    issuer: &Issuer,
    configuration: &Configuration,
    client_id: Option<&str>,
    jwt: &str,
) -> Result<Proven, Refusal> {
    examine(issuer, configuration, client_id, jwt)
        .map_err(|reason| Refusal::new("invalid_proof", format!("The proof: {reason}")))
}

fn examine(
    issuer: &Issuer,
    configuration: &Configuration,
    client_id: Option<&str>,
    jwt: &str,
) -> Result<Proven, String> {
    let jwt = Jwt::parse(jwt)?;
    jwt.check_header(Some("openid4vci-proof+jwt"), &PROOF_ALGS)?;
    if jwt.header.contains_key("trust_chain") {
        return Err("its header member trust_chain is not supported here".to_owned());
    }
    let attested = attested(issuer, configuration, &jwt.header)?;
    let holder = holder(issuer.dialect.proof_key, configuration, &jwt.header, attested.as_ref())?;
    let nonce = check_claims(issuer, client_id, &jwt)?;
    jwt.verify(&holder.key)?;
    Ok(Proven { holder, nonce, attested })
}

/// The key attestation in a proof's header.
fn attested(
    issuer: &Issuer,
    configuration: &Configuration,
    header: &Map<String, Value>,
) -> Result<Option<Attested>, String> {
    let wanted = issuer.options.key_attestation != KeyAttestation::Off && configuration.takes_key_attestations();
    match header.get("key_attestation") {
        None if wanted => Err("its header has no key_attestation, which is required".to_owned()),
        None => Ok(None),
        Some(_) if !wanted => Err("its header has a key_attestation, which nobody asked for".to_owned()),
        Some(text) => {
            let text = text.as_str().ok_or("its key_attestation is not a string")?;
            let attested = key_attestation::check(issuer, text, true);
            attested.map(Some).map_err(|reason| format!("its key_attestation: {reason}"))
        }
    }
}

fn holder(
    rule: ProofKey,
    configuration: &Configuration,
    header: &Map<String, Value>,
    attested: Option<&Attested>,
) -> Result<Holder, String> {
    let takes_jwk = configuration.takes_bare_keys();
    let chain = header.get("x5c");
    let (kid, jwk) = (header.get("kid"), header.get("jwk"));
    // Beside another name of the key it says something about it, and is not needed to find it.
    let beside = chain.filter(|_| rule == ProofKey::OneOfTwo && (kid.is_some() || jwk.is_some()));
    let holder = match (kid, jwk, chain.filter(|_| beside.is_none())) {
        (Some(kid), None, None) => {
            let kid = kid.as_str().ok_or("its kid is not a string")?;
            if let Some(attested) = attested {
                let key = kid.parse().ok().and_then(|index: usize| attested.keys.get(index));
                let key = key.filter(|_| kid == "0" || !kid.starts_with(['0', '+']));
                return Ok(Holder::of(key.cloned().ok_or("its kid is not the index of an attested key")?));
            }
            let method = kid.splitn(3, ':').take(2).collect::<Vec<_>>().join(":");
            if !configuration.binding.contains(&method.as_str()) {
                return Err(format!("its kid is not a DID URL of {}", configuration.binding.join(", ")));
            }
            let key = PublicKey::from_did_url(kid).map_err(|reason| format!("its kid: {reason}"))?;
            Holder { key, kid: Some(kid.to_owned()) }
        }
        (None, Some(_), None) | (None, None, Some(_)) if !takes_jwk => {
            return Err("the credential is bound to a DID, so its header needs a kid".to_owned());
        }
        (None, Some(jwk), None) => Holder::of(PublicKey::from_jwk(jwk).map_err(|reason| format!("its jwk: {reason}"))?),
        (None, None, Some(chain)) => Holder::of(certified(chain).map_err(|reason| format!("its x5c: {reason}"))?),
        _ => return Err("its header has to hold exactly one of kid, jwk and x5c".to_owned()),
    };
    if let Some(chain) = beside {
        let certified = certified(chain).map_err(|reason| format!("its x5c: {reason}"))?;
        if certified != holder.key {
            return Err("its x5c is about another key".to_owned());
        }
    }
    if attested.is_some_and(|attested| !attested.keys.contains(&holder.key)) {
        return Err("its key is none of the attested ones".to_owned());
    }
    Ok(holder)
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

fn check_claims(issuer: &Issuer, client_id: Option<&str>, jwt: &Jwt) -> Result<Option<String>, String> {
    if jwt.text("aud")? != issuer.id {
        return Err("its aud is not the credential issuer identifier".to_owned());
    }
    jwt.check_iat(issuer.now(), IAT_WINDOW)?;
    match (jwt.claims.get("iss"), client_id) {
        (None, _) => {}
        (Some(_), None) => {
            return Err("the access token is anonymous, so it must not have an iss".to_owned());
        }
        (Some(iss), Some(client)) if iss.as_str() == Some(client) => {}
        (Some(_), Some(_)) => return Err("its iss is not the client_id".to_owned()),
    }
    match (jwt.claims.get("nonce"), issuer.wants_nonces()) {
        (_, true) => Ok(Some(jwt.text("nonce")?.to_owned())),
        (Some(_), false) => Err("it has a nonce, but none was ever given".to_owned()),
        (None, false) => Ok(None),
    }
}
