//! From the model to the wire.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::form::{ProofMember, SelectorForm};
use super::{DetailsBy, EncryptionForm, Quirks, Spelling, TypesPlace};

use crate::model::display::PathStep;
use crate::model::ids::{ConfigurationId, CredentialIdentifier, IssuerId, TransactionId};
use crate::model::jwk::Jwk;
use crate::model::metadata::{CredentialConfiguration, CredentialKind, IssuerMetadata};
use crate::protocol::authorization::RequestedClaim;

/// What a credential request names.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Selector<'a> {
    /// A dataset that the token response named.
    Identifier(&'a CredentialIdentifier),
    /// A configuration, when it named none.
    Configuration(&'a ConfigurationId),
    /// A format and a type, as the issuer spells them.
    Format(&'a CredentialConfiguration, Option<&'a Spelling>),
    /// All of it.
    Both(&'a ConfigurationId, &'a CredentialConfiguration, Option<&'a Spelling>),
}

impl<'a> Selector<'a> {
    /// What this issuer wants to be named.
    pub(crate) fn of(
        form: SelectorForm,
        id: &'a ConfigurationId,
        configuration: Option<&'a CredentialConfiguration>,
        spelling: Option<&'a Spelling>,
    ) -> Self {
        match (form, configuration) {
            (SelectorForm::Format, Some(configuration)) => Self::Format(configuration, spelling),
            (SelectorForm::Both, Some(configuration)) => Self::Both(id, configuration, spelling),
            _ => Self::Configuration(id),
        }
    }
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
pub(crate) fn credential_request(selector: Selector<'_>, proofs: &Proofs, member: ProofMember) -> Value {
    let of = |configuration, spelling| Value::Object(format_and_type(configuration, spelling).unwrap_or_default());
    let mut body = match selector {
        Selector::Identifier(identifier) => json!({ "credential_identifier": identifier }),
        Selector::Configuration(id) => json!({ "credential_configuration_id": id }),
        Selector::Format(configuration, spelling) => of(configuration, spelling),
        Selector::Both(id, configuration, spelling) => {
            let mut body = of(configuration, spelling);
            body["credential_configuration_id"] = json!(id);
            body
        }
    };
    match proofs {
        Proofs::None => {}
        Proofs::Jwt(jwts) if member == ProofMember::Proof && jwts.len() == 1 => {
            body["proof"] = json!({ "proof_type": "jwt", "jwt": jwts[0] });
        }
        Proofs::Jwt(jwts) => body["proofs"] = json!({ "jwt": jwts }),
        Proofs::Attestation(attestation) => body["proofs"] = json!({ "attestation": [attestation] }),
        #[cfg(feature = "ldp-vc")]
        Proofs::DiVp(presentations) => body["proofs"] = json!({ "di_vp": presentations }),
    }
    body
}

/// Puts into a request that its answer is to be encrypted (OpenID4VCI section 8.2): the key has the algorithm,
/// which earlier drafts had beside it, and the earliest of them in members of the request.
pub(crate) fn credential_response_encryption(
    body: &mut Value,
    form: EncryptionForm,
    key: &Jwk,
    alg: &str,
    enc: &str,
    zip: Option<&str>,
) {
    let mut jwk = key.to_value();
    for (name, value) in [("use", "enc"), ("kid", &key.thumbprint())] {
        jwk[name] = json!(value);
    }
    match form {
        EncryptionForm::InKey => {
            jwk["alg"] = json!(alg);
            let mut encryption = json!({ "jwk": jwk, "enc": enc });
            if let Some(zip) = zip {
                encryption["zip"] = json!(zip);
            }
            body["credential_response_encryption"] = encryption;
        }
        EncryptionForm::BesideKey => {
            body["credential_response_encryption"] = json!({ "jwk": jwk, "alg": alg, "enc": enc });
        }
        EncryptionForm::Flat => {
            body["credential_encryption_jwk"] = jwk;
            body["credential_response_encryption_alg"] = json!(alg);
            body["credential_response_encryption_enc"] = json!(enc);
        }
    }
}

/// The `format` of a configuration and what says its type, as this issuer spells them; none for a format whose
/// type is not known.
fn format_and_type(configuration: &CredentialConfiguration, spelling: Option<&Spelling>) -> Option<Map<String, Value>> {
    let place = spelling.map_or(TypesPlace::Definition, |spelling| spelling.types);
    let format = spelling.and_then(|spelling| spelling.format.as_deref());
    let mut members = Map::new();
    members.insert("format".to_owned(), json!(format.unwrap_or(configuration.format.as_str())));
    let whole = spelling.and_then(|spelling| spelling.contexts.clone());
    let in_context = whole.is_some() || !configuration.contexts.is_empty();
    match &configuration.kind {
        CredentialKind::Vct(vct) => drop(members.insert("vct".to_owned(), json!(vct))),
        CredentialKind::Doctype(doctype) => drop(members.insert("doctype".to_owned(), json!(doctype))),
        CredentialKind::Types(types) if place == TypesPlace::Types && !in_context => {
            members.insert("types".to_owned(), json!(types));
        }
        CredentialKind::Types(types) => {
            let name = if place == TypesPlace::Types { "types" } else { "type" };
            let mut definition = json!({ name: types });
            if in_context {
                definition["@context"] = whole.unwrap_or_else(|| json!(configuration.contexts));
            }
            members.insert("credential_definition".to_owned(), definition);
        }
        CredentialKind::Unknown => return None,
    }
    Some(members)
}

/// Whether a credential can be asked for by its format and type.
pub(crate) fn has_type(configuration: &CredentialConfiguration) -> bool {
    !matches!(configuration.kind, CredentialKind::Unknown)
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

/// The same for an issuer that wants format and type in the place of the configuration.
pub(crate) fn by_format(details: &mut Value, issuer: &IssuerMetadata, quirks: &Quirks) {
    if quirks.details == DetailsBy::Configuration {
        return;
    }
    for entry in details.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        let id = entry.get("credential_configuration_id").and_then(Value::as_str).map(ConfigurationId::from);
        let typed = id.and_then(|id| {
            let configuration = issuer.credential_configurations_supported.get(&id)?;
            format_and_type(configuration, quirks.spellings.get(&id))
        });
        if let Some(typed) = typed {
            entry.remove("credential_configuration_id");
            entry.extend(typed);
        }
    }
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
            credential_request(Selector::Configuration(&id), &Proofs::Jwt(vec![text()]), ProofMember::Proofs),
            json!({ "credential_configuration_id": "Card", "proofs": { "jwt": ["a.b.c"] } })
        );
        assert_eq!(
            credential_request(Selector::Configuration(&id), &Proofs::Attestation(text()), ProofMember::Proofs),
            json!({ "credential_configuration_id": "Card", "proofs": { "attestation": ["a.b.c"] } })
        );
        let identifier = CredentialIdentifier::from("Card-7");
        assert_eq!(
            credential_request(Selector::Identifier(&identifier), &Proofs::None, ProofMember::Proofs),
            json!({ "credential_identifier": "Card-7" })
        );
    }

    /// A configuration, and how its issuer spells it.
    fn configured(entry: &Value, spelling: Spelling) -> (CredentialConfiguration, Spelling) {
        (super::super::read::configuration(entry, "entry").expect("a configuration"), spelling)
    }

    #[test]
    fn format_and_type_are_spelled_as_the_issuer_does() {
        let w3c = |format: &str| json!({ "format": format, "credential_definition": { "@context": ["https://c.example"], "type": ["A", "B"] } });
        let top = Spelling { types: TypesPlace::Types, ..Spelling::default() };
        let hyphen = Spelling { format: Some("ldp-vc".into()), ..Spelling::default() };
        let contexts = ["https://c.example"];
        for (entry, spelling, expected) in [
            (
                json!({ "format": "vc+sd-jwt", "vct": "v" }),
                Spelling::default(),
                json!({ "format": "vc+sd-jwt", "vct": "v" }),
            ),
            (
                json!({ "format": "mso_mdoc", "doctype": "d" }),
                Spelling::default(),
                json!({ "format": "mso_mdoc", "doctype": "d" }),
            ),
            (
                json!({ "format": "jwt_vc_json", "credential_definition": { "type": ["A", "B"] } }),
                Spelling::default(),
                json!({ "format": "jwt_vc_json", "credential_definition": { "type": ["A", "B"] } }),
            ),
            (
                json!({ "format": "jwt_vc_json", "credential_definition": { "type": ["A", "B"] } }),
                top.clone(),
                json!({ "format": "jwt_vc_json", "types": ["A", "B"] }),
            ),
            (
                w3c("ldp_vc"),
                hyphen,
                json!({ "format": "ldp-vc", "credential_definition": { "@context": contexts, "type": ["A", "B"] } }),
            ),
            (
                w3c("ldp_vc"),
                top,
                json!({ "format": "ldp_vc", "credential_definition": { "@context": contexts, "types": ["A", "B"] } }),
            ),
        ] {
            let (configuration, spelling) = configured(&entry, spelling);
            let jwt = Proofs::Jwt(vec!["a.b.c".into()]);
            let selector = Selector::Format(&configuration, Some(&spelling));
            let mut with_proof = expected.clone();
            with_proof["proof"] = json!({ "proof_type": "jwt", "jwt": "a.b.c" });
            assert_eq!(credential_request(selector, &jwt, ProofMember::Proof), with_proof);
            assert_eq!(credential_request(selector, &Proofs::None, ProofMember::Proof), expected);
            let id = ConfigurationId::from("Card");
            let mut whole = with_proof;
            whole["credential_configuration_id"] = json!("Card");
            let both = Selector::Both(&id, &configuration, Some(&spelling));
            assert_eq!(credential_request(both, &jwt, ProofMember::Proof), whole);
        }
    }

    #[test]
    fn several_keys_fit_into_proofs_only() {
        let id = ConfigurationId::from("Card");
        let two = Proofs::Jwt(vec!["a".into(), "b".into()]);
        let body = credential_request(Selector::Configuration(&id), &two, ProofMember::Proof);
        assert_eq!(body, json!({ "credential_configuration_id": "Card", "proofs": { "jwt": ["a", "b"] } }));
    }

    // covers: ENC-04
    #[test]
    fn the_parameters_of_an_encrypted_answer_have_a_public_key_with_its_algorithm() {
        let (x, y) = ("YO4epjifD-KWeq1sL2tNmm36BhXnkJ0He-WqMYrp9Fk", "Hekpm0zfK7C-YccH5iBjcIXgf6YdUvNUac_0At55Okk");
        let key = Jwk::from_value(&json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })).expect("a key");
        let kid = key.thumbprint();
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "use": "enc", "alg": "ECDH-ES" });
        let asked = |form: EncryptionForm, enc: &str, zip: Option<&str>| {
            let mut body = json!({});
            credential_response_encryption(&mut body, form, &key, "ECDH-ES", enc, zip);
            body
        };
        let member = "credential_response_encryption";
        let in_key = EncryptionForm::InKey;
        assert_eq!(asked(in_key, "A128GCM", None), json!({ member: { "jwk": jwk, "enc": "A128GCM" } }));
        let zipped = json!({ member: { "jwk": jwk, "enc": "A256GCM", "zip": "DEF" } });
        assert_eq!(asked(in_key, "A256GCM", Some("DEF")), zipped);
        // Older drafts: the algorithm beside the key, or all of it in the request.
        let mut bare = jwk.clone();
        bare.as_object_mut().expect("a key").remove("alg");
        let beside = json!({ member: { "jwk": bare, "alg": "ECDH-ES", "enc": "A128GCM" } });
        assert_eq!(asked(EncryptionForm::BesideKey, "A128GCM", None), beside);
        let flat = json!({
            "credential_encryption_jwk": bare,
            "credential_response_encryption_alg": "ECDH-ES",
            "credential_response_encryption_enc": "A128GCM"
        });
        assert_eq!(asked(EncryptionForm::Flat, "A128GCM", None), flat);
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
