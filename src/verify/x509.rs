//! Certificate chains in headers (`x5c`, `x5chain`), and the anchors that the app trusts.
//!
//! Paths are built and checked by `webpki` after RFC 5280; what it leaves to its caller is checked here: the key
//! usage of authorities, and that an anchor vouches for nobody but itself if it is no authority, for no longer path
//! than it allows and not outside its own time.

mod document_signer;
mod path;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use der::Decode as _;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, TrustAnchor};
use serde_json::Value;
use url::{Host, Url};
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{KeyUsage, SubjectAltName};

use super::public_key::IssuerPublicKey;
use crate::model::display::plain_text;
use crate::model::jwk::JwkError;
use crate::model::time::Timestamp;

/// A certificate whose serial number may be of any form: several issuers make longer ones than RFC 5280 allows, and
/// nothing here depends on them.
type Certificate = CertificateInner<Raw>;

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
            Some(Chain { encoded: vec![encoded.clone()], parsed: vec![parsed], signs: Signs::Anything })
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

/// What one walk along a chain tells.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    /// Whether the chain holds together by itself; see [`Chain::check`].
    pub(crate) holds: Result<(), ChainError>,
    /// Whether it leads to an anchor of the app; see [`Chain::leads_to`].
    pub(crate) anchored: Result<(), ChainError>,
}

/// A certificate chain as sent: the signer's certificate first.
#[derive(Debug)]
pub(crate) struct Chain {
    encoded: Vec<CertificateDer<'static>>,
    parsed: Vec<Certificate>,
    signs: Signs,
}

/// What the signer's certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signs {
    /// No rules beyond those of all signers.
    Anything,
    /// Mobile documents: the rules of [`document_signer`].
    Documents { driving_licence: bool },
}

impl Chain {
    /// Reads an `x5c` header (RFC 7515 section 4.1.6).
    pub(crate) fn from_header(x5c: &Value) -> Result<Self, ChainError> {
        let invalid = |why: &str| ChainError::Invalid(why.to_owned());
        let entries = x5c.as_array().ok_or_else(|| invalid("`x5c` is not an array"))?;
        if entries.is_empty() || entries.len() > MAX_CERTIFICATES {
            return Err(invalid("`x5c` is empty or too long"));
        }
        let mut chain = Self { encoded: Vec::new(), parsed: Vec::new(), signs: Signs::Anything };
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

    /// Reads DER certificates, as `x5chain` has them (RFC 9360 section 2).
    pub(crate) fn from_der(certificates: &[&[u8]]) -> Result<Self, ChainError> {
        let invalid = |why: &str| ChainError::Invalid(why.to_owned());
        if certificates.is_empty() || certificates.len() > MAX_CERTIFICATES {
            return Err(invalid("`x5chain` is empty or too long"));
        }
        let mut chain = Self { encoded: Vec::new(), parsed: Vec::new(), signs: Signs::Anything };
        for octets in certificates {
            let parsed = Certificate::from_der(octets)
                .map_err(|_| invalid("`x5chain` holds something else than a certificate"))?;
            chain.parsed.push(parsed);
            chain.encoded.push(CertificateDer::from(octets.to_vec()));
        }
        Ok(chain)
    }

    /// The same chain, held to the rules for signers of mdocs wherever it leads to an anchor.
    pub(crate) fn of_document_signer(self, doctype: Option<&str>) -> Self {
        let driving_licence = doctype == Some(document_signer::DRIVING_LICENCE);
        Self { signs: Signs::Documents { driving_licence }, ..self }
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
        self.check_statements(at)?;
        self.check_signatures(at)
    }

    /// [`Self::check`] and [`Self::leads_to`] at once. Signatures cost the most by far; those on a path to an anchor
    /// are checked one time only.
    pub(crate) fn walk(&self, trust: &TrustAnchors, at: At) -> Walk {
        if trust.certificates.contains(&self.encoded[0]) {
            let holds = self.check(at);
            return Walk { anchored: holds.clone(), holds };
        }
        let path = self.path_to(trust, at);
        let is_whole = path.as_ref().is_ok_and(|path| path.is_whole);
        let signatures = || if is_whole { Ok(()) } else { self.check_signatures(at) };
        let holds = self.check_statements(at).and_then(|()| signatures());
        Walk { holds, anchored: path.and_then(|path| self.check_signer(&path)) }
    }

    /// What can be seen without a look at the signatures on certificates.
    fn check_statements(&self, at: At) -> Result<(), ChainError> {
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
            Ok(Some((_, usage)))
                if !usage.digital_signature() && !usage.non_repudiation() && !self.is_lone_authority() =>
            {
                return invalid("the signer's certificate is not for signatures");
            }
            Ok(_) => {}
            Err(_) => return invalid("the signer's certificate has a malformed key usage"),
        }
        path::no_unknown_extension(self.leaf())
    }

    /// Whether each certificate was issued by the next.
    fn check_signatures(&self, at: At) -> Result<(), ChainError> {
        if let [_, .., last] = self.encoded.as_slice() {
            let anchor = webpki::anchor_from_trusted_cert(last).map_err(|error| path::chain_error(&error))?;
            path::find(self, &[anchor], std::slice::from_ref(last), at)?;
        }
        Ok(())
    }

    /// Whether the chain leads to an anchor of the app, or the signer's certificate is one.
    pub(crate) fn leads_to(&self, trust: &TrustAnchors, at: At) -> Result<(), ChainError> {
        if trust.certificates.contains(&self.encoded[0]) {
            return self.check(at);
        }
        self.check_signer(&self.path_to(trust, at)?)
    }

    fn path_to(&self, trust: &TrustAnchors, at: At) -> Result<path::Path, ChainError> {
        path::find(self, &trust.anchors, &trust.certificates, at)
    }

    /// Whether the signer's certificate is fit for what it signs, under the anchor that it leads to.
    fn check_signer(&self, path: &path::Path) -> Result<(), ChainError> {
        match self.signs {
            Signs::Anything => Ok(()),
            Signs::Documents { driving_licence } => document_signer::check(self.leaf(), &path.anchor, driving_licence),
        }
    }

    /// From when until when the signer's certificate is valid.
    pub(crate) fn leaf_validity(&self) -> (Timestamp, Timestamp) {
        let validity = self.leaf().tbs_certificate().validity();
        let at = |since_epoch| Timestamp::from_seconds(seconds(since_epoch));
        (at(validity.not_before.to_unix_duration()), at(validity.not_after.to_unix_duration()))
    }

    /// The country in the subject of the signer's certificate, if there is one.
    pub(crate) fn country(&self) -> Option<String> {
        document_signer::country(self.leaf())
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

    /// Whether there is but one certificate, signed by itself, and its key is for signing certificates. Issuers that
    /// do without a chain make no other, and it says no more about its key than the key itself.
    fn is_lone_authority(&self) -> bool {
        self.parsed.len() == 1
            && self.is_self_signed()
            && matches!(self.leaf().tbs_certificate().get_extension::<KeyUsage>(), Ok(Some((_, usage))) if usage.key_cert_sign())
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
    /// that is its URL or, if there is no URL of the same origin, its host, or by its common name if there is no alternative name.
    pub(crate) fn names(&self, issuer: &str) -> Named {
        let Ok(url) = Url::parse(issuer) else { return Named::Another };
        let Some(host) = url.host() else { return Named::Another };
        let names = match self.leaf().tbs_certificate().get_extension::<SubjectAltName>() {
            Ok(Some((_, names))) => names.0,
            Ok(None) => Vec::new(),
            Err(_) => return Named::Another,
        };
        // Where it names addresses of that host, it is one of those that it means: others are other tenants.
        let uris = || names.iter().filter_map(uri_of);
        if uris().any(|uri| Url::parse(uri).is_ok_and(|uri| uri.has_host() && uri.origin() == url.origin())) {
            let fits = uris().any(|uri| fits_uri(uri, issuer, &url));
            return if fits { Named::Issuer } else { Named::Another };
        }
        let mut named = Named::Nobody;
        for name in &names {
            let fits = match name {
                GeneralName::UniformResourceIdentifier(_) => false,
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
}

fn seconds(since_epoch: Duration) -> i64 {
    i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX)
}

fn uri_of(name: &GeneralName) -> Option<&str> {
    match name {
        GeneralName::UniformResourceIdentifier(uri) => Some(uri.as_str()),
        _ => None,
    }
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
#[cfg(test)]
mod vector_tests;
