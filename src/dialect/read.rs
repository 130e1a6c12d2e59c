//! From the wire to the model.
//!
//! Readers take what the specification lets an issuer say and ignore what they don't know. What
//! they refuse, they refuse with the path of the member at fault.

mod encryption;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Map, Value};
use url::Url;

use crate::format;
use crate::model::claim_path::{self, ClaimModel};
use crate::model::credential::CredentialResponse;
use crate::model::display::{ClaimDescription, Display, Logo, PathStep, plain_text};
use crate::model::format::Format;
use crate::model::ids::{ConfigurationId, CredentialIdentifier, IssuerId, NotificationId, TransactionId};
use crate::model::key_attestation::{AttackPotentialResistance, KeyAttestationsRequired};
use crate::model::metadata::{
    AuthorizationServerMetadata, CredentialConfiguration, CredentialKind, IssuerMetadata, ProofType, SigningAlgorithm,
};
use crate::model::offer::{
    AuthorizationCodeGrant, CredentialOffer, GrantType, Grants, InputMode, PreAuthorizedCodeGrant, TxCode,
};
use crate::model::secret::Secret;
use crate::model::time::Timestamp;
use crate::model::token::{AuthorizedCredential, Token, TokenType};
use crate::model::type_metadata::CredentialMetadata;

/// What is wrong with a document, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` {problem}")]
pub(crate) struct ReadError {
    /// The member, with dots between levels.
    pub(crate) path: String,
    /// What is wrong with it, to follow its name.
    pub(crate) problem: String,
}

type Read<T> = Result<T, ReadError>;

const IDS: &str = "credential_configuration_ids";
const CONFIGURATIONS: &str = "credential_configurations_supported";
const ALGORITHMS: &str = "proof_signing_alg_values_supported";

/// A JSON object with the path that leads to it, so that errors can name it.
struct Object<'a> {
    members: &'a Map<String, Value>,
    path: String,
}

impl<'a> Object<'a> {
    fn new(value: &'a Value, path: impl Into<String>) -> Read<Self> {
        let path = path.into();
        match value.as_object() {
            Some(members) => Ok(Self { members, path }),
            None => {
                Err(ReadError { path: if path.is_empty() { "$".into() } else { path }, problem: "is no object".into() })
            }
        }
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn fail<T>(&self, name: &str, problem: impl fmt::Display) -> Read<T> {
        Err(ReadError { path: self.path_of(name), problem: problem.to_string() })
    }

    /// The member, unless it is absent or `null`.
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Read<Option<&'a str>> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match value.as_str() {
                Some(text) => Ok(Some(text)),
                None => self.fail(name, "is no text"),
            },
        }
    }

    fn required_text(&self, name: &str) -> Read<&'a str> {
        match self.text(name)? {
            Some("") => self.fail(name, "is empty"),
            Some(text) => Ok(text),
            None => self.fail(name, "is missing"),
        }
    }

    fn flag(&self, name: &str) -> Read<bool> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => self.fail(name, "is neither true nor false"),
        }
    }

    fn object(&self, name: &str) -> Read<Option<Object<'a>>> {
        self.get(name).map(|value| Object::new(value, self.path_of(name))).transpose()
    }

    fn array(&self, name: &str) -> Read<Option<&'a [Value]>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(_) => self.fail(name, "is no array"),
        }
    }

    fn texts(&self, name: &str) -> Read<Option<Vec<String>>> {
        let Some(items) = self.array(name)? else { return Ok(None) };
        let texts: Option<Vec<_>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
        match texts {
            Some(texts) => Ok(Some(texts)),
            None => self.fail(name, "holds something that is no text"),
        }
    }

    fn endpoint(&self, name: &str) -> Read<Option<Url>> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match Url::parse(text) {
            Ok(url) if url.has_host() && url.fragment().is_none() => Ok(Some(url)),
            _ => self.fail(name, "is no absolute URL"),
        }
    }

    fn required_endpoint(&self, name: &str) -> Read<Url> {
        match self.endpoint(name)? {
            Some(url) => Ok(url),
            None => self.fail(name, "is missing"),
        }
    }

    fn issuer(&self, name: &str) -> Read<IssuerId> {
        let text = self.required_text(name)?;
        IssuerId::parse(text).or_else(|error| self.fail(name, format_args!("is no issuer identifier: {error}")))
    }

    fn optional_issuer(&self, name: &str) -> Read<Option<IssuerId>> {
        if self.get(name).is_none() { Ok(None) } else { self.issuer(name).map(Some) }
    }
}

/// A whole number, also when it was written as `300.0` or `"300"`.
pub(super) fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| number.to_string().parse::<f64>().ok().and_then(truncate)),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// The whole part of a number that an `i64` can hold without doubt.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked, and the fraction is meant to go")]
fn truncate(number: f64) -> Option<i64> {
    (number.is_finite() && number.abs() < 9e15).then_some(number as i64)
}

/// Reads a credential offer.
pub(crate) fn offer(value: &Value) -> Read<CredentialOffer> {
    let object = Object::new(value, "")?;
    let credential_issuer = object.issuer("credential_issuer")?;
    let ids = match object.texts(IDS)? {
        None => return object.fail(IDS, "is missing"),
        Some(ids) if ids.is_empty() => return object.fail(IDS, "is empty"),
        Some(ids) => ids,
    };
    if ids.iter().collect::<BTreeSet<_>>().len() != ids.len() {
        return object.fail(IDS, "names a configuration twice");
    }
    let grants = match object.object("grants")? {
        None => Grants::default(),
        Some(grants) => Grants {
            authorization_code: grants
                .object(GrantType::AuthorizationCode.as_str())?
                .map(|grant| {
                    Read::Ok(AuthorizationCodeGrant {
                        issuer_state: grant.text("issuer_state")?.map(Secret::from),
                        authorization_server: grant.optional_issuer("authorization_server")?,
                    })
                })
                .transpose()?,
            pre_authorized_code: grants
                .object(GrantType::PreAuthorizedCode.as_str())?
                .map(|grant| {
                    Read::Ok(PreAuthorizedCodeGrant {
                        pre_authorized_code: grant.required_text("pre-authorized_code")?.into(),
                        tx_code: grant.object("tx_code")?.map(|tx_code| read_tx_code(&tx_code)).transpose()?,
                        authorization_server: grant.optional_issuer("authorization_server")?,
                    })
                })
                .transpose()?,
        },
    };
    Ok(CredentialOffer {
        credential_issuer,
        credential_configuration_ids: ids.into_iter().map(ConfigurationId::new).collect(),
        grants,
    })
}

fn read_tx_code(object: &Object<'_>) -> Read<TxCode> {
    let input_mode = match object.text("input_mode")? {
        None | Some("numeric") => InputMode::Numeric,
        Some("text") => InputMode::Text,
        Some(_) => return object.fail("input_mode", "is neither numeric nor text"),
    };
    let length = match object.get("length") {
        None => None,
        Some(value) => match whole(value).and_then(|length| u32::try_from(length).ok()) {
            Some(length) if length > 0 => Some(length),
            _ => return object.fail("length", "is no positive number"),
        },
    };
    let description = object.text("description")?.map(|text| plain_text(text).chars().take(300).collect());
    Ok(TxCode { input_mode, length, description })
}

/// Reads credential issuer metadata. A configuration that can't be read is set aside.
pub(crate) fn issuer_metadata(value: &Value) -> Read<IssuerMetadata> {
    let object = Object::new(value, "")?;
    let credential_issuer = object.issuer("credential_issuer")?;
    let authorization_servers = match object.texts("authorization_servers")? {
        None => Vec::new(),
        Some(servers) if servers.is_empty() => return object.fail("authorization_servers", "is empty"),
        Some(servers) => {
            let read: Result<Vec<_>, _> = servers.iter().map(|server| IssuerId::parse(server)).collect();
            read.or_else(|error| object.fail("authorization_servers", format_args!("holds no identifier: {error}")))?
        }
    };
    let Some(configurations) = object.object(CONFIGURATIONS)? else {
        return object.fail(CONFIGURATIONS, "is missing");
    };
    let (mut supported, mut unreadable) = (BTreeMap::new(), BTreeMap::new());
    for (id, value) in configurations.members {
        let id = ConfigurationId::new(id.as_str());
        match configuration(value, &configurations.path_of(id.as_str())) {
            Ok(configuration) => drop(supported.insert(id, configuration)),
            Err(error) => drop(unreadable.insert(id, error.to_string())),
        }
    }
    let batch_size = match object.object("batch_credential_issuance")? {
        None => 1,
        Some(batch) => match batch.get("batch_size").and_then(whole).and_then(|size| u32::try_from(size).ok()) {
            Some(size) if size >= 2 => size,
            _ => return batch.fail("batch_size", "is no number of 2 or more"),
        },
    };
    Ok(IssuerMetadata {
        credential_endpoint: object.required_endpoint("credential_endpoint")?,
        nonce_endpoint: object.endpoint("nonce_endpoint")?,
        deferred_credential_endpoint: object.endpoint("deferred_credential_endpoint")?,
        notification_endpoint: object.endpoint("notification_endpoint")?,
        batch_size,
        credential_request_encryption: encryption::request(&object)?,
        credential_response_encryption: encryption::response(&object)?,
        display: displays(object.get("display")),
        credential_configurations_supported: supported,
        unreadable,
        jwks: object.get("jwks").cloned(),
        credential_issuer,
        authorization_servers,
    })
}

pub(super) fn configuration(value: &Value, path: &str) -> Read<CredentialConfiguration> {
    let object = Object::new(value, path)?;
    let name = object.required_text("format")?;
    let format = Format::from(name.to_owned());
    let kind = format::reader(&format).read_kind(value);
    let kind = kind.map_err(|problem| ReadError { path: path.to_owned(), problem })?;
    let mut proof_types = BTreeMap::new();
    if let Some(types) = object.object("proof_types_supported")? {
        for (name, value) in types.members {
            let entry = Object::new(value, types.path_of(name))?;
            let Some(algorithms) = entry.texts(ALGORITHMS)?.filter(|list| !list.is_empty()) else {
                return entry.fail(ALGORITHMS, "is missing or empty");
            };
            proof_types.insert(
                name.clone(),
                ProofType {
                    proof_signing_alg_values_supported: algorithms,
                    key_attestations_required: entry
                        .object("key_attestations_required")?
                        .map(|required| key_attestations_required(&required))
                        .transpose()?,
                },
            );
        }
    }
    let model = if matches!(kind, CredentialKind::Doctype(_)) { ClaimModel::Mdoc } else { ClaimModel::Json };
    let shown = object.object("credential_metadata")?;
    let shown_member = |name: &str| shown.as_ref().and_then(|shown| shown.get(name));
    Ok(CredentialConfiguration {
        format,
        kind,
        contexts: format::w3c::announced_contexts(value),
        scope: object.text("scope")?.filter(|scope| !scope.is_empty()).map(str::to_owned),
        cryptographic_binding_methods_supported: object
            .texts("cryptographic_binding_methods_supported")?
            .unwrap_or_default(),
        proof_types_supported: proof_types,
        display: displays(shown_member("display").or_else(|| object.get("display"))),
        claims: claims(shown_member("claims").or_else(|| object.get("claims")), model),
        credential_signing_alg_values_supported: signing_algorithms(&object),
    })
}

/// Reads what is only for show. What can't be read is left out: a bad colour stops no issuance.
fn displays(value: Option<&Value>) -> Vec<Display> {
    let text = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_str).map(plain_text).filter(|text| !text.is_empty())
    };
    let picture = |value: Option<&Value>| {
        let value = value?;
        let uri = value.get("uri").or_else(|| value.get("url")).and_then(Value::as_str)?;
        let integrity = value.get("uri#integrity").and_then(Value::as_str).map(str::to_owned);
        Some(Logo { uri: uri.to_owned(), alt_text: text(value, "alt_text"), integrity })
    };
    let entries = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    entries
        .iter()
        .filter(|entry| entry.is_object())
        .map(|entry| Display {
            name: text(entry, "name"),
            locale: text(entry, "locale"),
            logo: picture(entry.get("logo")),
            description: text(entry, "description"),
            background_color: text(entry, "background_color"),
            background_image: picture(entry.get("background_image")),
            text_color: text(entry, "text_color"),
        })
        .collect()
}

/// Reads what key attestations have to say; without levels, that there has to be one.
fn key_attestations_required(object: &Object<'_>) -> Read<KeyAttestationsRequired> {
    let levels = |name: &str| {
        let texts = object.texts(name)?.unwrap_or_default();
        Read::Ok(texts.into_iter().map(AttackPotentialResistance::from).collect())
    };
    Ok(KeyAttestationsRequired {
        key_storage: levels("key_storage")?,
        user_authentication: levels("user_authentication")?,
    })
}

/// How many claims one kind of credential has: more than any form asks for. Each is held against each other one.
const MOST_DESCRIPTIONS: usize = 1000;

/// Reads claim descriptions; what is none is left out, and so are those beyond a thousand. Where they repeat or contradict each other, none of
/// them is taken: nobody knows which one was meant (OpenID4VCI appendix B.3).
fn claims(value: Option<&Value>, model: ClaimModel) -> Vec<ClaimDescription> {
    let entries = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let entries = entries.iter().take(MOST_DESCRIPTIONS);
    let read = |entry: &Value| {
        let path = claim_path(entry.get("path")?)?;
        claim_path::fits(&path, model).ok()?;
        let mandatory = entry.get("mandatory").and_then(Value::as_bool).unwrap_or(false);
        Some(ClaimDescription { path, mandatory, display: displays(entry.get("display")) })
    };
    let read: Vec<_> = entries.filter_map(read).collect();
    let paths: Vec<_> = read.iter().map(|claim| claim.path.as_slice()).collect();
    if claim_path::contradict(&paths, model) { Vec::new() } else { read }
}

/// How credentials are signed. What is neither a name nor a number is left out: it is for information only.
fn signing_algorithms(object: &Object<'_>) -> Vec<SigningAlgorithm> {
    let listed = object.get("credential_signing_alg_values_supported").and_then(Value::as_array);
    let read = |value: &Value| match value {
        Value::String(name) => Some(SigningAlgorithm::Name(name.clone())),
        value => value.as_i64().map(SigningAlgorithm::Cose),
    };
    listed.map(|values| values.iter().filter_map(read).collect()).unwrap_or_default()
}

/// Reads a claim path: keys, indexes that are not negative, and `null`.
pub(crate) fn claim_path(value: &Value) -> Option<Vec<PathStep>> {
    let steps = value.as_array().filter(|steps| !steps.is_empty())?;
    steps
        .iter()
        .map(|step| match step {
            Value::String(key) => Some(PathStep::Key(key.clone())),
            Value::Null => Some(PathStep::All),
            Value::Number(index) => index.as_u64().map(PathStep::Index),
            _ => None,
        })
        .collect()
}

/// Reads authorization server metadata (RFC 8414 section 2).
pub(crate) fn authorization_server_metadata(value: &Value) -> Read<AuthorizationServerMetadata> {
    let object = Object::new(value, "")?;
    Ok(AuthorizationServerMetadata {
        issuer: object.issuer("issuer")?,
        authorization_endpoint: object.endpoint("authorization_endpoint")?,
        token_endpoint: object.required_endpoint("token_endpoint")?,
        pushed_authorization_request_endpoint: object.endpoint("pushed_authorization_request_endpoint")?,
        require_pushed_authorization_requests: object.flag("require_pushed_authorization_requests")?,
        grant_types_supported: object
            .texts("grant_types_supported")?
            .unwrap_or_else(|| vec!["authorization_code".to_owned(), "implicit".to_owned()]),
        authorization_details_types_supported: object.texts("authorization_details_types_supported")?,
        authorization_response_iss_parameter_supported: object
            .flag("authorization_response_iss_parameter_supported")?,
        pre_authorized_grant_anonymous_access_supported: object
            .flag("pre-authorized_grant_anonymous_access_supported")?,
        token_endpoint_auth_methods_supported: object.texts("token_endpoint_auth_methods_supported")?,
        dpop_signing_alg_values_supported: object.texts("dpop_signing_alg_values_supported")?,
        client_attestation_pop_signing_alg_values_supported: object
            .texts("client_attestation_pop_signing_alg_values_supported")?,
        challenge_endpoint: object.endpoint("challenge_endpoint")?,
    })
}

/// Reads the answer to a pushed authorization request (RFC 9126 section 2.2): the `request_uri`
/// and for how many seconds it is good.
pub(crate) fn pushed_authorization(value: &Value) -> Read<(String, i64)> {
    let object = Object::new(value, "")?;
    let request_uri = object.required_text("request_uri")?.to_owned();
    match object.get("expires_in").and_then(whole) {
        Some(seconds) if seconds > 0 => Ok((request_uri, seconds)),
        _ => object.fail("expires_in", "is no positive number"),
    }
}

/// How many datasets of one token response are asked for: each costs keys, a request and a user's patience. No
/// person has more credentials of one kind; what is beyond is left out.
const MOST_DATASETS: usize = 100;

/// Reads a token response (OpenID4VCI section 6.2) that arrived at `now`.
pub(crate) fn token(value: &Value, now: Timestamp) -> Read<Token> {
    let object = Object::new(value, "")?;
    let token_type = object.required_text("token_type")?;
    let token_type = if token_type.eq_ignore_ascii_case("bearer") {
        TokenType::Bearer
    } else if token_type.eq_ignore_ascii_case("dpop") {
        TokenType::Dpop
    } else {
        return object.fail("token_type", "is neither Bearer nor DPoP");
    };
    let mut authorized = Vec::new();
    let mut room = MOST_DATASETS;
    for (index, entry) in object.array("authorization_details")?.unwrap_or_default().iter().enumerate() {
        let entry = Object::new(entry, format!("authorization_details.{index}"))?;
        if entry.text("type")? != Some("openid_credential") {
            continue;
        }
        authorized.push(AuthorizedCredential {
            credential_configuration_id: entry.required_text("credential_configuration_id")?.into(),
            credential_identifiers: entry
                .texts("credential_identifiers")?
                .unwrap_or_default()
                .into_iter()
                .take(room)
                .map(CredentialIdentifier::new)
                .collect(),
        });
        room -= authorized.last().map_or(0, |entry: &AuthorizedCredential| entry.credential_identifiers.len());
    }
    let expires_in = object.get("expires_in").and_then(whole);
    let access_token = object.required_text("access_token")?;
    // RFC 6749 appendix A.12; anything else fits in no header, however often it is tried.
    if !access_token.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return object.fail("access_token", "holds characters that no token has");
    }
    Ok(Token {
        access_token: access_token.into(),
        token_type,
        expires_at: expires_in.filter(|seconds| *seconds >= 0).map(|seconds| now + seconds),
        refresh_token: object.text("refresh_token")?.filter(|token| !token.is_empty()).map(Secret::from),
        scope: object.text("scope")?.map(str::to_owned),
        scheme: None,
        authorized,
    })
}

/// Reads a nonce response (OpenID4VCI section 7.2).
pub(crate) fn nonce(value: &Value) -> Read<Secret> {
    Ok(Object::new(value, "")?.required_text("c_nonce")?.into())
}

/// Reads the `interval` of an error that says "not yet", as drafts had it.
pub(crate) fn pending_interval(value: &Value) -> Option<u64> {
    value.get("interval").and_then(whole).and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0)
}

/// Reads a credential or deferred credential response (OpenID4VCI sections 8.3 and 9.2).
pub(crate) fn credential_response(value: &Value) -> Read<CredentialResponse> {
    let object = Object::new(value, "")?;
    let transaction_id = object.text("transaction_id")?;
    let Some(entries) = object.array("credentials")? else {
        let Some(transaction_id) = transaction_id else {
            return object.fail("credentials", "is missing");
        };
        return match object.get("interval").and_then(whole).and_then(|seconds| u64::try_from(seconds).ok()) {
            Some(interval) if interval > 0 => {
                Ok(CredentialResponse::Deferred { transaction_id: TransactionId::new(transaction_id), interval })
            }
            _ => object.fail("interval", "is no positive number"),
        };
    };
    if transaction_id.is_some() {
        return object.fail("transaction_id", "came together with `credentials`");
    }
    if entries.is_empty() {
        return object.fail("credentials", "is empty");
    }
    let mut credentials = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let entry = Object::new(entry, format!("credentials.{index}"))?;
        match entry.get("credential") {
            Some(credential @ (Value::String(_) | Value::Object(_))) => credentials.push(credential.clone()),
            Some(_) => return entry.fail("credential", "is neither text nor an object"),
            None => return entry.fail("credential", "is missing"),
        }
    }
    Ok(CredentialResponse::Issued {
        credentials,
        notification_id: object.text("notification_id")?.map(NotificationId::new),
        credential_metadata: credential_metadata(object.get("credential_metadata")),
    })
}

/// Reads what a credential response says about how to show its credentials (OpenID4VCI 1.1 section 8.3). It is
/// only for show: what can't be read is left out.
fn credential_metadata(value: Option<&Value>) -> Option<CredentialMetadata> {
    let said = value?;
    let metadata = CredentialMetadata {
        display: displays(said.get("display")),
        claims: claims(said.get("claims"), ClaimModel::Json),
    };
    (metadata != CredentialMetadata::default()).then_some(metadata)
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
