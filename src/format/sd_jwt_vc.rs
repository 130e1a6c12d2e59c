//! `dc+sd-jwt`: SD-JWT VC, known as `vc+sd-jwt` before 2025.

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::checks::{self, failed, passed, skipped, unknown};
use super::{CredentialFormat, Examined};
use crate::json;
use crate::model::format::Format;
use crate::model::metadata::CredentialKind;
use crate::model::report::{Check, CheckKind, Outcome, Reason};
use crate::verify::VerifyContext;
use crate::verify::jose::{Jws, MAX_LENGTH};
use crate::verify::sd_jwt::{self, DisclosureError, SdJwt};

/// SD-JWT VC, under one of its names.
pub(crate) enum SdJwtVc {
    /// `dc+sd-jwt`.
    Dc,
    /// `vc+sd-jwt`.
    Vc,
}

#[async_trait]
impl CredentialFormat for SdJwtVc {
    fn format(&self) -> Format {
        match self {
            Self::Dc => Format::SdJwtVc,
            Self::Vc => Format::VcSdJwt,
        }
    }

    fn read_kind(&self, configuration: &Value) -> Result<CredentialKind, String> {
        match configuration.get("vct") {
            Some(Value::String(vct)) if !vct.is_empty() => Ok(CredentialKind::Vct(vct.clone())),
            Some(_) => Err("`vct` is not a text with something in it".to_owned()),
            None => Err("`vct` is missing".to_owned()),
        }
    }

    async fn examine(&self, raw: &Value, context: &VerifyContext<'_>) -> Examined {
        let parts = match Parts::parse(raw) {
            Ok(parts) => parts,
            Err(why) => return Examined::unreadable(why),
        };
        let Parts { sd_jwt, jws, payload } = &parts;
        let issuer = payload.get("iss").and_then(Value::as_str);
        let (mut checks, keys) = checks::signature(jws, issuer, context).await;
        let issuer_check = match payload.get("iss") {
            Some(value) if !value.is_string() => failed(CheckKind::Issuer, "`iss` is not text"),
            _ => checks::issuer(issuer, &keys, context),
        };
        let (digests, disclosed) = digests(sd_jwt, payload);
        let bound: Vec<_> = checks::confirmation(payload).into_iter().collect();
        let unbound = if context.holder_keys.is_empty() { Outcome::Skipped(Reason::Unbound) } else { Outcome::Failed };
        let (binding, bound_key) = checks::binding(&bound, true, unbound, context);
        let period = checks::Period::of_jwt(payload);
        checks.extend([
            issuer_check,
            binding,
            type_check(jws, payload, context),
            period.check(context),
            digests,
            checks::status(payload.get("status")),
        ]);
        if context.profile.is_haip() {
            super::haip::hold(&mut checks, payload, &keys);
        }
        let claims = disclosed.unwrap_or_else(|| Value::Object(payload.clone()));
        Examined {
            claims,
            kind: kind_of(payload),
            bound_key,
            valid_from: period.valid_from(),
            expires_at: period.expires_at(),
            ..Examined::of(checks)
        }
    }
}

fn kind_of(payload: &Map<String, Value>) -> CredentialKind {
    match payload.get("vct") {
        Some(Value::String(vct)) => CredentialKind::Vct(vct.clone()),
        _ => CredentialKind::Unknown,
    }
}

struct Parts<'a> {
    sd_jwt: SdJwt<'a>,
    jws: Jws<'a>,
    payload: Map<String, Value>,
}

impl<'a> Parts<'a> {
    fn parse(raw: &'a Value) -> Result<Self, String> {
        let text = raw.as_str().ok_or("the credential is not text")?;
        if text.len() > MAX_LENGTH {
            return Err("the credential is too long".to_owned());
        }
        let sd_jwt = SdJwt::split(text).ok_or("the credential is no SD-JWT: it has no `~`")?;
        let jws = Jws::parse(sd_jwt.jws).map_err(|error| error.to_string())?;
        let payload =
            json::parse_object(&jws.payload).map_err(|error| format!("the payload is not a JSON object: {error}"))?;
        Ok(Self { sd_jwt, jws, payload })
    }
}

/// The check of the disclosures, and the claims with them in place.
fn digests(sd_jwt: &SdJwt<'_>, payload: &Map<String, Value>) -> (Check, Option<Value>) {
    let kind = CheckKind::Digests;
    match sd_jwt::disclose(payload, &sd_jwt.disclosures) {
        Err(DisclosureError::UnsupportedHash) => {
            (unknown(kind, Reason::Unsupported, DisclosureError::UnsupportedHash.to_string()), None)
        }
        Err(error) => (failed(kind, error.to_string()), None),
        // Only a holder can make one, and we made none.
        Ok(claims) if sd_jwt.key_binding.is_some() => (
            failed(kind, "something follows the last disclosure; an issuer has no key-binding JWT to send"),
            Some(claims),
        ),
        Ok(claims) => (passed(kind, format!("{} disclosures in their places", sd_jwt.disclosures.len())), Some(claims)),
    }
}

fn type_check(jws: &Jws<'_>, payload: &Map<String, Value>, context: &VerifyContext<'_>) -> Check {
    let kind = CheckKind::Type;
    let typ = jws.header_text("typ").unwrap_or_default().to_ascii_lowercase();
    if !matches!(typ.strip_prefix("application/").unwrap_or(&typ), "dc+sd-jwt" | "vc+sd-jwt") {
        return failed(kind, "the header's `typ` is not that of an SD-JWT VC");
    }
    let Some(Value::String(vct)) = payload.get("vct") else {
        return failed(kind, "`vct` is missing or not text");
    };
    match context.kind {
        Some(CredentialKind::Vct(asked)) if asked == vct => passed(kind, "`vct` is the one that was asked for"),
        Some(CredentialKind::Unknown) | None => skipped(kind, Reason::NotApplicable, "no type to compare with"),
        Some(_) => failed(kind, "`vct` is not the one that was asked for"),
    }
}

#[cfg(test)]
#[path = "sd_jwt_vc_tests.rs"]
mod tests;
