//! What HAIP 1.0 (sections 6.1 and 8) demands of a credential beyond its own specification.

use serde_json::{Map, Value};

use super::checks::failed;
use crate::model::report::{Check, CheckKind, Outcome};
use crate::verify::issuer_key::IssuerKeys;
use crate::verify::x509::TrustAnchors;

/// Holds a credential to the profile: what falls short fails, whatever was found before.
pub(super) fn hold(checks: &mut [Check], payload: &Map<String, Value>, keys: &IssuerKeys, trust: &TrustAnchors) {
    let mut fail = |kind, detail: &str| fail(checks, kind, detail);
    match &keys.chain {
        None => fail(CheckKind::IssuerKey, "the issuer's key is not in a certificate of the header (`x5c`)"),
        Some(chain) if chain.has_self_signed() || chain.holds_an_anchor(trust) => {
            fail(CheckKind::IssuerKey, "`x5c` is not without self-signed certificates and anchors");
        }
        Some(_) => {}
    }
    let hash = payload.get("_sd_alg").and_then(Value::as_str).unwrap_or("sha-256");
    if hash != "sha-256" {
        fail(CheckKind::Digests, "the disclosures' hash is not SHA-256");
    }
    if payload.get("cnf").is_some_and(|cnf| cnf.get("jwk").is_none()) {
        fail(CheckKind::HolderBinding, "the holder's key does not stand in the credential (`cnf.jwk`)");
    }
    if payload.get("status").is_some_and(|status| status_list(status).is_none()) {
        fail(CheckKind::Status, "the status is not one of a status list");
    }
}

/// The same for an mdoc: its signer is in `x5chain`, the anchor is not, and the hash is SHA-256 (sections 4.1 and 8).
pub(super) fn hold_mdoc(checks: &mut [Check], hash: Option<&str>, keys: &IssuerKeys, trust: &TrustAnchors) {
    match &keys.chain {
        None => {
            fail(checks, CheckKind::IssuerKey, "the issuer's key is not in a certificate of the header (`x5chain`)");
        }
        Some(chain) if chain.has_self_signed() || chain.holds_an_anchor(trust) => {
            fail(checks, CheckKind::IssuerKey, "`x5chain` is not without self-signed certificates and anchors");
        }
        Some(_) => {}
    }
    if hash.is_some_and(|hash| hash != "SHA-256") {
        fail(checks, CheckKind::Digests, "the hash of the digests is not SHA-256");
    }
}

fn fail(checks: &mut [Check], kind: CheckKind, detail: &str) {
    let found = checks.iter_mut().find(|check| check.kind == kind && check.outcome != Outcome::Failed);
    if let Some(check) = found {
        *check = failed(kind, format!("{detail}, which HAIP demands"));
    }
}

/// The place in a status list that a `status` claim names.
pub(crate) fn status_list(status: &Value) -> Option<(&str, u64)> {
    let list = status.get("status_list")?;
    Some((list.get("uri")?.as_str()?, list.get("idx")?.as_u64()?))
}
