//! The checks that signed JWT credentials have in common.
//!
//! **Issuer.** A credential belongs to the credential issuer that was asked if its issuer
//! identifier is that URL or one above it on the same host (`https://h` for `https://h/tenant`), a
//! did:web of the same host, or if its certificate names that host. Another path of the same host is
//! another tenant. Anything else is judged by what the identifier claims: a DID of
//! another method claims no host, so the check does not apply; a URL, did:web or bare certificate
//! of another is a party of which nothing links it to the one that was asked, which is unknown, not
//! wrong: issuers are allowed to serve others (OpenID4VCI 14.4). A credential that names two different
//! issuers contradicts itself and fails.

use serde_json::{Map, Value};

use crate::model::jwk::{Jwk, JwkError};
use crate::model::report::{Check, CheckKind, Outcome, Reason};
use crate::model::time::Timestamp;
use crate::verify::VerifyContext;
use crate::verify::did;
use crate::verify::issuer_key::{self, IssuerKeys, Statement};
use crate::verify::jose::{AlgorithmError, Jws};
use crate::verify::mdoc::ValidityInfo;
use crate::verify::public_key::IssuerPublicKey;
use crate::verify::x509::Named;

/// A check that came out some way.
pub(crate) fn check(kind: CheckKind, outcome: Outcome, detail: impl Into<String>) -> Check {
    Check { kind, outcome, detail: detail.into() }
}

/// A check that holds.
pub(crate) fn passed(kind: CheckKind, detail: impl Into<String>) -> Check {
    check(kind, Outcome::Passed, detail)
}

/// A check that does not hold.
pub(crate) fn failed(kind: CheckKind, detail: impl Into<String>) -> Check {
    check(kind, Outcome::Failed, detail)
}

/// A check that could not be decided.
pub(crate) fn unknown(kind: CheckKind, reason: Reason, detail: impl Into<String>) -> Check {
    check(kind, Outcome::Unknown(reason), detail)
}

/// A check that does not apply.
pub(crate) fn skipped(kind: CheckKind, reason: Reason, detail: impl Into<String>) -> Check {
    check(kind, Outcome::Skipped(reason), detail)
}

/// The checks of what can't be read at all: its signature does not hold, nothing else is known.
pub(crate) fn unreadable(detail: impl Into<String>) -> Vec<Check> {
    CheckKind::ALL
        .into_iter()
        .filter(|kind| *kind != CheckKind::Signature)
        .map(|kind| unknown(kind, Reason::DependsOnFailed, "the credential can't be read"))
        .chain([failed(CheckKind::Signature, detail)])
        .collect()
}

/// A media type in a header, in lower case and without the `application/` that may be left out; empty for what
/// is no text.
pub(crate) fn media_type(header: &Map<String, Value>, name: &str) -> Option<String> {
    let text = header.get(name)?.as_str().unwrap_or_default().to_ascii_lowercase();
    Some(text.strip_prefix("application/").unwrap_or(&text).to_owned())
}

/// The checks of signature, issuer's key and trust.
pub(crate) async fn signature(
    jws: &Jws<'_>,
    issuer: Option<&str>,
    context: &VerifyContext<'_>,
) -> (Vec<Check>, IssuerKeys) {
    let algorithm = jws.algorithm();
    let statement = Statement { header: &jws.header, issuer, algorithm: algorithm.as_ref().ok().copied() };
    let found = issuer_key::find(&statement, context).await;
    let kind = CheckKind::Signature;
    let signature = match algorithm {
        Err(AlgorithmError::Refused(why)) => failed(kind, why),
        Err(error @ AlgorithmError::Unsupported(_)) => unknown(kind, Reason::Unsupported, error.to_string()),
        Ok(_) if found.keys.is_empty() => unknown(kind, Reason::DependsOnFailed, "the issuer's key was not found"),
        Ok(algorithm) => {
            let message = jws.signing_input.as_bytes();
            let outcomes = found.keys.iter().map(|key| key.verify(algorithm, message, &jws.signature));
            let mut error = None;
            if outcomes.map(|outcome| outcome.map_err(|why| error.get_or_insert(why).to_owned())).any(|o| o.is_ok()) {
                passed(kind, algorithm.as_str())
            } else {
                failed(kind, error.map_or_else(String::new, |error| error.to_string()))
            }
        }
    };
    let trust = issuer_key::trust(&found, issuer, context);
    (vec![signature, found.check.clone(), trust], found)
}

/// The check of who issued it; the rule stands above.
pub(crate) fn issuer(issuer: Option<&str>, keys: &IssuerKeys, context: &VerifyContext<'_>) -> Check {
    let kind = CheckKind::Issuer;
    let Some(asked) = context.credential_issuer else {
        return skipped(kind, Reason::NotApplicable, "no credential issuer to compare with");
    };
    let in_certificate = keys.check.outcome == Outcome::Passed
        && keys.chain.as_ref().is_some_and(|chain| chain.names(asked.as_str()) == Named::Issuer);
    match issuer {
        Some(issuer) if issuer_key::is_or_is_above(issuer, asked) => {
            passed(kind, "the credential's issuer is the one that was asked")
        }
        Some(issuer) if issuer_key::same_origin(issuer, asked) => {
            unknown(kind, Reason::Unsupported, "the credential's issuer is another one of the host that was asked")
        }
        _ if in_certificate => passed(kind, "the signer's certificate names the issuer that was asked"),
        None if keys.chain.is_some() => {
            unknown(kind, Reason::Unsupported, "nothing links the signer's certificate to the issuer that was asked")
        }
        None => skipped(kind, Reason::NotApplicable, "the credential names no issuer"),
        Some(issuer) if did::is_did(issuer) => match did::web_authority(issuer) {
            Some(authority) if authority == did::authority(&asked.to_url()) => {
                passed(kind, "the credential's issuer is a did:web of the host that was asked")
            }
            Some(_) => unknown(kind, Reason::Unsupported, "the credential's issuer is a did:web of another host"),
            None => skipped(kind, Reason::NotApplicable, "the credential's issuer is a DID that claims no host"),
        },
        Some(_) => {
            unknown(kind, Reason::Unsupported, "nothing links the credential's issuer to the one that was asked")
        }
    }
}

/// A key that a credential is bound to, by one of the ways of writing it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// This key.
    Key(Jwk),
    /// Any of these keys: a DID can have several.
    AnyOf(Vec<Jwk>),
    /// The key with this SHA-256 thumbprint.
    Thumbprint(String),
    /// The key whose did:prism this is the short form of.
    ShortPrism(String),
    /// A key that can't be ours, for the reason given.
    Foreign(&'static str),
    /// A way of writing it that this version does not know.
    Unsupported(&'static str),
}

/// What `cnf` says (RFC 7800); `None` without one.
pub(crate) fn confirmation(payload: &Map<String, Value>) -> Option<Bound> {
    let cnf = payload.get("cnf")?;
    let text = |name: &str| cnf.get(name).and_then(Value::as_str);
    Some(if let Some(jwk) = cnf.get("jwk") {
        match Jwk::from_value(jwk) {
            Ok(key) => Bound::Key(key),
            Err(JwkError::Unsupported(_)) => Bound::Foreign("`cnf` holds a key of a kind that this wallet has not"),
            Err(JwkError::Malformed(_)) => Bound::Foreign("`cnf` holds a malformed key"),
        }
    } else if let Some(thumbprint) = text("jkt") {
        Bound::Thumbprint(thumbprint.to_owned())
    } else if let Some(kid) = text("kid") {
        did_subject(kid).unwrap_or(Bound::Unsupported("`cnf` names its key in an unknown way"))
    } else {
        Bound::Unsupported("`cnf` names its key in an unknown way")
    })
}

/// The keys in a did:key, did:jwk or did:prism; `None` for anything else.
pub(crate) fn did_subject(text: &str) -> Option<Bound> {
    let (base, fragment) = did::split(text);
    if let Some(state) = did::prism::long_form(base) {
        let keys = state.and_then(|state| state.subject_keys(fragment));
        return Some(match keys {
            Ok(keys) => Bound::AnyOf(keys.into_iter().filter_map(IssuerPublicKey::into_jwk).collect()),
            Err(_) => Bound::Foreign("it is bound to a DID without a usable key"),
        });
    }
    if did::prism::is_short_form(base) {
        return Some(Bound::ShortPrism(base.to_owned()));
    }
    Some(match did::self_contained(text)? {
        Ok(key) => match key.into_jwk() {
            Some(key) => Bound::Key(key),
            None => Bound::Foreign("it is bound to a key of a kind that this wallet has not"),
        },
        Err(_) => Bound::Foreign("it is bound to a DID without a usable key"),
    })
}

/// The check of the holder's key, and that key. What a `cnf` says is meant to be proved when the credential is
/// shown, also where no proof was asked; a subject may be a key without that.
pub(crate) fn binding(
    bound: &[Bound],
    confirmed: bool,
    unbound: Outcome,
    context: &VerifyContext<'_>,
) -> (Check, Option<Jwk>) {
    let kind = CheckKind::HolderBinding;
    let holder_keys = context.holder_keys;
    let ours = |bound: &Bound| match bound {
        Bound::Key(key) => holder_keys.iter().find(|ours| *ours == key),
        Bound::AnyOf(keys) => holder_keys.iter().find(|ours| keys.contains(ours)),
        Bound::Thumbprint(thumbprint) => holder_keys.iter().find(|ours| ours.thumbprint() == *thumbprint),
        Bound::ShortPrism(short) => {
            holder_keys.iter().find(|ours| did::prism::did_prism(ours).is_some_and(|long| did::same(&long, short)))
        }
        Bound::Foreign(_) | Bound::Unsupported(_) => None,
    };
    if let Some(key) = bound.iter().find_map(ours) {
        return (passed(kind, "it is bound to a key of this wallet"), Some(key.clone()));
    }
    let key = bound.iter().find_map(|bound| match bound {
        Bound::Key(key) => Some(key.clone()),
        Bound::AnyOf(keys) => keys.first().cloned(),
        _ => None,
    });
    let check = if bound.is_empty() {
        check(kind, unbound, "it is bound to no key")
    } else if holder_keys.is_empty() && !(confirmed && context.credential_issuer.is_some()) {
        skipped(kind, Reason::NotApplicable, "no holder key to compare with")
    } else if let Some(why) = bound.iter().find_map(|bound| match bound {
        Bound::Foreign(why) => Some(*why),
        Bound::Key(_) | Bound::AnyOf(_) | Bound::Thumbprint(_) | Bound::ShortPrism(_) => {
            Some("it is bound to a key that is not this wallet's")
        }
        Bound::Unsupported(_) => None,
    }) {
        failed(kind, why)
    } else {
        unknown(kind, Reason::Unsupported, "it is bound in a way that this version does not know")
    };
    (check, key)
}

/// When a credential is valid, gathered from all the places that say so.
#[derive(Debug, Default)]
pub(crate) struct Period {
    starts: Vec<(f64, &'static str)>,
    ends: Vec<(f64, &'static str)>,
    issued: Vec<(f64, &'static str)>,
    malformed: Option<&'static str>,
}

impl Period {
    /// Takes `nbf`, `exp` and `iat` of a JWT.
    pub(crate) fn of_jwt(payload: &Map<String, Value>) -> Self {
        let mut period = Self::default();
        for (name, kind) in [("nbf", Side::Start), ("exp", Side::End), ("iat", Side::Issued)] {
            let Some(value) = payload.get(name).filter(|value| stated(value, kind)) else { continue };
            // Fractions are allowed (RFC 7519 section 2).
            period.add(name, kind, value.as_f64());
        }
        period
    }

    /// Takes the dates of a W3C credential, of both data model versions.
    pub(crate) fn add_w3c(&mut self, credential: &Map<String, Value>) {
        for (name, kind) in [
            ("issuanceDate", Side::Start),
            ("validFrom", Side::Start),
            ("expirationDate", Side::End),
            ("validUntil", Side::End),
        ] {
            let Some(value) = credential.get(name).filter(|value| stated(value, kind)) else { continue };
            let at = value.as_str().and_then(Timestamp::parse_w3c);
            #[allow(clippy::cast_precision_loss)] // no date is that far away
            self.add(name, kind, at.map(|at| at.seconds() as f64));
        }
    }

    /// Takes the `validityInfo` of an mdoc, all of which has to be there.
    pub(crate) fn of_mdoc(validity: &ValidityInfo) -> Self {
        let mut period = Self::default();
        for (name, kind, at) in [
            ("signed", Side::Issued, validity.signed),
            ("validFrom", Side::Start, validity.valid_from),
            ("validUntil", Side::End, validity.valid_until),
        ] {
            #[allow(clippy::cast_precision_loss)] // no date is that far away
            period.add(name, kind, at.map(|at| at.seconds() as f64));
        }
        period
    }

    /// Takes the dates of a Data Integrity proof.
    #[cfg(feature = "ldp-vc")]
    pub(crate) fn add_proof(&mut self, created: Option<&Value>, expires: Option<&Value>) {
        for (name, side, value) in [("proof.created", Side::Issued, created), ("proof.expires", Side::End, expires)] {
            let Some(value) = value else { continue };
            let at = value.as_str().and_then(Timestamp::parse_w3c);
            #[allow(clippy::cast_precision_loss)] // no date is that far away
            self.add(name, side, at.map(|at| at.seconds() as f64));
        }
    }

    fn add(&mut self, name: &'static str, side: Side, at: Option<f64>) {
        let Some(at) = at else {
            self.malformed = self.malformed.or(Some(name));
            return;
        };
        match side {
            Side::Start => self.starts.push((at, name)),
            Side::End => self.ends.push((at, name)),
            Side::Issued => self.issued.push((at, name)),
        }
    }

    /// When it stops being valid: the earliest end.
    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        let end = self.ends.iter().map(|(at, _)| *at).min_by(f64::total_cmp)?;
        #[allow(clippy::cast_possible_truncation)] // saturates, as it should
        Some(Timestamp::from_seconds(end.floor() as i64))
    }

    /// When it begins to be valid: the latest start.
    pub(crate) fn valid_from(&self) -> Option<Timestamp> {
        let start = self.starts.iter().map(|(at, _)| *at).max_by(f64::total_cmp)?;
        #[allow(clippy::cast_possible_truncation)] // saturates, as it should
        Some(Timestamp::from_seconds(start.ceil() as i64))
    }

    /// The check: every start has come, no end has, within what clocks may differ.
    pub(crate) fn check(&self, context: &VerifyContext<'_>) -> Check {
        let kind = CheckKind::Validity;
        #[allow(clippy::cast_precision_loss)] // no clock is that far away
        let (now, skew) = (context.now.seconds() as f64, context.skew as f64);
        if let Some(name) = self.malformed {
            return failed(kind, format!("`{name}` is not a date"));
        }
        let late = |(at, _): &&(f64, &'static str)| *at > now + skew;
        if let Some((_, name)) = self.starts.iter().find(late) {
            return failed(kind, format!("it is not valid yet (`{name}`)"));
        }
        if let Some((_, name)) = self.issued.iter().find(late) {
            return failed(kind, format!("it was issued in the future (`{name}`)"));
        }
        if let Some((_, name)) = self.ends.iter().find(|(at, _)| *at <= now - skew) {
            return failed(kind, format!("it has expired (`{name}`)"));
        }
        let backwards = self.starts.iter().any(|(start, _)| self.ends.iter().any(|(end, _)| start > end));
        if backwards {
            return failed(kind, "it ends before it starts");
        }
        match self.expires_at() {
            Some(_) => passed(kind, "it is valid now"),
            None => passed(kind, "it is valid now and does not say until when"),
        }
    }
}

/// Whether there is a date. Issuers that have no start to name write `null` for it; an end has to be one.
fn stated(value: &Value, side: Side) -> bool {
    !(value.is_null() && side == Side::Start)
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Start,
    End,
    Issued,
}
