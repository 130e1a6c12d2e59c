//! Credential issuer metadata.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use url::Url;

use super::super::Spelling;
use super::super::read::whole;
use super::super::tolerance::{Tolerance, Tolerated};
use super::catalogue::{self, CONFIGURATIONS, Catalogue, SUPPORTED};
use super::{absolute, flag_from_text, is_there, single_display, single_text};
use crate::model::ids::{ConfigurationId, IssuerId};
use crate::model::offer::GrantType;

const SERVERS: &str = "authorization_servers";
const BATCH: &str = "batch_credential_issuance";
const RESPONSE_ENCRYPTION: &str = "credential_response_encryption";
const REQUEST_ENCRYPTION: &str = "credential_request_encryption";

/// Addresses at the issuer, and at its server where it is its own.
const ENDPOINTS: [&str; 9] = [
    "credential_endpoint",
    "batch_credential_endpoint",
    "deferred_credential_endpoint",
    "nonce_endpoint",
    "notification_endpoint",
    "token_endpoint",
    "authorization_endpoint",
    "pushed_authorization_request_endpoint",
    "challenge_endpoint",
];

/// Members of server metadata that older issuers have in theirs.
const OF_SERVER: [&str; 9] = [
    "token_endpoint",
    "authorization_endpoint",
    "pushed_authorization_request_endpoint",
    "require_pushed_authorization_requests",
    "grant_types_supported",
    "code_challenge_methods_supported",
    "token_endpoint_auth_methods_supported",
    "dpop_signing_alg_values_supported",
    "pre-authorized_grant_anonymous_access_supported",
];

/// Metadata in the words of 1.0.
pub(crate) struct LiftedIssuer {
    pub(crate) document: Value,
    pub(crate) spellings: BTreeMap<ConfigurationId, Spelling>,
    pub(crate) tolerated: Tolerated,
    /// Server metadata that stands in the issuer's. Whether there is no other is for others to find out.
    pub(crate) server: Option<Value>,
}

/// Lifts issuer metadata that was asked for as `asked`.
pub(crate) fn lift(document: &Value, asked: &IssuerId) -> LiftedIssuer {
    let mut lifted =
        LiftedIssuer { document: Value::Null, spellings: BTreeMap::new(), tolerated: Tolerated::new(), server: None };
    let Some(members) = document.as_object() else {
        lifted.document = document.clone();
        return lifted;
    };
    // The catalogue is most of a document: it is not copied twice.
    let is_catalogue = |name: &str| name == CONFIGURATIONS || name == SUPPORTED;
    let mut members: Map<String, Value> = members
        .iter()
        .filter(|(name, _)| !is_catalogue(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    lifted.catalogue(document, &mut members);
    let tolerated = &mut lifted.tolerated;
    servers(&mut members, tolerated);
    for name in ENDPOINTS {
        absolute(&mut members, name, asked, tolerated);
    }
    single_display(&mut members, tolerated);
    encryption(&mut members, tolerated);
    drop_unreadable(&mut members, tolerated);
    lifted.server = server(&members, asked);
    lifted.document = Value::Object(members);
    lifted
}

impl LiftedIssuer {
    fn catalogue(&mut self, document: &Value, members: &mut Map<String, Value>) {
        let mut keep = |name: &str| {
            if let Some(value) = document.get(name) {
                members.insert(name.to_owned(), value.clone());
            }
        };
        let Some(found) = Catalogue::of(document) else { return keep(CONFIGURATIONS) };
        // Beside the newer one, the older is a member like any other that a reader does not know.
        if !found.is_older {
            keep(SUPPORTED);
        }
        match catalogue::lift(found, &mut self.tolerated) {
            Some(lifted) => {
                members.insert(CONFIGURATIONS.to_owned(), Value::Object(lifted.entries));
                self.spellings = lifted.spellings;
            }
            None => keep(if found.is_older { SUPPORTED } else { CONFIGURATIONS }),
        }
    }
}

/// The servers as a list. What they are is not touched: who gives tokens is a matter of trust.
fn servers(members: &mut Map<String, Value>, tolerated: &mut Tolerated) {
    if members.get(SERVERS).and_then(Value::as_array).is_some_and(Vec::is_empty) {
        members.remove(SERVERS);
        tolerated.insert(Tolerance::IgnoredMember);
    }
    single_text(members, SERVERS, tolerated);
    if is_there(members, SERVERS) {
        return;
    }
    match members.get("authorization_server") {
        Some(Value::String(server)) if !server.is_empty() => {
            let server = server.clone();
            members.insert(SERVERS.to_owned(), json!([server]));
            tolerated.insert(Tolerance::SingleServer);
        }
        Some(Value::Array(servers)) if !servers.is_empty() => {
            let servers = servers.clone();
            members.insert(SERVERS.to_owned(), Value::Array(servers));
            tolerated.insert(Tolerance::SingleServer);
        }
        _ => {}
    }
}

/// Encryption as one object. What says that it is required is never left out.
fn encryption(members: &mut Map<String, Value>, tolerated: &mut Tolerated) {
    for name in [RESPONSE_ENCRYPTION, REQUEST_ENCRYPTION] {
        // Nothing, said in another way.
        if members.get(name).is_some_and(|value| *value == json!(false) || *value == json!("") || *value == json!([])) {
            members.remove(name);
            tolerated.insert(Tolerance::IgnoredMember);
        }
        if let Some(object) = members.get_mut(name).and_then(Value::as_object_mut) {
            for list in ["alg_values_supported", "enc_values_supported", "zip_values_supported"] {
                single_text(object, list, tolerated);
            }
            flag_from_text(object, "encryption_required", tolerated);
        }
    }
    if is_there(members, RESPONSE_ENCRYPTION) {
        return;
    }
    let flat = [
        ("credential_response_encryption_alg_values_supported", "alg_values_supported"),
        ("credential_response_encryption_enc_values_supported", "enc_values_supported"),
        ("require_credential_response_encryption", "encryption_required"),
    ];
    let mut object = Map::new();
    for (flat, name) in flat {
        if let Some(value) = members.get(flat).filter(|value| !value.is_null()) {
            object.insert(name.to_owned(), value.clone());
        }
    }
    for list in ["alg_values_supported", "enc_values_supported"] {
        single_text(&mut object, list, tolerated);
    }
    flag_from_text(&mut object, "encryption_required", tolerated);
    // That nothing is required says nothing where nothing is offered.
    let says = object.keys().any(|name| name != "encryption_required");
    if says || object.get("encryption_required").is_some_and(|required| *required != json!(false)) {
        members.insert(RESPONSE_ENCRYPTION.to_owned(), Value::Object(object));
        tolerated.insert(Tolerance::FlatEncryption);
    }
}

/// Leaves out what would spoil the document for a reader although an issuance can do without it.
fn drop_unreadable(members: &mut Map<String, Value>, tolerated: &mut Tolerated) {
    if is_there(members, BATCH) {
        let size = members[BATCH].get("batch_size");
        let is_number = size.is_some_and(Value::is_number);
        let size = size.and_then(whole).filter(|size| (2..=i64::from(u32::MAX)).contains(size));
        if let Some(size) = size {
            if !is_number {
                members[BATCH]["batch_size"] = json!(size);
                tolerated.insert(Tolerance::ValueType);
            }
        } else {
            // One key a request: what an issuer without the member takes.
            members.remove(BATCH);
            tolerated.insert(Tolerance::IgnoredMember);
        }
    }
    for name in ["notification_endpoint", "deferred_credential_endpoint"] {
        if is_there(members, name) && !members.get(name).is_some_and(is_endpoint) {
            members.remove(name);
            tolerated.insert(Tolerance::IgnoredMember);
        }
    }
    // An issuer that has one demands nonces. So only what says that there is none is left out.
    if members.get("nonce_endpoint").is_some_and(|endpoint| *endpoint == json!("") || *endpoint == json!(false)) {
        members.remove("nonce_endpoint");
        tolerated.insert(Tolerance::IgnoredMember);
    }
}

fn is_endpoint(value: &Value) -> bool {
    value.as_str().and_then(|text| Url::parse(text).ok()).is_some_and(|url| url.has_host() && url.fragment().is_none())
}

/// The server metadata in the issuer's, where the issuer is its own server.
fn server(members: &Map<String, Value>, asked: &IssuerId) -> Option<Value> {
    members.get("token_endpoint").filter(|endpoint| is_endpoint(endpoint))?;
    let is_own = match members.get(SERVERS) {
        None | Some(Value::Null) => true,
        Some(servers) => servers.as_array()?.iter().any(|server| server == asked.as_str()),
    };
    if !is_own {
        return None;
    }
    let mut server: Map<String, Value> = OF_SERVER
        .into_iter()
        .filter(|name| is_there(members, name))
        .map(|name| (name.to_owned(), members[name].clone()))
        .collect();
    server.insert("issuer".to_owned(), json!(asked.as_str()));
    if !server.get("grant_types_supported").is_some_and(Value::is_array) {
        let mut grants = vec![GrantType::PreAuthorizedCode.as_str()];
        if server.contains_key("authorization_endpoint") {
            grants.push(GrantType::AuthorizationCode.as_str());
        }
        server.insert("grant_types_supported".to_owned(), json!(grants));
    }
    Some(Value::Object(server))
}

#[cfg(test)]
#[path = "metadata_tests.rs"]
mod tests;
