//! `authorization_details` of the type `openid_credential` (`OpenID4VCI` section 5.1.1).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::catalogue::Configuration;
use crate::claims::Selection;
use crate::dialect::{Claims, Details, types};
use crate::issuer::Issuer;
use crate::options::AuthorizationServer;
use crate::refusal::Refusal;

type Object = Map<String, Value>;

/// What the details ask for.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// Configuration ids.
    pub(crate) ids: Vec<String>,
    /// The claims that are wanted, where that is said.
    pub(crate) claims: Selection,
    /// The details themselves where they may go without a configuration id, by configuration: the token
    /// answer repeats them.
    pub(crate) echoes: BTreeMap<String, Value>,
}

fn bad(reason: impl AsRef<str>) -> Refusal {
    Refusal::new("invalid_authorization_details", reason)
}

/// Reads the parameter. Where a type fits several configurations, one of `offered` comes first.
pub(crate) fn read(issuer: &Issuer, text: &str, offered: &[String]) -> Result<Asked, Refusal> {
    let details: Value = serde_json::from_str(text).map_err(|_| bad("authorization_details is not JSON"))?;
    let details = details
        .as_array()
        .filter(|details| !details.is_empty())
        .ok_or_else(|| bad("authorization_details is not a filled array"))?;
    let mut asked = Asked::default();
    for detail in details {
        let detail = detail.as_object().ok_or_else(|| bad("An authorization detail is not an object"))?;
        read_one(issuer, detail, offered, &mut asked)?;
    }
    Ok(asked)
}

fn read_one(issuer: &Issuer, detail: &Object, offered: &[String], asked: &mut Asked) -> Result<(), Refusal> {
    if detail.get("type").and_then(Value::as_str) != Some("openid_credential") {
        return Err(bad("The only type served is openid_credential"));
    }
    let rule = issuer.dialect.details;
    // RFC 9396 section 5 has anything else refused.
    for name in detail.keys() {
        let known = match name.as_str() {
            "type" | "locations" | "claims" => true,
            "credential_configuration_id" => rule != Details::Format,
            other => rule != Details::Configuration && types::MEMBERS.contains(&other),
        };
        if !known {
            return Err(bad(format!("The member {name} is not known in openid_credential")));
        }
    }
    let configuration = match detail.get("credential_configuration_id") {
        Some(id) => by_id(issuer, detail, id)?,
        None if rule == Details::Configuration => return Err(bad("credential_configuration_id is missing")),
        None if !detail.contains_key("format") => return Err(bad("format is missing")),
        None => by_type(issuer, detail, offered)?,
    };
    let id = &configuration.id;
    check_locations(issuer, detail.get("locations")).map_err(bad)?;
    if asked.ids.contains(id) {
        return Err(bad(format!("The credential configuration '{id}' appears twice")));
    }
    if let Some(wanted) = types::wanted(&issuer.dialect, configuration, detail).map_err(bad)? {
        asked.claims.insert(id.clone(), wanted);
    }
    if rule != Details::Configuration {
        asked.echoes.insert(id.clone(), Value::Object(detail.clone()));
    }
    asked.ids.push(id.clone());
    Ok(())
}

fn by_id<'a>(issuer: &'a Issuer, detail: &Object, id: &Value) -> Result<&'a Configuration, Refusal> {
    let id = id.as_str().ok_or_else(|| bad("credential_configuration_id is missing"))?;
    let configuration =
        issuer.configuration(id).ok_or_else(|| bad(format!("The credential configuration '{id}' is unknown")))?;
    // Only what is said of claims may stand beside it.
    let of_type = ["format", "types", "doctype", "vct", "credentialSubject"];
    if let Some(name) = of_type.into_iter().find(|name| detail.contains_key(*name)) {
        return Err(bad(format!("{name} has no place beside credential_configuration_id")));
    }
    if let Some(definition) = detail.get("credential_definition") {
        let only_claims = |definition: &Object| definition.keys().all(|name| name == "credentialSubject");
        if issuer.dialect.claims != Claims::Tree || !definition.as_object().is_some_and(only_claims) {
            return Err(bad("credential_definition says more than which claims are wanted"));
        }
    }
    Ok(configuration)
}

fn by_type<'a>(issuer: &'a Issuer, detail: &Object, offered: &[String]) -> Result<&'a Configuration, Refusal> {
    let mut described = detail.clone();
    if issuer.dialect.claims != Claims::Tree {
        // The same for every format, so no part of the type.
        described.remove("claims");
    }
    let found = types::named(issuer, &described).map_err(|refusal| bad(refusal.description))?;
    let first = found.iter().find(|configuration| offered.contains(&configuration.id));
    Ok(first.unwrap_or(&found[0]))
}

fn check_locations(issuer: &Issuer, locations: Option<&Value>) -> Result<(), String> {
    let Some(locations) = locations else {
        return if issuer.options.authorization_server == AuthorizationServer::Own {
            Ok(())
        } else {
            Err("locations has to name the credential issuer, which has authorization_servers".to_owned())
        };
    };
    let names_us =
        locations.as_array().is_some_and(|locations| locations.len() == 1 && locations[0].as_str() == Some(&issuer.id));
    if names_us { Ok(()) } else { Err("locations is not an array of just the credential issuer".to_owned()) }
}
