//! A second look at what the wallet stored, with other code than the wallet's.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm};
use serde_json::Value;

use super::wallet::Outcome;

/// What a credential must be.
pub(super) struct Expected<'a> {
    pub(super) format: &'a str,
    pub(super) issuer: &'a str,
    /// The `vct`, or the type beside `VerifiableCredential`.
    pub(super) kind: &'a str,
    pub(super) claims: &'a [(&'a str, &'a str)],
    /// The issuer's JWK Set.
    pub(super) keys: &'a Value,
}

/// The only copy of a credential in the answer of `export`.
pub(super) fn raw(exported: &Outcome) -> Result<&str, String> {
    exported.expect_status(0)?;
    let copies = exported.single("export")?["raw"].as_array().map_or(&[][..], Vec::as_slice);
    match copies {
        [Value::String(raw)] => Ok(raw),
        _ => Err(format!("`export` gives {} copies, not one as text", copies.len())),
    }
}

/// The identifiers in the answer of `list`, sorted.
pub(super) fn listed(outcome: &Outcome) -> Vec<String> {
    let ids = outcome.named("credential").filter_map(|event| event["credential"].as_str());
    let mut ids: Vec<String> = ids.map(str::to_owned).collect();
    ids.sort();
    ids
}

/// The wallet's own report says that the credential is good, and no check in it failed.
pub(super) fn expect_verified(report: &Value) -> Result<(), String> {
    let verdict = report["verdict"].as_str().ok_or("the report has no verdict")?;
    if !matches!(verdict, "verified" | "verified_with_warnings") {
        return Err(format!("the verdict is {verdict}"));
    }
    let checks = report["checks"].as_array().ok_or("the report has no checks")?;
    let signature = checks.iter().find(|check| check["kind"] == "signature");
    match signature {
        Some(check) if came_out(check) == Some("passed") => {}
        _ => return Err("the report does not say that the signature was checked".into()),
    }
    match checks.iter().find(|check| came_out(check) == Some("failed")) {
        Some(check) => Err(format!("verified, although the check {} failed", check["kind"])),
        None => Ok(()),
    }
}

fn came_out(check: &Value) -> Option<&str> {
    check["outcome"]["is"].as_str()
}

/// Checks signature, issuer, type and claims.
pub(super) fn check(raw: &str, expected: &Expected<'_>) -> Result<(), String> {
    let mut parts = raw.split('~');
    let token = parts.next().unwrap_or_default();
    let payload = verified_payload(token, expected.keys)?;
    if payload["iss"] != expected.issuer {
        return Err("the credential is of another issuer".into());
    }
    let claims = if expected.format.ends_with("sd-jwt") {
        if payload["vct"] != expected.kind {
            return Err("the credential is of another type".into());
        }
        if !payload["cnf"]["jwk"].is_object() {
            return Err("the credential is bound to no key".into());
        }
        disclosed(&payload, parts)?
    } else {
        let types = payload["vc"]["type"].as_array().ok_or("the credential has no type")?;
        if !types.iter().any(|kind| kind == expected.kind) {
            return Err("the credential is of another type".into());
        }
        payload["vc"]["credentialSubject"].clone()
    };
    for (name, value) in expected.claims {
        if claims[*name] != *value {
            return Err(format!("the claim {name} is not `{value}`"));
        }
    }
    Ok(())
}

/// The payload of a token whose signature one of the keys verifies.
fn verified_payload(token: &str, keys: &Value) -> Result<Value, String> {
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        return Err("the credential is no JWT".into());
    };
    let kid = json(header)?["kid"].clone();
    let key = keys["keys"]
        .as_array()
        .and_then(|keys| keys.iter().find(|key| key["kid"] == kid && !kid.is_null()))
        .ok_or("the issuer publishes no key of that name")?;
    let (algorithm, point): (&dyn VerificationAlgorithm, _) = if key["crv"] == "Ed25519" {
        (&ED25519, member(key, "x")?)
    } else {
        (&ECDSA_P256_SHA256_FIXED, [vec![4], member(key, "x")?, member(key, "y")?].concat())
    };
    UnparsedPublicKey::new(algorithm, point)
        .verify(format!("{header}.{payload}").as_bytes(), &decode(signature)?)
        .map_err(|_| "the issuer's key does not verify the credential")?;
    json(payload)
}

/// The claims of the disclosures that the payload names.
fn disclosed<'a>(payload: &Value, disclosures: impl Iterator<Item = &'a str>) -> Result<Value, String> {
    let named = payload["_sd"].as_array().ok_or("the credential hides nothing")?;
    let mut claims = serde_json::Map::new();
    for disclosure in disclosures.filter(|disclosure| !disclosure.is_empty()) {
        let found = digest::digest(&digest::SHA256, disclosure.as_bytes());
        let found = URL_SAFE_NO_PAD.encode(found);
        if !named.iter().any(|digest| *digest == found) {
            return Err("a disclosure that the credential does not name".into());
        }
        let parts = json(disclosure)?;
        let name = parts[1].as_str().ok_or("a disclosure without a name")?;
        claims.insert(name.to_owned(), parts[2].clone());
    }
    Ok(claims.into())
}

fn member(key: &Value, name: &str) -> Result<Vec<u8>, String> {
    decode(key[name].as_str().ok_or_else(|| format!("the key has no `{name}`"))?)
}

fn decode(text: &str) -> Result<Vec<u8>, String> {
    URL_SAFE_NO_PAD.decode(text).map_err(|error| error.to_string())
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_slice(&decode(text)?).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::checks::{CLAIMS, CONFIGURATIONS, Configuration};
    use super::*;

    fn report(verdict: &str, signature: &str, status: &str) -> Value {
        json!({"verdict": verdict, "checks": [
            {"kind": "signature", "outcome": {"is": signature}},
            {"kind": "status", "outcome": {"is": status, "reason": "not_applicable"}},
        ]})
    }

    #[test]
    fn only_a_verified_signature_without_failures_is_good() {
        assert!(expect_verified(&report("verified", "passed", "skipped")).is_ok());
        assert!(expect_verified(&report("verified_with_warnings", "passed", "unknown")).is_ok());
        assert!(expect_verified(&report("unverified", "passed", "skipped")).is_err());
        assert!(expect_verified(&report("verified", "skipped", "skipped")).is_err());
        assert!(expect_verified(&report("verified", "passed", "failed")).is_err());
        assert!(expect_verified(&json!({})).is_err());
    }

    fn recorded(name: &str) -> Value {
        let path = crate::workspace::root().join("tests/fixtures/keycloak-26.7.3").join(name);
        let text = std::fs::read_to_string(&path).expect("a recorded answer");
        serde_json::from_str(&text).expect("a recorded answer is JSON")
    }

    /// Looks at a recorded credential after `change` had its way with it.
    fn look(
        configuration: &Configuration,
        file: &str,
        change: impl FnOnce(&mut String, &mut Expected<'_>),
    ) -> Result<(), String> {
        let answer = recorded(file);
        let issuer = recorded("jwt-vc-issuer.jwks.json");
        let mut raw = answer["credentials"][0]["credential"].as_str().expect("a credential").to_owned();
        let mut expected = Expected {
            format: configuration.format,
            issuer: issuer["issuer"].as_str().expect("an issuer"),
            kind: configuration.kind,
            claims: &CLAIMS,
            keys: &issuer["jwks"],
        };
        change(&mut raw, &mut expected);
        check(&raw, &expected)
    }

    #[test]
    fn a_recorded_credential_is_good_and_a_changed_one_is_not() {
        let files = ["credential.sd-jwt.json", "credential.jwt.json"];
        for (configuration, file) in CONFIGURATIONS.iter().zip(files) {
            let look = |change: fn(&mut String, &mut Expected<'_>)| look(configuration, file, change);
            assert_eq!(look(|_, _| ()), Ok(()));
            let keys = look(|_, expected| expected.keys = &Value::Null);
            assert!(keys.is_err_and(|why| why.contains("no key of that name")));
            let issuer = look(|_, expected| expected.issuer = "https://other.example");
            assert!(issuer.is_err_and(|why| why.contains("another issuer")));
            let kind = look(|_, expected| expected.kind = "Passport");
            assert!(kind.is_err_and(|why| why.contains("another type")));
            let claims = look(|_, expected| expected.claims = &[("given_name", "Other")]);
            assert!(claims.is_err_and(|why| why.contains("given_name")));
            let signature = look(|raw, _| {
                let at = raw.rfind('.').expect("a JWT") + 1;
                let other = if raw[at..].starts_with('A') { "B" } else { "A" };
                raw.replace_range(at..=at, other);
            });
            assert!(signature.is_err_and(|why| why.contains("does not verify")));
        }
    }

    #[test]
    fn a_foreign_disclosure_is_found() {
        let [configuration, _] = &CONFIGURATIONS;
        let found = look(configuration, "credential.sd-jwt.json", |raw, _| {
            raw.push_str(&URL_SAFE_NO_PAD.encode(r#"["salt","given_name","Other"]"#));
        });
        assert!(found.is_err_and(|why| why.contains("does not name")));
    }
}
