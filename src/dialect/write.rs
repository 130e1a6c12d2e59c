//! From the model to the wire.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::display::PathStep;
use crate::model::ids::{ConfigurationId, CredentialIdentifier, IssuerId, TransactionId};
use crate::model::jwk::Jwk;
use crate::protocol::authorization::RequestedClaim;

/// What a credential request names: never both (OpenID4VCI section 8.2).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Selector<'a> {
    /// A dataset that the token response named.
    Identifier(&'a CredentialIdentifier),
    /// A configuration, when it named none.
    Configuration(&'a ConfigurationId),
}

/// What a credential request proves: `proofs` with the one member that names the type (OpenID4VCI section
/// 8.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Proofs {
    /// Nothing, as the configuration asks for nothing.
    None,
    /// Never empty.
    Jwt(Vec<String>),
    /// One key attestation; the array around it has no room for another (appendix F.3).
    Attestation(String),
    /// Never empty.
    #[cfg(feature = "ldp-vc")]
    DiVp(Vec<Value>),
}

/// A credential request (OpenID4VCI section 8.2); without proofs when the configuration asks none.
pub(crate) fn credential_request(selector: Selector<'_>, proofs: &Proofs) -> Value {
    let mut body = match selector {
        Selector::Identifier(identifier) => json!({ "credential_identifier": identifier }),
        Selector::Configuration(id) => json!({ "credential_configuration_id": id }),
    };
    match proofs {
        Proofs::None => {}
        Proofs::Jwt(jwts) => body["proofs"] = json!({ "jwt": jwts }),
        Proofs::Attestation(attestation) => body["proofs"] = json!({ "attestation": [attestation] }),
        #[cfg(feature = "ldp-vc")]
        Proofs::DiVp(presentations) => body["proofs"] = json!({ "di_vp": presentations }),
    }
    body
}

/// The `credential_response_encryption` of a request (OpenID4VCI section 8.2): the key has the algorithm,
/// which earlier drafts had beside it.
pub(crate) fn credential_response_encryption(key: &Jwk, alg: &str, enc: &str, zip: Option<&str>) -> Value {
    let mut jwk = key.to_value();
    for (name, value) in [("alg", alg), ("use", "enc"), ("kid", &key.thumbprint())] {
        jwk[name] = json!(value);
    }
    let mut encryption = json!({ "jwk": jwk, "enc": enc });
    if let Some(zip) = zip {
        encryption["zip"] = json!(zip);
    }
    encryption
}

/// A deferred credential request (OpenID4VCI section 9.1).
pub(crate) fn deferred_credential_request(transaction_id: &TransactionId) -> Value {
    json!({ "transaction_id": transaction_id })
}

/// The `authorization_details` that ask for configurations (OpenID4VCI section 5.1.1), with
/// `locations` where the issuer's metadata lists authorization servers.
pub(crate) fn authorization_details(
    ids: &[ConfigurationId],
    claims: &BTreeMap<ConfigurationId, Vec<RequestedClaim>>,
    location: Option<&IssuerId>,
) -> Value {
    ids.iter()
        .map(|id| {
            let mut details = json!({ "type": "openid_credential", "credential_configuration_id": id });
            if let Some(location) = location {
                details["locations"] = json!([location]);
            }
            if let Some(claims) = claims.get(id) {
                details["claims"] = claims.iter().map(claim).collect();
            }
            details
        })
        .collect()
}

/// A claim that is wanted; whether it has to be there is said only where it has to.
fn claim(claim: &RequestedClaim) -> Value {
    let path: Vec<Value> = claim
        .path
        .iter()
        .map(|step| match step {
            PathStep::Key(key) => json!(key),
            PathStep::Index(index) => json!(index),
            PathStep::All => Value::Null,
        })
        .collect();
    let mut value = json!({ "path": path });
    if claim.mandatory {
        value["mandatory"] = json!(true);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: CREQ-02, CREQ-03, CREQ-05, CREQ-06, CREQ-07, PROOF-21
    #[test]
    fn a_credential_request_has_one_selector_one_proof_type_and_nothing_of_older_drafts() {
        let id = ConfigurationId::from("Card");
        let text = || "a.b.c".to_owned();
        assert_eq!(
            credential_request(Selector::Configuration(&id), &Proofs::Jwt(vec![text()])),
            json!({ "credential_configuration_id": "Card", "proofs": { "jwt": ["a.b.c"] } })
        );
        assert_eq!(
            credential_request(Selector::Configuration(&id), &Proofs::Attestation(text())),
            json!({ "credential_configuration_id": "Card", "proofs": { "attestation": ["a.b.c"] } })
        );
        let identifier = CredentialIdentifier::from("Card-7");
        assert_eq!(
            credential_request(Selector::Identifier(&identifier), &Proofs::None),
            json!({ "credential_identifier": "Card-7" })
        );
    }

    // covers: ENC-04
    #[test]
    fn the_parameters_of_an_encrypted_answer_have_a_public_key_with_its_algorithm() {
        let (x, y) = ("YO4epjifD-KWeq1sL2tNmm36BhXnkJ0He-WqMYrp9Fk", "Hekpm0zfK7C-YccH5iBjcIXgf6YdUvNUac_0At55Okk");
        let key = Jwk::from_value(&json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })).expect("a key");
        let kid = key.thumbprint();
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "use": "enc", "alg": "ECDH-ES" });
        assert_eq!(
            credential_response_encryption(&key, "ECDH-ES", "A128GCM", None),
            json!({ "jwk": jwk, "enc": "A128GCM" })
        );
        assert_eq!(
            credential_response_encryption(&key, "ECDH-ES", "A256GCM", Some("DEF")),
            json!({ "jwk": jwk, "enc": "A256GCM", "zip": "DEF" })
        );
    }

    #[test]
    fn locations_come_only_where_they_are_wanted() {
        let ids = [ConfigurationId::from("A"), ConfigurationId::from("B")];
        assert_eq!(
            authorization_details(&ids, &BTreeMap::new(), None),
            json!([
                { "type": "openid_credential", "credential_configuration_id": "A" },
                { "type": "openid_credential", "credential_configuration_id": "B" },
            ])
        );
        let issuer = IssuerId::parse("https://issuer.example/t").expect("legal");
        assert_eq!(
            authorization_details(&ids[..1], &BTreeMap::new(), Some(&issuer))[0]["locations"],
            json!(["https://issuer.example/t"])
        );
    }
}
