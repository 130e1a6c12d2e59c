//! `jwt_vc_json`: a W3C credential as a JWT.
//!
//! Data model 1.1 puts the credential into the claim `vc`; 2.0 (VC-JOSE-COSE) makes it the payload itself. Real
//! issuers put credentials of 2.0 into `vc` as well. JWT claims and members of the credential may say the same
//! thing, and then:
//!
//! - dates (`nbf`, `exp`, `iat`; `issuanceDate`, `validFrom`, `expirationDate`, `validUntil`) are held to each on
//!   its own: a credential is valid only while all of them say so;
//! - `iss` and `issuer` have to be equal, else the check of the issuer fails: what is shown as the issuer would be
//!   another party than the one whose key is looked up;
//! - `sub` counts before the id of `credentialSubject` where it is a key, as 1.1 has it for reading a JWT
//!   (section 6.3.1): issuers are seen to leave the id of a template in the credential;
//! - `jti` and `id` are names that nothing here builds on; they may differ.

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::checks::{self, Bound, failed, skipped};
use super::{CredentialFormat, Examined, w3c};
use crate::json;
use crate::model::format::Format;
use crate::model::metadata::CredentialKind;
use crate::model::report::{Check, CheckKind, Outcome, Reason};
use crate::model::time::Timestamp;
use crate::verify::VerifyContext;
use crate::verify::jose::Jws;
use crate::verify::status::{self, Stated, Subject};

/// W3C credential as a JWT.
pub(crate) struct JwtVcJson;

#[async_trait]
impl CredentialFormat for JwtVcJson {
    fn format(&self) -> Format {
        Format::JwtVcJson
    }

    fn read_kind(&self, configuration: &Value) -> Result<CredentialKind, String> {
        w3c::read_types(configuration)
    }

    async fn examine(&self, raw: &Value, context: &VerifyContext<'_>) -> Examined {
        examine(raw, context, w3c::type_check).await
    }
}

/// The check of a credential's type.
type TypeCheck = fn(&Map<String, Value>, &VerifyContext<'_>) -> Check;

/// Looks at a credential in a JWT.
pub(super) async fn examine(raw: &Value, context: &VerifyContext<'_>, type_of: TypeCheck) -> Examined {
    let parsed = raw.as_str().ok_or_else(|| "the credential is not text".to_owned()).and_then(parse);
    let (jws, payload) = match parsed {
        Ok(parsed) => parsed,
        Err(why) => return Examined::unreadable(why),
    };
    let Some(credential) = credential(&payload) else {
        return Examined::unreadable("the payload holds no W3C credential");
    };
    let named = w3c::issuer_of(credential);
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
    checks.extend([
        issuer_check,
        binding,
        token_type(&jws, &payload).unwrap_or_else(|| type_of(credential, context)),
        period.check(context),
        skipped(CheckKind::Digests, Reason::NotApplicable, "the format has no digests"),
    ]);
    let stated = Stated::in_w3c(credential, Some(&payload));
    let subject = Subject { issuer, keys: &keys.keys, checks: &checks };
    let (status, status_found) = status::check(&stated, &subject, context).await;
    checks.push(status);
    Examined {
        claims: Value::Object(decoded(&payload, credential)),
        kind: w3c::kind_of(credential),
        bound_key,
        valid_from: period.valid_from(),
        expires_at: period.expires_at(),
        status: stated.reference,
        status_found,
        ..Examined::of(checks)
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
        None => w3c::looks_like_one(payload).then_some(payload),
    }
}

/// The holder's keys: `cnf`, else the subject that is a key as a DID.
fn bound(payload: &Map<String, Value>, credential: &Map<String, Value>) -> Vec<Bound> {
    if let Some(confirmed) = checks::confirmation(payload) {
        return vec![confirmed];
    }
    match payload.get("sub").and_then(Value::as_str).and_then(checks::did_subject) {
        Some(subject) => vec![subject],
        None => w3c::subject_keys(credential),
    }
}

/// What is wrong with the type of the token, before that of the credential in it.
fn token_type(jws: &Jws<'_>, payload: &Map<String, Value>) -> Option<Check> {
    let failed = |why: &str| Some(failed(CheckKind::Type, why));
    let typ = checks::media_type(&jws.header, "typ");
    if !typ.is_none_or(|typ| ["jwt", "vc+jwt", "vc+ld+jwt", "vc+ld+json+jwt"].contains(&typ.as_str())) {
        return failed("the header's `typ` is that of another kind of token");
    }
    let content = checks::media_type(&jws.header, "cty");
    if content.is_some_and(|content| content == "vp" || content.starts_with("vp+")) {
        return failed("by the header's `cty` it is a presentation");
    }
    if payload.contains_key("vp") {
        return failed("it is a presentation (`vp`)");
    }
    if payload.contains_key("vc") && w3c::looks_like_one(payload) {
        return failed("it holds two credentials: the payload, and one in `vc`");
    }
    None
}

/// The credential with what only the JWT's claims say put where the data model has it (1.1, section 6.3.1).
fn decoded(payload: &Map<String, Value>, credential: &Map<String, Value>) -> Map<String, Value> {
    let mut whole = credential.clone();
    if !payload.contains_key("vc") {
        return whole;
    }
    let text = |name: &str| payload.get(name).filter(|value| value.is_string()).cloned();
    let date = |name: &str| {
        #[allow(clippy::cast_possible_truncation)] // such a date is none
        let at = payload.get(name)?.as_f64().map(|at| at.floor() as i64)?;
        Timestamp::from_seconds(at).is_date().then(|| Value::String(Timestamp::from_seconds(at).to_string()))
    };
    let second = ["validFrom", "validUntil"].iter().any(|name| credential.contains_key(*name));
    let (start, end) = if second { ("validFrom", "validUntil") } else { ("issuanceDate", "expirationDate") };
    for (name, value) in [("id", text("jti")), ("issuer", text("iss")), (start, date("nbf")), (end, date("exp"))] {
        if let (Some(value), None) = (value, whole.get(name)) {
            whole.insert(name.to_owned(), value);
        }
    }
    for (member, claim) in [("issuer", "iss"), ("credentialSubject", "sub")] {
        if let (Some(Value::Object(object)), Some(id)) = (whole.get_mut(member), text(claim)) {
            object.entry("id").or_insert(id);
        }
    }
    whole
}

#[cfg(test)]
#[path = "jwt_vc_json_tests.rs"]
mod tests;
