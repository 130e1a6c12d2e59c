//! What W3C credentials have in common, however they are secured (data model 1.1 and 2.0).

use serde_json::{Map, Value};

use super::checks::{self, Bound, failed, passed, skipped};
use crate::model::metadata::CredentialKind;
use crate::model::report::{Check, CheckKind, Reason};
use crate::verify::VerifyContext;

/// The type that every W3C credential has, whether or not metadata says so.
pub(super) const BASE_TYPE: &str = "VerifiableCredential";

/// The contexts of the data model, one of which comes first.
const BASE_CONTEXTS: [&str; 2] = ["https://www.w3.org/2018/credentials/v1", "https://www.w3.org/ns/credentials/v2"];

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

/// The same for the formats with JSON-LD, which say their contexts there, too.
pub(super) fn read_types_in_context(configuration: &Value) -> Result<CredentialKind, String> {
    match configuration.pointer("/credential_definition/@context") {
        Some(Value::Array(contexts)) if !contexts.is_empty() => read_types(configuration),
        _ => Err("`credential_definition.@context` is not an array with something in it".to_owned()),
    }
}

/// The addresses in `credential_definition.@context` of an entry of `credential_configurations_supported`.
pub(crate) fn announced_contexts(configuration: &Value) -> Vec<String> {
    let contexts = configuration.pointer("/credential_definition/@context").and_then(Value::as_array);
    contexts.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Whether an object looks like a credential or a presentation: it has what only these have.
pub(super) fn looks_like_one(object: &Map<String, Value>) -> bool {
    object.contains_key("@context") && object.contains_key("type")
}

/// The credential's `type`: one text or several.
pub(super) fn types_of(credential: &Map<String, Value>) -> Option<Vec<&str>> {
    match credential.get("type")? {
        Value::String(name) => Some(vec![name]),
        Value::Array(names) => names.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// What the credential says that it is.
pub(super) fn kind_of(credential: &Map<String, Value>) -> CredentialKind {
    types_of(credential)
        .map_or(CredentialKind::Unknown, |types| CredentialKind::Types(types.into_iter().map(str::to_owned).collect()))
}

/// The credential's own `issuer`: a text, or an object with an id.
pub(super) fn issuer_of(credential: &Map<String, Value>) -> Option<&str> {
    let issuer = credential.get("issuer")?;
    issuer.as_str().or_else(|| issuer.get("id").and_then(Value::as_str))
}

/// What the credential is about: one subject or several.
pub(super) fn subjects(credential: &Map<String, Value>) -> &[Value] {
    match credential.get("credentialSubject") {
        Some(Value::Array(subjects)) => subjects.as_slice(),
        Some(subject) => std::slice::from_ref(subject),
        None => &[],
    }
}

/// The keys that the subjects are, as DIDs.
pub(super) fn subject_keys(credential: &Map<String, Value>) -> Vec<Bound> {
    let ids = subjects(credential).iter().filter_map(|subject| subject.get("id")).filter_map(Value::as_str);
    ids.filter_map(checks::did_subject).collect()
}

/// The check of the type: the credential is one, about something, and has the types that were asked for and no
/// other.
pub(super) fn type_check(credential: &Map<String, Value>, context: &VerifyContext<'_>) -> Check {
    let kind = CheckKind::Type;
    let Some(mut types) = types_of(credential) else {
        return failed(kind, "`type` is missing or malformed");
    };
    if !types.contains(&BASE_TYPE) {
        return failed(kind, "`type` is not that of a credential");
    }
    if subjects(credential).is_empty() {
        return failed(kind, "the credential has no `credentialSubject`");
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

/// The same for the formats with JSON-LD: first the contexts. They give the members their meaning, and only the
/// base context as the first makes sure of those of the data model.
pub(super) fn type_check_in_context(credential: &Map<String, Value>, context: &VerifyContext<'_>) -> Check {
    let kind = CheckKind::Type;
    let contexts = match credential.get("@context") {
        Some(Value::Array(contexts)) => contexts.as_slice(),
        Some(single) => std::slice::from_ref(single),
        None => &[],
    };
    if !contexts.first().and_then(Value::as_str).is_some_and(|first| BASE_CONTEXTS.contains(&first)) {
        return failed(kind, "`@context` does not begin with that of the data model");
    }
    if !contexts.iter().all(|context| context.is_string() || context.is_object()) {
        return failed(kind, "`@context` holds something else than addresses and objects");
    }
    if context.asked_contexts.iter().any(|asked| contexts.iter().all(|context| context != asked)) {
        return failed(kind, "a context is missing that the issuer announces");
    }
    type_check(credential, context)
}
