//! Certificate chains in `x5c` headers, and the anchors that the app trusts.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use der::Decode as _;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use serde_json::Value;
use url::{Host, Url};
use webpki::{EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, VerifiedPath};
use x509_cert::Certificate;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{KeyUsage, SubjectAltName};

use super::public_key::IssuerPublicKey;
use crate::model::display::plain_text;
use crate::model::jwk::JwkError;
use crate::model::time::Timestamp;

/// The longest chain that is looked at.
const MAX_CERTIFICATES: usize = 8;
/// So much of a subject is shown.
const MAX_SUBJECT: usize = 200;

/// The certificates that the app trusts issuers by.
#[derive(Clone, Default)]
pub(crate) struct TrustAnchors {
    certificates: Vec<CertificateDer<'static>>,
    anchors: Vec<TrustAnchor<'static>>,
}

/// Why a text gives no trust anchors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TrustAnchorError {
    /// It is neither PEM nor DER, or has no certificate in it.
    #[error("it holds no certificate, PEM or DER")]
    NoCertificate,
    /// A certificate in it can't be read; counted from one.
    #[error("certificate {0} in it is malformed")]
    Malformed(usize),
}

impl TrustAnchors {
    /// Reads the certificates of a PEM file, or the one of a DER file.
    pub(crate) fn parse(file: &[u8]) -> Result<Self, TrustAnchorError> {
        // A certificate is a SEQUENCE; PEM is text.
        if file.first() != Some(&0x30) {
            return Self::from_pem(file);
        }
        Certificate::from_der(file).map_err(|_| TrustAnchorError::Malformed(1))?;
        let certificate = CertificateDer::from(file.to_vec());
        let anchor =
            webpki::anchor_from_trusted_cert(&certificate).map_err(|_| TrustAnchorError::Malformed(1))?.to_owned();
        Ok(Self { certificates: vec![certificate], anchors: vec![anchor] })
    }

    /// Reads the certificates of a PEM file.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self, TrustAnchorError> {
        let mut trust = Self::default();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let number = trust.certificates.len() + 1;
            let certificate = certificate.map_err(|_| TrustAnchorError::Malformed(number))?;
            let anchor = webpki::anchor_from_trusted_cert(&certificate)
                .map_err(|_| TrustAnchorError::Malformed(number))?
                .to_owned();
            trust.anchors.push(anchor);
            trust.certificates.push(certificate);
        }
        if trust.is_empty() { Err(TrustAnchorError::NoCertificate) } else { Ok(trust) }
    }

    /// Adds the anchors of another set.
    pub(crate) fn extend(&mut self, other: Self) {
        self.certificates.extend(other.certificates);
        self.anchors.extend(other.anchors);
    }

    /// Each anchor as a chain of its own, for what an anchor itself has signed.
    pub(crate) fn each(&self) -> impl Iterator<Item = Chain> {
        self.certificates.iter().filter_map(|encoded| {
            let parsed = Certificate::from_der(encoded).ok()?;
            Some(Chain { encoded: vec![encoded.clone()], parsed: vec![parsed] })
        })
    }

    /// Whether the app named none.
    pub(crate) fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }
}

impl fmt::Debug for TrustAnchors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrustAnchors({})", self.certificates.len())
    }
}

/// What is wrong with a chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChainError {
    /// It does not hold together.
    #[error("{0}")]
    Invalid(String),
    /// It uses what this version does not know.
    #[error("{0}")]
    Unsupported(String),
}

/// Whom a certificate names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// The issuer.
    Issuer,
    /// Other hosts or addresses.
    Another,
    /// No host or address at all.
    Nobody,
}

/// When a chain is looked at, and how far clocks may be apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    /// Now.
    pub(crate) now: Timestamp,
    /// Seconds.
    pub(crate) skew: i64,
}

/// A certificate chain as sent: the signer's certificate first.
#[derive(Debug)]
pub(crate) struct Chain {
    encoded: Vec<CertificateDer<'static>>,
    parsed: Vec<Certificate>,
}

impl Chain {
    /// Reads an `x5c` header (RFC 7515 section 4.1.6).
    pub(crate) fn from_header(x5c: &Value) -> Result<Self, ChainError> {
        let invalid = |why: &str| ChainError::Invalid(why.to_owned());
        let entries = x5c.as_array().ok_or_else(|| invalid("`x5c` is not an array"))?;
        if entries.is_empty() || entries.len() > MAX_CERTIFICATES {
            return Err(invalid("`x5c` is empty or too long"));
        }
        let mut chain = Self { encoded: Vec::new(), parsed: Vec::new() };
        for entry in entries {
            let text = entry.as_str().ok_or_else(|| invalid("`x5c` holds something else than text"))?;
            let octets = STANDARD.decode(text).map_err(|_| invalid("`x5c` holds something else than base64"))?;
            let parsed =
                Certificate::from_der(&octets).map_err(|_| invalid("`x5c` holds something else than a certificate"))?;
            chain.parsed.push(parsed);
            chain.encoded.push(CertificateDer::from(octets));
        }
        Ok(chain)
    }

    /// The signer's key.
    pub(crate) fn leaf_key(&self) -> Result<IssuerPublicKey, ChainError> {
        IssuerPublicKey::from_spki(self.leaf().tbs_certificate().subject_public_key_info()).map_err(|error| match error
        {
            JwkError::Malformed(_) => ChainError::Invalid("the signer's certificate holds no key".to_owned()),
            JwkError::Unsupported(_) => {
                ChainError::Unsupported("the signer's certificate: ".to_owned() + &error.to_string())
            }
        })
    }

    /// Whether the chain holds together by itself: each certificate valid now, issued by the next,
    /// and the first one for signatures. Whom it leads to is not asked.
    pub(crate) fn check(&self, at: At) -> Result<(), ChainError> {
        let invalid = |why: &str| Err(ChainError::Invalid(why.to_owned()));
        for (place, certificate) in self.parsed.iter().enumerate() {
            let of = if place == 0 { "the signer's certificate" } else { "a certificate above the signer's" };
            let validity = certificate.tbs_certificate().validity();
            if seconds(validity.not_before.to_unix_duration()) > at.now.seconds().saturating_add(at.skew) {
                return invalid(&format!("{of} is not valid yet"));
            }
            if seconds(validity.not_after.to_unix_duration()) < at.now.seconds().saturating_sub(at.skew) {
                return invalid(&format!("{of} has expired"));
            }
        }
        for pair in self.parsed.windows(2) {
            if pair[0].tbs_certificate().issuer() != pair[1].tbs_certificate().subject() {
                return invalid("the certificates do not stand in the order of issuance");
            }
        }
        match self.leaf().tbs_certificate().get_extension::<KeyUsage>() {
            Ok(Some((_, usage))) if !usage.digital_signature() && !usage.non_repudiation() => {
                return invalid("the signer's certificate is not for signatures");
            }
            Ok(_) => {}
            Err(_) => return invalid("the signer's certificate has a malformed key usage"),
        }
        if let [_, .., last] = self.encoded.as_slice() {
            let anchor = webpki::anchor_from_trusted_cert(last).map_err(|error| chain_error(&error))?;
            self.path(&[anchor], at)?;
        }
        Ok(())
    }

    /// Whether the chain leads to an anchor of the app, or the signer's certificate is one.
    pub(crate) fn leads_to(&self, trust: &TrustAnchors, at: At) -> Result<(), ChainError> {
        if trust.certificates.contains(&self.encoded[0]) {
            return self.check(at);
        }
        self.path(&trust.anchors, at)
    }

    /// Whom the signer's certificate is made out to (RFC 4514), fit to be shown.
    pub(crate) fn subject(&self) -> String {
        plain_text(&self.leaf().tbs_certificate().subject().to_string()).chars().take(MAX_SUBJECT).collect()
    }

    /// Whether the signer's certificate says that it is its own issuer.
    pub(crate) fn is_self_signed(&self) -> bool {
        let leaf = self.leaf().tbs_certificate();
        leaf.issuer() == leaf.subject()
    }

    /// Whether an anchor of the app is among the certificates, as it is or in another one for the
    /// same name and key.
    pub(crate) fn holds_an_anchor(&self, trust: &TrustAnchors) -> bool {
        let identity = |certificate: &Certificate| {
            let body = certificate.tbs_certificate();
            (body.subject().clone(), body.subject_public_key_info().clone())
        };
        let anchors: Vec<_> = trust.each().map(|anchor| identity(anchor.leaf())).collect();
        self.parsed.iter().any(|certificate| anchors.contains(&identity(certificate)))
    }

    /// Whether the signer's certificate is made out to an issuer: by a subject alternative name
    /// that is its URL or its host, or by its common name if there is no alternative name.
    pub(crate) fn names(&self, issuer: &str) -> Named {
        let Ok(url) = Url::parse(issuer) else { return Named::Another };
        let Some(host) = url.host() else { return Named::Another };
        let names = match self.leaf().tbs_certificate().get_extension::<SubjectAltName>() {
            Ok(Some((_, names))) => names.0,
            Ok(None) => Vec::new(),
            Err(_) => return Named::Another,
        };
        let mut named = Named::Nobody;
        for name in &names {
            let fits = match name {
                GeneralName::UniformResourceIdentifier(uri) => fits_uri(uri.as_str(), issuer, &url),
                GeneralName::DnsName(name) => fits_host(name.as_str(), &host),
                GeneralName::IpAddress(octets) => match &host {
                    Host::Ipv4(address) => octets.as_bytes() == address.octets(),
                    Host::Ipv6(address) => octets.as_bytes() == address.octets(),
                    Host::Domain(_) => false,
                },
                // Mail addresses, directory names and the like say nothing about a URL.
                _ => continue,
            };
            if fits {
                return Named::Issuer;
            }
            named = Named::Another;
        }
        if names.is_empty()
            && let Ok(Some(common_name)) = self.leaf().tbs_certificate().subject().common_name()
        {
            let common_name = common_name.value();
            if common_name == issuer || fits_host(&common_name, &host) {
                return Named::Issuer;
            }
        }
        named
    }

    /// Whether a certificate in it was signed by itself: then it holds its own anchor, or has none.
    pub(crate) fn has_self_signed(&self) -> bool {
        self.parsed.iter().any(|certificate| {
            let certificate = certificate.tbs_certificate();
            certificate.issuer() == certificate.subject()
        })
    }

    fn leaf(&self) -> &Certificate {
        &self.parsed[0]
    }

    fn path(&self, anchors: &[TrustAnchor<'_>], at: At) -> Result<(), ChainError> {
        let leaf = EndEntityCert::try_from(&self.encoded[0]).map_err(|error| chain_error(&error))?;
        let mut outcome = self.path_at(&leaf, anchors, at.now);
        // The allowance for clocks: as if it were a little earlier or later.
        for shift in [at.skew, at.skew.saturating_neg()] {
            use webpki::Error::{CertExpired, CertNotValidYet};
            if matches!(outcome, Err(CertExpired { .. } | CertNotValidYet { .. })) {
                outcome = self.path_at(&leaf, anchors, at.now + shift);
            }
        }
        outcome.map_err(|error| chain_error(&error))
    }

    fn path_at(
        &self,
        leaf: &EndEntityCert<'_>,
        anchors: &[TrustAnchor<'_>],
        now: Timestamp,
    ) -> Result<(), webpki::Error> {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now.seconds()).unwrap_or(0)));
        leaf.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            anchors,
            &self.encoded[1..],
            now,
            AnyPurpose,
            None,
            Some(&authorities_may_sign_certificates),
        )
        .map(|_| ())
    }
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

/// The key usage of the authorities on a path, which the path builder leaves to its caller.
fn authorities_may_sign_certificates(path: &VerifiedPath<'_>) -> Result<(), webpki::Error> {
    for authority in path.intermediate_certificates() {
        let der = authority.der();
        let certificate = Certificate::from_der(&der).map_err(|_| webpki::Error::BadDer)?;
        match certificate.tbs_certificate().get_extension::<KeyUsage>() {
            Ok(Some((_, usage))) if !usage.key_cert_sign() => return Err(webpki::Error::EndEntityUsedAsCa),
            Ok(_) => {}
            Err(_) => return Err(webpki::Error::BadDer),
        }
    }
    Ok(())
}

fn chain_error(error: &webpki::Error) -> ChainError {
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

fn seconds(since_epoch: Duration) -> i64 {
    i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX)
}

fn fits_uri(name: &str, issuer: &str, issuer_url: &Url) -> bool {
    // Issuers put either their identifier there or only its origin.
    name == issuer
        || Url::parse(name).is_ok_and(|url| {
            url.has_host() && url.path() == "/" && url.query().is_none() && url.origin() == issuer_url.origin()
        })
}

fn fits_host(name: &str, host: &Host<&str>) -> bool {
    match host {
        Host::Domain(domain) => {
            let domain = domain.trim_end_matches('.');
            if let Some(parent) = name.strip_prefix("*.") {
                domain
                    .split_once('.')
                    .is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(parent))
            } else {
                name.eq_ignore_ascii_case(domain)
            }
        }
        Host::Ipv4(address) => name.parse() == Ok(IpAddr::V4(*address)),
        Host::Ipv6(address) => name.parse() == Ok(IpAddr::V6(*address)),
    }
}

#[cfg(test)]
#[path = "x509_tests.rs"]
mod tests;
