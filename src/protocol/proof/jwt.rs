//! Proofs of the type `jwt` (OpenID4VCI appendix F.1): what is signed, and how the signature is put on.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Binding, ProofPlan};
use crate::error::{Error, ErrorCode, Operation};
use crate::model::credential::HolderKey;
use crate::model::ids::{ClientId, IssuerId};
use crate::model::jwk::Algorithm;
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use crate::protocol::jwt;
use crate::verify::did;
use crate::verify::public_key::IssuerPublicKey;
use crate::verify::x509::Chain;

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
    /// The algorithm as the issuer lists it.
    pub(crate) algorithm: &'static str,
    /// What vouches for the key, and for those that have no proof of their own.
    pub(crate) key_attestation: Option<&'a str>,
}

/// The text that the key has to sign.
pub(crate) fn signing_input(plan: ProofPlan, key: &HolderKey, claims: &ProofClaims<'_>) -> Result<String, Error> {
    let mut header = json!({ "typ": "openid4vci-proof+jwt", "alg": claims.algorithm });
    match plan.binding {
        Binding::DidKey => header["kid"] = json!(did::did_key_url(&key.public_jwk)),
        Binding::DidJwk => header["kid"] = json!(did::did_jwk_url(&key.public_jwk)),
        Binding::DidPrism => {
            let detail = "the key store gave a key that is not on secp256k1, and a did:prism needs one that is";
            let unfit = || Error::new(ErrorCode::SetupInvalid, detail).at(Operation::Proof);
            header["kid"] = json!(did::prism::did_prism_url(&key.public_jwk).ok_or_else(unfit)?);
        }
        Binding::X5c => header["x5c"] = certificates(key)?,
        Binding::Auto | Binding::Jwk => header["jwk"] = key.public_jwk.to_value(),
    }
    if let Some(attestation) = claims.key_attestation {
        header["key_attestation"] = json!(attestation);
    }
    let mut payload = json!({ "aud": claims.audience, "iat": claims.issued_at });
    if let Some(client_id) = claims.client_id {
        payload["iss"] = json!(client_id);
    }
    if let Some(nonce) = claims.nonce {
        payload["nonce"] = json!(nonce.expose());
    }
    Ok(jwt::signing_input(&header, &payload))
}

/// The certificates of a key, the first of which has to be for it.
fn certificates(key: &HolderKey) -> Result<Value, Error> {
    let fail = |detail: String| Err(Error::new(ErrorCode::SetupInvalid, detail).at(Operation::Proof));
    if key.certificates.is_empty() {
        return fail("proofs are to name their keys by certificate, and the key store gave none".to_owned());
    }
    let x5c: Value = key.certificates.iter().map(|certificate| STANDARD.encode(certificate)).collect();
    let first = Chain::from_header(&x5c).and_then(|chain| chain.leaf_key());
    match first.map(IssuerPublicKey::into_jwk) {
        Ok(Some(first)) if first == key.public_jwk => Ok(x5c),
        Ok(_) => fail("the first certificate that the key store gave is for another key".to_owned()),
        Err(error) => fail(format!("the certificates that the key store gave can't be used: {error}")),
    }
}

/// Puts the signature on; what a platform gives as DER becomes raw here.
pub(crate) fn attach_signature(signing_input: &str, algorithm: Algorithm, signature: &[u8]) -> Result<String, Error> {
    jwt::attach_signature(signing_input, algorithm, signature).map_err(|error| {
        Error::new(ErrorCode::SigningFailed, "the key store gave something that is no signature")
            .at(Operation::Proof)
            .caused_by(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::jwk::{Curve, Jwk};
    use crate::protocol::proof::ProofForm;
    use crate::verify::testing::{Certified, TestKey};

    fn plan(binding: Binding) -> ProofPlan {
        ProofPlan { algorithm: Algorithm::Es256, binding, form: ProofForm::Jwt }
    }

    fn decode(text: &str) -> [Value; 2] {
        jwt::decode(text).into()
    }

    fn audience() -> IssuerId {
        IssuerId::parse("https://issuer.example/").expect("legal")
    }

    fn claims(audience: &IssuerId) -> ProofClaims<'_> {
        ProofClaims {
            audience,
            client_id: None,
            nonce: None,
            issued_at: Timestamp::from_seconds(7),
            algorithm: "ES256",
            key_attestation: None,
        }
    }

    // covers: PROOF-01, PROOF-03, PROOF-04, PROOF-05, PROOF-11, PROOF-12, PROOF-13, PROOF-14
    #[test]
    fn header_and_claims_are_exactly_those_of_the_specification() {
        let key = HolderKey::new("1", Jwk::from_coordinates(Curve::P256, &[1; 32], &[2; 32]).expect("a key"));
        let audience = audience();
        let (client, nonce) = (ClientId::from("me"), Secret::from("n"));
        let full = ProofClaims { client_id: Some(&client), nonce: Some(&nonce), ..claims(&audience) };
        assert_eq!(
            decode(&signing_input(plan(Binding::Jwk), &key, &full).expect("a proof")),
            [
                json!({ "typ": "openid4vci-proof+jwt", "alg": "ES256", "jwk": key.public_jwk.to_value() }),
                json!({ "aud": "https://issuer.example/", "iat": 7, "iss": "me", "nonce": "n" }),
            ]
        );
        let [header, payload] =
            decode(&signing_input(plan(Binding::DidJwk), &key, &claims(&audience)).expect("a proof"));
        assert_eq!(payload, json!({ "aud": "https://issuer.example/", "iat": 7 }));
        let kid = header["kid"].as_str().expect("kid");
        assert!(kid.starts_with("did:jwk:") && kid.ends_with("#0") && header.get("jwk").is_none());
        let attested = ProofClaims { key_attestation: Some("a.b.c"), ..claims(&audience) };
        let [header, _] = decode(&signing_input(plan(Binding::Jwk), &key, &attested).expect("a proof"));
        assert_eq!(header["key_attestation"], "a.b.c");
        assert_eq!(header.as_object().map(serde_json::Map::len), Some(4));
    }

    // covers: PROOF-05
    #[test]
    fn a_did_of_the_key_names_it_alone() {
        let [k256, p256] = [Algorithm::Es256k, Algorithm::Es256].map(|a| HolderKey::new("1", TestKey::new(a).jwk()));
        let audience = audience();
        let by_prism = ProofPlan { algorithm: Algorithm::Es256k, ..plan(Binding::DidPrism) };
        let es256k = ProofClaims { algorithm: "ES256K", ..claims(&audience) };
        let [header, _] = decode(&signing_input(by_prism, &k256, &es256k).expect("a proof"));
        let kid = did::prism::did_prism_url(&k256.public_jwk).expect("a DID");
        assert_eq!(header, json!({ "typ": "openid4vci-proof+jwt", "alg": "ES256K", "kid": kid }));
        let error = signing_input(by_prism, &p256, &es256k).expect_err("no DID of that key");
        assert_eq!((error.code(), error.operation()), (ErrorCode::SetupInvalid, Some(Operation::Proof)));
    }

    // covers: PROOF-03
    #[test]
    fn certificates_name_the_key_alone_and_are_for_it() {
        let [own, other, authority] = [(); 3].map(|()| TestKey::new(Algorithm::Es256));
        let root = Certified::authority("Root");
        let leaf = Certified::default().signed_by(&own, &root, &authority);
        let above = root.self_signed(&authority);
        let audience = audience();
        let sign = |certificates: Vec<Vec<u8>>| {
            let key = HolderKey { certificates, ..HolderKey::new("1", own.jwk()) };
            signing_input(plan(Binding::X5c), &key, &claims(&audience)).map(|text| decode(&text))
        };
        let [header, _] = sign(vec![leaf.clone(), above.clone()]).expect("a proof");
        let x5c = json!([STANDARD.encode(&leaf), STANDARD.encode(&above)]);
        assert_eq!(header, json!({ "typ": "openid4vci-proof+jwt", "alg": "ES256", "x5c": x5c }));
        let foreign = Certified::default().self_signed(&other);
        for certificates in [Vec::new(), vec![above, leaf.clone()], vec![foreign, leaf], vec![b"x".to_vec()]] {
            let error = sign(certificates).expect_err("no proof");
            assert_eq!((error.code(), error.operation()), (ErrorCode::SetupInvalid, Some(Operation::Proof)));
        }
    }
}
