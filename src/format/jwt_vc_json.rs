//! `jwt_vc_json`: a W3C credential as a JWT.
//!
//! Data model 1.1 puts the credential into the claim `vc`; 2.0 makes it the payload itself. Where
//! JWT claims and members of the credential say the same thing, each is held to on its own: a
//! credential is valid only while all its dates are, and may not name two issuers.

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::checks::{self, Bound, failed, passed, skipped};
use super::{CredentialFormat, Examined};
use crate::json;
use crate::model::format::Format;
use crate::model::metadata::CredentialKind;
use crate::model::report::{Check, CheckKind, Outcome, Reason};
use crate::verify::VerifyContext;
use crate::verify::jose::Jws;

/// `credential_definition.type`, which all W3C formats have.
pub(super) fn read_types(configuration: &Value) -> Result<CredentialKind, String> {
    let definition = configuration.get("credential_definition").ok_or("`credential_definition` is missing")?;
    let types = definition.get("type").ok_or("`credential_definition.type` is missing")?;
    let types: Option<Vec<String>> =
        types.as_array().and_then(|types| types.iter().map(|name| name.as_str().map(str::to_owned)).collect());
    match types {
        Some(types) if !types.is_empty() => Ok(CredentialKind::Types(types)),
        _ => Err("`credential_definition.type` is not an array of texts with something in it".to_owned()),
    }
}

/// The type that every W3C credential has, whether or not metadata says so.
const BASE_TYPE: &str = "VerifiableCredential";

/// W3C credential as a JWT.
pub(crate) struct JwtVcJson;

#[async_trait]
impl CredentialFormat for JwtVcJson {
    fn format(&self) -> Format {
        Format::JwtVcJson
    }

    fn read_kind(&self, configuration: &Value) -> Result<CredentialKind, String> {
        read_types(configuration)
    }

    async fn examine(&self, raw: &Value, context: &VerifyContext<'_>) -> Examined {
        let parsed = raw.as_str().ok_or_else(|| "the credential is not text".to_owned()).and_then(parse);
        let (jws, payload) = match parsed {
            Ok(parsed) => parsed,
            Err(why) => return Examined::unreadable(why),
        };
        let Some(credential) = credential(&payload) else {
            return Examined::unreadable("the payload holds no W3C credential");
        };
        let named = issuer_of(credential);
        let issuer = payload.get("iss").and_then(Value::as_str).or(named);
        let (mut checks, keys) = checks::signature(&jws, issuer, context).await;
        let contradiction =
            named.is_some_and(|named| Some(named) != issuer) || payload.get("iss").is_some_and(|iss| !iss.is_string());
        let issuer_check = if contradiction {
            failed(CheckKind::Issuer, "`iss` and the credential's `issuer` differ")
        } else {
            checks::issuer(issuer, &keys, context)
        };
        let bound = bound(&payload, credential);
        let confirmed = payload.contains_key("cnf");
        let (binding, bound_key) = checks::binding(&bound, confirmed, Outcome::Skipped(Reason::Unbound), context);
        let mut period = checks::Period::of_jwt(&payload);
        period.add_w3c(credential);
        let status = credential.get("credentialStatus").or_else(|| payload.get("status"));
        checks.extend([
            issuer_check,
            binding,
            type_check(credential, context),
            period.check(context),
            skipped(CheckKind::Digests, Reason::NotApplicable, "the format has no digests"),
            checks::status(status),
        ]);
        Examined {
            claims: Value::Object(credential.clone()),
            kind: kind_of(credential),
            bound_key,
            valid_from: period.valid_from(),
            expires_at: period.expires_at(),
            ..Examined::of(checks)
        }
    }
}

fn kind_of(credential: &Map<String, Value>) -> CredentialKind {
    types_of(credential)
        .map_or(CredentialKind::Unknown, |types| CredentialKind::Types(types.into_iter().map(str::to_owned).collect()))
}

/// The credential's `type`: one text or several.
fn types_of(credential: &Map<String, Value>) -> Option<Vec<&str>> {
    match credential.get("type")? {
        Value::String(name) => Some(vec![name]),
        Value::Array(names) => Some(names.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

fn parse(text: &str) -> Result<(Jws<'_>, Map<String, Value>), String> {
    let jws = Jws::parse(text).map_err(|error| error.to_string())?;
    let payload =
        json::parse_object(&jws.payload).map_err(|error| format!("the payload is not a JSON object: {error}"))?;
    Ok((jws, payload))
}

/// Where the credential stands in the payload.
fn credential(payload: &Map<String, Value>) -> Option<&Map<String, Value>> {
    match payload.get("vc") {
        Some(vc) => vc.as_object(),
        None => (payload.contains_key("@context") && payload.contains_key("type")).then_some(payload),
    }
}

/// The credential's own `issuer`: a text, or an object with an id.
fn issuer_of(credential: &Map<String, Value>) -> Option<&str> {
    let issuer = credential.get("issuer")?;
    issuer.as_str().or_else(|| issuer.get("id").and_then(Value::as_str))
}

/// The holder's keys: `cnf`, else the subjects that are a key as a DID.
fn bound(payload: &Map<String, Value>, credential: &Map<String, Value>) -> Vec<Bound> {
    if let Some(confirmed) = checks::confirmation(payload) {
        return vec![confirmed];
    }
    let subjects = match credential.get("credentialSubject") {
        Some(Value::Array(subjects)) => subjects.as_slice(),
        Some(subject) => std::slice::from_ref(subject),
        None => &[],
    };
    let ids = subjects.iter().filter_map(|subject| subject.get("id"));
    payload.get("sub").into_iter().chain(ids).filter_map(Value::as_str).filter_map(checks::did_subject).collect()
}

fn type_check(credential: &Map<String, Value>, context: &VerifyContext<'_>) -> Check {
    let kind = CheckKind::Type;
    let Some(mut types) = types_of(credential) else {
        return failed(kind, "`type` is missing or malformed");
    };
    if !types.contains(&BASE_TYPE) {
        return failed(kind, "`type` is not that of a credential");
    }
    let mut asked: Vec<&str> = match context.kind {
        Some(CredentialKind::Types(asked)) => asked.iter().map(String::as_str).collect(),
        Some(CredentialKind::Unknown) | None => {
            return skipped(kind, Reason::NotApplicable, "no type to compare with");
        }
        Some(_) => return failed(kind, "the credential is not of the type that was asked for"),
    };
    for list in [&mut types, &mut asked] {
        list.retain(|name| *name != BASE_TYPE);
        list.sort_unstable();
        list.dedup();
    }
    if types == asked {
        passed(kind, "`type` is the one that was asked for")
    } else {
        failed(kind, "`type` is not the one that was asked for")
    }
}

#[cfg(test)]
#[path = "jwt_vc_json_tests.rs"]
mod tests;
