//! The path from a signer's certificate to an anchor (RFC 5280 section 6).

use std::time::Duration;

use der::Decode as _;
use der::asn1::ObjectIdentifier;
use k256::ecdsa::signature::Verifier as _;
use rustls_pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm, TrustAnchor, UnixTime,
    alg_id,
};
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, VerifiedPath};
use x509_cert::certificate::{Raw, TbsCertificateInner, Version};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};

use super::{At, Certificate, Chain, ChainError};
use crate::model::time::Timestamp;

/// A path from a signer's certificate to an anchor.
pub(super) struct Path {
    /// The certificate of the anchor.
    pub(super) anchor: Certificate,
    /// Whether every certificate of the chain is on it: then each one was issued by the next.
    pub(super) is_whole: bool,
}

/// Looks for a path; the certificates are those of the anchors, in their order.
pub(super) fn find(
    chain: &Chain,
    anchors: &[TrustAnchor<'_>],
    certificates: &[CertificateDer<'_>],
    at: At,
) -> Result<Path, ChainError> {
    let leaf = EndEntityCert::try_from(&chain.encoded[0]).map_err(|error| chain_error(&error))?;
    let find_at = |now| find_at(chain, &leaf, anchors, certificates, now);
    let mut outcome = find_at(at.now);
    // The allowance for clocks: as if it were a little earlier or later.
    for shift in [at.skew, at.skew.saturating_neg()] {
        use webpki::Error::{CertExpired, CertNotValidYet};
        if matches!(outcome, Err(CertExpired { .. } | CertNotValidYet { .. })) {
            outcome = find_at(at.now + shift);
        }
    }
    outcome.map_err(|error| chain_error(&error))
}

fn find_at(
    chain: &Chain,
    leaf: &EndEntityCert<'_>,
    anchors: &[TrustAnchor<'_>],
    certificates: &[CertificateDer<'_>],
    now: Timestamp,
) -> Result<Path, webpki::Error> {
    let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now.seconds()).unwrap_or(0)));
    let algorithms: Vec<_> = webpki::ALL_VERIFICATION_ALGS.iter().copied().chain([SECP256K1]).collect();
    let anchor_of = |path: &VerifiedPath<'_>| {
        let place = anchors.iter().position(|anchor| std::ptr::eq(anchor, path.anchor()));
        place.and_then(|place| certificates.get(place)).ok_or(webpki::Error::UnknownIssuer)
    };
    let parse = |encoded: &[u8]| Certificate::from_der(encoded).map_err(|_| webpki::Error::BadDer);
    let allowed = |path: &VerifiedPath<'_>| {
        let below = authorities_may_sign_certificates(path)?;
        anchor_may_vouch(parse(anchor_of(path)?)?.tbs_certificate(), below, now)
    };
    let path =
        leaf.verify_for_usage(&algorithms, anchors, &chain.encoded[1..], now, AnyPurpose, None, Some(&allowed))?;
    let anchor = anchor_of(&path)?;
    // An anchor that stands in the chain is no intermediate of the path.
    let on_path = 1 + path.intermediate_certificates().count() + usize::from(chain.encoded.last() == Some(anchor));
    Ok(Path { anchor: parse(anchor)?, is_whole: on_path == chain.encoded.len() })
}

/// Credentials have no extended key usage of their own that issuers agree on.
struct AnyPurpose;

impl ExtendedKeyUsageValidator for AnyPurpose {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        for purpose in purposes {
            purpose?;
        }
        Ok(())
    }
}

/// The key usage of the authorities on a path, which the path builder leaves to its caller; gives how many there
/// are, not counting those that an authority issued to itself.
fn authorities_may_sign_certificates(path: &VerifiedPath<'_>) -> Result<usize, webpki::Error> {
    let mut count = 0;
    for authority in path.intermediate_certificates() {
        let der = authority.der();
        let certificate = Certificate::from_der(&der).map_err(|_| webpki::Error::BadDer)?;
        let body = certificate.tbs_certificate();
        may_sign_certificates(body)?;
        count += usize::from(body.issuer() != body.subject());
    }
    Ok(count)
}

fn may_sign_certificates(body: &TbsCertificateInner<Raw>) -> Result<(), webpki::Error> {
    match body.get_extension::<KeyUsage>() {
        Ok(Some((_, usage))) if !usage.key_cert_sign() => Err(webpki::Error::EndEntityUsedAsCa),
        Ok(_) => Ok(()),
        Err(_) => Err(webpki::Error::BadDer),
    }
}

/// The path builder takes nothing from an anchor but its name and key. An app may well have named a signer's
/// certificate, or an authority with limits, and did not mean more than that by it.
fn anchor_may_vouch(body: &TbsCertificateInner<Raw>, below: usize, now: UnixTime) -> Result<(), webpki::Error> {
    may_sign_certificates(body)?;
    match body.get_extension::<BasicConstraints>() {
        Ok(Some((_, constraints))) if !constraints.ca => return Err(webpki::Error::EndEntityUsedAsCa),
        Ok(Some((_, BasicConstraints { path_len_constraint: Some(most), .. }))) if below > usize::from(most) => {
            return Err(webpki::Error::PathLenConstraintViolated);
        }
        Ok(Some(_)) => {}
        // Before version 3 there was no way of saying it.
        Ok(None) if body.version() != Version::V3 => {}
        Ok(None) => return Err(webpki::Error::EndEntityUsedAsCa),
        Err(_) => return Err(webpki::Error::BadDer),
    }
    let [not_before, not_after] = [body.validity().not_before, body.validity().not_after]
        .map(|time| UnixTime::since_unix_epoch(time.to_unix_duration()));
    if now < not_before {
        return Err(webpki::Error::CertNotValidYet { time: now, not_before });
    }
    if now > not_after {
        return Err(webpki::Error::CertExpired { time: now, not_after });
    }
    Ok(())
}

/// A critical extension that nobody here knows forbids the use of a certificate (RFC 5280 section 4.2); on paths the
/// path builder sees to that.
pub(super) fn no_unknown_extension(certificate: &Certificate) -> Result<(), ChainError> {
    // Key usage, alternative names of subject and issuer, basic constraints, places of revocation lists, policies,
    // extended key usage.
    const KNOWN: [ObjectIdentifier; 7] = [
        ObjectIdentifier::new_unwrap("2.5.29.15"),
        ObjectIdentifier::new_unwrap("2.5.29.17"),
        ObjectIdentifier::new_unwrap("2.5.29.18"),
        ObjectIdentifier::new_unwrap("2.5.29.19"),
        ObjectIdentifier::new_unwrap("2.5.29.31"),
        ObjectIdentifier::new_unwrap("2.5.29.32"),
        ObjectIdentifier::new_unwrap("2.5.29.37"),
    ];
    let mut extensions = certificate.tbs_certificate().extensions().into_iter().flatten();
    if extensions.any(|extension| extension.critical && !KNOWN.contains(&extension.extn_id)) {
        return Err(ChainError::Invalid("the signer's certificate has a critical extension that is not known".into()));
    }
    Ok(())
}

/// ECDSA with secp256k1 and SHA-256 on certificates, which the path builder does not bring.
const SECP256K1: &dyn SignatureVerificationAlgorithm = &Secp256k1;

#[derive(Debug)]
struct Secp256k1;

impl SignatureVerificationAlgorithm for Secp256k1 {
    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = k256::ecdsa::VerifyingKey::from_sec1_bytes(public_key).map_err(|_| InvalidSignature)?;
        let signature = k256::ecdsa::Signature::from_der(signature).map_err(|_| InvalidSignature)?;
        // X.509 asks for no canonical `s`; the library would.
        key.verify(message, &signature.normalize_s()).map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P256K1
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA256
    }
}

pub(super) fn chain_error(error: &webpki::Error) -> ChainError {
    #[allow(deprecated)] // the plain variant is still made by some paths
    let unsupported = matches!(
        error,
        webpki::Error::UnsupportedSignatureAlgorithm
            | webpki::Error::UnsupportedSignatureAlgorithmContext(_)
            | webpki::Error::UnsupportedSignatureAlgorithmForPublicKey
            | webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)
    );
    if unsupported {
        return ChainError::Unsupported("a certificate is signed with an algorithm that is not supported".to_owned());
    }
    let why = match error {
        webpki::Error::UnknownIssuer => "no path from the signer's certificate to an anchor".to_owned(),
        webpki::Error::CertExpired { .. } => "a certificate has expired".to_owned(),
        webpki::Error::CertNotValidYet { .. } => "a certificate is not valid yet".to_owned(),
        webpki::Error::CaUsedAsEndEntity => "the signer's certificate is an authority's".to_owned(),
        webpki::Error::EndEntityUsedAsCa => "a certificate was issued by one that is no authority".to_owned(),
        webpki::Error::PathLenConstraintViolated => "the path is longer than an authority allows".to_owned(),
        webpki::Error::NameConstraintViolation => "an authority may not issue for that name".to_owned(),
        other => format!("the certificate path is not valid ({other:?})").chars().take(160).collect(),
    };
    ChainError::Invalid(why)
}
