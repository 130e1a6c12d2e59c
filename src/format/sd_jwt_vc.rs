//! `dc+sd-jwt`: SD-JWT VC; and `vc+sd-jwt`, as it was called before 2025.
//!
//! Under the older name issuers send more than the specification has: credentials without `vct`, which are
//! accepted and said to be so, and W3C credentials of data model 2.0 (VC-JOSE-COSE), whose own members then count
//! like those of a JWT. A W3C credential inside of an SD-JWT VC that has a `vct` (SD-JWT VCLD) is one claim among
//! others.

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::checks::{self, failed, passed, skipped, unknown};
use super::{CredentialFormat, Examined, w3c};
use crate::json;
use crate::model::format::Format;
use crate::model::metadata::CredentialKind;
use crate::model::report::{Check, CheckKind, Outcome, Reason};
use crate::type_metadata::TypeReference;
use crate::verify::VerifyContext;
use crate::verify::jose::{Jws, MAX_LENGTH};
use crate::verify::sd_jwt::{self, Disclosed, DisclosureError, SdJwt};
use crate::verify::status::{self, Stated, Subject};

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
        let definition = configuration.get("credential_definition").filter(|_| matches!(self, Self::Vc));
        let vct = configuration.get("vct").or_else(|| definition?.get("vct"));
        match (vct, definition) {
            (Some(Value::String(vct)), _) if !vct.is_empty() => Ok(CredentialKind::Vct(vct.clone())),
            (Some(_), _) => Err("`vct` is not a text with something in it".to_owned()),
            (None, Some(definition)) if definition.get("type").is_some() => w3c::read_types(configuration),
            (None, _) => Err("`vct` is missing".to_owned()),
        }
    }

    async fn examine(&self, raw: &Value, context: &VerifyContext<'_>) -> Examined {
        let parts = match Parts::parse(raw) {
            Ok(parts) => parts,
            Err(why) => return Examined::unreadable(why),
        };
        let Parts { sd_jwt, jws, payload } = &parts;
        let (digests, disclosed) = digests(sd_jwt, payload);
        let in_the_open = || Disclosed { claims: Value::Object(payload.clone()), disclosable: Vec::new() };
        let Disclosed { claims, disclosable } = disclosed.unwrap_or_else(in_the_open);
        let w3c = w3c_credential(payload, &claims);
        let named = w3c.and_then(w3c::issuer_of);
        let issuer = payload.get("iss").and_then(Value::as_str).or(named);
        let (mut checks, keys) = checks::signature(jws, issuer, context).await;
        let issuer_check = match payload.get("iss") {
            Some(value) if !value.is_string() => failed(CheckKind::Issuer, "`iss` is not text"),
            _ if named.is_some() && named != issuer => {
                failed(CheckKind::Issuer, "`iss` and the credential's `issuer` differ")
            }
            _ => checks::issuer(issuer, &keys, context),
        };
        let confirmed: Vec<_> = checks::confirmation(payload).into_iter().collect();
        let bound = match w3c {
            Some(credential) if confirmed.is_empty() => w3c::subject_keys(credential),
            _ => confirmed,
        };
        let may_be_unbound = context.holder_keys.is_empty() || w3c.is_some();
        let unbound = if may_be_unbound { Outcome::Skipped(Reason::Unbound) } else { Outcome::Failed };
        let is_confirmed = w3c.is_none() || payload.contains_key("cnf");
        let (binding, bound_key) = checks::binding(&bound, is_confirmed, unbound, context);
        let mut period = checks::Period::of_jwt(payload);
        if let Some(credential) = w3c {
            period.add_w3c(credential);
        }
        checks.extend([issuer_check, binding, self.type_check(&parts, w3c, context), period.check(context), digests]);
        let in_claim = || Stated::in_claim(payload.get("status"));
        let stated = w3c.map_or_else(in_claim, |credential| Stated::in_w3c(credential, Some(payload)));
        let subject = Subject { issuer, keys: &keys.keys, checks: &checks };
        let (status, status_found) = status::check(&stated, &subject, context).await;
        checks.push(status);
        if context.profile.is_haip() {
            super::haip::hold(&mut checks, payload, &keys, context.trust);
        }
        let typed = checks.iter().find(|check| check.kind == CheckKind::Type);
        let passed = typed.is_some_and(|check| check.outcome == Outcome::Passed);
        let type_without_vct = matches!(self, Self::Dc) && passed && !payload.contains_key("vct");
        let kind = match (payload.get("vct"), context.kind) {
            (Some(Value::String(vct)), _) => CredentialKind::Vct(vct.clone()),
            (None, Some(asked @ CredentialKind::Vct(_))) if type_without_vct => asked.clone(),
            _ => w3c.map_or(CredentialKind::Unknown, w3c::kind_of),
        };
        Examined {
            claims,
            kind,
            disclosable,
            bound_key,
            type_without_vct,
            valid_from: period.valid_from(),
            expires_at: period.expires_at(),
            status: stated.reference,
            status_found,
            ..Examined::of(checks)
        }
    }
}

/// What it says about its type; none if it can't be read.
pub(super) fn type_reference(raw: &Value) -> Option<TypeReference> {
    let parts = Parts::parse(raw).ok()?;
    TypeReference::of(&parts.jws.header, &parts.payload)
}

/// What makes an SD-JWT a W3C credential: its members, and no `vct`.
fn w3c_credential<'a>(payload: &Map<String, Value>, claims: &'a Value) -> Option<&'a Map<String, Value>> {
    claims.as_object().filter(|claims| !payload.contains_key("vct") && w3c::looks_like_one(claims))
}

const NO_VCT: &str = "the credential has no `vct`, which an SD-JWT VC has to have";

impl SdJwtVc {
    fn type_check(&self, parts: &Parts<'_>, w3c: Option<&Map<String, Value>>, context: &VerifyContext<'_>) -> Check {
        let kind = CheckKind::Type;
        let fits = match checks::media_type(&parts.jws.header, "typ").as_deref() {
            Some("dc+sd-jwt" | "vc+sd-jwt") => true,
            Some("vc+ld+sd-jwt" | "vc+ld+json+sd-jwt") => matches!(self, Self::Vc) && w3c.is_some(),
            _ => false,
        };
        if !fits {
            return failed(kind, "the header's `typ` is not that of an SD-JWT VC");
        }
        let vct = match (parts.payload.get("vct"), self) {
            (Some(Value::String(vct)), _) => vct,
            (Some(_), _) => return failed(kind, "`vct` is not text"),
            (None, Self::Dc) if !context.takes_type => return failed(kind, NO_VCT),
            (None, Self::Dc) => return named_by_type(&parts.payload, context),
            (None, Self::Vc) => return without_vct(&parts.payload, w3c, context),
        };
        let others = || parts.payload.get("aka_vcts").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        match context.kind {
            Some(CredentialKind::Vct(asked)) if asked == vct => passed(kind, "`vct` is the one that was asked for"),
            Some(CredentialKind::Vct(asked)) if others().iter().any(|other| other == asked) => {
                passed(kind, "the type that was asked for is another one of the credential's (`aka_vcts`)")
            }
            Some(CredentialKind::Types(asked)) if asked.contains(vct) => {
                passed(kind, "`vct` is the type that was asked for")
            }
            Some(CredentialKind::Unknown) | None => skipped(kind, Reason::NotApplicable, "no type to compare with"),
            Some(_) => failed(kind, "`vct` is not the one that was asked for"),
        }
    }
}

/// The check of the type of a credential that has no `vct`, from issuers that are seen to write `type` for it: it
/// has to be the very type that was asked for.
fn named_by_type(payload: &Map<String, Value>, context: &VerifyContext<'_>) -> Check {
    match (payload.get("type"), context.kind) {
        (Some(Value::String(name)), Some(CredentialKind::Vct(asked))) if name == asked => {
            passed(CheckKind::Type, format!("`type` is the one that was asked for; {NO_VCT}"))
        }
        _ => failed(CheckKind::Type, NO_VCT),
    }
}

/// The check of the type of a credential of the older name that has no `vct`: by its types if it is a W3C
/// credential, else by the claim `type` that some issuers have in its place.
fn without_vct(payload: &Map<String, Value>, w3c: Option<&Map<String, Value>>, context: &VerifyContext<'_>) -> Check {
    let kind = CheckKind::Type;
    let mut check = match (w3c, context.kind) {
        (Some(credential), Some(CredentialKind::Types(_) | CredentialKind::Unknown) | None) => {
            w3c::type_check(credential, context)
        }
        (_, Some(CredentialKind::Vct(asked))) => match w3c::types_of(payload) {
            Some(types) if types.contains(&asked.as_str()) => passed(kind, "`type` is the one that was asked for"),
            Some(_) => failed(kind, "`type` is not the one that was asked for"),
            None => skipped(kind, Reason::NotApplicable, "nothing in it says of which type it is"),
        },
        (_, Some(CredentialKind::Unknown) | None) => skipped(kind, Reason::NotApplicable, "no type to compare with"),
        (_, Some(_)) => failed(kind, "the credential is not of the type that was asked for"),
    };
    check.detail = format!("{}; {NO_VCT}", check.detail);
    check
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
fn digests(sd_jwt: &SdJwt<'_>, payload: &Map<String, Value>) -> (Check, Option<Disclosed>) {
    let kind = CheckKind::Digests;
    match sd_jwt::disclose(payload, &sd_jwt.disclosures) {
        Err(DisclosureError::UnsupportedHash) => {
            (unknown(kind, Reason::Unsupported, DisclosureError::UnsupportedHash.to_string()), None)
        }
        Err(error) => (failed(kind, error.to_string()), None),
        // Only a holder can make one, and we made none.
        Ok(disclosed) if sd_jwt.key_binding.is_some() => (
            failed(kind, "something follows the last disclosure; an issuer has no key-binding JWT to send"),
            Some(disclosed),
        ),
        Ok(disclosed) => {
            (passed(kind, format!("{} disclosures in their places", sd_jwt.disclosures.len())), Some(disclosed))
        }
    }
}

#[cfg(test)]
#[path = "sd_jwt_vc_tests.rs"]
mod tests;
