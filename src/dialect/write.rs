//! From the model to the wire.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::display::PathStep;
use crate::model::ids::{ConfigurationId, CredentialIdentifier, IssuerId, TransactionId};
use crate::protocol::authorization::RequestedClaim;

/// What a credential request names: never both (OpenID4VCI section 8.2).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Selector<'a> {
    /// A dataset that the token response named.
    Identifier(&'a CredentialIdentifier),
    /// A configuration, when it named none.
    Configuration(&'a ConfigurationId),
}

/// A credential request (OpenID4VCI section 8.2); without proofs when the configuration asks none.
pub(crate) fn credential_request(selector: Selector<'_>, jwt_proofs: &[String]) -> Value {
    let mut body = match selector {
        Selector::Identifier(identifier) => json!({ "credential_identifier": identifier }),
        Selector::Configuration(id) => json!({ "credential_configuration_id": id }),
    };
    if !jwt_proofs.is_empty() {
        body["proofs"] = json!({ "jwt": jwt_proofs });
    }
    body
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

    // covers: CREQ-02, CREQ-03, CREQ-05
    #[test]
    fn a_credential_request_has_one_selector_and_nothing_of_older_drafts() {
        let id = ConfigurationId::from("Card");
        assert_eq!(
            credential_request(Selector::Configuration(&id), &["a.b.c".to_owned()]),
            json!({ "credential_configuration_id": "Card", "proofs": { "jwt": ["a.b.c"] } })
        );
        let identifier = CredentialIdentifier::from("Card-7");
        assert_eq!(
            credential_request(Selector::Identifier(&identifier), &[]),
            json!({ "credential_identifier": "Card-7" })
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
