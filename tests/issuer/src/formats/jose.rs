//! Signing compact JWS, rightly or wrongly.

use serde_json::{Map, Value, json};

use super::{Mistakes, turn_bit};
use crate::encoding::{b64, b64_json, b64_standard};
use crate::faults::{Fault, Spoil};
use crate::raw;
use crate::signers::Signer;

/// The header that leads to the signer's key.
pub(crate) fn header(typ: &str, signer: &Signer) -> Map<String, Value> {
    let mut header = Map::new();
    header.insert("alg".into(), json!(signer.key.public().alg()));
    header.insert("typ".into(), json!(typ));
    if let Some(kid) = &signer.kid {
        header.insert("kid".into(), json!(kid));
    }
    if let Some(certificates) = &signer.certificates {
        header.insert("x5c".into(), certificates.iter().map(b64_standard).collect());
    }
    header
}

/// Another algorithm than the one of the key.
pub(super) fn another_alg(alg: &str) -> &'static str {
    if alg == "ES384" { "ES256" } else { "ES384" }
}

/// Signs claims.
pub(crate) fn sign(typ: &str, mut claims: Map<String, Value>, signer: &Signer, mistakes: &Mistakes) -> String {
    let mut header = header(typ, signer);
    let unsigned = mistakes.has(Fault::AlgNone);
    if unsigned {
        header.insert("alg".into(), json!("none"));
    } else if mistakes.spoils(Spoil::AlgSwapped) {
        header.insert("alg".into(), json!(another_alg(signer.key.public().alg())));
    }
    if mistakes.spoils(Spoil::DuplicateMember) {
        raw::repeat(&mut claims, "exp");
    }
    if mistakes.spoils(Spoil::DeepClaim) {
        claims.insert("remarks".into(), raw::deep());
    }
    let header = b64_json(&Value::Object(header));
    let mut payload = b64(raw::text(&Value::Object(claims.clone())));
    let input = format!("{header}.{payload}");
    let mut signature = if unsigned {
        Vec::new()
    } else if mistakes.has(Fault::BadSignature) {
        // A well-formed signature by a key that has nothing to do with it.
        signer.key.another().sign(input.as_bytes())
    } else {
        signer.key.sign(input.as_bytes())
    };
    if mistakes.spoils(Spoil::SignatureBit) {
        turn_bit(&mut signature);
    }
    if mistakes.spoils(Spoil::ChangedPayload) {
        claims.insert("remarks".into(), json!("nobody signed this"));
        payload = b64_json(&Value::Object(claims));
    }
    format!("{header}.{payload}.{}", b64(signature))
}
