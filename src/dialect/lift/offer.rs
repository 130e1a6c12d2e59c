//! Credential offers: drafts 8 to 12, wrapped ones, and those that are half migrated.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::super::read::ReadError;
use super::super::tolerance::{Tolerance, Tolerated};
use super::super::{PinParameter, ReadOffer};
use super::configuration;
use crate::model::ids::ConfigurationId;
use crate::model::offer::GrantType;

const IDS: &str = "credential_configuration_ids";
const CODE: &str = "pre-authorized_code";

/// An offer in the words of 1.0.
pub(crate) struct Lifted {
    pub(crate) document: Value,
    pub(crate) inline: BTreeMap<ConfigurationId, Value>,
    pub(crate) pin: PinParameter,
    pub(crate) tolerated: Tolerated,
}

/// Lifts an offer. It fails where what is offered is described in a way that names nothing.
pub(crate) fn lift(document: &Value) -> Result<Lifted, ReadError> {
    let mut lifted = Lifted {
        document: Value::Null,
        inline: BTreeMap::new(),
        pin: PinParameter::TxCode,
        tolerated: Tolerated::new(),
    };
    let mut document = document;
    if document.get("credential_issuer").is_none()
        && let Some(inner) = document.get("credential_offer").filter(|inner| inner.is_object())
    {
        document = inner;
        lifted.tolerated.insert(Tolerance::WrappedOffer);
    }
    let Some(members) = document.as_object() else {
        lifted.document = document.clone();
        return Ok(lifted);
    };
    let mut members = members.clone();
    if !members.contains_key("credential_issuer")
        && let Some(issuer) = members.remove("issuer")
    {
        members.insert("credential_issuer".to_owned(), issuer);
        lifted.tolerated.insert(Tolerance::OldOfferLink);
    }
    lifted.name_configurations(&mut members)?;
    lifted.gather_grants(&mut members);
    lifted.lift_pin(&mut members);
    lifted.document = Value::Object(members);
    Ok(lifted)
}

impl Lifted {
    /// What is offered, under the name that 1.0 has for it.
    fn name_configurations(&mut self, members: &mut Map<String, Value>) -> Result<(), ReadError> {
        let older = members.remove("credentials").filter(|older| !older.is_null());
        let newer = members.get(IDS).filter(|newer| !newer.is_null()).cloned();
        let (name, offered) = match (newer, older) {
            (Some(newer), Some(_)) => {
                self.tolerated.insert(Tolerance::MixedOffer);
                (IDS, newer)
            }
            (Some(newer), None) => (IDS, newer),
            (None, Some(older)) => {
                self.tolerated.insert(Tolerance::OfferCredentials);
                ("credentials", older)
            }
            (None, None) => return Ok(()),
        };
        let items = match offered {
            Value::Array(items) => items,
            Value::String(single) => {
                self.tolerated.insert(Tolerance::ValueType);
                vec![Value::String(single)]
            }
            other => {
                members.insert(IDS.to_owned(), other);
                return Ok(());
            }
        };
        let mut ids = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            if !item.is_object() {
                ids.push(item);
                continue;
            }
            let Some(id) = configuration::made_up_id(&item) else {
                return Err(ReadError {
                    path: format!("{name}.{index}"),
                    problem: "describes no kind of credential".to_owned(),
                });
            };
            self.tolerated.insert(Tolerance::InlineCredentials);
            ids.push(json!(id));
            self.inline.insert(id, item);
        }
        members.insert(IDS.to_owned(), Value::Array(ids));
        Ok(())
    }

    /// Grants that stand in the offer itself, as drafts 8 and 9 had them.
    fn gather_grants(&mut self, members: &mut Map<String, Value>) {
        if members.get("grants").is_some_and(|grants| !grants.is_null()) {
            return;
        }
        let (code, state) = (members.remove(CODE), members.remove("op_state"));
        if code.is_none() && state.is_none() {
            return;
        }
        let mut grants = Map::new();
        if let Some(code) = code {
            let pin = members.remove("user_pin_required").unwrap_or(Value::Bool(false));
            let grant = json!({ CODE: code, "user_pin_required": pin });
            grants.insert(GrantType::PreAuthorizedCode.as_str().to_owned(), grant);
        }
        if let Some(state) = state {
            grants.insert(GrantType::AuthorizationCode.as_str().to_owned(), json!({ "issuer_state": state }));
        }
        members.insert("grants".to_owned(), Value::Object(grants));
        self.tolerated.insert(Tolerance::OldOfferLink);
    }

    /// The older way to say that the user has to type something.
    fn lift_pin(&mut self, members: &mut Map<String, Value>) {
        let grant = members.get_mut("grants").and_then(|grants| grants.get_mut(GrantType::PreAuthorizedCode.as_str()));
        let Some(grant) = grant.and_then(Value::as_object_mut) else { return };
        let required = match grant.remove("user_pin_required") {
            Some(Value::Bool(required)) => required,
            Some(Value::String(text)) if text == "true" || text == "false" => {
                self.tolerated.insert(Tolerance::ValueType);
                text == "true"
            }
            Some(other) => {
                if !other.is_null() {
                    self.tolerated.insert(Tolerance::IgnoredMember);
                }
                return;
            }
            None => return,
        };
        if grant.get("tx_code").is_some_and(|tx_code| !tx_code.is_null()) {
            self.tolerated.insert(Tolerance::MixedOffer);
        } else if required {
            // Up to eight digits, and not how many (draft 11 section 4.1.1).
            grant.insert("tx_code".to_owned(), json!({ "input_mode": "numeric" }));
            self.pin = PinParameter::UserPin;
            self.tolerated.insert(Tolerance::UserPin);
        }
    }
}

/// An offer in the query of a link of draft 8, as a document of draft 9; `None` if it is none.
pub(crate) fn from_query(query: &str) -> Option<Value> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        found.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    let single = |name: &str| match found.get(name).map(Vec::as_slice) {
        Some([value]) => Some(value.clone()),
        _ => None,
    };
    let issuer = single("issuer")?;
    let types = found.get("credential_type").or_else(|| found.get("credential_types"))?;
    let mut document = json!({ "issuer": issuer, "credentials": types });
    for name in [CODE, "op_state", "user_pin_required"] {
        match single(name) {
            Some(value) if name == "user_pin_required" => document[name] = json!(value == "true"),
            Some(value) => document[name] = json!(value),
            None => {}
        }
    }
    Some(document)
}

/// Of a description in an offer, what says which credential to ask for and how. How it looks, what its claims are
/// called and what a sign-in is for are the issuer's to say: anybody can make an offer in its name.
pub(crate) fn what_to_ask_for(described: &Value) -> Value {
    const MEMBERS: [&str; 9] = [
        "format",
        "types",
        "type",
        "vct",
        "doctype",
        "@context",
        "cryptographic_binding_methods_supported",
        "proof_types_supported",
        "id",
    ];
    const DEFINITIONS: [&str; 2] = ["credential_definition", "credentials_definition"];
    let only = |value: &Value, names: &[&str]| -> Map<String, Value> {
        let members = value.as_object().into_iter().flatten();
        let kept = members.filter(|(name, _)| names.contains(&name.as_str()));
        kept.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let mut kept = only(described, &MEMBERS);
    for name in DEFINITIONS {
        if let Some(definition) = described.get(name) {
            let definition = only(definition, &["types", "type", "vct", "@context"]);
            kept.insert(name.to_owned(), Value::Object(definition));
        }
    }
    Value::Object(kept)
}

impl ReadOffer {
    /// Whether ids may be names of types: what older links offer is named so.
    pub(crate) fn may_name_types(&self) -> bool {
        self.tolerated.contains(&Tolerance::OldOfferLink)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{Dialects, issuer_metadata, offer, settle};
    use crate::model::ids::IssuerId;
    use crate::model::metadata::CredentialKind;
    use crate::model::secret::Secret;

    fn read(document: &Value) -> ReadOffer {
        offer(document, Dialects::Any).expect("an offer")
    }

    fn ids(read: &ReadOffer) -> Vec<&str> {
        read.offer.credential_configuration_ids.iter().map(ConfigurationId::as_str).collect()
    }

    fn names(read: &ReadOffer) -> Vec<&'static str> {
        read.tolerated.iter().map(|tolerance| tolerance.as_str()).collect()
    }

    fn pre_authorized(grant: &Value) -> Value {
        json!({ "credential_issuer": "https://i.example", "credential_configuration_ids": ["A"],
            "grants": { "urn:ietf:params:oauth:grant-type:pre-authorized_code": grant } })
    }

    #[test]
    fn an_offer_of_1_0_is_left_as_it_is() {
        let document = pre_authorized(&json!({ "pre-authorized_code": "c", "tx_code": {} }));
        let lifted = lift(&document).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(lifted.document, document);
        assert!(lifted.tolerated.is_empty() && lifted.inline.is_empty() && lifted.pin == PinParameter::TxCode);
    }

    #[test]
    fn older_names_mean_the_same() {
        let read = read(&json!({ "credential_issuer": "https://i.example", "credentials": ["A", "B"],
            "grants": { "urn:ietf:params:oauth:grant-type:pre-authorized_code":
                { "pre-authorized_code": "c", "user_pin_required": true } } }));
        assert_eq!(ids(&read), ["A", "B"]);
        assert_eq!(names(&read), ["offer_credentials", "user_pin"]);
        assert_eq!(read.pin, PinParameter::UserPin);
        let grant = read.offer.grants.pre_authorized_code.expect("the grant");
        assert!(grant.tx_code.is_some());
    }

    #[test]
    fn of_two_generations_in_one_offer_the_newer_wins() {
        let both = read(&json!({ "credential_issuer": "https://i.example",
            "credential_configuration_ids": ["New"], "credentials": ["Old"],
            "grants": { "urn:ietf:params:oauth:grant-type:pre-authorized_code":
                { "pre-authorized_code": "c", "user_pin_required": true, "tx_code": { "length": 4 } } } }));
        assert_eq!(ids(&both), ["New"]);
        assert_eq!(names(&both), ["mixed_offer"]);
        assert_eq!(both.pin, PinParameter::TxCode);
        let plain = read(&pre_authorized(&json!({ "pre-authorized_code": "c", "user_pin_required": false })));
        assert!(plain.tolerated.is_empty() && plain.offer.grants.pre_authorized_code.expect("it").tx_code.is_none());
        let texts = read(&pre_authorized(&json!({ "pre-authorized_code": "c", "user_pin_required": "true" })));
        assert_eq!((names(&texts), texts.pin), (vec!["user_pin", "value_type"], PinParameter::UserPin));
    }

    #[test]
    fn descriptions_get_a_name_and_what_describes_nothing_is_said() {
        let described = json!({ "format": "jwt_vc_json", "types": ["VerifiableCredential", "Degree"] });
        for member in ["credentials", "credential_configuration_ids"] {
            let inline = read(&json!({ "credential_issuer": "https://i.example", member: [described, "Other"] }));
            assert_eq!(ids(&inline).len(), 2);
            let made_up = &inline.offer.credential_configuration_ids[0];
            assert_eq!(inline.inline.get(made_up), Some(&described));
            assert!(names(&inline).contains(&"inline_credentials"));
        }
        let nothing = json!({ "credential_issuer": "https://i.example", "credentials": ["A", {}] });
        let error = offer(&nothing, Dialects::Any).expect_err("no offer");
        assert_eq!(error.to_string(), "`credentials.1` describes no kind of credential");
    }

    #[test]
    fn an_offer_does_not_say_how_a_credential_looks() {
        let said = [json!({ "name": "Another's" })];
        let offered = read(&json!({ "credential_issuer": "https://i.example", "credentials": [{
            "format": "jwt_vc_json", "scope": "everything", "display": said, "claims": { "x": { "display": said } },
            "credential_metadata": { "display": said },
            "credential_definition": { "type": ["Degree"], "credentialSubject": { "y": { "display": said } } } }] }));
        let asked = IssuerId::parse("https://i.example").expect("legal");
        let document = json!({ "credential_issuer": "https://i.example", "credential_endpoint": "https://i.example/c",
            "credential_configurations_supported": {} });
        let mut issuer = issuer_metadata(&document, &asked, Dialects::Any).expect("metadata");
        let settled = settle(&offered, &mut issuer.metadata, &mut issuer.quirks);
        let found = &issuer.metadata.credential_configurations_supported[&settled.credential_configuration_ids[0]];
        assert_eq!(found.kind, CredentialKind::Types(vec!["Degree".to_owned()]));
        assert!(found.display.is_empty() && found.claims.is_empty() && found.scope.is_none(), "{found:?}");
    }

    #[test]
    fn many_descriptions_and_many_configurations_are_no_work() {
        let types: Vec<String> = (0..2000).map(|at| format!("T{at}")).collect();
        let described = |more: String| {
            let mut types = types.clone();
            types.push(more);
            json!({ "format": "jwt_vc_json", "types": types })
        };
        let inline: Vec<_> = (0..100).map(|at| described(format!("A{at}"))).collect();
        let listed: Vec<_> = (0..200).map(|at| described(format!("B{at}"))).collect();
        let offered = read(&json!({ "credential_issuer": "https://i.example", "credentials": inline }));
        let asked = IssuerId::parse("https://i.example").expect("legal");
        let document = json!({ "credential_issuer": "https://i.example", "credential_endpoint": "https://i.example/c",
            "credentials_supported": listed });
        let mut issuer = issuer_metadata(&document, &asked, Dialects::Any).expect("metadata");
        // Each with each, it would be minutes.
        assert_eq!(settle(&offered, &mut issuer.metadata, &mut issuer.quirks).credential_configuration_ids.len(), 100);
    }

    #[test]
    fn flat_offers_and_queries_of_older_drafts() {
        let query = "issuer=https%3A%2F%2Fi.example&credential_type=Degree&credential_type=Card\
            &pre-authorized_code=c%26d&user_pin_required=true&op_state=s";
        let read = read(&from_query(query).expect("an offer"));
        assert_eq!(ids(&read), ["Degree", "Card"]);
        let grants = &read.offer.grants;
        assert_eq!(grants.pre_authorized_code.as_ref().expect("it").pre_authorized_code.expose(), "c&d");
        let state = grants.authorization_code.as_ref().and_then(|grant| grant.issuer_state.as_ref());
        assert_eq!(state.map(Secret::expose), Some("s"));
        assert_eq!(read.pin, PinParameter::UserPin);
        assert!(read.may_name_types());
        for none in ["", "issuer=https%3A%2F%2Fi.example", "credential_type=A", "issuer=a&issuer=b&credential_type=A"] {
            assert!(from_query(none).is_none(), "{none}");
        }
    }

    #[test]
    fn a_wrapper_comes_off() {
        let inner = pre_authorized(&json!({ "pre-authorized_code": "c" }));
        let wrapped = read(&json!({ "credential_offer": inner }));
        assert_eq!(names(&wrapped), ["wrapped_offer"]);
        assert!(offer(&json!({ "credential_offer": "text" }), Dialects::Any).is_err());
    }

    #[test]
    fn strict_takes_none_of_it() {
        for old in [
            json!({ "credential_issuer": "https://i.example", "credentials": ["A"] }),
            json!({ "issuer": "https://i.example", "credential_configuration_ids": ["A"] }),
            json!({ "credential_offer": pre_authorized(&json!({ "pre-authorized_code": "c" })) }),
        ] {
            assert!(offer(&old, Dialects::Any).is_ok(), "{old}");
            assert!(offer(&old, Dialects::Strict).is_err(), "{old}");
        }
    }
}
