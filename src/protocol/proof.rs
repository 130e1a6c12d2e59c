//! Proofs of possession (OpenID4VCI appendix F.1): what is signed, and how the signature is put on.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{Error, ErrorCode, Operation};
use crate::model::ids::{ClientId, IssuerId};
use crate::model::jwk::{Algorithm, Jwk};
use crate::model::metadata::{CredentialConfiguration, ProofType};
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use crate::verify::{did, jose};

/// How proofs name their key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Binding {
    /// As the issuer lists it: the key itself where it can, else a DID made of the key.
    #[default]
    Auto,
    /// The key itself, as `jwk`.
    Jwk,
    /// A `did:key` made of it, as `kid`.
    DidKey,
    /// A `did:jwk` made of it, as `kid`.
    DidJwk,
}

/// What was agreed with the metadata before any request: how keys are bound, with which algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProofPlan {
    pub(crate) algorithm: Algorithm,
    /// Never `Auto`.
    pub(crate) binding: Binding,
}

/// Finds a proof that the issuer takes and the wallet's keys can make; `None` when the
/// configuration asks for none.
pub(crate) fn plan(
    configuration: &CredentialConfiguration,
    algorithms: &[Algorithm],
    wanted: Binding,
) -> Result<Option<ProofPlan>, Error> {
    let fail = |code, detail: String| Err(Error::new(code, detail).at(Operation::Proof));
    if configuration.proof_types_supported.is_empty() {
        return Ok(None);
    }
    let Some(proof_type) = configuration.proof_types_supported.get("jwt") else {
        let names: Vec<_> = configuration.proof_types_supported.keys().map(String::as_str).collect();
        return fail(ErrorCode::NoCommonAlgorithm, format!("the issuer takes no jwt proof, only {}", names.join(", ")));
    };
    if proof_type.key_attestations_required {
        return fail(ErrorCode::FeatureUnsupported, "the issuer requires a key attestation".to_owned());
    }
    let algorithm = common_algorithm(proof_type, algorithms)?;
    let methods = &configuration.cryptographic_binding_methods_supported;
    let lists = |method: &str| methods.iter().any(|listed| listed == method);
    // An issuer that lists no method and yet wants a proof is taken at its word on the proof.
    let by_jwk = methods.is_empty() || lists("jwk");
    let binding = match wanted {
        Binding::Auto if by_jwk => Binding::Jwk,
        Binding::Auto if lists("did:key") => Binding::DidKey,
        Binding::Auto if lists("did:jwk") => Binding::DidJwk,
        Binding::Auto => {
            return fail(
                ErrorCode::BindingUnsupported,
                format!("the issuer binds credentials by {} only", methods.join(", ")),
            );
        }
        chosen => chosen,
    };
    Ok(Some(ProofPlan { algorithm, binding }))
}

fn common_algorithm(proof_type: &ProofType, algorithms: &[Algorithm]) -> Result<Algorithm, Error> {
    let accepted: Vec<_> =
        proof_type.proof_signing_alg_values_supported.iter().filter_map(|name| Algorithm::parse(name)).collect();
    algorithms.iter().copied().find(|algorithm| accepted.contains(algorithm)).ok_or_else(|| {
        Error::new(
            ErrorCode::NoCommonAlgorithm,
            format!(
                "the issuer takes proofs by {}, which this wallet's keys can't make",
                proof_type.proof_signing_alg_values_supported.join(", ")
            ),
        )
        .at(Operation::Proof)
    })
}

/// What a proof says.
pub(crate) struct ProofClaims<'a> {
    /// The credential issuer, exactly as it names itself.
    pub(crate) audience: &'a IssuerId,
    /// The client; left out after anonymous access.
    pub(crate) client_id: Option<&'a ClientId>,
    /// The issuer's nonce, if it has a nonce endpoint.
    pub(crate) nonce: Option<&'a Secret>,
    /// Now.
    pub(crate) issued_at: Timestamp,
}

/// The text that the key has to sign.
pub(crate) fn signing_input(plan: ProofPlan, key: &Jwk, claims: &ProofClaims<'_>) -> String {
    let mut header = json!({ "typ": "openid4vci-proof+jwt", "alg": plan.algorithm.as_str() });
    match plan.binding {
        Binding::DidKey => header["kid"] = json!(did::did_key_url(key)),
        Binding::DidJwk => header["kid"] = json!(did::did_jwk_url(key)),
        Binding::Auto | Binding::Jwk => header["jwk"] = key.to_value(),
    }
    let mut payload = json!({ "aud": claims.audience, "iat": claims.issued_at });
    if let Some(client_id) = claims.client_id {
        payload["iss"] = json!(client_id);
    }
    if let Some(nonce) = claims.nonce {
        payload["nonce"] = json!(nonce.expose());
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(&header), part(&payload))
}

/// Puts the signature on; what a platform gives as DER becomes raw here.
pub(crate) fn attach_signature(signing_input: &str, algorithm: Algorithm, signature: &[u8]) -> Result<String, Error> {
    let raw = jose::raw_signature(algorithm, signature).map_err(|error| {
        Error::new(ErrorCode::SigningFailed, "the key store gave something that is no signature")
            .at(Operation::Proof)
            .caused_by(error)
    })?;
    Ok(format!("{signing_input}.{}", URL_SAFE_NO_PAD.encode(raw)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::format::Format;
    use crate::model::jwk::Curve;
    use crate::model::metadata::CredentialKind;

    fn configuration(methods: &[&str], algorithms: &[&str]) -> CredentialConfiguration {
        let jwt = ProofType {
            proof_signing_alg_values_supported: algorithms.iter().map(|&name| name.to_owned()).collect(),
            key_attestations_required: false,
        };
        CredentialConfiguration {
            format: Format::SdJwtVc,
            kind: CredentialKind::Vct("x".into()),
            scope: None,
            cryptographic_binding_methods_supported: methods.iter().map(|&name| name.to_owned()).collect(),
            proof_types_supported: BTreeMap::from([("jwt".to_owned(), jwt)]),
            display: Vec::new(),
            claims: Vec::new(),
            credential_signing_alg_values_supported: Vec::new(),
        }
    }

    // covers: META-26, META-29
    #[test]
    fn the_plan_follows_the_issuers_lists_and_the_wallets_order() {
        let order = [Algorithm::EdDsa, Algorithm::Es256];
        let planned = |methods: &[&str], wanted| plan(&configuration(methods, &["ES256", "EdDSA"]), &order, wanted);
        let binding = |methods: &[&str], wanted| planned(methods, wanted).expect("a plan").expect("a proof").binding;
        assert_eq!(binding(&["did:key", "jwk"], Binding::Auto), Binding::Jwk);
        assert_eq!(binding(&["did:jwk", "did:key"], Binding::Auto), Binding::DidKey);
        assert_eq!(binding(&["did:jwk"], Binding::Auto), Binding::DidJwk);
        assert_eq!(binding(&["jwk"], Binding::DidJwk), Binding::DidJwk);
        assert_eq!(planned(&["jwk"], Binding::Auto).expect("a plan").expect("a proof").algorithm, Algorithm::EdDsa);
        let refused = planned(&["did:web", "cose_key"], Binding::Auto).expect_err("no plan");
        assert_eq!(refused.code(), ErrorCode::BindingUnsupported);
        let refused = plan(&configuration(&["jwk"], &["RS256"]), &order, Binding::Auto).expect_err("no plan");
        assert_eq!(refused.code(), ErrorCode::NoCommonAlgorithm);
    }

    // covers: META-27
    #[test]
    fn configurations_without_proof_types_get_no_proof() {
        let mut unbound = configuration(&[], &["ES256"]);
        unbound.proof_types_supported.clear();
        assert_eq!(plan(&unbound, &[Algorithm::Es256], Binding::Auto).expect("a plan"), None);
    }

    // covers: PROOF-01, PROOF-03, PROOF-05, PROOF-11, PROOF-12, PROOF-13, PROOF-14
    #[test]
    fn header_and_claims_are_exactly_those_of_the_specification() {
        let key = Jwk::from_coordinates(Curve::P256, &[1; 32], &[2; 32]).expect("a key");
        let audience = IssuerId::parse("https://issuer.example/").expect("legal");
        let (client, nonce) = (ClientId::from("me"), Secret::from("n"));
        let decode = |text: &str| -> Vec<Value> {
            text.split('.')
                .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("json"))
                .collect()
        };
        let claims = ProofClaims {
            audience: &audience,
            client_id: Some(&client),
            nonce: Some(&nonce),
            issued_at: Timestamp::from_seconds(7),
        };
        let by_jwk = ProofPlan { algorithm: Algorithm::Es256, binding: Binding::Jwk };
        assert_eq!(
            decode(&signing_input(by_jwk, &key, &claims)),
            [
                json!({ "typ": "openid4vci-proof+jwt", "alg": "ES256", "jwk": key.to_value() }),
                json!({ "aud": "https://issuer.example/", "iat": 7, "iss": "me", "nonce": "n" }),
            ]
        );
        let bare = ProofClaims { client_id: None, nonce: None, ..claims };
        let by_did = ProofPlan { algorithm: Algorithm::Es256, binding: Binding::DidJwk };
        let parts = decode(&signing_input(by_did, &key, &bare));
        assert_eq!(parts[1], json!({ "aud": "https://issuer.example/", "iat": 7 }));
        let kid = parts[0]["kid"].as_str().expect("kid");
        assert!(kid.starts_with("did:jwk:") && kid.ends_with("#0") && parts[0].get("jwk").is_none());
    }
}
