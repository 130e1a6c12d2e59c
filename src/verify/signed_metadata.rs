//! Issuer metadata as a signed JWT (OpenID4VCI section 12.2.3).
//!
//! The signature counts when the signer is one that the app trusts: its certificate (`x5c`) is an
//! anchor or leads to one, or it is an anchor's own key that signed. Who `iss` says has attested to
//! the metadata is not asked: anybody can write a name there.

use serde_json::{Map, Value};

use super::jose::{AlgorithmError, Jws, JwsAlgorithm, JwsError};
use super::public_key::IssuerPublicKey;
use super::x509::{At, Chain, ChainError, TrustAnchors, Walk};
use crate::json;
use crate::model::ids::IssuerId;
use crate::model::time::Timestamp;

/// The `typ` of such a JWT.
const TYPE: &str = "openidvci-issuer-metadata+jwt";

/// What a JWT says whose signature, signer and time are in order.
#[derive(Debug)]
pub(crate) struct SignedClaims {
    /// All claims: the metadata, and those about the JWT.
    pub(crate) claims: Map<String, Value>,
    /// The subject of the signer's certificate.
    pub(crate) signer: String,
    /// Until when it is good, if it says so.
    pub(crate) expires_at: Option<Timestamp>,
    /// Why the signature falls short of HAIP (section 4.1), if it does.
    pub(crate) not_haip: Option<&'static str>,
}

/// Why a JWT is not believed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SignedMetadataError {
    /// It is no such JWT, or its signature or its time is wrong.
    #[error("{0}")]
    Invalid(String),
    /// It is about another issuer.
    #[error("the signed metadata is about another issuer (`sub`)")]
    AnotherIssuer,
    /// It is well signed, by somebody whom the app has no reason to trust.
    #[error("{0}")]
    Untrusted(String),
    /// It uses what this version does not know.
    #[error("{0}")]
    Unsupported(String),
}

type Outcome<T> = Result<T, SignedMetadataError>;

fn invalid<T>(why: impl Into<String>) -> Outcome<T> {
    Err(SignedMetadataError::Invalid(why.into()))
}

impl From<JwsError> for SignedMetadataError {
    fn from(error: JwsError) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl From<AlgorithmError> for SignedMetadataError {
    fn from(error: AlgorithmError) -> Self {
        match error {
            AlgorithmError::Refused(why) => Self::Invalid(why.to_owned()),
            AlgorithmError::Unsupported(_) => Self::Unsupported(error.to_string()),
        }
    }
}

impl From<ChainError> for SignedMetadataError {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::Invalid(why) => Self::Invalid(why),
            ChainError::Unsupported(what) => Self::Unsupported(what),
        }
    }
}

/// Checks the signed metadata of an issuer.
pub(crate) fn verify(token: &str, issuer: &IssuerId, trust: &TrustAnchors, at: At) -> Outcome<SignedClaims> {
    let jws = Jws::parse(token)?;
    if jws.header_text("typ") != Some(TYPE) {
        return invalid(format!("the JWT is not of the type {TYPE}"));
    }
    let algorithm = jws.algorithm()?;
    let (signer, not_haip) = match jws.header.get("x5c") {
        Some(x5c) => by_chain(&jws, algorithm, &Chain::from_header(x5c)?, trust, at)?,
        None => by_anchor(&jws, algorithm, trust, at)?,
    };
    let claims = json::parse_object(&jws.payload)
        .or_else(|error| invalid(format!("the claims of the JWT are no usable JSON object: {error}")))?;
    if claims.get("sub").and_then(Value::as_str) != Some(issuer.as_str()) {
        return Err(SignedMetadataError::AnotherIssuer);
    }
    let expires_at = check_time(&claims, at)?;
    Ok(SignedClaims { claims, signer, expires_at, not_haip })
}

/// The signer shows a certificate; it has to lead to an anchor. Gives its subject, and what HAIP has
/// against it.
fn by_chain(
    jws: &Jws<'_>,
    algorithm: JwsAlgorithm,
    chain: &Chain,
    trust: &TrustAnchors,
    at: At,
) -> Outcome<(String, Option<&'static str>)> {
    check_signature(jws, algorithm, &chain.leaf_key()?)?;
    let Walk { holds, anchored } = chain.walk(trust, at);
    holds?;
    anchored.map_err(|error| match error {
        ChainError::Invalid(why) => SignedMetadataError::Untrusted(format!("the signer is not trusted: {why}")),
        ChainError::Unsupported(what) => SignedMetadataError::Unsupported(what),
    })?;
    let not_haip = if chain.is_self_signed() {
        Some("the certificate that signed the metadata is self-signed")
    } else if chain.holds_an_anchor(trust) {
        Some("the `x5c` of the signed metadata holds the trust anchor")
    } else {
        None
    };
    Ok((chain.subject(), not_haip))
}

/// The signer shows no certificate: the key has to be an anchor's own. A `kid` has no meaning that
/// issuers agree on, so the signature says which one it is.
fn by_anchor(
    jws: &Jws<'_>,
    algorithm: JwsAlgorithm,
    trust: &TrustAnchors,
    at: At,
) -> Outcome<(String, Option<&'static str>)> {
    let signed = |anchor: &Chain| {
        anchor.leaf_key().is_ok_and(|key| key.fits(algorithm) && check_signature(jws, algorithm, &key).is_ok())
    };
    match trust.each().find(signed) {
        Some(anchor) => {
            anchor.check(at)?;
            Ok((anchor.subject(), Some("the signed metadata does not name its key by `x5c`")))
        }
        None => Err(SignedMetadataError::Untrusted(
            "the signed metadata has no certificate, and none of the anchors' own keys signed it".to_owned(),
        )),
    }
}

fn check_signature(jws: &Jws<'_>, algorithm: JwsAlgorithm, key: &IssuerPublicKey) -> Outcome<()> {
    key.verify(algorithm, jws.signing_input.as_bytes(), &jws.signature)
        .or_else(|error| invalid(format!("the signed metadata: {error}")))
}

/// `iat` has to be there and past, `nbf` past and `exp` to come where they are there, within what
/// clocks may differ.
fn check_time(claims: &Map<String, Value>, At { now, skew }: At) -> Outcome<Option<Timestamp>> {
    let date = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_f64().filter(|at| at.is_finite()) {
            // Fractions are allowed (RFC 7519 section 2).
            #[allow(clippy::cast_possible_truncation)] // saturates, as it should
            Some(at) => Ok(Some(Timestamp::from_seconds(at.floor() as i64))),
            None => invalid(format!("`{name}` of the signed metadata is no date")),
        },
    };
    match date("iat")? {
        None => return invalid("the signed metadata does not say when it was issued (`iat`)"),
        Some(issued) if issued > now + skew => {
            return invalid("the signed metadata was issued in the future (`iat`)");
        }
        Some(_) => {}
    }
    if date("nbf")?.is_some_and(|start| start > now + skew) {
        return invalid("the signed metadata is not valid yet (`nbf`)");
    }
    let expires_at = date("exp")?;
    if expires_at.is_some_and(|end| end + skew <= now) {
        return invalid("the signed metadata has expired (`exp`)");
    }
    Ok(expires_at)
}

#[cfg(test)]
#[path = "signed_metadata_tests.rs"]
mod tests;
