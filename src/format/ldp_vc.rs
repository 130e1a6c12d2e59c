//! `ldp_vc`: a W3C credential with Data Integrity proofs (data models 1.1 and 2.0).
//!
//! The credential is a JSON object. What its proofs are over, and what JSON-LD leaves out of it, stands in
//! [`data_integrity`]. Its dates and those of its proofs (`created`, `expires`) all have to hold. It is bound to the
//! subjects that are a key as a DID; real issuers leave that out.

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::checks::{self, skipped};
use super::{CredentialFormat, Examined, w3c};
use crate::model::format::Format;
use crate::model::metadata::CredentialKind;
use crate::model::report::{CheckKind, Outcome, Reason};
use crate::verify::status::{self, Stated, Subject};
use crate::verify::{VerifyContext, data_integrity, issuer_key};

/// W3C credential with Data Integrity proofs.
pub(crate) struct LdpVc;

#[async_trait]
impl CredentialFormat for LdpVc {
    fn format(&self) -> Format {
        Format::LdpVc
    }

    fn read_kind(&self, configuration: &Value) -> Result<CredentialKind, String> {
        w3c::read_types_in_context(configuration)
    }

    async fn examine(&self, raw: &Value, context: &VerifyContext<'_>) -> Examined {
        let (credential, issuer) = match parse(raw) {
            Ok(parsed) => parsed,
            Err(why) => return Examined::unreadable(why),
        };
        let found = data_integrity::verify(credential, issuer, context).await;
        let bound = w3c::subject_keys(credential);
        let (binding, bound_key) = checks::binding(&bound, false, Outcome::Skipped(Reason::Unbound), context);
        let mut period = checks::Period::default();
        period.add_w3c(credential);
        for (created, expires) in &found.times {
            period.add_proof(created.as_ref(), expires.as_ref());
        }
        let mut checks = vec![
            found.signature,
            found.keys.check.clone(),
            issuer_key::trust(&found.keys, Some(issuer), context),
            checks::issuer(Some(issuer), &found.keys, context),
            binding,
            w3c::type_check_in_context(credential, context),
            period.check(context),
            skipped(CheckKind::Digests, Reason::NotApplicable, "the format has no digests"),
        ];
        let stated = Stated::in_w3c(credential, None);
        let subject = Subject { issuer: Some(issuer), keys: &found.keys.keys, checks: &checks };
        let (status, status_found) = status::check(&stated, &subject, context).await;
        checks.push(status);
        let mut claims = credential.clone();
        claims.remove("proof");
        Examined {
            kind: w3c::kind_of(credential),
            claims: Value::Object(claims),
            bound_key,
            valid_from: period.valid_from(),
            expires_at: period.expires_at(),
            status: stated.reference,
            status_found,
            ..Examined::of(checks)
        }
    }
}

/// The credential and its issuer.
fn parse(raw: &Value) -> Result<(&Map<String, Value>, &str), &'static str> {
    let credential = raw.as_object().ok_or("the credential is no JSON object")?;
    if !w3c::looks_like_one(credential) {
        return Err("the object is no W3C credential: it has no `@context` or no `type`");
    }
    let issuer = w3c::issuer_of(credential).ok_or("the credential names no issuer")?;
    Ok((credential, issuer))
}

#[cfg(test)]
#[path = "ldp_vc_tests.rs"]
mod tests;
