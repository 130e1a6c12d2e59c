//! `mso_mdoc`: mobile documents after ISO/IEC 18013-5.
//!
//! **Issuer.** An mdoc names nobody besides its signer's certificate. It belongs to the credential issuer that was
//! asked if that certificate names it. Where it names no host at all, and an anchor of the app vouches for it, the check
//! does not apply: it is the anchor that says whose documents these are. Else nothing links the two, which is unknown. So it is for a driving licence of another country than its signer's: readers refuse those (section 9.3.1),
//! and issuers of test documents don't care.

mod claims;

use async_trait::async_trait;
use base64::Engine as _;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use super::checks::{self, Bound, failed, passed, skipped, unknown};
use super::{CredentialFormat, Examined};
use crate::cbor::MAX_DEPTH;
use crate::model::format::Format;
use crate::model::jwk::JwkError;
use crate::model::metadata::CredentialKind;
use crate::model::report::{Check, CheckKind, Outcome, Reason};
use crate::verify::cose::{CoseSign1, CoseSignatureError};
use crate::verify::issuer_key::{self, IssuerKeys};
use crate::verify::jose::{AlgorithmError, MAX_LENGTH};
use crate::verify::mdoc::{DigestError, IssuerSigned, MobileSecurityObject, MsoError};
use crate::verify::status::{self, Stated, Subject};
use crate::verify::x509::{Chain, Named};
use crate::verify::{VerifyContext, cose_key};

/// Mobile documents.
pub(crate) struct MsoMdoc;

#[async_trait]
impl CredentialFormat for MsoMdoc {
    fn format(&self) -> Format {
        Format::MsoMdoc
    }

    fn read_kind(&self, configuration: &Value) -> Result<CredentialKind, String> {
        match configuration.get("doctype") {
            Some(Value::String(doctype)) if !doctype.is_empty() => Ok(CredentialKind::Doctype(doctype.clone())),
            _ => Err("`doctype` is not a text with something in it".to_owned()),
        }
    }

    async fn examine(&self, raw: &Value, context: &VerifyContext<'_>) -> Examined {
        let bytes = match decode(raw) {
            Ok(bytes) => bytes,
            Err(why) => return Examined::unreadable(why),
        };
        match IssuerSigned::parse(&bytes) {
            Ok(credential) => examine(&credential, context).await,
            Err(error) => Examined::unreadable(error.to_string()),
        }
    }
}

async fn examine(credential: &IssuerSigned<'_>, context: &VerifyContext<'_>) -> Examined {
    let mso = MobileSecurityObject::parse(credential.auth.payload);
    let doctype = mso.ok().and_then(|mso| mso.doctype());
    let keys = issuer_key::of_document_signer(&credential.auth, doctype, context);
    let trust = issuer_key::trust(&keys, None, context);
    let claims = claims::to_json(&credential.namespaces);
    let issuer = issuer(&keys, trust.outcome == Outcome::Passed, doctype, &claims, context);
    let mut checks = vec![signature(&credential.auth, &keys), keys.check.clone(), trust, issuer];
    let mut examined = match mso {
        Ok(mso) => examine_mso(mso, credential, &keys, context, &mut checks).await,
        Err(error) => {
            checks.extend(unreadable(error));
            Examined::of(Vec::new())
        }
    };
    if context.profile.is_haip() {
        super::haip::hold_mdoc(&mut checks, mso.ok().and_then(|mso| mso.digest_algorithm()), &keys, context.trust);
    }
    examined.disclosable = claims::paths(&credential.namespaces);
    Examined { checks, claims, ..examined }
}

/// The checks of what the issuer signed.
async fn examine_mso(
    mso: MobileSecurityObject<'_>,
    credential: &IssuerSigned<'_>,
    keys: &IssuerKeys,
    context: &VerifyContext<'_>,
    checks: &mut Vec<Check>,
) -> Examined {
    let bound: Vec<_> = mso.device_key().into_iter().map(|key| bound(cose_key::read(key))).collect();
    let unbound = if context.holder_keys.is_empty() { Outcome::Skipped(Reason::Unbound) } else { Outcome::Failed };
    let (binding, bound_key) = checks::binding(&bound, true, unbound, context);
    let validity = mso.validity();
    let period = checks::Period::of_mdoc(&validity);
    let mut validity_check = period.check(context);
    // A certificate that is not valid itself is for the check of the key to tell.
    let certificate = keys.chain.as_ref().filter(|_| keys.check.outcome == Outcome::Passed);
    let (not_before, not_after) = certificate.map(Chain::leaf_validity).unzip();
    let outside = validity.signed.is_some_and(|signed| {
        not_before.is_some_and(|start| signed + context.skew < start)
            || not_after.is_some_and(|end| end + context.skew < signed)
    });
    if outside && validity_check.outcome == Outcome::Passed {
        let detail = "it was signed when the signer's certificate was not valid (`signed`)";
        validity_check = failed(CheckKind::Validity, detail);
    }
    checks.extend([binding, type_check(mso.doctype(), context), validity_check, digests(mso, credential)]);
    let stated = mso.status().map(|status| claims::value(status, MAX_DEPTH));
    let stated = Stated::in_claim(stated.as_ref());
    let subject = Subject { issuer: None, keys: &keys.keys, checks };
    let (status_check, status_found) = status::check(&stated, &subject, context).await;
    checks.push(status_check);
    Examined {
        kind: mso.doctype().map_or(CredentialKind::Unknown, |doctype| CredentialKind::Doctype(doctype.to_owned())),
        bound_key,
        valid_from: period.valid_from(),
        expires_at: period.expires_at(),
        status: stated.reference,
        status_found,
        ..Examined::of(Vec::new())
    }
}

/// The checks of a signed payload that can't be read; whether it is signed is another matter.
fn unreadable(error: MsoError) -> impl Iterator<Item = Check> {
    [CheckKind::HolderBinding, CheckKind::Type, CheckKind::Validity, CheckKind::Status]
        .into_iter()
        .map(|kind| unknown(kind, Reason::DependsOnFailed, "the mobile security object can't be read"))
        .chain([failed(CheckKind::Digests, error.to_string())])
}

fn decode(raw: &Value) -> Result<Vec<u8>, &'static str> {
    let engine = |alphabet: &Alphabet| {
        let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        GeneralPurpose::new(alphabet, lenient)
    };
    let text = raw.as_str().ok_or("the credential is not text")?;
    if text.len() > MAX_LENGTH {
        return Err("the credential is too long");
    }
    // OpenID4VCI section 8.3 asks for base64url without padding; some send it padded or in the other alphabet, and
    // what is meant is never in doubt.
    let standard = text.contains(['+', '/']);
    engine(if standard { &STANDARD } else { &URL_SAFE }).decode(text).map_err(|_| "the credential is not base64url")
}

fn signature(auth: &CoseSign1<'_>, keys: &IssuerKeys) -> Check {
    let kind = CheckKind::Signature;
    match auth.algorithm() {
        Err(AlgorithmError::Refused(why)) => failed(kind, why),
        Err(error @ AlgorithmError::Unsupported(_)) => unknown(kind, Reason::Unsupported, error.to_string()),
        Ok(_) if keys.keys.is_empty() => unknown(kind, Reason::DependsOnFailed, "the issuer's key was not found"),
        Ok(_) => match auth.verify(&keys.keys) {
            Ok(algorithm) => passed(kind, algorithm),
            Err(CoseSignatureError::Signature(error)) => failed(kind, error.to_string()),
            Err(CoseSignatureError::Algorithm(error)) => failed(kind, error.to_string()),
        },
    }
}

/// The check of who issued it; the rule stands above.
fn issuer(
    keys: &IssuerKeys,
    vouched: bool,
    doctype: Option<&str>,
    claims: &Value,
    context: &VerifyContext<'_>,
) -> Check {
    const LICENCE: &str = "org.iso.18013.5.1";
    let kind = CheckKind::Issuer;
    let issued_in = claims[LICENCE]["issuing_country"].as_str().filter(|_| doctype == Some("org.iso.18013.5.1.mDL"));
    let signed_in = keys.chain.as_ref().and_then(Chain::country);
    if let (Some(issued_in), Some(signed_in)) = (issued_in, signed_in)
        && !issued_in.eq_ignore_ascii_case(&signed_in)
    {
        return unknown(kind, Reason::Unsupported, "the document is of another country than the signer's certificate");
    }
    let Some(asked) = context.credential_issuer else {
        return skipped(kind, Reason::NotApplicable, "no credential issuer to compare with");
    };
    let named = keys.chain.as_ref().map_or(Named::Nobody, |chain| chain.names(asked.as_str()));
    if named == Named::Issuer && keys.check.outcome == Outcome::Passed {
        passed(kind, "the signer's certificate names the issuer that was asked")
    } else if named == Named::Nobody && vouched {
        let detail = "it names nobody besides its signer's certificate, for which an anchor of the app vouches";
        skipped(kind, Reason::NotApplicable, detail)
    } else {
        unknown(kind, Reason::Unsupported, "nothing links the signer's certificate to the issuer that was asked")
    }
}

fn bound(key: Result<crate::model::jwk::Jwk, JwkError>) -> Bound {
    match key {
        Ok(key) => Bound::Key(key),
        Err(JwkError::Unsupported(_)) => Bound::Foreign("`deviceKey` is a key of a kind that this wallet has not"),
        Err(JwkError::Malformed(_)) => Bound::Foreign("`deviceKey` is malformed"),
    }
}

fn type_check(doctype: Option<&str>, context: &VerifyContext<'_>) -> Check {
    let kind = CheckKind::Type;
    let Some(doctype) = doctype else { return failed(kind, "`docType` is missing or not text") };
    match context.kind {
        Some(CredentialKind::Doctype(asked)) if asked == doctype => {
            passed(kind, "`docType` is the one that was asked for")
        }
        Some(CredentialKind::Unknown) | None => skipped(kind, Reason::NotApplicable, "no type to compare with"),
        Some(_) => failed(kind, "`docType` is not the one that was asked for"),
    }
}

fn digests(mso: MobileSecurityObject<'_>, credential: &IssuerSigned<'_>) -> Check {
    let kind = CheckKind::Digests;
    match mso.check_digests(&credential.namespaces) {
        Ok(()) => passed(kind, format!("{} elements are those that were signed", credential.element_count())),
        Err(error @ (DigestError::UnknownVersion | DigestError::UnknownAlgorithm)) => {
            unknown(kind, Reason::Unsupported, error.to_string())
        }
        Err(error) => failed(kind, error.to_string()),
    }
}

#[cfg(test)]
mod maker;
#[cfg(test)]
mod spoiled_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod vector_tests;
